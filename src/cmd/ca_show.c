/* ca show: one certificate with its record, or the CA itself. */
#include <errno.h>
#include <stdio.h>

#include "authority/findings.h"
#include "base/time.h"
#include "cmd/ca.h"
#include "cmd/report.h"
#include "explain/inspect.h"
#include "x509/bundle.h"
#include "x509/crl.h"
#include "x509/name.h"
#include "x509/pem.h"

enum { INSPECT_MAX = 4 << 20 };

/* ---- one certificate ---- */

/* As `inspect` shows it, with its issuer to relate it to. */
static int put_inspected(struct cs_ca_job *job, const struct cs_stored_cert *cert)
{
    struct cs_source source = {.file = CS_STR("the store")};
    struct cs_bundle bundle;
    struct cs_buf pem, text;
    int r;

    cs_buf_init(&pem, INSPECT_MAX);
    cs_buf_init(&text, INSPECT_MAX);
    r = cs_pem_write(&pem, CS_STR("CERTIFICATE"), cert->der);
    r = r ? r : cs_ca_chain(job->ca, cert->issuer, &pem);
    source.bytes = cs_buf_str(&pem);
    cs_bundle_init(&bundle, &job->arena);
    cs_bundle_add(&bundle, &source);
    cs_bundle_relate(&bundle);
    cs_bundle_lint(&bundle, 0, job->now_sec);
    r = r ? r : cs_inspect(&bundle, job->now_sec, job->json, cs_report_colour(stdout), &text);
    if (r == 0 && job->json)
        cs_sheet_raw(&job->sheet, "inspected", cs_buf_str(&text));
    else if (r == 0)
        r = cs_buf_add_str(&job->text, cs_buf_str(&text));
    cs_buf_deinit(&pem);
    cs_buf_deinit(&text);
    return r;
}

static int put_record(struct cs_ca_job *job, const struct cs_stored_cert *cert)
{
    struct cs_sheet *sheet = &job->sheet;
    int r;

    cs_sheet_open(sheet, NULL);
    cs_sheet_text(sheet, "serial", "serial", cs_ca_serial_text(cert->serial, &job->arena));
    cs_sheet_text(sheet, "identity", "identity", cert->identity);
    cs_sheet_text(sheet, "profile", "profile", cert->profile);
    cs_sheet_text(sheet, "asked for by", "requester", cert->requester);
    cs_sheet_number(sheet, "issuer", "issuer", cert->issuer);
    cs_sheet_number(sheet, "list part", "shard", cert->shard);
    cs_sheet_text(sheet, "issued at", "issued_at", cs_ca_time(job, cert->issued_at));
    cs_sheet_text(sheet, "renew at", "renew_at", cs_ca_time(job, cert->renew_at));
    if (cert->revoked_at) {
        cs_sheet_text(sheet, "revoked at", "revoked_at", cs_ca_time(job, cert->revoked_at));
        cs_sheet_text(sheet, "reason", "reason", cs_crl_reason_text(cert->reason));
    }
    cs_sheet_line(sheet, CS_STR(""), false);
    r = put_inspected(job, cert);
    cs_sheet_close(sheet);
    return r;
}

static int show_cert(struct cs_ca_job *job)
{
    uint8_t serial[CS_CA_SERIAL_LEN];
    struct cs_str text = cs_str_make(serial, sizeof(serial));
    struct cs_stored_cert cert;
    int status = cs_ca_job_serial(job, job->line->operands[0], serial), r;

    if (status)
        return status;
    r = cs_store_cert_get(cs_ca_get0_store(job->ca), text, &job->arena, &cert);
    if (r == -ENOENT) {
        CS_FIND(&job->findings, CS_AUTHORITY_KIND(SERIAL_UNKNOWN), NULL,
                cs_ca_serial_text(text, &job->arena));
        return CS_EXIT_FAILED;
    }
    return cs_ca_job_status(job, r ? r : put_record(job, &cert));
}

