/* push: the request, from the client to the upstream. A piece is read only when the one before
 * it has been written. */
#include "gateway/conn_log.h"
#include "gateway/proxying.h"
#include "gateway/stage.h"
#include "gateway/state.h"

enum { PIECE = 16384, BUDGET = 64 };

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

int cs_decode_body(struct cs_h1_body *body, struct cs_buf *buf, size_t *ret_consumed,
                   struct cs_str *ret_data)
{
    size_t done = 0, len = 0, n = 0;
    struct cs_str data = {0};
    int r;

    do {
        r = cs_h1_body_feed(body, cs_str_skip(cs_buf_str(buf), done), &n, &data);
        if (data.len && data.ptr != buf->ptr + len)
            memmove(buf->ptr + len, data.ptr, data.len);
        len += data.len;
        done += n;
    } while (r == CS_H1_MORE && done < buf->len);
    *ret_consumed = done;
    *ret_data = cs_str_make(buf->ptr, len);
    return r;
}

/* One piece of the request body from the client, decoded into *ret_data, which borrows from
 * conn->in; *ret_consumed is to be taken off it. Return: CS_MOVED, CS_STUCK or a stage. */
static int take_body(struct cs_conn *conn, size_t piece, size_t *ret_consumed,
                     struct cs_str *ret_data)
{
    struct cs_request *request = conn->request;
    int r;

    if (conn->in.len == 0) {
        switch (cs_wire_fill(&conn->wire, &conn->in, piece)) {
        case CS_WIRE_OK: break;
        case CS_WIRE_WAIT: return CS_STUCK;
        default: return cs_client_left(conn);
        }
    }
    r = cs_decode_body(&request->body, &conn->in, ret_consumed, ret_data);
    if (r < 0) {
        cs_conn_log_kind(conn, CS_LOG_INFO, cs_h1_error_kind(request->body.error),
                         conn->request->head.line);
        return request->head_sent ? cs_client_left(conn) : cs_answer(conn, 400);
    }
    request->body_ended = r == CS_H1_DONE;
    request->outcome.bytes_received += *ret_consumed;
    request->body_received += ret_data->len;
    if (cs_is_too_large(request, request->body_received))
        return cs_body_too_large(conn);
    return CS_MOVED;
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
    struct cs_str data;
    size_t consumed;
    int r = invite_body(conn);

    if (r != CS_MOVED)
        return r;
    while (!request->body_ended && x->kept.len < x->kept.max) {
        size_t room = x->kept.max - x->kept.len;
        if (conn->in.len > room)
            break;
        r = take_body(conn, room < PIECE ? room : PIECE, &consumed, &data);
        if (r != CS_MOVED)
            return r;
        keep_body(x, data);
        cs_buf_consume(&conn->in, consumed);
        cs_conn_deadline(conn, request->scope->set.client_body_timeout);
    }
    cs_conn_deadline(conn, 0);
    x->phase = CS_EXCHANGE_PICK;
    return CS_MOVED;
}

static int drain_to_upstream(struct cs_conn *conn)
{
    struct cs_exchange *x = conn->request->exchange;
    size_t before = x->out.len;
    enum cs_wire_result r;

    x->request_begun |= before > 0;
    r = cs_wire_drain(&x->up->wire, &x->out);
    x->sent += before - x->out.len;
    if (r == CS_WIRE_OK) {
        if (x->clock == CS_CLOCK_SEND || (x->request_sent && before))
            cs_await(conn->request, x->request_sent ? CS_CLOCK_READ : CS_CLOCK_NONE, false);
        return CS_MOVED;
    }
    if (r == CS_WIRE_WAIT) {
        cs_await(conn->request, CS_CLOCK_SEND, before != x->out.len);
        return CS_STUCK;
    }
    /* the upstream may have answered before it closed: let pull() look */
    x->request_sent = x->push_broken = true;
    cs_buf_reset(&x->out);
    cs_await(conn->request, CS_CLOCK_READ, false);
    return CS_STUCK;
}

static void encode_body(struct cs_exchange *x, struct cs_request *request, struct cs_str data)
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
        cs_h1_body_trailers(&request->body, &request->arena, &trailers);
        for (size_t i = 0; i < x->proxy->n_set; i++)
            cs_headers_remove_same(&trailers, x->proxy->set[i].name);
        cs_h1_write_last_chunk(&x->out, &trailers);
    }
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
    struct cs_str data;
    size_t consumed;
    bool moved = false;
    int r;

    for (int budget = BUDGET;; budget--) {
        if (budget == 0)
            return cs_take_turns(conn);
        r = drain_to_upstream(conn);
        if (r != CS_MOVED || x->request_sent)
            break;
        r = invite_body(conn);
        if (r == CS_MOVED)
            r = take_body(conn, PIECE, &consumed, &data);
        if (r != CS_MOVED)
            break;
        keep_body(x, data);
        encode_body(x, request, data);
        cs_buf_consume(&conn->in, consumed);
        cs_conn_deadline(conn, request->body_ended ? 0 : request->scope->set.client_body_timeout);
        moved = true;
    }
    if (r == CS_STUCK && !x->request_sent)
        body_clock(conn);
    return r >= 0 || r == CS_STEP_FAIL ? r : moved ? CS_MOVED : CS_STUCK;
}
