/* Material is due when one of its files has changed, or when the lists it uses have. What is due is
 * taken piece by piece, so that one bad file keeps no other from being renewed; lists go together
 * with the trust sets that use them. */
#include "daemon/renew.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/mem.h"
#include "daemon/watch.h"
#include "explain/finding.h"
#include "io/channel.h"
#include "io/file.h"
#include "snapshot/renewal.h"

enum {
    FIRST_LOOK_MS = 100, /* at what may have changed since it was loaded */
    FRESH_NS = 1000000000,
};

/* What is known of one material. */
struct state {
    bool due;
    bool lists_only;      /* its own files are as they were */
    bool told;            /* that it is bad */
    int64_t bad_since_ms; /* 0: it is not */
};

struct cs_renewer {
    struct cs_crew *crew;
    struct cs_snapshot *snapshot;
    struct cs_loop *loop;
    const struct cs_mainlog *log;
    bool hushed;
    bool isolated; /* in a child that is not its process */
    struct cs_arena arena;
    struct cs_str *paths; /* of cs_keyring::files, as they are watched */
    struct cs_file_watch *watch;
    struct cs_timer retry;
    struct state *states; /* of all materials */
    struct cs_list pushes;
};

/* Something on its way to the workers. */
struct push {
    struct cs_list link;
    struct cs_call call;
    struct cs_renewer *renewer;
    struct cs_secret secret;
    struct cs_buf what; /* in words */
};

/* ---- words ---- */

static enum cs_log_level loud(const struct cs_renewer *r, enum cs_log_level level)
{
    return r->hushed ? CS_LOG_DEBUG : level;
}

static void say(const struct cs_renewer *r, enum cs_log_level level, const char *before,
                const struct cs_buf *text)
{
    cs_mainlog_say(r->log, loud(r, level), "%s%.*s", before, CS_FMT(cs_buf_str(text)));
}

/* One line for each finding, at @level and graver ones only. */
static void say_findings(const struct cs_renewer *r, size_t material,
                         const struct cs_findings *findings, enum cs_severity least,
                         const char *outcome)
{
    struct cs_buf line;

    cs_buf_init(&line, CS_LOG_LINE_MAX);
    for (const struct cs_finding *f = findings->first; f; f = f->next) {
        if (f->kind->severity < least)
            continue;
        cs_buf_reset(&line);
        cs_keyring_describe(r->snapshot->keyring, material, &line);
        cs_buf_addf(&line, "%s: ", outcome);
        cs_explain_line(f, &line);
        say(r, f->kind->severity == CS_SEVERITY_ERROR ? CS_LOG_ERROR : CS_LOG_WARN, "", &line);
    }
    cs_buf_deinit(&line);
}

/* ---- pushing ---- */

static void on_replied(struct cs_call *call, unsigned worker, int result, struct cs_str words)
{
    struct push *push = cs_container_of(call, struct push, call);

    if (result == 0)
        return;
    cs_mainlog_say(push->renewer->log, CS_LOG_ERROR,
                   "worker %u cannot take the renewed %.*s and is replaced (%d: %s)%s%.*s", worker,
                   CS_FMT(cs_buf_str(&push->what)), -result, strerror(-result),
                   words.len ? ": " : "", CS_FMT(words));
    cs_crew_replace(push->renewer->crew, worker);
}

static void on_late(struct cs_call *call)
{
    const struct push *push = cs_container_of(call, struct push, call);

    cs_mainlog_say(push->renewer->log, CS_LOG_WARN,
                   "%u of %u workers have not yet taken the renewed %.*s", cs_call_waiting(call),
                   call->n_told, CS_FMT(cs_buf_str(&push->what)));
}

