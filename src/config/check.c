/* The tree against the schema, directive by directive, in nginx's order: known, allowed here,
 * terminated, the right number of arguments, good values, not a duplicate. What fails is
 * noted and the check goes on with the next, and as far as it can with what is inside. */
#include "config/check.h"

#include "base/hash.h"
#include "config/findings.h"

#include <errno.h>
#include <inttypes.h>

/* Rows of one name. */
struct row_entry {
    const struct cs_directive_row *row;
    struct row_entry *next;
};

struct check {
    const struct cs_schema *schema;
    struct cs_map rows;    /* name → row_entry */
    struct cs_map noticed; /* names whose lack of effect was told */
    struct cs_arena *arena;
    struct cs_findings *findings;
    const struct cs_directive *http; /* the http block that was written, or NULL */
};

static void check_block(struct check *check, struct cs_block *block);

/* --- rows by name ----------------------------------------------------------------------- */

static void index_row(struct check *check, const struct cs_directive_row *row)
{
    struct cs_str name = cs_str_from(row->name);
    struct row_entry *entry = CS_ARENA_NEW(check->arena, struct row_entry);
    struct row_entry *first = cs_map_get(&check->rows, name);

    entry->row = row;
    if (!first || cs_row_is_fallback(first->row)) {
        cs_map_set(&check->rows, name, entry);
        return;
    }
    if (cs_row_is_fallback(row))
        return;
    entry->next = first->next;
    first->next = entry;
}

static void index_schema(struct check *check)
{
    for (size_t t = 0; t < check->schema->n_tables; t++) {
        const struct cs_schema_table *table = check->schema->tables[t];
        for (size_t i = 0; i < table->n; i++)
            index_row(check, &table->rows[i]);
    }
}

static const struct cs_directive_row *find_row(const struct check *check, struct cs_str name,
                                               unsigned context)
{
    const struct row_entry *entry = cs_map_get(&check->rows, name);

    while (entry && !(entry->row->contexts & context))
        entry = entry->next;
    return entry ? entry->row : NULL;
}

/* --- names ------------------------------------------------------------------------------ */

static struct cs_str place_text(const struct check *check, const struct cs_place *place)
{
    return cs_arena_printf(check->arena, "%.*s:%u", CS_FMT(place->file), place->line);
}

/* What stands in a block that itself was refused is checked as if it were a @row. */
static void check_inside(struct check *check, struct cs_directive *d,
                         const struct cs_directive_row *row)
{
    if (!d->block || !row->opens || (row->flags & (CS_D_ANY_CHILD | CS_D_UNSUPPORTED)))
        return;
    d->block->context = row->opens;
    check_block(check, d->block);
}

static void refuse_place(struct check *check, struct cs_directive *d, const struct row_entry *rows)
{
    unsigned allowed = 0;
    const char *hint = NULL;

    for (const struct row_entry *e = rows; e; e = e->next) {
        allowed |= e->row->contexts;
        if (!hint)
            hint = e->row->misplaced;
    }
    if (d->parent->context == CS_CTX_MAIN && (allowed & CS_CTX_HTTP) && check->http)
        CS_FIND(check->findings, &cs_config_found_beside_http, &d->place, d->name,
                place_text(check, &check->http->place));
    else
        CS_FIND(check->findings, &cs_config_found_misplaced, &d->place, d->name,
                cs_context_name(d->parent->context), cs_context_names(allowed, check->arena),
                cs_str_from(hint));
    check_inside(check, d, rows->row);
}

static void refuse_name(struct check *check, struct cs_directive *d)
{
    const struct row_entry *rows = cs_map_get(&check->rows, d->name);
    unsigned context = d->parent->context;
    const struct cs_directive_row *near;

    if (rows) {
        refuse_place(check, d, rows);
        return;
    }
    if (context == CS_CTX_MAIN && !check->http)
        context |= CS_CTX_HTTP;
    near = cs_schema_nearest(check->schema, d->name, context);
    if (!near) {
        CS_FIND(check->findings, &cs_config_found_unknown, &d->place, d->name);
        return;
    }
    CS_FIND(check->findings, &cs_config_found_unknown_near, &d->place, d->name,
            cs_str_from(near->name));
    check_inside(check, d, near);
}

