/* Sealing and opening never fail a handshake: whatever does not open is no ticket. */
#include "tls/ticket.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <errno.h>

#include "base/mem.h"

#define NONCE 12
#define TAG 16

#define LENGTH 3 /* bytes of one */

static uint8_t *put_length(uint8_t *p, size_t len)
{
    p[0] = (uint8_t)(len >> 16);
    p[1] = (uint8_t)(len >> 8);
    p[2] = (uint8_t)len;
    return p + LENGTH;
}

static size_t get_length(const uint8_t *p)
{
    return (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
}

static size_t chain_len(const struct cs_ticket *ticket)
{
    size_t len = 0;
    for (size_t i = 0; i < ticket->n_chain; i++)
        len += LENGTH + ticket->chain[i].len;
    return len;
}

size_t cs_ticket_head_len(const struct cs_ticket *ticket)
{
    return CS_TICKET_HEAD + chain_len(ticket);
}

void cs_ticket_head_write(const struct cs_ticket *ticket, uint8_t *ret_head)
{
    uint64_t sec = (uint64_t)ticket->original_sec;
    uint8_t *p = ret_head;
    *p++ = CS_TICKET_VERSION;
    memcpy(p, ticket->binding, CS_TLS_BINDING);
    p += CS_TLS_BINDING;
    for (int i = 0; i < 8; i++)
        *p++ = (uint8_t)(sec >> (56 - 8 * i));
    p = put_length(p, chain_len(ticket));
    for (size_t i = 0; i < ticket->n_chain; i++) {
        struct cs_str der = ticket->chain[i];
        p = put_length(p, der.len);
        memcpy(p, der.ptr, der.len);
        p += der.len;
    }
}

/* The certificates that @bytes consists of. Return: 0, or -EBADMSG. */
static int read_chain(struct cs_str bytes, struct cs_ticket *ticket)
{
    ticket->n_chain = 0;
    while (bytes.len > 0) {
        if (bytes.len < LENGTH || ticket->n_chain == CS_TLS_CHAIN_MAX)
            return -EBADMSG;
        size_t len = get_length((const uint8_t *)bytes.ptr);
        if (len > bytes.len - LENGTH)
            return -EBADMSG;
        ticket->chain[ticket->n_chain++] = cs_str_sub(bytes, LENGTH, len);
        bytes = cs_str_skip(bytes, LENGTH + len);
    }
    return 0;
}

int cs_ticket_head_read(struct cs_str bytes, struct cs_ticket *ret_ticket, struct cs_str *ret_rest)
{
    const uint8_t *p = (const uint8_t *)bytes.ptr;
    struct cs_ticket ticket;
    if (bytes.len < CS_TICKET_HEAD || p[0] != CS_TICKET_VERSION)
        return -EBADMSG;
    uint64_t sec = 0;
    for (int i = 0; i < 8; i++)
        sec = sec << 8 | p[1 + CS_TLS_BINDING + i];
    memcpy(ticket.binding, p + 1, CS_TLS_BINDING);
    ticket.original_sec = (int64_t)sec;
    size_t len = get_length(p + CS_TICKET_HEAD - LENGTH);
    if (len > bytes.len - CS_TICKET_HEAD ||
        read_chain(cs_str_sub(bytes, CS_TICKET_HEAD, len), &ticket) < 0)
        return -EBADMSG;
    *ret_ticket = ticket;
    *ret_rest = cs_str_skip(bytes, CS_TICKET_HEAD + len);
    return 0;
}

size_t cs_ticket_len(const struct cs_ticket *ticket, size_t session_len)
{
    return CS_TICKET_OVERHEAD + cs_ticket_head_len(ticket) + session_len;
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
    size_t head = cs_ticket_head_len(ticket), len = head + session.len;
    int n = 0;

    memmove(body + head, session.ptr, session.len);
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
