/* What the tests of parsers share: the frame that every signed thing has (X.509, PKCS #10, lists),
 * and parts that have a good default. */
#ifndef CS_X509_TEST_FRAME_H
#define CS_X509_TEST_FRAME_H

#include "base/arena.h"
#include "base/panic.h"
#include "x509/der.h"

#define B(lit) CS_STR_INIT(lit)
#define ECDSA "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define NAME                                                                                       \
    "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01"                                         \
    "x"
#define P256 "\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define SPKI "\x30\x1a" P256 "\x03\x03\x00\x04\x01"

/** frame_or() - @part, or what stands there when the test has no other wish. */
static inline struct cs_str frame_or(struct cs_str part, struct cs_str other)
{
    return part.ptr ? part : other;
}

/** frame_begin() - open the whole and, in it, the part that is signed. */
static inline void frame_begin(struct cs_der_out *out)
{
    cs_der_begin(out, 1 << 20);
    cs_der_open(out, CS_DER_SEQUENCE);
    cs_der_open(out, CS_DER_SEQUENCE);
}

/** frame_end() - close the signed part, add @algorithm, a signature that is none, and @after behind
 * the whole. Return: the bytes, in @arena. */
static inline struct cs_str frame_end(struct cs_der_out *out, struct cs_str algorithm,
                                      struct cs_str after, struct cs_arena *arena)
{
    struct cs_str der;

    cs_der_close(out);
    cs_der_put_raw(out, algorithm);
    cs_der_put_bits(out, CS_STR("signature"));
    cs_der_close(out);
    cs_der_put_raw(out, after);
    cs_assert(cs_der_end(out));
    der = cs_arena_dup(arena, cs_buf_str(&out->buf));
    cs_der_deinit(out);
    return der;
}

#endif
