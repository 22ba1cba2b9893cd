/* The pairs that a context presents, and what a pair consists of: facts for the day when a peer
 * refuses them; and what an OCSP responder said of them. */
#ifndef CS_TLS_OWN_H
#define CS_TLS_OWN_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "tls/pair.h"

struct cs_pair {
    unsigned refs;
    EVP_PKEY *key;
    struct cs_str key_name; /* "P-256" */
    struct cs_str *ders;    /* in the order of the file, the leaf first */
    size_t n;
    uint8_t digest[32];
};

struct cs_own_pair {
    struct cs_pair *pair; /* one reference */
    struct cs_str staple; /* a DER OCSPResponse, or empty */
    int64_t staple_until; /* seconds since 1970: after that it is not shown any more */
};

struct cs_own {
    struct cs_own_pair *pairs;
    size_t n;
};

/** cs_own_add() - hold @pair too, and a copy of @staple, which is good until @staple_until. */
void cs_own_add(struct cs_own *own, struct cs_pair *pair, struct cs_str staple,
                int64_t staple_until);
/** cs_own_deinit() - let go of them; a zeroed one is fine. */
void cs_own_deinit(struct cs_own *own);
/** cs_own_used() - the pair whose key makes signatures of @sigalg ("ecdsa_secp256r1_sha256");
 *  the first one when that is empty or fits none; NULL without pairs. Borrowed. */
const struct cs_pair *cs_own_used(const struct cs_own *own, struct cs_str sigalg);

/* Room for a name as cs_pair_name() writes it. */
#define CS_PAIR_NAME 512
/** cs_pair_name() - @name as RFC 2253 writes it, cut at CS_PAIR_NAME. Return: text in @buf. */
struct cs_str cs_pair_name(const X509_NAME *name, char buf[CS_PAIR_NAME]);

/** cs_pair_errors() - the newest text of the TLS library's error queue, which is emptied. */
struct cs_str cs_pair_errors(void);

#endif
