/* Note first, call later.
 *
 * epoll hands out a batch of pointers to watches. Were callbacks run while walking that
 * batch, one of them could free what a later entry points to. So the batch is only
 * transcribed: flags on the watch, the watch on a list that it can leave by itself. Then
 * the list is worked off. Kicked watches go to the same list, for the turn that follows,
 * so that nobody who kicks himself can starve the others.
 */
#include "io/loop.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/panic.h"

#define BATCH 256

static int64_t read_clock_ms(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void cs_loop_now(struct cs_loop *loop)
{
    loop->now.mono_ms = read_clock_ms(CLOCK_MONOTONIC);
    loop->now.wall_ms = read_clock_ms(CLOCK_REALTIME);
}

int cs_loop_init(struct cs_loop *loop)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0)
        return -errno;
    *loop = (struct cs_loop){.epoll_fd = fd};
    cs_list_init(&loop->ready);
    cs_list_init(&loop->tasks);
    cs_loop_now(loop);
    return 0;
}

void cs_loop_deinit(struct cs_loop *loop)
{
    if (!loop->ready.next)
        return;
    CS_LIST_FOREACH_SAFE (link, &loop->ready) {
        cs_container_of(link, struct cs_watch, link)->queued = false;
        cs_list_remove(link);
    }
    CS_LIST_FOREACH_SAFE (link, &loop->tasks) {
        cs_container_of(link, struct cs_task, link)->deferred = false;
        cs_list_remove(link);
    }
    cs_timers_deinit(&loop->timers);
    close(loop->epoll_fd);
    *loop = (struct cs_loop){.epoll_fd = -1};
}

static void queue(struct cs_watch *watch)
{
    if (watch->queued)
        return;
    watch->queued = true;
    cs_list_push_back(&watch->loop->ready, &watch->link);
}

static void note(const struct epoll_event *event)
{
    struct cs_watch *watch = event->data.ptr;
    bool broken = (event->events & (EPOLLHUP | EPOLLERR)) != 0;

    if (broken || (event->events & (EPOLLIN | EPOLLRDHUP)) != 0)
        watch->readable = true;
    if (broken || (event->events & EPOLLOUT) != 0)
        watch->writable = true;
    if (broken || (event->events & EPOLLRDHUP) != 0)
        watch->hangup = true;
    queue(watch);
}

/* How long epoll may sleep: not at all with work queued, else until the next deadline. The
 * clock is read anew, since loop->now is as old as the turn before was long. */
static int sleep_ms(struct cs_loop *loop, int64_t max_wait_ms)
{
    if (!cs_list_empty(&loop->ready) || !cs_list_empty(&loop->tasks))
        return 0;
    int64_t wait_ms = cs_timers_next(&loop->timers, read_clock_ms(CLOCK_MONOTONIC));
    if (wait_ms < 0 || (max_wait_ms >= 0 && max_wait_ms < wait_ms))
        wait_ms = max_wait_ms;
    if (wait_ms < 0)
        return -1;
    return wait_ms < INT_MAX ? (int)wait_ms : INT_MAX;
}

/* Take all that is on @head now; what is added meanwhile stays for later. */
static void take_all(struct cs_list *head, struct cs_list *taken)
{
    cs_list_init(taken);
    if (cs_list_empty(head))
        return;
    *taken = *head;
    taken->next->prev = taken;
    taken->prev->next = taken;
    cs_list_init(head);
}

static int call_ready(struct cs_loop *loop)
{
    struct cs_list taken;
    int n = 0;

    take_all(&loop->ready, &taken);
    for (; !cs_list_empty(&taken); n++) {
        struct cs_watch *watch = cs_container_of(taken.next, struct cs_watch, link);
        cs_list_remove(&watch->link);
        watch->queued = false;
        watch->ready(watch);
    }
    return n;
}

static int run_tasks(struct cs_loop *loop)
{
    struct cs_list taken;
    int n = 0;

    take_all(&loop->tasks, &taken);
    for (; !cs_list_empty(&taken); n++) {
        struct cs_task *task = cs_container_of(taken.next, struct cs_task, link);
        cs_list_remove(&task->link);
        task->deferred = false;
        task->run(task);
    }
    return n;
}

