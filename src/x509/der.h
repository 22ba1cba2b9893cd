/* DER (ITU-T X.690): a bounded reader and a small writer.
 *
 * The reader is a cs_str that shrinks from the front: each cs_der_… call takes one element
 * off *@in and gives a slice of it. Slices borrow from the bytes that were given in. Only
 * DER is read: definite lengths in their shortest form, tags below 31. Every function
 * returns false and leaves *@in alone when the bytes are not what was asked for.
 *
 * OpenSSL has no public CBS, so that one reader of ours serves both libraries.
 */
#ifndef CS_X509_DER_H
#define CS_X509_DER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum cs_der_tag {
    CS_DER_BOOLEAN = 0x01,
    CS_DER_INTEGER = 0x02,
    CS_DER_BIT_STRING = 0x03,
    CS_DER_OCTET_STRING = 0x04,
    CS_DER_NULL = 0x05,
    CS_DER_OID = 0x06,
    CS_DER_ENUMERATED = 0x0a,
    CS_DER_UTF8_STRING = 0x0c,
    CS_DER_NUMERIC_STRING = 0x12,
    CS_DER_PRINTABLE_STRING = 0x13,
    CS_DER_T61_STRING = 0x14,
    CS_DER_IA5_STRING = 0x16,
    CS_DER_UTC_TIME = 0x17,
    CS_DER_GENERALIZED_TIME = 0x18,
    CS_DER_VISIBLE_STRING = 0x1a,
    CS_DER_UNIVERSAL_STRING = 0x1c,
    CS_DER_BMP_STRING = 0x1e,
    CS_DER_SEQUENCE = 0x30,
    CS_DER_SET = 0x31,
};

/** CS_DER_CONTEXT() - context-specific primitive tag [n]; add CS_DER_CONSTRUCTED for [n] {…}. */
#define CS_DER_CONTEXT(n) (0x80 | (n))
#define CS_DER_CONSTRUCTED 0x20

/* One element: its tag, its content, and the whole of it, header included. */
struct cs_der_element {
    uint8_t tag;
    struct cs_str content;
    struct cs_str whole;
};

/** cs_der_any() - the next element, whatever its tag. */
bool cs_der_any(struct cs_str *in, struct cs_der_element *ret_element);
/** cs_der_take() - the content of the next element, which has to have @tag. */
bool cs_der_take(struct cs_str *in, uint8_t tag, struct cs_str *ret_content);
/** cs_der_take_whole() - the same, header included. */
bool cs_der_take_whole(struct cs_str *in, uint8_t tag, struct cs_str *ret_whole);
/** cs_der_next_is() - whether the next element has @tag. Takes nothing. */
bool cs_der_next_is(struct cs_str in, uint8_t tag);
/** cs_der_optional() - the content of the next element if it has @tag. *@ret_there says
 *  whether it had; when not, *@ret_content is empty. False: it is there and broken. */
bool cs_der_optional(struct cs_str *in, uint8_t tag, bool *ret_there, struct cs_str *ret_content);
/** cs_der_is_one() - whether @bytes is exactly one element with @tag, nothing behind it. */
bool cs_der_is_one(struct cs_str bytes, uint8_t tag);

/** cs_der_bool() - the next BOOLEAN: 0x00 or 0xff, nothing else. */
bool cs_der_bool(struct cs_str *in, bool *ret_value);
/** cs_der_integer() - content of the next INTEGER in its shortest form, sign byte included. */
bool cs_der_integer(struct cs_str *in, struct cs_str *ret_content);
/** cs_der_uint() - the next INTEGER, which has to lie in 0..@max. */
bool cs_der_uint(struct cs_str *in, uint64_t max, uint64_t *ret_value);
/** cs_der_oid() - content of the next OBJECT IDENTIFIER, well-formed. */
bool cs_der_oid(struct cs_str *in, struct cs_str *ret_content);
/** cs_der_bits() - the next BIT STRING: its bytes; unused bits are zero and counted. */
bool cs_der_bits(struct cs_str *in, struct cs_str *ret_bytes, unsigned *ret_unused);
/** cs_der_time() - the next UTCTime or GeneralizedTime in the only forms that RFC 5280
 *  section 4.1.2.5 allows (seconds, "Z", no fraction). */
bool cs_der_time(struct cs_str *in, int64_t *ret_sec);

struct cs_arena;
/** cs_der_oid_text() - "1.2.840.113549" for the content of an OBJECT IDENTIFIER, in @arena;
 *  "too-long" for one of more than 64 bytes, or with a number of more than 63 bits. */
struct cs_str cs_der_oid_text(struct cs_str oid, struct cs_arena *arena);

/* The writer: nested elements whose lengths are filled in when they are closed. A failure
 * (the buffer's maximum, nesting above CS_DER_DEPTH) sticks and shows at cs_der_end(). */
#define CS_DER_DEPTH 16

struct cs_der_out {
    struct cs_buf buf;
    size_t open[CS_DER_DEPTH]; /* where the content of each open element starts */
    unsigned depth;
    bool failed;
};

/** cs_der_begin() - an empty output of at most @max bytes. */
void cs_der_begin(struct cs_der_out *out, size_t max);
/** cs_der_end() - whether all went well and nothing is open; out->buf then holds the bytes. */
bool cs_der_end(struct cs_der_out *out);
/** cs_der_deinit() - free the bytes. */
void cs_der_deinit(struct cs_der_out *out);
/** cs_der_open() - start an element; what follows is its content until cs_der_close(). */
void cs_der_open(struct cs_der_out *out, uint8_t tag);
/** cs_der_close() - end the innermost open element. */
void cs_der_close(struct cs_der_out *out);
/** cs_der_put() - a whole element with this content. */
void cs_der_put(struct cs_der_out *out, uint8_t tag, struct cs_str content);
/** cs_der_put_raw() - bytes that are DER already. */
void cs_der_put_raw(struct cs_der_out *out, struct cs_str der);
/** cs_der_put_bool() - a BOOLEAN. */
void cs_der_put_bool(struct cs_der_out *out, bool value);
/** cs_der_put_uint() - an INTEGER (or ENUMERATED, by @tag) that is not negative. */
void cs_der_put_uint(struct cs_der_out *out, uint8_t tag, uint64_t value);
/** cs_der_put_unsigned() - an INTEGER from big-endian bytes, taken as not negative. */
void cs_der_put_unsigned(struct cs_der_out *out, struct cs_str bytes);
/** cs_der_put_bits() - a BIT STRING of whole bytes. */
void cs_der_put_bits(struct cs_der_out *out, struct cs_str bytes);
/** cs_der_put_time() - UTCTime up to 2049, GeneralizedTime from 2050 on (RFC 5280
 *  section 4.1.2.5). */
void cs_der_put_time(struct cs_der_out *out, int64_t sec);
/** cs_der_put_generalized_time() - GeneralizedTime whatever the year (RFC 6960 section 4.2.2.1). */
void cs_der_put_generalized_time(struct cs_der_out *out, int64_t sec);

#endif
