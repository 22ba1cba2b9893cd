/* Lines, levels, rotation, buffers, and disks that are full. */
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "tap.h"

static char dir[] = "/tmp/cs_log_XXXXXX";
static char paths[2][64];
static const struct cs_now now = {.mono_ms = 0, .wall_ms = INT64_C(1795428000000)};

static void expect(const char *path, const char *want, const char *what)
{
    struct cs_buf buf;
    if (tap_int(cs_file_read(path, 1 << 20, &buf), 0, what))
        tap_str(cs_buf_str(&buf), cs_str_from(want), what);
    cs_buf_deinit(&buf);
}

static void test_form(void)
{
    struct cs_sinks sinks;
    struct cs_sink *sink, *same;
    struct stat st;
    cs_sinks_init(&sinks);
    tap_int(cs_sinks_open(&sinks, paths[0], &sink), 0, "a log file");
    tap_int(cs_sinks_open(&sinks, paths[0], &same), 0, "the same again");
    tap_ok(sink == same, "is shared");
    tap_ok(stat(paths[0], &st) == 0 && (st.st_mode & 0777) == 0644, "readable by all");
    tap_ok((fcntl(sink->fd, F_GETFL) & O_APPEND) != 0, "appending");
    tap_int(cs_sinks_open(&sinks, "/nonexistent/log", &same), -ENOENT, "no directory");

    struct cs_log_target target = {sink, CS_LOG_INFO};
    struct cs_log log = {&target, 1};
    cs_log_line(&log, CS_LOG_INFO, &now, 123, 45, CS_STR("hello"));
    cs_log_line(&log, CS_LOG_EMERG, &now, 123, 0, CS_STR("bad"));
    cs_log_line(&log, CS_LOG_DEBUG, &now, 123, 0, CS_STR("not wanted"));
    cs_log_linef(&log, CS_LOG_WARN, &now, 7, 0, "%s %d", "formatted", 42);
    cs_log_line(&log, CS_LOG_ERROR, &now, 7, 0, CS_STR("a\nb\r\x1b[31m\x7f\0z \xc3\xa9"));
    expect(paths[0],
           "2026/11/23 10:00:00 [info] 123#0: *45 hello\n"
           "2026/11/23 10:00:00 [emerg] 123#0: bad\n"
           "2026/11/23 10:00:00 [warn] 7#0: formatted 42\n"
           "2026/11/23 10:00:00 [error] 7#0: a\\x0Ab\\x0D\\x1B[31m\\x7F\\x00z \xc3\xa9\n",
           "nginx's form, one line each");
    tap_ok(cs_log_wants(&log, CS_LOG_INFO) && !cs_log_wants(&log, CS_LOG_DEBUG), "levels");
    cs_sinks_deinit(&sinks);
    unlink(paths[0]);
}

static void test_long_lines(void)
{
    static const size_t sizes[] = {4000, 4054, 4055, 4056, 4057, 4058, 4096, 9000};
    struct cs_sinks sinks;
    struct cs_sink *sink;
    char text[9000];
    for (int control = 0; control < 2; control++) {
        memset(text, control ? '\n' : 'x', sizeof(text));
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            struct stat st;
            cs_sinks_init(&sinks);
            cs_sinks_open(&sinks, paths[0], &sink);
            struct cs_log_target target = {sink, CS_LOG_INFO};
            cs_log_line(&(struct cs_log){&target, 1}, CS_LOG_INFO, &now, 1, 0,
                        cs_str_make(text, sizes[i]));
            tap_ok(fstat(sink->fd, &st) == 0 && st.st_size <= CS_LOG_LINE_MAX &&
                       st.st_size > 4000 && sink->lost == 0,
                   "a text of %zu bytes fits a line", sizes[i]);
            cs_sinks_deinit(&sinks);
            unlink(paths[0]);
        }
    }
}

