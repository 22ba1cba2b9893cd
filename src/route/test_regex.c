/* Expressions: groups, names, faults, and a limit on what a hostile subject can cost. */
#include "route/regex.h"

#include "route/findings.h"

#include "tap.h"

#include <errno.h>

static struct cs_arena arena;
static struct cs_findings findings;

static struct cs_regex *compile(const char *pattern, bool nocase)
{
    cs_findings_init(&findings, &arena);
    return cs_regex_compile(cs_str_from(pattern), nocase, NULL, &findings);
}

static void test_match(void)
{
    static const struct {
        const char *pattern;
        bool nocase;
        struct cs_str subject;
        bool match;
        const char *whole, *first; /* NULL: unset, or no such group */
    } rows[] = {
        {"^/a(.*)$", false, CS_STR_INIT("/abc"), true, "/abc", "bc"},
        {"^/A", false, CS_STR_INIT("/abc"), false, NULL, NULL},
        {"^/A", true, CS_STR_INIT("/abc"), true, "/a", NULL},
        {"(x)?b", false, CS_STR_INIT("ab"), true, "b", NULL},
        {"b()", false, CS_STR_INIT("ab"), true, "b", ""},
        {"", false, CS_STR_INIT(""), true, "", NULL},
        {"a.b", false, CS_STR_INIT("a\0b"), true, NULL, NULL},
        {"(^|,)CN=(?<CN>[^,]+)", false, CS_STR_INIT("O=x,CN=me,C=y"), true, ",CN=me", ","},
        {"\xc3\xa4", false, CS_STR_INIT("\xc3\xa4\xff"), true, "\xc3\xa4", NULL},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_regex *regex = compile(rows[i].pattern, rows[i].nocase);
        struct cs_captures got = {0};
        if (!tap_ok(regex != NULL, "/%s/", rows[i].pattern))
            continue;
        tap_int(cs_regex_match(regex, rows[i].subject, &got), rows[i].match, "  matches");
        if (rows[i].whole)
            tap_str(got.groups[0], cs_str_from(rows[i].whole), "  whole");
        tap_str(got.groups[1], cs_str_from(rows[i].first), "  first group");
        cs_regex_free(regex);
    }
}

static void test_names(void)
{
    struct cs_regex *regex = compile("(?<user>[^@]+)@(?<host>.+?)(?<rest>!.*)?$", false);
    struct cs_captures got = {0};
    unsigned group, seen = 0;

    tap_int((int64_t)cs_regex_n_names(regex), 3, "three names");
    for (size_t i = 0; i < cs_regex_n_names(regex); i++)
        if (cs_regex_name(regex, i, &group).len == 4)
            seen |= 1u << group;
    tap_int(seen, 1 << 1 | 1 << 2 | 1 << 3, "with their groups");
    tap_int(cs_regex_match(regex, CS_STR("me@here"), &got), 1, "a match");
    tap_int(got.n, 4, "has all groups");
    tap_str(cs_captures_named(&got, CS_STR("user")), CS_STR("me"), "by name");
    tap_str(cs_captures_named(&got, CS_STR("host")), CS_STR("here"), "by name");
    tap_ok(!cs_captures_named(&got, CS_STR("rest")).ptr, "an unset one");
    tap_ok(!cs_captures_named(&got, CS_STR("nobody")).ptr, "an unknown one");
    cs_regex_free(regex);
    got.regex = NULL;
    tap_ok(!cs_captures_named(&got, CS_STR("user")).ptr, "none without a match");
}

static void test_faults(void)
{
    static const char *const bad[] = {"(", "a{2,1}", "[b-a]", "(?<1>x)", "\\C", "*a"};
    struct cs_regex *regex;
    struct cs_captures got;
    char many[33 * 2 + 1];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tap_ok(!compile(bad[i], false), "/%s/ is refused", bad[i]);
        tap_ok(findings.first && findings.first->kind == &cs_route_found_regex_invalid,
               "  with a finding");
    }
    for (size_t i = 0; i < 33; i++)
        memcpy(many + 2 * i, "()", 2);
    many[62] = '\0';
    regex = compile(many, false);
    tap_ok(regex != NULL, "31 groups are kept");
    cs_regex_free(regex);
    many[62] = '(';
    many[64] = '\0';
    tap_ok(!compile(many, false), "32 are too many");
    tap_ok(findings.first->kind == &cs_route_found_regex_too_many_groups, "  with a finding");
    regex = compile("(*UTF)a", false);
    tap_int(cs_regex_match(regex, CS_STR("\xff"), &got), -EINVAL, "a subject that is not UTF-8");
    cs_regex_free(regex);
}

static void test_limits(void)
{
    struct cs_regex *slow = compile("^(a+)+$", false), *deep = compile("^(?:(.)|x)*$", false);
    char *subject = cs_arena_raw(&arena, 1 << 20);
    struct cs_captures got;

    memset(subject, 'a', 1 << 20);
    subject[40] = 'b';
    tap_int(cs_regex_match(slow, cs_str_make(subject, 41), &got), -EOVERFLOW,
            "exponential backtracking is cut off");
    tap_ok(cs_regex_match(deep, cs_str_make(subject, 1 << 20), &got) != 0,
           "a long subject is a match or a fault, not a crash and not a \"no\"");
    cs_regex_free(slow);
    cs_regex_free(deep);
    cs_regex_free(NULL);
}

int main(void)
{
    test_match();
    test_names();
    test_faults();
    test_limits();
    cs_arena_deinit(&arena);
    return tap_done();
}