/* --- shape ------------------------------------------------------------------------------ */

static bool has_shape(const struct cs_directive *d)
{
    if (d->row->flags & CS_D_ALSO_BLOCK)
        return true;
    return (d->block != NULL) == ((d->row->flags & CS_D_BLOCK) != 0);
}

static bool has_count(const struct cs_directive *d)
{
    return d->n_args >= d->row->min_args &&
           (d->row->max_args == CS_ARGS_ANY || d->n_args <= d->row->max_args);
}

static bool has_bits(const struct cs_directive *d)
{
    int64_t value;

    for (size_t i = 0; d->row->type == CS_V_BITS && i < d->n_args; i++) {
        if (cs_row_number(d->row, d->args[i].text, &value) < 0)
            return false;
    }
    return true;
}

static bool check_shape(struct check *check, const struct cs_directive *d)
{
    if (has_shape(d))
        return true;
    CS_FIND(check->findings, d->block ? &cs_config_found_not_block : &cs_config_found_no_block,
            &d->place, d->name);
    return false;
}

static struct cs_str count_text(const struct check *check, const struct cs_directive_row *row)
{
    unsigned min = row->min_args, max = row->max_args;
    const char *plural = max == 1 ? "" : "s";

    if (max == 0)
        return CS_STR("no arguments");
    if (max == CS_ARGS_ANY)
        return cs_arena_printf(check->arena, "at least %u argument%s", min, min == 1 ? "" : "s");
    if (min == max)
        return cs_arena_printf(check->arena, "%u argument%s", max, plural);
    return cs_arena_printf(check->arena, "%u %s %u argument%s", min, max - min == 1 ? "or" : "to",
                           max, plural);
}

static bool check_count(struct check *check, const struct cs_directive *d)
{
    struct cs_str given;

    if (has_count(d))
        return true;
    given = d->n_args == 0
                ? CS_STR("none is")
                : cs_arena_printf(check->arena, "%zu %s", d->n_args, d->n_args == 1 ? "is" : "are");
    CS_FIND(check->findings, &cs_config_found_arguments, &d->place, d->name,
            count_text(check, d->row), given);
    return false;
}

/* --- a ";" that was forgotten ------------------------------------------------------------ */

/* The first argument that starts a line and is the name of a directive. Return: its index, or
 * n_args. */
static size_t find_swallowed(const struct check *check, const struct cs_directive *d)
{
    unsigned line = d->place.line;

    for (size_t i = 0; i < d->n_args; i++) {
        const struct cs_word *word = &d->args[i];
        if (word->place.line > line && !word->quoted &&
            find_row(check, word->text, d->parent->context))
            return i;
        line = word->place.line;
    }
    return d->n_args;
}

/* Make a directive of its own of what follows from argument @i on. */
static void split_directive(struct check *check, struct cs_directive *d, size_t i)
{
    struct cs_directive *tail = CS_ARENA_NEW(check->arena, struct cs_directive);

    *tail = (struct cs_directive){.name = d->args[i].text,
                                  .place = d->args[i].place,
                                  .args = d->args + i + 1,
                                  .n_args = d->n_args - i - 1,
                                  .block = d->block,
                                  .parent = d->parent,
                                  .next = d->next};
    if (tail->block)
        tail->block->owner = tail;
    if (d->parent->last == d)
        d->parent->last = tail;
    d->next = tail;
    d->n_args = i;
    d->block = NULL;
}

/* Where the directive goes on into a line that starts with the name of another: it is two
 * when it makes no sense as one, and worth a warning when it does. */
