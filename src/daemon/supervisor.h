/* The service: one supervisor, its workers, and the signals that move them.
 *
 * The supervisor reads the configuration as root, opens the listeners and forks; it serves
 * nothing itself. TERM and INT stop at once, QUIT when requests are done, HUP takes up a
 * changed configuration (one that is bad changes nothing), USR1 reopens the logs, WINCH (in
 * the background only) lets the workers go and waits for HUP.
 */
#ifndef CS_DAEMON_SUPERVISOR_H
#define CS_DAEMON_SUPERVISOR_H

#include "snapshot/snapshot.h"

struct cs_daemon_spec {
    struct cs_snapshot_options snapshot; /* ticket keys and the time are added here */
    bool background;                     /* when the configuration does not say: nginx's way */
    struct cs_str pid_path;   /* when the configuration does not say; a pid file here that cannot
                                 be written is no reason not to serve */
    struct cs_str log_folder; /* where the built-in log paths lead: made if needed; or empty */
    /* What is found at the start, before anything runs; errors end the start. May be NULL. */
    void (*report)(void *ctx, const struct cs_findings *findings);
    /* A start that fails for another reason, in words; NULL: to the error log only. */
    void (*complain)(void *ctx, const char *what);
    /* Once all workers serve; for a program that runs the service in a child. May be NULL. */
    void (*serving)(void *ctx);
    void *ctx;
};

/** cs_daemon_run() - load, serve, and return when told to stop. With "daemon on" the caller's
 *  process returns at once, when the service is up or has failed to come up.
 *  Return: the exit status, 0 or 1. */
int cs_daemon_run(const struct cs_daemon_spec *spec);

/** cs_daemon_pid_path() - where a service with these settings writes its pid; in @arena. */
struct cs_str cs_daemon_pid_path(const struct cs_daemon_spec *spec,
                                 const struct cs_core_settings *core, struct cs_arena *arena);
/** cs_daemon_control_path() - where it listens for `countersign status` and the like; in @arena,
 * with a NUL behind it. Empty: nowhere. */
struct cs_str cs_daemon_control_path(const struct cs_daemon_spec *spec,
                                     const struct cs_core_settings *core, struct cs_arena *arena);

#endif
