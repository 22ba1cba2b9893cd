/* Marks and colours, and the members of the JSON object. What is said about a cause is explain/'s.
 */
#include "doctor/report.h"

#include <errno.h>

#include "explain/account.h"
#include "explain/finding.h"
#include "explain/kinds.h"
#include "explain/sheet.h"
#include "explain/text.h"

#define GREEN "\033[1;32m"
#define RED "\033[1;31m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

enum { NAME_WIDTH = 20, INDENT = 4 };

struct page {
    const struct cs_visit *visit;
    const struct cs_comparison *comparison; /* NULL: none */
    const struct cs_report_style *style;
    struct cs_buf *buf;
    struct cs_sheet sheet;
};

static void put(struct page *p, const char *text)
{
    p->sheet.full |= cs_buf_add_str(p->buf, cs_str_from(text)) < 0;
}

static void paint(struct page *p, const char *code)
{
    if (p->style->colour)
        put(p, code);
}

/* ---- one step ---- */

static void put_mark(struct page *p, enum cs_mark mark)
{
    static const struct {
        const char *sign, *ascii, *colour;
    } rows[] = {
        [CS_MARK_OPEN] = {"-", " -- ", ""},
        [CS_MARK_GOOD] = {"✓", " ok ", GREEN},
        [CS_MARK_BAD] = {"✗", "FAIL", RED},
    };

    paint(p, rows[mark].colour);
    put(p, p->style->ascii ? rows[mark].ascii : rows[mark].sign);
    paint(p, PLAIN);
}

static void put_name(struct page *p, const char *name)
{
    size_t len = strlen(name);

    put(p, " ");
    for (const char *c = name; *c; c++)
        p->sheet.full |= cs_buf_add_char(p->buf, *c == '-' ? ' ' : *c) < 0;
    p->sheet.full |= cs_buf_addf(p->buf, "%*s", len < NAME_WIDTH ? (int)(NAME_WIDTH - len) : 1, "");
}

static void fact_text(struct page *p, const struct cs_fact *fact)
{
    switch (fact->kind) {
    case CS_FACT_TEXT: cs_sheet_text(&p->sheet, fact->label, fact->key, fact->text); break;
    case CS_FACT_NUMBER: cs_sheet_number(&p->sheet, fact->label, fact->key, fact->number); break;
    case CS_FACT_FLAG: cs_sheet_flag(&p->sheet, fact->label, fact->key, fact->number); break;
    case CS_FACT_LIST:
        if (p->style->json ? !fact->key : !fact->label)
            break;
        if (p->style->json)
            cs_sheet_open_list(&p->sheet, fact->key);
        for (size_t i = 0; i < fact->n_items; i++)
            cs_sheet_item(&p->sheet, i ? NULL : fact->label, fact->items[i]);
        if (p->style->json)
            cs_sheet_close_list(&p->sheet);
        break;
    }
}

/* The causes are told in the conclusion. */
static bool is_cause(const struct cs_visit *visit, const struct cs_finding *finding)
{
    for (size_t i = 0; i < visit->n_causes; i++) {
        if (visit->causes[i]->kind == finding->kind)
            return true;
    }
    return false;
}

static void put_findings(struct page *p, const struct cs_step *step)
{
    struct cs_findings told = {.arena = NULL};
    struct cs_arena arena = {0};

    cs_findings_init(&told, &arena);
    for (const struct cs_finding *f = step->findings; f; f = f->next) {
        if (p->style->json || !is_cause(p->visit, f))
            cs_findings_add(&told, f->kind, &f->place, f->operands, CS_FINDING_OPERANDS);
    }
    if (told.n)
        cs_sheet_findings(&p->sheet, &told);
    cs_arena_deinit(&arena);
}

static void step_text(struct page *p, const struct cs_step *step)
{
    put_mark(p, step->mark);
    put_name(p, step->name);
    p->sheet.full |= cs_explain_escape(p->buf, step->summary) < 0;
    put(p, "\n");
    p->sheet.indent = INDENT;
    for (const struct cs_fact *fact = step->facts; fact; fact = fact->next)
        fact_text(p, fact);
    put_findings(p, step);
    p->sheet.indent = 0;
}

/* ---- text ---- */

