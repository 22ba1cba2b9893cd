/* upstream blocks, and the upstreams that proxy_pass implies. Names are looked up here, once:
 * a worker never asks a name server. */
#include <errno.h>

#include "config/value.h"
#include "io/socket.h"
#include "snapshot/build.h"

static struct cs_upstream *add_upstream(struct cs_build *build, struct cs_str name,
                                        const struct cs_place *place)
{
    struct cs_snapshot *s = build->snapshot;
    struct cs_upstream *upstream = CS_ARENA_NEW(build->arena, struct cs_upstream);

    s->upstreams = cs_build_grow(build, s->upstreams, s->n_upstreams, sizeof(*s->upstreams));
    *upstream = (struct cs_upstream){.name = name,
                                     .index = s->n_upstreams,
                                     .keepalive = 32,
                                     .keepalive_timeout_ms = 60000,
                                     .keepalive_requests = 1000,
                                     .keepalive_time_ms = 3600000,
                                     .place = *place};
    s->upstreams[s->n_upstreams++] = upstream;
    cs_map_set(&build->upstreams, cs_build_lower(build, name), upstream);
    return upstream;
}

static void add_peer(struct cs_build *build, struct cs_upstream *upstream,
                     const struct cs_upstream_peer *peer)
{
    struct cs_upstream_peer *added;
    char text[CS_ADDR_TEXT];

    upstream->peers =
        cs_build_grow(build, upstream->peers, upstream->n_peers, sizeof(*upstream->peers));
    added = &upstream->peers[upstream->n_peers++];
    *added = *peer;
    added->name = cs_arena_dup(build->arena, cs_addr_text(&peer->addr, text));
}

bool cs_build_authority(struct cs_str authority, uint16_t default_port, struct cs_str *ret_host,
                        uint16_t *ret_port)
{
    ptrdiff_t colon = cs_str_rfind(authority, ':');
    uint64_t port = default_port;

    if (colon >= 0 && cs_str_find(cs_str_skip(authority, (size_t)colon), ']') < 0) {
        if (cs_str_to_u64(cs_str_skip(authority, (size_t)colon + 1), 65535, &port) < 0 || port == 0)
            return false;
        authority = cs_str_sub(authority, 0, (size_t)colon);
    }
    *ret_host = authority;
    *ret_port = (uint16_t)port;
    return authority.len > 0;
}

int cs_build_resolve(struct cs_build *build, struct cs_str host, uint16_t port,
                     struct cs_addr **ret_addrs, size_t *ret_n, struct cs_str *ret_why)
{
    int r = (build->options->resolve ? build->options->resolve
                                     : cs_resolve)(host, port, build->arena, ret_addrs, ret_n);

    if (r < 0)
        *ret_why = cs_str_from(r == -ENOENT ? "no such host" : strerror(-r));
    return r;
}

/* One peer for each address of @authority, otherwise like @model. */
static void add_resolved(struct cs_build *build, struct cs_upstream *upstream,
                         struct cs_str authority, uint16_t default_port,
                         const struct cs_upstream_peer *model, const struct cs_word *word)
{
    struct cs_upstream_peer peer = *model;
    struct cs_addr *found = NULL;
    struct cs_str host, why;
    uint16_t port;
    size_t n = 0;
    int r;

    if (cs_str_starts(authority, CS_STR("unix:"))) {
        if (cs_addr_parse_unix(cs_str_skip(authority, 5), &peer.addr) < 0)
            CS_FIND(build->findings, &cs_finding_host_not_found, &word->place, authority,
                    CS_STR("the socket's path is empty or too long"));
        else
            add_peer(build, upstream, &peer);
        return;
    }
    if (!cs_build_authority(authority, default_port, &host, &port)) {
        CS_FIND(build->findings, &cs_finding_host_not_found, &word->place, authority,
                CS_STR("the port is not a number from 1 to 65535"));
        return;
    }
    r = cs_build_resolve(build, host, port, &found, &n, &why);
    if (r < 0)
        CS_FIND(build->findings, &cs_finding_host_not_found, &word->place, host, why);
    for (size_t i = 0; r == 0 && i < n; i++) {
        peer.addr = found[i];
        add_peer(build, upstream, &peer);
    }
}

static bool peer_parameter(struct cs_str word, struct cs_upstream_peer *peer)
{
    struct cs_str value = word, key = cs_str_cut(&value, '=');
    uint64_t number = 0;

    if (cs_str_eq(word, CS_STR("backup")))
        return peer->backup = true;
    if (cs_str_eq(word, CS_STR("down")))
        return peer->down = true;
    if (!value.ptr)
        return false;
    if (cs_str_eq(key, CS_STR("fail_timeout")))
        return cs_value_msec(value, &peer->fail_timeout_ms) == 0;
    if (cs_str_to_u64(value, 1000000, &number) < 0)
        return false;
    if (cs_str_eq(key, CS_STR("weight")) && number > 0)
        peer->weight = (unsigned)number;
    else if (cs_str_eq(key, CS_STR("max_fails")))
        peer->max_fails = (unsigned)number;
    else
        return false;
    return true;
}

