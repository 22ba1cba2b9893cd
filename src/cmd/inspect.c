/* inspect: read files, or what a server presents; judge it at a time, print what is in it. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"
#include "base/time.h"
#include "cmd/given.h"
#include "cmd/options.h"
#include "cmd/report.h"
#include "doctor/probe.h"
#include "explain/inspect.h"
#include "x509/lint.h"

enum { FILE_MAX = 64 << 20, TEXT_MAX = 256 << 20, FILES_MAX = 1024, TIMEOUT_MS = 10000 };

/* What was read, to be wiped: there may be keys in it. */
struct input {
    struct cs_given given;
    struct cs_buf files[FILES_MAX];
    size_t n;
};

/* ---- files ---- */

/* "example.com:443", and no file of that name. */
static bool is_address(const char *path)
{
    struct cs_str text = cs_str_from(path);
    ptrdiff_t colon = cs_str_rfind(text, ':');
    struct stat st;
    uint64_t port;

    return colon > 0 && cs_str_find(text, '/') < 0 &&
           cs_str_to_u64(cs_str_skip(text, (size_t)colon + 1), 65535, &port) == 0 &&
           stat(path, &st) < 0;
}

/* What the server at @path presents. Return: exit status. */
static int ask_server(struct cs_given *given, const char *path, struct cs_buf *pem)
{
    struct cs_visit *visit = CS_NEW(struct cs_visit);
    struct cs_probe_plan plan = {.target = cs_str_from(path), .timeout_ms = TIMEOUT_MS};
    struct cs_addr addr;
    int r = cs_options_target(plan.target, &plan.host, &plan.port), status = CS_EXIT_OK;

    plan.name = plan.http_host = plan.host;
    if (cs_addr_parse_ip(plan.host, 0, &addr) < 0)
        plan.sni = plan.host;
    r = r ? r : cs_visit_init(visit);
    r = r ? r : cs_probe_chain(visit, &plan, pem);
    if (r < 0) {
        fprintf(stderr, "countersign inspect: \"%s\" presents no certificate\n", path);
        given->target = plan.target;
        status = cs_given_untried(given, &visit->findings, r);
    }
    cs_visit_deinit(visit);
    free(visit);
    return status;
}

static int add_file(struct cs_bundle *bundle, struct input *input, const char *path)
{
    struct cs_buf *buf = &input->files[input->n++];
    struct cs_source source = {.file = strcmp(path, "-") ? cs_str_from(path)
                                                         : CS_STR("standard input")};
    int status;

    cs_buf_init(buf, FILE_MAX);
    status = is_address(path) ? ask_server(&input->given, path, buf)
                              : cs_given_file(&input->given, path, buf);
    if (status != CS_EXIT_OK)
        return status;
    source.bytes = cs_buf_str(buf);
    cs_bundle_add(bundle, &source);
    return CS_EXIT_OK;
}

/* ---- options ---- */

static int parse_role(const char *word, unsigned *ret_role)
{
    if (strcmp(word, "client") == 0)
        *ret_role = CS_LINT_CLIENT;
    else if (strcmp(word, "server") == 0)
        *ret_role = CS_LINT_SERVER;
    else if (strcmp(word, "ca") == 0)
        *ret_role = CS_LINT_CA;
    else
        return -EINVAL;
    return 0;
}

/* What is to be judged by, out of the options. */
struct question {
    int64_t now_sec;
    unsigned role;
};

static int read_options(const struct cs_line *line, struct question *q)
{
    const char *at = line->values[CS_OPT_AT], *role = line->values[CS_OPT_FOR];

    q->now_sec = (int64_t)time(NULL);
    if (at && cs_options_at(cs_str_from(at), &q->now_sec) < 0)
        return cs_report_usage("inspect", "--at wants a time: 2027-01-31, 2027-01-31T12:00:00Z, "
                                          "@SECONDS or +30d");
    if (role && parse_role(role, &q->role) < 0)
        return cs_report_usage("inspect", "--for wants client, server or ca");
    if (!line->n_operands)
        return cs_report_usage("inspect", "no file is named; \"-\" is standard input");
    return CS_EXIT_OK;
}

/* ---- the whole ---- */

static unsigned count_errors(const struct cs_bundle *bundle)
{
    unsigned n = 0;

    for (size_t i = 0; i < bundle->n; i++)
        n += bundle->items[i]->findings.n_errors;
    return n;
}

static int print(const struct cs_bundle *bundle, const struct question *q, bool json)
{
    struct cs_buf text;
    int r;

    cs_buf_init(&text, TEXT_MAX);
    r = cs_inspect(bundle, q->now_sec, json, cs_report_colour(stdout), &text);
    fwrite(text.ptr, 1, text.len, stdout);
    cs_buf_deinit(&text);
    if (r < 0)
        fprintf(stderr, "countersign inspect: the output is too long and was cut\n");
    return r < 0 || count_errors(bundle) ? CS_EXIT_FAILED : CS_EXIT_OK;
}

static int inspect(const struct cs_line *line, const struct question *q, struct input *input)
{
    struct cs_arena arena = {0};
    struct cs_bundle bundle;
    int status = CS_EXIT_OK;

    cs_bundle_init(&bundle, &arena);
    for (int i = 0; status == CS_EXIT_OK && i < line->n_operands; i++)
        status = add_file(&bundle, input, line->operands[i]);
    if (status == CS_EXIT_OK) {
        cs_bundle_relate(&bundle);
        cs_bundle_lint(&bundle, q->role, q->now_sec);
        status = print(&bundle, q, cs_line_has(line, CS_OPT_JSON));
    }
    cs_arena_deinit(&arena);
    return status;
}

int cs_cmd_inspect(const struct cs_line *line)
{
    struct question q = {0};
    struct input *input;
    int status = read_options(line, &q);

    if (status != CS_EXIT_OK)
        return status;
    input = CS_NEW(struct input);
    cs_given_init(&input->given, line);
    status = inspect(line, &q, input);
    for (size_t i = 0; i < input->n; i++)
        cs_buf_wipe(&input->files[i]);
    cs_given_deinit(&input->given);
    free(input);
    return status;
}
