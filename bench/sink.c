/* bench-sink: takes connections, reads once, closes. What stays when a server does nothing at all:
 * the flood that goes here instead costs the machine what the kernel and the flood itself cost.
 * Prints its port. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/conduit.h"
#include "io/loop.h"
#include "io/socket.h"

struct guest {
    struct cs_watch watch;
    struct cs_task leave;
};

static struct cs_loop loop;

static void on_left(struct cs_task *task)
{
    free(cs_container_of(task, struct guest, leave));
}

static void on_ready(struct cs_watch *watch)
{
    struct guest *guest = cs_container_of(watch, struct guest, watch);
    char buf[4096];
    size_t n;

    if (!watch->readable || cs_sock_read(watch->fd, buf, sizeof(buf), &n) == CS_IO_WANT_READ)
        return;
    cs_watch_close(watch);
    cs_loop_defer(&loop, &guest->leave);
}

static void on_connections(struct cs_watch *watch)
{
    int fd;

    while ((fd = cs_accept(watch->fd, NULL)) >= 0) {
        struct guest *guest = CS_NEW(struct guest);
        guest->leave.run = on_left;
        if (cs_watch_add(&loop, &guest->watch, fd, on_ready) < 0) {
            close(fd);
            free(guest);
        }
    }
}

int main(void)
{
    struct cs_listen_options options = CS_LISTEN_DEFAULT;
    struct cs_watch listener = {0};
    struct cs_addr addr;
    int fd = -1, r;

    options.backlog = 4096;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    r = cs_addr_parse_ip(CS_STR("127.0.0.1"), 0, &addr);
    r = r ? r : cs_listen_open(&addr, &options, &fd);
    r = r ? r : cs_socket_local(fd, &addr);
    r = r ? r : cs_loop_init(&loop);
    r = r ? r : cs_watch_add_listener(&loop, &listener, fd, on_connections);
    if (r < 0) {
        fprintf(stderr, "bench-sink: %s\n", strerror(-r));
        return 1;
    }
    printf("%u\n", cs_addr_port(&addr));
    fflush(stdout);
    return cs_loop_run(&loop) < 0;
}
