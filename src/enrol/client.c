/* One attempt after the other. An attempt is a row of steps, each of which ends in the loop:
 *
 *   whom to trust → (/ca.pem) → a key, safe on disk → (/v1/enrol or /v1/renew) → judge → keep
 *
 * Whatever goes wrong in any of them ends the attempt with a finding, and the schedule says when
 * the next one is. There is no other state than what lies in the folder: a process that is killed
 * at any step and started again does the same as one that goes on.
 */
#include "enrol/client.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/mem.h"
#include "enrol/ask.h"
#include "enrol/fetch.h"
#include "enrol/findings.h"
#include "enrol/grant.h"
#include "enrol/url.h"
#include "io/file.h"
#include "x509/key.h"

enum {
    TIMEOUT_MS = 30 * 1000,
    ROOTS_MAX = 256 * 1024,
    TOKEN_MAX = 4096,
    CLOCK_SLACK_SEC = 60,
};

struct cs_enrolment {
    struct cs_loop *loop;
    struct cs_enrol_plan plan; /* its texts live in arena */
    struct cs_arena arena;
    const struct cs_enrol_ears *ears;
    void *ctx;
    struct cs_wallet *wallet;
    struct cs_holding *holding;
    struct cs_fetcher *fetcher;
    struct cs_schedule schedule;
    struct cs_timer timer;
    struct cs_str trust; /* PEM: the root that the fingerprint has shown to be the right one */
    bool clock_told;

    /* Of the attempt under way. */
    struct cs_arena scratch;
    struct cs_findings findings;
    struct cs_fetch *fetch;
    struct evp_pkey_st *key;
    bool renewing;
    bool answered; /* somebody at that address has spoken */
};

/* ---- the end of an attempt ---- */

static void on_timer(struct cs_timer *timer);

static void set_timer(struct cs_enrolment *e)
{
    cs_timer_set(e->loop, &e->timer,
                 e->loop->now.mono_ms + cs_schedule_wait_ms(&e->schedule, &e->loop->now));
}

static void end_attempt(struct cs_enrolment *e)
{
    e->fetch = cs_fetch_free(e->fetch);
    cs_key_free(cs_take(e->key));
    set_timer(e);
}

static uint64_t random_number(void)
{
    uint64_t number;

    cs_assert(getrandom(&number, sizeof(number), 0) == sizeof(number));
    return number;
}

static bool has_token(const struct cs_enrolment *e)
{
    return e->plan.token.len || e->plan.token_file.len;
}

static void ask_anew(struct cs_enrolment *e);

/* A certificate that cannot be renewed, because the authority says so or because it is over, is
 * asked for anew if there is a token. */
static bool goes_on(struct cs_enrolment *e, const struct cs_finding *finding, bool refused)
{
    bool unreachable = finding->kind == CS_ENROL_KIND(AUTHORITY_UNREACHABLE) && !e->answered;
    bool over = !cs_schedule_usable(&e->schedule, &e->loop->now) && !unreachable;

    if (!e->renewing || !has_token(e) || !(refused || over))
        return false;
    e->ears->remarked(e->ctx, finding, cs_schedule_level(&e->schedule, &e->loop->now));
    e->renewing = false;
    cs_key_free(cs_take(e->key));
    ask_anew(e);
    return true;
}

static void fail_with(struct cs_enrolment *e, const struct cs_finding *finding, bool refused,
                      int64_t after_ms)
{
    const struct cs_now *now = &e->loop->now;
    struct cs_enrol_failure failure = {.finding = finding, .refused = refused};

    cs_loop_now(e->loop);
    if (goes_on(e, finding, refused))
        return;
    cs_schedule_failed(&e->schedule, refused, after_ms, random_number(), now);
    failure.level = cs_schedule_level(&e->schedule, now);
    failure.retry_ms = cs_schedule_next_ms(&e->schedule, now);
    failure.usable = cs_schedule_usable(&e->schedule, now);
    failure.left_sec = failure.usable ? cs_schedule_left_sec(&e->schedule, now) : 0;
    e->ears->failed(e->ctx, &failure);
    end_attempt(e);
}

/* The same with a finding of our own: its operands follow. */
#define FAIL(e, id, refused, ...)                                                                  \
    fail_with((e),                                                                                 \
              (CS_FIND(&(e)->findings, CS_ENROL_KIND(id), NULL, __VA_ARGS__), (e)->findings.last), \
              (refused), 0)