static void check_terminated(struct check *check, struct cs_directive *d)
{
    size_t i = find_swallowed(check, d);
    const struct cs_word *before;
    struct cs_str text;

    if (i == d->n_args)
        return;
    before = i > 0 ? &d->args[i - 1] : NULL;
    text = before ? before->text : d->name;
    if (has_shape(d) && has_count(d) && has_bits(d)) {
        if (cs_row_is_fallback(find_row(check, d->args[i].text, d->parent->context)))
            return;
        CS_FIND(check->findings, &cs_config_found_swallowed, &d->args[i].place, d->name,
                d->args[i].text, text);
        return;
    }
    CS_FIND(check->findings, &cs_config_found_not_terminated, before ? &before->place : &d->place,
            d->name, text);
    split_directive(check, d, i);
}

/* --- values ------------------------------------------------------------------------------ */

static struct cs_str choice_words(const struct check *check, const struct cs_directive_row *row)
{
    struct cs_str text = CS_STR("");

    for (const struct cs_choice *c = row->choices; c && c->word; c++)
        text =
            cs_arena_printf(check->arena, "%.*s%s%s", CS_FMT(text), text.len ? ", " : "", c->word);
    return text;
}

static const char *unit_of(const struct cs_directive_row *row)
{
    switch (row->type) {
    case CS_V_SIZE: return " bytes";
    case CS_V_MSEC: return " milliseconds";
    case CS_V_SEC: return " seconds";
    default: return "";
    }
}

static struct cs_str range_text(const struct check *check, const struct cs_directive_row *row)
{
    const char *unit = unit_of(row);

    if (row->max == 0)
        return cs_arena_printf(check->arena, "at least %" PRId64 "%s", row->min, unit);
    return cs_arena_printf(check->arena, "between %" PRId64 " and %" PRId64 "%s", row->min,
                           row->max, unit);
}

static struct cs_str form_text(const struct check *check, const struct cs_directive_row *row)
{
    struct cs_str words = choice_words(check, row);
    const char *form = "a whole number";

    if (row->type == CS_V_SIZE)
        form = "a number of bytes such as 512, 8k or 10m";
    if (row->type == CS_V_MSEC)
        form = "a time such as 500ms, 30s, 5m or \"1h 30m\"";
    if (row->type == CS_V_SEC)
        form = "a time such as 30s, 5m or \"1h 30m\"";
    if (words.len == 0)
        return cs_str_from(form);
    return cs_arena_printf(check->arena, "%s, or: %.*s", form, CS_FMT(words));
}

static void refuse_choice(struct check *check, const struct cs_directive *d,
                          const struct cs_word *word)
{
    const struct cs_choice *near = NULL;
    size_t least = 3;

    for (const struct cs_choice *c = d->row->choices; c && c->word; c++) {
        size_t distance = cs_str_distance(word->text, cs_str_from(c->word));
        if (distance < least && distance < word->text.len / 2) {
            least = distance;
            near = c;
        }
    }
    CS_FIND(check->findings,
            near ? &cs_config_found_invalid_choice_near : &cs_config_found_invalid_choice,
            &word->place, word->text, d->name, choice_words(check, d->row),
            cs_str_from(near ? near->word : NULL));
}

static void refuse_value(struct check *check, const struct cs_directive *d,
                         const struct cs_word *word, int why)
{
    switch (d->row->type) {
    case CS_V_FLAG:
        CS_FIND(check->findings, &cs_config_found_invalid_flag, &word->place, word->text, d->name);
        return;
    case CS_V_ENUM:
    case CS_V_BITS: refuse_choice(check, d, word); return;
    case CS_V_PATH:
        cs_config_refuse_value(check->findings, d, word, CS_STR("write a path"));
        return;
    default: break;
    }
    if (why == -ERANGE)
        CS_FIND(check->findings, &cs_config_found_invalid_range, &word->place, word->text, d->name,
                range_text(check, d->row));
    else
        CS_FIND(check->findings, &cs_config_found_invalid_number, &word->place, word->text, d->name,
                form_text(check, d->row));
}

