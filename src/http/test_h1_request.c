/* Requests that are taken, with what they mean; requests that are refused, with the reason;
 * each whole and byte by byte. */
#include "h1_feed.h"

#include <errno.h>

struct accepted {
    const char *head;
    const char *method, *target, *host;
    enum cs_h1_framing framing;
    uint64_t length;
    bool keep_alive, expect, upgrade;
};

static const struct accepted accepted[] = {
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "a", CS_H1_BODY_NONE, 0, true, 0, 0},
    {"GET / HTTP/1.0\r\n\r\n", "GET", "/", "", CS_H1_BODY_NONE, 0, false, 0, 0},
    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET", "/", "", CS_H1_BODY_NONE, 0, true,
     0, 0},
    {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "a", CS_H1_BODY_NONE, 0, true, 0, 0},
    {"\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "a", CS_H1_BODY_NONE, 0, true,
     0, 0},
    {"POST /x?y=1 HTTP/1.1\r\nhost:b:8080\r\ncontent-length:12\r\n\r\n", "POST", "/x?y=1", "b",
     CS_H1_BODY_LENGTH, 12, true, 0, 0},
    {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "PUT", "/", "a",
     CS_H1_BODY_LENGTH, 0, false, 0, 0},
    {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n", "PUT", "/", "a",
     CS_H1_BODY_LENGTH, INT64_MAX, true, 0, 0},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "PUT", "/", "a",
     CS_H1_BODY_CHUNKED, 0, true, 0, 0},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTRANSFER-ENCODING:\tChunked \t\r\nExpect: 100-Continue\r\n\r\n",
     "PUT", "/", "a", CS_H1_BODY_CHUNKED, 0, true, true, 0},
    {"POST / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n", "POST", "/", "",
     CS_H1_BODY_LENGTH, 3, false, false, 0},
    {"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
     "GET", "/ws", "a", CS_H1_BODY_NONE, 0, true, 0, true},
    {"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", "GET", "/ws", "a",
     CS_H1_BODY_NONE, 0, true, 0, false},
    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: foo\r\nConnection: close\r\n\r\n", "GET", "/", "a",
     CS_H1_BODY_NONE, 0, false, 0, 0},
    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", "GET", "/",
     "a", CS_H1_BODY_NONE, 0, false, 0, 0},
    {"GET http://real:81/p HTTP/1.1\r\nHost: fake\r\n\r\n", "GET", "http://real:81/p", "real",
     CS_H1_BODY_NONE, 0, true, 0, 0},
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS", "*", "a", CS_H1_BODY_NONE, 0, true, 0, 0},
    {"M-SEARCH / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "M-SEARCH", "/", "[::1]", CS_H1_BODY_NONE, 0,
     true, 0, 0},
    {"GET / HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nX-Blank: \t \r\n\r\n", "GET", "/", "a",
     CS_H1_BODY_NONE, 0, true, 0, 0},
    {"GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\nX: \xc3\xa4\xff\r\n\r\n", "GET", "/\xc3\xa4", "a",
     CS_H1_BODY_NONE, 0, true, 0, 0},
};

static void test_accepted(void)
{
    const struct cs_h1_limits limits = CS_H1_LIMITS_DEFAULT;

    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        const struct accepted *want = &accepted[i];
        struct cs_str bytes = cs_str_from(want->head);
        struct cs_h1_scan scan;
        struct cs_h1_request got = {0};
        struct cs_arena arena = {0};
        enum cs_h1_error error;
        ssize_t end = feed_both(CS_H1_REQUEST, &limits, bytes, &scan);

        tap_int(end, (int64_t)bytes.len, "the head ends where it ends");
        if (end <= 0)
            continue;
        tap_int(cs_h1_request_parse(cs_str_skip(bytes, scan.start), &limits, &arena, &got, &error),
                0, feed_shown(bytes));
        tap_str(got.method_text, cs_str_from(want->method), "  method");
        tap_str(got.target, cs_str_from(want->target), "  target");
        tap_str(got.host, cs_str_from(want->host), "  host");
        tap_int(got.framing, want->framing, "  framing");
        tap_int((int64_t)got.content_length, (int64_t)want->length, "  length");
        tap_int(got.keep_alive, want->keep_alive, "  keep-alive");
        tap_int(got.expect_continue, want->expect, "  expect");
        tap_int(got.upgrade, want->upgrade, "  upgrade");
        cs_arena_deinit(&arena);
    }
}

