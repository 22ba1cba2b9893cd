/* Text: comparisons never stop at NUL, numbers are whole or refused. */
#include "base/str.h"

#include <errno.h>

#include "tap.h"

static void test_numbers(void)
{
    static const struct {
        const char *text;
        uint64_t max;
        int r;
        uint64_t value;
    } rows[] = {
        {"0", 10, 0, 0},
        {"10", 10, 0, 10},
        {"11", 10, -ERANGE, 0},
        {"007", 10, 0, 7},
        {"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, -ERANGE, 0},
        {"", 10, -EINVAL, 0},
        {"-1", 10, -EINVAL, 0},
        {"+1", 10, -EINVAL, 0},
        {" 1", 10, -EINVAL, 0},
        {"1 ", 10, -EINVAL, 0},
        {"0x1", 10, -EINVAL, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t value = 0;
        int r = cs_str_to_u64(cs_str_from(rows[i].text), rows[i].max, &value);
        tap_ok(r == rows[i].r && value == rows[i].value, "number \"%s\" (got %d)", rows[i].text, r);
    }
}

static void test_distance(void)
{
    static const struct {
        const char *a, *b;
        size_t want;
    } rows[] = {
        {"", "", 0},
        {"abc", "abc", 0},
        {"abc", "ab", 1},
        {"lisetn", "listen", 1},
        {"proxy_pas", "proxy_pass", 1},
        {"ssl_verify", "ssl_verify_client", 7},
        {"kitten", "sitting", 3},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        tap_int((int64_t)cs_str_distance(cs_str_from(rows[i].a), cs_str_from(rows[i].b)),
                (int64_t)rows[i].want, rows[i].a);
}

static void test_cut(void)
{
    struct cs_str rest = CS_STR("a,,b");

    tap_str(cs_str_cut(&rest, ','), CS_STR("a"), "first field");
    tap_str(cs_str_cut(&rest, ','), CS_STR(""), "empty field");
    tap_ok(rest.ptr != NULL, "one field is left");
    tap_str(cs_str_cut(&rest, ','), CS_STR("b"), "last field");
    tap_ok(rest.ptr == NULL, "no field is left");
}

static void test_compare(void)
{
    tap_ok(!cs_str_eq(CS_STR("a\0b"), CS_STR("a\0c")), "NUL does not end a comparison");
    tap_ok(!cs_str_eq(CS_STR("a"), CS_STR("a\0")), "a trailing NUL counts");
    tap_ok(cs_str_eq_nocase(CS_STR("Host"), CS_STR("hOST")), "ASCII case folds");
    tap_ok(!cs_str_eq_nocase(CS_STR("[\\]"), CS_STR("{|}")), "only letters fold");
    tap_ok(cs_str_cmp(CS_STR("ab"), CS_STR("abc")) < 0, "a prefix sorts first");
    tap_ok(cs_str_eq_secret(CS_STR("k"), CS_STR("k")) &&
               !cs_str_eq_secret(CS_STR("k"), CS_STR("l")),
           "secrets compare");
    tap_ok(cs_str_ends(CS_STR("a.b"), CS_STR(".b")) && !cs_str_ends(CS_STR("b"), CS_STR(".b")),
           "suffix");
    tap_int(cs_str_search(CS_STR("a\0needle"), CS_STR("needle")), 2, "search passes NUL");
    tap_str(cs_str_trim(CS_STR(" \t a b\t ")), CS_STR("a b"), "trim");
    tap_str(cs_str_sub(CS_STR("abc"), 5, 2), CS_STR(""), "a part beyond the end is empty");
}

int main(void)
{
    char hex[4];

    test_numbers();
    test_distance();
    test_cut();
    test_compare();
    cs_hex_encode("\x0f\xa0", 2, true, hex);
    tap_str(cs_str_make(hex, 4), CS_STR("0FA0"), "hex");
    tap_ok(cs_hex_digit('g') == -1 && cs_hex_digit('F') == 15, "hex digits");
    return tap_done();
}
