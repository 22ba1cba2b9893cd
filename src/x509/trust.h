/* What we trust: CA certificates (the anchors) and revocation lists, immutable and reference
 * counted. Sets that differ in their lists only may share their anchors.
 *
 * Every certificate of the sources is trusted as nginx trusts those of
 * ssl_client_certificate and ssl_trusted_certificate: a chain has to end in a self-signed
 * one of them, the others may stand in between.
 */
#ifndef CS_X509_TRUST_H
#define CS_X509_TRUST_H

#include "base/findings.h"
#include "base/str.h"
#include "x509/cert.h"
#include "x509/crl.h"

struct x509_store_st; /* X509_STORE of the library */
struct x509_st;       /* X509 */
struct cs_anchors;
struct cs_trust;

enum { CS_TRUST_REFUSED = 1 };

/* What a trust set is made of. It borrows nothing, and shares the block of the lists. */
struct cs_trust_spec {
    const struct cs_source *cas; /* PEM with one or more certificates, or one in DER */
    size_t n_cas;
    size_t n_named; /* of the first so many sources the names are sent to clients */
    const struct cs_crl_lists *crls;  /* revocation lists, which other sets may share, or NULL */
    const struct cs_place *crl_place; /* where this set names them; NULL: where they were read */
    struct cs_str options;            /* further settings that belong into the digest */
};

/** cs_trust_new() - read certificates, judge the lists. One reference.
 *  Return: 0: *@ret_trust (there may be warnings); CS_TRUST_REFUSED: something cannot be read
 *  or is refused, see @findings; nothing is trusted then; -ENOMEM. */
__attribute__((warn_unused_result)) int cs_trust_new(const struct cs_trust_spec *spec,
                                                     struct cs_findings *findings,
                                                     struct cs_trust **ret_trust);
/** cs_trust_new_lists() - the anchors of @trust with other lists; NULL: none. One reference.
 *  Return: as cs_trust_new(). */
__attribute__((warn_unused_result)) int cs_trust_new_lists(const struct cs_trust *trust,
                                                           const struct cs_crl_lists *crls,
                                                           const struct cs_place *crl_place,
                                                           struct cs_findings *findings,
                                                           struct cs_trust **ret_trust);
/** cs_trust_ref() - one more reference. Return: @trust. */
struct cs_trust *cs_trust_ref(struct cs_trust *trust);
/** cs_trust_unref() - one fewer; the last one frees. NULL is fine. */
void cs_trust_unref(struct cs_trust *trust);

/** cs_trust_digest() - SHA-256 over the exact CA certificates, the lists and the options:
 *  differs whenever a verdict could. For binding TLS sessions. */
const uint8_t *cs_trust_digest(const struct cs_trust *trust);
/** cs_trust_certs() - the CA certificates, each once, in the order of the sources. */
const struct cs_cert *cs_trust_certs(const struct cs_trust *trust, size_t *ret_n);
/** cs_trust_names() - DER of the subjects to send in a CertificateRequest (RFC 8446 section
 *  4.2.4), each once. */
struct cs_names cs_trust_names(const struct cs_trust *trust);
/** cs_trust_crls() - the revocation lists, or NULL. */
const struct cs_crl_set *cs_trust_crls(const struct cs_trust *trust);

/** cs_trust_anchors0() - what it shares with sets that have other lists. Borrowed. */
struct cs_anchors *cs_trust_anchors0(const struct cs_trust *trust);
/** cs_anchors_ref() - one more reference: the certificates live on without the set. Return:
 *  @anchors. */
struct cs_anchors *cs_anchors_ref(struct cs_anchors *anchors);
/** cs_anchors_unref() - one fewer; the last one frees. NULL is fine. Return: NULL. */
struct cs_anchors *cs_anchors_unref(struct cs_anchors *anchors);
/** cs_anchors_digest() - SHA-256 over the exact CA certificates and the options. */
const uint8_t *cs_anchors_digest(const struct cs_anchors *anchors);

/** cs_trust_store() - the library's store. For x509/ and tls/ only. */
struct x509_store_st *cs_trust_store(const struct cs_trust *trust);
/** cs_trust_find() - the parsed certificate that belongs to a library object of the store.
 *  Return: it, or NULL. */
const struct cs_cert *cs_trust_find(const struct cs_trust *trust, const struct x509_st *x509);

#endif