#define GET "GET / HTTP/1.1\r\n"
#define HOST GET "Host: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define END "\r\n\r\n"

struct refused {
    struct cs_str bytes;
    enum cs_h1_error error;
    bool early; /* refused while the head is not yet complete */
};

#define NO(text, why)                                                                              \
    {                                                                                              \
        CS_STR_INIT(text), CS_H1_##why, false                                                      \
    }
#define NO_EARLY(text, why)                                                                        \
    {                                                                                              \
        CS_STR_INIT(text), CS_H1_##why, true                                                       \
    }

static const struct refused refused[] = {
    /* the request line */
    NO_EARLY("\x16\x03\x01", BAD_METHOD), /* TLS to a plain port */
    NO_EARLY("get", BAD_METHOD),
    NO_EARLY(" GET", BAD_METHOD),
    NO_EARLY("GET\t/ HTTP/1.1", BAD_METHOD),
    NO_EARLY("GET\r\n", BAD_METHOD),
    NO_EARLY("G(T", BAD_METHOD),
    NO_EARLY("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", BAD_METHOD),
    NO_EARLY("GET /\n", BARE_LF),
    NO_EARLY("\nGET / HTTP/1.1", BARE_LF),
    NO_EARLY("\r\r\nGET / HTTP/1.1", BARE_CR),
    NO_EARLY("\r\n\r\n\r\n\r\n\r", EMPTY_LINES),
    NO_EARLY("GET /\0", CONTROL_BYTE),
    NO_EARLY("GET /\x7f", CONTROL_BYTE),
    NO_EARLY("GET /\x1b HTTP", CONTROL_BYTE),
    NO_EARLY("GET /a\rb", BARE_CR),
    NO_EARLY("GET /\r\n", NO_VERSION),
    NO_EARLY("GET / HTTP/1.1 \r\n", BAD_REQUEST_LINE),
    NO_EARLY("GET /  \r\n", BAD_REQUEST_LINE),
    NO_EARLY("GET HTTP/1.1\r\n", BAD_REQUEST_LINE),
    NO_EARLY("GET / http/1.1\r\n", BAD_REQUEST_LINE),
    NO_EARLY("GET / HTTP/1.10\r\n", BAD_REQUEST_LINE),
    NO_EARLY("GET / HTTP/01.1\r\n", BAD_REQUEST_LINE),
    NO_EARLY("GET / HTTP/1.\r\n", BAD_REQUEST_LINE),
    NO_EARLY("GET / HTTP/1.2\r\n", BAD_VERSION),
    NO_EARLY("GET / HTTP/2.0\r\n", BAD_VERSION),
    NO_EARLY("GET / HTTP/0.9\r\n", BAD_VERSION),
    NO_EARLY("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HTTP2_PREFACE),
    NO("GET  / HTTP/1.1\r\nHost: a" END, BAD_REQUEST_LINE),
    NO("GET /  HTTP/1.1\r\nHost: a" END, BAD_REQUEST_LINE),
    NO("GET /a b HTTP/1.1\r\nHost: a" END, BAD_REQUEST_LINE),
    NO("GET /\t HTTP/1.1\r\nHost: a" END, BAD_REQUEST_LINE),
    NO("GET x HTTP/1.1\r\nHost: a" END, BAD_TARGET),
    NO("GET * HTTP/1.1\r\nHost: a" END, BAD_TARGET),
    NO("GET ftp://a/ HTTP/1.1\r\nHost: a" END, BAD_TARGET),
    NO("GET http://u@a/ HTTP/1.1\r\nHost: a" END, USERINFO),
    NO("GET http:///x HTTP/1.1\r\nHost: a" END, BAD_HOST),
    NO("CONNECT a:443 HTTP/1.1\r\nHost: a" END, METHOD_REFUSED),
    NO("TRACE / HTTP/1.1\r\nHost: a" END, METHOD_REFUSED),

    /* header lines: shape */
    NO_EARLY(HOST " folded", OBS_FOLD),
    NO_EARLY(HOST "X: a\r\n\tb", OBS_FOLD),
    NO_EARLY(GET " Host: a\r\n", OBS_FOLD),
    NO_EARLY(HOST "Content-Length : 5", SPACE_BEFORE_COLON),
    NO_EARLY(HOST "Content-Length\t: 5", SPACE_BEFORE_COLON),
    NO_EARLY(HOST "Transfer-Encoding\x0b: chunked", CONTROL_BYTE),
    NO_EARLY(HOST "Transfer-Encoding:\x0b"
                  "chunked",
             CONTROL_BYTE),
    NO_EARLY(HOST "Transfer-Encoding: chunked\x0c", CONTROL_BYTE),
    NO_EARLY(HOST "X: a\0b", CONTROL_BYTE),
    NO_EARLY(HOST "X\0: a", CONTROL_BYTE),
    NO_EARLY(HOST "X: a\nY: b", BARE_LF),
    NO_EARLY(HOST "X: a\r\n\nGET /admin", BARE_LF),
    NO_EARLY(HOST "X: a\rY: b", BARE_CR),
    NO_EARLY(HOST "X: a\r\r\n", BARE_CR),
    NO_EARLY(HOST "\r\r\n", BARE_CR),
    NO_EARLY(HOST "\n", BARE_LF),
    NO_EARLY(HOST "X\n", BARE_LF),
    NO_EARLY(HOST ": empty", BAD_HEADER_NAME),
    NO_EARLY(HOST "no colon\r\n", SPACE_BEFORE_COLON),
    NO_EARLY(HOST "nocolon\r\n", BAD_HEADER_NAME),
    NO_EARLY(HOST "X(y): a", BAD_HEADER_NAME),
    NO_EARLY(HOST "X\xc3\xa4: a", BAD_HEADER_NAME),
    NO_EARLY(HOST "\"X\": a", BAD_HEADER_NAME),
    NO_EARLY(HOST "X/: a", BAD_HEADER_NAME),

    /* host */
    NO(GET "\r\n", NO_HOST),
    NO(GET "Host:" END, BAD_HOST),
    NO("GET / HTTP/1.0\r\nHost:" END, BAD_HOST),
    NO(HOST "Host: b" END, DUPLICATE_HOST),
    NO(HOST "hOST: a" END, DUPLICATE_HOST),
    NO("GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b" END, DUPLICATE_HOST),
    NO(GET "Host: a, b" END, BAD_HOST),
    NO(GET "Host: a b" END, BAD_HOST),
    NO(GET "Host: a@b" END, BAD_HOST),
    NO(GET "Host: a/b" END, BAD_HOST),
    NO(GET "Host: a:b" END, BAD_HOST),
    NO(GET "Host: a:80:80" END, BAD_HOST),
    NO(GET "Host: a:65536" END, BAD_HOST),
    NO(GET "Host: :80" END, BAD_HOST),
    NO(GET "Host: [::1" END, BAD_HOST),
    NO(GET "Host: [::1]x" END, BAD_HOST),
    NO("GET http://a/ HTTP/1.1" END, NO_HOST),

    /* lengths */
    NO(POST "Content-Length: +5" END, BAD_LENGTH),
    NO(POST "Content-Length: -5" END, BAD_LENGTH),
    NO(POST "Content-Length: 0x5" END, BAD_LENGTH),
    NO(POST "Content-Length: 5 5" END, BAD_LENGTH),
    NO(POST "Content-Length: 5, 5" END, BAD_LENGTH),
    NO(POST "Content-Length: 5," END, BAD_LENGTH),
    NO(POST "Content-Length: 5;" END, BAD_LENGTH),
    NO(POST "Content-Length: 5.0" END, BAD_LENGTH),
    NO(POST "Content-Length: 1e3" END, BAD_LENGTH),
    NO(POST "Content-Length: \"5\"" END, BAD_LENGTH),
    NO(POST "Content-Length:" END, BAD_LENGTH),
    NO(POST "Content-Length: 9223372036854775808" END, BAD_LENGTH),
    NO(POST "Content-Length: 18446744073709551621" END, BAD_LENGTH),
    NO(POST "Content-Length: 00000000000000000005" END, BAD_LENGTH),
    NO(POST "Content-Length: 5\r\nContent-Length: 5" END, DUPLICATE_LENGTH),
    NO(POST "Content-Length: 5\r\ncontent-length: 6" END, DUPLICATE_LENGTH),

    /* codings: CL.TE, TE.CL, TE.TE */
    NO(POST "Content-Length: 5\r\nTransfer-Encoding: chunked" END, LENGTH_AND_CODING),
    NO(POST "Transfer-Encoding: chunked\r\nContent-Length: 5" END, LENGTH_AND_CODING),
    NO(POST "Content-Length: 5\r\nTransfer-Encoding: identity" END, LENGTH_AND_CODING),
    NO(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" END, DUPLICATE_CODING),
    NO(POST "Transfer-Encoding: chunked\r\ntransfer-encoding: cow" END, DUPLICATE_CODING),
    NO(POST "Transfer-Encoding: chunked, chunked" END, UNKNOWN_CODING),
    NO(POST "Transfer-Encoding: gzip, chunked" END, UNKNOWN_CODING),
    NO(POST "Transfer-Encoding: chunked, identity" END, UNKNOWN_CODING),
    NO(POST "Transfer-Encoding: identity" END, UNKNOWN_CODING),
    NO(POST "Transfer-Encoding: xchunked" END, UNKNOWN_CODING),
    NO(POST "Transfer-Encoding: chunked;q=1" END, UNKNOWN_CODING),
    NO(POST "Transfer-Encoding: \"chunked\"" END, UNKNOWN_CODING),
    NO(POST "Transfer-Encoding:" END, UNKNOWN_CODING),
    NO("POST / HTTP/1.0\r\nTransfer-Encoding: chunked" END, CODING_IN_1_0),

    /* what nginx refuses to see twice */
    NO(HOST "Authorization: a\r\nAuthorization: b" END, DUPLICATE_HEADER),
    NO(HOST "Upgrade: a\r\nUpgrade: b" END, DUPLICATE_HEADER),
};

static void test_refused(void)
{
    const struct cs_h1_limits limits = CS_H1_LIMITS_DEFAULT;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        const struct refused *want = &refused[i];
        struct cs_h1_scan scan;
        struct cs_h1_request got;
        struct cs_arena arena = {0};
        ssize_t end = feed_both(CS_H1_REQUEST, &limits, want->bytes, &scan);
        enum cs_h1_error error = scan.error;

        if (end > 0)
            cs_h1_request_parse(cs_str_sub(want->bytes, scan.start, (size_t)end - scan.start),
                                &limits, &arena, &got, &error);
        bool ok = tap_ok(error == want->error && want->early == (end < 0), "refused: %s",
                         feed_shown(want->bytes));
        if (!ok)
            printf("# got %s, want %s\n", feed_code(error), feed_code(want->error));
        cs_arena_deinit(&arena);
    }
}

/* The parser does not lean on the search having been there first: the same bytes, made
 * complete, are refused by it alone. */
static void test_parser_alone(void)
{
    const struct cs_h1_limits limits = CS_H1_LIMITS_DEFAULT;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct cs_arena arena = {0};
        struct cs_h1_request got;
        enum cs_h1_error error;
        struct cs_str bytes =
            cs_arena_cat(&arena, refused[i].bytes, refused[i].early ? CS_STR(END) : CS_STR(""));

        tap_int(cs_h1_request_parse(bytes, &limits, &arena, &got, &error), -EBADMSG,
                "refused without a search too");
        cs_arena_deinit(&arena);
    }
}

