/* Revocation lists as one compact, read-only block.
 *
 * One or many CRLs (RFC 5280 section 5) become a table per list, keyed by serial number:
 * no object per entry, one anonymous mapping, write-protected when it is built, so that
 * processes forked afterwards share it; others can be handed its bytes, in shared memory, and do
 * not read the lists again. A look-up is one hash probe. Only lists signed by the CA itself are
 * taken, complete ones and parts that say what they cover (x509/coverage.h); whatever else could
 * narrow a list (delta, indirect, some reasons only, unknown critical extensions) refuses it,
 * because a list that is read too broadly would let revoked certificates pass.
 */
#ifndef CS_X509_CRL_H
#define CS_X509_CRL_H

#include <stddef.h>
#include <stdint.h>

#include "base/findings.h"
#include "base/str.h"
#include "x509/cert.h"

/* The bytes of a file that somebody else read, and for findings its name and where a
 * configuration names it. */
struct cs_source {
    struct cs_str bytes;
    struct cs_str file;
    struct cs_place place;
};

struct cs_crl_lists; /* what files hold, whoever signed it */
struct cs_crl_set;   /* the same, judged by the CAs of one trust set */

enum { CS_CRL_REFUSED = 1 };

/** cs_crl_lists_new() - read lists: PEM with one or more, or one in DER, of each source; of none
 *  there are no lists, and nobody is covered. Nothing is borrowed.
 *  Return: 0: *@ret_lists; CS_CRL_REFUSED: a list cannot be read or is of an unsupported kind,
 *  see @findings; -ENOMEM. */
__attribute__((warn_unused_result)) int cs_crl_lists_new(const struct cs_source *sources,
                                                         size_t n_sources,
                                                         struct cs_findings *findings,
                                                         struct cs_crl_lists **ret_lists);
/** cs_crl_lists_block() - the bytes that hold them: free of pointers, to be put into memory that
 *  another process of this program maps. They live as long as @lists and the sets made of it. */
struct cs_str cs_crl_lists_block(const struct cs_crl_lists *lists);
/** cs_crl_lists_open() - lists out of such bytes, from @source. @block is a whole mapping,
 * read-only, which becomes the lists': munmap() comes with the last set. Return: 0; -EBADMSG: it is
 * none (the mapping stays the caller's). */
int cs_crl_lists_open(struct cs_str block, const struct cs_source *source,
                      struct cs_crl_lists **ret_lists);
/** cs_crl_lists_move() - @lists over @block, which holds the same bytes and becomes theirs as with
 *  cs_crl_lists_open(); they know where they were read. Return: the same; @lists stays. */
int cs_crl_lists_move(const struct cs_crl_lists *lists, struct cs_str block,
                      struct cs_crl_lists **ret_lists);
/** cs_crl_lists_digest() - as cs_crl_set_digest() of a set made of them. */
const uint8_t *cs_crl_lists_digest(const struct cs_crl_lists *lists);
/** cs_crl_lists_entries() - how many revoked certificates they have. */
size_t cs_crl_lists_entries(const struct cs_crl_lists *lists);
/** cs_crl_lists_free() - sets made of it keep what they need. NULL is fine. */
void cs_crl_lists_free(struct cs_crl_lists *lists);

/* One of the lists, to be spoken of. */
struct cs_crl_facts {
    struct cs_str issuer; /* DER of its name; lives as long as the lists */
    struct cs_str file;   /* where it was read; the same */
    int64_t this_update;
    int64_t next_update; /* INT64_MAX: it names none */
    size_t n_entries;
};

/** cs_crl_lists_next() - go through the lists; *@at is 0 at first. Return: whether *@ret_facts is
 *  one more. */
bool cs_crl_lists_next(const struct cs_crl_lists *lists, size_t *at,
                       struct cs_crl_facts *ret_facts);

/** cs_crl_set_new() - judge who signed @lists; all sets made of the same lists share their
 *  block. Each signature is verified here, once, with the key of the CA in @cas that has its
 *  name; where no such CA is known, it is verified at each use with the key of the CA that the
 *  peer presented (Ed25519 lists cannot wait so and are refused). @place: of what is found;
 *  NULL: that of the list's source.
 *  Return: 0: *@ret_set (there may be warnings); CS_CRL_REFUSED: a signature is wrong, see
 *  @findings. */
__attribute__((warn_unused_result)) int cs_crl_set_new(const struct cs_crl_lists *lists,
                                                       const struct cs_cert *cas, size_t n_cas,
                                                       const struct cs_place *place,
                                                       struct cs_findings *findings,
                                                       struct cs_crl_set **ret_set);
/** cs_crl_set_free() - NULL is fine. */
void cs_crl_set_free(struct cs_crl_set *set);

/** cs_crl_set_digest() - SHA-256 that stands for the exact lists and their order. */
const uint8_t *cs_crl_set_digest(const struct cs_crl_set *set);
/** cs_crl_set_block() - the block that holds the lists, and its size in bytes: one for all sets
 *  made of the same lists. */
const void *cs_crl_set_block(const struct cs_crl_set *set, size_t *ret_size);
/** cs_crl_set_entries() - how many revoked certificates all lists have. */
size_t cs_crl_set_entries(const struct cs_crl_set *set);

enum cs_crl_status {
    CS_CRL_GOOD,
    CS_CRL_REVOKED,
    CS_CRL_MISSING,         /* no list of this issuer that covers the certificate */
    CS_CRL_EXPIRED,         /* nextUpdate has come */
    CS_CRL_NOT_YET_VALID,   /* thisUpdate lies ahead */
    CS_CRL_BAD_SIGNATURE,   /* a list of this name, not signed with this key */
    CS_CRL_SIGNER_MISMATCH, /* the issuer's keyUsage lacks cRLSign */
};

struct cs_crl_answer {
    enum cs_crl_status status;
    int64_t this_update; /* of the list that was consulted */
    int64_t next_update; /* INT64_MAX: it names none */
    int64_t revoked_at;  /* with CS_CRL_REVOKED */
    unsigned reason;     /* RFC 5280 section 5.3.1 */
    bool has_others;     /* with CS_CRL_MISSING: there are parts for other certificates */
};

/** cs_crl_set_check() - what the lists say about @cert, which @issuer signed. Of several
 *  lists that cover it the newest valid one counts. Pure. A list that is out of date answers
 *  CS_CRL_EXPIRED or CS_CRL_NOT_YET_VALID, except that a certificate on it is
 *  CS_CRL_REVOKED all the same. */
struct cs_crl_answer cs_crl_set_check(const struct cs_crl_set *set, const struct cs_cert *cert,
                                      const struct cs_cert *issuer, int64_t now_sec);

/** cs_crl_set_survey() - how the lists of @ca fare as a whole, whatever they cover: of those that
 *  no better one replaces, the worst. What is CS_CRL_MISSING has none at all. Pure. */
struct cs_crl_answer cs_crl_set_survey(const struct cs_crl_set *set, const struct cs_cert *ca,
                                       int64_t now_sec);

/** cs_crl_reason_text() - "keyCompromise" for 1, and so on. */
struct cs_str cs_crl_reason_text(unsigned reason);

#endif
