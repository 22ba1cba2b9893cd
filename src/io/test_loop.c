/* The loop over socket pairs: what is reported, in which order, and who may remove whom. */
#include "io/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tap.h"

static struct cs_loop loop;

struct end {
    struct cs_watch watch;
    struct cs_timer timer;
    struct cs_task task;
    int calls;
    struct end *other;
};

static struct end a, b;

static void make_pair(void (*ready)(struct cs_watch *))
{
    int fds[2];
    a = (struct end){.other = &b};
    b = (struct end){.other = &a};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
        abort();
    if (cs_watch_add(&loop, &a.watch, fds[0], ready) < 0 ||
        cs_watch_add(&loop, &b.watch, fds[1], ready) < 0)
        abort();
}

static void count(struct cs_watch *watch)
{
    cs_container_of(watch, struct end, watch)->calls++;
}

static void test_edges(void)
{
    char byte;
    make_pair(count);
    tap_int(cs_loop_turn(&loop, 0), 2, "both ends are reported once");
    tap_ok(a.watch.writable && !a.watch.readable && !a.watch.hangup, "writable only");
    tap_int(cs_loop_turn(&loop, 0), 0, "and not again");

    a.watch.writable = false;
    tap_int(write(b.watch.fd, "xy", 2), 2, "the other end writes");
    tap_int(cs_loop_turn(&loop, 0), 1, "one end is reported");
    tap_ok(a.watch.readable && b.calls == 1, "readable");
    tap_int(cs_loop_turn(&loop, 0), 0, "the rest of the bytes is not news");
    tap_ok(a.watch.readable, "but stays noted");

    a.watch.readable = false;
    cs_watch_close(&b.watch);
    cs_loop_turn(&loop, 0);
    tap_ok(a.watch.readable && a.watch.hangup, "a closed peer: readable and hangup");
    tap_int(read(a.watch.fd, &byte, 1), 1, "bytes are there before the end");
    cs_watch_remove(&a.watch);
    tap_int((int64_t)loop.n_watches, 0, "nothing is watched");
    close(a.watch.fd);
}

static void kick_self(struct cs_watch *watch)
{
    struct end *end = cs_container_of(watch, struct end, watch);
    if (++end->calls < 3)
        cs_watch_kick(&loop, watch);
}

static void test_kick(void)
{
    make_pair(kick_self);
    cs_loop_turn(&loop, -1);
    tap_int(a.calls, 1, "a kick of oneself does not starve the turn");
    tap_ok(a.watch.queued, "it is queued");
    cs_loop_turn(&loop, -1);
    cs_loop_turn(&loop, -1);
    tap_int(a.calls, 3, "and called in the turns that follow, without waiting");
    cs_watch_kick(&loop, &a.watch);
    cs_watch_kick(&loop, &a.watch);
    cs_watch_remove(&a.watch);
    tap_int(cs_loop_turn(&loop, 0), 0, "removed: a queued call is dropped");
    cs_watch_kick(&loop, &a.watch);
    tap_int(cs_loop_turn(&loop, 0), 0, "kicking what watches nothing does nothing");
    close(a.watch.fd);
    cs_watch_close(&b.watch);
}

static void close_other(struct cs_watch *watch)
{
    struct end *end = cs_container_of(watch, struct end, watch);
    end->calls++;
    cs_watch_close(&end->other->watch);
}

static void test_remove_in_batch(void)
{
    make_pair(close_other);
    tap_int(cs_loop_turn(&loop, 0), 1,
            "the first of a batch closes the second, which is not called");
    tap_int(a.calls + b.calls, 1, "only one was called");
    cs_watch_close(&a.watch);
    cs_watch_close(&b.watch);
    tap_int((int64_t)loop.n_watches, 0, "nothing is watched");
}

static char trace[64];

static void mark(char c)
{
    size_t n = strlen(trace);
    if (n + 1 < sizeof(trace))
        memcpy(trace + n, (char[]){c, '\0'}, 2);
}

static void task_run(struct cs_task *task)
{
    mark('t');
}

static void task_again(struct cs_task *task)
{
    mark('a');
    cs_loop_defer(&loop, task);
}

static void task_free(struct cs_task *task)
{
    mark('f');
    free(cs_container_of(task, struct end, task));
}

