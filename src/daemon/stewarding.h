/* The steward's process, as the supervisor keeps it: started when a configuration has errands,
 * heard, replaced when it ends, exchanged with the configuration.
 *
 * It runs as the workers' account and writes only below its own folder of the state folder. What it
 * says comes over a channel: lines for the log, how its errands go, revocations, and what came of
 * the questions that it is told to ask.
 */
#ifndef CS_DAEMON_STEWARDING_H
#define CS_DAEMON_STEWARDING_H

#include "daemon/child.h"
#include "daemon/listeners.h"
#include "io/process.h"
#include "snapshot/snapshot.h"
#include "steward/steward.h"

struct cs_stewarding;

struct cs_stewarding_spec {
    struct cs_loop *loop;
    struct cs_mainlog *log;
    struct cs_listeners *listeners; /* which the process closes */
    const char *state_folder;
    void (*in_child)(void *ctx); /* in the new process: close what is the supervisor's alone */
    void (*revoked)(void *ctx, const struct cs_revocation *revocation);
    /* News of an errand (snapshot/errand.h), which the snapshot has heard already. */
    void (*fared)(void *ctx, struct cs_str news);
    void (*answered)(void *ctx, const struct cs_standing *news); /* to cs_stewarding_ask() */
    void (*lost)(void *ctx);  /* a process has ended: what it was asked is not answered */
    void (*ended)(void *ctx); /* after cs_stewarding_finish(): nobody is there any more */
    void *ctx;
};

/** cs_stewarding_new() - nobody is there yet. @spec is copied; what it points to outlives it. */
struct cs_stewarding *cs_stewarding_new(const struct cs_stewarding_spec *spec);
/** cs_stewarding_free() - forget it, once it has ended. NULL is fine. Return: NULL. */
struct cs_stewarding *cs_stewarding_free(struct cs_stewarding *stewarding);
/** cs_stewarding_begin() - do the errands of @snapshot from now on, as @user (NULL: as we are), and
 *  no others. Takes a reference. What keeps it from that is logged. */
void cs_stewarding_begin(struct cs_stewarding *stewarding, struct cs_snapshot *snapshot,
                         const struct cs_user *user);
/** cs_stewarding_renewed() - @material of its snapshot's keyring is another one now: let it know,
 * if it matters to what it fetches. It is forked anew if it judges lists by other CAs now. */
void cs_stewarding_renewed(struct cs_stewarding *stewarding, size_t material);
/** cs_stewarding_finish() - end it, and begin no other; may be repeated to make haste. ended()
 *  follows if somebody is there. */
void cs_stewarding_finish(struct cs_stewarding *stewarding, bool graceful);
/** cs_stewarding_renew() - let it ask for the certificate of @errand now, although it is not due.
 *  Return: 0: told; -ESRCH: there is nobody, or somebody else soon; or -errno. */
int cs_stewarding_renew(struct cs_stewarding *stewarding, const struct cs_errand *errand);
/** cs_stewarding_ask() - let it ask an OCSP responder what @question says. Return: 0, or -errno:
 *  nobody is there, or cannot be told. */
int cs_stewarding_ask(struct cs_stewarding *stewarding,
                      const struct cs_standing_question *question);
/** cs_stewarding_is_there() - whether there is a process. */
bool cs_stewarding_is_there(const struct cs_stewarding *stewarding);
/** cs_stewarding_reaped() - process @pid has ended with @status. Return: whether it was this. */
bool cs_stewarding_reaped(struct cs_stewarding *stewarding, pid_t pid, int status);
/** cs_stewarding_isolate() - in any other forked child: close the channel to it. */
void cs_stewarding_isolate(struct cs_stewarding *stewarding);

#endif
