/* The supervisor: an event loop that waits for signals, deaths and timers.
 *
 * At any time one crew serves; during a reload a second one starts beside it and takes its
 * place once all of its workers are up; older ones finish what they do. What a new
 * configuration brings is built aside first (snapshot, sockets, log files, account) and
 * thrown away again when a part of it fails.
 */
#include "daemon/supervisor.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/mem.h"
#include "daemon/background.h"
#include "daemon/crew.h"
#include "daemon/expiry.h"
#include "daemon/registrar.h"
#include "daemon/responses.h"
#include "daemon/service.h"
#include "daemon/state.h"
#include "daemon/stewarding.h"
#include "daemon/timecheck.h"
#include "io/process.h"
#include "io/signals.h"
#include "telemetry/counters.h"
#include "tls/tickets.h"

#define TICKET_TURN_MS (10 * 60 * 1000)
#define MAX_OLD_CREWS 64

struct supervisor {
    const struct cs_daemon_spec *spec;
    struct cs_ticket_keys *ticket_keys;
    struct cs_clock_page *clock_page;
    struct cs_counters *counters;   /* of failures: of all workers, across reloads */
    struct cs_counters *admissions; /* of who was let in all the same; the same */
    struct cs_loop loop;
    struct cs_signals signals;
    struct cs_timer ticket_turn;
    struct cs_timecheck timecheck;
    struct cs_stewarding *stewarding;
    struct cs_registrar *registrar;
    bool next_is_up;       /* of next: its workers serve */
    struct cs_task spread; /* of what authorities have revoked */
    unsigned n_revoked;
    struct cs_mainlog log;
    struct cs_listeners listeners;
    struct cs_crew *crew;               /* the one that serves; NULL: none */
    struct cs_crew *next;               /* the one that starts; NULL: none */
    struct cs_snapshot *next_snapshot;  /* which it holds */
    struct cs_crew *old[MAX_OLD_CREWS]; /* those that finish */
    struct cs_user user, next_user;     /* whom workers become, if we are root */
    bool is_root;
    struct cs_control control;
    struct cs_expiry expiry;
    int64_t started_sec, loaded_sec;
    struct cs_responses *responses;     /* of OCSP responders; NULL: before the loop runs */
    struct cs_revocations *revocations; /* NULL: there is no folder that we may keep any in */
    char *state_folder;
    char *pid_path, *next_pid_path;
    bool next_pid_configured; /* or built in */
    int background_fd;        /* -1: in the foreground, or told already */
    bool in_background;
    bool was_up;       /* served once: a failure is not the end any more */
    bool reload_again; /* HUP came during a reload */
    bool stopping;
    int exit_status;
};

static void complain(const struct supervisor *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Something that ends the start, or keeps a reload from happening. */
static void complain(const struct supervisor *s, const char *fmt, ...)
{
    char text[CS_LOG_LINE_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (!s->was_up && s->spec->complain)
        s->spec->complain(s->spec->ctx, text);
    if (s->was_up || !s->spec->complain || !cs_mainlog_is_stderr(&s->log))
        cs_mainlog_say(&s->log, CS_LOG_EMERG, "%s", text);
}

/* What the configuration says about processes */

static unsigned cpu_count(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return n > 0 ? (unsigned)n : 1;
}

static unsigned worker_count(const struct cs_core_settings *core)
{
    if (!core->master_process)
        return 1;
    return core->worker_processes > 0 ? (unsigned)core->worker_processes : cpu_count();
}

static bool wants_background(const struct cs_daemon_spec *spec, const struct cs_snapshot *snapshot)
{
    bool said = cs_block_find(snapshot->config->main, "daemon") != NULL;
    return said ? snapshot->core.daemon : spec->background;
}

struct cs_str cs_daemon_pid_path(const struct cs_daemon_spec *spec,
                                 const struct cs_core_settings *core, struct cs_arena *arena)
{
    return cs_config_path(core->pid.len ? core->pid : spec->pid_path, spec->snapshot.prefix, arena);
}

struct cs_str cs_daemon_control_path(const struct cs_daemon_spec *spec,
                                     const struct cs_core_settings *core, struct cs_arena *arena)
{
    struct cs_str pid = cs_daemon_pid_path(spec, core, arena);

    if (cs_str_eq(core->control, CS_STR("off")))
        return (struct cs_str){0};
    if (core->control.len)
        return cs_arena_dup(arena, cs_config_path(core->control, spec->snapshot.prefix, arena));
    if (cs_str_ends(pid, CS_STR(".pid")))
        pid.len -= strlen(".pid");
    return pid.len ? cs_arena_cat(arena, pid, CS_STR(".control")) : pid;
}

static char *pid_path_of(const struct supervisor *s, const struct cs_snapshot *snapshot)
{
    struct cs_arena arena = {0};
    struct cs_str path = cs_daemon_pid_path(s->spec, &snapshot->core, &arena);
    char *copy = path.len ? strndup(path.ptr, path.len) : NULL;

    cs_arena_deinit(&arena);
    return copy;
}

/* The one that was named, or the first that exists of those made for this. */
static int find_user(const struct cs_core_settings *core, struct cs_user *ret_user)
{
    static const char *const usual[] = {"countersign", "nginx", "www-data", "nobody"};
    int r = -ENOENT;

    if (core->user.len)
        return cs_user_find(core->user, core->group, ret_user);
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]) && r < 0; i++)
        r = cs_user_find(cs_str_from(usual[i]), (struct cs_str){0}, ret_user);
    return r;
}

