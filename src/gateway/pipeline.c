/* The pipeline: a table of stages and the runner that walks it. */
#include "base/panic.h"
#include "gateway/conn_log.h"
#include "gateway/stage.h"
#include "gateway/state.h"
#include "tls/session.h"

static int (*const stages[])(struct cs_conn *) = {
    [CS_STAGE_ACCEPT] = cs_stage_accept,   [CS_STAGE_HANDSHAKE] = cs_stage_handshake,
    [CS_STAGE_VERIFY] = cs_stage_verify,   [CS_STAGE_IDENTIFY] = cs_stage_identify,
    [CS_STAGE_RECEIVE] = cs_stage_receive, [CS_STAGE_AUTHORIZE] = cs_stage_authorize,
    [CS_STAGE_ROUTE] = cs_stage_route,     [CS_STAGE_PROXY] = cs_stage_proxy,
    [CS_STAGE_RESPOND] = cs_stage_respond, [CS_STAGE_RECORD] = cs_stage_record,
    [CS_STAGE_DONE] = cs_linger,
};

/* Steps before others have their turn: a client may send requests faster than they are answered. */
enum { BUDGET = 256 };

void cs_conn_run(struct cs_conn *conn)
{
    int step = CS_STEP_WAIT;

    for (int budget = BUDGET; !conn->closing; budget--) {
        if (budget == 0) {
            cs_watch_kick(&conn->worker->loop, &conn->wire.watch);
            return;
        }
        step = stages[conn->stage](conn);
        if (step < 0)
            break;
        cs_assert((size_t)step < sizeof(stages) / sizeof(stages[0]));
        if (conn->stage != (enum cs_stage)step)
            cs_conn_log(conn, CS_LOG_DEBUG, "%s done, next is %s", cs_stage_name(conn->stage),
                        cs_stage_name((enum cs_stage)step));
        conn->stage = (enum cs_stage)step;
    }
    if (step == CS_STEP_DONE && conn->wire.tls && !conn->lingering)
        cs_tls_shutdown(conn->wire.tls);
    if (step == CS_STEP_DONE || step == CS_STEP_FAIL)
        cs_conn_close(conn);
}
