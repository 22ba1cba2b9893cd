/* What the supervisor knows is written down when it is asked; what the workers say is added when
 * the last of them has. */
#include "daemon/status.h"

#include <jansson.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"
#include "daemon/expiry.h"
#include "daemon/gather.h"
#include "gateway/tally.h"
#include "snapshot/download.h"
#include "snapshot/errand.h"
#include "snapshot/note.h"
#include "snapshot/papers.h"
#include "snapshot/staple.h"
#include "telemetry/counters.h"
#include "x509/cert.h"
#include "x509/crl.h"
#include "x509/name.h"
#include "x509/standing.h"

struct asking {
    struct cs_gather gather;
    struct cs_asked *asked;
    json_t *answer;
};

/* ---- values ---- */

static json_t *text_of(struct cs_str s)
{
    json_t *text = json_stringn(s.ptr ? s.ptr : "", s.len);

    return text ? text : json_string("(not UTF-8)");
}

static json_t *time_of(int64_t sec)
{
    char text[CS_TIME_TEXT];

    return text_of(cs_time_iso(sec, text));
}

static void put_text(json_t *object, const char *name, struct cs_str value)
{
    json_object_set_new(object, name, text_of(value));
}

static void put_number(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

/* ---- papers ---- */

static void put_certificate(json_t *object, const struct cs_cert *cert, struct cs_arena *arena)
{
    char sha256[2 * sizeof(cert->sha256)];

    put_text(object, "issuer", cs_name_text(cert->issuer, arena));
    put_text(object, "serial", cs_serial_text(cert->serial, arena));
    cs_hex_encode(cert->sha256, sizeof(cert->sha256), false, sha256);
    put_text(object, "sha256", cs_str_make(sha256, sizeof(sha256)));
}

static const char *state_of(const struct cs_paper *paper, int64_t now_sec)
{
    int64_t steps[CS_EXPIRY_STEPS];

    cs_expiry_steps(paper->from, paper->until, steps);
    if (paper->until <= now_sec)
        return "expired";
    if (paper->from > now_sec)
        return "not yet valid";
    return steps[0] <= now_sec ? "expires soon" : "good";
}

static json_t *paper_of(const struct cs_paper *paper, int64_t now_sec, struct cs_arena *arena)
{
    json_t *object = json_object();

    json_object_set_new(object, "kind", json_string(cs_paper_kind_name(paper->kind)));
    put_text(object, "name", cs_paper_name(paper, arena));
    if (paper->kind == CS_PAPER_LIST)
        put_number(object, "entries", paper->n_entries);
    else
        put_certificate(object, &paper->cert, arena);
    json_object_set_new(object, "from", time_of(paper->from));
    if (paper->until != INT64_MAX) {
        json_object_set_new(object, "until", time_of(paper->until));
        json_object_set_new(object, "left_sec", json_integer(paper->until - now_sec));
    }
    if (paper->issuing)
        json_object_set_new(object, "issuing", json_true());
    put_text(object, "file", paper->file);
    put_text(object, "place",
             cs_arena_printf(arena, "%.*s:%u", CS_FMT(paper->place.file), paper->place.line));
    put_text(object, "used_by", paper->used_by);
    json_object_set_new(object, "changed", time_of(paper->modified_sec));
    json_object_set_new(object, "differs", json_boolean(paper->differs));
    json_object_set_new(object, "state", json_string(state_of(paper, now_sec)));
    return object;
}

static json_t *papers_of(const struct cs_service *service)
{
    struct cs_arena arena = {0};
    const struct cs_paper *papers;
    size_t n = cs_papers_list(service->snapshot, &arena, &papers);
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, paper_of(&papers[i], service->now_sec, &arena));
    cs_arena_deinit(&arena);
    return list;
}

/* ---- errands ---- */

/* Whether what it brings is there: it may be one that has expired, which the papers say. */
static bool is_there(const struct cs_errand *errand)
{
    struct cs_arena arena = {0};
    bool there =
        access(cs_arena_printf(&arena, "%.*s/cert.pem", CS_FMT(errand->folder)).ptr, F_OK) == 0;

    cs_arena_deinit(&arena);
    return there;
}