static void test_limits(void)
{
    static const struct {
        const char *bytes;
        enum cs_h1_error error;
    } rows[] = {
        {"GET /1234567890123456 HTTP/1.1\r\nHost: a\r\n\r\n", CS_H1_OK}, /* a line of 30 */
        {"GET /12345678901234567 HTTP/1.1\r\nHost: a\r\n\r\n", CS_H1_TARGET_TOO_LONG},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: 123456789012345678901234567\r\n\r\n", CS_H1_OK},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: 1234567890123456789012345678\r\n\r\n",
         CS_H1_HEADER_TOO_LONG},
        {"GET / HTTP/1.1\r\nHost: a\r\n0123456789012345678901234567890", CS_H1_HEADER_TOO_LONG},
        {"GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\n\r\n", CS_H1_OK},
        {"GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\nC:\r\n\r\n", CS_H1_TOO_MANY_HEADERS},
        {"GET / HTTP/1.1\r\nHost: a\r\nA:12345678901234567890\r\nB:12345678901234567890\r\n\r\n",
         CS_H1_HEAD_TOO_LONG},
    };
    const struct cs_h1_limits limits = {.max_line = 30, .max_head = 70, .max_headers = 3};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_arena arena = {0};
        struct cs_h1_request got;
        struct cs_h1_scan scan;
        enum cs_h1_error error;
        struct cs_str bytes = cs_str_from(rows[i].bytes);

        feed_both(CS_H1_REQUEST, &limits, bytes, &scan);
        tap_int(scan.error, rows[i].error, feed_shown(bytes));
        cs_h1_request_parse(bytes, &limits, &arena, &got, &error);
        tap_ok((error == CS_H1_OK) == (rows[i].error == CS_H1_OK), "  the parser agrees");
        cs_arena_deinit(&arena);
    }
}

