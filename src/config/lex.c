/* A cursor over the text that cuts one token per call. Places are cheap: the bounds of the
 * current line are found once per line. After a mistake the cursor stands where reading on
 * makes sense: behind a stray character, or at the end of the line where a quote was opened. */
#include "config/lex.h"

#include "config/findings.h"

#include <stdio.h>

void cs_lex_init(struct cs_lex *lex, struct cs_str file, struct cs_str text, struct cs_arena *arena,
                 struct cs_findings *findings)
{
    *lex = (struct cs_lex){.file = file, .text = text, .arena = arena, .findings = findings};
    if (cs_str_starts(text, CS_STR("\xEF\xBB\xBF")))
        lex->pos = 3;
    lex->line = 1;
    lex->line_start = lex->pos;
    lex->line_end = lex->pos;
    while (lex->line_end < text.len && text.ptr[lex->line_end] != '\n')
        lex->line_end++;
}

static bool at_end(const struct cs_lex *lex)
{
    return lex->pos >= lex->text.len;
}

static char peek(const struct cs_lex *lex)
{
    return lex->text.ptr[lex->pos];
}

/* One byte on, keeping track of lines. */
static void advance(struct cs_lex *lex)
{
    if (lex->pos == lex->line_end && !at_end(lex)) {
        lex->line++;
        lex->line_start = lex->line_end + 1;
        lex->line_end = lex->line_start;
        while (lex->line_end < lex->text.len && lex->text.ptr[lex->line_end] != '\n')
            lex->line_end++;
    }
    if (!at_end(lex))
        lex->pos++;
}

static struct cs_place place_here(const struct cs_lex *lex)
{
    struct cs_str line = cs_str_sub(lex->text, lex->line_start, lex->line_end - lex->line_start);

    if (cs_str_ends(line, CS_STR("\r")))
        line.len--;
    return (struct cs_place){.file = lex->file,
                             .line = lex->line,
                             .column = (unsigned)(lex->pos - lex->line_start) + 1,
                             .text = line};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blank(struct cs_lex *lex)
{
    while (!at_end(lex)) {
        if (is_space(peek(lex)))
            advance(lex);
        else if (peek(lex) == '#')
            lex->pos = lex->line_end;
        else
            return;
    }
}

/* What a backslash and @c stand for, or 0: both stay. */
static char unescape(char c)
{
    switch (c) {
    case '"':
    case '\'':
    case '\\': return c;
    case 't': return '\t';
    case 'r': return '\r';
    case 'n': return '\n';
    default: return 0;
    }
}

/* The word that was written as @raw. */
static struct cs_str resolve_escapes(struct cs_lex *lex, struct cs_str raw)
{
    char *out;
    size_t len = 0;

    if (cs_str_find(raw, '\\') < 0)
        return raw;
    out = cs_arena_raw(lex->arena, raw.len);
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i] == '\\' && i + 1 < raw.len ? unescape(raw.ptr[i + 1]) : 0;
        if (c)
            i++;
        out[len++] = c ? c : raw.ptr[i];
    }
    return cs_str_make(out, len);
}

static void finish_word(struct cs_lex *lex, struct cs_str raw, struct cs_token *token)
{
    if (cs_str_find(raw, '\0') >= 0)
        CS_FIND0(lex->findings, &cs_config_found_zero_byte, &token->place);
    token->kind = CS_TOKEN_WORD;
    token->text = resolve_escapes(lex, raw);
}

/* Move over an unquoted word. */
static void scan_bare(struct cs_lex *lex)
{
    bool dollar = false;

    while (!at_end(lex)) {
        char c = peek(lex);
        if (c == '\\') {
            advance(lex);
            dollar = false;
        } else if (c == '{' && dollar) {
            /* "${": a variable in braces; still behind a dollar, as in nginx */
        } else if (is_space(c) || c == ';' || c == '{') {
            return;
        } else {
            dollar = c == '$';
        }
        advance(lex);
    }
}

