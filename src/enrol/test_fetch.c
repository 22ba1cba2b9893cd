/* Answers good and bad, of servers with and without TLS, waited for and on a loop. */
#include "enrol/fetch.h"

#include "enrol/test_server.h"
#include "tap.h"

static struct cs_arena arena;
static struct test_paper root, other_root, server_paper, expired_paper, client_paper;
static struct test_server plain, secure, expired;

/* ---- what the server does at which path ---- */

static void answer(struct test_conn *conn, const char *head, struct cs_str body)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "%s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                     head, body.len);

    if (test_send(conn, cs_str_make(text, (size_t)n)))
        test_send(conn, body);
}

static void drip(struct test_conn *conn, const char *text, unsigned pause_ms)
{
    test_send(conn, CS_STR("HTTP/1.1 200 OK\r\n\r\n"));
    for (size_t i = 0; i < 200; i++) {
        if (!test_send(conn, cs_str_make(text + i % strlen(text), 1)))
            return;
        usleep(pause_ms * 1000);
    }
}

static void flood(struct test_conn *conn, struct cs_str head)
{
    static char block[64 * 1024];

    for (size_t i = 0; i < sizeof(block); i += 8)
        memcpy(block + i, "x: 1234\n", 8);
    test_send(conn, head);
    for (int i = 0; i < 64 && test_send(conn, cs_str_make(block, sizeof(block))); i++)
        ;
}

static bool asks(struct cs_str request, const char *path)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "GET %s ", path);

    return cs_str_starts(request, cs_str_make(text, (size_t)n));
}

static void serve(struct test_conn *conn, struct cs_str request)
{
    ptrdiff_t end = cs_str_search(request, CS_STR("\r\n\r\n"));

    if (cs_str_starts(request, CS_STR("POST ")))
        answer(conn, "HTTP/1.1 201 Created\r\nX-Thing: a b \r\nx-thing: c",
               cs_str_skip(request, (size_t)end + 4));
    else if (asks(request, "/head"))
        answer(conn, "HTTP/1.1 200 OK", request);
    else if (asks(request, "/presented"))
        answer(conn, "HTTP/1.1 200 OK", conn->n_presented ? CS_STR("yes") : CS_STR("no"));
    else if (asks(request, "/redirect"))
        answer(conn, "HTTP/1.1 302 Found\r\nLocation: /redirected", CS_STR("gone"));
    else if (asks(request, "/redirected"))
        answer(conn, "HTTP/1.1 200 OK\r\nX-Thing: second", CS_STR("here"));
    else if (asks(request, "/to-file"))
        answer(conn, "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd", CS_STR(""));
    else if (asks(request, "/to-ftp"))
        answer(conn, "HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/", CS_STR(""));
    else if (asks(request, "/to-plain"))
        answer(conn, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/", CS_STR(""));
    else if (asks(request, "/circle"))
        answer(conn, "HTTP/1.1 302 Found\r\nLocation: /circle", CS_STR(""));
    else if (asks(request, "/long"))
        flood(conn, CS_STR("HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n"));
    else if (asks(request, "/endless"))
        flood(conn, CS_STR("HTTP/1.1 200 OK\r\n\r\n"));
    else if (asks(request, "/long-head"))
        flood(conn, CS_STR("HTTP/1.1 200 OK\r\n"));
    else if (asks(request, "/drip"))
        drip(conn, "x", 20);
    else if (asks(request, "/stream"))
        drip(conn, "abc\n", 1);
    else if (asks(request, "/silence"))
        usleep(1000 * 1000);
    else if (asks(request, "/cut"))
        test_send(conn, CS_STR("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"));
    else if (asks(request, "/nonsense"))
        test_send(conn, CS_STR("SSH-2.0-OpenSSH_9.2\r\n"));
    else if (asks(request, "/refused"))
        answer(conn, "HTTP/1.1 403 Forbidden", CS_STR("no"));
}

/* ---- asking ---- */

static const struct cs_fetch_request ordinary = {.max_body = 65536, .timeout_ms = 5000};

static struct cs_str url_of(const struct test_server *server, const char *scheme, const char *host,
                            const char *path)
{
    return cs_arena_printf(&arena, "%s://%s:%u%s", scheme, host, server->port, path);
}

static struct cs_fetch_answer fetch_with(struct cs_fetch_request request)
{
    struct cs_fetch_answer got = {.error = 1};

    tap_int(cs_fetch_once(&request, &arena, &got), 0, request.url.ptr);
    return got;
}

static struct cs_fetch_answer fetch_plain(const char *path)
{
    struct cs_fetch_request request = ordinary;

    request.url = url_of(&plain, "http", "127.0.0.1", path);
    request.max_redirects = 5;
    request.timeout_ms = 300;
    return fetch_with(request);
}

static void test_answers(void)
{
    struct cs_fetch_request request = ordinary;
    static const struct cs_str extra[] = {CS_STR_INIT("X-Mine: 7")};
    struct cs_fetch_answer got;

    request.url = url_of(&plain, "http", "localhost", "/head");
    request.headers = extra;
    request.n_headers = 1;
    got = fetch_with(request);
    tap_ok(got.error == 0 && got.status == 200, "an answer");
    tap_ok(cs_str_search(got.body, CS_STR("\r\nX-Mine: 7\r\n")) > 0, "our header was sent");
    tap_ok(cs_str_search(got.body, CS_STR("User-Agent: countersign/" CS_VERSION)) > 0,
           "who we are");
    request.body = CS_STR("a\0b");
    request.content_type = CS_STR("application/json");
    got = fetch_with(request);
    tap_int(got.status, 201, "status of a POST");
    tap_str(got.body, CS_STR("a\0b"), "the body went there and back");
    tap_str(cs_fetch_header(&got, CS_STR("X-THING")), CS_STR("a b"), "a header, the first one");
    tap_str(cs_fetch_header(&got, CS_STR("X-Thin")), CS_STR(""), "no such header");
    got = fetch_plain("/refused");
    tap_ok(got.error == 0 && got.status == 403 && got.body.len == 2, "a refusal is an answer");
}

static const struct {
    const char *path;
    int error;
    unsigned status;
} bad[] = {
    {"/redirect", 0, 200},       {"/to-file", -EPROTO, 302}, {"/to-ftp", -EPROTO, 302},
    {"/circle", -ELOOP, 302},    {"/long", -EFBIG, 200},     {"/endless", -EFBIG, 200},
    {"/long-head", -EFBIG, 200}, {"/drip", -ETIMEDOUT, 200}, {"/silence", -ETIMEDOUT, 0},
    {"/cut", -ECONNRESET, 200},  {"/nonsense", -EPROTO, 0},  {"/close", -ECONNRESET, 0},
};

static void test_bad_answers(void)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct cs_fetch_answer got = fetch_plain(bad[i].path);
        tap_int(got.error, bad[i].error, bad[i].path);
        tap_int(got.status, bad[i].status, "its status");
        tap_ok(got.error == 0 || got.words.len > 0, "said in words: %.*s", CS_FMT(got.words));
    }
}

