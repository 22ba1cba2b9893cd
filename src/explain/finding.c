/* Sentences from findings: the words are the kind's templates, the places are printed as
 * compilers print them, and everything foreign goes through explain/text.h.
 *
 * Appending fails in one way only (the buffer is full), so the functions here say 0 or not 0,
 * and `||` writes piece after piece until one does not fit.
 */
#include "explain/finding.h"

#include <errno.h>

#include "explain/text.h"

/* The columns of the offending line that are shown; a longer line is shown around its caret. */
#define LINE_WINDOW 160
#define LINE_BEFORE 80

static const struct {
    const char *name;
    const char *nginx;
    const char *colour;
} severities[] = {
    [CS_SEVERITY_NOTICE] = {"notice", "notice", "\033[1;36m"},
    [CS_SEVERITY_WARNING] = {"warning", "warn", "\033[1;35m"},
    [CS_SEVERITY_ERROR] = {"error", "emerg", "\033[1;31m"},
};

#define BOLD "\033[1m"
#define GREEN "\033[1;32m"
#define PLAIN "\033[0m"

const char *cs_severity_name(enum cs_severity severity)
{
    return severities[severity].name;
}

const char *cs_severity_nginx(enum cs_severity severity)
{
    return severities[severity].nginx;
}

static int paint(struct cs_buf *buf, bool colour, const char *code)
{
    return colour ? cs_buf_add_str(buf, cs_str_from(code)) : 0;
}

static int fill(const struct cs_finding *f, const char *template, struct cs_buf *buf)
{
    return cs_explain_template(buf, template, f->operands, CS_FINDING_OPERANDS);
}

int cs_explain_primary(const struct cs_finding *finding, struct cs_buf *buf)
{
    return fill(finding, finding->kind->primary, buf);
}

/* "FILE:LINE:COLUMN: ", as far as it is known. */
static int add_place(const struct cs_place *place, bool colour, struct cs_buf *buf)
{
    int r;

    if (!place->file.len)
        return 0;
    r = paint(buf, colour, BOLD) || cs_explain_escape(buf, place->file);
    if (place->line)
        r = r || cs_buf_addf(buf, ":%u", place->line);
    if (place->line && place->column)
        r = r || cs_buf_addf(buf, ":%u", place->column);
    return r || cs_buf_add_str(buf, CS_STR(": ")) || paint(buf, colour, PLAIN);
}

/* Where the word under the caret ends: a byte offset behind @from. */
static size_t word_end(struct cs_str line, size_t from)
{
    size_t i = from + 1;
    while (i < line.len && !strchr(" \t;{}", line.ptr[i]))
        i++;
    return i;
}

/* Nothing that UTF-8 continues stands at the edge of the shown part of a line. */
static size_t window_start(struct cs_str line, size_t caret)
{
    size_t from = line.len > LINE_WINDOW && caret > LINE_BEFORE ? caret - LINE_BEFORE : 0;
    while (from && from < caret && ((uint8_t)line.ptr[from] & 0xc0) == 0x80)
        from++;
    return from;
}

/* The shown part of the line into @buf, and what stands below it into @below: blanks up to the
 * caret (tabs stay tabs, so that both lines are moved alike), then ^~~~ under the word. */
static int add_window(struct cs_str line, size_t caret, struct cs_buf *buf, struct cs_buf *below)
{
    size_t i = window_start(line, caret), end = word_end(line, caret);
    size_t last = i + LINE_WINDOW;
    size_t bytes, columns;
    char out[16];
    int r = 0;

    if (i)
        r = r || cs_buf_add_str(buf, CS_STR("...")) || cs_buf_add_str(below, CS_STR("   "));
    for (; i < line.len && i < last && r == 0; i += bytes) {
        size_t len = cs_explain_char(cs_str_skip(line, i), out, &bytes, &columns);
        char under = i + bytes <= caret ? ' ' : i <= caret ? '^' : '~';
        if (line.ptr[i] == '\t') {
            out[0] = '\t';
            len = columns = 1;
            under = '\t';
        }
        r = r || cs_buf_add(buf, out, len);
        for (size_t c = 0; i < end && c < columns; c++, under = under == '^' ? '~' : under)
            r = r || cs_buf_add_char(below, under);
    }
    if (i < line.len)
        r = r || cs_buf_add_str(buf, CS_STR("..."));
    if (caret >= line.len)
        r = r || cs_buf_add_char(below, '^');
    return r;
}