static int choose_user(struct supervisor *s, const struct cs_snapshot *snapshot)
{
    const struct cs_core_settings *core = &snapshot->core;
    int r;

    if (!s->is_root) {
        if (core->user.len)
            cs_mainlog_say(&s->log, CS_LOG_WARN,
                           "the \"user\" directive makes sense only if the supervisor runs with "
                           "super-user privileges, ignored");
        return 0;
    }
    r = find_user(core, &s->next_user);
    if (r == -ESRCH)
        complain(s, "getgrnam(\"%.*s\") failed: there is no such group", CS_FMT(core->group));
    else if (r == -ENOENT && core->user.len)
        complain(s, "getpwnam(\"%.*s\") failed: there is no such account", CS_FMT(core->user));
    else if (r < 0)
        complain(s, "no account for the workers to run as (%d: %s)", -r, strerror(-r));
    return r;
}

/* Loading */

static int load(struct supervisor *s, struct cs_snapshot **ret_snapshot)
{
    struct cs_snapshot_options options = s->spec->snapshot;
    struct cs_arena arena = {0};
    struct cs_findings findings;
    int r;

    options.now_sec = time(NULL);
    options.ticket_keys = s->ticket_keys;
    options.clock_page = s->clock_page;
    cs_findings_init(&findings, &arena);
    r = cs_snapshot_load(&options, &findings, ret_snapshot);
    if (s->was_up)
        cs_mainlog_findings(&s->log, &findings);
    else if (s->spec->report)
        s->spec->report(s->spec->ctx, &findings);
    cs_arena_deinit(&arena);
    return r;
}

/* What was revoked in the life before. A folder that nobody has named and that is not for our
 * account is another service's. */
static int load_revocations(struct supervisor *s, const struct cs_core_settings *core)
{
    struct cs_buf why;
    int r;

    cs_buf_init(&why, CS_LOG_LINE_MAX);
    r = cs_revocations_new(s->state_folder, time(NULL), &why, &s->revocations);
    if (r == -EACCES && !s->is_root && !core->state.len)
        r = 0;
    else if (r < 0)
        complain(s, "what has been revoked cannot be read: %s", cs_buf_cstr(&why));
    cs_buf_deinit(&why);
    return r;
}

/* The folder of the first configuration stays: what is in it is not left behind unseen. */
static int prepare_state(struct supervisor *s, const struct cs_snapshot *snapshot)
{
    struct cs_arena arena = {0};
    struct cs_str folder = cs_core_state(&snapshot->core, s->spec->snapshot.prefix, &arena);
    int r = 0;

    if (!s->state_folder) {
        s->state_folder = strdup(folder.ptr);
        r = load_revocations(s, &snapshot->core);
    } else if (strcmp(s->state_folder, folder.ptr) != 0) {
        cs_mainlog_say(&s->log, CS_LOG_WARN,
                       "\"mtls_state\" takes effect at the next start: \"%s\" stays in use",
                       s->state_folder);
    }
    cs_arena_deinit(&arena);
    return r;
}

