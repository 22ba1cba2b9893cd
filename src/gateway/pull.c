/* pull: the response, from the upstream to the client. Nothing is read from the upstream before
 * what it sent has been taken by the client's socket, or by the one batch of records that TLS
 * collects; that leaves when it is full and at the end of every turn. */
#include "gateway/conn_log.h"
#include "gateway/proxying.h"
#include "gateway/stage.h"
#include "gateway/state.h"
#include "http/message.h"

/* A turn is a few pieces, so that connections interleave: a burst of one connection's packets would
 * wait for the kernel's pacing anyway. */
enum { HEAD_PIECE = 16384, WITH_HEAD = 8192, BUDGET = 8, INTERIM_MAX = 64 };

/* What has been written leaves, and the time of whoever is waited for runs. */
static int flush_to_client(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    enum cs_wire_result r = cs_wire_flush(&conn->wire);
    uint64_t taken = cs_wire_sent(&conn->wire);

    if (r != CS_WIRE_OK && r != CS_WIRE_WAIT)
        return cs_client_left(conn);
    if (r == CS_WIRE_OK && request->out.len == 0) {
        if (request->body_ended && cs_timer_pending(&conn->timer))
            cs_conn_deadline(conn, 0);
        if (x->request_sent && !x->body_ended)
            cs_await(request, CS_CLOCK_READ, false);
        return CS_MOVED;
    }
    if (x->clock == CS_CLOCK_READ)
        cs_await(request, CS_CLOCK_NONE, false);
    if (taken != x->client_took || (!cs_timer_pending(&conn->timer) && !conn->timed_out))
        cs_conn_deadline(conn, request->scope->set.send_timeout);
    x->client_took = taken;
    return CS_STUCK;
}

/* What is in request->out goes first; it need not leave yet. */
static int write_to_client(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    size_t before = request->out.len;
    enum cs_wire_result r = cs_wire_put(&conn->wire, &request->out);

    request->outcome.bytes_sent += before - request->out.len;
    if (r == CS_WIRE_OK)
        return CS_MOVED;
    return r == CS_WIRE_WAIT ? CS_STUCK : cs_client_left(conn);
}

/* A read of the upstream gave @n bytes, or ended with @r. Return: CS_MOVED, CS_STUCK, a stage, or
 * CS_STEP_DONE at its end. */
static int after_read(struct cs_conn *conn, enum cs_wire_result r, size_t n)
{
    struct cs_exchange *x = conn->request->exchange;

    x->received += n;
    if (r == CS_WIRE_OK) {
        if (x->request_sent)
            cs_await(conn->request, CS_CLOCK_READ, true);
        return CS_MOVED;
    }
    if (r == CS_WIRE_WAIT)
        return x->up->timed_out
                   ? cs_upstream_late(conn, x->clock == CS_CLOCK_SEND
                                                ? "sending request to upstream"
                                            : x->has_head ? "reading upstream"
                                                          : "reading response header from upstream")
                   : CS_STUCK;
    if (r == CS_WIRE_END && x->has_head)
        return CS_STEP_DONE;
    return cs_upstream_broke(
        conn, r, x->has_head ? "reading upstream" : "reading response header from upstream");
}

