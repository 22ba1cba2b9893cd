/* The visit, one stage after the other; a stage that fails ends it, and what was seen until then
 * is the outcome. */
#include "doctor/probe.h"

#include <errno.h>

#include "base/buf.h"
#include "base/panic.h"
#include "http/h1.h"
#include "io/socket.h"
#include "x509/pem.h"

/* Addresses that are tried, one after the other. */
#define ADDRS_MAX 8
/* How long a server may take to refuse a certificate after the handshake (TLS 1.3), at least and
 * at most: as often the time of the handshake. */
enum { REFUSAL_MIN_MS = 150, REFUSAL_MAX_MS = 2000, REFUSAL_TIMES = 3 };
/* The most that is waited for an answer: what is no HTTP server gives none. */
#define ANSWER_MAX_MS 5000
/* What is repeated of a refusal in plain text. */
#define SAID_MAX 200

struct probe {
    struct cs_visit *visit;
    struct cs_talk *talk;
    const struct cs_probe_plan *plan;
    struct cs_tls_client *client;
    struct cs_buf answer;
    struct cs_buf early; /* what came before TLS began, and is not of the protocol before it */
};

static int64_t clock_ms(struct probe *p)
{
    cs_loop_now(&p->talk->loop);
    return p->talk->loop.now.mono_ms;
}

/* ---- the connection ---- */

static void cannot_connect(struct probe *p, int r)
{
    struct cs_transport *t = &p->visit->transport;

    t->error = -r;
    t->ending = cs_ending_from_errno(-r, true);
    t->limit_ms = p->plan->timeout_ms;
}

static int resolve(struct probe *p)
{
    struct cs_visit *visit = p->visit;
    struct cs_addr *addrs;
    int r = cs_resolve(p->plan->host, p->plan->port, &visit->arena, &addrs, &visit->n_addrs);

    if (r < 0) {
        visit->transport.ending = CS_ENDING_NO_ADDRESS;
        visit->transport.reason = r == -ENOENT   ? CS_STR("there is no such host")
                                  : r == -EAGAIN ? CS_STR("the resolver does not answer")
                                                 : cs_str_from(strerrordesc_np(-r));
        return r;
    }
    visit->resolved = true;
    visit->addrs = addrs;
    return 0;
}

static int connect_to(struct probe *p)
{
    struct cs_visit *visit = p->visit;
    int64_t start = clock_ms(p);
    int r = -ENOENT;

    while (visit->n_tried < visit->n_addrs && visit->n_tried < ADDRS_MAX && r < 0) {
        visit->peer.addr = visit->peer.socket_addr = visit->addrs[visit->n_tried++];
        cs_talk_limit(p->talk, p->plan->timeout_ms);
        r = cs_talk_connect(p->talk, &visit->peer.addr);
    }
    if (r < 0) {
        cannot_connect(p, r);
        return r;
    }
    visit->connected = true;
    visit->connect_ms = clock_ms(p) - start;
    cs_socket_nodelay(p->talk->fd);
    (void)cs_socket_local(p->talk->fd, &visit->peer.local);
    return 0;
}

/* ---- before TLS ---- */

static void plain_end(struct probe *p, int r)
{
    struct cs_transport *t = &p->visit->transport;

    t->ending = r == -ENODATA ? CS_ENDING_CLOSED : cs_ending_from_errno(-r, false);
    t->error = r == -ENODATA ? 0 : -r;
    t->limit_ms = p->plan->timeout_ms;
}

/* A header of version 1 that says what is so: we are the client. */
static int send_proxy_header(struct probe *p)
{
    struct cs_visit *visit = p->visit;
    const struct cs_addr *from = &visit->peer.local, *to = &visit->peer.addr;
    char source[CS_ADDR_TEXT], destination[CS_ADDR_TEXT];
    struct cs_str line;
    int r;

    if (!p->plan->proxy_protocol)
        return 0;
    line = cs_arena_printf(
        &visit->arena, "PROXY TCP%c %.*s %.*s %u %u\r\n",
        from->sa.sa_family == AF_INET6 ? '6' : '4', CS_FMT(cs_addr_ip_text(from, source)),
        CS_FMT(cs_addr_ip_text(to, destination)), cs_addr_port(from), cs_addr_port(to));
    r = cs_talk_send(p->talk, line);
    if (r < 0)
        plain_end(p, r);
    visit->plain = CS_STR("a PROXY header of version 1 was sent");
    return r;
}

/* What the server did instead of going over to TLS, in words. */
static struct cs_str instead(struct probe *p, const struct cs_dialogue *d, int r)
{
    if (r == -EPROTO)
        return d->said.len ? cs_arena_printf(&p->visit->arena, "it answered \"%.*s\"",
                                             CS_FMT(cs_str_sub(d->said, 0, SAID_MAX)))
                           : CS_STR("its answer is empty");
    if (r == -ETIMEDOUT)
        return cs_arena_printf(&p->visit->arena, "nothing more came within %lld s",
                               (long long)p->plan->timeout_ms / 1000);
    return r == -ENODATA ? CS_STR("it closed the connection") : cs_str_from(strerrordesc_np(-r));
}

