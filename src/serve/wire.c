/* TLS and plain sockets behind the same five verbs. */
#include "serve/wire.h"

#include <errno.h>
#include <unistd.h>

#include "io/conduit.h"
#include "tls/session.h"

int cs_wire_open(struct cs_wire *wire, struct cs_loop *loop, int fd, struct cs_shelf *shelf,
                 void (*ready)(struct cs_watch *watch))
{
    int r;

    *wire = (struct cs_wire){.fd = fd, .shelf = shelf};
    r = cs_watch_add(loop, &wire->watch, fd, ready);
    if (r < 0) {
        close(fd);
        wire->fd = -1;
    }
    return r;
}

void cs_wire_close(struct cs_wire *wire)
{
    if (!cs_wire_is_open(wire))
        return;
    wire->tls = cs_tls_free(wire->tls);
    cs_watch_close(&wire->watch);
    wire->fd = -1;
}

bool cs_wire_is_open(const struct cs_wire *wire)
{
    return wire->fd >= 0;
}

void cs_wire_event(struct cs_wire *wire)
{
    if (!wire->tls)
        return;
    cs_tls_ready(wire->tls, wire->watch.readable, wire->watch.writable, wire->watch.hangup);
    wire->watch.readable = wire->watch.writable = false;
}

static enum cs_wire_result from_tls(enum cs_tls_result r)
{
    switch (r) {
    case CS_TLS_OK: return CS_WIRE_OK;
    case CS_TLS_WANT_READ:
    case CS_TLS_WANT_WRITE: return CS_WIRE_WAIT;
    case CS_TLS_CLOSED: return CS_WIRE_END;
    case CS_TLS_EOF: return CS_WIRE_CUT;
    case CS_TLS_FAILED: break;
    }
    return CS_WIRE_BROKEN;
}

static enum cs_wire_result broken(struct cs_wire *wire, int r)
{
    wire->error = -r;
    return CS_WIRE_BROKEN;
}

enum cs_wire_result cs_wire_read(struct cs_wire *wire, void *into, size_t len, size_t *ret_n)
{
    int r;

    if (wire->tls)
        return from_tls(cs_tls_read(wire->tls, into, len, ret_n));
    if (!wire->watch.readable && !wire->watch.hangup)
        return CS_WIRE_WAIT;
    r = cs_sock_read(wire->fd, into, len, ret_n);
    if (r < 0)
        return broken(wire, r);
    if (r == CS_IO_EOF)
        return CS_WIRE_END;
    if (r == CS_IO_WANT_READ || *ret_n < len)
        wire->watch.readable = false;
    return r == CS_IO_DONE ? CS_WIRE_OK : CS_WIRE_WAIT;
}

enum cs_wire_result cs_wire_fill(struct cs_wire *wire, struct cs_buf *buf, size_t len)
{
    enum cs_wire_result r;
    size_t n = 0;

    if (len > buf->max - buf->len)
        len = buf->max - buf->len;
    cs_shelf_lend(wire->shelf, buf, len);
    if (len == 0 || cs_buf_reserve(buf, len) < 0)
        return CS_WIRE_WAIT;
    r = cs_wire_read(wire, buf->ptr + buf->len, len, &n);
    if (r == CS_WIRE_OK)
        buf->len += n;
    if (buf->len == 0)
        cs_shelf_return(wire->shelf, buf);
    return r;
}

enum cs_wire_result cs_wire_write(struct cs_wire *wire, const void *from, size_t len, size_t *ret_n)
{
    int r;

    if (wire->tls)
        return from_tls(cs_tls_write(wire->tls, from, len, ret_n));
    if (!wire->watch.writable)
        return CS_WIRE_WAIT;
    r = cs_sock_write(wire->fd, from, len, ret_n);
    if (r < 0)
        return broken(wire, r);
    if (r == CS_IO_WANT_WRITE || *ret_n < len)
        wire->watch.writable = false;
    if (r != CS_IO_DONE)
        return CS_WIRE_WAIT;
    wire->sent += *ret_n;
    return CS_WIRE_OK;
}

enum cs_wire_result cs_wire_flush(struct cs_wire *wire)
{
    return wire->tls ? from_tls(cs_tls_flush(wire->tls)) : CS_WIRE_OK;
}

bool cs_wire_unsent(const struct cs_wire *wire)
{
    return wire->tls && cs_tls_has_unsent(wire->tls);
}

uint64_t cs_wire_sent(const struct cs_wire *wire)
{
    return wire->tls ? cs_tls_facts(wire->tls)->bytes_out : wire->sent;
}

/* As much as the wire takes. Return: why it stopped; CS_WIRE_OK with all of it taken. */
static enum cs_wire_result write_some(struct cs_wire *wire, const char *from, size_t len,
                                      size_t *ret_done)
{
    enum cs_wire_result r = CS_WIRE_OK;
    size_t done = 0, n = 0;

    while (done < len && r == CS_WIRE_OK) {
        r = cs_wire_write(wire, from + done, len - done, &n);
        if (r == CS_WIRE_OK)
            done += n;
    }
    *ret_done = done;
    return r;
}

size_t cs_wire_pass(struct cs_wire *wire, const void *from, size_t len, struct cs_buf *rest)
{
    size_t done = 0;

    if (rest->len == 0)
        (void)!write_some(wire, from, len, &done);
    cs_buf_add(rest, (const char *)from + done, len - done);
    return done;
}

enum cs_wire_result cs_wire_put(struct cs_wire *wire, struct cs_buf *buf)
{
    size_t done;
    enum cs_wire_result r = write_some(wire, buf->ptr, buf->len, &done);

    cs_buf_consume(buf, done);
    return r;
}

enum cs_wire_result cs_wire_drain(struct cs_wire *wire, struct cs_buf *buf)
{
    enum cs_wire_result r = cs_wire_put(wire, buf);

    return r == CS_WIRE_OK ? cs_wire_flush(wire) : r;
}

bool cs_wire_pending(const struct cs_wire *wire)
{
    if (wire->tls)
        return cs_tls_pending(wire->tls);
    return wire->watch.readable || wire->watch.hangup;
}

bool cs_wire_hangup(const struct cs_wire *wire)
{
    return wire->watch.hangup;
}
