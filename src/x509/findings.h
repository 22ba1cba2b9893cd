/* The kinds of findings that this folder makes: one row of findings.def each. */
#ifndef CS_X509_FINDINGS_H
#define CS_X509_FINDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/findings.h"

enum cs_x509_finding {
#define CS_X509_FINDING(id, ...) CS_X509_##id,
#include "x509/findings.def"
#undef CS_X509_FINDING
    CS_X509_N_FINDINGS
};

/** cs_x509_findings - every kind, in the order of findings.def. */
extern const struct cs_finding_kind cs_x509_findings[CS_X509_N_FINDINGS];

/** CS_X509_KIND() - the kind with this id: CS_X509_KIND(REVOKED). */
#define CS_X509_KIND(id) (&cs_x509_findings[CS_X509_##id])

/** cs_x509_finding_alert() - TLS alert that goes with @kind; 46 (certificate_unknown) for NULL
 *  and for a kind that has none. */
uint8_t cs_x509_finding_alert(const struct cs_finding_kind *kind);

#endif