static int prepare_listeners(struct supervisor *s, const struct cs_snapshot *snapshot)
{
    const struct cs_listener *failed;
    int r = cs_listeners_prepare(&s->listeners, snapshot->listeners, snapshot->n_listeners,
                                 worker_count(&snapshot->core), &failed);

    if (r < 0)
        complain(s, "bind() to %.*s failed (%d: %s)", CS_FMT(failed->text), -r, strerror(-r));
    return r;
}

/* Those of the authority. */
static int prepare_registrar(struct supervisor *s, const struct cs_snapshot *snapshot)
{
    const struct cs_listener *failed;
    int r = cs_registrar_prepare(s->registrar, snapshot, &failed);

    if (r == 0)
        return 0;
    complain(s, "bind() to %.*s failed (%d: %s)", CS_FMT(failed->text), -r, strerror(-r));
    cs_listeners_revert(&s->listeners);
    return r;
}

static void say_addresses(const struct supervisor *s, const struct cs_snapshot *snapshot)
{
    char text[CS_ADDR_TEXT];

    for (size_t i = 0; i < snapshot->n_listeners; i++) {
        struct cs_addr addr = cs_listeners_address(&s->listeners, &snapshot->listeners[i]);
        cs_mainlog_say(&s->log, CS_LOG_NOTICE, "listening on %.*s",
                       CS_FMT(cs_addr_text(&addr, text)));
    }
}

/* Crews */

static void in_child(void *ctx)
{
    struct supervisor *s = ctx;

    close(s->signals.watch.fd); /* they stay blocked until the worker takes them */
    if (s->background_fd >= 0)
        close(s->background_fd);
    cs_timecheck_isolate(&s->timecheck);
    cs_stewarding_isolate(s->stewarding);
    cs_registrar_isolate(s->registrar);
    cs_control_isolate(&s->control);
    cs_expiry_isolate(&s->expiry);
    cs_crew_isolate(s->crew);
    for (size_t i = 0; i < MAX_OLD_CREWS; i++)
        cs_crew_isolate(s->old[i]);
    cs_loop_deinit(&s->loop);
}

static const struct cs_revoked_set *revoked(void *ctx)
{
    const struct supervisor *s = ctx;

    return s->revocations ? cs_revocations_set0(s->revocations) : NULL;
}

static struct cs_standings *standings(void *ctx)
{
    const struct supervisor *s = ctx;

    return s->responses ? cs_responses_table0(s->responses) : NULL;
}

static void on_question(void *ctx, struct cs_str question)
{
    struct supervisor *s = ctx;

    cs_responses_question(s->responses, question);
}

static void on_crew(void *ctx, struct cs_crew *crew, enum cs_crew_event event);

static void on_renewed(void *ctx, struct cs_crew *crew, size_t material)
{
    struct supervisor *s = ctx;

    if (crew == s->crew)
        cs_stewarding_renewed(s->stewarding, material);
}

static void start_crew(struct supervisor *s, struct cs_snapshot *snapshot)
{
    struct cs_crew_spec spec = {
        .snapshot = snapshot,
        .n_workers = worker_count(&snapshot->core),
        .loop = &s->loop,
        .listeners = &s->listeners,
        .user = s->is_root ? &s->next_user : NULL,
        .log = &s->log,
        .counters = s->counters,
        .admissions = s->admissions,
        .revoked = revoked,
        .standings = standings,
        .questioned = on_question,
        .in_child = in_child,
        .on_event = on_crew,
        .renewed = on_renewed,
        .ctx = s,
    };

    cs_ticket_keys_turn(s->ticket_keys, time(NULL));
    s->next_snapshot = snapshot;
    s->next_is_up = false;
    s->next = cs_crew_new(&spec);
    cs_registrar_begin(s->registrar, snapshot, s->is_root ? &s->next_user : NULL);
}

static struct cs_crew **old_slot(struct supervisor *s, const struct cs_crew *crew)
{
    for (size_t i = 0; i < MAX_OLD_CREWS; i++) {
        if (s->old[i] == crew)
            return &s->old[i];
    }
    return NULL;
}

static void retire(struct supervisor *s, struct cs_crew *crew, bool graceful)
{
    struct cs_crew **slot = old_slot(s, NULL);

    *slot = crew; /* start_reload() has made sure of a place */
    cs_crew_finish(crew, graceful);
}

static void stop_if_empty(struct supervisor *s)
{
    bool empty = !s->crew && !s->next;

    for (size_t i = 0; i < MAX_OLD_CREWS; i++)
        empty = empty && !s->old[i];
    empty = empty && !cs_stewarding_is_there(s->stewarding) && !cs_registrar_is_there(s->registrar);
    if (empty && s->stopping)
        cs_loop_stop(&s->loop);
}

