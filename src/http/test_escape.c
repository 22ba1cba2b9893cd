/* Escapes, against tables of nginx's sets. */
#include "http/escape.h"

#include "tap.h"

#include <errno.h>

static void test_uri(void)
{
    static const struct {
        enum cs_escape set;
        const char *in, *want;
    } rows[] = {
        {CS_ESCAPE_URI, "", ""},
        {CS_ESCAPE_URI, "/a-b_c.d~e/f", "/a-b_c.d~e/f"},
        {CS_ESCAPE_URI, "/a b#c%d?e", "/a%20b%23c%25d%3Fe"},
        {CS_ESCAPE_URI, "/\"<>\\^`{|}", "/%22%3C%3E%5C%5E%60%7B%7C%7D"},
        {CS_ESCAPE_URI, "/\n\x7f\xc3\xa4", "/%0A%7F%C3%A4"},
        {CS_ESCAPE_URI, "/!$&'()*+,;=:@[]", "/!$&'()*+,;=:@[]"},
        {CS_ESCAPE_ARGS, "a&b+c;d=e/f", "a%26b%2Bc%3Bd=e/f"},
        {CS_ESCAPE_COMPONENT, "AZaz09-._~", "AZaz09-._~"},
        {CS_ESCAPE_COMPONENT, "-----BEGIN CERT-----\na+b/c=\n",
         "-----BEGIN%20CERT-----%0Aa%2Bb%2Fc%3D%0A"},
    };
    struct cs_arena arena = {0};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        tap_str(cs_escape_uri(cs_str_from(rows[i].in), rows[i].set, &arena),
                cs_str_from(rows[i].want), "uri");
    cs_arena_deinit(&arena);
}

static void test_html(void)
{
    struct cs_arena arena = {0};

    tap_str(cs_escape_html(CS_STR("plain"), &arena), CS_STR("plain"), "html: nothing to do");
    tap_str(cs_escape_html(CS_STR("<a href=\"x&y\">"), &arena),
            CS_STR("&lt;a href=&quot;x&amp;y&quot;&gt;"), "html: entities");
    cs_arena_deinit(&arena);
}

static void test_logs(void)
{
    struct cs_buf buf;
    struct cs_str in = CS_STR("a\"b\\c\n\r\t\b\f\x01\x1f\x7f\xc3\xa4\0z");

    cs_buf_init(&buf, 200);
    cs_escape_log(&buf, in);
    tap_str(cs_buf_str(&buf),
            CS_STR("a\\x22b\\x5Cc\\x0A\\x0D\\x09\\x08\\x0C\\x01\\x1F\\x7F\\xC3\\xA4\\x00z"),
            "escape=default");
    cs_buf_reset(&buf);
    cs_escape_log_json(&buf, in);
    tap_str(cs_buf_str(&buf),
            CS_STR("a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\\u001F\x7f\xc3\xa4\\u0000z"), "escape=json");
    cs_buf_reset(&buf);
    tap_int(cs_escape_log(&buf, CS_STR("")), 0, "nothing is nothing");
    cs_buf_deinit(&buf);
    cs_buf_init(&buf, 3);
    tap_int(cs_escape_log(&buf, CS_STR("ab\n")), -ENOBUFS, "no room");
    cs_buf_deinit(&buf);
}

int main(void)
{
    test_uri();
    test_html();
    test_logs();
    return tap_done();
}
