/* The certificates that a context presents, as bytes: facts for the day when a peer refuses
 * them; and what an OCSP responder said of them. */
#ifndef CS_TLS_OWN_H
#define CS_TLS_OWN_H

#include "tls/pair.h"

struct cs_own_pair {
    struct cs_str key;   /* "P-256" */
    struct cs_str *ders; /* leaf first */
    size_t n;
    struct cs_str staple; /* a DER OCSPResponse, or empty */
};

struct cs_own {
    struct cs_own_pair *pairs;
    size_t n;
};

/** cs_own_add() - keep a copy of the certificates of @pair, and of @staple. */
void cs_own_add(struct cs_own *own, const struct cs_pair *pair, struct cs_str staple);
/** cs_own_deinit() - free the copies; a zeroed one is fine. */
void cs_own_deinit(struct cs_own *own);
/** cs_own_used() - the pair whose key makes signatures of @sigalg ("ecdsa_secp256r1_sha256");
 *  the first one when that is empty or fits none; NULL without pairs. Borrowed. */
const struct cs_own_pair *cs_own_used(const struct cs_own *own, struct cs_str sigalg);

#endif
