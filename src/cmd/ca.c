/* ca: the row of the group itself, and what its commands share. */
#include "cmd/ca.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "authority/directives.h"
#include "base/mem.h"
#include "base/time.h"
#include "cmd/instance.h"
#include "cmd/options.h"
#include "cmd/report.h"
#include "config/value.h"
#include "snapshot/snapshot.h"
#include "x509/pem.h"

enum { SECRET_MAX = 64 << 10, CERT_MAX = 1 << 20 };

int cs_cmd_ca(const struct cs_line *line)
{
    struct cs_buf buf;

    cs_buf_init(&buf, 64 << 10);
    if (line->n_operands) {
        cs_buf_addf(&buf, "ca %s", line->operands[0]);
        cs_report_unknown_command(cs_buf_cstr(&buf));
    } else {
        cs_help_command(line->command, &buf);
        fwrite(buf.ptr, 1, buf.len, stderr);
    }
    cs_buf_deinit(&buf);
    return CS_EXIT_USAGE;
}

/* ---- which CA ---- */

int cs_ca_job_usage(const struct cs_ca_job *job, const char *fmt, ...)
{
    struct cs_buf what;
    va_list ap;
    int status;

    cs_buf_init(&what, 4096);
    va_start(ap, fmt);
    cs_buf_vaddf(&what, fmt, ap);
    va_end(ap);
    status = cs_report_usage(job->name, cs_buf_cstr(&what));
    cs_buf_deinit(&what);
    return status;
}

int cs_ca_job_fail(struct cs_ca_job *job, int status, const char *hint, const char *fmt, ...)
{
    struct cs_buf what;
    va_list ap;

    cs_buf_init(&what, 4096);
    va_start(ap, fmt);
    cs_buf_vaddf(&what, fmt, ap);
    va_end(ap);
    job->told = true;
    status = cs_report_failure(job->line, status, hint, "%s", cs_buf_cstr(&what));
    cs_buf_deinit(&what);
    return status;
}

/* Who runs this, and on whose behalf if they say so. */
static struct cs_str actor(struct cs_arena *arena)
{
    const struct passwd *user = getpwuid(getuid());
    const char *sudo = getenv("SUDO_USER");
    struct cs_str name = user ? cs_arena_dup(arena, cs_str_from(user->pw_name))
                              : cs_arena_printf(arena, "uid %u", (unsigned)getuid());

    return sudo && *sudo ? cs_arena_printf(arena, "%.*s (sudo %s)", CS_FMT(name), sudo) : name;
}

static int read_passphrase(struct cs_ca_job *job, const char *path)
{
    int r = cs_options_read(path, &job->passphrase);
    struct cs_str line;

    if (r == 0 && cs_ca_passphrase(cs_buf_str(&job->passphrase), &line))
        return CS_EXIT_OK;
    if (r == 0)
        return cs_ca_job_fail(job, CS_EXIT_USAGE, NULL,
                              "there is no pass phrase in the first line of \"%s\"", path);
    return cs_ca_job_fail(job, CS_EXIT_USAGE, NULL, "cannot read \"%s\": %s", path, strerror(-r));
}

/* The authority block of the configuration: where the CA is, what opens it, its profiles. */
struct configured {
    const struct cs_block *block;
    struct cs_authority_settings settings;
    struct cs_str prefix;
};

static int read_config(struct cs_ca_job *job, struct configured *ret)
{
    const struct cs_directive *d;
    struct cs_instance instance;
    struct cs_config *config = NULL;
    int r;

    if (!cs_line_has(job->line, CS_OPT_CONFIG))
        return CS_EXIT_OK;
    cs_instance_init(&instance, job->line);
    r = cs_snapshot_read(&instance.daemon.snapshot, &job->arena, &job->findings, &config);
    ret->prefix = cs_arena_dup(&job->arena, instance.daemon.snapshot.prefix);
    cs_instance_deinit(&instance);
    if (r < 0 || job->findings.n_errors)
        return CS_EXIT_FAILED;
    d = cs_block_find(config->main, "authority");
    if (!d)
        return cs_ca_job_fail(job, CS_EXIT_USAGE, NULL, "there is no authority block in \"%s\"",
                              job->line->values[CS_OPT_CONFIG]);
    ret->block = d->block;
    cs_settings_resolve(&cs_authority_directives, d->block, &job->arena, &ret->settings);
    return CS_EXIT_OK;
}

