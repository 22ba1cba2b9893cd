/* One place, one process in it. Deaths come from the host, which is the one that calls waitpid().
 */
#include "daemon/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/mem.h"

enum {
    SETTLED_MS = 2000, /* a process that lived this long was well when it started */
    PAUSE_MS = 100,    /* before the first replacement of one that was not */
    PAUSE_MAX_MS = 5000,
    KILL_AFTER_MS = 3000, /* after TERM */
    GRACE_MS = 20 * 1000, /* after QUIT */
};

enum state { STARTING, SERVING, FINISHING };

struct cs_child {
    struct cs_child_spec spec;
    enum state state;
    bool failed;
    pid_t pid; /* 0: none now */
    pid_t parent;
    bool ready;
    int64_t started_ms;
    unsigned quick_deaths;
    struct cs_timer respawn, kill;
    struct cs_watch ready_watch; /* on ready_fd */
    int ready_fd;                /* in the process itself: where to tell; -1: nothing to wait for */
    struct cs_task tell;
};

static void drop_ready(struct cs_child *child)
{
    cs_watch_remove(&child->ready_watch);
    if (child->ready_fd >= 0)
        close(child->ready_fd);
    child->ready_fd = -1;
}

/* ---- in the process ---- */

int cs_child_serving(struct cs_child *child)
{
    if (prctl(PR_SET_PDEATHSIG, SIGQUIT) < 0)
        return -errno;
    if (getppid() != child->parent)
        return -ECHILD;
    if (write(child->ready_fd, "", 1) != 1)
        return -EPIPE;
    close(child->ready_fd);
    child->ready_fd = -1;
    return 0;
}

/* ---- in the supervisor ---- */

/* The event that is due; the host may free the child in it. */
static void tell(struct cs_task *task)
{
    struct cs_child *child = cs_container_of(task, struct cs_child, tell);
    const struct cs_child_spec *spec = &child->spec;

    if (child->state == FINISHING) {
        if (!child->pid)
            spec->on_event(spec->ctx, child, CS_CHILD_ENDED);
    } else if (child->failed) {
        child->failed = false;
        spec->on_event(spec->ctx, child, CS_CHILD_FAILED);
    } else if (child->state == STARTING && child->ready) {
        child->state = SERVING;
        spec->on_event(spec->ctx, child, CS_CHILD_UP);
    }
}

static void tell_soon(struct cs_child *child)
{
    if (!child->tell.deferred)
        cs_loop_defer(child->spec.loop, &child->tell);
}

static void on_ready(struct cs_watch *watch)
{
    struct cs_child *child = cs_container_of(watch, struct cs_child, ready_watch);
    char byte;
    ssize_t n = read(child->ready_fd, &byte, 1);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    child->ready = n == 1;
    drop_ready(child);
    tell_soon(child);
}

/* How long to wait for the next one. */
static int64_t pause_ms(struct cs_child *child, int64_t now_ms, bool asked_for)
{
    bool well = child->ready && now_ms - child->started_ms >= SETTLED_MS;

    child->quick_deaths = well || asked_for ? 0 : child->quick_deaths + 1;
    if (child->quick_deaths == 0)
        return 0;
    return child->quick_deaths < 7 ? PAUSE_MS << (child->quick_deaths - 1) : PAUSE_MAX_MS;
}

/* There is no process now. */
static void vacant(struct cs_child *child, bool asked_for)
{
    int64_t now_ms = child->spec.loop->now.mono_ms;

    child->pid = 0;
    if (child->state == SERVING) {
        int64_t pause = pause_ms(child, now_ms, asked_for);
        cs_timer_set(child->spec.loop, &child->respawn, now_ms + pause);
    } else {
        child->failed = child->state == STARTING;
        tell_soon(child);
    }
    child->ready = false;
}

static _Noreturn void be(struct cs_child *child, int fd)
{
    drop_ready(child);
    child->ready_fd = fd;
    exit(child->spec.run(child->spec.ctx, child));
}

