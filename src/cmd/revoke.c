/* revoke --now: a certificate, or a serial number, is made known to a running gateway. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/report.h"
#include "cmd/talk.h"
#include "x509/crl.h"
#include "x509/name.h"
#include "x509/pem.h"
#include "x509/revoked.h"

enum { FILE_MAX = 1 << 20, REASONS = 11 };

/* What is to be revoked. */
struct wish {
    const struct cs_line *line;
    struct cs_arena arena;
    const char *file; /* NULL: a serial number was given */
    struct cs_cert cert;
    uint8_t serial[CS_REVOKED_SERIAL_MAX];
    size_t serial_len;
    bool has_issuer;
    uint8_t issuer[32];
    const char *reason;
};

static int complain(const struct wish *wish, const char *file, const char *what)
{
    return cs_report_failure(wish->line, CS_EXIT_USAGE, NULL, "\"%s\": %s", file, what);
}

/* The first certificate of a file, which lives in the wish. */
static int read_certificate(struct wish *wish, const char *file, struct cs_cert *ret_cert)
{
    struct cs_findings findings;
    struct cs_pem_block block;
    struct cs_str text, der = {0};
    struct cs_buf buf;
    int r;

    cs_buf_init(&buf, FILE_MAX);
    r = cs_options_read(file, &buf);
    text = cs_arena_dup(&wish->arena, cs_buf_str(&buf));
    cs_buf_deinit(&buf);
    if (r < 0)
        return complain(wish, file, strerror(-r));
    if (cs_pem_is_der(text))
        der = text;
    while (!der.len && cs_pem_next(&text, &wish->arena, &block) == 1) {
        if (cs_str_eq(block.label, CS_STR("CERTIFICATE")))
            der = block.der;
    }
    if (!der.len)
        return complain(wish, file, "there is no certificate in it");
    cs_findings_init(&findings, &wish->arena);
    if (cs_cert_parse(der, &wish->arena, &findings, ret_cert) == 0)
        return CS_EXIT_OK;
    cs_report_findings(&findings, CS_SEVERITY_ERROR, CS_EXPLAIN_TEXT, stderr);
    return complain(wish, file, "its certificate cannot be read");
}

static int take_certificate(struct wish *wish, const char *file)
{
    int status = read_certificate(wish, file, &wish->cert);

    if (status != CS_EXIT_OK)
        return status;
    if (wish->cert.serial.len > sizeof(wish->serial))
        return complain(wish, file, "its serial number is longer than 40 bytes");
    wish->file = file;
    wish->has_issuer = true;
    wish->serial_len = wish->cert.serial.len;
    memcpy(wish->serial, wish->cert.serial.ptr, wish->serial_len);
    cs_name_digest(wish->cert.issuer, wish->issuer);
    return CS_EXIT_OK;
}

static int take_serial(struct wish *wish, const char *text, const char *issuer)
{
    struct cs_cert ca;
    int status;

    if (cs_serial_read(cs_str_from(text), wish->serial, &wish->serial_len) < 0)
        return complain(wish, text, "there is no such file, and it is no serial number in hex");
    if (issuer) {
        status = read_certificate(wish, issuer, &ca);
        if (status != CS_EXIT_OK)
            return status;
        wish->has_issuer = true;
        cs_name_digest(ca.subject, wish->issuer);
        return CS_EXIT_OK;
    }
    if (wish->serial_len >= CS_REVOKED_UNIQUE)
        return CS_EXIT_OK;
    return complain(wish, text,
                    "so short a serial number may have been used by several CAs: say whose "
                    "it is with --issuer CA.pem");
}

static int take_reason(struct wish *wish, const char *reason)
{
    wish->reason = reason ? reason : "unspecified";
    for (unsigned i = 0; i < REASONS; i++) {
        if (cs_str_eq(cs_crl_reason_text(i), cs_str_from(wish->reason)))
            return CS_EXIT_OK;
    }
    return cs_report_usage("revoke", "--reason wants unspecified, keyCompromise, cACompromise, "
                                     "affiliationChanged, superseded, cessationOfOperation, "
                                     "privilegeWithdrawn or aACompromise");
}