int cs_ca_job_begin(struct cs_ca_job *job, const struct cs_line *line)
{
    const char *file = line->values[CS_OPT_PASSPHRASE_FILE];

    *job = (struct cs_ca_job){.line = line,
                              .name = line->command->name,
                              .dir = line->values[CS_OPT_DIR],
                              .json = cs_line_has(line, CS_OPT_JSON),
                              .now_sec = (int64_t)time(NULL)};
    cs_findings_init(&job->findings, &job->arena);
    cs_buf_init(&job->passphrase, SECRET_MAX);
    cs_buf_init(&job->text, CS_CA_TEXT_MAX);
    cs_sheet_begin(&job->sheet, &job->text, job->json, cs_report_colour(stdout));
    job->who = (struct cs_requester){.proof = CS_PROOF_COMMAND, .actor = actor(&job->arena)};
    return file ? read_passphrase(job, file) : CS_EXIT_OK;
}

static const char *configured_dir(struct cs_ca_job *job, const struct configured *conf)
{
    if (!conf->block)
        return CS_CA_DIR;
    return cs_arena_dup(&job->arena,
                        cs_config_path(conf->settings.store, conf->prefix, &job->arena))
        .ptr;
}

int cs_ca_job_options(struct cs_ca_job *job, unsigned flags, struct cs_ca_options *ret_options)
{
    struct configured conf = {0};
    int status = read_config(job, &conf);

    if (status)
        return status;
    if (!job->dir)
        job->dir = configured_dir(job, &conf);
    if (!job->passphrase.len && conf.settings.passphrase_file.len && !(flags & CS_CA_READ)) {
        struct cs_str path =
            cs_config_path(conf.settings.passphrase_file, conf.prefix, &job->arena);
        status = read_passphrase(job, cs_arena_dup(&job->arena, path).ptr);
        if (status)
            return status;
    }
    *ret_options = (struct cs_ca_options){.dir = job->dir,
                                          .flags = flags,
                                          .block = conf.block,
                                          .public_url = conf.settings.public_url};
    if (job->passphrase.len)
        (void)cs_ca_passphrase(cs_buf_str(&job->passphrase), &ret_options->passphrase);
    return CS_EXIT_OK;
}

int cs_ca_job_open(struct cs_ca_job *job, unsigned flags)
{
    struct cs_ca_options options;
    int status = cs_ca_job_options(job, flags, &options);

    return status ? status : cs_ca_job_status(job, cs_ca_open(&options, &job->findings, &job->ca));
}

int cs_ca_job_status(struct cs_ca_job *job, int r)
{
    const char *words = job->ca ? cs_ca_error(job->ca) : "";

    if (r < 0 && *words)
        return cs_ca_job_fail(job, CS_EXIT_FAILED, NULL, "%s", words);
    if (r < 0)
        return cs_ca_job_fail(job, CS_EXIT_FAILED, NULL, "\"%s\": %s",
                              job->dir ? job->dir : CS_CA_DIR, strerror(-r));
    return r ? CS_EXIT_FAILED : CS_EXIT_OK;
}

int cs_ca_job_end(struct cs_ca_job *job, int status)
{
    int full = cs_sheet_done(&job->sheet);

    if (status != CS_EXIT_OK && job->json && job->findings.n && !job->told)
        cs_report_json(&job->findings, cs_str_from(job->dir), stdout);
    cs_report_findings(&job->findings, CS_SEVERITY_NOTICE, CS_EXPLAIN_TEXT, stderr);
    if (status == CS_EXIT_OK && job->text.len)
        fwrite(job->text.ptr, 1, job->text.len, stdout);
    if (status == CS_EXIT_OK && (full < 0 || fflush(stdout) != 0)) {
        fprintf(stderr, "countersign %s: the output was cut\n", job->name);
        status = CS_EXIT_FAILED;
    }
    cs_ca_close(job->ca);
    cs_buf_wipe(&job->text);
    cs_buf_wipe(&job->passphrase);
    cs_arena_deinit(&job->arena);
    return status;
}

/* ---- values ---- */

int cs_ca_job_ttl(const struct cs_ca_job *job, enum cs_option option, int64_t def, int64_t *ret_sec)
{
    const char *value = job->line->values[option];

    if (value && (cs_value_sec(cs_str_from(value), ret_sec) < 0 || *ret_sec == 0))
        return cs_ca_job_usage(job, "--%s wants a time like 12h, 30d or 10y",
                               cs_option_rows()[option].name);
    if (!value)
        *ret_sec = def;
    return CS_EXIT_OK;
}