static int add_source(const struct cs_finding *f, bool colour, struct cs_buf *buf)
{
    const struct cs_place *place = &f->place;
    struct cs_buf below;
    size_t caret;
    int r;

    if (!place->text.ptr || !place->line || !place->column)
        return 0;
    caret = place->column - 1 < place->text.len ? place->column - 1 : place->text.len;
    cs_buf_init(&below, 4 * LINE_WINDOW + 64);
    r = cs_buf_addf(buf, "%6u | ", place->line);
    r = r || add_window(place->text, caret, buf, &below);
    r = r || cs_buf_add_str(buf, CS_STR("\n       | "));
    r = r || paint(buf, colour, GREEN) || cs_buf_add_str(buf, cs_buf_str(&below));
    r = r || paint(buf, colour, PLAIN) || cs_buf_add_char(buf, '\n');
    cs_buf_deinit(&below);
    return r;
}

/* Whether a clause says anything: some consist of one operand, which may be empty. */
static bool has_words(const struct cs_finding *f, const char *template)
{
    struct cs_buf words;
    bool some;

    if (!template)
        return false;
    cs_buf_init(&words, 64);
    some = fill(f, template, &words) || words.len;
    cs_buf_deinit(&words);
    return some;
}

static int add_note(const struct cs_finding *f, const char *label, const char *template,
                    bool colour, struct cs_buf *buf)
{
    int r;

    if (!has_words(f, template))
        return 0;
    r = cs_buf_add_str(buf, CS_STR("  ")) || paint(buf, colour, BOLD);
    r = r || cs_buf_addf(buf, "%s:", label) || paint(buf, colour, PLAIN) ||
        cs_buf_add_char(buf, ' ');
    return r || fill(f, template, buf) || cs_buf_add_char(buf, '\n');
}

static int add_text(const struct cs_finding *f, bool colour, struct cs_buf *buf)
{
    const char *shade = severities[f->kind->severity].colour;
    int r = add_place(&f->place, colour, buf);

    r = r || paint(buf, colour, shade) ||
        cs_buf_addf(buf, "%s:", cs_severity_name(f->kind->severity));
    r = r || paint(buf, colour, PLAIN) || cs_buf_add_char(buf, ' ') || paint(buf, colour, BOLD);
    r = r || cs_explain_primary(f, buf) || paint(buf, colour, PLAIN) || cs_buf_add_char(buf, '\n');
    r = r || add_source(f, colour, buf);
    r = r || add_note(f, "detail", f->kind->detail, colour, buf);
    return r || add_note(f, "hint", f->kind->hint, colour, buf);
}

/* " in FILE:LINE"; what -g gave has no lines worth naming. */
static int add_in_place(const struct cs_place *place, struct cs_buf *buf)
{
    int r;

    if (!place->file.len)
        return 0;
    r = cs_buf_add_str(buf, CS_STR(" in ")) || cs_explain_escape(buf, place->file);
    if (place->line && !cs_str_eq(place->file, CS_STR("command line")))
        r = r || cs_buf_addf(buf, ":%u", place->line);
    return r;
}

static int add_nginx(const struct cs_finding *f, struct cs_buf *buf)
{
    int r = cs_buf_addf(buf, "nginx: [%s] ", cs_severity_nginx(f->kind->severity));
    r = r || cs_explain_primary(f, buf) || add_in_place(&f->place, buf);
    return r || cs_buf_add_char(buf, '\n');
}

static int add_member(struct cs_buf *buf, const char *key, struct cs_str value)
{
    int r = buf->len && buf->ptr[buf->len - 1] != '{' ? cs_buf_add_char(buf, ',') : 0;
    return r || cs_buf_addf(buf, "\"%s\":", key) || cs_buf_add_json(buf, value);
}

static int add_json_clause(const struct cs_finding *f, const char *key, const char *template,
                           struct cs_buf *buf)
{
    struct cs_buf words;
    int r;

    if (!has_words(f, template))
        return 0;
    cs_buf_init(&words, buf->max);
    r = fill(f, template, &words);
    r = r || add_member(buf, key, cs_buf_str(&words));
    cs_buf_deinit(&words);
    return r;
}

