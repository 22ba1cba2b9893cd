/* Canonical text. A word is quoted when reading it bare would give something else; a backslash
 * is doubled only where it would otherwise swallow what follows. */
#include "config/print.h"

#include <errno.h>

/* Whether what is written for @c would, behind a backslash, be read as an escape. */
static bool is_escapable(char c)
{
    return c != '\0' && strchr("\"'\\trn\t\r\n", c);
}

/* "${": a brace that opens no block. */
static bool is_variable_brace(struct cs_str text, size_t i)
{
    return i > 0 && text.ptr[i - 1] == '$' && !(i > 1 && text.ptr[i - 2] == '\\');
}

static bool needs_quotes(struct cs_str text)
{
    if (text.len == 0 || strchr("\"'#}", text.ptr[0]))
        return true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ';')
            return true;
        if (c == '{' && !is_variable_brace(text, i))
            return true;
    }
    return false;
}

/* Whether the backslash at @i must be doubled to stay one. */
static bool doubles(struct cs_str text, size_t i)
{
    return i + 1 == text.len || is_escapable(text.ptr[i + 1]);
}

static int print_byte(struct cs_buf *buf, struct cs_str text, size_t i, bool quoted)
{
    switch (text.ptr[i]) {
    case '\\': return cs_buf_add_str(buf, doubles(text, i) ? CS_STR("\\\\") : CS_STR("\\"));
    case '\t': return cs_buf_add_str(buf, CS_STR("\\t"));
    case '\r': return cs_buf_add_str(buf, CS_STR("\\r"));
    case '\n': return cs_buf_add_str(buf, CS_STR("\\n"));
    case '"': return cs_buf_add_str(buf, quoted ? CS_STR("\\\"") : CS_STR("\""));
    default: return cs_buf_add_char(buf, text.ptr[i]);
    }
}

int cs_print_word(struct cs_buf *buf, struct cs_str text)
{
    bool quoted = needs_quotes(text);
    int r = quoted ? cs_buf_add_char(buf, '"') : 0;

    for (size_t i = 0; i < text.len && r == 0; i++)
        r = print_byte(buf, text, i, quoted);
    if (r == 0 && quoted)
        r = cs_buf_add_char(buf, '"');
    return r;
}

static int print_indent(struct cs_buf *buf, unsigned depth)
{
    return cs_buf_addf(buf, "%*s", (int)(4 * depth), "");
}

static int print_words(struct cs_buf *buf, const struct cs_directive *d)
{
    int r = cs_print_word(buf, d->name);

    for (size_t i = 0; i < d->n_args && r == 0; i++) {
        r = cs_buf_add_char(buf, ' ');
        if (r == 0)
            r = cs_print_word(buf, d->args[i].text);
    }
    return r;
}

static int print_level(struct cs_buf *buf, const struct cs_block *block, unsigned depth);

static int print_directive(struct cs_buf *buf, const struct cs_directive *d, unsigned depth)
{
    int r = print_indent(buf, depth);

    if (r == 0)
        r = print_words(buf, d);
    if (r < 0 || !d->block)
        return r < 0 ? r : cs_buf_add_str(buf, CS_STR(";\n"));
    r = cs_buf_add_str(buf, CS_STR(" {\n"));
    if (r == 0)
        r = print_level(buf, d->block, depth + 1);
    if (r == 0)
        r = print_indent(buf, depth);
    return r < 0 ? r : cs_buf_add_str(buf, CS_STR("}\n"));
}

static int print_level(struct cs_buf *buf, const struct cs_block *block, unsigned depth)
{
    int r = 0;

    for (const struct cs_directive *d = block->first; d && r == 0; d = d->next)
        r = print_directive(buf, d, depth);
    return r;
}

int cs_print_block(struct cs_buf *buf, const struct cs_block *block)
{
    return print_level(buf, block, 0);
}
