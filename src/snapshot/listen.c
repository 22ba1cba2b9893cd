/* listen: addresses, their options, and which virtual servers share a socket. */
#include "route/names.h"
#include "snapshot/build.h"

/* One listen directive. */
struct listen {
    struct cs_addr addr;
    struct cs_str text;
    bool tls, default_server, proxy_protocol, reuseport, ipv6only, has_options;
    int backlog;
};

/* Why @word is not an address, or NULL with the address written. */
static const char *read_address(struct cs_str word, struct cs_addr *addr)
{
    ptrdiff_t colon = cs_str_rfind(word, ':');
    struct cs_str host = CS_STR("0.0.0.0");
    uint64_t port = 80;

    if (cs_str_starts(word, CS_STR("unix:")))
        return cs_addr_parse_unix(cs_str_skip(word, 5), addr) < 0
                   ? "the socket's path is empty or too long"
                   : NULL;
    if (cs_str_to_u64(word, 65535, &port) == 0) {
        colon = -1;
    } else if (colon >= 0 && cs_str_find(cs_str_skip(word, (size_t)colon), ']') < 0) {
        host = cs_str_sub(word, 0, (size_t)colon);
        if (cs_str_to_u64(cs_str_skip(word, (size_t)colon + 1), 65535, &port) < 0)
            return "the port is not a number from 1 to 65535";
    } else {
        host = word;
    }
    if (port == 0)
        return "the port is not a number from 1 to 65535";
    if (cs_str_eq(host, CS_STR("*")) || host.len == 0)
        host = CS_STR("0.0.0.0");
    if (cs_str_eq(host, CS_STR("localhost")))
        host = CS_STR("127.0.0.1");
    if (cs_addr_parse_ip(host, (uint16_t)port, addr) < 0)
        return "the host is not an IP address";
    return NULL;
}

static bool read_number_option(struct cs_str value, int *ret)
{
    uint64_t number;

    if (cs_str_to_u64(value, 1 << 30, &number) < 0)
        return false;
    *ret = (int)number;
    return true;
}

static bool has_no_effect(struct cs_str word)
{
    static const char *const words[] = {
        "deferred",      "fastopen=", "rcvbuf=",        "sndbuf=",  "setfib=",
        "so_keepalive=", "bind",      "accept_filter=", "multipath"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (cs_str_starts(word, cs_str_from(words[i])))
            return true;
    }
    return false;
}

static void read_option(struct cs_build *build, const struct cs_directive *d,
                        const struct cs_word *word, struct listen *listen)
{
    struct cs_str value = word->text, key = cs_str_cut(&value, '=');

    if (cs_str_eq(word->text, CS_STR("ssl")))
        listen->tls = true;
    else if (cs_str_eq(word->text, CS_STR("default_server")) ||
             cs_str_eq(word->text, CS_STR("default")))
        listen->default_server = true;
    else if (cs_str_eq(word->text, CS_STR("proxy_protocol")))
        listen->proxy_protocol = true;
    else if (cs_str_eq(word->text, CS_STR("reuseport")))
        listen->reuseport = listen->has_options = true;
    else if (cs_str_eq(key, CS_STR("backlog")) && read_number_option(value, &listen->backlog))
        listen->has_options = true;
    else if (cs_str_eq(key, CS_STR("ipv6only")) &&
             (cs_str_eq(value, CS_STR("on")) || cs_str_eq(value, CS_STR("off")))) {
        listen->ipv6only = cs_str_eq(value, CS_STR("on"));
        listen->has_options = true;
    } else if (cs_str_eq(word->text, CS_STR("http2")))
        CS_FIND(build->findings, &cs_finding_parameter_no_effect, &word->place, word->text, d->name,
                CS_STR("HTTP/2 is not there yet; clients get HTTP/1.1 by ALPN"));
    else if (has_no_effect(word->text))
        CS_FIND(build->findings, &cs_finding_parameter_no_effect, &word->place, word->text, d->name,
                CS_STR("the socket's defaults are kept"));
    else if (cs_str_eq(word->text, CS_STR("quic")))
        CS_FIND(build->findings, &cs_finding_unsupported_parameter, &word->place, word->text,
                d->name, CS_STR("HTTP/3 is not there yet"));
    else
        CS_FIND(build->findings, &cs_finding_bad_parameter, &word->place, word->text, d->name,
                CS_STR("ssl, default_server, proxy_protocol, reuseport, backlog=, ipv6only="));
}

