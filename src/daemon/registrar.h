/* The process of the CA, as the supervisor keeps it: begun beside the one before when a
 * configuration is taken up, replaced when it ends, and its sockets, which outlive both.
 *
 * It opens the CA's folder and keys as root, which nobody else of the service ever does, and then
 * becomes an account of its own (daemon/account.h), which is never that of the workers. Where there
 * is none it does not begin.
 */
#ifndef CS_DAEMON_REGISTRAR_H
#define CS_DAEMON_REGISTRAR_H

#include "daemon/child.h"
#include "daemon/listeners.h"
#include "io/process.h"

struct cs_registrar;

enum cs_registrar_event {
    CS_REGISTRAR_UP,     /* the next one serves */
    CS_REGISTRAR_FAILED, /* the next one has ended before it did: cs_registrar_revert() */
    CS_REGISTRAR_ENDED,  /* none is there any more */
};

struct cs_registrar_spec {
    struct cs_loop *loop;
    struct cs_mainlog *log;
    struct cs_listeners *others; /* which the process closes */
    void (*in_child)(void *ctx); /* in the new process: close what is the supervisor's alone */
    void (*on_event)(void *ctx, enum cs_registrar_event event);
    void *ctx;
};

/** cs_registrar_new() - nobody is there yet. @spec is copied; what it points to outlives it. */
struct cs_registrar *cs_registrar_new(const struct cs_registrar_spec *spec);
/** cs_registrar_free() - forget it once it has ended, and close its sockets. NULL is fine.
 *  Return: NULL. */
struct cs_registrar *cs_registrar_free(struct cs_registrar *registrar);

/** cs_registrar_prepare() - open what the authority of @snapshot listens on and is not open yet.
 *  Return: 0; or -errno, and *ret_failed is the address. */
int cs_registrar_prepare(struct cs_registrar *registrar, const struct cs_snapshot *snapshot,
                         const struct cs_listener **ret_failed);
/** cs_registrar_begin() - begin the process of the prepared @snapshot, if it has an authority.
 *  @workers: the account of the workers; NULL: we are not root. */
void cs_registrar_begin(struct cs_registrar *registrar, struct cs_snapshot *snapshot,
                        const struct cs_user *workers);
/** cs_registrar_is_ready() - whether the one that was begun serves, or none is needed. */
bool cs_registrar_is_ready(const struct cs_registrar *registrar);
/** cs_registrar_commit() - it takes the place of the one before, which is told to finish. */
void cs_registrar_commit(struct cs_registrar *registrar);
/** cs_registrar_revert() - end it; the one before stays. Harmless when none was begun. */
void cs_registrar_revert(struct cs_registrar *registrar);

/** cs_registrar_finish() - end all, and begin no other; may be repeated to make haste.
 *  CS_REGISTRAR_ENDED follows if somebody is there. */
void cs_registrar_finish(struct cs_registrar *registrar, bool graceful);
/** cs_registrar_is_there() - whether there is a process. */
bool cs_registrar_is_there(const struct cs_registrar *registrar);
/** cs_registrar_signal() - send @signo to all. */
void cs_registrar_signal(struct cs_registrar *registrar, int signo);
/** cs_registrar_reaped() - process @pid has ended with @status. Return: whether it was one. */
bool cs_registrar_reaped(struct cs_registrar *registrar, pid_t pid, int status);
/** cs_registrar_isolate() - in any other forked child: close the sockets. */
void cs_registrar_isolate(struct cs_registrar *registrar);

#endif
