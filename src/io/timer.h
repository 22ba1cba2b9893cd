/* Deadlines: a set of timers ordered by when they fall due. Pure; time is an argument.
 *
 * A server pushes most of its deadlines further away on every read and write, so that is
 * the cheap case: setting a pending timer to a later time is O(1) and leaves it where it
 * is; its place is corrected once, when it comes to the front. Everything else is
 * O(log n). The timer lives in the object that waits; nothing is allocated per timer.
 */
#ifndef CS_IO_TIMER_H
#define CS_IO_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed but for @fire, a timer is valid and not pending. */
struct cs_timer {
    void (*fire)(struct cs_timer *timer); /* the deadline has passed; not pending any more */
    int64_t deadline_ms;                  /* monotonic clock */
    size_t place;                         /* 1 + index in the heap; 0: not pending */
};

struct cs_timer_slot {
    int64_t key_ms; /* never later than the deadline of its timer */
    struct cs_timer *timer;
};

/* A zeroed cs_timers is a valid empty one; times below zero do not occur. */
struct cs_timers {
    struct cs_timer_slot *slots;
    size_t n;
    size_t cap;
    int64_t floor_ms; /* while firing: nothing may fall due again before this */
};

/** cs_timers_deinit() - free the set. Timers still in it stay with their owners. */
void cs_timers_deinit(struct cs_timers *timers);
/** cs_timers_set() - @timer falls due at @deadline_ms, whatever it was set to before.
 *  Set from inside a fire function, a time that has passed means the next expiry. */
void cs_timers_set(struct cs_timers *timers, struct cs_timer *timer, int64_t deadline_ms);
/** cs_timers_cancel() - @timer does not fall due; harmless when not pending. Needed before
 *  the memory of a pending timer goes away. */
void cs_timers_cancel(struct cs_timers *timers, struct cs_timer *timer);
/** cs_timers_next() - how long to sleep at @now_ms: milliseconds to the first deadline (0:
 *  passed already), or -1 when there is none. Corrects the places of postponed timers. */
int64_t cs_timers_next(struct cs_timers *timers, int64_t now_ms);
/** cs_timers_expire() - call fire of every timer that is due at @now_ms, in the order of
 *  the deadlines. Fire functions may set and cancel any timer. Return: how many fired. */
size_t cs_timers_expire(struct cs_timers *timers, int64_t now_ms);

/** cs_timer_pending() - whether @timer is set and has not fired. */
static inline bool cs_timer_pending(const struct cs_timer *timer)
{
    return timer->place != 0;
}

#endif