static void test_no_redirect_of_posts(void)
{
    struct cs_fetch_request request = ordinary;
    struct cs_fetch_answer got;

    request.url = url_of(&plain, "http", "127.0.0.1", "/redirect");
    got = fetch_with(request);
    tap_int(got.status, 302, "not followed unless allowed");
    tap_str(cs_fetch_header(&got, CS_STR("location")), CS_STR("/redirected"), "but shown");
}

static void test_nobody(void)
{
    struct cs_fetch_request request = ordinary;

    request.url = CS_STR("http://127.0.0.1:1/");
    tap_int(fetch_with(request).error, -ECONNREFUSED, "nobody listens");
    request.url = CS_STR("http://no-such-host.invalid/");
    tap_ok(fetch_with(request).error == -ENOENT, "no such host");
}

static void test_refused_requests(void)
{
    static const char *const urls[] = {"file:///etc/passwd", "ftp://a.test/", "", "https://a b/",
                                       "https://127.0.0.1:1/"};
    struct cs_fetch_answer got;

    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct cs_fetch_request request = ordinary;
        request.url = cs_str_from(urls[i]);
        tap_int(cs_fetch_once(&request, &arena, &got), -EINVAL, urls[i]);
    }
}

/* ---- TLS ---- */

static struct cs_fetch_answer fetch_secure(const struct test_server *server, const char *host,
                                           const char *path, const struct test_paper *ca,
                                           const struct test_paper *mine)
{
    struct cs_fetch_request request = ordinary;

    request.url = url_of(server, "https", host, path);
    request.max_redirects = 5;
    request.tls.unverified = ca == NULL;
    request.tls.ca = ca ? cs_buf_str(&ca->cert_pem) : (struct cs_str){0};
    if (mine) {
        request.tls.cert = cs_buf_str(&mine->cert_pem);
        request.tls.key = cs_buf_str(&mine->key_pem);
    }
    return fetch_with(request);
}

static void refused(struct cs_fetch_answer got, const char *code)
{
    tap_int(got.error, -EKEYREJECTED, "the server is not accepted");
    tap_ok(cs_str_search(got.words, cs_str_from(code)) > 0, "because of %s: %.*s", code,
           CS_FMT(got.words));
}

