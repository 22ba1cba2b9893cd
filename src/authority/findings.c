/* findings.def as a table. */
#include "authority/findings.h"

const struct cs_finding_kind cs_authority_findings[CS_AUTHORITY_N_FINDINGS] = {
#define CS_AUTHORITY_FINDING(id, code, severity, blame, alert, status, primary, detail, hint)      \
    {code, CS_SEVERITY_##severity, primary, detail, hint, CS_BLAME_##blame, alert, status},
#include "authority/findings.def"
#undef CS_AUTHORITY_FINDING
};
