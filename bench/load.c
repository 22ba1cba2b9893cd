/* bench-load: ask a mutual TLS server the same thing many times, look at every answer, and say
 * what each cost the server.
 *
 * First one visit whose body must have the digest that was asked for; it becomes what every
 * later body is compared with, byte by byte. Then a warm-up, then the time that counts. The
 * figure that matters is the CPU time of the server's processes per operation: wall time on
 * one machine mostly measures the client. */
#include <errno.h>
#include <getopt.h>
#include <openssl/sha.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "base/mem.h"
#include "io/file.h"
#include "usage.h"
#include "visit.h"

#define PEM_MAX (1 << 20)
#define BODY_MAX (256 << 20)
#define FAMILY_MAX 8
#define OPENING_MAX 64 /* held connections that are being opened at once */
#define PROBE_MS 10000
#define HOLD_MS 120000
#define SETTLE_MS 500

struct options {
    const char *mode, *connect, *host, *path, *ca, *cert, *key, *sha256;
    unsigned connections;
    double seconds, warm_up;
    pid_t servers[FAMILY_MAX], beside[FAMILY_MAX];
    size_t n_servers, n_beside;
    uint64_t length, operations;
    double rate;
    bool json, refused, count_errors;
};

struct result {
    struct cs_usage before, after, beside_before, beside_after;
    int64_t wall_ns, own_ns;
    int64_t pss_before_kib;
    unsigned held;
};

static struct cs_load load;
static struct cs_visit *visits;
static unsigned n_started; /* held connections */
static uint64_t n_wanted;  /* of them, or of operations */

__attribute__((noreturn)) static void usage_error(const char *what)
{
    fprintf(stderr, "bench-load: %s\n", what);
    exit(2);
}

__attribute__((noreturn)) static void trouble(const char *what, int r)
{
    fprintf(stderr, "bench-load: %s: %s\n", what, r < 0 ? strerror(-r) : "refused");
    exit(1);
}

/* Options */

static double number(const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (*end || end == text || !(value >= 0 && value <= 1e9))
        usage_error("not a number");
    return value;
}

static void add_pid(pid_t *pids, size_t *n, const char *text)
{
    if (*n == FAMILY_MAX)
        usage_error("too many processes");
    pids[(*n)++] = (pid_t)number(text);
}

static const char help[] =
    "usage: bench-load --mode handshake|refusal|resume|keepalive|mixed|paced|idle\n"
    "  --connect IP:PORT\n"
    "  --ca FILE [--cert FILE --key FILE] [--host NAME] --path PATH --length N --sha256 HEX\n"
    "  [--connections N] [--seconds S] [--warm-up S] --server PID... [--beside PID...] [--json]\n"
    "  --operations N: end earlier, when so many are done\n"
    "  --rate N: with paced, requests per second of all connections together\n"
    "  --count-errors: requests that fail and processes that end are part of the result\n"
    "  --refused: one visit, which must not be served\n";

static const struct option names[] = {
    {"mode", 1, NULL, 'm'},         {"connect", 1, NULL, 'c'}, {"host", 1, NULL, 'h'},
    {"path", 1, NULL, 'p'},         {"ca", 1, NULL, 'a'},      {"cert", 1, NULL, 'C'},
    {"key", 1, NULL, 'k'},          {"sha256", 1, NULL, 'd'},  {"length", 1, NULL, 'l'},
    {"connections", 1, NULL, 'n'},  {"seconds", 1, NULL, 's'}, {"warm-up", 1, NULL, 'w'},
    {"server", 1, NULL, 'S'},       {"beside", 1, NULL, 'b'},  {"json", 0, NULL, 'j'},
    {"refused", 0, NULL, 'r'},      {"rate", 1, NULL, 'R'},    {"operations", 1, NULL, 'o'},
    {"count-errors", 0, NULL, 'e'}, {NULL, 0, NULL, 0},
};

static void read_option(struct options *o, int letter)
{
    switch (letter) {
    case 'm': o->mode = optarg; break;
    case 'c': o->connect = optarg; break;
    case 'h': o->host = optarg; break;
    case 'p': o->path = optarg; break;
    case 'a': o->ca = optarg; break;
    case 'C': o->cert = optarg; break;
    case 'k': o->key = optarg; break;
    case 'd': o->sha256 = optarg; break;
    case 'l': o->length = (uint64_t)number(optarg); break;
    case 'n': o->connections = (unsigned)number(optarg); break;
    case 's': o->seconds = number(optarg); break;
    case 'w': o->warm_up = number(optarg); break;
    case 'S': add_pid(o->servers, &o->n_servers, optarg); break;
    case 'b': add_pid(o->beside, &o->n_beside, optarg); break;
    case 'j': o->json = true; break;
    case 'r': o->refused = true; break;
    case 'R': o->rate = number(optarg); break;
    case 'o': o->operations = (uint64_t)number(optarg); break;
    case 'e': o->count_errors = true; break;
    default: fputs(help, stderr); exit(2);
    }
}

