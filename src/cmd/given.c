/* Reading what options name; what cannot be read is a finding like any other. */
#include "cmd/given.h"

#include <stdio.h>
#include <time.h>

#include "cmd/options.h"
#include "cmd/report.h"
#include "doctor/report.h"
#include "snapshot/build.h"
#include "x509/trust.h"

enum { FILE_MAX = 16 << 20, LISTS_MAX = 256 << 20, TEXT_MAX = 1 << 20 };

void cs_given_init(struct cs_given *given, const struct cs_line *line)
{
    *given = (struct cs_given){.line = line};
    cs_findings_init(&given->findings, &given->arena);
    cs_buf_init(&given->ca, FILE_MAX);
    cs_buf_init(&given->crl, LISTS_MAX);
}

void cs_given_deinit(struct cs_given *given)
{
    cs_trust_unref(given->trust);
    cs_crl_lists_free(given->lists);
    cs_buf_deinit(&given->crl);
    cs_buf_deinit(&given->ca);
    cs_arena_deinit(&given->arena);
}

const char *cs_given_option(const struct cs_given *given, enum cs_option which)
{
    return given->line->values[which];
}

int cs_given_refuse(const char *what)
{
    return cs_report_usage("doctor", what);
}

int cs_given_at(const struct cs_given *given, int64_t *ret_sec)
{
    const char *at = cs_given_option(given, CS_OPT_AT);
    int64_t sec = (int64_t)time(NULL);

    if (at && cs_options_at(cs_str_from(at), &sec) < 0)
        return cs_report_usage(
            given->line->command->name,
            "--at wants a time: 2027-01-31, 2027-01-31T12:00:00Z, @SECONDS or +30d");
    *ret_sec = at ? sec : 0;
    return CS_EXIT_OK;
}

int cs_given_file(struct cs_given *given, const char *path, struct cs_buf *buf)
{
    int r = cs_options_read(path, buf);

    if (r == 0)
        return CS_EXIT_OK;
    CS_FIND(&given->findings, &cs_finding_file_unreadable, NULL, cs_str_from(path),
            cs_str_from(strerrordesc_np(-r)));
    return cs_given_untried(given, &given->findings, r);
}

static struct cs_source source_of(const struct cs_buf *buf, const char *path)
{
    struct cs_str file = cs_str_from(path);

    return (struct cs_source){.bytes = cs_buf_str(buf), .file = file, .place.file = file};
}

static int read_lists(struct cs_given *given)
{
    const char *path = cs_given_option(given, CS_OPT_CRL);
    struct cs_source source;
    int status;

    if (!path)
        return CS_EXIT_OK;
    status = cs_given_file(given, path, &given->crl);
    if (status != CS_EXIT_OK)
        return status;
    source = source_of(&given->crl, path);
    if (cs_crl_lists_new(&source, 1, &given->findings, &given->lists) == 0)
        return CS_EXIT_OK;
    return cs_given_untried(given, &given->findings, 0);
}

int cs_given_trust(struct cs_given *given, const char *path)
{
    struct cs_source source;
    struct cs_trust_spec spec = {.cas = &source, .n_cas = 1, .n_named = 1};
    int status = cs_given_file(given, path, &given->ca);

    status = status ? status : read_lists(given);
    if (status != CS_EXIT_OK)
        return status;
    source = source_of(&given->ca, path);
    spec.crls = given->lists;
    if (cs_trust_new(&spec, &given->findings, &given->trust) == 0)
        return CS_EXIT_OK;
    return cs_given_untried(given, &given->findings, 0);
}

/* The same for programs. */
static int tell_untried(const struct cs_given *given, const struct cs_findings *findings,
                        struct cs_str fault, const char *hint)
{
    struct cs_buf text;

    if (!cs_line_has(given->line, CS_OPT_JSON))
        return CS_EXIT_USAGE;
    cs_buf_init(&text, TEXT_MAX);
    (void)cs_report_untried(given->target, findings, fault, hint, &text);
    fwrite(text.ptr, 1, text.len, stdout);
    cs_buf_deinit(&text);
    return CS_EXIT_USAGE;
}

int cs_given_untried(const struct cs_given *given, const struct cs_findings *findings, int r)
{
    struct cs_str fault = r ? cs_str_from(strerrordesc_np(-r)) : CS_STR("out of memory");

    if (findings->n_errors)
        cs_report_findings(findings, CS_SEVERITY_ERROR, CS_EXPLAIN_TEXT, stderr);
    else
        fprintf(stderr, "countersign %s: %.*s\n", given->line->command->name, CS_FMT(fault));
    return tell_untried(given, findings, fault, NULL);
}

int cs_given_useless(const struct cs_given *given, struct cs_str why, const char *hint)
{
    fprintf(stderr, "countersign %s: %.*s\n", given->line->command->name, CS_FMT(why));
    if (hint)
        fprintf(stderr, "  hint: %s\n", hint);
    return tell_untried(given, &given->findings, why, hint);
}
