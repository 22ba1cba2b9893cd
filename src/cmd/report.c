/* The only place of this folder that knows how a finding reaches a stream. */
#include "cmd/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"

/* Of one finding: operands are cut by explain/, so this is never reached. */
#define FINDING_MAX (64 << 10)

bool cs_report_colour(FILE *stream)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(fileno(stream)) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

void cs_report_findings(const struct cs_findings *findings, enum cs_severity least,
                        enum cs_explain_style style, FILE *stream)
{
    bool colour = cs_report_colour(stream);
    struct cs_buf buf;

    cs_buf_init(&buf, FINDING_MAX);
    for (const struct cs_finding *f = findings->first; f; f = f->next) {
        if (f->kind->severity < least)
            continue;
        cs_buf_reset(&buf);
        cs_explain_finding(f, style, colour, &buf);
        fwrite(buf.ptr, 1, buf.len, stream);
    }
    cs_buf_deinit(&buf);
}

void cs_report_summary(const struct cs_findings *findings, struct cs_str file, FILE *stream)
{
    struct cs_buf buf;

    cs_buf_init(&buf, FINDING_MAX);
    cs_explain_summary(findings, file, &buf);
    fprintf(stream, "%.*s\n", CS_FMT(cs_buf_str(&buf)));
    cs_buf_deinit(&buf);
}

void cs_report_json(const struct cs_findings *findings, struct cs_str file, FILE *stream)
{
    const char *before = "";
    struct cs_buf buf;

    cs_buf_init(&buf, FINDING_MAX);
    cs_buf_add_json(&buf, file);
    fprintf(stream, "{\"file\":%.*s,\"ok\":%s,\"errors\":%u,\"findings\":[",
            CS_FMT(cs_buf_str(&buf)), findings->n_errors ? "false" : "true", findings->n_errors);
    for (const struct cs_finding *f = findings->first; f; f = f->next, before = ",") {
        cs_buf_reset(&buf);
        cs_explain_finding(f, CS_EXPLAIN_JSON, false, &buf);
        fprintf(stream, "%s\n%.*s", before, CS_FMT(cs_buf_str(&buf)));
    }
    fprintf(stream, "],\"dropped\":%u}\n", findings->dropped);
    cs_buf_deinit(&buf);
}

int cs_report_unknown_command(const char *name)
{
    const struct cs_command *nearest = cs_command_nearest(name);

    if (name[0] == '-') {
        fprintf(stderr,
                "countersign: unknown option \"%s\"; options come behind a command, as in "
                "countersign run -c FILE\n"
                "\"countersign help\" lists all commands\n",
                name);
        return CS_EXIT_USAGE;
    }
    fprintf(stderr, "countersign: unknown command \"%s\"", name);
    if (nearest)
        fprintf(stderr, ", did you mean \"%s\"?", nearest->name);
    fprintf(stderr, "\n\"countersign help\" lists all commands\n");
    return CS_EXIT_USAGE;
}

int cs_report_usage(const char *command, const char *what)
{
    fprintf(stderr, "countersign %s: %s\n\"countersign help %s\" says how it is used\n", command,
            what, command);
    return CS_EXIT_USAGE;
}

static void print_failure(const char *what, const char *hint)
{
    struct cs_buf buf;
    int r;

    cs_buf_init(&buf, FINDING_MAX);
    r = cs_buf_addf(&buf, "{\"ok\":false,\"error\":") || cs_buf_add_json(&buf, cs_str_from(what));
    if (hint)
        r = r || cs_buf_addf(&buf, ",\"hint\":") || cs_buf_add_json(&buf, cs_str_from(hint));
    r = r || cs_buf_addf(&buf, "}\n");
    if (r == 0)
        fwrite(buf.ptr, 1, buf.len, stdout);
    cs_buf_deinit(&buf);
}

int cs_report_failure(const struct cs_line *line, int status, const char *hint, const char *fmt,
                      ...)
{
    struct cs_buf what;
    va_list ap;

    cs_buf_init(&what, FINDING_MAX);
    va_start(ap, fmt);
    cs_buf_vaddf(&what, fmt, ap);
    va_end(ap);
    fprintf(stderr, "countersign %s: %s\n", line->command->name, cs_buf_cstr(&what));
    if (hint)
        fprintf(stderr, "  hint: %s\n", hint);
    if (cs_line_has(line, CS_OPT_JSON))
        print_failure(cs_buf_cstr(&what), hint);
    cs_buf_deinit(&what);
    return status;
}
