/* proxy: one request through one upstream, or several when nginx would try the next.
 *
 * Two pumps share the work: push() moves the request to the upstream, pull() the response to
 * the client. Each moves what it can and says whether it did; the stage waits when neither
 * can. Back-pressure: a pump does not read before what it read last has been written. */
#include <errno.h>

#include "base/panic.h"
#include "gateway/conn_log.h"
#include "gateway/exchange.h"
#include "gateway/stage.h"
#include "gateway/state.h"
#include "http/message.h"
#include "route/balance.h"

enum { PIECE = 16384, RESPONSE_PIECE = 65536, HEAD_MAX = 65536, OUT_MAX = 1 << 20 };

/* Outcomes of a pump, beside the stages of stage.h. */
enum { MOVED = -10, STUCK = -11 };

static const struct cs_headers no_headers;

const struct cs_headers *cs_exchange_headers(const struct cs_request *request)
{
    const struct cs_exchange *x = request->exchange;

    return x && x->has_head ? &x->head.headers : &no_headers;
}

struct cs_str cs_exchange_addresses(const struct cs_request *request)
{
    return request->exchange->addresses;
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

static int64_t since_start(const struct cs_request *request)
{
    return request->conn->worker->loop.now.mono_ms - request->exchange->start_ms;
}

/* Tell the balancing counts how this server did. */
static void settle(struct cs_request *request, bool good)
{
    struct cs_exchange *x = request->exchange;
    struct cs_worker *worker = request->conn->worker;

    if (!x->in_balance)
        return;
    cs_balance_end(cs_pool_balance(&worker->pools, x->proxy->upstream), (int)x->up_peer, good,
                   worker->loop.now.mono_ms);
    x->in_balance = false;
}

static void let_go(struct cs_request *request, bool reusable)
{
    struct cs_exchange *x = request->exchange;

    if (x->up)
        cs_upconn_release(x->up, reusable);
    x->up = NULL;
}

void cs_exchange_end(struct cs_request *request)
{
    struct cs_exchange *x = request->exchange;

    if (!x)
        return;
    settle(request, true);
    let_go(request, false);
    cs_buf_deinit(&x->out);
    cs_buf_deinit(&x->kept);
    cs_h1_body_deinit(&x->body);
    request->exchange = NULL;
}

static void begin(struct cs_conn *conn)
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
    cs_buf_init(&x->out, OUT_MAX);
    cs_buf_init(&x->kept, set->client_body_buffer_size);
    x->phase = request->body_ended || !set->proxy_request_buffering ? CS_EXCHANGE_PICK
                                                                    : CS_EXCHANGE_COLLECT;
    request->exchange = x;
}

/* ---- giving up on a server ---- */

static bool may_try_again(const struct cs_request *request, unsigned why)
{
    const struct cs_exchange *x = request->exchange;
    const struct cs_location_settings *set = &request->scope->set;
    unsigned when = set->proxy_next_upstream;

    if (request->head_sent || x->body_lost || (when & CS_NEXT_OFF))
        return false;
    if (x->request_begun && !(request->head.method & CS_METHODS_IDEMPOTENT) &&
        !(when & CS_NEXT_NON_IDEMPOTENT))
        return false;
    if (set->proxy_next_upstream_timeout && since_start(request) > set->proxy_next_upstream_timeout)
        return false;
    if (set->proxy_next_upstream_tries && x->tries >= (unsigned)set->proxy_next_upstream_tries)
        return false;
    return (when & why) != 0;
}

/* The upstream failed: the next server, or an answer. */
static int failed(struct cs_conn *conn, unsigned why, int status)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    bool stale = x->reused && why == CS_NEXT_ERROR && x->received == 0;
    bool again = may_try_again(request, why);

    settle(request, stale);
    let_go(request, false);
    x->received = 0;
    if (again) {
        x->phase = CS_EXCHANGE_PICK;
        x->retry_same = stale;
        return MOVED;
    }
    x->phase = CS_EXCHANGE_OVER;
    if (request->head_sent) {
        request->keep_alive = false;
        request->cut_off = true;
        return CS_STAGE_RECORD;
    }
    request->outcome.upstream_status = status;
    return cs_answer(conn, status);
}

