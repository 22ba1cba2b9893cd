/* A tunnel, after an upgrade: bytes both ways until one side ends it or nobody speaks. */
#include "gateway/conn_log.h"
#include "gateway/proxying.h"
#include "gateway/stage.h"
#include "gateway/state.h"

enum { BUDGET = 8 };

/* One direction: @held is what came before the tunnel was there, @rest what @to did not take. */
struct lane {
    struct cs_wire *from, *to;
    struct cs_buf *held, *rest;
    uint64_t *count;
};

/* Move what one side sent to the other; CS_WIRE_OK when there may be more. */
static enum cs_wire_result relay(struct cs_piece *piece, const struct lane *lane, bool *moved)
{
    enum cs_wire_result r = CS_WIRE_OK;
    struct cs_str bytes;

    cs_buf_add_str(lane->rest, cs_buf_str(lane->held));
    cs_buf_reset(lane->held);
    for (int budget = BUDGET;; budget--) {
        size_t before = lane->rest->len;
        r = cs_wire_drain(lane->to, lane->rest);
        *lane->count += before - lane->rest->len;
        *moved |= before != lane->rest->len;
        if (r != CS_WIRE_OK || budget == 0)
            return r;
        r = cs_piece_read(piece, lane->from, CS_PIECE, &bytes);
        if (r != CS_WIRE_OK)
            return r;
        *moved = true;
        *lane->count += cs_wire_pass(lane->to, bytes.ptr, bytes.len, lane->rest);
    }
}

int cs_tunnel(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    bool moved = false;
    struct cs_piece *piece = &conn->worker->piece;
    struct lane down = {&x->up->wire, &conn->wire, &x->up->in, &request->out,
                        &request->outcome.bytes_sent};
    struct lane up = {&conn->wire, &x->up->wire, &conn->in, &x->out, &x->sent};
    enum cs_wire_result r_down = relay(piece, &down, &moved), r_up = relay(piece, &up, &moved);

    if (moved)
        cs_await(request, CS_CLOCK_READ, true);
    cs_conn_deadline(conn, 0);
    if (r_down <= CS_WIRE_WAIT && r_up <= CS_WIRE_WAIT && !(x->up->timed_out && !moved))
        return r_down == CS_WIRE_OK || r_up == CS_WIRE_OK ? cs_take_turns(conn) : CS_STUCK;
    request->outcome.response_ms = cs_since_start(request);
    cs_exchange_attempt(request)->response_ms = request->outcome.response_ms;
    cs_settle(request, true);
    cs_let_go(request, false);
    return CS_STAGE_RECORD;
}
