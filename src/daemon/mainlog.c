/* nginx's lines through io/log.h; the supervisor says little, so it reads the clock each time. */
#include "daemon/mainlog.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/panic.h"
#include "explain/finding.h"
#include "snapshot/model.h"

void cs_mainlog_init(struct cs_mainlog *log, enum cs_log_level level)
{
    cs_sinks_init(&log->sinks);
    log->log = (struct cs_log){&log->target, 1};
    log->target.level = level;
    cs_assert(cs_sinks_open(&log->sinks, "stderr", &log->target.sink) == 0);
}

void cs_mainlog_deinit(struct cs_mainlog *log)
{
    cs_sinks_deinit(&log->sinks);
    log->log.n = 0;
}

static int open_sink(struct cs_sinks *sinks, struct cs_str path, struct cs_sink **ret_sink)
{
    char name[4096];

    if (path.len >= sizeof(name))
        return -ENAMETOOLONG;
    memcpy(name, path.ptr, path.len);
    name[path.len] = '\0';
    return cs_sinks_open(sinks, name, ret_sink);
}

int cs_mainlog_open(struct cs_mainlog *log, struct cs_str path, enum cs_log_level level)
{
    struct cs_sink *sink;
    int r = open_sink(&log->sinks, path, &sink);

    if (r < 0)
        return r;
    log->target = (struct cs_log_target){sink, level};
    return 0;
}

int cs_mainlog_open_all(struct cs_mainlog *log, const struct cs_snapshot *snapshot,
                        struct cs_str *ret_failed)
{
    for (size_t i = 0; i < snapshot->n_logs; i++) {
        struct cs_sink *sink;
        int r = open_sink(&log->sinks, snapshot->logs[i].path, &sink);
        if (r < 0) {
            *ret_failed = snapshot->logs[i].path;
            return r;
        }
    }
    return 0;
}

void cs_mainlog_reopen(struct cs_mainlog *log, uid_t owner)
{
    const struct cs_sink *failed;
    int r = cs_sinks_reopen(&log->sinks, owner, &failed);

    if (r < 0)
        cs_mainlog_say(log, CS_LOG_EMERG, "open() \"%s\" failed (%d: %s)", failed->path, -r,
                       strerror(-r));
}

int cs_mainlog_fd(const struct cs_mainlog *log)
{
    return log->target.sink->fd;
}

bool cs_mainlog_is_stderr(const struct cs_mainlog *log)
{
    return log->target.sink->inherited;
}

static void write_line(const struct cs_mainlog *log, enum cs_log_level level, struct cs_str text)
{
    struct cs_now now = {.wall_ms = (int64_t)time(NULL) * 1000};

    cs_log_line(&log->log, level, &now, getpid(), 0, text);
}

void cs_mainlog_say(const struct cs_mainlog *log, enum cs_log_level level, const char *fmt, ...)
{
    char text[CS_LOG_LINE_MAX];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n >= 0)
        write_line(log, level, cs_str_from(text));
}

static enum cs_log_level level_of(enum cs_severity severity)
{
    return severity == CS_SEVERITY_ERROR     ? CS_LOG_EMERG
           : severity == CS_SEVERITY_WARNING ? CS_LOG_WARN
                                             : CS_LOG_NOTICE;
}

void cs_mainlog_findings(const struct cs_mainlog *log, const struct cs_findings *findings)
{
    struct cs_buf buf;

    cs_buf_init(&buf, 16 << 10);
    for (const struct cs_finding *f = findings->first; f; f = f->next) {
        cs_buf_reset(&buf);
        cs_explain_line(f, &buf);
        write_line(log, level_of(f->kind->severity), cs_buf_str(&buf));
    }
    cs_buf_deinit(&buf);
}
