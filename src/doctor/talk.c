/* Each call tries, waits for an event, and tries again until its deadline. */
#include "doctor/talk.h"

#include <errno.h>
#include <unistd.h>

#include "io/conduit.h"
#include "io/socket.h"

int cs_talk_init(struct cs_talk *talk)
{
    int r;

    *talk = (struct cs_talk){.fd = -1};
    r = cs_loop_init(&talk->loop);
    if (r == 0)
        cs_tls_io_init(&talk->io, &talk->loop.now);
    return r;
}

void cs_talk_hang_up(struct cs_talk *talk)
{
    cs_watch_remove(&talk->watch);
    if (talk->fd >= 0)
        close(talk->fd);
    talk->fd = -1;
}

void cs_talk_deinit(struct cs_talk *talk)
{
    talk->tls = cs_tls_free(talk->tls);
    cs_talk_hang_up(talk);
    cs_tls_io_deinit(&talk->io);
    cs_loop_deinit(&talk->loop);
}

void cs_talk_limit(struct cs_talk *talk, int64_t ms)
{
    cs_loop_now(&talk->loop);
    talk->deadline_ms = talk->loop.now.mono_ms + ms;
}

static void on_ready(struct cs_watch *watch)
{
    struct cs_talk *talk = cs_container_of(watch, struct cs_talk, watch);

    if (talk->tls)
        cs_tls_ready(talk->tls, watch->readable, watch->writable, watch->hangup);
    watch->readable = watch->writable = false;
}

int cs_talk_take(struct cs_talk *talk, int fd)
{
    talk->fd = fd;
    return cs_watch_add(&talk->loop, &talk->watch, fd, on_ready);
}

int cs_talk_wait(struct cs_talk *talk)
{
    int64_t left = talk->deadline_ms - talk->loop.now.mono_ms;
    int r;

    if (left <= 0)
        return -ETIMEDOUT;
    r = cs_loop_turn(&talk->loop, left);
    return r < 0 ? r : 0;
}

int cs_talk_connect(struct cs_talk *talk, const struct cs_addr *addr)
{
    int fd, r = cs_connect_start(addr, &fd);

    r = r ? r : cs_talk_take(talk, fd);
    while (r == 0 && (r = cs_connect_result(talk->fd)) == -EINPROGRESS)
        r = cs_talk_wait(talk);
    if (r < 0)
        cs_talk_hang_up(talk);
    return r;
}

int cs_talk_send(struct cs_talk *talk, struct cs_str bytes)
{
    while (bytes.len) {
        size_t n = 0;
        int r = cs_sock_write(talk->fd, bytes.ptr, bytes.len, &n);
        if (r == CS_IO_WANT_WRITE)
            r = cs_talk_wait(talk);
        if (r < 0)
            return r;
        bytes = cs_str_skip(bytes, n);
    }
    return 0;
}

int cs_talk_receive(struct cs_talk *talk, void *buf, size_t len, size_t *ret_n)
{
    int r;

    while ((r = cs_sock_read(talk->fd, buf, len, ret_n)) == CS_IO_WANT_READ) {
        r = cs_talk_wait(talk);
        if (r < 0)
            return r;
    }
    return r == CS_IO_EOF ? -ENODATA : r < 0 ? r : 0;
}

/* ---- in TLS ---- */

static bool wants_more(enum cs_tls_result result)
{
    return result == CS_TLS_WANT_READ || result == CS_TLS_WANT_WRITE;
}

static int outcome(enum cs_tls_result result)
{
    switch (result) {
    case CS_TLS_OK: return 0;
    case CS_TLS_CLOSED: return -ENODATA;
    case CS_TLS_EOF: return -ECONNRESET;
    default: return -EPROTO;
    }
}

int cs_talk_handshake(struct cs_talk *talk)
{
    enum cs_tls_result result;

    while (wants_more(result = cs_tls_handshake(talk->tls))) {
        int r = cs_talk_wait(talk);
        if (r < 0)
            return r;
    }
    return result == CS_TLS_OK ? 0 : -EPROTO;
}

static int flush(struct cs_talk *talk)
{
    enum cs_tls_result result;

    while (wants_more(result = cs_tls_flush(talk->tls))) {
        int r = cs_talk_wait(talk);
        if (r < 0)
            return r;
    }
    return outcome(result);
}

int cs_talk_write(struct cs_talk *talk, struct cs_str bytes)
{
    while (bytes.len) {
        size_t n = 0;
        enum cs_tls_result result = cs_tls_write(talk->tls, bytes.ptr, bytes.len, &n);
        int r = wants_more(result) ? cs_talk_wait(talk) : outcome(result);
        if (r < 0)
            return r;
        bytes = cs_str_skip(bytes, n);
    }
    return flush(talk);
}

int cs_talk_read(struct cs_talk *talk, void *buf, size_t len, size_t *ret_n)
{
    enum cs_tls_result result;

    while (wants_more(result = cs_tls_read(talk->tls, buf, len, ret_n))) {
        int r = cs_talk_wait(talk);
        if (r < 0)
            return r;
    }
    return outcome(result);
}
