/* Locations: every setting resolved, headers, error pages and logs compiled, content chosen. */
#include "config/value.h"
#include "http/headers.h"
#include "policy/directives.h"
#include "route/locations.h"
#include "snapshot/build.h"

static void build_keepalive(struct cs_build *build, struct cs_location_settings *set)
{
    const struct cs_directive *d;

    set->keepalive_timeout = 75000;
    if (set->keepalive_timeout_words.n == 0)
        return;
    d = set->keepalive_timeout_words.items[0];
    if (cs_value_msec(d->args[0].text, &set->keepalive_timeout) < 0)
        cs_config_refuse_value(build->findings, d, &d->args[0], (struct cs_str){0});
    if (d->n_args > 1 && cs_value_sec(d->args[1].text, &set->keepalive_timeout_header) < 0)
        cs_config_refuse_value(build->findings, d, &d->args[1], (struct cs_str){0});
}

static bool header_name(struct cs_build *build, const struct cs_word *word)
{
    if (cs_header_name_valid(word->text))
        return true;
    CS_FIND(build->findings, &cs_finding_bad_header, &word->place, word->text);
    return false;
}

static void build_add_headers(struct cs_build *build, struct cs_scope *scope)
{
    const struct cs_directive_list *list = &scope->set.add_header;

    scope->add = cs_arena_array(build->arena, list->n, sizeof(*scope->add));
    for (size_t i = 0; i < list->n; i++) {
        const struct cs_directive *d = list->items[i];
        struct cs_header_rule *rule = &scope->add[scope->n_add];
        if (!header_name(build, &d->args[0]))
            continue;
        if (d->n_args == 3 && !cs_str_eq(d->args[2].text, CS_STR("always"))) {
            CS_FIND(build->findings, &cs_finding_bad_parameter, &d->args[2].place, d->args[2].text,
                    d->name, CS_STR("always"));
            continue;
        }
        rule->name = d->args[0].text;
        rule->known = cs_header_lookup(rule->name);
        rule->value =
            cs_variables_compile(build->snapshot->variables, &d->args[1], build->findings);
        rule->always = d->n_args == 3;
        scope->n_add++;
    }
}

static void add_error_page(struct cs_build *build, struct cs_scope *scope,
                           const struct cs_directive *d)
{
    const struct cs_word *uri = &d->args[d->n_args - 1];
    size_t n_codes = d->n_args - 1;
    int answer = -1;
    uint64_t code = 0;

    if (n_codes > 1 && d->args[n_codes - 1].text.len && d->args[n_codes - 1].text.ptr[0] == '=') {
        struct cs_str text = cs_str_skip(d->args[n_codes - 1].text, 1);
        n_codes--;
        answer = 0;
        if (text.len && cs_str_to_u64(text, 999, &code) == 0)
            answer = (int)code;
        else if (text.len)
            CS_FIND(build->findings, &cs_finding_bad_error_page, &d->args[n_codes].place, text);
    }
    for (size_t i = 0; i < n_codes; i++) {
        struct cs_error_page *page = &scope->error_pages[scope->n_error_pages];
        if (cs_str_to_u64(d->args[i].text, 599, &code) < 0 || code < 300 || code == 499) {
            CS_FIND(build->findings, &cs_finding_bad_error_page, &d->args[i].place,
                    d->args[i].text);
            continue;
        }
        page->status = (int)code;
        page->answer = answer;
        page->named = uri->text.len && uri->text.ptr[0] == '@';
        page->uri = cs_variables_compile(build->snapshot->variables, uri, build->findings);
        scope->n_error_pages++;
    }
}

static void build_error_pages(struct cs_build *build, struct cs_scope *scope)
{
    const struct cs_directive_list *list = &scope->set.error_page;
    size_t n = 0;

    for (size_t i = 0; i < list->n; i++)
        n += list->items[i]->n_args;
    scope->error_pages = cs_arena_array(build->arena, n, sizeof(*scope->error_pages));
    for (size_t i = 0; i < list->n; i++)
        add_error_page(build, scope, list->items[i]);
}

/* Rules that nobody can satisfy: an error where they are written, a warning where they are
 * inherited, which may be meant, or meant for other servers. */
static void build_identities(struct cs_build *build, const struct cs_block *block,
                             struct cs_scope *scope)
{
    const struct cs_word *verify = cs_build_word(scope->server->block, "ssl_verify_client");
    const struct cs_directive *own = cs_block_find(block, "mtls_allow");

    scope->identities = cs_policy_identities_from_block(block, build->arena);
    if (!scope->identities || !scope->identities->known ||
        (verify && !cs_str_eq_nocase(verify->text, CS_STR("off"))))
        return;
    own = own ? own : cs_block_find(block, "mtls_deny");
    if (own)
        CS_FIND(build->findings, &cs_finding_identity_unknown, &own->place, own->name);
    else if (block == scope->server->block)
        CS_FIND0(build->findings, &cs_finding_identity_inherited, &scope->server->place);
}

struct cs_scope *cs_build_scope(struct cs_build *build, const struct cs_block *block,
                                struct cs_vserver *server, struct cs_str pattern)
{
    struct cs_scope *scope = CS_ARENA_NEW(build->arena, struct cs_scope);

    scope->pattern = pattern;
    scope->server = server;
    cs_settings_resolve(&cs_location_schema, block, build->arena, &scope->set);
    build_keepalive(build, &scope->set);
    build_add_headers(build, scope);
    build_error_pages(build, scope);
    cs_build_access_logs(build, scope);
    scope->error_logs = cs_build_error_logs(build, block, &scope->n_error_logs);
    scope->access = cs_policy_from_block(block, build->arena, build->findings);
    build_identities(build, block, scope);
    scope->internal = cs_block_find(block, "internal") != NULL;
    cs_build_proxy(build, block, scope);
    if (block->context & (CS_CTX_LOCATION | CS_CTX_LOCATION_IF))
        scope->script = cs_build_script(build, block, scope);
    return scope;
}

static void add_location(struct cs_build *build, const struct cs_directive *d,
                         struct cs_vserver *server, struct cs_location *parent)
{
    const struct cs_place *place = &d->args[d->n_args - 1].place;
    struct cs_str words[2] = {cs_directive_arg(d, 0), cs_directive_arg(d, 1)};
    struct cs_location *location;
    enum cs_location_kind kind;
    struct cs_scope *scope;
    struct cs_str name;

    if (cs_location_parse(words, d->n_args, place, build->findings, &kind, &name) < 0)
        return;
    scope = cs_build_scope(build, d->block, server, name);
    location = cs_location_add(parent, kind, name, scope, place, build->findings);
    if (!location)
        return;
    if (scope->proxy && kind != CS_LOCATION_EXACT)
        cs_location_set_redirect(location);
    for (const struct cs_directive *child = cs_block_find(d->block, "location"); child;
         child = cs_block_next(child)) {
        if (child->block)
            add_location(build, child, server, location);
    }
}

void cs_build_locations(struct cs_build *build, const struct cs_block *block,
                        struct cs_vserver *server)
{
    server->locations = cs_location_new();
    cs_build_own(build, CS_OWNED_LOCATIONS, server->locations);
    for (const struct cs_directive *d = cs_block_find(block, "location"); d; d = cs_block_next(d)) {
        if (d->block && d->n_args)
            add_location(build, d, server, server->locations);
    }
}
