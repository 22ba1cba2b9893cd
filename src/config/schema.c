/* Reading rows: by name, their values, and settings filled by walking up the blocks. Nothing is
 * merged downwards: a setting is looked up where it is needed, once, when a configuration
 * becomes a running state. */
#include "config/schema.h"

#include "base/mem.h"
#include "config/tree.h"
#include "config/value.h"

#include <errno.h>

static const struct {
    unsigned bit;
    struct cs_str name;
} contexts[] = {
    {CS_CTX_MAIN, CS_STR_INIT("main")},
    {CS_CTX_EVENTS, CS_STR_INIT("events")},
    {CS_CTX_HTTP, CS_STR_INIT("http")},
    {CS_CTX_SERVER, CS_STR_INIT("server")},
    {CS_CTX_LOCATION, CS_STR_INIT("location")},
    {CS_CTX_SERVER_IF, CS_STR_INIT("if in server")},
    {CS_CTX_LOCATION_IF, CS_STR_INIT("if in location")},
    {CS_CTX_UPSTREAM, CS_STR_INIT("upstream")},
    {CS_CTX_MAP, CS_STR_INIT("map")},
    {CS_CTX_LIMIT_EXCEPT, CS_STR_INIT("limit_except")},
    {CS_CTX_STREAM, CS_STR_INIT("stream")},
    {CS_CTX_STREAM_SERVER, CS_STR_INIT("server in stream")},
    {CS_CTX_AUTHORITY, CS_STR_INIT("authority")},
    {CS_CTX_POLICY, CS_STR_INIT("policy")},
    {CS_CTX_PROFILE, CS_STR_INIT("profile")},
};
#define N_CONTEXTS (sizeof(contexts) / sizeof(contexts[0]))

struct cs_str cs_context_name(unsigned context)
{
    for (size_t i = 0; i < N_CONTEXTS; i++) {
        if (contexts[i].bit == context)
            return contexts[i].name;
    }
    return CS_STR("an unknown block");
}

struct cs_str cs_context_names(unsigned bits, struct cs_arena *arena)
{
    struct cs_str text = CS_STR("");

    for (size_t i = 0; i < N_CONTEXTS; i++) {
        if (!(bits & contexts[i].bit))
            continue;
        if (text.len > 0)
            text = cs_arena_cat(arena, text, CS_STR(", "));
        text = cs_arena_cat(arena, text, contexts[i].name);
    }
    return text;
}

/* --- rows by name ----------------------------------------------------------------------- */

static const struct cs_directive_row *find(const struct cs_schema *schema, struct cs_str name,
                                           unsigned context, bool fallback)
{
    for (size_t t = 0; t < schema->n_tables; t++) {
        const struct cs_schema_table *table = schema->tables[t];
        for (size_t i = 0; i < table->n; i++) {
            const struct cs_directive_row *row = &table->rows[i];
            if ((row->contexts & context) && cs_row_is_fallback(row) == fallback &&
                cs_str_eq(cs_str_from(row->name), name))
                return row;
        }
    }
    return NULL;
}

const struct cs_directive_row *cs_schema_find(const struct cs_schema *schema, struct cs_str name)
{
    const struct cs_directive_row *row = find(schema, name, CS_CTX_EVERYWHERE, false);

    return row ? row : find(schema, name, CS_CTX_EVERYWHERE, true);
}

const struct cs_directive_row *cs_schema_find_in(const struct cs_schema *schema, struct cs_str name,
                                                 unsigned context)
{
    const struct cs_directive_row *row = find(schema, name, context, false);

    if (row || find(schema, name, CS_CTX_EVERYWHERE, false))
        return row;
    return find(schema, name, CS_CTX_EVERYWHERE, true);
}

/* How far two names may be apart and still be the same, misspelt. */
static size_t tolerance(size_t len)
{
    return len < 4 ? 1 : len < 8 ? 2 : 3;
}

const struct cs_directive_row *cs_schema_nearest(const struct cs_schema *schema, struct cs_str name,
                                                 unsigned context)
{
    const struct cs_directive_row *nearest = NULL;
    size_t most = tolerance(name.len), least = 2 * most + 2;

    for (size_t t = 0; t < schema->n_tables; t++) {
        const struct cs_schema_table *table = schema->tables[t];
        for (size_t i = 0; i < table->n; i++) {
            const struct cs_directive_row *row = &table->rows[i];
            size_t len = strlen(row->name), score;
            if (len > name.len + most || name.len > len + most || (row->flags & CS_D_UNSUPPORTED))
                continue;
            score =
                2 * cs_str_distance(name, cs_str_make(row->name, len)) + !(row->contexts & context);
            if (score < least) {
                least = score;
                nearest = row;
            }
        }
    }
    return nearest;
}

