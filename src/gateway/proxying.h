/* The steps of proxying, between exchange.c, push.c, pull.c and tunnel.c. */
#ifndef CS_GATEWAY_PROXYING_H
#define CS_GATEWAY_PROXYING_H

#include "gateway/exchange.h"

struct cs_conn;
struct cs_permit;
struct cs_request;

/* What a step answers, beside the stages and steps of stage.h. */
enum {
    CS_MOVED = -10, /* something was done: look again */
    CS_STUCK = -11, /* nothing can be done before an event */
};

/** cs_exchange_begin() - an exchange for the request, which @permit allows. */
void cs_exchange_begin(struct cs_conn *conn, const struct cs_permit *permit);
/** cs_exchange_pick() - choose a server and write the request for it. */
int cs_exchange_pick(struct cs_conn *conn);
/** cs_exchange_connect() - reach the server. */
int cs_exchange_connect(struct cs_conn *conn);
/** cs_collect() - take in a short request body whole. */
int cs_collect(struct cs_conn *conn);
/** cs_push() - move the request. */
int cs_push(struct cs_conn *conn);
/** cs_pull() - move the response. */
int cs_pull(struct cs_conn *conn);
/** cs_tunnel() - move whatever comes, both ways. */
int cs_tunnel(struct cs_conn *conn);

/** cs_await() - from now on the time of @clock runs for the upstream; when it does already, it
 *  starts again only if @afresh. */
void cs_await(struct cs_request *request, enum cs_exchange_clock clock, bool afresh);
/** cs_upstream_failed() - the server failed in the way @why (enum cs_next_upstream, 0: beyond
 *  repair): the next server, or an answer with @status. */
int cs_upstream_failed(struct cs_conn *conn, unsigned why, int status);
/** cs_upstream_broke() - the same for a connection that ended with @r, with a log line. */
int cs_upstream_broke(struct cs_conn *conn, enum cs_wire_result r, const char *doing);
/** cs_upstream_late() - the same for a time that has passed, with a log line. */
int cs_upstream_late(struct cs_conn *conn, const char *doing);
/** cs_client_left() - the client is gone: end without a word. */
int cs_client_left(struct cs_conn *conn);
/** cs_is_too_large() - whether a body of @size is above client_max_body_size. */
bool cs_is_too_large(const struct cs_request *request, uint64_t size);
/** cs_body_too_large() - refuse such a body. */
int cs_body_too_large(struct cs_conn *conn);
/** cs_may_try_again() - whether another server may be asked after @why. */
bool cs_may_try_again(const struct cs_request *request, unsigned why);
/** cs_take_turns() - much was moved: let the other connections have their turn, and come back
 *  without waiting. Return: CS_STUCK. */
int cs_take_turns(struct cs_conn *conn);
/** cs_settle() - tell the balancing counts how the server did; once. */
void cs_settle(struct cs_request *request, bool good);
/** cs_let_go() - give the connection back, to be used again when @reusable. */
void cs_let_go(struct cs_request *request, bool reusable);
/** cs_since_start() - milliseconds since the exchange began. */
int64_t cs_since_start(const struct cs_request *request);

#endif
