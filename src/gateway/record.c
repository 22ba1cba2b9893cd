/* record: write the access log; then the next request, or the end of the connection. */
#include "gateway/access_log.h"
#include "gateway/stage.h"
#include "gateway/state.h"
#include "tls/session.h"

/* How long an ended connection is listened to, for bytes that were on their way. */
enum { LINGER_MS = 5000, LINGER_BYTES = 16384, LINGER_BUDGET = 64 };

static bool client_may_still_send(const struct cs_conn *conn)
{
    return !conn->request->body_ended || conn->worker->draining || conn->cut_by_ms ||
           !conn->request->has_head || conn->in.len || cs_wire_pending(&conn->wire);
}

int cs_linger_begin(struct cs_conn *conn)
{
    conn->lingering = true;
    cs_socket_shutdown_write(conn->wire.fd);
    cs_conn_deadline(conn, LINGER_MS);
    return CS_STAGE_DONE;
}

static int end_connection(struct cs_conn *conn)
{
    bool linger = client_may_still_send(conn) && !cs_wire_hangup(&conn->wire);

    bool cut_off = conn->request->cut_off;

    cs_request_end(conn);
    if (cut_off)
        return CS_STEP_FAIL;
    if (!linger)
        return CS_STEP_DONE;
    if (conn->wire.tls)
        cs_tls_shutdown(conn->wire.tls);
    return cs_linger_begin(conn);
}

int cs_stage_record(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    bool more = request->keep_alive && !conn->cut_by_ms;
    int64_t idle_ms = request->scope->set.keepalive_timeout;

    cs_access_log(request);
    conn->timed_out = false;
    if (!more)
        return end_connection(conn);
    cs_request_end(conn);
    conn->idle_ms = idle_ms;
    return CS_STAGE_RECEIVE;
}

int cs_linger(struct cs_conn *conn)
{
    char bytes[LINGER_BYTES];
    size_t n = 0;
    enum cs_wire_result r;

    if (conn->timed_out)
        return CS_STEP_DONE;
    for (int budget = LINGER_BUDGET; budget; budget--) {
        r = cs_wire_read(&conn->wire, bytes, sizeof(bytes), &n);
        if (r != CS_WIRE_OK)
            return r == CS_WIRE_WAIT ? CS_STEP_WAIT : CS_STEP_DONE;
    }
    cs_watch_kick(&conn->worker->loop, &conn->wire.watch);
    return CS_STEP_WAIT;
}
