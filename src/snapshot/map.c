/* map blocks: one variable each, whose value follows from a text. */
#include "route/map.h"
#include "snapshot/build.h"

static struct cs_template *build_value(struct cs_build *build, const struct cs_word *word)
{
    struct cs_template *value = CS_ARENA_NEW(build->arena, struct cs_template);

    *value = cs_variables_compile(build->snapshot->variables, word, build->findings);
    return value;
}

static void add_line(struct cs_build *build, struct cs_keymap *table,
                     const struct cs_directive *line)
{
    if (cs_str_eq(line->name, CS_STR("hostnames")) && line->n_args == 0)
        cs_keymap_set_hostnames(table);
    else if (cs_str_eq(line->name, CS_STR("volatile")) && line->n_args == 0)
        return; /* values are computed once per request, which nothing here can change */
    else if (line->n_args != 1)
        CS_FIND0(build->findings, &cs_finding_bad_map, &line->place);
    else
        cs_keymap_add(table, line->name, build_value(build, &line->args[0]), &line->place,
                      build->findings);
}

/* Names of groups written (?<name>…), (?P<name>…) or (?'name'…) in a regular expression. */
static void declare_groups(struct cs_build *build, struct cs_str text)
{
    ptrdiff_t at;

    while ((at = cs_str_search(text, CS_STR("(?"))) >= 0) {
        char end = '>';
        size_t n = 0;

        text = cs_str_skip(text, (size_t)at + 2);
        if (cs_str_starts(text, CS_STR("P")))
            text = cs_str_skip(text, 1);
        if (cs_str_starts(text, CS_STR("'")))
            end = '\'';
        else if (!cs_str_starts(text, CS_STR("<")))
            continue;
        text = cs_str_skip(text, 1);
        while (n < text.len && text.ptr[n] != end && text.ptr[n] != '=' && text.ptr[n] != '!')
            n++;
        if (n && n < text.len && text.ptr[n] == end)
            cs_variables_define_slot(build->snapshot->variables, cs_str_sub(text, 0, n));
    }
}

static void declare_map(struct cs_build *build, const struct cs_directive *d)
{
    struct cs_variables *v = build->snapshot->variables;
    struct cs_str name = cs_directive_arg(d, 1);

    if (name.len < 2 || name.ptr[0] != '$')
        CS_FIND(build->findings, &cs_finding_bad_variable, &d->args[1].place, name);
    else if (cs_variables_define_map(v, cs_str_skip(name, 1)) < 0)
        CS_FIND(build->findings, &cs_finding_fixed_variable, &d->args[1].place,
                cs_str_skip(name, 1));
}

static void declare_block(struct cs_build *build, const struct cs_block *block)
{
    for (const struct cs_directive *d = block->first; d; d = d->next) {
        struct cs_str name = cs_directive_arg(d, 0);
        if (cs_directive_is(d, "map") && d->block && d->n_args == 2)
            declare_map(build, d);
        if (cs_directive_is(d, "set") && name.len > 1 && name.ptr[0] == '$')
            cs_variables_define_slot(build->snapshot->variables, cs_str_skip(name, 1));
        declare_groups(build, d->name);
        for (size_t i = 0; i < d->n_args; i++)
            declare_groups(build, d->args[i].text);
        if (d->block)
            declare_block(build, d->block);
    }
}

void cs_build_declare(struct cs_build *build)
{
    declare_block(build, build->http);
}

static void build_map(struct cs_build *build, const struct cs_directive *d)
{
    struct cs_variables *v = build->snapshot->variables;
    int index = cs_variables_lookup(v, cs_str_skip(cs_directive_arg(d, 1), 1));
    struct cs_map_block map = {.place = d->place};

    if (index < 0 || v->items[index].kind != CS_VARIABLE_MAP || v->maps[v->items[index].id].table)
        return;
    map.table = cs_keymap_new();
    cs_build_own(build, CS_OWNED_MAP, map.table);
    map.source = cs_variables_compile(v, &d->args[0], build->findings);
    for (const struct cs_directive *line = d->block->first; line; line = line->next)
        add_line(build, map.table, line);
    v->maps[v->items[index].id] = map;
}

void cs_build_maps(struct cs_build *build)
{
    for (const struct cs_directive *d = cs_block_find(build->http, "map"); d;
         d = cs_block_next(d)) {
        if (d->block)
            build_map(build, d);
    }
}