static bool check_value(struct check *check, const struct cs_directive *d,
                        const struct cs_word *word)
{
    int64_t value;
    int r;

    if (d->row->type == CS_V_PATH)
        r = word->text.len ? 0 : -EINVAL;
    else
        r = cs_row_number(d->row, word->text, &value);
    if (r < 0)
        refuse_value(check, d, word, r);
    return r == 0;
}

static bool check_bits(struct check *check, const struct cs_directive *d)
{
    int64_t seen = 0, bit;
    bool good = true;

    for (size_t i = 0; i < d->n_args; i++) {
        if (!check_value(check, d, &d->args[i])) {
            good = false;
            continue;
        }
        cs_row_number(d->row, d->args[i].text, &bit);
        if ((seen & bit) == bit && bit)
            CS_FIND(check->findings, &cs_config_found_duplicate_value, &d->args[i].place,
                    d->args[i].text, d->name);
        seen |= bit;
    }
    return good;
}

static bool check_values(struct check *check, const struct cs_directive *d)
{
    switch (d->row->type) {
    case CS_V_NONE:
    case CS_V_STR:
    case CS_V_LIST:
    case CS_V_BLOCK: return true;
    case CS_V_BITS: return check_bits(check, d);
    default: return d->n_args == 0 || check_value(check, d, &d->args[0]);
    }
}

/* --- remarks ----------------------------------------------------------------------------- */

static void check_duplicate(struct check *check, const struct cs_directive *d)
{
    if (d->row->flags & CS_D_REPEAT)
        return;
    for (const struct cs_directive *other = d->parent->first; other != d; other = other->next) {
        if (other->row == d->row) {
            CS_FIND(check->findings, &cs_config_found_duplicate, &d->place, d->name,
                    place_text(check, &other->place));
            return;
        }
    }
}

/* Whether the arguments say what the default says anyway. */
static bool is_default(const struct check *check, const struct cs_directive *d)
{
    struct cs_str text = cs_directive_arg(d, 0);

    for (size_t i = 1; i < d->n_args; i++)
        text = cs_arena_printf(check->arena, "%.*s %.*s", CS_FMT(text), CS_FMT(d->args[i].text));
    return d->row->def && cs_str_eq_nocase(text, cs_str_from(d->row->def));
}

static void remark_on(struct check *check, struct cs_directive *d)
{
    struct cs_str why = cs_str_from(d->row->why);

    if (d->row->flags & CS_D_DEPRECATED)
        CS_FIND(check->findings, &cs_config_found_deprecated, &d->place, d->name, why);
    if (!(d->row->flags & CS_D_NO_EFFECT) || is_default(check, d))
        return;
    if (!cs_map_set(&check->noticed, d->name, d))
        CS_FIND(check->findings, &cs_config_found_no_effect, &d->place, d->name, why);
}

/* --- blocks ------------------------------------------------------------------------------ */

/* The lines of map, types and the like: any words, but no blocks. */
static void check_free_lines(struct check *check, const struct cs_block *block)
{
    for (const struct cs_directive *d = block->first; d; d = d->next) {
        if (d->block)
            CS_FIND(check->findings, &cs_config_found_unexpected_character, &d->place, CS_STR("{"));
    }
}

static void check_children(struct check *check, struct cs_directive *d)
{
    if (!d->block || !(d->row->flags & (CS_D_BLOCK | CS_D_ALSO_BLOCK)))
        return;
    d->block->context = d->row->opens;
    if (d->row->flags & CS_D_ANY_CHILD)
        check_free_lines(check, d->block);
    else
        check_block(check, d->block);
}

/* Settings are looked up in a list of their own: a block may hold ten thousand servers. */
static void add_setting(struct cs_directive *d)
{
    struct cs_block *block = d->parent;

    if (!cs_row_is_stored(d->row))
        return;
    if (block->last_setting)
        block->last_setting->next_setting = d;
    else
        block->first_setting = d;
    block->last_setting = d;
}