static struct cs_str error_text(int error)
{
    return cs_str_from(strerror(-error));
}

static void fail_folder(struct cs_enrolment *e, int error)
{
    FAIL(e, FOLDER_NOT_WRITTEN, false, e->plan.folder, error_text(error));
}

/* ---- what came back ---- */

static int64_t retry_after_ms(const struct cs_fetch_answer *answer)
{
    uint64_t seconds = 0;

    (void)cs_str_to_u64(cs_fetch_header(answer, CS_STR("Retry-After")), 86400, &seconds);
    return (int64_t)seconds * 1000;
}

static struct cs_str failed_words(struct cs_enrolment *e, const struct cs_fetch_answer *answer)
{
    if (!answer->hint.len)
        return answer->words;
    return cs_arena_printf(&e->scratch, "%.*s; %.*s", CS_FMT(answer->words), CS_FMT(answer->hint));
}

/* No answer, or not the wanted one. */
static void fail_answer(struct cs_enrolment *e, const struct cs_fetch_answer *answer)
{
    const struct cs_finding *problem = cs_grant_problem(answer->body, &e->scratch);
    bool later = answer->status == 408 || answer->status == 429 || answer->status >= 500;

    e->answered = answer->error == 0 || answer->error == -EPROTO || answer->error == -ECONNRESET;
    if (answer->error == -EKEYREJECTED)
        FAIL(e, AUTHORITY_NOT_ACCEPTED, true, e->plan.url, answer->words);
    else if (answer->error)
        FAIL(e, AUTHORITY_UNREACHABLE, false, e->plan.url, failed_words(e, answer));
    else if (problem)
        fail_with(e, problem, !later, retry_after_ms(answer));
    else
        FAIL(e, ANSWER_UNUSABLE, false, e->plan.url,
             cs_arena_printf(&e->scratch, "its status is %u", answer->status));
}

/* What time it is at the authority; 0: it does not say. */
static int64_t time_there(const struct cs_fetch_answer *answer)
{
    int64_t sec = 0;

    (void)cs_time_http_parse(cs_fetch_header(answer, CS_STR("Date")), &sec);
    return sec;
}

static void compare_clocks(struct cs_enrolment *e, int64_t there_sec)
{
    int64_t ahead = cs_now_sec(&e->loop->now) - there_sec;
    bool wrong = there_sec && (ahead > CLOCK_SLACK_SEC || ahead < -CLOCK_SLACK_SEC);
    char text[CS_TIME_TEXT];

    if (wrong && !e->clock_told) {
        CS_FIND(&e->findings, CS_ENROL_KIND(CLOCKS_DISAGREE), NULL, e->plan.url,
                cs_time_span(ahead, text), ahead > 0 ? CS_STR("ahead of") : CS_STR("behind"));
        e->ears->remarked(e->ctx, e->findings.last, CS_LOG_WARN);
    }
    e->clock_told = wrong;
}

/* ---- the certificate ---- */

static struct cs_enrol_state make_state(struct cs_enrolment *e, const struct cs_papers *papers)
{
    struct cs_str *names = cs_arena_array(&e->scratch, e->plan.names.n + 1, sizeof(*names));
    char hex[64];

    for (size_t i = 0; i < e->plan.names.n; i++)
        names[i] = cs_claim_text(&e->plan.names.items[i], &e->scratch);
    cs_hex_encode(e->plan.pin, sizeof(e->plan.pin), false, hex);
    return (struct cs_enrol_state){
        .url = e->plan.url,
        .fingerprint = e->plan.pinned ? cs_arena_dup(&e->scratch, cs_str_make(hex, sizeof(hex)))
                                      : (struct cs_str){0},
        .profile = e->plan.profile,
        .names = names,
        .n_names = e->plan.names.n,
        .ttl_sec = e->plan.ttl_sec,
        .key_kind = e->plan.key_kind,
        .serial = papers->serial,
        .not_before = papers->life.not_before,
        .not_after = papers->life.not_after,
        .renew_at = papers->life.renew_at,
    };
}

/* Keep @papers, and hold what the folder has then. */
static bool keep(struct cs_enrolment *e, const struct cs_papers *papers)
{
    struct cs_enrol_state state = make_state(e, papers);
    struct cs_holding *holding = NULL;
    int r = cs_wallet_keep(e->wallet, papers, &state);
    const char *why = r < 0 ? NULL : cs_wallet_load(e->wallet, &e->scratch, &holding);

    if (r == 0 && holding) {
        cs_holding_free(e->holding);
        e->holding = holding;
        return true;
    }
    FAIL(e, FOLDER_NOT_WRITTEN, false, e->plan.folder,
         r < 0 ? error_text(r) : cs_str_from(why ? why : "what was written is gone"));
    return false;
}

