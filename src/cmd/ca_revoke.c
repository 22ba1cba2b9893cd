/* ca revoke: by serial number, by file, or all that a pattern names, in one transaction. */
#include <stdio.h>

#include "cmd/ca.h"
#include "explain/text.h"
#include "x509/crl.h"

/* What is to be revoked. */
struct chosen {
    struct cs_ca_job *job;
    struct cs_str *serials;
    size_t n, room;
};

static void choose(struct chosen *c, struct cs_str serial)
{
    if (c->n == c->room) {
        struct cs_str *grown;
        c->room = c->room ? 2 * c->room : 16;
        grown = cs_arena_array(&c->job->arena, c->room, sizeof(*grown));
        if (c->n)
            memcpy(grown, c->serials, c->n * sizeof(*grown));
        c->serials = grown;
    }
    c->serials[c->n++] = cs_arena_dup(&c->job->arena, serial);
}

/* Of those that a pattern names, only what has an effect; CA certificates have to be meant. */
static int choose_cert(void *ctx, const struct cs_stored_cert *cert)
{
    struct chosen *c = ctx;

    if (!cert->revoked_at && !cs_str_eq(cert->profile, CS_STR("root")) &&
        !cs_str_eq(cert->profile, CS_STR("issuer")))
        choose(c, cert->serial);
    return 0;
}

static int choose_all(struct chosen *c, const char *glob)
{
    struct cs_ca_job *job = c->job;
    struct cs_store_query query = {.identity_glob = cs_str_from(glob),
                                   .expiring_from = job->now_sec};
    uint8_t serial[CS_CA_SERIAL_LEN];
    int status = CS_EXIT_OK;

    for (int i = 0; status == CS_EXIT_OK && i < job->line->n_operands; i++) {
        status = cs_ca_job_serial(job, job->line->operands[i], serial);
        if (!status)
            choose(c, cs_str_make(serial, sizeof(serial)));
    }
    if (status || !glob)
        return status;
    status = cs_ca_job_status(
        job, cs_store_cert_each(cs_ca_get0_store(job->ca), &query, choose_cert, c));
    if (!status && !c->n)
        status = cs_ca_job_fail(job, CS_EXIT_FAILED, NULL,
                                "no certificate that is valid names \"%s\"", glob);
    return status;
}

static int revoke_all(struct cs_ca_job *job, const struct chosen *c, unsigned reason)
{
    uint64_t seq;
    int r = cs_ca_begin(job->ca);

    if (r < 0)
        return cs_ca_job_status(job, r);
    for (size_t i = 0; r == 0 && i < c->n; i++)
        r = cs_ca_revoke(job->ca, c->serials[i], reason, &job->who, job->now_sec, &job->findings,
                         &seq);
    if (r == 0)
        r = cs_ca_commit(job->ca);
    else
        cs_ca_rollback(job->ca);
    return cs_ca_job_status(job, r);
}

static int tell(struct cs_ca_job *job, const struct chosen *c, unsigned reason)
{
    struct cs_sheet *sheet = &job->sheet;
    struct cs_stored_cert cert;
    int r = 0;

    cs_sheet_open(sheet, NULL);
    cs_sheet_open_list(sheet, "revoked");
    for (size_t i = 0; r == 0 && i < c->n; i++) {
        struct cs_str text = cs_ca_serial_text(c->serials[i], &job->arena);
        r = cs_store_cert_get(cs_ca_get0_store(job->ca), c->serials[i], &job->arena, &cert);
        if (r)
            break;
        cs_sheet_open(sheet, NULL);
        cs_sheet_text(sheet, NULL, "serial", text);
        cs_sheet_text(sheet, NULL, "identity", cert.identity);
        cs_sheet_close(sheet);
        cs_sheet_line(sheet,
                      cs_arena_printf(&job->arena, "revoked %.*s  %.*s", CS_FMT(text),
                                      CS_FMT(cs_explain_bytes(&job->arena, cert.identity))),
                      false);
    }
    cs_sheet_close_list(sheet);
    cs_sheet_text(sheet, NULL, "reason", cs_crl_reason_text(reason));
    cs_sheet_close(sheet);
    return cs_ca_job_status(job, r);
}

static int revoke(struct cs_ca_job *job)
{
    const char *word = job->line->values[CS_OPT_REASON], *glob = job->line->values[CS_OPT_GLOB];
    struct chosen chosen = {.job = job};
    unsigned reason = 0;
    int status;

    if (!job->line->n_operands && !glob)
        return cs_ca_job_usage(job,
                               "nothing is named: a serial number, a file, or --identity GLOB");
    if (word && cs_ca_reason_parse(cs_str_from(word), &reason) < 0)
        return cs_ca_job_usage(job, "--reason wants one of %.*s", CS_FMT(cs_ca_reasons()));
    status = cs_ca_job_open(job, 0);
    status = status ? status : choose_all(&chosen, glob);
    status = status ? status : revoke_all(job, &chosen, reason);
    return status ? status : tell(job, &chosen, reason);
}

int cs_cmd_ca_revoke(const struct cs_line *line)
{
    struct cs_ca_job job;
    int status = cs_ca_job_begin(&job, line);

    return cs_ca_job_end(&job, status ? status : revoke(&job));
}
