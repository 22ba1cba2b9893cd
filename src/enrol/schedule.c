/* Deadlines are kept by both clocks and compared when they are asked for, so that nothing has to
 * be told when a clock is set: the answer changes by itself. */
#include "enrol/schedule.h"

enum {
    TICK_MS = 30 * 1000,
    FIRST_DELAY_MS = 1000,
    LONGEST_DELAY_MS = 10 * 60 * 1000,
    LONGEST_WITHOUT_MS = 60 * 1000, /* when there is no certificate to fall back on */
    ATTEMPTS = 8,                   /* that should still fit into what is left */
    DOUBLINGS = 20,
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void put_deadlines(struct cs_schedule *schedule, const struct cs_lifetime *life,
                          int64_t true_sec, const struct cs_now *now)
{
    *schedule = (struct cs_schedule){
        .holds = true,
        .life = *life,
        .due_mono_ms = now->mono_ms + (life->renew_at - true_sec) * 1000,
        .end_mono_ms = now->mono_ms + (life->not_after - true_sec) * 1000,
    };
}

void cs_schedule_holds(struct cs_schedule *schedule, const struct cs_lifetime *life,
                       const struct cs_now *now)
{
    /* Nothing is valid before it was issued: then at least this much of its life is over. */
    put_deadlines(schedule, life, most(cs_now_sec(now), life->not_before), now);
}

void cs_schedule_issued(struct cs_schedule *schedule, const struct cs_lifetime *life,
                        int64_t ca_sec, const struct cs_now *now)
{
    int64_t here = cs_now_sec(now);
    bool possible = here >= life->not_before && here < life->renew_at;
    bool known = ca_sec >= life->not_before && ca_sec <= life->renew_at;

    put_deadlines(schedule, life, known ? ca_sec : possible ? here : life->not_before, now);
    schedule->clock_wrong = here >= life->renew_at;
}

int64_t cs_schedule_left_sec(const struct cs_schedule *schedule, const struct cs_now *now)
{
    int64_t left = (schedule->end_mono_ms - now->mono_ms) / 1000;

    if (!schedule->holds)
        return INT64_MIN;
    return schedule->clock_wrong ? left : least(left, schedule->life.not_after - cs_now_sec(now));
}

bool cs_schedule_usable(const struct cs_schedule *schedule, const struct cs_now *now)
{
    return schedule->holds && cs_schedule_left_sec(schedule, now) > 0;
}

/* No delay is longer than this at @now. */
static int64_t longest_delay_ms(const struct cs_schedule *schedule, const struct cs_now *now)
{
    if (!cs_schedule_usable(schedule, now))
        return LONGEST_WITHOUT_MS;
    return most(FIRST_DELAY_MS,
                least(LONGEST_DELAY_MS, cs_schedule_left_sec(schedule, now) * 1000 / ATTEMPTS));
}

void cs_schedule_failed(struct cs_schedule *schedule, bool refused, int64_t after_ms,
                        uint64_t random, const struct cs_now *now)
{
    int64_t longest = longest_delay_ms(schedule, now), delay = longest;

    if (!refused && schedule->failures < DOUBLINGS)
        delay = least(longest, (int64_t)FIRST_DELAY_MS << schedule->failures);
    delay = delay / 2 + (int64_t)(random % (uint64_t)(delay / 2 + 1));
    schedule->failures += schedule->failures < DOUBLINGS;
    schedule->failed_mono_ms = now->mono_ms;
    schedule->delay_ms = most(delay, least(after_ms, longest));
}

void cs_schedule_hurry(struct cs_schedule *schedule, const struct cs_now *now)
{
    schedule->failures = 0;
    schedule->due_mono_ms = now->mono_ms;
}

/* How long until it is time, as if there had been no failure. */
static int64_t until_due_ms(const struct cs_schedule *schedule, const struct cs_now *now)
{
    int64_t wait = schedule->due_mono_ms - now->mono_ms;

    if (!schedule->holds)
        return 0;
    if (!schedule->clock_wrong)
        wait = least(wait, schedule->life.renew_at * 1000 - now->wall_ms);
    return most(wait, 0);
}

/* How long until one may try again: what was planned, or less if the end has come nearer since. */
static int64_t until_retry_ms(const struct cs_schedule *schedule, const struct cs_now *now)
{
    int64_t delay = least(schedule->delay_ms, longest_delay_ms(schedule, now));

    return schedule->failures ? most(schedule->failed_mono_ms + delay - now->mono_ms, 0) : 0;
}

int64_t cs_schedule_next_ms(const struct cs_schedule *schedule, const struct cs_now *now)
{
    return most(until_due_ms(schedule, now), until_retry_ms(schedule, now));
}

int64_t cs_schedule_wait_ms(const struct cs_schedule *schedule, const struct cs_now *now)
{
    return least(cs_schedule_next_ms(schedule, now),
                 least(longest_delay_ms(schedule, now), TICK_MS));
}

enum cs_log_level cs_schedule_level(const struct cs_schedule *schedule, const struct cs_now *now)
{
    int64_t window = schedule->life.not_after - schedule->life.renew_at;
    int64_t left = cs_schedule_left_sec(schedule, now);

    if (!schedule->holds)
        return CS_LOG_ERROR;
    if (left <= window / 5)
        return CS_LOG_CRIT;
    return left <= window / 2 ? CS_LOG_ERROR : CS_LOG_WARN;
}