/* --- values ----------------------------------------------------------------------------- */

static int read_number(const struct cs_directive_row *row, struct cs_str text, int64_t *ret_value)
{
    bool flag;
    uint64_t size;
    int r;

    switch (row->type) {
    case CS_V_FLAG:
        r = cs_value_flag(text, &flag);
        if (r == 0)
            *ret_value = flag;
        return r;
    case CS_V_SIZE:
        r = cs_value_size(text, &size);
        if (r == 0)
            *ret_value = (int64_t)size;
        return r;
    case CS_V_INT: return cs_value_int(text, ret_value);
    case CS_V_MSEC: return cs_value_msec(text, ret_value);
    case CS_V_SEC: return cs_value_sec(text, ret_value);
    default: return -EINVAL;
    }
}

int cs_row_number(const struct cs_directive_row *row, struct cs_str text, int64_t *ret_value)
{
    int64_t value;

    if (cs_value_choice(row->choices, text, ret_value) == 0)
        return 0;
    if (read_number(row, text, &value) < 0)
        return -EINVAL;
    if (row->type != CS_V_FLAG && (value < row->min || (row->max != 0 && value > row->max)))
        return -ERANGE;
    *ret_value = value;
    return 0;
}

/* --- settings ---------------------------------------------------------------------------- */

bool cs_row_is_stored(const struct cs_directive_row *row)
{
    return row->type != CS_V_NONE && row->type != CS_V_BLOCK &&
           !(row->flags & (CS_D_NO_EFFECT | CS_D_UNSUPPORTED));
}

static void store_number(const struct cs_directive_row *row, int64_t value, void *settings)
{
    void *at = (char *)settings + row->offset;

    switch (row->type) {
    case CS_V_FLAG: *(bool *)at = value != 0; break;
    case CS_V_ENUM: *(int *)at = (int)value; break;
    case CS_V_BITS: *(uint32_t *)at = (uint32_t)value; break;
    case CS_V_SIZE: *(uint64_t *)at = (uint64_t)value; break;
    case CS_V_INT:
    case CS_V_MSEC:
    case CS_V_SEC: *(int64_t *)at = value; break;
    default: break;
    }
}

static void store_str(const struct cs_directive_row *row, struct cs_str text, void *settings)
{
    *(struct cs_str *)((char *)settings + row->offset) = text;
}

static void store_list(const struct cs_directive_row *row, struct cs_directive_list list,
                       void *settings)
{
    *(struct cs_directive_list *)((char *)settings + row->offset) = list;
}

/* The default's value; several words are or-ed. */
static int default_number(const struct cs_directive_row *row, int64_t *ret_value)
{
    struct cs_str rest = cs_str_from(row->def);
    int64_t value, all = 0;
    int r;

    if (row->type != CS_V_BITS && rest.ptr)
        return cs_row_number(row, rest, ret_value);
    while (rest.ptr) {
        r = cs_row_number(row, cs_str_cut(&rest, ' '), &value);
        if (r < 0)
            return r;
        all |= value;
    }
    *ret_value = all;
    return 0;
}

static void store_default(const struct cs_directive_row *row, void *settings)
{
    int64_t value = 0;

    if (row->type == CS_V_STR || row->type == CS_V_PATH)
        store_str(row, cs_str_from(row->def), settings);
    else if (row->type == CS_V_LIST)
        store_list(row, (struct cs_directive_list){0}, settings);
    else if (default_number(row, &value) == 0)
        store_number(row, value, settings);
}

/* Store what @d says; what it says wrongly leaves the default. */
static void store_directive(const struct cs_directive *d, void *settings)
{
    const struct cs_directive_row *row = d->row;
    int64_t value, all = 0;

    if (d->n_args == 0)
        return;
    if (row->type == CS_V_STR || row->type == CS_V_PATH) {
        store_str(row, d->args[0].text, settings);
        return;
    }
    for (size_t i = 0; i < (row->type == CS_V_BITS ? d->n_args : 1); i++) {
        if (cs_row_number(row, d->args[i].text, &value) < 0)
            return;
        all |= value;
    }
    store_number(row, all, settings);
}

/* One setting while the blocks are walked: where the nearest directives for it are. */
struct slot {
    const struct cs_block *level;
    const struct cs_directive *last;
    size_t n;
};

/* The index of @row's setting: of the first row of the table that stores into the same place.
 * Return: index, or table->n when the row is not in the table. */
