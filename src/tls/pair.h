/* A certificate chain and its key, read from PEM and checked against each other. */
#ifndef CS_TLS_PAIR_H
#define CS_TLS_PAIR_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "tls/server.h"

struct cs_pair {
    X509 *certs[CS_TLS_CHAIN_MAX]; /* in the order of the file, the leaf first */
    size_t n_certs;
    EVP_PKEY *key;
};

/** cs_pair_load() - parse @source and check that key and leaf belong together.
 *  Return: 0; or -EINVAL with findings at the pair's place. On success the caller owns
 *  *ret_pair and gives it to cs_pair_deinit(). */
int cs_pair_load(const struct cs_tls_pair *source, struct cs_findings *findings,
                 struct cs_pair *ret_pair);
/** cs_pair_deinit() - free certificates and key; a zeroed pair is fine. */
void cs_pair_deinit(struct cs_pair *pair);

/* Room for a name as cs_pair_name() writes it. */
#define CS_PAIR_NAME 512
/** cs_pair_name() - @name as RFC 2253 writes it, cut at CS_PAIR_NAME. Return: text in @buf. */
struct cs_str cs_pair_name(const X509_NAME *name, char buf[CS_PAIR_NAME]);

/** cs_pair_errors() - the newest text of the TLS library's error queue, which is emptied. */
struct cs_str cs_pair_errors(void);

#endif
