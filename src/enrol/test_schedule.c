/* Months of certificates in a second: outages, refusals, clocks that are set, machines asleep. */
#include "enrol/schedule.h"

#include "tap.h"

#define START_SEC INT64_C(1800000000)
enum { HOUR = 3600, DAY = 24 * HOUR };

static struct cs_now now;

static void begin(void)
{
    now = (struct cs_now){.mono_ms = 5000, .wall_ms = START_SEC * 1000};
}

static void pass(int64_t ms)
{
    now.mono_ms += ms;
    now.wall_ms += ms;
}

static void set_clock(int64_t ahead_sec)
{
    now.wall_ms += ahead_sec * 1000;
}

/* Of the usual day, issued at the CA's @ca_sec. */
static struct cs_lifetime day(int64_t ca_sec)
{
    return (struct cs_lifetime){ca_sec - 60, ca_sec + DAY, ca_sec + 16 * HOUR};
}

static struct cs_schedule issued(int64_t ca_sec)
{
    struct cs_schedule schedule = {0};
    struct cs_lifetime life = day(ca_sec);

    cs_schedule_issued(&schedule, &life, ca_sec, &now);
    return schedule;
}

/* The same, some time ago: due now. */
static struct cs_schedule overdue(void)
{
    struct cs_schedule schedule;

    begin();
    schedule = issued(START_SEC);
    pass(16 * HOUR * 1000);
    return schedule;
}

static void test_ordinary(void)
{
    struct cs_schedule schedule = {0};

    begin();
    tap_int(cs_schedule_wait_ms(&schedule, &now), 0, "without a certificate it is time");
    tap_ok(!cs_schedule_usable(&schedule, &now), "and none is usable");
    schedule = issued(START_SEC);
    tap_int(cs_schedule_next_ms(&schedule, &now), 16 * HOUR * 1000, "renewed when the CA says");
    tap_int(cs_schedule_wait_ms(&schedule, &now), 30000, "the clock is looked at meanwhile");
    pass(16 * HOUR * 1000 - 1);
    tap_int(cs_schedule_wait_ms(&schedule, &now), 1, "not yet");
    pass(1);
    tap_int(cs_schedule_wait_ms(&schedule, &now), 0, "now");
    tap_int(cs_schedule_left_sec(&schedule, &now), 8 * HOUR, "what is left");
    cs_schedule_hurry(&schedule, &now);
    tap_int(cs_schedule_wait_ms(&schedule, &now), 0, "still now");
}

static void test_hurry(void)
{
    struct cs_schedule schedule;

    begin();
    schedule = issued(START_SEC);
    cs_schedule_failed(&schedule, true, 0, 7, &now);
    cs_schedule_hurry(&schedule, &now);
    tap_int(cs_schedule_wait_ms(&schedule, &now), 0, "whoever asks for it need not wait");
}

static void test_levels(void)
{
    static const struct {
        int64_t after_sec;
        enum cs_log_level level;
    } steps[] = {
        {16 * HOUR, CS_LOG_WARN},      {20 * HOUR - 1, CS_LOG_WARN}, {20 * HOUR, CS_LOG_ERROR},
        {22 * HOUR + 1, CS_LOG_ERROR}, {23 * HOUR, CS_LOG_CRIT},     {25 * HOUR, CS_LOG_CRIT},
    };
    struct cs_schedule schedule = {0};

    begin();
    tap_int(cs_schedule_level(&schedule, &now), CS_LOG_ERROR, "without a certificate");
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        begin();
        schedule = issued(START_SEC);
        pass(steps[i].after_sec * 1000);
        tap_int(cs_schedule_level(&schedule, &now), steps[i].level, "graver as the end nears");
    }
}

