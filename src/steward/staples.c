/* An answer has a life from thisUpdate to nextUpdate, and so is kept by the same schedule as a
 * certificate (enrol/schedule.h). A staple is always about one certificate: when that is another
 * one, all that was known but its file is forgotten, and the file is judged anew. */
#include "steward/staples.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "enrol/schedule.h"
#include "io/file.h"
#include "snapshot/note.h"
#include "snapshot/snapshot.h"
#include "snapshot/staple.h"
#include "steward/inquiry.h"
#include "x509/extension.h"

enum {
    AT_ONCE = 16,       /* asked at the same time */
    TURN_MS = 200,      /* when somebody else is asked again whether it is time */
    ENDLESS_SEC = 86400 /* the life of an answer without nextUpdate */
};

struct staple {
    struct cs_staples *all;
    const struct cs_staple *what;
    struct cs_arena about;                /* of the next three */
    struct cs_standing_question question; /* no url: there is no certificate yet */
    struct cs_cert cert, issuer;
    struct cs_schedule schedule;
    struct cs_timer timer;
    struct cs_inquiry *inquiry; /* under way; or NULL */
    struct cs_arena texts;      /* of the note */
    struct cs_note note;
    struct staple *next;
};

struct cs_staples {
    struct cs_loop *loop;
    struct cs_fetcher *fetcher;
    const struct cs_steward_spec *spec;
    struct staple *items;
    size_t n_asked; /* inquiries under way */
};

