/* The reference manual is the tables, printed: what the program checks is what the page says. */
#include "config/print.h"

#include "base/mem.h"

#include <errno.h>

/* Rows in the order of their names. */
static int compare_rows(const void *left, const void *right)
{
    const struct cs_directive_row *a = *(const struct cs_directive_row *const *)left;
    const struct cs_directive_row *b = *(const struct cs_directive_row *const *)right;
    int order = strcmp(a->name, b->name);

    return order ? order : (a->contexts > b->contexts) - (a->contexts < b->contexts);
}

static const struct cs_directive_row **sorted_rows(const struct cs_schema *schema, size_t *ret_n)
{
    const struct cs_directive_row **rows;
    size_t n = 0;

    for (size_t t = 0; t < schema->n_tables; t++)
        n += schema->tables[t]->n;
    rows = cs_alloc(n * sizeof(*rows));
    *ret_n = n;
    n = 0;
    for (size_t t = 0; t < schema->n_tables; t++) {
        for (size_t i = 0; i < schema->tables[t]->n; i++)
            rows[n++] = &schema->tables[t]->rows[i];
    }
    qsort(rows, n, sizeof(*rows), compare_rows);
    return rows;
}

static int print_choices(struct cs_buf *buf, const struct cs_directive_row *row)
{
    int r = 0;

    for (const struct cs_choice *c = row->choices; c && c->word && r == 0; c++)
        r = cs_buf_addf(buf, "%s%s", c == row->choices ? "" : " | ", c->word);
    return r;
}

static const char *form_of(const struct cs_directive_row *row)
{
    switch (row->type) {
    case CS_V_FLAG: return "on | off";
    case CS_V_INT: return "number";
    case CS_V_SIZE: return "size";
    case CS_V_MSEC:
    case CS_V_SEC: return "time";
    case CS_V_PATH: return "file";
    default: return "value";
    }
}

/* The arguments of a directive as the manual shows them. */
static int print_syntax(struct cs_buf *buf, const struct cs_directive_row *row)
{
    bool chosen = row->type == CS_V_ENUM || row->type == CS_V_BITS;
    int r;

    if (row->max_args == 0 || (row->syntax && !row->syntax[0]))
        return 0;
    r = cs_buf_add_char(buf, ' ');
    if (r == 0 && row->syntax)
        return cs_buf_add_str(buf, cs_str_from(row->syntax));
    if (r == 0 && !chosen)
        r = cs_buf_addf(buf, "%s%s", form_of(row), row->choices ? " | " : "");
    if (r == 0)
        r = print_choices(buf, row);
    if (r == 0 && row->max_args == CS_ARGS_ANY)
        r = cs_buf_add_str(buf, CS_STR(" ..."));
    return r;
}

static const char *end_of(const struct cs_directive_row *row)
{
    if (row->flags & CS_D_ALSO_BLOCK)
        return "; | { ... }";
    return row->flags & CS_D_BLOCK ? " { ... }" : ";";
}

static int print_contexts(struct cs_buf *buf, const struct cs_directive_row *row)
{
    struct cs_arena arena = {0};
    struct cs_str names = cs_context_names(row->contexts, &arena);
    int r = cs_buf_addf(buf, "- Context: %.*s\n", CS_FMT(names));

    cs_arena_deinit(&arena);
    return r;
}

static int print_entry(struct cs_buf *buf, const struct cs_directive_row *row)
{
    int r = cs_buf_addf(buf, "### %s\n\n- Syntax: `%s", row->name, row->name);

    if (r == 0)
        r = print_syntax(buf, row);
    if (r == 0)
        r = cs_buf_addf(buf, "%s`\n", end_of(row));
    if (r == 0 && row->def)
        r = cs_buf_addf(buf, "- Default: `%s %s;`\n", row->name, row->def[0] ? row->def : "\"\"");
    if (r == 0)
        r = print_contexts(buf, row);
    if (r == 0)
        r = cs_buf_addf(buf, "\n%s\n\n", row->doc ? row->doc : "");
    if (r == 0 && (row->flags & CS_D_DEPRECATED))
        r = cs_buf_addf(buf, "Deprecated: %s.\n\n", row->why);
    return r;
}

/* Whether another row of the name says more. @rows are sorted by name. */
static bool is_shadowed(const struct cs_directive_row *const *rows, size_t n, size_t i)
{
    bool before = i > 0 && strcmp(rows[i - 1]->name, rows[i]->name) == 0;
    bool after = i + 1 < n && strcmp(rows[i + 1]->name, rows[i]->name) == 0;

    return cs_row_is_fallback(rows[i]) && (before || after);
}

/* A table of the rows that have @flag, with their reasons; nothing when there are none. */
static int print_reasons(struct cs_buf *buf, const struct cs_directive_row *const *rows, size_t n,
                         uint32_t flag, const char *title)
{
    bool any = false;
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        if (!(rows[i]->flags & flag) || is_shadowed(rows, n, i))
            continue;
        if (!any)
            r = cs_buf_addf(buf, "## %s\n\n| directive | why |\n|---|---|\n", title);
        any = true;
        if (r == 0)
            r = cs_buf_addf(buf, "| %s | %s |\n", rows[i]->name, rows[i]->why);
    }
    return any && r == 0 ? cs_buf_add_char(buf, '\n') : r;
}

int cs_print_manual(struct cs_buf *buf, const struct cs_schema *schema)
{
    const uint32_t elsewhere = CS_D_NO_EFFECT | CS_D_UNSUPPORTED;
    size_t n;
    const struct cs_directive_row **rows = sorted_rows(schema, &n);
    int r = cs_buf_add_str(buf, CS_STR("# Directives\n\n"));

    for (size_t i = 0; i < n && r == 0; i++) {
        if (!(rows[i]->flags & elsewhere))
            r = print_entry(buf, rows[i]);
    }
    if (r == 0)
        r = print_reasons(buf, rows, n, CS_D_NO_EFFECT, "Accepted, without effect");
    if (r == 0)
        r = print_reasons(buf, rows, n, CS_D_UNSUPPORTED, "Not supported");
    free(rows);
    return r;
}
