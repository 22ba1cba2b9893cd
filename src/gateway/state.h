/* What one worker holds: its loop, its connections, its upstream pools, its logs. */
#ifndef CS_GATEWAY_STATE_H
#define CS_GATEWAY_STATE_H

#include "base/list.h"
#include "base/shelf.h"
#include "base/time.h"
#include "gateway/cut.h"
#include "gateway/incident.h"
#include "gateway/logs.h"
#include "gateway/piece.h"
#include "gateway/responders.h"
#include "gateway/upstream.h"
#include "gateway/worker.h"
#include "io/channel.h"
#include "io/loop.h"
#include "io/signals.h"
#include "io/socket.h"
#include "snapshot/model.h"
#include "snapshot/snapshot.h"
#include "snapshot/variables.h"
#include "tls/io.h"

struct cs_waiting_lists;
struct cs_worker;

/* How long an idle connection may hold up a worker that is to leave. */
enum { CS_DRAIN_IDLE_MS = 10000 };

/* One inherited listening socket. */
struct cs_listening {
    struct cs_worker *worker;
    const struct cs_listener *listener;
    struct cs_watch watch;
    int fd;
    int batch;     /* how many clients are accepted per event */
    unsigned full; /* how often so many were there, in a row */
};

struct cs_worker {
    struct cs_loop loop;
    struct cs_snapshot *snapshot;
    struct cs_signals signals;
    struct cs_channel channel;              /* to the supervisor; zeroed: none */
    struct cs_waiting_lists *waiting_lists; /* see renew.c */
    struct cs_tls_io tls_io;
    struct cs_piece piece;    /* of whichever body is being moved */
    struct cs_shelf requests; /* memory of requests: the struct, and where its arena begins */
    struct cs_shelf small;    /* buffers towards clients, and heads on their way */
    struct cs_shelf large;    /* buffers for what upstreams send */
    struct cs_logs logs;
    struct cs_incidents incidents;
    struct cs_counters *counters;         /* the service's, shared; NULL: nothing is counted */
    struct cs_counters *admissions;       /* the same, of who was let in all the same */
    struct cs_chain_memory *memory;       /* verified chains, of clients and upstreams */
    const struct cs_revoked_set *revoked; /* at a word; NULL: nothing is */
    struct cs_str revoked_bytes;          /* mapped, which it lies in; empty: inherited */
    struct cs_responders responders;
    struct cs_cuts cuts;
    struct cs_pools pools;
    struct cs_listening *listenings;
    size_t n_listenings;
    struct cs_reserve reserve;
    struct cs_timer resume_accept; /* accepting is paused until then */
    bool paused;
    int64_t next_complaint_ms; /* about reused connections: once a second */
    struct cs_list conns;      /* all connections */
    struct cs_list idle;       /* those that wait for a request, longest first */
    size_t n_conns;
    size_t n_upconns; /* connections to upstreams, idle ones included */
    uint64_t next_number;
    bool draining; /* no new connections; every answer says close */
    struct cs_timer shutdown;
    struct cs_str date; /* as a header's value, for date_sec */
    int64_t date_sec;
    char date_text[CS_TIME_TEXT];
    char hostname[256];
};

/** cs_worker_credentials() - those in force for @server. */
static inline struct cs_credentials *cs_worker_credentials(const struct cs_worker *worker,
                                                           const struct cs_vserver *server)
{
    return worker->snapshot->keyring->servers[server->index];
}

/** cs_worker_upstream_tls() - how upstreams of @proxy, which speaks TLS, are spoken to now. */
static inline struct cs_upstream_tls *cs_worker_upstream_tls(const struct cs_worker *worker,
                                                             const struct cs_proxy *proxy)
{
    return worker->snapshot->keyring->upstreams[proxy->tls->index];
}

/** cs_worker_make_room() - whether one more connection, to a client or an upstream, is within
 *  worker_connections; an idle one is closed for it. Otherwise logged. */
bool cs_worker_make_room(struct cs_worker *worker);
/** cs_renew_deinit() - forget what has come of a renewal. */
void cs_renew_deinit(struct cs_worker *worker);
/** cs_worker_left() - a connection has gone: accept again, or leave when draining. */
void cs_worker_left(struct cs_worker *worker);

#endif
