/* Lines end in LF, CR or CR LF; fields are collected until an empty line (the HTML standard,
 * "server-sent events"). Comments keep a connection alive and say nothing. */
#include "steward/events.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/time.h"
#include "x509/crl.h"

void cs_event_reader_init(struct cs_event_reader *reader,
                          void (*event)(void *ctx, const struct cs_event *event), void *ctx)
{
    *reader = (struct cs_event_reader){.event = event, .ctx = ctx};
    cs_buf_init(&reader->line, CS_EVENT_LINE_MAX);
    cs_buf_init(&reader->data, CS_EVENT_DATA_MAX);
}

void cs_event_reader_deinit(struct cs_event_reader *reader)
{
    cs_buf_deinit(&reader->line);
    cs_buf_deinit(&reader->data);
}

struct cs_str cs_event_reader_id(const struct cs_event_reader *reader)
{
    return cs_str_make(reader->id, reader->id_len);
}

static void forget(struct cs_event_reader *reader)
{
    cs_buf_reset(&reader->data);
    reader->has_data = false;
    reader->name_len = 0;
}

void cs_event_reader_restart(struct cs_event_reader *reader)
{
    forget(reader);
    cs_buf_reset(&reader->line);
    reader->after_cr = false;
}

void cs_event_reader_forget(struct cs_event_reader *reader)
{
    reader->id_len = 0;
}

/* Words are ours: one that is too long is not, and counts as empty. */
static void keep_word(struct cs_str value, char *word, size_t *len)
{
    *len = value.len <= CS_EVENT_WORD_MAX ? value.len : 0;
    if (*len)
        memcpy(word, value.ptr, *len);
}

static bool add_data(struct cs_event_reader *reader, struct cs_str value)
{
    if (reader->has_data && cs_buf_add_str(&reader->data, CS_STR("\n")) < 0)
        return false;
    reader->has_data = true;
    return cs_buf_add_str(&reader->data, value) == 0;
}

static void dispatch(struct cs_event_reader *reader)
{
    struct cs_event event = {cs_str_make(reader->name, reader->name_len),
                             cs_buf_str(&reader->data)};

    if (reader->has_data)
        reader->event(reader->ctx, &event);
    forget(reader);
}

static bool take_line(struct cs_event_reader *reader, struct cs_str line)
{
    struct cs_str field, value = line;

    if (line.len == 0) {
        dispatch(reader);
        return true;
    }
    field = cs_str_cut(&value, ':');
    if (value.len && value.ptr[0] == ' ')
        value = cs_str_skip(value, 1);
    if (cs_str_eq(field, CS_STR("data")))
        return add_data(reader, value);
    if (cs_str_eq(field, CS_STR("event")))
        keep_word(value, reader->name, &reader->name_len);
    else if (cs_str_eq(field, CS_STR("id")))
        keep_word(value, reader->id, &reader->id_len);
    return true; /* a comment, or a field that nobody here needs */
}

static bool end_line(struct cs_event_reader *reader)
{
    bool ok = take_line(reader, cs_buf_str(&reader->line));

    cs_buf_reset(&reader->line);
    return ok;
}

bool cs_event_reader_feed(struct cs_event_reader *reader, struct cs_str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.ptr[i];
        bool ok = true;
        if (c == '\n' && reader->after_cr)
            reader->after_cr = false;
        else if (c == '\n' || c == '\r')
            ok = end_line(reader);
        else
            ok = cs_buf_add_str(&reader->line, cs_str_make(&c, 1)) == 0;
        if (!ok)
            return false;
        if (c != '\n')
            reader->after_cr = c == '\r';
    }
    return true;
}

/* ---- revocations ---- */

static struct cs_str text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_string(value) ? cs_str_make(json_string_value(value), json_string_length(value))
                                 : (struct cs_str){0};
}

static unsigned reason_of(struct cs_str text)
{
    enum { LAST = 10 };

    for (unsigned reason = 0; reason <= LAST; reason++) {
        if (cs_str_eq(cs_crl_reason_text(reason), text))
            return reason;
    }
    return 0; /* unspecified */
}

int cs_event_revocation(struct cs_str data, uint8_t serial[CS_REVOKED_SERIAL_MAX],
                        struct cs_revocation *ret_revocation)
{
    struct cs_revocation r = {.any_issuer = true};
    json_t *object = json_loadb(data.ptr ? data.ptr : "", data.len, JSON_REJECT_DUPLICATES, NULL);
    size_t len;
    bool ok = json_is_object(object) &&
              cs_serial_read(text_of(object, "serial"), serial, &len) == 0 &&
              len >= CS_REVOKED_UNIQUE &&
              cs_time_parse(text_of(object, "revoked_at"), &r.revoked_at) == 0 &&
              cs_time_parse(text_of(object, "not_after"), &r.not_after) == 0;

    if (ok) {
        r.serial = cs_str_make(serial, len);
        r.reason = reason_of(text_of(object, "reason"));
        *ret_revocation = r;
    }
    json_decref(object);
    return ok ? 0 : -EINVAL;
}
