/* The bytes of a session ticket: our own head in front of what the TLS library wants to
 * remember, sealed together with AES-256-GCM.
 *
 *   name[16] nonce[12] | sealed: head session[…] | tag[16]
 *   head: version[1] binding[32] original_sec[8] chain_len[3] (der_len[3] der[…])…
 *
 * The head has the client's chain itself and not its digest: another worker, or one that a
 * reload has just started, has never seen it and must judge it all the same. (With OpenSSL less the
 * leaf, which that library's session has; see openssl.c.)
 */
#ifndef CS_TLS_TICKET_H
#define CS_TLS_TICKET_H

#include "tls/server.h"
#include "tls/tickets.h"

#define CS_TICKET_VERSION 2
#define CS_TICKET_HEAD (1 + CS_TLS_BINDING + 8 + 3)   /* without a chain */
#define CS_TICKET_OVERHEAD (CS_TICKET_NAME + 12 + 16) /* besides head and session */

/* What a ticket says besides the library's session. */
struct cs_ticket {
    uint8_t binding[CS_TLS_BINDING];
    int64_t original_sec;                  /* of the full handshake */
    size_t n_chain;                        /* 0: the client presented none */
    struct cs_str chain[CS_TLS_CHAIN_MAX]; /* borrowed */
};

/** cs_ticket_head_len() - bytes of the head of @ticket. */
size_t cs_ticket_head_len(const struct cs_ticket *ticket);
/** cs_ticket_head_write() - the head as cs_ticket_head_len() bytes. */
void cs_ticket_head_write(const struct cs_ticket *ticket, uint8_t *ret_head);
/** cs_ticket_head_read() - the head at the start of @bytes, from which the chain borrows;
 *  *ret_rest is what follows it. Return: 0, or -EBADMSG (too short, inconsistent, or of
 *  another version). */
int cs_ticket_head_read(struct cs_str bytes, struct cs_ticket *ret_ticket, struct cs_str *ret_rest);

/** cs_ticket_len() - bytes of a ticket with @session_len bytes of the library's. */
size_t cs_ticket_len(const struct cs_ticket *ticket, size_t session_len);
/** cs_ticket_seal() - write a ticket of cs_ticket_len() bytes to @out, which has that much room
 *  and may be where @session lies. Return: 0, or -EIO (library failure). */
int cs_ticket_seal(const struct cs_ticket_key *key, const struct cs_ticket *ticket,
                   struct cs_str session, uint8_t *out);
/** cs_ticket_open() - check and decrypt @sealed, whose key is found by its name among @keys,
 *  to @out with room for @sealed.len bytes. *ret_session and the chain point into @out.
 *  Return: 0; -ENOKEY (sealed with a key we do not have, or no longer); -EBADMSG. */
int cs_ticket_open(const struct cs_ticket_keys *keys, struct cs_str sealed, uint8_t *out,
                   struct cs_ticket *ret_ticket, struct cs_str *ret_session);

#endif
