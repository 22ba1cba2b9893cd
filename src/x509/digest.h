/* SHA-256 over several pieces, each with its length, so that pieces cannot run into each
 * other; and under a key. */
#ifndef CS_X509_DIGEST_H
#define CS_X509_DIGEST_H

#include <stdint.h>

#include "base/str.h"

#define CS_DIGEST_LEN 32

struct cs_digest {
    void *ctx; /* EVP_MD_CTX of the library */
};

/** cs_digest_init() - nothing yet; every digest that was begun is to be finished. */
void cs_digest_init(struct cs_digest *digest);
/** cs_digest_add() - one more piece. */
void cs_digest_add(struct cs_digest *digest, struct cs_str piece);
/** cs_digest_number() - a number as a piece. */
void cs_digest_number(struct cs_digest *digest, int64_t number);
/** cs_digest_final() - SHA-256 of the pieces; the digest holds nothing afterwards. */
void cs_digest_final(struct cs_digest *digest, uint8_t ret_digest[CS_DIGEST_LEN]);

/** cs_digest_keyed() - HMAC-SHA256 (RFC 2104) of @bytes under @key: who has not the key can neither
 *  make nor foretell it. */
void cs_digest_keyed(struct cs_str key, struct cs_str bytes, uint8_t ret_digest[CS_DIGEST_LEN]);

#endif
