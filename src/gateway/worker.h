/* A worker: one process, one event loop, the whole data plane of one core.
 *
 * It is forked by the supervisor with a snapshot and open listening sockets, and asks for
 * nothing more; what it is told later comes over its channel (message.h). Signals, as nginx's: TERM
 * and INT stop at once; QUIT drains (stop accepting, announce `Connection: close`, leave when the
 * last connection has gone or after worker_shutdown_timeout); USR1 reopens the logs.
 */
#ifndef CS_GATEWAY_WORKER_H
#define CS_GATEWAY_WORKER_H

#include <stdint.h>

struct cs_counters;
struct cs_revoked_set;
struct cs_snapshot;
struct cs_standings;

struct cs_worker_spec {
    struct cs_snapshot *snapshot;
    const int *listen_fds;        /* one per snapshot->listeners, in order; owned by the caller */
    int error_log_fd;             /* where the snapshot's main error log goes */
    struct cs_counters *counters; /* of failures, shared by the service; NULL: none are kept */
    struct cs_counters
        *admissions; /* of who was let in though a rule speaks against it; the same */
    const struct cs_revoked_set *revoked; /* at a word, so far; NULL: nothing is */
    struct cs_standings *standings;       /* what responders said so far, to keep; NULL: nothing */
    unsigned number;                      /* 0 .. worker_processes - 1 */
    int channel_fd;                       /* to the supervisor, see message.h; -1: there is none */
    /* Called once everything that needs root is done (log files are open): drop privileges
     * here. Return: 0, or a negative errno that ends the worker. */
    int (*drop_privileges)(void *ctx);
    void *ctx;
};

/** cs_worker_run() - serve until told to stop. Return: the exit status of the process. */
int cs_worker_run(const struct cs_worker_spec *spec);

#endif
