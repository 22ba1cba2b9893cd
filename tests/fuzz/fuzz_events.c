/* Any bytes as a stream of events, in two pieces, and what they say about revocations. */
#include <stddef.h>
#include <stdint.h>

#include "base/panic.h"
#include "steward/events.h"

static void hear(void *ctx, const struct cs_event *event)
{
    uint8_t serial[CS_REVOKED_SERIAL_MAX];
    struct cs_revocation revocation;

    cs_assert(event->data.len <= CS_EVENT_DATA_MAX && event->name.len <= CS_EVENT_WORD_MAX);
    if (cs_event_revocation(event->data, serial, &revocation) == 0)
        cs_assert(revocation.serial.len >= CS_REVOKED_UNIQUE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_event_reader reader;
    size_t half = size ? data[0] % size : 0;

    cs_event_reader_init(&reader, hear, NULL);
    if (cs_event_reader_feed(&reader, cs_str_make(data, half)))
        (void)cs_event_reader_feed(&reader, cs_str_make(data + half, size - half));
    cs_event_reader_deinit(&reader);
    return 0;
}
