/* respond: send an answer of our own. */
#include "gateway/conn_log.h"
#include "gateway/stage.h"
#include "gateway/state.h"

enum { PIECE = 16384, DISCARD_MAX = 1 << 20 };

static bool has_body(const struct cs_request *request)
{
    return request->status >= 200 && request->status != 204 && request->status != 304;
}

/* "/path" → "https://host:port/path". */
static struct cs_str absolute(struct cs_request *request, struct cs_str to)
{
    struct cs_conn *conn = request->conn;
    const struct cs_location_settings *set = &request->scope->set;
    struct cs_str scheme = cs_conn_scheme(conn), host = request->host;
    uint16_t port = 0, standard = conn->wire.tls ? 443 : 80;
    struct cs_addr local;

    if (to.len == 0 || to.ptr[0] != '/' || !set->absolute_redirect)
        return to;
    if (host.len == 0 || set->server_name_in_redirect)
        host = request->server->name;
    if (cs_socket_local(conn->wire.fd, &local) == 0)
        port = cs_addr_port(&local);
    if (port == 0 || port == standard || !set->port_in_redirect)
        return cs_arena_printf(&request->arena, "%.*s://%.*s%.*s", CS_FMT(scheme), CS_FMT(host),
                               CS_FMT(to));
    return cs_arena_printf(&request->arena, "%.*s://%.*s:%u%.*s", CS_FMT(scheme), CS_FMT(host),
                           port, CS_FMT(to));
}

/* A short body that nobody wants is read for the sake of the connection; not one that the client
 * holds back, since what comes next may as well be another request. */
static bool worth_discarding(const struct cs_request *request)
{
    if (request->body.error || (request->head.expect_continue && !request->continued))
        return false;
    return request->head.framing == CS_H1_BODY_CHUNKED ||
           request->head.content_length <= DISCARD_MAX;
}

/* The answer is out: read the rest of the body away. */
static int discard(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;

    while (!cs_body_discard(request)) {
        enum cs_wire_result r = CS_WIRE_BROKEN;
        if (!request->body.error && request->outcome.bytes_received < DISCARD_MAX)
            r = cs_wire_fill(&conn->wire, &conn->in, PIECE);
        if (r == CS_WIRE_OK)
            continue;
        if (r == CS_WIRE_WAIT && !conn->timed_out)
            return CS_STEP_WAIT;
        request->keep_alive = false;
        break;
    }
    return CS_STAGE_RECORD;
}

static void write_answer(struct cs_request *request)
{
    bool is_head = cs_str_eq(request->method, CS_STR("HEAD"));
    int status = request->status ? request->status : 200;

    if (!cs_body_discard(request) && !worth_discarding(request))
        request->keep_alive = false;
    cs_head_begin(request, status, (struct cs_str){0});
    if (request->answer_location.ptr)
        cs_head_add(request, CS_STR("Location"), absolute(request, request->answer_location));
    if (has_body(request)) {
        cs_head_add(request, CS_STR("Content-Type"), request->answer_type);
        cs_head_add(request, CS_STR("Content-Length"),
                    cs_arena_printf(&request->arena, "%zu", request->answer_body.len));
    }
    cs_head_end(request);
    if (has_body(request) && !is_head) {
        cs_buf_add_str(&request->out, request->answer_body);
        request->outcome.body_sent = request->answer_body.len;
    }
    request->outcome.bytes_sent += request->out.len;
    cs_conn_deadline(request->conn, request->scope->set.send_timeout);
}

int cs_stage_respond(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;

    if (!request->head_sent)
        write_answer(request);
    switch (cs_wire_drain(&conn->wire, &request->out)) {
    case CS_WIRE_OK: return request->keep_alive ? discard(conn) : CS_STAGE_RECORD;
    case CS_WIRE_WAIT:
        if (!conn->timed_out)
            return CS_STEP_WAIT;
        cs_conn_log(conn, CS_LOG_INFO, "client timed out");
        break;
    default: cs_conn_log(conn, CS_LOG_INFO, "client closed connection"); break;
    }
    request->keep_alive = false;
    return CS_STAGE_RECORD;
}
