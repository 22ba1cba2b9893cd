/* proxy: one request through one upstream, or several when nginx would try the next.
 *
 * Two pumps share the work: push moves the request to the upstream, pull the response to the
 * client. Each moves what it can and says whether it did; the stage waits when neither can. */
#include "base/panic.h"
#include "gateway/conn_log.h"
#include "gateway/proxying.h"
#include "gateway/stage.h"
#include "gateway/state.h"

int cs_take_turns(struct cs_conn *conn)
{
    cs_watch_kick(&conn->worker->loop, &conn->wire.watch);
    return CS_STUCK;
}

static int transfer(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    int r = cs_push(conn);

    if (r >= 0 || r == CS_STEP_FAIL)
        return r;
    r = cs_pull(conn);
    if (r != CS_STUCK || x->phase != CS_EXCHANGE_TRANSFER)
        return r;
    if (conn->timed_out) {
        cs_conn_log(conn, CS_LOG_INFO, "client timed out");
        if (!request->head_sent && !request->body_ended)
            return cs_answer(conn, 408);
        return cs_client_left(conn);
    }
    if (x->up->timed_out && x->clock == CS_CLOCK_SEND)
        return cs_upstream_late(conn, "sending request to upstream");
    return CS_STUCK;
}

/* Nobody is there any more to take the answer. */
static bool has_client_left(const struct cs_conn *conn)
{
    const struct cs_request *request = conn->request;
    enum cs_exchange_phase phase = request->exchange->phase;

    return (phase == CS_EXCHANGE_CONNECT || phase == CS_EXCHANGE_TRANSFER) &&
           cs_wire_hangup(&conn->wire) && request->body_ended && conn->in.len == 0 &&
           !request->scope->set.proxy_ignore_client_abort;
}

int cs_stage_proxy(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    int r = CS_MOVED;

    cs_assert(request->permit != NULL);
    if (!request->exchange || request->exchange->phase == CS_EXCHANGE_OVER) {
        if (!request->without_body && request->head.framing == CS_H1_BODY_LENGTH &&
            cs_is_too_large(request, request->head.content_length))
            return cs_body_too_large(conn);
        cs_exchange_begin(conn, request->permit);
    }
    while (r == CS_MOVED) {
        switch (request->exchange->phase) {
        case CS_EXCHANGE_COLLECT: r = cs_collect(conn); break;
        case CS_EXCHANGE_PICK: r = cs_exchange_pick(conn); break;
        case CS_EXCHANGE_CONNECT: r = cs_exchange_connect(conn); break;
        case CS_EXCHANGE_TRANSFER: r = transfer(conn); break;
        case CS_EXCHANGE_TUNNEL: r = cs_tunnel(conn); break;
        case CS_EXCHANGE_OVER: cs_assert(false); break;
        }
    }
    if (r != CS_STUCK)
        return r;
    if (request->exchange->phase == CS_EXCHANGE_COLLECT && conn->timed_out) {
        cs_conn_log(conn, CS_LOG_INFO, "client timed out");
        return cs_answer(conn, 408);
    }
    if (has_client_left(conn))
        return cs_client_left(conn);
    return CS_STEP_WAIT;
}
