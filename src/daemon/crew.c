/* Forking, counting and replacing workers.
 *
 * A worker says that it serves by one byte in a pipe; the supervisor keeps the writing end
 * closed, so the pipe also tells when nobody is left to say so. Deaths come from the host,
 * which is the one that calls waitpid().
 */
#include "daemon/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "gateway/worker.h"
#include "io/process.h"

enum {
    SETTLED_MS = 2000, /* a worker that lived this long was well when it started */
    PAUSE_MS = 100,    /* before the first replacement of one that was not */
    PAUSE_MAX_MS = 5000,
    KILL_AFTER_MS = 3000, /* after TERM */
    GRACE_MS = 5000,      /* after worker_shutdown_timeout, which the workers keep themselves */
};

struct worker {
    struct cs_crew *crew;
    unsigned number;
    pid_t pid; /* 0: none now */
    bool ready;
    int64_t started_ms;
    unsigned quick_deaths;
    struct cs_timer respawn;
    struct cs_watch ready_watch; /* on ready_fd */
    int ready_fd;                /* -1: nothing to wait for */
};

enum state { STARTING, SERVING, FINISHING };

struct cs_crew {
    struct cs_crew_spec spec;
    enum state state;
    bool failed;
    struct worker *workers;
    struct cs_timer kill;
    struct cs_task tell; /* works out which event is due */
};

static void drop_ready(struct worker *w)
{
    cs_watch_remove(&w->ready_watch);
    if (w->ready_fd >= 0)
        close(w->ready_fd);
    w->ready_fd = -1;
}

/* In the worker. */

struct child {
    const struct cs_crew_spec *spec;
    int ready_fd;
    pid_t parent;
};

/* The worker has opened all it needs: become nobody, follow the supervisor into death, say that
 * we serve. A change of account clears the death signal, so it is set last; a parent that had
 * gone before that is noticed by its number. */
static int drop_privileges(void *ctx)
{
    struct child *child = ctx;
    int r = child->spec->user ? cs_process_drop(child->spec->user) : 0;

    if (r < 0)
        return r;
    if (child->parent && prctl(PR_SET_PDEATHSIG, SIGQUIT) < 0)
        return -errno;
    if (child->parent && getppid() != child->parent)
        return -ECHILD;
    if (child->ready_fd >= 0) {
        if (write(child->ready_fd, "", 1) != 1)
            return -EPIPE;
        close(child->ready_fd);
        child->ready_fd = -1;
    }
    cs_mainlog_deinit(child->spec->log); /* the worker has its own, which it can reopen */
    return 0;
}

static void raise_file_limit(const struct cs_crew_spec *spec)
{
    uint64_t n = (uint64_t)spec->snapshot->core.worker_rlimit_nofile;
    int r = n ? cs_process_limit_files(n) : 0;

    if (r < 0)
        cs_mainlog_say(spec->log, CS_LOG_ALERT, "setrlimit(RLIMIT_NOFILE, %llu) failed (%d: %s)",
                       (unsigned long long)n, -r, strerror(-r));
}

int cs_crew_worker(const struct cs_crew_spec *spec, unsigned number, int ready_fd, pid_t parent)
{
    struct child child = {spec, ready_fd, parent};
    size_t n = spec->snapshot->n_listeners;
    int *fds = cs_alloc(n * sizeof(*fds));
    struct cs_worker_spec worker = {
        .snapshot = spec->snapshot,
        .listen_fds = fds,
        .error_log_fd = cs_mainlog_fd(spec->log),
        .counters = spec->counters,
        .number = number,
        .drop_privileges = drop_privileges,
        .ctx = &child,
    };
    int status;

    for (size_t i = 0; i < n; i++)
        fds[i] = cs_listeners_fd(spec->listeners, &spec->snapshot->listeners[i], number);
    raise_file_limit(spec);
    status = cs_worker_run(&worker);
    free(fds);
    return status;
}

static _Noreturn void be_worker(struct worker *w, int ready_fd, pid_t parent)
{
    const struct cs_crew_spec *spec = &w->crew->spec;

    spec->in_child(spec->ctx);
    cs_listeners_isolate(spec->listeners, spec->snapshot->listeners, spec->snapshot->n_listeners,
                         w->number);
    exit(cs_crew_worker(spec, w->number, ready_fd, parent));
}

