/* receive: wait for a request head, within limits and in time, and understand it. */
#include "gateway/conn_log.h"
#include "gateway/failure.h"
#include "gateway/stage.h"
#include "gateway/state.h"
#include "http/target.h"

enum { READ_SIZE = 4096 };

static int broken_off(struct cs_conn *conn)
{
    if (conn->request)
        cs_conn_log(conn, CS_LOG_INFO, "client prematurely closed connection");
    else if (conn->n_requests == 0)
        cs_failure_left(conn);
    return conn->request ? CS_STEP_FAIL : CS_STEP_DONE;
}

/* No request has begun. */
static int wait_idle(struct cs_conn *conn)
{
    int64_t limit_ms = conn->idle_ms;

    if (cs_conn_is_idle(conn) || conn->n_requests == 0)
        return CS_STEP_WAIT;
    if (conn->worker->draining && limit_ms > CS_DRAIN_IDLE_MS)
        limit_ms = CS_DRAIN_IDLE_MS;
    cs_list_push_back(&conn->worker->idle, &conn->idle_link);
    cs_conn_drop_input(conn);
    cs_conn_deadline(conn, limit_ms);
    return CS_STEP_WAIT;
}

static int timed_out(struct cs_conn *conn)
{
    if (!conn->request) {
        if (conn->n_requests == 0)
            cs_conn_log(conn, CS_LOG_INFO, "client timed out");
        return CS_STEP_DONE;
    }
    cs_conn_log(conn, CS_LOG_INFO, "client timed out");
    conn->request->keep_alive = false;
    return cs_answer(conn, 408);
}

static void begin(struct cs_conn *conn, bool pipelined)
{
    cs_list_remove(&conn->idle_link);
    cs_conn_deadline(conn, conn->server->set.client_header_timeout);
    cs_request_begin(conn);
    conn->request->pipelined = pipelined;
}

/* What could be seen of the request line, for the log: @seen begins with it. */
static void note_line(struct cs_request *request, struct cs_str seen)
{
    size_t n = 0;

    while (n < seen.len && n < request->limits.max_line && seen.ptr[n] != '\r' &&
           seen.ptr[n] != '\n')
        n++;
    request->head.line = cs_arena_dup(&request->arena, cs_str_sub(seen, 0, n));
}

static int refused(struct cs_conn *conn, enum cs_h1_error error)
{
    struct cs_request *request = conn->request;

    request->keep_alive = false;
    if (!request->head.line.ptr)
        note_line(request, cs_str_skip(cs_buf_str(&conn->in), request->scan.start));
    if (conn->n_requests == 1 && !conn->wire.tls)
        cs_failure_request(conn, cs_str_sub(cs_buf_str(&conn->in), 0, CS_TRANSPORT_FIRST));
    cs_conn_log_kind(conn, CS_LOG_INFO, cs_h1_error_kind(error), conn->request->head.line);
    return cs_answer(conn, (int)cs_h1_error_status(error));
}

/* The target as path and arguments. Return: the next stage. */
static int understand_target(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    const struct cs_http_target *target = &request->head.uri;
    enum cs_h1_error error = CS_H1_OK;

    if (target->form == CS_TARGET_ASTERISK)
        request->path = target->path;
    else
        error = cs_path_normalize(target->path, request->server->set.merge_slashes, &request->arena,
                                  &request->path);
    if (error != CS_H1_OK)
        return refused(conn, error);
    request->args = target->args;
    request->origin = target->origin;
    return CS_STAGE_AUTHORIZE;
}

/* conn->in holds a whole head of @len bytes. */
static int understand(struct cs_conn *conn, size_t len)
{
    struct cs_request *request = conn->request;
    struct cs_str head =
        cs_arena_dup(&request->arena, cs_str_sub(cs_buf_str(&conn->in), request->scan.start,
                                                 len - request->scan.start));
    enum cs_h1_error error;

    request->outcome.bytes_received = len;
    cs_buf_consume(&conn->in, len);
    if (conn->in.len == 0)
        cs_conn_drop_input(conn);
    cs_conn_deadline(conn, 0);
    if (cs_h1_request_parse(head, &request->limits, &request->arena, &request->head, &error) < 0) {
        note_line(request, head);
        return refused(conn, error);
    }
    request->has_head = true;
    request->method = request->head.method_text;
    request->keep_alive = request->head.keep_alive;
    if (request->head.n_dropped)
        cs_conn_log(conn, CS_LOG_INFO, "client sent invalid header line: \"%.*s\"",
                    CS_FMT(request->head.dropped));
    cs_body_begin(request);
    return understand_target(conn);
}

int cs_stage_receive(struct cs_conn *conn)
{
    ssize_t found;

    for (;;) {
        if (conn->in.len) {
            if (!conn->request)
                begin(conn, conn->n_requests > 0 && !conn->read_something);
            found = cs_h1_head_find(&conn->request->scan, cs_buf_str(&conn->in));
            if (found > 0)
                return understand(conn, (size_t)found);
            if (found < 0)
                return refused(conn, conn->request->scan.error);
        }
        switch (cs_wire_fill(&conn->wire, &conn->in, READ_SIZE)) {
        case CS_WIRE_OK: conn->read_something = true; continue;
        case CS_WIRE_WAIT:
            if (conn->timed_out)
                return timed_out(conn);
            return conn->request ? CS_STEP_WAIT : wait_idle(conn);
        default: return broken_off(conn);
        }
    }
}
