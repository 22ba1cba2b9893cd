/* What of a TLS byte stream can be read without keys.
 *
 * For who only watches: one direction of a connection, from its first byte on, comes apart into
 * handshake messages, alerts, and records whose contents are encrypted. Pure and bounded; the
 * stream may be cut anywhere and may be anything.
 */
#ifndef CS_TLS_CLEAR_H
#define CS_TLS_CLEAR_H

#include <stdbool.h>

#include "base/buf.h"

/* The longest handshake message that is read; a chain has at most 64 KiB. */
#define CS_CLEAR_MESSAGE_MAX (128 << 10)

/* Record types (RFC 8446 section 5.1). */
enum cs_record_type {
    CS_RECORD_CIPHER = 20, /* change_cipher_spec */
    CS_RECORD_ALERT = 21,
    CS_RECORD_HANDSHAKE = 22,
    CS_RECORD_DATA = 23,
};

enum cs_clear_kind {
    CS_CLEAR_MESSAGE, /* a handshake message: type, body */
    CS_CLEAR_ALERT,   /* body: level and number */
    CS_CLEAR_CIPHER,  /* ChangeCipherSpec */
    CS_CLEAR_SEALED,  /* an encrypted record: its type on the outside, body as it came */
};

struct cs_clear_item {
    enum cs_clear_kind kind;
    uint8_t type;
    struct cs_str body; /* until the next call */
    size_t end;         /* where in the stream its last record ends */
};

struct cs_clear {
    struct cs_str bytes;
    size_t at;              /* where the next record begins */
    bool tls13;             /* the caller knows by now that TLS 1.3 was agreed on */
    bool sealed;            /* TLS 1.2: behind ChangeCipherSpec */
    struct cs_buf messages; /* contents of handshake records that are not taken yet */
    size_t taken;           /* of them */
};

/** cs_clear_init() - read the stream @bytes, borrowed. */
void cs_clear_init(struct cs_clear *clear, struct cs_str bytes);
/** cs_clear_deinit() - forget it. */
void cs_clear_deinit(struct cs_clear *clear);
/** cs_clear_next() - the next thing that is whole. Return: 1 with *ret_item; 0: the stream ends,
 *  perhaps in the middle of something (cs_clear_rest()); -EBADMSG: what follows is not TLS;
 *  -EMSGSIZE: a message is too long. */
int cs_clear_next(struct cs_clear *clear, struct cs_clear_item *ret_item);
/** cs_clear_rest() - bytes at the end of the stream that are not whole. */
size_t cs_clear_rest(const struct cs_clear *clear);

/** cs_clear_group() - the named curve of a ServerKeyExchange (RFC 8422 section 5.4); 0: none. */
uint16_t cs_clear_group(struct cs_str body);
/** cs_clear_sigalg() - the signature algorithm of a message of this @type: CertificateVerify
 *  (RFC 8446 section 4.4.3, RFC 5246 section 7.4.8) or ServerKeyExchange with a named curve
 *  (RFC 8422 section 5.4); 0: none there. */
uint16_t cs_clear_sigalg(uint8_t type, struct cs_str body);

#endif
