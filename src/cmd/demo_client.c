/* A client made of the same parts as the gateway: its TLS session, its verdict about chains,
 * its HTTP parser. */
#include "cmd/demo_client.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "http/h1.h"
#include "io/loop.h"
#include "io/socket.h"
#include "tls/session.h"

#define VISIT_MS 5000
#define ANSWER_MAX (256 << 10)

struct visitor {
    struct cs_demo_visit *visit;
    struct cs_loop loop;
    struct cs_watch watch;
    struct cs_tls_io io;
    struct cs_tls_client *client;
    struct cs_tls *tls;
    int fd;
    int64_t deadline_ms;
};

static void fail(struct cs_demo_visit *visit, const char *what, struct cs_str why)
{
    visit->fault =
        cs_arena_printf(&visit->arena, "%s%s%.*s", what, why.len ? ": " : "", CS_FMT(why));
}

static void fail_errno(struct cs_demo_visit *visit, const char *what, int r)
{
    fail(visit, what, cs_str_from(strerror(-r)));
}

/* The client's own check of the server. */
static bool verify(void *ctx, const struct cs_str *chain_der, size_t n, uint8_t *ret_alert)
{
    struct visitor *v = ctx;
    struct cs_demo_visit *visit = v->visit;
    struct cs_str *ders = cs_arena_array(&visit->arena, n, sizeof(*ders));
    struct cs_chain_query query = {
        .ders = ders,
        .n = n,
        .trust = visit->trusted,
        .now_sec = cs_now_sec(&v->loop.now),
        .purpose = CS_PURPOSE_SERVER,
        .depth = 1,
        .host = visit->host,
    };

    for (size_t i = 0; i < n; i++)
        ders[i] = cs_arena_dup(&visit->arena, chain_der[i]);
    if (cs_chain_verify(&query, &visit->arena, &visit->verdict) < 0)
        return false;
    visit->judged = true;
    if (!visit->verdict.accepted)
        *ret_alert = cs_verdict_alert(&visit->verdict);
    return visit->verdict.accepted;
}

static const struct cs_tls_hooks hooks = {.verify = verify};

static void on_ready(struct cs_watch *watch)
{
    struct visitor *v = cs_container_of(watch, struct visitor, watch);

    if (v->tls)
        cs_tls_ready(v->tls, watch->readable, watch->writable, watch->hangup);
    watch->readable = watch->writable = false;
}

/* Until something happens. Return: 0, or -ETIMEDOUT. */
static int wait_event(struct visitor *v)
{
    int64_t left = v->deadline_ms - v->loop.now.mono_ms;

    if (left <= 0)
        return -ETIMEDOUT;
    return cs_loop_turn(&v->loop, left) < 0 ? -EIO : 0;
}

static int connect_gateway(struct visitor *v)
{
    int r = cs_connect_start(&v->visit->gateway, &v->fd);

    r = r ? r : cs_watch_add(&v->loop, &v->watch, v->fd, on_ready);
    while (r == 0 && (r = cs_connect_result(v->fd)) == -EINPROGRESS)
        r = wait_event(v);
    if (r < 0)
        fail_errno(v->visit, "connect", r);
    return r;
}

static bool wants_more(enum cs_tls_result result)
{
    return result == CS_TLS_WANT_READ || result == CS_TLS_WANT_WRITE;
}

static int shake_hands(struct visitor *v)
{
    enum cs_tls_result result;
    int r = 0;

    while (wants_more(result = cs_tls_handshake(v->tls)) && (r = wait_event(v)) == 0)
        continue;
    if (r < 0)
        fail_errno(v->visit, "handshake", r);
    else if (result != CS_TLS_OK)
        fail(v->visit, "handshake", cs_tls_facts(v->tls)->failure);
    return r < 0 || result != CS_TLS_OK ? -EPROTO : 0;
}

static int send_request(struct visitor *v)
{
    enum cs_tls_result result;
    struct cs_buf request;
    size_t n = 0;
    int r;

    cs_buf_init(&request, 4096);
    r = cs_buf_addf(&request, "GET /hello HTTP/1.1\r\nHost: %.*s\r\n%s\r\n", CS_FMT(v->visit->host),
                    v->visit->meanwhile ? "" : "Connection: close\r\n");
    result = r == 0 ? cs_tls_write(v->tls, request.ptr, request.len, &n) : CS_TLS_FAILED;
    cs_buf_deinit(&request);
    if (result != CS_TLS_OK)
        return -EPIPE;
    while (wants_more(result = cs_tls_flush(v->tls)) && (r = wait_event(v)) == 0)
        continue;
    return r ? r : result == CS_TLS_OK ? 0 : -EPIPE;
}

/* The answer is there, and the connection open. */
static void let_happen(struct visitor *v, int64_t *since_ms)
{
    v->visit->meanwhile(v->visit->ctx);
    cs_loop_now(&v->loop);
    *since_ms = v->loop.now.mono_ms;
    v->deadline_ms = *since_ms + VISIT_MS;
    v->visit->ended_ms = -1;
}

