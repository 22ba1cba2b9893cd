/* One finding in words.
 *
 * A finding has a kind (code, severity, templates), operands and a place. The styles are
 * for different readers: a person at a terminal, a script written for nginx, a program.
 */
#ifndef CS_EXPLAIN_FINDING_H
#define CS_EXPLAIN_FINDING_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/findings.h"

enum cs_explain_style {
    /* nginx.conf:3:5: error: unknown directive "lisen"
     *      3 |     lisen 443 ssl;
     *        |     ^~~~~
     *   detail: …
     *   hint: did you mean "listen"? */
    CS_EXPLAIN_TEXT,
    /* nginx: [emerg] unknown directive "lisen" in /etc/nginx/nginx.conf:3 */
    CS_EXPLAIN_NGINX,
    /* {"code":"unknown-directive","severity":"error","primary":…,"line":3,…}: one line, no
     * newline, so that a caller can put objects into an array. What the finding lacks (detail,
     * hint, file, line, column, operands) is absent. */
    CS_EXPLAIN_JSON,
};

/** cs_explain_finding() - append @finding in @style; TEXT and NGINX end in a newline.
 *  @colour (TEXT only) adds terminal colours. Pure. Return: 0, or -ENOBUFS (the buffer holds
 *  part of the text). */
int cs_explain_finding(const struct cs_finding *finding, enum cs_explain_style style, bool colour,
                       struct cs_buf *buf);

/** cs_explain_line() - append @finding as one line for a log, without a newline:
 *  `primary (detail; hint: what to do) [code]`, then ` in FILE:LINE` when it has a place.
 *  Pure. Return: 0, or -ENOBUFS. */
int cs_explain_line(const struct cs_finding *finding, struct cs_buf *buf);

/** cs_explain_primary() - append only the first clause: `unknown directive "lisen"`.
 *  Return: 0, or -ENOBUFS. */
int cs_explain_primary(const struct cs_finding *finding, struct cs_buf *buf);

/** cs_explain_summary() - append `FILE: 2 errors, 1 warning`, or `FILE: ok`, and the number of
 *  findings that were too many to hold. Return: 0, or -ENOBUFS. */
int cs_explain_summary(const struct cs_findings *findings, struct cs_str file, struct cs_buf *buf);

/** cs_severity_name() - "error", "warning" or "notice". Static. */
const char *cs_severity_name(enum cs_severity severity);
/** cs_severity_nginx() - the level nginx's logs give it: "emerg", "warn" or "notice". Static. */
const char *cs_severity_nginx(enum cs_severity severity);

#endif