static void build_server(struct cs_build *build, struct cs_upstream *upstream,
                         const struct cs_directive *d)
{
    struct cs_upstream_peer peer = {.weight = 1, .max_fails = 1, .fail_timeout_ms = 10000};

    for (size_t i = 1; i < d->n_args; i++) {
        struct cs_str word = d->args[i].text;
        if (cs_str_starts(word, CS_STR("max_conns=")) ||
            cs_str_starts(word, CS_STR("slow_start=")) || cs_str_eq(word, CS_STR("resolve")))
            CS_FIND(build->findings, &cs_finding_unsupported_parameter, &d->args[i].place, word,
                    d->name, CS_STR("known: weight, max_fails, fail_timeout, backup, down"));
        else if (!peer_parameter(word, &peer))
            CS_FIND(build->findings, &cs_finding_bad_parameter, &d->args[i].place, word, d->name,
                    CS_STR("weight=n, max_fails=n, fail_timeout=time, backup, down"));
    }
    add_resolved(build, upstream, cs_directive_arg(d, 0), 80, &peer, &d->args[0]);
}

/* keepalive connections [local]: connections are never shared between workers anyway. */
static int read_keepalive(struct cs_build *build, const struct cs_directive *d,
                          struct cs_upstream *upstream)
{
    uint64_t number = 0;
    int r = cs_str_to_u64(cs_directive_arg(d, 0), 1 << 20, &number);

    if (d->n_args > 1 && !cs_str_eq(d->args[1].text, CS_STR("local")))
        CS_FIND(build->findings, &cs_finding_bad_parameter, &d->args[1].place, d->args[1].text,
                d->name, CS_STR("local"));
    upstream->keepalive = (unsigned)number;
    return r;
}

static void build_setting(struct cs_build *build, struct cs_upstream *upstream,
                          const struct cs_directive *d)
{
    struct cs_str value = cs_directive_arg(d, 0);
    int r = 0;

    if (!d->row)
        return;
    if (cs_directive_is(d, "server"))
        build_server(build, upstream, d);
    else if (cs_directive_is(d, "least_conn"))
        upstream->least_conn = true;
    else if (cs_directive_is(d, "keepalive"))
        r = read_keepalive(build, d, upstream);
    else if (cs_directive_is(d, "keepalive_requests"))
        r = cs_str_to_u64(value, UINT32_MAX, &upstream->keepalive_requests);
    else if (cs_directive_is(d, "keepalive_timeout"))
        r = cs_value_msec(value, &upstream->keepalive_timeout_ms);
    else if (cs_directive_is(d, "keepalive_time"))
        r = cs_value_msec(value, &upstream->keepalive_time_ms);
    if (r < 0)
        cs_config_refuse_value(build->findings, d, &d->args[0], (struct cs_str){0});
}

/* A group needs a server that is not only there for when the others fail. */
static void check_servers(struct cs_build *build, const struct cs_upstream *upstream,
                          const struct cs_directive *block)
{
    if (!cs_block_find(block->block, "server"))
        CS_FIND(build->findings, &cs_finding_no_servers, &block->place, upstream->name);
    for (size_t i = 0; i < upstream->n_peers; i++) {
        if (!upstream->peers[i].backup)
            return;
    }
    if (upstream->n_peers)
        CS_FIND(build->findings, &cs_finding_only_backups, &block->place, upstream->name);
}

static void build_upstream(struct cs_build *build, const struct cs_directive *block)
{
    struct cs_str name = cs_directive_arg(block, 0);
    struct cs_upstream *upstream = cs_map_get(&build->upstreams, cs_build_lower(build, name));

    if (upstream) {
        CS_FIND(build->findings, &cs_finding_duplicate_upstream, &block->args[0].place, name,
                cs_arena_printf(build->arena, "%.*s:%u", CS_FMT(upstream->place.file),
                                upstream->place.line));
        return;
    }
    upstream = add_upstream(build, name, &block->place);
    for (const struct cs_directive *d = block->block->first; d; d = d->next)
        build_setting(build, upstream, d);
    check_servers(build, upstream, block);
}

/* The upstream block that @authority names; with a port it is refused as in nginx. */
static struct cs_upstream *find_block(struct cs_build *build, struct cs_str authority,
                                      const struct cs_word *word, bool *ret_refused)
{
    struct cs_str lower = cs_build_lower(build, authority), host;
    struct cs_upstream *upstream = cs_map_get(&build->upstreams, lower);
    uint16_t port;

    *ret_refused = false;
    if (upstream)
        return upstream;
    if (!cs_build_authority(lower, 0, &host, &port) || port == 0)
        return NULL;
    upstream = cs_map_get(&build->upstreams, host);
    if (!upstream)
        return NULL;
    *ret_refused = true;
    CS_FIND(build->findings, &cs_finding_upstream_port, &word->place, upstream->name,
            cs_arena_printf(build->arena, "%u", port));
    return NULL;
}

void cs_build_upstreams(struct cs_build *build)
{
    for (const struct cs_directive *d = cs_block_find(build->http, "upstream"); d;
         d = cs_block_next(d)) {
        if (d->block && d->n_args == 1)
            build_upstream(build, d);
    }
}

struct cs_upstream *cs_build_upstream_for(struct cs_build *build, struct cs_str authority,
                                          uint16_t default_port, const struct cs_word *word)
{
    static const struct cs_upstream_peer model = {
        .weight = 1, .max_fails = 1, .fail_timeout_ms = 10000};
    bool refused;
    struct cs_upstream *upstream = find_block(build, authority, word, &refused);
    struct cs_str key;

    if (upstream || refused)
        return upstream;
    key = cs_build_lower(build,
                         cs_arena_printf(build->arena, "%.*s %u", CS_FMT(authority), default_port));
    upstream = cs_map_get(&build->upstreams, key);
    if (upstream)
        return upstream->n_peers ? upstream : NULL;
    upstream = add_upstream(build, key, &word->place);
    upstream->name = authority;
    upstream->implicit = true;
    add_resolved(build, upstream, authority, default_port, &model, word);
    return upstream->n_peers ? upstream : NULL;
}
