/* Any bytes as the note that lies beside a fetched list: what is read of it is written and read
 * again as the same, and no value can be more than one line of a request. */
#include <stddef.h>
#include <stdint.h>

#include "base/panic.h"
#include "snapshot/note.h"

static void check_value(struct cs_str value)
{
    for (size_t i = 0; i < value.len; i++)
        cs_assert((unsigned char)value.ptr[i] >= ' ');
}

static void check_same(const struct cs_note *a, const struct cs_note *b)
{
    cs_assert(a->fetched_sec == b->fetched_sec && a->due_sec == b->due_sec &&
              a->failing_since_sec == b->failing_since_sec && cs_str_eq(a->etag, b->etag) &&
              cs_str_eq(a->changed, b->changed) && cs_str_eq(a->why, b->why));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_note note, again;
    struct cs_buf text;

    cs_note_parse(cs_str_make(data, size), &note);
    cs_assert(note.fetched_sec >= 0 && note.due_sec >= 0 && note.failing_since_sec >= 0);
    check_value(note.etag);
    check_value(note.changed);
    check_value(note.why);
    cs_buf_init(&text, 8192);
    cs_note_print(&note, &text);
    cs_note_parse(cs_buf_str(&text), &again);
    check_same(&note, &again);
    cs_buf_deinit(&text);
    return 0;
}
