/* Renewing: the files of a crew's credentials are watched, and what has changed is pushed to its
 * workers.
 *
 * A change is judged here, by the code that loads a configuration. What is good goes into the
 * supervisor's own keyring, which workers that are forked later inherit, and to all workers at
 * once; a line says what it was and how many have it. What is bad stays out: it is tried again for
 * a while, since the other half of a pair or the rest of a file may be on its way, and then a line
 * says why the one before stays in use.
 */
#ifndef CS_DAEMON_RENEW_H
#define CS_DAEMON_RENEW_H

#include "daemon/crew.h"

enum {
    CS_RENEW_RETRY_MS = 500,     /* between two attempts at what is bad */
    CS_RENEW_PATIENCE_MS = 2000, /* before it is called bad */
    CS_RENEW_PAIR_PATIENCE_MS =
        10000, /* the same for a certificate and its key, which are two files */
};

struct cs_renewer;

/** cs_renewer_new() - watch the files of @snapshot, which @crew works by. All outlive it. */
struct cs_renewer *cs_renewer_new(struct cs_crew *crew, struct cs_snapshot *snapshot,
                                  struct cs_loop *loop, const struct cs_mainlog *log);
/** cs_renewer_free() - watch no more. Calls to @crew have ended. NULL is fine. Return: NULL. */
struct cs_renewer *cs_renewer_free(struct cs_renewer *renewer);
/** cs_renewer_hush() - go on, but say no more about files: the crew finishes, and another one's
 *  renewer speaks. NULL is fine. */
void cs_renewer_hush(struct cs_renewer *renewer);
/** cs_renewer_isolate() - in a forked child: close what it has inherited. NULL is fine. */
void cs_renewer_isolate(struct cs_renewer *renewer);

#endif
