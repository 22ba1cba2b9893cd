/* Bytes through a plain socket, in the shape in which a TLS session moves them, so that what
 * stands above can be written once for both.
 */
#ifndef CS_IO_CONDUIT_H
#define CS_IO_CONDUIT_H

#include <stddef.h>

/* How a transfer ended; negative values are faults (-errno: -ECONNRESET, -EPIPE, …). */
enum cs_io {
    CS_IO_DONE = 0,       /* bytes moved; fewer than asked: the socket has no more (room) */
    CS_IO_WANT_READ = 1,  /* nothing moved: again when readable */
    CS_IO_WANT_WRITE = 2, /* nothing moved: again when writable */
    CS_IO_EOF = 3,        /* the peer sends nothing more */
};

/** cs_sock_read() - up to @len (> 0) bytes from @fd into @buf; *ret_n says how many.
 *  Return: CS_IO_DONE, CS_IO_WANT_READ, CS_IO_EOF, or -errno. */
int cs_sock_read(int fd, void *buf, size_t len, size_t *ret_n);
/** cs_sock_peek() - the same, leaving the bytes where they are. */
int cs_sock_peek(int fd, void *buf, size_t len, size_t *ret_n);
/** cs_sock_write() - up to @len (> 0) bytes of @buf to @fd; never raises SIGPIPE.
 *  Return: CS_IO_DONE (*ret_n bytes went), CS_IO_WANT_WRITE, or -errno. */
int cs_sock_write(int fd, const void *buf, size_t len, size_t *ret_n);

#endif
