/* location: nginx's choice for each path, against its documented rules. */
#include "route/locations.h"

#include "route/findings.h"

#include "tap.h"

#include <errno.h>

static struct cs_arena arena;
static struct cs_findings findings;

/* A configuration as indented lines would have it: depth, then the parameters. Each location's
 * value is its name with the modifier. */
struct line {
    unsigned depth;
    const char *text;
    bool redirect;
};

static struct cs_location *add(struct cs_location *parent, const char *text)
{
    struct cs_str params[2], rest = cs_str_from(text), name;
    enum cs_location_kind kind;
    size_t n = 0;

    while (rest.ptr && n < 2)
        params[n++] = cs_str_cut(&rest, ' ');
    if (cs_location_parse(params, n, NULL, &findings, &kind, &name) < 0)
        return NULL;
    return cs_location_add(parent, kind, name, (void *)text, NULL, &findings);
}

static struct cs_location *make(const struct line *lines)
{
    struct cs_location *stack[8] = {cs_location_new()};

    cs_findings_init(&findings, &arena);
    for (; lines->text; lines++) {
        struct cs_location *l = add(stack[lines->depth], lines->text);
        if (!tap_ok(l != NULL, "location %s", lines->text))
            continue;
        if (lines->redirect)
            cs_location_set_redirect(l);
        stack[lines->depth + 1] = l;
    }
    return stack[0];
}

struct want {
    const char *path, *value; /* NULL: no location */
    bool redirect;
};

static void check(const struct line *lines, const struct want *want)
{
    struct cs_location *server = make(lines);

    for (; want->path; want++) {
        struct cs_location_match got;
        tap_int(cs_location_match(server, cs_str_from(want->path), &got), 0, want->path);
        tap_str(cs_str_from(got.value), cs_str_from(want->value), "  location");
        tap_int(got.redirect, want->redirect, "  redirect");
    }
    cs_location_free(server);
}

static void test_documented(void)
{
    static const struct line lines[] = {
        {0, "= /"},
        {0, "/"},
        {0, "/documents/"},
        {0, "^~ /images/"},
        {0, "~* \\.(gif|jpg|jpeg)$"},
        {0, "@fallback"},
        {0, NULL},
    };
    static const struct want want[] = {
        {"/", "= /"},
        {"/index.html", "/"},
        {"/documents/document.html", "/documents/"},
        {"/images/1.gif", "^~ /images/"},
        {"/documents/1.JPG", "~* \\.(gif|jpg|jpeg)$"},
        {"/documents", "/"},
        {"@fallback", NULL},
        {NULL, NULL},
    };
    struct cs_location *server;

    check(lines, want);
    server = make(lines);
    tap_str(cs_str_from(cs_location_named(server, CS_STR("@fallback"))), CS_STR("@fallback"),
            "a named location");
    tap_ok(!cs_location_named(server, CS_STR("@other")), "another one");
    cs_location_free(server);
}

static void test_prefixes(void)
{
    static const struct line lines[] = {
        {0, "/a"},       {0, "/a/b"},      {0, "/a/b/c/d"}, {0, "/a/bb"}, {0, "= /a/b/c"},
        {0, "/z"},       {0, "/a/ba"},     {0, "= /m"},     {0, "/b!"},   {0, "=/glued"},
        {0, "^~/final"}, {0, "~ ^/final"}, {0, "~^/g"},     {0, NULL},
    };
    static const struct want want[] = {
        {"/", NULL},
        {"/a", "/a"},
        {"/ab", "/a"},
        {"/a/b", "/a/b"},
        {"/a/b/c", "= /a/b/c"},
        {"/a/b/c/", "/a/b"},
        {"/a/b/c/d", "/a/b/c/d"},
        {"/a/b/c/dd", "/a/b/c/d"},
        {"/a/bb", "/a/bb"},
        {"/a/bc", "/a/b"},
        {"/a/baz", "/a/ba"},
        {"/a/c", "/a"},
        {"/y", NULL},
        {"/zz", "/z"},
        {"/m", "= /m"},
        {"/mm", NULL},
        {"/b", NULL},
        {"/b!x", "/b!"},
        {"/glued", "=/glued"},
        {"/final", "^~/final"},
        {"/g", "~^/g"},
        {"", NULL},
        {NULL, NULL},
    };

    check(lines, want);
}