static void on_steward_ended(void *ctx)
{
    stop_if_empty(ctx);
}

/* One that nobody asked for is nice to have. */
static int write_pid_file(struct supervisor *s)
{
    int r = cs_pidfile_write(s->pid_path, getpid());

    if (r < 0 && s->next_pid_configured)
        complain(s, "open() \"%s\" failed (%d: %s)", s->pid_path, -r, strerror(-r));
    else if (r < 0)
        cs_mainlog_say(&s->log, CS_LOG_WARN, "no pid file: open() \"%s\" failed (%d: %s)",
                       s->pid_path, -r, strerror(-r));
    return s->next_pid_configured ? r : 0;
}

/* A new crew's pid file replaces the one of the crew before. */
static int take_pid_path(struct supervisor *s)
{
    bool same = s->pid_path && s->next_pid_path && strcmp(s->pid_path, s->next_pid_path) == 0;

    if (s->pid_path && !same)
        cs_pidfile_remove(s->pid_path, getpid());
    free(s->pid_path);
    s->pid_path = cs_take(s->next_pid_path);
    return s->pid_path && !same ? write_pid_file(s) : 0;
}

/* The control socket, which is asked for like the pid file. */
static int open_control(struct supervisor *s, const struct cs_core_settings *core)
{
    struct cs_arena arena = {0};
    struct cs_str path = cs_daemon_control_path(s->spec, core, &arena);
    int r = 0;

    if (!path.len)
        cs_control_close(&s->control);
    else
        r = cs_control_open(&s->control, path.ptr);
    if (r < 0 && core->control.len)
        complain(s, "listening at \"%s\" failed (%d: %s)", path.ptr, -r, strerror(-r));
    else if (r < 0)
        cs_mainlog_say(&s->log, CS_LOG_WARN,
                       "no control socket: listening at \"%s\" failed (%d: %s)", path.ptr, -r,
                       strerror(-r));
    cs_arena_deinit(&arena);
    return core->control.len ? r : 0;
}

/* The service as it is now; @crews has room for all. */
static struct cs_service service_of(const struct supervisor *s,
                                    struct cs_crew *crews[MAX_OLD_CREWS + 2])
{
    crews[0] = s->crew;
    crews[1] = s->next;
    memcpy(crews + 2, s->old, sizeof(s->old));
    return (struct cs_service){
        .crews = crews,
        .n_crews = MAX_OLD_CREWS + 2,
        .snapshot = s->expiry.snapshot,
        .revocations = s->revocations,
        .stewarding = s->stewarding,
        .standings = s->responses ? cs_responses_table0(s->responses) : NULL,
        .counters = s->counters,
        .admissions = s->admissions,
        .log = &s->log,
        .config_path = s->spec->snapshot.config_path,
        .started_sec = s->started_sec,
        .loaded_sec = s->loaded_sec,
        .now_sec = time(NULL),
        .now_ms = s->loop.now.mono_ms,
    };
}

/* What is asked for at the control socket. */
static void on_asked(void *ctx, struct json_t *request, struct cs_asked *asked)
{
    struct cs_crew *crews[MAX_OLD_CREWS + 2];
    struct cs_service service = service_of(ctx, crews);

    cs_service_ask(&service, request, asked);
}

/* What an authority has revoked; those that come in one turn go to the workers together. */
static void on_revoked(void *ctx, const struct cs_revocation *revocation)
{
    struct supervisor *s = ctx;
    struct cs_buf why;
    int r = -EACCES;

    cs_buf_init(&why, CS_LOG_LINE_MAX);
    if (s->revocations)
        r = cs_revocations_add(s->revocations, revocation, &why);
    if (r == 0) {
        s->n_revoked++;
        cs_loop_defer(&s->loop, &s->spread);
    } else if (r != -EALREADY) {
        cs_mainlog_say(&s->log, CS_LOG_CRIT, "a revocation that an authority told is not kept: %s",
                       why.len ? cs_buf_cstr(&why) : "there is no state folder");
    }
    cs_buf_deinit(&why);
}

/* What the steward tells of an errand, its workers know too, who refuse handshakes for it. */
static void on_fared(void *ctx, struct cs_str news)
{
    struct supervisor *s = ctx;

    if (s->crew)
        cs_crew_tell(s->crew, CS_TELL_ERRAND, news, -1, NULL);
}