/* In the supervisor. */

static bool all_ready(const struct cs_crew *crew)
{
    for (unsigned i = 0; i < crew->spec.n_workers; i++) {
        if (!crew->workers[i].ready)
            return false;
    }
    return true;
}

static bool any_alive(const struct cs_crew *crew)
{
    for (unsigned i = 0; i < crew->spec.n_workers; i++) {
        if (crew->workers[i].pid)
            return true;
    }
    return false;
}

/* The event that is due; the host may free the crew in it. */
static void tell(struct cs_task *task)
{
    struct cs_crew *crew = cs_container_of(task, struct cs_crew, tell);

    if (crew->state == FINISHING) {
        if (!any_alive(crew))
            crew->spec.on_event(crew->spec.ctx, crew, CS_CREW_ENDED);
    } else if (crew->failed) {
        crew->failed = false;
        crew->spec.on_event(crew->spec.ctx, crew, CS_CREW_FAILED);
    } else if (crew->state == STARTING && all_ready(crew)) {
        crew->state = SERVING;
        crew->spec.on_event(crew->spec.ctx, crew, CS_CREW_UP);
    }
}

static void tell_soon(struct cs_crew *crew)
{
    if (!crew->tell.deferred)
        cs_loop_defer(crew->spec.loop, &crew->tell);
}

static void on_ready(struct cs_watch *watch)
{
    struct worker *w = cs_container_of(watch, struct worker, ready_watch);
    char byte;
    ssize_t n = read(w->ready_fd, &byte, 1);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    w->ready = n == 1;
    drop_ready(w);
    tell_soon(w->crew);
}

/* What to do about a place without a worker. */
static void vacant(struct worker *w, int64_t now_ms)
{
    struct cs_crew *crew = w->crew;
    int64_t pause = PAUSE_MAX_MS;

    w->pid = 0;
    if (crew->state == FINISHING) {
        tell_soon(crew);
        return;
    }
    if (crew->state == STARTING) {
        crew->failed = true;
        tell_soon(crew);
        return;
    }
    w->quick_deaths = w->ready && now_ms - w->started_ms >= SETTLED_MS ? 0 : w->quick_deaths + 1;
    w->ready = false;
    if (w->quick_deaths < 7)
        pause = w->quick_deaths ? PAUSE_MS << (w->quick_deaths - 1) : 0;
    if (pause > PAUSE_MAX_MS)
        pause = PAUSE_MAX_MS;
    cs_timer_set(crew->spec.loop, &w->respawn, now_ms + pause);
}

static void spawn(struct worker *w)
{
    struct cs_crew *crew = w->crew;
    pid_t parent = getpid(), pid;
    int ends[2];

    cs_loop_now(crew->spec.loop);
    w->started_ms = crew->spec.loop->now.mono_ms;
    w->ready = false;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        cs_mainlog_say(crew->spec.log, CS_LOG_ALERT,
                       "pipe() failed while spawning a worker "
                       "process (%d: %s)",
                       errno, strerror(errno));
        vacant(w, w->started_ms);
        return;
    }
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        be_worker(w, ends[1], parent);
    }
    close(ends[1]);
    w->ready_fd = ends[0];
    if (pid < 0) {
        cs_mainlog_say(crew->spec.log, CS_LOG_ALERT,
                       "fork() failed while spawning a worker "
                       "process (%d: %s)",
                       errno, strerror(errno));
        drop_ready(w);
        vacant(w, w->started_ms);
        return;
    }
    w->pid = pid;
    cs_assert(cs_watch_add(crew->spec.loop, &w->ready_watch, w->ready_fd, on_ready) == 0);
    cs_mainlog_say(crew->spec.log, CS_LOG_NOTICE, "start worker process %d", (int)pid);
}

static void on_respawn(struct cs_timer *timer)
{
    spawn(cs_container_of(timer, struct worker, respawn));
}

static void on_kill(struct cs_timer *timer)
{
    struct cs_crew *crew = cs_container_of(timer, struct cs_crew, kill);

    cs_mainlog_say(crew->spec.log, CS_LOG_ALERT, "worker processes did not end in time: killed");
    cs_crew_signal(crew, SIGKILL);
}