static int upstream_broke(struct cs_conn *conn, enum cs_wire_result r, const char *doing)
{
    struct cs_exchange *x = conn->request->exchange;

    if (r == CS_WIRE_END || r == CS_WIRE_CUT)
        cs_conn_log(conn, CS_LOG_ERROR, "upstream prematurely closed connection while %s", doing);
    else
        cs_conn_log(conn, CS_LOG_ERROR, "%s failed (%d: %s) while %s",
                    x->up->wire.tls ? "SSL" : "transfer", x->up->wire.error,
                    x->up->wire.error ? strerror(x->up->wire.error) : "TLS error", doing);
    return failed(conn, CS_NEXT_ERROR, 502);
}

static int upstream_late(struct cs_conn *conn, const char *doing)
{
    cs_conn_log(conn, CS_LOG_ERROR, "upstream timed out (110: Connection timed out) while %s",
                doing);
    return failed(conn, CS_NEXT_TIMEOUT, 504);
}

/* ---- the request body ---- */

static int client_left(struct cs_conn *conn)
{
    cs_conn_log(conn, CS_LOG_INFO, "client prematurely closed connection");
    conn->request->status = 499;
    conn->request->outcome.status = 499;
    conn->request->keep_alive = false;
    conn->request->cut_off = true;
    return CS_STAGE_RECORD;
}

static bool too_large(const struct cs_request *request, uint64_t size)
{
    uint64_t max = request->scope->set.client_max_body_size;

    return max && size > max;
}

static int answer_413(struct cs_conn *conn)
{
    cs_conn_log(conn, CS_LOG_ERROR, "client intended to send too large body");
    if (conn->request->head_sent)
        return client_left(conn);
    return cs_answer(conn, 413);
}

static void keep_body(struct cs_exchange *x, struct cs_str data)
{
    if (!x->body_lost && cs_buf_add_str(&x->kept, data) < 0)
        x->body_lost = true;
}

/* One piece of the request body from the client, decoded into *ret_data, which borrows from
 * conn->in; *ret_consumed is to be taken off it. Return: MOVED, STUCK or a stage. */
static int take_body(struct cs_conn *conn, size_t *ret_consumed, struct cs_str *ret_data)
{
    struct cs_request *request = conn->request;
    int r;

    if (conn->in.len == 0) {
        switch (cs_wire_fill(&conn->wire, &conn->in, PIECE)) {
        case CS_WIRE_OK: break;
        case CS_WIRE_WAIT: return STUCK;
        default: return client_left(conn);
        }
    }
    r = cs_h1_body_feed(&request->body, cs_buf_str(&conn->in), ret_consumed, ret_data);
    if (r < 0) {
        cs_conn_log_kind(conn, CS_LOG_INFO, cs_h1_error_kind(request->body.error));
        return request->head_sent ? client_left(conn) : cs_answer(conn, 400);
    }
    request->body_ended = r == CS_H1_DONE;
    request->outcome.bytes_received += *ret_consumed;
    request->body_received += ret_data->len;
    if (too_large(request, request->body_received))
        return answer_413(conn);
    return MOVED;
}

/* The client waits for a word before it sends the body. */
static int invite_body(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    enum cs_wire_result r;

    if (request->body_ended || request->continued || !request->head.expect_continue || conn->in.len)
        return MOVED;
    if (request->out.len == 0)
        cs_buf_add_str(&request->out, CS_STR("HTTP/1.1 100 Continue\r\n\r\n"));
    r = cs_wire_drain(&conn->wire, &request->out);
    if (r == CS_WIRE_OK)
        request->continued = true;
    return r == CS_WIRE_OK ? MOVED : r == CS_WIRE_WAIT ? STUCK : client_left(conn);
}

/* A short body is taken in whole, so that the upstream is not kept waiting by a slow client
 * and another server can be tried. */
static int collect(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    struct cs_str data;
    size_t consumed;
    int r = invite_body(conn);

    if (r != MOVED)
        return r;
    while (!request->body_ended && x->kept.len < x->kept.max) {
        if (conn->in.len > x->kept.max - x->kept.len)
            break;
        r = take_body(conn, &consumed, &data);
        if (r != MOVED)
            return r;
        keep_body(x, data);
        cs_buf_consume(&conn->in, consumed);
        cs_conn_deadline(conn, request->scope->set.client_body_timeout);
    }
    x->phase = CS_EXCHANGE_PICK;
    return MOVED;
}

