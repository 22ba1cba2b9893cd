/* A heap with four children per node whose keys may lag behind.
 *
 * A slot carries its own copy of the time, so that sifting touches one array and not the
 * timers. When a timer is postponed only timer->deadline_ms moves; the slot's key stays
 * too early. An early key at the front is not due but wrong: it is corrected and sifts
 * down. The invariant is key_ms <= deadline_ms, so nothing ever fires late.
 */
#include "io/timer.h"

#include <stdlib.h>

#include "base/panic.h"

#define ARITY 4

static void put(struct cs_timers *timers, size_t i, struct cs_timer_slot slot)
{
    timers->slots[i] = slot;
    slot.timer->place = i + 1;
}

static void sift_up(struct cs_timers *timers, size_t i, struct cs_timer_slot slot)
{
    while (i > 0) {
        size_t parent = (i - 1) / ARITY;
        if (timers->slots[parent].key_ms <= slot.key_ms)
            break;
        put(timers, i, timers->slots[parent]);
        i = parent;
    }
    put(timers, i, slot);
}

/* The child of @i with the smallest key, or 0 when @i is a leaf. */
static size_t least_child(const struct cs_timers *timers, size_t i)
{
    size_t first = i * ARITY + 1;
    if (first >= timers->n)
        return 0;
    size_t end = first + ARITY < timers->n ? first + ARITY : timers->n;
    size_t least = first;
    for (size_t child = first + 1; child < end; child++)
        if (timers->slots[child].key_ms < timers->slots[least].key_ms)
            least = child;
    return least;
}

static void sift_down(struct cs_timers *timers, size_t i, struct cs_timer_slot slot)
{
    size_t child;
    while ((child = least_child(timers, i)) != 0) {
        if (slot.key_ms <= timers->slots[child].key_ms)
            break;
        put(timers, i, timers->slots[child]);
        i = child;
    }
    put(timers, i, slot);
}

static void add(struct cs_timers *timers, struct cs_timer *timer)
{
    if (timers->n == timers->cap) {
        size_t cap = timers->cap ? timers->cap * 2 : 64;
        struct cs_timer_slot *slots = reallocarray(timers->slots, cap, sizeof(*slots));
        cs_assert(slots != NULL);
        timers->slots = slots;
        timers->cap = cap;
    }
    sift_up(timers, timers->n++, (struct cs_timer_slot){timer->deadline_ms, timer});
}

/* Make the front's key true. Return: the front, or NULL when there are no timers. */
static struct cs_timer *front(struct cs_timers *timers)
{
    while (timers->n > 0) {
        struct cs_timer_slot slot = timers->slots[0];
        if (slot.key_ms == slot.timer->deadline_ms)
            return slot.timer;
        slot.key_ms = slot.timer->deadline_ms;
        sift_down(timers, 0, slot);
    }
    return NULL;
}

void cs_timers_deinit(struct cs_timers *timers)
{
    for (size_t i = 0; i < timers->n; i++)
        timers->slots[i].timer->place = 0;
    free(timers->slots);
    *timers = (struct cs_timers){0};
}

void cs_timers_set(struct cs_timers *timers, struct cs_timer *timer, int64_t deadline_ms)
{
    cs_assert(timer->fire != NULL);
    timer->deadline_ms = deadline_ms > timers->floor_ms ? deadline_ms : timers->floor_ms;
    if (timer->place == 0) {
        add(timers, timer);
        return;
    }
    size_t i = timer->place - 1;
    if (timer->deadline_ms < timers->slots[i].key_ms)
        sift_up(timers, i, (struct cs_timer_slot){timer->deadline_ms, timer});
}

void cs_timers_cancel(struct cs_timers *timers, struct cs_timer *timer)
{
    if (timer->place == 0)
        return;
    size_t i = timer->place - 1;
    cs_assert(i < timers->n && timers->slots[i].timer == timer);
    struct cs_timer_slot last = timers->slots[--timers->n];
    timer->place = 0;
    if (last.timer == timer)
        return;
    if (i > 0 && last.key_ms < timers->slots[(i - 1) / ARITY].key_ms)
        sift_up(timers, i, last);
    else
        sift_down(timers, i, last);
}

int64_t cs_timers_next(struct cs_timers *timers, int64_t now_ms)
{
    const struct cs_timer *timer = front(timers);
    if (!timer)
        return -1;
    return timer->deadline_ms > now_ms ? timer->deadline_ms - now_ms : 0;
}

size_t cs_timers_expire(struct cs_timers *timers, int64_t now_ms)
{
    size_t fired = 0;
    struct cs_timer *timer;

    timers->floor_ms = now_ms + 1;
    while ((timer = front(timers)) != NULL && timer->deadline_ms <= now_ms) {
        cs_timers_cancel(timers, timer);
        timer->fire(timer);
        fired++;
    }
    timers->floor_ms = INT64_MIN;
    return fired;
}
