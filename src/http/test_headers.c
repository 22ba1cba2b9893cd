/* Header lists: finding, removing, lists of tokens, and the names that are one to a backend. */
#include "http/headers.h"

#include "http/chars.h"

#include "tap.h"

#include <ctype.h>

static void test_lookup(void)
{
    for (unsigned id = 1; id < CS_HEADER_N; id++) {
        char upper[64];
        struct cs_str name = cs_header_name(id);

        for (size_t i = 0; i < name.len; i++)
            upper[i] = (char)toupper((unsigned char)name.ptr[i]);
        tap_int(cs_header_lookup(cs_str_make(upper, name.len)), id, name.ptr);
        tap_ok(cs_header_name_valid(name), "  is a token");
    }
    tap_int(cs_header_lookup(CS_STR("")), CS_HEADER_OTHER, "the empty name is not frequent");
    tap_int(cs_header_lookup(CS_STR("Hosu")), CS_HEADER_OTHER, "nor is Hosu");
}

static struct cs_headers make(struct cs_arena *arena, const char *const *pairs)
{
    struct cs_headers headers = {0};

    for (; pairs[0]; pairs += 2)
        cs_headers_add(&headers, arena, cs_str_from(pairs[0]), cs_str_from(pairs[1]));
    return headers;
}

static void test_find(void)
{
    static const char *const pairs[] = {"Host",   "a", "X-One", "1", "x-one", "2",
                                        "Cookie", "c", "X-ONE", "3", NULL};
    struct cs_arena arena = {0};
    struct cs_headers headers = make(&arena, pairs), copy = cs_headers_copy(&headers, &arena);
    const struct cs_header *h = cs_headers_find(&headers, CS_STR("x-One"));

    tap_str(h->value, CS_STR("1"), "the first of three");
    h = cs_headers_next(&headers, h);
    tap_str(h->value, CS_STR("2"), "the second");
    h = cs_headers_next(&headers, h);
    tap_str(h->value, CS_STR("3"), "the third");
    tap_ok(!cs_headers_next(&headers, h), "no fourth");
    tap_str(cs_headers_value(&headers, CS_STR("COOKIE")), CS_STR("c"), "a value");
    tap_ok(!cs_headers_value(&headers, CS_STR("Via")).ptr, "no value");
    tap_int((int64_t)cs_headers_remove(&headers, CS_STR("x-one")), 3, "three go");
    tap_int((int64_t)headers.n, 2, "two stay");
    tap_str(headers.items[1].name, CS_STR("Cookie"), "in order");
    tap_int((int64_t)copy.n, 5, "a copy is another list");
    cs_arena_deinit(&arena);
}

static void test_same_name(void)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"X-SSL-Client", "x_ssl.client", true},
        {"Client-Cert", "client_cert", true},
        {"Client-Cert", "CLIENT.CERT", true},
        {"a-b", "a-b-", false},
        {"a-b", "a+b", false},
        {"ab", "a-b", false},
        {"", "", true},
    };
    static const char *const pairs[] = {"X-User", "1",       "x_user", "2", "X.USER",
                                        "3",      "X-Users", "4",      NULL};
    struct cs_arena arena = {0};
    struct cs_headers headers = make(&arena, pairs);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        tap_int(cs_header_same_name(cs_str_from(rows[i].a), cs_str_from(rows[i].b)), rows[i].same,
                rows[i].a);
    tap_int((int64_t)cs_headers_remove_same(&headers, CS_STR("X-User")), 3, "every spelling goes");
    tap_str(headers.items[0].value, CS_STR("4"), "another name stays");
    cs_arena_deinit(&arena);
}

