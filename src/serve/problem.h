/* Findings as a problem document (RFC 9457): what a program reads, with the words that a person
 * reads elsewhere. Pure. */
#ifndef CS_SERVE_PROBLEM_H
#define CS_SERVE_PROBLEM_H

#include "base/buf.h"
#include "base/findings.h"

/** cs_problem_status() - the HTTP status of the first error of @findings; 422 when its kind has
 * none. There is an error. */
unsigned cs_problem_status(const struct cs_findings *findings);

/** cs_problem_code() - the code of the first error of @findings; there is one. Static. */
const char *cs_problem_code(const struct cs_findings *findings);

/** cs_problem_write() - append {"type", "title", "status", "detail", "code", "hint"} of the first
 *  error, and all @findings as "findings" when they are several. Return: 0, or -ENOBUFS. */
int cs_problem_write(const struct cs_findings *findings, unsigned status, struct cs_buf *buf);

#endif