static void test_dropped(void)
{
    static const struct {
        bool underscores, unusual;
        unsigned kept, dropped;
    } rows[] = {{false, false, 2, 2}, {true, false, 3, 1}, {false, true, 4, 0}};
    struct cs_str head = CS_STR(HOST "X-Ok: 1\r\nX_Under: 2\r\nX.Dot: 3" END);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_h1_limits limits = CS_H1_LIMITS_DEFAULT;
        struct cs_arena arena = {0};
        struct cs_h1_request got = {0};
        enum cs_h1_error error;

        limits.underscores_in_headers = rows[i].underscores;
        limits.unusual_names_in_headers = rows[i].unusual;
        tap_int(cs_h1_request_parse(head, &limits, &arena, &got, &error), 0, "unusual names");
        tap_int((int64_t)got.headers.n, rows[i].kept, "  kept");
        tap_int(got.n_dropped, rows[i].dropped, "  dropped");
        cs_arena_deinit(&arena);
    }
}

/* What follows a head is left alone, whatever it is. */
static void test_pipelined(void)
{
    const struct cs_h1_limits limits = CS_H1_LIMITS_DEFAULT;
    struct cs_h1_scan scan;
    struct cs_str two = CS_STR(HOST "\r\n" HOST "\r\n");

    tap_int(feed_both(CS_H1_REQUEST, &limits, two, &scan), (int64_t)two.len / 2, "first of two");
    cs_h1_scan_init(&scan, CS_H1_REQUEST, &limits);
    tap_int(cs_h1_head_find(&scan, CS_STR(HOST)), 0, "an incomplete head waits");
}

static void test_table(void)
{
    for (unsigned e = 1; e < CS_H1_ERROR_N; e++) {
        unsigned status = cs_h1_error_status(e);
        tap_ok(status >= 400 && status <= 505 && cs_h1_error_kind(e)->primary, "%s is a refusal",
               feed_code(e));
    }
}

int main(void)
{
    test_accepted();
    test_refused();
    test_parser_alone();
    test_limits();
    test_dropped();
    test_pipelined();
    test_table();
    return tap_done();
}