static void on_spread(struct cs_task *task)
{
    struct supervisor *s = cs_container_of(task, struct supervisor, spread);
    struct cs_crew *crews[MAX_OLD_CREWS + 2];
    struct cs_service service = service_of(s, crews);

    cs_service_spread(&service, s->n_revoked);
    s->n_revoked = 0;
}

/* What OCSP responders are asked, and what comes of it. */

static int ask_responder(void *ctx, const struct cs_standing_question *question)
{
    struct supervisor *s = ctx;

    return cs_stewarding_ask(s->stewarding, question);
}

static void on_answered(void *ctx, const struct cs_standing *news)
{
    struct supervisor *s = ctx;

    cs_responses_answered(s->responses, news);
}

static void on_steward_lost(void *ctx)
{
    struct supervisor *s = ctx;

    cs_responses_lost(s->responses);
}

static void tell_standing(void *ctx, const struct cs_standing *news)
{
    struct supervisor *s = ctx;
    struct cs_str bytes = cs_str_make(news, sizeof(*news));
    struct cs_crew *crews[MAX_OLD_CREWS + 2];

    service_of(s, crews);
    for (size_t i = 0; i < MAX_OLD_CREWS + 2; i++) {
        if (crews[i])
            cs_crew_tell(crews[i], CS_TELL_STANDING, bytes, -1, NULL);
    }
}

static struct cs_responses *make_responses(struct supervisor *s)
{
    const struct cs_responses_spec spec = {.loop = &s->loop,
                                           .log = &s->log,
                                           .folder = s->revocations ? s->state_folder : NULL,
                                           .ask = ask_responder,
                                           .tell = tell_standing,
                                           .ctx = s};

    return cs_responses_new(&spec);
}

static void tell_parent(struct supervisor *s, int status)
{
    if (s->background_fd < 0)
        return;
    cs_background_tell(s->background_fd, status);
    s->background_fd = -1;
}

/* Starting, reloading, stopping */

static void fail_start(struct supervisor *s)
{
    s->exit_status = 1;
    s->stopping = true;
    tell_parent(s, 1);
}

static int open_logs(struct supervisor *s, const struct cs_snapshot *snapshot)
{
    struct cs_str failed;
    int r = cs_mainlog_open(&s->log, snapshot, &failed);

    if (r < 0)
        complain(s, "open() \"%.*s\" failed (%d: %s)", CS_FMT(failed), -r, strerror(-r));
    return r;
}

/* Everything but the fork: what a crew with this snapshot needs. Return: 0, or -errno after
 * complaining, with everything as it was. */
static int prepare(struct supervisor *s, const struct cs_snapshot *snapshot)
{
    struct cs_mainlog_state before = s->log.state;
    int r = open_logs(s, snapshot);

    r = r < 0 ? r : choose_user(s, snapshot);
    r = r < 0 ? r : prepare_state(s, snapshot);
    r = r < 0 ? r : prepare_listeners(s, snapshot);
    r = r < 0 ? r : prepare_registrar(s, snapshot);
    if (r < 0) {
        s->log.state = before;
        return r;
    }
    free(s->next_pid_path);
    s->next_pid_path = pid_path_of(s, snapshot);
    s->next_pid_configured = snapshot->core.pid.len > 0;
    return 0;
}

static void notify_reloading(void)
{
    char text[96];
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    cs_notify(text);
}

static void notify_ready(void)
{
    char text[64];

    snprintf(text, sizeof(text), "READY=1\nMAINPID=%d", (int)getpid());
    cs_notify(text);
}

static unsigned free_slots(const struct supervisor *s)
{
    unsigned n = 0;

    for (size_t i = 0; i < MAX_OLD_CREWS; i++)
        n += s->old[i] == NULL;
    return n;
}

static void reload(struct supervisor *s)
{
    struct cs_snapshot *snapshot;

    if (s->stopping)
        return;
    if (s->next || free_slots(s) < 3) {
        s->reload_again = true;
        return;
    }
    cs_mainlog_say(&s->log, CS_LOG_NOTICE, "reconfiguring");
    notify_reloading();
    if (load(s, &snapshot) < 0) {
        cs_mainlog_say(&s->log, CS_LOG_EMERG,
                       "the new configuration has errors: the one before stays in use");
        notify_ready();
        return;
    }
    if (prepare(s, snapshot) == 0) {
        start_crew(s, snapshot);
    } else {
        cs_mainlog_say(&s->log, CS_LOG_EMERG,
                       "the new configuration cannot be used: the one before stays in use");
        notify_ready();
    }
    cs_snapshot_unref(snapshot);
}