static void read_options(int argc, char **argv, struct options *o)
{
    int letter;

    while ((letter = getopt_long(argc, argv, "", names, NULL)) != -1)
        read_option(o, letter);
    if (optind != argc || !o->connect || !o->path || !o->ca || !o->cert != !o->key)
        usage_error(help);
    if (!o->refused && (!o->mode || !o->sha256 || strlen(o->sha256) != 64 || !o->n_servers))
        usage_error(help);
    if (o->connections == 0 || o->connections > 100000)
        usage_error("between 1 and 100000 connections");
}

static const struct {
    const char *name;
    enum cs_visit_mode mode;
} modes[] = {
    {"handshake", CS_VISIT_HANDSHAKE}, {"resume", CS_VISIT_RESUME},
    {"keepalive", CS_VISIT_KEEPALIVE}, {"bulk", CS_VISIT_KEEPALIVE},
    {"mixed", CS_VISIT_MIXED},         {"paced", CS_VISIT_PACED},
    {"idle", CS_VISIT_IDLE},           {"refusal", CS_VISIT_REFUSAL},
};

static enum cs_visit_mode mode_named(const char *name)
{
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (!strcmp(name, modes[i].name))
            return modes[i].mode;
    usage_error("no such mode");
}

static void choose_mode(const struct options *o)
{
    load.mode = o->refused ? CS_VISIT_HANDSHAKE : mode_named(o->mode);
    if (load.mode == CS_VISIT_RESUME && o->connections > CS_TLS_CLIENT_SESSIONS)
        usage_error("more connections than sessions are remembered");
    if (load.mode == CS_VISIT_MIXED && o->connections > CS_TLS_CLIENT_SESSIONS / 2)
        usage_error("more connections than half the sessions that are remembered");
    if (load.mode == CS_VISIT_PACED && !(o->rate > 0))
        usage_error("paced needs a rate");
}

/* Preparation */

static void read_address(const char *text)
{
    struct cs_str ip = cs_str_from(text);
    ptrdiff_t colon = cs_str_rfind(ip, ':');
    uint64_t port;

    if (colon < 0 || cs_str_to_u64(cs_str_skip(ip, (size_t)colon + 1), 65535, &port) < 0 ||
        cs_addr_parse_ip(cs_str_sub(ip, 0, (size_t)colon), (uint16_t)port, &load.addr) < 0)
        usage_error("not an address and port");
}

static struct cs_str read_pem(const char *path)
{
    struct cs_str text;
    struct cs_buf buf;
    int r = cs_file_read(path, PEM_MAX, &buf);

    if (r < 0)
        trouble(path, r);
    text = cs_arena_dup(&load.arena, cs_buf_str(&buf));
    cs_buf_wipe(&buf);
    return text;
}

static void prepare_tls(const struct options *o)
{
    struct cs_source ca = {.bytes = read_pem(o->ca), .file = cs_str_from(o->ca)};
    struct cs_trust_spec trust = {.cas = &ca, .n_cas = 1};
    struct cs_tls_pair pair = {0};
    struct cs_tls_client_spec spec = {
        .protocols = CS_TLS_1_3, .curves = CS_STR("X25519"), .session_reuse = true};
    struct cs_findings findings;

    if (o->cert) {
        pair.chain_pem = read_pem(o->cert);
        pair.key_pem = read_pem(o->key);
        spec.pair = &pair;
    }
    cs_findings_init(&findings, &load.arena);
    if (cs_trust_new(&trust, &findings, &load.trust))
        trouble(o->ca, 1);
    if (cs_tls_client_new(&spec, &findings, &load.client) < 0)
        trouble("the client's certificate and key", 1);
}

