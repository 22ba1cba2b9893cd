/* authority: where the CA listens, and whether its process will find what the block names. Nothing
 * of the CA itself is opened: a supervisor never has its keys. */
#include "snapshot/authority.h"

#include <errno.h>
#include <unistd.h>

#include "authority/directives.h"
#include "authority/findings.h"
#include "snapshot/build.h"

static const struct cs_listener *same_address(const struct cs_authority *authority,
                                              const struct cs_addr *addr)
{
    for (size_t i = 0; i < authority->n_listeners; i++) {
        if (cs_addr_eq(&authority->listeners[i].addr, addr))
            return &authority->listeners[i];
    }
    return NULL;
}

static void add_listen(struct cs_build *build, struct cs_authority *authority,
                       const struct cs_directive *d)
{
    struct cs_listener listener = {.ipv6only = true, .backlog = 511};
    const char *why = cs_build_address(d->args[0].text, &listener.addr);
    char text[CS_ADDR_TEXT];

    if (why) {
        CS_FIND(build->findings, &cs_finding_bad_listen, &d->args[0].place, d->args[0].text,
                cs_str_from(why));
        return;
    }
    listener.text = cs_arena_dup(build->arena, cs_addr_text(&listener.addr, text));
    listener.tls = d->n_args > 1;
    if (listener.tls && !cs_str_eq(d->args[1].text, CS_STR("ssl"))) {
        CS_FIND(build->findings, &cs_finding_bad_parameter, &d->args[1].place, d->args[1].text,
                d->name, CS_STR("ssl"));
    } else if (same_address(authority, &listener.addr)) {
        CS_FIND(build->findings, &cs_finding_duplicate_listen, &d->args[0].place, listener.text);
    } else {
        authority->listeners = cs_build_grow(build, authority->listeners, authority->n_listeners,
                                             sizeof(*authority->listeners));
        authority->listeners[authority->n_listeners++] = listener;
    }
}

static void add_listens(struct cs_build *build, struct cs_authority *authority,
                        const struct cs_authority_settings *set, const struct cs_place *place)
{
    for (size_t i = 0; i < set->listen.n; i++)
        add_listen(build, authority, set->listen.items[i]);
    if (set->listen.n == 0)
        CS_FIND0(build->findings, &cs_finding_authority_deaf, place);
}

/* What can be seen without opening it. */
static void look_at_files(struct cs_build *build, const struct cs_authority *authority,
                          const struct cs_place *place)
{
    struct cs_str store = cs_arena_cat(build->arena, authority->store, CS_STR("/store.sqlite"));
    const struct cs_word *passphrase = cs_build_word(authority->block, "passphrase_file");
    struct cs_str text;

    if (!build->options->reader && access(store.ptr, F_OK) < 0)
        CS_FIND(build->findings, CS_AUTHORITY_KIND(CA_MISSING), place, authority->store,
                cs_str_from(strerror(errno)));
    if (passphrase)
        (void)cs_build_read_key(build, passphrase, &text);
}

static struct cs_str path_or_empty(struct cs_build *build, struct cs_str path)
{
    return path.len ? cs_build_path(build, path) : path;
}

static void set_user(struct cs_build *build, struct cs_authority *authority,
                     const struct cs_authority_settings *set)
{
    if (set->user.n == 0)
        return;
    authority->user = cs_arena_dup(build->arena, cs_directive_arg(set->user.items[0], 0));
    authority->group = cs_arena_dup(build->arena, cs_directive_arg(set->user.items[0], 1));
}

void cs_build_authority_block(struct cs_build *build)
{
    const struct cs_directive *d = cs_block_find(build->snapshot->config->main, "authority");
    struct cs_authority *authority;
    struct cs_authority_settings set;
    struct cs_profiles profiles;

    if (!d || !d->block)
        return;
    authority = CS_ARENA_NEW(build->arena, struct cs_authority);
    cs_settings_resolve(&cs_authority_directives, d->block, build->arena, &set);
    authority->block = d->block;
    authority->store = cs_build_path(build, set.store);
    authority->passphrase_file = path_or_empty(build, set.passphrase_file);
    authority->public_url = cs_arena_dup(build->arena, set.public_url);
    set_user(build, authority, &set);
    add_listens(build, authority, &set, &d->place);
    look_at_files(build, authority, &d->place);
    (void)!cs_profiles_build(d->block, (struct cs_names){0}, build->arena, build->findings,
                             &profiles);
    if (!build->snapshot->core.master_process)
        CS_FIND0(build->findings, &cs_finding_authority_alone, &d->place);
    build->snapshot->authority = authority;
}
