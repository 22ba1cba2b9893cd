/* push: the request, from the client to the upstream. A piece is read only when the one before
 * it has been written. */
#include "gateway/conn_log.h"
#include "gateway/proxying.h"
#include "gateway/stage.h"
#include "gateway/state.h"

enum { BUDGET = 8 };

/* A part of the request body. */
struct taken {
    struct cs_str data; /* decoded; at the front of conn->in, or of the worker's piece */
    size_t consumed;
    bool held; /* in conn->in, and to be taken off it */
};

int cs_client_left(struct cs_conn *conn)
{
    cs_conn_log(conn, CS_LOG_INFO, "client prematurely closed connection");
    return cs_close_silently(conn, 499);
}

bool cs_is_too_large(const struct cs_request *request, uint64_t size)
{
    uint64_t max = request->scope->set.client_max_body_size;

    return max && size > max;
}

int cs_body_too_large(struct cs_conn *conn)
{
    cs_conn_log(conn, CS_LOG_ERROR, "client intended to send too large body");
    if (conn->request->head_sent)
        return cs_client_left(conn);
    return cs_answer(conn, 413);
}

static void keep_body(struct cs_exchange *x, struct cs_str data)
{
    if (!x->body_lost && cs_buf_add_str(&x->kept, data) < 0)
        x->body_lost = true;
}

/* The next bytes of the request body: what came with the head, or else a piece from the wire.
 * *ret_held says which. */
static int next_bytes(struct cs_conn *conn, size_t max, struct cs_str *ret_in, bool *ret_held)
{
    *ret_held = conn->in.len > 0;
    *ret_in = cs_buf_str(&conn->in);
    if (*ret_held)
        return CS_MOVED;
    switch (cs_piece_read(&conn->worker->piece, &conn->wire, max, ret_in)) {
    case CS_WIRE_OK: return CS_MOVED;
    case CS_WIRE_WAIT: return CS_STUCK;
    default: return cs_client_left(conn);
    }
}

/* Some of the request body from the client, decoded. *ret_data lasts until forget_taken(), or the
 * next piece. Return: CS_MOVED, CS_STUCK or a stage. */
static int take_body(struct cs_conn *conn, size_t max, struct taken *ret)
{
    struct cs_request *request = conn->request;
    struct cs_str in = {0};
    int r = next_bytes(conn, max, &in, &ret->held);

    if (r != CS_MOVED)
        return r;
    r = cs_body_decode(&request->body, in, &ret->consumed, &ret->data);
    if (r < 0) {
        cs_conn_log_kind(conn, CS_LOG_INFO, cs_h1_error_kind(request->body.error),
                         conn->request->head.line);
        return request->head_sent ? cs_client_left(conn) : cs_answer(conn, 400);
    }
    request->body_ended = r == CS_H1_DONE;
    request->outcome.bytes_received += ret->consumed;
    request->body_received += ret->data.len;
    if (!ret->held) /* the next request may be behind the end */
        cs_buf_add_str(&conn->in, cs_str_skip(in, ret->consumed));
    if (cs_is_too_large(request, request->body_received))
        return cs_body_too_large(conn);
    return CS_MOVED;
}

/* The bytes are dealt with. */
static void forget_taken(struct cs_conn *conn, const struct taken *taken)
{
    if (taken->held)
        cs_buf_consume(&conn->in, taken->consumed);
}

/* The client waits for a word before it sends the body. */
static int invite_body(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    enum cs_wire_result r;

    if (request->body_ended || !request->head.expect_continue || conn->in.len)
        return CS_MOVED;
    if (!request->continued && !request->head_sent)
        cs_buf_add_str(&request->out, CS_STR("HTTP/1.1 100 Continue\r\n\r\n"));
    request->continued = true;
    r = cs_wire_drain(&conn->wire, &request->out);
    return r == CS_WIRE_OK ? CS_MOVED : r == CS_WIRE_WAIT ? CS_STUCK : cs_client_left(conn);
}

/* A short body is taken in whole, so that the upstream is not kept waiting by a slow client
 * and another server can be tried. */
