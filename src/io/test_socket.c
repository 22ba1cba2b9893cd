/* Listeners, connections and plain transfers on the loopback. */
#include "io/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/conduit.h"
#include "tap.h"

static struct cs_addr local(const char *ip)
{
    struct cs_addr addr;
    if (cs_addr_parse_ip(cs_str_from(ip), 0, &addr) < 0)
        abort();
    return addr;
}

static void wait_for(int fd, short events)
{
    struct pollfd pfd = {.fd = fd, .events = events};
    poll(&pfd, 1, 2000);
}

static int listen_on(const char *ip, struct cs_addr *ret_addr)
{
    struct cs_addr addr = local(ip);
    int fd = -1;
    if (cs_listen_open(&addr, &CS_LISTEN_DEFAULT, &fd) < 0 || cs_socket_local(fd, ret_addr) < 0)
        abort();
    return fd;
}

static void test_tcp(void)
{
    struct cs_addr addr, peer, mine;
    int server = listen_on("127.0.0.1", &addr), client = -1;

    tap_ok(cs_addr_port(&addr) != 0, "the kernel chose a port");
    tap_int(cs_accept(server, &peer), -EAGAIN, "nobody waits");
    tap_int(cs_connect_start(&addr, &client), 0, "connecting");
    wait_for(client, POLLOUT);
    tap_int(cs_connect_result(client), 0, "connected");
    wait_for(server, POLLIN);
    int accepted = cs_accept(server, &peer);
    tap_ok(accepted >= 0, "accepted");
    cs_socket_local(client, &mine);
    tap_ok(cs_addr_eq(&peer, &mine), "the peer is the client");
    tap_int(cs_socket_peer(client, &peer), 0, "the client has a peer");
    tap_ok(cs_addr_eq(&peer, &addr), "which is the listener");
    tap_ok((fcntl(accepted, F_GETFL) & O_NONBLOCK) && (fcntl(accepted, F_GETFD) & FD_CLOEXEC),
           "non-blocking and close-on-exec");

    int second = -1;
    tap_int(cs_listen_open(&addr, &CS_LISTEN_DEFAULT, &second), -EADDRINUSE, "port taken");
    tap_int(second, -1, "nothing written on failure");
    int value = 0;
    socklen_t len = sizeof(value);
    getsockopt(client, IPPROTO_TCP, TCP_NODELAY, &value, &len);
    tap_int(value, 1, "small segments go at once");

    char byte;
    size_t n;
    cs_socket_reset_on_close(accepted);
    close(accepted);
    wait_for(client, POLLIN);
    tap_int(cs_sock_read(client, &byte, 1, &n), -ECONNRESET, "closed with a reset");
    close(client);
    close(server);

    tap_int(cs_connect_start(&addr, &client), 0, "connecting to a closed port");
    wait_for(client, POLLOUT);
    tap_int(cs_connect_result(client), -ECONNREFUSED, "is refused");
    close(client);
    client = socket(AF_INET, SOCK_STREAM, 0);
    tap_int(cs_connect_result(client), -EINPROGRESS, "not connected is not success");
    close(client);
}

static void test_reuseport(void)
{
    struct cs_addr addr = local("127.0.0.1");
    struct cs_listen_options options = CS_LISTEN_DEFAULT;
    int one = -1, two = -1;
    options.reuseport = true;
    tap_int(cs_listen_open(&addr, &options, &one), 0, "reuseport");
    cs_socket_local(one, &addr);
    tap_int(cs_listen_open(&addr, &options, &two), 0, "a second listener on the port");
    close(one);
    close(two);
}

static void test_ipv6(void)
{
    struct cs_addr any = local("::"), bound, target, peer;
    struct cs_listen_options options = CS_LISTEN_DEFAULT;
    int server = -1, client = -1;
    options.ipv6only = false;
    if (cs_listen_open(&any, &options, &server) < 0) {
        tap_ok(true, "# SKIP no IPv6 here");
        return;
    }
    cs_socket_local(server, &bound);
    cs_addr_parse_ip(CS_STR("127.0.0.1"), cs_addr_port(&bound), &target);
    cs_connect_start(&target, &client);
    wait_for(server, POLLIN);
    int fd = cs_accept(server, &peer);
    char buf[CS_ADDR_TEXT];
    tap_str(cs_addr_ip_text(&peer, buf), CS_STR("127.0.0.1"), "an IPv4 client of a dual listener");
    close(fd);
    close(client);
    close(server);
}

