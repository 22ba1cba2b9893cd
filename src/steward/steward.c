/* Every errand is an enrolment (enrol/client.h), and lists have their own file (downloads.c); every
 * authority that has given us something is listened to, once, with the first certificate that it
 * gave. */
#include "steward/steward.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "enrol/client.h"
#include "explain/finding.h"
#include "steward/desk.h"
#include "steward/downloads.h"
#include "steward/follower.h"
#include "steward/staples.h"

struct chore {
    struct cs_steward *steward;
    const struct cs_errand *errand;
    struct cs_str url;
    struct cs_enrolment *enrolment; /* NULL: it could not be begun */
    struct cs_follower *follower;   /* of this authority; NULL: another chore has it */
    int64_t failing_since_sec;      /* the first failure in a row; 0: none */
    struct chore *next;
};

struct cs_steward {
    struct cs_loop *loop;
    struct cs_steward_spec spec;
    struct cs_fetcher *fetcher; /* for followers; NULL: libcurl is not there */
    struct cs_desk *desk;
    struct chore *chores;
    struct cs_downloads *downloads;
    struct cs_staples *staples;
};

static void say(const struct cs_steward *s, enum cs_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void say(const struct cs_steward *s, enum cs_log_level level, const char *fmt, ...)
{
    char text[2048];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    s->spec.say(s->spec.ctx, level, text);
}

static void say_finding(const struct chore *chore, enum cs_log_level level,
                        const struct cs_finding *finding, const char *rest)
{
    struct cs_buf buf;

    cs_buf_init(&buf, 2048);
    (void)cs_explain_line(finding, &buf);
    say(chore->steward, level, "certificate for %.*s: %.*s%s", CS_FMT(chore->errand->names[0]),
        CS_FMT(cs_buf_str(&buf)), rest);
    cs_buf_deinit(&buf);
}

/* ---- what an enrolment tells ---- */

static void fare_well(struct chore *chore)
{
    const struct cs_steward_spec *spec = &chore->steward->spec;

    chore->failing_since_sec = 0;
    spec->fared(spec->ctx, chore->errand, 0, (struct cs_str){0});
}

static void fare_ill(struct chore *chore, struct cs_str why)
{
    const struct cs_steward_spec *spec = &chore->steward->spec;

    if (!chore->failing_since_sec)
        chore->failing_since_sec = cs_now_sec(&chore->steward->loop->now);
    spec->fared(spec->ctx, chore->errand, chore->failing_since_sec, why);
}

static void fare_ill_by(struct chore *chore, const struct cs_finding *finding)
{
    struct cs_buf line;

    cs_buf_init(&line, 2048);
    (void)cs_explain_line(finding, &line);
    fare_ill(chore, cs_buf_str(&line));
    cs_buf_deinit(&line);
}

static void on_issued(void *ctx, const struct cs_holding *holding, bool first)
{
    struct chore *chore = ctx;
    char until[CS_TIME_TEXT];

    fare_well(chore);
    say(chore->steward, CS_LOG_NOTICE,
        "certificate for %.*s %s: serial %.*s, good until %.*s, in \"%.*s\"",
        CS_FMT(chore->errand->names[0]), first ? "issued" : "renewed",
        CS_FMT(holding->papers.serial), CS_FMT(cs_time_iso(holding->papers.life.not_after, until)),
        CS_FMT(chore->errand->folder));
    for (struct chore *c = chore->steward->chores; c; c = c->next) {
        if (c->follower && cs_str_eq(c->url, chore->url))
            cs_follower_hurry(c->follower);
    }
}

static void on_failed(void *ctx, const struct cs_enrol_failure *failure)
{
    char rest[160], span[CS_TIME_TEXT], retry[CS_TIME_TEXT];

    fare_ill_by(ctx, failure->finding);
    cs_time_span(failure->left_sec, span);
    cs_time_span(failure->retry_ms / 1000, retry);
    snprintf(rest, sizeof(rest), "; tried again in %s; %s%s", retry,
             failure->usable ? "the one in use is good for " : "there is none meanwhile",
             failure->usable ? span : "");
    say_finding(ctx, failure->level, failure->finding, rest);
}

static void on_remarked(void *ctx, const struct cs_finding *finding, enum cs_log_level level)
{
    say_finding(ctx, level, finding, "");
}

/* ---- chores ---- */

static bool papers_of(void *ctx, struct cs_follower_papers *ret_papers)
{
    const struct chore *chore = ctx;

    for (const struct chore *c = chore->steward->chores; c; c = c->next) {
        const struct cs_holding *holding =
            c->enrolment && cs_str_eq(c->url, chore->url) && cs_enrolment_usable(c->enrolment)
                ? cs_enrolment_holding(c->enrolment)
                : NULL;
        if (holding) {
            *ret_papers = (struct cs_follower_papers){holding->papers.cert, holding->key_pem,
                                                      holding->papers.ca};
            return true;
        }
    }
    return false;
}

static bool is_followed(const struct cs_steward *s, struct cs_str url)
{
    for (const struct chore *c = s->chores; c; c = c->next) {
        if (c->follower && cs_str_eq(c->url, url))
            return true;
    }
    return false;
}

static const char *parse_names(const struct cs_errand *errand, struct cs_arena *arena,
                               struct cs_claims *ret_names)
{
    struct cs_claim *items = cs_arena_array(arena, errand->n_names, sizeof(*items));

    for (size_t i = 0; i < errand->n_names; i++) {
        const char *why = cs_claim_parse(errand->names[i], arena, &items[i]);
        if (why)
            return why;
    }
    *ret_names = (struct cs_claims){items, errand->n_names};
    return NULL;
}

/* Return: NULL, or why it cannot be begun. */
static const char *enrol(struct chore *chore, struct cs_arena *arena, struct cs_findings *findings)
{
    static const struct cs_enrol_ears ears = {on_issued, on_failed, on_remarked};
    const struct cs_errand *errand = chore->errand;
    struct cs_enrol_plan plan = {.url = chore->url,
                                 .token_file = errand->token_file,
                                 .profile = errand->profile,
                                 .folder = errand->folder};
    const char *why = parse_names(errand, arena, &plan.names);

    if (why)
        return why;
    if (errand->url.len == 0)
        plan.roots = chore->steward->spec.home.roots;
    else if (cs_pin_parse(errand->fingerprint, plan.pin) < 0)
        return "the fingerprint is not a SHA-256 in hex";
    plan.pinned = errand->url.len > 0;
    if (cs_enrolment_new(chore->steward->loop, &plan, &ears, chore, findings, &chore->enrolment) <
        0)
        return "";
    return NULL;
}

static void begin(struct cs_steward *s, const struct cs_errand *errand)
{
    struct chore *chore = CS_NEW(struct chore);
    struct cs_arena arena = {0};
    struct cs_findings findings;
    const char *why;

    *chore = (struct chore){.steward = s,
                            .errand = errand,
                            .url = errand->url.len ? errand->url : s->spec.home.url,
                            .next = s->chores};
    s->chores = chore;
    cs_findings_init(&findings, &arena);
    why = enrol(chore, &arena, &findings);
    if (why && *why) {
        say(s, CS_LOG_ERROR, "no certificate is asked for %.*s: %s", CS_FMT(errand->names[0]), why);
        fare_ill(chore, cs_str_from(why));
    }
    for (const struct cs_finding *f = findings.first; f; f = f->next) {
        say_finding(chore, CS_LOG_ERROR, f, "");
        fare_ill_by(chore, f);
    }
    cs_arena_deinit(&arena);
    if (!chore->enrolment)
        return;
    if (s->fetcher && !is_followed(s, chore->url))
        chore->follower =
            cs_follower_new(s->loop, s->fetcher, &s->spec, chore->url, papers_of, chore);
    cs_enrolment_start(chore->enrolment);
}

struct cs_steward *cs_steward_new(struct cs_loop *loop, const struct cs_steward_spec *spec)
{
    struct cs_steward *s = CS_NEW(struct cs_steward);
    const char *why;

    *s = (struct cs_steward){.loop = loop, .spec = *spec};
    if (cs_fetcher_new(loop, &s->fetcher, &why) < 0) {
        s->fetcher = NULL;
        say(s, CS_LOG_ERROR, "nothing can be fetched: %s", why);
    }
    s->desk = cs_desk_new(loop, s->fetcher, spec->answered, spec->ctx);
    for (const struct cs_errand *errand = spec->errands; errand; errand = errand->next)
        begin(s, errand);
    if (s->fetcher)
        s->downloads = cs_downloads_new(loop, s->fetcher, &s->spec);
    if (s->fetcher)
        s->staples = cs_staples_new(loop, s->fetcher, &s->spec);
    return s;
}

void cs_steward_renew(struct cs_steward *s, struct cs_str folder)
{
    for (struct chore *c = s->chores; c; c = c->next) {
        if (c->enrolment && (folder.len == 0 || cs_str_eq(c->errand->folder, folder)))
            cs_enrolment_renew(c->enrolment);
    }
}

struct cs_steward *cs_steward_free(struct cs_steward *s)
{
    struct chore *next;

    if (!s)
        return NULL;
    for (struct chore *c = s->chores; c; c = next) {
        next = c->next;
        cs_follower_free(c->follower);
        cs_enrolment_free(c->enrolment);
        free(c);
    }
    cs_desk_free(s->desk);
    cs_downloads_free(s->downloads);
    cs_staples_free(s->staples);
    cs_fetcher_free(s->fetcher);
    free(s);
    return NULL;
}

void cs_steward_ask(struct cs_steward *s, const struct cs_standing_question *question)
{
    cs_desk_ask(s->desk, question);
}

void cs_steward_staple(struct cs_steward *s, const struct cs_standing_question *question)
{
    if (s->staples)
        cs_staples_ask(s->staples, question);
}
