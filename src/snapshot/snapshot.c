/* From text to running state: read, check, build, and hand over whole or not at all. */
#include "snapshot/snapshot.h"

#include <errno.h>

#include "authority/directives.h"
#include "base/mem.h"
#include "io/process.h"
#include "policy/directives.h"
#include "route/locations.h"
#include "route/map.h"
#include "route/names.h"
#include "route/regex.h"
#include "snapshot/build.h"
#include "tls/directives.h"
#include "tls/tickets.h"

#define CS_FINDING_KIND(id, code, severity, primary, detail, hint)                                 \
    const struct cs_finding_kind cs_finding_##id = {code, severity, primary, detail, hint};
#include "snapshot/findings.def"
#undef CS_FINDING_KIND

static const struct cs_schema_table *const tables[] = {
    &cs_core_directives,        &cs_http_schema,          &cs_server_schema,
    &cs_location_schema,        &cs_ssl_directives,       &cs_proxy_ssl_directives,
    &cs_policy_directives,      &cs_authority_directives, &cs_profile_directives,
    &cs_unsupported_directives,
};

static const struct cs_schema schema = {tables, sizeof(tables) / sizeof(tables[0])};

const struct cs_schema *cs_snapshot_schema(void)
{
    return &schema;
}

void cs_build_own(struct cs_build *build, enum cs_owned_kind kind, void *object)
{
    struct cs_owned *owned = CS_ARENA_NEW(build->arena, struct cs_owned);

    *owned = (struct cs_owned){kind, object, build->snapshot->owned};
    build->snapshot->owned = owned;
}

void *cs_build_grow(struct cs_build *build, void *items, size_t n, size_t size)
{
    void *grown;

    if (n & (n - 1)) /* between two powers of two */
        return items;
    grown = cs_arena_array(build->arena, n ? n * 2 : 1, size);
    if (n)
        memcpy(grown, items, n * size);
    return grown;
}

struct cs_str cs_build_lower(struct cs_build *build, struct cs_str text)
{
    char *lower = cs_arena_raw(build->arena, text.len);

    for (size_t i = 0; i < text.len; i++)
        lower[i] = cs_lower(text.ptr[i]);
    return cs_str_make(lower, text.len);
}

const struct cs_word *cs_build_word(const struct cs_block *block, const char *name)
{
    const struct cs_directive *d = cs_block_nearest(block, name);

    return d && d->n_args ? &d->args[0] : NULL;
}

static void release(const struct cs_owned *owned)
{
    switch (owned->kind) {
    case CS_OWNED_REGEX: cs_regex_free(owned->object); break;
    case CS_OWNED_NAMES: cs_names_free(owned->object); break;
    case CS_OWNED_LOCATIONS: cs_location_free(owned->object); break;
    case CS_OWNED_MAP: cs_keymap_free(owned->object); break;
    }
}

struct cs_snapshot *cs_snapshot_ref(struct cs_snapshot *snapshot)
{
    snapshot->refs++;
    return snapshot;
}

struct cs_snapshot *cs_snapshot_unref(struct cs_snapshot *snapshot)
{
    struct cs_arena arena;

    if (!snapshot || --snapshot->refs > 0)
        return NULL;
    cs_keyring_deinit(snapshot->keyring);
    for (const struct cs_owned *owned = snapshot->owned; owned; owned = owned->next)
        release(owned);
    if (snapshot->variables)
        cs_variables_deinit(snapshot->variables);
    arena = snapshot->arena; /* the snapshot lives in its own arena */
    cs_arena_deinit(&arena);
    return NULL;
}

static struct cs_snapshot *snapshot_new(void)
{
    static uint64_t generation;
    struct cs_arena arena = {0};
    struct cs_snapshot *snapshot = CS_ARENA_NEW(&arena, struct cs_snapshot);

    snapshot->refs = 1;
    snapshot->generation = ++generation;
    snapshot->arena = arena;
    snapshot->keyring = CS_ARENA_NEW(&snapshot->arena, struct cs_keyring);
    return snapshot;
}

/* The folder of @path with its slash: where relative includes start. */
static struct cs_str folder_of(struct cs_str path)
{
    ptrdiff_t slash = cs_str_rfind(path, '/');

    return slash < 0 ? CS_STR("./") : cs_str_sub(path, 0, (size_t)slash + 1);
}

static void build_http(struct cs_build *build)
{
    struct cs_snapshot *s = build->snapshot;
    const struct cs_directive *http = cs_block_find(s->config->main, "http");

    s->variables = cs_variables_new(build->arena);
    s->error_logs = cs_build_error_logs(build, s->config->main, &s->n_error_logs);
    if (!http || !http->block) {
        if (!s->authority)
            CS_FIND0(build->findings, &cs_finding_no_http, NULL);
        return;
    }
    build->http = http->block;
    cs_build_declare(build);
    cs_build_maps(build);
    cs_build_log_formats(build);
    cs_build_upstreams(build);
    cs_build_servers(build);
}

int cs_snapshot_read(const struct cs_snapshot_options *options, struct cs_arena *arena,
                     struct cs_findings *findings, struct cs_config **ret_config)
{
    struct cs_str path = cs_config_path(options->config_path, options->prefix, arena);
    const struct cs_config_reader *reader = options->reader ? options->reader : &cs_build_reader;

    return cs_config_load(reader, path, folder_of(path), options->globals, &schema, arena, findings,
                          ret_config);
}

/* Whom workers become; who is not root cannot become anybody, and nginx does not look either. */
static void check_user(struct cs_build *build)
{
    const struct cs_snapshot *s = build->snapshot;
    const struct cs_directive *d = cs_block_find(s->config->main, "user");
    struct cs_user user;
    int r;

    if (!d || build->options->unprivileged)
        return;
    r = cs_user_find(s->core.user, s->core.group, &user);
    if (r == -ENOENT)
        CS_FIND(build->findings, &cs_finding_no_user, &d->args[0].place, s->core.user);
    else if (r == -ESRCH)
        CS_FIND(build->findings, &cs_finding_no_group, &d->args[1].place, s->core.group);
}

static void build_all(struct cs_build *build)
{
    struct cs_snapshot *s = build->snapshot;

    if (cs_snapshot_read(build->options, build->arena, build->findings, &s->config) < 0)
        return;
    cs_core_resolve(s->config, build->arena, &s->core);
    check_user(build);
    cs_build_authority_block(build);
    cs_build_clock(build);
    build_http(build);
    if (build->options->check && build->findings->n_errors == 0)
        cs_build_lint(build);
}

int cs_snapshot_load(const struct cs_snapshot_options *options, struct cs_findings *findings,
                     struct cs_snapshot **ret_snapshot)
{
    struct cs_snapshot *snapshot = snapshot_new();
    unsigned errors = findings->n_errors;
    struct cs_build build = {
        .options = options, .findings = findings, .snapshot = snapshot, .arena = &snapshot->arena};

    snapshot->prefix = cs_arena_dup(build.arena, options->prefix);
    if (options->ticket_keys)
        snapshot->keyring->ticket_keys = cs_ticket_keys_ref(options->ticket_keys);
    build_all(&build);
    cs_build_wipe_files(&build);
    cs_build_free_clients(&build);
    cs_map_deinit(&build.listeners);
    cs_map_deinit(&build.logs);
    cs_map_deinit(&build.formats);
    cs_map_deinit(&build.upstreams);
    if (findings->n_errors > errors) {
        cs_snapshot_unref(snapshot);
        return -EINVAL;
    }
    *ret_snapshot = snapshot;
    return 0;
}
