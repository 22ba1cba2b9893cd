/* Streams as they pass by: whole, cut at every byte, encrypted, and not TLS. */
#include "tls/clear.h"

#include <errno.h>
#include <stdlib.h>

#include "tap.h"
#include "telemetry/handshake.h"

#define RECORD(type, len) type "\x03\x03\0" len
#define HELLO                                                                                      \
    "\x01\0\0\x02"                                                                                 \
    "ab"
#define CHANGE RECORD("\x14", "\x01") "\x01"

/* What a stream comes apart into: "m1:2" a message of type 1 with two bytes, "a40" an alert,
 * "c" ChangeCipherSpec, "s22:3" an encrypted record. */
static void tell(struct cs_str stream, bool tls13, struct cs_buf *buf)
{
    struct cs_clear clear;
    struct cs_clear_item item;
    int r;

    cs_clear_init(&clear, stream);
    clear.tls13 = tls13;
    while ((r = cs_clear_next(&clear, &item)) == 1) {
        switch (item.kind) {
        case CS_CLEAR_MESSAGE: cs_buf_addf(buf, "m%u:%zu ", item.type, item.body.len); break;
        case CS_CLEAR_ALERT: cs_buf_addf(buf, "a%u ", (uint8_t)item.body.ptr[1]); break;
        case CS_CLEAR_CIPHER: cs_buf_addf(buf, "c "); break;
        case CS_CLEAR_SEALED: cs_buf_addf(buf, "s%u:%zu ", item.type, item.body.len); break;
        }
        if (item.end > stream.len)
            cs_buf_addf(buf, "beyond the end");
    }
    if (r == 0)
        cs_buf_addf(buf, "+%zu", cs_clear_rest(&clear));
    else
        cs_buf_addf(buf, "%s", r == -EBADMSG ? "bad" : r == -EMSGSIZE ? "long" : "?");
    cs_clear_deinit(&clear);
}

static const struct {
    const char *name;
    struct cs_str stream;
    bool tls13;
    const char *want;
} rows[] = {
    {"nothing", CS_STR_INIT(""), false, "+0"},
    {"a message", CS_STR_INIT(RECORD("\x16", "\x06") HELLO), false, "m1:2 +0"},
    {"two in one record", CS_STR_INIT(RECORD("\x16", "\x0c") HELLO HELLO), false, "m1:2 m1:2 +0"},
    {"one over two records",
     CS_STR_INIT(RECORD("\x16", "\x03") "\x01\0\0" RECORD("\x16", "\x03") "\x02"
                                                                          "ab"),
     false, "m1:2 +0"},
    {"an empty message", CS_STR_INIT(RECORD("\x16", "\x04") "\x0e\0\0\0"), false, "m14:0 +0"},
    {"an alert", CS_STR_INIT(RECORD("\x15", "\x02") "\x02\x28"), false, "a40 +0"},
    {"an alert in the middle of a message",
     CS_STR_INIT(RECORD("\x16", "\x05") "\x01\0\0\x02"
                                        "a" RECORD("\x15", "\x02") "\x02\x28"),
     false, "bad"},
    {"an alert of three bytes", CS_STR_INIT(RECORD("\x15", "\x03") "\x02\x28x"), false, "bad"},
    {"TLS 1.2 encrypted",
     CS_STR_INIT(RECORD("\x16", "\x06")
                     HELLO CHANGE RECORD("\x16", "\x03") "xyz" RECORD("\x15", "\x03") "xyz"),
     false, "m1:2 c s22:3 s21:3 +0"},
    {"TLS 1.3: ChangeCipherSpec means nothing",
     CS_STR_INIT(RECORD("\x16", "\x06") HELLO CHANGE RECORD("\x16", "\x06")
                     HELLO RECORD("\x17", "\x03") "xyz" RECORD("\x15", "\x02") "\x02\x28"),
     true, "m1:2 c m1:2 s23:3 a40 +0"},
    {"an empty handshake record", CS_STR_INIT(RECORD("\x16", "\0")), false, "bad"},
    {"a part of a header", CS_STR_INIT("\x16\x03\x01"), false, "+3"},
    {"a part of a record", CS_STR_INIT(RECORD("\x16", "\x06") "\x01\0"), false, "+7"},
    {"a part of a message", CS_STR_INIT(RECORD("\x16", "\x03") "\x01\0\0"), false, "+3"},
    {"a message too long", CS_STR_INIT(RECORD("\x16", "\x04") "\x0b\x02\0\0"), false, "long"},
    {"a record too long", CS_STR_INIT("\x16\x03\x01\x48\x01"), false, "bad"},
    {"HTTP", CS_STR_INIT("GET / HTTP/1.1\r\n\r\n"), false, "bad"},
    {"TLS, then not", CS_STR_INIT(RECORD("\x16", "\x06") HELLO "HTTP"), false, "m1:2 bad"},
    {"SSLv2", CS_STR_INIT("\x80\x2e\x01\0\x02"), false, "bad"},
};

/* A stream that is cut gives what came before, never an error and never more. */
static void test_cuts(void)
{
    static const struct cs_str stream =
        CS_STR_INIT(RECORD("\x16", "\x0c") HELLO HELLO CHANGE RECORD("\x16", "\x03") "xyz");
    bool good = true;

    for (size_t len = 0; len <= stream.len; len++) {
        char *exact = malloc(len + 1);
        struct cs_buf buf;
        cs_buf_init(&buf, 1000);
        memcpy(exact, stream.ptr, len);
        tell(cs_str_make(exact, len), false, &buf);
        good &= cs_str_search(cs_buf_str(&buf), CS_STR("bad")) < 0;
        cs_buf_deinit(&buf);
        free(exact);
    }
    tap_ok(good, "cut at every byte");
}

static void test_messages(void)
{
    struct cs_str exchange = CS_STR("\x03\0\x1d\x02"
                                    "pk\x08\x04\0\x01s");

    tap_int(cs_clear_group(exchange), 0x1d, "the curve");
    tap_int(cs_clear_sigalg(CS_MESSAGE_SERVER_KEY_EXCHANGE, exchange), 0x0804, "its signature");
    tap_int(cs_clear_sigalg(CS_MESSAGE_SERVER_KEY_EXCHANGE, cs_str_sub(exchange, 0, 7)), 0, "cut");
    tap_int(cs_clear_group(CS_STR("\x01\0\x1d\0")), 0, "no named curve");
    tap_int(cs_clear_sigalg(CS_MESSAGE_CERTIFICATE_VERIFY, CS_STR("\x04\x03\0\0")), 0x0403,
            "proof");
    tap_int(cs_clear_sigalg(CS_MESSAGE_FINISHED, CS_STR("\x04\x03\0\0")), 0, "no signature");
}

int main(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *exact = malloc(rows[i].stream.len + 1);
        struct cs_buf buf;
        cs_buf_init(&buf, 1000);
        memcpy(exact, rows[i].stream.ptr, rows[i].stream.len);
        tell(cs_str_make(exact, rows[i].stream.len), rows[i].tls13, &buf);
        tap_str(cs_buf_str(&buf), cs_str_from(rows[i].want), rows[i].name);
        cs_buf_deinit(&buf);
        free(exact);
    }
    test_cuts();
    test_messages();
    return tap_done();
}
