/* The server over plain connections, in one process with its clients: what is answered, refused,
 * held, streamed and let go. */
#include "serve/server.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/socket.h"
#include "serve/question.h"
#include "serve/findings.h"
#include "tap.h"

static struct cs_loop loop;
static struct cs_server *server;
static struct cs_server_limits limits;
static int listen_fd;
static struct cs_addr address;
static struct cs_question *held[8];
static size_t n_held;
static struct cs_document *document;
static bool drained;

/* ---- what it serves ---- */

static void echo(void *ctx, struct cs_question *question)
{
    cs_question_answer(question, 200, "text/plain", cs_arena_dup(&question->arena, question->body));
}

static void hole(void *ctx, struct cs_question *question)
{
    cs_question_answer(question, 200, "text/plain", question->holes[0]);
}

static void hold(void *ctx, struct cs_question *question)
{
    held[n_held++] = question;
}

static void big(void *ctx, struct cs_question *question)
{
    cs_question_document(question, document);
}

static void no(void *ctx, struct cs_question *question)
{
    CS_FIND(&question->findings, &cs_serve_found_field_missing, NULL, CS_STR("x"));
    cs_question_refuse(question, 0);
}

struct counter {
    struct cs_stream stream;
    unsigned next, last;
    unsigned closed;
};

static struct counter counter;

static void count_more(struct cs_stream *stream, struct cs_buf *into)
{
    struct counter *c = cs_container_of(stream, struct counter, stream);

    for (int i = 0; i < 100 && c->next <= c->last; i++)
        cs_buf_addf(into, "id: %u\n\n", c->next++);
}

static void count_closed(struct cs_stream *stream)
{
    cs_container_of(stream, struct counter, stream)->closed++;
}

static void count(void *ctx, struct cs_question *question)
{
    counter.stream = (struct cs_stream){.more = count_more, .closed = count_closed};
    cs_question_stream(question, "text/event-stream", &counter.stream);
}

static const struct cs_route rows[] = {
    {CS_METHOD_POST, "/echo", CS_ROUTE_PLAIN, "text/plain", echo},
    {CS_METHOD_GET, "/hole/{}", CS_ROUTE_PLAIN, NULL, hole},
    {CS_METHOD_GET, "/hold", CS_ROUTE_PLAIN, NULL, hold},
    {CS_METHOD_GET, "/big", CS_ROUTE_PLAIN, NULL, big},
    {CS_METHOD_GET, "/no", CS_ROUTE_PLAIN, NULL, no},
    {CS_METHOD_GET, "/count", CS_ROUTE_PLAIN, NULL, count},
    {CS_METHOD_GET, "/tls", 0, NULL, hole},
    {CS_METHOD_GET, "/client", CS_ROUTE_PLAIN | CS_ROUTE_CLIENT, NULL, hole},
};

static void quiet(void *ctx, enum cs_log_level level, struct cs_str text)
{
}

static void on_drained(void *ctx)
{
    drained = true;
}

static void start(void)
{
    struct cs_server_listen what = {.tls = false};
    struct cs_server_spec spec = {.loop = &loop,
                                  .listens = &what,
                                  .n_listens = 1,
                                  .routes = {rows, sizeof(rows) / sizeof(rows[0])},
                                  .limits = limits,
                                  .log = quiet};

    if (cs_addr_parse_ip(CS_STR("127.0.0.1"), 0, &address) < 0 ||
        cs_listen_open(&address, &CS_LISTEN_DEFAULT, &listen_fd) < 0 ||
        cs_socket_local(listen_fd, &address) < 0)
        abort();
    what.fd = listen_fd;
    if (cs_server_new(&spec, &server) < 0)
        abort();
    drained = false;
    n_held = 0;
}

static void stop(void)
{
    server = cs_server_free(server);
    close(listen_fd);
}

/* ---- its clients ---- */

static void turns(int n)
{
    while (n--)
        cs_loop_turn(&loop, 1);
}

