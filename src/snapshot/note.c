/* A note is lines of a word and a value; what cannot be read of it is as if it had not been noted.
 */
#include "snapshot/note.h"

#include "io/file.h"

enum { NOTE_MAX = 8192, VALUE_MAX = 1024 };

static int64_t number_of(struct cs_str text)
{
    uint64_t number;

    return cs_str_to_u64(text, INT64_MAX / 1000, &number) == 0 ? (int64_t)number : 0;
}

/* A value goes into a request, or before people. */
static bool is_plain(struct cs_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < ' ')
            return false;
    }
    return text.len <= VALUE_MAX;
}

static void take_line(struct cs_str line, struct cs_note *note)
{
    struct cs_str word = cs_str_cut(&line, ' ');

    if (!is_plain(line))
        return;
    if (cs_str_eq(word, CS_STR("fetched")))
        note->fetched_sec = number_of(line);
    else if (cs_str_eq(word, CS_STR("due")))
        note->due_sec = number_of(line);
    else if (cs_str_eq(word, CS_STR("failing")))
        note->failing_since_sec = number_of(line);
    else if (cs_str_eq(word, CS_STR("etag")))
        note->etag = line;
    else if (cs_str_eq(word, CS_STR("changed")))
        note->changed = line;
    else if (cs_str_eq(word, CS_STR("why")))
        note->why = line;
}

void cs_note_parse(struct cs_str text, struct cs_note *ret_note)
{
    *ret_note = (struct cs_note){0};
    while (text.len)
        take_line(cs_str_cut(&text, '\n'), ret_note);
}

void cs_note_read(struct cs_str path, struct cs_arena *arena, struct cs_note *ret_note)
{
    struct cs_buf bytes;

    *ret_note = (struct cs_note){0};
    if (cs_file_read(path.ptr, NOTE_MAX, &bytes) < 0)
        return;
    cs_note_parse(cs_arena_dup(arena, cs_buf_str(&bytes)), ret_note);
    cs_buf_deinit(&bytes);
}

/* A value is one line. */
static void add_text(struct cs_buf *out, const char *word, struct cs_str value)
{
    if (!value.len || value.len > VALUE_MAX)
        return;
    cs_buf_addf(out, "%s ", word);
    for (size_t i = 0; i < value.len; i++)
        cs_buf_add_char(out, (unsigned char)value.ptr[i] < ' ' ? ' ' : value.ptr[i]);
    cs_buf_add_char(out, '\n');
}

void cs_note_print(const struct cs_note *note, struct cs_buf *out)
{
    cs_buf_addf(out, "fetched %lld\ndue %lld\n", (long long)note->fetched_sec,
                (long long)note->due_sec);
    if (note->failing_since_sec)
        cs_buf_addf(out, "failing %lld\n", (long long)note->failing_since_sec);
    add_text(out, "etag", note->etag);
    add_text(out, "changed", note->changed);
    add_text(out, "why", note->why);
}

int cs_note_write(struct cs_str path, const struct cs_note *note)
{
    struct cs_buf out;
    int r;

    cs_buf_init(&out, NOTE_MAX);
    cs_note_print(note, &out);
    r = cs_file_write(path.ptr, cs_buf_str(&out), 0600);
    cs_buf_deinit(&out);
    return r;
}
