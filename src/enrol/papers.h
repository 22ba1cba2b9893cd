/* A certificate with its chain, and the roots that it leads to: looked at before they are used,
 * whether they come from the authority or from our own files. Pure.
 */
#ifndef CS_ENROL_PAPERS_H
#define CS_ENROL_PAPERS_H

#include "x509/claim.h"
#include "base/arena.h"
#include "base/str.h"
#include "enrol/schedule.h"
#include "x509/cert.h"

struct evp_pkey_st;

/* Everything lives in the arena. */
struct cs_papers {
    struct cs_str cert; /* PEM: the leaf, the chain behind it */
    struct cs_str ca;   /* PEM: the roots */
    struct cs_cert leaf;
    struct cs_lifetime life;
    struct cs_str serial; /* as cs_serial_text() */
};

/** cs_papers_clean() - the certificates in the PEM text @pem, written anew without what else stands
 *  there, in @arena; *ret_n is their number. Empty when there is none, too many, or something that
 *  is no certificate. */
struct cs_str cs_papers_clean(struct cs_str pem, struct cs_arena *arena, size_t *ret_n);

/** cs_papers_take() - judge that @cert (PEM, the leaf first) leads to one of @ca (PEM), while it is
 *  good and by the function that judges all chains; that its leaf is for @key; and that @renew_at
 *  lies in its life. The time of day does not count: whether it has expired is another question.
 *  Return: NULL (*ret_papers is written), or why not, in @arena. */
const char *cs_papers_take(struct cs_str cert, struct cs_str ca, const struct evp_pkey_st *key,
                           int64_t renew_at, struct cs_arena *arena, struct cs_papers *ret_papers);
/** cs_papers_lack() - the first of @names that the leaf is not for, as text; empty: it is for all
 * of them. In @arena. */
struct cs_str cs_papers_lack(const struct cs_papers *papers, const struct cs_claims *names,
                             struct cs_arena *arena);

/** cs_papers_root() - the self-signed CA certificate of @ca (PEM) whose SHA-256 is @pin, alone, as
 *  PEM in @arena; empty: there is none. */
struct cs_str cs_papers_root(struct cs_str ca, const uint8_t pin[32], struct cs_arena *arena);
/** cs_papers_share() - whether a certificate is in both @a and @b (PEM). */
bool cs_papers_share(struct cs_str a, struct cs_str b, struct cs_arena *arena);
/** cs_papers_fingerprints() - the SHA-256 of all certificates of @ca in hex, with blanks between
 *  them, in @arena: a handful of them. */
struct cs_str cs_papers_fingerprints(struct cs_str ca, struct cs_arena *arena);

/** cs_pin_parse() - a SHA-256 in hex, of either case, with or without colons between the bytes.
 *  Return: 0, or -EINVAL. */
int cs_pin_parse(struct cs_str text, uint8_t ret_pin[32]);

#endif
