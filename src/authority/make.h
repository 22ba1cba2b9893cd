/* Keys, requests, certificates and revocation lists, made: what to say comes in as plain values,
 * DER comes out. The private CA grows around this; the demo and the tests use it as it is.
 *
 * No profile and no judgement here: what is asked for is what is signed.
 */
#ifndef CS_AUTHORITY_MAKE_H
#define CS_AUTHORITY_MAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "x509/cert.h"
#include "x509/ocsp.h"

struct evp_pkey_st; /* EVP_PKEY; see x509/key.h for reading, writing and freeing */

enum cs_make_key_kind {
    CS_MAKE_P256,
    CS_MAKE_P384,
    CS_MAKE_ED25519,
    CS_MAKE_RSA2048,
    CS_MAKE_RSA3072,
    CS_MAKE_RSA4096,
};

/** cs_make_kind_parse() - "ec-p256", "rsa-3072" and so on. Return: 0, or -EINVAL. */
int cs_make_kind_parse(struct cs_str text, enum cs_make_key_kind *ret_kind);
/** cs_make_kind_name() - the word for @kind. Static. */
const char *cs_make_kind_name(enum cs_make_key_kind kind);
/** cs_make_kinds() - the words that it takes, with ", " between. Static. */
struct cs_str cs_make_kinds(void);

/** cs_make_key() - a new private key; free it with cs_key_free().
 *  Return: 0, or -EIO (the library could not). */
__attribute__((warn_unused_result)) int cs_make_key(enum cs_make_key_kind kind,
                                                    struct evp_pkey_st **ret_key);

/* What a certificate says. Zeroed fields are left out of it. */
struct cs_cert_spec {
    struct cs_str common_name; /* UTF-8 */
    struct cs_str organization;
    struct cs_names dns, uri, email; /* subjectAltName */
    struct cs_names ip;              /* 4 or 16 bytes each */
    bool ca;
    int path_len;       /* with ca: -1 no limit */
    unsigned key_usage; /* enum cs_key_usage; critical */
    unsigned eku;       /* enum cs_ext_usage: CS_EKU_SERVER, _CLIENT, _OCSP_SIGNING */
    struct cs_str crl_url, ocsp_url, issuer_url;
    struct cs_names permitted_dns; /* with ca: critical name constraints; empty: none */
    int64_t not_before, not_after; /* seconds since 1970 */
    struct cs_str serial;          /* big-endian bytes, positive; empty: 16 random ones */
};

/* Who signs. */
struct cs_make_issuer {
    const struct cs_cert *cert;
    const struct evp_pkey_st *key;
};

/** cs_make_cert() - a version 3 certificate for the public half of @key, with subject and
 *  authority key identifiers (RFC 7093 section 2). @issuer NULL: self-signed with @key.
 *  The DER is appended to @ret_der.
 *  Return: 0, -ENOBUFS (@ret_der), -EINVAL (a field that cannot be encoded), -EIO (library). */
__attribute__((warn_unused_result)) int cs_make_cert(const struct cs_cert_spec *spec,
                                                     const struct evp_pkey_st *key,
                                                     const struct cs_make_issuer *issuer,
                                                     struct cs_buf *ret_der);

/** cs_make_csr() - a signing request (PKCS#10, RFC 2986) for @key, signed with it. Of @spec it says
 *  subject and names; the rest is for the CA to decide. The DER is appended to @ret_der.
 *  Return: as cs_make_cert(). */
__attribute__((warn_unused_result)) int
cs_make_csr(const struct cs_cert_spec *spec, const struct evp_pkey_st *key, struct cs_buf *ret_der);

/* The same in steps, for who judges between them: what is to be signed, then its signature. The
 * key that signs is the issuer's. */

/** cs_make_tbs() - what a certificate for the public key @spki (DER of a SubjectPublicKeyInfo)
 * says, to be signed by @issuer. Appended to @ret_tbs. Return: as cs_make_cert(). */
__attribute__((warn_unused_result)) int cs_make_tbs(const struct cs_cert_spec *spec,
                                                    struct cs_str spki,
                                                    const struct cs_make_issuer *issuer,
                                                    struct cs_buf *ret_tbs);
/** cs_make_unsigned() - @tbs under a signature of zeros: it can be parsed and linted, and no one
 *  will believe it. Appended to @ret_der. Return: as cs_make_cert(). */
__attribute__((warn_unused_result)) int
cs_make_unsigned(struct cs_str tbs, const struct evp_pkey_st *key, struct cs_buf *ret_der);
/** cs_make_signed() - @tbs under a signature of @key. Appended to @ret_der. Return: as
 *  cs_make_cert(). */
__attribute__((warn_unused_result)) int
cs_make_signed(struct cs_str tbs, const struct evp_pkey_st *key, struct cs_buf *ret_der);

/* One revoked certificate. */
struct cs_make_revoked {
    struct cs_str serial; /* big-endian bytes, positive: those of struct cs_cert are */
    int64_t date;
    unsigned reason; /* RFC 5280 section 5.3.1; 0 (unspecified) is left out */
};

struct cs_crl_spec {
    const struct cs_make_revoked *revoked;
    size_t n_revoked;
    int64_t this_update, next_update;
    uint64_t number;
    struct cs_str point; /* the URL of the part of the certificates that the list is for: a critical
                            issuingDistributionPoint (section 5.2.5); empty: it is for all */
};

/** cs_make_crl() - a version 2 revocation list (RFC 5280 section 5), appended to @ret_der as DER.
 * Return: as cs_make_cert(). */
__attribute__((warn_unused_result)) int cs_make_crl(const struct cs_crl_spec *spec,
                                                    const struct cs_make_issuer *issuer,
                                                    struct cs_buf *ret_der);

/* What a responder says about one certificate. */
struct cs_make_answer {
    struct cs_str id;           /* DER of the CertID, as the request has it */
    enum cs_ocsp_status status; /* CS_OCSP_GOOD, CS_OCSP_REVOKED or CS_OCSP_UNKNOWN */
    int64_t revoked_at;
    unsigned reason; /* RFC 5280 section 5.3.1; 0 (unspecified) is left out */
};

struct cs_ocsp_spec {
    const struct cs_make_answer *answers; /* one, for an answer made beforehand */
    size_t n_answers;
    int64_t produced_at, this_update, next_update;
    struct cs_str nonce; /* of the request, or empty */
};

/** cs_make_ocsp() - a successful OCSP response (RFC 6960 section 4.2), signed by the issuer itself
 *  and naming it by its key. Appended to @ret_der as DER. Return: as cs_make_cert(). */
__attribute__((warn_unused_result)) int cs_make_ocsp(const struct cs_ocsp_spec *spec,
                                                     const struct cs_make_issuer *issuer,
                                                     struct cs_buf *ret_der);
/** cs_make_ocsp_error() - a response without an answer: @responder_status as in section 4.2.1
 *  (1 malformedRequest, 2 internalError, 3 tryLater, 6 unauthorized). It is not signed.
 *  Return: 0, or -ENOBUFS. */
__attribute__((warn_unused_result)) int cs_make_ocsp_error(unsigned responder_status,
                                                           struct cs_buf *ret_der);

#endif