static void test_rotation(void)
{
    struct cs_loop loop;
    struct cs_sinks sinks;
    struct cs_sink *sink;
    const struct cs_sink *failed = NULL;
    cs_loop_init(&loop);
    cs_sinks_init(&sinks);
    cs_sinks_open(&sinks, paths[0], &sink);
    cs_sink_buffer(sink, &loop, 100, 10);
    int fd = sink->fd;

    cs_sink_line(sink, CS_STR("one\n"));
    expect(paths[0], "", "the line waits");
    rename(paths[0], paths[1]);
    tap_int(cs_sinks_reopen(&sinks, (uid_t)-1, &failed), 0, "reopened");
    expect(paths[1], "one\n", "what waited went to the old file");
    cs_sink_line(sink, CS_STR("two\n"));
    tap_ok(cs_timer_pending(&sink->timer) && sink->fd == fd, "a timer runs; same descriptor");
    cs_loop_turn(&loop, 1000);
    cs_loop_turn(&loop, 0);
    expect(paths[0], "two\n", "flushed by the timer, to the new file");

    char line[61];
    memset(line, 'a', 60);
    line[59] = '\n';
    cs_sink_line(sink, cs_str_make(line, 60));
    cs_sink_line(sink, cs_str_make(line, 41 + 19));
    tap_int((int64_t)sink->buffer.len, 60, "a line that does not fit pushes out the others");
    char big[200];
    memset(big, 'b', sizeof(big));
    big[199] = '\n';
    cs_sink_line(sink, cs_str_make(big, sizeof(big)));
    tap_int((int64_t)sink->buffer.len, 0, "a line larger than the buffer goes at once, in order");
    struct stat st;
    fstat(sink->fd, &st);
    tap_int((int64_t)st.st_size, 4 + 60 + 60 + 200, "everything is there");

    unlink(paths[0]);
    mkdir(paths[0], 0755);
    tap_int(cs_sinks_reopen(&sinks, (uid_t)-1, &failed), -EISDIR, "a file that cannot be opened");
    tap_ok(failed == sink, "is named");
    cs_sink_line(sink, cs_str_make(big, sizeof(big)));
    tap_ok(!sink->failing, "and goes on under its old name");
    rmdir(paths[0]);
    cs_sink_line(sink, CS_STR("last\n"));
    cs_sinks_deinit(&sinks);
    cs_loop_deinit(&loop);
    unlink(paths[1]);
}

static void test_owner(void)
{
    struct cs_sinks sinks;
    struct cs_sink *sink;
    struct stat st;
    if (geteuid() != 0) {
        tap_ok(true, "# SKIP only root gives files away");
        return;
    }
    cs_sinks_init(&sinks);
    cs_sinks_open(&sinks, paths[0], &sink);
    cs_sinks_reopen(&sinks, 12345, NULL);
    stat(paths[0], &st);
    tap_int((int64_t)st.st_uid, 12345, "given to the workers' user");
    rename(paths[0], paths[1]);
    if (chown(paths[1], 0, 0) < 0 || symlink(paths[1], paths[0]) < 0)
        abort();
    cs_sinks_reopen(&sinks, 12345, NULL);
    stat(paths[1], &st);
    tap_int((int64_t)st.st_uid, 0, "but not what a symbolic link names");
    unlink(paths[0]);
    if (link(paths[1], paths[0]) < 0)
        abort();
    cs_sinks_reopen(&sinks, 12345, NULL);
    stat(paths[1], &st);
    tap_int((int64_t)st.st_uid, 0, "nor a file with a second name");
    cs_sinks_deinit(&sinks);
    unlink(paths[0]);
    unlink(paths[1]);
}

/* /dev/full: every write fails with ENOSPC. */
static void test_full(void)
{
    struct cs_sinks sinks;
    struct cs_sink *full, *good;
    cs_sinks_init(&sinks);
    cs_sinks_open(&sinks, "/dev/full", &full);
    cs_sinks_open(&sinks, paths[0], &good);
    struct cs_log_target target = {full, CS_LOG_INFO};
    struct cs_log log = {&target, 1};
    for (int i = 0; i < 3; i++)
        cs_log_line(&log, CS_LOG_INFO, &now, 1, 0, CS_STR("lost"));
    tap_int((int64_t)full->lost, 3, "lines lost are counted");
    tap_int(full->error, ENOSPC, "with the reason");

    int saved = dup(full->fd);
    dup2(good->fd, full->fd); /* the disk has room again */
    cs_log_line(&log, CS_LOG_INFO, &now, 1, 0, CS_STR("kept"));
    expect(paths[0],
           "2026/11/23 10:00:00 [alert] 1#0: 3 log lines lost: no space left on device\n"
           "2026/11/23 10:00:00 [info] 1#0: kept\n",
           "and confessed once there is room");
    tap_int((int64_t)full->lost, 0, "once");

    dup2(saved, full->fd);
    close(saved);
    if (truncate(paths[0], 0) < 0)
        abort();
    struct cs_log_target other = {good, CS_LOG_INFO};
    struct cs_log error_log = {&other, 1};
    cs_sink_line(full, CS_STR("access 1\n"));
    cs_sinks_report(&sinks, &error_log, &now, 1);
    cs_sink_line(full, CS_STR("access 2\n"));
    cs_sinks_report(&sinks, &error_log, &now, 1);
    full->failing = false;
    cs_sinks_report(&sinks, &error_log, &now, 1);
    cs_sinks_report(&sinks, &error_log, &now, 1);
    expect(
        paths[0],
        "2026/11/23 10:00:00 [alert] 1#0: writing to \"/dev/full\" fails, lines are lost: no space "
        "left on device\n"
        "2026/11/23 10:00:00 [alert] 1#0: 2 log lines of \"/dev/full\" lost: no space left on "
        "device\n",
        "another log is reported in the error log, twice");
    cs_sinks_deinit(&sinks);
    unlink(paths[0]);
}

