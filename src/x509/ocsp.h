/* OCSP (RFC 6960, nonces as RFC 9654): what a CA says at this moment about single certificates.
 *
 * Requests and answers as plain values, for both sides: who asks makes a request and judges what
 * comes back; a responder reads requests and signs answers with authority/make.h. Nothing here
 * connects anywhere, and an address that a certificate names is the caller's to distrust.
 */
#ifndef CS_X509_OCSP_H
#define CS_X509_OCSP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "x509/cert.h"

/* Limits on what the other side may send. */
#define CS_OCSP_REQUEST_MAX 16384
#define CS_OCSP_RESPONSE_MAX 65536
#define CS_OCSP_IDS_MAX 32
#define CS_OCSP_NONCE_MAX 128

/* Which certificate: section 4.1.1. The parts borrow from what was parsed. */
struct cs_ocsp_id {
    struct cs_str hash;      /* identifier of the digest, content octets */
    struct cs_str name_hash; /* of the issuer's Name */
    struct cs_str key_hash;  /* of the issuer's key, without its algorithm */
    struct cs_str serial;    /* content of the INTEGER */
    struct cs_str whole;     /* DER, as an answer repeats it */
};

struct cs_ocsp_request {
    struct cs_ocsp_id *ids; /* in the arena; at least one */
    size_t n;
    struct cs_str nonce; /* empty: none */
};

/** cs_ocsp_request_make() - ask about @cert, which @issuer signed, with SHA-1 as RFC 5019 section
 *  2.1.1 wants it: it identifies and protects nothing. @nonce may be empty. Appended to @ret_der.
 *  Return: 0, or -ENOBUFS. */
__attribute__((warn_unused_result)) int cs_ocsp_request_make(const struct cs_cert *cert,
                                                             const struct cs_cert *issuer,
                                                             struct cs_str nonce,
                                                             struct cs_buf *ret_der);
/** cs_ocsp_request_parse() - read a request; a signature on it is not looked at, since everybody
 *  may ask. @der is borrowed. Pure. Return: false: it is none, is too large, asks about too many,
 *  or has a critical extension that nobody knows. */
bool cs_ocsp_request_parse(struct cs_str der, struct cs_arena *arena,
                           struct cs_ocsp_request *ret_request);
/** cs_ocsp_id_is_of() - whether @id speaks of certificates that @issuer signed (SHA-1 and SHA-256;
 *  no other digest is known). */
bool cs_ocsp_id_is_of(const struct cs_ocsp_id *id, const struct cs_cert *issuer);

enum cs_ocsp_status {
    CS_OCSP_GOOD,
    CS_OCSP_REVOKED,
    CS_OCSP_UNKNOWN,       /* the responder does not know the certificate */
    CS_OCSP_STALE,         /* nextUpdate has passed */
    CS_OCSP_NOT_YET_VALID, /* thisUpdate lies ahead */
    CS_OCSP_UNAUTHORIZED,  /* the signer may not speak for the issuer */
    CS_OCSP_BAD_SIGNATURE,
    CS_OCSP_OTHER,     /* about other certificates only, or an answer to another request */
    CS_OCSP_DECLINED,  /* no answer: see responder_status */
    CS_OCSP_MALFORMED, /* cannot be read */
};

struct cs_ocsp_answer {
    enum cs_ocsp_status status;
    enum cs_ocsp_status said; /* GOOD, REVOKED or UNKNOWN: with each of these, and with one that is
                                 right in all but its time */
    int64_t this_update;
    int64_t next_update;       /* INT64_MAX: it names none, and is as good as it is old */
    int64_t revoked_at;        /* with CS_OCSP_REVOKED */
    unsigned reason;           /* RFC 5280 section 5.3.1 */
    unsigned responder_status; /* section 4.2.1, with CS_OCSP_DECLINED */
};

struct cs_ocsp_query {
    struct cs_str der; /* the OCSPResponse, whole */
    const struct cs_cert *cert;
    const struct cs_cert *issuer;
    struct cs_str nonce; /* of the request; an answer without one passes (RFC 5019 section 4) */
    int64_t now_sec;
    int64_t leeway_sec; /* how far ahead thisUpdate may lie: clocks differ */
};

/** cs_ocsp_judge() - what an answer says about a certificate, if it may say so: signed with the
 *  issuer's key, or with one whose certificate the issuer itself signed for OCSP and which is
 *  valid now (section 4.2.2.2). Revoked stays revoked when the answer is out of date. Pure. */
struct cs_ocsp_answer cs_ocsp_judge(const struct cs_ocsp_query *query);

/** cs_ocsp_status_text() - "good", "revoked", "unknown", "stale" and so on. Static. */
struct cs_str cs_ocsp_status_text(enum cs_ocsp_status status);
/** cs_ocsp_responder_text() - "tryLater" for 3, and so on (section 4.2.1). Static. */
struct cs_str cs_ocsp_responder_text(unsigned responder_status);

/** cs_ocsp_key_hash() - SHA-1 of @spki's key bits: how a responder names itself. */
void cs_ocsp_key_hash(struct cs_str spki, uint8_t ret_hash[20]);

/* Identifiers that writers of answers need, content octets. */
#define CS_OCSP_OID_BASIC CS_STR("\x2b\x06\x01\x05\x05\x07\x30\x01\x01")
#define CS_OCSP_OID_NONCE CS_STR("\x2b\x06\x01\x05\x05\x07\x30\x01\x02")

#endif
