/* enrol: what to ask for, out of the options; then what happens, as lines of a log for a process
 * that stays, as sentences for one that does not, or as JSON for programs. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/report.h"
#include "enrol/agent.h"
#include "explain/finding.h"
#include "io/log.h"

enum { LINE_MAX_BYTES = 64 << 10, NAMES_MAX = 64 };

struct request {
    const struct cs_line *line;
    struct cs_arena arena;
    struct cs_agent_plan plan;
    struct cs_sinks sinks;
    struct cs_log_target target;
    struct cs_log log;
};

static const char *option(const struct request *q, enum cs_option which)
{
    return q->line->values[which];
}

static int refuse(const char *what)
{
    return cs_report_usage("enrol", what);
}

/* ---- options ---- */

static int take_names(struct request *q)
{
    struct cs_str rest = cs_str_from(option(q, CS_OPT_IDENTITY));
    struct cs_claim *names = cs_arena_array(&q->arena, NAMES_MAX, sizeof(*names));
    size_t n = 0;

    while (rest.len) {
        struct cs_str name = cs_str_trim(cs_str_cut(&rest, ','));
        const char *why = n == NAMES_MAX ? "those are too many names"
                                         : cs_claim_parse(name, &q->arena, &names[n++]);
        if (why)
            return refuse(
                cs_arena_printf(&q->arena, "--identity: \"%.*s\": %s", CS_FMT(name), why).ptr);
    }
    q->plan.enrol.names = (struct cs_claims){names, n};
    return CS_EXIT_OK;
}

static int take_fingerprint(struct request *q)
{
    const char *text = option(q, CS_OPT_FINGERPRINT);

    q->plan.enrol.pinned = text != NULL;
    if (text && cs_pin_parse(cs_str_from(text), q->plan.enrol.pin) < 0)
        return refuse("--fingerprint wants a SHA-256: 64 hexadecimal digits, colons allowed");
    return CS_EXIT_OK;
}

static int take_times(struct request *q)
{
    const char *ttl = option(q, CS_OPT_TTL), *timeout = option(q, CS_OPT_TIMEOUT);
    uint64_t seconds = 10;

    if (ttl && (cs_options_span(cs_str_from(ttl), &q->plan.enrol.ttl_sec) < 0 ||
                q->plan.enrol.ttl_sec < 1 || q->plan.enrol.ttl_sec > INT64_C(3153600000)))
        return refuse("--ttl wants a length of time, such as 12h or 30d, at most 100y");
    if (timeout && (cs_str_to_u64(cs_str_from(timeout), 3600, &seconds) < 0 || !seconds))
        return refuse("--timeout wants a number of seconds, at most 3600");
    q->plan.enrol.timeout_ms = (int64_t)seconds * 1000;
    return CS_EXIT_OK;
}

static int take_key_kind(struct request *q)
{
    const char *text = option(q, CS_OPT_KEY_TYPE);

    q->plan.enrol.has_key_kind = text != NULL;
    if (text && cs_make_kind_parse(cs_str_from(text), &q->plan.enrol.key_kind) < 0)
        return refuse("--key-type wants ec-p256, ec-p384, ed25519, rsa-2048, rsa-3072 or rsa-4096");
    return CS_EXIT_OK;
}

static int take_rest(struct request *q)
{
    struct cs_enrol_plan *plan = &q->plan.enrol;

    if (!option(q, CS_OPT_OUT) || !*option(q, CS_OPT_OUT))
        return refuse("say where to keep the certificate: --out DIR");
    if (option(q, CS_OPT_TOKEN) && option(q, CS_OPT_TOKEN_FILE))
        return refuse("--token and --token-file do not go together");
    plan->folder = cs_str_from(option(q, CS_OPT_OUT));
    plan->url = cs_str_from(option(q, CS_OPT_AUTHORITY));
    plan->token = cs_str_from(option(q, CS_OPT_TOKEN));
    plan->token_file = cs_str_from(option(q, CS_OPT_TOKEN_FILE));
    plan->profile = cs_str_from(option(q, CS_OPT_PROFILE));
    q->plan.reload_command = option(q, CS_OPT_RELOAD_CMD);
    q->plan.stay = cs_line_has(q->line, CS_OPT_WATCH) && !cs_line_has(q->line, CS_OPT_ONCE);
    q->plan.renew = cs_line_has(q->line, CS_OPT_RENEW);
    return CS_EXIT_OK;
}

