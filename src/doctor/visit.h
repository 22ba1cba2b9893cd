/* One connection that is looked at, from either side: what was done, what was seen, and what it
 * comes to.
 *
 * Whoever makes the connection (probe.h as client, listen.h as server) fills the facts and calls
 * cs_visit_conclude(); the rest is the same for both.
 */
#ifndef CS_DOCTOR_VISIT_H
#define CS_DOCTOR_VISIT_H

#include "doctor/answer.h"
#include "doctor/step.h"
#include "doctor/talk.h"
#include "policy/policy.h"
#include "telemetry/clock.h"
#include "x509/chain.h"

/* Certificates as somebody presents them, leaf first. */
struct cs_papers {
    const struct cs_cert *certs;
    const struct cs_str *ders;
    size_t n; /* 0: none */
};

/* Whose word about the server's certificate was judged, by OCSP. */
enum cs_witness {
    CS_WITNESS_NONE,
    CS_WITNESS_STAPLED,   /* the response that came with the handshake */
    CS_WITNESS_RESPONDER, /* the one that the certificate names was asked */
};

/* The most causes that one connection can have: of the chain, of the handshake or the end. */
#define CS_VISIT_CAUSES 2

struct cs_visit {
    struct cs_arena arena; /* everything below lives here, or as long as the visit */
    struct cs_talk talk;
    bool server; /* this side is */

    /* What it was about. */
    struct cs_str target; /* "host:port" as asked for, or as listened on */
    struct cs_str name;   /* of the server, as its certificate should have it */
    struct cs_papers own;
    const struct cs_trust *trust;   /* what the peer is held against; NULL: nothing */
    struct cs_str trust_name;       /* where that came from */
    struct cs_str crl_name;         /* likewise its revocation lists; empty: none */
    const struct cs_demand *demand; /* what is asked of the peer beside; NULL: nothing */
    bool ask_ocsp;                  /* client: of the responder, when nothing is stapled */
    int64_t judge_sec;              /* the time to judge certificates at */
    bool judge_other;               /* which is not now */

    /* What was seen. */
    const struct cs_addr *addrs; /* client: of the host */
    size_t n_addrs, n_tried;
    bool resolved, connected;
    int64_t connect_ms, handshake_ms;
    struct cs_str plain; /* what was said before TLS, in words; empty: nothing */
    struct cs_peer peer;
    struct cs_transport transport;
    const struct cs_handshake *handshake; /* NULL: no TLS was begun */
    struct cs_verdict verdict;
    bool judged;             /* the peer presented something, and verdict is written */
    struct cs_str staple;    /* client: an OCSP response came along, DER; empty: none */
    enum cs_witness witness; /* client: who spoke by OCSP, whether it could be believed or not */
    struct cs_standing standing; /* what came of it, with a witness */
    bool over;                   /* the connection ended by itself, so that its end is evidence */
    struct cs_str request;       /* server: the first line of what came; empty: nothing */
    struct cs_decision decision; /* server: what is thought of a client without a certificate */
    bool asked;                  /* client: a request was sent */
    bool silent;                 /* client: nothing came in answer */
    struct cs_reply reply;       /* client: what came */
    bool replied;
    struct cs_clock clock;
    int64_t now_ms; /* wall clock at the end */

    /* What it comes to. */
    struct cs_record record;
    struct cs_findings findings; /* those of the diagnosis, and of what could not be read */
    const struct cs_finding *causes[CS_VISIT_CAUSES]; /* the first one is the conclusion */
    size_t n_causes;
    const struct cs_finding *beyond; /* what failed apart from the peer's chain; NULL: nothing */
    struct cs_steps steps;
};

/** cs_visit_init() - nothing seen yet. Return: 0, or -errno. */
int cs_visit_init(struct cs_visit *visit);
/** cs_visit_deinit() - forget it, and hang up. */
void cs_visit_deinit(struct cs_visit *visit);

/** cs_visit_read() - as many of @ders as can be read, up to the first one that cannot. */
struct cs_papers cs_visit_read(struct cs_visit *visit, const struct cs_str *ders, size_t n);
/** cs_visit_own() - the certificates of @pem are those that this side presents. */
void cs_visit_own(struct cs_visit *visit, struct cs_str pem);
/** cs_visit_verify() - the verify hook of a session whose context is the visit: judges the chain
 *  and goes on whatever comes of it, so that the rest is seen too. */
bool cs_visit_verify(void *ctx, const struct cs_str *chain_der, size_t n, uint8_t *ret_alert);
/** cs_visit_standing() - hold a chain that was accepted against what OCSP says about its leaf: the
 *  response that was stapled, whether it is any good or not, else, if the visit is to ask, the
 *  answer of the responder that the leaf names, which is waited for. */
void cs_visit_standing(struct cs_visit *visit);
/** cs_visit_ask_time() - ask a time server, waiting for it, how far this clock is off; @host
 * outlives the visit. Return: 0, or -errno: it gave no answer (evidence that is missing, no more).
 */
int cs_visit_ask_time(struct cs_visit *visit, struct cs_str host, uint16_t port);
/** cs_visit_conclude() - from what was seen to causes and steps. */
void cs_visit_conclude(struct cs_visit *visit);

/** cs_visit_steps() - make the steps out of the facts. Part of concluding. Pure. */
void cs_visit_steps(struct cs_visit *visit);
/** cs_visit_papers_steps() - those about certificates: the server's, what it asks for, the
 *  client's. Part of the same. Pure. */
void cs_visit_papers_steps(struct cs_visit *visit);

#endif