/* ---- choosing and reaching a server ---- */

static void note_address(struct cs_request *request, struct cs_str name)
{
    struct cs_exchange *x = request->exchange;

    x->addresses = x->addresses.len ? cs_arena_printf(&request->arena, "%.*s, %.*s",
                                                      CS_FMT(x->addresses), CS_FMT(name))
                                    : name;
}

/* Put the request as far as it is known into out, for a server that has seen none of it. */
static void write_request(struct cs_request *request)
{
    struct cs_exchange *x = request->exchange;

    cs_buf_reset(&x->out);
    cs_forward_request_head(request);
    x->request_sent = request->body_ended || !request->scope->set.proxy_pass_request_body;
    x->request_begun = false;
    x->has_head = x->body_ended = false;
    cs_h1_scan_init(&x->scan, CS_H1_RESPONSE, &x->limits);
    if (!request->scope->set.proxy_pass_request_body || x->kept.len == 0)
        return;
    if (x->chunk_body) {
        char size[CS_H1_CHUNK_HEAD];
        cs_buf_add_str(&x->out, cs_h1_chunk_head(x->kept.len, size));
    }
    cs_buf_add_str(&x->out, cs_buf_str(&x->kept));
    if (x->chunk_body)
        cs_buf_add_str(&x->out, CS_STR("\r\n"));
}

static int pick(struct cs_conn *conn)
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
        return cs_answer(conn, 502);
    }
    cs_balance_tried(x->tried, peer);
    x->up_peer = (size_t)peer;
    cs_balance_begin(balance, peer);
    x->in_balance = true;
    if (!fresh) {
        x->tries++;
        note_address(request, upstream->peers[peer].name);
    }
    request->outcome.tries = x->tries;
    write_request(request);
    x->up = cs_upconn_get(request, x->proxy, (size_t)peer, fresh, &x->reused);
    if (!x->up) {
        cs_conn_log(conn, CS_LOG_ERROR, "connect() failed (%d: %s)", errno, strerror(errno));
        return failed(conn, CS_NEXT_ERROR, 502);
    }
    cs_upconn_deadline(x->up, request->scope->set.proxy_connect_timeout);
    x->phase = CS_EXCHANGE_CONNECT;
    return MOVED;
}

static int connect_upstream(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    struct cs_str why = {0};

    switch (cs_upconn_advance(x->up, &why)) {
    case CS_WIRE_OK: break;
    case CS_WIRE_WAIT:
        return x->up->timed_out ? upstream_late(conn, "connecting to upstream") : STUCK;
    default:
        cs_conn_log(conn, CS_LOG_ERROR, "%.*s while connecting to upstream", CS_FMT(why));
        return failed(conn, CS_NEXT_ERROR, 502);
    }
    request->outcome.connect_ms = x->reused ? 0 : since_start(request);
    cs_upconn_deadline(x->up, request->scope->set.proxy_send_timeout);
    x->phase = CS_EXCHANGE_TRANSFER;
    return MOVED;
}

/* ---- push: request to upstream ---- */

static int drain_to_upstream(struct cs_conn *conn)
{
    struct cs_exchange *x = conn->request->exchange;
    size_t before = x->out.len;
    enum cs_wire_result r;

    if (before == 0 && !x->up->wire.tls)
        return MOVED;
    x->request_begun |= before > 0;
    r = cs_wire_drain(&x->up->wire, &x->out);
    x->sent += before - x->out.len;
    if (r == CS_WIRE_OK) {
        if (before)
            cs_upconn_deadline(x->up, x->request_sent
                                          ? conn->request->scope->set.proxy_read_timeout
                                          : conn->request->scope->set.proxy_send_timeout);
        return MOVED;
    }
    if (r == CS_WIRE_WAIT)
        return STUCK;
    /* the upstream may have answered before it closed: let pull() look */
    x->request_sent = x->push_broken = true;
    cs_buf_reset(&x->out);
    return STUCK;
}

