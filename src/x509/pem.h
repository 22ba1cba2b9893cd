/* PEM (RFC 7468): text armour around DER, several blocks in one file, anything between. */
#ifndef CS_X509_PEM_H
#define CS_X509_PEM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

struct cs_pem_block {
    struct cs_str label; /* "CERTIFICATE"; borrowed from the text */
    struct cs_str der;   /* decoded, in the arena; empty for an encrypted legacy key */
    struct cs_str whole; /* from BEGIN to END, borrowed from the text */
    bool has_headers;    /* RFC 1421 headers ("Proc-Type: 4,ENCRYPTED"): not decoded */
};

/** cs_pem_next() - the next block of *@rest, which moves behind it. Text outside of blocks is
 *  passed over. Return: 1 (a block), 0 (no more), or -EBADMSG: a block that does not end, ends
 *  with another label, or is not base64; *@rest is behind its BEGIN line then. */
int cs_pem_next(struct cs_str *rest, struct cs_arena *arena, struct cs_pem_block *ret_block);

/** cs_pem_is_der() - whether @bytes are one DER SEQUENCE rather than text. */
bool cs_pem_is_der(struct cs_str bytes);

/** cs_base64_decode() - base64 with white space between the characters (RFC 4648 section 4,
 *  padding required). @ret_bytes has room for @text.len / 4 * 3 + 3. Return: 0 or -EBADMSG. */
int cs_base64_decode(struct cs_str text, uint8_t *ret_bytes, size_t *ret_len);

/** cs_base64_write() - append @bytes in base64, padded, without line breaks. Return: 0 or -ENOBUFS.
 */
int cs_base64_write(struct cs_buf *buf, struct cs_str bytes);

/** cs_pem_write() - append a block with lines of 64 characters. Return: 0 or -ENOBUFS. */
int cs_pem_write(struct cs_buf *buf, struct cs_str label, struct cs_str der);

#endif
