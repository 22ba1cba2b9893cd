/* The one identity that a verified leaf certificate stands for. */
#ifndef CS_X509_IDENTITY_H
#define CS_X509_IDENTITY_H

#include "base/arena.h"
#include "base/findings.h"
#include "base/str.h"
#include "x509/cert.h"

/* In the order of preference. */
enum cs_identity_kind {
    CS_IDENTITY_NONE,
    CS_IDENTITY_SPIFFE, /* "spiffe://trust-domain/path" */
    CS_IDENTITY_URI,
    CS_IDENTITY_DNS, /* lower case */
    CS_IDENTITY_EMAIL,
    CS_IDENTITY_CN,
};

struct cs_identity {
    enum cs_identity_kind kind;
    struct cs_str text;         /* canonical; empty with CS_IDENTITY_NONE */
    struct cs_str trust_domain; /* of a SPIFFE ID */
};

enum { CS_IDENTITY_REFUSED = 1 };

/** cs_identity_from_cert() - who @leaf is. Ask only about the leaf of an accepted verdict.
 *  The first name of the first kind that the certificate has, in the order above; texts
 *  borrow from @leaf or live in @arena. A certificate with a URI that begins "spiffe://" has
 *  to be a valid X.509-SVID leaf (SPIFFE X509-SVID sections 2 to 5: one URI only, a valid ID
 *  with a path, CA:FALSE, no keyCertSign or cRLSign).
 *  Return: 0: *@ret_identity (may be CS_IDENTITY_NONE); CS_IDENTITY_REFUSED: it claims a SPIFFE
 *  ID that is not valid, see @findings. */
__attribute__((warn_unused_result)) int cs_identity_from_cert(const struct cs_cert *leaf,
                                                              struct cs_arena *arena,
                                                              struct cs_findings *findings,
                                                              struct cs_identity *ret_identity);

/** cs_spiffe_id_check() - whether @id is a SPIFFE ID (SPIFFE-ID section 2): lower-case scheme,
 *  trust domain of [a-z0-9._-], path segments of [A-Za-z0-9._-], none empty, "." or "..",
 *  at most 2048 bytes. Return: NULL (it is; *@ret_trust_domain is written), or why not. */
const char *cs_spiffe_id_check(struct cs_str id, struct cs_str *ret_trust_domain);
/** cs_svid_check() - whether @leaf, if it claims a SPIFFE ID, may: X509-SVID sections 2, 4.1, 4.3.
 *  Return: NULL (it claims none, or may), or why not; *@ret_id is the claim then. */
const char *cs_svid_check(const struct cs_cert *leaf, struct cs_str *ret_id);
/** cs_svid_domain() - the trust domain of @leaf's SPIFFE ID, which is *@ret_id; both are borrowed,
 *  and the domain is empty when it has no ID, or none that it may have. */
struct cs_str cs_svid_domain(const struct cs_cert *leaf, struct cs_str *ret_id);
/** cs_identity_kind_text() - "spiffe", "uri", "dns", "email", "cn" or "none". */
struct cs_str cs_identity_kind_text(enum cs_identity_kind kind);

#endif