static size_t slot_of(const struct cs_schema_table *table, const struct cs_directive_row *row)
{
    if (row < table->rows || row >= table->rows + table->n)
        return table->n;
    for (size_t i = 0;; i++) {
        const struct cs_directive_row *other = &table->rows[i];
        if (cs_row_is_stored(other) && other->type == row->type && other->offset == row->offset)
            return i;
    }
}

static void gather_slots(const struct cs_schema_table *table, const struct cs_block *block,
                         struct slot *slots)
{
    for (; block; block = block->parent) {
        for (const struct cs_directive *d = block->first_setting; d; d = d->next_setting) {
            size_t i = slot_of(table, d->row);
            if (i == table->n || (slots[i].level && slots[i].level != block))
                continue;
            slots[i].level = block;
            slots[i].last = d;
            slots[i].n++;
        }
    }
}

static void store_slot(const struct cs_schema_table *table, size_t i, const struct slot *slot,
                       struct cs_arena *arena, void *settings)
{
    const struct cs_directive **items;
    size_t n = 0;

    if (table->rows[i].type != CS_V_LIST) {
        store_directive(slot->last, settings);
        return;
    }
    items = cs_arena_array(arena, slot->n, sizeof(*items));
    for (const struct cs_directive *d = slot->level->first_setting; d; d = d->next_setting) {
        if (slot_of(table, d->row) == i)
            items[n++] = d;
    }
    store_list(&table->rows[i], (struct cs_directive_list){items, n}, settings);
}

void cs_settings_resolve(const struct cs_schema_table *table, const struct cs_block *block,
                         struct cs_arena *arena, void *settings)
{
    struct slot *slots = cs_alloc(table->n * sizeof(*slots));

    gather_slots(table, block, slots);
    for (size_t i = table->n; i-- > 0;) {
        if (cs_row_is_stored(&table->rows[i]))
            store_default(&table->rows[i], settings);
    }
    for (size_t i = 0; i < table->n; i++) {
        if (slots[i].level)
            store_slot(table, i, &slots[i], arena, settings);
    }
    free(slots);
}

/* --- tables in order ---------------------------------------------------------------------- */

static bool has_flags(const struct cs_directive_row *row, uint32_t flags)
{
    return (row->flags & flags) == flags;
}

static const char *row_fault(const struct cs_directive_row *row)
{
    bool chosen = row->type == CS_V_ENUM || row->type == CS_V_BITS;
    bool block = (row->flags & (CS_D_BLOCK | CS_D_ALSO_BLOCK)) != 0;
    int64_t value;

    if (!row->contexts)
        return "is allowed nowhere";
    if (!row->doc && !(row->flags & (CS_D_NO_EFFECT | CS_D_UNSUPPORTED)))
        return "has no doc";
    if ((row->flags & (CS_D_NO_EFFECT | CS_D_UNSUPPORTED | CS_D_DEPRECATED)) && !row->why)
        return "has no why";
    if (has_flags(row, CS_D_SECURITY | CS_D_NO_EFFECT))
        return "matters for security and has no effect";
    if (row->max_args < row->min_args)
        return "wants more arguments than it may have";
    if (chosen != (row->choices != NULL) && (chosen || row->type == CS_V_STR))
        return "has the wrong choices for its type";
    if (block != (row->opens != 0))
        return "is a block without a context, or a context without a block";
    if (row->max != 0 && row->max < row->min)
        return "has bounds that exclude everything";
    if (cs_row_is_stored(row) && row->type < CS_V_STR && row->def &&
        default_number(row, &value) < 0)
        return "has a default that it would refuse";
    return NULL;
}

static bool is_ambiguous(const struct cs_schema *schema, const struct cs_directive_row *row)
{
    for (size_t t = 0; t < schema->n_tables; t++) {
        const struct cs_schema_table *table = schema->tables[t];
        for (size_t i = 0; i < table->n; i++) {
            const struct cs_directive_row *other = &table->rows[i];
            if (other != row && (other->contexts & row->contexts) &&
                cs_row_is_fallback(other) == cs_row_is_fallback(row) &&
                strcmp(other->name, row->name) == 0)
                return true;
        }
    }
    return false;
}

const char *cs_schema_check(const struct cs_schema *schema, struct cs_arena *arena)
{
    for (size_t t = 0; t < schema->n_tables; t++) {
        const struct cs_schema_table *table = schema->tables[t];
        for (size_t i = 0; i < table->n; i++) {
            const char *fault = row_fault(&table->rows[i]);
            if (!fault && is_ambiguous(schema, &table->rows[i]))
                fault = "has two rows for one context";
            if (fault)
                return cs_arena_printf(arena, "%s %s", table->rows[i].name, fault).ptr;
        }
    }
    return NULL;
}
