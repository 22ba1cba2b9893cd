/* The kinds of findings this folder makes: cs_policy_found_ID for each row of findings.def. */
#ifndef CS_POLICY_FINDINGS_H
#define CS_POLICY_FINDINGS_H

#include "base/findings.h"

#define CS_POLICY_FINDING(id, code, severity, blame, alert, status, primary, detail, hint)         \
    extern const struct cs_finding_kind cs_policy_found_##id;
#include "policy/findings.def"
#undef CS_POLICY_FINDING

/** cs_policy_finding_kinds() - all of them, for the manual and for tests; *@ret_n kinds. */
const struct cs_finding_kind *const *cs_policy_finding_kinds(size_t *ret_n);

#endif
