/* status: what a running gateway says about itself, as text for people or as its JSON. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "cmd/command.h"
#include "cmd/report.h"
#include "cmd/talk.h"

#define BOLD "\033[1m"
#define RED "\033[1;31m"
#define YELLOW "\033[1;33m"
#define PLAIN "\033[0m"

enum { SHOWN = 20 }; /* of each kind, at least */

struct page {
    const json_t *answer;
    bool colour;
};

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    return value ? value : "";
}

static long long number(const json_t *object, const char *name)
{
    return (long long)json_integer_value(json_object_get(object, name));
}

static bool flag(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

static void heading(const struct page *page, const char *words)
{
    printf("\n%s%s%s\n", page->colour ? BOLD : "", words, page->colour ? PLAIN : "");
}

/* How long ago, or how long until. */
static struct cs_str span(long long sec, char buf[CS_TIME_TEXT])
{
    return cs_time_span(sec, buf);
}

static long long seconds(const char *iso)
{
    int64_t sec = 0;

    cs_time_parse(cs_str_from(iso), &sec);
    return (long long)sec;
}

/* ---- the service and its workers ---- */

static void print_service(const struct page *page)
{
    const json_t *a = page->answer;
    long long now = seconds(text(a, "now"));
    char up[CS_TIME_TEXT], loaded[CS_TIME_TEXT];

    printf("countersign %s, process %lld, up %.*s\n", text(a, "version"), number(a, "pid"),
           CS_FMT(span(now - seconds(text(a, "started")), up)));
    printf("%s, in use for %.*s\n", text(a, "configuration"),
           CS_FMT(span(now - seconds(text(a, "loaded")), loaded)));
}

static void print_workers(const struct page *page)
{
    const json_t *worker;
    size_t i;

    heading(page, "workers");
    printf("  %-10s %11s %11s %11s %11s %8s\n", "process", "connections", "with a cert", "idle",
           "upstream", "cut");
    json_array_foreach(json_object_get(page->answer, "workers"), i, worker)
        printf("  %-10lld %11lld %11lld %11lld %11lld %8lld%s\n", number(worker, "pid"),
               number(worker, "connections"), number(worker, "verified"), number(worker, "idle"),
               number(worker, "upstreams"), number(worker, "cut"),
               flag(worker, "draining") ? "  leaving" : "");
    if (number(page->answer, "silent_workers"))
        printf("  %s%lld did not answer%s\n", page->colour ? RED : "",
               number(page->answer, "silent_workers"), page->colour ? PLAIN : "");
}

/* ---- papers ---- */

static const struct {
    const char *kind, *heading;
} kinds[] = {{"server", "certificates shown to clients"},
             {"client", "certificates shown to upstreams"},
             {"ca", "trusted CAs"},
             {"list", "revocation lists"}};

static void remark(const struct page *page, const char *colour, const char *words)
{
    printf("    %s%s%s\n", page->colour ? colour : "", words, page->colour ? PLAIN : "");
}

static void print_time(const struct page *page, const json_t *paper)
{
    const char *state = text(paper, "state");
    bool over = strcmp(state, "expired") == 0, good = strcmp(state, "good") == 0;
    const char *colour = good ? "" : strcmp(state, "expires soon") == 0 ? YELLOW : RED;
    char buf[CS_TIME_TEXT];

    if (!json_object_get(paper, "until")) {
        printf("without end");
        return;
    }
    if (page->colour)
        printf("%s", colour);
    if (strcmp(state, "not yet valid") == 0)
        printf("not yet valid, from %s", text(paper, "from"));
    else
        printf("%s%.*s %s", over ? "expired " : "", CS_FMT(span(number(paper, "left_sec"), buf)),
               over ? "ago" : "left");
    printf("%s, until %s", page->colour && *colour ? PLAIN : "", text(paper, "until"));
}

static void print_paper(const struct page *page, const json_t *paper)
{
    printf("  %s%s\n    ", text(paper, "name"), flag(paper, "issuing") ? " (its issuer)" : "");
    print_time(page, paper);
    if (json_object_get(paper, "entries"))
        printf(", %lld revoked", number(paper, "entries"));
    printf("\n    %s, written %s, named at %s\n    for %s\n", text(paper, "file"),
           text(paper, "changed"), text(paper, "place"), text(paper, "used_by"));
    if (flag(paper, "differs"))
        remark(page, RED,
               "the file is another one now, and is not in use: the error log says why, "
               "or reload");
}

/* A bundle of the system has many CAs: those that need no attention are counted. */
static bool is_shown(const json_t *paper, size_t n_before)
{
    return n_before < SHOWN || strcmp(text(paper, "state"), "good") != 0 || flag(paper, "differs");
}

static void print_kind(const struct page *page, const char *kind, const char *words)
{
    const json_t *paper;
    size_t i, n = 0, n_more = 0;

    json_array_foreach(json_object_get(page->answer, "papers"), i, paper)
    {
        if (strcmp(text(paper, "kind"), kind) != 0)
            continue;
        if (n == 0)
            heading(page, words);
        if (is_shown(paper, n++))
            print_paper(page, paper);
        else
            n_more++;
    }
    if (n_more)
        printf("  and %zu more that are good\n", n_more);
}

static void print_papers(const struct page *page)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        print_kind(page, kinds[i].kind, kinds[i].heading);
}

