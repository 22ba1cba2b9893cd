/* An order: what somebody wants certified, judged before anything is signed.
 *
 * order + profile + CA certificates + time + serial number go in; what to sign comes out, or
 * findings that say what is wrong with the order. A draft is what is to be signed, linted under a
 * signature of zeros: what a client will refuse is refused before it is signed.
 *
 * Names are those of the order and those of its request together. Of a request's subject only the
 * common name counts; extensions that it asks for beyond the profile refuse it when it asks for
 * power (a CA, another usage) or marks them critical, and are left out otherwise. Pure: no files,
 * clocks or random numbers.
 */
#ifndef CS_AUTHORITY_ORDER_H
#define CS_AUTHORITY_ORDER_H

#include <stdint.h>

#include "x509/claim.h"
#include "authority/make.h"
#include "authority/profile.h"
#include "base/arena.h"
#include "base/findings.h"
#include "x509/request.h"

struct cs_order {
    struct cs_str profile;
    const struct cs_csr *csr;
    struct cs_claims names; /* beside those of the request */
    int64_t ttl_sec;        /* 0: the profile's */
};

/* What an order is judged by. */
struct cs_ground {
    const struct cs_profiles *profiles;
    const struct cs_cert *const *issuers; /* the one that signs first, then those above it */
    size_t n_issuers;
    const struct cs_pattern_set *entitled; /* a token's names; NULL: not asked for */
    const struct cs_claims *renewed; /* the names of the certificate that is renewed, or NULL */
    struct cs_str serial;            /* 16 random bytes */
    struct cs_str crl_url, ocsp_url, issuer_url;
    int64_t now_sec;
};

/* What is to be signed. Lives in the arena, and as long as the order. */
struct cs_plan {
    const struct cs_profile *profile;
    struct cs_claims names; /* all of them, the common name behind the others */
    struct cs_cert_spec spec;
    struct cs_str spki;
    int64_t renew_at;
};

enum { CS_ORDER_REFUSED = 1 };

/** cs_order_judge() - what would be signed for @order. A life that would outlast the issuer's is
 *  cut to its end, and refused when less than a third of it would be left.
 *  Return: 0: *@ret_plan (there may be notices); CS_ORDER_REFUSED: @findings say why not. */
__attribute__((warn_unused_result)) int
cs_order_judge(const struct cs_order *order, const struct cs_ground *ground, struct cs_arena *arena,
               struct cs_findings *findings, struct cs_plan *ret_plan);

/* What was drafted, parsed back. Borrows from the arena. */
struct cs_draft {
    struct cs_str tbs;
    struct cs_cert cert;    /* under a signature of zeros */
    struct cs_str identity; /* whom it would stand for (x509/identity.h) */
};

/** cs_order_draft() - write @plan down, read it back with the parser that judges peers, lint it and
 *  hold its names against the name constraints of all of @ground's issuers. @signer signs later.
 *  Return: 0: *@ret_draft; CS_ORDER_REFUSED: @findings say why; -EINVAL, -ENOBUFS: it cannot be
 *  encoded. */
__attribute__((warn_unused_result)) int
cs_order_draft(const struct cs_plan *plan, const struct cs_make_issuer *signer,
               const struct cs_ground *ground, struct cs_arena *arena, struct cs_findings *findings,
               struct cs_draft *ret_draft);

#endif
