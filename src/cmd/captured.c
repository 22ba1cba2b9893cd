/* Options into a plan; every connection of the file dissected with it; the story printed. */
#include "cmd/captured.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/given.h"
#include "cmd/report.h"
#include "doctor/story.h"
#include "snapshot/build.h"

enum { TEXT_MAX = 256 << 20 };

struct request {
    struct cs_given given;
    struct cs_capture_filter filter;
    struct cs_dissect_plan plan;
};

bool cs_captured_is(const char *operand)
{
    struct stat st;

    return strcmp(operand, "-") == 0 || (stat(operand, &st) == 0 && !S_ISDIR(st.st_mode));
}

/* ---- options ---- */

/* What says how to connect says nothing about a file. */
static int check_options(const struct cs_line *line)
{
    static const bool fit[CS_OPT_N] = {CS_WITH(CA),   CS_WITH(AT),  CS_WITH(HOST),
                                       CS_WITH(PORT), CS_WITH(CRL), CS_WITH(JSON)};
    char text[128];

    for (int i = 0; i < CS_OPT_N; i++) {
        if (!cs_line_has(line, i) || fit[i])
            continue;
        snprintf(text, sizeof(text), "--%s does not go with a captured file",
                 cs_option_rows()[i].name);
        return cs_given_refuse(text);
    }
    return CS_EXIT_OK;
}

static int take_filter(struct request *q)
{
    const char *port = cs_given_option(&q->given, CS_OPT_PORT),
               *host = cs_given_option(&q->given, CS_OPT_HOST);
    uint64_t number;

    if (port && (cs_str_to_u64(cs_str_from(port), 65535, &number) < 0 || !number))
        return cs_given_refuse("--port wants a number from 1 to 65535");
    if (port)
        q->filter.port = (uint16_t)number;
    if (host && cs_addr_parse_ip(cs_str_from(host), 0, &q->filter.host) < 0)
        return cs_given_refuse("--host wants an address here: names are not captured");
    return CS_EXIT_OK;
}

static int take_trust(struct request *q)
{
    const char *path = cs_given_option(&q->given, CS_OPT_CA);
    int status;

    if (!path)
        return cs_given_option(&q->given, CS_OPT_CRL) ? cs_given_refuse("--crl goes with --ca")
                                                      : CS_EXIT_OK;
    status = cs_given_trust(&q->given, path);
    q->plan.trust = q->given.trust;
    return status;
}

static int read_request(struct request *q)
{
    int status = check_options(q->given.line);

    if (status == CS_EXIT_OK)
        status = take_filter(q);
    if (status == CS_EXIT_OK)
        status = cs_given_at(&q->given, &q->plan.at_sec);
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
    r = cs_story_tell(story, cs_line_has(q->given.line, CS_OPT_JSON), cs_report_colour(stdout),
                      &text);
    fwrite(text.ptr, 1, text.len, stdout);
    cs_buf_deinit(&text);
    if (r < 0)
        fprintf(stderr, "countersign doctor: the output is too long and was cut\n");
    return r < 0 || has_failed(story) ? CS_EXIT_FAILED : CS_EXIT_OK;
}

static int refuse_file(struct request *q, const char *name, struct cs_str why)
{
    CS_FIND(&q->given.findings, &cs_finding_file_unreadable, NULL, cs_str_from(name), why);
    return cs_given_untried(&q->given, &q->given.findings, 0);
}

static int tell(struct request *q, FILE *file, const char *name)
{
    const char *ca = cs_given_option(&q->given, CS_OPT_CA);
    struct cs_capture capture;
    struct cs_story story = {
        .file = cs_str_from(name), .capture = &capture, .trust_name = cs_str_from(ca)};
    int status;

    if (cs_capture_read(&capture, file, &q->filter) < 0) {
        status = refuse_file(
            q, name,
            cs_arena_printf(&q->given.arena, "it is no capture: %.*s", CS_FMT(capture.problem)));
    } else {
        story.connections = cs_dissect_all(&capture, &q->plan, &q->given.arena);
        story.n = capture.n;
        status = print(q, &story);
    }
    cs_capture_deinit(&capture);
    return status;
}

static int open_and_tell(struct request *q)
{
    const char *name = q->given.line->operands[0];
    bool standard = strcmp(name, "-") == 0;
    FILE *file =
        standard ? fdopen(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), "rb") : fopen(name, "rbe");

    if (file)
        return tell(q, file, standard ? "standard input" : name);
    return refuse_file(q, name, cs_str_from(strerrordesc_np(errno)));
}

int cs_captured_tell(const struct cs_line *line)
{
    struct request q = {.plan = {0}};
    int status;

    cs_given_init(&q.given, line);
    q.given.target = cs_str_from(line->operands[0]);
    status = read_request(&q);
    if (status == CS_EXIT_OK)
        status = open_and_tell(&q);
    cs_given_deinit(&q.given);
    return status;
}
