/* The kinds of finding that tls/ makes (findings.def), for comparison and for the manual. */
#ifndef CS_TLS_FINDINGS_H
#define CS_TLS_FINDINGS_H

#include "base/findings.h"

#define CS_TLS_FINDING(name, code, severity, primary, detail, hint)                                \
    extern const struct cs_finding_kind cs_tls_finding_##name;
#include "tls/findings.def"
#undef CS_TLS_FINDING

/* All of them, NULL at the end. */
extern const struct cs_finding_kind *const cs_tls_finding_kinds[];

#endif
