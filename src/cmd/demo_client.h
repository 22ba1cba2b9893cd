/* One visit to the gateway: connect, shake hands, ask, and note everything that was seen. */
#ifndef CS_CMD_DEMO_CLIENT_H
#define CS_CMD_DEMO_CLIENT_H

#include "base/addr.h"
#include "base/arena.h"
#include "cmd/demo_pki.h"
#include "telemetry/handshake.h"
#include "x509/chain.h"

struct cs_demo_visit {
    /* what to do */
    struct cs_addr gateway;
    struct cs_str host;               /* to ask for and to expect in the certificate */
    const struct cs_demo_pair *pair;  /* to present; NULL: none */
    const struct cs_demo_pair *trust; /* the CA the client believes */
    /* What happens while the connection is open, behind the answer; NULL: it is closed. */
    void (*meanwhile)(void *ctx);
    void *ctx;

    /* what was seen; texts live in @arena */
    struct cs_arena arena;
    struct cs_trust *trusted; /* what verdict borrows from */
    struct cs_handshake handshake;
    struct cs_verdict verdict; /* about the server */
    bool judged;               /* the server presented something, and verdict is written */
    int status;                /* of the answer; 0: none came */
    struct cs_str body;
    struct cs_str fault; /* why nothing came, in words; empty otherwise */
    int64_t ended_ms; /* with meanwhile: how long after that the gateway closed; -1: it did not */
};

/** cs_demo_visit_make() - do it. The outcome is in @visit, whatever it is. */
void cs_demo_visit_make(struct cs_demo_visit *visit);
/** cs_demo_visit_deinit() - forget what was seen. */
void cs_demo_visit_deinit(struct cs_demo_visit *visit);

#endif
