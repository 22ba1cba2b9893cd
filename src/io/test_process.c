/* Privileges, children, signals and pid files. What changes a process runs in a child. */
#include "io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/file.h"
#include "io/signals.h"
#include "tap.h"

static int status_of(pid_t pid)
{
    int status = -1;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void test_users(void)
{
    struct cs_user user;
    tap_int(cs_user_find(CS_STR("root"), CS_STR(""), &user), 0, "root");
    tap_ok(user.uid == 0 && user.gid == 0, "with the group of the same name");
    tap_int(cs_user_find(CS_STR("nobody"), CS_STR(""), &user), 0, "nobody");
    tap_ok(user.uid != 0 && user.gid != 0, "with the account's own group");
    tap_int(cs_user_find(CS_STR("nobody"), CS_STR("root"), &user), 0, "a group by name");
    tap_int((int64_t)user.gid, 0, "is that group");
    tap_int(cs_user_find(CS_STR("no-such-user"), CS_STR(""), &user), -ENOENT, "no such user");
    tap_int(cs_user_find(CS_STR("root"), CS_STR("no-such-group"), &user), -ESRCH, "no such group");
    tap_int(cs_user_find(CS_STR(""), CS_STR(""), &user), -ENOENT, "no name");
    tap_int(cs_user_find(cs_str_make("root\0x", 6), CS_STR(""), &user), -ENOENT, "a NUL inside");
}

/* In a child that was root: which check fails? 0: none. */
static int check_dropped(void)
{
    struct cs_user user;
    gid_t groups[64];
    if (cs_user_find(CS_STR("nobody"), CS_STR(""), &user) < 0 || cs_process_drop(&user) < 0)
        return 1;
    if (getuid() != user.uid || geteuid() != user.uid || getgid() != user.gid)
        return 2;
    if (setuid(0) == 0 || setgid(0) == 0 || setgroups(0, NULL) == 0)
        return 3;
    int n = getgroups(64, groups);
    for (int i = 0; i < n; i++)
        if (groups[i] == 0)
            return 4;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        return 5;
    return open("/etc/shadow", O_RDONLY | O_CLOEXEC) >= 0 ? 6 : 0;
}

static void test_drop(void)
{
    if (geteuid() != 0) {
        tap_ok(true, "# SKIP only root can drop privileges");
        return;
    }
    pid_t pid = cs_process_fork();
    if (pid == 0)
        _exit(check_dropped());
    tap_int(status_of(pid), 0, "dropped for good");
}

static void test_limit(void)
{
    pid_t pid = cs_process_fork();
    if (pid == 0) {
        struct rlimit limit;
        if (cs_process_limit_files(300) < 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
            _exit(1);
        _exit(limit.rlim_cur == 300 ? 0 : 2);
    }
    tap_int(status_of(pid), 0, "the limit of descriptors");
}

static void test_reap(void)
{
    pid_t got = 0;
    int status = 0, r;
    tap_int(cs_process_reap(&got, &status), -ECHILD, "no children");
    pid_t pid = cs_process_fork();
    if (pid == 0)
        _exit(7);
    while ((r = cs_process_reap(&got, &status)) == 0)
        usleep(1000);
    tap_int(r, 1, "a child ended");
    tap_ok(got == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7, "that one");
}

static struct cs_loop loop;
static int seen[8];
static size_t n_seen;
static pid_t from;

static void on_signal(struct cs_signals *signals, int signo, pid_t sender)
{
    seen[n_seen++ % 8] = signo;
    from = sender;
}

static void test_signals(void)
{
    static const int signos[] = {SIGHUP, SIGUSR1, SIGCHLD};
    struct cs_signals signals = {0};
    sigset_t mask;
    cs_signals_deinit(&signals);
    cs_loop_init(&loop);
    tap_int(cs_signals_init(&signals, &loop, signos, 3, on_signal), 0, "signals");
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    tap_int((int64_t)n_seen, 0, "nothing happens at once");
    cs_loop_turn(&loop, 100);
    tap_ok(n_seen == 2 && seen[0] == SIGHUP && seen[1] == SIGUSR1, "both arrive in the loop, once");
    tap_int(from, getpid(), "with their sender");

    pid_t pid = cs_process_fork();
    if (pid == 0) {
        cs_loop_deinit(&loop);
        sigprocmask(SIG_BLOCK, NULL, &mask);
        if (sigismember(&mask, SIGHUP))
            _exit(1);
        kill(getpid(), SIGHUP);
        _exit(2);
    }
    tap_int(status_of(pid), 128 + SIGHUP, "a child has the default actions");
    cs_loop_turn(&loop, 100);
    tap_int(seen[2], SIGCHLD, "and its end is a signal");
    cs_signals_deinit(&signals);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    tap_ok(!sigismember(&mask, SIGHUP), "unblocked again");
    cs_loop_deinit(&loop);
}

static void test_pidfiles(void)
{
    char dir[] = "/tmp/cs_process_XXXXXX", path[64];
    static const struct {
        const char *text;
        int want;
    } cases[] = {
        {"1", 0},          {" 77\n", 0},       {"", -EBADMSG},
        {"0\n", -EBADMSG}, {"-1\n", -EBADMSG}, {"99999999999\n", -EBADMSG},
        {"x", -EBADMSG},   {"1 2", -EBADMSG},  {"111111111111111111111111111111111", -EBADMSG},
    };
    struct stat st;
    pid_t pid = 0;
    if (!mkdtemp(dir))
        abort();
    snprintf(path, sizeof(path), "%s/pid", dir);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cs_file_write(path, cs_str_from(cases[i].text), 0644);
        tap_ok(cs_pidfile_read(path, &pid) == cases[i].want, "pid file, case %zu", i);
    }
    tap_int(cs_pidfile_write(path, getpid()), 0, "written");
    tap_ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0644, "readable by all");
    tap_int(cs_pidfile_running(path, &pid), 0, "running");
    tap_int(pid, getpid(), "this process");
    cs_pidfile_remove(path, getpid() + 1);
    tap_int(stat(path, &st), 0, "somebody else's file stays");

    pid_t child = cs_process_fork();
    if (child == 0)
        _exit(0);
    status_of(child);
    cs_pidfile_write(path, child);
    tap_int(cs_pidfile_running(path, &pid), -ESRCH, "left over");
    cs_pidfile_remove(path, child);
    tap_int(cs_pidfile_running(path, &pid), -ENOENT, "removed");
    rmdir(dir);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    test_users();
    test_drop();
    test_limit();
    test_reap();
    test_signals();
    test_pidfiles();
    return tap_done();
}
