/* nginx's lines through io/log.h; the supervisor says little, so it reads the clock each time. */
#include "daemon/mainlog.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/panic.h"
#include "explain/finding.h"
#include "io/file.h"
#include "snapshot/model.h"

void cs_mainlog_init(struct cs_mainlog *log, enum cs_log_level level, struct cs_str folder)
{
    log->folder = folder;
    cs_sinks_init(&log->sinks);
    log->state.n = 1;
    log->state.targets[0].level = level;
    cs_assert(cs_sinks_open(&log->sinks, "stderr", &log->state.targets[0].sink) == 0);
}

void cs_mainlog_deinit(struct cs_mainlog *log)
{
    cs_sinks_deinit(&log->sinks);
    log->state.n = 0;
}

/* Nobody can be expected to have made the folder of a path that is built in. */
static bool made_folder(const struct cs_mainlog *log, struct cs_str path)
{
    char name[4096];

    if (!log->folder.len || log->folder.len >= sizeof(name) || !cs_str_starts(path, log->folder))
        return false;
    memcpy(name, log->folder.ptr, log->folder.len);
    name[log->folder.len] = '\0';
    return cs_file_mkdirs(name, 0755) == 0;
}

static int open_sink(struct cs_mainlog *log, struct cs_str path, struct cs_sink **ret_sink)
{
    char name[4096];
    int r;

    if (path.len >= sizeof(name))
        return -ENAMETOOLONG;
    memcpy(name, path.ptr, path.len);
    name[path.len] = '\0';
    r = cs_sinks_open(&log->sinks, name, ret_sink);
    if (r == -ENOENT && made_folder(log, path))
        r = cs_sinks_open(&log->sinks, name, ret_sink);
    return r;
}

int cs_mainlog_open(struct cs_mainlog *log, const struct cs_snapshot *snapshot,
                    struct cs_str *ret_failed)
{
    struct cs_sink *sink;

    for (size_t i = 0; i < snapshot->n_logs; i++) {
        int r = open_sink(log, snapshot->logs[i].path, &sink);
        if (r < 0) {
            *ret_failed = snapshot->logs[i].path;
            return r;
        }
    }
    log->state.n = 0;
    for (size_t i = 0; i < snapshot->n_error_logs && log->state.n < CS_MAINLOG_TARGETS; i++) {
        const struct cs_log_spec *spec = &snapshot->logs[snapshot->error_logs[i]];
        cs_assert(open_sink(log, spec->path, &sink) == 0); /* it is open, and looked up */
        log->state.targets[log->state.n++] =
            (struct cs_log_target){sink, (enum cs_log_level)spec->level};
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
    return log->state.targets[0].sink->fd;
}

bool cs_mainlog_is_stderr(const struct cs_mainlog *log)
{
    for (size_t i = 0; i < log->state.n; i++) {
        if (log->state.targets[i].sink->inherited)
            return true;
    }
    return false;
}

static void write_line(const struct cs_mainlog *log, enum cs_log_level level, struct cs_str text)
{
    struct cs_now now = {.wall_ms = (int64_t)time(NULL) * 1000};
    struct cs_log targets = {log->state.targets, log->state.n};

    cs_log_line(&targets, level, &now, getpid(), 0, text);
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