/* The CA is away from renew_at on. Return: how many attempts there were until the end. */
static unsigned outage(int64_t life_sec, int64_t *ret_longest_ms, int64_t *ret_last_ms)
{
    struct cs_lifetime life = {START_SEC, START_SEC + life_sec, START_SEC + life_sec * 2 / 3};
    struct cs_schedule schedule = {0};
    uint64_t random = 12345;
    unsigned n = 0;

    begin();
    *ret_longest_ms = 0;
    cs_schedule_issued(&schedule, &life, START_SEC, &now);
    pass(cs_schedule_next_ms(&schedule, &now));
    while (cs_schedule_usable(&schedule, &now)) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        cs_schedule_failed(&schedule, false, 0, random >> 33, &now);
        n++;
        *ret_last_ms = cs_schedule_next_ms(&schedule, &now);
        if (*ret_last_ms > *ret_longest_ms)
            *ret_longest_ms = *ret_last_ms;
        pass(*ret_last_ms);
    }
    return n;
}

static void test_outage(void)
{
    int64_t longest, last;
    unsigned n = outage(DAY, &longest, &last);

    tap_ok(n > 60 && n < 160, "a day: %u attempts in the last third", n);
    tap_ok(longest <= 600000 && longest > 400000, "ten minutes at most: %" PRId64, longest);
    tap_ok(last <= 2000, "and again and again at the end: %" PRId64, last);
    n = outage(12, &longest, &last);
    tap_ok(n >= 3, "twelve seconds: %u attempts in the last four", n);
    n = outage(90 * DAY, &longest, &last);
    tap_ok(n < 10000 && longest <= 600000, "ninety days: %u attempts", n);
}

static void test_jitter(void)
{
    struct cs_schedule schedule;
    int64_t lowest = INT64_MAX, highest = 0;

    for (uint64_t i = 0; i < 1000; i++) {
        schedule = overdue();
        schedule.failures = 6;
        cs_schedule_failed(&schedule, false, 0, i * 7919, &now);
        int64_t wait = cs_schedule_next_ms(&schedule, &now);
        lowest = wait < lowest ? wait : lowest;
        highest = wait > highest ? wait : highest;
    }
    tap_ok(lowest >= 32000 && lowest < 34000, "from half of it: %" PRId64, lowest);
    tap_ok(highest <= 64000 && highest > 62000, "to all of it: %" PRId64, highest);
}

static void test_refusals(void)
{
    struct cs_schedule schedule;

    schedule = overdue();
    cs_schedule_failed(&schedule, true, 0, 0, &now);
    tap_int(cs_schedule_next_ms(&schedule, &now), 300000, "a refusal is no matter of seconds");
    schedule = overdue();
    cs_schedule_failed(&schedule, false, 120000, 0, &now);
    tap_int(cs_schedule_next_ms(&schedule, &now), 120000, "the CA says when to come again");
    cs_schedule_failed(&schedule, false, INT64_C(90) * DAY * 1000, 0, &now);
    tap_int(cs_schedule_next_ms(&schedule, &now), 600000, "within reason");
    schedule = (struct cs_schedule){0};
    cs_schedule_failed(&schedule, true, 0, 999999, &now);
    tap_ok(cs_schedule_next_ms(&schedule, &now) <= 60000, "without a certificate, a minute");
    for (int i = 0; i < 100; i++)
        cs_schedule_failed(&schedule, false, 0, UINT64_MAX, &now);
    tap_ok(cs_schedule_next_ms(&schedule, &now) <= 60000, "however often");
}

static void test_clock_set_ahead(void)
{
    struct cs_schedule schedule;

    begin();
    schedule = issued(START_SEC);
    pass(HOUR * 1000);
    set_clock(15 * HOUR);
    tap_int(cs_schedule_wait_ms(&schedule, &now), 0, "set behind renew_at: due");
    schedule = issued(START_SEC + HOUR);
    tap_ok(schedule.clock_wrong == false, "a clock that is ahead by less is not found out");
    tap_int(cs_schedule_next_ms(&schedule, &now), HOUR * 1000, "it makes renewals more frequent");
    set_clock(15 * HOUR);
    schedule = issued(START_SEC + HOUR);
    tap_ok(schedule.clock_wrong, "due at once after being issued: the clock is wrong");
    tap_int(cs_schedule_next_ms(&schedule, &now), 16 * HOUR * 1000, "no renewal after renewal");
    tap_ok(cs_schedule_usable(&schedule, &now), "what was issued this moment is usable");
    tap_int(cs_schedule_level(&schedule, &now), CS_LOG_WARN, "and nothing is lost yet");
}