static int fill_from_upstream(struct cs_conn *conn)
{
    struct cs_upconn *up = conn->request->exchange->up;
    size_t before = up->in.len;
    enum cs_wire_result r = cs_wire_fill(&up->wire, &up->in, HEAD_PIECE);

    return after_read(conn, r, up->in.len - before);
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

/* A whole response head is understood: pass it on, try another server, or let an error page
 * answer. */
static int use_head(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    unsigned bit = next_bit(x->head.status);
    struct cs_str nothing = {0}, data;
    size_t consumed;

    request->outcome.upstream_status = (int)x->head.status;
    request->outcome.header_ms = cs_since_start(request);
    cs_exchange_attempt(request)->status = (int)x->head.status;
    cs_exchange_attempt(request)->header_ms = request->outcome.header_ms;
    if (bit && cs_may_try_again(request, bit))
        return cs_upstream_failed(conn, bit, (int)x->head.status);
    if (request->scope->set.proxy_intercept_errors && x->head.status >= 300 &&
        !request->error_status && has_error_page(request, (int)x->head.status)) {
        cs_settle(request, true);
        cs_let_go(request, false);
        x->phase = CS_EXCHANGE_OVER;
        return cs_answer(conn, (int)x->head.status);
    }
    if (cs_str_eq(request->method, CS_STR("HEAD")) && x->head.framing != CS_H1_BODY_NONE) {
        /* proxy_method made it another one: the client gets no body, and what comes is not read */
        x->head.framing = CS_H1_BODY_NONE;
        x->head.keep_alive = false;
    }
    cs_h1_body_init(&x->body, x->head.framing, x->head.content_length, &x->limits);
    x->body_ended =
        !x->head.upgraded && cs_h1_body_feed(&x->body, nothing, &consumed, &data) == CS_H1_DONE;
    cs_forward_response_head(request);
    if (x->head.upgraded) {
        x->phase = CS_EXCHANGE_TUNNEL;
        request->body_ended = true;
        request->keep_alive = false;
    }
    return CS_MOVED;
}

/* @head is whole, in the request's arena; without a pointer: the scan has refused it. */
static int understand_head(struct cs_conn *conn, struct cs_str head)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    enum cs_h1_error error = x->scan.error;

    if (head.ptr)
        cs_h1_response_parse(head,
                             request->scope->set.proxy_method.len
                                 ? cs_http_method(request->scope->set.proxy_method)
                                 : cs_http_method(request->method),
                             &x->limits, &request->arena, &x->head, &error);
    if (error != CS_H1_OK) {
        cs_conn_log_kind(conn, CS_LOG_ERROR, cs_h1_error_kind(error),
                         conn->request->exchange->head.line);
        return cs_upstream_failed(conn, CS_NEXT_INVALID_HEADER, 502);
    }
    if (x->head.upgraded && (!request->head.upgrade || !x->request_sent)) {
        cs_conn_log(conn, CS_LOG_ERROR, "upstream sent an upgrade that was not asked for");
        return cs_upstream_failed(conn, CS_NEXT_INVALID_HEADER, 502);
    }
    if (x->head.interim && ++x->n_interim > INTERIM_MAX) {
        cs_conn_log(conn, CS_LOG_ERROR, "upstream sent too many interim responses");
        return cs_upstream_failed(conn, CS_NEXT_INVALID_HEADER, 502);
    }
    if (x->head.interim) {
        cs_h1_scan_init(&x->scan, CS_H1_RESPONSE, &x->limits);
        return CS_MOVED;
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
        return cs_upstream_failed(conn, 0, 502);
    }
    x->body_ended = true;
    encode_response(conn->request, (struct cs_str){0});
    return CS_MOVED;
}

/* Take the framing off what came from the upstream. */
static int decode_body(struct cs_conn *conn, struct cs_str in, size_t *ret_consumed,
                       struct cs_str *ret_data)
{
    struct cs_exchange *x = conn->request->exchange;
    int r = cs_body_decode(&x->body, in, ret_consumed, ret_data);

    if (r < 0) {
        cs_conn_log_kind(conn, CS_LOG_ERROR, cs_h1_error_kind(x->body.error), x->head.line);
        return cs_upstream_failed(conn, 0, 502);
    }
    x->body_ended = r == CS_H1_DONE;
    return CS_MOVED;
}

/* What came with the head leaves with it. */
static int take_body(struct cs_conn *conn)
{
    struct cs_exchange *x = conn->request->exchange;
    struct cs_str data;
    size_t consumed;
    int r = decode_body(conn, cs_buf_str(&x->up->in), &consumed, &data);

    if (r != CS_MOVED)
        return r;
    encode_response(conn->request, data);
    cs_buf_consume(&x->up->in, consumed);
    return CS_MOVED;
}

/* @in, which is in the worker's piece, to the client: a little goes with the head, into one record;
 * more is written from where it lies. */
static int pass_body(struct cs_conn *conn, struct cs_str in)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    struct cs_str data;
    size_t consumed;
    int r = decode_body(conn, in, &consumed, &data);

    if (r != CS_MOVED)
        return r;
    cs_buf_add_str(&x->up->in, cs_str_skip(in, consumed)); /* behind the end: nobody's */
    if (request->out.len && data.len <= WITH_HEAD) {
        encode_response(request, data);
        return CS_MOVED;
    }
    r = write_to_client(conn);
    if (r != CS_MOVED && r != CS_STUCK)
        return r;
    request->outcome.body_sent += data.len;
    if (data.len && request->chunked)
        data = cs_piece_chunk(data);
    request->outcome.bytes_sent += cs_wire_pass(&conn->wire, data.ptr, data.len, &request->out);
    if (x->body_ended)
        encode_response(request, (struct cs_str){0});
    return CS_MOVED;
}

