/* The rows of findings.def as objects whose addresses identify them. */
#include "tls/findings.h"

#define CS_TLS_FINDING(name, code_, severity_, primary_, detail_, hint_)                           \
    const struct cs_finding_kind cs_tls_finding_##name = {                                         \
        .code = (code_),                                                                           \
        .severity = CS_SEVERITY_##severity_,                                                       \
        .primary = (primary_),                                                                     \
        .detail = (detail_),                                                                       \
        .hint = (hint_),                                                                           \
    };
#include "tls/findings.def"
#undef CS_TLS_FINDING

#define CS_TLS_FINDING(name, code, severity, primary, detail, hint) &cs_tls_finding_##name,
const struct cs_finding_kind *const cs_tls_finding_kinds[] = {
#include "tls/findings.def"
    NULL,
};
#undef CS_TLS_FINDING
