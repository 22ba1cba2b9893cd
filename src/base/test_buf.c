/* Buffers: the maximum holds, and a refused append changes nothing. */
#include "base/buf.h"

#include <errno.h>

#include "tap.h"

static void test_json(void)
{
    static const struct {
        struct cs_str in, out;
    } rows[] = {
        {CS_STR_INIT("plain"), CS_STR_INIT("\"plain\"")},
        {CS_STR_INIT("q\"b\\n\n\t"), CS_STR_INIT("\"q\\\"b\\\\n\\n\\u0009\"")},
        {CS_STR_INIT("a\0b"), CS_STR_INIT("\"a\\u0000b\"")},
        {CS_STR_INIT("\xc3\xa9"), CS_STR_INIT("\"\xc3\xa9\"")},
        {CS_STR_INIT("\xc3("), CS_STR_INIT("\"\xef\xbf\xbd(\"")},
        {CS_STR_INIT("\xed\xa0\x80"), CS_STR_INIT("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"")},
        {CS_STR_INIT("\xc0\x80"), CS_STR_INIT("\"\xef\xbf\xbd\xef\xbf\xbd\"")},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_buf buf;
        cs_buf_init(&buf, 100);
        tap_int(cs_buf_add_json(&buf, rows[i].in), 0, "fits");
        tap_str(cs_buf_str(&buf), rows[i].out, "json text");
        cs_buf_deinit(&buf);
    }
}

int main(void)
{
    struct cs_buf buf;

    cs_buf_init(&buf, 10);
    tap_int(cs_buf_add_str(&buf, CS_STR("12345")), 0, "five of ten");
    tap_int(cs_buf_add_str(&buf, CS_STR("678901")), -ENOBUFS, "six more are refused");
    tap_str(cs_buf_str(&buf), CS_STR("12345"), "and nothing was appended");
    tap_int(cs_buf_reserve(&buf, SIZE_MAX), -ENOBUFS, "an overflowing wish is refused");
    tap_int(cs_buf_addf(&buf, "%d", 67890), 0, "up to the brim");
    tap_int(cs_buf_add_json(&buf, CS_STR("x")), -ENOBUFS, "json beyond the brim is refused");
    tap_str(cs_str_from(cs_buf_cstr(&buf)), CS_STR("1234567890"), "as a C string");
    cs_buf_consume(&buf, 7);
    tap_str(cs_buf_str(&buf), CS_STR("890"), "consumed from the front");
    cs_buf_deinit(&buf);
    tap_int(cs_buf_add_char(&buf, 'x'), -ENOBUFS, "a deinited buffer has no room");

    cs_buf_init(&buf, 2000);
    tap_int(cs_buf_addf(&buf, "%01000d", 1), 0, "long formats");
    tap_int((int64_t)buf.len, 1000, "long formats are whole");
    cs_buf_wipe(&buf);
    test_json();
    return tap_done();
}
