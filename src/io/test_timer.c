/* The set of timers against a fake clock, and against a plain list of deadlines. */
#include "io/timer.h"

#include <stdlib.h>

#include "tap.h"

static struct cs_timers timers;
static struct cs_timer *order[16];
static size_t n_fired;

static void note(struct cs_timer *timer)
{
    order[n_fired++ % 16] = timer;
}

static void test_order(void)
{
    struct cs_timer a = {note}, b = {note}, c = {note};
    n_fired = 0;
    tap_int(cs_timers_next(&timers, 0), -1, "nothing to wait for");
    cs_timers_set(&timers, &a, 300);
    cs_timers_set(&timers, &b, 100);
    cs_timers_set(&timers, &c, 200);
    tap_int(cs_timers_next(&timers, 10), 90, "sleeps until the first deadline");
    tap_int((int64_t)cs_timers_expire(&timers, 99), 0, "nothing is due early");
    tap_int((int64_t)cs_timers_expire(&timers, 200), 2, "two are due");
    tap_ok(order[0] == &b && order[1] == &c, "in the order of their deadlines");
    tap_ok(!cs_timer_pending(&b) && cs_timer_pending(&a), "fired ones are not pending");
    tap_int(cs_timers_next(&timers, 400), 0, "late: no sleep");
    cs_timers_cancel(&timers, &a);
    tap_ok(!cs_timer_pending(&a), "cancelled");
    cs_timers_cancel(&timers, &a);
    tap_int((int64_t)cs_timers_expire(&timers, 1000), 0, "cancelled ones do not fire");
}

static void test_postpone(void)
{
    struct cs_timer a = {note}, b = {note};
    n_fired = 0;
    cs_timers_set(&timers, &a, 100);
    cs_timers_set(&timers, &b, 150);
    size_t place = a.place;
    cs_timers_set(&timers, &a, 100000);
    tap_ok(a.place == place, "postponing moves nothing");
    tap_int((int64_t)cs_timers_expire(&timers, 120), 0, "the early key does not fire");
    tap_int(cs_timers_next(&timers, 120), 30, "and is corrected at the front");
    cs_timers_set(&timers, &a, 130);
    tap_int(cs_timers_next(&timers, 120), 10, "bringing forward takes effect at once");
    cs_timers_set(&timers, &a, 140);
    cs_timers_set(&timers, &a, 135);
    tap_int(cs_timers_next(&timers, 120), 15, "later, then a little earlier");
    tap_int((int64_t)cs_timers_expire(&timers, 200), 2, "both fire");
    tap_ok(order[0] == &a && order[1] == &b, "in order");
}

static void again(struct cs_timer *timer)
{
    n_fired++;
    cs_timers_set(&timers, timer, 0);
}

static struct cs_timer victim = {note};

static void kill_victim(struct cs_timer *timer)
{
    n_fired++;
    cs_timers_cancel(&timers, &victim);
}

static void test_inside_fire(void)
{
    struct cs_timer self = {again}, killer = {kill_victim};
    n_fired = 0;
    cs_timers_set(&timers, &self, 10);
    tap_int((int64_t)cs_timers_expire(&timers, 10), 1, "set to the past while firing: not again");
    tap_int(cs_timers_next(&timers, 10), 1, "but at the next expiry");
    cs_timers_cancel(&timers, &self);

    cs_timers_set(&timers, &killer, 20);
    cs_timers_set(&timers, &victim, 21);
    tap_int((int64_t)cs_timers_expire(&timers, 30), 1,
            "a due timer cancelled by another is not fired");
    tap_int((int64_t)timers.n, 0, "none is left");
}

/* Thousands of random operations, then every timer fires exactly at its own time. */
#define MANY 500

static struct cs_timer many[MANY];
static int64_t clock_ms;
static int wrong;

static void check_time(struct cs_timer *timer)
{
    if (timer->deadline_ms != clock_ms)
        wrong++;
    n_fired++;
}

static bool heap_holds(void)
{
    for (size_t i = 0; i < timers.n; i++) {
        if (timers.slots[i].timer->place != i + 1 ||
            timers.slots[i].key_ms > timers.slots[i].timer->deadline_ms)
            return false;
        if (i > 0 && timers.slots[(i - 1) / 4].key_ms > timers.slots[i].key_ms)
            return false;
    }
    return true;
}

static void test_many(void)
{
    unsigned seed = 12345;
    for (size_t i = 0; i < MANY; i++)
        many[i].fire = check_time;
    n_fired = 0;
    size_t cancelled = 0;
    bool sound = true;
    for (int step = 0; step < 20000; step++) {
        seed = seed * 1103515245u + 12345u;
        struct cs_timer *timer = &many[(seed >> 8) % MANY];
        if (seed >> 28 == 0) {
            cancelled += cs_timer_pending(timer);
            cs_timers_cancel(&timers, timer);
        } else {
            cs_timers_set(&timers, timer, 1 + (seed >> 16) % 5000);
        }
        if (step % 100 == 0)
            sound = sound && heap_holds();
    }
    tap_ok(sound && cancelled > 0, "the heap holds after every hundred operations");

    size_t pending = 0;
    for (size_t i = 0; i < MANY; i++)
        pending += cs_timer_pending(&many[i]);
    for (clock_ms = 0; clock_ms <= 5000; clock_ms++)
        cs_timers_expire(&timers, clock_ms);
    tap_int((int64_t)n_fired, (int64_t)pending, "every pending timer fired once");
    tap_int(wrong, 0, "none early, none late");
}

int main(void)
{
    test_order();
    test_postpone();
    test_inside_fire();
    test_many();
    struct cs_timer left = {note};
    cs_timers_set(&timers, &left, 5);
    cs_timers_deinit(&timers);
    tap_ok(!cs_timer_pending(&left), "a set that goes away lets its timers go");
    return tap_done();
}
