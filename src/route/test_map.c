/* map: texts in any case, expressions with captures, hostnames, default. */
#include "route/map.h"

#include "route/findings.h"

#include "tap.h"

#include <errno.h>

static struct cs_arena arena;
static struct cs_findings findings;

static const char *find(const struct cs_keymap *map, struct cs_str text,
                        struct cs_captures *captures)
{
    void *value = NULL;

    tap_int(cs_keymap_find(map, text, captures, &value), 0, "looked up");
    return value;
}

static struct cs_keymap *make(bool hostnames, const char *const *keys)
{
    struct cs_keymap *map = cs_keymap_new();

    cs_findings_init(&findings, &arena);
    if (hostnames)
        cs_keymap_set_hostnames(map);
    for (; *keys; keys++)
        cs_keymap_add(map, cs_str_from(*keys), (void *)*keys, NULL, &findings);
    tap_int(findings.n, 0, "a map without findings");
    return map;
}

struct row {
    struct cs_str text;
    const char *want;
};

static void check(const struct cs_keymap *map, const struct row *rows, size_t n)
{
    struct cs_captures captures;

    for (size_t i = 0; i < n; i++)
        tap_str(cs_str_from(find(map, rows[i].text, &captures)), cs_str_from(rows[i].want),
                rows[i].text.ptr);
}

#define CHECK(map, rows) check(map, rows, sizeof(rows) / sizeof((rows)[0]))

static void test_texts(void)
{
    static const char *const keys[] = {"default", "",    "Get",  "\\default", "\\~x",
                                       "*.a",     "~^P", "~*^p", NULL};
    static const struct row rows[] = {
        {CS_STR_INIT(""), ""},
        {CS_STR_INIT("GET"), "Get"},
        {CS_STR_INIT("get"), "Get"},
        {CS_STR_INIT("default"), "\\default"},
        {CS_STR_INIT("~X"), "\\~x"},
        {CS_STR_INIT("*.A"), "*.a"},
        {CS_STR_INIT("b.a"), "default"},
        {CS_STR_INIT("Post"), "~^P"},
        {CS_STR_INIT("post"), "~*^p"},
        {CS_STR_INIT("ge"), "default"},
        {CS_STR_INIT("get\0"), "default"},
    };
    struct cs_keymap *map = make(false, keys);

    CHECK(map, rows);
    cs_keymap_free(map);
}

static void test_hostnames(void)
{
    static const char *const keys[] = {"*.example.com", "www.*", ".both.org", "a.b", NULL};
    static const struct row rows[] = {
        {CS_STR_INIT("x.Example.com"), "*.example.com"},
        {CS_STR_INIT("x.example.com."), "*.example.com"},
        {CS_STR_INIT("www.x"), "www.*"},
        {CS_STR_INIT("both.org"), ".both.org"},
        {CS_STR_INIT("A.B."), "a.b"},
        {CS_STR_INIT("c"), NULL},
        {CS_STR_INIT(""), NULL},
        {CS_STR_INIT("."), NULL},
    };
    struct cs_keymap *map = make(true, keys);

    CHECK(map, rows);
    cs_keymap_free(map);
}

/* The commonest map of all: from a distinguished name to a user. */
static void test_captures(void)
{
    static const char *const keys[] = {"default", "~(^|,)CN=(?<CN>[^,]+)", NULL};
    struct cs_keymap *map = make(false, keys);
    struct cs_captures captures;
    char long_text[1000];

    find(map, CS_STR("O=x,CN=Joe Doe,C=y"), &captures);
    tap_str(cs_captures_named(&captures, CS_STR("CN")), CS_STR("Joe Doe"), "the CN, in its case");
    memset(long_text, 'A', sizeof(long_text));
    memcpy(long_text, "CN=", 3);
    find(map, cs_str_make(long_text, sizeof(long_text)), &captures);
    tap_int((int64_t)cs_captures_named(&captures, CS_STR("CN")).len, 997, "a long one");
    tap_ok(!strcmp(find(map, CS_STR("O=x"), &captures), "default") && !captures.regex,
           "the default leaves no captures");
    cs_keymap_free(map);
}

static void test_findings(void)
{
    static const struct {
        const char *key;
        bool hostnames;
        const struct cs_finding_kind *kind;
    } rows[] = {
        {"a", false, NULL},
        {"A", false, &cs_route_found_map_key_conflicting},
        {"\\a", false, &cs_route_found_map_key_conflicting},
        {"default", false, NULL},
        {"default", false, &cs_route_found_map_default_duplicate},
        {"~(", false, &cs_route_found_regex_invalid},
        {"a.*.b", false, NULL},
        {"a.*.c", true, &cs_route_found_map_key_invalid},
    };
    struct cs_keymap *map = cs_keymap_new();
    char value;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cs_findings_init(&findings, &arena);
        if (rows[i].hostnames)
            cs_keymap_set_hostnames(map);
        tap_int(cs_keymap_add(map, cs_str_from(rows[i].key), &value, NULL, &findings),
                rows[i].kind ? -EINVAL : 0, rows[i].key);
        tap_ok((findings.first ? findings.first->kind : NULL) == rows[i].kind, "  its finding");
    }
    cs_keymap_free(map);
    cs_keymap_free(NULL);
}

int main(void)
{
    test_texts();
    test_hostnames();
    test_captures();
    test_findings();
    cs_arena_deinit(&arena);
    return tap_done();
}