static int dial(int receive_buffer)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (receive_buffer)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    if (connect(fd, &address.sa, address.len) < 0)
        abort();
    return fd;
}

/* From another address than 127.0.0.1. */
static int dial_from(const char *ip)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct cs_addr from;

    if (cs_addr_parse_ip(cs_str_from(ip), 0, &from) < 0 || bind(fd, &from.sa, from.len) < 0 ||
        connect(fd, &address.sa, address.len) < 0)
        abort();
    turns(3);
    return fd;
}

static void say(int fd, struct cs_str bytes)
{
    while (bytes.len) {
        ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0)
            bytes = cs_str_skip(bytes, (size_t)n);
        else if (errno != EAGAIN)
            return;
        turns(1);
    }
}

/* What comes until nothing more does. Return: whether the other side has closed. */
static bool hear(int fd, struct cs_buf *into)
{
    char bytes[65536];

    for (int idle = 0; idle < 20; idle++) {
        ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return true;
        if (n > 0) {
            cs_buf_add(into, bytes, (size_t)n);
            idle = 0;
        }
        turns(1);
    }
    return false;
}

static bool has(const struct cs_buf *buf, const char *what)
{
    return cs_str_search(cs_buf_str(buf), cs_str_from(what)) >= 0;
}

/* ---- requests ---- */

static const struct {
    const char *what;
    const char *bytes;
    const char *wants[3]; /* that the answer has */
    bool closes;
} cases[] = {
    {"a body",
     "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"
     "\r\nabc",
     {"HTTP/1.1 200 OK\r\n", "Content-Length: 3\r\n", "\r\n\r\nabc"},
     false},
    {"a chunked body",
     "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: Text/Plain; charset=x\r\n"
     "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
     {"200 OK", "\r\n\r\nabc"},
     false},
    {"a body that waits for our word",
     "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nExpect: 100-continue\r\n"
     "Content-Length: 3\r\n\r\n",
     {"HTTP/1.1 100 Continue\r\n\r\n"},
     false},
    {"two at once",
     "GET /hole/a HTTP/1.1\r\nHost: a\r\n\r\nGET /hole/b HTTP/1.1\r\nHost: a\r\n\r\n",
     {"\r\n\r\naHTTP/1.1 200", "\r\n\r\nb"},
     false},
    {"an end that was asked for",
     "GET /hole/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
     {"Connection: close\r\n", "\r\n\r\na"},
     true},
    {"HTTP/1.0", "GET /hole/a HTTP/1.0\r\n\r\n", {"200 OK", "\r\n\r\na"}, true},
    {"a head only", "HEAD /hole/abc HTTP/1.1\r\nHost: a\r\n\r\n", {"Content-Length: 3\r\n"}, false},
    {"a hole that is encoded",
     "GET /hole/%27%20--%C3%A9 HTTP/1.1\r\nHost: a\r\n\r\n",
     {"\r\n\r\n' --\xc3\xa9"},
     false},
    {"nothing there", "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", {"404", "\"path-unknown\""}, false},
    {"above the root",
     "GET /../x HTTP/1.1\r\nHost: a\r\n\r\n",
     {"400", "\"http-above-root\""},
     true},
    {"another method",
     "DELETE /echo HTTP/1.1\r\nHost: a\r\n\r\n",
     {"405", "Allow: POST\r\n", "\"method-refused\""},
     false},
    {"another media type",
     "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\nabc",
     {"415", "\"media-type-refused\"", "Connection: close"},
     true},
    {"without TLS", "GET /tls HTTP/1.1\r\nHost: a\r\n\r\n", {"403", "\"tls-required\""}, false},
    {"without a certificate",
     "GET /client HTTP/1.1\r\nHost: a\r\n\r\n",
     {"401", "\"client-certificate-required\"", "application/problem+json"},
     false},
    {"what the handler refuses",
     "GET /no HTTP/1.1\r\nHost: a\r\n\r\n",
     {"400", "\"field-missing\""},
     false},
    {"a body that says it is too large",
     "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 65537\r\n\r\n",
     {"413", "\"body-too-large\"", "it may have 65536 bytes"},
     true},
    {"two lengths",
     "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
     {"400", "http-duplicate-length"},
     true},
    {"length and coding",
     "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
     {"400", "http-length-and-coding"},
     true},
    {"a bad chunk",
     "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
     "\r\n1x\r\na",
     {"400", "\"code\":\"http-"},
     true},
    {"bare line ends", "GET /hole/a HTTP/1.1\nHost: a\n\n", {"400", "http-bare-lf"}, true},
    {"no host", "GET /hole/a HTTP/1.1\r\n\r\n", {"400", "http-no-host"}, true},
    {"no HTTP", "\x16\x03\x01\x02", {"400"}, true},
};

