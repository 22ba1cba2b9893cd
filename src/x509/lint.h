/* What is wrong with one certificate, request, list or file of them, by RFC 5280 and by what mutual
 * TLS needs in practice: before anybody presents it, and before a CA signs it.
 *
 * A verdict (x509/chain.h) says whether a chain is accepted here and now; lint says what will hurt
 * somewhere or later. Rules that both have are functions here, and the verdict calls them. What the
 * parsers warn of themselves (odd serial numbers, an empty subject whose alternative names are not
 * critical) is not said again. Pure.
 */
#ifndef CS_X509_LINT_H
#define CS_X509_LINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/findings.h"
#include "x509/cert.h"
#include "x509/list.h"
#include "x509/request.h"

/* What a certificate is to be good for; several may be or-ed. */
enum cs_lint_role {
    CS_LINT_CLIENT = 1 << 0,
    CS_LINT_SERVER = 1 << 1,
    CS_LINT_CA = 1 << 2,
};

/** cs_lint_role_of() - what @cert itself claims to be for: CS_LINT_CA for a CA, else what its
 *  extended key usage says; 0 when that is neither client nor server or is not there. */
unsigned cs_lint_role_of(const struct cs_cert *cert);

struct cs_lint_query {
    const struct cs_cert *cert;
    const struct cs_cert *issuer; /* its certificate, if known (the same one for a root) */
    unsigned role; /* enum cs_lint_role; more than the certificate claims is found missing */
    int64_t now_sec;
};

/** cs_lint_cert() - everything about one certificate. Operand {0} of the findings is
 *  "certificate". An error is what no peer that follows the rules accepts, or what cannot be used
 *  as @query->role wants. To judge a certificate before it is signed, parse its to-be-signed bytes
 *  under a signature of zeros: nothing here looks at it. */
void cs_lint_cert(const struct cs_lint_query *query, struct cs_findings *findings);
/** cs_lint_request() - a request: its signature, key and names. Operand {0} is "request". */
void cs_lint_request(const struct cs_csr *request, struct cs_findings *findings);
/** cs_lint_list() - a revocation list. @issuer NULL: the CA is not known, and the signature is not
 *  looked at. */
void cs_lint_list(const struct cs_crl *list, const struct cs_cert *issuer, int64_t now_sec,
                  struct cs_findings *findings);
/** cs_lint_position() - the place of @certs[@i] in a file that presents a chain: order, strangers,
 * a root at the end. A file with several leaf certificates, or none, is a collection, of which
 *  nothing is said. Names decide, not signatures. */
void cs_lint_position(const struct cs_cert *const *certs, size_t n, size_t i,
                      struct cs_findings *findings);

/* Rules that the verdict about a chain shares. */

/** cs_lint_weak_key() - below what OpenSSL asks for at security level 2: RSA of 2048 bits, curves
 *  of 224. */
bool cs_lint_weak_key(const struct cs_cert *cert);
/** cs_lint_may_sign() - whether the key may sign a handshake: no key usage, or digitalSignature
 *  in it. */
bool cs_lint_may_sign(const struct cs_cert *cert);
/** cs_lint_why_not_ca() - why @cert may not issue certificates, or NULL. Static. */
const char *cs_lint_why_not_ca(const struct cs_cert *cert);

/** cs_lint_follows() - whether @cert is the issuer of @below by name, as a chain wants it behind.
 */
bool cs_lint_follows(const struct cs_cert *cert, const struct cs_cert *below);
/** cs_lint_missing_key_id() - which key identifier @cert should have and has not, or NULL. Static.
 *  Of two the subject's: it is what those below refer to. */
const char *cs_lint_missing_key_id(const struct cs_cert *cert);

#endif