static int take_options(struct request *q)
{
    static int (*const parts[])(struct request *) = {take_rest, take_names, take_fingerprint,
                                                     take_times, take_key_kind};
    int status = CS_EXIT_OK;

    for (size_t i = 0; status == CS_EXIT_OK && i < sizeof(parts) / sizeof(parts[0]); i++)
        status = parts[i](q);
    return status;
}

/* ---- what happens, in words ---- */

static const char *const event_names[] = {
    [CS_AGENT_ISSUED] = "issued", [CS_AGENT_RENEWED] = "renewed", [CS_AGENT_HELD] = "held",
    [CS_AGENT_FAILED] = "failed", [CS_AGENT_REMARK] = "remark",   [CS_AGENT_RELOADED] = "reloaded",
    [CS_AGENT_TOLD] = "signal",
};

static int add_held(const struct cs_agent_news *news, struct cs_arena *arena, struct cs_buf *buf)
{
    const struct cs_papers *papers = &news->holding->papers;
    char end[CS_TIME_TEXT];

    return cs_buf_addf(buf, "certificate %.*s for %.*s, good until %.*s", CS_FMT(papers->serial),
                       CS_FMT(cs_cert_names_text(&papers->leaf, arena)),
                       CS_FMT(cs_time_iso(papers->life.not_after, end)));
}

static int add_retry(const struct cs_agent_news *news, struct cs_buf *buf)
{
    const struct cs_enrol_failure *failure = news->failure;
    char again[CS_TIME_TEXT], left[CS_TIME_TEXT];
    int r = cs_buf_addf(buf, "; tried again in %.*s",
                        CS_FMT(cs_time_span((failure->retry_ms + 999) / 1000, again)));

    if (failure->usable)
        return r || cs_buf_addf(buf, "; the certificate here is good for %.*s more",
                                CS_FMT(cs_time_span(failure->left_sec, left)));
    return r || cs_buf_addf(buf, "; there is no good certificate here");
}

/* One clause or more, without a newline. */
static int add_line(enum cs_agent_event event, const struct cs_agent_news *news,
                    struct cs_arena *arena, struct cs_buf *buf)
{
    char span[CS_TIME_TEXT];

    switch (event) {
    case CS_AGENT_ISSUED: return cs_buf_addf(buf, "got ") || add_held(news, arena, buf);
    case CS_AGENT_RENEWED: return cs_buf_addf(buf, "renewed: ") || add_held(news, arena, buf);
    case CS_AGENT_HELD:
        return add_held(news, arena, buf) ||
               cs_buf_addf(buf, "; to be renewed in %.*s",
                           CS_FMT(cs_time_span(news->next_ms / 1000, span)));
    case CS_AGENT_FAILED: return cs_explain_line(news->finding, buf) || add_retry(news, buf);
    case CS_AGENT_REMARK: return cs_explain_line(news->finding, buf);
    case CS_AGENT_RELOADED: return cs_buf_addf(buf, "the reload command has run");
    case CS_AGENT_TOLD:
        return cs_buf_addf(buf,
                           news->signal == SIGHUP ? "signal %d: renewing" : "signal %d: leaving",
                           news->signal);
    }
    return 0;
}

static void log_line(struct request *q, enum cs_agent_event event, const struct cs_agent_news *news,
                     struct cs_buf *buf)
{
    enum cs_log_level level = news->level ? news->level : CS_LOG_NOTICE;

    add_line(event, news, &q->arena, buf);
    cs_log_line(&q->log, level, news->now, getpid(), 0, cs_buf_str(buf));
}

static void print(struct request *q, enum cs_agent_event event, const struct cs_agent_news *news,
                  struct cs_buf *buf)
{
    FILE *stream = news->finding ? stderr : stdout;

    if (news->finding &&
        cs_explain_finding(news->finding, CS_EXPLAIN_TEXT, cs_report_colour(stderr), buf) == 0)
        cs_buf_addf(buf, "  code: %s\n", news->finding->kind->code);
    else if (add_line(event, news, &q->arena, buf) == 0)
        cs_buf_add_char(buf, '\n');
    fwrite(buf->ptr, 1, buf->len, stream);
    fflush(stream);
}

/* ---- the same for programs ---- */

