/* Appending without losing, splitting or waiting.
 *
 * O_APPEND makes each write land whole behind those of the other processes. The exception is
 * a disk that fills up in the middle of one: the part that went in is cut off again, which is
 * safe because nobody can append behind it while the disk is full. Before writing to
 * something that may not keep up (a pipe, a terminal) we ask whether it would wait.
 * Reopening goes through dup2(): the descriptor keeps its number and is never closed.
 */
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

/* Opening */

static int open_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
    return fd < 0 ? -errno : fd;
}

/* The descriptor that a name for an inherited stream stands for, or -1. */
static int inherited_fd(const char *path)
{
    struct cs_str name = cs_str_from(path);
    if (cs_str_eq(name, CS_STR("stderr")) || cs_str_eq(name, CS_STR("/dev/stderr")))
        return STDERR_FILENO;
    return cs_str_eq(name, CS_STR("/dev/stdout")) ? STDOUT_FILENO : -1;
}

static bool is_regular(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

void cs_sinks_init(struct cs_sinks *sinks)
{
    cs_list_init(&sinks->list);
}

static struct cs_sink *find_sink(struct cs_sinks *sinks, const char *path)
{
    CS_LIST_FOREACH (link, &sinks->list) {
        struct cs_sink *sink = cs_container_of(link, struct cs_sink, link);
        if (strcmp(sink->path, path) == 0)
            return sink;
    }
    return NULL;
}

int cs_sinks_open(struct cs_sinks *sinks, const char *path, struct cs_sink **ret_sink)
{
    struct cs_sink *sink = find_sink(sinks, path);
    if (sink) {
        *ret_sink = sink;
        return 0;
    }
    int stream = inherited_fd(path);
    int fd = stream >= 0 ? fcntl(stream, F_DUPFD_CLOEXEC, 3) : open_file(path);
    if (fd < 0)
        return stream >= 0 ? -errno : fd;

    sink = CS_NEW(struct cs_sink);
    sink->path = strdup(path);
    cs_assert(sink->path != NULL);
    sink->fd = fd;
    sink->inherited = stream >= 0;
    sink->regular = is_regular(fd);
    cs_list_push_back(&sinks->list, &sink->link);
    *ret_sink = sink;
    return 0;
}

void cs_sinks_detach(struct cs_sinks *sinks)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (nowhere < 0)
        return;
    CS_LIST_FOREACH (link, &sinks->list) {
        struct cs_sink *sink = cs_container_of(link, struct cs_sink, link);
        if (sink->inherited)
            dup3(nowhere, sink->fd, O_CLOEXEC);
    }
    close(nowhere);
}

static void free_sink(struct cs_sink *sink)
{
    cs_sink_flush(sink);
    if (sink->loop)
        cs_timer_cancel(sink->loop, &sink->timer);
    cs_list_remove(&sink->link);
    cs_buf_deinit(&sink->buffer);
    close(sink->fd);
    free(sink->path);
    free(sink);
}

void cs_sinks_deinit(struct cs_sinks *sinks)
{
    CS_LIST_FOREACH_SAFE (link, &sinks->list)
        free_sink(cs_container_of(link, struct cs_sink, link));
}

/* Give the file to @owner, if it is what @path names directly. A link may have been put
 * there, by whoever may write to the directory, to have some other file given away. */
static void give_to(int fd, const char *path, uid_t owner)
{
    struct stat opened, named;
    if (owner == (uid_t)-1 || fstat(fd, &opened) < 0 || lstat(path, &named) < 0)
        return;
    if (S_ISREG(named.st_mode) && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev &&
        opened.st_nlink == 1 && opened.st_uid != owner && fchown(fd, owner, (gid_t)-1) == 0)
        fchmod(fd, (opened.st_mode & 07777) | S_IRUSR | S_IWUSR);
}

static int reopen_sink(struct cs_sink *sink, uid_t owner)
{
    cs_sink_flush(sink);
    if (sink->inherited)
        return 0;
    cs_cleanup(cs_close_p) int fd = open_file(sink->path);
    if (fd < 0)
        return fd;
    give_to(fd, sink->path, owner);
    if (dup3(fd, sink->fd, O_CLOEXEC) < 0)
        return -errno;
    sink->regular = is_regular(fd);
    return 0;
}

int cs_sinks_reopen(struct cs_sinks *sinks, uid_t owner, const struct cs_sink **ret_failed)
{
    int first = 0;
    CS_LIST_FOREACH (link, &sinks->list) {
        struct cs_sink *sink = cs_container_of(link, struct cs_sink, link);
        int r = reopen_sink(sink, owner);
        if (r == 0 || first < 0)
            continue;
        first = r;
        if (ret_failed)
            *ret_failed = sink;
    }
    return first;
}

/* Writing */

