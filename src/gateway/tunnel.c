/* A tunnel, after an upgrade: bytes both ways until one side ends it or nobody speaks. */
#include "gateway/conn_log.h"
#include "gateway/proxying.h"
#include "gateway/stage.h"
#include "gateway/state.h"

enum { PIECE = 16384, BUDGET = 64 };

/* Move what one side sent to the other; CS_WIRE_OK when there may be more. */
static enum cs_wire_result relay(struct cs_wire *from, struct cs_buf *in, struct cs_wire *to,
                                 struct cs_buf *out, bool *moved, uint64_t *count)
{
    enum cs_wire_result r = CS_WIRE_OK;

    for (int budget = BUDGET; budget && r == CS_WIRE_OK; budget--) {
        if (out->len == 0 && in->len) {
            cs_buf_add_str(out, cs_buf_str(in));
            cs_buf_reset(in);
        }
        if (out->len || cs_wire_unsent(to)) {
            size_t before = out->len;
            r = cs_wire_drain(to, out);
            *count += before - out->len;
            *moved |= before != out->len;
            if (r != CS_WIRE_OK)
                break;
        }
        r = cs_wire_fill(from, in, PIECE);
        *moved |= r == CS_WIRE_OK;
    }
    return r;
}

int cs_tunnel(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    bool moved = false;
    enum cs_wire_result down = relay(&x->up->wire, &x->up->in, &conn->wire, &request->out, &moved,
                                     &request->outcome.bytes_sent);
    enum cs_wire_result up = relay(&conn->wire, &conn->in, &x->up->wire, &x->out, &moved, &x->sent);

    if (moved)
        cs_await(request, CS_CLOCK_READ, true);
    cs_conn_deadline(conn, 0);
    if (down <= CS_WIRE_WAIT && up <= CS_WIRE_WAIT && !(x->up->timed_out && !moved))
        return down == CS_WIRE_OK || up == CS_WIRE_OK ? cs_take_turns(conn) : CS_STUCK;
    request->outcome.response_ms = cs_since_start(request);
    cs_exchange_attempt(request)->response_ms = request->outcome.response_ms;
    cs_settle(request, true);
    cs_let_go(request, false);
    return CS_STAGE_RECORD;
}
