/* One request's upstream: chosen, reached, given up for the next one, let go. */
#include <errno.h>

#include "gateway/conn_log.h"
#include "gateway/failure.h"
#include "gateway/proxying.h"
#include "gateway/stage.h"
#include "gateway/state.h"
#include "route/balance.h"
#include "tls/session.h"

enum { HEAD_MAX = 65536, OUT_MAX = 1 << 20 };

static const struct cs_headers no_headers;

const struct cs_headers *cs_exchange_headers(const struct cs_request *request)
{
    const struct cs_exchange *x = request->exchange;

    return x && x->has_head ? &x->head.headers : &no_headers;
}

struct cs_attempt *cs_exchange_attempt(const struct cs_request *request)
{
    return &request->exchange->attempts[request->exchange->n_attempts - 1];
}

uint64_t cs_exchange_body_bytes(const struct cs_request *request)
{
    return request->exchange->body.total;
}

uint64_t cs_exchange_received(const struct cs_request *request)
{
    return request->exchange->received;
}

uint64_t cs_exchange_sent(const struct cs_request *request)
{
    return request->exchange->sent;
}

int64_t cs_since_start(const struct cs_request *request)
{
    return request->conn->worker->loop.now.mono_ms - request->exchange->start_ms;
}

/* Tell the balancing counts how this server did. */
void cs_settle(struct cs_request *request, bool good)
{
    struct cs_exchange *x = request->exchange;
    struct cs_worker *worker = request->conn->worker;

    if (!x->in_balance)
        return;
    cs_balance_end(cs_pool_balance(&worker->pools, x->proxy->upstream), (int)x->up_peer, good,
                   worker->loop.now.mono_ms);
    x->in_balance = false;
}

void cs_let_go(struct cs_request *request, bool reusable)
{
    struct cs_exchange *x = request->exchange;

    if (x->up)
        cs_upconn_release(x->up, reusable);
    x->up = NULL;
}

void cs_exchange_stop(struct cs_request *request)
{
    if (!request->exchange)
        return;
    cs_settle(request, true);
    cs_let_go(request, false);
    request->exchange->phase = CS_EXCHANGE_OVER;
}

void cs_exchange_end(struct cs_request *request)
{
    struct cs_exchange *x = request->exchange;

    if (!x)
        return;
    cs_exchange_stop(request);
    cs_shelf_return(&request->conn->worker->small, &x->out);
    cs_buf_deinit(&x->kept);
    cs_h1_body_deinit(&x->body);
    request->exchange = NULL;
}

/* What an exchange leaves to the one that fetches an error page: the servers it asked, and the
 * body as far as it was taken in. */
static void inherit(struct cs_request *request, struct cs_exchange *x)
{
    struct cs_exchange *old = request->exchange;

    x->attempts = old->attempts;
    x->n_attempts = old->n_attempts;
    if (!request->without_body) {
        cs_buf_deinit(&x->kept);
        x->kept = old->kept;
        old->kept = (struct cs_buf){0};
    }
    cs_exchange_end(request);
}

void cs_exchange_begin(struct cs_conn *conn, const struct cs_permit *permit)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = CS_ARENA_NEW(&request->arena, struct cs_exchange);
    const struct cs_location_settings *set = &request->scope->set;

    x->proxy = request->scope->proxy;
    x->start_ms = conn->worker->loop.now.mono_ms;
    x->tried = cs_arena_array(&request->arena, CS_BALANCE_WORDS(x->proxy->upstream->n_peers),
                              sizeof(*x->tried));
    x->limits = (struct cs_h1_limits){.max_line = HEAD_MAX,
                                      .max_head = HEAD_MAX,
                                      .max_headers = 1000,
                                      .underscores_in_headers = true,
                                      .unusual_names_in_headers = true};
    cs_buf_init(&x->kept, set->client_body_buffer_size);
    if (request->exchange)
        inherit(request, x);
    cs_buf_init(&x->out, OUT_MAX + x->kept.max);
    x->phase = request->body_ended || !set->proxy_request_buffering || !cs_sends_body(request)
                   ? CS_EXCHANGE_PICK
                   : CS_EXCHANGE_COLLECT;
    request->exchange = x;
    if (x->phase == CS_EXCHANGE_COLLECT)
        cs_conn_deadline(conn, set->client_body_timeout);
}

bool cs_may_try_again(const struct cs_request *request, unsigned why)
{
    const struct cs_exchange *x = request->exchange;
    const struct cs_location_settings *set = &request->scope->set;
    unsigned when = set->proxy_next_upstream;

    if (request->head_sent || x->body_lost || (when & CS_NEXT_OFF))
        return false;
    if (x->tries >= x->proxy->upstream->n_peers && !x->stale)
        return false;
    if (x->request_begun && !(request->head.method & CS_METHODS_IDEMPOTENT) &&
        !(when & CS_NEXT_NON_IDEMPOTENT))
        return false;
    if (set->proxy_next_upstream_timeout &&
        cs_since_start(request) > set->proxy_next_upstream_timeout)
        return false;
    if (set->proxy_next_upstream_tries && x->tries >= (unsigned)set->proxy_next_upstream_tries)
        return false;
    return (when & why) != 0;
}