/* ---- errands ---- */

static void print_errand(const struct page *page, const json_t *errand)
{
    const char *state = text(errand, "state");
    const json_t *name;
    size_t i;

    printf("  ");
    json_array_foreach(json_object_get(errand, "names"), i, name)
        printf("%s%s", i ? ", " : "", json_string_value(name));
    printf(": %s\n    of %s, in %s\n", state, text(errand, "authority"), text(errand, "folder"));
    if (!json_object_get(errand, "failing_since"))
        return;
    printf("    asking has failed since %s\n", text(errand, "failing_since"));
    remark(page, strcmp(state, "awaited") == 0 ? RED : YELLOW, text(errand, "error"));
}

static void print_errands(const struct page *page)
{
    const json_t *errands = json_object_get(page->answer, "errands"), *errand;
    size_t i;

    if (!json_array_size(errands))
        return;
    heading(page, "certificates asked of an authority");
    json_array_foreach(errands, i, errand) print_errand(page, errand);
}

/* ---- what is fetched ---- */

static void print_fetched(const struct page *page, const json_t *item)
{
    if (json_object_get(item, "fetched"))
        printf("    last at %s, next at %s\n", text(item, "fetched"), text(item, "due"));
    if (json_object_get(item, "failing_since"))
        printf("    fetching has failed since %s\n", text(item, "failing_since"));
    if (json_object_get(item, "error"))
        remark(page, RED, text(item, "error"));
}

static void print_staples(const struct page *page)
{
    const json_t *staples = json_object_get(page->answer, "staples"), *staple;
    size_t i;

    if (!json_array_size(staples))
        return;
    heading(page, "OCSP responses shown to clients");
    json_array_foreach(staples, i, staple)
    {
        printf("  %s: %s", text(staple, "certificate"), text(staple, "state"));
        if (json_object_get(staple, "says"))
            printf(", says \"%s\"", text(staple, "says"));
        if (json_object_get(staple, "until"))
            printf(" until %s", text(staple, "until"));
        printf("\n    of %s, in %s\n",
               *text(staple, "responder") ? text(staple, "responder") : "nobody",
               text(staple, "file"));
        print_fetched(page, staple);
    }
}

static void print_downloads(const struct page *page)
{
    const json_t *downloads = json_object_get(page->answer, "downloads"), *download;
    size_t i;

    if (!json_array_size(downloads))
        return;
    heading(page, "fetched");
    json_array_foreach(downloads, i, download)
    {
        printf("  %s: %s\n    in %s\n", text(download, "url"), text(download, "state"),
               text(download, "file"));
        print_fetched(page, download);
    }
}

/* ---- the rest ---- */