static void check_case(size_t i, bool bytewise)
{
    struct cs_str bytes = cs_str_from(cases[i].bytes);
    struct cs_buf heard;
    int fd = dial(0);
    bool closed;

    cs_buf_init(&heard, 1 << 20);
    if (!bytewise)
        say(fd, bytes);
    for (size_t at = 0; bytewise && at < bytes.len; at++)
        say(fd, cs_str_sub(bytes, at, 1));
    closed = hear(fd, &heard);
    for (size_t w = 0; w < 3 && cases[i].wants[w]; w++)
        tap_ok(has(&heard, cases[i].wants[w]), "%s: part %zu of the answer", cases[i].what, w);
    tap_int(closed, cases[i].closes, "  and the connection ends or stays");
    cs_buf_deinit(&heard);
    close(fd);
}

static void test_cases(void)
{
    limits = CS_SERVER_LIMITS;
    start();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_case(i, false);
        check_case(i, true);
    }
    stop();
}

static void test_flood(void)
{
    struct cs_buf body, heard;
    int fd;

    limits = CS_SERVER_LIMITS;
    start();
    cs_buf_init(&heard, 1 << 20);
    cs_buf_init(&body, 20 << 20);
    cs_buf_add_str(&body, CS_STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
                                 "Transfer-Encoding: chunked\r\n\r\n"));
    for (int i = 0; i < 10000; i++)
        cs_buf_addf(&body, "400\r\n%01024d\r\n", i);
    fd = dial(0);
    say(fd, cs_buf_str(&body));
    hear(fd, &heard);
    tap_ok(has(&heard, "413 "), "10 MB in chunks are refused, and the refusal arrives");
    close(fd);
    cs_buf_reset(&heard);
    cs_buf_reset(&body);
    cs_buf_add_str(&body, CS_STR("GET /hole/a HTTP/1.1\r\nHost: a\r\n"));
    for (int i = 0; i < 300; i++)
        cs_buf_addf(&body, "X-%03d: %0100d\r\n", i, i);
    fd = dial(0);
    say(fd, cs_buf_str(&body));
    tap_ok(hear(fd, &heard), "a head without an end closes");
    tap_ok(has(&heard, "400 ") && has(&heard, "too"), "  and it is said why");
    close(fd);
    cs_buf_deinit(&body);
    cs_buf_deinit(&heard);
    stop();
}

/* ---- time ---- */

static void test_deadlines(void)
{
    static const char *const beginnings[] = {
        "", "GET /hole/a HT",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
        "Content-Length: 3\r\n\r\nab",
        "GET /hole/a HTTP/1.1\r\nHost: a\r\n\r\n"};
    static const char *const answers[] = {NULL, "408", "408", "200"};

    limits = CS_SERVER_LIMITS;
    limits.head_ms = limits.body_ms = limits.idle_ms = 30;
    start();
    for (size_t i = 0; i < 4; i++) {
        struct cs_buf heard;
        int fd = dial(0);
        bool closed = false;
        cs_buf_init(&heard, 65536);
        say(fd, cs_str_from(beginnings[i]));
        for (int n = 0; n < 20 && !closed; n++)
            closed = hear(fd, &heard);
        tap_ok(closed, "who says part %zu and no more is let go", i);
        tap_ok(answers[i] ? has(&heard, answers[i]) : heard.len == 0, "  with the right answer");
        cs_buf_deinit(&heard);
        close(fd);
    }
    stop();
}

