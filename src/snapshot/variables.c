/* Names of variables → indexes, made once per name, so that a template only keeps numbers. */
#include "snapshot/variables.h"

#include <errno.h>

#include "base/mem.h"

static const char *const builtin_names[] = {
#define CS_VARIABLE(id, name, doc) name,
#include "snapshot/variables.def"
#undef CS_VARIABLE
};

static const struct {
    struct cs_str prefix;
    enum cs_variable_kind kind;
} families[] = {
    {CS_STR_INIT("http_"), CS_VARIABLE_HTTP},
    {CS_STR_INIT("sent_http_"), CS_VARIABLE_SENT_HTTP},
    {CS_STR_INIT("upstream_http_"), CS_VARIABLE_UPSTREAM_HTTP},
    {CS_STR_INIT("arg_"), CS_VARIABLE_ARG},
    {CS_STR_INIT("cookie_"), CS_VARIABLE_COOKIE},
};

/* Indexes are kept in the map as pointers, one up so that none is NULL. */
static void *to_pointer(int index)
{
    return (void *)(intptr_t)(index + 1);
}

static int from_pointer(void *pointer)
{
    return (int)(intptr_t)pointer - 1;
}

static int add(struct cs_variables *v, enum cs_variable_kind kind, int id, struct cs_str name,
               struct cs_str arg)
{
    int index = (int)v->n_items;

    if (v->n_items == v->cap_items) {
        size_t cap = v->cap_items ? v->cap_items * 2 : 256;
        struct cs_variable *items = cs_arena_array(v->arena, cap, sizeof(*items));
        if (v->n_items)
            memcpy(items, v->items, v->n_items * sizeof(*items));
        v->items = items;
        v->cap_items = cap;
    }
    v->items[v->n_items++] = (struct cs_variable){kind, id, name, arg};
    cs_map_set(&v->by_name, name, to_pointer(index));
    return index;
}

struct cs_variables *cs_variables_new(struct cs_arena *arena)
{
    struct cs_variables *v = CS_ARENA_NEW(arena, struct cs_variables);

    v->arena = arena;
    for (int i = 0; i < CS_VAR_COUNT; i++)
        add(v, CS_VARIABLE_BUILTIN, i, cs_str_from(builtin_names[i]), (struct cs_str){0});
    for (int i = 1; i <= 9; i++)
        add(v, CS_VARIABLE_CAPTURE, i, cs_arena_printf(arena, "%d", i), (struct cs_str){0});
    return v;
}

void cs_variables_deinit(struct cs_variables *v)
{
    cs_map_deinit(&v->by_name);
}

static struct cs_str lower(struct cs_arena *arena, struct cs_str s)
{
    struct cs_str copy = cs_arena_dup(arena, s);

    for (size_t i = 0; i < copy.len; i++)
        ((char *)copy.ptr)[i] = cs_lower(copy.ptr[i]);
    return copy;
}

int cs_variables_lookup(void *ctx, struct cs_str given)
{
    struct cs_variables *v = ctx;
    struct cs_str name = lower(v->arena, given);
    void *hit = cs_map_get(&v->by_name, name);

    if (hit)
        return from_pointer(hit);
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (cs_str_starts(name, families[i].prefix) && name.len > families[i].prefix.len)
            return add(v, families[i].kind, 0, name, cs_str_skip(name, families[i].prefix.len));
    }
    return -1;
}

struct cs_str cs_variables_suggest(void *ctx, struct cs_str name)
{
    const struct cs_variables *v = ctx;
    struct cs_str best = {0};
    size_t nearest = name.len / 3 + 2;

    for (size_t i = 0; i < v->n_items; i++) {
        size_t distance = cs_str_distance(name, v->items[i].name);
        if (v->items[i].kind != CS_VARIABLE_CAPTURE && distance < nearest) {
            nearest = distance;
            best = v->items[i].name;
        }
    }
    return best;
}

int cs_variables_define_slot(struct cs_variables *v, struct cs_str given)
{
    struct cs_str name = lower(v->arena, given);
    void *hit = cs_map_get(&v->by_name, name);

    if (hit) {
        int index = from_pointer(hit);
        return v->items[index].kind == CS_VARIABLE_SLOT ? index : -EEXIST;
    }
    return add(v, CS_VARIABLE_SLOT, (int)v->n_slots++, name, (struct cs_str){0});
}

int cs_variables_slot(const struct cs_variables *v, struct cs_str given)
{
    char lowered[64];
    void *hit;

    if (given.len > sizeof(lowered))
        return -1;
    for (size_t i = 0; i < given.len; i++)
        lowered[i] = cs_lower(given.ptr[i]);
    hit = cs_map_get(&v->by_name, cs_str_make(lowered, given.len));
    if (!hit || v->items[from_pointer(hit)].kind != CS_VARIABLE_SLOT)
        return -1;
    return v->items[from_pointer(hit)].id;
}

int cs_variables_define_map(struct cs_variables *v, struct cs_str given)
{
    struct cs_str name = lower(v->arena, given);

    if (cs_map_get(&v->by_name, name))
        return -EEXIST;
    if (v->n_maps == v->cap_maps) {
        size_t cap = v->cap_maps ? v->cap_maps * 2 : 16;
        struct cs_map_block *maps = cs_arena_array(v->arena, cap, sizeof(*maps));
        if (v->n_maps)
            memcpy(maps, v->maps, v->n_maps * sizeof(*maps));
        v->maps = maps;
        v->cap_maps = cap;
    }
    return add(v, CS_VARIABLE_MAP, (int)v->n_maps++, name, (struct cs_str){0});
}

struct cs_template cs_variables_compile_text(struct cs_variables *v, struct cs_str text,
                                             const struct cs_place *place,
                                             struct cs_findings *findings)
{
    struct cs_template compiled = {0};

    cs_template_compile_suggest(text, place, cs_variables_lookup, cs_variables_suggest, v, v->arena,
                                findings, &compiled);
    return compiled;
}

struct cs_template cs_variables_compile(struct cs_variables *v, const struct cs_word *word,
                                        struct cs_findings *findings)
{
    return cs_variables_compile_text(v, word->text, &word->place, findings);
}
