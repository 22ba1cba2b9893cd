/* Log files: whole lines, appended by several processes, never waited for.
 *
 * A sink is one open file (or stderr) under the name the configuration gives it; logs that
 * name the same file share it. A line reaches the file in one write or not at all: what a
 * full disk cuts off is removed again, lines that do not fit are counted, and the count is
 * reported when there is room again. Readers that do not keep up (a pipe, a terminal) lose
 * lines in the same way; the worker does not wait for them.
 */
#ifndef CS_IO_LOG_H
#define CS_IO_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/level.h"
#include "base/list.h"
#include "base/str.h"
#include "base/time.h"
#include "io/loop.h"

/* A line of an error log is cut here; also what a pipe takes in one piece. */
#define CS_LOG_LINE_MAX 4096

struct cs_sink {
    struct cs_list link;
    char *path;
    int fd;
    bool regular;    /* a regular file: writes never wait for a reader */
    bool inherited;  /* stderr, stdout: never reopened */
    bool failing;    /* the last write lost lines */
    bool complained; /* cs_sinks_report() has said so */
    int error;       /* errno of the last lost line */
    uint64_t lost;   /* lines lost and not reported */
    struct cs_buf buffer;
    struct cs_loop *loop; /* set: lines may wait in @buffer */
    struct cs_timer timer;
    int64_t flush_ms;
};

/* All sinks of one configuration. */
struct cs_sinks {
    struct cs_list list;
};

/** cs_sinks_init() - no sinks. */
void cs_sinks_init(struct cs_sinks *sinks);
/** cs_sinks_deinit() - flush and close all of them. */
void cs_sinks_deinit(struct cs_sinks *sinks);
/** cs_sinks_open() - the sink for @path, opened (created with mode 0644) unless it is there
 *  already; "stderr", "/dev/stderr" and "/dev/stdout" mean the inherited descriptors. It lives
 *  as long as @sinks. Return: 0, or -errno of the file. */
int cs_sinks_open(struct cs_sinks *sinks, const char *path, struct cs_sink **ret_sink);
/** cs_sinks_detach() - lines for the inherited descriptors lead nowhere from now on, and whoever
 *  reads the other end sees it close. */
void cs_sinks_detach(struct cs_sinks *sinks);
/** cs_sinks_reopen() - flush every sink and open its path anew, after rotation. No line is
 *  lost or split; a file that cannot be opened goes on under its old name. Unless @owner is
 *  (uid_t)-1, files are given to that user first, so that workers can reopen them; files that
 *  are reached through a link are not given away.
 *  Return: 0, or the first -errno, with its sink in *ret_failed (may be NULL). */
int cs_sinks_reopen(struct cs_sinks *sinks, uid_t owner, const struct cs_sink **ret_failed);

/** cs_sink_buffer() - let lines wait for company: until @size bytes are together, or for
 *  @flush_ms (0: no limit). Per process; the timer runs on @loop, which outlives the sink.
 *  Of several calls the first counts. */
void cs_sink_buffer(struct cs_sink *sink, struct cs_loop *loop, size_t size, int64_t flush_ms);
/** cs_sink_line() - write @line, which ends in a newline and holds no other. */
void cs_sink_line(struct cs_sink *sink, struct cs_str line);
/** cs_sink_flush() - write what waits in the buffer. */
void cs_sink_flush(struct cs_sink *sink);

/* Where lines of which gravity go. */
struct cs_log_target {
    struct cs_sink *sink;
    enum cs_log_level level; /* this one and graver ones */
};

/* An error log: its targets are the caller's and outlive it. */
struct cs_log {
    const struct cs_log_target *targets;
    size_t n;
};

/** cs_log_wants() - whether a line of @level goes anywhere. */
bool cs_log_wants(const struct cs_log *log, enum cs_log_level level);
/** cs_log_line() - one line in nginx's form: "2026/11/23 10:00:00 [info] 123#0: *45 text".
 *  @connection 0 leaves the "*45 " out. Control bytes in @text are written as \xHH, so that no
 *  peer can forge a line; a text too long ends in "...". */
void cs_log_line(const struct cs_log *log, enum cs_log_level level, const struct cs_now *now,
                 pid_t pid, uint64_t connection, struct cs_str text);
/** cs_log_linef() - the same with a formatted text. */
void cs_log_linef(const struct cs_log *log, enum cs_log_level level, const struct cs_now *now,
                  pid_t pid, uint64_t connection, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/** cs_sinks_report() - tell @log which other sinks began to lose lines, and how many were lost
 *  by those that recovered. For a timer of a few seconds. */
void cs_sinks_report(struct cs_sinks *sinks, const struct cs_log *log, const struct cs_now *now,
                     pid_t pid);

/** cs_zone_offset_min() - how far local time is ahead of UTC at @sec, in minutes. */
int cs_zone_offset_min(int64_t sec);

#endif
