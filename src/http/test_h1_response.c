/* Responses from upstreams: what follows the head is the question that matters. */
#include "h1_feed.h"

#include <errno.h>

struct accepted {
    const char *head;
    enum cs_http_method method;
    unsigned status;
    const char *reason;
    enum cs_h1_framing framing;
    uint64_t length;
    bool keep_alive, interim, upgraded;
};

#define GET CS_METHOD_GET
#define OK "HTTP/1.1 200 OK\r\n"

static const struct accepted accepted[] = {
    {OK "Content-Length: 5\r\n\r\n", GET, 200, "OK", CS_H1_BODY_LENGTH, 5, true, 0, 0},
    {OK "Content-Length: 0\r\n\r\n", GET, 200, "OK", CS_H1_BODY_LENGTH, 0, true, 0, 0},
    {OK "Content-Length: 5\r\nConnection: close\r\n\r\n", GET, 200, "OK", CS_H1_BODY_LENGTH, 5,
     false, 0, 0},
    {OK "Transfer-Encoding: chunked\r\n\r\n", GET, 200, "OK", CS_H1_BODY_CHUNKED, 0, true, 0, 0},
    {OK "\r\n", GET, 200, "OK", CS_H1_BODY_UNTIL_CLOSE, 0, false, 0, 0},
    {"HTTP/1.0 200 OK\r\n\r\n", GET, 200, "OK", CS_H1_BODY_UNTIL_CLOSE, 0, false, 0, 0},
    {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n", GET, 200, "OK",
     CS_H1_BODY_LENGTH, 1, true, 0, 0},
    {OK "Content-Length: 5\r\n\r\n", CS_METHOD_HEAD, 200, "OK", CS_H1_BODY_NONE, 5, true, 0, 0},
    {OK "Transfer-Encoding: chunked\r\n\r\n", CS_METHOD_HEAD, 200, "OK", CS_H1_BODY_NONE, 0, true,
     0, 0},
    {"HTTP/1.1 204 No Content\r\n\r\n", GET, 204, "No Content", CS_H1_BODY_NONE, 0, true, 0, 0},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", GET, 304, "Not Modified",
     CS_H1_BODY_NONE, 9, true, 0, 0},
    {"HTTP/1.1 100 Continue\r\n\r\n", GET, 100, "Continue", CS_H1_BODY_NONE, 0, true, true, 0},
    {"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", GET, 103, "Early Hints", CS_H1_BODY_NONE, 0,
     true, true, 0},
    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", GET,
     101, "Switching Protocols", CS_H1_BODY_NONE, 0, false, 0, true},
    {"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", GET, 404, "", CS_H1_BODY_LENGTH, 0, true, 0, 0},
    {"HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", GET, 404, "", CS_H1_BODY_LENGTH, 0, true, 0, 0},
    {"HTTP/1.1 299 \xe4\xf6 x\r\nX_Under: kept\r\nContent-Length: 0\r\n\r\n", GET, 299,
     "\xe4\xf6 x", CS_H1_BODY_LENGTH, 0, true, 0, 0},
};

static void test_accepted(void)
{
    const struct cs_h1_limits limits = CS_H1_LIMITS_DEFAULT;

    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        const struct accepted *want = &accepted[i];
        struct cs_str bytes = cs_str_from(want->head);
        struct cs_h1_response got = {0};
        struct cs_arena arena = {0};
        struct cs_h1_scan scan;
        enum cs_h1_error error;

        tap_int(feed_both(CS_H1_RESPONSE, &limits, bytes, &scan), (int64_t)bytes.len,
                feed_shown(bytes));
        tap_int(cs_h1_response_parse(bytes, want->method, &limits, &arena, &got, &error), 0,
                "  is taken");
        tap_int(got.status, want->status, "  status");
        tap_str(got.reason, cs_str_from(want->reason), "  reason");
        tap_int(got.framing, want->framing, "  framing");
        tap_int((int64_t)got.content_length, (int64_t)want->length, "  length");
        tap_int(got.keep_alive, want->keep_alive, "  keep-alive");
        tap_int(got.interim, want->interim, "  interim");
        tap_int(got.upgraded, want->upgraded, "  upgraded");
        cs_arena_deinit(&arena);
    }
}

#define NO(text, why)                                                                              \
    {                                                                                              \
        CS_STR_INIT(text), CS_H1_##why                                                             \
    }

static const struct {
    struct cs_str bytes;
    enum cs_h1_error error;
} refused[] = {
    NO("\r\n" OK "\r\n", BAD_STATUS_LINE),
    NO("\x15\x03\x03", BAD_STATUS_LINE),
    NO("hello", BAD_STATUS_LINE),
    NO("HELLO\r\n\r\n", BAD_STATUS_LINE),
    NO("HTTP/1.1200 OK\r\n\r\n", BAD_STATUS_LINE),
    NO("HTTP/1.1  200 OK\r\n\r\n", BAD_STATUS_LINE),
    NO("HTTP/1.1 20 OK\r\n\r\n", BAD_STATUS_LINE),
    NO("HTTP/1.1 2000 OK\r\n\r\n", BAD_STATUS_LINE),
    NO("HTTP/1.1 099 OK\r\n\r\n", BAD_STATUS_LINE),
    NO("HTTP/1.1 +20 OK\r\n\r\n", BAD_STATUS_LINE),
    NO("HTTP/1.1\r\n\r\n", BAD_STATUS_LINE),
    NO("HTTP/1.1 \r\n\r\n", BAD_STATUS_LINE),
    NO("HTTP/2.0 200 OK\r\n\r\n", BAD_VERSION),
    NO("HTTP/1.2 200 OK\r\n\r\n", BAD_VERSION),
    NO("HTTP/1.1 200 OK\n\n", BARE_LF),
    NO(OK "X: a\n\r\n", BARE_LF),
    NO(OK "X: a\r\n b\r\n\r\n", OBS_FOLD),
    NO(OK "X : a\r\n\r\n", SPACE_BEFORE_COLON),
    NO(OK "X: a\0\r\n\r\n", CONTROL_BYTE),
    NO(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", DUPLICATE_LENGTH),
    NO(OK "Content-Length: 5, 5\r\n\r\n", BAD_LENGTH),
    NO(OK "Content-Length: -1\r\n\r\n", BAD_LENGTH),
    NO(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", LENGTH_AND_CODING),
    NO(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", DUPLICATE_CODING),
    NO(OK "Transfer-Encoding: gzip\r\n\r\n", UNKNOWN_CODING),
    NO("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", CODING_IN_1_0),
    NO("HTTP/1.1 304 Not Modified\r\nContent-Length: x\r\n\r\n", BAD_LENGTH),
};

static void test_refused(void)
{
    const struct cs_h1_limits limits = CS_H1_LIMITS_DEFAULT;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct cs_arena arena = {0};
        struct cs_h1_response got;
        struct cs_h1_scan scan;
        ssize_t end = feed_both(CS_H1_RESPONSE, &limits, refused[i].bytes, &scan);
        enum cs_h1_error error = scan.error;

        if (end > 0)
            cs_h1_response_parse(refused[i].bytes, GET, &limits, &arena, &got, &error);
        if (!tap_int(error, refused[i].error, feed_code(refused[i].error)))
            printf("# %s: %s\n", feed_shown(refused[i].bytes), feed_code(error));
        cs_arena_deinit(&arena);
    }
}

int main(void)
{
    test_accepted();
    test_refused();
    return tap_done();
}