static void test_nested(void)
{
    static const struct line lines[] = {
        {0, "/"},           {0, "/app/"},      {1, "~ \\.php$"}, {1, "/app/static/"},
        {1, "= /app/only"}, {0, "^~ /quiet/"}, {1, "~ \\.txt$"}, {0, "~ \\.(php|css)$"},
        {1, "~ admin"},     {0, NULL},
    };
    static const struct want want[] = {
        {"/x.php", "~ \\.(php|css)$"},
        {"/app/x.php", "~ \\.php$"},              /* inner expressions first */
        {"/app/static/x.css", "~ \\.(php|css)$"}, /* then outer ones */
        {"/app/static/x.js", "/app/static/"},
        {"/app/only", "= /app/only"},
        {"/quiet/x.php", "^~ /quiet/"},
        {"/quiet/x.txt", "~ \\.txt$"},
        {"/admin.css", "~ admin"},
        {"/app/x", "/app/"},
        {NULL, NULL},
    };

    check(lines, want);
}

static void test_redirect(void)
{
    static const struct line lines[] = {
        {0, "/"},
        {0, "/app/", true},
        {0, "/app!"},
        {0, "/both/", true},
        {0, "= /both"},
        {0, "/plain/"},
        {0, "~ ^/app"},
        {0, "/app/x/y/", true},
        {0, "= /exact/", true},
        {0, NULL},
    };
    static const struct want want[] = {
        {"/app", "/app/", true},         {"/app/", "~ ^/app", false},
        {"/both", "= /both", false},     {"/plain", "/", false},
        {"/app/x/y", "/app/x/y/", true}, {"/ap", "/", false},
        {"/exact", "= /exact/", true},   {NULL, NULL},
    };

    check(lines, want);
}

static void test_captures(void)
{
    static const struct line lines[] = {
        {0, "~ ^/(?<who>[^/]+)/(.*)$"}, {1, "~ (\\.php)$"}, {0, NULL}};
    struct cs_location *server = make(lines);
    struct cs_location_match got;

    cs_location_match(server, CS_STR("/joe/x"), &got);
    tap_str(cs_captures_named(&got.captures, CS_STR("who")), CS_STR("joe"), "a named capture");
    tap_str(got.captures.groups[2], CS_STR("x"), "a numbered one");
    cs_location_match(server, CS_STR("/joe/x.php"), &got);
    tap_str(got.captures.groups[1], CS_STR(".php"), "the last expression's count");
    cs_location_match(server, CS_STR("/"), &got);
    tap_ok(!got.value && !got.captures.regex && !got.captures.n, "none without a match");
    cs_location_free(server);
}

static void test_findings(void)
{
    static const struct {
        const char *parent, *text;
        const struct cs_finding_kind *kind;
    } rows[] = {
        {NULL, "/a", &cs_route_found_location_duplicate},
        {NULL, "^~ /a", &cs_route_found_location_duplicate},
        {NULL, "= /a", NULL},
        {NULL, "@n", &cs_route_found_location_duplicate},
        {NULL, "~ (", &cs_route_found_regex_invalid},
        {NULL, "!~ /x", &cs_route_found_location_modifier},
        {"/a", "/b", &cs_route_found_location_outside},
        {"/a", "/ab", NULL},
        {"/a", "~ b", NULL},
        {"/a", "@m", &cs_route_found_location_named_nested},
        {"= /e", "/e/x", &cs_route_found_location_in_exact},
        {"@n", "/x", &cs_route_found_location_in_named},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_location *server = cs_location_new(), *parent = server, *l;

        cs_findings_init(&findings, &arena);
        add(server, "/a");
        add(server, "@n");
        if (rows[i].parent) {
            cs_location_free(server);
            server = cs_location_new();
            parent = add(server, rows[i].parent);
        }
        l = add(parent, rows[i].text);
        tap_ok(!l == (rows[i].kind != NULL), "%s inside %s", rows[i].text,
               rows[i].parent ? rows[i].parent : "a server");
        tap_ok((findings.first ? findings.first->kind : NULL) == rows[i].kind, "  its finding");
        cs_location_free(server);
    }
    cs_location_free(NULL);
}

static void test_fault(void)
{
    static const struct line lines[] = {{0, "/"}, {0, "~ ^(/a+)+$"}, {0, NULL}};
    struct cs_location *server = make(lines);
    struct cs_location_match got;
    static const char path[] =
        "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
    static const struct line slow[] = {{0, "~ ^/(a+)+$"}, {0, NULL}};

    tap_int(cs_location_match(server, cs_str_from(path), &got), 0, "a cheap expression");
    cs_location_free(server);
    server = make(slow);
    tap_int(cs_location_match(server, cs_str_from(path), &got), -EOVERFLOW,
            "an expression that gives up is a fault, not another location");
    cs_location_free(server);
}

int main(void)
{
    test_documented();
    test_prefixes();
    test_nested();
    test_redirect();
    test_captures();
    test_findings();
    test_fault();
    cs_arena_deinit(&arena);
    return tap_done();
}