/* Say and hear until TLS may begin. Return: 0; -EPROTO (refused), or as cs_talk_receive(). */
static int negotiate(struct probe *p, struct cs_dialogue *d, struct cs_buf *heard)
{
    for (;;) {
        size_t n = 0;
        struct cs_str send;
        int r = 0;

        switch (cs_dialogue_step(d, cs_buf_str(heard), &p->visit->arena, &n, &send)) {
        case CS_DIALOGUE_DONE: cs_buf_consume(heard, n); return 0;
        case CS_DIALOGUE_REFUSED: return -EPROTO;
        case CS_DIALOGUE_SEND:
            cs_buf_consume(heard, n);
            r = cs_talk_send(p->talk, send);
            break;
        case CS_DIALOGUE_MORE:
            if (cs_buf_reserve(heard, 1) < 0)
                return -EMSGSIZE;
            r = cs_talk_receive(p->talk, heard->ptr + heard->len, heard->cap - heard->len, &n);
            heard->len += n;
            break;
        }
        if (r < 0)
            return r;
    }
}

/* What comes behind the go-ahead is early: a server has to wait there, and TLS judges it. */
static int start_tls(struct probe *p)
{
    struct cs_transport *t = &p->visit->transport;
    struct cs_dialogue dialogue;
    int r;

    if (!p->plan->starttls)
        return 0;
    t->upgrade = cs_str_from(cs_starttls_name(p->plan->starttls));
    cs_dialogue_init(&dialogue, p->plan->starttls, p->plan->name);
    cs_talk_limit(p->talk, p->plan->timeout_ms);
    r = negotiate(p, &dialogue, &p->early);
    if (r < 0)
        t->upgrade_fault = instead(p, &dialogue, r);
    p->visit->plain = r < 0 ? t->upgrade_fault
                            : cs_arena_printf(&p->visit->arena, "the server starts TLS in %.*s",
                                              CS_FMT(t->upgrade));
    return r;
}

/* ---- TLS ---- */

static const struct cs_tls_hooks hooks = {.verify = cs_visit_verify};

static int shake_hands(struct probe *p)
{
    struct cs_visit *visit = p->visit;
    int64_t start = clock_ms(p);
    int r;

    p->talk->tls = cs_tls_client_session(p->client, p->talk->fd, p->plan->sni, (struct cs_str){0},
                                         &hooks, visit, &p->talk->io);
    cs_assert(p->talk->tls != NULL);
    r = cs_tls_feed(p->talk->tls, cs_buf_str(&p->early), false);
    cs_assert(r == 0);
    cs_talk_limit(p->talk, p->plan->timeout_ms);
    r = cs_talk_handshake(p->talk);
    if (r == -ETIMEDOUT) {
        cs_tls_abandon(p->talk->tls);
        visit->transport.ending = CS_ENDING_TIMEOUT;
        visit->transport.limit_ms = p->plan->timeout_ms;
    }
    visit->over = r < 0;
    visit->handshake_ms = clock_ms(p) - start;
    return r;
}

/* ---- afterwards ---- */

/* Take what comes. Return: 0, or as cs_talk_read(). */
static int read_some(struct probe *p)
{
    size_t n = 0;
    int r;

    if (p->answer.len >= CS_REPLY_MAX || cs_buf_reserve(&p->answer, 4096) < 0)
        return -EMSGSIZE;
    r = cs_talk_read(p->talk, p->answer.ptr + p->answer.len, 4096, &n);
    p->answer.len += n;
    return r;
}

/* The server spoke, or ended the connection: its verdict is known. */
static bool is_ending(int r)
{
    return r < 0 && r != -ETIMEDOUT && r != -EMSGSIZE;
}

/* With TLS 1.3 a client is done before the server has seen its certificate. A request sent at once
 * could make the server's end come as a reset, which takes the alert with it: so wait, until a
 * ticket or anything else says that we were let in. */
static int await_verdict(struct probe *p)
{
    const struct cs_handshake *h = cs_tls_facts(p->talk->tls);
    int64_t ms = p->visit->handshake_ms * REFUSAL_TIMES;
    uint64_t before = h->bytes_in;
    size_t n = 0;
    char byte;
    int r;

    if (!cs_str_eq(h->protocol, CS_STR("TLSv1.3")) ||
        !cs_messages_have(h->received, CS_MESSAGE_CERTIFICATE_REQUEST))
        return 0;
    cs_talk_limit(p->talk, ms < REFUSAL_MIN_MS   ? REFUSAL_MIN_MS
                           : ms > REFUSAL_MAX_MS ? REFUSAL_MAX_MS
                                                 : ms);
    do {
        enum cs_tls_result result = cs_tls_read(p->talk->tls, &byte, 1, &n);
        if (result == CS_TLS_OK)
            return cs_buf_add(&p->answer, &byte, n);
        if (result != CS_TLS_WANT_READ)
            return result == CS_TLS_CLOSED ? -ENODATA : -EPROTO;
        if (h->bytes_in > before)
            return 0;
        r = cs_talk_wait(p->talk);
    } while (r == 0);
    return r == -ETIMEDOUT ? 0 : r;
}