static void prepare(const struct options *o)
{
    struct rlimit files;
    int r = cs_loop_init(&load.loop);

    if (r < 0)
        trouble("epoll", r);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    read_address(o->connect);
    load.host = cs_str_from(o->host);
    load.request =
        cs_arena_printf(&load.arena, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", o->path, o->host);
    load.status = 200;
    cs_list_init(&load.waiting);
    cs_buf_init(&load.learnt, BODY_MAX);
    cs_tls_io_init(&load.io, &load.loop.now);
    prepare_tls(o);
}

/* Running */

static void stop_at_once(struct cs_load *l, bool good)
{
    cs_loop_stop(&l->loop);
}

static void on_deadline(struct cs_timer *timer)
{
    cs_loop_stop(&load.loop);
}

/* Return: whether the time was used up rather than something stopped the loop. */
static bool run_for(int64_t ms)
{
    struct cs_timer timer = {.fire = on_deadline};
    bool in_time;

    cs_loop_now(&load.loop);
    cs_timer_set(&load.loop, &timer, load.loop.now.mono_ms + ms);
    cs_loop_run(&load.loop);
    in_time = cs_timer_pending(&timer);
    cs_timer_cancel(&load.loop, &timer);
    return !in_time;
}

/* One visit. Its body must have the digest; it is what all later ones are compared with. */
static void probe(const struct options *o)
{
    enum cs_visit_mode mode = load.mode;
    struct cs_visit visit;

    load.mode = CS_VISIT_HANDSHAKE;
    load.learn = load.draining = true;
    load.on_done = stop_at_once;
    cs_visit_init(&visit, &load, 0);
    cs_visit_start(&visit);
    if (run_for(PROBE_MS) && !load.n_errors)
        load.n_errors++;
    cs_visit_end(&visit);
    load.mode = mode;
    load.learn = load.draining = false;
    load.on_done = NULL;
    load.content = cs_buf_str(&load.learnt);
}

static void check_content(const struct options *o)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char hex[2 * SHA256_DIGEST_LENGTH];

    if (load.n_errors) {
        fprintf(stderr, "bench-load: the first visit failed: %.*s\n", CS_FMT(load.first_error));
        exit(1);
    }
    SHA256((const unsigned char *)load.content.ptr, load.content.len, digest);
    cs_hex_encode(digest, sizeof(digest), false, hex);
    if (load.content.len != o->length ||
        !cs_str_eq_nocase(cs_str_from(o->sha256), cs_str_make(hex, sizeof(hex)))) {
        fprintf(stderr, "bench-load: the first body has %zu bytes and the digest %.*s\n",
                load.content.len, (int)sizeof(hex), hex);
        exit(1);
    }
}

static void read_usage(const struct options *o, struct cs_usage *server, struct cs_usage *beside)
{
    int r = cs_usage_read(o->servers, o->n_servers, server);

    r = r ? r : cs_usage_read(o->beside, o->n_beside, beside);
    if (r < 0)
        trouble("the server's processes", r);
}

static int64_t own_cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void begin_counting(const struct options *o, struct result *result)
{
    read_usage(o, &result->before, &result->beside_before);
    result->wall_ns = cs_bench_now_ns();
    result->own_ns = own_cpu_ns();
    load.counting = true;
}

static void end_counting(const struct options *o, struct result *result)
{
    load.counting = false;
    result->wall_ns = cs_bench_now_ns() - result->wall_ns;
    result->own_ns = own_cpu_ns() - result->own_ns;
    read_usage(o, &result->after, &result->beside_after);
}

static void stop_when_enough(struct cs_load *l, bool good)
{
    if (l->counting && l->n_done >= n_wanted)
        cs_loop_stop(&l->loop);
}

static void ask_due(struct cs_pace *pace)
{
    cs_visit_ask_due(cs_container_of(pace, struct cs_load, pace));
}

/* Connections are there before the timetable begins. */
static void begin_timetable(const struct options *o)
{
    int r;

    cs_pace_init(&load.pace, o->rate, cs_bench_now_ns());
    r = cs_pace_start(&load.pace, &load.loop, ask_due);
    if (r < 0)
        trouble("the timetable", r);
}

static void warm_up(const struct options *o)
{
    int64_t half_ms = (int64_t)(o->warm_up * 500);

    for (unsigned i = 0; i < o->connections; i++)
        cs_visit_start(&visits[i]);
    run_for(half_ms);
    if (load.mode == CS_VISIT_PACED)
        begin_timetable(o);
    run_for(half_ms);
}

static void run_timed(const struct options *o, struct result *result)
{
    warm_up(o);
    n_wanted = o->operations;
    load.on_done = n_wanted ? stop_when_enough : NULL;
    begin_counting(o, result);
    run_for((int64_t)(o->seconds * 1000));
    end_counting(o, result);
    load.on_done = NULL;
    cs_pace_stop(&load.pace);
    cs_usage_read_memory(&result->after);
}

/* Held connections are opened a few at a time, so that no backlog overflows. */
static void open_next(struct cs_load *l, bool good)
{
    if (n_started < n_wanted)
        cs_visit_start(&visits[n_started++]);
    else if (l->n_resting == n_wanted)
        cs_loop_stop(&l->loop);
}

