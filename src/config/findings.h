/* The kinds of findings this folder makes: cs_config_found_ID for each row of findings.def. */
#ifndef CS_CONFIG_FINDINGS_H
#define CS_CONFIG_FINDINGS_H

#include "base/findings.h"

#define CS_CONFIG_FINDING(id, code, severity, primary, detail, hint)                               \
    extern const struct cs_finding_kind cs_config_found_##id;
#include "config/findings.def"
#undef CS_CONFIG_FINDING

/** cs_config_finding_kinds() - all of them, for the manual and for tests; *@ret_n kinds. */
const struct cs_finding_kind *const *cs_config_finding_kinds(size_t *ret_n);

#endif
