/* A visit goes through stages, each of which does what can be done now: connect, shake hands,
 * send, receive, and then, by the mode, the next request, the next connection, or rest. */
#include "visit.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "io/socket.h"
#include "x509/chain.h"

#define PATIENCE_MS 20000
#define READ_SIZE (64 << 10)
#define HEAD_MAX (256 << 10) /* a head, and what came with it */
#define ERRORS_MAX 1000
#define MIXED_REQUESTS 10   /* per connection */
#define MIXED_CONNECTIONS 4 /* of which the first is not resumed */

static const struct cs_h1_limits limits = {.max_line = 8192, .max_head = 32768, .max_headers = 100};

static bool connecting(struct cs_visit *v);
static bool sending(struct cs_visit *v);

const char *cs_visit_error_name(enum cs_visit_error error)
{
    static const char *const names[] = {
        [CS_VISIT_CONNECT] = "connect", [CS_VISIT_TLS] = "handshake",
        [CS_VISIT_REFUSED] = "refused", [CS_VISIT_NOT_RESUMED] = "not resumed",
        [CS_VISIT_CUT] = "cut off",     [CS_VISIT_HEAD] = "bad answer",
        [CS_VISIT_STATUS] = "status",   [CS_VISIT_LENGTH] = "length",
        [CS_VISIT_CONTENT] = "content", [CS_VISIT_TIMEOUT] = "timeout",
        [CS_VISIT_SERVED] = "served",
    };
    return names[error];
}

int64_t cs_bench_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* The server is judged once; from then on it must show the same certificate. The proof of
 * its key is checked by the TLS library every time. */
static bool verify(void *ctx, const struct cs_str *chain_der, size_t n, uint8_t *ret_alert)
{
    struct cs_load *load = ((struct cs_visit *)ctx)->load;
    struct cs_verdict verdict;
    struct cs_chain_query query = {
        .ders = chain_der,
        .n = n,
        .trust = load->trust,
        .now_sec = cs_now_sec(&load->loop.now),
        .purpose = CS_PURPOSE_SERVER,
        .depth = 2,
        .host = load->host,
    };

    if (load->known_leaf.len)
        return n > 0 && cs_str_eq(load->known_leaf, chain_der[0]);
    if (cs_chain_verify(&query, &load->scratch, &verdict) < 0 || !verdict.accepted)
        return false;
    load->known_leaf = cs_arena_dup(&load->arena, chain_der[0]);
    return true;
}

static bool resume(void *ctx, const struct cs_str *chain_der, size_t n, int64_t original_sec)
{
    const struct cs_visit *v = ctx;

    return n > 0 && cs_str_eq(v->load->known_leaf, chain_der[0]);
}

static const struct cs_tls_hooks hooks = {.verify = verify, .resume = resume};

static void close_connection(struct cs_visit *v)
{
    if (v->tls) {
        cs_tls_shutdown(v->tls);
        cs_tls_flush(v->tls);
        v->tls = cs_tls_free(v->tls);
    }
    cs_timer_cancel(&v->load->loop, &v->timer);
    if (v->watch.loop)
        cs_watch_close(&v->watch);
    cs_list_remove(&v->link);
    cs_buf_deinit(&v->head);
    if (v->in_body)
        cs_h1_body_deinit(&v->body);
    v->in_body = false;
    v->stage = NULL;
}

static void count(struct cs_visit *v, int64_t now_ns)
{
    struct cs_load *load = v->load;
    bool primes = load->mode == CS_VISIT_RESUME && !v->primed;

    if (!load->counting || primes)
        return;
    cs_latency_add(&load->latency, now_ns - v->begun_ns);
    load->n_done++;
}

/* An alert, or a page that says no. */
static bool is_refusal(const struct cs_load *load, enum cs_visit_error error)
{
    return error == CS_VISIT_REFUSED || (error == CS_VISIT_STATUS && load->last_status / 100 == 4);
}

static bool refused(struct cs_visit *v)
{
    count(v, cs_bench_now_ns());
    close_connection(v);
    if (!v->load->draining)
        cs_loop_defer(&v->load->loop, &v->again);
    return false;
}