/* A file size limit cuts a write in the middle, as a disk does that becomes full. */
static void test_torn(void)
{
    struct cs_sinks sinks;
    struct cs_sink *sink;
    struct rlimit saved, tight;
    cs_sinks_init(&sinks);
    cs_sinks_open(&sinks, paths[0], &sink);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &saved);
    tight = saved;
    tight.rlim_cur = 25;
    setrlimit(RLIMIT_FSIZE, &tight);
    cs_sink_line(sink, CS_STR("0123456789\n"));
    cs_sink_line(sink, CS_STR("abcdefghij\n"));
    cs_sink_line(sink, CS_STR("torn line that goes in half\n"));
    setrlimit(RLIMIT_FSIZE, &saved);
    expect(paths[0], "0123456789\nabcdefghij\n", "a torn line is taken back");
    tap_int((int64_t)sink->lost, 1, "and counted");
    cs_sink_line(sink, CS_STR("next\n"));
    expect(paths[0], "0123456789\nabcdefghij\nnext\n", "the next one starts at a line's start");

    struct cs_loop loop;
    cs_loop_init(&loop);
    cs_sink_buffer(sink, &loop, 100, 0);
    tight.rlim_cur = 27 + 6;
    setrlimit(RLIMIT_FSIZE, &tight);
    cs_sink_line(sink, CS_STR("one\n"));
    cs_sink_line(sink, CS_STR("two\n"));
    cs_sink_line(sink, CS_STR("three\n"));
    sink->lost = 0;
    cs_sink_flush(sink);
    setrlimit(RLIMIT_FSIZE, &saved);
    expect(paths[0], "0123456789\nabcdefghij\nnext\none\n", "of a buffer whole lines stay");
    tap_int((int64_t)sink->lost, 2, "the others are counted");
    cs_sinks_deinit(&sinks);
    cs_loop_deinit(&loop);
    unlink(paths[0]);
}

/* A reader that does not keep up. */
static void test_pipe(void)
{
    struct cs_sinks sinks;
    struct cs_sink *sink;
    int fds[2];
    char line[1000], buf[65536];
    if (pipe(fds) < 0)
        abort();
    cs_sinks_init(&sinks);
    cs_sinks_open(&sinks, paths[0], &sink);
    dup2(fds[1], sink->fd);
    sink->regular = false;
    memset(line, 'p', sizeof(line));
    line[999] = '\n';
    for (int i = 0; i < 200; i++)
        cs_sink_line(sink, cs_str_make(line, sizeof(line)));
    tap_ok(sink->lost > 0 && sink->error == EAGAIN, "a full pipe loses lines and does not block");
    ssize_t n = read(fds[0], buf, sizeof(buf));
    tap_ok(n > 0 && n % 1000 == 0 && buf[n - 1] == '\n', "what went in are whole lines");
    cs_sink_line(sink, CS_STR("again\n"));
    tap_ok(!sink->failing, "a pipe that was read takes lines again");
    cs_sinks_deinit(&sinks);
    close(fds[0]);
    close(fds[1]);
    unlink(paths[0]);
}

static void test_streams(void)
{
    struct cs_sinks sinks;
    struct cs_sink *sink;
    cs_sinks_init(&sinks);
    tap_int(cs_sinks_open(&sinks, "stderr", &sink), 0, "stderr");
    int fd = sink->fd;
    tap_ok(fd > 2 && (fcntl(fd, F_GETFD) & FD_CLOEXEC), "a descriptor of our own");
    tap_int(cs_sinks_reopen(&sinks, (uid_t)-1, NULL), 0, "is not reopened");
    cs_sinks_deinit(&sinks);
    tap_int(fcntl(STDERR_FILENO, F_GETFD) >= 0, 1, "and the real one stays open");
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    signal(SIGPIPE, SIG_IGN);
    umask(022);
    if (!mkdtemp(dir))
        abort();
    snprintf(paths[0], sizeof(paths[0]), "%s/a.log", dir);
    snprintf(paths[1], sizeof(paths[1]), "%s/b.log", dir);
    test_form();
    test_long_lines();
    test_rotation();
    test_owner();
    test_full();
    test_torn();
    test_pipe();
    test_streams();
    tap_int(rmdir(dir), 0, "nothing is left behind");
    return tap_done();
}
