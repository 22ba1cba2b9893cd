/* A list has a life from thisUpdate to nextUpdate, and so is kept by the same schedule as a
 * certificate (enrol/schedule.h): due at some point of it, pressing as its end nears. */
#include "steward/downloads.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "enrol/schedule.h"
#include "io/file.h"
#include "snapshot/download.h"
#include "snapshot/note.h"
#include "snapshot/snapshot.h"

/* The CAs of servers over https, where the configuration names none. */
#define SYSTEM_CAS "/etc/ssl/certs/ca-certificates.crt"

enum {
    LIST_MAX = 64 << 20,
    CAS_MAX = 16 << 20,
    TIMEOUT_MS = 120 * 1000,
    IDLE_MS = 20 * 1000,
    EVERY_SEC = 3600,         /* what is revoked should not wait for nextUpdate */
    ENDLESS_SEC = 30 * 86400, /* the life of a list without nextUpdate */
};

struct download {
    struct cs_downloads *all;
    const struct cs_download *what;
    struct cs_schedule schedule;
    struct cs_timer timer;
    struct cs_fetch *fetch;
    struct cs_note note; /* its texts are in the arena */
    struct cs_arena arena;
    struct download *next;
};

struct cs_downloads {
    struct cs_loop *loop;
    struct cs_fetcher *fetcher;
    const struct cs_steward_spec *spec;
    struct download *items;
};

