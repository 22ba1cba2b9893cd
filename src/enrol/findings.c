/* findings.def as a table. */
#include "enrol/findings.h"

const struct cs_finding_kind cs_enrol_findings[CS_ENROL_N_FINDINGS] = {
#define CS_ENROL_FINDING(id, code, severity, blame, alert, status, primary, detail, hint)          \
    {code, CS_SEVERITY_##severity, primary, detail, hint, CS_BLAME_##blame, alert, status},
#include "enrol/findings.def"
#undef CS_ENROL_FINDING
};
