/* The log files as the supervisor holds them: the main error log, where its own lines go, and
 * every other file that a configuration names, so that they exist before anybody runs and can
 * be given to the workers' account when they are opened again.
 */
#ifndef CS_DAEMON_MAINLOG_H
#define CS_DAEMON_MAINLOG_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/findings.h"
#include "io/log.h"
#include "snapshot/snapshot.h"

/* The most error_log directives of the main level that count. */
#define CS_MAINLOG_TARGETS 8

/* Where lines go; to be put aside and restored when a new configuration is not taken up. */
struct cs_mainlog_state {
    struct cs_log_target targets[CS_MAINLOG_TARGETS];
    size_t n;
};

/* Its address must not change while it is open. */
struct cs_mainlog {
    struct cs_str folder; /* borrowed: made when a log is to be in it and it is missing; or empty */
    struct cs_sinks sinks;
    struct cs_mainlog_state state;
};

/** cs_mainlog_init() - a log that writes to standard error, what @level says and graver.
 *  @folder is where built-in paths lead, or empty; it is borrowed. */
void cs_mainlog_init(struct cs_mainlog *log, enum cs_log_level level, struct cs_str folder);
/** cs_mainlog_deinit() - flush and close all files. */
void cs_mainlog_deinit(struct cs_mainlog *log);
/** cs_mainlog_open() - open, and thereby make, all log files that @snapshot names, and write to
 *  its main error logs from now on.
 *  Return: 0; or -errno of the first that fails, whose path is in *ret_failed (of the snapshot);
 *  nothing has changed then. */
int cs_mainlog_open(struct cs_mainlog *log, const struct cs_snapshot *snapshot,
                    struct cs_str *ret_failed);
/** cs_mainlog_reopen() - open every file again by its name, and give it to @owner unless that
 *  is (uid_t)-1. What cannot be opened goes on under its old name, and is logged. */
void cs_mainlog_reopen(struct cs_mainlog *log, uid_t owner);
/** cs_mainlog_fd() - the descriptor of the first main error log; it keeps its number. */
int cs_mainlog_fd(const struct cs_mainlog *log);
/** cs_mainlog_is_stderr() - whether one of the main error logs is standard error. */
bool cs_mainlog_is_stderr(const struct cs_mainlog *log);

/** cs_mainlog_say() - write one line, unless @level is below the log's. */
void cs_mainlog_say(const struct cs_mainlog *log, enum cs_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** cs_mainlog_findings() - one line for each finding. */
void cs_mainlog_findings(const struct cs_mainlog *log, const struct cs_findings *findings);

#endif