/* ---- the CA ---- */

static struct cs_str state_text(enum cs_issuer_state state)
{
    switch (state) {
    case CS_ISSUER_PREPARED: return CS_STR("prepared");
    case CS_ISSUER_ACTIVE: return CS_STR("active");
    default: return CS_STR("retired");
    }
}

static void put_issuer(struct cs_ca_job *job, const struct cs_issuer *issuer)
{
    struct cs_sheet *sheet = &job->sheet;
    int64_t left = issuer->cert.not_after - job->now_sec;
    char span[CS_TIME_TEXT];

    cs_sheet_open(sheet, NULL);
    cs_sheet_line(sheet,
                  cs_arena_printf(&job->arena, "%s %u: %.*s", issuer->is_root ? "root" : "issuer",
                                  issuer->id,
                                  CS_FMT(cs_name_common_name(issuer->cert.subject, &job->arena))),
                  true);
    sheet->indent = 2;
    cs_sheet_number(sheet, NULL, "id", issuer->id);
    cs_sheet_text(sheet, NULL, "kind", issuer->is_root ? CS_STR("root") : CS_STR("issuer"));
    cs_sheet_text(sheet, NULL, "name", cs_name_common_name(issuer->cert.subject, &job->arena));
    cs_sheet_text(sheet, "state", "state", state_text(issuer->state));
    cs_sheet_text(sheet, "until", "not_after", cs_ca_time(job, issuer->cert.not_after));
    cs_sheet_text(sheet, "left", NULL,
                  left > 0 ? cs_time_span(left, span) : CS_STR("none: it has expired"));
    cs_sheet_text(sheet, "key", "key_file", issuer->key_file);
    cs_sheet_text(sheet, "serial", "serial", cs_serial_text(issuer->cert.serial, &job->arena));
    cs_sheet_text(sheet, "sha256", "sha256", cs_ca_fingerprint(job, &issuer->cert));
    sheet->indent = 0;
    cs_sheet_close(sheet);
}

static int show_ca(struct cs_ca_job *job)
{
    struct cs_sheet *sheet = &job->sheet;
    const struct cs_issuer *issuers;
    uint64_t seq;
    uint8_t head[32];
    char hex[64];
    size_t n;
    int r = cs_ca_issuers(job->ca, &issuers, &n);

    r = r ? r : cs_store_audit_head(cs_ca_get0_store(job->ca), &seq, head);
    if (r < 0)
        return cs_ca_job_status(job, r);
    cs_hex_encode(head, sizeof(head), false, hex);
    cs_sheet_open(sheet, NULL);
    cs_sheet_text(sheet, "folder", "dir", cs_str_from(job->dir));
    cs_sheet_text(sheet, "reached at", "public_url", cs_ca_public_url(job->ca));
    cs_sheet_text(sheet, "profiles", "profiles",
                  cs_profiles_text(cs_ca_profiles(job->ca), &job->arena));
    cs_sheet_number(sheet, "log entries", "audit_entries", (int64_t)seq);
    cs_sheet_text(sheet, "log head", "audit_head", cs_str_make(hex, sizeof(hex)));
    cs_sheet_open_list(sheet, "issuers");
    for (size_t i = 0; i < n; i++) {
        cs_sheet_line(sheet, CS_STR(""), false);
        put_issuer(job, &issuers[i]);
    }
    cs_sheet_close_list(sheet);
    cs_sheet_close(sheet);
    return CS_EXIT_OK;
}

int cs_cmd_ca_show(const struct cs_line *line)
{
    struct cs_ca_job job;
    int status = cs_ca_job_begin(&job, line);

    status = status ? status : cs_ca_job_open(&job, CS_CA_READ);
    if (!status)
        status = line->n_operands ? show_cert(&job) : show_ca(&job);
    return cs_ca_job_end(&job, status);
}
