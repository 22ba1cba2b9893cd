/* A visit, told: the steps with their marks and the conclusion, or the same facts as JSON. */
#ifndef CS_DOCTOR_REPORT_H
#define CS_DOCTOR_REPORT_H

#include "base/buf.h"
#include "doctor/compare.h"
#include "doctor/visit.h"

struct cs_report_style {
    bool json;
    bool colour; /* text only */
    bool ascii;  /* text only: the reader's terminal has no other characters */
};

/** cs_report_visit() - append everything about @visit, which was concluded, and @comparison unless
 *  NULL ("compare"). JSON is one object and
 * a newline: "code" (absent when nothing failed), "conclusion", "steps" (each with "name", "ok",
 *  which is null for what was not reached, and "facts"), "causes", "record".
 *  Return: 0, or -ENOBUFS (@buf has a part of it). */
int cs_report_visit(const struct cs_visit *visit, const struct cs_comparison *comparison,
                    const struct cs_report_style *style, struct cs_buf *buf);

/** cs_report_untried() - append, as one JSON object and a newline, why @target (may be empty) could
 *  not be visited: "ok" and "tried" are false, the first error of @findings is "code",
 *  "conclusion", "detail" and "hint", all of them are "causes"; without one the conclusion is
 *  @fault, and the hint @hint, if there is one. Return: 0, or -ENOBUFS. */
int cs_report_untried(struct cs_str target, const struct cs_findings *findings, struct cs_str fault,
                      const char *hint, struct cs_buf *buf);

#endif
