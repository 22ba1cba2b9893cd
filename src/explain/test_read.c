/* Reading accounts: shapes of the text around them, what is none, and codes of another day. */
#include "explain/read.h"

#include "tap.h"

#define ONE                                                                                        \
    "{\"side\":\"server\",\"stage\":\"handshake\",\"code\":\"peer-closed\",\"incident\":\"a\"}"
#define TWO "{\"side\":\"client\",\"stage\":\"handshake\",\"code\":\"revoked\",\"incident\":\"b\"}"

static const struct {
    struct cs_str text;
    const char *incidents;
    size_t n_bad;
    const char *what;
} rows[] = {
    {CS_STR_INIT(ONE), "a", 0, "one object"},
    {CS_STR_INIT(ONE "\n" TWO "\n"), "ab", 0, "lines"},
    {CS_STR_INIT("[" ONE "," TWO "]"), "ab", 0, "an array"},
    {CS_STR_INIT("{\"x\":[1,{\"y\":" ONE "}],\"z\":" TWO "}\n"), "ab", 0, "deep in a report"},
    {CS_STR_INIT("{\"side\":\"client\",\"code\":\"revoked\",\"record\":" TWO "}"), "b", 0,
     "a report with a side and a code of its own"},
    {CS_STR_INIT("Nov 23 10:00:00 gw countersign: " ONE " end\n\nnothing\n" TWO), "ab", 0,
     "behind what a log puts before"},
    {CS_STR_INIT(ONE "\n{\"side\":\n" TWO), "ab", 1, "a line that was cut"},
    {CS_STR_INIT("{\"side\":\"server\"}"), "", 0, "an object that is no account"},
    {CS_STR_INIT("[[[[[[[[[[[[[[[[[[" ONE "]]]]]]]]]]]]]]]]]]"), "", 0, "too deep"},
    {CS_STR_INIT(""), "", 0, "nothing"},
    {CS_STR_INIT("\"side\""), "", 0, "a text"},
    {CS_STR_INIT("{\xff}"), "", 1, "no UTF-8"},
};

struct found {
    char incidents[16];
    size_t n;
};

static void note(void *ctx, const struct cs_account *account)
{
    struct found *found = ctx;

    if (account->incident.len == 1 && found->n + 1 < sizeof(found->incidents))
        found->incidents[found->n++] = account->incident.ptr[0];
}

static void test_shapes(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct found found = {.n = 0};
        struct cs_reading reading;
        cs_account_read(rows[i].text, note, &found, &reading);
        tap_str(cs_str_from(found.incidents), cs_str_from(rows[i].incidents), rows[i].what);
        tap_int((int64_t)reading.n_bad, (int64_t)rows[i].n_bad, "lines that cannot be read");
    }
}

static void tell(void *ctx, const struct cs_account *account)
{
    cs_account_tell(account, CS_ACCOUNT_LINE, false, ctx);
}

static void check_line(struct cs_str json, const char *want, const char *what)
{
    struct cs_reading reading;
    struct cs_buf line;

    cs_buf_init(&line, 65536);
    cs_account_read(json, tell, &line, &reading);
    tap_str(cs_buf_str(&line), cs_str_from(want), what);
    cs_buf_deinit(&line);
}

static void test_words(void)
{
    check_line(
        CS_STR("{\"side\":\"server\",\"code\":\"from-tomorrow\",\"primary\":\"it broke {0}\","
               "\"hint\":\"mend it\",\"peer\":\"192.0.2.1:5\"}"),
        "it broke {0} (hint: mend it) [from-tomorrow], client: 192.0.2.1:5",
        "a code that is not known here");
    check_line(
        CS_STR("{\"side\":\"server\",\"code\":\"revoked\",\"incident\":\"77\",\"repeats\":12,"
               "\"repeats_ms\":8000,\"peer\":\"192.0.2.1\",\"server\":\"a.test\"}"),
        "12 more like incident 77 in the last 8 s [revoked], client: 192.0.2.1, server: "
        "\"a.test\"",
        "repeats");
    check_line(CS_STR("{\"side\":1,\"stage\":\"x\"}"), "", "a side that is no text");
    check_line(CS_STR("{\"side\":\"server\",\"code\":5,\"stage\":7,\"peer\":[],\"chain\":{},"
                      "\"tls\":{\"alert_sent\":{\"number\":70000}},\"verdict\":[],\"status\":-4,"
                      "\"findings\":[1,{}],\"trust\":\"x\",\"trust_total\":9223372036854775807}"),
               "nothing failed", "members of other types");
    check_line(
        CS_STR("{\"side\":\"server\",\"code\":\"revoked\",\"peer\":\"a\\u0000\\u001b[31m\"}"),
        " \"\" was revoked (serial  of \"\" was revoked on , reason ; hint: issue a new "
        "certificate, with a new key if the old one may be known to others) [revoked], "
        "client: a\\x00\\x1b[31m",
        "control characters");
}

int main(void)
{
    test_shapes();
    test_words();
    return tap_done();
}
