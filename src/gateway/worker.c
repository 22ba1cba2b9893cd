/* A worker's life: open logs, drop privileges, listen, serve, drain, leave. */
#include "gateway/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "gateway/conn.h"
#include "gateway/message.h"
#include "gateway/request.h"
#include "gateway/state.h"
#include "io/signals.h"

enum {
    ACCEPT_BATCH = 64,
    FULL_BATCHES = 8, /* in a row, before more are tried */
    PAUSE_MS = 500,
    COMPLAINT_MS = 1000,
    REMEMBERED_CHAINS = 4096,
    SHED_MAX = 16,
    SMALL_BLOCK = 4096,
    LARGE_BLOCK = 16384,
    KEPT_BLOCKS = 16,
    KEPT_REQUESTS = 128,
};

static void log_main(struct cs_worker *worker, enum cs_log_level level, const char *text)
{
    const struct cs_snapshot *s = worker->snapshot;

    cs_logs_error(&worker->logs, s->error_logs, s->n_error_logs, level, &worker->loop.now, 0,
                  cs_str_from(text));
}

/* ---- accepting ---- */

static void pause_accept(struct cs_worker *worker)
{
    if (worker->paused)
        return;
    worker->paused = true;
    for (size_t i = 0; i < worker->n_listenings; i++)
        cs_watch_pause(&worker->listenings[i].watch);
    cs_timer_set(&worker->loop, &worker->resume_accept, worker->loop.now.mono_ms + PAUSE_MS);
}

static void resume_accept(struct cs_worker *worker)
{
    if (!worker->paused || worker->draining)
        return;
    worker->paused = false;
    cs_timer_cancel(&worker->loop, &worker->resume_accept);
    for (size_t i = 0; i < worker->n_listenings; i++)
        cs_watch_resume(&worker->listenings[i].watch);
}

static void on_resume(struct cs_timer *timer)
{
    resume_accept(cs_container_of(timer, struct cs_worker, resume_accept));
}

/* Room for one more: the connection that has been idle for longest makes it. */
bool cs_worker_make_room(struct cs_worker *worker)
{
    struct cs_conn *oldest;

    if (worker->n_conns + worker->n_upconns < (size_t)worker->snapshot->core.worker_connections)
        return true;
    if (cs_pools_make_room(&worker->pools))
        return true;
    if (cs_list_empty(&worker->idle)) {
        log_main(worker, CS_LOG_ALERT, "worker_connections are not enough");
        return false;
    }
    if (worker->loop.now.mono_ms >= worker->next_complaint_ms) {
        log_main(worker, CS_LOG_WARN, "worker_connections are not enough, reusing connections");
        worker->next_complaint_ms = worker->loop.now.mono_ms + COMPLAINT_MS;
    }
    oldest = cs_container_of(worker->idle.next, struct cs_conn, idle_link);
    cs_conn_close(oldest);
    return true;
}

static void out_of_descriptors(struct cs_worker *worker, int fd, int error)
{
    char text[128];

    snprintf(text, sizeof(text), "accept4() failed (%d: %s)", error, strerror(error));
    log_main(worker, CS_LOG_CRIT, text);
    if (!cs_list_empty(&worker->idle))
        cs_conn_close(cs_container_of(worker->idle.next, struct cs_conn, idle_link));
    else
        cs_shed(&worker->reserve, fd, SHED_MAX);
    pause_accept(worker);
}

/* As many as came together of late: the call that finds nobody waiting costs as much as one that
 * does, and whoever is left makes the next event. */
static void on_listen(struct cs_watch *watch)
{
    struct cs_listening *listening = cs_container_of(watch, struct cs_listening, watch);
    struct cs_worker *worker = listening->worker;

    for (int i = 0; i < listening->batch && !worker->paused && !worker->draining; i++) {
        struct cs_addr peer;
        int fd;
        if (!cs_worker_make_room(worker)) {
            pause_accept(worker);
            return;
        }
        fd = cs_accept(listening->fd, &peer);
        if (fd == -EAGAIN) {
            listening->batch = i > 0 ? i : 1;
            listening->full = 0;
            return;
        }
        if (fd >= 0)
            cs_conn_accept(worker, listening->listener, fd, &peer);
        else if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM)
            out_of_descriptors(worker, listening->fd, -fd);
    }
    if (++listening->full % FULL_BATCHES == 0 && listening->batch < ACCEPT_BATCH)
        listening->batch *= 2;
}