static void reload_if_asked(struct supervisor *s)
{
    if (!s->reload_again || s->next || free_slots(s) < 3)
        return;
    s->reload_again = false;
    reload(s);
}

static void stop(struct supervisor *s, bool graceful)
{
    cs_mainlog_say(&s->log, CS_LOG_NOTICE, graceful ? "gracefully shutting down" : "exiting");
    if (!s->stopping)
        cs_notify("STOPPING=1");
    s->stopping = true;
    for (size_t i = 0; i < MAX_OLD_CREWS && !graceful; i++) {
        if (s->old[i])
            cs_crew_finish(s->old[i], false);
    }
    if (s->crew)
        retire(s, cs_take(s->crew), graceful);
    if (s->next)
        retire(s, cs_take(s->next), false);
    cs_stewarding_finish(s->stewarding, graceful);
    cs_registrar_finish(s->registrar, graceful);
    cs_listeners_deinit(&s->listeners, true); /* who comes now is refused and does not wait */
    stop_if_empty(s);
}

static void on_up(struct supervisor *s, struct cs_crew *crew)
{
    bool first = !s->was_up;

    s->next = NULL;
    if (s->crew)
        retire(s, s->crew, true);
    s->crew = crew;
    s->user = s->next_user;
    cs_listeners_commit(&s->listeners);
    cs_registrar_commit(s->registrar);
    if ((open_control(s, &s->next_snapshot->core) < 0 || take_pid_path(s) < 0) && first) {
        fail_start(s);
        stop(s, false);
        return;
    }
    s->was_up = true;
    cs_timecheck_begin(&s->timecheck, &s->loop, &s->log, s->clock_page, s->next_snapshot);
    cs_stewarding_begin(s->stewarding, s->next_snapshot, s->is_root ? &s->user : NULL);
    s->loaded_sec = time(NULL);
    if (cs_expiry_begin(&s->expiry, &s->loop, &s->log, s->next_snapshot) < 0)
        cs_mainlog_say(&s->log, CS_LOG_ALERT, "nobody will be warned before certificates expire");
    notify_ready();
    tell_parent(s, 0);
    if (first && s->spec->serving)
        s->spec->serving(s->spec->ctx);
    reload_if_asked(s);
}

static void on_failed(struct supervisor *s, struct cs_crew *crew, const char *who)
{
    s->next = NULL;
    complain(s, "the %s did not start%s", who,
             s->was_up ? ": the configuration before stays in use" : ", see the error log");
    cs_registrar_revert(s->registrar);
    retire(s, crew, false);
    if (!s->was_up) {
        fail_start(s);
        return;
    }
    cs_listeners_revert(&s->listeners);
    notify_ready();
    reload_if_asked(s);
}

/* Once workers and authority serve. */
static void take_up_next(struct supervisor *s)
{
    if (s->next && s->next_is_up && cs_registrar_is_ready(s->registrar))
        on_up(s, s->next);
}

static void on_registrar(void *ctx, enum cs_registrar_event event)
{
    struct supervisor *s = ctx;

    switch (event) {
    case CS_REGISTRAR_UP: take_up_next(s); break;
    case CS_REGISTRAR_FAILED:
        if (s->next)
            on_failed(s, s->next, "authority");
        break;
    case CS_REGISTRAR_ENDED: stop_if_empty(s); break;
    }
}

static void on_crew(void *ctx, struct cs_crew *crew, enum cs_crew_event event)
{
    struct supervisor *s = ctx;

    switch (event) {
    case CS_CREW_UP:
        s->next_is_up = true;
        take_up_next(s);
        break;
    case CS_CREW_FAILED: on_failed(s, crew, "workers"); break;
    case CS_CREW_ENDED:
        *old_slot(s, crew) = NULL;
        cs_crew_free(crew);
        stop_if_empty(s);
        reload_if_asked(s);
        break;
    }
}

/* Signals */

