/* The life of a connection: accepted, run through its stages, reaped. */
#include "gateway/conn.h"

#include "base/mem.h"
#include "gateway/request.h"
#include "gateway/state.h"
#include "tls/session.h"

/* What a client may have sent ahead of what was consumed. */
enum { IN_MAX = 1 << 20 };

static void on_ready(struct cs_watch *watch)
{
    struct cs_conn *conn = cs_container_of(watch, struct cs_conn, wire.watch);

    cs_wire_event(&conn->wire);
    cs_conn_run(conn);
}

static void on_deadline(struct cs_timer *timer)
{
    struct cs_conn *conn = cs_container_of(timer, struct cs_conn, timer);

    conn->timed_out = true;
    cs_conn_run(conn);
}

static void reap(struct cs_task *task)
{
    struct cs_conn *conn = cs_container_of(task, struct cs_conn, reap);

    cs_remembered_unref(conn->remembered);
    cs_credentials_unref(conn->credentials);
    cs_arena_deinit(&conn->judged);
    cs_arena_deinit(&conn->arena);
    free(conn);
}

void cs_conn_accept(struct cs_worker *worker, const struct cs_listener *listener, int fd,
                    const struct cs_addr *peer)
{
    struct cs_conn *conn = CS_NEW(struct cs_conn);

    conn->worker = worker;
    conn->listener = listener;
    conn->server = listener->tls ? listener->nameless : listener->default_server;
    conn->verify_alert = -1;
    conn->client = *peer;
    conn->number = worker->next_number++;
    conn->accepted_ms = worker->loop.now.mono_ms;
    conn->timer.fire = on_deadline;
    conn->reap.run = reap;
    cs_list_init(&conn->idle_link);
    cs_buf_init(&conn->in, IN_MAX);
    if (cs_wire_open(&conn->wire, &worker->loop, fd, &worker->small, on_ready) < 0) {
        free(conn);
        return;
    }
    cs_conn_take_credentials(conn);
    cs_list_push_back(&worker->conns, &conn->link);
    worker->n_conns++;
    cs_conn_deadline(conn, conn->server->set.client_header_timeout);
}

void cs_conn_take_credentials(struct cs_conn *conn)
{
    struct cs_credentials *now = cs_worker_credentials(conn->worker, conn->server);

    if (now == conn->credentials)
        return;
    cs_credentials_unref(conn->credentials);
    conn->credentials = cs_credentials_ref(now);
}

void cs_conn_drop_input(struct cs_conn *conn)
{
    cs_shelf_return(&conn->worker->small, &conn->in);
}

void cs_conn_deadline(struct cs_conn *conn, int64_t in_ms)
{
    struct cs_loop *loop = &conn->worker->loop;

    conn->timed_out = false;
    if (in_ms > 0)
        cs_timer_set(loop, &conn->timer, loop->now.mono_ms + in_ms);
    else
        cs_timer_cancel(loop, &conn->timer);
}

void cs_conn_close(struct cs_conn *conn)
{
    if (conn->closing)
        return;
    conn->closing = true;
    cs_request_end(conn);
    cs_responders_leave(conn);
    cs_timer_cancel(&conn->worker->loop, &conn->timer);
    cs_wire_close(&conn->wire);
    cs_conn_drop_input(conn);
    cs_list_remove(&conn->link);
    cs_list_remove(&conn->idle_link);
    conn->worker->n_conns--;
    cs_loop_defer(&conn->worker->loop, &conn->reap);
    cs_worker_left(conn->worker);
}

bool cs_conn_is_idle(const struct cs_conn *conn)
{
    return !cs_list_empty(&conn->idle_link);
}

struct cs_str cs_conn_scheme(const struct cs_conn *conn)
{
    return conn->wire.tls ? CS_STR("https") : CS_STR("http");
}

struct cs_record cs_conn_record(const struct cs_conn *conn, struct cs_peer *peer)
{
    const struct cs_request *request = conn->request;
    struct cs_record record = {.stage = conn->stage,
                               .peer = peer,
                               .handshake = conn->wire.tls ? cs_tls_facts(conn->wire.tls) : NULL,
                               .verdict = conn->verdict};

    *peer = (struct cs_peer){.addr = conn->client,
                             .socket_addr = conn->client,
                             .number = conn->number,
                             .accepted_ms = conn->accepted_ms};
    if (conn->identity.text.len)
        record.identity = &conn->identity;
    if (request) {
        record.decision = request->admission.kind ? &request->admission : &request->decision;
        record.target = &request->target;
        record.outcome = &request->outcome;
    }
    return record;
}
