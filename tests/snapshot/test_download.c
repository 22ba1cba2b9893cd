/* Which list is older than another, which is a part of something else, and what a note says. */
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

static const struct {
    const char *what, *text;
    int64_t fetched, due, failing;
    const char *etag, *changed, *why;
} notes[] = {
    {"nothing", "", 0, 0, 0, "", "", ""},
    {"all", "fetched 1\ndue 2\nfailing 3\netag \"x y\"\nchanged Tue\nwhy no\n", 1, 2, 3, "\"x y\"",
     "Tue", "no"},
    {"no end", "due 2", 0, 2, 0, "", "", ""},
    {"negative, too great, not a number", "fetched -1\ndue 9223372036854775807\nfailing x\n", 0, 0,
     0, "", "", ""},
    {"a header of its own", "etag a\rX-Evil: 1\n", 0, 0, 0, "", "", ""},
    {"words that are not known", "etagg a\nEtag b\n etag c\n", 0, 0, 0, "", "", ""},
    {"the last one counts", "etag a\netag b\n", 0, 0, 0, "b", "", ""},
};

static void test_notes(void)
{
    char text[4096] = "etag ";
    struct cs_download_note note;

    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
        cs_download_note_parse(cs_str_from(notes[i].text), &note);
        tap_ok(note.fetched_sec == notes[i].fetched && note.due_sec == notes[i].due &&
                   note.failing_since_sec == notes[i].failing &&
                   cs_str_eq(note.etag, cs_str_from(notes[i].etag)) &&
                   cs_str_eq(note.changed, cs_str_from(notes[i].changed)) &&
                   cs_str_eq(note.why, cs_str_from(notes[i].why)),
               "%s", notes[i].what);
    }
    memset(text + 5, 'x', sizeof(text) - 5);
    cs_download_note_parse(cs_str_make(text, 5 + 1024), &note);
    tap_int((int64_t)note.etag.len, 1024, "a long value");
    cs_download_note_parse(cs_str_make(text, 5 + 1025), &note);
    tap_int((int64_t)note.etag.len, 0, "one that is too long");
}

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
    test_notes();
    return tap_done();
}