static json_t *errand_of(const struct cs_errand *errand)
{
    const struct cs_errand_news *news = errand->news;
    json_t *object = json_object(), *names = json_array();

    for (size_t i = 0; i < errand->n_names; i++)
        json_array_append_new(names, text_of(errand->names[i]));
    json_object_set_new(object, "names", names);
    put_text(object, "authority", errand->url.len ? errand->url : CS_STR("built in"));
    put_text(object, "folder", errand->folder);
    json_object_set_new(object, "state",
                        json_string(!is_there(errand)         ? "awaited"
                                    : news->failing_since_sec ? "not renewed"
                                                              : "held"));
    if (news->failing_since_sec) {
        json_object_set_new(object, "failing_since", time_of(news->failing_since_sec));
        put_text(object, "error", cs_str_from(news->why));
    }
    return object;
}

static json_t *errands_of(const struct cs_snapshot *snapshot)
{
    json_t *list = json_array();

    for (const struct cs_errand *e = snapshot->errands; e; e = e->next)
        json_array_append_new(list, errand_of(e));
    return list;
}

/* ---- downloads ---- */

static void put_fetched(json_t *object, const struct cs_note *note)
{
    if (note->fetched_sec) {
        json_object_set_new(object, "fetched", time_of(note->fetched_sec));
        json_object_set_new(object, "due", time_of(note->due_sec));
    }
    if (note->failing_since_sec) {
        json_object_set_new(object, "failing_since", time_of(note->failing_since_sec));
        put_text(object, "error", note->why);
    }
}

static json_t *download_of(const struct cs_download *download)
{
    struct cs_note note;
    struct cs_arena arena = {0};
    json_t *object = json_object();
    bool there = access(download->file.ptr, F_OK) == 0;

    cs_note_read(download->note, &arena, &note);
    put_text(object, "url", download->url);
    put_text(object, "file", download->file);
    json_object_set_new(object, "state",
                        json_string(!there                   ? "awaited"
                                    : note.failing_since_sec ? "not renewed"
                                                             : "held"));
    put_fetched(object, &note);
    cs_arena_deinit(&arena);
    return object;
}

static json_t *downloads_of(const struct cs_snapshot *snapshot)
{
    json_t *list = json_array();

    for (const struct cs_download *d = snapshot->downloads; d; d = d->next)
        json_array_append_new(list, download_of(d));
    return list;
}

/* ---- what responders said ---- */

enum { STANDINGS_MAX = 100 }; /* those that were used last */

struct standings {
    const struct cs_service *service;
    json_t *items;
    size_t n, n_passed_over;
    size_t n_said[CS_OCSP_UNKNOWN + 1], n_failing;
};

static void put_answer(json_t *object, const struct cs_standing *s, int64_t now_sec)
{
    json_object_set_new(object, "said", text_of(cs_ocsp_status_text(s->said)));
    json_object_set_new(object, "answered", time_of(s->received_sec));
    json_object_set_new(object, "age_sec", json_integer(now_sec - s->received_sec));
    json_object_set_new(object, "until", time_of(s->next_update));
    if (s->said != CS_OCSP_REVOKED)
        return;
    json_object_set_new(object, "revoked", time_of(s->revoked_at));
    put_text(object, "reason", cs_crl_reason_text(s->reason));
}

static json_t *standing_of(const struct cs_standing *s, const struct cs_service *service)
{
    json_t *object = json_object();

    put_text(object, "serial", cs_str_from(s->serial));
    put_text(object, "responder", cs_str_from(s->url));
    if (s->answered)
        put_answer(object, s, service->now_sec);
    if (s->failure) {
        put_text(object, "failure", cs_standing_failure_text(s->failure));
        put_text(object, "error", cs_str_from(s->words));
        json_object_set_new(object, "failed_sec_ago",
                            json_integer((service->now_ms - s->failed_ms) / 1000));
    }
    return object;
}

