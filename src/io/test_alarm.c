/* An alarm rings at its time and not before, once, and can be set anew at any moment. */
#include "io/alarm.h"

#include "tap.h"

static struct cs_loop loop;
static int rung;
static int64_t again_at;

static void on_ring(struct cs_alarm *alarm)
{
    rung++;
    if (again_at)
        cs_alarm_set(alarm, again_at);
    again_at = 0;
}

/* Turns until it has rung @times times, or for @ms. */
static void wait_for(int times, int64_t ms)
{
    int64_t end = loop.now.mono_ms + ms;

    while (rung < times && loop.now.mono_ms < end)
        cs_loop_turn(&loop, 50);
}

int main(void)
{
    struct cs_alarm alarm;
    int64_t at;

    if (cs_loop_init(&loop) < 0 || cs_alarm_init(&alarm, &loop, on_ring) < 0)
        return 1;
    wait_for(1, 100);
    tap_int(rung, 0, "not set: it does not ring");
    cs_alarm_set(&alarm, cs_now_sec(&loop.now) - 5);
    wait_for(1, 5000);
    tap_int(rung, 1, "a time that has passed rings at once");
    tap_ok(alarm.at_sec == INT64_MAX, "and then it is not set any more");

    at = cs_now_sec(&loop.now) + 2;
    cs_alarm_set(&alarm, at + 3600);
    cs_alarm_set(&alarm, at);
    again_at = at + 1;
    wait_for(2, 10000);
    tap_int(rung, 2, "set to an earlier time, it rings then");
    tap_ok(loop.now.wall_ms >= at * 1000 && loop.now.wall_ms < at * 1000 + 900,
           "not before, and not much later");
    wait_for(3, 10000);
    tap_ok(rung == 3 && loop.now.wall_ms >= (at + 1) * 1000, "again, as it was told while ringing");

    cs_alarm_set(&alarm, cs_now_sec(&loop.now) + 1);
    cs_alarm_set(&alarm, INT64_MAX);
    wait_for(4, 1500);
    tap_int(rung, 3, "taken back");
    cs_alarm_set(&alarm, -5);
    wait_for(4, 5000);
    tap_int(rung, 4, "before 1970 is over, too");
    cs_alarm_deinit(&alarm);
    cs_alarm_deinit(&alarm);
    cs_loop_deinit(&loop);
    return tap_done();
}
