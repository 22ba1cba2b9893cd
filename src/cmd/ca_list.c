/* ca list: what was issued, a line each. */
#include <stdio.h>

#include "base/time.h"
#include "cmd/ca.h"
#include "explain/text.h"
#include "x509/crl.h"

struct listing {
    struct cs_ca_job *job;
    size_t n;
};

static struct cs_str state_of(const struct cs_ca_job *job, const struct cs_stored_cert *cert)
{
    if (cert->revoked_at)
        return CS_STR("revoked");
    if (job->now_sec > cert->not_after)
        return CS_STR("expired");
    return job->now_sec >= cert->renew_at ? CS_STR("due") : CS_STR("valid");
}

static void put_json(struct cs_ca_job *job, const struct cs_stored_cert *cert)
{
    struct cs_sheet *sheet = &job->sheet;

    cs_sheet_open(sheet, NULL);
    cs_sheet_text(sheet, NULL, "serial", cs_ca_serial_text(cert->serial, &job->arena));
    cs_sheet_text(sheet, NULL, "identity", cert->identity);
    cs_sheet_text(sheet, NULL, "profile", cert->profile);
    cs_sheet_text(sheet, NULL, "state", state_of(job, cert));
    cs_sheet_number(sheet, NULL, "issuer", cert->issuer);
    cs_sheet_text(sheet, NULL, "requester", cert->requester);
    cs_sheet_text(sheet, NULL, "issued_at", cs_ca_time(job, cert->issued_at));
    cs_sheet_text(sheet, NULL, "not_before", cs_ca_time(job, cert->not_before));
    cs_sheet_text(sheet, NULL, "not_after", cs_ca_time(job, cert->not_after));
    cs_sheet_text(sheet, NULL, "renew_at", cs_ca_time(job, cert->renew_at));
    if (cert->revoked_at) {
        cs_sheet_text(sheet, NULL, "revoked_at", cs_ca_time(job, cert->revoked_at));
        cs_sheet_text(sheet, NULL, "reason", cs_crl_reason_text(cert->reason));
    }
    cs_sheet_close(sheet);
}

static void put_line(struct cs_ca_job *job, const struct cs_stored_cert *cert)
{
    struct cs_arena *arena = &job->arena;
    char until[CS_TIME_TEXT];

    cs_sheet_line(
        &job->sheet,
        cs_arena_printf(arena, "%-32.*s  %-7.*s  %.*s  %-8.*s  %.*s",
                        CS_FMT(cs_ca_serial_text(cert->serial, arena)), CS_FMT(state_of(job, cert)),
                        CS_FMT(cs_time_iso(cert->not_after, until)), CS_FMT(cert->profile),
                        CS_FMT(cs_explain_bytes(arena, cert->identity))),
        false);
}

static int put_cert(void *ctx, const struct cs_stored_cert *cert)
{
    struct listing *l = ctx;

    if (l->n++ == 0)
        cs_sheet_line(&l->job->sheet,
                      cs_arena_printf(&l->job->arena, "%-32s  %-7s  %-20s  %-8s  %s", "SERIAL",
                                      "STATE", "UNTIL", "PROFILE", "IDENTITY"),
                      true);
    if (l->job->json)
        put_json(l->job, cert);
    else
        put_line(l->job, cert);
    return l->job->sheet.full ? 1 : 0;
}

static int list(struct cs_ca_job *job)
{
    const struct cs_line *line = job->line;
    struct cs_store_query query = {.identity_glob = cs_str_from(line->values[CS_OPT_GLOB]),
                                   .profile = cs_str_from(line->values[CS_OPT_PROFILE]),
                                   .revoked = cs_line_has(line, CS_OPT_REVOKED)};
    struct listing listing = {.job = job};
    int64_t within = 0;
    int status = cs_ca_job_ttl(job, CS_OPT_EXPIRING, 0, &within), r;

    if (within) {
        query.expiring_before = job->now_sec + within;
        query.expiring_from = job->now_sec;
    }
    status = status ? status : cs_ca_job_open(job, CS_CA_READ);
    if (status)
        return status;
    cs_sheet_open(&job->sheet, NULL);
    cs_sheet_open_list(&job->sheet, "certificates");
    r = cs_store_cert_each(cs_ca_get0_store(job->ca), &query, put_cert, &listing);
    cs_sheet_close_list(&job->sheet);
    cs_sheet_close(&job->sheet);
    return cs_ca_job_status(job, r < 0 ? r : 0);
}

int cs_cmd_ca_list(const struct cs_line *line)
{
    struct cs_ca_job job;
    int status = cs_ca_job_begin(&job, line);

    return cs_ca_job_end(&job, status ? status : list(&job));
}
