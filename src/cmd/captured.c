/* Options into a plan; every connection of the file dissected with it; the story printed. */
#include "cmd/captured.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"
#include "cmd/options.h"
#include "cmd/report.h"
#include "doctor/story.h"
#include "x509/trust.h"

enum { FILE_MAX = 16 << 20, TEXT_MAX = 256 << 20 };

struct request {
    const struct cs_line *line;
    struct cs_arena arena;
    struct cs_findings findings;
    struct cs_buf ca;
    struct cs_trust *trust;
    struct cs_capture_filter filter;
    struct cs_dissect_plan plan;
};

static const char *option(const struct request *q, enum cs_option which)
{
    return q->line->values[which];
}

static int refuse(const char *what)
{
    return cs_report_usage("doctor", what);
}

bool cs_captured_is(const char *operand)
{
    struct stat st;

    return strcmp(operand, "-") == 0 || (stat(operand, &st) == 0 && !S_ISDIR(st.st_mode));
}

/* ---- options ---- */

/* What says how to connect says nothing about a file. */
static int check_options(const struct cs_line *line)
{
    const unsigned fit = CS_OPT_BIT(CS_OPT_CA) | CS_OPT_BIT(CS_OPT_AT) | CS_OPT_BIT(CS_OPT_HOST) |
                         CS_OPT_BIT(CS_OPT_PORT) | CS_OPT_BIT(CS_OPT_JSON);
    char text[128];

    for (int i = 0; i < CS_OPT_N; i++) {
        if (!cs_line_has(line, i) || fit & CS_OPT_BIT(i))
            continue;
        snprintf(text, sizeof(text), "--%s does not go with a captured file",
                 cs_option_rows()[i].name);
        return refuse(text);
    }
    return CS_EXIT_OK;
}

static int take_filter(struct request *q)
{
    const char *port = option(q, CS_OPT_PORT), *host = option(q, CS_OPT_HOST);
    uint64_t number;

    if (port && (cs_str_to_u64(cs_str_from(port), 65535, &number) < 0 || !number))
        return refuse("--port wants a number from 1 to 65535");
    if (port)
        q->filter.port = (uint16_t)number;
    if (host && cs_addr_parse_ip(cs_str_from(host), 0, &q->filter.host) < 0)
        return refuse("--host wants an address here: names are not captured");
    return CS_EXIT_OK;
}

static int take_time(struct request *q)
{
    const char *at = option(q, CS_OPT_AT);

    q->plan.at_sec = (int64_t)time(NULL);
    if (at && cs_options_at(cs_str_from(at), &q->plan.at_sec) < 0)
        return refuse("--at wants a time: 2027-01-31, 2027-01-31T12:00:00Z, @SECONDS or +30d");
    if (!at)
        q->plan.at_sec = 0;
    return CS_EXIT_OK;
}

static int take_trust(struct request *q)
{
    const char *path = option(q, CS_OPT_CA);
    struct cs_source source;
    struct cs_trust_spec spec = {.cas = &source, .n_cas = 1, .n_named = 1};
    int r;

    if (!path)
        return CS_EXIT_OK;
    r = cs_options_read(path, &q->ca);
    if (r < 0) {
        fprintf(stderr, "countersign doctor: cannot read \"%s\": %s\n", path, strerror(-r));
        return CS_EXIT_USAGE;
    }
    source = (struct cs_source){.bytes = cs_buf_str(&q->ca), .file = cs_str_from(path)};
    if (cs_trust_new(&spec, &q->findings, &q->trust) != 0) {
        cs_report_findings(&q->findings, CS_SEVERITY_ERROR, CS_EXPLAIN_TEXT, stderr);
        return CS_EXIT_USAGE;
    }
    q->plan.trust = q->trust;
    return CS_EXIT_OK;
}

static int read_request(struct request *q)
{
    int status = check_options(q->line);

    if (status == CS_EXIT_OK)
        status = take_filter(q);
    if (status == CS_EXIT_OK)
        status = take_time(q);
    return status == CS_EXIT_OK ? take_trust(q) : status;
}

/* ---- the capture ---- */

static bool has_failed(const struct cs_story *story)
{
    for (size_t i = 0; i < story->n; i++) {
        if (story->connections[i]->fate == CS_FATE_FAILED)
            return true;
    }
    return false;
}

static int print(struct request *q, const struct cs_story *story)
{
    struct cs_buf text;
    int r;

    cs_buf_init(&text, TEXT_MAX);
    r = cs_story_tell(story, cs_line_has(q->line, CS_OPT_JSON), cs_report_colour(stdout), &text);
    fwrite(text.ptr, 1, text.len, stdout);
    cs_buf_deinit(&text);
    if (r < 0)
        fprintf(stderr, "countersign doctor: the output is too long and was cut\n");
    return r < 0 || has_failed(story) ? CS_EXIT_FAILED : CS_EXIT_OK;
}

static int tell(struct request *q, FILE *file, const char *name)
{
    const char *ca = option(q, CS_OPT_CA);
    struct cs_capture capture;
    struct cs_story story = {
        .file = cs_str_from(name), .capture = &capture, .trust_name = cs_str_from(ca)};
    int status = CS_EXIT_USAGE;

    if (cs_capture_read(&capture, file, &q->filter) < 0) {
        fprintf(stderr, "countersign doctor: cannot read \"%s\" as a capture: %.*s\n", name,
                CS_FMT(capture.problem));
    } else {
        story.connections = cs_dissect_all(&capture, &q->plan, &q->arena);
        story.n = capture.n;
        status = print(q, &story);
    }
    cs_capture_deinit(&capture);
    return status;
}

static int open_and_tell(struct request *q)
{
    const char *name = q->line->operands[0];
    bool standard = strcmp(name, "-") == 0;
    FILE *file =
        standard ? fdopen(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), "rb") : fopen(name, "rbe");

    if (file)
        return tell(q, file, standard ? "standard input" : name);
    fprintf(stderr, "countersign doctor: cannot read \"%s\": %s\n", name, strerror(errno));
    return CS_EXIT_USAGE;
}

int cs_captured_tell(const struct cs_line *line)
{
    struct request q = {.line = line};
    int status;

    cs_findings_init(&q.findings, &q.arena);
    cs_buf_init(&q.ca, FILE_MAX);
    status = read_request(&q);
    if (status == CS_EXIT_OK)
        status = open_and_tell(&q);
    cs_trust_unref(q.trust);
    cs_buf_deinit(&q.ca);
    cs_arena_deinit(&q.arena);
    return status;
}