static void stop_when_all_rest(struct cs_load *l, bool good)
{
    if (l->n_resting == n_wanted || !good)
        cs_loop_stop(&l->loop);
}

static void settle(struct cs_usage *usage)
{
    run_for(SETTLE_MS);
    if (cs_usage_read_memory(usage) < 0)
        trouble("the server's memory", -EIO);
}

static void run_idle(const struct options *o, struct result *result)
{
    n_wanted = o->connections;
    load.draining = true; /* who loses its connection does not come back */
    begin_counting(o, result);
    settle(&result->before);
    load.on_done = open_next;
    while (n_started < n_wanted && n_started < OPENING_MAX)
        cs_visit_start(&visits[n_started++]);
    run_for(HOLD_MS);
    load.on_done = NULL;
    end_counting(o, result);
    settle(&result->after);
    result->held = load.n_resting;
    result->pss_before_kib = result->before.pss_kib;
    load.n_resting = 0;
    load.on_done = stop_when_all_rest;
    for (unsigned i = 0; i < n_wanted; i++)
        cs_visit_ask_again(&visits[i]);
    if (load.n_resting < n_wanted)
        run_for(HOLD_MS);
    if (load.n_resting != n_wanted && !load.n_errors++)
        load.errors[CS_VISIT_TIMEOUT]++;
}

/* Report */

static double per_op_us(int64_t ns)
{
    return load.n_done ? (double)ns / 1000 / (double)load.n_done : 0;
}

static double others_share(const struct result *r)
{
    int64_t known = r->own_ns + (r->after.cpu_ns - r->before.cpu_ns) +
                    (r->beside_after.cpu_ns - r->beside_before.cpu_ns);

    return (double)(r->after.machine_ns - r->before.machine_ns - known) / (double)r->wall_ns;
}

static double kib_per_connection(const struct result *r)
{
    return r->held ? (double)(r->after.pss_kib - r->pss_before_kib) / r->held : 0;
}

/* As the inside of a JSON object, or one a line. */
static void print_errors(bool json)
{
    const char *between = "";

    for (unsigned i = 0; i < CS_VISIT_N_ERRORS; i++) {
        if (!load.errors[i])
            continue;
        printf(json ? "%s\"%s\":%u" : "%s%-22s %u\n", between, cs_visit_error_name(i),
               load.errors[i]);
        between = json ? "," : "";
    }
}

static void print_failure(bool json)
{
    printf(json ? "{\"errors\":{" : "");
    print_errors(json);
    printf(json ? "}}\n" : "");
}

static void print_json_work(const struct options *o, const struct result *r)
{
    double wall_s = (double)r->wall_ns / 1e9;

    printf("\"mode\":\"%s\",\"connections\":%u,\"operations\":%llu,\"seconds\":%.3f,", o->mode,
           o->connections, (unsigned long long)load.n_done, wall_s);
    printf("\"rate\":%.2f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,",
           (double)load.n_done / wall_s, cs_latency_quantile(&load.latency, 0.5) / 1000,
           cs_latency_quantile(&load.latency, 0.99) / 1000,
           cs_latency_quantile(&load.latency, 0.999) / 1000);
    printf("\"reconnects\":%llu,\"protocol\":\"%.*s\",\"cipher\":\"%.*s\",\"group\":\"%.*s\",",
           (unsigned long long)load.n_reconnects, CS_FMT(load.protocol), CS_FMT(load.cipher),
           CS_FMT(load.group));
    printf("\"n_errors\":%u,\"errors\":{", load.n_errors);
    print_errors(true);
    printf("}");
}

static void print_json_cost(const struct result *r)
{
    double cpu_s = (double)(r->after.cpu_ns - r->before.cpu_ns) / 1e9;

    printf(",\"cpu_us\":%.3f,\"user_us\":%.3f,\"system_us\":%.3f,",
           per_op_us(r->after.cpu_ns - r->before.cpu_ns),
           per_op_us(r->after.user_ns - r->before.user_ns),
           per_op_us(r->after.system_ns - r->before.system_ns));
    printf("\"mb_per_cpu_s\":%.3f,\"busy\":%.4f,\"others\":%.4f,",
           cpu_s > 0 ? (double)load.n_body_bytes / 1e6 / cpu_s : 0,
           cpu_s / ((double)r->wall_ns / 1e9), others_share(r));
    printf("\"pss_kib\":%lld,\"held\":%u,\"kib_per_connection\":%.3f", (long long)r->after.pss_kib,
           r->held, kib_per_connection(r));
}

