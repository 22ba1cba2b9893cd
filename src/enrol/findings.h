/* The kinds of findings that this folder makes: one row of findings.def each. */
#ifndef CS_ENROL_FINDINGS_H
#define CS_ENROL_FINDINGS_H

#include "base/findings.h"

enum cs_enrol_finding {
#define CS_ENROL_FINDING(id, ...) CS_ENROL_##id,
#include "enrol/findings.def"
#undef CS_ENROL_FINDING
    CS_ENROL_N_FINDINGS
};

/** cs_enrol_findings - every kind, in the order of findings.def. */
extern const struct cs_finding_kind cs_enrol_findings[CS_ENROL_N_FINDINGS];

/** CS_ENROL_KIND() - the kind with this id: CS_ENROL_KIND(TOKEN_USED). */
#define CS_ENROL_KIND(id) (&cs_enrol_findings[CS_ENROL_##id])

#endif
