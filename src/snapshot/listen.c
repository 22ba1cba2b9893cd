/* listen: addresses, their options, and which virtual servers share a socket. */
#include "route/names.h"
#include "snapshot/build.h"

/* One listen directive. */
struct listen {
    struct cs_addr addr;
    struct cs_str text;
    bool tls, default_server, proxy_protocol, reuseport, ipv6only, deferred, has_options;
    int backlog;
};

/* Place of a listener among the snapshot's, for the map. */
struct cs_listener_number {
    size_t number;
};

#define BAD_PORT "invalid port"

static bool is_number(struct cs_str word)
{
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] < '0' || word.ptr[i] > '9')
            return false;
    }
    return word.len > 0;
}

/* "host:port" or "host" apart; a lone number is a port. Return: whether the port is one. */
static bool split_host(struct cs_str word, struct cs_str *host, uint64_t *port)
{
    ptrdiff_t colon = cs_str_rfind(word, ':');
    struct cs_str digits = {0};

    *host = word;
    if (is_number(word)) {
        *host = CS_STR("*");
        digits = word;
    } else if (colon >= 0 && cs_str_find(cs_str_skip(word, (size_t)colon), ']') < 0) {
        *host = cs_str_sub(word, 0, (size_t)colon);
        digits = cs_str_skip(word, (size_t)colon + 1);
    } else {
        return true;
    }
    return cs_str_to_u64(digits, 65535, port) == 0 && *port != 0;
}

const char *cs_build_address(struct cs_str word, struct cs_addr *addr)
{
    struct cs_str host;
    uint64_t port = 80;

    if (cs_str_starts(word, CS_STR("unix:")))
        return cs_addr_parse_unix(cs_str_skip(word, 5), addr) < 0
                   ? "a path that is empty or too long"
                   : NULL;
    if (!split_host(word, &host, &port))
        return BAD_PORT;
    if (host.len == 0)
        return "no host";
    if (host.ptr[0] != '[' && cs_str_find(host, ':') >= 0)
        return "an IPv6 address without brackets";
    if (cs_str_eq(host, CS_STR("*")))
        host = CS_STR("0.0.0.0");
    if (cs_str_eq(host, CS_STR("localhost")))
        host = CS_STR("127.0.0.1");
    if (cs_addr_parse_ip(host, (uint16_t)port, addr) < 0)
        return "not an IP address";
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
    static const char *const words[] = {"fastopen=",     "rcvbuf=", "sndbuf=",        "setfib=",
                                        "so_keepalive=", "bind",    "accept_filter=", "multipath"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct cs_str known = cs_str_from(words[i]);
        bool valued = known.ptr[known.len - 1] == '=';
        if (valued ? cs_str_starts(word, known) : cs_str_eq(word, known))
            return true;
    }
    return false;
}

/* Connections are handed over when their client has sent something. */
static void read_deferred(struct cs_build *build, const struct cs_directive *d,
                          const struct cs_word *word, struct listen *listen)
{
    listen->has_options = true;
    listen->deferred = listen->addr.sa.sa_family != AF_UNIX;
    if (!listen->deferred)
        CS_FIND(build->findings, &cs_finding_parameter_no_effect, &word->place, word->text, d->name,
                CS_STR("the kernel defers TCP connections only"));
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
    else if (cs_str_eq(word->text, CS_STR("deferred")))
        read_deferred(build, d, word, listen);
    else if (cs_str_eq(key, CS_STR("backlog")) && read_number_option(value, &listen->backlog) &&
             listen->backlog > 0)
        listen->has_options = true;
    else if (cs_str_eq(key, CS_STR("ipv6only")) &&
             (cs_str_eq(value, CS_STR("on")) || cs_str_eq(value, CS_STR("off")))) {
        listen->ipv6only = cs_str_eq(value, CS_STR("on"));
        listen->has_options = true;
    } else if (cs_str_eq(word->text, CS_STR("http2")))
        CS_FIND(build->findings, &cs_finding_parameter_no_effect, &word->place, word->text, d->name,
                CS_STR("HTTP/2 is not there yet; clients get HTTP/1.1 by ALPN"));
    else if (has_no_effect(word->text)) {
        listen->has_options = true;
        CS_FIND(build->findings, &cs_finding_parameter_no_effect, &word->place, word->text, d->name,
                CS_STR("the socket's defaults are kept"));
    } else if (cs_str_eq(word->text, CS_STR("quic")))
        CS_FIND(build->findings, &cs_finding_unsupported_parameter, &word->place, word->text,
                d->name, CS_STR("HTTP/3 is not there yet"));
    else
        CS_FIND(build->findings, &cs_finding_bad_parameter, &word->place, word->text, d->name,
                CS_STR("ssl, default_server, proxy_protocol, reuseport, deferred, backlog=, "
                       "ipv6only="));
}

