/* OCSP responders, as a worker knows them: it never asks one itself.
 *
 * Behind its handshake, and before its first request is read, a connection whose certificate is to
 * be asked about waits until a responder has answered: the supervisor is told the question, and
 * tells all workers the answer, which is remembered (x509/standing.h) and releases those who wait
 * for it. Bounded in time and in number; a connection that cannot wait is judged by what is known.
 * Certificates with open connections are asked about again before their answer is out of date; when
 * it then says revoked, they are cut.
 */
#ifndef CS_GATEWAY_RESPONDERS_H
#define CS_GATEWAY_RESPONDERS_H

#include <stdbool.h>

#include "base/list.h"
#include "io/timer.h"

struct cs_conn;
struct cs_standings;
struct cs_worker;

/* How long a connection waits for an answer. */
#define CS_RESPONDERS_WAIT_MS 5000

/* A worker's. */
struct cs_responders {
    struct cs_standings *standings;
    bool is_own; /* made here, not inherited */
    struct cs_list waiters;
    size_t n_waiters;
    struct cs_timer refresh; /* when something in use is to be asked about again */
};

/** cs_responders_init() - @standings are inherited, and this process's own since the fork; NULL:
 *  nothing is known yet. */
void cs_responders_init(struct cs_worker *worker, struct cs_standings *standings);
/** cs_responders_deinit() - when no connection is left. */
void cs_responders_deinit(struct cs_worker *worker);

/** cs_responders_know() - whether what is remembered lets @conn's accepted verdict pass already. */
bool cs_responders_know(const struct cs_conn *conn);
/** cs_responders_admit() - @conn has come through its handshake: whether that is decided. Then its
 *  verdict may have become a refusal. Not yet: it waits, and is run again when it is, or when its
 *  time is over. */
bool cs_responders_admit(struct cs_conn *conn);
/** cs_responders_leave() - @conn waits no more. Harmless when it does not. */
void cs_responders_leave(struct cs_conn *conn);

#endif
