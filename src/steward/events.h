/* What an authority tells those who listen: server-sent events, and revocations among them. Pure.
 *
 * The bytes of a stream come in pieces of any size; each event that is whole is handed on once.
 */
#ifndef CS_STEWARD_EVENTS_H
#define CS_STEWARD_EVENTS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "x509/revoked.h"

/* The longest line of a stream, and the most bytes of one event's data. */
#define CS_EVENT_LINE_MAX 8192
#define CS_EVENT_DATA_MAX 16384
/* The longest id and name. */
#define CS_EVENT_WORD_MAX 64

/* One event. Borrowed for the call. */
struct cs_event {
    struct cs_str name; /* "revoked"; empty: "message" */
    struct cs_str data;
};

struct cs_event_reader {
    void (*event)(void *ctx, const struct cs_event *event);
    void *ctx;
    struct cs_buf line, data;
    char name[CS_EVENT_WORD_MAX], id[CS_EVENT_WORD_MAX];
    size_t name_len, id_len;
    bool has_data, after_cr;
};

/** cs_event_reader_init() - a stream that has not begun. @event may not touch the reader. */
void cs_event_reader_init(struct cs_event_reader *reader,
                          void (*event)(void *ctx, const struct cs_event *event), void *ctx);
/** cs_event_reader_deinit() - free what it holds. Harmless when zeroed. */
void cs_event_reader_deinit(struct cs_event_reader *reader);
/** cs_event_reader_feed() - more of the stream. Return: false: a line or an event is too long;
 *  nothing more can be read then. */
bool cs_event_reader_feed(struct cs_event_reader *reader, struct cs_str bytes);
/** cs_event_reader_id() - the id of the last event: what a new stream has to go on behind. Empty:
 *  there was none. */
struct cs_str cs_event_reader_id(const struct cs_event_reader *reader);
/** cs_event_reader_restart() - a new stream begins: what was not whole is forgotten, the id stays.
 */
void cs_event_reader_restart(struct cs_event_reader *reader);
/** cs_event_reader_forget() - the id means nothing any more: empty again. */
void cs_event_reader_forget(struct cs_event_reader *reader);

/** cs_event_revocation() - the data of an event called "revoked" (docs/api/openapi.yaml): JSON with
 *  serial, reason, revoked_at and not_after. The serial number is decoded into @serial, which lives
 *  as long as the result. Return: 0, or -EINVAL. */
int cs_event_revocation(struct cs_str data, uint8_t serial[CS_REVOKED_SERIAL_MAX],
                        struct cs_revocation *ret_revocation);

#endif
