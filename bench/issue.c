/* bench-issue: ask an authority for certificates, as many as it gives, and say what each cost it.
 *
 * Each client keeps one connection and asks again as soon as it has been answered, always with a
 * new key, so that no request is a repetition: renewals of one certificate, or enrolments, each
 * with a token of its own. An answer other than 201 is an error, and so is a serial number seen
 * before. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "authority/make.h"
#include "base/mem.h"
#include "http/h1.h"
#include "io/file.h"
#include "io/socket.h"
#include "latency.h"
#include "serve/wire.h"
#include "tls/session.h"
#include "usage.h"
#include "x509/chain.h"
#include "x509/key.h"
#include "x509/pem.h"
#include "x509/trust.h"

enum { FILE_MAX = 256 << 20, TEXT_MAX = 1 << 20, PATIENCE_MS = 30000, CLIENTS_MAX = 1024 };

static const struct cs_h1_limits limits = {.max_line = 8192, .max_head = 16384, .max_headers = 100};

struct options {
    const char *connect, *ca, *cert, *key, *tokens, *name;
    unsigned clients;
    double seconds, warm_up;
    pid_t server;
};

struct asker {
    struct cs_wire wire;
    struct cs_timer timer;
    bool connected, shaken, in_body;
    struct cs_buf out, in;
    struct cs_h1_scan scan;
    struct cs_h1_body body;
    struct cs_arena arena;
    char serial[64];
    bool look_for_serial;
    struct timespec asked;
};

static struct options options = {.clients = 16, .seconds = 5, .warm_up = 1, .name = "bench.test"};
static struct cs_loop loop;
static struct cs_tls_io io;
static struct cs_shelf shelf;
static struct cs_tls_client *tls_client;
static struct cs_trust *trust;
static struct cs_addr address;
static struct asker askers[CLIENTS_MAX];
static struct cs_str tokens;
static struct cs_latency latency;
static uint64_t n_done, n_errors;
static bool counting, ending;
static char first_error[512];

__attribute__((noreturn)) static void trouble(const char *what, int r)
{
    fprintf(stderr, "bench-issue: %s: %s\n", what, r < 0 ? strerror(-r) : "refused");
    exit(1);
}

/* ---- what is asked ---- */

static struct cs_str next_token(void)
{
    struct cs_str line = cs_str_cut(&tokens, '\n');

    if (!line.len)
        ending = true;
    return line;
}

static void write_csr(struct cs_buf *json)
{
    struct cs_str names[1] = {cs_str_from(options.name)};
    struct cs_cert_spec spec = {.dns = {names, 1}};
    struct evp_pkey_st *key;
    struct cs_buf der, pem;

    cs_buf_init(&der, TEXT_MAX);
    cs_buf_init(&pem, TEXT_MAX);
    if (cs_make_key(CS_MAKE_P256, &key) < 0 || cs_make_csr(&spec, key, &der) < 0 ||
        cs_pem_write(&pem, CS_STR("CERTIFICATE REQUEST"), cs_buf_str(&der)) < 0)
        trouble("a request cannot be made", -EIO);
    cs_buf_add_json(json, cs_buf_str(&pem));
    cs_key_free(key);
    cs_buf_deinit(&der);
    cs_buf_deinit(&pem);
}

static void write_request(struct asker *a)
{
    struct cs_buf json;

    cs_buf_init(&json, TEXT_MAX);
    cs_buf_add_str(&json, CS_STR("{\"csr\":"));
    write_csr(&json);
    if (tokens.ptr)
        cs_buf_addf(&json, ",\"token\":\"%.*s\"", CS_FMT(next_token()));
    cs_buf_add_char(&json, '}');
    cs_buf_addf(&a->out,
                "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
                "Content-Length: %zu\r\n\r\n%.*s",
                options.tokens ? "/v1/enrol" : "/v1/renew", json.len, CS_FMT(cs_buf_str(&json)));
    cs_buf_deinit(&json);
}

