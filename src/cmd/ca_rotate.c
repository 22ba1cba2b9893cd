/* ca rotate, ca backup, ca restore: how a CA outlives its certificates and its disk. */
#include <stdio.h>

#include "base/mem.h"
#include "cmd/ca.h"
#include "x509/name.h"

/* ---- rotate ---- */

enum { NEEDED = 3 }; /* a look, and no step */

static int read_step(const struct cs_ca_job *job, struct cs_ca_rotation *ret, bool *ret_look)
{
    static const char *const steps[] = {"prepare", "activate", "retire", [NEEDED] = "needed"};
    const struct cs_line *line = job->line;
    bool root;

    if (line->n_operands < 2)
        return cs_ca_job_usage(job, "say what to rotate, issuer or root, and which step: prepare, "
                                    "activate, needed or retire");
    root = strcmp(line->operands[0], "root") == 0;
    if (!root && strcmp(line->operands[0], "issuer") != 0)
        return cs_ca_job_usage(job, "\"%s\" is neither issuer nor root", line->operands[0]);
    for (int i = 0; i <= NEEDED; i++) {
        if (strcmp(line->operands[1], steps[i]) != 0)
            continue;
        *ret_look = i == NEEDED;
        *ret = (struct cs_ca_rotation){.root = root,
                                       .step = i == NEEDED ? CS_CA_RETIRE : (enum cs_ca_step)i,
                                       .force = cs_line_has(line, CS_OPT_FORCE)};
        return ret->force && i != CS_CA_RETIRE
                   ? cs_ca_job_usage(job, "--force goes with retire, not with %s", steps[i])
                   : CS_EXIT_OK;
    }
    return cs_ca_job_usage(job, "\"%s\" is no step: prepare, activate, needed, retire",
                           line->operands[1]);
}

static void tell_step(struct cs_ca_job *job, const struct cs_ca_rotation *rotation,
                      const struct cs_issuer *issuer)
{
    static const char *const done[] = {"prepared", "activated", "retired"};
    static const char *const next[2][3] = {
        {"next: countersign ca rotate issuer activate",
         "next, when its certificates are renewed: countersign ca rotate issuer retire",
         "its key file can be removed"},
        {"it is in root.pem now: give that to everybody, then: countersign ca rotate root activate",
         "a new issuing CA below it signs; next, when certificates are renewed: countersign ca "
         "rotate root retire",
         "it is gone from root.pem: give that to everybody; its key file can be removed"}};
    struct cs_sheet *sheet = &job->sheet;

    cs_sheet_open(sheet, NULL);
    cs_sheet_line(sheet,
                  cs_arena_printf(&job->arena, "%s: %.*s", done[rotation->step],
                                  CS_FMT(cs_name_common_name(issuer->cert.subject, &job->arena))),
                  true);
    cs_sheet_number(sheet, "number", "id", issuer->id);
    cs_sheet_text(sheet, NULL, "kind", issuer->is_root ? CS_STR("root") : CS_STR("issuer"));
    cs_sheet_text(sheet, NULL, "state", cs_str_from(done[rotation->step]));
    cs_sheet_text(sheet, "until", "not_after", cs_ca_time(job, issuer->cert.not_after));
    cs_sheet_text(sheet, "sha256", "sha256", cs_ca_fingerprint(job, &issuer->cert));
    cs_sheet_line(sheet, cs_str_from(next[rotation->root][rotation->step]), false);
    cs_sheet_close(sheet);
}

static int tell_rotation(struct cs_ca_job *job, const struct cs_ca_rotation *rotation, uint32_t id)
{
    const struct cs_issuer *issuers;
    size_t n;
    int status = cs_ca_job_status(job, cs_ca_issuers(job->ca, &issuers, &n));

    for (size_t i = 0; status == CS_EXIT_OK && i < n; i++) {
        if (issuers[i].id == id)
            tell_step(job, rotation, &issuers[i]);
    }
    return status;
}

