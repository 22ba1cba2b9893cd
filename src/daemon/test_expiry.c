/* When something is said about a paper, for lives of every length. */
#include "daemon/expiry.h"

#include "tap.h"

#define HOUR 3600
#define DAY (24 * HOUR)

static const struct {
    const char *what;
    int64_t life;      /* seconds */
    int64_t before[3]; /* the end; the rest is 0 */
} rows[] = {
    {"ten years", 3650 * DAY, {30 * DAY, 7 * DAY, DAY}},
    {"90 days", 90 * DAY, {30 * DAY, 7 * DAY, DAY}},
    {"60 days", 60 * DAY, {20 * DAY, 7 * DAY, DAY}},
    {"three weeks", 21 * DAY, {7 * DAY, DAY}},
    {"a week", 7 * DAY, {7 * DAY / 3, DAY}},
    {"three days", 3 * DAY, {DAY}},
    {"a day", DAY, {8 * HOUR}},
    {"an hour", HOUR, {HOUR / 3}},
    {"no time", 0, {0}},
    {"less than none", -DAY, {0}},
};

static void check(const char *what, int64_t from, int64_t until, const int64_t before[3])
{
    int64_t steps[CS_EXPIRY_STEPS];
    size_t n = cs_expiry_steps(from, until, steps), i = 0;
    bool good = n >= 1 && n <= CS_EXPIRY_STEPS && steps[n - 1] == until;

    for (; i + 1 < n && i < 3; i++)
        good = good && steps[i] == until - before[i];
    tap_ok(good && (i == 3 || before[i] == 0), "%s", what);
}

int main(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(rows[i].what, 1800000000, 1800000000 + rows[i].life, rows[i].before);
    return tap_done();
}