/* The papers that were granted, if they are what was asked for. */
static const char *judge(struct cs_enrolment *e, const struct cs_grant *grant,
                         struct cs_papers *ret_papers)
{
    size_t n_leaves, n_others, n_roots;
    struct cs_str leaf = cs_papers_clean(grant->certificate, &e->scratch, &n_leaves);
    struct cs_str chain = cs_papers_clean(grant->chain, &e->scratch, &n_others);
    struct cs_str ca = cs_papers_clean(grant->ca, &e->scratch, &n_roots), lack;
    const char *why;

    if (n_leaves != 1)
        return "it is not one certificate";
    why = cs_papers_take(cs_arena_cat(&e->scratch, leaf, chain), ca, e->key, grant->renew_at,
                         &e->scratch, ret_papers);
    if (why)
        return why;
    lack = cs_papers_lack(ret_papers, &e->plan.names, &e->scratch);
    return lack.len ? cs_arena_printf(&e->scratch, "it is not for %.*s", CS_FMT(lack)).ptr : NULL;
}

/* The same, said when it is not so. */
static bool take_up(struct cs_enrolment *e, struct cs_str body, struct cs_papers *ret_papers)
{
    struct cs_grant grant;
    const char *why = cs_grant_read(body, &e->scratch, &grant);

    if (why) {
        FAIL(e, ANSWER_UNUSABLE, false, e->plan.url, cs_str_from(why));
        return false;
    }
    why = judge(e, &grant, ret_papers);
    if (why)
        FAIL(e, CERTIFICATE_UNFIT, true, e->plan.url, cs_str_from(why));
    return !why;
}

static void take_certificate(struct cs_enrolment *e, const struct cs_fetch_answer *answer)
{
    bool first = !e->renewing;
    struct cs_papers papers;

    cs_loop_now(e->loop);
    if (!take_up(e, answer->body, &papers) || !keep(e, &papers))
        return;
    compare_clocks(e, time_there(answer));
    cs_schedule_issued(&e->schedule, &e->holding->papers.life, time_there(answer), &e->loop->now);
    e->trust = e->plan.roots;
    e->ears->issued(e->ctx, e->holding, first);
    end_attempt(e);
}

static void on_answer(struct cs_fetch *fetch, void *ctx)
{
    const struct cs_fetch_answer *answer = cs_fetch_answer(fetch);
    struct cs_enrolment *e = ctx;

    if (answer->error == 0 && (answer->status == 200 || answer->status == 201))
        take_certificate(e, answer);
    else
        fail_answer(e, answer);
}

/* ---- asking for it ---- */

static void start_fetch(struct cs_enrolment *e, const struct cs_fetch_request *request,
                        void (*done)(struct cs_fetch *fetch, void *ctx))
{
    struct cs_fetch *fetch = NULL;
    int r = cs_fetch_start(e->fetcher, request, done, e, &fetch);

    e->fetch = cs_fetch_free(e->fetch); /* the one that has led here; its answer is used up */
    if (r < 0)
        FAIL(e, AUTHORITY_UNREACHABLE, false, e->plan.url, error_text(r));
    else
        e->fetch = fetch;
}

/* Who may speak for the authority: the root that was shown to be right, and those that came with
 * the certificate from whom it vouched for. */
static struct cs_str trusted(struct cs_enrolment *e)
{
    return e->holding ? cs_arena_cat(&e->scratch, e->trust, e->holding->papers.ca) : e->trust;
}

static void post(struct cs_enrolment *e, struct cs_str body)
{
    struct cs_fetch_request request = {
        .url = cs_url_join(e->plan.url, e->renewing ? CS_STR("/v1/renew") : CS_STR("/v1/enrol"),
                           &e->scratch),
        .body = body,
        .content_type = CS_STR("application/json"),
        .max_body = CS_GRANT_MAX,
        .timeout_ms = e->plan.timeout_ms,
        .tls.ca = trusted(e),
    };

    if (e->renewing) {
        request.tls.cert = e->holding->papers.cert;
        request.tls.key = e->holding->key_pem;
    }
    start_fetch(e, &request, on_answer);
}