static void test_clock_set_back(void)
{
    struct cs_schedule schedule;

    begin();
    schedule = issued(START_SEC);
    set_clock(-30 * DAY);
    tap_int(cs_schedule_next_ms(&schedule, &now), 16 * HOUR * 1000, "the other clock still goes");
    pass(16 * HOUR * 1000);
    tap_int(cs_schedule_wait_ms(&schedule, &now), 0, "due by it");
    schedule = issued(START_SEC + 16 * HOUR);
    tap_int(cs_schedule_next_ms(&schedule, &now), 16 * HOUR * 1000, "and the next one, too");
    begin();
    set_clock(-30 * DAY);
    cs_schedule_holds(&schedule, &schedule.life, &now);
    tap_ok(cs_schedule_next_ms(&schedule, &now) <= 17 * HOUR * INT64_C(1000),
           "read at a start with a clock that is behind: no longer than its life");
}

static void test_sleep(void)
{
    struct cs_schedule schedule;

    begin();
    schedule = issued(START_SEC);
    set_clock(12 * HOUR); /* the machine slept: the monotonic clock stood still */
    pass(HOUR * 1000);
    tap_int(cs_schedule_next_ms(&schedule, &now), 3 * HOUR * 1000, "asleep for half a day");
    set_clock(3 * HOUR);
    cs_schedule_failed(&schedule, true, 0, 0, &now);
    tap_int(cs_schedule_next_ms(&schedule, &now), 300000, "waiting after a refusal");
    set_clock(8 * HOUR - 40);
    tap_ok(cs_schedule_next_ms(&schedule, &now) <= 5000, "asleep again, the end is near: hurry");
    set_clock(DAY);
    tap_ok(!cs_schedule_usable(&schedule, &now), "asleep too long");
    tap_int(cs_schedule_level(&schedule, &now), CS_LOG_CRIT, "which is grave");
    cs_schedule_failed(&schedule, false, 0, 0, &now);
    tap_ok(cs_schedule_next_ms(&schedule, &now) <= 60000, "tried on all the same");
}

static void test_read_at_start(void)
{
    struct cs_lifetime life = day(START_SEC - 20 * HOUR);
    struct cs_schedule schedule = {0};

    begin();
    cs_schedule_holds(&schedule, &life, &now);
    tap_int(cs_schedule_wait_ms(&schedule, &now), 0, "overdue");
    tap_int(cs_schedule_left_sec(&schedule, &now), 4 * HOUR, "but good");
    life = day(START_SEC - 30 * HOUR);
    cs_schedule_holds(&schedule, &life, &now);
    tap_ok(!cs_schedule_usable(&schedule, &now), "expired");
    life = day(START_SEC - HOUR);
    cs_schedule_holds(&schedule, &life, &now);
    tap_int(cs_schedule_next_ms(&schedule, &now), 15 * HOUR * INT64_C(1000), "good for long");
}

/* Whatever the clock does, a CA that answers is asked neither never nor all the time. */
static void test_any_clock(void)
{
    uint64_t random = 99;
    int64_t true_sec = START_SEC;
    struct cs_schedule schedule;
    unsigned n = 0;
    bool always = true;

    begin();
    schedule = issued(true_sec);
    for (int i = 0; i < 100000; i++) { /* half-minutes: five weeks */
        int64_t wait = cs_schedule_wait_ms(&schedule, &now);
        if (wait == 0) {
            schedule = issued(true_sec);
            n++;
        }
        always &= schedule.life.not_after > true_sec;
        pass(30000);
        true_sec += 30;
        random = random * 6364136223846793005u + 1442695040888963407u;
        if ((random >> 33) % 1000 == 0)
            set_clock((int64_t)((random >> 40) % (80 * DAY)) - 40 * DAY);
    }
    tap_ok(always, "never without a certificate that the CA calls valid");
    tap_ok(n >= 35000 * 30 / DAY && n < 300, "%u renewals in five weeks with a hundred jumps", n);
}

int main(void)
{
    test_ordinary();
    test_hurry();
    test_levels();
    test_outage();
    test_jitter();
    test_refusals();
    test_clock_set_ahead();
    test_clock_set_back();
    test_sleep();
    test_read_at_start();
    test_any_clock();
    return tap_done();
}
