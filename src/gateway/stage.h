/* The stages, one file each, and what a stage answers. */
#ifndef CS_GATEWAY_STAGE_H
#define CS_GATEWAY_STAGE_H

#include "gateway/conn.h"
#include "gateway/request.h"

struct cs_tls_hooks;

/* A stage returns the stage to enter next (often the one after it), or: */
enum cs_step {
    CS_STEP_WAIT = -1, /* come back with the next event */
    CS_STEP_DONE = -2, /* the connection is over, in good order */
    CS_STEP_FAIL = -3, /* the connection is over, broken; already logged */
};

/** cs_stage_accept() - PROXY header, first byte. */
int cs_stage_accept(struct cs_conn *conn);
/** cs_stage_handshake() - TLS, and inside it the verdict. */
int cs_stage_handshake(struct cs_conn *conn);
/** cs_stage_verify() - the verdict of the handshake stands, under what is in force now. */
int cs_stage_verify(struct cs_conn *conn);
/** cs_stage_identify() - who the verified leaf stands for. */
int cs_stage_identify(struct cs_conn *conn);
/** cs_stage_receive() - a request head. */
int cs_stage_receive(struct cs_conn *conn);
/** cs_stage_authorize() - certificate and host: may it ask at all. */
int cs_stage_authorize(struct cs_conn *conn);
/** cs_stage_route() - location, whom it admits, statements, access rules. */
int cs_stage_route(struct cs_conn *conn);
/** cs_stage_proxy() - upstream. */
int cs_stage_proxy(struct cs_conn *conn);
/** cs_stage_respond() - an answer of our own. */
int cs_stage_respond(struct cs_conn *conn);
/** cs_stage_record() - logs; then the next request or the end. */
int cs_stage_record(struct cs_conn *conn);

/** cs_handshake_hooks - server, verdict and resumption, as TLS asks for them in handshake.c; the
 *  context is the connection. */
extern const struct cs_tls_hooks cs_handshake_hooks;

/** cs_linger_begin() - nothing more is sent on the connection. Return: its last stage. */
int cs_linger_begin(struct cs_conn *conn);
/** cs_linger() - the connection's last stage: the answer is out, but bytes of the client may
 *  still come; closing now could reset the answer away. */
int cs_linger(struct cs_conn *conn);

#endif