/* One piece of the response body, from the one wire to the other. */
static int move_body(struct cs_conn *conn)
{
    struct cs_exchange *x = conn->request->exchange;
    struct cs_str in = {0};
    enum cs_wire_result got = cs_piece_read(&conn->worker->piece, &x->up->wire, CS_PIECE, &in);
    int r = after_read(conn, got, in.len);

    if (r == CS_STEP_DONE)
        return body_at_end(conn);
    return r == CS_MOVED ? pass_body(conn, in) : r;
}

static struct cs_str keep_head(struct cs_request *request, struct cs_str in, ssize_t len)
{
    size_t start = request->exchange->scan.start;

    return len < 0 ? (struct cs_str){0}
                   : cs_arena_dup(&request->arena, cs_str_sub(in, start, (size_t)len - start));
}

/* The head has begun in an earlier read. */
static int resume_head(struct cs_conn *conn)
{
    struct cs_exchange *x = conn->request->exchange;
    ssize_t len = cs_h1_head_find(&x->scan, cs_buf_str(&x->up->in));
    struct cs_str head;

    if (len == 0)
        return fill_from_upstream(conn);
    head = keep_head(conn->request, cs_buf_str(&x->up->in), len);
    if (len > 0)
        cs_buf_consume(&x->up->in, (size_t)len);
    return understand_head(conn, head);
}

/* Usually one read gives all of it, and some of the body. */
static int read_head(struct cs_conn *conn)
{
    struct cs_exchange *x = conn->request->exchange;
    struct cs_str in = {0}, rest;
    ssize_t len;
    int r;

    if (x->up->in.len)
        return resume_head(conn);
    r = after_read(conn, cs_piece_read(&conn->worker->piece, &x->up->wire, CS_PIECE, &in), in.len);
    if (r != CS_MOVED)
        return r;
    len = cs_h1_head_find(&x->scan, in);
    rest = cs_str_skip(in, len > 0 ? (size_t)len : 0);
    if (len != 0)
        r = understand_head(conn, keep_head(conn->request, in, len));
    if (r != CS_MOVED || !x->up)
        return r;
    if (x->has_head && !x->body_ended && x->phase == CS_EXCHANGE_TRANSFER)
        return pass_body(conn, rest);
    cs_buf_add_str(&x->up->in, rest);
    return CS_MOVED;
}

/* The response is with the client. */
static int finish(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;

    request->outcome.response_ms = cs_since_start(request);
    cs_exchange_attempt(request)->response_ms = request->outcome.response_ms;
    cs_settle(request, true);
    cs_let_go(request, x->head.keep_alive && x->request_sent && x->out.len == 0 && !x->push_broken);
    x->phase = CS_EXCHANGE_OVER;
    if (!request->body_ended && !cs_body_discard(request))
        request->keep_alive = false;
    return CS_STAGE_RECORD;
}

/* One step of the response: CS_STUCK when the upstream, or the client, must be waited for. */
static int step(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    int r;

    if (!x->has_head)
        return read_head(conn);
    if (!x->body_ended && x->up->in.len)
        return take_body(conn);
    if (request->out.len)
        return write_to_client(conn);
    if (!x->body_ended)
        return move_body(conn);
    r = flush_to_client(conn);
    return r == CS_MOVED ? finish(conn) : r;
}

/* What an earlier turn could not send comes before anything that is read now. */
static int resume(struct cs_conn *conn)
{
    enum cs_wire_result r =
        conn->request->exchange->has_head ? cs_wire_flush(&conn->wire) : CS_WIRE_OK;

    if (r == CS_WIRE_OK)
        return CS_MOVED;
    return r == CS_WIRE_WAIT ? CS_STUCK : cs_client_left(conn);
}

int cs_pull(struct cs_conn *conn)
{
    struct cs_exchange *x = conn->request->exchange;
    bool moved = false;
    int r = resume(conn), flushed;

    for (int budget = BUDGET; r == CS_MOVED && budget; budget--) {
        r = step(conn);
        if (r == CS_MOVED && x->phase != CS_EXCHANGE_TRANSFER)
            return r;
        moved |= r == CS_MOVED;
    }
    if (!x->has_head || (r != CS_MOVED && r != CS_STUCK))
        return r == CS_STUCK && moved ? CS_MOVED : r;
    flushed = flush_to_client(conn);
    if (flushed != CS_MOVED && flushed != CS_STUCK)
        return flushed;
    if (r == CS_MOVED && flushed == CS_MOVED)
        return cs_take_turns(conn);
    return moved ? CS_MOVED : CS_STUCK;
}
