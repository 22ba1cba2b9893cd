/* ca issue, ca sign, ca renew: an order out of the command line, and where what comes of it goes.
 *
 * A key is on the disk before its certificate is asked for, so a command that was interrupted can
 * be run again and gets the certificate that it may have got. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/ca.h"
#include "cmd/options.h"
#include "io/file.h"
#include "x509/key.h"
#include "x509/pem.h"

enum { PEM_MAX = 4 << 20 };

/* ---- files ---- */

static const char *in_folder(struct cs_ca_job *job, const char *dir, const char *name)
{
    return cs_arena_printf(&job->arena, "%s/%s", dir, name).ptr;
}

static int refuse_file(struct cs_ca_job *job, const char *what, const char *path, int r)
{
    return cs_ca_job_fail(job, CS_EXIT_FAILED, NULL, "cannot %s \"%s\": %s", what, path,
                          strerror(-r));
}

static int write_file(struct cs_ca_job *job, const char *dir, const char *name, struct cs_str text)
{
    const char *path = in_folder(job, dir, name);
    int r = cs_file_write(path, text, 0600);

    return r < 0 ? refuse_file(job, "write", path, r) : CS_EXIT_OK;
}

/* Read the private key in @dir. Return: exit status; *ret_key NULL: there is none. */
static int read_key(struct cs_ca_job *job, const char *dir, struct evp_pkey_st **ret_key)
{
    const char *path = in_folder(job, dir, "key.pem");
    struct cs_buf pem;
    int r = cs_file_read(path, PEM_MAX, &pem);

    *ret_key = NULL;
    if (r == -ENOENT)
        return CS_EXIT_OK;
    if (r < 0)
        return refuse_file(job, "read", path, r);
    r = cs_key_load(cs_buf_str(&pem), NULL, 0, &job->findings, ret_key);
    cs_buf_wipe(&pem);
    return r ? CS_EXIT_FAILED : CS_EXIT_OK;
}

static int make_key(struct cs_ca_job *job, const char *dir, struct evp_pkey_st **ret_key)
{
    enum cs_make_key_kind kind;
    struct cs_buf pem;
    int status = cs_ca_job_key_kind(job, &kind);

    if (status)
        return status;
    status = cs_ca_job_status(job, cs_make_key(kind, ret_key));
    if (status)
        return status;
    cs_buf_init(&pem, PEM_MAX);
    status = cs_ca_job_status(job, cs_key_write(*ret_key, &pem));
    status = status ? status : write_file(job, dir, "key.pem", cs_buf_str(&pem));
    cs_buf_wipe(&pem);
    return status;
}

/* ---- what came of it ---- */

static int put_pem(struct cs_ca_job *job, const struct cs_issued *issued, struct cs_buf *cert,
                   struct cs_buf *roots)
{
    int r = cs_pem_write(cert, CS_STR("CERTIFICATE"), issued->der);

    r = r ? r : cs_ca_chain(job->ca, issued->issuer, cert);
    r = r ? r : cs_ca_roots(job->ca, roots);
    return cs_ca_job_status(job, r);
}

static void tell(struct cs_ca_job *job, const struct cs_issued *issued, const char *dir,
                 struct cs_str cert, struct cs_str roots)
{
    struct cs_sheet *sheet = &job->sheet;

    cs_sheet_open(sheet, NULL);
    cs_sheet_line(sheet,
                  issued->reused ? CS_STR("issued before, for the same order") : CS_STR("issued"),
                  true);
    cs_sheet_text(sheet, "for", "identity", issued->identity);
    cs_sheet_text(sheet, "serial", "serial", cs_ca_serial_text(issued->serial, &job->arena));
    cs_sheet_text(sheet, "profile", "profile", issued->profile);
    cs_sheet_text(sheet, NULL, "not_before", cs_ca_time(job, issued->not_before));
    cs_sheet_text(sheet, "until", "not_after", cs_ca_time(job, issued->not_after));
    cs_sheet_text(sheet, "renew at", "renew_at", cs_ca_time(job, issued->renew_at));
    if (job->json)
        cs_sheet_flag(sheet, NULL, "reused", issued->reused);
    if (dir)
        cs_sheet_text(sheet, "files", "dir",
                      cs_arena_printf(&job->arena, job->json ? "%s" : "%s/{key,cert,ca}.pem", dir));
    if (job->json) {
        cs_sheet_text(sheet, NULL, "certificate", cert);
        cs_sheet_text(sheet, NULL, "ca", roots);
    }
    cs_sheet_close(sheet);
}

