/* Forking, counting and replacing workers, and telling them things.
 *
 * Each worker has a channel, on which it says that it serves and replies to what it is told. It
 * takes messages in order and replies in order, so the number of its last reply says which calls
 * still wait for it. Deaths come from the host, which is the one that calls waitpid().
 */
#include "daemon/crew.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "daemon/renew.h"
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
    struct cs_channel channel; /* zeroed: none */
    uint64_t replied;          /* number of the last message that is settled with it */
};

enum state { STARTING, SERVING, FINISHING };

struct cs_crew {
    struct cs_crew_spec spec;
    enum state state;
    bool failed;
    struct worker *workers;
    struct cs_timer kill;
    struct cs_task tell;        /* works out which event is due */
    struct cs_renewer *renewer; /* NULL: nothing is watched */
    uint64_t n_messages;
    struct cs_list calls; /* that wait for somebody, the oldest first */
};

/* In the worker. */

struct child {
    const struct cs_crew_spec *spec;
    pid_t parent;
};

/* The worker has opened all it needs: become nobody, follow the supervisor into death. A change of
 * account clears the death signal, so it is set last; a parent that had gone before that is noticed
 * by its number. */
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

int cs_crew_worker(const struct cs_crew_spec *spec, unsigned number, int channel_fd, pid_t parent)
{
    struct child child = {spec, parent};
    size_t n = spec->snapshot->n_listeners;
    int *fds = cs_alloc(n * sizeof(*fds));
    struct cs_worker_spec worker = {
        .snapshot = spec->snapshot,
        .listen_fds = fds,
        .error_log_fd = cs_mainlog_fd(spec->log),
        .counters = spec->counters,
        .admissions = spec->admissions,
        .revoked = spec->revoked ? spec->revoked(spec->ctx) : NULL,
        .standings = spec->standings ? spec->standings(spec->ctx) : NULL,
        .number = number,
        .channel_fd = channel_fd,
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

static _Noreturn void be_worker(struct worker *w, int channel_fd, pid_t parent)
{
    const struct cs_crew_spec *spec = &w->crew->spec;

    cs_crew_isolate(w->crew);
    spec->in_child(spec->ctx);
    cs_listeners_isolate(spec->listeners, spec->snapshot->listeners, spec->snapshot->n_listeners,
                         w->number);
    exit(cs_crew_worker(spec, w->number, channel_fd, parent));
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

/* Calls. A worker that has gone settles all it was told. */

unsigned cs_call_waiting(const struct cs_call *call)
{
    return call->n_told - call->n_done - call->n_refused - call->n_gone;
}

static void end_call(struct cs_call *call)
{
    cs_timer_cancel(call->crew->spec.loop, &call->patience);
    cs_list_remove(&call->link);
    call->ended(call);
}

static void on_patience(struct cs_timer *timer)
{
    struct cs_call *call = cs_container_of(timer, struct cs_call, patience);

    if (cs_call_waiting(call) == 0)
        end_call(call);
    else if (call->late)
        call->late(call);
}

/* From the event loop, not from inside of what is being done. */
static void end_if_settled(struct cs_call *call)
{
    struct cs_loop *loop = call->crew->spec.loop;

    if (cs_call_waiting(call) == 0)
        cs_timer_set(loop, &call->patience, loop->now.mono_ms);
}

/* Worker @w has nothing to say any more to messages up to @number. */
static void gone_until(struct worker *w, uint64_t number)
{
    CS_LIST_FOREACH (link, &w->crew->calls) {
        struct cs_call *call = cs_container_of(link, struct cs_call, link);
        if (call->number <= w->replied || call->number > number)
            continue;
        call->n_gone++;
        end_if_settled(call);
    }
    w->replied = number;
}

static void take_reply(struct worker *w, struct cs_str bytes)
{
    struct cs_reply_head head;
    struct cs_call *call = NULL;

    if (bytes.len < sizeof(head))
        return;
    memcpy(&head, bytes.ptr, sizeof(head));
    if (head.number <= w->replied || head.number > w->crew->n_messages)
        return;
    w->replied = head.number;
    CS_LIST_FOREACH (link, &w->crew->calls) {
        if (cs_container_of(link, struct cs_call, link)->number == head.number)
            call = cs_container_of(link, struct cs_call, link);
    }
    if (!call)
        return;
    call->n_done += head.result == 0;
    call->n_refused += head.result != 0;
    if (call->replied)
        call->replied(call, w->number, head.result, cs_str_skip(bytes, sizeof(head)));
    end_if_settled(call);
}

static void on_report(struct cs_channel *channel, struct cs_channel_message *message)
{
    struct worker *w = cs_container_of(channel, struct worker, channel);

    switch ((enum cs_report)message->type) {
    case CS_REPORT_READY:
        w->ready = true;
        tell_soon(w->crew);
        break;
    case CS_REPORT_REPLY: take_reply(w, message->bytes); break;
    case CS_REPORT_QUESTION: w->crew->spec.questioned(w->crew->spec.ctx, message->bytes); break;
    }
}

/* It has ended, or is about to: waitpid() will say so. One that is not, and cannot be told anything
 * any more, is not to go on. */
static void on_closed(struct cs_channel *channel, int fault)
{
    struct worker *w = cs_container_of(channel, struct worker, channel);

    if (fault && w->pid)
        kill(w->pid, SIGKILL);
    gone_until(w, w->crew->n_messages);
}

/* Whoever cannot be told what has been revoked, or takes nothing any more, is not to go on. */
static void tell_one(struct worker *w, enum cs_tell what, struct cs_str bytes, int fd)
{
    const struct cs_crew *crew = w->crew;
    int r = cs_channel_send(&w->channel, what, bytes, fd);

    if (r == 0)
        return;
    if (r == -EPIPE || r == -ECONNRESET) { /* it is leaving */
        gone_until(w, crew->n_messages);
        return;
    }
    cs_mainlog_say(crew->spec.log, CS_LOG_ALERT,
                   "worker process %d cannot be told anything (%d: %s): killed", (int)w->pid, -r,
                   strerror(-r));
    kill(w->pid, SIGKILL);
    cs_channel_deinit(&w->channel);
    gone_until(w, crew->n_messages);
}

void cs_crew_tell(struct cs_crew *crew, enum cs_tell what, struct cs_str bytes, int fd,
                  struct cs_call *call)
{
    uint64_t number = ++crew->n_messages;
    struct cs_buf message;

    cs_buf_init(&message, CS_MESSAGE_MAX);
    cs_assert(cs_buf_add(&message, &number, sizeof(number)) == 0 &&
              cs_buf_add_str(&message, bytes) == 0);
    for (unsigned i = 0; i < crew->spec.n_workers && call; i++)
        call->n_told += crew->workers[i].channel.watch.loop != NULL;
    if (call) {
        call->crew = crew;
        call->number = number;
        call->patience.fire = on_patience;
        cs_list_push_back(&crew->calls, &call->link);
        cs_loop_now(crew->spec.loop);
        cs_timer_set(crew->spec.loop, &call->patience,
                     crew->spec.loop->now.mono_ms + (call->n_told ? CS_CALL_PATIENCE_MS : 0));
    }
    for (unsigned i = 0; i < crew->spec.n_workers; i++) {
        if (crew->workers[i].channel.watch.loop)
            tell_one(&crew->workers[i], what, cs_buf_str(&message), fd);
    }
    cs_buf_deinit(&message);
}

void cs_crew_isolate(struct cs_crew *crew)
{
    if (!crew)
        return;
    for (unsigned i = 0; i < crew->spec.n_workers; i++)
        cs_channel_isolate(&crew->workers[i].channel);
    cs_renewer_isolate(crew->renewer);
}

/* What to do about a place without a worker. */
static void vacant(struct worker *w, int64_t now_ms)
{
    struct cs_crew *crew = w->crew;
    int64_t pause = PAUSE_MAX_MS;

    w->pid = 0;
    cs_channel_deinit(&w->channel);
    gone_until(w, crew->n_messages);
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
    int ends[2], r;

    cs_loop_now(crew->spec.loop);
    w->started_ms = crew->spec.loop->now.mono_ms;
    w->ready = false;
    r = cs_channel_pair(ends);
    if (r < 0) {
        cs_mainlog_say(crew->spec.log, CS_LOG_ALERT,
                       "socketpair() failed while spawning a worker process (%d: %s)", -r,
                       strerror(-r));
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
    if (pid < 0) {
        cs_mainlog_say(crew->spec.log, CS_LOG_ALERT,
                       "fork() failed while spawning a worker "
                       "process (%d: %s)",
                       errno, strerror(errno));
        close(ends[0]);
        vacant(w, w->started_ms);
        return;
    }
    w->pid = pid;
    w->replied = crew->n_messages; /* it has inherited what they said */
    cs_assert(cs_channel_init(&w->channel, crew->spec.loop, ends[0], on_report, on_closed) == 0);
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
    cs_list_init(&crew->calls);
    crew->workers = cs_alloc(spec->n_workers * sizeof(*crew->workers));
    for (unsigned i = 0; i < spec->n_workers; i++) {
        crew->workers[i].crew = crew;
        crew->workers[i].number = i;
        crew->workers[i].respawn.fire = on_respawn;
    }
    for (unsigned i = 0; i < spec->n_workers; i++)
        spawn(&crew->workers[i]);
    if (spec->snapshot->core.watch)
        crew->renewer = cs_renewer_new(crew, spec->snapshot, spec->loop, spec->log);
    return crew;
}

struct cs_crew *cs_crew_free(struct cs_crew *crew)
{
    if (!crew)
        return NULL;
    for (unsigned i = 0; i < crew->spec.n_workers; i++) {
        cs_timer_cancel(crew->spec.loop, &crew->workers[i].respawn);
        cs_channel_deinit(&crew->workers[i].channel);
        gone_until(&crew->workers[i], crew->n_messages);
    }
    CS_LIST_FOREACH_SAFE (link, &crew->calls)
        end_call(cs_container_of(link, struct cs_call, link));
    cs_renewer_free(crew->renewer);
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
    cs_renewer_hush(crew->renewer);
    for (unsigned i = 0; i < crew->spec.n_workers; i++)
        cs_timer_cancel(crew->spec.loop, &crew->workers[i].respawn);
    cs_crew_signal(crew, graceful ? SIGQUIT : SIGTERM);
    if (!graceful)
        cs_timer_set(crew->spec.loop, &crew->kill, now_ms + KILL_AFTER_MS);
    else if (shutdown_ms > 0)
        cs_timer_set(crew->spec.loop, &crew->kill, now_ms + shutdown_ms + GRACE_MS);
    tell_soon(crew);
}

void cs_crew_replace(struct cs_crew *crew, unsigned worker)
{
    if (crew->workers[worker].pid)
        kill(crew->workers[worker].pid, SIGTERM);
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
        cs_channel_receive(&w->channel); /* its last words may be there, unread yet */
        vacant(w, crew->spec.loop->now.mono_ms);
        return true;
    }
    return false;
}

void cs_crew_note_renewed(struct cs_crew *crew, size_t material)
{
    if (crew->spec.renewed)
        crew->spec.renewed(crew->spec.ctx, crew, material);
}
