/* The kernel's timer on the wall clock, which it also reports as cancelled whenever that clock is
 * set. Either way the answer is the same: look at the clock, and ring or wait on. */
#include "io/alarm.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/panic.h"

static void arm(const struct cs_alarm *alarm)
{
    struct itimerspec spec = {0};

    if (alarm->at_sec != INT64_MAX)
        spec.it_value.tv_sec = alarm->at_sec > 0 ? alarm->at_sec : 1;
    /* ECANCELED: the clock was set before this call, which took effect all the same */
    cs_assert(timerfd_settime(alarm->watch.fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec,
                              NULL) == 0 ||
              errno == ECANCELED);
}

static void on_ready(struct cs_watch *watch)
{
    struct cs_alarm *alarm = cs_container_of(watch, struct cs_alarm, watch);
    uint64_t ignored;

    (void)!read(watch->fd, &ignored, sizeof(ignored));
    watch->readable = false;
    if (alarm->at_sec > cs_now_sec(&watch->loop->now)) {
        arm(alarm);
        return;
    }
    alarm->at_sec = INT64_MAX;
    alarm->ring(alarm);
}

int cs_alarm_init(struct cs_alarm *alarm, struct cs_loop *loop,
                  void (*ring)(struct cs_alarm *alarm))
{
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    int r;

    if (fd < 0)
        return -errno;
    *alarm = (struct cs_alarm){.at_sec = INT64_MAX, .ring = ring};
    r = cs_watch_add(loop, &alarm->watch, fd, on_ready);
    if (r < 0)
        close(fd);
    return r;
}

void cs_alarm_deinit(struct cs_alarm *alarm)
{
    if (alarm->watch.loop)
        cs_watch_close(&alarm->watch);
}

void cs_alarm_set(struct cs_alarm *alarm, int64_t at_sec)
{
    alarm->at_sec = at_sec;
    arm(alarm);
}
