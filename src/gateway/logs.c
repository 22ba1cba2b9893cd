/* Every log file is opened once per worker; who logs names it by number. */
#include "gateway/logs.h"

#include <unistd.h>

#include "base/mem.h"
#include "snapshot/model.h"
#include "snapshot/snapshot.h"

enum { REPORT_MS = 5000 };

int cs_logs_open(struct cs_logs *logs, const struct cs_snapshot *snapshot, size_t *ret_index)
{
    int r = 0;

    logs->snapshot = snapshot;
    logs->items = cs_alloc(snapshot->n_logs * sizeof(*logs->items));
    cs_sinks_init(&logs->sinks);
    for (size_t i = 0; i < snapshot->n_logs && r == 0; i++) {
        r = cs_sinks_open(&logs->sinks, snapshot->logs[i].path.ptr, &logs->items[i]);
        *ret_index = i;
    }
    return r;
}

/* One line to the main error logs about logs that lose lines. */
static void report(struct cs_timer *timer)
{
    struct cs_logs *logs = cs_container_of(timer, struct cs_logs, report);
    const struct cs_snapshot *s = logs->snapshot;
    struct cs_log_target targets[8];
    struct cs_log log = {targets, 0};

    for (size_t i = 0; i < s->n_error_logs && log.n < 8; i++)
        targets[log.n++] = (struct cs_log_target){
            logs->items[s->error_logs[i]], (enum cs_log_level)s->logs[s->error_logs[i]].level};
    cs_sinks_report(&logs->sinks, &log, &logs->loop->now, getpid());
    cs_timer_set(logs->loop, timer, logs->loop->now.mono_ms + REPORT_MS);
}

void cs_logs_start(struct cs_logs *logs, struct cs_loop *loop)
{
    logs->loop = loop;
    for (size_t i = 0; i < logs->snapshot->n_logs; i++) {
        const struct cs_log_spec *spec = &logs->snapshot->logs[i];
        if (spec->buffer)
            cs_sink_buffer(logs->items[i], loop, spec->buffer, spec->flush_ms);
    }
    logs->report.fire = report;
    cs_timer_set(loop, &logs->report, loop->now.mono_ms + REPORT_MS);
}

void cs_logs_close(struct cs_logs *logs)
{
    cs_sinks_deinit(&logs->sinks);
    free(logs->items);
    logs->items = NULL;
}

void cs_logs_write(struct cs_logs *logs, size_t index, struct cs_str line)
{
    cs_sink_line(logs->items[index], line);
}

bool cs_logs_want(const struct cs_logs *logs, const size_t *indexes, size_t n,
                  enum cs_log_level level)
{
    for (size_t i = 0; i < n; i++) {
        if (logs->snapshot->logs[indexes[i]].level >= (int)level)
            return true;
    }
    return false;
}

void cs_logs_error(struct cs_logs *logs, const size_t *indexes, size_t n, enum cs_log_level level,
                   const struct cs_now *now, uint64_t connection, struct cs_str text)
{
    struct cs_log_target targets[8];
    struct cs_log log = {targets, 0};

    for (size_t i = 0; i < n && log.n < 8; i++)
        targets[log.n++] = (struct cs_log_target){
            logs->items[indexes[i]], (enum cs_log_level)logs->snapshot->logs[indexes[i]].level};
    cs_log_line(&log, level, now, getpid(), connection, text);
}
