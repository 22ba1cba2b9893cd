/* A certificate as a plain value.
 *
 * Parsed once from DER, strictly (RFC 5280 section 4; X.690 DER), and never changed. All
 * texts borrow from the DER that was given in or live in the arena, so both outlive the
 * cs_cert. What the parser accepts is not thereby trusted: that is x509/chain.h.
 */
#ifndef CS_X509_CERT_H
#define CS_X509_CERT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/findings.h"
#include "base/str.h"

/* The most names that one subjectAltName, and URLs that one certificate, may have. */
#define CS_CERT_NAMES_MAX 1024

enum cs_key_kind {
    CS_KEY_UNKNOWN,
    CS_KEY_RSA,
    CS_KEY_RSA_PSS,
    CS_KEY_EC,
    CS_KEY_ED25519,
    CS_KEY_ED448,
};

/* keyUsage, RFC 5280 section 4.2.1.3: bit numbers as there. */
enum cs_key_usage {
    CS_USAGE_DIGITAL_SIGNATURE = 1 << 0,
    CS_USAGE_NON_REPUDIATION = 1 << 1,
    CS_USAGE_KEY_ENCIPHERMENT = 1 << 2,
    CS_USAGE_DATA_ENCIPHERMENT = 1 << 3,
    CS_USAGE_KEY_AGREEMENT = 1 << 4,
    CS_USAGE_KEY_CERT_SIGN = 1 << 5,
    CS_USAGE_CRL_SIGN = 1 << 6,
    CS_USAGE_ENCIPHER_ONLY = 1 << 7,
    CS_USAGE_DECIPHER_ONLY = 1 << 8,
};

/* extKeyUsage, RFC 5280 section 4.2.1.12. */
enum cs_ext_usage {
    CS_EKU_SERVER = 1 << 0,
    CS_EKU_CLIENT = 1 << 1,
    CS_EKU_CODE_SIGNING = 1 << 2,
    CS_EKU_EMAIL = 1 << 3,
    CS_EKU_TIME_STAMPING = 1 << 4,
    CS_EKU_OCSP_SIGNING = 1 << 5,
    CS_EKU_ANY = 1 << 6,
};

/* Several texts, in the order of the certificate. */
struct cs_names {
    const struct cs_str *items;
    size_t n;
};

struct cs_cert {
    struct cs_str der;       /* the whole certificate, as given in */
    struct cs_str tbs;       /* the signed part, header included */
    uint8_t sha256[32];      /* of der */
    uint8_t sha1[20];        /* of der: $ssl_client_fingerprint */
    uint8_t spki_sha256[32]; /* of spki */
    unsigned version;        /* 1, 2 or 3 */
    struct cs_str serial;    /* content of the INTEGER, sign byte included */
    struct cs_str issuer;    /* DER of the Name */
    struct cs_str subject;   /* DER of the Name; may have no attributes */
    int64_t not_before;      /* seconds since 1970 */
    int64_t not_after;
    struct cs_str validity; /* content of the Validity: how the times are written */
    struct cs_str spki;     /* DER of the SubjectPublicKeyInfo */

    enum cs_key_kind key_kind;
    unsigned key_bits;      /* 0 when unknown */
    struct cs_str key_name; /* "RSA", "P-256", "Ed25519"; the OID when unknown */

    struct cs_str sig_alg; /* "ecdsa-with-SHA256"; the OID when unknown */
    bool sig_weak;         /* made with MD2, MD4, MD5 or SHA-1 */

    struct {
        struct cs_names dns, uri, email; /* as text, no NUL or control bytes */
        struct cs_names ip;              /* 4 or 16 bytes, network order */
        size_t n_other;                  /* names of other types */
        bool present;
        bool critical;
    } san;

    bool has_basic_constraints;
    bool ca;
    int path_len; /* -1: no limit */

    bool has_key_usage;
    unsigned key_usage; /* enum cs_key_usage */

    bool has_eku;
    unsigned eku;               /* enum cs_ext_usage */
    struct cs_names eku_others; /* OIDs as text */

    struct cs_str ski; /* subjectKeyIdentifier, empty when there is none */
    struct cs_str aki; /* keyIdentifier of authorityKeyIdentifier, or empty */

    struct cs_str extensions; /* content of their SEQUENCE: x509/extension.h reads it */
    bool has_name_constraints;
    bool has_unknown_critical;
    struct cs_str unknown_critical; /* its OID as text; the first one */

    /* Named by the certificate, so never fetched on its word alone. */
    struct cs_names crl_urls;    /* cRLDistributionPoints */
    struct cs_str crl_points;    /* content of their SEQUENCE: x509/coverage.h reads it */
    struct cs_names ocsp_urls;   /* authorityInfoAccess */
    struct cs_names issuer_urls; /* authorityInfoAccess caIssuers */
};

enum { CS_CERT_REFUSED = 1 };

/** cs_cert_parse() - parse one DER certificate. Pure.
 *  @der is borrowed by *@ret_cert. Findings about a certificate have {0} "certificate".
 *  Return: 0: *@ret_cert is written (there may be warnings in @findings);
 *  CS_CERT_REFUSED: it is not, and @findings has at least one error more. */
__attribute__((warn_unused_result)) int cs_cert_parse(struct cs_str der, struct cs_arena *arena,
                                                      struct cs_findings *findings,
                                                      struct cs_cert *ret_cert);

/** cs_cert_self_issued() - whether subject and issuer are the same name. Says nothing about
 *  the signature. */
bool cs_cert_self_issued(const struct cs_cert *cert);
/** cs_cert_key_usage_text() - "digitalSignature, keyAgreement", in @arena; "none" for none. */
struct cs_str cs_cert_key_usage_text(const struct cs_cert *cert, struct cs_arena *arena);
/** cs_cert_eku_text() - "serverAuth, 1.2.3", in @arena, at most a dozen of those without a name
 *  and a count of the rest; "none" for none. */
struct cs_str cs_cert_eku_text(const struct cs_cert *cert, struct cs_arena *arena);
/** cs_cert_names_text() - "DNS:a.test, IP:192.0.2.1", the subjectAltNames in @arena, at most
 *  a dozen of them and a count of the rest; "none" for none. */
struct cs_str cs_cert_names_text(const struct cs_cert *cert, struct cs_arena *arena);
/** cs_ip_text() - "192.0.2.1" for the 4 or 16 bytes of an iPAddress. In @arena. */
struct cs_str cs_ip_text(struct cs_str ip, struct cs_arena *arena);
/** cs_serial_text() - @serial (content of an INTEGER): serial number in upper-case hex as
 * $ssl_client_serial writes it: whole bytes, no leading zero byte, "-" before a negative one. In
 * @arena. */
struct cs_str cs_serial_text(struct cs_str serial, struct cs_arena *arena);

#endif