/* Into @dir, else to standard output: PEM, or all of it as JSON. */
static int hand_out(struct cs_ca_job *job, const struct cs_issued *issued, const char *dir)
{
    struct cs_buf cert, roots;
    int status;

    cs_buf_init(&cert, PEM_MAX);
    cs_buf_init(&roots, PEM_MAX);
    status = put_pem(job, issued, &cert, &roots);
    if (dir) {
        status = status ? status : write_file(job, dir, "ca.pem", cs_buf_str(&roots));
        status = status ? status : write_file(job, dir, "cert.pem", cs_buf_str(&cert));
    }
    if (!status && (dir || job->json))
        tell(job, issued, dir, cs_buf_str(&cert), cs_buf_str(&roots));
    else if (!status)
        status = cs_ca_job_status(job, cs_buf_add_str(&job->text, cs_buf_str(&cert)));
    cs_buf_deinit(&cert);
    cs_buf_deinit(&roots);
    return status;
}

/* ---- orders ---- */

/* Without --profile: who is named decides. */
static struct cs_str default_profile(const struct cs_claims *names)
{
    bool client = true;

    for (size_t i = 0; i < names->n; i++) {
        const struct cs_claim *claim = &names->items[i];
        if (claim->kind == CS_CLAIM_URI && cs_str_starts(claim->value, CS_STR("spiffe://")))
            return CS_STR("spiffe");
        if (claim->kind == CS_CLAIM_DNS || claim->kind == CS_CLAIM_IP)
            client = false;
    }
    return client ? CS_STR("client") : CS_STR("server");
}

static int read_order(struct cs_ca_job *job, int first_name, struct cs_order *order)
{
    const char *profile = job->line->values[CS_OPT_PROFILE];
    int status = cs_ca_job_claims(job, first_name, &order->names);
    struct cs_claims all = order->names;

    status = status ? status : cs_ca_job_ttl(job, CS_OPT_TTL, 0, &order->ttl_sec);
    if (!all.n && order->csr)
        all = cs_claims_of(&order->csr->asked, &job->arena);
    order->profile = profile ? cs_str_from(profile) : default_profile(&all);
    return status;
}

static int make_csr(struct cs_ca_job *job, const struct evp_pkey_st *key, struct cs_csr *ret_csr)
{
    struct cs_cert_spec nothing = {0};
    struct cs_buf der;
    int r;

    cs_buf_init(&der, CS_CSR_BYTES_MAX);
    r = cs_make_csr(&nothing, key, &der);
    if (r == 0)
        r = cs_csr_parse(cs_arena_dup(&job->arena, cs_buf_str(&der)), &job->arena, &job->findings,
                         ret_csr);
    cs_buf_deinit(&der);
    return cs_ca_job_status(job, r);
}

/* ---- issue ---- */

static int prepare_folder(struct cs_ca_job *job, const char *dir)
{
    const char *cert = in_folder(job, dir, "cert.pem");
    int r = cs_file_mkdirs(dir, 0700);

    if (r < 0)
        return refuse_file(job, "make the folder", dir, r);
    if (access(cert, F_OK) < 0)
        return CS_EXIT_OK;
    return cs_ca_job_fail(
        job, CS_EXIT_FAILED,
        cs_arena_printf(&job->arena, "countersign ca renew %s, or name another folder", dir).ptr,
        "there is a certificate already: \"%s\"", cert);
}

static int issue(struct cs_ca_job *job, struct evp_pkey_st **key)
{
    const char *dir = job->line->values[CS_OPT_OUT];
    struct cs_order order = {0};
    struct cs_issued issued;
    struct cs_csr csr;
    int status;

    if (!job->line->n_operands)
        return cs_ca_job_usage(job, "no name is given, such as web.example.internal");
    if (!dir)
        return cs_ca_job_usage(job, "--out DIR says where key and certificate go");
    status = read_order(job, 0, &order);
    status = status ? status : cs_ca_job_open(job, 0);
    status = status ? status : prepare_folder(job, dir);
    status = status ? status : read_key(job, dir, key);
    if (!status && !*key)
        status = make_key(job, dir, key);
    status = status ? status : make_csr(job, *key, &csr);
    order.csr = &csr;
    status = status ? status
                    : cs_ca_job_status(job, cs_ca_sign(job->ca, &order, &job->who, job->now_sec,
                                                       &job->arena, &job->findings, &issued));
    return status ? status : hand_out(job, &issued, dir);
}

int cs_cmd_ca_issue(const struct cs_line *line)
{
    struct evp_pkey_st *key = NULL;
    struct cs_ca_job job;
    int status = cs_ca_job_begin(&job, line);

    status = status ? status : issue(&job, &key);
    cs_key_free(key);
    return cs_ca_job_end(&job, status);
}