/* All there is until the gateway closes. Return: 0, or -errno. */
static int read_answer(struct visitor *v, struct cs_buf *answer)
{
    int64_t since_ms = -1;

    for (;;) {
        enum cs_tls_result result;
        size_t n = 0;

        if (cs_buf_reserve(answer, 4096) < 0)
            return -EMSGSIZE;
        result = cs_tls_read(v->tls, answer->ptr + answer->len, 4096, &n);
        if (result == CS_TLS_OK)
            answer->len += n;
        else if (wants_more(result) && answer->len && v->visit->meanwhile && since_ms < 0)
            let_happen(v, &since_ms);
        else if (wants_more(result) && wait_event(v) < 0)
            return answer->len ? 0 : -ETIMEDOUT;
        else if (!wants_more(result))
            break;
    }
    cs_loop_now(&v->loop);
    if (since_ms >= 0)
        v->visit->ended_ms = v->loop.now.mono_ms - since_ms;
    return answer->len ? 0 : -ECONNRESET;
}

static int take_body(struct cs_demo_visit *visit, const struct cs_h1_response *response,
                     const struct cs_h1_limits *limits, struct cs_str rest)
{
    struct cs_h1_body body;
    int r = CS_H1_MORE;

    cs_h1_body_init(&body, response->framing, response->content_length, limits);
    while (r == CS_H1_MORE && rest.len) {
        size_t consumed;
        struct cs_str data;
        r = cs_h1_body_feed(&body, rest, &consumed, &data);
        rest = cs_str_skip(rest, consumed);
        visit->body = cs_arena_cat(&visit->arena, visit->body, data);
    }
    if (r == CS_H1_MORE)
        r = cs_h1_body_eof(&body);
    cs_h1_body_deinit(&body);
    return r;
}

static int parse_answer(struct cs_demo_visit *visit, struct cs_str bytes)
{
    static const struct cs_h1_limits limits = {
        .max_line = 8192, .max_head = 32768, .max_headers = 200};
    struct cs_h1_response response;
    enum cs_h1_error error;
    struct cs_h1_scan scan;
    ssize_t end;

    bytes = cs_arena_dup(&visit->arena, bytes);
    cs_h1_scan_init(&scan, CS_H1_RESPONSE, &limits);
    end = cs_h1_head_find(&scan, bytes);
    if (end <= 0 || cs_h1_response_parse(cs_str_sub(bytes, 0, (size_t)end), CS_METHOD_GET, &limits,
                                         &visit->arena, &response, &error) < 0)
        return -EBADMSG;
    visit->status = (int)response.status;
    return take_body(visit, &response, &limits, cs_str_skip(bytes, (size_t)end));
}

static void ask(struct visitor *v)
{
    struct cs_buf answer;
    int r;

    cs_buf_init(&answer, ANSWER_MAX);
    r = send_request(v);
    r = r < 0 ? r : read_answer(v, &answer);
    r = r < 0 ? r : parse_answer(v->visit, cs_buf_str(&answer));
    if (r < 0)
        fail_errno(v->visit, "request", r);
    cs_buf_deinit(&answer);
}

/* The facts outlive the session: their texts move over. */
static void keep_facts(struct cs_demo_visit *visit, const struct cs_handshake *facts)
{
    struct cs_handshake *h = &visit->handshake;
    struct cs_str *const texts[] = {
        &h->protocol,      &h->cipher, &h->group,           &h->sigalg,
        &h->client_sigalg, &h->sni,    &h->alert_sent.text, &h->alert_received.text,
        &h->failure};

    *h = *facts;
    h->chain = NULL;
    h->n_chain = 0;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = cs_arena_dup(&visit->arena, *texts[i]);
}

static int prepare(struct visitor *v)
{
    struct cs_demo_visit *visit = v->visit;
    struct cs_source ca = {.bytes = visit->trust->cert_pem, .file = CS_STR("trust")};
    struct cs_trust_spec trust = {.cas = &ca, .n_cas = 1};
    struct cs_tls_pair pair = {0};
    struct cs_tls_client_spec spec = {0};
    struct cs_findings findings;

    if (visit->pair) {
        pair.chain_pem = visit->pair->cert_pem;
        pair.key_pem = visit->pair->key_pem;
        spec.pair = &pair;
    }
    cs_findings_init(&findings, &visit->arena);
    if (cs_trust_new(&trust, &findings, &visit->trusted) ||
        cs_tls_client_new(&spec, &findings, &v->client) < 0)
        return -EINVAL;
    return cs_loop_init(&v->loop);
}

void cs_demo_visit_make(struct cs_demo_visit *visit)
{
    struct visitor v = {.visit = visit, .fd = -1};
    int r = prepare(&v);

    if (r < 0) {
        fail_errno(visit, "client", r);
        return;
    }
    v.deadline_ms = v.loop.now.mono_ms + VISIT_MS;
    cs_tls_io_init(&v.io, &v.loop.now);
    if (connect_gateway(&v) == 0) {
        v.tls = cs_tls_client_session(v.client, v.fd, visit->host, (struct cs_str){0}, &hooks, &v,
                                      &v.io);
        cs_assert(v.tls != NULL);
        if (shake_hands(&v) == 0)
            ask(&v);
        keep_facts(visit, cs_tls_facts(v.tls));
        cs_tls_shutdown(v.tls);
        cs_tls_flush(v.tls);
        v.tls = cs_tls_free(v.tls);
    }
    cs_watch_remove(&v.watch);
    if (v.fd >= 0)
        close(v.fd);
    cs_tls_io_deinit(&v.io);
    cs_loop_deinit(&v.loop);
    cs_tls_client_unref(v.client);
}

void cs_demo_visit_deinit(struct cs_demo_visit *visit)
{
    cs_trust_unref(visit->trusted);
    cs_arena_deinit(&visit->arena);
}