static void print_revoked(const struct page *page)
{
    const json_t *revoked = json_object_get(page->answer, "revoked"), *worker;
    long long n = number(revoked, "count");
    size_t i;

    if (!n)
        return;
    heading(page, "revoked at a word");
    printf("  %lld, in %s\n", n, text(revoked, "file"));
    json_array_foreach(json_object_get(page->answer, "workers"), i, worker)
    {
        if (number(worker, "revoked") == n)
            continue;
        printf("    %sprocess %lld knows of %lld%s\n", page->colour ? RED : "",
               number(worker, "pid"), number(worker, "revoked"), page->colour ? PLAIN : "");
    }
}

/* ---- what responders said ---- */

static void print_standing(const struct page *page, const json_t *standing)
{
    const char *said = text(standing, "said"), *serial = text(standing, "serial");
    bool good = strcmp(said, "good") == 0;
    char ago[CS_TIME_TEXT];

    printf("  %s%s: ", *serial ? "serial " : "a certificate", serial);
    if (*said)
        printf("%s%s%s, said %.*s ago, until %s\n", page->colour && !good ? RED : "", said,
               page->colour && !good ? PLAIN : "", CS_FMT(span(number(standing, "age_sec"), ago)),
               text(standing, "until"));
    else
        printf("not known\n");
    if (*text(standing, "responder"))
        printf("    by %s\n", text(standing, "responder"));
    if (!json_object_get(standing, "failure"))
        return;
    printf("    asking failed %.*s ago (%s)\n",
           CS_FMT(span(number(standing, "failed_sec_ago"), ago)), text(standing, "failure"));
    remark(page, good ? YELLOW : RED, text(standing, "error"));
}

static void print_standings(const struct page *page)
{
    const json_t *ocsp = json_object_get(page->answer, "ocsp"), *standing;
    size_t i;

    if (!number(ocsp, "certificates"))
        return;
    heading(page, "what OCSP responders said");
    printf(
        "  %lld certificates: %lld good, %lld revoked, %lld unknown; asking failed last for %lld\n",
        number(ocsp, "certificates"), number(ocsp, "good"), number(ocsp, "revoked"),
        number(ocsp, "unknown"), number(ocsp, "failing"));
    json_array_foreach(json_object_get(ocsp, "last"), i, standing)
    {
        if (i < SHOWN)
            print_standing(page, standing);
    }
}

static void print_counts(const struct page *page, const char *name, const char *words)
{
    const json_t *counts = json_object_get(page->answer, name), *row;
    size_t i;

    if (!json_array_size(counts))
        return;
    heading(page, words);
    json_array_foreach(counts, i, row)
        printf("  %8lld  %-32s %s%s%s\n", number(row, "count"), text(row, "code"),
               text(row, "listener"), *text(row, "server") ? ", " : "", text(row, "server"));
}

static void print(const json_t *answer)
{
    struct page page = {.answer = answer, .colour = cs_report_colour(stdout)};

    print_service(&page);
    print_workers(&page);
    print_papers(&page);
    print_errands(&page);
    print_downloads(&page);
    print_staples(&page);
    print_revoked(&page);
    print_standings(&page);
    print_counts(&page, "failures", "failures so far");
    print_counts(&page, "admissions",
                 "let in all the same so far, by what mtls_revocation and "
                 "mtls_clock_leeway put up with");
}

int cs_cmd_status(const struct cs_line *line)
{
    struct cs_instance instance;
    json_t *answer = NULL;
    int status;

    cs_instance_init(&instance, line);
    status = cs_talk(line, &instance, json_pack("{s:s}", "do", "status"), &answer);
    cs_instance_deinit(&instance);
    if (status != CS_EXIT_OK)
        return status;
    if (cs_line_has(line, CS_OPT_JSON)) {
        json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        putchar('\n');
    } else {
        print(answer);
    }
    status = flag(answer, "healthy") ? CS_EXIT_OK : CS_EXIT_FAILED;
    json_decref(answer);
    return status;
}
