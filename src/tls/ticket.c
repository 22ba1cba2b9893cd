/* Sealing and opening never fail a handshake: whatever does not open is no ticket. */
#include "tls/ticket.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <errno.h>

#include "base/mem.h"

#define NONCE 12
#define TAG 16

void cs_ticket_head_write(const struct cs_ticket *ticket, uint8_t ret_head[CS_TICKET_HEAD])
{
    uint64_t sec = (uint64_t)ticket->original_sec;
    ret_head[0] = CS_TICKET_VERSION;
    memcpy(ret_head + 1, ticket->binding, CS_TLS_BINDING);
    for (int i = 0; i < 8; i++)
        ret_head[1 + CS_TLS_BINDING + i] = (uint8_t)(sec >> (56 - 8 * i));
}

int cs_ticket_head_read(struct cs_str bytes, struct cs_ticket *ret_ticket, struct cs_str *ret_rest)
{
    const uint8_t *p = (const uint8_t *)bytes.ptr;
    if (bytes.len < CS_TICKET_HEAD || p[0] != CS_TICKET_VERSION)
        return -EBADMSG;
    uint64_t sec = 0;
    for (int i = 0; i < 8; i++)
        sec = sec << 8 | p[1 + CS_TLS_BINDING + i];
    memcpy(ret_ticket->binding, p + 1, CS_TLS_BINDING);
    ret_ticket->original_sec = (int64_t)sec;
    *ret_rest = cs_str_skip(bytes, CS_TICKET_HEAD);
    return 0;
}

static void free_cipher(EVP_CIPHER_CTX **ctx)
{
    EVP_CIPHER_CTX_free(*ctx);
}

int cs_ticket_seal(const struct cs_ticket_key *key, const struct cs_ticket *ticket,
                   struct cs_str session, uint8_t *out)
{
    cs_cleanup(free_cipher) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t *nonce = out + CS_TICKET_NAME, *body = nonce + NONCE;
    size_t len = CS_TICKET_HEAD + session.len;
    int n = 0;

    memmove(body + CS_TICKET_HEAD, session.ptr, session.len);
    cs_ticket_head_write(ticket, body);
    memcpy(out, key->name, CS_TICKET_NAME);
    if (!ctx || RAND_bytes(nonce, NONCE) != 1 ||
        EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->aes, nonce) != 1 ||
        EVP_EncryptUpdate(ctx, NULL, &n, out, CS_TICKET_NAME) != 1 ||
        EVP_EncryptUpdate(ctx, body, &n, body, (int)len) != 1 || (size_t)n != len ||
        EVP_EncryptFinal_ex(ctx, body + len, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, body + len) != 1)
        return -EIO;
    return 0;
}

int cs_ticket_open(const struct cs_ticket_keys *keys, struct cs_str sealed, uint8_t *out,
                   struct cs_ticket *ret_ticket, struct cs_str *ret_session)
{
    if (sealed.len < CS_TICKET_OVERHEAD || sealed.len > UINT16_MAX)
        return -EBADMSG;
    const uint8_t *name = (const uint8_t *)sealed.ptr, *nonce = name + CS_TICKET_NAME;
    const uint8_t *body = nonce + NONCE;
    size_t len = sealed.len - CS_TICKET_NAME - NONCE - TAG;
    const struct cs_ticket_key *key = cs_ticket_keys_find0(keys, name);
    if (!key)
        return -ENOKEY;

    cs_cleanup(free_cipher) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t tag[TAG];
    int n = 0;
    memcpy(tag, body + len, TAG);
    if (!ctx || EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->aes, nonce) != 1 ||
        EVP_DecryptUpdate(ctx, NULL, &n, name, CS_TICKET_NAME) != 1 ||
        EVP_DecryptUpdate(ctx, out, &n, body, (int)len) != 1 || (size_t)n != len ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) != 1 ||
        EVP_DecryptFinal_ex(ctx, out + len, &n) != 1)
        return -EBADMSG;
    return cs_ticket_head_read(cs_str_make(out, len), ret_ticket, ret_session);
}