static void ask(struct cs_enrolment *e, struct cs_str token)
{
    struct cs_ask ask = {
        .names = e->plan.names,
        .token = token,
        .profile = e->plan.profile,
        .ttl_sec = e->plan.ttl_sec,
    };
    struct cs_buf body;
    int r = cs_wallet_pending(e->wallet, e->plan.key_kind, &e->key);

    if (r == -EIO)
        FAIL(e, KEY_NOT_MADE, false, (struct cs_str){0});
    else if (r < 0)
        fail_folder(e, r);
    if (r < 0)
        return;
    ask.key = e->key;
    cs_buf_init(&body, CS_ASK_MAX);
    r = cs_ask_write(&ask, &body);
    if (r == 0)
        post(e, cs_buf_str(&body));
    else
        FAIL(e, KEY_NOT_MADE, false, (struct cs_str){0});
    cs_buf_wipe(&body);
}

/* ---- the token ---- */

static bool is_token(struct cs_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return false;
    }
    return text.len > 0 && text.len <= 128;
}

static struct cs_str trim(struct cs_str text)
{
    while (text.len && strchr(" \t\r\n", text.ptr[text.len - 1]))
        text.len--;
    while (text.len && strchr(" \t\r\n", text.ptr[0]))
        text = cs_str_skip(text, 1);
    return text;
}

static void ask_with_token(struct cs_enrolment *e)
{
    struct cs_buf bytes;
    int r;

    if (e->plan.token.len) {
        ask(e, e->plan.token);
        return;
    }
    r = cs_file_read(e->plan.token_file.ptr, TOKEN_MAX, &bytes);
    if (r < 0) {
        FAIL(e, TOKEN_UNREADABLE, false, e->plan.token_file, error_text(r));
        return;
    }
    if (is_token(trim(cs_buf_str(&bytes))))
        ask(e, trim(cs_buf_str(&bytes)));
    else
        FAIL(e, TOKEN_UNREADABLE, false, e->plan.token_file, CS_STR("it holds no token"));
    cs_buf_wipe(&bytes);
}

/* ---- whom to trust ---- */

static void on_roots(struct cs_fetch *fetch, void *ctx)
{
    const struct cs_fetch_answer *answer = cs_fetch_answer(fetch);
    struct cs_enrolment *e = ctx;
    struct cs_str root;
    char hex[64];

    if (answer->error || answer->status != 200) {
        fail_answer(e, answer);
        return;
    }
    root = cs_papers_root(answer->body, e->plan.pin, &e->arena);
    if (root.len) {
        e->trust = root;
        ask_with_token(e);
        return;
    }
    cs_hex_encode(e->plan.pin, sizeof(e->plan.pin), false, hex);
    FAIL(e, FINGERPRINT_MISMATCH, true, e->plan.url, (struct cs_str){0}, cs_str_make(hex, 64),
         cs_papers_fingerprints(answer->body, &e->scratch));
}

/* From anybody: what comes is believed for its fingerprint, and nothing is told but the address. */
static void fetch_roots(struct cs_enrolment *e)
{
    struct cs_fetch_request request = {
        .url = cs_url_join(e->plan.url, CS_STR("/ca.pem"), &e->scratch),
        .max_body = ROOTS_MAX,
        .timeout_ms = e->plan.timeout_ms,
        .tls.unverified = true,
    };

    start_fetch(e, &request, on_roots);
}

/* ---- attempts ---- */

static void fail_without_token(struct cs_enrolment *e)
{
    FAIL(e, TOKEN_MISSING, false,
         cs_arena_printf(&e->scratch, "the folder \"%.*s\" has no certificate to renew",
                         CS_FMT(e->plan.folder)));
}

static void ask_anew(struct cs_enrolment *e)
{
    if (!has_token(e))
        fail_without_token(e);
    else if (!e->trust.len && !e->holding)
        fetch_roots(e);
    else
        ask_with_token(e);
}

static void attempt(struct cs_enrolment *e)
{
    cs_arena_reset(&e->scratch);
    cs_findings_init(&e->findings, &e->scratch);
    e->renewing = e->holding != NULL;
    if (e->renewing)
        ask(e, (struct cs_str){0});
    else
        ask_anew(e);
}

static void on_timer(struct cs_timer *timer)
{
    struct cs_enrolment *e = cs_container_of(timer, struct cs_enrolment, timer);

    if (e->fetch)
        return;
    if (cs_schedule_wait_ms(&e->schedule, &e->loop->now) == 0)
        attempt(e);
    else
        set_timer(e);
}