static void spawn(struct cs_child *child)
{
    const struct cs_child_spec *spec = &child->spec;
    int ends[2];

    cs_loop_now(spec->loop);
    child->started_ms = spec->loop->now.mono_ms;
    child->parent = getpid();
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        cs_mainlog_say(spec->log, CS_LOG_ALERT, "pipe() failed while spawning the %s (%d: %s)",
                       spec->name, errno, strerror(errno));
        vacant(child, false);
        return;
    }
    fflush(NULL);
    child->pid = fork();
    if (child->pid == 0) {
        close(ends[0]);
        be(child, ends[1]);
    }
    close(ends[1]);
    child->ready_fd = ends[0];
    if (child->pid < 0) {
        cs_mainlog_say(spec->log, CS_LOG_ALERT, "fork() failed while spawning the %s (%d: %s)",
                       spec->name, errno, strerror(errno));
        drop_ready(child);
        vacant(child, false);
        return;
    }
    cs_assert(cs_watch_add(spec->loop, &child->ready_watch, child->ready_fd, on_ready) == 0);
    cs_mainlog_say(spec->log, CS_LOG_NOTICE, "start %s process %d", spec->name, (int)child->pid);
}

static void on_respawn(struct cs_timer *timer)
{
    spawn(cs_container_of(timer, struct cs_child, respawn));
}

static void on_kill(struct cs_timer *timer)
{
    struct cs_child *child = cs_container_of(timer, struct cs_child, kill);

    cs_mainlog_say(child->spec.log, CS_LOG_ALERT, "the %s did not end in time: killed",
                   child->spec.name);
    cs_child_signal(child, SIGKILL);
}

struct cs_child *cs_child_new(const struct cs_child_spec *spec)
{
    struct cs_child *child = CS_NEW(struct cs_child);

    child->spec = *spec;
    child->ready_fd = -1;
    child->tell.run = tell;
    child->respawn.fire = on_respawn;
    child->kill.fire = on_kill;
    spawn(child);
    return child;
}

struct cs_child *cs_child_free(struct cs_child *child)
{
    if (!child)
        return NULL;
    cs_timer_cancel(child->spec.loop, &child->respawn);
    cs_timer_cancel(child->spec.loop, &child->kill);
    cs_task_cancel(&child->tell);
    drop_ready(child);
    free(child);
    return NULL;
}

void cs_child_signal(const struct cs_child *child, int signo)
{
    if (child->pid && kill(child->pid, signo) < 0 && errno != ESRCH)
        cs_mainlog_say(child->spec.log, CS_LOG_ALERT, "kill(%d, %d) failed (%d: %s)",
                       (int)child->pid, signo, errno, strerror(errno));
}

void cs_child_finish(struct cs_child *child, bool graceful)
{
    struct cs_loop *loop = child->spec.loop;

    child->state = FINISHING;
    cs_timer_cancel(loop, &child->respawn);
    cs_child_signal(child, graceful ? SIGQUIT : SIGTERM);
    cs_timer_set(loop, &child->kill, loop->now.mono_ms + (graceful ? GRACE_MS : KILL_AFTER_MS));
    tell_soon(child);
}

static void log_death(const struct cs_child *child, int status)
{
    const struct cs_child_spec *spec = &child->spec;
    bool expected = child->state == FINISHING || WEXITSTATUS(status) == CS_CHILD_AGAIN;

    if (WIFSIGNALED(status))
        cs_mainlog_say(spec->log, CS_LOG_ALERT, "%s process %d exited on signal %d%s", spec->name,
                       (int)child->pid, WTERMSIG(status),
                       WCOREDUMP(status) ? " (core dumped)" : "");
    else
        cs_mainlog_say(spec->log, expected ? CS_LOG_NOTICE : CS_LOG_ALERT,
                       "%s process %d exited with code %d", spec->name, (int)child->pid,
                       WEXITSTATUS(status));
}

bool cs_child_reaped(struct cs_child *child, pid_t pid, int status)
{
    if (child->pid != pid)
        return false;
    log_death(child, status);
    if (!child->ready && child->ready_fd >= 0)
        on_ready(&child->ready_watch); /* the byte may be there, unread yet */
    drop_ready(child);
    vacant(child, WIFEXITED(status) && WEXITSTATUS(status) == CS_CHILD_AGAIN);
    return true;
}