static bool fail(struct cs_visit *v, enum cs_visit_error error, struct cs_str why)
{
    struct cs_load *load = v->load;

    if (load->mode == CS_VISIT_REFUSAL && is_refusal(load, error))
        return refused(v);

    load->errors[error]++;
    if (load->n_errors++ == 0)
        load->first_error = cs_arena_printf(&load->arena, "%s%s%.*s", cs_visit_error_name(error),
                                            why.len ? ": " : "", CS_FMT(why));
    close_connection(v);
    v->primed = false;
    if (load->on_done)
        load->on_done(load, false);
    if (load->n_errors >= ERRORS_MAX)
        cs_loop_stop(&load->loop);
    else if (!load->draining)
        cs_loop_defer(&load->loop, &v->again);
    return false;
}

/* An alert is the server's own word, whenever it comes; @error is for what fails without. */
static bool fail_tls(struct cs_visit *v, enum cs_visit_error error)
{
    const struct cs_handshake *facts = cs_tls_facts(v->tls);
    bool alert = facts->alert_received.number >= 0 && facts->alert_received.text.len;
    struct cs_str why = alert ? facts->alert_received.text : facts->failure;

    return fail(v, alert ? CS_VISIT_REFUSED : error, cs_arena_dup(&v->load->arena, why));
}

static bool resting(struct cs_visit *v)
{
    return v->watch.hangup ? fail(v, CS_VISIT_CUT, CS_STR("while idle")) : false;
}

static void begin_request(struct cs_visit *v)
{
    v->n_sent = 0;
    v->n_asked++;
    cs_buf_deinit(&v->head);
    cs_buf_init(&v->head, HEAD_MAX);
    cs_h1_scan_init(&v->scan, CS_H1_RESPONSE, &limits);
    v->stage = sending;
    cs_timer_set(&v->load->loop, &v->timer, v->load->loop.now.mono_ms + PATIENCE_MS);
}

static void rest(struct cs_visit *v)
{
    cs_timer_cancel(&v->load->loop, &v->timer);
    cs_buf_deinit(&v->head);
    v->stage = resting;
}

/* Ask what is due, or wait until something is. */
static void begin_when_due(struct cs_visit *v)
{
    if (cs_pace_take(&v->load->pace, cs_bench_now_ns(), &v->begun_ns)) {
        begin_request(v);
        return;
    }
    rest(v);
    cs_list_push_back(&v->load->waiting, &v->link);
}

/* Whether a mode asks more on the connection on which it has just been answered. */
static bool asks_more(const struct cs_visit *v)
{
    switch (v->load->mode) {
    case CS_VISIT_KEEPALIVE:
    case CS_VISIT_PACED: return true;
    case CS_VISIT_MIXED: return v->n_asked < MIXED_REQUESTS;
    default: return false;
    }
}

/* One question was answered rightly. Return: whether to go on with this visit now. */
static bool finish(struct cs_visit *v)
{
    struct cs_load *load = v->load;
    int64_t now_ns = cs_bench_now_ns();
    bool more = asks_more(v);

    if (load->mode == CS_VISIT_REFUSAL)
        return fail(v, CS_VISIT_SERVED, (struct cs_str){0});
    count(v, now_ns);
    cs_h1_body_deinit(&v->body);
    v->in_body = false;
    v->primed = true;
    v->begun_ns = now_ns;
    if (load->mode == CS_VISIT_IDLE) {
        rest(v);
        load->n_resting++;
    } else if (more && v->keep_alive && !load->draining) {
        if (load->mode == CS_VISIT_PACED)
            begin_when_due(v);
        else
            begin_request(v);
    } else {
        load->n_reconnects += more && !v->keep_alive;
        close_connection(v);
        if (!load->draining)
            cs_visit_start(v);
    }
    if (load->on_done)
        load->on_done(load, true);
    return v->stage == sending;
}

static bool take_content(struct cs_visit *v, struct cs_str data, uint64_t at)
{
    struct cs_load *load = v->load;

    if (load->learn)
        return cs_buf_add_str(&load->learnt, data) == 0;
    return cs_str_eq(data, cs_str_sub(load->content, at, data.len));
}