static void on_ended(struct cs_call *call)
{
    struct push *push = cs_container_of(call, struct push, call);

    cs_mainlog_say(push->renewer->log, loud(push->renewer, CS_LOG_NOTICE),
                   "renewed %.*s: %u of %u workers", CS_FMT(cs_buf_str(&push->what)), call->n_done,
                   call->n_told - call->n_gone);
    cs_list_remove(&push->link);
    cs_secret_wipe(&push->secret);
    cs_buf_deinit(&push->what);
    free(push);
}

/* What the renewal has in it, for all workers. Return: 0, or -errno. */
static int push_out(struct cs_renewer *r, const struct cs_renewal *renewal, size_t material)
{
    struct push *push = CS_NEW(struct push);
    struct cs_buf bytes;
    int result;

    cs_buf_init(&bytes, SIZE_MAX);
    cs_renewal_pack(renewal, &bytes);
    result = cs_secret_make("countersign renewal", cs_buf_str(&bytes), &push->secret);
    cs_buf_wipe(&bytes);
    if (result < 0) {
        free(push);
        return result;
    }
    push->renewer = r;
    push->call = (struct cs_call){.replied = on_replied, .late = on_late, .ended = on_ended};
    cs_buf_init(&push->what, CS_LOG_LINE_MAX);
    cs_keyring_describe(r->snapshot->keyring, material, &push->what);
    cs_list_push_back(&r->pushes, &push->link);
    cs_crew_tell(r->crew, CS_TELL_RENEW, (struct cs_str){0}, push->secret.fd, &push->call);
    return 0;
}

/* The lists of @material into memory that all workers map, and this process too: there is one copy.
 * Return: a descriptor, or -errno. */
static int share_lists(struct cs_renewal *renewal, size_t material)
{
    struct cs_str block;
    int fd = cs_sealed_memory("countersign lists", cs_renewal_lists0(renewal, material));
    int r = fd < 0 ? fd : cs_sealed_map(fd, &block);

    if (r >= 0 && (r = cs_renewal_take_lists(renewal, material, block)) < 0)
        munmap((void *)block.ptr, block.len);
    if (r < 0 && fd >= 0)
        close(fd);
    return r < 0 ? r : fd;
}

/* ---- taking ---- */

static void clear(struct cs_renewer *r, size_t material)
{
    r->states[material] = (struct state){0};
    for (size_t i = 0; i < r->snapshot->keyring->n_files; i++) {
        struct cs_credential_file *file = r->snapshot->keyring->files[i];
        if (cs_keyring_is_made_of(r->snapshot->keyring, material, i))
            file->mark = cs_file_mark(file->path.ptr); /* what is in force is what is there */
    }
}

static int64_t patience_ms(const struct cs_renewer *r, size_t material)
{
    return cs_keyring_is_pair(r->snapshot->keyring, material) ? CS_RENEW_PAIR_PATIENCE_MS
                                                              : CS_RENEW_PATIENCE_MS;
}

/* It stays due, until a file is another one or what it is judged with is. */
static void refuse(struct cs_renewer *r, size_t material, bool lists_only,
                   const struct cs_findings *findings)
{
    struct state *state = &r->states[material];
    int64_t now_ms = r->loop->now.mono_ms;

    state->due = true;
    state->lists_only = lists_only;
    if (!state->bad_since_ms)
        state->bad_since_ms = now_ms;
    if (!state->told && now_ms - state->bad_since_ms >= patience_ms(r, material)) {
        state->told = true;
        say_findings(r, material, findings, CS_SEVERITY_ERROR,
                     " stays in use, and what is in the file now does not");
    }
}

/* The trust sets that use these lists go with them. */
static void take_trusts(struct cs_renewer *r, struct cs_renewal *renewal, size_t lists)
{
    const struct cs_keyring *keyring = r->snapshot->keyring;

    for (size_t i = 0; i < keyring->n_materials; i++) {
        struct cs_renewal_step step = {i, !(r->states[i].due && !r->states[i].lists_only)};
        struct cs_arena arena = {0};
        struct cs_findings findings;
        size_t used;
        if (!cs_keyring_lists(keyring, i, &used) || used != lists)
            continue;
        cs_findings_init(&findings, &arena);
        if (cs_renewal_take(renewal, step, &findings) < 0) {
            refuse(r, i, step.lists_only, &findings);
        } else {
            say_findings(r, i, &findings, CS_SEVERITY_WARNING, "");
            clear(r, i);
        }
        cs_arena_deinit(&arena);
    }
}