static void ask(struct asker *a)
{
    write_request(a);
    if (ending) {
        cs_buf_reset(&a->out);
        return;
    }
    cs_h1_scan_init(&a->scan, CS_H1_RESPONSE, &limits);
    cs_timer_set(&loop, &a->timer, loop.now.mono_ms + PATIENCE_MS);
    clock_gettime(CLOCK_MONOTONIC, &a->asked);
}

/* ---- what is answered ---- */

static void fail(const char *what, struct cs_str detail)
{
    if (n_errors++ == 0)
        snprintf(first_error, sizeof(first_error), "%s: %.*s", what, CS_FMT(detail));
    ending = true;
    cs_loop_stop(&loop);
}

static int64_t since_ns(const struct timespec *then)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - then->tv_sec) * 1000000000LL + (now.tv_nsec - then->tv_nsec);
}

/* {"serial":"…", is what an answer begins with. */
static void check_serial(struct asker *a, struct cs_str body)
{
    struct cs_str text = cs_str_sub(cs_str_skip(body, 11), 0, sizeof(a->serial) - 1);

    if (!cs_str_starts(body, CS_STR("{\"serial\":\"")) || cs_str_eq(text, cs_str_from(a->serial)))
        fail("no new certificate", body);
    memcpy(a->serial, text.ptr, text.len);
    a->look_for_serial = false;
}

static void finish(struct asker *a)
{
    cs_h1_body_deinit(&a->body);
    a->in_body = false;
    if (counting) {
        n_done++;
        cs_latency_add(&latency, since_ns(&a->asked));
    }
    if (!ending)
        ask(a);
}

/* Return: whether there may be more in a->in. */
static bool take_body(struct asker *a)
{
    struct cs_str data;
    size_t consumed;
    int r = cs_h1_body_feed(&a->body, cs_buf_str(&a->in), &consumed, &data);

    if (r < 0) {
        fail("body", (struct cs_str){0});
        return false;
    }
    if (a->look_for_serial && data.len > 64)
        check_serial(a, data);
    cs_buf_consume(&a->in, consumed);
    if (r == CS_H1_DONE)
        finish(a);
    return a->in.len > 0;
}

static bool take_head(struct asker *a)
{
    struct cs_h1_response response;
    enum cs_h1_error error;
    ssize_t end = cs_h1_head_find(&a->scan, cs_buf_str(&a->in));

    if (end == 0)
        return false;
    cs_arena_reset(&a->arena);
    if (end < 0 ||
        cs_h1_response_parse(cs_str_sub(cs_buf_str(&a->in), 0, (size_t)end), CS_METHOD_POST,
                             &limits, &a->arena, &response, &error) < 0) {
        fail("head", cs_buf_str(&a->in));
        return false;
    }
    if (response.status != 201) {
        fail("status", cs_buf_str(&a->in));
        return false;
    }
    cs_h1_body_init(&a->body, response.framing, response.content_length, &limits);
    a->in_body = a->look_for_serial = true;
    cs_buf_consume(&a->in, (size_t)end);
    return true;
}

/* ---- the connection ---- */

static bool verify(void *ctx, const struct cs_str *ders, size_t n, uint8_t *ret_alert)
{
    struct cs_arena arena = {0};
    struct cs_verdict verdict;
    struct cs_chain_query query = {.ders = ders,
                                   .n = n,
                                   .trust = trust,
                                   .now_sec = cs_now_sec(&loop.now),
                                   .purpose = CS_PURPOSE_SERVER,
                                   .depth = 3};
    bool good = cs_chain_verify(&query, &arena, &verdict) == 0 && verdict.accepted;

    cs_arena_deinit(&arena);
    return good;
}

static const struct cs_tls_hooks hooks = {.verify = verify};

static bool shake(struct asker *a)
{
    enum cs_tls_result r = cs_tls_handshake(a->wire.tls);

    if (r == CS_TLS_WANT_READ || r == CS_TLS_WANT_WRITE)
        return false;
    if (r != CS_TLS_OK) {
        fail("handshake", cs_tls_facts(a->wire.tls)->failure);
        return false;
    }
    a->shaken = true;
    ask(a);
    return true;
}

