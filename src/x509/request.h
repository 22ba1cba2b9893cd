/* Certificate signing requests (PKCS#10, RFC 2986) as plain values.
 *
 * What is asked for has the form of what would be issued: a struct cs_cert in which the subject,
 * the public key and the extensions are those of the request, while issuer, serial number and
 * validity are empty. So whatever looks at certificates (names as text, lint, identity) looks at
 * requests, too. A request is its holder's wish and nothing more.
 */
#ifndef CS_X509_REQUEST_H
#define CS_X509_REQUEST_H

#include "base/arena.h"
#include "base/findings.h"
#include "base/str.h"
#include "x509/cert.h"

/* The most bytes that a request may have. */
#define CS_CSR_BYTES_MAX 65536

struct cs_csr {
    struct cs_str der;      /* the whole request, as given in */
    struct cs_cert asked;   /* subject, spki, key_…, extensions; sig_alg is the request's own */
    bool signed_by_key;     /* its signature was made with the key that it is about */
    bool has_challenge;     /* a challengePassword (never shown) */
    struct cs_names others; /* further attributes, which ask for nothing we know: OIDs as text */
};

enum { CS_CSR_REFUSED = 1 };

/** cs_csr_parse() - parse one DER request, strictly: version 1, no attribute or extension twice,
 *  nothing behind the end, at most CS_CSR_BYTES_MAX bytes, names as cs_cert_parse() takes them.
 *  @der is borrowed by *@ret_csr. Checks the signature (proof of possession, RFC 2986 section 3),
 *  which is a value, not a refusal. Pure.
 *  Return: 0: *@ret_csr is written (there may be warnings); CS_CSR_REFUSED: it is not, and
 *  @findings has one error more. */
__attribute__((warn_unused_result)) int cs_csr_parse(struct cs_str der, struct cs_arena *arena,
                                                     struct cs_findings *findings,
                                                     struct cs_csr *ret_csr);

#endif