/* The same for looking up a name: a block has few names, however many servers. */
static void add_name(struct cs_directive *d)
{
    struct cs_directive **at = &d->parent->first_name;

    while (*at && !cs_str_eq((*at)->name, d->name))
        at = &(*at)->next_name;
    if (*at)
        (*at)->last_same->next_same = d;
    else
        *at = d;
    (*at)->last_same = d;
}

static void check_directive(struct check *check, struct cs_directive *d)
{
    d->row = find_row(check, d->name, d->parent->context);
    if (!d->row) {
        refuse_name(check, d);
        return;
    }
    if (d->row->flags & CS_D_UNSUPPORTED) {
        if (!is_default(check, d))
            CS_FIND(check->findings, &cs_config_found_unsupported, &d->place, d->name,
                    cs_str_from(d->row->why));
        return;
    }
    add_setting(d);
    check_terminated(check, d);
    if (check_shape(check, d) && check_count(check, d) && check_values(check, d)) {
        if (d->row->check)
            d->row->check(d, check->findings);
        remark_on(check, d);
    }
    check_duplicate(check, d);
    check_children(check, d);
    if (has_shape(d) && has_count(d))
        add_name(d);
    else
        d->row = NULL; /* nobody may count on arguments or a block that are not there */
}

static void check_block(struct check *check, struct cs_block *block)
{
    for (struct cs_directive *d = block->first; d; d = d->next)
        check_directive(check, d);
}

/* --- files without an http block --------------------------------------------------------- */

static void append(struct cs_block *block, struct cs_directive *d)
{
    d->parent = block;
    d->next = NULL;
    if (d->block)
        d->block->parent = block;
    if (block->last)
        block->last->next = d;
    else
        block->first = d;
    block->last = d;
}

static bool belongs_to_http(const struct check *check, const struct cs_directive *d)
{
    return !find_row(check, d->name, CS_CTX_MAIN) && find_row(check, d->name, CS_CTX_HTTP);
}

static struct cs_directive *make_http(struct check *check, const struct cs_place *place)
{
    struct cs_directive *http = CS_ARENA_NEW(check->arena, struct cs_directive);

    http->name = CS_STR("http");
    http->place = *place;
    http->block = CS_ARENA_NEW(check->arena, struct cs_block);
    http->block->owner = http;
    return http;
}

/* Move what only http may hold into an http block that nobody wrote. */
static void adopt_http_content(struct check *check, struct cs_config *config)
{
    struct cs_block *main_block = config->main;
    struct cs_directive *d = main_block->first, *next, *http = NULL;

    if (!find_row(check, CS_STR("http"), CS_CTX_MAIN))
        return;
    main_block->first = main_block->last = NULL;
    for (; d; d = next) {
        next = d->next;
        if (!belongs_to_http(check, d)) {
            append(main_block, d);
            continue;
        }
        if (!http)
            http = make_http(check, &d->place);
        append(http->block, d);
    }
    if (!http)
        return;
    append(main_block, http);
    config->bare = true;
}

/* The http block as written: nothing has its row yet. */
static const struct cs_directive *find_http(const struct cs_block *main_block)
{
    for (const struct cs_directive *d = main_block->first; d; d = d->next) {
        if (cs_directive_is(d, "http"))
            return d;
    }
    return NULL;
}

void cs_config_check(struct cs_config *config, const struct cs_schema *schema,
                     struct cs_arena *arena, struct cs_findings *findings)
{
    struct check check = {.schema = schema, .arena = arena, .findings = findings};

    index_schema(&check);
    check.http = find_http(config->main);
    if (!check.http)
        adopt_http_content(&check, config);
    check_block(&check, config->main);
    cs_map_deinit(&check.rows);
    cs_map_deinit(&check.noticed);
}
