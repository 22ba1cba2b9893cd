/* ca init: a CA out of options, and what to do with it next. */
#include <stdio.h>

#include "cmd/ca.h"
#include "cmd/report.h"
#include "x509/name.h"

enum { DAY = 86400 };

static struct cs_names domains(struct cs_ca_job *job)
{
    struct cs_str rest = cs_str_from(job->line->values[CS_OPT_DOMAIN]);
    struct cs_str *items = cs_arena_array(&job->arena, rest.len / 2 + 1, sizeof(*items));
    size_t n = 0;

    while (rest.len)
        items[n++] = cs_str_trim(cs_str_cut(&rest, ','));
    return (struct cs_names){items, n};
}

static struct cs_str default_name(struct cs_names domains)
{
    return domains.n ? domains.items[0] : CS_STR("countersign");
}

static int read_setup(struct cs_ca_job *job, struct cs_ca_setup *setup)
{
    const struct cs_line *line = job->line;
    int status = cs_ca_job_ttl(job, CS_OPT_ROOT_TTL, 3650LL * DAY, &setup->root_ttl_sec);

    status = status ? status
                    : cs_ca_job_ttl(job, CS_OPT_ISSUER_TTL, 365LL * DAY, &setup->issuer_ttl_sec);
    status = status ? status : cs_ca_job_key_kind(job, &setup->key);
    if (status)
        return status;
    setup->dir = job->dir ? job->dir : CS_CA_DIR;
    setup->domains = domains(job);
    setup->name = cs_str_from(line->values[CS_OPT_NAME]);
    if (!line->values[CS_OPT_NAME])
        setup->name = default_name(setup->domains);
    setup->public_url = cs_str_from(line->values[CS_OPT_URL]);
    if (job->passphrase.len)
        (void)cs_ca_passphrase(cs_buf_str(&job->passphrase), &setup->passphrase);
    job->dir = setup->dir;
    return CS_EXIT_OK;
}

static void tell(struct cs_ca_job *job, const struct cs_ca_setup *setup,
                 const struct cs_issuer *issuers, size_t n)
{
    struct cs_sheet *sheet = &job->sheet;
    struct cs_arena *arena = &job->arena;

    cs_sheet_open(sheet, NULL);
    cs_sheet_line(sheet, cs_arena_printf(arena, "a CA was made in %s", setup->dir), true);
    cs_sheet_text(sheet, NULL, "dir", cs_str_from(setup->dir));
    for (size_t i = 0; i < n; i++) {
        const struct cs_issuer *issuer = &issuers[i];
        struct cs_str name = cs_name_common_name(issuer->cert.subject, arena);
        cs_sheet_open(sheet, issuer->is_root ? "root" : "issuer");
        cs_sheet_text(sheet, issuer->is_root ? "root" : "issuer", "name",
                      cs_arena_printf(arena, "%.*s", CS_FMT(name)));
        cs_sheet_text(sheet, "  until", "not_after", cs_ca_time(job, issuer->cert.not_after));
        cs_sheet_text(sheet, "  key", "key",
                      cs_arena_printf(arena, "%s/%.*s", setup->dir, CS_FMT(issuer->key_file)));
        cs_sheet_text(sheet, "  sha256", "sha256", cs_ca_fingerprint(job, &issuer->cert));
        cs_sheet_close(sheet);
    }
    cs_sheet_text(sheet, "trust", "trust", cs_arena_printf(arena, "%s/root.pem", setup->dir));
    cs_sheet_text(sheet, "pass phrase", "passphrase_file",
                  setup->passphrase.len ? cs_str_from(job->line->values[CS_OPT_PASSPHRASE_FILE])
                                        : cs_arena_printf(arena, "%s/passphrase", setup->dir));
    cs_sheet_line(sheet, CS_STR(""), false);
    cs_sheet_line(
        sheet,
        CS_STR("Take the root's key offline: it is needed again to renew the issuer and to "
               "revoke it."),
        false);
    cs_sheet_line(sheet, CS_STR("Next: countersign ca issue NAME --out DIR, or ca token NAME"),
                  false);
    cs_sheet_close(sheet);
}

static int init(struct cs_ca_job *job)
{
    struct cs_ca_setup setup = {0};
    const struct cs_issuer *issuers;
    size_t n;
    int status = read_setup(job, &setup);

    status =
        status ? status
               : cs_ca_job_status(job, cs_ca_init(&setup, &job->who, job->now_sec, &job->findings));
    status = status ? status : cs_ca_job_open(job, CS_CA_READ);
    status = status ? status : cs_ca_job_status(job, cs_ca_issuers(job->ca, &issuers, &n));
    if (!status)
        tell(job, &setup, issuers, n);
    return status;
}

int cs_cmd_ca_init(const struct cs_line *line)
{
    struct cs_ca_job job;
    int status = cs_ca_job_begin(&job, line);

    return cs_ca_job_end(&job, status ? status : init(&job));
}