void cs_await(struct cs_request *request, enum cs_exchange_clock clock, bool afresh)
{
    struct cs_exchange *x = request->exchange;
    const struct cs_location_settings *set = &request->scope->set;

    if (x->clock == clock && !afresh)
        return;
    x->clock = clock;
    cs_upconn_deadline(x->up, clock == CS_CLOCK_SEND   ? set->proxy_send_timeout
                              : clock == CS_CLOCK_READ ? set->proxy_read_timeout
                                                       : 0);
}

/* The upstream failed: the next server, or an answer. */
int cs_upstream_failed(struct cs_conn *conn, unsigned why, int status)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    bool again;

    x->stale = x->reused && why == CS_NEXT_ERROR && x->received == 0;
    again = cs_may_try_again(request, why);
    x->last_status = status;
    if (!x->stale) {
        cs_exchange_attempt(request)->status = status;
        cs_exchange_attempt(request)->response_ms = cs_since_start(request);
    }
    cs_settle(request, x->stale || (why & (CS_NEXT_HTTP_403 | CS_NEXT_HTTP_404)));
    cs_let_go(request, false);
    x->received = 0;
    if (again) {
        x->phase = CS_EXCHANGE_PICK;
        x->retry_same = x->stale;
        return CS_MOVED;
    }
    x->phase = CS_EXCHANGE_OVER;
    if (request->head_sent) {
        (void)!cs_wire_drain(&conn->wire, &request->out); /* what came before, if the client can */
        request->keep_alive = false;
        request->cut_off = true;
        return CS_STAGE_RECORD;
    }
    request->outcome.upstream_status = status;
    return cs_answer(conn, status);
}

/* With TLS 1.3 an upstream refuses our certificate by an alert behind the handshake. */
static bool is_refused(struct cs_conn *conn)
{
    struct cs_exchange *x = conn->request->exchange;

    return x->up->wire.tls && cs_tls_facts(x->up->wire.tls)->alert_received.number >= 0 &&
           cs_failure_upstream(conn, x->proxy, x->up_peer, x->up, (struct cs_transport){0},
                               (struct cs_str){0});
}

static struct cs_str why_broken(const struct cs_wire *wire)
{
    if (wire->error || !wire->tls)
        return cs_str_from(strerror(wire->error));
    return cs_tls_facts(wire->tls)->failure;
}

int cs_upstream_broke(struct cs_conn *conn, enum cs_wire_result r, const char *doing)
{
    struct cs_exchange *x = conn->request->exchange;
    int level = is_refused(conn) ? CS_LOG_INFO : CS_LOG_ERROR;

    if (r == CS_WIRE_END || r == CS_WIRE_CUT)
        cs_conn_log(conn, level, "upstream prematurely closed connection while %s", doing);
    else
        cs_conn_log(conn, level, "%s failed (%d: %.*s) while %s",
                    x->up->wire.tls ? "SSL" : "transfer", x->up->wire.error,
                    CS_FMT(why_broken(&x->up->wire)), doing);
    return cs_upstream_failed(conn, CS_NEXT_ERROR, 502);
}

int cs_upstream_late(struct cs_conn *conn, const char *doing)
{
    cs_conn_log(conn, CS_LOG_ERROR, "upstream timed out (110: Connection timed out) while %s",
                doing);
    return cs_upstream_failed(conn, CS_NEXT_TIMEOUT, 504);
}

static void add_attempt(struct cs_request *request, struct cs_str address)
{
    struct cs_exchange *x = request->exchange;
    struct cs_attempt *grown = cs_arena_array(&request->arena, x->n_attempts + 1, sizeof(*grown));

    if (x->n_attempts)
        memcpy(grown, x->attempts, x->n_attempts * sizeof(*grown));
    grown[x->n_attempts] = (struct cs_attempt){x->tries == 0, address, 0, -1, -1, -1};
    x->attempts = grown;
    x->n_attempts++;
    x->tries++;
}

/* Put the request as far as it is known into out, for a server that has seen none of it.
 * Return: 0, or negative when it cannot be written down. */