static void lex_bare(struct cs_lex *lex, struct cs_token *token)
{
    size_t start = lex->pos;
    struct cs_str raw;

    scan_bare(lex);
    raw = cs_str_sub(lex->text, start, lex->pos - start);
    if (raw.len > CS_LEX_WORD_MAX) {
        raw.len = 10;
        CS_FIND(lex->findings, &cs_config_found_word_too_long, &token->place, raw);
    }
    finish_word(lex, raw, token);
}

/* Move to the closing @quote. Return: whether there is one, near enough. */
static bool scan_quoted(struct cs_lex *lex, char quote)
{
    size_t start = lex->pos;

    while (!at_end(lex) && lex->pos - start <= CS_LEX_WORD_MAX) {
        if (peek(lex) == quote)
            return true;
        if (peek(lex) == '\\')
            advance(lex);
        advance(lex);
    }
    return false;
}

/* The quote was never closed: the word ends with its line, before a ";" or "{" there. */
static void recover_quote(struct cs_lex *lex, const struct cs_lex *start)
{
    lex->pos = start->pos;
    lex->line = start->line;
    lex->line_start = start->line_start;
    lex->line_end = start->line_end;
    lex->pos = lex->line_end;
    while (lex->pos > start->pos && is_space(lex->text.ptr[lex->pos - 1]))
        lex->pos--;
    if (lex->pos > start->pos &&
        (lex->text.ptr[lex->pos - 1] == ';' || lex->text.ptr[lex->pos - 1] == '{'))
        lex->pos--;
}

static void lex_quoted(struct cs_lex *lex, struct cs_token *token)
{
    struct cs_str quote = cs_str_sub(lex->text, lex->pos, 1);
    struct cs_lex start;
    bool closed;
    struct cs_str raw;

    token->quoted = true;
    advance(lex);
    start = *lex;
    closed = scan_quoted(lex, quote.ptr[0]);
    if (!closed) {
        CS_FIND(lex->findings,
                at_end(lex) ? &cs_config_found_quote_not_closed : &cs_config_found_quote_too_long,
                &token->place, quote);
        recover_quote(lex, &start);
    }
    raw = cs_str_sub(lex->text, start.pos, lex->pos - start.pos);
    finish_word(lex, raw, token);
    if (closed) {
        advance(lex);
        lex->quote_line = token->place.line;
    }
}

/* After a closing quote: a space, ";", "{" or ")". A "}" is left for the parser to refuse. */
static void check_after_quote(struct cs_lex *lex)
{
    char c = at_end(lex) ? ' ' : peek(lex);

    if (!is_space(c) && c != ';' && c != '{' && c != '}' && c != ')') {
        struct cs_place place = place_here(lex);
        char line[16];
        int n = snprintf(line, sizeof(line), "%u", lex->quote_line);
        CS_FIND(lex->findings, &cs_config_found_after_quote, &place,
                cs_str_sub(lex->text, lex->pos, 1), cs_str_make(line, (size_t)n));
    }
    lex->quote_line = 0;
}

void cs_lex_next(struct cs_lex *lex, struct cs_token *ret_token)
{
    if (lex->quote_line)
        check_after_quote(lex);
    skip_blank(lex);
    *ret_token = (struct cs_token){.kind = CS_TOKEN_END, .place = place_here(lex)};
    if (at_end(lex))
        return;
    switch (peek(lex)) {
    case ';': ret_token->kind = CS_TOKEN_SEMICOLON; break;
    case '{': ret_token->kind = CS_TOKEN_OPEN; break;
    case '}': ret_token->kind = CS_TOKEN_CLOSE; break;
    case '"':
    case '\'': lex_quoted(lex, ret_token); return;
    default: lex_bare(lex, ret_token); return;
    }
    ret_token->text = cs_str_sub(lex->text, lex->pos, 1);
    advance(lex);
}