int cs_collect(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    struct taken taken;
    int r = invite_body(conn);

    if (r != CS_MOVED)
        return r;
    while (!request->body_ended && x->kept.len < x->kept.max) {
        size_t room = x->kept.max - x->kept.len;
        if (conn->in.len > room)
            break;
        r = take_body(conn, room, &taken);
        if (r != CS_MOVED)
            return r;
        keep_body(x, taken.data);
        forget_taken(conn, &taken);
        cs_conn_deadline(conn, request->scope->set.client_body_timeout);
    }
    cs_conn_deadline(conn, 0);
    x->phase = CS_EXCHANGE_PICK;
    return CS_MOVED;
}

/* @passed: something was written since the last call. */
static int drain_to_upstream(struct cs_conn *conn, bool passed)
{
    struct cs_exchange *x = conn->request->exchange;
    size_t before = x->out.len;
    enum cs_wire_result r;

    x->request_begun |= before > 0;
    r = cs_wire_drain(&x->up->wire, &x->out);
    x->sent += before - x->out.len;
    passed |= before != x->out.len;
    if (r == CS_WIRE_OK) {
        if (x->request_sent)
            cs_shelf_return(&conn->worker->small, &x->out);
        if (x->clock == CS_CLOCK_SEND || (x->request_sent && passed))
            cs_await(conn->request, x->request_sent ? CS_CLOCK_READ : CS_CLOCK_NONE, false);
        return CS_MOVED;
    }
    if (r == CS_WIRE_WAIT) {
        cs_await(conn->request, CS_CLOCK_SEND, passed);
        return CS_STUCK;
    }
    /* the upstream may have answered before it closed: let pull() look */
    x->request_sent = x->push_broken = true;
    cs_buf_reset(&x->out);
    cs_await(conn->request, CS_CLOCK_READ, false);
    return CS_STUCK;
}

/* What was held goes behind what is in x->out already; a piece goes straight to the wire, which is
 * free to take it. Return: whether the wire took something. */
static bool pass_body(struct cs_conn *conn, const struct taken *taken)
{
    struct cs_exchange *x = conn->request->exchange;
    struct cs_str data = taken->data;
    char size[CS_H1_CHUNK_HEAD];
    size_t n;

    if (data.len == 0)
        return false;
    if (!taken->held) {
        if (x->chunk_body)
            data = cs_piece_chunk(data);
        n = cs_wire_pass(&x->up->wire, data.ptr, data.len, &x->out);
        x->sent += n;
        return n > 0;
    }
    if (x->chunk_body)
        cs_buf_add_str(&x->out, cs_h1_chunk_head(data.len, size));
    cs_buf_add_str(&x->out, data);
    if (x->chunk_body)
        cs_buf_add_str(&x->out, CS_STR("\r\n"));
    return false;
}

static void end_body(struct cs_exchange *x, struct cs_request *request)
{
    struct cs_headers trailers = {0};

    x->request_sent = true;
    if (!x->chunk_body)
        return;
    cs_h1_body_trailers(&request->body, &request->arena, &trailers);
    for (size_t i = 0; i < x->proxy->n_set; i++)
        cs_headers_remove_same(&trailers, x->proxy->set[i].name);
    cs_h1_write_last_chunk(&x->out, &trailers);
}

/* The client's time runs while its body is waited for, not while the upstream takes none. */
static void body_clock(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    bool running = cs_timer_pending(&conn->timer) || conn->timed_out;

    if (request->exchange->clock == CS_CLOCK_SEND) {
        if (running && request->out.len == 0 && !cs_wire_unsent(&conn->wire))
            cs_conn_deadline(conn, 0);
    } else if (!running) {
        cs_conn_deadline(conn, request->scope->set.client_body_timeout);
    }
}

int cs_push(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    struct taken taken;
    bool moved = false, passed = false;
    int r;

    for (int budget = BUDGET;; budget--) {
        r = drain_to_upstream(conn, passed);
        if (r != CS_MOVED || x->request_sent)
            break;
        if (budget == 0)
            return cs_take_turns(conn);
        r = invite_body(conn);
        if (r == CS_MOVED)
            r = take_body(conn, CS_PIECE, &taken);
        if (r != CS_MOVED)
            break;
        keep_body(x, taken.data);
        passed = pass_body(conn, &taken);
        if (request->body_ended)
            end_body(x, request);
        forget_taken(conn, &taken);
        cs_conn_deadline(conn, request->body_ended ? 0 : request->scope->set.client_body_timeout);
        moved = true;
    }
    if (r == CS_STUCK && !x->request_sent)
        body_clock(conn);
    return r >= 0 || r == CS_STEP_FAIL ? r : moved ? CS_MOVED : CS_STUCK;
}