static void test_full(void)
{
    struct cs_buf heard;
    int a, b, c;

    limits = CS_SERVER_LIMITS;
    limits.max_connections = 2;
    start();
    cs_buf_init(&heard, 65536);
    a = dial(0);
    say(a, CS_STR("GET /hole/a HTTP/1.1\r\nHost: a\r\n\r\n"));
    hear(a, &heard);
    b = dial(0);
    say(b, CS_STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
    hear(b, &heard);
    c = dial(0);
    say(c, CS_STR("GET /hole/c HTTP/1.1\r\nHost: a\r\n\r\n"));
    cs_buf_reset(&heard);
    hear(c, &heard);
    tap_ok(has(&heard, "\r\n\r\nc"), "the third of two is let in");
    tap_ok(hear(a, &heard), "  and the idle one has made room");
    tap_int((int64_t)n_held, 1, "  not the one that waits for its answer");
    cs_question_answer(held[0], 200, "text/plain", CS_STR("late"));
    cs_buf_reset(&heard);
    hear(b, &heard);
    tap_ok(has(&heard, "late"), "which it gets");
    close(a);
    close(b);
    close(c);
    cs_buf_deinit(&heard);
    stop();
}

/* Whether the other side has closed; nothing is waited for. */
static bool is_closed(int fd)
{
    char byte;

    turns(3);
    return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

static void close_all(const int *fds, int n)
{
    while (n--)
        close(fds[n]);
    turns(5);
}

static void test_site_is_full(void)
{
    struct cs_buf heard;
    int fd[5];

    limits = CS_SERVER_LIMITS;
    limits.max_per_site = 2;
    start();
    cs_buf_init(&heard, 65536);
    for (int i = 0; i < 3; i++)
        fd[i] = dial_from("127.0.0.1");
    tap_ok(is_closed(fd[0]) && !is_closed(fd[1]),
           "at a full site the first of those who wait goes");
    fd[3] = dial_from("127.0.0.2");
    say(fd[3], CS_STR("GET /hole/a HTTP/1.1\r\nHost: a\r\n\r\n"));
    hear(fd[3], &heard);
    tap_ok(has(&heard, "\r\n\r\na") && !is_closed(fd[1]), "another site has nothing to do with it");
    say(fd[1], CS_STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
    turns(5);
    fd[4] = dial_from("127.0.0.1");
    tap_ok(!is_closed(fd[1]) && is_closed(fd[2]), "a question that is held stays");
    say(fd[4], CS_STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
    turns(5);
    fd[0] = (close(fd[0]), dial_from("127.0.0.1"));
    tap_ok(is_closed(fd[0]) && n_held == 2, "with nothing else there, nobody comes");
    cs_question_answer(held[0], 200, "text/plain", CS_STR("late"));
    cs_question_answer(held[1], 200, "text/plain", CS_STR("late"));
    fd[0] = (close(fd[0]), dial_from("127.0.0.1"));
    tap_ok(!is_closed(fd[0]), "until it is answered");
    close_all(fd, 5);
    cs_buf_deinit(&heard);
    stop();
}

static void test_all_is_full(void)
{
    int fd[6];

    limits = CS_SERVER_LIMITS;
    limits.max_connections = 4;
    limits.max_per_site = 3;
    start();
    fd[0] = dial_from("127.0.0.3");
    fd[1] = dial_from("127.0.0.2");
    fd[2] = dial_from("127.0.0.1");
    fd[3] = dial_from("127.0.0.1");
    fd[4] = dial_from("127.0.0.4");
    tap_ok(is_closed(fd[2]) && !is_closed(fd[0]) && !is_closed(fd[1]) && !is_closed(fd[3]),
           "where all is full it is one of the site that has most");
    fd[5] = dial_from("127.0.0.5");
    tap_ok(is_closed(fd[0]) && !is_closed(fd[4]) && !is_closed(fd[5]),
           "  of those that have as many, one of the site that came first");
    close_all(fd, 6);
    stop();
}

/* ---- answers that take time ---- */

static void test_held(void)
{
    struct cs_buf heard;
    int fd[3];

    limits = CS_SERVER_LIMITS;
    start();
    cs_buf_init(&heard, 65536);
    for (int i = 0; i < 3; i++) {
        fd[i] = dial(0);
        say(fd[i], CS_STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\nGET /hole/next HTTP/1.1\r\n"
                          "Host: a\r\n\r\n"));
    }
    turns(5);
    tap_int((int64_t)n_held, 3, "three questions wait");
    tap_ok(!hear(fd[0], &heard) && !heard.len, "nothing is answered, the next one included");
    close(fd[1]);
    turns(5);
    for (int i = 2; i >= 0; i--)
        cs_question_answer(held[i], 200, "text/plain", CS_STR("now"));
    hear(fd[0], &heard);
    tap_ok(has(&heard, "\r\n\r\nnowHTTP/1.1 200") && has(&heard, "\r\n\r\nnext"),
           "answers come in the order of the requests");
    cs_buf_reset(&heard);
    hear(fd[2], &heard);
    tap_ok(has(&heard, "\r\n\r\nnow"), "and to everybody who is still there");
    close(fd[0]);
    close(fd[2]);
    cs_buf_deinit(&heard);
    stop();
}

static void test_document(void)
{
    struct cs_buf bytes, heard;
    struct cs_str etag;
    ptrdiff_t at;
    int fd;

    limits = CS_SERVER_LIMITS;
    start();
    cs_buf_init(&bytes, 8 << 20);
    cs_buf_init(&heard, 9 << 20);
    for (int i = 0; i < 500000; i++)
        cs_buf_addf(&bytes, "%08d", i);
    document = cs_document_new("text/plain", cs_buf_str(&bytes), 0);
    fd = dial(4096);
    say(fd, CS_STR("GET /big HTTP/1.1\r\nHost: a\r\n\r\n"));
    turns(5);
    document = cs_document_unref(document);
    document = cs_document_new("text/plain", CS_STR("other"), INT64_MAX / 2);
    hear(fd, &heard);
    tap_ok(cs_str_ends(cs_buf_str(&heard), cs_buf_str(&bytes)),
           "a slow reader gets the version it began with, whole");
    at = cs_str_search(cs_buf_str(&heard), CS_STR("ETag: "));
    etag = cs_str_sub(cs_buf_str(&heard), (size_t)at + 6, 34);
    cs_buf_reset(&bytes);
    cs_buf_addf(&bytes, "GET /big HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"x\", W/%.*s\r\n\r\n",
                CS_FMT(etag));
    cs_buf_reset(&heard);
    say(fd, cs_buf_str(&bytes));
    hear(fd, &heard);
    tap_ok(has(&heard, "200 OK") && has(&heard, "\r\n\r\nother") && has(&heard, "max-age="),
           "who has the old one gets the new one");
    say(fd, CS_STR("GET /big HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n"));
    cs_buf_reset(&heard);
    hear(fd, &heard);
    tap_ok(has(&heard, "304 Not Modified") && !has(&heard, "other"), "who has it gets no other");
    document = cs_document_unref(document);
    close(fd);
    cs_buf_deinit(&bytes);
    cs_buf_deinit(&heard);
    stop();
}

/* ---- streams ---- */

static void test_stream(void)
{
    struct cs_buf heard;
    int fd, other;

    limits = CS_SERVER_LIMITS;
    limits.max_streams = 1;
    start();
    cs_buf_init(&heard, 1 << 20);
    counter = (struct counter){.next = 1, .last = 3};
    fd = dial(0);
    say(fd, CS_STR("GET /count HTTP/1.1\r\nHost: a\r\n\r\n"));
    hear(fd, &heard);
    tap_ok(has(&heard, "Transfer-Encoding: chunked\r\n") && has(&heard, "id: 3\n\n"),
           "a stream begins");
    counter.last = 250;
    cs_stream_wake(&counter.stream);
    hear(fd, &heard);
    tap_ok(has(&heard, "id: 250\n\n\r\n") && !has(&heard, "\r\n0\r\n"), "and goes on");
    other = dial(0);
    cs_buf_reset(&heard);
    say(other, CS_STR("HEAD /hole/a HTTP/1.1\r\nHost: a\r\n\r\n"));
    close(other);
    cs_server_drain(server, on_drained);
    tap_ok(hear(fd, &heard) && has(&heard, "0\r\n\r\n"), "and ends well when the server does");
    tap_int(counter.closed, 1, "its owner is told once");
    turns(20);
    tap_ok(drained, "the server is done");
    close(fd);
    cs_buf_deinit(&heard);
    stop();
}

static void test_slow_reader(void)
{
    struct cs_buf heard;
    int fd;

    limits = CS_SERVER_LIMITS;
    limits.send_ms = 100;
    start();
    cs_buf_init(&heard, 64 << 20);
    counter = (struct counter){.next = 1, .last = 10000000};
    fd = dial(4096);
    say(fd, CS_STR("GET /count HTTP/1.1\r\nHost: a\r\n\r\n"));
    for (int i = 0; i < 2000 && !counter.closed; i++)
        turns(1);
    tap_ok(counter.closed == 1, "who does not read a stream loses it");
    tap_ok(counter.next < 2000000, "and little was made for him");
    close(fd);
    counter = (struct counter){.next = 1, .last = 1};
    fd = dial(0);
    say(fd, CS_STR("GET /count HTTP/1.1\r\nHost: a\r\n\r\n"));
    hear(fd, &heard);
    close(fd);
    turns(5);
    tap_ok(counter.closed == 1, "who leaves is noticed");
    cs_buf_deinit(&heard);
    stop();
}

static void test_drain(void)
{
    struct cs_buf heard;
    int idle, waiting;

    limits = CS_SERVER_LIMITS;
    start();
    cs_buf_init(&heard, 65536);
    idle = dial(0);
    say(idle, CS_STR("GET /hole/a HTTP/1.1\r\nHost: a\r\n\r\n"));
    hear(idle, &heard);
    waiting = dial(0);
    say(waiting, CS_STR("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
    turns(5);
    cs_server_drain(server, on_drained);
    cs_buf_reset(&heard);
    say(idle, CS_STR("GET /hole/b HTTP/1.1\r\nHost: a\r\n\r\n"));
    tap_ok(hear(idle, &heard) && has(&heard, "Connection: close\r\n") && has(&heard, "\r\n\r\nb"),
           "a request that was on its way is answered");
    tap_ok(!drained, "a question that waits keeps the server");
    cs_question_answer(held[0], 200, "text/plain", CS_STR("now"));
    cs_buf_reset(&heard);
    tap_ok(hear(waiting, &heard) && has(&heard, "now"), "and is answered");
    turns(5);
    tap_ok(drained, "then it is done");
    close(idle);
    close(waiting);
    cs_buf_deinit(&heard);
    stop();
}

int main(void)
{
    if (cs_loop_init(&loop) < 0)
        abort();
    test_cases();
    test_flood();
    test_deadlines();
    test_full();
    test_site_is_full();
    test_all_is_full();
    test_held();
    test_document();
    test_stream();
    test_slow_reader();
    test_drain();
    cs_loop_deinit(&loop);
    return tap_done();
}
