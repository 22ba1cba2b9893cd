/* Upstream connections. Their certificates get the same verdict as a client's. */
#include "gateway/upstream.h"

#include <errno.h>

#include "base/mem.h"
#include "gateway/conn.h"
#include "gateway/request.h"
#include "gateway/state.h"
#include "io/conduit.h"
#include "route/balance.h"
#include "tls/session.h"
#include "x509/digest.h"

enum { IN_MAX = 1 << 20 };

struct cs_pool {
    const struct cs_upstream *upstream;
    struct cs_balance balance;
    struct cs_balance_peer *peers;
    struct cs_list idle; /* most recently used first */
    size_t n_idle;
};

void cs_pools_init(struct cs_pools *pools, const struct cs_snapshot *snapshot)
{
    pools->n = snapshot->n_upstreams;
    pools->items = cs_alloc(pools->n * sizeof(*pools->items));
    for (size_t i = 0; i < pools->n; i++) {
        const struct cs_upstream *upstream = snapshot->upstreams[i];
        struct cs_pool *pool = &pools->items[i];
        pool->upstream = upstream;
        cs_list_init(&pool->idle);
        pool->peers = cs_alloc(upstream->n_peers * sizeof(*pool->peers));
        for (size_t j = 0; j < upstream->n_peers; j++) {
            const struct cs_upstream_peer *peer = &upstream->peers[j];
            pool->peers[j] = (struct cs_balance_peer){.weight = peer->weight,
                                                      .max_fails = peer->max_fails,
                                                      .fail_timeout_ms = peer->fail_timeout_ms,
                                                      .backup = peer->backup,
                                                      .down = peer->down};
        }
        cs_balance_init(&pool->balance,
                        upstream->least_conn ? CS_BALANCE_LEAST_CONN : CS_BALANCE_ROUND_ROBIN,
                        pool->peers, upstream->n_peers);
    }
}

static void reap(struct cs_task *task)
{
    struct cs_upconn *up = cs_container_of(task, struct cs_upconn, reap);

    cs_remembered_unref(up->remembered);
    cs_upstream_tls_unref(up->tls);
    cs_arena_deinit(&up->arena);
    free((char *)up->name.ptr);
    free(up);
}

static void upconn_close(struct cs_upconn *up)
{
    cs_timer_cancel(&up->worker->loop, &up->timer);
    cs_wire_close(&up->wire);
    cs_shelf_return(&up->worker->large, &up->in);
    if (!cs_list_empty(&up->link)) {
        up->worker->pools.items[up->upstream->index].n_idle--;
        cs_list_remove(&up->link);
    }
    up->user = NULL;
    up->worker->n_upconns--;
    cs_loop_defer(&up->worker->loop, &up->reap);
}

void cs_pools_deinit(struct cs_pools *pools)
{
    for (size_t i = 0; i < pools->n; i++) {
        CS_LIST_FOREACH_SAFE (link, &pools->items[i].idle) {
            struct cs_upconn *up = cs_container_of(link, struct cs_upconn, link);
            struct cs_task *task = &up->reap;
            upconn_close(up);
            cs_task_cancel(task);
            reap(task);
        }
        free(pools->items[i].peers);
    }
    free(pools->items);
    *pools = (struct cs_pools){0};
}

bool cs_pools_make_room(struct cs_pools *pools)
{
    for (size_t i = 0; i < pools->n; i++) {
        struct cs_pool *pool = &pools->items[i];
        if (cs_list_empty(&pool->idle))
            continue;
        upconn_close(cs_container_of(pool->idle.prev, struct cs_upconn, link));
        return true;
    }
    return false;
}

void cs_pools_sift(struct cs_pools *pools, bool (*stays)(void *ctx, const struct cs_upconn *up),
                   void *ctx)
{
    for (size_t i = 0; i < pools->n; i++) {
        CS_LIST_FOREACH_SAFE (link, &pools->items[i].idle) {
            struct cs_upconn *up = cs_container_of(link, struct cs_upconn, link);
            if (!stays(ctx, up))
                upconn_close(up);
        }
    }
}

struct cs_balance *cs_pool_balance(struct cs_pools *pools, const struct cs_upstream *upstream)
{
    return &pools->items[upstream->index].balance;
}

/* An idle upstream has nothing to say: whatever comes ends the connection. */
static bool is_quiet(const struct cs_upconn *up)
{
    char byte;
    size_t n;

    return !up->wire.watch.hangup &&
           cs_sock_peek(up->wire.fd, &byte, sizeof(byte), &n) == CS_IO_WANT_READ;
}