/* Make credentials of what was taken, and let everybody have them. */
static int bring_into_force(struct cs_renewer *r, struct cs_renewal *renewal, size_t material,
                            int lists_fd, struct cs_findings *findings)
{
    uint64_t number = material;
    int result = cs_renewal_build(renewal, findings);

    if (result < 0)
        return result;
    say_findings(r, material, findings, CS_SEVERITY_WARNING, "");
    if (lists_fd >= 0)
        cs_crew_tell(r->crew, CS_TELL_LISTS, cs_str_make(&number, sizeof(number)), lists_fd, NULL);
    cs_renewal_commit(renewal);
    result = push_out(r, renewal, material);
    if (result < 0)
        cs_mainlog_say(r->log, CS_LOG_ALERT, "workers cannot be told of what is renewed (%d: %s)",
                       -result, strerror(-result));
    return 0;
}

static void renew(struct cs_renewer *r, size_t material)
{
    struct cs_renewal_step step = {material, r->states[material].lists_only};
    struct cs_renewal *renewal = cs_renewal_new(r->snapshot, NULL, time(NULL));
    struct cs_arena arena = {0};
    struct cs_findings taken, findings;
    int lists_fd = -1, result;
    bool partly;

    cs_findings_init(&taken, &arena);
    cs_findings_init(&findings, &arena);
    result = cs_renewal_take(renewal, step, &taken);
    partly = result >= 0 && taken.n_errors > 0; /* one of several files is bad */
    if (result == 0 && cs_keyring_is_lists(r->snapshot->keyring, material)) {
        lists_fd = share_lists(renewal, material);
        result = lists_fd < 0 ? lists_fd : 0;
        if (result == 0)
            take_trusts(r, renewal, material);
    }
    if (result == 0 && !partly)
        say_findings(r, material, &taken, CS_SEVERITY_WARNING, "");
    if (result == 0)
        result = bring_into_force(r, renewal, material, lists_fd, &findings);
    if (result == 0 && !step.lists_only)
        cs_crew_note_renewed(r->crew, material);
    if (result < 0 || partly)
        refuse(r, material, step.lists_only, taken.n_errors ? &taken : &findings);
    else
        clear(r, material);
    if (lists_fd >= 0)
        close(lists_fd);
    cs_renewal_free(renewal);
    cs_arena_deinit(&arena);
}

/* Lists before what they are used by, which may have changed together with them. */
static void renew_due(struct cs_renewer *r)
{
    const struct cs_keyring *keyring = r->snapshot->keyring;
    bool again = false;

    cs_loop_now(r->loop);
    for (int lists = 1; lists >= 0; lists--) {
        for (size_t i = 0; i < keyring->n_materials; i++) {
            if (r->states[i].due && cs_keyring_is_lists(keyring, i) == lists)
                renew(r, i);
        }
    }
    for (size_t i = 0; i < keyring->n_materials; i++)
        again = again || (r->states[i].due && !r->states[i].told);
    if (again)
        cs_timer_set(r->loop, &r->retry, r->loop->now.mono_ms + CS_RENEW_RETRY_MS);
}

static void on_retry(struct cs_timer *timer)
{
    renew_due(cs_container_of(timer, struct cs_renewer, retry));
}

/* ---- files ---- */

static bool is_among(struct cs_str path, const struct cs_str *paths, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (cs_str_eq(path, paths[i]))
            return true;
    }
    return false;
}