/* What a process that has ended cost is not known. */
static void print_json(const struct options *o, const struct result *r)
{
    printf("{");
    print_json_work(o, r);
    if (!cs_usage_lost(&r->before, &r->after))
        print_json_cost(r);
    printf("}\n");
}

static void print_table(const struct options *o, const struct result *r)
{
    printf("%-22s %s, %u connections, %.*s %.*s %.*s\n", "load", o->mode, o->connections,
           CS_FMT(load.protocol), CS_FMT(load.cipher), CS_FMT(load.group));
    printf("%-22s %llu in %.2f s: %.0f per second\n", "operations", (unsigned long long)load.n_done,
           (double)r->wall_ns / 1e9, (double)load.n_done / ((double)r->wall_ns / 1e9));
    printf("%-22s %.1f us (user %.1f, system %.1f)\n", "server CPU, each",
           per_op_us(r->after.cpu_ns - r->before.cpu_ns),
           per_op_us(r->after.user_ns - r->before.user_ns),
           per_op_us(r->after.system_ns - r->before.system_ns));
    printf("%-22s p50 %.0f us, p99 %.0f us, p99.9 %.0f us\n", "time, each",
           cs_latency_quantile(&load.latency, 0.5) / 1000,
           cs_latency_quantile(&load.latency, 0.99) / 1000,
           cs_latency_quantile(&load.latency, 0.999) / 1000);
    printf("%-22s %lld KiB in %zu processes\n", "server memory (PSS)", (long long)r->after.pss_kib,
           r->after.n);
    if (r->held)
        printf("%-22s %u, %.1f KiB each\n", "held", r->held, kib_per_connection(r));
    printf("%-22s %.1f %% of one CPU\n", "everybody else", 100 * others_share(r));
    print_errors(false);
}

/* Return: the exit status. */
static int judge(const struct options *o, const struct result *r)
{
    size_t lost = cs_usage_lost(&r->before, &r->after);

    if (o->count_errors && load.n_done)
        return 0;
    if (lost)
        fprintf(stderr, "bench-load: %zu of the server's processes ended meanwhile\n", lost);
    if (load.n_errors)
        fprintf(stderr, "bench-load: %u errors; the first: %.*s\n", load.n_errors,
                CS_FMT(load.first_error));
    if (!load.n_done)
        fprintf(stderr, "bench-load: no operation was completed\n");
    if (!load.known_leaf.len) /* who has not shown a certificate has refused nobody */
        fprintf(stderr, "bench-load: not the server that was meant\n");
    return lost || load.n_errors || !load.n_done || !load.known_leaf.len;
}

static int run(const struct options *o)
{
    static struct result result;
    int status;

    if (load.mode != CS_VISIT_REFUSAL)
        check_content(o);
    visits = cs_alloc(o->connections * sizeof(*visits));
    for (unsigned i = 0; i < o->connections; i++)
        cs_visit_init(&visits[i], &load, i);
    if (load.mode == CS_VISIT_IDLE)
        run_idle(o, &result);
    else
        run_timed(o, &result);
    status = judge(o, &result);
    if (status)
        print_failure(o->json); /* figures of a run that went wrong are none */
    else if (o->json)
        print_json(o, &result);
    else
        print_table(o, &result);
    load.draining = true;
    for (unsigned i = 0; i < o->connections; i++)
        cs_visit_end(&visits[i]);
    free(visits);
    return status;
}

/* An alert or an answer 4xx is a refusal, from a server that has shown its own certificate. One
 * that cannot be reached, says nothing or breaks has refused nobody. */
static int judge_refusal(void)
{
    bool status = load.errors[CS_VISIT_STATUS] && load.last_status / 100 == 4;
    bool refused = load.known_leaf.len && (load.errors[CS_VISIT_REFUSED] || status);

    printf("%s%s%.*s\n", refused ? "refused" : "not refused", load.n_errors ? ": " : "",
           CS_FMT(load.first_error));
    return !refused;
}

int main(int argc, char **argv)
{
    struct options o = {.host = "localhost", .connections = 32, .seconds = 3, .warm_up = 0.5};
    int status;

    signal(SIGPIPE, SIG_IGN);
    read_options(argc, argv, &o);
    choose_mode(&o);
    prepare(&o);
    if (load.mode != CS_VISIT_REFUSAL)
        probe(&o);
    status = o.refused ? judge_refusal() : run(&o);
    cs_buf_deinit(&load.learnt);
    cs_tls_client_unref(load.client);
    cs_trust_unref(load.trust);
    cs_tls_io_deinit(&load.io);
    cs_loop_deinit(&load.loop);
    cs_arena_deinit(&load.scratch);
    cs_arena_deinit(&load.arena);
    return status;
}