static void add_standing(void *ctx, const struct cs_standing *s)
{
    struct standings *all = ctx;

    if (s->answered)
        all->n_said[s->said]++;
    all->n_failing += s->failure != CS_OCSP_FAILURE_NONE;
    if (all->n++ < all->n_passed_over)
        return;
    json_array_insert_new(all->items, 0, standing_of(s, all->service));
}

static json_t *standings_of(const struct cs_service *service)
{
    struct standings all = {.service = service, .items = json_array()};
    size_t n = cs_standings_count(service->standings);

    all.n_passed_over = n > STANDINGS_MAX ? n - STANDINGS_MAX : 0;
    cs_standings_each(service->standings, add_standing, &all);
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:o}", "certificates", (json_int_t)all.n, "good",
                     (json_int_t)all.n_said[CS_OCSP_GOOD], "revoked",
                     (json_int_t)all.n_said[CS_OCSP_REVOKED], "unknown",
                     (json_int_t)all.n_said[CS_OCSP_UNKNOWN], "failing", (json_int_t)all.n_failing,
                     "last", all.items);
}

/* ---- staples ---- */

static const char *staple_state(bool shown, const struct cs_note *note)
{
    return !shown ? "awaited" : note->failing_since_sec ? "not renewed" : "held";
}

static void put_response(json_t *object, const struct cs_ocsp_answer *answer)
{
    put_text(object, "says", cs_ocsp_status_text(answer->status));
    json_object_set_new(object, "from", time_of(answer->this_update));
    if (answer->next_update != INT64_MAX)
        json_object_set_new(object, "until", time_of(answer->next_update));
}

static json_t *staple_of(const struct cs_staple *staple, int64_t now_sec)
{
    struct cs_arena arena = {0};
    struct cs_standing_question question = {.url = staple->responder};
    enum cs_staple_stage stage = cs_staple_question(staple, &arena, &question);
    struct cs_ocsp_answer answer;
    json_t *object = json_object();
    bool shown = cs_staple_in_force(staple, now_sec, &answer);
    struct cs_note note;

    cs_note_read(staple->note, &arena, &note);
    put_text(object, "certificate", staple->certificate);
    put_text(object, "responder", question.url);
    put_text(object, "file", staple->file);
    if (stage == CS_STAPLE_ASKED || stage == CS_STAPLE_AWAITED) {
        json_object_set_new(object, "state", json_string(staple_state(shown, &note)));
        put_fetched(object, &note);
    } else {
        json_object_set_new(object, "state", json_string("ignored"));
        put_text(object, "error", cs_staple_stage_text(stage));
    }
    if (shown)
        put_response(object, &answer);
    cs_arena_deinit(&arena);
    return object;
}

static json_t *staples_of(const struct cs_service *service)
{
    json_t *list = json_array();

    for (const struct cs_staple *s = service->snapshot->staples; s; s = s->next)
        json_array_append_new(list, staple_of(s, service->now_sec));
    return list;
}

/* ---- the rest ---- */

