/* The event loop: one thread, one epoll, both clocks read once per turn.
 *
 * A turn: wait; note on each watch what the kernel reported; call ready of those watches;
 * fire the timers that are due; run the deferred tasks. Noting comes before calling, so a
 * callback may remove (and free the owner of) any watch, its own included: nothing of the
 * turn points at it any more. Still, objects are freed by a task and not inside their own
 * callback, so that their callers need not look back.
 *
 * A loop belongs to the process that made it. A forked child shares the parent's epoll, so
 * its first act is cs_loop_deinit(); it touches no inherited watch and makes its own loop.
 *
 * Watches are edge-triggered and registered once. What the kernel reported stays noted
 * (readable, writable, hangup) until the user clears it, which he does after EAGAIN, or
 * after a read that came back short while hangup is not set.
 */
#ifndef CS_IO_LOOP_H
#define CS_IO_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/time.h"
#include "io/timer.h"

/* Zeroed, a loop may be given to cs_loop_deinit(). */
struct cs_loop {
    int epoll_fd;
    bool stopping;
    struct cs_now now; /* read once per turn, after waiting */
    size_t n_watches;
    struct cs_list ready; /* watches to call, in the order of their events */
    struct cs_list tasks;
    struct cs_timers timers;
};

/* One descriptor of interest. Zeroed, it is valid and watches nothing. */
struct cs_watch {
    int fd;
    bool readable; /* set by the loop, cleared by the user after EAGAIN or a short read */
    bool writable; /* the same for writing */
    bool hangup;   /* the peer closed its side, or an error waits to be read; never cleared */
    bool queued;   /* ready will be called without a new event */
    bool listener;
    void (*ready)(struct cs_watch *watch);
    struct cs_loop *loop; /* NULL: watches nothing */
    struct cs_list link;  /* in loop->ready while queued */
};

/* Something to do at the end of a turn. Zeroed but for @run, it is valid and not deferred. */
struct cs_task {
    void (*run)(struct cs_task *task);
    bool deferred;
    struct cs_list link;
};

/** cs_loop_init() - an empty loop with its clocks read. Return: 0, or -errno of epoll. */
int cs_loop_init(struct cs_loop *loop);
/** cs_loop_deinit() - close the loop. Watches, timers and tasks stay with their owners and
 *  are not called any more. */
void cs_loop_deinit(struct cs_loop *loop);
/** cs_loop_turn() - one turn, waiting at most @max_wait_ms (-1: no limit) for an event or a
 *  deadline. Return: the number of callbacks called, or -errno of epoll. */
int cs_loop_turn(struct cs_loop *loop, int64_t max_wait_ms);
/** cs_loop_run() - turn until cs_loop_stop(). Return: 0, or -errno of epoll. */
int cs_loop_run(struct cs_loop *loop);
/** cs_loop_stop() - let cs_loop_run() return after this turn. */
void cs_loop_stop(struct cs_loop *loop);
/** cs_loop_now() - read both clocks into loop->now; only for long work inside one turn. */
void cs_loop_now(struct cs_loop *loop);

/** cs_watch_add() - call @ready whenever something new can be done with @fd: edge-triggered,
 *  reading and writing. What is possible already is reported in the next turn. @fd stays with
 *  the caller. Return: 0, or -errno (-EPERM: a regular file, -ENOSPC: too many watches). */
int cs_watch_add(struct cs_loop *loop, struct cs_watch *watch, int fd,
                 void (*ready)(struct cs_watch *watch));
/** cs_watch_add_listener() - call @ready in every turn in which connections wait on @fd.
 *  Level-triggered and exclusive: of the processes that share the listener few are woken.
 *  Accept in batches; what is left over is reported again. Return: 0, or -errno. */
int cs_watch_add_listener(struct cs_loop *loop, struct cs_watch *watch, int fd,
                          void (*ready)(struct cs_watch *watch));
/** cs_watch_pause() - stop reporting @watch, a listener, until cs_watch_resume(): for times
 *  without free descriptors. */
void cs_watch_pause(struct cs_watch *watch);
/** cs_watch_resume() - report @watch again. Return: 0, or -errno. */
int cs_watch_resume(struct cs_watch *watch);
/** cs_watch_kick() - call ready of @watch later in this turn, or in the next, even without a
 *  new event: when a budget of fairness is used up, or when bytes already lie in a buffer
 *  between the socket and its reader. Nothing happens when @watch watches nothing. */
void cs_watch_kick(struct cs_loop *loop, struct cs_watch *watch);
/** cs_watch_remove() - watch no more; a queued call is dropped. The descriptor stays open.
 *  Harmless when it watches nothing. */
void cs_watch_remove(struct cs_watch *watch);
/** cs_watch_close() - watch no more and close the descriptor, in one system call. Only for
 *  descriptors that were never duplicated and that no other process inherited. */
void cs_watch_close(struct cs_watch *watch);

/** cs_timer_set() - @timer falls due at @deadline_mono_ms of loop->now.mono_ms; setting a
 *  pending one later is O(1). See io/timer.h. */
void cs_timer_set(struct cs_loop *loop, struct cs_timer *timer, int64_t deadline_mono_ms);
/** cs_timer_cancel() - @timer does not fall due; harmless when not pending. */
void cs_timer_cancel(struct cs_loop *loop, struct cs_timer *timer);

/** cs_loop_defer() - run @task at the end of this turn, once. Tasks deferred by tasks run in
 *  the next turn, which then does not wait. The task may free its own memory. */
void cs_loop_defer(struct cs_loop *loop, struct cs_task *task);
/** cs_task_cancel() - do not run @task; harmless when not deferred. */
void cs_task_cancel(struct cs_task *task);

#endif