static void encode_body(struct cs_exchange *x, const struct cs_request *request, struct cs_str data)
{
    char size[CS_H1_CHUNK_HEAD];

    if (data.len && x->chunk_body)
        cs_buf_add_str(&x->out, cs_h1_chunk_head(data.len, size));
    cs_buf_add_str(&x->out, data);
    if (data.len && x->chunk_body)
        cs_buf_add_str(&x->out, CS_STR("\r\n"));
    if (!request->body_ended)
        return;
    x->request_sent = true;
    if (x->chunk_body) {
        struct cs_headers trailers = {0};
        cs_h1_body_trailers(&request->body, (struct cs_arena *)&request->arena, &trailers);
        cs_h1_write_last_chunk(&x->out, &trailers);
    }
}

static int push(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    struct cs_str data;
    size_t consumed;
    bool moved = false;
    int r;

    for (;;) {
        r = drain_to_upstream(conn);
        if (r != MOVED || x->request_sent)
            break;
        r = invite_body(conn);
        if (r == MOVED)
            r = take_body(conn, &consumed, &data);
        if (r != MOVED)
            break;
        keep_body(x, data);
        encode_body(x, request, data);
        cs_buf_consume(&conn->in, consumed);
        cs_conn_deadline(conn, request->body_ended ? 0 : request->scope->set.client_body_timeout);
        moved = true;
    }
    return r >= 0 || r == CS_STEP_FAIL ? r : moved ? MOVED : STUCK;
}

/* ---- pull: response to client ---- */

static int drain_to_client(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    size_t before = request->out.len;
    enum cs_wire_result r = cs_wire_drain(&conn->wire, &request->out);

    request->outcome.bytes_sent += before - request->out.len;
    if (r == CS_WIRE_OK) {
        if (before && request->body_ended)
            cs_conn_deadline(conn, 0);
        return MOVED;
    }
    if (r == CS_WIRE_WAIT) {
        if (!cs_timer_pending(&conn->timer) && !conn->timed_out)
            cs_conn_deadline(conn, request->scope->set.send_timeout);
        return STUCK;
    }
    return client_left(conn);
}

/* More bytes from the upstream. Return: MOVED, STUCK, a stage, or CS_STEP_DONE at its end. */
static int fill_from_upstream(struct cs_conn *conn, size_t piece)
{
    struct cs_exchange *x = conn->request->exchange;
    size_t before = x->up->in.len;
    enum cs_wire_result r = cs_wire_fill(&x->up->wire, &x->up->in, piece);

    x->received += x->up->in.len - before;
    if (r == CS_WIRE_OK) {
        cs_upconn_deadline(x->up, conn->request->scope->set.proxy_read_timeout);
        return MOVED;
    }
    if (r == CS_WIRE_WAIT)
        return x->up->timed_out
                   ? upstream_late(conn, x->has_head ? "reading upstream"
                                                     : "reading response header from upstream")
                   : STUCK;
    if (r == CS_WIRE_END && x->has_head)
        return CS_STEP_DONE;
    return upstream_broke(
        conn, r, x->has_head ? "reading upstream" : "reading response header from upstream");
}

static unsigned next_bit(unsigned status)
{
    switch (status) {
    case 500: return CS_NEXT_HTTP_500;
    case 502: return CS_NEXT_HTTP_502;
    case 503: return CS_NEXT_HTTP_503;
    case 504: return CS_NEXT_HTTP_504;
    case 403: return CS_NEXT_HTTP_403;
    case 404: return CS_NEXT_HTTP_404;
    case 429: return CS_NEXT_HTTP_429;
    default: return 0;
    }
}

static bool has_error_page(const struct cs_request *request, int status)
{
    for (size_t i = 0; i < request->scope->n_error_pages; i++) {
        if (request->scope->error_pages[i].status == status)
            return true;
    }
    return false;
}

static bool is_last_server(const struct cs_request *request)
{
    const struct cs_exchange *x = request->exchange;

    return x->tries >= x->proxy->upstream->n_peers;
}

/* A whole response head is understood: pass it on, try another server, or let an error page
 * answer. */
