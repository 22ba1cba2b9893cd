/* What an eavesdropper understands of a captured connection: what each side said, in the order in
 * which it was said.
 *
 * TLS 1.2 is read whole up to ChangeCipherSpec. Of TLS 1.3 the hellos are read; of what follows
 * only sizes are seen, and what they tell (RFC 8446 section 5.2: without padding, which nobody
 * uses in handshakes, a Finished and an alert have one size each). Pure.
 */
#ifndef CS_DOCTOR_OVERHEAR_H
#define CS_DOCTOR_OVERHEAR_H

#include "doctor/capture.h"
#include "telemetry/handshake.h"
#include "telemetry/transport.h"
#include "tls/hello.h"

/* One thing that happened on the wire. */
struct cs_event {
    struct cs_mark when;
    bool down;          /* the server did it */
    const char *what;   /* for programs: "client-hello", "alert", "fin"; static */
    struct cs_str text; /* for people */
    size_t sealed;      /* encrypted records that it stands for; 0: it is none */
};

/* An encrypted record. */
struct cs_sealed {
    struct cs_mark when;
    uint8_t type; /* on the outside */
    size_t len;
};

/* The first encrypted records that are kept of a side. */
#define CS_SEALED_KEPT 64

/* What one side said. */
struct cs_side {
    struct cs_messages messages;
    const struct cs_str *chain; /* its certificates, leaf first, DER */
    size_t n_chain;
    struct cs_alert alert; /* in the clear, the first fatal one; else the first but close_notify */
    struct cs_mark alerted;
    struct cs_str sigalg; /* of its proof */
    struct cs_str first;  /* its first bytes, at most CS_TRANSPORT_FIRST */
    struct cs_mark spoke; /* when it last sent bytes; packet 0: never */
    bool tls;             /* its first bytes are TLS */
    bool changed;         /* ChangeCipherSpec */
    struct cs_sealed sealed[CS_SEALED_KEPT];
    size_t n_sealed; /* also of those not kept */
    uint64_t more;   /* bytes of those not kept */
};

struct cs_overheard {
    const struct cs_captured *captured; /* borrowed */
    struct cs_side client, server;
    struct cs_str proxy; /* the PROXY header in front of it all; empty: none */
    bool answered;       /* a ServerHello came */
    struct cs_mark answer;
    bool tls13; /* what was agreed on */
    bool resumed;
    struct cs_str protocol, cipher, group, sni, alpn;
    size_t hash, tag; /* TLS 1.3: bytes of a Finished, and what encryption adds to a message */
    struct cs_handshake offered; /* only the offered_… parts are set */
    struct cs_terms terms;       /* the same as text */
    struct cs_breakdown asked;   /* only the asked_… parts are set */
    struct cs_event *events;
    size_t n_events;
};

/** cs_overhear() - listen to @captured, which is borrowed. Everything lives in @arena. */
void cs_overhear(const struct cs_captured *captured, struct cs_arena *arena,
                 struct cs_overheard *ret_overheard);

/* What the size of an encrypted record tells of TLS 1.3. */
enum cs_guess {
    CS_GUESS_NOTHING,
    CS_GUESS_ALERT,    /* an alert, of whatever number */
    CS_GUESS_FINISHED, /* a Finished alone */
    CS_GUESS_EMPTY,    /* a Certificate with none in it, alone or with a Finished */
};

/** cs_overhear_after() - the first encrypted record of @side that came behind @packet of the
 *  connection; NULL: none of those kept. */
const struct cs_sealed *cs_overhear_after(const struct cs_side *side, unsigned packet);

/** cs_overhear_guess() - what @record is by its size. A guess only for records of a handshake. */
enum cs_guess cs_overhear_guess(const struct cs_overheard *o, const struct cs_sealed *record);

#endif