/* Return: whether to go on. */
static bool take_body(struct cs_visit *v, struct cs_str in)
{
    int r;

    do {
        uint64_t at = v->body.total;
        struct cs_str data;
        size_t consumed;

        r = cs_h1_body_feed(&v->body, in, &consumed, &data);
        if (r < 0)
            return fail(v, CS_VISIT_HEAD, CS_STR("body"));
        if (!take_content(v, data, at))
            return fail(v, CS_VISIT_CONTENT, (struct cs_str){0});
        v->load->n_body_bytes += v->load->counting ? data.len : 0;
        in = cs_str_skip(in, consumed);
    } while (r == CS_H1_MORE && in.len);
    if (r == CS_H1_MORE)
        return true;
    if (in.len)
        return fail(v, CS_VISIT_HEAD, CS_STR("bytes behind the answer"));
    if (!v->load->learn && v->body.total != v->load->content.len)
        return fail(v, CS_VISIT_LENGTH, (struct cs_str){0});
    return finish(v);
}

static bool take_head(struct cs_visit *v, struct cs_str in)
{
    struct cs_h1_response response;
    enum cs_h1_error error;
    struct cs_str head;
    ssize_t end;
    bool go_on;
    int r;

    if (cs_buf_add_str(&v->head, in) < 0)
        return fail(v, CS_VISIT_HEAD, CS_STR("too long"));
    end = cs_h1_head_find(&v->scan, cs_buf_str(&v->head));
    if (end == 0)
        return true;
    head = cs_str_sub(cs_buf_str(&v->head), v->scan.start, (size_t)end - v->scan.start);
    cs_arena_reset(&v->load->scratch);
    r = end < 0 ? -EBADMSG
                : cs_h1_response_parse(head, CS_METHOD_GET, &limits, &v->load->scratch, &response,
                                       &error);
    if (r < 0)
        return fail(v, CS_VISIT_HEAD, CS_STR("head"));
    v->load->last_status = response.status;
    if (response.status != v->load->status)
        return fail(v, CS_VISIT_STATUS, response.line);
    v->keep_alive = response.keep_alive;
    cs_h1_body_init(&v->body, response.framing, response.content_length, &limits);
    v->in_body = true;
    in = cs_str_skip(cs_buf_str(&v->head), (size_t)end);
    go_on = take_body(v, in);
    return go_on;
}

static bool receiving(struct cs_visit *v)
{
    static char buf[READ_SIZE]; /* one thread, and nothing stays in it */
    size_t n = 0;

    switch (cs_tls_read(v->tls, buf, sizeof(buf), &n)) {
    case CS_TLS_OK:
        return v->in_body ? take_body(v, cs_str_make(buf, n)) : take_head(v, cs_str_make(buf, n));
    case CS_TLS_WANT_READ:
    case CS_TLS_WANT_WRITE: return false;
    case CS_TLS_FAILED: return fail_tls(v, CS_VISIT_REFUSED);
    default: return fail(v, CS_VISIT_CUT, (struct cs_str){0});
    }
}

static bool sending(struct cs_visit *v)
{
    struct cs_str rest = cs_str_skip(v->load->request, v->n_sent);
    enum cs_tls_result result = CS_TLS_OK;
    size_t n = 0;

    if (rest.len)
        result = cs_tls_write(v->tls, rest.ptr, rest.len, &n);
    v->n_sent += n;
    if (result == CS_TLS_OK)
        result = cs_tls_flush(v->tls);
    if (result == CS_TLS_WANT_READ || result == CS_TLS_WANT_WRITE)
        return false;
    if (result != CS_TLS_OK)
        return fail_tls(v, CS_VISIT_CUT);
    if (v->n_sent == v->load->request.len)
        v->stage = receiving;
    return true;
}

static void note_facts(struct cs_load *load, const struct cs_handshake *facts)
{
    if (load->protocol.len)
        return;
    load->protocol = cs_arena_dup(&load->arena, facts->protocol);
    load->cipher = cs_arena_dup(&load->arena, facts->cipher);
    load->group = cs_arena_dup(&load->arena, facts->group);
}

