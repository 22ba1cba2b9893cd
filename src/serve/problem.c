/* The first error is the problem; the words are its kind's. */
#include "serve/problem.h"

#include <errno.h>

#include "base/panic.h"
#include "explain/finding.h"
#include "explain/text.h"

enum { WORDS_MAX = 32768 };

static const struct cs_finding *first_error(const struct cs_findings *findings)
{
    const struct cs_finding *f = findings->first;

    while (f && f->kind->severity != CS_SEVERITY_ERROR)
        f = f->next;
    cs_assert(f != NULL);
    return f;
}

unsigned cs_problem_status(const struct cs_findings *findings)
{
    unsigned status = first_error(findings)->kind->status;

    return status ? status : 422;
}

const char *cs_problem_code(const struct cs_findings *findings)
{
    return first_error(findings)->kind->code;
}

/* ,"name":"words" unless that would say nothing. */
static int member(struct cs_buf *buf, const char *name, const char *template,
                  const struct cs_finding *f)
{
    struct cs_buf words;
    int r;

    if (!template)
        return 0;
    cs_buf_init(&words, WORDS_MAX);
    r = cs_explain_template(&words, template, f->operands, CS_FINDING_OPERANDS);
    if (words.len)
        r = r || cs_buf_addf(buf, ",\"%s\":", name) || cs_buf_add_json(buf, cs_buf_str(&words));
    cs_buf_deinit(&words);
    return r;
}

static int all(const struct cs_findings *findings, struct cs_buf *buf)
{
    int r = cs_buf_add_str(buf, CS_STR(",\"findings\":["));

    for (const struct cs_finding *f = findings->first; f && !r; f = f->next)
        r = cs_explain_finding(f, CS_EXPLAIN_JSON, false, buf) ||
            (f->next && cs_buf_add_char(buf, ','));
    return r || cs_buf_add_char(buf, ']');
}

int cs_problem_write(const struct cs_findings *findings, unsigned status, struct cs_buf *buf)
{
    const struct cs_finding *f = first_error(findings);
    int r = cs_buf_addf(buf, "{\"type\":\"tag:countersign,2026:%s\"", f->kind->code) ||
            member(buf, "title", f->kind->primary, f) ||
            cs_buf_addf(buf, ",\"status\":%u", status) ||
            member(buf, "detail", f->kind->detail, f) ||
            cs_buf_addf(buf, ",\"code\":\"%s\"", f->kind->code) ||
            member(buf, "hint", f->kind->hint, f) || (findings->n > 1 && all(findings, buf)) ||
            cs_buf_add_char(buf, '}');

    return r ? -ENOBUFS : 0;
}