void cs_enrolment_start(struct cs_enrolment *e)
{
    set_timer(e);
}

void cs_enrolment_renew(struct cs_enrolment *e)
{
    cs_schedule_hurry(&e->schedule, &e->loop->now);
    if (!e->fetch)
        set_timer(e);
}

const struct cs_holding *cs_enrolment_holding(const struct cs_enrolment *e)
{
    return e->holding;
}

int64_t cs_enrolment_next_ms(const struct cs_enrolment *e)
{
    return cs_schedule_next_ms(&e->schedule, &e->loop->now);
}

bool cs_enrolment_usable(const struct cs_enrolment *e)
{
    return cs_schedule_usable(&e->schedule, &e->loop->now);
}

int cs_enrolment_note_reload(struct cs_enrolment *e)
{
    return cs_wallet_note_reload(e->wallet);
}

/* ---- the beginning ---- */

static struct cs_claims copy_claims(const struct cs_claims *claims, struct cs_arena *arena)
{
    struct cs_claim *items = cs_arena_array(arena, claims->n + 1, sizeof(*items));

    for (size_t i = 0; i < claims->n; i++) {
        items[i].kind = claims->items[i].kind;
        items[i].value = cs_arena_dup(arena, claims->items[i].value);
    }
    return (struct cs_claims){items, claims->n};
}

static void copy_plan(struct cs_enrolment *e, const struct cs_enrol_plan *plan)
{
    e->plan = *plan;
    e->plan.url = cs_arena_dup(&e->arena, plan->url);
    e->plan.token = cs_arena_dup(&e->arena, plan->token);
    e->plan.token_file = cs_arena_dup(&e->arena, plan->token_file);
    e->plan.profile = cs_arena_dup(&e->arena, plan->profile);
    e->plan.folder = cs_arena_dup(&e->arena, plan->folder);
    e->plan.names = copy_claims(&plan->names, &e->arena);
    e->plan.roots = e->trust = cs_arena_dup(&e->arena, plan->roots);
    e->plan.timeout_ms = plan->timeout_ms ? plan->timeout_ms : TIMEOUT_MS;
}

/* Whether the fingerprint is of a root that is held, or of the one that was trusted first: that may
 * have been exchanged since. */
static bool is_known(struct cs_enrolment *e, const struct cs_holding *holding)
{
    uint8_t first[32];

    return cs_papers_root(holding->papers.ca, e->plan.pin, &e->scratch).len ||
           (cs_pin_parse(holding->state.fingerprint, first) == 0 &&
            memcmp(first, e->plan.pin, sizeof(first)) == 0);
}

/* Why what the folder holds is not what the plan is about; NULL: it is. */
static const char *differs(struct cs_enrolment *e, const struct cs_holding *holding)
{
    const struct cs_enrol_plan *plan = &e->plan;
    struct cs_str lack = cs_papers_lack(&holding->papers, &plan->names, &e->scratch);

    if (lack.len)
        return cs_arena_printf(&e->scratch, "its certificate is not for %.*s", CS_FMT(lack)).ptr;
    if (plan->profile.len && !cs_str_eq(plan->profile, holding->state.profile))
        return "its certificate was asked for with another profile";
    if (plan->roots.len && !cs_papers_share(plan->roots, holding->papers.ca, &e->scratch))
        return "it is of another authority";
    if (plan->pinned && !is_known(e, holding))
        return "none of its roots has the fingerprint that was named";
    return NULL;
}

/* What the plan leaves open is as it was. */
static void fill_plan(struct cs_enrolment *e, const struct cs_enrol_state *state)
{
    struct cs_enrol_plan *plan = &e->plan;
    struct cs_claim *names;

    if (!plan->url.len)
        plan->url = cs_arena_dup(&e->arena, state->url);
    if (!plan->profile.len)
        plan->profile = cs_arena_dup(&e->arena, state->profile);
    if (!plan->pinned)
        plan->pinned = cs_pin_parse(state->fingerprint, plan->pin) == 0;
    if (!plan->ttl_sec)
        plan->ttl_sec = state->ttl_sec;
    if (!plan->has_key_kind)
        plan->key_kind = state->key_kind;
    if (plan->names.n)
        return;
    names = cs_arena_array(&e->arena, state->n_names + 1, sizeof(*names));
    for (size_t i = 0; i < state->n_names; i++) {
        if (!cs_claim_parse(cs_arena_dup(&e->arena, state->names[i]), &e->arena,
                            &names[plan->names.n]))
            plan->names.n++;
    }
    plan->names.items = names;
}

