/* One byte stream, with TLS or without: what stands above is written once for both.
 *
 * A wire owns its descriptor, its watch and its TLS session. Its owner is called through
 * `ready` and then reads and writes until told to wait.
 */
#ifndef CS_SERVE_WIRE_H
#define CS_SERVE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/shelf.h"
#include "io/loop.h"

struct cs_tls;

struct cs_wire {
    int fd;        /* -1: none */
    int error;     /* errno of the fault behind CS_WIRE_BROKEN; 0: see the TLS facts */
    uint64_t sent; /* plain: bytes that the kernel took */
    struct cs_watch watch;
    struct cs_tls *tls; /* NULL: plain */
    struct cs_shelf *shelf;
};

enum cs_wire_result {
    CS_WIRE_OK,     /* bytes moved */
    CS_WIRE_WAIT,   /* nothing possible before the next event */
    CS_WIRE_END,    /* the peer sends nothing more, and said so properly */
    CS_WIRE_CUT,    /* the stream ended without TLS's close_notify */
    CS_WIRE_BROKEN, /* fault: see error */
};

/** cs_wire_open() - take over @fd and call @ready on its events; what is received goes into blocks
 * of
 *  @shelf, which outlives the wire. Return: 0, or -errno (the descriptor is closed). */
int cs_wire_open(struct cs_wire *wire, struct cs_loop *loop, int fd, struct cs_shelf *shelf,
                 void (*ready)(struct cs_watch *watch));
/** cs_wire_close() - end TLS without a word, stop watching, close. Harmless when closed. */
void cs_wire_close(struct cs_wire *wire);
/** cs_wire_is_open() - whether there is a descriptor. */
bool cs_wire_is_open(const struct cs_wire *wire);
/** cs_wire_event() - pass what the loop noted on to TLS; first thing in a ready function. */
void cs_wire_event(struct cs_wire *wire);

/** cs_wire_read() - up to @len bytes. *ret_n ≥ 1 with CS_WIRE_OK. */
enum cs_wire_result cs_wire_read(struct cs_wire *wire, void *into, size_t len, size_t *ret_n);
/** cs_wire_fill() - read once behind what @buf holds, up to @len bytes and its maximum.
 *  A full buffer is CS_WIRE_WAIT. An empty one is lent a block of the wire's shelf, which goes
 *  back when nothing came. */
enum cs_wire_result cs_wire_fill(struct cs_wire *wire, struct cs_buf *buf, size_t len);
/** cs_wire_write() - some of the @len bytes at @from. *ret_n ≥ 1 with CS_WIRE_OK. Under TLS they
 *  may be held back until cs_wire_flush(). */
enum cs_wire_result cs_wire_write(struct cs_wire *wire, const void *from, size_t len,
                                  size_t *ret_n);
/** cs_wire_put() - write all of @buf; what was written leaves the buffer. Under TLS it may be held
 *  back until cs_wire_flush(). Return: CS_WIRE_OK when nothing is left. */
enum cs_wire_result cs_wire_put(struct cs_wire *wire, struct cs_buf *buf);
/** cs_wire_drain() - the same, and flush. Return: CS_WIRE_OK when nothing is left. */
enum cs_wire_result cs_wire_drain(struct cs_wire *wire, struct cs_buf *buf);
/** cs_wire_pass() - write what the wire takes of the @len bytes at @from, without a flush; the rest
 *  goes behind what @rest holds, which is to be drained before anything else is written. A fault
 *  shows then. Return: the bytes taken. */
size_t cs_wire_pass(struct cs_wire *wire, const void *from, size_t len, struct cs_buf *rest);
/** cs_wire_sent() - bytes that the kernel has taken so far, TLS's own included: whether the peer
 *  makes progress. */
uint64_t cs_wire_sent(const struct cs_wire *wire);
/** cs_wire_unsent() - whether TLS holds something back that cs_wire_flush() would send. */
bool cs_wire_unsent(const struct cs_wire *wire);
/** cs_wire_flush() - send what TLS holds back. */
enum cs_wire_result cs_wire_flush(struct cs_wire *wire);
/** cs_wire_pending() - whether a read may give something without another event. */
bool cs_wire_pending(const struct cs_wire *wire);
/** cs_wire_hangup() - whether the peer is known to send nothing more. */
bool cs_wire_hangup(const struct cs_wire *wire);

#endif
