/* What a peer can write, and what of it may reach a terminal or a log. */
#include "explain/text.h"

#include "tap.h"

#include <errno.h>

static const struct {
    const char *what;
    struct cs_str in;
    struct cs_str out;
} escapes[] = {
    {"plain text stays", CS_STR_INIT("CN=alice, O=Example"), CS_STR_INIT("CN=alice, O=Example")},
    {"empty", CS_STR_INIT(""), CS_STR_INIT("")},
    {"UTF-8 of two, three and four bytes stays",
     CS_STR_INIT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x92"),
     CS_STR_INIT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x92")},
    {"a newline cannot start a line", CS_STR_INIT("a\nb\r"), CS_STR_INIT("a\\x0ab\\x0d")},
    {"NUL is seen", CS_STR_INIT("bank\0.evil"), CS_STR_INIT("bank\\x00.evil")},
    {"escape sequences are inert", CS_STR_INIT("\033[2J\x7f"), CS_STR_INIT("\\x1b[2J\\x7f")},
    {"C1 controls too", CS_STR_INIT("\xc2\x9b"), CS_STR_INIT("\\xc2\\x9b")},
    {"right-to-left override", CS_STR_INIT("\xe2\x80\xae"), CS_STR_INIT("\\xe2\\x80\\xae")},
    {"line separator", CS_STR_INIT("\xe2\x80\xa8"), CS_STR_INIT("\\xe2\\x80\\xa8")},
    {"isolates", CS_STR_INIT("\xe2\x81\xa6"), CS_STR_INIT("\\xe2\\x81\\xa6")},
    {"a lone continuation byte", CS_STR_INIT("\x80z"), CS_STR_INIT("\\x80z")},
    {"a cut sequence", CS_STR_INIT("z\xe2\x82"), CS_STR_INIT("z\\xe2\\x82")},
    {"overlong", CS_STR_INIT("\xc0\xaf"), CS_STR_INIT("\\xc0\\xaf")},
    {"a surrogate", CS_STR_INIT("\xed\xa0\x80"), CS_STR_INIT("\\xed\\xa0\\x80")},
    {"beyond U+10FFFF", CS_STR_INIT("\xf4\x90\x80\x80"), CS_STR_INIT("\\xf4\\x90\\x80\\x80")},
};

static const struct {
    const char *what;
    const char *template;
    struct cs_str out;
} templates[] = {
    {"an operand", "unknown directive \"{0}\"", CS_STR_INIT("unknown directive \"li\\x0asen\"")},
    {"out of order and twice", "{1}{0}{1}", CS_STR_INIT("2li\\x0asen2")},
    {"one that is absent", "a{5}b{9}c", CS_STR_INIT("abc")},
    {"braces that are no operand", "{ {x} {0", CS_STR_INIT("{ {x} {0")},
};

int main(void)
{
    const struct cs_str operands[] = {CS_STR("li\nsen"), CS_STR("2")};
    char big[3 * CS_EXPLAIN_OPERAND_MAX];
    struct cs_str huge = cs_str_make(big, sizeof(big));
    struct cs_buf buf;

    cs_buf_init(&buf, 4096);
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
        cs_buf_reset(&buf);
        tap_int(cs_explain_escape(&buf, escapes[i].in), 0, "fits");
        tap_str(cs_buf_str(&buf), escapes[i].out, escapes[i].what);
    }
    for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++) {
        cs_buf_reset(&buf);
        tap_int(cs_explain_template(&buf, templates[i].template, operands, 2), 0, "fits");
        tap_str(cs_buf_str(&buf), templates[i].out, templates[i].what);
    }
    memset(big, 'x', sizeof(big));
    cs_buf_reset(&buf);
    tap_int(cs_explain_template(&buf, "{0}", &huge, 1), 0, "a huge operand fits");
    tap_int((int64_t)buf.len, CS_EXPLAIN_OPERAND_MAX + 3, "because it is cut");
    cs_buf_deinit(&buf);

    cs_buf_init(&buf, 3);
    tap_int(cs_explain_escape(&buf, CS_STR("\n")), -ENOBUFS, "a full buffer says so");
    tap_int(cs_explain_template(&buf, "{0}", operands, 2), -ENOBUFS, "in a template as well");
    cs_buf_deinit(&buf);
    return tap_done();
}
