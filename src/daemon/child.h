/* A process of ours beside the workers: forked, watched, and replaced when it ends.
 *
 * It starts, says by one byte in a pipe that it serves, and from then on is replaced whenever it
 * ends: at once if it has lived for a while or asked for it, else after a pause that doubles. Told
 * to finish, it is not replaced, and killed if it stays too long. Events come from the loop.
 */
#ifndef CS_DAEMON_CHILD_H
#define CS_DAEMON_CHILD_H

#include <sys/types.h>

#include "daemon/mainlog.h"
#include "io/loop.h"

struct cs_child;

enum cs_child_event {
    CS_CHILD_UP,     /* serves, for the first time */
    CS_CHILD_FAILED, /* has ended before it ever served; it is not replaced: let it finish */
    CS_CHILD_ENDED,  /* was told to finish, and has: free it */
};

/* The exit status of a process that wants to be started again. */
#define CS_CHILD_AGAIN 75

struct cs_child_spec {
    const char *name; /* "authority": static */
    struct cs_loop *loop;
    struct cs_mainlog *log;
    /* In the new process: close what is the supervisor's alone, become what it is to be, call
     * cs_child_serving() and go on until the end. Return: the exit status. */
    int (*run)(void *ctx, struct cs_child *child);
    void (*on_event)(void *ctx, struct cs_child *child, enum cs_child_event event);
    void *ctx;
};

/** cs_child_new() - fork. @spec is copied. A fork that fails counts as a process that has ended. */
struct cs_child *cs_child_new(const struct cs_child_spec *spec);
/** cs_child_free() - forget an ended one. NULL is fine. Return: NULL. */
struct cs_child *cs_child_free(struct cs_child *child);
/** cs_child_finish() - tell it to go, with QUIT if @graceful, else with TERM. CS_CHILD_ENDED
 * follows. May be repeated to make haste. */
void cs_child_finish(struct cs_child *child, bool graceful);
/** cs_child_signal() - send @signo to it. */
void cs_child_signal(const struct cs_child *child, int signo);
/** cs_child_reaped() - process @pid has ended with @status as of waitpid(). Return: whether it was
 *  this one. */
bool cs_child_reaped(struct cs_child *child, pid_t pid, int status);

/** cs_child_serving() - in the process itself: follow the supervisor into death from now on, and
 *  tell it that this one serves. After privileges were given up, which would undo the first.
 *  Return: 0, or -errno: the supervisor has gone. */
int cs_child_serving(struct cs_child *child);

#endif
