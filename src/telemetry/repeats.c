/* A short table searched from end to end: five hundred numbers are looked through in less time than
 * the failure took that is being counted. */
#include "telemetry/repeats.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

enum { FIRST_WAIT_MS = 1000, LAST_WAIT_MS = 60000 };

struct cs_repeats {
    void (*tell)(void *ctx, const struct cs_repeat *group);
    void *ctx;
    uint64_t keys[CS_REPEATS_MAX]; /* 0: free */
    struct cs_repeat groups[CS_REPEATS_MAX];
    size_t n;           /* used from the front on */
    int64_t credit_ms;  /* new groups may begin: time saved up, 1000 / CS_REPEATS_PER_SEC each */
    int64_t checked_ms; /* when it was last added to */
};

#define PRICE_MS (1000 / CS_REPEATS_PER_SEC)

struct cs_repeats *cs_repeats_new(void (*tell)(void *ctx, const struct cs_repeat *group), void *ctx)
{
    struct cs_repeats *repeats = CS_NEW(struct cs_repeats);

    repeats->tell = tell;
    repeats->ctx = ctx;
    repeats->credit_ms = CS_REPEATS_BURST * PRICE_MS;
    return repeats;
}

static uint64_t hash(const struct cs_repeat_key *key)
{
    struct {
        const void *where, *rules;
        const struct cs_finding_kind *kind;
        uint64_t peer;
        uint8_t certificate[32];
    } parts = {
        .where = key->where,
        .rules = key->rules,
        .kind = key->kind,
        .peer = cs_hash_bytes(key->peer.ptr, key->peer.len),
    };

    if (key->certificate)
        memcpy(parts.certificate, key->certificate, sizeof(parts.certificate));
    return cs_hash_bytes(&parts, sizeof(parts)) | 1;
}

static struct cs_repeat *find(struct cs_repeats *repeats, uint64_t key)
{
    for (size_t i = 0; i < repeats->n; i++) {
        if (repeats->keys[i] == key)
            return &repeats->groups[i];
    }
    return NULL;
}

static void tell(struct cs_repeats *repeats, struct cs_repeat *group, int64_t now_ms)
{
    if (group->more)
        repeats->tell(repeats->ctx, group);
    group->more = 0;
    group->told_ms = now_ms;
}

/* The last one takes its place. */
static void forget(struct cs_repeats *repeats, size_t i, int64_t now_ms)
{
    tell(repeats, &repeats->groups[i], now_ms);
    repeats->n--;
    repeats->groups[i] = repeats->groups[repeats->n];
    repeats->keys[i] = repeats->keys[repeats->n];
}

static size_t most_silent(const struct cs_repeats *repeats)
{
    size_t most = 0;

    for (size_t i = 1; i < repeats->n; i++) {
        if (repeats->groups[i].last_ms < repeats->groups[most].last_ms)
            most = i;
    }
    return most;
}

static struct cs_repeat *begin(struct cs_repeats *repeats, uint64_t key, int64_t now_ms)
{
    struct cs_repeat *group;

    if (repeats->n == CS_REPEATS_MAX)
        forget(repeats, most_silent(repeats), now_ms);
    group = &repeats->groups[repeats->n];
    repeats->keys[repeats->n++] = key;
    *group = (struct cs_repeat){
        .told_ms = now_ms,
        .wait_ms = FIRST_WAIT_MS,
        .due_ms = now_ms + FIRST_WAIT_MS,
        .last_ms = now_ms,
    };
    return group;
}

static bool pay(struct cs_repeats *repeats, int64_t now_ms)
{
    int64_t most = CS_REPEATS_BURST * PRICE_MS;

    if (repeats->checked_ms)
        repeats->credit_ms += now_ms - repeats->checked_ms;
    repeats->checked_ms = now_ms;
    if (repeats->credit_ms > most)
        repeats->credit_ms = most;
    if (repeats->credit_ms < PRICE_MS)
        return false;
    repeats->credit_ms -= PRICE_MS;
    return true;
}

struct cs_repeat *cs_repeats_note(struct cs_repeats *repeats, const struct cs_repeat_key *key,
                                  int64_t now_ms, bool *ret_first)
{
    struct cs_repeat_key wide = {.where = key->where, .kind = key->kind};
    struct cs_str peer = cs_str_sub(key->peer, 0, sizeof(((struct cs_repeat *)0)->peer) - 1);
    uint64_t number = hash(key);
    struct cs_repeat *group = find(repeats, number);

    if (!group && !pay(repeats, now_ms)) {
        number = hash(&wide);
        peer = (struct cs_str){0};
        group = find(repeats, number);
    }
    *ret_first = !group;
    if (group) {
        group->more++;
        group->last_ms = now_ms;
        return group;
    }
    group = begin(repeats, number, now_ms);
    group->where = key->where;
    group->kind = key->kind;
    if (peer.len)
        memcpy(group->peer, peer.ptr, peer.len);
    return group;
}

int64_t cs_repeats_due(struct cs_repeats *repeats, int64_t now_ms)
{
    int64_t next = -1;

    for (size_t i = repeats->n; i-- > 0;) {
        struct cs_repeat *group = &repeats->groups[i];
        int64_t end = group->last_ms + CS_REPEATS_FORGET_MS, due;
        if (now_ms >= end) {
            forget(repeats, i, now_ms);
            continue;
        }
        if (now_ms >= group->due_ms) {
            tell(repeats, group, now_ms);
            group->wait_ms = group->wait_ms * 2 < LAST_WAIT_MS ? group->wait_ms * 2 : LAST_WAIT_MS;
            group->due_ms = now_ms + group->wait_ms;
        }
        due = group->due_ms < end ? group->due_ms : end;
        if (next < 0 || due < next)
            next = due;
    }
    return next;
}

void cs_repeats_free(struct cs_repeats *repeats, int64_t now_ms)
{
    if (!repeats)
        return;
    for (size_t i = 0; i < repeats->n; i++)
        tell(repeats, &repeats->groups[i], now_ms);
    free(repeats);
}