static void say(const struct staple *st, enum cs_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void say(const struct staple *st, enum cs_log_level level, const char *fmt, ...)
{
    const struct cs_steward_spec *spec = st->all->spec;
    char text[2048];
    int n = snprintf(text, sizeof(text), "OCSP response about \"%.*s\": ",
                     (int)(st->what->certificate.len < 1024 ? st->what->certificate.len : 1024),
                     st->what->certificate.ptr);
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

static const struct cs_now *now_of(const struct staple *st)
{
    return &st->all->loop->now;
}

/* ---- when ---- */

static void wait(struct staple *st)
{
    cs_timer_set(st->all->loop, &st->timer,
                 now_of(st)->mono_ms + cs_schedule_wait_ms(&st->schedule, now_of(st)));
}

static void hold(struct staple *st, const struct cs_ocsp_answer *answer)
{
    int64_t end = answer->next_update, due = st->note.due_sec;
    struct cs_lifetime life;

    if (end == INT64_MAX)
        end = cs_now_sec(now_of(st)) + ENDLESS_SEC;
    life = (struct cs_lifetime){
        .not_before = answer->this_update, .not_after = end, .renew_at = due < end ? due : end};
    cs_schedule_holds(&st->schedule, &life, now_of(st));
}

/* ---- what is in hand ---- */

static bool is_fit(const struct staple *st, const struct cs_ocsp_answer *answer)
{
    return cs_staple_end_sec(answer) > cs_now_sec(now_of(st)) &&
           answer->next_update > cs_now_sec(now_of(st));
}

static struct cs_ocsp_answer judge(const struct staple *st, struct cs_str der)
{
    return cs_staple_judge(der, &st->cert, &st->issuer, cs_now_sec(now_of(st)));
}

/* The answer in the file, if it can be shown with this certificate. */
static bool is_held(const struct staple *st, struct cs_ocsp_answer *ret_answer)
{
    struct cs_ocsp_answer answer;
    struct cs_buf bytes;

    if (cs_file_read(st->what->file.ptr, CS_OCSP_RESPONSE_MAX, &bytes) < 0)
        return false;
    answer = judge(st, cs_buf_str(&bytes));
    cs_buf_deinit(&bytes);
    if (!is_fit(st, &answer))
        return false;
    *ret_answer = answer;
    return true;
}

static void write_note(struct staple *st)
{
    int r = cs_note_write(st->what->note, &st->note);

    if (r < 0)
        say(st, CS_LOG_ERROR, "\"%.*s\" cannot be written (%d: %s)", CS_FMT(st->what->note), -r,
            strerror(-r));
}

/* ---- what comes ---- */

static void fail(struct staple *st, const char *why)
{
    char retry[CS_TIME_TEXT], end[CS_TIME_TEXT];
    const struct cs_now *now = now_of(st);
    bool usable = cs_schedule_usable(&st->schedule, now);
    struct cs_str until = {0};

    cs_schedule_failed(&st->schedule, false, 0, random_number(), now);
    cs_time_span((cs_schedule_next_ms(&st->schedule, now) + 999) / 1000, retry);
    if (usable)
        until = cs_time_iso(st->schedule.life.not_after, end);
    say(st, cs_schedule_level(&st->schedule, now),
        "none from %.512s: %s; tried again in %s; %s%.*s%s", st->question.url.ptr, why, retry,
        usable ? "the one in hand is good until " : "there is none meanwhile", CS_FMT(until),
        !usable && cs_extensions_demand_staple(st->cert.extensions)
            ? ", which the certificate demands (must-staple)"
            : "");
    if (!st->note.failing_since_sec)
        st->note.failing_since_sec = cs_now_sec(now);
    st->note.why = cs_arena_dup(&st->texts, cs_str_from(why));
    write_note(st);
}

static void fare_well(struct staple *st, const struct cs_ocsp_answer *answer)
{
    int64_t now_sec = cs_now_sec(now_of(st));
    char until[CS_TIME_TEXT];
    bool first = !st->schedule.holds || st->note.failing_since_sec;

    cs_arena_reset(&st->texts); /* so that it does not grow for ever */
    st->note = (struct cs_note){.fetched_sec = now_sec,
                                .due_sec = cs_staple_due_sec(answer, now_sec, random_number())};
    hold(st, answer);
    write_note(st);
    say(st, first ? CS_LOG_NOTICE : CS_LOG_INFO, "%.*s, good until %.*s",
        CS_FMT(cs_ocsp_status_text(answer->status)),
        CS_FMT(answer->next_update == INT64_MAX ? CS_STR("another one comes")
                                                : cs_time_iso(answer->next_update, until)));
}

static void take(struct staple *st, struct cs_str der)
{
    struct cs_ocsp_answer answer = judge(st, der), held;
    char why[CS_STANDING_TEXT];
    int r = 0;

    if (!is_fit(st, &answer)) {
        snprintf(why, sizeof(why), "its answer is %.*s",
                 CS_FMT(cs_ocsp_status_text(cs_staple_end_sec(&answer) ? CS_OCSP_STALE
                                                                       : answer.status)));
        fail(st, why);
        return;
    }
    if (is_held(st, &held) && held.this_update > answer.this_update)
        answer = held; /* not every copy of a responder's answers is the newest */
    else
        r = cs_file_write(st->what->file.ptr, der, 0600);
    if (r == 0) {
        fare_well(st, &answer);
        return;
    }
    snprintf(why, sizeof(why), "it cannot be written (%d: %s)", -r, strerror(-r));
    fail(st, why);
}

static void on_news(struct cs_inquiry *inquiry, void *ctx)
{
    const struct cs_standing *news = cs_inquiry_news(inquiry);
    struct staple *st = ctx;

    if (news->failure)
        fail(st, news->words);
    else
        take(st, cs_inquiry_answer(inquiry));
    st->inquiry = cs_inquiry_free(inquiry);
    st->all->n_asked--;
    wait(st);
}

/* ---- asking ---- */

static void ask(struct staple *st)
{
    if (st->all->n_asked >= AT_ONCE) {
        cs_timer_set(st->all->loop, &st->timer, now_of(st)->mono_ms + TURN_MS);
        return;
    }
    st->all->n_asked++;
    st->inquiry = cs_inquiry_new(st->all->loop, st->all->fetcher, &st->question, on_news, st);
}

static void on_timer(struct cs_timer *timer)
{
    struct staple *st = cs_container_of(timer, struct staple, timer);

    if (cs_schedule_wait_ms(&st->schedule, now_of(st)) > 0)
        wait(st);
    else
        ask(st);
}

static void stop(struct staple *st)
{
    cs_timer_cancel(st->all->loop, &st->timer);
    st->all->n_asked -= st->inquiry != NULL;
    st->inquiry = cs_inquiry_free(st->inquiry);
}

/* ---- about which certificate ---- */

static bool parse(struct staple *st, struct cs_str der, struct cs_cert *cert)
{
    struct cs_findings ignored;

    cs_findings_init(&ignored, &st->about);
    return cs_cert_parse(der, &st->about, &ignored, cert) == 0;
}

static bool is_about(const struct staple *st, const struct cs_standing_question *question)
{
    return cs_str_eq(st->question.url, question->url) &&
           cs_str_eq(st->question.cert, question->cert) &&
           cs_str_eq(st->question.issuer, question->issuer);
}

static void begin_about(struct staple *st, const struct cs_standing_question *question)
{
    struct cs_ocsp_answer answer;

    stop(st);
    cs_arena_reset(&st->about);
    st->question = *question;
    st->question.url = cs_arena_dup(&st->about, question->url);
    st->question.cert = cs_arena_dup(&st->about, question->cert);
    st->question.issuer = cs_arena_dup(&st->about, question->issuer);
    st->schedule = (struct cs_schedule){0};
    if (!parse(st, st->question.cert, &st->cert) || !parse(st, st->question.issuer, &st->issuer))
        return; /* they were read when the credentials were made */
    if (is_held(st, &answer))
        hold(st, &answer);
    wait(st);
}

void cs_staples_ask(struct cs_staples *all, const struct cs_standing_question *question)
{
    for (struct staple *st = all->items; st; st = st->next) {
        if (memcmp(st->what->key, question->key, sizeof(question->key)) == 0 &&
            !is_about(st, question))
            begin_about(st, question);
    }
}

/* ---- the whole ---- */

static void begin(struct cs_staples *all, const struct cs_staple *what)
{
    struct staple *st = CS_NEW(struct staple);
    struct cs_standing_question question;
    struct cs_arena arena = {0};

    *st =
        (struct staple){.all = all, .what = what, .timer = {.fire = on_timer}, .next = all->items};
    all->items = st;
    cs_arena_init(&st->about);
    cs_arena_init(&st->texts);
    cs_note_read(what->note, &st->texts, &st->note);
    if (cs_staple_question(what, &arena, &question) == CS_STAPLE_ASKED)
        begin_about(st, &question);
    cs_arena_deinit(&arena);
}

struct cs_staples *cs_staples_new(struct cs_loop *loop, struct cs_fetcher *fetcher,
                                  const struct cs_steward_spec *spec)
{
    struct cs_staples *all = CS_NEW(struct cs_staples);

    *all = (struct cs_staples){.loop = loop, .fetcher = fetcher, .spec = spec};
    for (const struct cs_staple *what = spec->snapshot->staples; what; what = what->next)
        begin(all, what);
    return all;
}

struct cs_staples *cs_staples_free(struct cs_staples *all)
{
    struct staple *next;

    if (!all)
        return NULL;
    for (struct staple *st = all->items; st; st = next) {
        next = st->next;
        stop(st);
        cs_arena_deinit(&st->about);
        cs_arena_deinit(&st->texts);
        free(st);
    }
    free(all);
    return NULL;
}