static void test_servers(void)
{
    struct cs_fetch_answer got = fetch_secure(&secure, "localhost", "/presented", &root, NULL);

    tap_ok(got.error == 0 && got.status == 200, "accepted by our root: %.*s", CS_FMT(got.words));
    tap_str(got.body, CS_STR("no"), "without a certificate of ours");
    got = fetch_secure(&secure, "localhost", "/presented", &root, &client_paper);
    tap_str(got.body, CS_STR("yes"), "with one");
    got = fetch_secure(&secure, "localhost", "/presented", &root, NULL);
    tap_str(got.body, CS_STR("no"), "which is not shown again");
    refused(fetch_secure(&secure, "localhost", "/head", &other_root, NULL), "issuer-unknown");
    refused(fetch_secure(&secure, "127.0.0.1", "/head", &root, NULL), "name-mismatch");
    refused(fetch_secure(&expired, "localhost", "/head", &root, NULL), "certificate-expired");
    got = fetch_secure(&expired, "127.0.0.1", "/presented", NULL, NULL);
    tap_ok(got.error == 0 && got.status == 200, "anybody will do when told so");
    got = fetch_secure(&secure, "localhost", "/to-plain", &root, NULL);
    tap_int(got.error, -EPROTO, "no way from https to http");
    got = fetch_secure(&plain, "localhost", "/head", &root, NULL);
    tap_int(got.error, -EPROTO, "no TLS there");
}

static void test_broken_papers(void)
{
    struct test_paper mixed = client_paper;
    struct cs_fetch_answer got;

    mixed.key_pem = server_paper.key_pem;
    got = fetch_secure(&secure, "localhost", "/presented", &root, &mixed);
    tap_int(got.error, -EPROTO, "our key is for another certificate");
}

/* ---- several at once, on a loop ---- */

struct party {
    struct cs_fetcher *fetcher;
    unsigned n_done, n_good;
    size_t streamed;
};

static void on_done(struct cs_fetch *fetch, void *ctx)
{
    struct party *party = ctx;
    const struct cs_fetch_answer *got = cs_fetch_answer(fetch);

    party->n_done++;
    party->n_good += got->error == 0 && got->status == 200;
    cs_fetch_free(fetch);
}

static bool on_piece(void *ctx, struct cs_str bytes)
{
    struct party *party = ctx;

    party->streamed += bytes.len;
    return party->streamed < 100;
}

static void test_loop(void)
{
    struct cs_fetch_request request = ordinary;
    struct cs_fetch *fetch = NULL;
    struct party party = {0};
    struct cs_loop loop;
    const char *why = "";

    tap_int(cs_loop_init(&loop), 0, "a loop");
    tap_int(cs_fetcher_new(&loop, &party.fetcher, &why), 0, why);
    request.url = url_of(&secure, "https", "localhost", "/head");
    request.tls.ca = cs_buf_str(&root.cert_pem);
    for (int i = 0; i < 20; i++)
        tap_int(cs_fetch_start(party.fetcher, &request, on_done, &party, &fetch), 0, "begun");
    while (party.n_done < 20 && cs_loop_turn(&loop, 5000) > 0)
        ;
    tap_int(party.n_good, 20, "twenty at once");
    request.url = url_of(&plain, "http", "127.0.0.1", "/silence");
    tap_int(cs_fetch_start(party.fetcher, &request, on_done, &party, &fetch), 0, "one more");
    for (int i = 0; i < 3; i++)
        cs_loop_turn(&loop, 20);
    cs_fetch_free(fetch);
    tap_int(party.n_done, 20, "which is called off");
    request.url = url_of(&plain, "http", "127.0.0.1", "/stream");
    request.received = on_piece;
    request.timeout_ms = 0;
    tap_int(cs_fetch_start(party.fetcher, &request, on_done, &party, &fetch), 0, "a stream");
    while (party.n_done < 21 && cs_loop_turn(&loop, 5000) > 0)
        ;
    tap_ok(party.streamed >= 100 && party.streamed < 200, "is left when we say so");
    request.url = url_of(&plain, "http", "127.0.0.1", "/silence");
    request.idle_ms = 1000;
    request.timeout_ms = 4000;
    tap_int(cs_fetch_start(party.fetcher, &request, on_done, &party, &fetch), 0, "and one to drop");
    cs_fetch_free(fetch);
    cs_fetcher_free(party.fetcher);
    cs_loop_deinit(&loop);
}

int main(void)
{
    test_paper(&root, &arena, CS_STR("Root"), NULL, 4 * 86400 / 5);
    test_paper(&other_root, &arena, CS_STR("Other root"), NULL, 60);
    test_paper(&server_paper, &arena, CS_STR("localhost"), &root, 60);
    test_paper(&expired_paper, &arena, CS_STR("localhost"), &root, 90000);
    test_paper(&client_paper, &arena, CS_STR("client.test"), &root, 60);
    plain = test_server(NULL, serve);
    secure = test_server(&server_paper, serve);
    expired = test_server(&expired_paper, serve);
    test_answers();
    test_bad_answers();
    test_no_redirect_of_posts();
    test_nobody();
    test_refused_requests();
    test_servers();
    test_broken_papers();
    test_loop();
    test_server_end(&plain);
    test_server_end(&secure);
    test_server_end(&expired);
    test_paper_free(&root);
    test_paper_free(&other_root);
    test_paper_free(&server_paper);
    test_paper_free(&expired_paper);
    test_paper_free(&client_paper);
    cs_arena_deinit(&arena);
    return tap_done();
}