static bool shaking_hands(struct cs_visit *v)
{
    const struct cs_handshake *facts = cs_tls_facts(v->tls);

    switch (cs_tls_handshake(v->tls)) {
    case CS_TLS_OK: break;
    case CS_TLS_WANT_READ:
    case CS_TLS_WANT_WRITE: return false;
    default: return fail_tls(v, CS_VISIT_TLS);
    }
    note_facts(v->load, facts);
    if (v->resuming && !facts->resumed)
        return fail(v, CS_VISIT_NOT_RESUMED, (struct cs_str){0});
    if (v->load->mode == CS_VISIT_PACED)
        begin_when_due(v);
    else
        begin_request(v);
    return true;
}

static bool connecting(struct cs_visit *v)
{
    struct cs_load *load = v->load;
    int fd = v->watch.fd, r = cs_connect_result(fd);

    if (r == -EINPROGRESS)
        return false;
    if (r < 0)
        return fail(v, CS_VISIT_CONNECT, cs_str_from(strerror(-r)));
    cs_socket_nodelay(fd);
    v->tls = cs_tls_client_session(load->client, fd, load->host, cs_str_from(v->key), &hooks, v,
                                   &load->io);
    cs_assert(v->tls != NULL);
    v->stage = shaking_hands;
    return true;
}

static void on_ready(struct cs_watch *watch)
{
    struct cs_visit *v = cs_container_of(watch, struct cs_visit, watch);

    if (v->tls)
        cs_tls_ready(v->tls, watch->readable, watch->writable, watch->hangup);
    watch->readable = watch->writable = false;
    while (v->stage && v->stage(v))
        continue;
}

static void on_timer(struct cs_timer *timer)
{
    fail(cs_container_of(timer, struct cs_visit, timer), CS_VISIT_TIMEOUT, (struct cs_str){0});
}

static void start_again(struct cs_task *task)
{
    cs_visit_start(cs_container_of(task, struct cs_visit, again));
}

void cs_visit_init(struct cs_visit *visit, struct cs_load *load, unsigned n)
{
    *visit =
        (struct cs_visit){.load = load, .timer.fire = on_timer, .again.run = start_again, .n = n};
    cs_list_init(&visit->link);
}

/* Whether the next connection is to be resumed. If not, its session gets a name under which
 * there is none yet; modes that never resume remember none. */
static void plan(struct cs_visit *v)
{
    enum cs_visit_mode mode = v->load->mode;
    bool first = mode == CS_VISIT_MIXED && v->n_connections % MIXED_CONNECTIONS == 0;

    if (mode != CS_VISIT_RESUME && mode != CS_VISIT_MIXED)
        return;
    v->resuming = v->primed && !first;
    if (!v->resuming)
        snprintf(v->key, sizeof(v->key), "visit %u, connection %u", v->n, v->n_connections);
    v->n_connections++;
}

void cs_visit_start(struct cs_visit *visit)
{
    struct cs_load *load = visit->load;
    int fd, r = cs_connect_start(&load->addr, &fd);

    plan(visit);
    visit->n_asked = 0;
    visit->begun_ns = cs_bench_now_ns();
    if (r == 0 && (r = cs_watch_add(&load->loop, &visit->watch, fd, on_ready)) < 0)
        close(fd);
    if (r < 0) {
        fail(visit, CS_VISIT_CONNECT, cs_str_from(strerror(-r)));
        return;
    }
    visit->stage = connecting;
    cs_timer_set(&load->loop, &visit->timer, load->loop.now.mono_ms + PATIENCE_MS);
}

void cs_visit_ask_due(struct cs_load *load)
{
    int64_t now_ns = cs_bench_now_ns();

    while (!cs_list_empty(&load->waiting)) {
        struct cs_visit *v = cs_container_of(load->waiting.next, struct cs_visit, link);
        if (!cs_pace_take(&load->pace, now_ns, &v->begun_ns))
            return;
        cs_list_remove(&v->link);
        begin_request(v);
        while (v->stage && v->stage(v))
            continue;
    }
}

void cs_visit_ask_again(struct cs_visit *visit)
{
    if (visit->stage != resting)
        return;
    begin_request(visit);
    while (visit->stage && visit->stage(visit))
        continue;
}

void cs_visit_end(struct cs_visit *visit)
{
    cs_task_cancel(&visit->again);
    close_connection(visit);
}
