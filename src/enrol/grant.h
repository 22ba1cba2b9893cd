/* What an authority answers, as plain values. Whatever came is hostile: it is text from the
 * network until papers.h has looked at it. Pure.
 */
#ifndef CS_ENROL_GRANT_H
#define CS_ENROL_GRANT_H

#include "base/arena.h"
#include "base/findings.h"
#include "base/str.h"

/* The most bytes of an answer. */
#define CS_GRANT_MAX (256 * 1024)

/* "Certificate" of docs/api/openapi.yaml. Texts live in the arena. */
struct cs_grant {
    struct cs_str certificate, chain, ca; /* PEM, not looked at */
    int64_t renew_at;
};

/** cs_grant_read() - the answer to a request for a certificate. Members that are not known are
 *  passed over. Return: NULL (*ret_grant is written), or why not, in @arena. */
const char *cs_grant_read(struct cs_str body, struct cs_arena *arena, struct cs_grant *ret_grant);

/** cs_grant_problem() - a refusal ("Problem" there) as a finding with the authority's own code and
 *  words, in @arena. Return: NULL when @body is none. */
const struct cs_finding *cs_grant_problem(struct cs_str body, struct cs_arena *arena);

#endif
