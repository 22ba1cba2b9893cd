/* To cut: to end an open connection whose certificate does not pass any more.
 *
 * A verdict is given in the handshake; a connection may stand for days behind it. So it is judged
 * again, by cs_chain_withdrawn(), whenever what it depends on is replaced: trust, lists, or what
 * is revoked at a word. Where the server says so, it is also cut when its time is over. How a
 * connection ends is mtls_cut's: behind the response in flight, or at once. Each leaves a failure
 * record of the stage "open". A connection to an upstream leaves its pool without a word; what is
 * wrong with the upstream is told by the next one that is made.
 */
#ifndef CS_GATEWAY_CUT_H
#define CS_GATEWAY_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/alarm.h"

struct cs_conn;
struct cs_worker;

/* A worker's. */
struct cs_cuts {
    struct cs_alarm expiry; /* when the first of all certificates that count expires */
    struct cs_timer grace;  /* when the first of those that may finish has to be gone */
    uint64_t n;             /* connections of clients that were cut so far */
};

/** cs_cuts_init() - nothing to cut. Return: 0, or -errno. */
int cs_cuts_init(struct cs_worker *worker);
/** cs_cuts_deinit() - nothing is cut any more. */
void cs_cuts_deinit(struct cs_worker *worker);

/** cs_cut_admit() - @conn has come through its handshake: whether its certificate passes under what
 *  is in force now, which may be newer than what it was judged by. From then on it is watched. When
 *  not, the failure is noted, and the caller ends the connection. */
bool cs_cut_admit(struct cs_conn *conn);
/** cs_cut_round() - credentials or revocations have been replaced: judge all open connections, of
 *  clients and to upstreams, each distinct chain once, and cut those that do not pass; the others
 *  hold the new credentials from now on. Not from inside a connection's own stages.
 *  Return: how many connections of clients were cut. */
size_t cs_cut_round(struct cs_worker *worker);
/** cs_cut_move_on() - credentials have been replaced by others that judge alike: open connections
 *  hold the new ones from now on. */
void cs_cut_move_on(struct cs_worker *worker);

#endif