static bool receive(struct asker *a)
{
    switch (cs_wire_fill(&a->wire, &a->in, 16384)) {
    case CS_WIRE_OK: break;
    case CS_WIRE_WAIT: return false;
    default:
        if (!ending)
            fail("connection", (struct cs_str){0});
        return false;
    }
    while (a->in.len && (a->in_body ? take_body(a) : take_head(a)))
        ;
    return true;
}

static void on_ready(struct cs_watch *watch)
{
    struct asker *a =
        cs_container_of(cs_container_of(watch, struct cs_wire, watch), struct asker, wire);
    bool more = true;

    if (!a->connected) {
        int r = cs_connect_result(a->wire.fd);
        if (r == -EINPROGRESS)
            return;
        if (r < 0) {
            fail("connect", cs_str_from(strerror(-r)));
            return;
        }
        a->connected = true;
        a->wire.tls = cs_tls_client_session(tls_client, a->wire.fd, (struct cs_str){0},
                                            (struct cs_str){0}, &hooks, a, &io);
    }
    cs_wire_event(&a->wire);
    if (!a->shaken && !shake(a))
        return;
    while (more && !n_errors) {
        if (a->out.len || cs_wire_unsent(&a->wire))
            (void)cs_wire_drain(&a->wire, &a->out);
        more = receive(a);
    }
}

static void on_timeout(struct cs_timer *timer)
{
    fail("timeout", (struct cs_str){0});
}

static void begin(struct asker *a)
{
    int fd, r = cs_connect_start(&address, &fd);

    if (r < 0)
        trouble("connect", r);
    cs_buf_init(&a->out, TEXT_MAX);
    cs_buf_init(&a->in, TEXT_MAX);
    a->timer.fire = on_timeout;
    cs_timer_set(&loop, &a->timer, loop.now.mono_ms + PATIENCE_MS);
    if (cs_wire_open(&a->wire, &loop, fd, &shelf, on_ready) < 0)
        trouble("connect", -EIO);
}

/* ---- the whole ---- */

static struct cs_arena arena; /* for the life of the program */

static struct cs_str file(const char *path)
{
    struct cs_buf bytes;
    struct cs_str text;
    int r = cs_file_read(path, FILE_MAX, &bytes);

    if (r < 0)
        trouble(path, r);
    text = cs_arena_dup(&arena, cs_buf_str(&bytes));
    cs_buf_deinit(&bytes);
    return text;
}

static void prepare(void)
{
    struct cs_findings findings;
    struct cs_source ca = {.bytes = file(options.ca)};
    struct cs_trust_spec trust_spec = {.cas = &ca, .n_cas = 1};
    struct cs_tls_pair pair = {0};
    struct cs_tls_client_spec spec = {.pair = options.cert ? &pair : NULL};

    cs_findings_init(&findings, &arena);
    if (options.cert) {
        pair.chain_pem = file(options.cert);
        pair.key_pem = file(options.key);
    }
    if (options.tokens)
        tokens = file(options.tokens);
    if (cs_loop_init(&loop) < 0 || cs_trust_new(&trust_spec, &findings, &trust) != 0 ||
        cs_tls_client_new(&spec, &findings, &tls_client) != 0)
        trouble("certificates", 0);
    cs_tls_io_init(&io, &loop.now);
    cs_shelf_init(&shelf, 16384, 64);
}

static void run_for(double seconds)
{
    int64_t until;

    cs_loop_now(&loop);
    until = loop.now.mono_ms + (int64_t)(seconds * 1000);
    while (!ending && loop.now.mono_ms < until) {
        if (cs_loop_turn(&loop, until - loop.now.mono_ms) < 0)
            trouble("loop", -EIO);
    }
}

