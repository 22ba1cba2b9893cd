/* Sockets that stay, come and go with configurations. */
#include "daemon/listeners.h"

#include "tap.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/socket.h"

static struct cs_listener tcp(uint16_t port)
{
    struct cs_listener l = {0};
    tap_int(cs_addr_parse_ip(CS_STR("127.0.0.1"), port, &l.addr), 0, "an address");
    return l;
}

static struct cs_listener at(struct cs_addr addr)
{
    return (struct cs_listener){.addr = addr};
}

static bool is_open(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0;
}

static void test_workers(void)
{
    struct cs_listener l = tcp(0);
    const struct cs_listener *failed;
    struct cs_listeners set;
    struct cs_addr a, b;
    int first, second;

    cs_listeners_init(&set);
    tap_int(cs_listeners_prepare(&set, &l, 1, 2, &failed), 0, "two workers");
    cs_listeners_commit(&set);
    first = cs_listeners_fd(&set, &l, 0);
    second = cs_listeners_fd(&set, &l, 1);
    tap_ok(first != second, "a socket for each");
    tap_ok(cs_socket_local(first, &a) == 0 && cs_socket_local(second, &b) == 0 &&
               cs_addr_eq(&a, &b) && cs_addr_port(&a) != 0,
           "on the same port");
    b = cs_listeners_address(&set, &l);
    tap_ok(cs_addr_eq(&a, &b), "which is known");

    tap_int(cs_listeners_prepare(&set, &l, 1, 3, &failed), 0, "a third");
    tap_ok(cs_listeners_fd(&set, &l, 0) == first, "the first stays");
    cs_listeners_revert(&set);
    tap_int(cs_listeners_prepare(&set, &l, 1, 1, &failed), 0, "only one");
    tap_ok(is_open(second), "the second is open until that is decided");
    cs_listeners_commit(&set);
    tap_ok(is_open(first) && !is_open(second), "and then closed");
    cs_listeners_deinit(&set, true);
    tap_ok(!is_open(first), "in the end all are");
}

static void test_change(void)
{
    struct cs_listener old = tcp(0), new = tcp(0), both[2], taken;
    const struct cs_listener *failed = NULL;
    struct cs_listeners set, other;
    struct cs_addr where;
    int fd;

    cs_listeners_init(&set);
    cs_listeners_init(&other);
    tap_int(cs_listeners_prepare(&set, &old, 1, 2, &failed), 0, "one address");
    cs_listeners_commit(&set);
    fd = cs_listeners_fd(&set, &old, 0);
    where = cs_listeners_address(&set, &old);

    taken = at(where);
    tap_int(cs_listeners_prepare(&other, &taken, 1, 2, &failed), -EADDRINUSE,
            "nobody else gets it, several workers or not");
    tap_ok(failed == &taken, "and hears which");

    new.addr.in4.sin_addr.s_addr = htonl(0x7f000002);
    both[0] = new;
    both[1] = at(where); /* is in use by the set itself, under port 0 */
    tap_int(cs_listeners_prepare(&set, both, 2, 1, &failed), -EADDRINUSE, "a change that fails");
    tap_ok(failed == &both[1], "names its listener");
    tap_ok(is_open(fd) && cs_listeners_fd(&set, &old, 0) == fd, "and changes nothing");

    tap_int(cs_listeners_prepare(&set, &new, 1, 1, &failed), 0, "another address");
    tap_ok(is_open(fd), "beside the old one");
    cs_listeners_commit(&set);
    tap_ok(!is_open(fd), "which closes with the change");
    cs_listeners_deinit(&set, true);
    cs_listeners_deinit(&other, true);
}

static bool is_deferred(int fd)
{
    int sec = 0;
    socklen_t len = sizeof(sec);

    tap_int(getsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &sec, &len), 0, "the option is there");
    return sec > 0;
}

static bool are_deferred(const struct cs_listeners *set, const struct cs_listener *l, unsigned n)
{
    unsigned deferred = 0;

    for (unsigned i = 0; i < n; i++)
        deferred += is_deferred(cs_listeners_fd(set, l, i));
    tap_ok(deferred == 0 || deferred == n, "all or none");
    return deferred == n;
}

static void test_deferred(void)
{
    struct cs_listener l = tcp(0);
    const struct cs_listener *failed;
    struct cs_listeners set;

    cs_listeners_init(&set);
    l.defer_sec = 60;
    tap_int(cs_listeners_prepare(&set, &l, 1, 2, &failed), 0, "deferred");
    tap_ok(are_deferred(&set, &l, 2), "from the start");
    cs_listeners_commit(&set);
    tap_ok(are_deferred(&set, &l, 2), "and on");
    l.defer_sec = 0;
    tap_int(cs_listeners_prepare(&set, &l, 1, 1, &failed), 0, "not any more");
    tap_ok(are_deferred(&set, &l, 2), "which is not decided");
    cs_listeners_revert(&set);
    tap_ok(are_deferred(&set, &l, 2), "nor is it so");
    tap_int(cs_listeners_prepare(&set, &l, 1, 1, &failed), 0, "again");
    cs_listeners_commit(&set);
    tap_ok(!are_deferred(&set, &l, 1), "now it is");
    l.defer_sec = 5;
    tap_int(cs_listeners_prepare(&set, &l, 1, 2, &failed), 0, "deferred again, with one more");
    cs_listeners_commit(&set);
    tap_ok(are_deferred(&set, &l, 2), "both are");
    cs_listeners_deinit(&set, true);
}

static void test_unix(void)
{
    char dir[] = "/tmp/cs-listeners-XXXXXX", path[64];
    const struct cs_listener *failed;
    struct cs_listener l = {0};
    struct cs_listeners set;
    struct stat st;

    tap_ok(mkdtemp(dir) != NULL, "a folder");
    snprintf(path, sizeof(path), "%s/s", dir);
    tap_int(cs_addr_parse_unix(cs_str_from(path), &l.addr), 0, "a path");
    cs_listeners_init(&set);
    tap_int(cs_listeners_prepare(&set, &l, 1, 3, &failed), 0, "a Unix-domain socket");
    cs_listeners_commit(&set);
    tap_ok(cs_listeners_fd(&set, &l, 0) == cs_listeners_fd(&set, &l, 2), "is one for all workers");
    tap_int(stat(path, &st), 0, "it is there");
    cs_listeners_deinit(&set, false);
    tap_int(stat(path, &st), 0, "a process that leaves it to another leaves the path");

    cs_listeners_init(&set);
    tap_int(cs_listeners_prepare(&set, &l, 1, 1, &failed), 0, "a path left behind is taken over");
    cs_listeners_deinit(&set, true);
    tap_int(stat(path, &st), -1, "the end of the service removes it");
    rmdir(dir);
}

int main(void)
{
    test_workers();
    test_change();
    test_deferred();
    test_unix();
    return tap_done();
}