static uint64_t count_lines(struct cs_str lines)
{
    uint64_t n = 0;
    for (size_t i = 0; i < lines.len; i++)
        n += lines.ptr[i] == '\n';
    return n;
}

/* The bytes of @lines after the last whole line among the first @n. */
static size_t fragment(struct cs_str lines, size_t n)
{
    return n - (size_t)(cs_str_rfind(cs_str_sub(lines, 0, n), '\n') + 1);
}

/* Cut the last @n bytes off again, unless somebody has written behind them. */
static void take_back(struct cs_sink *sink, size_t n)
{
    struct stat st;
    off_t end = lseek(sink->fd, 0, SEEK_CUR);
    if (n > 0 && sink->regular && end >= (off_t)n && fstat(sink->fd, &st) == 0 &&
        st.st_size == end && ftruncate(sink->fd, end - (off_t)n) < 0)
        return;
}

/* What goes into one write: everything, but to a pipe only whole lines that it takes without
 * waiting once it says that it takes any. */
static struct cs_str next_piece(const struct cs_sink *sink, struct cs_str lines)
{
    if (sink->regular || lines.len <= CS_LOG_LINE_MAX)
        return lines;
    ptrdiff_t end = cs_str_rfind(cs_str_sub(lines, 0, CS_LOG_LINE_MAX), '\n');
    return cs_str_sub(lines, 0, end < 0 ? CS_LOG_LINE_MAX : (size_t)end + 1);
}