/* The same when the answer to a request has just been read: neither the socket nor TLS may hold
 * a byte more, or the next request would take it for its answer. */
static bool is_read_dry(struct cs_upconn *up)
{
    if (up->in.len || cs_wire_hangup(&up->wire) || cs_wire_unsent(&up->wire))
        return false;
    if (!cs_wire_pending(&up->wire))
        return true;
    if (up->wire.tls || !is_quiet(up))
        return false;
    up->wire.watch.readable = false;
    return true;
}

static void on_ready(struct cs_watch *watch)
{
    struct cs_upconn *up = cs_container_of(watch, struct cs_upconn, wire.watch);

    if (up->user) {
        cs_wire_event(&up->wire);
        cs_conn_run(up->user);
        return;
    }
    if (!is_quiet(up))
        upconn_close(up);
    else
        watch->readable = false;
}

static void on_deadline(struct cs_timer *timer)
{
    struct cs_upconn *up = cs_container_of(timer, struct cs_upconn, timer);

    up->timed_out = true;
    if (up->user)
        cs_conn_run(up->user);
    else
        upconn_close(up);
}

void cs_upconn_deadline(struct cs_upconn *up, int64_t in_ms)
{
    struct cs_loop *loop = &up->worker->loop;

    up->timed_out = false;
    if (in_ms > 0)
        cs_timer_set(loop, &up->timer, loop->now.mono_ms + in_ms);
    else
        cs_timer_cancel(loop, &up->timer);
}

/* Who the upstream is to prove to be; the host of proxy_pass unless proxy_ssl_name says so. */
static struct cs_str wanted_name(struct cs_request *request, const struct cs_proxy *proxy)
{
    struct cs_str name = cs_request_eval(request, &proxy->tls->name);
    struct cs_authority authority;

    if (cs_authority_split(name, &authority) == 0)
        name = authority.host;
    return name;
}

static struct cs_str address_of(const struct cs_proxy *proxy, size_t peer)
{
    const struct cs_addr *addr = &proxy->upstream->peers[peer].addr;

    return cs_str_make(&addr->sa, addr->len);
}

/* Whether @up is what a connection to @peer under @proxy and @name would be now: the same in all
 * that a connection must agree in to be used again. */
static bool is_same(const struct cs_upconn *up, const struct cs_proxy *proxy, size_t peer,
                    struct cs_str name)
{
    const struct cs_upstream_tls *tls;

    if (!cs_str_eq(address_of(up->proxy, up->peer), address_of(proxy, peer)) ||
        !up->proxy->tls != !proxy->tls)
        return false;
    if (!proxy->tls)
        return true;
    tls = cs_worker_upstream_tls(up->worker, proxy);
    return memcmp(up->tls->digest, tls->digest, sizeof(tls->digest)) == 0 &&
           cs_str_eq(up->name, name);
}

/* The same as a digest: the key of its TLS sessions. */
static void identity_of(const struct cs_upconn *up, uint8_t ret_digest[32])
{
    struct cs_digest digest;

    cs_digest_init(&digest);
    cs_digest_add(&digest, address_of(up->proxy, up->peer));
    cs_digest_add(&digest, cs_str_make(up->tls->digest, sizeof(up->tls->digest)));
    cs_digest_add(&digest, up->name);
    cs_digest_final(&digest, ret_digest);
}

/* Whether the loop has noted something about it that nobody has looked at. */
static bool has_news(const struct cs_upconn *up)
{
    return up->wire.watch.readable || up->wire.watch.hangup;
}

/* mtls_expire_connections: whether our certificate is not valid any more, so that what it opened is
 * not used again. */
static bool own_has_expired(const struct cs_upconn *up, const struct cs_request *request)
{
    return request->server->set.expire_connections && up->tls &&
           up->tls->own_not_after <= cs_now_sec(&up->worker->loop.now);
}

/* The same, or the upstream's is not. */
static bool has_expired(const struct cs_upconn *up, const struct cs_request *request)
{
    return own_has_expired(up, request) ||
           (request->server->set.expire_connections && up->verdict &&
            up->verdict->path_not_after <= cs_now_sec(&up->worker->loop.now));
}