struct cs_crew *cs_crew_new(const struct cs_crew_spec *spec)
{
    struct cs_crew *crew = CS_NEW(struct cs_crew);

    crew->spec = *spec;
    crew->spec.snapshot = cs_snapshot_ref(spec->snapshot);
    crew->tell.run = tell;
    crew->kill.fire = on_kill;
    crew->workers = cs_alloc(spec->n_workers * sizeof(*crew->workers));
    for (unsigned i = 0; i < spec->n_workers; i++) {
        crew->workers[i].crew = crew;
        crew->workers[i].number = i;
        crew->workers[i].ready_fd = -1;
        crew->workers[i].respawn.fire = on_respawn;
    }
    for (unsigned i = 0; i < spec->n_workers; i++)
        spawn(&crew->workers[i]);
    return crew;
}

struct cs_crew *cs_crew_free(struct cs_crew *crew)
{
    if (!crew)
        return NULL;
    for (unsigned i = 0; i < crew->spec.n_workers; i++) {
        cs_timer_cancel(crew->spec.loop, &crew->workers[i].respawn);
        drop_ready(&crew->workers[i]);
    }
    cs_timer_cancel(crew->spec.loop, &crew->kill);
    cs_task_cancel(&crew->tell);
    cs_snapshot_unref(crew->spec.snapshot);
    free(crew->workers);
    free(crew);
    return NULL;
}

void cs_crew_signal(const struct cs_crew *crew, int signo)
{
    for (unsigned i = 0; i < crew->spec.n_workers; i++) {
        pid_t pid = crew->workers[i].pid;
        if (pid && kill(pid, signo) < 0 && errno != ESRCH)
            cs_mainlog_say(crew->spec.log, CS_LOG_ALERT, "kill(%d, %d) failed (%d: %s)", (int)pid,
                           signo, errno, strerror(errno));
    }
}

void cs_crew_finish(struct cs_crew *crew, bool graceful)
{
    int64_t now_ms = crew->spec.loop->now.mono_ms;
    int64_t shutdown_ms = crew->spec.snapshot->core.worker_shutdown_timeout_ms;

    crew->state = FINISHING;
    for (unsigned i = 0; i < crew->spec.n_workers; i++)
        cs_timer_cancel(crew->spec.loop, &crew->workers[i].respawn);
    cs_crew_signal(crew, graceful ? SIGQUIT : SIGTERM);
    if (!graceful)
        cs_timer_set(crew->spec.loop, &crew->kill, now_ms + KILL_AFTER_MS);
    else if (shutdown_ms > 0)
        cs_timer_set(crew->spec.loop, &crew->kill, now_ms + shutdown_ms + GRACE_MS);
    tell_soon(crew);
}

/* As nginx says it: monitoring looks for these words. */
static void log_death(const struct cs_crew *crew, pid_t pid, int status)
{
    if (WIFSIGNALED(status))
        cs_mainlog_say(crew->spec.log, CS_LOG_ALERT, "worker process %d exited on signal %d%s",
                       (int)pid, WTERMSIG(status), WCOREDUMP(status) ? " (core dumped)" : "");
    else if (WEXITSTATUS(status) || crew->state != FINISHING)
        cs_mainlog_say(crew->spec.log, CS_LOG_ALERT, "worker process %d exited with code %d",
                       (int)pid, WEXITSTATUS(status));
    else
        cs_mainlog_say(crew->spec.log, CS_LOG_NOTICE, "worker process %d exited with code 0",
                       (int)pid);
}

bool cs_crew_reaped(struct cs_crew *crew, pid_t pid, int status)
{
    for (unsigned i = 0; i < crew->spec.n_workers; i++) {
        struct worker *w = &crew->workers[i];
        if (w->pid != pid)
            continue;
        log_death(crew, pid, status);
        if (!w->ready && w->ready_fd >= 0)
            on_ready(&w->ready_watch); /* the byte may be there, unread yet */
        drop_ready(w);
        vacant(w, crew->spec.loop->now.mono_ms);
        return true;
    }
    return false;
}