static struct cs_listener *find_listener(struct cs_build *build, const struct cs_addr *addr)
{
    char text[CS_ADDR_TEXT];
    struct cs_listener_number *known = cs_map_get(&build->listeners, cs_addr_text(addr, text));

    return known ? &build->snapshot->listeners[known->number] : NULL;
}

static void set_options(struct cs_listener *listener, const struct listen *listen)
{
    listener->reuseport = listen->reuseport;
    listener->ipv6only = listen->ipv6only;
    listener->backlog = listen->backlog;
    listener->deferred = listen->deferred;
    listener->has_options = listen->has_options;
}

static struct cs_listener *add_listener(struct cs_build *build, const struct listen *listen)
{
    struct cs_snapshot *s = build->snapshot;
    struct cs_listener_number *number = CS_ARENA_NEW(build->arena, struct cs_listener_number);
    struct cs_listener *listener;
    char text[CS_ADDR_TEXT];

    number->number = s->n_listeners;
    s->listeners = cs_build_grow(build, s->listeners, s->n_listeners, sizeof(*s->listeners));
    listener = &s->listeners[s->n_listeners++];
    *listener = (struct cs_listener){
        .addr = listen->addr, .tls = listen->tls, .proxy_protocol = listen->proxy_protocol};
    set_options(listener, listen);
    listener->text = cs_arena_dup(build->arena, cs_addr_text(&listen->addr, text));
    listener->names = cs_names_new(listener->text);
    cs_build_own(build, CS_OWNED_NAMES, listener->names);
    cs_map_set(&build->listeners, listener->text, number);
    return listener;
}

/* What a further listen on the same socket says about it. */
static void agree(struct cs_build *build, struct cs_listener *listener, const struct listen *listen,
                  const struct cs_word *word)
{
    if (listener->tls != listen->tls)
        CS_FIND(build->findings, &cs_finding_listen_tls_differs, &word->place, listener->text);
    if (listener->proxy_protocol != listen->proxy_protocol)
        CS_FIND(build->findings, &cs_finding_listen_proxy_protocol_differs, &word->place,
                listener->text);
    if (listen->has_options && listener->has_options)
        CS_FIND(build->findings, &cs_finding_listen_options_duplicate, &word->place,
                listener->text);
    else if (listen->has_options)
        set_options(listener, listen);
    listener->tls |= listen->tls;
    listener->proxy_protocol |= listen->proxy_protocol;
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
    struct cs_listener_server *link;

    if (!listener) {
        listener = add_listener(build, listen);
    } else {
        if (listener->last_server == server) {
            CS_FIND(build->findings, &cs_finding_duplicate_listen, &word->place, listener->text);
            return;
        }
        agree(build, listener, listen, word);
    }
    listener->last_server = server;
    link = CS_ARENA_NEW(build->arena, struct cs_listener_server);
    *link = (struct cs_listener_server){server, listener->servers};
    listener->servers = link;
    set_default(build, listener, server, word, listen->default_server);
    add_names(build, listener, server);
    build->joins = cs_build_grow(build, build->joins, build->n_joins, sizeof(*build->joins));
    build->joins[build->n_joins++] =
        (struct cs_join){server, (size_t)(listener - build->snapshot->listeners)};
}

void cs_build_listen_kinds(struct cs_build *build)
{
    for (size_t i = 0; i < build->n_joins; i++) {
        const struct cs_join *join = &build->joins[i];
        bool tls = build->snapshot->listeners[join->listener].tls;
        join->server->listens_tls |= tls;
        join->server->listens_plain |= !tls;
    }
}

static void build_listen(struct cs_build *build, const struct cs_directive *d,
                         struct cs_vserver *server)
{
    struct listen listen = {.backlog = 511, .ipv6only = true};
    const char *why = cs_build_address(d->args[0].text, &listen.addr);

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
    struct listen standard = {.backlog = 511, .ipv6only = true};
    struct cs_word word = {CS_STR("80"), server->place, false};

    for (; d; d = cs_block_next(d)) {
        if (d->n_args)
            build_listen(build, d, server);
    }
    if (cs_block_find(block, "listen"))
        return;
    cs_build_address(build->options->unprivileged ? CS_STR("8000") : CS_STR("80"), &standard.addr);
    join(build, &standard, server, &word);
}
