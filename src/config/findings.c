/* The table of findings.def as objects and as a list. */
#include "config/findings.h"

#define CS_CONFIG_FINDING(id, code, severity, primary, detail, hint)                               \
    const struct cs_finding_kind cs_config_found_##id = {code, CS_SEVERITY_##severity, primary,    \
                                                         detail, hint};
#include "config/findings.def"
#undef CS_CONFIG_FINDING

const struct cs_finding_kind *const *cs_config_finding_kinds(size_t *ret_n)
{
    static const struct cs_finding_kind *const kinds[] = {
#define CS_CONFIG_FINDING(id, code, severity, primary, detail, hint) &cs_config_found_##id,
#include "config/findings.def"
#undef CS_CONFIG_FINDING
    };

    *ret_n = sizeof(kinds) / sizeof(kinds[0]);
    return kinds;
}
