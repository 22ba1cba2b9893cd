/* The receive and send buffers that all TLS sessions of one worker share.
 *
 * An idle connection holds no buffer: what is read from a socket lands in the worker's one
 * buffer and is consumed at once; only what the application leaves there when another
 * connection's turn comes is copied aside. Likewise records are collected in one send
 * buffer and leave in one system call; only what the kernel refuses is kept per session.
 *
 * A worker is one thread; so is a cs_tls_io.
 */
#ifndef CS_TLS_IO_H
#define CS_TLS_IO_H

#include "base/time.h"

struct cs_tls;

/* Bytes of each of the two buffers. */
#define CS_TLS_IO_ROOM (64 * 1024)

struct cs_tls_io {
    const struct cs_now *now; /* the worker's clock, as of this turn of its loop */
    uint8_t *in;              /* received, not yet consumed: [in_off, in_len) */
    size_t in_off, in_len;
    struct cs_tls *in_owner; /* whose bytes they are */
    uint8_t *out;            /* to be sent: [0, out_len) */
    size_t out_len;
    struct cs_tls *out_owner;
};

/** cs_tls_io_init() - allocate both buffers, and get the process's random generator going: call
 *  it in the worker, after the fork, before the first client. @now is read whenever a session needs
 * the time and outlives @io. */
void cs_tls_io_init(struct cs_tls_io *io, const struct cs_now *now);
/** cs_tls_io_deinit() - free the buffers. Every session that uses @io is gone by then. */
void cs_tls_io_deinit(struct cs_tls_io *io);

#endif
