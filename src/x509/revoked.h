/* Certificates that are revoked at a word, without waiting for a list.
 *
 * A revocation names a certificate as a revocation list does: by its issuer's name and its serial
 * number. Not by a digest of the whole: an ECDSA signature can be turned into another one that is
 * as good, so that the same certificate has more than one digest.
 *
 * A set of them is one immutable block without pointers, which processes can hand each other as
 * bytes. It stands beside the lists of a trust set (struct cs_chain_query::revoked): whatever is
 * judged, for the first time or again, is held against both.
 */
#ifndef CS_X509_REVOKED_H
#define CS_X509_REVOKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "x509/cert.h"

/* Who has more to revoke makes a list of it. */
#define CS_REVOKED_MAX 65536
/* Bytes of a serial number: twice what RFC 5280 section 4.1.2.2 allows. */
#define CS_REVOKED_SERIAL_MAX 40
/* A serial number of so many bytes is taken for one of a kind, whoever issued it. */
#define CS_REVOKED_UNIQUE 8

struct cs_revocation {
    struct cs_str serial; /* content of an INTEGER; zero bytes in front do not count */
    bool any_issuer;
    uint8_t issuer[32];  /* cs_name_digest() of the issuer's name, unless any */
    int64_t revoked_at;  /* seconds since 1970 */
    int64_t not_after;   /* of the certificate: nobody needs the entry later; INT64_MAX: unknown */
    unsigned reason;     /* RFC 5280 section 5.3.1 */
    struct cs_str named; /* the certificate's subject, for people; may be empty */
};

/** cs_revocation_write() - append @revocation as one line of text, newline included.
 *  Return: 0, or -ENOBUFS. */
int cs_revocation_write(const struct cs_revocation *revocation, struct cs_buf *buf);
/** cs_revocation_read() - such a line, without its newline, read back; the serial number is
 *  decoded into @serial, which lives as long as the result; the name borrows from the line.
 *  Return: 0, or -EINVAL. */
int cs_revocation_read(struct cs_str line, uint8_t serial[CS_REVOKED_SERIAL_MAX],
                       struct cs_revocation *ret_revocation);
/** cs_revocation_eq() - whether both name the same certificate. */
bool cs_revocation_eq(const struct cs_revocation *a, const struct cs_revocation *b);
/** cs_serial_read() - a serial number as people copy it: hex, with or without ":", blanks and "0x".
 *  Return: 0, or -EINVAL (not hex, empty, or longer than CS_REVOKED_SERIAL_MAX). */
int cs_serial_read(struct cs_str text, uint8_t serial[CS_REVOKED_SERIAL_MAX], size_t *ret_len);

struct cs_revoked_set;

/** cs_revoked_set_new() - the set of @n revocations, at most CS_REVOKED_MAX. Borrows nothing. */
struct cs_revoked_set *cs_revoked_set_new(const struct cs_revocation *items, size_t n);
/** cs_revoked_set_free() - a set of cs_revoked_set_new(). NULL is fine. Return: NULL. */
struct cs_revoked_set *cs_revoked_set_free(struct cs_revoked_set *set);
/** cs_revoked_set_bytes() - the set as bytes, aligned for any type; they live as long as it. */
struct cs_str cs_revoked_set_bytes(const struct cs_revoked_set *set);
/** cs_revoked_set_from() - the set that such bytes are, in place and as long as they live. They
 * have to be aligned for any type. Return: NULL when they are not a set. */
const struct cs_revoked_set *cs_revoked_set_from(struct cs_str bytes);
/** cs_revoked_set_count() - how many revocations it holds. */
size_t cs_revoked_set_count(const struct cs_revoked_set *set);
/** cs_revoked_set_check() - whether @cert is revoked: when and why is written then. Pure; @set may
 *  be NULL. */
bool cs_revoked_set_check(const struct cs_revoked_set *set, const struct cs_cert *cert,
                          int64_t *ret_revoked_at, unsigned *ret_reason);

#endif
