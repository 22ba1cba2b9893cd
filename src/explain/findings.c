/* The table of findings.def as objects and as a list. */
#include "explain/findings.h"

#define CS_CAUSE(id, code, blame, alert, status, primary, detail, hint)                            \
    const struct cs_finding_kind cs_cause_##id = {code, CS_SEVERITY_ERROR, primary, detail,        \
                                                  hint, CS_BLAME_##blame,  alert,   status};
#include "explain/findings.def"
#undef CS_CAUSE

const struct cs_finding_kind *const *cs_cause_kinds(size_t *ret_n)
{
    static const struct cs_finding_kind *const kinds[] = {
#define CS_CAUSE(id, code, blame, alert, status, primary, detail, hint) &cs_cause_##id,
#include "explain/findings.def"
#undef CS_CAUSE
    };

    *ret_n = sizeof(kinds) / sizeof(kinds[0]);
    return kinds;
}
