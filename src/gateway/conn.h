/* A client connection: who it is, how far it came, and what it is doing now.
 *
 * It runs through the stages of pipeline.c. Each stage leaves one value that is read-only
 * from then on. A connection is never freed inside a callback: closing it puts it on the
 * list that the loop reaps at the end of its turn.
 */
#ifndef CS_GATEWAY_CONN_H
#define CS_GATEWAY_CONN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "serve/wire.h"
#include "io/loop.h"
#include "io/proxy_protocol.h"
#include "policy/policy.h"
#include "telemetry/record.h"
#include "x509/chain.h"
#include "x509/identity.h"
#include "x509/memory.h"

struct cs_credentials;
struct cs_listener;
struct cs_request;
struct cs_vserver;
struct cs_waiter;
struct cs_worker;

struct cs_conn {
    struct cs_worker *worker;
    struct cs_wire wire;
    struct cs_timer timer; /* the client's deadline in this stage */
    bool timed_out;        /* it has passed */
    struct cs_task reap;
    struct cs_list link;      /* in worker->conns */
    struct cs_list idle_link; /* in worker->idle while waiting for a request, oldest first */

    enum cs_stage stage;
    bool closing;
    bool plain_on_tls; /* a plain request came to a TLS port */
    bool lingering;    /* reads are thrown away until the client closes */

    const struct cs_listener *listener;
    struct cs_addr client;              /* the other end of the connection */
    const struct cs_addr *local;        /* this end; NULL: nobody has asked yet */
    uint64_t number;                    /* unique in this worker: "*45" in logs */
    int64_t accepted_ms;                /* monotonic clock */
    struct cs_proxy_header *proxy;      /* PROXY header, NULL: none */
    const struct cs_vserver *server;    /* by SNI; the listener's default before and without */
    struct cs_credentials *credentials; /* the server's when it was chosen; one reference */
    const struct cs_verdict *verdict;   /* NULL: no certificate was presented */
    struct cs_remembered *remembered;   /* holds an accepted verdict */
    struct cs_arena judged;             /* holds any other */
    struct cs_waiter *waiter;           /* for an OCSP responder's answer; NULL: it does not wait */
    struct cs_identity identity;
    int64_t cut_by_ms;     /* its certificate does not pass any more: gone by then; 0: it does */
    int verify_alert;      /* refused in the handshake with this; -1: not refused */
    struct cs_arena arena; /* lives as long as the connection */

    struct cs_buf in;    /* received, not yet consumed */
    int64_t idle_ms;     /* how long it may wait for its next request */
    bool read_something; /* since the request before: the next one is not pipelined */
    struct cs_request *request;
    uint64_t n_requests;
};

/** cs_conn_accept() - take over the accepted @fd. */
void cs_conn_accept(struct cs_worker *worker, const struct cs_listener *listener, int fd,
                    const struct cs_addr *peer);
/** cs_conn_take_credentials() - hold those that are now in force for its server instead of those it
 *  holds: when the server is chosen; later only for who has judged the client by them. */
void cs_conn_take_credentials(struct cs_conn *conn);
/** cs_conn_drop_input() - give the receive buffer back; what it held is lost. */
void cs_conn_drop_input(struct cs_conn *conn);
/** cs_conn_run() - run the stages until one has to wait. Called on every event that
 *  concerns the connection, upstream events included. */
void cs_conn_run(struct cs_conn *conn);
/** cs_conn_deadline() - the client's time in this stage ends @in_ms from now; 0: no deadline. */
void cs_conn_deadline(struct cs_conn *conn, int64_t in_ms);
/** cs_conn_close() - give up everything it holds and reap it at the end of the turn. */
void cs_conn_close(struct cs_conn *conn);
/** cs_conn_is_idle() - whether it waits for the first byte of a request. */
bool cs_conn_is_idle(const struct cs_conn *conn);
/** cs_conn_record() - what is known about the connection and its request, as a record that
 *  borrows from it and from @peer, which is filled. */
struct cs_record cs_conn_record(const struct cs_conn *conn, struct cs_peer *peer);
/** cs_conn_subject() - the client, as policy sees it. Borrows from @conn. */
struct cs_subject cs_conn_subject(const struct cs_conn *conn);
/** cs_conn_scheme() - "https" or "http". */
struct cs_str cs_conn_scheme(const struct cs_conn *conn);

#endif