static ssize_t write_piece(const struct cs_sink *sink, struct cs_str piece)
{
    struct pollfd pfd = {.fd = sink->fd, .events = POLLOUT};
    ssize_t n;
    if (!sink->regular && poll(&pfd, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
    }
    do
        n = write(sink->fd, piece.ptr, piece.len);
    while (n < 0 && errno == EINTR);
    return n;
}

/* Write whole lines. Return: whether all of them went. */
static bool write_lines(struct cs_sink *sink, struct cs_str lines)
{
    size_t done = 0;
    while (done < lines.len) {
        ssize_t n = write_piece(sink, next_piece(sink, cs_str_skip(lines, done)));
        if (n <= 0) {
            sink->error = n < 0 ? errno : EIO;
            break;
        }
        done += (size_t)n;
    }
    sink->failing = done < lines.len;
    if (sink->failing) {
        size_t torn = fragment(lines, done);
        take_back(sink, torn);
        sink->lost += count_lines(cs_str_skip(lines, done - torn));
    }
    return !sink->failing;
}

void cs_sink_flush(struct cs_sink *sink)
{
    if (sink->buffer.len == 0)
        return;
    write_lines(sink, cs_buf_str(&sink->buffer));
    cs_buf_reset(&sink->buffer);
    cs_timer_cancel(sink->loop, &sink->timer);
}

static void flush_fired(struct cs_timer *timer)
{
    cs_sink_flush(cs_container_of(timer, struct cs_sink, timer));
}

void cs_sink_buffer(struct cs_sink *sink, struct cs_loop *loop, size_t size, int64_t flush_ms)
{
    if (sink->loop)
        return;
    sink->loop = loop;
    sink->flush_ms = flush_ms;
    sink->timer.fire = flush_fired;
    cs_buf_init(&sink->buffer, size);
}

void cs_sink_line(struct cs_sink *sink, struct cs_str line)
{
    cs_assert(line.len > 0 && line.ptr[line.len - 1] == '\n');
    if (line.len > sink->buffer.max - sink->buffer.len)
        cs_sink_flush(sink);
    if (line.len > sink->buffer.max) {
        write_lines(sink, line);
        return;
    }
    if (sink->buffer.len == 0 && sink->flush_ms > 0)
        cs_timer_set(sink->loop, &sink->timer, sink->loop->now.mono_ms + sink->flush_ms);
    int r = cs_buf_add_str(&sink->buffer, line);
    cs_assert(r == 0);
}

/* Error logs */

bool cs_log_wants(const struct cs_log *log, enum cs_log_level level)
{
    for (size_t i = 0; i < log->n; i++)
        if (level <= log->targets[i].level)
            return true;
    return false;
}

int cs_zone_offset_min(int64_t sec)
{
    time_t t = (time_t)sec;
    struct tm tm;
    return localtime_r(&t, &tm) ? (int)(tm.tm_gmtoff / 60) : 0;
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* @text as it may stand in a line. Return: 0, or -ENOBUFS (what fits is there). */
static int add_escaped(struct cs_buf *line, struct cs_str text)
{
    while (text.len > 0) {
        size_t plain = 0;
        while (plain < text.len && !is_control(text.ptr[plain]))
            plain++;
        size_t room = line->max - line->len;
        cs_buf_add(line, text.ptr, plain < room ? plain : room);
        if (plain > room)
            return -ENOBUFS;
        text = cs_str_skip(text, plain);
        if (text.len > 0 && cs_buf_addf(line, "\\x%02X", (unsigned char)text.ptr[0]) < 0)
            return -ENOBUFS;
        text = cs_str_skip(text, 1);
    }
    return 0;
}

static void make_line(struct cs_buf *line, enum cs_log_level level, const struct cs_now *now,
                      pid_t pid, uint64_t connection, struct cs_str text)
{
    char time_text[CS_TIME_TEXT];
    int64_t sec = cs_now_sec(now);
    struct cs_str date = cs_time_error_log(sec, cs_zone_offset_min(sec), time_text);

    line->max = CS_LOG_LINE_MAX - 4; /* "...\n" */
    cs_buf_addf(line, "%.*s [%s] %d#0: ", CS_FMT(date), cs_log_level_name(level), (int)pid);
    if (connection)
        cs_buf_addf(line, "*%llu ", (unsigned long long)connection);
    int r = add_escaped(line, text);
    line->max = CS_LOG_LINE_MAX;
    cs_buf_add_str(line, r < 0 ? CS_STR("...\n") : CS_STR("\n"));
}

/* "no space left on device", in the middle of a sentence. */
static struct cs_str reason(int error, char buf[64])
{
    const char *text = strerrordesc_np(error);
    int n = snprintf(buf, 64, "%s", text ? text : "unknown error");
    buf[0] = cs_lower(buf[0]);
    return cs_str_make(buf, n < 64 ? (size_t)n : 63);
}

/* Say how many lines this log itself has lost, when that can be written. */
static void confess(struct cs_sink *sink, const struct cs_now *now, pid_t pid)
{
    char text[160], why[64];
    struct cs_buf line;
    uint64_t lost = sink->lost;
    int n = snprintf(text, sizeof(text), "%llu log line%s lost: %.*s", (unsigned long long)lost,
                     lost == 1 ? "" : "s", CS_FMT(reason(sink->error, why)));
    cs_buf_init(&line, CS_LOG_LINE_MAX);
    make_line(&line, CS_LOG_ALERT, now, pid, 0, cs_str_make(text, (size_t)n));
    sink->lost = write_lines(sink, cs_buf_str(&line)) ? 0 : lost;
    cs_buf_deinit(&line);
}

void cs_log_line(const struct cs_log *log, enum cs_log_level level, const struct cs_now *now,
                 pid_t pid, uint64_t connection, struct cs_str text)
{
    struct cs_buf line;
    if (!cs_log_wants(log, level))
        return;
    cs_buf_init(&line, CS_LOG_LINE_MAX);
    make_line(&line, level, now, pid, connection, text);
    for (size_t i = 0; i < log->n; i++) {
        struct cs_sink *sink = log->targets[i].sink;
        if (level > log->targets[i].level)
            continue;
        if (sink->lost > 0)
            confess(sink, now, pid);
        cs_sink_line(sink, cs_buf_str(&line));
    }
    cs_buf_deinit(&line);
}

void cs_log_linef(const struct cs_log *log, enum cs_log_level level, const struct cs_now *now,
                  pid_t pid, uint64_t connection, const char *fmt, ...)
{
    char text[CS_LOG_LINE_MAX];
    va_list ap;
    if (!cs_log_wants(log, level))
        return;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    size_t len = n < 0 ? 0 : (size_t)n;
    cs_log_line(log, level, now, pid, connection,
                cs_str_make(text, len < sizeof(text) ? len : sizeof(text) - 1));
}

static bool is_target(const struct cs_log *log, const struct cs_sink *sink)
{
    for (size_t i = 0; i < log->n; i++)
        if (log->targets[i].sink == sink)
            return true;
    return false;
}

static void report_sink(struct cs_sink *sink, const struct cs_log *log, const struct cs_now *now,
                        pid_t pid)
{
    char buf[64];
    struct cs_str why = reason(sink->error, buf);

    if (sink->failing && !sink->complained) {
        cs_log_linef(log, CS_LOG_ALERT, now, pid, 0,
                     "writing to \"%s\" fails, lines are lost: %.*s", sink->path, CS_FMT(why));
        sink->complained = true;
    }
    if (!sink->failing && sink->lost > 0) {
        cs_log_linef(log, CS_LOG_ALERT, now, pid, 0, "%llu log line%s of \"%s\" lost: %.*s",
                     (unsigned long long)sink->lost, sink->lost == 1 ? "" : "s", sink->path,
                     CS_FMT(why));
        sink->lost = 0;
        sink->complained = false;
    }
}

void cs_sinks_report(struct cs_sinks *sinks, const struct cs_log *log, const struct cs_now *now,
                     pid_t pid)
{
    CS_LIST_FOREACH (link, &sinks->list) {
        struct cs_sink *sink = cs_container_of(link, struct cs_sink, link);
        if (!is_target(log, sink))
            report_sink(sink, log, now, pid);
    }
}