static void test_unix(void)
{
    char dir[] = "/tmp/cs_socket_XXXXXX", path[64], buf[CS_ADDR_TEXT];
    struct cs_addr addr, peer;
    struct cs_listen_options options = CS_LISTEN_DEFAULT;
    struct stat st;
    int one = -1, two = -1, client = -1;

    if (!mkdtemp(dir))
        abort();
    snprintf(path, sizeof(path), "%s/s", dir);
    cs_addr_parse_unix(cs_str_from(path), &addr);
    options.unix_mode = 0640;
    tap_int(cs_listen_open(&addr, &options, &one), 0, "a Unix-domain listener");
    tap_ok(stat(path, &st) == 0 && (st.st_mode & 07777) == 0640, "with its permissions");
    tap_int(cs_listen_open(&addr, &options, &two), -EADDRINUSE, "not taken over while alive");
    tap_int(cs_connect_start(&addr, &client), 0, "connecting");
    tap_int(cs_connect_result(client), 0, "connected");
    int fd = cs_accept(one, &peer);
    tap_str(cs_addr_text(&peer, buf), CS_STR("unix:"), "its clients are nameless");
    close(fd);
    close(client);
    close(one);
    tap_int(cs_connect_start(&addr, &client), -ECONNREFUSED, "nobody listens");
    tap_int(cs_listen_open(&addr, &options, &two), 0, "a stale path is taken over");
    close(two);
    cs_listen_unlink(&addr);
    tap_ok(stat(path, &st) < 0, "removed");

    fd = open(path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    tap_int(cs_listen_open(&addr, &options, &two), -EADDRINUSE, "a file is not a stale socket");
    cs_listen_unlink(&addr);
    tap_ok(stat(path, &st) == 0, "and is not removed");
    unlink(path);
    rmdir(dir);
}

/* With every descriptor in use clients are reset instead of left waiting. */
static void test_shed(void)
{
    struct cs_addr addr;
    struct cs_reserve reserve;
    struct rlimit saved, tight;
    int server = listen_on("127.0.0.1", &addr), client = -1;

    tap_int(cs_reserve_init(&reserve), 0, "a descriptor in reserve");
    cs_connect_start(&addr, &client);
    wait_for(server, POLLIN);
    getrlimit(RLIMIT_NOFILE, &saved);
    tight = saved;
    tight.rlim_cur = (rlim_t)client + 1;
    setrlimit(RLIMIT_NOFILE, &tight);
    tap_int(cs_accept(server, NULL), -EMFILE, "no descriptor left");
    tap_int(cs_shed(&reserve, server, 8), 1, "the client is shed");
    tap_int(cs_shed(&reserve, server, 8), 0, "nobody waits any more");
    tap_ok(reserve.fd >= 0, "the reserve is back");
    setrlimit(RLIMIT_NOFILE, &saved);

    char byte;
    size_t n;
    wait_for(client, POLLIN);
    tap_int(cs_sock_read(client, &byte, 1, &n), -ECONNRESET, "the client knows");
    close(client);
    close(server);
    cs_reserve_deinit(&reserve);
}

static void test_transfer(void)
{
    int fds[2];
    char buf[16], big[65536] = {0};
    size_t n = 0;

    tap_int(cs_socket_pair(fds), 0, "a pair");
    tap_int(cs_sock_read(fds[0], buf, sizeof(buf), &n), CS_IO_WANT_READ, "nothing to read");
    tap_int(cs_sock_write(fds[1], "abcde", 5, &n), CS_IO_DONE, "a few bytes go");
    tap_int((int64_t)n, 5, "at once");
    tap_int(cs_sock_peek(fds[0], buf, 3, &n), CS_IO_DONE, "peek");
    tap_str(cs_str_make(buf, n), CS_STR("abc"), "sees the bytes");
    tap_int(cs_sock_read(fds[0], buf, sizeof(buf), &n), CS_IO_DONE, "read");
    tap_str(cs_str_make(buf, n), CS_STR("abcde"), "takes them");
    int r = CS_IO_DONE;
    for (int i = 0; i < 1000 && r == CS_IO_DONE; i++)
        r = cs_sock_write(fds[0], big, sizeof(big), &n);
    tap_int(r, CS_IO_WANT_WRITE, "a full socket");
    cs_socket_shutdown_write(fds[1]);
    tap_int(cs_sock_read(fds[0], buf, sizeof(buf), &n), CS_IO_EOF, "the end");
    close(fds[1]);
    tap_int(cs_sock_write(fds[0], big, 1, &n), -EPIPE, "a closed peer is a fault, not a signal");
    close(fds[0]);
}

static void test_resolve(void)
{
    static const struct {
        const char *host;
        int want;
        const char *first;
    } cases[] = {
        {"192.0.2.1", 0, "192.0.2.1:80"},
        {"[2001:db8::1]", 0, "[2001:db8::1]:80"},
        {"localhost", 0, NULL},
        {"", -ENOENT, NULL},
    };
    struct cs_arena arena;
    char buf[CS_ADDR_TEXT];
    cs_arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cs_addr *addrs = NULL;
        size_t n = 0;
        int r = cs_resolve(cs_str_from(cases[i].host), 80, &arena, &addrs, &n);
        tap_int(r, cases[i].want, cases[i].host);
        if (r == 0)
            tap_ok(n > 0 && cs_addr_port(&addrs[0]) == 80, "%s has an address", cases[i].host);
        if (cases[i].first)
            tap_str(cs_addr_text(&addrs[0], buf), cs_str_from(cases[i].first), cases[i].host);
    }
    cs_arena_deinit(&arena);
}

int main(void)
{
    test_tcp();
    test_reuseport();
    test_ipv6();
    test_unix();
    test_shed();
    test_transfer();
    test_resolve();
    return tap_done();
}
