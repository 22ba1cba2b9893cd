/* Into the background: what the starting process learns, and what the one that goes on is. */
#include "daemon/background.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

static int end_of(pid_t pid)
{
    int status = -1;

    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Go into the background in a process of its own. The one that goes on runs @go_on and tells
 * @status, or ends without a word if that is negative. Return: what the starter learned. */
static int start(void (*go_on)(int), int arg, int status)
{
    pid_t pid = fork();
    int fd, r;

    if (pid != 0)
        return end_of(pid);
    r = cs_background_enter(&fd);
    if (r != 0)
        _exit(r);
    if (go_on)
        go_on(arg);
    if (status >= 0)
        cs_background_tell(fd, status);
    _exit(0);
}

static void say_session(int fd)
{
    bool alone = getsid(0) == getpid() && getpgrp() == getpid();

    if (write(fd, alone ? "y" : "n", 1) != 1)
        abort();
}

static void test_session(void)
{
    char byte = 0;
    int ends[2];

    tap_int(pipe(ends), 0, "a pipe");
    tap_int(start(say_session, ends[1], 0), 1, "the starter learns of the status told");
    tap_int(read(ends[0], &byte, 1), 1, "the background goes on");
    tap_ok(byte == 'y', "in a session of its own");
    close(ends[0]);
    close(ends[1]);
}

static void test_statuses(void)
{
    tap_int(start(NULL, 0, 1), 2, "1 is told");
    tap_int(start(NULL, 0, 3), 4, "3 is told");
    tap_int(start(NULL, 0, -1), 2, "who ends without a word has failed");
}

static bool is_null(int fd)
{
    struct stat st, null;

    return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 && st.st_rdev == null.st_rdev;
}

/* Which of the three standard descriptors lead nowhere, as bits. */
static int nowhere_after(bool keep_stderr)
{
    pid_t pid = fork();
    int bits = 0, ends[2];

    if (pid != 0)
        return end_of(pid);
    for (int fd = 0; fd < 3; fd++) {
        if (pipe(ends) < 0 || dup2(ends[1], fd) < 0)
            _exit(99);
    }
    cs_background_detach(keep_stderr);
    for (int fd = 0; fd < 3; fd++)
        bits |= is_null(fd) << fd;
    _exit(bits);
}

static void test_detach(void)
{
    tap_int(nowhere_after(true), 3, "standard input and output lead nowhere");
    tap_int(nowhere_after(false), 7, "standard error too, where a log takes its place");
}

static void test_notify(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    char dir[] = "/tmp/cs-notify-XXXXXX", got[16] = "";
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    tap_ok(fd >= 0 && mkdtemp(dir), "a folder and a socket");
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/notify", dir);
    tap_int(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0, "somebody listens");
    setenv("NOTIFY_SOCKET", addr.sun_path, 1);
    cs_notify("READY=1");
    tap_int(recv(fd, got, sizeof(got), 0), 7, "the manager is told");
    tap_ok(memcmp(got, "READY=1", 7) == 0, "in the words of sd_notify(3)");
    setenv("NOTIFY_SOCKET", "elsewhere", 1);
    cs_notify("READY=1");
    unsetenv("NOTIFY_SOCKET");
    cs_notify("READY=1");
    tap_int(recv(fd, got, sizeof(got), 0), -1, "nothing is sent to a name that is none");
    close(fd);
    unlink(addr.sun_path);
    rmdir(dir);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    test_session();
    test_statuses();
    test_detach();
    test_notify();
    return tap_done();
}