int cs_loop_turn(struct cs_loop *loop, int64_t max_wait_ms)
{
    struct epoll_event events[BATCH];
    int n = epoll_wait(loop->epoll_fd, events, BATCH, sleep_ms(loop, max_wait_ms));
    if (n < 0 && errno != EINTR)
        return -errno;

    cs_loop_now(loop);
    for (int i = 0; i < n; i++)
        note(&events[i]);
    int called = call_ready(loop);
    called += (int)cs_timers_expire(&loop->timers, loop->now.mono_ms);
    return called + run_tasks(loop);
}

int cs_loop_run(struct cs_loop *loop)
{
    loop->stopping = false;
    while (!loop->stopping) {
        int r = cs_loop_turn(loop, -1);
        if (r < 0)
            return r;
    }
    return 0;
}

void cs_loop_stop(struct cs_loop *loop)
{
    loop->stopping = true;
}

static int control(struct cs_watch *watch, int op)
{
    struct epoll_event event = {.data.ptr = watch};
    event.events =
        watch->listener ? EPOLLIN | EPOLLEXCLUSIVE : EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    return epoll_ctl(watch->loop->epoll_fd, op, watch->fd, &event) < 0 ? -errno : 0;
}

static int add(struct cs_loop *loop, struct cs_watch *watch, int fd, bool listener,
               void (*ready)(struct cs_watch *watch))
{
    cs_assert(watch->loop == NULL);
    *watch = (struct cs_watch){.fd = fd, .listener = listener, .ready = ready, .loop = loop};
    cs_list_init(&watch->link);
    int r = control(watch, EPOLL_CTL_ADD);
    if (r < 0)
        watch->loop = NULL;
    else
        loop->n_watches++;
    return r;
}

int cs_watch_add(struct cs_loop *loop, struct cs_watch *watch, int fd,
                 void (*ready)(struct cs_watch *watch))
{
    return add(loop, watch, fd, false, ready);
}

int cs_watch_add_listener(struct cs_loop *loop, struct cs_watch *watch, int fd,
                          void (*ready)(struct cs_watch *watch))
{
    return add(loop, watch, fd, true, ready);
}

void cs_watch_pause(struct cs_watch *watch)
{
    cs_assert(watch->listener);
    control(watch, EPOLL_CTL_DEL);
    cs_list_remove(&watch->link);
    watch->queued = false;
}

int cs_watch_resume(struct cs_watch *watch)
{
    cs_assert(watch->listener);
    int r = control(watch, EPOLL_CTL_ADD);
    return r == -EEXIST ? 0 : r;
}

void cs_watch_kick(struct cs_loop *loop, struct cs_watch *watch)
{
    cs_assert(watch->loop == NULL || watch->loop == loop);
    if (watch->loop)
        queue(watch);
}

/* Leave the loop's lists, the kernel's set excepted. */
static void forget(struct cs_watch *watch)
{
    cs_list_remove(&watch->link);
    watch->queued = false;
    watch->loop->n_watches--;
    watch->loop = NULL;
}

void cs_watch_remove(struct cs_watch *watch)
{
    if (!watch->loop)
        return;
    control(watch, EPOLL_CTL_DEL);
    forget(watch);
}

void cs_watch_close(struct cs_watch *watch)
{
    if (!watch->loop)
        return;
    forget(watch);
    close(watch->fd);
    watch->fd = -1;
}

void cs_timer_set(struct cs_loop *loop, struct cs_timer *timer, int64_t deadline_mono_ms)
{
    cs_timers_set(&loop->timers, timer, deadline_mono_ms);
}

void cs_timer_cancel(struct cs_loop *loop, struct cs_timer *timer)
{
    cs_timers_cancel(&loop->timers, timer);
}

void cs_loop_defer(struct cs_loop *loop, struct cs_task *task)
{
    cs_assert(task->run != NULL);
    if (task->deferred)
        return;
    task->deferred = true;
    cs_list_push_back(&loop->tasks, &task->link);
}

void cs_task_cancel(struct cs_task *task)
{
    if (!task->deferred)
        return;
    task->deferred = false;
    cs_list_remove(&task->link);
}