static int use_head(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    unsigned bit = next_bit(x->head.status);

    request->outcome.upstream_status = (int)x->head.status;
    request->outcome.header_ms = since_start(request);
    if (bit && !is_last_server(request) && may_try_again(request, bit))
        return failed(conn, bit, (int)x->head.status);
    if (request->scope->set.proxy_intercept_errors && x->head.status >= 300 &&
        !request->error_status && has_error_page(request, (int)x->head.status)) {
        settle(request, true);
        let_go(request, false);
        x->phase = CS_EXCHANGE_OVER;
        return cs_answer(conn, (int)x->head.status);
    }
    cs_h1_body_init(&x->body, x->head.framing, x->head.content_length, &x->limits);
    x->body_ended = x->head.framing == CS_H1_BODY_NONE && !x->head.upgraded;
    cs_forward_response_head(request);
    if (x->head.upgraded) {
        x->phase = CS_EXCHANGE_TUNNEL;
        request->body_ended = true;
        request->keep_alive = false;
    }
    return MOVED;
}

static int read_head(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    enum cs_h1_error error = CS_H1_OK;
    ssize_t len = x->up->in.len ? cs_h1_head_find(&x->scan, cs_buf_str(&x->up->in)) : 0;
    struct cs_str head;

    if (len == 0)
        return fill_from_upstream(conn, PIECE);
    if (len < 0) {
        error = x->scan.error;
    } else {
        head = cs_arena_dup(&request->arena, cs_str_sub(cs_buf_str(&x->up->in), x->scan.start,
                                                        (size_t)len - x->scan.start));
        cs_buf_consume(&x->up->in, (size_t)len);
        cs_h1_response_parse(head,
                             request->scope->set.proxy_method.len
                                 ? cs_http_method(request->scope->set.proxy_method)
                                 : cs_http_method(request->method),
                             &x->limits, &request->arena, &x->head, &error);
    }
    if (error != CS_H1_OK) {
        cs_conn_log_kind(conn, CS_LOG_ERROR, cs_h1_error_kind(error));
        return failed(conn, CS_NEXT_INVALID_HEADER, 502);
    }
    if (x->head.upgraded && !request->head.upgrade) {
        cs_conn_log(conn, CS_LOG_ERROR, "upstream sent an upgrade that was not asked for");
        return failed(conn, CS_NEXT_INVALID_HEADER, 502);
    }
    if (x->head.interim) {
        cs_h1_scan_init(&x->scan, CS_H1_RESPONSE, &x->limits);
        return MOVED;
    }
    x->has_head = true;
    return use_head(conn);
}

static void encode_response(struct cs_request *request, struct cs_str data)
{
    struct cs_exchange *x = request->exchange;
    struct cs_headers trailers = {0};
    char size[CS_H1_CHUNK_HEAD];

    if (data.len && request->chunked)
        cs_buf_add_str(&request->out, cs_h1_chunk_head(data.len, size));
    cs_buf_add_str(&request->out, data);
    if (data.len && request->chunked)
        cs_buf_add_str(&request->out, CS_STR("\r\n"));
    request->outcome.body_sent += data.len;
    if (x->body_ended && request->chunked) {
        cs_h1_body_trailers(&x->body, &request->arena, &trailers);
        cs_h1_write_last_chunk(&request->out, &trailers);
    }
}

/* The upstream's end where a body was still to come. */
static int body_at_end(struct cs_conn *conn)
{
    struct cs_exchange *x = conn->request->exchange;

    if (cs_h1_body_eof(&x->body) < 0) {
        cs_conn_log(conn, CS_LOG_ERROR,
                    "upstream prematurely closed connection while reading upstream");
        return failed(conn, 0, 502);
    }
    x->body_ended = true;
    encode_response(conn->request, (struct cs_str){0});
    return MOVED;
}

/* One piece of the response body into request->out. */
static int read_body(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    struct cs_str data;
    size_t consumed = 0;
    int r;

    if (x->up->in.len == 0) {
        r = fill_from_upstream(conn, RESPONSE_PIECE);
        if (r != MOVED)
            return r == CS_STEP_DONE ? body_at_end(conn) : r;
    }
    r = cs_h1_body_feed(&x->body, cs_buf_str(&x->up->in), &consumed, &data);
    if (r < 0) {
        cs_conn_log_kind(conn, CS_LOG_ERROR, cs_h1_error_kind(x->body.error));
        return failed(conn, 0, 502);
    }
    x->body_ended = r == CS_H1_DONE;
    encode_response(request, data);
    cs_buf_consume(&x->up->in, consumed);
    return MOVED;
}

