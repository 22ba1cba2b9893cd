/* A host is checked before it is compared: what is left over after the check has one spelling
 * per name, so a byte comparison decides. */
#include "http/host.h"

#include "base/addr.h"
#include "http/chars.h"

#include <errno.h>

#define MAX_NAME 253

static int split_port(struct cs_str port, struct cs_authority *ret)
{
    uint64_t number;

    if (!port.len)
        return 0;
    if (port.len > 5 || cs_str_to_u64(port, 65535, &number) < 0)
        return -EINVAL;
    ret->port = port;
    ret->port_number = (uint16_t)number;
    return 0;
}

static bool is_ip6_literal(struct cs_str text)
{
    struct cs_addr addr;

    return text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']' &&
           cs_addr_parse_ip(text, 0, &addr) == 0 && addr.sa.sa_family == AF_INET6;
}

/* Where the host ends: at the first colon, or behind the bracket that closes a literal. */
static size_t host_len(struct cs_str text)
{
    ptrdiff_t end = cs_str_find(text, text.len && text.ptr[0] == '[' ? ']' : ':');

    if (end < 0)
        return text.len;
    return text.ptr[0] == '[' ? (size_t)end + 1 : (size_t)end;
}

int cs_authority_split(struct cs_str text, struct cs_authority *ret)
{
    struct cs_authority a = {0};
    size_t len = host_len(text);
    struct cs_str rest = cs_str_skip(text, len);

    a.host = cs_str_sub(text, 0, len);
    if (!len || (!cs_chars_all(a.host, CS_CHAR_HOST) && !is_ip6_literal(a.host)))
        return -EINVAL;
    if (rest.len && (rest.ptr[0] != ':' || split_port(cs_str_skip(rest, 1), &a) < 0))
        return -EINVAL;
    *ret = a;
    return 0;
}

static int canon_ip6(struct cs_str host, char buf[CS_HOST_TEXT], struct cs_str *ret)
{
    char text[CS_ADDR_TEXT];
    struct cs_addr addr;
    struct cs_str ip;

    if (!is_ip6_literal(host) || cs_addr_parse_ip(host, 0, &addr) < 0)
        return -EINVAL;
    ip = cs_addr_ip_text(&addr, text);
    buf[0] = '[';
    memcpy(buf + 1, ip.ptr, ip.len);
    buf[1 + ip.len] = ']';
    *ret = cs_str_make(buf, ip.len + 2);
    return 0;
}

static bool has_empty_label(struct cs_str name)
{
    return name.ptr[0] == '.' || name.ptr[name.len - 1] == '.' ||
           cs_str_search(name, CS_STR("..")) >= 0;
}

int cs_host_canon(struct cs_str host, char buf[CS_HOST_TEXT], struct cs_str *ret)
{
    if (host.len && host.ptr[0] == '[')
        return canon_ip6(host, buf, ret);
    if (host.len && host.ptr[host.len - 1] == '.')
        host.len--;
    if (!host.len || host.len > MAX_NAME || !cs_chars_all(host, CS_CHAR_HOST) ||
        has_empty_label(host))
        return -EINVAL;
    for (size_t i = 0; i < host.len; i++)
        buf[i] = cs_lower(host.ptr[i]);
    *ret = cs_str_make(buf, host.len);
    return 0;
}
