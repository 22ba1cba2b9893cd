/* What a revocation list covers (RFC 5280 section 5.2.5), and whether a certificate is among that
 * (section 6.3.3).
 *
 * A CA may split its list into parts. A part says by its issuing distribution point which one it
 * is, and a certificate names the part that would list it by its distribution points. Names are
 * compared byte by byte: two that mean the same and are written differently are not the same, and
 * then no list covers the certificate.
 */
#ifndef CS_X509_COVERAGE_H
#define CS_X509_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "x509/cert.h"
#include "x509/list.h"

/* What one list covers, of the certificates of its issuer. Borrows from the list. */
struct cs_coverage {
    bool is_part;        /* not all of them */
    bool users, cas;     /* those that are no CA's; those of CAs */
    struct cs_str names; /* of the part, content of GeneralNames; empty: whatever they name */
};

/* A certificate has this many distribution points that count; more name parts that are not found,
 * so that nothing covers it rather than too much. */
#define CS_POINTS_MAX 16

/* The names of the parts that would list a certificate, GeneralNames as they are encoded. */
struct cs_points {
    struct cs_str names[CS_POINTS_MAX];
    size_t n;
};

/** cs_coverage_read() - what @list covers. Return: NULL, or why it is not taken, static text: a
 * list for several issuers, for some reasons only, or a part that does not say of what. */
const char *cs_coverage_read(const struct cs_crl *list, struct cs_coverage *ret_coverage);
/** cs_points_of() - the distribution points of @cert that stand for all reasons and for lists of
 *  its own issuer. They borrow from the certificate. */
void cs_points_of(const struct cs_cert *cert, struct cs_points *ret_points);
/** cs_coverage_has() - whether a list with @coverage would list @cert, whose points are @points.
 * That its issuer made both is for the caller to see. Pure. */
bool cs_coverage_has(const struct cs_coverage *coverage, const struct cs_cert *cert,
                     const struct cs_points *points);

#endif