static void each_crew(struct supervisor *s, int signo)
{
    if (s->crew)
        cs_crew_signal(s->crew, signo);
    if (s->next)
        cs_crew_signal(s->next, signo);
    for (size_t i = 0; i < MAX_OLD_CREWS; i++) {
        if (s->old[i])
            cs_crew_signal(s->old[i], signo);
    }
}

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;

    while (cs_process_reap(&pid, &status) == 1) {
        if (cs_stewarding_reaped(s->stewarding, pid, status) ||
            cs_registrar_reaped(s->registrar, pid, status))
            continue;
        if (s->crew && cs_crew_reaped(s->crew, pid, status))
            continue;
        if (s->next && cs_crew_reaped(s->next, pid, status))
            continue;
        for (size_t i = 0; i < MAX_OLD_CREWS; i++) {
            if (s->old[i] && cs_crew_reaped(s->old[i], pid, status))
                break;
        }
    }
}

static void reopen(struct supervisor *s)
{
    cs_mainlog_say(&s->log, CS_LOG_NOTICE, "reopening logs");
    cs_mainlog_reopen(&s->log, s->is_root ? s->user.uid : (uid_t)-1);
    each_crew(s, SIGUSR1);
    cs_registrar_signal(s->registrar, SIGUSR1);
}

static void let_workers_go(struct supervisor *s)
{
    if (!s->in_background || !s->crew)
        return; /* in the foreground it only says that a window has changed */
    retire(s, cs_take(s->crew), true);
}

static void on_signal(struct cs_signals *signals, int signo, pid_t sender)
{
    struct supervisor *s = cs_container_of(signals, struct supervisor, signals);

    switch (signo) {
    case SIGCHLD: reap(s); break;
    case SIGHUP: reload(s); break;
    case SIGQUIT: stop(s, true); break;
    case SIGTERM:
    case SIGINT: stop(s, false); break;
    case SIGUSR1: reopen(s); break;
    case SIGWINCH: let_workers_go(s); break;
    case SIGUSR2:
        cs_mainlog_say(&s->log, CS_LOG_ERROR, "changing the binary on the fly is not supported");
        break;
    default: break;
    }
}

static int watch_signals(struct supervisor *s)
{
    static const int signals[] = {SIGHUP,  SIGQUIT, SIGTERM,  SIGINT,
                                  SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD};

    cs_signals_ignore_pipe();
    return cs_signals_init(&s->signals, &s->loop, signals, sizeof(signals) / sizeof(signals[0]),
                           on_signal);
}

static void on_ticket_turn(struct cs_timer *timer)
{
    struct supervisor *s = cs_container_of(timer, struct supervisor, ticket_turn);

    cs_ticket_keys_turn(s->ticket_keys, time(NULL));
    cs_timer_set(&s->loop, timer, s->loop.now.mono_ms + TICKET_TURN_MS);
}

/* Running */

/* The whole service in this process: "master_process off". */
static int run_alone(struct supervisor *s, struct cs_snapshot *snapshot)
{
    struct cs_crew_spec spec = {
        .snapshot = snapshot,
        .n_workers = 1,
        .listeners = &s->listeners,
        .user = s->is_root ? &s->next_user : NULL,
        .log = &s->log,
        .counters = s->counters,
        .admissions = s->admissions,
        .revoked = revoked,
        .ctx = s,
    };
    int status;

    cs_signals_ignore_pipe();
    signal(SIGHUP, SIG_IGN); /* there is nobody to reload */
    cs_listeners_commit(&s->listeners);
    if (take_pid_path(s) < 0) {
        fail_start(s);
        return 1;
    }
    tell_parent(s, 0);
    notify_ready();
    status = cs_crew_worker(&spec, 0, -1, 0);
    cs_listeners_deinit(&s->listeners, true);
    return status;
}

static struct cs_stewarding *make_stewarding(struct supervisor *s)
{
    const struct cs_stewarding_spec spec = {.loop = &s->loop,
                                            .log = &s->log,
                                            .listeners = &s->listeners,
                                            .state_folder = s->state_folder,
                                            .in_child = in_child,
                                            .revoked = on_revoked,
                                            .fared = on_fared,
                                            .answered = on_answered,
                                            .lost = on_steward_lost,
                                            .ended = on_steward_ended,
                                            .ctx = s};

    s->spread.run = on_spread;
    return cs_stewarding_new(&spec);
}

static struct cs_registrar *make_registrar(struct supervisor *s)
{
    const struct cs_registrar_spec spec = {.loop = &s->loop,
                                           .log = &s->log,
                                           .others = &s->listeners,
                                           .in_child = in_child,
                                           .on_event = on_registrar,
                                           .ctx = s};