static int rotate(struct cs_ca_job *job)
{
    struct cs_ca_rotation rotation;
    uint32_t id;
    bool look = false;
    int status = read_step(job, &rotation, &look);

    if (!status && look)
        return cs_ca_job_needed(job, rotation.root);
    status = status ? status : cs_ca_job_ttl(job, CS_OPT_TTL, 0, &rotation.ttl_sec);
    status = status ? status : cs_ca_job_key_kind(job, &rotation.kind);
    if (status)
        return status;
    rotation.has_kind = cs_line_has(job->line, CS_OPT_KEY_KIND);
    status = cs_ca_job_open(job, 0);
    status = status ? status
                    : cs_ca_job_status(job, cs_ca_rotate(job->ca, &rotation, &job->who,
                                                         job->now_sec, &job->findings, &id));
    return status ? status : tell_rotation(job, &rotation, id);
}

int cs_cmd_ca_rotate(const struct cs_line *line)
{
    struct cs_ca_job job;
    int status = cs_ca_job_begin(&job, line);

    return cs_ca_job_end(&job, status ? status : rotate(&job));
}

/* ---- backup ---- */

static int backup(struct cs_ca_job *job)
{
    const char *to = job->line->n_operands ? job->line->operands[0] : NULL;
    struct cs_sheet *sheet = &job->sheet;
    int status;

    if (!to)
        return cs_ca_job_usage(job, "no folder is named that the backup goes to");
    status = cs_ca_job_open(job, 0);
    status = status ? status
                    : cs_ca_job_status(
                          job, cs_ca_backup(job->ca, to, &job->who, job->now_sec, &job->findings));
    if (status)
        return status;
    cs_sheet_open(sheet, NULL);
    cs_sheet_text(sheet, "backup", "backup", cs_str_from(to));
    cs_sheet_line(sheet,
                  CS_STR("The pass phrase is not in it, and without it the backup is of no use:"),
                  false);
    cs_sheet_line(sheet, CS_STR("keep it in another place."), false);
    cs_sheet_close(sheet);
    return CS_EXIT_OK;
}

int cs_cmd_ca_backup(const struct cs_line *line)
{
    struct cs_ca_job job;
    int status = cs_ca_job_begin(&job, line);

    return cs_ca_job_end(&job, status ? status : backup(&job));
}

/* ---- restore ---- */

static void tell_restored(struct cs_ca_job *job, const struct cs_ca_restored *done)
{
    struct cs_sheet *sheet = &job->sheet;

    cs_sheet_open(sheet, NULL);
    cs_sheet_line(sheet, cs_arena_printf(&job->arena, "restored in %s", job->dir), true);
    cs_sheet_text(sheet, NULL, "dir", cs_str_from(job->dir));
    cs_sheet_line(sheet, CS_STR("taken over from what was there and from lists:"), false);
    sheet->indent = 2;
    cs_sheet_number(sheet, "certificates", "certificates", (int64_t)done->n_certs);
    cs_sheet_number(sheet, "revocations", "revocations", (int64_t)done->n_revoked);
    cs_sheet_number(sheet, "tokens ended", "tokens", (int64_t)done->n_tokens);
    sheet->indent = 0;
    cs_sheet_text(sheet, "was there", "replaced", cs_str_from(done->replaced));
    cs_sheet_close(sheet);
}

static int restore(struct cs_ca_job *job)
{
    const struct cs_line *line = job->line;
    struct cs_ca_restored *done = CS_ARENA_NEW(&job->arena, struct cs_ca_restored);
    struct cs_ca_options options = {0};
    int status;

    if (!line->n_operands)
        return cs_ca_job_usage(job, "no backup is named");
    job->dir = job->dir ? job->dir : CS_CA_DIR;
    options.dir = job->dir;
    if (job->passphrase.len)
        (void)cs_ca_passphrase(cs_buf_str(&job->passphrase), &options.passphrase);
    status = cs_ca_job_status(job, cs_ca_restore(&options, line->operands[0],
                                                 (const char *const *)(line->operands + 1),
                                                 (size_t)(line->n_operands - 1), &job->who,
                                                 job->now_sec, &job->findings, done));
    if (!status)
        tell_restored(job, done);
    return status;
}

int cs_cmd_ca_restore(const struct cs_line *line)
{
    struct cs_ca_job job;
    int status = cs_ca_job_begin(&job, line);

    return cs_ca_job_end(&job, status ? status : restore(&job));
}
