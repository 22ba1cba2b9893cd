/* ca crl, ca token, ca profiles, ca audit: what the CA gives out beside certificates, and what it
 * knows about itself. */
#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/time.h"
#include "cmd/ca.h"
#include "explain/text.h"
#include "io/file.h"
#include "x509/pem.h"

enum { HOUR = 3600 };

/* ---- crl ---- */

static int read_number(const struct cs_ca_job *job, enum cs_option option, uint64_t max,
                       uint64_t *ret)
{
    const char *value = job->line->values[option];

    if (value && cs_str_to_u64(cs_str_from(value), max, ret) < 0)
        return cs_ca_job_usage(job, "--%s wants a number", cs_option_rows()[option].name);
    return CS_EXIT_OK;
}

static int active_issuer(struct cs_ca_job *job, uint64_t *ret_id)
{
    const struct cs_issuer *issuer = cs_ca_signing(job->ca, false);

    if (!issuer)
        return cs_ca_job_fail(job, CS_EXIT_USAGE, "--issuer NUMBER says which list",
                              "no issuing CA is active");
    *ret_id = issuer->id;
    return CS_EXIT_OK;
}

static void tell_list(struct cs_ca_job *job, const struct cs_ca_list *list, const char *path)
{
    struct cs_sheet *sheet = &job->sheet;

    cs_sheet_open(sheet, NULL);
    cs_sheet_text(sheet, "file", "file", cs_str_from(path));
    cs_sheet_number(sheet, "number", "number", (int64_t)list->number);
    cs_sheet_text(sheet, "made at", "this_update", cs_ca_time(job, list->this_update));
    cs_sheet_text(sheet, "next one", "next_update", cs_ca_time(job, list->next_update));
    cs_sheet_close(sheet);
}

static int put_list(struct cs_ca_job *job, const struct cs_ca_list *list)
{
    const char *path = job->line->n_operands ? job->line->operands[0] : NULL;
    struct cs_buf pem;
    int r;

    cs_buf_init(&pem, CS_CA_TEXT_MAX);
    r = cs_pem_write(&pem, CS_STR("X509 CRL"), list->der);
    if (r == 0 && path)
        r = cs_file_write(path, cs_buf_str(&pem), 0644);
    if (r == 0 && !path && !job->json)
        r = cs_buf_add_str(&job->text, cs_buf_str(&pem));
    cs_buf_deinit(&pem);
    if (r < 0 && path)
        return cs_ca_job_fail(job, CS_EXIT_FAILED, NULL, "cannot write \"%s\": %s", path,
                              strerror(-r));
    if (r == 0 && (path || job->json))
        tell_list(job, list, path);
    return cs_ca_job_status(job, r);
}

static int crl(struct cs_ca_job *job)
{
    uint64_t issuer = 0, shard = 0;
    struct cs_ca_list list;
    int status = read_number(job, CS_OPT_OF_ISSUER, UINT32_MAX, &issuer);

    status = status ? status : read_number(job, CS_OPT_SHARD, UINT16_MAX, &shard);
    status = status ? status : cs_ca_job_open(job, 0);
    if (!status && !issuer)
        status = active_issuer(job, &issuer);
    status = status ? status
                    : cs_ca_job_status(
                          job, cs_ca_crl(job->ca, (uint32_t)issuer,
                                         cs_line_has(job->line, CS_OPT_SHARD) ? (int)shard : -1,
                                         job->now_sec, &job->findings, &list));
    return status ? status : put_list(job, &list);
}

int cs_cmd_ca_crl(const struct cs_line *line)
{
    struct cs_ca_job job;
    int status = cs_ca_job_begin(&job, line);

    return cs_ca_job_end(&job, status ? status : crl(&job));
}

/* ---- token ---- */

static int read_patterns(struct cs_ca_job *job, struct cs_pattern_set *ret)
{
    size_t n = (size_t)job->line->n_operands;
    struct cs_pattern *items = cs_arena_array(&job->arena, n, sizeof(*items));

    for (size_t i = 0; i < n; i++) {
        struct cs_str text = cs_ca_job_name(job, cs_str_from(job->line->operands[i]));
        const char *why = cs_pattern_parse(text, &items[i]);
        if (why)
            return cs_ca_job_usage(job, "\"%.*s\" is no pattern of names: %s", CS_FMT(text), why);
    }
    *ret = (struct cs_pattern_set){items, n};
    return CS_EXIT_OK;
}

