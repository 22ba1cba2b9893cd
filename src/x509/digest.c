/* Each piece is hashed behind its length. A failing hash is a bug: the library is broken. */
#include "x509/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/panic.h"

void cs_digest_init(struct cs_digest *digest)
{
    digest->ctx = EVP_MD_CTX_new();
    cs_assert(digest->ctx != NULL);
    cs_assert(EVP_DigestInit_ex(digest->ctx, EVP_sha256(), NULL) == 1);
}

void cs_digest_add(struct cs_digest *digest, struct cs_str piece)
{
    uint64_t len = piece.len;

    cs_assert(EVP_DigestUpdate(digest->ctx, &len, sizeof(len)) == 1);
    if (piece.len)
        cs_assert(EVP_DigestUpdate(digest->ctx, piece.ptr, piece.len) == 1);
}

void cs_digest_number(struct cs_digest *digest, int64_t number)
{
    cs_digest_add(digest, cs_str_make(&number, sizeof(number)));
}

void cs_digest_final(struct cs_digest *digest, uint8_t ret_digest[CS_DIGEST_LEN])
{
    unsigned len = CS_DIGEST_LEN;

    cs_assert(EVP_DigestFinal_ex(digest->ctx, ret_digest, &len) == 1);
    EVP_MD_CTX_free(digest->ctx);
    digest->ctx = NULL;
}

void cs_digest_keyed(struct cs_str key, struct cs_str bytes, uint8_t ret_digest[CS_DIGEST_LEN])
{
    unsigned len = CS_DIGEST_LEN;

    cs_assert(HMAC(EVP_sha256(), key.ptr, (int)key.len, (const uint8_t *)bytes.ptr, bytes.len,
                   ret_digest, &len) != NULL);
}