int cs_ca_job_key_kind(const struct cs_ca_job *job, enum cs_make_key_kind *ret_kind)
{
    const char *value = job->line->values[CS_OPT_KEY_KIND];

    *ret_kind = CS_MAKE_P256;
    if (value && cs_make_kind_parse(cs_str_from(value), ret_kind) < 0)
        return cs_ca_job_usage(job, "--key wants one of %.*s", CS_FMT(cs_make_kinds()));
    return CS_EXIT_OK;
}

static bool is_address(struct cs_str bare)
{
    struct cs_addr addr;
    struct cs_net net;
    int r = cs_net_parse(bare, &net);

    if (r == 0 || r == -ERANGE)
        return net.family == AF_INET || net.family == AF_INET6;
    return cs_addr_parse_ip(bare, 0, &addr) == 0;
}

struct cs_str cs_ca_job_name(struct cs_ca_job *job, struct cs_str bare)
{
    const char *kind = cs_str_find(bare, '@') >= 0 ? "email:" : "dns:";

    if (is_address(bare))
        kind = "ip:";
    else if (cs_str_find(bare, ':') > 0) /* it says what it is */
        kind = "";
    return cs_arena_cat(&job->arena, cs_str_from(kind), bare);
}

int cs_ca_job_claims(struct cs_ca_job *job, int first, struct cs_claims *ret_claims)
{
    size_t n = (size_t)(job->line->n_operands - first);
    struct cs_claim *items = cs_arena_array(&job->arena, n, sizeof(*items));

    for (size_t i = 0; i < n; i++) {
        struct cs_str bare = cs_str_from(job->line->operands[(size_t)first + i]);
        const char *why = cs_claim_parse(cs_ca_job_name(job, bare), &job->arena, &items[i]);
        if (why)
            return cs_ca_job_usage(job, "\"%.*s\" is no name: %s", CS_FMT(bare), why);
    }
    *ret_claims = (struct cs_claims){items, n};
    return CS_EXIT_OK;
}

/* The first certificate in a file. */
static int read_serial(struct cs_ca_job *job, const char *path, uint8_t *ret_serial)
{
    struct cs_pem_block block;
    struct cs_findings unused;
    struct cs_cert cert;
    struct cs_str rest;
    struct cs_buf bytes;
    int r;

    cs_buf_init(&bytes, CERT_MAX);
    r = cs_options_read(path, &bytes);
    rest = cs_arena_dup(&job->arena, cs_buf_str(&bytes));
    cs_buf_deinit(&bytes);
    if (r < 0)
        return cs_ca_job_fail(job, CS_EXIT_USAGE, NULL,
                              "\"%s\" is no serial number, and no file: %s", path, strerror(-r));
    cs_findings_init(&unused, &job->arena);
    if (cs_pem_is_der(rest))
        r = cs_cert_parse(rest, &job->arena, &unused, &cert);
    else if (cs_pem_next(&rest, &job->arena, &block) > 0)
        r = cs_cert_parse(block.der, &job->arena, &unused, &cert);
    else
        r = CS_CERT_REFUSED;
    if (r || cs_ca_serial_of(&cert, ret_serial) < 0)
        return cs_ca_job_fail(job, CS_EXIT_USAGE, NULL,
                              "there is no certificate of a CA like this in \"%s\"", path);
    return CS_EXIT_OK;
}

int cs_ca_job_serial(struct cs_ca_job *job, const char *operand,
                     uint8_t ret_serial[CS_CA_SERIAL_LEN])
{
    struct stat st;

    if (stat(operand, &st) < 0 && cs_ca_serial_parse(cs_str_from(operand), ret_serial) == 0)
        return CS_EXIT_OK;
    return read_serial(job, operand, ret_serial);
}

struct cs_str cs_ca_time(struct cs_ca_job *job, int64_t sec)
{
    char text[CS_TIME_TEXT];

    return sec ? cs_arena_dup(&job->arena, cs_time_iso(sec, text)) : (struct cs_str){0};
}

struct cs_str cs_ca_fingerprint(struct cs_ca_job *job, const struct cs_cert *cert)
{
    char *hex = cs_arena_raw(&job->arena, 2 * sizeof(cert->sha256));

    cs_hex_encode(cert->sha256, sizeof(cert->sha256), false, hex);
    return cs_str_make(hex, 2 * sizeof(cert->sha256));
}
