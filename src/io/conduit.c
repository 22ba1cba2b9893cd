/* One system call per transfer, EINTR apart; no loops until EAGAIN: whoever owns the buffers
 * and the budget of fairness decides whether to come back. */
#include "io/conduit.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/panic.h"

static int receive(int fd, void *buf, size_t len, int flags, size_t *ret_n)
{
    ssize_t n;
    cs_assert(len > 0);
    do
        n = recv(fd, buf, len, flags | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? CS_IO_WANT_READ : -errno;
    if (n == 0)
        return CS_IO_EOF;
    *ret_n = (size_t)n;
    return CS_IO_DONE;
}

int cs_sock_read(int fd, void *buf, size_t len, size_t *ret_n)
{
    return receive(fd, buf, len, 0, ret_n);
}

int cs_sock_peek(int fd, void *buf, size_t len, size_t *ret_n)
{
    return receive(fd, buf, len, MSG_PEEK, ret_n);
}

int cs_sock_write(int fd, const void *buf, size_t len, size_t *ret_n)
{
    ssize_t sent;
    cs_assert(len > 0);
    do
        sent = send(fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return errno == EAGAIN ? CS_IO_WANT_WRITE : -errno;
    *ret_n = (size_t)sent;
    return CS_IO_DONE;
}