static void on_changed(void *ctx, const struct cs_str *paths, size_t n)
{
    struct cs_renewer *r = ctx;
    const struct cs_keyring *keyring = r->snapshot->keyring;

    for (size_t file = 0; file < keyring->n_files; file++) {
        if (!is_among(r->paths[file], paths, n))
            continue;
        for (size_t i = 0; i < keyring->n_materials; i++) {
            if (cs_keyring_is_made_of(keyring, i, file))
                r->states[i] = (struct state){.due = true};
        }
    }
    renew_due(r);
}

/* The files by absolute names: a configuration may name them from where the service was started. */
static void name_files(struct cs_renewer *r)
{
    const struct cs_keyring *keyring = r->snapshot->keyring;
    char here[PATH_MAX];
    bool known = getcwd(here, sizeof(here)) != NULL;

    r->paths = cs_arena_array(&r->arena, keyring->n_files, sizeof(*r->paths));
    for (size_t i = 0; i < keyring->n_files; i++) {
        struct cs_str path = keyring->files[i]->path;
        r->paths[i] = known && !cs_str_starts(path, CS_STR("/"))
                          ? cs_arena_printf(&r->arena, "%s/%.*s", here, CS_FMT(path))
                          : path;
    }
}

/* Whether a file may be another one than that which was loaded: it has another mark, or was read in
 * the very moment in which it was written, and may have been written once more under the same. */
static bool may_differ(const struct cs_credential_file *file)
{
    struct cs_file_mark now = cs_file_mark(file->path.ptr);
    struct timespec clock;

    clock_gettime(CLOCK_REALTIME, &clock);
    return !cs_file_mark_eq(&now, &file->mark) ||
           (int64_t)clock.tv_sec * 1000000000 + clock.tv_nsec - now.changed_ns < FRESH_NS;
}

static void watch_files(struct cs_renewer *r)
{
    const struct cs_keyring *keyring = r->snapshot->keyring;
    int fault = cs_file_watch_new(r->loop, on_changed, r, &r->watch);

    if (fault < 0)
        cs_mainlog_say(r->log, CS_LOG_WARN,
                       "changes of certificates are noticed later: inotify_init1() failed (%d: %s)",
                       -fault, strerror(-fault));
    name_files(r);
    cs_file_watch_set(r->watch, r->paths, keyring->n_files);
    for (size_t i = 0; i < keyring->n_files; i++) {
        if (may_differ(keyring->files[i]))
            cs_file_watch_again(r->watch, r->paths[i], FIRST_LOOK_MS);
    }
}

/* ---- the whole ---- */

struct cs_renewer *cs_renewer_new(struct cs_crew *crew, struct cs_snapshot *snapshot,
                                  struct cs_loop *loop, const struct cs_mainlog *log)
{
    struct cs_renewer *r = CS_NEW(struct cs_renewer);

    r->crew = crew;
    r->snapshot = snapshot;
    r->loop = loop;
    r->log = log;
    r->retry.fire = on_retry;
    r->states = cs_alloc(snapshot->keyring->n_materials * sizeof(*r->states));
    cs_list_init(&r->pushes);
    cs_arena_init(&r->arena);
    watch_files(r);
    return r;
}

struct cs_renewer *cs_renewer_free(struct cs_renewer *r)
{
    if (!r)
        return NULL;
    cs_assert(cs_list_empty(&r->pushes));
    cs_file_watch_free(r->watch);
    cs_timer_cancel(r->loop, &r->retry);
    cs_arena_deinit(&r->arena);
    free(r->states);
    free(r);
    return NULL;
}

void cs_renewer_hush(struct cs_renewer *r)
{
    if (r)
        r->hushed = true;
}

void cs_renewer_isolate(struct cs_renewer *r)
{
    if (!r || r->isolated)
        return;
    r->isolated = true;
    cs_file_watch_isolate(r->watch);
    CS_LIST_FOREACH (link, &r->pushes)
        close(cs_container_of(link, struct push, link)->secret.fd);
}
