/* The kinds of findings that the private CA makes: one row of findings.def each. */
#ifndef CS_AUTHORITY_FINDINGS_H
#define CS_AUTHORITY_FINDINGS_H

#include "base/findings.h"

enum cs_authority_finding {
#define CS_AUTHORITY_FINDING(id, ...) CS_AUTHORITY_##id,
#include "authority/findings.def"
#undef CS_AUTHORITY_FINDING
    CS_AUTHORITY_N_FINDINGS
};

/** cs_authority_findings - every kind, in the order of findings.def. */
extern const struct cs_finding_kind cs_authority_findings[CS_AUTHORITY_N_FINDINGS];

/** CS_AUTHORITY_KIND() - the kind with this id: CS_AUTHORITY_KIND(TOKEN_USED). */
#define CS_AUTHORITY_KIND(id) (&cs_authority_findings[CS_AUTHORITY_##id])

#endif
