/* Counted when asked for: nothing is kept for it. */
#include "gateway/tally.h"

#include <unistd.h>

#include "gateway/conn.h"
#include "gateway/message.h"
#include "gateway/state.h"
#include "x509/revoked.h"

int cs_tell_tally(struct cs_worker *worker, struct cs_channel_message *message,
                  struct cs_buf *reply)
{
    struct cs_tally tally = {
        .pid = (uint64_t)getpid(),
        .draining = worker->draining,
        .connections = worker->n_conns,
        .upstreams = worker->n_upconns,
        .cut = worker->cuts.n,
        .revoked = worker->revoked ? cs_revoked_set_count(worker->revoked) : 0,
    };

    CS_LIST_FOREACH (link, &worker->conns) {
        const struct cs_conn *conn = cs_container_of(link, struct cs_conn, link);
        tally.verified += conn->verdict && conn->verdict->accepted;
        tally.idle += cs_conn_is_idle(conn);
    }
    return cs_buf_add(reply, &tally, sizeof(tally));
}