static struct cs_str default_profile(const struct cs_pattern_set *names)
{
    for (size_t i = 0; i < names->n; i++) {
        if (names->items[i].kind == CS_CLAIM_URI)
            return CS_STR("spiffe");
        if (names->items[i].kind == CS_CLAIM_DNS || names->items[i].kind == CS_CLAIM_IP)
            return CS_STR("server");
    }
    return CS_STR("client");
}

/* What is asked for with it: of patterns, that is for whoever asks to say. */
static struct cs_str identity_of(const struct cs_pattern_set *names, struct cs_arena *arena)
{
    struct cs_str text = {0};

    for (size_t i = 0; i < names->n; i++) {
        if (cs_str_find(names->items[i].text, '*') >= 0)
            return CS_STR("NAME");
        text = cs_arena_printf(arena, "%.*s%s%.*s", CS_FMT(text), i ? "," : "",
                               CS_FMT(cs_pattern_text(&names->items[i], arena)));
    }
    return text;
}

/* For people the token goes to standard output alone, so that it can be piped. */
static int tell_token(struct cs_ca_job *job, const struct cs_ca_token *token, const char *text)
{
    const struct cs_issuer *root = cs_ca_signing(job->ca, true);
    struct cs_str url = cs_ca_public_url(job->ca), fingerprint = {0};
    struct cs_sheet *sheet = &job->sheet;
    char until[CS_TIME_TEXT];

    if (root)
        fingerprint = cs_ca_fingerprint(job, &root->cert);
    if (!job->json) {
        fprintf(stderr,
                "good once, until %.*s; whoever has it can join:\n"
                "countersign enrol --ca %.*s --fingerprint %.*s --token-file FILE"
                " --identity %.*s --out DIR\n",
                CS_FMT(cs_time_iso(job->now_sec + token->ttl_sec, until)),
                CS_FMT(cs_str_starts(url, CS_STR("https:")) ? url : CS_STR("https://HOST:PORT")),
                CS_FMT(fingerprint), CS_FMT(identity_of(&token->names, &job->arena)));
        return cs_ca_job_status(job, cs_buf_addf(&job->text, "%s\n", text));
    }
    cs_sheet_open(sheet, NULL);
    cs_sheet_text(sheet, NULL, "token", cs_str_from(text));
    cs_sheet_text(sheet, NULL, "profile", token->profile);
    cs_sheet_text(sheet, NULL, "expires_at", cs_ca_time(job, job->now_sec + token->ttl_sec));
    cs_sheet_text(sheet, NULL, "ca", url);
    cs_sheet_text(sheet, NULL, "fingerprint", fingerprint);
    cs_sheet_close(sheet);
    return CS_EXIT_OK;
}

static int make_token(struct cs_ca_job *job)
{
    const char *profile = job->line->values[CS_OPT_PROFILE];
    struct cs_ca_token token = {0};
    char text[CS_CA_TOKEN_LEN + 1];
    int status;

    if (!job->line->n_operands)
        return cs_ca_job_usage(job, "no name is given that the token is for");
    status = read_patterns(job, &token.names);
    status = status ? status : cs_ca_job_ttl(job, CS_OPT_TTL, HOUR, &token.ttl_sec);
    status = status ? status : cs_ca_job_open(job, 0);
    if (status)
        return status;
    token.profile = profile ? cs_str_from(profile) : default_profile(&token.names);
    status = cs_ca_job_status(
        job, cs_ca_token_new(job->ca, &token, &job->who, job->now_sec, &job->findings, text));
    status = status ? status : tell_token(job, &token, text);
    cs_wipe(text, sizeof(text));
    return status;
}

int cs_cmd_ca_token(const struct cs_line *line)
{
    struct cs_ca_job job;
    int status = cs_ca_job_begin(&job, line);

    return cs_ca_job_end(&job, status ? status : make_token(&job));
}

