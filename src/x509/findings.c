/* findings.def as tables. */
#include "x509/findings.h"

const struct cs_finding_kind cs_x509_findings[CS_X509_N_FINDINGS] = {
#define CS_X509_FINDING(id, code, severity, alert, primary, detail, hint)                          \
    {code, CS_SEVERITY_##severity, primary, detail, hint},
#include "x509/findings.def"
#undef CS_X509_FINDING
};

static const uint8_t alerts[CS_X509_N_FINDINGS] = {
#define CS_X509_FINDING(id, code, severity, alert, primary, detail, hint) alert,
#include "x509/findings.def"
#undef CS_X509_FINDING
};

enum { CERTIFICATE_UNKNOWN = 46 };

uint8_t cs_x509_finding_alert(const struct cs_finding_kind *kind)
{
    for (size_t i = 0; i < CS_X509_N_FINDINGS; i++) {
        if (kind == &cs_x509_findings[i])
            return alerts[i] ? alerts[i] : CERTIFICATE_UNKNOWN;
    }
    return CERTIFICATE_UNKNOWN;
}