static int write_request(struct cs_request *request)
{
    struct cs_exchange *x = request->exchange;
    int r;

    cs_buf_reset(&x->out);
    cs_shelf_lend(&request->conn->worker->small, &x->out, 1);
    r = cs_forward_request_head(request);
    if (r < 0)
        return r;
    x->request_sent = request->body_ended || !cs_sends_body(request);
    x->request_begun = false;
    x->has_head = x->body_ended = x->push_broken = false;
    x->n_interim = 0;
    cs_h1_scan_init(&x->scan, CS_H1_RESPONSE, &x->limits);
    if (!cs_sends_body(request) || x->kept.len == 0)
        return 0;
    if (x->chunk_body) {
        char size[CS_H1_CHUNK_HEAD];
        cs_buf_add_str(&x->out, cs_h1_chunk_head(x->kept.len, size));
    }
    r = cs_buf_add_str(&x->out, cs_buf_str(&x->kept));
    if (x->chunk_body)
        cs_buf_add_str(&x->out, CS_STR("\r\n"));
    return r;
}

/* The upstream in question could not be reached or did not prove itself: say @why in nginx's words
 * at the level of an error, unless the account of it stands there. */
static void not_connected(struct cs_conn *conn, struct cs_str why, int error)
{
    struct cs_exchange *x = conn->request->exchange;
    struct cs_transport seen = {.error = error};
    bool noted;

    if (error)
        seen.ending = cs_ending_from_errno(error, true);
    noted = cs_failure_upstream(conn, x->proxy, x->up_peer, x->up, seen, why);
    cs_conn_log(conn, noted ? CS_LOG_INFO : CS_LOG_ERROR, "%.*s while connecting to upstream",
                CS_FMT(why));
}

/* The same when its time is over. */
static int late(struct cs_conn *conn)
{
    struct cs_exchange *x = conn->request->exchange;
    struct cs_transport seen = {
        .ending = x->up->connected ? CS_ENDING_TIMEOUT : CS_ENDING_NO_ANSWER,
        .limit_ms = conn->request->scope->set.proxy_connect_timeout,
    };

    if (!cs_failure_upstream(conn, x->proxy, x->up_peer, x->up, seen,
                             CS_STR("upstream timed out (110: Connection timed out)")))
        return cs_upstream_late(conn, "connecting to upstream");
    cs_conn_log(conn, CS_LOG_INFO,
                "upstream timed out (110: Connection timed out) while connecting to upstream");
    return cs_upstream_failed(conn, CS_NEXT_TIMEOUT, 504);
}

int cs_exchange_pick(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    const struct cs_upstream *upstream = x->proxy->upstream;
    struct cs_balance *balance = cs_pool_balance(&conn->worker->pools, upstream);
    int64_t now = conn->worker->loop.now.mono_ms;
    bool fresh = x->retry_same;
    int peer = fresh ? (int)x->up_peer : cs_balance_pick(balance, now, x->tried);

    x->retry_same = false;
    if (peer < 0) {
        cs_conn_log(conn, CS_LOG_ERROR, "no live upstreams while connecting to upstream");
        x->phase = CS_EXCHANGE_OVER;
        return cs_answer(conn, x->last_status ? x->last_status : 502);
    }
    cs_balance_tried(x->tried, peer);
    x->up_peer = (size_t)peer;
    cs_balance_begin(balance, peer);
    x->in_balance = true;
    if (!fresh)
        add_attempt(request, upstream->peers[peer].name);
    x->attempt_ms = now;
    request->outcome.tries = x->tries;
    if (write_request(request) < 0) {
        cs_conn_log(conn, CS_LOG_ERROR, "the request cannot be written as HTTP for the upstream");
        return cs_answer(conn, 500);
    }
    x->up = cs_upconn_get(request, x->proxy, (size_t)peer, fresh, &x->reused);
    if (!x->up) {
        int error = errno;
        if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
            cs_conn_log(conn, CS_LOG_ERROR, "connect() failed (%d: %s)", error, strerror(error));
            return cs_answer(conn, 500); /* not the server's fault */
        }
        not_connected(
            conn,
            cs_arena_printf(&request->arena, "connect() failed (%d: %s)", error, strerror(error)),
            error);
        return cs_upstream_failed(conn, CS_NEXT_ERROR, 502);
    }
    cs_upconn_deadline(x->up, request->scope->set.proxy_connect_timeout);
    x->phase = CS_EXCHANGE_CONNECT;
    return CS_MOVED;
}

int cs_exchange_connect(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    int64_t now = conn->worker->loop.now.mono_ms;
    struct cs_str why = {0};

    switch (cs_upconn_advance(x->up, &why)) {
    case CS_WIRE_OK: break;
    case CS_WIRE_WAIT: return x->up->timed_out ? late(conn) : CS_STUCK;
    default:
        not_connected(conn, why, x->up->connected ? 0 : x->up->wire.error);
        return cs_upstream_failed(conn, CS_NEXT_ERROR, 502);
    }
    request->outcome.connect_ms = x->reused ? 0 : now - x->attempt_ms;
    cs_exchange_attempt(request)->connect_ms = request->outcome.connect_ms;
    cs_upconn_deadline(x->up, request->scope->set.proxy_send_timeout);
    x->clock = CS_CLOCK_SEND;
    x->phase = CS_EXCHANGE_TRANSFER;
    return CS_MOVED;
}