static json_t *counts_of(const struct cs_counters *counters)
{
    json_t *list = json_array();
    struct cs_count count;

    for (size_t at = 0; counters && cs_counters_next(counters, &at, &count);) {
        json_t *row = json_object();
        put_text(row, "code", count.code);
        put_text(row, "listener", count.listener);
        put_text(row, "server", count.server);
        put_number(row, "count", count.n);
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *revoked_of(struct cs_revocations *revocations)
{
    json_t *object = json_object();

    if (!revocations)
        return object;
    put_number(object, "count", cs_revoked_set_count(cs_revocations_set0(revocations)));
    put_text(object, "file", cs_str_from(cs_revocations_file0(revocations)));
    return object;
}

static json_t *answer_of(const struct cs_service *service)
{
    json_t *answer = json_object();

    json_object_set_new(answer, "ok", json_true());
    json_object_set_new(answer, "version", json_string(CS_VERSION));
    put_number(answer, "pid", (uint64_t)getpid());
    json_object_set_new(answer, "now", time_of(service->now_sec));
    json_object_set_new(answer, "started", time_of(service->started_sec));
    json_object_set_new(answer, "loaded", time_of(service->loaded_sec));
    put_text(answer, "configuration", service->config_path);
    json_object_set_new(answer, "workers", json_array());
    if (service->snapshot) {
        json_object_set_new(answer, "papers", papers_of(service));
        json_object_set_new(answer, "errands", errands_of(service->snapshot));
        json_object_set_new(answer, "downloads", downloads_of(service->snapshot));
        json_object_set_new(answer, "staples", staples_of(service));
    }
    json_object_set_new(answer, "revoked", revoked_of(service->revocations));
    if (service->standings)
        json_object_set_new(answer, "ocsp", standings_of(service));
    json_object_set_new(answer, "failures", counts_of(service->counters));
    json_object_set_new(answer, "admissions", counts_of(service->admissions));
    return answer;
}

/* ---- workers ---- */

static void on_replied(struct cs_gather *gather, struct cs_str words)
{
    struct asking *asking = cs_container_of(gather, struct asking, gather);
    struct cs_tally tally;
    json_t *worker;

    if (words.len != sizeof(tally))
        return;
    memcpy(&tally, words.ptr, sizeof(tally));
    worker = json_object();
    put_number(worker, "pid", tally.pid);
    json_object_set_new(worker, "draining", json_boolean(tally.draining));
    put_number(worker, "connections", tally.connections);
    put_number(worker, "verified", tally.verified);
    put_number(worker, "idle", tally.idle);
    put_number(worker, "upstreams", tally.upstreams);
    put_number(worker, "cut", tally.cut);
    put_number(worker, "revoked", tally.revoked);
    json_array_append_new(json_object_get(asking->answer, "workers"), worker);
}

/* Whether nothing needs a person: what will expire is a matter of days. */
static bool is_healthy(const json_t *answer)
{
    static const char *const fetched[] = {"errands", "downloads", "staples"};
    const json_t *item;
    json_int_t revoked =
        json_integer_value(json_object_get(json_object_get(answer, "revoked"), "count"));
    size_t i;

    json_array_foreach(json_object_get(answer, "papers"), i, item)
    {
        const char *state = json_string_value(json_object_get(item, "state"));
        if (json_is_true(json_object_get(item, "differs")) || strcmp(state, "expired") == 0 ||
            strcmp(state, "not yet valid") == 0)
            return false;
    }
    for (size_t k = 0; k < sizeof(fetched) / sizeof(fetched[0]); k++) {
        json_array_foreach(json_object_get(answer, fetched[k]), i, item)
        {
            if (strcmp(json_string_value(json_object_get(item, "state")), "awaited") == 0)
                return false;
        }
    }
    json_array_foreach(json_object_get(answer, "workers"), i, item)
    {
        if (json_integer_value(json_object_get(item, "revoked")) != revoked)
            return false;
    }
    return json_integer_value(json_object_get(answer, "silent_workers")) == 0;
}

static void on_told(struct cs_gather *gather)
{
    struct asking *asking = cs_container_of(gather, struct asking, gather);

    put_number(asking->answer, "silent_workers", gather->n_late + gather->n_refused);
    json_object_set_new(asking->answer, "healthy", json_boolean(is_healthy(asking->answer)));
    cs_asked_answer(asking->asked, cs_take(asking->answer));
}

static void on_over(struct cs_gather *gather)
{
    free(cs_container_of(gather, struct asking, gather));
}

void cs_status_ask(const struct cs_service *service, struct cs_asked *asked)
{
    struct asking *asking = CS_NEW(struct asking);

    asking->asked = asked;
    asking->answer = answer_of(service);
    asking->gather.replied = on_replied;
    asking->gather.told = on_told;
    asking->gather.over = on_over;
    cs_gather_begin(&asking->gather, service->crews, service->n_crews, CS_TELL_TALLY,
                    (struct cs_str){0}, -1);
}