static int take_wish(const struct cs_line *line, struct wish *wish)
{
    const char *issuer = line->values[CS_OPT_ISSUER];
    const char *what = line->n_operands ? line->operands[0] : NULL;
    struct stat st;
    int status;

    if (!what)
        return cs_report_usage("revoke", "say what is to be revoked: a certificate's file or its "
                                         "serial number");
    if (!cs_line_has(line, CS_OPT_NOW))
        return cs_report_usage("revoke", "say --now: the running gateway refuses it at once, "
                                         "without a list of its CA");
    status = take_reason(wish, line->values[CS_OPT_REASON]);
    if (status != CS_EXIT_OK)
        return status;
    if (strcmp(what, "-") != 0 && stat(what, &st) < 0)
        return take_serial(wish, what, issuer);
    if (issuer)
        return cs_report_usage("revoke", "a certificate says itself who issued it: --issuer goes "
                                         "with a serial number");
    return take_certificate(wish, what);
}

static json_t *request_of(struct wish *wish)
{
    char serial[2 * CS_REVOKED_SERIAL_MAX + 1] = "", issuer[2 * sizeof(wish->issuer) + 1] = "";
    json_t *request;

    cs_hex_encode(wish->serial, wish->serial_len, true, serial);
    request = json_pack("{s:s,s:s,s:s}", "do", "revoke", "serial", serial, "reason", wish->reason);
    if (wish->has_issuer) {
        cs_hex_encode(wish->issuer, sizeof(wish->issuer), false, issuer);
        json_object_set_new(request, "issuer", json_string(issuer));
    }
    if (wish->file) {
        struct cs_str name = cs_name_text(wish->cert.subject, &wish->arena);
        json_object_set_new(request, "name", json_stringn(name.ptr, name.len));
        json_object_set_new(request, "not_after", json_integer(wish->cert.not_after));
    }
    return request;
}

static json_int_t number(const json_t *answer, const char *name)
{
    return json_integer_value(json_object_get(answer, name));
}

/* Return: whether every worker that was there has done it, or has gone. */
static bool is_complete(const json_t *answer)
{
    const json_t *workers = json_object_get(answer, "workers");

    return number(workers, "refused") == 0 && number(workers, "late") == 0;
}

static void tell(struct wish *wish, const json_t *answer)
{
    const json_t *workers = json_object_get(answer, "workers");
    struct cs_str serial =
        cs_serial_text(cs_str_make(wish->serial, wish->serial_len), &wish->arena);

    if (wish->file) {
        struct cs_str name = cs_name_display(wish->cert.subject, &wish->arena);
        printf("%.*s, serial %.*s, ", CS_FMT(name), CS_FMT(serial));
    } else {
        printf("serial %.*s ", CS_FMT(serial));
    }
    printf("%s revoked: %lld of %lld worker%s acknowledged, %lld connection%s cut\n",
           json_is_true(json_object_get(answer, "already")) ? "was already" : "is",
           (long long)number(workers, "done"), (long long)number(workers, "told"),
           number(workers, "told") == 1 ? "" : "s", (long long)number(answer, "cut"),
           number(answer, "cut") == 1 ? "" : "s");
    if (number(workers, "gone"))
        printf("%lld ended meanwhile\n", (long long)number(workers, "gone"));
    if (number(workers, "late"))
        printf("%lld did not answer in time, and will do it as soon as they can\n",
               (long long)number(workers, "late"));
}

int cs_cmd_revoke(const struct cs_line *line)
{
    struct wish wish = {.line = line};
    struct cs_instance instance;
    json_t *answer = NULL;
    int status = take_wish(line, &wish);

    if (status == CS_EXIT_OK) {
        cs_instance_init(&instance, line);
        status = cs_talk(line, &instance, request_of(&wish), &answer);
        cs_instance_deinit(&instance);
    }
    if (status == CS_EXIT_OK) {
        if (cs_line_has(line, CS_OPT_JSON)) {
            json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
            putchar('\n');
        } else {
            tell(&wish, answer);
        }
        status = is_complete(answer) ? CS_EXIT_OK : CS_EXIT_FAILED;
    }
    json_decref(answer);
    cs_arena_deinit(&wish.arena);
    return status;
}
