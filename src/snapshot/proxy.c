/* proxy_pass and what goes with it: the URL taken apart, headers in their final form. */
#include "http/headers.h"
#include "snapshot/build.h"

#include <ctype.h>

/* Whether a path in proxy_pass has a location prefix to replace. */
static bool has_plain_prefix(const struct cs_block *block)
{
    struct cs_str first;

    if (block->context != CS_CTX_LOCATION || !block->owner)
        return false;
    first = cs_directive_arg(block->owner, 0);
    return first.len && first.ptr[0] != '~' && first.ptr[0] != '@';
}

/* "http://…" or "https://…" off the front. */
static bool read_scheme(struct cs_str *url, bool *ret_tls)
{
    if (cs_str_starts_nocase(*url, CS_STR("http://"))) {
        *ret_tls = false;
        *url = cs_str_skip(*url, 7);
        return true;
    }
    if (cs_str_starts_nocase(*url, CS_STR("https://"))) {
        *ret_tls = true;
        *url = cs_str_skip(*url, 8);
        return true;
    }
    return false;
}

/* Whether @text begins with a variable that always begins with "/". */
static bool is_path(struct cs_str text)
{
    static const struct cs_str names[] = {
        CS_STR_INIT("$request_uri"),   CS_STR_INIT("$uri"),   CS_STR_INIT("$document_uri"),
        CS_STR_INIT("${request_uri}"), CS_STR_INIT("${uri}"), CS_STR_INIT("${document_uri}")};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char next = text.len > names[i].len ? text.ptr[names[i].len] : '\0';
        if (cs_str_starts(text, names[i]) && next != '_' && !isalnum((unsigned char)next))
            return true;
    }
    return false;
}

/* Where the authority ends and the path begins; url.len when there is no path. */
static size_t authority_length(struct cs_str url)
{
    if (cs_str_starts(url, CS_STR("unix:"))) {
        ptrdiff_t colon = cs_str_find(cs_str_skip(url, 5), ':');
        return colon < 0 ? url.len : 5 + (size_t)colon;
    }
    for (size_t i = 0; i < url.len; i++) {
        if (url.ptr[i] == '/' || url.ptr[i] == '?' || (i && is_path(cs_str_skip(url, i))))
            return i;
    }
    return url.len;
}

static void set_url(struct cs_build *build, const struct cs_block *block, struct cs_proxy *proxy,
                    const struct cs_word *word, struct cs_str path)
{
    if (path.len && path.ptr[0] == ':') /* after a unix socket */
        path = cs_str_skip(path, 1);
    if (path.len == 0)
        return;
    proxy->has_uri = true;
    proxy->uri =
        cs_variables_compile_text(build->snapshot->variables, path, &word->place, build->findings);
    proxy->uri_has_variables = !cs_template_is_literal(&proxy->uri);
    if (!has_plain_prefix(block) && !proxy->uri_has_variables)
        CS_FIND0(build->findings, &cs_finding_proxy_uri_regex, &word->place);
}

static uint16_t port_of(struct cs_str authority, uint16_t fallback)
{
    ptrdiff_t colon = cs_str_rfind(authority, ':');
    uint64_t port = fallback;

    if (colon >= 0)
        cs_str_to_u64(cs_str_skip(authority, (size_t)colon + 1), 65535, &port);
    return (uint16_t)port;
}

static void add_set_header(struct cs_build *build, struct cs_proxy *proxy, struct cs_str name,
                           const char *text)
{
    for (size_t i = 0; i < proxy->n_set; i++) {
        if (cs_str_eq_nocase(proxy->set[i].name, name))
            return;
    }
    proxy->set[proxy->n_set++] = (struct cs_header_rule){
        .name = name,
        .known = cs_header_lookup(name),
        .value = cs_variables_compile_text(build->snapshot->variables, cs_str_from(text), NULL,
                                           build->findings)};
}

static void build_set_headers(struct cs_build *build, const struct cs_scope *scope,
                              struct cs_proxy *proxy)
{
    const struct cs_directive_list *list = &scope->set.proxy_set_header;

    proxy->set = cs_arena_array(build->arena, list->n + 2, sizeof(*proxy->set));
    for (size_t i = 0; i < list->n; i++) {
        const struct cs_directive *d = list->items[i];
        if (!cs_header_name_valid(d->args[0].text)) {
            CS_FIND(build->findings, &cs_finding_bad_header, &d->args[0].place, d->args[0].text);
            continue;
        }
        proxy->set[proxy->n_set++] =
            (struct cs_header_rule){.name = d->args[0].text,
                                    .known = cs_header_lookup(d->args[0].text),
                                    .value = cs_variables_compile(build->snapshot->variables,
                                                                  &d->args[1], build->findings)};
    }
    add_set_header(build, proxy, CS_STR("Host"), "$proxy_host");
    add_set_header(build, proxy, CS_STR("Connection"),
                   scope->set.proxy_http_version == 10 ? "close" : "");
}

static bool listed(const struct cs_directive_list *list, struct cs_str name)
{
    for (size_t i = 0; i < list->n; i++) {
        if (cs_str_eq_nocase(cs_directive_arg(list->items[i], 0), name))
            return true;
    }
    return false;
}

static void build_hidden(struct cs_build *build, const struct cs_scope *scope,
                         struct cs_proxy *proxy)
{
    static const char *const standard[] = {"Date",
                                           "Server",
                                           "X-Pad",
                                           "X-Accel-Expires",
                                           "X-Accel-Redirect",
                                           "X-Accel-Limit-Rate",
                                           "X-Accel-Buffering",
                                           "X-Accel-Charset"};
    const struct cs_directive_list *hide = &scope->set.proxy_hide_header;
    size_t n = sizeof(standard) / sizeof(standard[0]);

