/* Targets taken apart, paths normalised as nginx makes $uri. */
#include "http/target.h"

#include "tap.h"

#include <stdlib.h>

static const struct {
    const char *target;
    enum cs_target_form form;
    const char *authority, *path, *args, *origin;
} accepted[] = {
    {"/", CS_TARGET_ORIGIN, NULL, "/", NULL, "/"},
    {"/a/b?c=d", CS_TARGET_ORIGIN, NULL, "/a/b", "c=d", "/a/b?c=d"},
    {"/a?", CS_TARGET_ORIGIN, NULL, "/a", "", "/a?"},
    {"/a?b?c", CS_TARGET_ORIGIN, NULL, "/a", "b?c", "/a?b?c"},
    {"/a#x", CS_TARGET_ORIGIN, NULL, "/a", NULL, "/a"},
    {"/a#x?y", CS_TARGET_ORIGIN, NULL, "/a", NULL, "/a"},
    {"/a?b#x/../y", CS_TARGET_ORIGIN, NULL, "/a", "b", "/a?b"},
    {"//host/x", CS_TARGET_ORIGIN, NULL, "//host/x", NULL, "//host/x"},
    {"/http://x/", CS_TARGET_ORIGIN, NULL, "/http://x/", NULL, "/http://x/"},
    {"http://h", CS_TARGET_ABSOLUTE, "h", "/", NULL, "/"},
    {"HTTPS://H:8443/p?q", CS_TARGET_ABSOLUTE, "H:8443", "/p", "q", "/p?q"},
    {"http://[::1]:80/", CS_TARGET_ABSOLUTE, "[::1]:80", "/", NULL, "/"},
    {"http://h#f", CS_TARGET_ABSOLUTE, "h", "/", NULL, "/"},
    {"*", CS_TARGET_ASTERISK, NULL, "*", NULL, "*"},
};

static void test_split(void)
{
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        struct cs_http_target got = {0};
        tap_int(cs_target_split(cs_str_from(accepted[i].target), &got), CS_H1_OK,
                accepted[i].target);
        tap_int(got.form, accepted[i].form, "  form");
        tap_str(got.authority, cs_str_from(accepted[i].authority), "  authority");
        tap_str(got.path, cs_str_from(accepted[i].path), "  path");
        tap_str(got.args, cs_str_from(accepted[i].args), "  args");
        tap_ok(!got.args.ptr == !accepted[i].args, "  args or none");
        tap_str(got.origin, cs_str_from(accepted[i].origin), "  origin");
    }
}

static void test_split_refused(void)
{
    static const struct {
        struct cs_str target;
        enum cs_h1_error error;
    } rows[] = {
        {CS_STR_INIT(""), CS_H1_BAD_TARGET},
        {CS_STR_INIT("a"), CS_H1_BAD_TARGET},
        {CS_STR_INIT("#"), CS_H1_BAD_TARGET},
        {CS_STR_INIT("?a"), CS_H1_BAD_TARGET},
        {CS_STR_INIT("**"), CS_H1_BAD_TARGET},
        {CS_STR_INIT("/a b"), CS_H1_BAD_TARGET},
        {CS_STR_INIT("/a\0b"), CS_H1_BAD_TARGET},
        {CS_STR_INIT("a.example:443"), CS_H1_BAD_TARGET},
        {CS_STR_INIT("http:/x"), CS_H1_BAD_TARGET},
        {CS_STR_INIT("httpx://h/"), CS_H1_BAD_TARGET},
        {CS_STR_INIT("file:///etc/passwd"), CS_H1_BAD_TARGET},
        {CS_STR_INIT("http://h?x"), CS_H1_BAD_TARGET},
        {CS_STR_INIT("http://"), CS_H1_BAD_HOST},
        {CS_STR_INIT("http:///"), CS_H1_BAD_HOST},
        {CS_STR_INIT("http://h:x/"), CS_H1_BAD_HOST},
        {CS_STR_INIT("http://h\\@x/"), CS_H1_USERINFO},
        {CS_STR_INIT("http://u:p@h/"), CS_H1_USERINFO},
        {CS_STR_INIT("http://@h/"), CS_H1_USERINFO},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_http_target got;
        tap_int(cs_target_split(rows[i].target, &got), rows[i].error, "a target is refused");
    }
}

