/* Connections to upstream servers: made, proved, pooled.
 *
 * A pooled connection is only reused for the identity it was made under: address, name, trust,
 * client certificate, protocols. Connections and counts belong to one worker.
 */
#ifndef CS_GATEWAY_UPSTREAM_H
#define CS_GATEWAY_UPSTREAM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/list.h"
#include "serve/wire.h"
#include "io/timer.h"

struct cs_balance;
struct cs_conn;
struct cs_proxy;
struct cs_remembered;
struct cs_request;
struct cs_snapshot;
struct cs_upstream;
struct cs_upstream_tls;
struct cs_verdict;
struct cs_worker;

/* One connection to an upstream server. */
struct cs_upconn {
    struct cs_worker *worker;
    struct cs_wire wire;
    struct cs_timer timer; /* of the exchange; of idleness while pooled */
    bool timed_out;
    struct cs_task reap;
    struct cs_list link;  /* in the upstream's idle list */
    struct cs_conn *user; /* whose request it carries; NULL: idle */
    const struct cs_upstream *upstream;
    const struct cs_proxy *proxy; /* for which it was made */
    struct cs_upstream_tls *tls;  /* one reference: how; NULL: without TLS. With peer and name, */
    size_t peer;                  /* among the upstream's servers, all that it may be reused for */
    struct cs_str name;           /* name that was verified and sent as SNI; heap */
    bool connected;               /* TCP stands */
    bool proved;                  /* TLS stands, or is not wanted */
    bool withdrawn;               /* its certificate does not pass any more: never used again */
    uint64_t n_requests;
    int64_t born_ms;
    struct cs_buf in;      /* received, not yet consumed */
    struct cs_arena arena; /* the verdict on the upstream's certificate */
    struct cs_verdict *verdict;
    struct cs_remembered *remembered; /* what an accepted verdict borrows from */
};

/* Idle connections and balancing counts of every upstream, by its index. */
struct cs_pools {
    struct cs_pool *items;
    size_t n;
};

/** cs_pools_init() - nothing pooled yet, for all upstreams of @snapshot. */
void cs_pools_init(struct cs_pools *pools, const struct cs_snapshot *snapshot);
/** cs_pools_deinit() - close all idle connections. */
void cs_pools_deinit(struct cs_pools *pools);
/** cs_pools_make_room() - close an idle connection. Return: whether there was one. */
bool cs_pools_make_room(struct cs_pools *pools);
/** cs_pools_sift() - ask @stays of every idle connection, and close those that do not. */
void cs_pools_sift(struct cs_pools *pools, bool (*stays)(void *ctx, const struct cs_upconn *up),
                   void *ctx);
/** cs_pool_balance() - the balancing counts of @upstream. */
struct cs_balance *cs_pool_balance(struct cs_pools *pools, const struct cs_upstream *upstream);

/** cs_upconn_get() - a connection to server @peer for @request: an idle one of the same identity,
 *  or a new one being made. *ret_reused says which. Its deadline is for the caller to set, at once:
 *  an idle one still has that of its time in the pool. Return: NULL with errno set when it could
 *  not even be begun (EMFILE: worker_connections are not enough). */
struct cs_upconn *cs_upconn_get(struct cs_request *request, const struct cs_proxy *proxy,
                                size_t peer, bool fresh, bool *ret_reused);
/** cs_upconn_advance() - connect and prove it as far as it goes. Return: CS_WIRE_OK when
 *  requests may be sent; CS_WIRE_WAIT; CS_WIRE_BROKEN with *ret_why, a text that lives as long
 *  as the connection. */
enum cs_wire_result cs_upconn_advance(struct cs_upconn *up, struct cs_str *ret_why);
/** cs_upconn_release() - its request is over: keep it for others when @reusable, else close. */
void cs_upconn_release(struct cs_upconn *up, bool reusable);
/** cs_upconn_deadline() - its time ends @in_ms from now; 0: no deadline. */
void cs_upconn_deadline(struct cs_upconn *up, int64_t in_ms);

#endif
