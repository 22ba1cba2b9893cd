/* Sockets: listen, accept, connect, names to addresses, options. Every descriptor made here
 * is non-blocking and close-on-exec.
 */
#ifndef CS_IO_SOCKET_H
#define CS_IO_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/str.h"

struct cs_listen_options {
    int backlog;        /* connections the kernel holds ready */
    bool reuseport;     /* SO_REUSEPORT: one socket per worker, the kernel spreads clients */
    bool ipv6only;      /* an IPv6 listener takes no IPv4 clients */
    unsigned unix_mode; /* permissions of a Unix-domain socket */
    int defer_sec;      /* as for cs_listen_defer() */
};

/* What nginx listens with on Linux. */
#define CS_LISTEN_DEFAULT ((struct cs_listen_options){511, false, true, 0666, 0})

/** cs_listen_open() - a listening socket on @addr. The path of a Unix-domain socket that
 *  nobody listens on any more is taken over. What is accepted sends small segments at once. Return:
 * 0, or -errno (-EADDRINUSE, -EACCES, -EADDRNOTAVAIL, …). */
int cs_listen_open(const struct cs_addr *addr, const struct cs_listen_options *options,
                   int *ret_fd);
/** cs_listen_defer() - connections on @listen_fd (TCP) can be accepted when their client has sent
 *  something, or, though it said nothing, after about @sec seconds; 0: at once. Return: 0, or
 *  -errno. */
int cs_listen_defer(int listen_fd, int sec);
/** cs_listen_unlink() - remove the path of a Unix-domain listener; nothing for others. */
void cs_listen_unlink(const struct cs_addr *addr);

/** cs_accept() - the next waiting connection; its peer to *ret_peer (may be NULL).
 *  Connections that died while waiting are skipped. Return: a descriptor that the caller
 *  owns; or -EAGAIN (none waits); -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM (nothing left to
 *  accept with, whether or not somebody waits: cs_shed(), then pause); other -errno. */
int cs_accept(int listen_fd, struct cs_addr *ret_peer);

/* A descriptor kept in reserve, so that clients are turned away at once, instead of hanging
 * in the backlog, when there are no others. */
struct cs_reserve {
    int fd; /* -1: none */
};

/** cs_reserve_init() - take one descriptor into reserve. Return: 0, or -errno. */
int cs_reserve_init(struct cs_reserve *reserve);
/** cs_reserve_deinit() - give it back. */
void cs_reserve_deinit(struct cs_reserve *reserve);
/** cs_shed() - accept and reset up to @max connections waiting on @listen_fd with the help
 *  of the reserve. Return: how many were shed. */
unsigned cs_shed(struct cs_reserve *reserve, int listen_fd, unsigned max);

/** cs_connect_start() - begin to connect to @addr. *ret_fd is the caller's to watch and to
 *  close; the connection stands or has failed when it becomes writable or hangs up: ask
 *  cs_connect_result(). Return: 0, or -errno (refused at once). */
int cs_connect_start(const struct cs_addr *addr, int *ret_fd);
/** cs_connect_result() - what became of a connection. Return: 0 (it stands), -EINPROGRESS
 *  (still unknown), or the reason as -errno (-ECONNREFUSED, -ETIMEDOUT, …). */
int cs_connect_result(int fd);

/** cs_socket_nodelay() - send small segments at once. A no-op on Unix-domain sockets. */
void cs_socket_nodelay(int fd);
/** cs_socket_reset_on_close() - closing @fd sends a reset and drops what was not sent. */
void cs_socket_reset_on_close(int fd);
/** cs_socket_shutdown_write() - no more bytes from here; reading goes on. */
void cs_socket_shutdown_write(int fd);
/** cs_socket_local() - the address of this end. Return: 0, or -errno. */
int cs_socket_local(int fd, struct cs_addr *ret_addr);
/** cs_socket_peer() - the address of the other end. Return: 0, or -errno. */
int cs_socket_peer(int fd, struct cs_addr *ret_addr);
/** cs_socket_pair() - two connected stream sockets, fds[0] and fds[1]. Return: 0, or -errno. */
int cs_socket_pair(int ret_fds[2]);

/** cs_resolve() - all addresses of @host, literals included, with @port; IPv4 ones first.
 *  Blocks on the resolver: for the start only. The array lives in @arena. Return: 0 (at least
 *  one), -ENOENT (no such host), -EAGAIN (the resolver does not answer), other -errno. */
int cs_resolve(struct cs_str host, uint16_t port, struct cs_arena *arena,
               struct cs_addr **ret_addrs, size_t *ret_n);

#endif
