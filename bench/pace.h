/* A timetable: requests are due at a fixed rate, whether or not earlier ones were answered.
 * What a request took counts from when it was due, so that a server that stalls cannot hide
 * the requests that would have been made meanwhile. */
#ifndef CS_BENCH_PACE_H
#define CS_BENCH_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "io/loop.h"

/* Zeroed, it is valid and never due. */
struct cs_pace {
    int64_t interval_ns;
    int64_t due_ns; /* the next one */
    struct cs_watch watch;
    void (*due)(struct cs_pace *pace); /* something may be due now */
};

/** cs_pace_init() - @per_second (above 0) from @now_ns on. */
void cs_pace_init(struct cs_pace *pace, double per_second, int64_t now_ns);
/** cs_pace_take() - the earliest that is due and was not taken.
 *  Return: whether there was one; *ret_due_ns is its time. */
bool cs_pace_take(struct cs_pace *pace, int64_t now_ns, int64_t *ret_due_ns);
/** cs_pace_start() - call @due in @loop whenever a request falls due, until cs_pace_stop().
 *  Return: 0, or -errno of the timer. */
int cs_pace_start(struct cs_pace *pace, struct cs_loop *loop, void (*due)(struct cs_pace *pace));
/** cs_pace_stop() - nothing is called any more; harmless when not started. */
void cs_pace_stop(struct cs_pace *pace);

#endif
