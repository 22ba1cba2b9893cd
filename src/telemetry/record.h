/* What happened to one connection or request, as values.
 *
 * Each stage leaves one value and never touches it again; a record is the values reached
 * plus the stage at which it ended. On failure that *is* the diagnosis. The record borrows
 * everything it points to: it lives no longer than the connection (or request) it is about.
 */
#ifndef CS_TELEMETRY_RECORD_H
#define CS_TELEMETRY_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"

struct cs_clock;
struct cs_finding;
struct cs_handshake;
struct cs_transport;
struct cs_trust;
struct cs_verdict;
struct cs_identity;
struct cs_decision;

/* The pipeline, in order. The name of the stage is the word for it in logs. */
enum cs_stage {
    CS_STAGE_ACCEPT,
    CS_STAGE_HANDSHAKE,
    CS_STAGE_VERIFY,
    CS_STAGE_IDENTIFY,
    CS_STAGE_RECEIVE, /* a request head is being read */
    CS_STAGE_AUTHORIZE,
    CS_STAGE_ROUTE,
    CS_STAGE_PROXY,
    CS_STAGE_RESPOND, /* an answer of our own is being sent */
    CS_STAGE_RECORD,
    CS_STAGE_DONE,
    CS_STAGE_OPEN, /* none of the pipeline: the connection stood, whatever it was doing */
};

/** cs_stage_name() - the stage in lower case: "handshake". Static. */
const char *cs_stage_name(enum cs_stage stage);
/** cs_stage_action() - what a connection in @stage is doing, for log lines, as nginx says it:
 *  "while SSL handshaking". Static. */
const char *cs_stage_action(enum cs_stage stage);

/* accept: who connected, to which listener, when. */
struct cs_peer {
    struct cs_addr addr;        /* the client: from the PROXY header where one is believed */
    struct cs_addr socket_addr; /* the other end of the TCP connection */
    struct cs_addr local;       /* our end */
    uint64_t number;            /* connection number, unique in this worker: "*45" in logs */
    int64_t accepted_ms;        /* monotonic clock: for its age */
};

/* route: where the request goes. */
struct cs_target {
    struct cs_str server;   /* name of the virtual server */
    struct cs_str location; /* pattern of the location, or empty */
    struct cs_str upstream; /* name of the upstream, or empty */
};

/* proxy: how it ended. */
struct cs_outcome {
    int status;              /* sent to the client; 0: none */
    int upstream_status;     /* received; 0: none */
    uint64_t bytes_sent;     /* to the client, head included */
    uint64_t body_sent;      /* to the client, body only */
    uint64_t bytes_received; /* of the request, head included */
    int64_t connect_ms;      /* upstream connect time, TLS included; -1: none */
    int64_t header_ms;       /* until the upstream's response head; -1: none */
    int64_t response_ms;     /* until the upstream's last byte; -1: none */
    unsigned tries;          /* upstream attempts */
};

/* client: what the server answered to our request. */
struct cs_answer {
    unsigned status;
    struct cs_str text; /* the beginning of its body */

    /* Of a problem (RFC 9457), as our own gateways answer; empty: not said. */
    struct cs_str detail;
    struct cs_str code;     /* of the finding */
    struct cs_str incident; /* id under which the server has it in its log */
};

/* handshake: our certificate was asked for and has not come, so that there is none to show. */
struct cs_awaited {
    int64_t since_sec; /* asking has failed since then; 0: it has not, so far */
    struct cs_str why; /* the last time; empty likewise */
};

struct cs_record {
    enum cs_stage stage;                  /* the last stage entered */
    const struct cs_peer *peer;           /* never NULL */
    const struct cs_transport *transport; /* NULL: the byte stream did what it should */
    const struct cs_handshake *handshake; /* NULL before the handshake or without TLS */
    const struct cs_verdict *verdict;     /* NULL when no certificate was presented */
    const struct cs_identity *identity;   /* NULL when there is none */
    const struct cs_decision *decision;   /* NULL before authorize */
    const struct cs_target *target;       /* NULL before route */
    const struct cs_outcome *outcome;     /* NULL before proxy */
    const struct cs_answer *answer;       /* NULL: this side asked nothing, or got no answer */

    /* For the account of a failure; all of it may be absent. */
    const struct cs_awaited *awaited; /* NULL: this side has what it shows */
    struct cs_str server;             /* name of the server block, or of the upstream */
    const struct cs_trust *trust;     /* what the peer's certificate was held against; its names are
                                         those in our CertificateRequest */
    struct cs_str host;               /* host that the request is for */
    struct cs_str incident;           /* id under which this failure is known elsewhere */
    int64_t now_ms;                   /* wall clock when it failed; 0: unknown */
    const struct cs_clock *clock;     /* what is known about that clock; looked up when a cause is
                                         about time */
};

#endif