static struct cs_listener *find_listener(struct cs_build *build, const struct cs_addr *addr)
{
    for (size_t i = 0; i < build->snapshot->n_listeners; i++) {
        if (cs_addr_eq(&build->snapshot->listeners[i].addr, addr))
            return &build->snapshot->listeners[i];
    }
    return NULL;
}

static struct cs_listener *add_listener(struct cs_build *build, const struct listen *listen)
{
    struct cs_snapshot *s = build->snapshot;
    struct cs_listener *grown = cs_arena_array(build->arena, s->n_listeners + 1, sizeof(*grown));
    struct cs_listener *listener;
    char text[CS_ADDR_TEXT];

    if (s->n_listeners)
        memcpy(grown, s->listeners, s->n_listeners * sizeof(*grown));
    s->listeners = grown;
    listener = &grown[s->n_listeners++];
    *listener = (struct cs_listener){.addr = listen->addr,
                                     .tls = listen->tls,
                                     .proxy_protocol = listen->proxy_protocol,
                                     .reuseport = listen->reuseport,
                                     .ipv6only = listen->ipv6only,
                                     .backlog = listen->backlog};
    listener->text = cs_arena_dup(build->arena, cs_addr_text(&listen->addr, text));
    listener->names = cs_names_new(listener->text);
    cs_build_own(build, CS_OWNED_NAMES, listener->names);
    return listener;
}

static void set_default(struct cs_build *build, struct cs_listener *listener,
                        struct cs_vserver *server, const struct cs_word *word, bool explicit)
{
    if (explicit && listener->default_is_explicit) {
        CS_FIND(build->findings, &cs_finding_duplicate_default, &word->place, listener->text,
                cs_arena_printf(build->arena, "%.*s:%u",
                                CS_FMT(listener->default_server->place.file),
                                listener->default_server->place.line));
        return;
    }
    if (!listener->default_server || explicit)
        listener->default_server = server;
    listener->default_is_explicit |= explicit;
}

static void add_names(struct cs_build *build, struct cs_listener *listener,
                      struct cs_vserver *server)
{
    for (size_t i = 0; i < server->n_names; i++) {
        if (cs_names_add(listener->names, server->names[i].text, server, &server->names[i].place,
                         build->findings) < 0)
            return;
    }
}

static void join(struct cs_build *build, const struct listen *listen, struct cs_vserver *server,
                 const struct cs_word *word)
{
    struct cs_listener *listener = find_listener(build, &listen->addr);

    if (!listener) {
        listener = add_listener(build, listen);
    } else {
        if (listener->last_server == server) {
            CS_FIND(build->findings, &cs_finding_duplicate_listen, &word->place, listener->text);
            return;
        }
        if (listener->tls != listen->tls)
            CS_FIND(build->findings, &cs_finding_listen_tls_differs, &word->place, listener->text);
        if (listen->has_options)
            CS_FIND(build->findings, &cs_finding_listen_options_differ, &word->place,
                    listener->text);
        listener->tls |= listen->tls;
        listener->proxy_protocol |= listen->proxy_protocol;
    }
    listener->last_server = server;
    set_default(build, listener, server, word, listen->default_server);
    add_names(build, listener, server);
    server->listens_tls |= listen->tls;
    server->listens_plain |= !listen->tls;
}

static void build_listen(struct cs_build *build, const struct cs_directive *d,
                         struct cs_vserver *server)
{
    struct listen listen = {.backlog = 511, .ipv6only = true};
    const char *why = read_address(d->args[0].text, &listen.addr);

    if (why) {
        CS_FIND(build->findings, &cs_finding_bad_listen, &d->args[0].place, d->args[0].text,
                cs_str_from(why));
        return;
    }
    for (size_t i = 1; i < d->n_args; i++)
        read_option(build, d, &d->args[i], &listen);
    join(build, &listen, server, &d->args[0]);
}

void cs_build_listens(struct cs_build *build, const struct cs_block *block,
                      struct cs_vserver *server)
{
    const struct cs_directive *d = cs_block_find(block, "listen");
    struct listen standard = {.backlog = 511};
    struct cs_word word = {CS_STR("80"), server->place, false};

    for (; d; d = cs_block_next(d)) {
        if (d->n_args)
            build_listen(build, d, server);
    }
    if (cs_block_find(block, "listen"))
        return;
    read_address(build->options->unprivileged ? CS_STR("8000") : CS_STR("80"), &standard.addr);
    join(build, &standard, server, &word);
}
