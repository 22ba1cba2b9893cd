/* The kernel's timer wakes us once per interval; the times themselves are counted here, so
 * that a wake-up that comes late shifts nothing. */
#include "pace.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define SECOND_NS 1000000000LL

void cs_pace_init(struct cs_pace *pace, double per_second, int64_t now_ns)
{
    *pace = (struct cs_pace){.interval_ns = (int64_t)((double)SECOND_NS / per_second)};
    if (pace->interval_ns < 1)
        pace->interval_ns = 1;
    pace->due_ns = now_ns + pace->interval_ns;
}

bool cs_pace_take(struct cs_pace *pace, int64_t now_ns, int64_t *ret_due_ns)
{
    if (!pace->interval_ns || pace->due_ns > now_ns)
        return false;
    *ret_due_ns = pace->due_ns;
    pace->due_ns += pace->interval_ns;
    return true;
}

static void on_tick(struct cs_watch *watch)
{
    struct cs_pace *pace = cs_container_of(watch, struct cs_pace, watch);
    uint64_t ticks;

    while (read(watch->fd, &ticks, sizeof(ticks)) > 0)
        continue;
    watch->readable = false;
    pace->due(pace);
}

int cs_pace_start(struct cs_pace *pace, struct cs_loop *loop, void (*due)(struct cs_pace *pace))
{
    struct timespec each = {pace->interval_ns / SECOND_NS, pace->interval_ns % SECOND_NS};
    struct itimerspec when = {.it_interval = each, .it_value = each};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), r;

    if (fd < 0)
        return -errno;
    pace->due = due;
    r = timerfd_settime(fd, 0, &when, NULL) < 0 ? -errno : 0;
    r = r ? r : cs_watch_add(loop, &pace->watch, fd, on_tick);
    if (r < 0)
        close(fd);
    return r;
}

void cs_pace_stop(struct cs_pace *pace)
{
    if (pace->watch.loop)
        cs_watch_close(&pace->watch);
}