/* All operands up to the last one that says something: their numbers keep their meaning. */
static int add_json_operands(const struct cs_finding *f, struct cs_buf *buf)
{
    size_t n = CS_FINDING_OPERANDS;
    int r;

    while (n && !f->operands[n - 1].len)
        n--;
    if (!n)
        return 0;
    r = cs_buf_add_str(buf, CS_STR(",\"operands\":["));
    for (size_t i = 0; i < n; i++)
        r = r || (i && cs_buf_add_char(buf, ',')) || cs_buf_add_json(buf, f->operands[i]);
    return r || cs_buf_add_char(buf, ']');
}

static int add_json(const struct cs_finding *f, struct cs_buf *buf)
{
    int r = cs_buf_add_char(buf, '{');

    r = r || add_member(buf, "code", cs_str_from(f->kind->code));
    r = r || add_member(buf, "severity", cs_str_from(cs_severity_name(f->kind->severity)));
    r = r || add_json_clause(f, "primary", f->kind->primary, buf);
    r = r || add_json_clause(f, "detail", f->kind->detail, buf);
    r = r || add_json_clause(f, "hint", f->kind->hint, buf);
    if (f->place.file.len)
        r = r || add_member(buf, "file", f->place.file);
    if (f->place.line)
        r = r || cs_buf_addf(buf, ",\"line\":%u", f->place.line);
    if (f->place.column)
        r = r || cs_buf_addf(buf, ",\"column\":%u", f->place.column);
    return r || add_json_operands(f, buf) || cs_buf_add_char(buf, '}');
}

int cs_explain_finding(const struct cs_finding *finding, enum cs_explain_style style, bool colour,
                       struct cs_buf *buf)
{
    int r = 0;

    switch (style) {
    case CS_EXPLAIN_TEXT: r = add_text(finding, colour, buf); break;
    case CS_EXPLAIN_NGINX: r = add_nginx(finding, buf); break;
    case CS_EXPLAIN_JSON: r = add_json(finding, buf); break;
    }
    return r ? -ENOBUFS : 0;
}

int cs_explain_line(const struct cs_finding *finding, struct cs_buf *buf)
{
    const struct cs_finding_kind *kind = finding->kind;
    bool detail = has_words(finding, kind->detail), hint = has_words(finding, kind->hint);
    int r = cs_explain_primary(finding, buf);

    if (detail || hint)
        r = r || cs_buf_add_str(buf, CS_STR(" ("));
    if (detail)
        r = r || fill(finding, kind->detail, buf);
    if (detail && hint)
        r = r || cs_buf_add_str(buf, CS_STR("; "));
    if (hint)
        r = r || cs_buf_add_str(buf, CS_STR("hint: ")) || fill(finding, kind->hint, buf);
    if (detail || hint)
        r = r || cs_buf_add_char(buf, ')');
    r = r || cs_buf_addf(buf, " [%s]", kind->code) || add_in_place(&finding->place, buf);
    return r ? -ENOBUFS : 0;
}

static int add_count(struct cs_buf *buf, const char *before, unsigned n, const char *what)
{
    return cs_buf_addf(buf, "%s%u %s%s", before, n, what, n == 1 ? "" : "s");
}

int cs_explain_summary(const struct cs_findings *findings, struct cs_str file, struct cs_buf *buf)
{
    unsigned n[] = {[CS_SEVERITY_NOTICE] = 0, [CS_SEVERITY_WARNING] = 0, [CS_SEVERITY_ERROR] = 0};
    const char *before = findings->n_errors ? ": " : ", ";
    int r = cs_explain_escape(buf, file);

    for (const struct cs_finding *f = findings->first; f; f = f->next)
        n[f->kind->severity]++;
    n[CS_SEVERITY_ERROR] = findings->n_errors;
    if (!findings->n_errors)
        r = r || cs_buf_add_str(buf, CS_STR(": ok"));
    for (int s = CS_SEVERITY_ERROR; s >= CS_SEVERITY_NOTICE; s--) {
        if (!n[s])
            continue;
        r = r || add_count(buf, before, n[s], cs_severity_name((enum cs_severity)s));
        before = ", ";
    }
    if (findings->dropped)
        r = r || cs_buf_addf(buf, "%s%u more not shown", before, findings->dropped);
    return r ? -ENOBUFS : 0;
}