static struct cs_upconn *find_idle(const struct cs_request *request, const struct cs_proxy *proxy,
                                   size_t peer, struct cs_str name)
{
    struct cs_pool *pool = &request->conn->worker->pools.items[proxy->upstream->index];

    CS_LIST_FOREACH (link, &pool->idle) {
        struct cs_upconn *up = cs_container_of(link, struct cs_upconn, link);
        if (!is_same(up, proxy, peer, name) || has_expired(up, request) ||
            (has_news(up) && !is_quiet(up)))
            continue; /* its turn to be closed comes with the event, or with its time */
        cs_list_remove(&up->link);
        pool->n_idle--;
        cs_wire_event(&up->wire);
        return up;
    }
    return NULL;
}

static struct cs_upconn *upconn_new(struct cs_conn *user, const struct cs_proxy *proxy, size_t peer,
                                    struct cs_str name)
{
    struct cs_worker *worker = user->worker;
    struct cs_upconn *up;
    int fd, r;

    if (!cs_worker_make_room(worker)) {
        errno = EMFILE;
        return NULL;
    }
    r = cs_connect_start(&proxy->upstream->peers[peer].addr, &fd);
    if (r < 0) {
        errno = -r;
        return NULL;
    }
    up = CS_NEW(struct cs_upconn);
    up->worker = worker;
    up->user = user;
    up->upstream = proxy->upstream;
    up->proxy = proxy;
    up->peer = peer;
    up->born_ms = worker->loop.now.mono_ms;
    up->timer.fire = on_deadline;
    up->reap.run = reap;
    cs_list_init(&up->link);
    cs_buf_init(&up->in, IN_MAX);
    r = cs_wire_open(&up->wire, &worker->loop, fd, &worker->large, on_ready);
    if (r < 0) {
        free(up);
        errno = -r;
        return NULL;
    }
    worker->n_upconns++;
    if (proxy->tls)
        up->tls = cs_upstream_tls_ref(cs_worker_upstream_tls(worker, proxy));
    if (name.len)
        up->name = cs_str_make(memcpy(cs_alloc(name.len), name.ptr, name.len), name.len);
    return up;
}

struct cs_upconn *cs_upconn_get(struct cs_request *request, const struct cs_proxy *proxy,
                                size_t peer, bool fresh, bool *ret_reused)
{
    struct cs_str name = proxy->tls ? wanted_name(request, proxy) : (struct cs_str){0};
    struct cs_upconn *up = NULL;

    if (!fresh)
        up = find_idle(request, proxy, peer, name);
    *ret_reused = up != NULL;
    if (!up)
        up = upconn_new(request->conn, proxy, peer, name);
    if (!up)
        return NULL;
    up->user = request->conn;
    up->n_requests++;
    return up;
}

static bool verify(void *ctx, const struct cs_str *ders, size_t n, uint8_t *ret_alert)
{
    struct cs_upconn *up = ctx;
    const struct cs_upstream_tls *tls = up->tls;
    struct cs_chain_query query = {.ders = ders,
                                   .n = n,
                                   .trust = tls->trust,
                                   .revoked = up->worker->revoked,
                                   .now_sec = cs_now_sec(&up->worker->loop.now),
                                   .purpose = CS_PURPOSE_SERVER,
                                   .depth = tls->depth,
                                   .demand = tls->demand,
                                   .host = up->name};

    if (!tls->trust)
        return true;
    up->verdict = CS_ARENA_NEW(&up->arena, struct cs_verdict);
    up->remembered = cs_remembered_unref(up->remembered);
    if (cs_chain_memory_verify(up->worker->memory, &query, &up->arena, up->verdict,
                               &up->remembered) < 0) {
        up->verdict = NULL;
        return false;
    }
    if (up->remembered) {
        ders = cs_remembered_chain0(up->remembered, &n);
        cs_tls_lend_chain(up->wire.tls, ders, n);
    }
    if (!up->verdict->accepted)
        *ret_alert = cs_verdict_alert(up->verdict);
    return up->verdict->accepted;
}

static bool resume(void *ctx, const struct cs_str *ders, size_t n, int64_t original_sec)
{
    uint8_t alert;

    return n == 0 ? !((struct cs_upconn *)ctx)->tls->trust : verify(ctx, ders, n, &alert);
}

static void declined(void *ctx)
{
    ((struct cs_upconn *)ctx)->verdict = NULL;
}

static const struct cs_tls_hooks hooks = {NULL, verify, resume, declined};