static void ready_trace(struct cs_watch *watch)
{
    struct end *end = cs_container_of(watch, struct end, watch);
    mark('r');
    cs_loop_defer(&loop, &end->task);
    cs_timer_set(&loop, &end->timer, loop.now.mono_ms);
}

static void fire_trace(struct cs_timer *timer)
{
    mark('f');
}

static void test_order(void)
{
    make_pair(count);
    a.watch.ready = ready_trace;
    a.task.run = task_run;
    a.timer.fire = fire_trace;
    cs_watch_remove(&b.watch);
    close(b.watch.fd);
    trace[0] = '\0';
    tap_int(cs_loop_turn(&loop, 0), 3, "a turn counts its callbacks");
    tap_str(cs_str_from(trace), CS_STR("rft"), "events, then timers, then tasks");
    cs_watch_close(&a.watch);

    struct cs_task again = {.run = task_again}, gone = {.run = task_run};
    struct end *heap = calloc(1, sizeof(*heap));
    heap->task.run = task_free;
    trace[0] = '\0';
    cs_loop_defer(&loop, &again);
    cs_loop_defer(&loop, &again);
    cs_loop_defer(&loop, &heap->task);
    cs_loop_defer(&loop, &gone);
    cs_task_cancel(&gone);
    tap_int(cs_loop_turn(&loop, -1), 2, "a task runs once however often it was deferred");
    tap_str(cs_str_from(trace), CS_STR("af"),
            "a task may free itself; a cancelled one does not run");
    tap_int(cs_loop_turn(&loop, -1), 1, "deferred by a task: in the next turn, without waiting");
    cs_task_cancel(&again);
}

static void fire_stop(struct cs_timer *timer)
{
    cs_loop_stop(&loop);
}

static void test_run(void)
{
    struct cs_timer timer = {.fire = fire_stop};
    int64_t start = loop.now.mono_ms;
    cs_loop_now(&loop);
    start = loop.now.mono_ms;
    cs_timer_set(&loop, &timer, start + 20);
    tap_int(cs_loop_run(&loop), 0, "runs until stopped");
    tap_ok(loop.now.mono_ms - start >= 20, "a timer does not fire early");
    tap_ok(loop.now.wall_ms > INT64_C(1600000000000), "the wall clock is a date");
    tap_int(cs_loop_turn(&loop, 5), 0, "waits no longer than allowed");
}

static void accept_one(struct cs_watch *watch)
{
    int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    a.calls++;
}

static void test_listener(void)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in4);
    int clients[2];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&in4, len) < 0 || listen(fd, 8) < 0 ||
        getsockname(fd, (struct sockaddr *)&in4, &len) < 0)
        abort();

    a = (struct end){0};
    tap_int(cs_watch_add_listener(&loop, &a.watch, fd, accept_one), 0, "a listener is watched");
    tap_int(cs_loop_turn(&loop, 0), 0, "nobody waits");
    for (int i = 0; i < 2; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(clients[i], (struct sockaddr *)&in4, len) < 0)
            abort();
    }
    cs_watch_pause(&a.watch);
    tap_int(cs_loop_turn(&loop, 0), 0, "paused: not reported");
    tap_int(cs_watch_resume(&a.watch), 0, "resumed");
    tap_int(cs_watch_resume(&a.watch), 0, "twice is harmless");
    cs_loop_turn(&loop, 100);
    cs_loop_turn(&loop, 100);
    tap_int(a.calls, 2, "reported until all are accepted");
    tap_int(cs_loop_turn(&loop, 0), 0, "and no longer");
    cs_watch_close(&a.watch);
    close(clients[0]);
    close(clients[1]);
}

static void test_faults(void)
{
    struct cs_watch watch = {0};
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    tap_int(cs_watch_add(&loop, &watch, fd, count), -EPERM, "a regular file cannot be watched");
    tap_int(cs_watch_add(&loop, &watch, -1, count), -EBADF, "nor can nothing");
    cs_watch_remove(&watch);
    tap_int((int64_t)loop.n_watches, 0, "nothing is watched");
    close(fd);
}

int main(void)
{
    struct cs_loop never = {0};
    cs_loop_deinit(&never);
    tap_int(cs_loop_init(&loop), 0, "a loop");
    test_edges();
    test_kick();
    test_remove_in_batch();
    test_order();
    test_run();
    test_listener();
    test_faults();
    cs_loop_deinit(&loop);
    return tap_done();
}
