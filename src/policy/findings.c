/* The table of findings.def as objects and as a list. */
#include "policy/findings.h"

#define CS_POLICY_FINDING(id, code, severity, blame, alert, status, primary, detail, hint)         \
    const struct cs_finding_kind cs_policy_found_##id = {                                          \
        code, CS_SEVERITY_##severity, primary, detail, hint, CS_BLAME_##blame, alert, status};
#include "policy/findings.def"
#undef CS_POLICY_FINDING

const struct cs_finding_kind *const *cs_policy_finding_kinds(size_t *ret_n)
{
    static const struct cs_finding_kind *const kinds[] = {
#define CS_POLICY_FINDING(id, code, severity, blame, alert, status, primary, detail, hint)         \
    &cs_policy_found_##id,
#include "policy/findings.def"
#undef CS_POLICY_FINDING
    };

    *ret_n = sizeof(kinds) / sizeof(kinds[0]);
    return kinds;
}