/* ---- profiles ---- */

static void put_patterns(struct cs_ca_job *job, const char *label, const char *key,
                         const struct cs_pattern_set *patterns)
{
    cs_sheet_open_list(&job->sheet, key);
    for (size_t i = 0; i < patterns->n; i++)
        cs_sheet_item(&job->sheet, i ? NULL : label,
                      cs_pattern_text(&patterns->items[i], &job->arena));
    cs_sheet_close_list(&job->sheet);
}

static struct cs_str span(struct cs_ca_job *job, int64_t sec)
{
    char text[CS_TIME_TEXT];

    return cs_arena_dup(&job->arena, cs_time_span(sec, text));
}

static struct cs_str usages(unsigned eku)
{
    if (eku == (CS_EKU_SERVER | CS_EKU_CLIENT))
        return CS_STR("server, client");
    return eku & CS_EKU_SERVER ? CS_STR("server") : CS_STR("client");
}

/* Lengths of time: words for people, seconds for programs. */
static void put_span(struct cs_ca_job *job, const char *label, const char *key, int64_t sec)
{
    if (job->json)
        cs_sheet_number(&job->sheet, NULL, key, sec);
    else
        cs_sheet_text(&job->sheet, label, NULL, span(job, sec));
}

static void put_profile(struct cs_ca_job *job, const struct cs_profile *p)
{
    struct cs_sheet *sheet = &job->sheet;

    cs_sheet_open(sheet, NULL);
    cs_sheet_line(
        sheet, cs_arena_printf(&job->arena, "%.*s: %.*s", CS_FMT(p->name), CS_FMT(p->doc)), true);
    sheet->indent = 2;
    cs_sheet_text(sheet, NULL, "name", p->name);
    cs_sheet_text(sheet, "good for", "usages", usages(p->eku));
    cs_sheet_text(sheet, "keys", "keys", cs_profile_keys_text(p->keys, &job->arena));
    put_patterns(job, "allows", "allow", &p->allow);
    put_patterns(job, "denies", "deny", &p->deny);
    put_span(job, "lives for", "ttl", p->ttl_sec);
    put_span(job, "at most", "max_ttl", p->max_ttl_sec);
    put_span(job, "backdated", "backdate", p->backdate_sec);
    cs_sheet_text(sheet, "renew between", "renew_between",
                  cs_arena_printf(&job->arena, "%lld%% and %lld%% of its life",
                                  (long long)p->renew_from_pct, (long long)p->renew_to_pct));
    cs_sheet_flag(sheet, "wildcards", "wildcards", p->wildcards);
    cs_sheet_flag(sheet, "any CN", "any_common_name", p->any_common_name);
    cs_sheet_flag(sheet, "one SPIFFE", "one_spiffe_id", p->spiffe);
    cs_sheet_flag(sheet, "administrator", "administrator", p->administrator);
    cs_sheet_number(sheet, "most names", "max_names", p->max_names);
    cs_sheet_text(sheet, "organization", "organization", p->organization);
    sheet->indent = 0;
    cs_sheet_close(sheet);
}

static int profiles(struct cs_ca_job *job)
{
    const struct cs_profiles *all;
    int status = cs_ca_job_open(job, CS_CA_READ);

    if (status)
        return status;
    all = cs_ca_profiles(job->ca);
    cs_sheet_open(&job->sheet, NULL);
    cs_sheet_open_list(&job->sheet, "profiles");
    for (size_t i = 0; i < all->n; i++) {
        if (i)
            cs_sheet_line(&job->sheet, CS_STR(""), false);
        put_profile(job, &all->items[i]);
    }
    cs_sheet_close_list(&job->sheet);
    cs_sheet_close(&job->sheet);
    return CS_EXIT_OK;
}

int cs_cmd_ca_profiles(const struct cs_line *line)
{
    struct cs_ca_job job;
    int status = cs_ca_job_begin(&job, line);

    return cs_ca_job_end(&job, status ? status : profiles(&job));
}

/* ---- audit ---- */

