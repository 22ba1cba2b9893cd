/* What a note says. */
#include "snapshot/note.h"

#include "tap.h"

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
    struct cs_note note;

    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
        cs_note_parse(cs_str_from(notes[i].text), &note);
        tap_ok(note.fetched_sec == notes[i].fetched && note.due_sec == notes[i].due &&
                   note.failing_since_sec == notes[i].failing &&
                   cs_str_eq(note.etag, cs_str_from(notes[i].etag)) &&
                   cs_str_eq(note.changed, cs_str_from(notes[i].changed)) &&
                   cs_str_eq(note.why, cs_str_from(notes[i].why)),
               "%s", notes[i].what);
    }
    memset(text + 5, 'x', sizeof(text) - 5);
    cs_note_parse(cs_str_make(text, 5 + 1024), &note);
    tap_int((int64_t)note.etag.len, 1024, "a long value");
    cs_note_parse(cs_str_make(text, 5 + 1025), &note);
    tap_int((int64_t)note.etag.len, 0, "one that is too long");
}

int main(void)
{
    test_notes();
    return tap_done();
}
