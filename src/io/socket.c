/* The system calls of a connection's beginning, with their Linux peculiarities in one place:
 * errors of a dead connection that accept() reports as its own, the stale path a crashed
 * listener leaves behind, and running out of descriptors.
 */
#include "io/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static int set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int open_socket(const struct cs_addr *addr)
{
    if (addr->len == 0)
        return -EAFNOSUPPORT;
    int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

static bool has_path(const struct cs_addr *addr)
{
    return addr->len > sizeof(sa_family_t) && addr->sa.sa_family == AF_UNIX &&
           addr->un.sun_path[0] != '\0';
}

/* Whether a socket file is left over: there is one, and nobody listens on it. */
static bool is_stale(const struct cs_addr *addr)
{
    struct stat st;
    if (!has_path(addr) || lstat(addr->un.sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return false;
    cs_cleanup(cs_close_p) int fd = open_socket(addr);
    return fd >= 0 && connect(fd, &addr->sa, addr->len) < 0 && errno == ECONNREFUSED;
}

static int bind_addr(int fd, const struct cs_addr *addr)
{
    if (bind(fd, &addr->sa, addr->len) == 0)
        return 0;
    if (errno != EADDRINUSE || !is_stale(addr))
        return -errno;
    unlink(addr->un.sun_path);
    return bind(fd, &addr->sa, addr->len) < 0 ? -errno : 0;
}

static int set_listen_options(int fd, const struct cs_addr *addr,
                              const struct cs_listen_options *options)
{
    int r = 0;
    if (addr->sa.sa_family == AF_UNIX)
        return 0;
    r = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r == 0 && options->reuseport)
        r = set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (r == 0 && addr->sa.sa_family == AF_INET6)
        r = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, options->ipv6only);
    if (r == 0 && options->defer_sec)
        r = cs_listen_defer(fd, options->defer_sec);
    cs_socket_nodelay(fd); /* what is accepted inherits it */
    return r;
}

int cs_listen_open(const struct cs_addr *addr, const struct cs_listen_options *options, int *ret_fd)
{
    cs_cleanup(cs_close_p) int fd = open_socket(addr);
    if (fd < 0)
        return fd;
    int r = set_listen_options(fd, addr, options);
    if (r == 0)
        r = bind_addr(fd, addr);
    if (r < 0)
        return r;
    if (has_path(addr) && chmod(addr->un.sun_path, options->unix_mode) < 0)
        return -errno;
    if (listen(fd, options->backlog) < 0)
        return -errno;
    *ret_fd = fd;
    fd = -1;
    return 0;
}

int cs_listen_defer(int listen_fd, int sec)
{
    return set_int(listen_fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, sec);
}

void cs_listen_unlink(const struct cs_addr *addr)
{
    struct stat st;
    if (has_path(addr) && lstat(addr->un.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(addr->un.sun_path);
}

/* Errors that belong to the connection which would have been accepted (accept(2)). */
static bool is_connection_error(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET: return true;
    default: return false;
    }
}

int cs_accept(int listen_fd, struct cs_addr *ret_peer)
{
    struct sockaddr_storage peer;
    socklen_t len;
    int fd;

    do {
        len = sizeof(peer);
        fd = accept4(listen_fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (fd < 0 && is_connection_error(errno));
    if (fd < 0)
        return -errno;
    if (ret_peer && cs_addr_from_sockaddr((struct sockaddr *)&peer, len, ret_peer) < 0)
        *ret_peer = (struct cs_addr){0};
    return fd;
}

int cs_reserve_init(struct cs_reserve *reserve)
{
    reserve->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return reserve->fd < 0 ? -errno : 0;
}

void cs_reserve_deinit(struct cs_reserve *reserve)
{
    if (reserve->fd >= 0)
        close(reserve->fd);
    reserve->fd = -1;
}

unsigned cs_shed(struct cs_reserve *reserve, int listen_fd, unsigned max)
{
    unsigned shed = 0;
    cs_reserve_deinit(reserve);
    for (; shed < max; shed++) {
        int fd = cs_accept(listen_fd, NULL);
        if (fd < 0)
            break;
        cs_socket_reset_on_close(fd);
        close(fd);
    }
    cs_reserve_init(reserve);
    return shed;
}

int cs_connect_start(const struct cs_addr *addr, int *ret_fd)
{
    cs_cleanup(cs_close_p) int fd = open_socket(addr);
    if (fd < 0)
        return fd;
    if (addr->sa.sa_family != AF_UNIX)
        cs_socket_nodelay(fd);
    if (connect(fd, &addr->sa, addr->len) < 0 && errno != EINPROGRESS && errno != EINTR)
        return -errno;
    *ret_fd = fd;
    fd = -1;
    return 0;
}

/* SO_ERROR is 0 both for a connection that stands and for one still on its way; only the
 * former has a peer. */
int cs_connect_result(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return -errno;
    if (error != 0)
        return -error;

    struct sockaddr_storage peer;
    len = sizeof(peer);
    if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0)
        return 0;
    return errno == ENOTCONN ? -EINPROGRESS : -errno;
}

void cs_socket_nodelay(int fd)
{
    set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void cs_socket_reset_on_close(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

void cs_socket_shutdown_write(int fd)
{
    shutdown(fd, SHUT_WR);
}

static int name_of(int (*ask)(int, struct sockaddr *, socklen_t *), int fd,
                   struct cs_addr *ret_addr)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    if (ask(fd, (struct sockaddr *)&sa, &len) < 0)
        return -errno;
    return cs_addr_from_sockaddr((struct sockaddr *)&sa, len, ret_addr);
}

static int ask_local(int fd, struct sockaddr *sa, socklen_t *len)
{
    return getsockname(fd, sa, len);
}

static int ask_peer(int fd, struct sockaddr *sa, socklen_t *len)
{
    return getpeername(fd, sa, len);
}

int cs_socket_local(int fd, struct cs_addr *ret_addr)
{
    return name_of(ask_local, fd, ret_addr);
}

int cs_socket_peer(int fd, struct cs_addr *ret_addr)
{
    return name_of(ask_peer, fd, ret_addr);
}

int cs_socket_pair(int ret_fds[2])
{
    int r = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ret_fds);
    return r < 0 ? -errno : 0;
}

static int resolver_fault(int eai)
{
    switch (eai) {
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY: return -ENOENT;
    case EAI_AGAIN: return -EAGAIN;
    case EAI_MEMORY: return -ENOMEM;
    case EAI_SYSTEM: return errno ? -errno : -EIO;
    default: return -EIO;
    }
}

static void collect(const struct addrinfo *list, int family, struct cs_addr *addrs, size_t *n)
{
    for (const struct addrinfo *ai = list; ai; ai = ai->ai_next)
        if (ai->ai_family == family &&
            cs_addr_from_sockaddr(ai->ai_addr, ai->ai_addrlen, &addrs[*n]) == 0)
            (*n)++;
}

int cs_resolve(struct cs_str host, uint16_t port, struct cs_arena *arena,
               struct cs_addr **ret_addrs, size_t *ret_n)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    struct cs_addr literal;
    char service[8];
    size_t n = 0;

    if (cs_addr_parse_ip(host, port, &literal) == 0) {
        *ret_addrs = CS_ARENA_NEW(arena, struct cs_addr);
        **ret_addrs = literal;
        *ret_n = 1;
        return 0;
    }
    if (host.len == 0 || cs_str_find(host, '\0') >= 0)
        return -ENOENT;
    snprintf(service, sizeof(service), "%u", port);
    int eai = getaddrinfo(cs_arena_dup(arena, host).ptr, service, &hints, &list);
    if (eai != 0)
        return resolver_fault(eai);

    for (const struct addrinfo *ai = list; ai; ai = ai->ai_next)
        n++;
    struct cs_addr *addrs = cs_arena_array(arena, n, sizeof(*addrs));
    n = 0;
    collect(list, AF_INET, addrs, &n);
    collect(list, AF_INET6, addrs, &n);
    freeaddrinfo(list);
    if (n == 0)
        return -ENOENT;
    *ret_addrs = addrs;
    *ret_n = n;
    return 0;
}
