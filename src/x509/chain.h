/* The one verdict about a chain of certificates.
 *
 * HTTP, streams, resumed sessions, the upstream side and the doctor all ask here. Pure: the
 * answer depends on the query alone, so it may be remembered for the same query until
 * cs_verdict.valid_until.
 *
 * Path building, signatures, extensions and name constraints are the library's
 * (RFC 5280 section 6); the findings, key usage, key strength, depth, host names and
 * revocation are ours and the same with both libraries.
 */
#ifndef CS_X509_CHAIN_H
#define CS_X509_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/findings.h"
#include "base/str.h"
#include "x509/cert.h"
#include "x509/demand.h"
#include "x509/error.h"
#include "x509/revoked.h"
#include "x509/standing.h"
#include "x509/trust.h"

/* The most that a peer may present. */
#define CS_CHAIN_CERTS_MAX 16
#define CS_CHAIN_BYTES_MAX 65536

enum cs_purpose {
    CS_PURPOSE_CLIENT, /* the peer is a client: clientAuth */
    CS_PURPOSE_SERVER, /* the peer is a server: serverAuth */
};

/* How strictly revocation lists are asked. Zeroed: for every certificate of the path, and one that
 * no current list of its issuer covers is refused. */
struct cs_revocation_rules {
    bool leaf_only;    /* the issuers are not asked about */
    bool soft;         /* no list, or none of today: accepted with a warning */
    int64_t grace_sec; /* how long behind its nextUpdate a list is as good as before */

    bool ocsp;               /* OCSP responders are asked: see cs_chain_standing() */
    bool ocsp_leaf_only;     /* about the leaf alone */
    bool ocsp_anew;          /* for every connection, whatever they said before */
    bool stapled;            /* nobody is asked: the standings are what the peer stapled */
    struct cs_str responder; /* this one; empty: the one that each certificate names */
};

struct cs_chain_query {
    const struct cs_str *ders; /* leaf first, as presented; borrowed by the verdict */
    size_t n;
    const struct cs_trust *trust;         /* borrowed by the verdict */
    const struct cs_revoked_set *revoked; /* beside the lists of the trust set; NULL: nothing is */
    const struct cs_standings *standings; /* what OCSP responders said; NULL: nothing */
    int64_t now_sec;
    int64_t now_ms;     /* steady clock, for @standings */
    int64_t leeway_sec; /* how far outside its validity a certificate is still accepted */
    struct cs_revocation_rules revocation;
    enum cs_purpose purpose;
    int depth;                      /* ssl_verify_depth: how many intermediates are allowed */
    const struct cs_demand *demand; /* what else is asked; NULL: nothing. Borrowed */
    struct cs_str host;             /* to match a server's certificate with; empty: not asked */
    bool allow_unknown_issuer;      /* optional_no_ca */
    const struct cs_str *known; /* DER of certificates that happen to be at hand, our own chain */
    size_t n_known;             /* say: trusted for nothing, they name what is missing */
};

struct cs_verdict {
    bool accepted;   /* the whole chain is good */
    bool tolerated;  /* not accepted, but with allow_unknown_issuer nothing else is wrong than
                        that no trusted CA vouches for it: go on, unverified */
    int error;       /* enum cs_x509_error: what nginx would log; 0 when accepted */
    int error_depth; /* which certificate the cause is about: 0 the leaf */
    struct cs_findings findings;     /* in the arena; may hold warnings when accepted */
    const struct cs_finding *cause;  /* the finding that names the reason; NULL when accepted */
    const struct cs_cert *leaf;      /* NULL: none, or not readable */
    const struct cs_cert *presented; /* as presented, up to the first unreadable one */
    size_t n_presented;
    const struct cs_cert *const *path; /* leaf to anchor, when accepted */
    size_t n_path;
    int64_t path_not_before; /* of the path: the latest notBefore */
    int64_t path_not_after;  /* and the earliest notAfter */
    int64_t valid_until;     /* the same, or an earlier nextUpdate of a list that was used */
};

/** cs_chain_verify() - judge a chain. Everything in *@ret_verdict lives in @arena or borrows
 *  from the query. n == 0 is a verdict too (certificate-missing, server-certificate-missing).
 *  Return: 0: *@ret_verdict is written; -ENOMEM. */
__attribute__((warn_unused_result)) int cs_chain_verify(const struct cs_chain_query *query,
                                                        struct cs_arena *arena,
                                                        struct cs_verdict *ret_verdict);

/** cs_chain_recheck() - whether a verdict that was accepted for @query still holds at its
 *  now_sec, within its leeway, with the lists of its trust and what is revoked: time and revocation
 *  of the path, no signatures. For resumed sessions and chains that come again. @path is the
 * verdict's, leaf first; the presented chain is not looked at. Findings as cs_chain_verify().
 *  Return: the error number, 0 when it holds. */
int cs_chain_recheck(const struct cs_chain_query *query, const struct cs_cert *const *path,
                     size_t n_path, struct cs_findings *findings);

/** cs_chain_withdrawn() - whether what was @held about the certificates of @query, by an accepted
 *  verdict, has been taken back since: one of the path is revoked, or the trust of @query has not
 *  the CAs that it rests on and leads to no others; with @expiry also whether one has expired.
 *  Nothing else: a list that is missing or out of date says nothing about these certificates.
 *  Return: 1: *@ret_verdict is the refusal, which borrows as cs_chain_verify() says and from @held;
 *  0: it stands; -ENOMEM. */
__attribute__((warn_unused_result)) int cs_chain_withdrawn(const struct cs_chain_query *query,
                                                           const struct cs_verdict *held,
                                                           bool expiry, struct cs_arena *arena,
                                                           struct cs_verdict *ret_verdict);

enum cs_standing_step {
    CS_STANDING_PASSES,
    CS_STANDING_ASK,
    CS_STANDING_REFUSED,
};

/** cs_chain_standing() - whether an accepted verdict passes by what OCSP responders say about its
 *  path; not asked about is where the path ends. @patience: see x509/standing.h. PASSES:
 *  *@ret_verdict is @held, with remarks among its findings when that was put up with; ASK: bit i of
 *  *@ret_wanted: path[i] has to be asked about; REFUSED: *@ret_verdict is the refusal. It borrows
 * as cs_chain_verify() says, and from @held. Pure. */
enum cs_standing_step cs_chain_standing(const struct cs_chain_query *query,
                                        const struct cs_patience *patience,
                                        const struct cs_verdict *held, struct cs_arena *arena,
                                        uint64_t *ret_wanted, struct cs_verdict *ret_verdict);
/** cs_chain_standing_key() - what names path[@i] in a table of standings, under the rules of
 *  @query. */
void cs_chain_standing_key(const struct cs_chain_query *query, const struct cs_cert *const *path,
                           size_t i, uint8_t ret_key[32]);

/** cs_verdict_reason() - the words that nginx puts behind "FAILED:". Static. */
struct cs_str cs_verdict_reason(const struct cs_verdict *verdict);
/** cs_verdict_alert() - the TLS alert for a refusal inside the handshake; 0 when accepted. */
uint8_t cs_verdict_alert(const struct cs_verdict *verdict);

#endif
