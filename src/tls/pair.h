/* A certificate chain and its key, read from PEM and checked against each other: what a context
 * presents. Immutable, and shared by the contexts that present the same. */
#ifndef CS_TLS_PAIR_H
#define CS_TLS_PAIR_H

#include <stdint.h>

#include "base/findings.h"

/* Where a pair is read from. */
struct cs_tls_pair {
    struct cs_pair *loaded;  /* or NULL: it has been read already, and nothing else here counts but
                                the place */
    struct cs_str chain_pem; /* leaf first, then what leads to the root */
    struct cs_str key_pem;
    const struct cs_str *passwords; /* tried in order on an encrypted key */
    size_t n_passwords;
    struct cs_str staple;      /* a DER OCSPResponse for clients that ask, or empty; the caller has
                                  judged it. With AWS-LC only where the server has one pair */
    int64_t staple_until;      /* seconds since 1970: after that it is not shown any more */
    struct cs_place place;     /* where the certificate was configured */
    struct cs_place key_place; /* and its key; no file: as the certificate */
};

/* The longest chain of ours that is taken. */
#define CS_PAIR_CERTS_MAX 16

struct cs_pair;

/** cs_pair_new() - read @source and check that key and leaf belong together. Nothing of @source is
 *  kept. Return: 0 with one reference; or -EINVAL with findings at the places of @source. */
int cs_pair_new(const struct cs_tls_pair *source, struct cs_findings *findings,
                struct cs_pair **ret_pair);
/** cs_pair_ref() - one more holder. Return: @pair. */
struct cs_pair *cs_pair_ref(struct cs_pair *pair);
/** cs_pair_unref() - the last one frees. NULL is fine. Return: NULL. */
struct cs_pair *cs_pair_unref(struct cs_pair *pair);

/** cs_pair_chain0() - the certificates, DER, leaf first; they live as long as the pair. */
const struct cs_str *cs_pair_chain0(const struct cs_pair *pair, size_t *ret_n);
/** cs_pair_digest() - SHA-256 over the certificates. The leaf names the key that goes with it. */
const uint8_t *cs_pair_digest(const struct cs_pair *pair);

#endif
