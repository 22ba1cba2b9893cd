/* What is not plainly a name or address, a port and a path is refused, so that we and the library
 * that connects cannot disagree about where an address leads. */
#include "enrol/url.h"

#include "base/addr.h"

static bool is_visible(struct cs_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~' || text.ptr[i] == '\\')
            return false;
    }
    return true;
}

static bool is_host_name(struct cs_str host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = cs_lower(host.ptr[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'))
            return false;
    }
    return host.len > 0 && host.len <= 253 && host.ptr[0] != '-' && host.ptr[0] != '.';
}

static bool is_port(struct cs_str port)
{
    uint64_t number;

    return cs_str_to_u64(port, 65535, &number) == 0 && number > 0;
}

/* "[::1]:443" into host and port. */
static const char *take_bracketed(struct cs_str authority, struct cs_url *url)
{
    ptrdiff_t end = cs_str_find(authority, ']');
    struct cs_str rest = cs_str_skip(authority, end < 0 ? authority.len : (size_t)end + 1);
    struct cs_addr addr;

    if (end < 0 || cs_addr_parse_ip(cs_str_sub(authority, 0, (size_t)end + 1), 0, &addr) < 0)
        return "has no address between its brackets";
    url->host = cs_str_sub(authority, 1, (size_t)end - 1);
    if (!rest.len)
        return NULL;
    url->port = cs_str_skip(rest, 1);
    return rest.ptr[0] == ':' && is_port(url->port) ? NULL : "has no port number behind its host";
}

static const char *take_authority(struct cs_str authority, struct cs_url *url)
{
    ptrdiff_t colon = cs_str_find(authority, ':');

    if (cs_str_find(authority, '@') >= 0)
        return "may not name a user";
    if (authority.len && authority.ptr[0] == '[')
        return take_bracketed(authority, url);
    url->host = colon < 0 ? authority : cs_str_sub(authority, 0, (size_t)colon);
    if (!is_host_name(url->host))
        return "names no host";
    if (colon < 0)
        return NULL;
    url->port = cs_str_skip(authority, (size_t)colon + 1);
    return is_port(url->port) ? NULL : "has no port number behind its host";
}

static size_t authority_len(struct cs_str text)
{
    size_t len = 0;

    while (len < text.len && text.ptr[len] != '/' && text.ptr[len] != '?' && text.ptr[len] != '#')
        len++;
    return len;
}

const char *cs_url_parse(struct cs_str text, struct cs_url *ret_url)
{
    struct cs_url url = {.https = cs_str_starts(text, CS_STR("https://"))};
    struct cs_str rest = cs_str_skip(text, url.https ? 8 : 7);
    size_t len = authority_len(rest);
    const char *why;

    if (!url.https && !cs_str_starts(text, CS_STR("http://")))
        return "does not begin with http:// or https://";
    if (text.len > CS_URL_MAX)
        return "is too long";
    if (!is_visible(text))
        return "has characters that an address may not have";
    url.path = cs_str_skip(rest, len);
    why = take_authority(cs_str_sub(rest, 0, len), &url);
    if (!why)
        *ret_url = url;
    return why;
}

struct cs_str cs_url_join(struct cs_str base, struct cs_str path, struct cs_arena *arena)
{
    while (base.len && base.ptr[base.len - 1] == '/')
        base.len--;
    return cs_arena_cat(arena, base, path);
}
