/* The timetable: nothing before its time, nothing left out after a stall, no drift; and the
 * loop is woken for it. */
#include "pace.h"

#include "tap.h"

static unsigned n_taken;

static void test_times(void)
{
    struct cs_pace pace;
    int64_t due = 0;

    cs_pace_init(&pace, 1000, 5000000);
    tap_ok(!cs_pace_take(&pace, 5999999, &due), "nothing is due early");
    tap_ok(cs_pace_take(&pace, 6000000, &due), "due on time");
    tap_int(due, 6000000, "its time");
    tap_ok(!cs_pace_take(&pace, 6000000, &due), "each is due once");
    for (int64_t i = 7; i <= 106; i++)
        if (!cs_pace_take(&pace, 106999999, &due) || due != i * 1000000)
            tap_ok(false, "after a stall, number %" PRId64, i);
    tap_ok(!cs_pace_take(&pace, 106999999, &due), "a stall leaves none out and adds none");
}

static void on_due(struct cs_pace *pace)
{
    struct cs_loop *loop = pace->watch.loop;
    int64_t due;

    while (cs_pace_take(pace, INT64_MAX / 2, &due) && ++n_taken < 3)
        continue;
    cs_loop_stop(loop);
}

static void test_loop(void)
{
    struct cs_pace pace;
    struct cs_loop loop;

    cs_pace_init(&pace, 500, 0);
    tap_int(cs_loop_init(&loop), 0, "a loop");
    tap_int(cs_pace_start(&pace, &loop, on_due), 0, "the timer starts");
    tap_int(cs_loop_run(&loop), 0, "it wakes the loop");
    tap_int(n_taken, 3, "and what is due can be taken");
    cs_pace_stop(&pace);
    cs_pace_stop(&pace);
    cs_loop_deinit(&loop);
}

int main(void)
{
    static struct cs_pace never;
    int64_t due;

    tap_ok(!cs_pace_take(&never, INT64_MAX, &due), "an empty timetable");
    test_times();
    test_loop();
    return tap_done();
}