    return cs_registrar_new(&spec);
}

static int run_supervised(struct supervisor *s, struct cs_snapshot *snapshot)
{
    int r = cs_loop_init(&s->loop);

    if (r == 0)
        r = watch_signals(s);
    if (r < 0) {
        complain(s, "the event loop cannot be set up (%d: %s)", -r, strerror(-r));
        fail_start(s);
        return 1;
    }
    cs_control_init(&s->control, &s->loop, &s->log, on_asked, s);
    s->stewarding = make_stewarding(s);
    s->responses = make_responses(s);
    s->ticket_turn.fire = on_ticket_turn;
    cs_timer_set(&s->loop, &s->ticket_turn, s->loop.now.mono_ms + TICKET_TURN_MS);
    start_crew(s, snapshot);
    r = cs_loop_run(&s->loop);
    if (r < 0)
        cs_mainlog_say(&s->log, CS_LOG_EMERG, "the event loop failed (%d: %s)", -r, strerror(-r));
    cs_timer_cancel(&s->loop, &s->ticket_turn);
    cs_timecheck_end(&s->timecheck);
    s->stewarding = cs_stewarding_free(s->stewarding);
    s->responses = cs_responses_free(s->responses);
    cs_control_close(&s->control);
    cs_expiry_end(&s->expiry);
    cs_signals_deinit(&s->signals);
    cs_loop_deinit(&s->loop);
    return r < 0 ? 1 : s->exit_status;
}

static int run(struct supervisor *s, struct cs_snapshot *snapshot)
{
    int r;

    if (prepare(s, snapshot) < 0)
        return 1;
    if (wants_background(s->spec, snapshot)) {
        r = cs_background_enter(&s->background_fd);
        if (r < 0)
            complain(s, "fork() failed (%d: %s)", -r, strerror(-r));
        if (r != 0) {
            cs_listeners_deinit(&s->listeners, r < 0); /* the child has them */
            if (r > 0)
                cs_registrar_isolate(s->registrar);
            return r < 0 ? 1 : r - 1;
        }
        s->in_background = true;
        cs_background_detach(cs_mainlog_is_stderr(&s->log));
        if (!cs_mainlog_is_stderr(&s->log))
            cs_sinks_detach(&s->log.sinks);
    }
    cs_mainlog_say(&s->log, CS_LOG_NOTICE, "countersign/" CS_VERSION);
    say_addresses(s, snapshot);
    return snapshot->core.master_process ? run_supervised(s, snapshot) : run_alone(s, snapshot);
}

static struct cs_ticket_keys *make_ticket_keys(void)
{
    uint8_t secret[CS_TICKET_SECRET];
    struct cs_ticket_keys *keys;

    cs_assert(getrandom(secret, sizeof(secret), 0) == sizeof(secret));
    keys = cs_ticket_keys_new_ratchet(secret, time(NULL));
    cs_wipe(secret, sizeof(secret));
    return keys;
}

int cs_daemon_run(const struct cs_daemon_spec *spec)
{
    struct supervisor s = {
        .spec = spec,
        .background_fd = -1,
        .is_root = geteuid() == 0,
        .started_sec = time(NULL),
    };
    struct cs_snapshot *snapshot;
    int status = 1;

    cs_mainlog_init(&s.log, CS_LOG_NOTICE, spec->log_folder);
    cs_listeners_init(&s.listeners);
    s.ticket_keys = make_ticket_keys();
    s.clock_page = cs_clock_page_new();
    s.counters = cs_process_shared(cs_counters_size());
    s.admissions = cs_process_shared(cs_counters_size());
    s.registrar = make_registrar(&s);
    if (load(&s, &snapshot) == 0) {
        status = run(&s, snapshot);
        cs_snapshot_unref(snapshot);
    }
    if (s.pid_path)
        cs_pidfile_remove(s.pid_path, getpid());
    cs_listeners_deinit(&s.listeners, true);
    cs_registrar_free(s.registrar);
    cs_ticket_keys_unref(s.ticket_keys);
    cs_clock_page_free(s.clock_page);
    cs_mainlog_deinit(&s.log);
    cs_revocations_free(s.revocations);
    free(s.state_folder);
    free(s.pid_path);
    free(s.next_pid_path);
    return status;
}
