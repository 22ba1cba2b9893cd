/* Listening: who is let in, who makes room, and how it ends. */
#include "serve/server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "serve/state.h"
#include "tls/server.h"
#include "x509/trust.h"

enum {
    ACCEPT_BATCH = 16,
    PAUSE_MS = 100,
    SHED_MAX = 16,
    BLOCK = 4096,
    KEPT_BLOCKS = 64,
    SCRATCH_MAX = 1 << 20,
    LINE_MAX = 2048,
};

void cs_server_log(const struct cs_server *server, enum cs_log_level level, const char *fmt, ...)
{
    struct cs_buf line;
    va_list ap;

    cs_buf_init(&line, LINE_MAX);
    va_start(ap, fmt);
    if (cs_buf_vaddf(&line, fmt, ap) == 0)
        server->spec.log(server->spec.ctx, level, cs_buf_str(&line));
    va_end(ap);
    cs_buf_deinit(&line);
}

/* ---- accepting ---- */

static void pause_accept(struct cs_server *server)
{
    if (server->paused || server->draining)
        return;
    server->paused = true;
    for (size_t i = 0; i < server->spec.n_listens; i++)
        cs_watch_pause(&server->listenings[i].watch);
    cs_timer_set(server->spec.loop, &server->resume, server->spec.loop->now.mono_ms + PAUSE_MS);
}

static void on_resume(struct cs_timer *timer)
{
    struct cs_server *server = cs_container_of(timer, struct cs_server, resume);

    server->paused = false;
    for (size_t i = 0; i < server->spec.n_listens && !server->draining; i++)
        cs_watch_resume(&server->listenings[i].watch);
}

static void on_listen(struct cs_watch *watch)
{
    struct cs_listening *listening = cs_container_of(watch, struct cs_listening, watch);
    struct cs_server *server = listening->server;
    struct cs_addr peer;
    int fd;

    for (int i = 0; i < ACCEPT_BATCH && !server->paused; i++) {
        if (cs_crowd_is_stuck(server)) {
            cs_server_log(server, CS_LOG_WARN, "%zu connections are all there may be",
                          server->crowd.n);
            pause_accept(server);
            return;
        }
        fd = cs_accept(listening->what.fd, &peer);
        if (fd >= 0 && cs_crowd_make_room(server, &peer)) {
            cs_serving_accept(server, fd, listening->what.tls, &peer);
        } else if (fd >= 0) {
            close(fd);
        } else if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) {
            cs_server_log(server, CS_LOG_CRIT, "accept4() failed (%d: %s)", -fd, strerror(-fd));
            cs_shed(&server->reserve, listening->what.fd, SHED_MAX);
            pause_accept(server);
        } else if (fd == -EAGAIN) {
            return;
        }
    }
}

static int listen_all(struct cs_server *server)
{
    const struct cs_server_spec *spec = &server->spec;

    server->listenings = cs_alloc(spec->n_listens * sizeof(*server->listenings));
    for (size_t i = 0; i < spec->n_listens; i++) {
        struct cs_listening *listening = &server->listenings[i];
        int r;
        listening->server = server;
        listening->what = spec->listens[i];
        r = cs_watch_add_listener(spec->loop, &listening->watch, listening->what.fd, on_listen);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- leaving ---- */

static void tell_done(struct cs_task *task)
{
    struct cs_server *server = cs_container_of(task, struct cs_server, tell_done);

    if (server->done)
        server->done(server->spec.ctx);
}

void cs_server_left(struct cs_server *server)
{
    if (server->draining && server->crowd.n == 0 && !server->tell_done.deferred)
        cs_loop_defer(server->spec.loop, &server->tell_done);
    else if (server->paused)
        cs_timer_set(server->spec.loop, &server->resume, server->spec.loop->now.mono_ms);
}

void cs_server_drain(struct cs_server *server, void (*done)(void *ctx))
{
    server->done = done;
    if (server->draining)
        return;
    server->draining = true;
    for (size_t i = 0; i < server->spec.n_listens; i++)
        cs_watch_remove(&server->listenings[i].watch);
    CS_LIST_FOREACH_SAFE (link, &server->conns) {
        struct cs_serving *conn = cs_container_of(link, struct cs_serving, link);
        if (conn->stream)
            cs_serving_end_stream(conn);
        else if (cs_serving_idle(conn))
            cs_serving_deadline(conn, CS_DRAIN_IDLE_MS);
    }
    if (server->crowd.n == 0)
        cs_loop_defer(server->spec.loop, &server->tell_done);
}

/* ---- the whole ---- */

int cs_server_new(const struct cs_server_spec *spec, struct cs_server **ret_server)
{
    struct cs_server *server = CS_NEW(struct cs_server);
    int r;

    server->spec = *spec;
    server->h1 = CS_H1_LIMITS_DEFAULT;
    server->h1.max_head = spec->limits.max_head;
    server->h1.max_headers = 100;
    server->resume.fire = on_resume;
    server->tell_done.run = tell_done;
    cs_list_init(&server->conns);
    cs_crowd_init(&server->crowd);
    cs_tls_io_init(&server->tls_io, &spec->loop->now);
    cs_shelf_init(&server->shelf, BLOCK, KEPT_BLOCKS);
    cs_buf_init(&server->scratch, SCRATCH_MAX);
    r = cs_reserve_init(&server->reserve);
    r = r < 0 ? r : listen_all(server);
    if (r < 0) {
        cs_server_free(server);
        return r;
    }
    *ret_server = server;
    return 0;
}

void cs_server_present(struct cs_server *server, struct cs_tls_server *tls, struct cs_trust *trust)
{
    struct cs_tls_server *old_tls = server->tls;
    struct cs_trust *old_trust = server->trust;

    server->tls = cs_tls_server_ref(tls);
    server->trust = cs_trust_ref(trust);
    cs_tls_server_unref(old_tls);
    cs_trust_unref(old_trust);
}

struct cs_server *cs_server_free(struct cs_server *server)
{
    if (!server)
        return NULL;
    server->draining = true;
    server->done = NULL;
    for (size_t i = 0; server->listenings && i < server->spec.n_listens; i++)
        cs_watch_remove(&server->listenings[i].watch);
    CS_LIST_FOREACH_SAFE (link, &server->conns)
        cs_serving_close(cs_container_of(link, struct cs_serving, link));
    cs_loop_turn(server->spec.loop, 0); /* reap */
    cs_task_cancel(&server->tell_done);
    cs_timer_cancel(server->spec.loop, &server->resume);
    cs_reserve_deinit(&server->reserve);
    cs_buf_deinit(&server->scratch);
    cs_shelf_deinit(&server->shelf);
    cs_tls_io_deinit(&server->tls_io);
    cs_tls_server_unref(server->tls);
    cs_trust_unref(server->trust);
    free(server->listenings);
    free(server);
    return NULL;
}