static void test_tokens(void)
{
    static const struct {
        const char *list, *token;
        bool has;
    } rows[] = {
        {"close", "close", true},
        {"keep-alive, Close", "close", true},
        {" , ,close ,", "close", true},
        {"\tclose\t", "close", true},
        {"closed", "close", false},
        {"a;close", "close", false},
        {"\"a,close\", b", "close", false},
        {"\"a\\\",close\", b", "b", true},
        {"", "close", false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const pairs[] = {"Connection", "x", "Connection", rows[i].list, NULL};
        struct cs_arena arena = {0};
        struct cs_headers headers = make(&arena, pairs);

        tap_int(cs_headers_has_token(&headers, CS_HEADER_CONNECTION, cs_str_from(rows[i].token)),
                rows[i].has, rows[i].list);
        cs_arena_deinit(&arena);
    }
}

static void test_hop_by_hop(void)
{
    static const char *const pairs[] = {"Host",
                                        "a",
                                        "Connection",
                                        "close, X-Hop, x-user, host, content-length",
                                        "X-Hop",
                                        "1",
                                        "Keep-Alive",
                                        "5",
                                        "TE",
                                        "trailers",
                                        "X-User",
                                        "u",
                                        "Content-Length",
                                        "3",
                                        "Upgrade",
                                        "ws",
                                        "Transfer-Encoding",
                                        "chunked",
                                        "Connection",
                                        "x-also",
                                        "X-Also",
                                        "2",
                                        "Accept",
                                        "*",
                                        NULL};
    static const struct cs_str protected_names[] = {CS_STR_INIT("X_User")};
    static const char *const kept[] = {"Host", "X-User", "Content-Length", "Accept"};
    struct cs_arena arena = {0};
    struct cs_headers headers = make(&arena, pairs);

    tap_int((int64_t)cs_headers_remove_hop_by_hop(&headers, protected_names, 1), 8,
            "hop-by-hop fields go");
    tap_int((int64_t)headers.n, 4, "the others stay");
    for (size_t i = 0; i < headers.n && i < 4; i++)
        tap_str(headers.items[i].name, cs_str_from(kept[i]), "  in order");
    cs_arena_deinit(&arena);
}

/* The byte table, derived again from the grammar. */
static unsigned classes(int c)
{
    unsigned all = 0;

    if (isascii(c) && (isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c))))
        all |= CS_CHAR_TOKEN;
    if (c == '\t' || (c >= ' ' && c != 0x7f))
        all |= CS_CHAR_VALUE;
    if (c > ' ' && c != 0x7f)
        all |= CS_CHAR_TARGET;
    if (isascii(c) && (isupper(c) || c == '-' || c == '_'))
        all |= CS_CHAR_METHOD;
    if (isascii(c) && (isalnum(c) || c == '-' || c == '.' || c == '_'))
        all |= CS_CHAR_HOST;
    if (isascii(c) && (isalnum(c) || c == '-'))
        all |= CS_CHAR_FIELD;
    if (isascii(c) && isdigit(c))
        all |= CS_CHAR_DIGIT;
    return all;
}

/* Whether a run of @len values with the byte @c in it, at @at, ends where it must. */
static bool ends_right(char fill, int c, size_t at, size_t len)
{
    char text[20];

    memset(text, fill, sizeof(text));
    text[at] = (char)c;
    return cs_chars_values(cs_str_make(text, len)) ==
           (at >= len || (classes(c) & CS_CHAR_VALUE) ? len : at);
}

static void test_chars(void)
{
    static const char fills[] = {' ', '~', '\t', '\x80', '\xff'};
    int wrong = 0;

    for (int c = 0; c < 256; c++)
        wrong += cs_chars[c] != classes(c);
    tap_int(wrong, 0, "the byte table follows the grammar");
    for (int c = 0; c < 256; c++)
        for (size_t at = 0; at < 20; at++)
            for (size_t len = 0; len <= 20; len++)
                for (size_t fill = 0; fill < sizeof(fills); fill++)
                    wrong += !ends_right(fills[fill], c, at, len);
    tap_int(wrong, 0, "runs of values end at the same bytes");
}

int main(void)
{
    test_lookup();
    test_find();
    test_same_name();
    test_tokens();
    test_hop_by_hop();
    test_chars();
    return tap_done();
}
