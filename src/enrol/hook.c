/* The command has a process group of its own, so that what is told to end is all of it; a pidfd
 * says when it has ended, as one more descriptor of the loop. */
#include "enrol/hook.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "io/process.h"

enum {
    FIRST_RETRY_MS = 1000,
    LONGEST_RETRY_MS = 60 * 1000,
    GRACE_MS = 5000,
    ENVIRONMENT_MAX = 512
};

static void start(struct cs_hook *hook);

static void end(struct cs_hook *hook, const char *why)
{
    int64_t delay = FIRST_RETRY_MS;

    if (hook->again) { /* what it was told is old by now */
        hook->again = false;
        hook->failures = 0;
        cs_timer_set(hook->loop, &hook->timer, hook->loop->now.mono_ms);
        if (!why)
            return;
    } else if (why) {
        delay <<= hook->failures < 6 ? hook->failures : 6;
        hook->failures++;
        cs_timer_set(hook->loop, &hook->timer,
                     hook->loop->now.mono_ms +
                         (delay < LONGEST_RETRY_MS ? delay : LONGEST_RETRY_MS));
    } else {
        hook->failures = 0;
    }
    hook->ended(hook, why);
}

static const char *tell_status(const struct cs_hook *hook, int status, char text[64])
{
    if (hook->late)
        return "took longer than a minute";
    if (WIFSIGNALED(status))
        snprintf(text, 64, "was ended by signal %d", WTERMSIG(status));
    else
        snprintf(text, 64, "exited with status %d", WEXITSTATUS(status));
    return text;
}

static void on_exit_seen(struct cs_watch *watch)
{
    struct cs_hook *hook = cs_container_of(watch, struct cs_hook, watch);
    int status = 0;
    char text[64];

    if (waitpid(hook->pid, &status, WNOHANG) != hook->pid)
        return;
    hook->pid = 0;
    cs_watch_close(&hook->watch);
    cs_timer_cancel(hook->loop, &hook->timer);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        end(hook, NULL);
    else
        end(hook, tell_status(hook, status, text));
}

/* In the child: descriptors close by themselves. Standard output is for what we say. */
static _Noreturn void become(const struct cs_hook *hook)
{
    char *const arguments[] = {(char *)"/bin/sh", (char *)"-c", (char *)hook->command, NULL};
    char *environment[ENVIRONMENT_MAX];
    size_t n = 0;

    setpgid(0, 0);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    for (char **own = environ; *own && n < ENVIRONMENT_MAX / 2; own++)
        environment[n++] = *own;
    for (size_t i = 0; hook->environment[i] && n < ENVIRONMENT_MAX - 1; i++)
        environment[n++] = hook->environment[i];
    environment[n] = NULL;
    execve(arguments[0], arguments, environment);
    _exit(127);
}

static int watch_child(struct cs_hook *hook)
{
    int fd = (int)syscall(SYS_pidfd_open, hook->pid, 0);
    int r = fd < 0 ? -errno : cs_watch_add(hook->loop, &hook->watch, fd, on_exit_seen);

    if (r < 0 && fd >= 0)
        close(fd);
    return r;
}

/* Without a pidfd nobody would learn how it ended: it is not let run unseen. */
static void give_up(struct cs_hook *hook, int error)
{
    kill(-hook->pid, SIGKILL);
    waitpid(hook->pid, NULL, 0);
    hook->pid = 0;
    end(hook, strerror(-error));
}

static void start(struct cs_hook *hook)
{
    int r;

    hook->late = false;
    hook->pid = cs_process_fork();
    if (hook->pid == 0)
        become(hook);
    if (hook->pid < 0) {
        r = (int)hook->pid;
        hook->pid = 0;
        end(hook, strerror(-r));
        return;
    }
    setpgid(hook->pid, hook->pid);
    r = watch_child(hook);
    if (r < 0)
        give_up(hook, r);
    else
        cs_timer_set(hook->loop, &hook->timer, hook->loop->now.mono_ms + CS_HOOK_LIMIT_MS);
}

static void on_time(struct cs_timer *timer)
{
    struct cs_hook *hook = cs_container_of(timer, struct cs_hook, timer);

    if (!hook->pid) {
        start(hook);
        return;
    }
    kill(-hook->pid, hook->late ? SIGKILL : SIGTERM);
    hook->late = true;
    cs_timer_set(hook->loop, timer, hook->loop->now.mono_ms + GRACE_MS);
}

void cs_hook_init(struct cs_hook *hook, struct cs_loop *loop, const char *command,
                  void (*ended)(struct cs_hook *hook, const char *why))
{
    *hook =
        (struct cs_hook){.loop = loop, .command = command, .ended = ended, .timer.fire = on_time};
}

void cs_hook_run(struct cs_hook *hook, char *const *environment)
{
    hook->environment = environment;
    hook->again = hook->pid != 0;
    if (hook->again)
        return;
    hook->failures = 0;
    cs_timer_cancel(hook->loop, &hook->timer);
    start(hook);
}

bool cs_hook_busy(const struct cs_hook *hook)
{
    return hook->pid != 0;
}

void cs_hook_deinit(struct cs_hook *hook)
{
    if (!hook->loop)
        return;
    cs_timer_cancel(hook->loop, &hook->timer);
    if (hook->watch.loop)
        cs_watch_close(&hook->watch);
    hook->pid = 0;
}
