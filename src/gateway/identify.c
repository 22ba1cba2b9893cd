/* identify: who the verified leaf stands for. Nothing else is ever asked. */
#include "base/fast.h"
#include "gateway/conn_log.h"
#include "gateway/stage.h"
#include "gateway/state.h"

/* A certificate that claims a SPIFFE ID it cannot have stands for nobody. */
static void read_identity(struct cs_conn *conn)
{
    const struct cs_identity *known = conn->remembered && cs_fast(CS_FAST_IDENTITY)
                                          ? cs_remembered_identity0(conn->remembered)
                                          : NULL;
    struct cs_findings findings;

    if (known) {
        conn->identity = *known;
        return;
    }
    cs_findings_init(&findings, &conn->arena);
    if (cs_identity_from_cert(conn->verdict->leaf, &conn->arena, &findings, &conn->identity) != 0)
        cs_conn_log_finding(conn, CS_LOG_INFO, findings.last);
}

int cs_stage_identify(struct cs_conn *conn)
{
    if (conn->verdict && conn->verdict->accepted)
        read_identity(conn);
    return CS_STAGE_RECEIVE;
}