static void put_cause(struct page *p, const struct cs_finding *cause)
{
    const char *who = cs_blame_name(cause, p->visit->server);
    struct cs_str likely = cs_likely_code(cause);

    p->sheet.full |= cs_explain_finding(cause, CS_EXPLAIN_TEXT, p->style->colour, p->buf) < 0;
    if (*who)
        p->sheet.full |= cs_buf_addf(p->buf, "  usually due to: %s\n", who) < 0;
    if (likely.len)
        p->sheet.full |= cs_buf_addf(p->buf, "  likely: %.*s\n", CS_FMT(likely)) < 0;
    p->sheet.full |= cs_buf_addf(p->buf, "  code: %s\n", cause->kind->code) < 0;
}

static void tell_text(struct page *p)
{
    const struct cs_visit *visit = p->visit;

    for (const struct cs_step *step = visit->steps.first; step; step = step->next)
        step_text(p, step);
    put(p, "\n");
    for (size_t i = 0; i < visit->n_causes; i++) {
        if (i)
            put(p, "and\n");
        put_cause(p, visit->causes[i]);
    }
    if (!visit->n_causes) {
        paint(p, BOLD);
        put(p, "nothing failed\n");
        paint(p, PLAIN);
    }
}

static void compare_text(struct page *p)
{
    const struct cs_comparison *all = p->comparison;
    bool helps = false;

    put(p, "\nthe same visit\n");
    for (size_t i = 0; i < all->n; i++) {
        const struct cs_attempt *a = &all->attempts[i];
        put(p, "  ");
        put_mark(p, a->code.len ? CS_MARK_BAD : CS_MARK_GOOD);
        p->sheet.full |= cs_buf_addf(p->buf, " %-52s", a->change) < 0;
        p->sheet.full |=
            cs_explain_escape(p->buf, a->code.len ? a->words : CS_STR("nothing failed")) < 0;
        put(p, a->helps ? ": this would help\n" : a->differs ? ": another failure\n" : "\n");
        helps |= a->helps;
    }
    if (p->visit->n_causes && !helps)
        put(p, "  none of these changes helps\n");
    if (!all->stable)
        put(p, "  the visit without a change came to something else when it was made again\n");
}

/* ---- JSON ---- */

static void compare_json(struct page *p)
{
    cs_sheet_open_list(&p->sheet, "compare");
    for (size_t i = 0; i < p->comparison->n; i++) {
        const struct cs_attempt *a = &p->comparison->attempts[i];
        cs_sheet_open(&p->sheet, NULL);
        cs_sheet_text(&p->sheet, NULL, "change", cs_str_from(a->change));
        cs_sheet_flag(&p->sheet, NULL, "ok", !a->code.len);
        cs_sheet_text(&p->sheet, NULL, "code", a->code);
        cs_sheet_text(&p->sheet, NULL, "primary", a->words);
        cs_sheet_flag(&p->sheet, NULL, "helps", a->helps);
        cs_sheet_close(&p->sheet);
    }
    cs_sheet_close_list(&p->sheet);
    cs_sheet_flag(&p->sheet, NULL, "stable", p->comparison->stable);
}

static void step_json(struct page *p, const struct cs_step *step)
{
    cs_sheet_open(&p->sheet, NULL);
    cs_sheet_text(&p->sheet, NULL, "name", cs_str_from(step->name));
    if (step->mark == CS_MARK_OPEN)
        cs_sheet_raw(&p->sheet, "ok", CS_STR("null"));
    else
        cs_sheet_flag(&p->sheet, NULL, "ok", step->mark == CS_MARK_GOOD);
    cs_sheet_text(&p->sheet, NULL, "summary", step->summary);
    cs_sheet_open(&p->sheet, "facts");
    for (const struct cs_fact *fact = step->facts; fact; fact = fact->next) {
        if (fact->key)
            fact_text(p, fact);
    }
    cs_sheet_close(&p->sheet);
    put_findings(p, step);
    cs_sheet_close(&p->sheet);
}

static void clause(struct page *p, const char *key, const char *template,
                   const struct cs_finding *cause)
{
    struct cs_buf words;

    cs_buf_init(&words, p->buf->max);
    if (template &&
        cs_explain_template(&words, template, cause->operands, CS_FINDING_OPERANDS) == 0)
        cs_sheet_text(&p->sheet, NULL, key, cs_buf_str(&words));
    cs_buf_deinit(&words);
}

static void cause_json(struct page *p, const struct cs_finding *cause)
{
    cs_sheet_text(&p->sheet, NULL, "code", cs_str_from(cause->kind->code));
    cs_sheet_text(&p->sheet, NULL, "likely", cs_likely_code(cause));
    clause(p, "conclusion", cause->kind->primary, cause);
    clause(p, "detail", cause->kind->detail, cause);
    clause(p, "hint", cause->kind->hint, cause);
}

