/* The log files of a worker, by their place in the snapshot. */
#ifndef CS_GATEWAY_LOGS_H
#define CS_GATEWAY_LOGS_H

#include "base/level.h"
#include "base/str.h"
#include "base/time.h"
#include "io/log.h"

struct cs_loop;
struct cs_snapshot;

struct cs_logs {
    const struct cs_snapshot *snapshot;
    struct cs_sinks sinks;
    struct cs_sink **items; /* one per snapshot->logs; NULL: could not be opened */
    struct cs_timer report;
    struct cs_loop *loop;
};

/** cs_logs_open() - open every log of @snapshot: while still root. Return: 0, or -errno with the
 *  index of the file that cannot be opened in *ret_index. */
int cs_logs_open(struct cs_logs *logs, const struct cs_snapshot *snapshot, size_t *ret_index);
/** cs_logs_start() - buffer as configured and report losses, on @loop. */
void cs_logs_start(struct cs_logs *logs, struct cs_loop *loop);
/** cs_logs_close() - write what is buffered and close. */
void cs_logs_close(struct cs_logs *logs);
/** cs_logs_write() - a whole line to an access log. */
void cs_logs_write(struct cs_logs *logs, size_t index, struct cs_str line);
/** cs_logs_error() - a line to the error logs in @indexes whose level lets it through. */
void cs_logs_error(struct cs_logs *logs, const size_t *indexes, size_t n, enum cs_log_level level,
                   const struct cs_now *now, uint64_t connection, struct cs_str text);
/** cs_logs_want() - whether any of them would write a line of @level. */
bool cs_logs_want(const struct cs_logs *logs, const size_t *indexes, size_t n,
                  enum cs_log_level level);

#endif
