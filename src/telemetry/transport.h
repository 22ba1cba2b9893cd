/* What happened to the byte stream under a handshake, as facts.
 *
 * How it began, how it ended, and what the peer's first bytes were: that tells a firewall from
 * a crash, and a client that never meant to speak TLS from one that was refused. Filled by
 * whoever has the socket, and by tls/ for what a session saw; collected when something has
 * failed, so that a good connection pays nothing for it.
 */
#ifndef CS_TELEMETRY_TRANSPORT_H
#define CS_TELEMETRY_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* How the byte stream ended, as seen from here. */
enum cs_ending {
    CS_ENDING_OPEN,        /* it did not, or this side ended it */
    CS_ENDING_CLOSED,      /* the peer closed it: FIN */
    CS_ENDING_LEFT,        /* the peer took its leave (close_notify) after a good handshake, having
                              asked nothing: no failure by itself */
    CS_ENDING_RESET,       /* the peer, or something in between, tore it down: RST */
    CS_ENDING_TIMEOUT,     /* nothing came within the time that the peer was given */
    CS_ENDING_REFUSED,     /* connect: nobody listens there */
    CS_ENDING_NO_ANSWER,   /* connect: not even a refusal within the time */
    CS_ENDING_UNREACHABLE, /* connect: no way to there */
    CS_ENDING_NO_ADDRESS,  /* connect: the name has no address */
    CS_ENDING_FAULT,       /* any other error: see error */
};

/** cs_ending_name() - "closed", "reset", "no-answer", …; "open". Static. */
const char *cs_ending_name(enum cs_ending ending);
/** cs_ending_from_errno() - what @error (an errno value) of a socket call means; @connecting
 *  when the connection was being made. */
enum cs_ending cs_ending_from_errno(int error, bool connecting);

/* What can be wrong with a PROXY header (io/proxy_protocol.h). */
enum cs_proxy_fault {
    CS_PROXY_FAULT_NONE,
    CS_PROXY_FAULT_MISSING,  /* one is expected, and something else came */
    CS_PROXY_FAULT_TOO_LONG, /* longer than any may be */
    CS_PROXY_FAULT_LINE,     /* version 1: not the words it consists of */
    CS_PROXY_FAULT_ADDRESS,  /* an address or port that is none */
    CS_PROXY_FAULT_VERSION,  /* unknown version or command */
    CS_PROXY_FAULT_FAMILY,   /* unknown address family or transport */
    CS_PROXY_FAULT_LENGTH,   /* shorter than what it announces */
    CS_PROXY_FAULT_CHECKSUM, /* damaged */
};

/* How many of the peer's first bytes are kept. */
#define CS_TRANSPORT_FIRST 32

/* Texts are borrowed and live as long as what filled the record. */
struct cs_transport {
    bool outgoing;                   /* this side made the connection */
    bool tls;                        /* TLS is spoken on this connection, from this side at least */
    enum cs_ending ending;           /* OPEN unless the end is (part of) the failure */
    int error;                       /* errno behind the ending; 0: none */
    struct cs_str reason;            /* other words for it: of the resolver; usually empty */
    struct cs_str target;            /* client: "host:port" as it was asked for, or empty */
    struct cs_str first;             /* the peer's first bytes, behind a PROXY header, at most
                                        CS_TRANSPORT_FIRST; empty: none, or not kept */
    uint64_t bytes_in, bytes_out;    /* since the connection began */
    int64_t limit_ms;                /* TIMEOUT, NO_ANSWER: the time that was given; 0: unknown */
    enum cs_proxy_fault proxy_fault; /* what is wrong with the PROXY header */
    struct cs_str upgrade;           /* the protocol that TLS was to be started in: "smtp" */
    struct cs_str upgrade_fault;     /* why it was not, in words; empty: it was */
};

#endif