static int add_text(struct cs_buf *buf, const char *name, struct cs_str value)
{
    return cs_buf_addf(buf, ",\"%s\":", name) || cs_buf_add_json(buf, value);
}

static int add_time(struct cs_buf *buf, const char *name, int64_t sec)
{
    char text[CS_TIME_TEXT];

    return add_text(buf, name, cs_time_iso(sec, text));
}

static int add_file(struct request *q, struct cs_buf *buf, const char *name, const char *file)
{
    return add_text(buf, name,
                    cs_arena_printf(&q->arena, "%.*s/%s", CS_FMT(q->plan.enrol.folder), file));
}

static int add_holding_json(struct request *q, const struct cs_holding *holding, struct cs_buf *buf)
{
    const struct cs_papers *papers = &holding->papers;

    return add_text(buf, "serial", papers->serial) ||
           add_text(buf, "names", cs_cert_names_text(&papers->leaf, &q->arena)) ||
           add_time(buf, "not_before", papers->life.not_before) ||
           add_time(buf, "not_after", papers->life.not_after) ||
           add_time(buf, "renew_at", papers->life.renew_at) || add_file(q, buf, "key", "key.pem") ||
           add_file(q, buf, "cert", "cert.pem") || add_file(q, buf, "ca", "ca.pem");
}

static int add_failure_json(const struct cs_enrol_failure *failure, struct cs_buf *buf)
{
    return cs_buf_addf(buf, ",\"refused\":%s,\"usable\":%s,\"left_sec\":%lld,\"retry_ms\":%lld",
                       failure->refused ? "true" : "false", failure->usable ? "true" : "false",
                       (long long)failure->left_sec, (long long)failure->retry_ms);
}

static void print_json(struct request *q, enum cs_agent_event event,
                       const struct cs_agent_news *news, struct cs_buf *buf)
{
    bool held = event == CS_AGENT_ISSUED || event == CS_AGENT_RENEWED || event == CS_AGENT_HELD;
    int r = cs_buf_addf(buf, "{\"event\":\"%s\"", event_names[event]);

    if (news->level)
        r = r || add_text(buf, "level", cs_str_from(cs_log_level_name(news->level)));
    if (held)
        r = r || add_holding_json(q, news->holding, buf);
    if (news->failure)
        r = r || add_failure_json(news->failure, buf);
    if (news->finding)
        r = r || cs_buf_addf(buf, ",\"finding\":") ||
            cs_explain_finding(news->finding, CS_EXPLAIN_JSON, false, buf);
    if (event == CS_AGENT_TOLD)
        r = r || cs_buf_addf(buf, ",\"signal\":%d", news->signal);
    r = r || cs_buf_addf(buf, "}\n");
    if (r == 0)
        fwrite(buf->ptr, 1, buf->len, stdout);
    fflush(stdout);
}

static void report(void *ctx, enum cs_agent_event event, const struct cs_agent_news *news)
{
    struct request *q = ctx;
    struct cs_buf buf;

    cs_buf_init(&buf, LINE_MAX_BYTES);
    if (cs_line_has(q->line, CS_OPT_JSON))
        print_json(q, event, news, &buf);
    else if (q->plan.stay)
        log_line(q, event, news, &buf);
    else
        print(q, event, news, &buf);
    cs_buf_deinit(&buf);
}

/* ---- the whole ---- */

static int open_log(struct request *q)
{
    int r;

    cs_sinks_init(&q->sinks);
    q->target.level = CS_LOG_INFO;
    r = cs_sinks_open(&q->sinks, "stderr", &q->target.sink);
    q->log = (struct cs_log){&q->target, 1};
    return r;
}

static int run(struct request *q)
{
    switch (cs_agent_run(&q->plan, report, q)) {
    case CS_AGENT_DONE: return CS_EXIT_OK;
    case CS_AGENT_REFUSED: return CS_EXIT_FAILED;
    case CS_AGENT_FAULT: break;
    }
    return CS_EXIT_USAGE;
}

int cs_cmd_enrol(const struct cs_line *line)
{
    struct request q = {.line = line};
    int status = take_options(&q);

    if (status == CS_EXIT_OK)
        status = open_log(&q) < 0 ? CS_EXIT_USAGE : run(&q);
    if (q.sinks.list.next)
        cs_sinks_deinit(&q.sinks);
    cs_arena_deinit(&q.arena);
    return status;
}
