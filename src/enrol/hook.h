/* A command that is told when there is a new certificate: run by the shell, given time, and run
 * again until it succeeds.
 */
#ifndef CS_ENROL_HOOK_H
#define CS_ENROL_HOOK_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/str.h"
#include "io/loop.h"

/* Embedded; zeroed, it is valid for cs_hook_deinit(). */
struct cs_hook {
    struct cs_loop *loop;
    const char *command;
    /* It ended: @why is NULL when all went well, else what happened ("exited with status 3"),
     * until the call returns. */
    void (*ended)(struct cs_hook *hook, const char *why);
    char *const *environment; /* "NAME=value", besides our own; NULL at the end */
    pid_t pid;                /* 0: it does not run */
    struct cs_watch watch;
    struct cs_timer timer; /* the end of its patience, or the next attempt */
    unsigned failures;
    bool late;  /* it was told to end */
    bool again; /* cs_hook_run() was called while it ran */
};

/* How long a command may take. */
#define CS_HOOK_LIMIT_MS 60000

/** cs_hook_init() - @command, a line for /bin/sh; all that is given outlives the hook. */
void cs_hook_init(struct cs_hook *hook, struct cs_loop *loop, const char *command,
                  void (*ended)(struct cs_hook *hook, const char *why));
/** cs_hook_run() - run it with @environment, which outlives the run; once more afterwards if it is
 *  running, whose success is not told then. A failure is told, and it is run again after a second,
 * two, and so on up to a minute.
 */
void cs_hook_run(struct cs_hook *hook, char *const *environment);
/** cs_hook_busy() - whether it runs. */
bool cs_hook_busy(const struct cs_hook *hook);
/** cs_hook_deinit() - run it no more. What still runs is left alone. */
void cs_hook_deinit(struct cs_hook *hook);

#endif
