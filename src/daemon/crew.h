/* A crew: the workers of one configuration.
 *
 * Starting: all are forked, none counts yet. Serving: all of them have said that they are
 * ready; one that dies is replaced, at once if it has lived for a while, else after a pause
 * that doubles. Finishing: they were told to go, and none is replaced; those that stay too
 * long are killed.
 *
 * A crew tells its host when it is up, when it could not start and when it has gone; all
 * three are said from the event loop, never from inside a call.
 *
 * What its credentials are made of is watched while it lives (renew.h), unless mtls_watch is off.
 *
 * All workers together can be told something (gateway/message.h), in every state: those that live
 * then are counted until each has replied or gone. One that is forked later is not told: it
 * inherits the memory of a supervisor that knows already.
 */
#ifndef CS_DAEMON_CREW_H
#define CS_DAEMON_CREW_H

#include <sys/types.h>

#include "daemon/listeners.h"
#include "daemon/mainlog.h"
#include "gateway/message.h"
#include "io/loop.h"
#include "snapshot/snapshot.h"

struct cs_counters;
struct cs_revoked_set;
struct cs_standings;
struct cs_crew;
struct cs_user;

enum cs_crew_event {
    CS_CREW_UP,     /* every worker serves */
    CS_CREW_FAILED, /* starting, and a worker has ended: let it finish */
    CS_CREW_ENDED,  /* finishing, and the last worker has gone: free it */
};

struct cs_crew_spec {
    struct cs_snapshot *snapshot; /* the crew takes a reference */
    unsigned n_workers;
    struct cs_loop *loop;
    struct cs_listeners *listeners; /* the snapshot's are prepared in it */
    const struct cs_user *user;     /* whom workers become; NULL: they stay who they are */
    struct cs_mainlog *log;
    struct cs_counters *counters;   /* of the whole service */
    struct cs_counters *admissions; /* the same */
    /* What is revoked at a word, when a worker is forked; NULL: nothing is. */
    const struct cs_revoked_set *(*revoked)(void *ctx);
    /* What OCSP responders said so far; NULL: nothing. */
    struct cs_standings *(*standings)(void *ctx);
    /* A worker has a question for one (x509/standing.h), as bytes. */
    void (*questioned)(void *ctx, struct cs_str question);
    void (*in_child)(void *ctx); /* in a new worker: close what is the supervisor's alone */
    void (*on_event)(void *ctx, struct cs_crew *crew, enum cs_crew_event event);
    /* @material of the snapshot's keyring is another one now, with its own files. */
    void (*renewed)(void *ctx, struct cs_crew *crew, size_t material);
    void *ctx;
};

/* Something that the workers are told, until all have replied. The functions run from the event
 * loop; @ended may free the call and make others. */
struct cs_call {
    /* What a worker says to it; NULL: nobody reads that. */
    void (*replied)(struct cs_call *call, unsigned worker, int result, struct cs_str words);
    /* Some have not replied within CS_CALL_PATIENCE_MS; NULL: nobody minds. */
    void (*late)(struct cs_call *call);
    /* Nobody is waited for any more. */
    void (*ended)(struct cs_call *call);
    unsigned n_told, n_done, n_refused, n_gone;

    /* the crew's own */
    struct cs_crew *crew;
    uint64_t number;
    struct cs_list link;
    struct cs_timer patience;
};

enum { CS_CALL_PATIENCE_MS = 5000 };

/** cs_crew_new() - fork the workers. @spec is copied; what it points to outlives the crew.
 *  Return: the crew. A fork that fails is logged and counts as a worker that has died. */
struct cs_crew *cs_crew_new(const struct cs_crew_spec *spec);
/** cs_crew_free() - forget an ended crew. NULL is fine. Return: NULL. */
struct cs_crew *cs_crew_free(struct cs_crew *crew);
/** cs_crew_isolate() - in a forked child: close the channels to this crew's workers, and what is
 *  watched for them. NULL is fine. */
void cs_crew_isolate(struct cs_crew *crew);

/** cs_crew_finish() - tell all workers to go: when their requests are done if @graceful, at
 *  once otherwise. CS_CREW_ENDED follows. May be repeated to make haste. */
void cs_crew_finish(struct cs_crew *crew, bool graceful);
/** cs_crew_replace() - end @worker, which cannot do as it was told; another takes its place. */
void cs_crew_replace(struct cs_crew *crew, unsigned worker);
/** cs_crew_signal() - send @signo to all workers. */
void cs_crew_signal(const struct cs_crew *crew, int signo);
/** cs_crew_reaped() - process @pid has ended with @status as of waitpid().
 *  Return: whether it was a worker of this crew. */
bool cs_crew_reaped(struct cs_crew *crew, pid_t pid, int status);

/** cs_crew_tell() - tell all workers @what, with at most CS_TELL_MAX @bytes and a copy of @fd
 * unless it is -1. With @call (its functions set, the rest zeroed) replies are counted, until it
 * has ended; NULL: they are not. A worker that cannot be told is killed, and counts as gone. */
void cs_crew_tell(struct cs_crew *crew, enum cs_tell what, struct cs_str bytes, int fd,
                  struct cs_call *call);
/** cs_call_waiting() - how many have neither replied nor gone. */
unsigned cs_call_waiting(const struct cs_call *call);

/** cs_crew_worker() - the life of one worker in a process that is to become it. @channel_fd leads
 *  to the supervisor; -1: there is none. Return: its exit status. */
int cs_crew_worker(const struct cs_crew_spec *spec, unsigned number, int channel_fd, pid_t parent);

/** cs_crew_note_renewed() - for who renews @material: tell the host. */
void cs_crew_note_renewed(struct cs_crew *crew, size_t material);

#endif
