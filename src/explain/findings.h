/* The causes of failed connections that no certificate is to blame for: cs_cause_ID for each
 * row of findings.def. */
#ifndef CS_EXPLAIN_FINDINGS_H
#define CS_EXPLAIN_FINDINGS_H

#include "base/findings.h"

#define CS_CAUSE(id, code, blame, alert, status, primary, detail, hint)                            \
    extern const struct cs_finding_kind cs_cause_##id;
#include "explain/findings.def"
#undef CS_CAUSE

/** cs_cause_kinds() - all of them; *@ret_n kinds. */
const struct cs_finding_kind *const *cs_cause_kinds(size_t *ret_n);

#endif