/* ---- sign ---- */

static int read_csr(struct cs_ca_job *job, const char *path, struct cs_csr *ret_csr)
{
    struct cs_pem_block block = {0};
    struct cs_str rest;
    struct cs_buf bytes;
    int r;

    cs_buf_init(&bytes, PEM_MAX);
    r = cs_options_read(path, &bytes);
    rest = cs_arena_dup(&job->arena, cs_buf_str(&bytes));
    cs_buf_deinit(&bytes);
    if (r < 0) {
        (void)refuse_file(job, "read", path, r);
        return CS_EXIT_USAGE;
    }
    if (cs_pem_is_der(rest))
        block.der = rest;
    else
        r = cs_pem_next(&rest, &job->arena, &block);
    if (!block.der.len || r < 0)
        return cs_ca_job_fail(job, CS_EXIT_FAILED, NULL, "there is no request in \"%s\"", path);
    return cs_csr_parse(block.der, &job->arena, &job->findings, ret_csr) ? CS_EXIT_FAILED
                                                                         : CS_EXIT_OK;
}

static int sign(struct cs_ca_job *job)
{
    const char *dir = job->line->values[CS_OPT_OUT];
    struct cs_order order = {0};
    struct cs_issued issued;
    struct cs_csr csr;
    int status;

    if (!job->line->n_operands)
        return cs_ca_job_usage(job, "no request is named; \"-\" is standard input");
    status = read_csr(job, job->line->operands[0], &csr);
    order.csr = &csr;
    status = status ? status : read_order(job, 1, &order);
    status = status ? status : cs_ca_job_open(job, 0);
    if (!status && dir) {
        int r = cs_file_mkdirs(dir, 0700);
        status = r < 0 ? refuse_file(job, "make the folder", dir, r) : CS_EXIT_OK;
    }
    status = status ? status
                    : cs_ca_job_status(job, cs_ca_sign(job->ca, &order, &job->who, job->now_sec,
                                                       &job->arena, &job->findings, &issued));
    return status ? status : hand_out(job, &issued, dir);
}

int cs_cmd_ca_sign(const struct cs_line *line)
{
    struct cs_ca_job job;
    int status = cs_ca_job_begin(&job, line);

    return cs_ca_job_end(&job, status ? status : sign(&job));
}

/* ---- renew ---- */

static int read_cert(struct cs_ca_job *job, const char *dir, struct cs_cert *ret_cert)
{
    const char *path = in_folder(job, dir, "cert.pem");
    struct cs_pem_block block = {0};
    struct cs_str rest;
    struct cs_buf pem;
    int r = cs_file_read(path, PEM_MAX, &pem);

    if (r < 0)
        return refuse_file(job, "read", path, r);
    rest = cs_arena_dup(&job->arena, cs_buf_str(&pem));
    cs_buf_deinit(&pem);
    if (cs_pem_next(&rest, &job->arena, &block) <= 0)
        return refuse_file(job, "read a certificate in", path, -EBADMSG);
    return cs_cert_parse(block.der, &job->arena, &job->findings, ret_cert) ? CS_EXIT_FAILED
                                                                           : CS_EXIT_OK;
}

static int renew(struct cs_ca_job *job, struct evp_pkey_st **key)
{
    const char *dir = job->line->n_operands ? job->line->operands[0] : NULL;
    struct cs_issued issued;
    struct cs_cert old;
    struct cs_csr csr;
    int64_t ttl = 0;
    int status;

    if (!dir)
        return cs_ca_job_usage(job, "no folder is named, such as ca issue has filled");
    status = cs_ca_job_ttl(job, CS_OPT_TTL, 0, &ttl);
    status = status ? status : read_cert(job, dir, &old);
    status = status ? status : read_key(job, dir, key);
    if (!status && !*key)
        status = refuse_file(job, "read", in_folder(job, dir, "key.pem"), -ENOENT);
    status = status ? status : make_csr(job, *key, &csr);
    status = status ? status : cs_ca_job_open(job, 0);
    status =
        status
            ? status
            : cs_ca_job_status(job, cs_ca_renew(job->ca, &old, &csr, ttl, &job->who, job->now_sec,
                                                &job->arena, &job->findings, &issued));
    return status ? status : hand_out(job, &issued, dir);
}

int cs_cmd_ca_renew(const struct cs_line *line)
{
    struct evp_pkey_st *key = NULL;
    struct cs_ca_job job;
    int status = cs_ca_job_begin(&job, line);

    status = status ? status : renew(&job, &key);
    cs_key_free(key);
    return cs_ca_job_end(&job, status);
}