static void conclusion_json(struct page *p)
{
    const struct cs_visit *visit = p->visit;
    const struct cs_finding *cause = visit->n_causes ? visit->causes[0] : NULL;

    cs_sheet_flag(&p->sheet, NULL, "ok", !cause);
    if (!cause) {
        cs_sheet_text(&p->sheet, NULL, "conclusion", CS_STR("nothing failed"));
        return;
    }
    cause_json(p, cause);
    cs_sheet_text(&p->sheet, NULL, "blame", cs_str_from(cs_blame_name(cause, visit->server)));
}

static void finding_json(struct page *p, const struct cs_finding *finding)
{
    struct cs_buf words;

    cs_buf_init(&words, p->buf->max);
    p->sheet.full |= cs_explain_finding(finding, CS_EXPLAIN_JSON, false, &words) < 0;
    cs_sheet_raw(&p->sheet, NULL, cs_buf_str(&words));
    cs_buf_deinit(&words);
}

static void causes_json(struct page *p)
{
    cs_sheet_open_list(&p->sheet, "causes");
    for (size_t i = 0; i < p->visit->n_causes; i++)
        finding_json(p, p->visit->causes[i]);
    cs_sheet_close_list(&p->sheet);
}

static void record_json(struct page *p)
{
    const struct cs_visit *visit = p->visit;
    struct cs_buf words;

    cs_buf_init(&words, p->buf->max);
    p->sheet.full |= cs_explain_record(&visit->record, visit->n_causes ? visit->causes[0] : NULL,
                                       CS_ACCOUNT_JSON, &words) < 0;
    cs_sheet_raw(&p->sheet, "record", cs_buf_str(&words));
    cs_buf_deinit(&words);
}

static void tell_json(struct page *p)
{
    cs_sheet_open(&p->sheet, NULL);
    cs_sheet_text(&p->sheet, NULL, "side", p->visit->server ? CS_STR("server") : CS_STR("client"));
    cs_sheet_text(&p->sheet, NULL, "target", p->visit->target);
    conclusion_json(p);
    cs_sheet_open_list(&p->sheet, "steps");
    for (const struct cs_step *step = p->visit->steps.first; step; step = step->next)
        step_json(p, step);
    cs_sheet_close_list(&p->sheet);
    causes_json(p);
    if (p->comparison)
        compare_json(p);
    record_json(p);
    cs_sheet_close(&p->sheet);
}

int cs_report_visit(const struct cs_visit *visit, const struct cs_comparison *comparison,
                    const struct cs_report_style *style, struct cs_buf *buf)
{
    struct page p = {.visit = visit, .comparison = comparison, .style = style, .buf = buf};

    cs_sheet_begin(&p.sheet, buf, style->json, style->colour);
    if (style->json)
        tell_json(&p);
    else
        tell_text(&p);
    if (!style->json && comparison)
        compare_text(&p);
    return cs_sheet_done(&p.sheet);
}

/* ---- nothing was tried ---- */

static const struct cs_finding *first_error(const struct cs_findings *findings)
{
    const struct cs_finding *f = findings->first;

    while (f && f->kind->severity < CS_SEVERITY_ERROR)
        f = f->next;
    return f;
}

int cs_report_untried(struct cs_str target, const struct cs_findings *findings, struct cs_str fault,
                      const char *hint, struct cs_buf *buf)
{
    const struct cs_finding *cause = first_error(findings);
    struct page p = {.buf = buf};

    cs_sheet_begin(&p.sheet, buf, true, false);
    cs_sheet_open(&p.sheet, NULL);
    cs_sheet_text(&p.sheet, NULL, "target", target);
    cs_sheet_flag(&p.sheet, NULL, "ok", false);
    cs_sheet_flag(&p.sheet, NULL, "tried", false);
    if (cause) {
        cause_json(&p, cause);
    } else {
        cs_sheet_text(&p.sheet, NULL, "conclusion", fault);
        cs_sheet_text(&p.sheet, NULL, "hint", cs_str_from(hint));
    }
    cs_sheet_open_list(&p.sheet, "causes");
    for (const struct cs_finding *f = findings->first; f; f = f->next)
        finding_json(&p, f);
    cs_sheet_close_list(&p.sheet);
    cs_sheet_close(&p.sheet);
    return cs_sheet_done(&p.sheet);
}