static void measure(void)
{
    struct cs_usage before = {0}, after = {0};
    struct timespec begun;
    double wall_s, cpu_us;

    run_for(options.warm_up);
    if (options.server && cs_usage_read(&options.server, 1, &before) < 0)
        trouble("the server's usage", -ESRCH);
    clock_gettime(CLOCK_MONOTONIC, &begun);
    counting = true;
    run_for(options.seconds);
    counting = false;
    wall_s = (double)since_ns(&begun) / 1e9;
    if (options.server && cs_usage_read(&options.server, 1, &after) < 0)
        trouble("the server's usage", -ESRCH);
    cpu_us = n_done ? (double)(after.cpu_ns - before.cpu_ns) / 1e3 / (double)n_done : 0;
    printf("{\"certificates\": %llu, \"seconds\": %.3f, \"per_second\": %.1f, \"cpu_us\": %.1f, "
           "\"per_cpu_second\": %.1f, \"p50_us\": %.0f, \"p99_us\": %.0f, \"errors\": %llu, "
           "\"first_error\": ",
           (unsigned long long)n_done, wall_s, (double)n_done / wall_s, cpu_us,
           cpu_us > 0 ? 1e6 / cpu_us : 0, cs_latency_quantile(&latency, 0.5) / 1e3,
           cs_latency_quantile(&latency, 0.99) / 1e3, (unsigned long long)n_errors);
}

static void print_error(void)
{
    struct cs_buf text;

    cs_buf_init(&text, TEXT_MAX);
    cs_buf_add_json(&text, cs_str_from(first_error));
    printf("%.*s}\n", CS_FMT(cs_buf_str(&text)));
    cs_buf_deinit(&text);
}

static double number(const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (*end || end == text || !(value >= 0 && value <= 1e9)) {
        fprintf(stderr, "bench-issue: not a number: %s\n", text);
        exit(2);
    }
    return value;
}

static void read_options(int argc, char **argv)
{
    static const struct option longs[] = {{"connect", 1, 0, 'c'},
                                          {"ca", 1, 0, 'a'},
                                          {"cert", 1, 0, 'e'},
                                          {"key", 1, 0, 'k'},
                                          {"tokens", 1, 0, 't'},
                                          {"clients", 1, 0, 'n'},
                                          {"seconds", 1, 0, 's'},
                                          {"warm-up", 1, 0, 'w'},
                                          {"server", 1, 0, 'p'},
                                          {"name", 1, 0, 'm'},
                                          {0}};
    int c;

    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case 'c': options.connect = optarg; break;
        case 'a': options.ca = optarg; break;
        case 'e': options.cert = optarg; break;
        case 'k': options.key = optarg; break;
        case 't': options.tokens = optarg; break;
        case 'm': options.name = optarg; break;
        case 'n': options.clients = (unsigned)number(optarg); break;
        case 's': options.seconds = number(optarg); break;
        case 'w': options.warm_up = number(optarg); break;
        case 'p': options.server = (pid_t)number(optarg); break;
        default: exit(2);
        }
    }
    if (!options.connect || !options.ca || !(options.tokens || (options.cert && options.key)) ||
        options.clients < 1 || options.clients > CLIENTS_MAX) {
        fprintf(stderr, "usage: bench-issue --connect IP:PORT --ca FILE (--tokens FILE | --cert "
                        "FILE --key FILE) [--name NAME] [--clients N] [--seconds S] [--warm-up S] "
                        "[--server PID]\n");
        exit(2);
    }
}

static void read_address(void)
{
    struct cs_str host = cs_str_from(options.connect);
    ptrdiff_t colon = cs_str_rfind(host, ':');
    uint64_t port;

    if (colon < 0 || cs_str_to_u64(cs_str_skip(host, (size_t)colon + 1), 65535, &port) < 0 ||
        cs_addr_parse_ip(cs_str_sub(host, 0, (size_t)colon), (uint16_t)port, &address) < 0) {
        fprintf(stderr, "bench-issue: not an address: %s\n", options.connect);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    read_options(argc, argv);
    read_address();
    prepare();
    for (unsigned i = 0; i < options.clients; i++)
        begin(&askers[i]);
    measure();
    print_error();
    return n_errors || !n_done;
}