static void say(const struct download *d, enum cs_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void say(const struct download *d, enum cs_log_level level, const char *fmt, ...)
{
    const struct cs_steward_spec *spec = d->all->spec;
    char text[2048];
    int n = snprintf(text, sizeof(text), "revocation list from %.*s: ",
                     (int)(d->what->url.len < 512 ? d->what->url.len : 512), d->what->url.ptr);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
    va_end(ap);
    spec->say(spec->ctx, level, text);
}

static uint64_t random_number(void)
{
    uint64_t number;

    cs_assert(getrandom(&number, sizeof(number), 0) == sizeof(number));
    return number;
}

static const struct cs_now *now_of(const struct download *d)
{
    return &d->all->loop->now;
}

/* ---- when ---- */

static void wait(struct download *d)
{
    cs_timer_set(d->all->loop, &d->timer,
                 now_of(d)->mono_ms + cs_schedule_wait_ms(&d->schedule, now_of(d)));
}

/* Half to three quarters of what is left, so that many do not come at once; at most an hour. */
static int64_t choose_due(int64_t now_sec, int64_t end_sec)
{
    int64_t left = end_sec - now_sec, most = left < 2 * EVERY_SEC ? left / 2 : EVERY_SEC;
    int64_t jitter = left / 4 < EVERY_SEC / 4 ? left / 4 : EVERY_SEC / 4;

    if (left <= 2)
        return now_sec + 1;
    return now_sec + most - (jitter ? (int64_t)(random_number() % (uint64_t)(jitter + 1)) : 0);
}

static void hold(struct download *d, const struct cs_crl *list, int64_t due_sec)
{
    int64_t end =
        list->next_update == INT64_MAX ? cs_now_sec(now_of(d)) + ENDLESS_SEC : list->next_update;
    struct cs_lifetime life = {.not_before = list->this_update,
                               .not_after = end,
                               .renew_at = due_sec < end ? due_sec : end};

    cs_schedule_holds(&d->schedule, &life, now_of(d));
}

/* ---- what is in hand ---- */

/* Return: whether there is a list that counts. */
static bool read_held(struct download *d, struct cs_arena *arena, struct cs_str *ret_bytes,
                      struct cs_crl *ret_list)
{
    struct cs_buf bytes;

    if (cs_file_read(d->what->file.ptr, LIST_MAX, &bytes) < 0)
        return false;
    *ret_bytes = cs_arena_dup(arena, cs_buf_str(&bytes));
    cs_buf_deinit(&bytes);
    return !cs_download_judge(d->all->spec->snapshot, d->what, *ret_bytes, arena, ret_list);
}

static void write_note(struct download *d)
{
    int r = cs_note_write(d->what->note, &d->note);

    if (r < 0)
        say(d, CS_LOG_ERROR, "\"%.*s\" cannot be written (%d: %s)", CS_FMT(d->what->note), -r,
            strerror(-r));
}

/* ---- what comes ---- */

static void fail(struct download *d, struct cs_str why)
{
    char retry[CS_TIME_TEXT], end[CS_TIME_TEXT];
    const struct cs_now *now = now_of(d);
    bool over = !cs_schedule_usable(&d->schedule, now);
    struct cs_str until = {0};

    cs_schedule_failed(&d->schedule, false, 0, random_number(), now);
    cs_time_span((cs_schedule_next_ms(&d->schedule, now) + 999) / 1000, retry);
    if (d->schedule.holds)
        until = cs_time_iso(d->schedule.life.not_after, end);
    say(d, cs_schedule_level(&d->schedule, now), "%.*s; tried again in %s; %s%.*s", CS_FMT(why),
        retry,
        !d->schedule.holds ? "there is none meanwhile"
        : over             ? "the one in hand ran out at "
                           : "the one in hand is good until ",
        CS_FMT(until));
    if (!d->note.failing_since_sec)
        d->note.failing_since_sec = cs_now_sec(now);
    d->note.why = cs_arena_dup(&d->arena, cs_str_sub(why, 0, why.len < 512 ? why.len : 512));
    write_note(d);
}

/* Its server was heard, and there is nothing against @list. */
static void fare_well(struct download *d, const struct cs_crl *list,
                      const struct cs_fetch_answer *answer)
{
    int64_t now_sec = cs_now_sec(now_of(d));
    struct cs_str etag = cs_fetch_header(answer, CS_STR("ETag")),
                  changed = cs_fetch_header(answer, CS_STR("Last-Modified"));
    struct cs_arena before = d->arena;
    struct cs_str old_etag = d->note.etag, old_changed = d->note.changed;
    bool same = answer->status == 304;

    if (d->note.failing_since_sec)
        say(d, CS_LOG_NOTICE, "it can be had again");
    cs_arena_init(&d->arena); /* so that it does not grow for ever */
    d->note = (struct cs_note){
        .fetched_sec = now_sec,
        .due_sec = choose_due(now_sec, list->next_update == INT64_MAX ? now_sec + ENDLESS_SEC
                                                                      : list->next_update),
        .etag = cs_arena_dup(&d->arena, same && !etag.len ? old_etag : etag),
        .changed = cs_arena_dup(&d->arena, same && !changed.len ? old_changed : changed)};
    cs_arena_deinit(&before);
    hold(d, list, d->note.due_sec);
    write_note(d);
}

/* Return: NULL, or why @list does not take the place of @held (NULL: there is none). */
static const char *refuse(const struct download *d, const struct cs_crl *list,
                          const struct cs_crl *held)
{
    int64_t now_sec = cs_now_sec(now_of(d));

    if (held && cs_download_is_older(list, held))
        return "what came is older than the list in hand";
    if (held && held->next_update > now_sec && cs_download_is_other_part(list, held))
        return "what came is a part for other certificates than the list in hand";
    if (list->this_update > now_sec)
        return "what came is from the future";
    return list->next_update <= now_sec ? "what came is out of date" : NULL;
}

static void say_new(const struct download *d, const struct cs_crl *list)
{
    char text[CS_TIME_TEXT];
    struct cs_str until = list->next_update == INT64_MAX ? CS_STR("another one comes")
                                                         : cs_time_iso(list->next_update, text);

    say(d, CS_LOG_NOTICE, "a new one, with %zu entries, good until %.*s", list->n_entries,
        CS_FMT(until));
}

static void take(struct download *d, const struct cs_fetch_answer *answer, struct cs_arena *arena)
{
    struct cs_str held_bytes;
    struct cs_crl list, held;
    const char *why =
        cs_download_judge(d->all->spec->snapshot, d->what, answer->body, arena, &list);
    bool holds = read_held(d, arena, &held_bytes, &held);
    int r = 0;

    why = why ? why : refuse(d, &list, holds ? &held : NULL);
    if (why) {
        fail(d, cs_str_from(why));
        return;
    }
    if (!holds || !cs_str_eq(held_bytes, answer->body)) {
        r = cs_file_write(d->what->file.ptr, answer->body, 0600);
        if (r == 0)
            say_new(d, &list);
    }
    if (r < 0)
        fail(d, cs_arena_printf(arena, "\"%.*s\" cannot be written (%d: %s)", CS_FMT(d->what->file),
                                -r, strerror(-r)));
    else
        fare_well(d, &list, answer);
}

/* The server says that the list in hand is the newest. */
static void confirm(struct download *d, const struct cs_fetch_answer *answer,
                    struct cs_arena *arena)
{
    struct cs_str bytes;
    struct cs_crl held;

    bool holds = read_held(d, arena, &bytes, &held);

    if (holds && held.next_update > cs_now_sec(now_of(d))) {
        fare_well(d, &held, answer);
        return;
    }
    d->note.etag = d->note.changed = (struct cs_str){0}; /* ask for all of it */
    fail(d, holds ? CS_STR("the server has no newer one than that which has run out")
                  : CS_STR("the server says that nothing has changed, but there is none in hand"));
}

static void on_done(struct cs_fetch *fetch, void *ctx)
{
    const struct cs_fetch_answer *answer = cs_fetch_answer(fetch);
    struct download *d = ctx;
    struct cs_arena arena = {0};

    if (answer->error)
        fail(d, answer->words);
    else if (answer->status == 200)
        take(d, answer, &arena);
    else if (answer->status == 304)
        confirm(d, answer, &arena);
    else
        fail(d, cs_arena_printf(&arena, "the server answers with status %u", answer->status));
    cs_arena_deinit(&arena);
    d->fetch = cs_fetch_free(fetch);
    wait(d);
}

/* ---- asking ---- */

static struct cs_str roots_of(const struct download *d, struct cs_arena *arena)
{
    struct cs_buf bytes;
    struct cs_str pem;

    if (d->what->ca.len || !cs_str_starts(d->what->url, CS_STR("https:")) ||
        cs_file_read(SYSTEM_CAS, CAS_MAX, &bytes) < 0)
        return d->what->ca;
    pem = cs_arena_dup(arena, cs_buf_str(&bytes));
    cs_buf_deinit(&bytes);
    return pem;
}

static void ask(struct download *d)
{
    struct cs_arena arena = {0};
    struct cs_str headers[2];
    struct cs_fetch_request request = {.url = d->what->url,
                                       .headers = headers,
                                       .tls = {.ca = roots_of(d, &arena)},
                                       .max_body = LIST_MAX,
                                       .timeout_ms = TIMEOUT_MS,
                                       .idle_ms = IDLE_MS,
                                       .max_redirects = CS_FETCH_REDIRECTS};
    int r;

    if (d->schedule.holds && d->note.etag.len)
        headers[request.n_headers++] =
            cs_arena_cat(&arena, CS_STR("If-None-Match: "), d->note.etag);
    if (d->schedule.holds && d->note.changed.len)
        headers[request.n_headers++] =
            cs_arena_cat(&arena, CS_STR("If-Modified-Since: "), d->note.changed);
    r = cs_fetch_start(d->all->fetcher, &request, on_done, d, &d->fetch);
    if (r < 0) {
        fail(d, r == -EINVAL ? CS_STR("it is no address, or there are no CAs to know its server by")
                             : cs_str_from(strerror(-r)));
        wait(d);
    }
    cs_arena_deinit(&arena);
}

static void on_timer(struct cs_timer *timer)
{
    struct download *d = cs_container_of(timer, struct download, timer);

    if (cs_schedule_wait_ms(&d->schedule, now_of(d)) > 0)
        wait(d);
    else
        ask(d);
}

/* ---- the whole ---- */

static void begin(struct cs_downloads *all, const struct cs_download *what)
{
    struct download *d = CS_NEW(struct download);
    struct cs_arena arena = {0};
    struct cs_str bytes;
    struct cs_crl held;

    *d = (struct download){
        .all = all, .what = what, .timer = {.fire = on_timer}, .next = all->items};
    all->items = d;
    cs_arena_init(&d->arena);
    cs_note_read(what->note, &d->arena, &d->note);
    if (read_held(d, &arena, &bytes, &held))
        hold(d, &held, d->note.due_sec);
    cs_arena_deinit(&arena);
    wait(d);
}

struct cs_downloads *cs_downloads_new(struct cs_loop *loop, struct cs_fetcher *fetcher,
                                      const struct cs_steward_spec *spec)
{
    struct cs_downloads *all = CS_NEW(struct cs_downloads);

    *all = (struct cs_downloads){.loop = loop, .fetcher = fetcher, .spec = spec};
    for (const struct cs_download *what = spec->snapshot->downloads; what; what = what->next)
        begin(all, what);
    return all;
}

struct cs_downloads *cs_downloads_free(struct cs_downloads *all)
{
    struct download *next;

    if (!all)
        return NULL;
    for (struct download *d = all->items; d; d = next) {
        next = d->next;
        cs_timer_cancel(all->loop, &d->timer);
        cs_fetch_free(d->fetch);
        cs_arena_deinit(&d->arena);
        free(d);
    }
    free(all);
    return NULL;
}
