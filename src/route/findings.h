/* The kinds of findings this folder makes: cs_route_found_ID for each row of findings.def. */
#ifndef CS_ROUTE_FINDINGS_H
#define CS_ROUTE_FINDINGS_H

#include "base/findings.h"

#define CS_ROUTE_FINDING(id, code, severity, primary, detail, hint)                                \
    extern const struct cs_finding_kind cs_route_found_##id;
#include "route/findings.def"
#undef CS_ROUTE_FINDING

/** cs_route_finding_kinds() - all of them, for the manual and for tests; *@ret_n kinds. */
const struct cs_finding_kind *const *cs_route_finding_kinds(size_t *ret_n);

#endif