static const struct {
    const char *raw, *merged, *unmerged; /* NULL: CS_H1_ABOVE_ROOT */
} paths[] = {
    {"/", "/", "/"},
    {"/a/b.c/d", "/a/b.c/d", "/a/b.c/d"},
    {"/a/", "/a/", "/a/"},
    {"/%61", "/a", "/a"},
    {"/a%2Fb", "/a/b", "/a/b"},
    {"/a%2fb%3Fc%23d%25e", "/a/b?c#d%e", "/a/b?c#d%e"},
    {"/%2561", "/%61", "/%61"},
    {"/a+b", "/a+b", "/a+b"},
    {"//", "/", "//"},
    {"//a///b//", "/a/b/", "//a///b//"},
    {"/.", "/", "/"},
    {"/./", "/", "/"},
    {"/a/.", "/a/", "/a/"},
    {"/a/./b", "/a/b", "/a/b"},
    {"/a/..", "/", "/"},
    {"/a/../", "/", "/"},
    {"/a/b/..", "/a/", "/a/"},
    {"/a/b/../c", "/a/c", "/a/c"},
    {"/a/b/../../c", "/c", "/c"},
    {"/a/%2e%2E/c", "/c", "/c"},
    {"/a/.%2e/c", "/c", "/c"},
    {"/a%2f..%2fc", "/c", "/c"},
    {"/a//../b", "/b", "/a/b"},
    {"/a/...", "/a/...", "/a/..."},
    {"/a/..b", "/a/..b", "/a/..b"},
    {"/a/.b/c..", "/a/.b/c..", "/a/.b/c.."},
    {"/%0a%7f%ff", "/\n\x7f\xff", "/\n\x7f\xff"},
    {"/a%5c..%5cb", "/a\\..\\b", "/a\\..\\b"},
    {"/..", NULL, NULL},
    {"/../", NULL, NULL},
    {"/./..", NULL, NULL},
    {"/a/../..", NULL, NULL},
    {"/a/../../b", NULL, NULL},
    {"/%2e%2e", NULL, NULL},
    {"/..%2f", NULL, NULL},
    {"//..", NULL, "/"},
};

static void check_path(const char *raw, bool merge, const char *want)
{
    struct cs_arena arena = {0};
    struct cs_str got = CS_STR("");
    size_t len = strlen(raw);
    char *copy = memcpy(malloc(len), raw, len);
    enum cs_h1_error error = cs_path_normalize(cs_str_make(copy, len), merge, &arena, &got);

    tap_int(error, want ? CS_H1_OK : CS_H1_ABOVE_ROOT, raw);
    tap_str(got, cs_str_from(want), "  path");
    tap_ok(!want || (got.ptr == copy) == !strcmp(raw, want), "  borrowed when nothing changes");
    free(copy);
    cs_arena_deinit(&arena);
}

static void test_normalize(void)
{
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        check_path(paths[i].raw, true, paths[i].merged);
        check_path(paths[i].raw, false, paths[i].unmerged);
    }
}

static void test_normalize_refused(void)
{
    static const struct {
        const char *raw;
        enum cs_h1_error error;
    } rows[] = {
        {"/%", CS_H1_BAD_PERCENT},     {"/%a", CS_H1_BAD_PERCENT},
        {"/%g1", CS_H1_BAD_PERCENT},   {"/%1g", CS_H1_BAD_PERCENT},
        {"/%%31", CS_H1_BAD_PERCENT},  {"/%u0041", CS_H1_BAD_PERCENT},
        {"/%00", CS_H1_NUL_IN_TARGET}, {"/a%00.png", CS_H1_NUL_IN_TARGET},
        {"", CS_H1_BAD_TARGET},        {"a", CS_H1_BAD_TARGET},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_arena arena = {0};
        struct cs_str got;
        tap_int(cs_path_normalize(cs_str_from(rows[i].raw), true, &arena, &got), rows[i].error,
                rows[i].raw);
        cs_arena_deinit(&arena);
    }
}

static void test_raw_nul(void)
{
    struct cs_arena arena = {0};
    struct cs_str got;

    tap_int(cs_path_normalize(CS_STR("/a\0b"), true, &arena, &got), CS_H1_NUL_IN_TARGET, "a NUL");
    cs_arena_deinit(&arena);
}

int main(void)
{
    test_raw_nul();
    test_split();
    test_split_refused();
    test_normalize();
    test_normalize_refused();
    return tap_done();
}
