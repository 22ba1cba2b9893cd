/* The same failure again and again: told once, then counted.
 *
 * Failures that agree in peer, code and certificate (server block, rules) are one group. The first
 * is told whole; of the others only their number is told, after one second, two, four and so on up
 * to a minute. A group is forgotten when nothing came for a minute, and begins anew then. Peers
 * that are too many to be told one by one are put together: one group per code for all of them.
 * Pure: time comes in, and what is to be told goes out through a function.
 */
#ifndef CS_TELEMETRY_REPEATS_H
#define CS_TELEMETRY_REPEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/findings.h"
#include "base/str.h"

/* An incident's id as text, and its NUL. */
#define CS_INCIDENT_TEXT 17

enum {
    CS_REPEATS_MAX = 512,         /* groups at a time; the one that is silent for longest goes */
    CS_REPEATS_BURST = 100,       /* groups that may begin at once … */
    CS_REPEATS_PER_SEC = 20,      /* … and how many more in each second after that */
    CS_REPEATS_FORGET_MS = 60000, /* silence after which a group ends */
};

/* What makes failures the same. Borrowed during the call only. */
struct cs_repeat_key {
    const void *where;                  /* server block */
    struct cs_str peer;                 /* address as text, without its port */
    const struct cs_finding_kind *kind; /* static */
    const uint8_t *certificate;         /* SHA-256, 32 bytes; NULL: none */
    const void *rules;                  /* of the place that refused; NULL: none */
};

/* One group. */
struct cs_repeat {
    const void *where;
    const struct cs_finding_kind *kind;
    char peer[64];                   /* empty: several peers */
    char incident[CS_INCIDENT_TEXT]; /* of the first. This, */
    struct cs_str name;              /* a name for where it was, */
    bool outgoing;                   /* and which way the connection went, the caller writes */
    uint64_t more;                   /* since it was last told of */
    int64_t told_ms;                 /* when that was */
    int64_t due_ms, wait_ms;         /* when it will be, and how long that is after told_ms */
    int64_t last_ms;                 /* last seen */
};

struct cs_repeats;

/** cs_repeats_new() - nothing seen yet. @tell is called for each group whose number is to be told
 *  now: from cs_repeats_note() when it has to make room, and from cs_repeats_due(). */
struct cs_repeats *cs_repeats_new(void (*tell)(void *ctx, const struct cs_repeat *group),
                                  void *ctx);
/** cs_repeats_free() - tell what is left, and forget. NULL is fine. */
void cs_repeats_free(struct cs_repeats *repeats, int64_t now_ms);
/** cs_repeats_note() - one failure at @now_ms (monotonic). *@ret_first: it is to be told whole, and
 *  is the incident that the others will be referred to. Return: its group, until the next call. */
struct cs_repeat *cs_repeats_note(struct cs_repeats *repeats, const struct cs_repeat_key *key,
                                  int64_t now_ms, bool *ret_first);
/** cs_repeats_due() - tell what is due at @now_ms. Return: when to call again; -1: not before the
 *  next cs_repeats_note(). */
int64_t cs_repeats_due(struct cs_repeats *repeats, int64_t now_ms);

#endif
