/* One failure while it is being looked at: what the files of this folder that diagnose share. */
#ifndef CS_EXPLAIN_CASE_H
#define CS_EXPLAIN_CASE_H

#include "base/findings.h"
#include "telemetry/handshake.h"
#include "telemetry/record.h"
#include "telemetry/transport.h"

struct cs_case {
    const struct cs_record *record;
    const struct cs_handshake *handshake; /* NULL: none */
    const struct cs_transport *transport; /* never NULL: one that did nothing wrong if need be */
    bool server;                          /* this side is the server */
    struct cs_str who;                    /* the other side: "client" or "server" */
    struct cs_findings *findings;
    struct cs_arena *arena; /* of the findings */
};

/* A clause about what the facts mean, and one about what to do; either may be empty. */
struct cs_meaning {
    struct cs_str means;
    struct cs_str remedy;
    struct cs_str likely; /* code of what is likely behind it; empty: nothing is */
};

/* --- foreign.c: bytes that are not TLS --- */

enum cs_foreign {
    CS_FOREIGN_NONE, /* TLS, or nothing came */
    CS_FOREIGN_HTTP,
    CS_FOREIGN_PROXY, /* a PROXY header */
    CS_FOREIGN_OTHER,
};

/** cs_foreign_look() - what protocol begins with @first. *@ret_name says it ("SSH"), and
 *  *@ret_remedy what to do; both static, written unless NONE. */
enum cs_foreign cs_foreign_look(struct cs_str first, struct cs_str *ret_name,
                                struct cs_str *ret_remedy);
/** cs_foreign_is_tls() - whether @first begins as a TLS record of a handshake does. */
bool cs_foreign_is_tls(struct cs_str first);

/* --- own.c: our own certificate, as the peer may see it --- */

/** cs_own_text() - what is known about our certificate that a peer may dislike: who issued it,
 *  what is sent with it, and each fault that shows. In the case's arena; empty: no certificate. */
struct cs_str cs_own_text(const struct cs_case *c);
/** cs_own_fault_remedy() - what to do about the first fault that shows; empty: none does. */
struct cs_str cs_own_fault_remedy(const struct cs_case *c);
/** cs_own_likely_code() - what a peer would call the likely cause of its refusal by @alert (-1:
 * none): the code of the fault that goes with the alert, else of the first that shows; else what
 * the alert means by itself. Static; empty: nothing is likely. */
struct cs_str cs_own_likely_code(const struct cs_case *c, int alert);
/** cs_own_certain() - the cause, when our certificate is out of its time beyond doubt: the peer
 *  refused it in words (@said) or an @alert (-1: none) that can mean that, and no other clock that
 * is known speaks against this one. NULL: no such thing. */
const struct cs_finding *cs_own_certain(const struct cs_case *c, int alert, struct cs_str said);
/** cs_own_likely_remedy() - the same; and where none shows, how to find out, and what it mostly is
 *  then. */
struct cs_str cs_own_likely_remedy(const struct cs_case *c);
/** cs_own_trust_remedy() - what to do so that a peer which does not know our issuer does. */
struct cs_str cs_own_trust_remedy(const struct cs_case *c);

/* --- progress.c: how far it got --- */

/** cs_progress_text() - when it happened: "after our certificate had been sent". */
struct cs_str cs_progress_text(const struct cs_case *c);
/** cs_progress_closed() - what it means that the peer closed at this point. */
struct cs_meaning cs_progress_closed(const struct cs_case *c);
/** cs_progress_reset() - the same when the connection was reset. */
struct cs_meaning cs_progress_reset(const struct cs_case *c);
/** cs_progress_silent() - the same when it went on no more. */
struct cs_meaning cs_progress_silent(const struct cs_case *c);

/* --- alert.c: what the peer said --- */

/** cs_alert_cause() - the cause behind the alert that was received. */
const struct cs_finding *cs_alert_cause(const struct cs_case *c);
/** cs_alert_sealed() - likewise, when only its receiver could read it. */
const struct cs_finding *cs_alert_sealed(const struct cs_case *c);

/* --- clock.c --- */

/** cs_case_clock() - @cause, which is about time, or clock-skew instead: when a time server says
 *  that this clock is wrong, and by the server's time the certificate is good. */
const struct cs_finding *cs_case_clock(const struct cs_case *c, const struct cs_finding *cause);

/* --- answer.c: what the server answered to a request --- */

/** cs_answer_cause() - the cause behind an answer that refuses us, or NULL. */
const struct cs_finding *cs_answer_cause(const struct cs_case *c);

/* --- denial.c: what the rules about identities refused --- */

/** cs_denial_cause() - the cause behind a decision about an identity that refuses. */
const struct cs_finding *cs_denial_cause(const struct cs_case *c);

/* --- diagnosis.c --- */

/** cs_case_find() - add a finding to the case. Return: it. Use the CS_CASE_FIND() macro. */
const struct cs_finding *cs_case_find(const struct cs_case *c, const struct cs_finding_kind *kind,
                                      const struct cs_str *operands, size_t n);
#define CS_CASE_FIND(c, kind, ...)                                                                 \
    cs_case_find((c), (kind), (const struct cs_str[]){__VA_ARGS__},                                \
                 sizeof((const struct cs_str[]){__VA_ARGS__}) / sizeof(struct cs_str))
/** cs_case_names() - CA names, DER, as text: the first of them and how many more. In the arena. */
struct cs_str cs_case_names(const struct cs_case *c, const struct cs_str *ders, size_t n);
/** cs_case_no_certificate() - the client sent no certificate: with what it was asked for. */
const struct cs_finding *cs_case_no_certificate(const struct cs_case *c);

#endif