static int put_entry(void *ctx, const struct cs_stored_audit *entry)
{
    struct cs_ca_job *job = ctx;
    struct cs_sheet *sheet = &job->sheet;
    struct cs_arena *arena = &job->arena;

    cs_sheet_open(sheet, NULL);
    cs_sheet_number(sheet, NULL, "seq", (int64_t)entry->seq);
    cs_sheet_text(sheet, NULL, "at", cs_ca_time(job, entry->at));
    cs_sheet_text(sheet, NULL, "action", entry->action);
    cs_sheet_text(sheet, NULL, "actor", entry->actor);
    cs_sheet_text(sheet, NULL, "proof", entry->proof);
    cs_sheet_text(sheet, NULL, "peer", entry->peer);
    cs_sheet_text(sheet, NULL, "subject", entry->subject);
    cs_sheet_text(sheet, NULL, "detail", entry->detail);
    cs_sheet_close(sheet);
    cs_sheet_line(
        sheet,
        cs_arena_printf(arena, "%llu  %.*s  %.*s %.*s  by %.*s (%.*s%s%.*s)  %.*s",
                        (unsigned long long)entry->seq, CS_FMT(cs_ca_time(job, entry->at)),
                        CS_FMT(entry->action), CS_FMT(cs_explain_bytes(arena, entry->subject)),
                        CS_FMT(cs_explain_bytes(arena, entry->actor)), CS_FMT(entry->proof),
                        entry->peer.len ? " from " : "", CS_FMT(entry->peer),
                        CS_FMT(cs_explain_bytes(arena, entry->detail))),
        false);
    return sheet->full ? 1 : 0;
}

static int print_log(struct cs_ca_job *job)
{
    int status = cs_ca_job_open(job, CS_CA_READ), r;

    if (status)
        return status;
    cs_sheet_open(&job->sheet, NULL);
    cs_sheet_open_list(&job->sheet, "entries");
    r = cs_store_audit_each(cs_ca_get0_store(job->ca), 0, 0, put_entry, job);
    cs_sheet_close_list(&job->sheet);
    cs_sheet_close(&job->sheet);
    return cs_ca_job_status(job, r < 0 ? r : 0);
}

static const char *flaw_text(enum cs_audit_flaw flaw)
{
    switch (flaw) {
    case CS_AUDIT_HEAD: return "its end is missing or forged";
    case CS_AUDIT_MISSING: return "an entry is missing";
    case CS_AUDIT_CHANGED: return "an entry is not what was written";
    case CS_AUDIT_CUT: return "its end was cut off";
    case CS_AUDIT_ADDED: return "an entry was added that the CA did not write";
    default: return "sound";
    }
}

static int verify_log(struct cs_ca_job *job)
{
    struct cs_audit_report report;
    int status = cs_ca_job_open(job, 0);

    status = status ? status : cs_ca_job_status(job, cs_ca_audit_verify(job->ca, &report));
    if (status)
        return status;
    if (report.flaw != CS_AUDIT_SOUND)
        return cs_ca_job_fail(job, CS_EXIT_FAILED, NULL,
                              "the audit log was changed: %s: entry %llu", flaw_text(report.flaw),
                              (unsigned long long)report.seq);
    cs_sheet_open(&job->sheet, NULL);
    cs_sheet_line(
        &job->sheet,
        cs_arena_printf(&job->arena, "%llu entries, none changed", (unsigned long long)report.seq),
        false);
    cs_sheet_number(&job->sheet, NULL, "entries", (int64_t)report.seq);
    cs_sheet_text(&job->sheet, NULL, "verdict", CS_STR("sound"));
    cs_sheet_close(&job->sheet);
    return CS_EXIT_OK;
}

static int audit(struct cs_ca_job *job)
{
    const char *what = job->line->n_operands ? job->line->operands[0] : NULL;

    if (!what)
        return print_log(job);
    if (strcmp(what, "verify") != 0)
        return cs_ca_job_usage(job, "unexpected \"%s\", did you mean \"verify\"?", what);
    return verify_log(job);
}

int cs_cmd_ca_audit(const struct cs_line *line)
{
    struct cs_ca_job job;
    int status = cs_ca_job_begin(&job, line);

    return cs_ca_job_end(&job, status ? status : audit(&job));
}