static int start_tls(struct cs_upconn *up)
{
    const struct cs_upstream_tls *tls = up->tls;
    struct cs_str key = {0};
    uint8_t identity[32];

    identity_of(up, identity);
    if (tls->reuse_sessions && !own_has_expired(up, up->user->request))
        key = cs_str_make(identity, sizeof(identity));
    up->wire.tls = cs_tls_client_session(tls->client, up->wire.fd,
                                         tls->send_sni ? up->name : (struct cs_str){0}, key, &hooks,
                                         up, &up->worker->tls_io);
    if (!up->wire.tls)
        return -ENOMEM;
    cs_wire_event(&up->wire); /* a hangup noted before the session was there */
    return 0;
}

/* Why the handshake with the upstream failed. */
static struct cs_str tls_failure(struct cs_upconn *up)
{
    struct cs_buf text;
    struct cs_str why;

    cs_buf_init(&text, 2048);
    if (up->verdict && !up->verdict->accepted && up->verdict->cause) {
        struct cs_str reason = cs_verdict_reason(up->verdict);
        cs_buf_addf(&text, "upstream SSL certificate verify error: (%d:%.*s)", up->verdict->error,
                    CS_FMT(reason));
    } else {
        cs_buf_addf(&text, "SSL_do_handshake() failed (%.*s)",
                    CS_FMT(cs_tls_facts(up->wire.tls)->failure));
    }
    why = cs_arena_dup(&up->arena, cs_buf_str(&text));
    cs_buf_deinit(&text);
    return why;
}

static enum cs_wire_result prove(struct cs_upconn *up, struct cs_str *ret_why)
{
    if (up->tls->trust && up->name.len == 0) {
        *ret_why = CS_STR("the name to verify the upstream's certificate against is empty");
        return CS_WIRE_BROKEN;
    }
    if (up->tls->awaited) {
        *ret_why = CS_STR("the certificate that the upstream is to be shown has not come yet");
        return CS_WIRE_BROKEN;
    }
    if (!up->wire.tls && start_tls(up) < 0) {
        *ret_why = CS_STR("cannot make a TLS session");
        return CS_WIRE_BROKEN;
    }
    switch (cs_tls_handshake(up->wire.tls)) {
    case CS_TLS_OK: up->proved = true; return CS_WIRE_OK;
    case CS_TLS_WANT_READ:
    case CS_TLS_WANT_WRITE: return CS_WIRE_WAIT;
    case CS_TLS_CLOSED:
    case CS_TLS_EOF: *ret_why = CS_STR("peer closed connection in SSL handshake"); break;
    case CS_TLS_FAILED: *ret_why = tls_failure(up); break;
    }
    return CS_WIRE_BROKEN;
}

enum cs_wire_result cs_upconn_advance(struct cs_upconn *up, struct cs_str *ret_why)
{
    int r;

    if (up->proved)
        return CS_WIRE_OK;
    if (!up->connected) {
        r = cs_connect_result(up->wire.fd);
        if (r == -EINPROGRESS)
            return CS_WIRE_WAIT;
        if (r < 0) {
            up->wire.error = -r;
            *ret_why = cs_arena_printf(&up->arena, "connect() failed (%d: %s)", -r, strerror(-r));
            return CS_WIRE_BROKEN;
        }
        up->connected = true;
        cs_socket_nodelay(up->wire.fd);
    }
    if (up->tls)
        return prove(up, ret_why);
    up->proved = true;
    return CS_WIRE_OK;
}

static bool may_be_kept(struct cs_upconn *up)
{
    const struct cs_upstream *upstream = up->upstream;

    return up->proved && !up->withdrawn && upstream->keepalive > 0 && is_read_dry(up) &&
           up->n_requests < upstream->keepalive_requests &&
           up->worker->loop.now.mono_ms - up->born_ms < upstream->keepalive_time_ms &&
           !up->worker->draining;
}

void cs_upconn_release(struct cs_upconn *up, bool reusable)
{
    struct cs_pool *pool = &up->worker->pools.items[up->upstream->index];

    if (!reusable || !may_be_kept(up)) {
        upconn_close(up);
        return;
    }
    up->user = NULL;
    cs_shelf_return(&up->worker->large, &up->in);
    cs_list_push_front(&pool->idle, &up->link);
    pool->n_idle++;
    cs_upconn_deadline(up, up->upstream->keepalive_timeout_ms);
    if (pool->n_idle > up->upstream->keepalive)
        upconn_close(cs_container_of(pool->idle.prev, struct cs_upconn, link));
}
