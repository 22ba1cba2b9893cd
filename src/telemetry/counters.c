/* An open-addressed table whose rows are claimed by writing their hash.
 *
 * Whoever meets a row that is claimed but not yet labelled writes the labels too: they follow from
 * the hash, so all write the same bytes, and nobody waits for a process that may have died. Rows
 * for codes alone have a region of their own, which the others cannot fill. */
#include "telemetry/counters.h"

#include <stdatomic.h>
#include <string.h>

#include "base/hash.h"

enum {
    ROWS = 4096,     /* code, listener and server */
    CODE_ROWS = 512, /* code alone */
    PROBES = 64,     /* rows that one key may be in */
    CODE_MAX = 48,   /* bytes kept of each text */
    LISTENER_MAX = 64,
    SERVER_MAX = 64,
};

struct text {
    uint8_t len;
    char bytes[LISTENER_MAX];
};

struct row {
    _Atomic uint64_t key; /* 0: free */
    _Atomic uint64_t n;
    _Atomic bool labelled;
    struct text code, listener, server;
};

struct cs_counters {
    _Atomic uint64_t lost;
    struct row rows[ROWS];
    struct row codes[CODE_ROWS];
};

_Static_assert((int)SERVER_MAX <= (int)LISTENER_MAX && (int)CODE_MAX <= (int)LISTENER_MAX,
               "texts fit");

size_t cs_counters_size(void)
{
    return sizeof(struct cs_counters);
}

static uint64_t mix(uint64_t key, struct cs_str text)
{
    uint64_t parts[2] = {key, cs_hash_bytes(text.ptr, text.len)};

    return cs_hash_bytes(parts, sizeof(parts));
}

static uint64_t key_of(struct cs_str code, struct cs_str listener, struct cs_str server)
{
    return mix(mix(mix(0, code), listener), server) | 1;
}

static void write_text(struct text *into, struct cs_str text, size_t max)
{
    into->len = (uint8_t)(text.len < max ? text.len : max);
    if (into->len)
        memcpy(into->bytes, text.ptr, into->len);
}

/* The row of @key, claimed if it is new. Return: NULL when all it may be in are taken. */
static struct row *find(struct row *rows, size_t n, uint64_t key)
{
    for (size_t i = 0; i < PROBES; i++) {
        struct row *row = &rows[(key + i) & (n - 1)];
        uint64_t held = atomic_load_explicit(&row->key, memory_order_relaxed);
        if (held == 0 && atomic_compare_exchange_strong(&row->key, &held, key))
            return row;
        if (held == key)
            return row;
    }
    return NULL;
}

static void count(struct row *row, struct cs_str code, struct cs_str listener, struct cs_str server)
{
    if (!atomic_load_explicit(&row->labelled, memory_order_relaxed)) {
        write_text(&row->code, code, CODE_MAX);
        write_text(&row->listener, listener, LISTENER_MAX);
        write_text(&row->server, server, SERVER_MAX);
        atomic_store_explicit(&row->labelled, true, memory_order_release);
    }
    atomic_fetch_add_explicit(&row->n, 1, memory_order_relaxed);
}

void cs_counters_add(struct cs_counters *counters, struct cs_str code, struct cs_str listener,
                     struct cs_str server)
{
    struct cs_str none = {0};
    struct row *row;

    if (!counters)
        return;
    row = find(counters->rows, ROWS, key_of(code, listener, server));
    if (row) {
        count(row, code, listener, server);
        return;
    }
    row = find(counters->codes, CODE_ROWS, key_of(code, none, none));
    if (row)
        count(row, code, none, none);
    else
        atomic_fetch_add_explicit(&counters->lost, 1, memory_order_relaxed);
}

static struct cs_str read_text(const struct text *text)
{
    return cs_str_make(text->bytes, text->len);
}

bool cs_counters_next(const struct cs_counters *counters, size_t *at, struct cs_count *ret_count)
{
    while (*at < ROWS + CODE_ROWS) {
        size_t i = (*at)++;
        const struct row *row = i < ROWS ? &counters->rows[i] : &counters->codes[i - ROWS];
        if (!atomic_load_explicit(&row->labelled, memory_order_acquire))
            continue;
        *ret_count = (struct cs_count){read_text(&row->code), read_text(&row->listener),
                                       read_text(&row->server),
                                       atomic_load_explicit(&row->n, memory_order_relaxed)};
        return true;
    }
    return false;
}

uint64_t cs_counters_lost(const struct cs_counters *counters)
{
    return atomic_load_explicit(&counters->lost, memory_order_relaxed);
}
