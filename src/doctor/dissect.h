/* From a captured connection to what the gateway would have recorded of it, and to the cause.
 *
 * Nobody's log is better than that of who was left standing: a connection that failed is told from
 * the side that got the alert, the reset, the close, or no answer. "This side" and "our" mean that
 * one. Pure.
 */
#ifndef CS_DOCTOR_DISSECT_H
#define CS_DOCTOR_DISSECT_H

#include "doctor/overhear.h"
#include "telemetry/record.h"
#include "x509/chain.h"

/* What it comes to. */
enum cs_fate {
    CS_FATE_WELL,       /* the handshake went well, as far as it can be seen */
    CS_FATE_FAILED,     /* see the cause */
    CS_FATE_PLAIN,      /* nobody meant to speak TLS */
    CS_FATE_UNFINISHED, /* the capture ends before the handshake does */
    CS_FATE_PARTIAL,    /* what would tell was not captured */
};

/** cs_fate_name() - "well", "failed", "plain", "unfinished", "partial". Static. */
const char *cs_fate_name(enum cs_fate fate);

/* What is known besides the packets. */
struct cs_dissect_plan {
    const struct cs_trust *trust; /* to judge certificates by; NULL: nobody does */
    int64_t at_sec;               /* when to judge them; 0: at the time of the packets */
    int64_t end_us;               /* when the capture ends: silence before it is silence */
    bool tls_here;                /* other connections speak TLS with this server */
};

/* One side's certificates, judged. */
struct cs_judged {
    bool done;
    struct cs_verdict verdict;
};

struct cs_dissection {
    struct cs_overheard overheard;
    enum cs_fate fate;
    bool server; /* told from the server's side */
    struct cs_judged server_chain, client_chain;
    struct cs_record record; /* of that side; what it points to follows */
    struct cs_peer peer;
    struct cs_transport transport;
    struct cs_handshake handshake;
    struct cs_breakdown breakdown;
    struct cs_findings findings;
    const struct cs_finding *cause; /* NULL unless it failed */
};

/** cs_dissect() - look at one connection, which is borrowed.
 *  Return: what it comes to, in @arena. */
const struct cs_dissection *cs_dissect(const struct cs_captured *captured,
                                       const struct cs_dissect_plan *plan, struct cs_arena *arena);

/** cs_dissect_all() - every connection of @capture; the plan's end and tls_here come from there.
 *  Return: as many as it has, in @arena. */
const struct cs_dissection *const *cs_dissect_all(const struct cs_capture *capture,
                                                  const struct cs_dissect_plan *plan,
                                                  struct cs_arena *arena);

#endif
