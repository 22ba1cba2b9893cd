/* The life of a request on its connection. */
#include "gateway/request.h"

#include "base/mem.h"
#include "gateway/conn.h"
#include "gateway/exchange.h"
#include "gateway/failure.h"
#include "gateway/state.h"

/* A head or one piece of a body, and their framing. */
enum { OUT_MAX = 1 << 20 };

void cs_request_begin(struct cs_conn *conn)
{
    struct cs_request *request = cs_shelf_take(&conn->worker->requests);
    const struct cs_server_settings *set = &conn->server->set;
    const struct cs_variables *variables = conn->worker->snapshot->variables;

    *request = (struct cs_request){.conn = conn};
    cs_arena_init_in(&request->arena, request + 1, CS_REQUEST_ARENA);
    request->server = conn->server;
    request->start_mono_ms = conn->worker->loop.now.mono_ms;
    request->start_wall_ms = conn->worker->loop.now.wall_ms;
    request->limits =
        (struct cs_h1_limits){.max_line = set->large_buffer_size,
                              .max_head = set->large_buffer_size * set->large_buffers,
                              .max_headers = 1000,
                              .underscores_in_headers = set->underscores_in_headers,
                              .unusual_names_in_headers = !set->ignore_invalid_headers};
    cs_h1_scan_init(&request->scan, CS_H1_REQUEST, &request->limits);
    request->outcome = (struct cs_outcome){.connect_ms = -1, .header_ms = -1, .response_ms = -1};
    request->slots = cs_arena_array(&request->arena, variables->n_slots, sizeof(struct cs_str));
    request->maps = cs_arena_array(&request->arena, variables->n_maps, sizeof(struct cs_str));
    cs_buf_init(&request->out, OUT_MAX);
    conn->request = request;
    conn->read_something = false;
    conn->n_requests++;
    cs_request_set_scope(request, conn->server->base);
}

void cs_request_end(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;

    if (!request)
        return;
    cs_failure_answered(request, 0);
    cs_exchange_end(request);
    cs_h1_body_deinit(&request->body);
    cs_shelf_return(&conn->worker->small, &request->out);
    cs_arena_deinit(&request->arena);
    cs_shelf_give(&conn->worker->requests, request);
    conn->request = NULL;
}

void cs_request_set_scope(struct cs_request *request, const struct cs_scope *scope)
{
    request->scope = scope;
    request->target.server = scope->server->name;
    request->target.location = scope->pattern;
    request->target.upstream = scope->proxy ? scope->proxy->upstream->name : (struct cs_str){0};
}

void cs_body_begin(struct cs_request *request)
{
    cs_h1_body_init(&request->body, request->head.framing, request->head.content_length,
                    &request->limits);
    request->body_ended =
        request->head.framing == CS_H1_BODY_NONE ||
        (request->head.framing == CS_H1_BODY_LENGTH && request->head.content_length == 0);
}

bool cs_body_discard(struct cs_request *request)
{
    struct cs_conn *conn = request->conn;
    struct cs_str data;
    size_t consumed = 0;
    int r = CS_H1_MORE;

    while (!request->body_ended && conn->in.len && r == CS_H1_MORE) {
        r = cs_h1_body_feed(&request->body, cs_buf_str(&conn->in), &consumed, &data);
        request->outcome.bytes_received += consumed;
        cs_buf_consume(&conn->in, consumed);
        request->body_ended = r == CS_H1_DONE;
    }
    return request->body_ended;
}

struct cs_str cs_request_joined(struct cs_request *request, struct cs_buf *buf)
{
    struct cs_str text = cs_arena_dup(&request->arena, cs_buf_str(buf));

    cs_buf_deinit(buf);
    return text;
}

struct cs_str cs_request_eval(struct cs_request *request, const struct cs_template *text)
{
    return cs_template_eval(text, &request->arena, cs_request_variable, request);
}