static void remark_unusable(struct cs_enrolment *e, const char *why)
{
    CS_FIND(&e->findings, CS_ENROL_KIND(HELD_UNUSABLE), NULL, e->plan.folder, cs_str_from(why));
    e->ears->remarked(e->ctx, e->findings.last, CS_LOG_WARN);
}

static void take_holding(struct cs_enrolment *e)
{
    struct cs_holding *holding = NULL;
    const char *why = cs_wallet_load(e->wallet, &e->scratch, &holding);

    if (holding)
        why = differs(e, holding);
    if (why) {
        remark_unusable(e, why);
        cs_holding_free(holding);
    } else if (holding) {
        e->holding = holding;
        fill_plan(e, &holding->state);
        cs_schedule_holds(&e->schedule, &holding->papers.life, &e->loop->now);
    }
}

static int refuse(struct cs_findings *findings, int r, const struct cs_finding_kind *kind,
                  struct cs_str subject, struct cs_str why)
{
    CS_FIND(findings, kind, NULL, subject, why);
    return r;
}

static int check_plan(struct cs_enrolment *e, struct cs_findings *findings)
{
    const struct cs_finding_kind *missing = CS_ENROL_KIND(ENROLMENT_INCOMPLETE);
    struct cs_url url = {0};
    const char *why;

    if (!e->plan.url.len)
        return refuse(findings, -EINVAL, missing, CS_STR("the address of the authority"),
                      e->plan.folder);
    why = cs_url_parse(e->plan.url, &url);
    if (!why && !url.https)
        why = "does not begin with https://";
    if (why)
        return refuse(findings, -EINVAL, CS_ENROL_KIND(ADDRESS_UNUSABLE), e->plan.url,
                      cs_str_from(why));
    if (!e->plan.names.n)
        return refuse(findings, -EINVAL, missing, CS_STR("a name to ask for"), e->plan.folder);
    if (!e->plan.pinned && !e->trust.len && !e->holding)
        return refuse(findings, -EINVAL, missing, CS_STR("the fingerprint of the authority's root"),
                      e->plan.folder);
    return 0;
}

static const char *folder_words(int error)
{
    switch (error) {
    case -EBUSY: return "another process is at work in it";
    case -EEXIST: return "there is a file in it that has one of our names and is not ours";
    default: return strerror(-error);
    }
}

static int prepare(struct cs_enrolment *e, struct cs_findings *findings)
{
    const char *why = "";
    int r = cs_wallet_open(e->plan.folder.ptr, &e->wallet);

    if (r < 0)
        return refuse(findings, r, CS_ENROL_KIND(FOLDER_UNUSABLE), e->plan.folder,
                      cs_str_from(folder_words(r)));
    take_holding(e);
    r = check_plan(e, findings);
    if (r < 0)
        return r;
    r = cs_fetcher_new(e->loop, &e->fetcher, &why);
    return r < 0 ? refuse(findings, r, CS_ENROL_KIND(LIBRARY_MISSING), cs_str_from(why),
                          (struct cs_str){0})
                 : 0;
}

int cs_enrolment_new(struct cs_loop *loop, const struct cs_enrol_plan *plan,
                     const struct cs_enrol_ears *ears, void *ctx, struct cs_findings *findings,
                     struct cs_enrolment **ret_enrolment)
{
    struct cs_enrolment *e = CS_NEW(struct cs_enrolment);
    int r;

    e->loop = loop;
    e->ears = ears;
    e->ctx = ctx;
    e->timer.fire = on_timer;
    cs_findings_init(&e->findings, &e->scratch);
    copy_plan(e, plan);
    r = prepare(e, findings);
    if (r < 0)
        cs_enrolment_free(e);
    else
        *ret_enrolment = e;
    return r;
}

struct cs_enrolment *cs_enrolment_free(struct cs_enrolment *e)
{
    if (!e)
        return NULL;
    cs_timer_cancel(e->loop, &e->timer);
    cs_fetch_free(e->fetch);
    cs_key_free(e->key);
    cs_fetcher_free(e->fetcher);
    cs_holding_free(e->holding);
    cs_wallet_close(e->wallet);
    cs_wipe((char *)e->plan.token.ptr, e->plan.token.len);
    cs_arena_deinit(&e->scratch);
    cs_arena_deinit(&e->arena);
    free(e);
    return NULL;
}
