/* server_name: nginx's order, one spelling for every name, conflicts as warnings. */
#include "route/names.h"

#include "http/host.h"
#include "route/findings.h"

#include "tap.h"

#include <errno.h>

static struct cs_arena arena;
static struct cs_findings findings;

/* The configured texts are their own values. */
static const char *const configured[] = {
    "Example.com",
    "*.example.com",
    "*.deep.example.com",
    ".both.org.",
    "www.example.*",
    "www.*",
    "~^(?<user>.+)\\.people\\.net$",
    "~^me\\.",
    "[0:0::1]",
    "",
    "_",
    "mail.example.com",
    "10.0.0.1",
};

static const struct {
    const char *host, *want; /* NULL: default server */
} rows[] = {
    {"example.com", "Example.com"},
    {"EXAMPLE.COM.", "Example.com"},
    {"a.example.com", "*.example.com"},
    {"a.b.example.com", "*.example.com"},
    {"x.deep.example.com", "*.deep.example.com"},
    {"deep.example.com", "*.example.com"},
    {"mail.example.com", "mail.example.com"},
    {"both.org", ".both.org."},
    {"x.both.org", ".both.org."},
    {"www.example.com", "*.example.com"}, /* a head wildcard comes before a tail wildcard */
    {"www.example.net", "www.example.*"},
    {"www.example.co.uk", "www.example.*"},
    {"www.other.net", "www.*"},
    {"www", NULL},
    {"joe.people.net", "~^(?<user>.+)\\.people\\.net$"},
    {"me.people.net", "~^(?<user>.+)\\.people\\.net$"}, /* the first expression */
    {"ME.anything", "~^me\\."},
    {"[::1]", "[0:0::1]"},
    {"[::2]", NULL},
    {"10.0.0.1", "10.0.0.1"},
    {"com", NULL},
    {"notexample.com", NULL},
    {"example.com.evil", NULL},
};

static void *find(const struct cs_names *names, const char *host, struct cs_captures *captures)
{
    char buf[CS_HOST_TEXT];
    struct cs_str canon = CS_STR("");
    void *value = NULL;

    if (*host && cs_host_canon(cs_str_from(host), buf, &canon) < 0)
        return NULL;
    cs_names_find(names, canon, captures, &value);
    return value;
}

static void test_find(void)
{
    struct cs_names *names = cs_names_new(CS_STR("0.0.0.0:443"));
    struct cs_captures captures;

    cs_findings_init(&findings, &arena);
    for (size_t i = 0; i < sizeof(configured) / sizeof(configured[0]); i++)
        tap_int(
            cs_names_add(names, cs_str_from(configured[i]), (void *)configured[i], NULL, &findings),
            0, configured[i]);
    tap_int(findings.n, 0, "nothing to remark");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *got = find(names, rows[i].host, &captures);
        tap_str(cs_str_from(got), cs_str_from(rows[i].want), rows[i].host);
    }
    tap_ok(find(names, "", &captures) == configured[9], "no host at all");
    find(names, "joe.people.net", &captures);
    tap_int(captures.n, 2, "an expression leaves captures");
    find(names, "example.com", &captures);
    tap_ok(!captures.regex && !captures.n, "a name leaves none");
    cs_names_free(names);
}

static void test_findings(void)
{
    static const struct {
        const char *text;
        int r;
        const struct cs_finding_kind *kind;
    } wrong[] = {
        {"a", 0, NULL},
        {"A.", 0, &cs_route_found_name_conflicting},
        {"*.x", 0, NULL},
        {".x", 0, &cs_route_found_name_conflicting},
        {"x", 0, NULL}, /* .x was ignored whole */
        {"", 0, NULL},
        {"", 0, &cs_route_found_name_conflicting},
        {"*", -EINVAL, &cs_route_found_name_invalid},
        {"*.", -EINVAL, &cs_route_found_name_invalid},
        {"a.*.b", -EINVAL, &cs_route_found_name_invalid},
        {"*a.b", -EINVAL, &cs_route_found_name_invalid},
        {"*.b.*", -EINVAL, &cs_route_found_name_invalid},
        {"a..b", -EINVAL, &cs_route_found_name_invalid},
        {"~(", -EINVAL, &cs_route_found_regex_invalid},
        {"http://a", 0, &cs_route_found_name_suspicious},
    };
    struct cs_names *names = cs_names_new(CS_STR("[::]:80"));
    char value;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cs_findings_init(&findings, &arena);
        tap_int(cs_names_add(names, cs_str_from(wrong[i].text), &value, NULL, &findings),
                wrong[i].r, wrong[i].text);
        tap_ok((findings.first ? findings.first->kind : NULL) == wrong[i].kind, "  its finding");
    }
    cs_names_free(names);
    cs_names_free(NULL);
}

int main(void)
{
    test_find();
    test_findings();
    cs_arena_deinit(&arena);
    return tap_done();
}
