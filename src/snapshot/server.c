/* Virtual servers: names, settings, TLS, statements and locations of each server block. */
#include "config/value.h"
#include "snapshot/build.h"

#include <limits.h>
#include <unistd.h>

/* One parameter of server_name: "$hostname" is this machine's. */
static struct cs_str name_text(struct cs_build *build, struct cs_str text)
{
    char host[256];

    if (!cs_str_eq(text, CS_STR("$hostname")) || gethostname(host, sizeof(host)) < 0)
        return text;
    host[sizeof(host) - 1] = '\0';
    return cs_arena_dup(build->arena, cs_str_from(host));
}

static void build_names(struct cs_build *build, const struct cs_block *block,
                        struct cs_vserver *server)
{
    size_t n = 0;

    for (const struct cs_directive *d = cs_block_find(block, "server_name"); d;
         d = cs_block_next(d))
        n += d->n_args;
    server->names = cs_arena_array(build->arena, n + 1, sizeof(*server->names));
    for (const struct cs_directive *d = cs_block_find(block, "server_name"); d;
         d = cs_block_next(d)) {
        for (size_t i = 0; i < d->n_args; i++)
            server->names[server->n_names++] =
                (struct cs_server_name){name_text(build, d->args[i].text), d->args[i].place};
    }
    if (server->n_names == 0)
        server->names[server->n_names++] = (struct cs_server_name){{0}, server->place};
    server->name = server->names[0].text;
    if (server->name.len > 1 && server->name.ptr[0] == '.') /* ".example.com" has two names */
        server->name = cs_str_skip(server->name, 1);
}

static void build_large_buffers(struct cs_build *build, struct cs_server_settings *set)
{
    const struct cs_directive *d;

    set->large_buffers = 4;
    set->large_buffer_size = 8192;
    if (set->large_client_header_buffers.n == 0)
        return;
    d = set->large_client_header_buffers.items[0];
    if (cs_str_to_u64(d->args[0].text, 1024, &set->large_buffers) < 0 || set->large_buffers == 0)
        cs_config_refuse_value(build->findings, d, &d->args[0], CS_STR("write a number from 1 on"));
    if (cs_value_size(d->args[1].text, &set->large_buffer_size) < 0 ||
        set->large_buffer_size == 0 || set->large_buffer_size > 1 << 20)
        cs_config_refuse_value(build->findings, d, &d->args[1], CS_STR("write a size up to 1m"));
}

/* mtls_cut: "now", or "graceful" and for how long. */
static void build_cut(struct cs_build *build, struct cs_server_settings *set)
{
    const struct cs_directive *d;

    set->cut_grace_ms = 10000;
    if (set->cut_words.n == 0)
        return;
    d = set->cut_words.items[0];
    set->cut_now = cs_str_eq(d->args[0].text, CS_STR("now"));
    if (!set->cut_now && !cs_str_eq(d->args[0].text, CS_STR("graceful")))
        cs_config_refuse_value(build->findings, d, &d->args[0],
                               CS_STR("write graceful, graceful and a time, or now"));
    else if (d->n_args > 1 &&
             (set->cut_now || cs_value_msec(d->args[1].text, &set->cut_grace_ms) < 0))
        cs_config_refuse_value(build->findings, d, &d->args[1],
                               set->cut_now ? CS_STR("only graceful takes a time")
                                            : (struct cs_str){0});
}

/* What other servers have to know before their content is looked at. */
static void add_server(struct cs_build *build, const struct cs_directive *d)
{
    struct cs_vserver *server = CS_ARENA_NEW(build->arena, struct cs_vserver);

    server->place = d->place;
    server->block = d->block;
    server->index = build->snapshot->n_servers;
    build->snapshot->servers[build->snapshot->n_servers++] = server;
    build_names(build, d->block, server);
    cs_build_listens(build, d->block, server);
}

static void build_server(struct cs_build *build, struct cs_vserver *server)
{
    const struct cs_block *block = server->block;

    cs_settings_resolve(&cs_server_schema, block, build->arena, &server->set);
    build_large_buffers(build, &server->set);
    build_cut(build, &server->set);
    cs_build_failure_logs(build, server);
    server->base = cs_build_scope(build, block, server, (struct cs_str){0});
    cs_build_server_tls(build, server);
    server->script = cs_build_script(build, block, NULL);
    cs_build_locations(build, block, server);
}

/* How much a server asks of its clients. */
static int strictness(const struct cs_build *build, const struct cs_vserver *server)
{
    switch (build->snapshot->keyring->servers[server->index]->auth.mode) {
    case CS_VERIFY_ON: return 3;
    case CS_VERIFY_OPTIONAL: return 2;
    case CS_VERIFY_OPTIONAL_NO_CA: return 1;
    default: return 0;
    }
}

/* Who answers a TLS client that names no server, or one that is not there: the default server
 * if the configuration says which that is; else the one that asks most of its clients, so that
 * leaving out the name never gets anyone around a certificate. */
static void choose_nameless(const struct cs_build *build, struct cs_listener *listener)
{
    struct cs_vserver *strictest = listener->default_server;

    listener->nameless = listener->default_server;
    if (listener->default_is_explicit)
        return;
    for (const struct cs_listener_server *s = listener->servers; s; s = s->next) {
        if (strictness(build, s->server) >= strictness(build, strictest))
            strictest = s->server; /* the list runs from the last to the first */
    }
    if (strictness(build, strictest) > strictness(build, listener->default_server))
        listener->nameless = strictest;
}

/* Clients wait in the kernel as long as their first request may take to come. */
static void set_deferral(struct cs_listener *listener)
{
    int64_t sec = listener->default_server->set.client_header_timeout / 1000;

    if (listener->deferred)
        listener->defer_sec = sec < 1 ? 1 : sec > INT_MAX ? INT_MAX : (int)sec;
}

void cs_build_servers(struct cs_build *build)
{
    struct cs_snapshot *s = build->snapshot;
    const struct cs_directive *first = cs_block_find(build->http, "server");
    size_t n = 0;

    for (const struct cs_directive *d = first; d; d = cs_block_next(d))
        n += d->block != NULL;
    s->servers = cs_arena_array(build->arena, n, sizeof(*s->servers));
    s->keyring->servers = cs_arena_array(build->arena, n, sizeof(*s->keyring->servers));
    s->keyring->n_servers = n;
    for (const struct cs_directive *d = first; d; d = cs_block_next(d)) {
        if (d->block)
            add_server(build, d);
    }
    cs_build_listen_kinds(build);
    for (size_t i = 0; i < s->n_servers; i++)
        build_server(build, s->servers[i]);
    for (size_t i = 0; i < s->n_listeners; i++) {
        choose_nameless(build, &s->listeners[i]);
        set_deferral(&s->listeners[i]);
    }
    if (s->n_listeners == 0 && build->findings->n_errors == 0)
        CS_FIND0(build->findings, &cs_finding_no_listeners, NULL);
}
