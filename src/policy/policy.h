/* Who may do what: pure decisions about one client, and the permit that follows from them.
 *
 * Three questions, in this order. May this connection carry requests for this server: the client's
 * certificate, held against ssl_verify_client. May this client ask here: the names of its
 * certificate, held against mtls_allow and mtls_deny. May this request pass here: its address, held
 * against allow and deny. Yes three times makes a permit; there is no other way to one, and
 * proxying requires it.
 */
#ifndef CS_POLICY_POLICY_H
#define CS_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/findings.h"
#include "x509/claim.h"

struct cs_cert;
struct cs_identity;
struct cs_verdict;

/* Who asks. */
struct cs_subject {
    const struct cs_addr *address; /* from the PROXY header where one is believed */
    bool tls;
    bool certificate_presented;
    const struct cs_verdict *verdict;   /* NULL: no certificate was judged */
    const struct cs_identity *identity; /* NULL: nobody known */
};

/* ssl_verify_client. */
enum cs_verify_mode {
    CS_VERIFY_OFF,
    CS_VERIFY_ON,             /* a good certificate is needed */
    CS_VERIFY_OPTIONAL,       /* a certificate need not be there, but must be good */
    CS_VERIFY_OPTIONAL_NO_CA, /* the same, and an unknown issuer is not held against it */
};

/* The statuses of refusals; 495 to 497 are nginx's and become 400 on the wire. */
enum {
    CS_STATUS_FORBIDDEN = 403,
    CS_STATUS_MISDIRECTED = 421,
    CS_STATUS_CERTIFICATE_REFUSED = 495,
    CS_STATUS_CERTIFICATE_MISSING = 496,
};

/* The question that a decision answers. */
enum cs_decision_about {
    CS_DECISION_NONE, /* a zeroed decision: nobody has decided, and nothing is allowed */
    CS_DECISION_CONNECTION,
    CS_DECISION_IDENTITY,
    CS_DECISION_ACCESS,
};

#define CS_NO_RULE SIZE_MAX

struct cs_identity_rule;

struct cs_decision {
    bool allowed;
    enum cs_decision_about about;
    int status;                         /* refused: CS_STATUS_…; else 0 */
    const struct cs_finding_kind *kind; /* refused: why; else NULL */
    size_t rule;                        /* about access: the rule that matched, or CS_NO_RULE */
    const struct cs_identity_rule *denied_by; /* about identity, refused: the mtls_deny that
                                                 matched; NULL: nothing let it pass */
};

/** cs_policy_decide_connection() - whether a connection with this client certificate may carry
 *  requests for a server with @mode. As nginx: a bad certificate is 495 in every mode but off, a
 *  missing one 496 in mode on; a connection without TLS is not asked (the configuration check
 *  warns of such a listener). A certificate without a verdict counts as bad. */
void cs_policy_decide_connection(enum cs_verify_mode mode, const struct cs_subject *subject,
                                 struct cs_decision *ret_decision);

/** cs_policy_misdirected() - the refusal of a request whose Host leads to a server that asks
 *  something else of its clients than the server of the TLS connection does. */
struct cs_decision cs_policy_misdirected(void);
/** cs_policy_same_client_auth() - whether two servers ask the same of their clients, by the
 *  digests of their client-auth policies. If not: cs_policy_misdirected(). */
bool cs_policy_same_client_auth(const uint8_t a[32], const uint8_t b[32]);

/* One pattern of an mtls_allow or mtls_deny. */
struct cs_identity_rule {
    struct cs_pattern pattern; /* of mtls_deny: in lower case */
    struct cs_str text;        /* as it is written; borrowed from the configuration */
    struct cs_place place;
};

/* The rules about identities of one place. Immutable. Where there are none, a NULL pointer. */
struct cs_identity_rules {
    bool known;  /* who has no verified certificate does not pass */
    bool listed; /* nor does who matches nothing of allow, be it empty */
    const struct cs_identity_rule *allow, *deny;
    size_t n_allow, n_deny;
};

/** cs_policy_decide_identity() - whether @subject may ask where @rules hold (NULL: everybody may).
 *  Deny beats allow. Deny looks at every name of the verified leaf, those of its subject included,
 *  without regard to case; a wildcard counts for each name it would serve for, and a name that is
 *  malformed is taken for one that is denied. Allow looks at cs_policy_names(), and a wildcard
 *  has to be allowed as a whole. Nothing but a verified leaf is looked at. @arena: for the time of
 *  the call. */
void cs_policy_decide_identity(const struct cs_identity_rules *rules,
                               const struct cs_subject *subject, struct cs_arena *arena,
                               struct cs_decision *ret_decision);
/** cs_policy_names() - the names of @leaf that an mtls_allow can be about: its subjectAltNames;
 * only when it has none, its common name. Borrowed from @leaf, in @arena. */
struct cs_claims cs_policy_names(const struct cs_cert *leaf, struct cs_arena *arena);

/* One line of an access list. */
struct cs_access_rule {
    bool allow;
    struct cs_net net;
    struct cs_place place;
};

/* Access rules, compiled. Immutable. */
struct cs_policy;

/** cs_policy_new() - a policy of @n rules, copied into @arena, where it lives. */
const struct cs_policy *cs_policy_new(struct cs_arena *arena, const struct cs_access_rule *rules,
                                      size_t n);
/** cs_policy_rule() - the @i-th rule, or NULL: to name the one that a decision rests on. */
const struct cs_access_rule *cs_policy_rule(const struct cs_policy *policy, size_t i);
/** cs_policy_decide_access() - whether @subject may pass. As nginx: the first rule that has the
 *  client's address counts, whether it allows or denies; without a match everybody passes. An
 *  address that is not known matches only "all". */
void cs_policy_decide_access(const struct cs_policy *policy, const struct cs_subject *subject,
                             struct cs_decision *ret_decision);

/* The proof that a request was allowed. Opaque; made only here. */
struct cs_permit;

/** cs_policy_permit() - the permit that follows from the three decisions. Lives in @arena, the
 *  request's. Return: NULL unless each allows, and is about what its name says. */
const struct cs_permit *cs_policy_permit(struct cs_arena *arena,
                                         const struct cs_decision *connection,
                                         const struct cs_decision *identity,
                                         const struct cs_decision *access);
/** cs_permit_access() - the access decision that @permit rests on; borrowed from it. */
const struct cs_decision *cs_permit_access(const struct cs_permit *permit);

#endif