    proxy->hide = cs_arena_array(build->arena, n + hide->n, sizeof(*proxy->hide));
    for (size_t i = 0; i < n; i++) {
        if (!listed(&scope->set.proxy_pass_header, cs_str_from(standard[i])))
            proxy->hide[proxy->n_hide++] = cs_str_from(standard[i]);
    }
    for (size_t i = 0; i < hide->n; i++)
        proxy->hide[proxy->n_hide++] = cs_directive_arg(hide->items[i], 0);
}

/* `default`: the upstream's own URL becomes the location's path. */
static void default_redirect(struct cs_build *build, const struct cs_scope *scope,
                             struct cs_proxy *proxy, const struct cs_directive *written)
{
    struct cs_redirect_rule *rule = &proxy->redirects[proxy->n_redirects];
    struct cs_str to = scope->pattern;

    if (proxy->uri_has_variables) {
        if (written)
            CS_FIND(build->findings, &cs_finding_bad_redirect, &written->place,
                    CS_STR("the URL of proxy_pass has variables"));
        return;
    }
    if (!proxy->has_uri)
        to = CS_STR("/");
    rule->from = cs_variables_compile_text(
        build->snapshot->variables,
        proxy->has_uri ? proxy->url : cs_arena_cat(build->arena, proxy->url, CS_STR("/")), NULL,
        build->findings);
    rule->to = cs_variables_compile_text(build->snapshot->variables, to, NULL, build->findings);
    proxy->n_redirects++;
}

static void build_redirects(struct cs_build *build, const struct cs_scope *scope,
                            struct cs_proxy *proxy)
{
    const struct cs_directive_list *list = &scope->set.proxy_redirect;

    proxy->redirects = cs_arena_array(build->arena, list->n + 1, sizeof(*proxy->redirects));
    if (list->n == 0)
        default_redirect(build, scope, proxy, NULL);
    for (size_t i = 0; i < list->n; i++) {
        const struct cs_directive *d = list->items[i];
        struct cs_redirect_rule *rule = &proxy->redirects[proxy->n_redirects];
        if (d->n_args == 1 && cs_str_eq(d->args[0].text, CS_STR("off"))) {
            proxy->n_redirects = 0;
            return;
        }
        if (d->n_args == 1 && cs_str_eq(d->args[0].text, CS_STR("default"))) {
            default_redirect(build, scope, proxy, d);
        } else if (d->n_args == 2 && d->args[0].text.len && d->args[0].text.ptr[0] != '~') {
            rule->from =
                cs_variables_compile(build->snapshot->variables, &d->args[0], build->findings);
            rule->to =
                cs_variables_compile(build->snapshot->variables, &d->args[1], build->findings);
            proxy->n_redirects++;
        } else {
            CS_FIND(build->findings, &cs_finding_bad_redirect, &d->place,
                    d->args[0].text.len && d->args[0].text.ptr[0] == '~'
                        ? CS_STR("regular expressions are not supported here")
                        : CS_STR("a prefix needs its replacement"));
        }
    }
}

/* proxy_pass is not inherited, but an if in a location goes on where its location would. */
static const struct cs_directive *find_pass(const struct cs_block *block)
{
    const struct cs_directive *d = cs_block_find(block, "proxy_pass");

    if (!d && block->context == CS_CTX_LOCATION_IF && block->parent)
        return find_pass(block->parent);
    return d;
}

void cs_build_proxy(struct cs_build *build, const struct cs_block *block, struct cs_scope *scope)
{
    const struct cs_directive *d = find_pass(block);
    struct cs_proxy *proxy;
    struct cs_str rest, authority;
    bool tls = false;

    if (!d || d->n_args != 1)
        return;
    rest = d->args[0].text;
    if (!read_scheme(&rest, &tls)) {
        CS_FIND(build->findings, &cs_finding_bad_url, &d->args[0].place, d->args[0].text,
                CS_STR("invalid URL prefix"));
        return;
    }
    authority = cs_str_sub(rest, 0, authority_length(rest));
    if (cs_str_find(authority, '$') >= 0) {
        CS_FIND0(build->findings, &cs_finding_url_variable, &d->args[0].place);
        return;
    }
    if (authority.len == 0) {
        CS_FIND(build->findings, &cs_finding_bad_url, &d->args[0].place, d->args[0].text,
                CS_STR("no host"));
        return;
    }
    proxy = CS_ARENA_NEW(build->arena, struct cs_proxy);
    proxy->url = d->args[0].text;
    proxy->host = cs_str_starts(authority, CS_STR("unix:")) ? CS_STR("localhost") : authority;
    proxy->port = port_of(authority, tls ? 443 : 80);
    proxy->prefix_len = scope->pattern.len;
    set_url(build, d->parent, proxy, &d->args[0], cs_str_skip(rest, authority.len));
    proxy->upstream = cs_build_upstream_for(build, authority, tls ? 443 : 80, &d->args[0]);
    build_set_headers(build, scope, proxy);
    build_hidden(build, scope, proxy);
    build_redirects(build, scope, proxy);
    if (tls)
        proxy->tls = cs_build_upstream_tls(build, scope->server, block, proxy);
    if (!proxy->upstream)
        return;
    scope->proxy = proxy;
    scope->server->proxies = true;
}