static bool speaks_http1(const struct probe *p)
{
    struct cs_str alpn = cs_tls_facts(p->talk->tls)->alpn;

    return !p->plan->starttls && (!alpn.len || cs_str_starts(alpn, CS_STR("http/1")));
}

static int ask(struct probe *p)
{
    struct cs_buf request;
    int r;

    cs_buf_init(&request, 4096);
    r = cs_h1_write_request_line(&request, CS_STR("GET"), CS_STR("/"), 1) ||
        cs_h1_write_header(&request, CS_STR("Host"), p->plan->http_host) ||
        cs_h1_write_header(&request, CS_STR("User-Agent"), CS_STR("countersign-doctor")) ||
        cs_h1_write_header(&request, CS_STR("Accept"),
                           CS_STR("application/problem+json, text/plain;q=0.5, */*;q=0.1")) ||
        cs_h1_write_header(&request, CS_STR("Connection"), CS_STR("close")) ||
        cs_h1_write_end(&request);
    r = r ? -EINVAL : cs_talk_write(p->talk, cs_buf_str(&request));
    p->visit->asked = true;
    cs_buf_deinit(&request);
    return r;
}

static void take_answer(struct probe *p, int r)
{
    struct cs_visit *visit = p->visit;

    if (p->answer.len) {
        visit->replied = true;
        cs_reply_read(cs_buf_str(&p->answer), &visit->arena, &visit->reply);
    } else {
        visit->silent = !is_ending(r);
        visit->over = is_ending(r);
        if (r == -ENODATA)
            visit->transport.ending = CS_ENDING_CLOSED;
    }
}

static void converse(struct probe *p)
{
    int64_t ms = p->plan->timeout_ms < ANSWER_MAX_MS ? p->plan->timeout_ms : ANSWER_MAX_MS;
    int r = await_verdict(p);

    cs_talk_limit(p->talk, ms);
    if (r == 0 && speaks_http1(p))
        r = ask(p);
    while (p->visit->asked && !is_ending(r) && !cs_reply_is_whole(cs_buf_str(&p->answer))) {
        r = read_some(p);
        if (r < 0)
            break;
    }
    take_answer(p, r);
}

/* ---- the whole ---- */

static int prepare(struct probe *p)
{
    const struct cs_probe_plan *plan = p->plan;
    struct cs_visit *visit = p->visit;
    struct cs_tls_client_spec spec = {
        .pair = plan->pair,
        .protocols = plan->protocols,
        .curves = plan->groups,
        .alpn = plan->alpn,
        .ask_staple = true,
    };
    int r = cs_tls_client_new(&spec, &visit->findings, &p->client);

    visit->target = visit->transport.target = plan->target;
    visit->transport.outgoing = true;
    visit->transport.tls = true;
    visit->name = plan->name;
    visit->trust = plan->trust;
    visit->trust_name = plan->trust_name;
    visit->crl_name = plan->crl_name;
    visit->demand = plan->demand;
    visit->ask_ocsp = plan->ocsp;
    visit->judge_other = plan->at_sec != 0;
    visit->judge_sec = plan->at_sec ? plan->at_sec : cs_now_sec(&p->talk->loop.now);
    if (plan->pair)
        cs_visit_own(visit, plan->pair->chain_pem);
    return r < 0 ? -EINVAL : 0;
}

static void go(struct probe *p)
{
    if (resolve(p) == 0 && connect_to(p) == 0 && send_proxy_header(p) == 0 && start_tls(p) == 0 &&
        shake_hands(p) == 0)
        converse(p);
}

int cs_probe_make(struct cs_visit *visit, const struct cs_probe_plan *plan)
{
    struct probe p = {.visit = visit, .talk = &visit->talk, .plan = plan};
    int r;

    cs_buf_init(&p.answer, CS_REPLY_MAX + 4096);
    cs_buf_init(&p.early, CS_STARTTLS_MAX);
    r = prepare(&p);
    if (r == 0) {
        go(&p);
        if (visit->talk.tls)
            visit->staple = cs_arena_dup(&visit->arena, cs_tls_staple(visit->talk.tls));
        cs_visit_standing(visit);
        if (plan->time_host.len)
            (void)cs_visit_ask_time(visit, plan->time_host, plan->time_port);
        cs_visit_conclude(visit);
        if (visit->talk.tls)
            (void)cs_tls_shutdown(visit->talk.tls);
    }
    cs_tls_client_unref(p.client);
    cs_buf_deinit(&p.early);
    cs_buf_deinit(&p.answer);
    return r;
}

int cs_probe_chain(struct cs_visit *visit, const struct cs_probe_plan *plan, struct cs_buf *pem)
{
    int r = cs_probe_make(visit, plan);
    const struct cs_handshake *h = visit->handshake;

    if (r < 0)
        return r;
    if (!h || !h->n_chain)
        return -ENODATA;
    for (size_t i = 0; i < h->n_chain && r == 0; i++)
        r = cs_pem_write(pem, CS_STR("CERTIFICATE"), h->chain[i]);
    return r;
}
