/* Which list is older than another, and which is a part of something else. */
#include "snapshot/download.h"

#include "tap.h"

/* A list of this day, number and part. */
static struct cs_crl list(int64_t day, struct cs_str number, struct cs_str part)
{
    return (struct cs_crl){.this_update = day,
                           .number = number,
                           .has_issuing_point = part.len > 0,
                           .issuing_point = part};
}

#define N(text) CS_STR_INIT(text)
#define LONG "\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"

static const struct {
    const char *what;
    int64_t day, held_day;
    struct cs_str number, held_number;
    bool older;
} ages[] = {
    {"the same", 5, 5, N("\x05"), N("\x05"), false},
    {"of the day before", 4, 5, N("\x05"), N("\x05"), true},
    {"of the day before, with a greater number", 4, 5, N("\x06"), N("\x05"), true},
    {"of the day after, with a smaller number", 6, 5, N("\x04"), N("\x05"), true},
    {"of the day after", 6, 5, N("\x06"), N("\x05"), false},
    {"a greater number", 5, 5, N("\x06"), N("\x05"), false},
    {"a smaller number", 5, 5, N("\x04"), N("\x05"), true},
    {"a greater number is longer", 5, 5, N("\x01\x00"), N("\x7f"), false},
    {"a smaller number is shorter", 5, 5, N("\x7f"), N("\x01\x00"), true},
    {"the sign is no digit", 5, 5, N("\x00\x80"), N("\x7f"), false},
    {"neither is it of the other", 5, 5, N("\x7f"), N("\x00\x80"), true},
    {"as great as may be", 5, 5, N(LONG), N("\x00\xff\xff"), false},
    {"less than that", 5, 5, N("\x00\xff\xff"), N(LONG), true},
    {"zero and zero", 5, 5, N("\x00"), N("\x00"), false},
    {"zero and one", 5, 5, N("\x00"), N("\x01"), true},
    {"no number any more", 5, 5, N(""), N("\x05"), false},
    {"no number, of the day before", 4, 5, N(""), N("\x05"), true},
    {"no numbers", 5, 5, N(""), N(""), false},
};

static const struct {
    const char *what;
    struct cs_str part, held;
    bool other;
} parts[] = {
    {"complete, as before", N(""), N(""), false},
    {"the same part", N("a"), N("a"), false},
    {"another part", N("b"), N("a"), true},
    {"a part of what was complete", N("a"), N(""), true},
    {"complete, which was a part", N(""), N("a"), false},
};

int main(void)
{
    static const struct cs_str none;

    for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
        struct cs_crl a = list(ages[i].day, ages[i].number, none),
                      held = list(ages[i].held_day, ages[i].held_number, none);
        tap_ok(cs_download_is_older(&a, &held) == ages[i].older, "%s", ages[i].what);
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct cs_crl a = list(5, none, parts[i].part), held = list(5, none, parts[i].held);
        tap_ok(cs_download_is_other_part(&a, &held) == parts[i].other, "%s", parts[i].what);
    }
    return tap_done();
}