static int listen_all(struct cs_worker *worker, const int *fds)
{
    worker->n_listenings = worker->snapshot->n_listeners;
    worker->listenings = cs_alloc(worker->n_listenings * sizeof(*worker->listenings));
    for (size_t i = 0; i < worker->n_listenings; i++) {
        struct cs_listening *listening = &worker->listenings[i];
        int r;
        listening->worker = worker;
        listening->listener = &worker->snapshot->listeners[i];
        listening->fd = fds[i];
        listening->batch = 1;
        r = cs_watch_add_listener(&worker->loop, &listening->watch, fds[i], on_listen);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- leaving ---- */

void cs_worker_left(struct cs_worker *worker)
{
    if (worker->draining && worker->n_conns == 0)
        cs_loop_stop(&worker->loop);
    else
        resume_accept(worker);
}

static void on_shutdown(struct cs_timer *timer)
{
    cs_loop_stop(&cs_container_of(timer, struct cs_worker, shutdown)->loop);
}

/* A kept-alive connection may still bring a request, whose answer will say close; but it does not
 * hold up a worker that is to leave for as long as it might otherwise stay. */
static void limit_idle(struct cs_worker *worker)
{
    int64_t now = worker->loop.now.mono_ms;

    CS_LIST_FOREACH (link, &worker->idle) {
        struct cs_conn *conn = cs_container_of(link, struct cs_conn, idle_link);
        if (conn->timer.deadline_ms - now > CS_DRAIN_IDLE_MS)
            cs_conn_deadline(conn, CS_DRAIN_IDLE_MS);
    }
}

/* No new connections; those that stand are ended when their request has been answered. */
static void drain(struct cs_worker *worker)
{
    int64_t limit = worker->snapshot->core.worker_shutdown_timeout_ms;

    if (worker->draining)
        return;
    log_main(worker, CS_LOG_NOTICE, "gracefully shutting down");
    worker->draining = true;
    for (size_t i = 0; i < worker->n_listenings; i++)
        cs_watch_remove(&worker->listenings[i].watch);
    limit_idle(worker);
    if (limit > 0)
        cs_timer_set(&worker->loop, &worker->shutdown, worker->loop.now.mono_ms + limit);
    cs_worker_left(worker);
}

static void on_signal(struct cs_signals *signals, int number, pid_t sender)
{
    struct cs_worker *worker = cs_container_of(signals, struct cs_worker, signals);
    const struct cs_sink *failed = NULL;

    switch (number) {
    case SIGTERM:
    case SIGINT: cs_loop_stop(&worker->loop); break;
    case SIGQUIT: drain(worker); break;
    case SIGUSR1: cs_sinks_reopen(&worker->logs.sinks, (uid_t)-1, &failed); break;
    default: break;
    }
}

static void close_all(struct cs_worker *worker)
{
    worker->draining = true;
    CS_LIST_FOREACH_SAFE (link, &worker->conns) {
        struct cs_conn *conn = cs_container_of(link, struct cs_conn, link);
        cs_conn_close(conn);
    }
    cs_pools_deinit(&worker->pools);
    cs_loop_turn(&worker->loop, 0); /* reap */
}

/* ---- the whole ---- */

static int prepare(struct cs_worker *worker, const struct cs_worker_spec *spec)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGUSR1};
    size_t failed = 0;
    int r;

    worker->snapshot = spec->snapshot;
    worker->counters = spec->counters;
    worker->admissions = spec->admissions;
    worker->revoked = spec->revoked;
    cs_responders_init(worker, spec->standings);
    cs_list_init(&worker->conns);
    cs_list_init(&worker->idle);
    worker->next_number = 1;
    worker->resume_accept.fire = on_resume;
    worker->shutdown.fire = on_shutdown;
    gethostname(worker->hostname, sizeof(worker->hostname) - 1);
    r = cs_loop_init(&worker->loop);
    r = r < 0 ? r : cs_worker_listen(worker, spec->channel_fd);
    if (r < 0)
        return r;
    r = cs_logs_open(&worker->logs, spec->snapshot, &failed);
    if (r < 0)
        return r;
    r = spec->drop_privileges ? spec->drop_privileges(spec->ctx) : 0;
    if (r < 0)
        return r;
    cs_logs_start(&worker->logs, &worker->loop);
    cs_incidents_init(worker);
    cs_tls_io_init(&worker->tls_io, &worker->loop.now);
    cs_piece_init(&worker->piece);
    cs_shelf_init(&worker->requests, CS_REQUEST_BLOCK, KEPT_REQUESTS);
    cs_shelf_init(&worker->small, SMALL_BLOCK, KEPT_BLOCKS);
    cs_shelf_init(&worker->large, LARGE_BLOCK, KEPT_BLOCKS);
    cs_pools_init(&worker->pools, spec->snapshot);
    worker->memory = cs_chain_memory_new(REMEMBERED_CHAINS);
    r = cs_cuts_init(worker);
    if (r < 0)
        return r;
    cs_reserve_init(&worker->reserve);
    r = cs_signals_init(&worker->signals, &worker->loop, numbers,
                        sizeof(numbers) / sizeof(numbers[0]), on_signal);
    r = r < 0 ? r : listen_all(worker, spec->listen_fds);
    return r < 0 ? r : cs_worker_ready(worker);
}

int cs_worker_run(const struct cs_worker_spec *spec)
{
    struct cs_worker *worker = CS_NEW(struct cs_worker);
    int r = prepare(worker, spec);

    if (r < 0) {
        dprintf(spec->error_log_fd, "countersign: worker cannot start: %s\n", strerror(-r));
        return 2;
    }
    cs_loop_run(&worker->loop);
    close_all(worker);
    cs_cuts_deinit(worker);
    cs_responders_deinit(worker);
    cs_channel_deinit(&worker->channel);
    cs_renew_deinit(worker);
    cs_incidents_deinit(worker);
    cs_signals_deinit(&worker->signals);
    cs_reserve_deinit(&worker->reserve);
    cs_piece_deinit(&worker->piece);
    cs_tls_io_deinit(&worker->tls_io);
    cs_shelf_deinit(&worker->requests);
    cs_shelf_deinit(&worker->small);
    cs_shelf_deinit(&worker->large);
    cs_chain_memory_free(worker->memory);
    cs_logs_close(&worker->logs);
    cs_loop_deinit(&worker->loop);
    free(worker->listenings);
    free(worker);
    return 0;
}
