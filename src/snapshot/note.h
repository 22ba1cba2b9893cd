/* Notes: how what the steward has fetched came where it lies; for the steward that comes next, and
 * for who asks how it goes. */
#ifndef CS_SNAPSHOT_NOTE_H
#define CS_SNAPSHOT_NOTE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

/* Zeroed: nothing is known. */
struct cs_note {
    int64_t fetched_sec;         /* when its server was heard last */
    int64_t due_sec;             /* when it is asked next */
    struct cs_str etag, changed; /* as the server gave them */
    int64_t failing_since_sec;   /* the first failure in a row; 0: none */
    struct cs_str why;           /* the last one */
};

/** cs_note_read() - the note at @path, which has a NUL behind it; empty if there is none that can
 * be read. The texts are in @arena. */
void cs_note_read(struct cs_str path, struct cs_arena *arena, struct cs_note *ret_note);
/** cs_note_write() - replace it. Return: 0, or -errno. */
int cs_note_write(struct cs_str path, const struct cs_note *note);
/** cs_note_parse() - a note out of its text, which the result borrows: lines that are not
 * understood are passed over. Pure. */
void cs_note_parse(struct cs_str text, struct cs_note *ret_note);
/** cs_note_print() - append it as text, without what is too long for it. */
void cs_note_print(const struct cs_note *note, struct cs_buf *out);

#endif
