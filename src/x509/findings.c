/* findings.def as a table. */
#include "x509/findings.h"

const struct cs_finding_kind cs_x509_findings[CS_X509_N_FINDINGS] = {
#define CS_X509_FINDING(id, code, severity, blame, alert, status, primary, detail, hint)           \
    {code, CS_SEVERITY_##severity, primary, detail, hint, CS_BLAME_##blame, alert, status},
#include "x509/findings.def"
#undef CS_X509_FINDING
};

enum { CERTIFICATE_UNKNOWN = 46 };

uint8_t cs_x509_finding_alert(const struct cs_finding_kind *kind)
{
    return kind && kind->alert ? kind->alert : CERTIFICATE_UNKNOWN;
}
