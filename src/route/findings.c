/* The table of findings.def as objects and as a list. */
#include "route/findings.h"

#define CS_ROUTE_FINDING(id, code, severity, primary, detail, hint)                                \
    const struct cs_finding_kind cs_route_found_##id = {code, CS_SEVERITY_##severity, primary,     \
                                                        detail, hint};
#include "route/findings.def"
#undef CS_ROUTE_FINDING

const struct cs_finding_kind *const *cs_route_finding_kinds(size_t *ret_n)
{
    static const struct cs_finding_kind *const kinds[] = {
#define CS_ROUTE_FINDING(id, code, severity, primary, detail, hint) &cs_route_found_##id,
#include "route/findings.def"
#undef CS_ROUTE_FINDING
    };

    *ret_n = sizeof(kinds) / sizeof(kinds[0]);
    return kinds;
}
