/* Patterns that mean a name and patterns that do not; hostile ones end soon. */
#include "store/glob.h"

#include "tap.h"

static const struct {
    const char *pattern, *text;
    bool match;
} rows[] = {
    {"", "", true},
    {"", "a", false},
    {"*", "", true},
    {"*", "spiffe://example.org/ns/a", true},
    {"a", "a", true},
    {"a", "A", false},
    {"?", "", false},
    {"?", "/", true},
    {"?", "ab", false},
    {"spiffe://example.org/ns/*", "spiffe://example.org/ns/a/b", true},
    {"spiffe://example.org/ns/*", "spiffe://example.org/n", false},
    {"*.example.org", "a.b.example.org", true},
    {"*.example.org", "example.org", false},
    {"*.example.org", ".example.org", true},
    {"a*b*c", "abc", true},
    {"a*b*c", "a-b-b-c", true},
    {"a*b*c", "a-b-b-c-", false},
    {"**", "a", true},
    {"a**", "a", true},
    {"*?", "", false},
    {"*a", "aaa", true},
    {"*ab", "aab", true},
    {"[a]", "a", false},
    {"\\*", "*", false},
    {"%", "a", false},
    {"_", "a", false},
    {"' OR 1=1 --", "a", false},
};

static void test_rows(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        tap_ok(cs_glob_match(cs_str_from(rows[i].pattern), cs_str_from(rows[i].text)) ==
                   rows[i].match,
               "\"%s\" %s \"%s\"", rows[i].pattern, rows[i].match ? "means" : "does not mean",
               rows[i].text);
}

static void test_nul(void)
{
    tap_ok(!cs_glob_match(CS_STR("a"), CS_STR("a\0b")), "a NUL ends no name");
    tap_ok(cs_glob_match(CS_STR("a?b"), CS_STR("a\0b")), "a NUL is a byte");
    tap_ok(!cs_glob_match(CS_STR("a\0b"), CS_STR("a\0c")), "what follows it counts");
}

static void test_hostile(void)
{
    char pattern[256], text[8192];

    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = i % 2 ? '*' : 'a';
    pattern[sizeof(pattern) - 1] = 'b';
    memset(text, 'a', sizeof(text));
    tap_ok(!cs_glob_match(cs_str_make(pattern, sizeof(pattern)), cs_str_make(text, sizeof(text))),
           "many stars that nearly match");
}

int main(void)
{
    test_rows();
    test_nul();
    test_hostile();
    return tap_done();
}
