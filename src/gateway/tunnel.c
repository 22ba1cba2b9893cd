/* A tunnel, after an upgrade: bytes both ways until one side ends it or nobody speaks. */
#include "gateway/conn_log.h"
#include "gateway/proxying.h"
#include "gateway/stage.h"
#include "gateway/state.h"

enum { PIECE = 16384 };

/* Move what one side sent to the other. Return: whether that direction is at its end. */
static bool relay(struct cs_wire *from, struct cs_buf *in, struct cs_wire *to, struct cs_buf *out,
                  bool *moved, uint64_t *count)
{
    enum cs_wire_result r;

    for (;;) {
        if (out->len == 0 && in->len) {
            cs_buf_add_str(out, cs_buf_str(in));
            cs_buf_reset(in);
        }
        if (out->len) {
            size_t before = out->len;
            r = cs_wire_drain(to, out);
            *count += before - out->len;
            *moved |= before != out->len;
            if (r != CS_WIRE_OK)
                return r != CS_WIRE_WAIT;
        }
        r = cs_wire_fill(from, in, PIECE);
        if (r != CS_WIRE_OK)
            return r != CS_WIRE_WAIT;
        *moved = true;
    }
}

int cs_tunnel(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_exchange *x = request->exchange;
    bool moved = false;
    bool over = relay(&x->up->wire, &x->up->in, &conn->wire, &request->out, &moved,
                      &request->outcome.bytes_sent);

    over |= relay(&conn->wire, &conn->in, &x->up->wire, &x->out, &moved, &x->sent);
    if (moved)
        cs_upconn_deadline(x->up, request->scope->set.proxy_read_timeout);
    cs_conn_deadline(conn, 0);
    if (!over && !(x->up->timed_out && !moved))
        return CS_STUCK;
    request->outcome.response_ms = cs_since_start(request);
    cs_exchange_attempt(request)->response_ms = request->outcome.response_ms;
    cs_settle(request, true);
    cs_let_go(request, false);
    return CS_STAGE_RECORD;
}