/* The response is with the client. */
static int finish(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;

    request->outcome.response_ms = since_start(request);
    settle(request, true);
    let_go(request, x->head.keep_alive && x->request_sent && x->out.len == 0 && !x->push_broken);
    x->phase = CS_EXCHANGE_OVER;
    if (!request->body_ended && !cs_body_discard(request))
        request->keep_alive = false;
    return CS_STAGE_RECORD;
}

static int pull(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    bool moved = false;
    int r;

    for (;;) {
        if (!x->has_head) {
            r = read_head(conn);
        } else if (request->out.len || x->body_ended) {
            r = drain_to_client(conn);
            if (r == MOVED && x->body_ended)
                return finish(conn);
        } else {
            r = read_body(conn);
        }
        if (r != MOVED || x->phase != CS_EXCHANGE_TRANSFER)
            break;
        moved = true;
    }
    return r == STUCK && moved ? MOVED : r;
}

/* ---- stages ---- */

static int transfer(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    int r = push(conn);

    if (r >= 0 || r == CS_STEP_FAIL)
        return r;
    r = pull(conn);
    if (r != STUCK || x->phase != CS_EXCHANGE_TRANSFER)
        return r;
    if (conn->timed_out) {
        cs_conn_log(conn, CS_LOG_INFO, "client timed out");
        if (!request->head_sent && !request->body_ended)
            return cs_answer(conn, 408);
        return client_left(conn);
    }
    if (x->up && x->up->timed_out && !x->request_sent)
        return upstream_late(conn, "sending request to upstream");
    if (cs_wire_hangup(&conn->wire) && request->body_ended && conn->in.len == 0 &&
        !request->scope->set.proxy_ignore_client_abort)
        return client_left(conn);
    return STUCK;
}

/* Move what one side sent to the other. Return: whether that direction is at its end. */
static bool relay(struct cs_wire *from, struct cs_buf *in, struct cs_wire *to, struct cs_buf *out,
                  bool *moved, uint64_t *count)
{
    enum cs_wire_result r;

    for (;;) {
        if (out->len == 0 && in->len) {
            cs_buf_add_str(out, cs_buf_str(in));
            cs_buf_reset(in);
        }
        if (out->len) {
            size_t before = out->len;
            r = cs_wire_drain(to, out);
            *count += before - out->len;
            *moved |= before != out->len;
            if (r != CS_WIRE_OK)
                return r != CS_WIRE_WAIT;
        }
        r = cs_wire_fill(from, in, PIECE);
        if (r != CS_WIRE_OK)
            return r != CS_WIRE_WAIT;
        *moved = true;
    }
}

static int tunnel(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    bool moved = false;
    bool over = relay(&x->up->wire, &x->up->in, &conn->wire, &request->out, &moved,
                      &request->outcome.bytes_sent);

    over |= relay(&conn->wire, &conn->in, &x->up->wire, &x->out, &moved, &x->sent);
    if (moved)
        cs_upconn_deadline(x->up, request->scope->set.proxy_read_timeout);
    cs_conn_deadline(conn, 0);
    if (!over && !(x->up->timed_out && !moved))
        return STUCK;
    request->outcome.response_ms = since_start(request);
    settle(request, true);
    let_go(request, false);
    return CS_STAGE_RECORD;
}

int cs_stage_proxy(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    int r = MOVED;

    cs_assert(request->permit != NULL);
    if (!request->exchange) {
        if (request->head.framing == CS_H1_BODY_LENGTH &&
            too_large(request, request->head.content_length))
            return answer_413(conn);
        begin(conn);
    }
    while (r == MOVED) {
        switch (request->exchange->phase) {
        case CS_EXCHANGE_COLLECT: r = collect(conn); break;
        case CS_EXCHANGE_PICK: r = pick(conn); break;
        case CS_EXCHANGE_CONNECT: r = connect_upstream(conn); break;
        case CS_EXCHANGE_TRANSFER: r = transfer(conn); break;
        case CS_EXCHANGE_TUNNEL: r = tunnel(conn); break;
        case CS_EXCHANGE_OVER: return CS_STAGE_RECORD;
        }
    }
    if (r != STUCK)
        return r;
    if (request->exchange->phase == CS_EXCHANGE_COLLECT && conn->timed_out) {
        cs_conn_log(conn, CS_LOG_INFO, "client timed out");
        return cs_answer(conn, 408);
    }
    return CS_STEP_WAIT;
}
