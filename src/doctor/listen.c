/* One client after the other: accepted, shaken hands with, listened to, and told. */
#include "doctor/listen.h"

#include <errno.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/panic.h"
#include "doctor/report.h"
#include "http/h1.h"
#include "io/socket.h"
#include "x509/trust.h"

/* The most of a request that is read, and of an explanation that is sent. */
enum { REQUEST_MAX = 32 << 10, PAGE_MAX = 1 << 20, LINE_MAX_SHOWN = 200 };

int cs_listener_open(struct cs_listener *listener, const struct cs_listen_plan *plan,
                     struct cs_findings *findings)
{
    struct cs_names names = plan->trust ? cs_trust_names(plan->trust) : (struct cs_names){NULL, 0};
    struct cs_tls_server_spec spec = {
        .pairs = plan->pair,
        .n_pairs = 1,
        .client_certificate = CS_TLS_VERIFY_REQUEST,
        .ca_names = names.items,
        .n_ca_names = names.n,
        .alpn = plan->alpn,
    };
    int r;

    *listener = (struct cs_listener){.plan = plan, .fd = -1};
    r = cs_tls_server_new(&spec, findings, &listener->server);
    if (r < 0)
        return -EINVAL;
    r = cs_listen_open(&plan->addr, &CS_LISTEN_DEFAULT, &listener->fd);
    if (r < 0) {
        listener->fd = -1;
        return r;
    }
    return cs_socket_local(listener->fd, &listener->addr);
}

void cs_listener_close(struct cs_listener *listener)
{
    if (listener->fd >= 0)
        close(listener->fd);
    listener->fd = -1;
    listener->server = cs_tls_server_unref(listener->server);
}

/* ---- a client ---- */

static void on_client(struct cs_watch *watch)
{
}

/* Return: a descriptor, or -errno. */
static int await_client(struct cs_listener *listener, struct cs_visit *visit)
{
    struct cs_watch watch = {0};
    int fd, r = cs_watch_add_listener(&visit->talk.loop, &watch, listener->fd, on_client);

    if (r < 0)
        return r;
    while ((fd = cs_accept(listener->fd, &visit->peer.addr)) == -EAGAIN) {
        r = cs_loop_turn(&visit->talk.loop, -1);
        if (r < 0 && r != -EINTR)
            break;
    }
    cs_watch_remove(&watch);
    return r < 0 && fd == -EAGAIN ? r : fd;
}

static int begin(struct cs_listener *listener, struct cs_visit *visit)
{
    const struct cs_listen_plan *plan = listener->plan;
    int fd = await_client(listener, visit), r;

    if (fd < 0)
        return fd;
    r = cs_talk_take(&visit->talk, fd);
    if (r < 0) {
        close(fd);
        return r;
    }
    visit->server = visit->connected = true;
    visit->peer.socket_addr = visit->peer.addr;
    (void)cs_socket_local(fd, &visit->peer.local);
    visit->transport.tls = true;
    visit->trust = plan->trust;
    visit->trust_name = plan->trust_name;
    visit->crl_name = plan->crl_name;
    visit->judge_other = plan->at_sec != 0;
    visit->judge_sec = plan->at_sec ? plan->at_sec : cs_now_sec(&visit->talk.loop.now);
    cs_visit_own(visit, plan->pair->chain_pem);
    return 0;
}

static const struct cs_tls_hooks hooks = {.verify = cs_visit_verify};

static int shake_hands(struct cs_listener *listener, struct cs_visit *visit)
{
    struct cs_talk *talk = &visit->talk;
    int64_t start = talk->loop.now.mono_ms;
    int r;

    talk->tls = cs_tls_server_session(listener->server, talk->fd, &hooks, visit, &talk->io);
    cs_assert(talk->tls != NULL);
    cs_talk_limit(talk, listener->plan->timeout_ms);
    r = cs_talk_handshake(talk);
    if (r == -ETIMEDOUT) {
        cs_tls_abandon(talk->tls);
        visit->transport.ending = CS_ENDING_TIMEOUT;
        visit->transport.limit_ms = listener->plan->timeout_ms;
    }
    visit->over = r < 0;
    visit->handshake_ms = talk->loop.now.mono_ms - start;
    return r;
}

/* ---- its request ---- */

static bool is_head(struct cs_str bytes)
{
    return cs_str_search(bytes, CS_STR("\r\n\r\n")) >= 0;
}

static bool is_http(struct cs_str line)
{
    return cs_str_search(line, CS_STR(" HTTP/1.")) > 0;
}

/* A client that says something has accepted us; one that leaves without a word may not have: with
 * TLS 1.3 its alert comes behind its Finished, and some look at our name only then. */
static void look_at_silence(struct cs_visit *visit, int r)
{
    visit->over = r == -EPROTO || r == -ECONNRESET;
    if (r == -ENODATA)
        visit->transport.ending = CS_ENDING_LEFT;
}

static void hear(struct cs_listener *listener, struct cs_visit *visit)
{
    struct cs_buf heard;
    struct cs_str rest;
    int r = 0;

    cs_buf_init(&heard, REQUEST_MAX);
    cs_talk_limit(&visit->talk, listener->plan->timeout_ms);
    while (r == 0 && !is_head(cs_buf_str(&heard)) && cs_buf_reserve(&heard, 1024) == 0) {
        size_t n = 0;
        r = cs_talk_read(&visit->talk, heard.ptr + heard.len, heard.cap - heard.len, &n);
        heard.len += n;
    }
    rest = cs_buf_str(&heard);
    visit->request = cs_arena_dup(
        &visit->arena, cs_str_sub(cs_str_trim(cs_str_cut(&rest, '\n')), 0, LINE_MAX_SHOWN));
    if (cs_str_ends(visit->request, CS_STR("\r")))
        visit->request.len--;
    if (!heard.len)
        look_at_silence(visit, r);
    cs_buf_deinit(&heard);
}

static void tell(struct cs_listener *listener, struct cs_visit *visit)
{
    static const struct cs_report_style style = {.json = false};
    struct cs_buf page, answer;

    if (!is_http(visit->request))
        return;
    cs_buf_init(&page, PAGE_MAX);
    cs_buf_init(&answer, PAGE_MAX + 4096);
    (void)cs_report_visit(visit, NULL, &style, &page);
    (void)(cs_h1_write_status_line(&answer, visit->n_causes ? 400 : 200, (struct cs_str){0}) ||
           cs_h1_write_header(&answer, CS_STR("Content-Type"),
                              CS_STR("text/plain; charset=utf-8")) ||
           cs_h1_write_header(&answer, CS_STR("Content-Length"),
                              cs_arena_u64(&visit->arena, page.len)) ||
           cs_h1_write_header(&answer, CS_STR("Connection"), CS_STR("close")) ||
           cs_h1_write_end(&answer) || cs_buf_add_str(&answer, cs_buf_str(&page)));
    cs_talk_limit(&visit->talk, listener->plan->timeout_ms);
    (void)cs_talk_write(&visit->talk, cs_buf_str(&answer));
    cs_buf_deinit(&page);
    cs_buf_deinit(&answer);
}

int cs_listener_meet(struct cs_listener *listener, struct cs_visit *visit)
{
    char text[CS_ADDR_TEXT];
    int r = begin(listener, visit);

    if (r < 0)
        return r;
    visit->target = cs_arena_dup(&visit->arena, cs_addr_text(&listener->addr, text));
    if (shake_hands(listener, visit) == 0)
        hear(listener, visit);
    if (listener->plan->time_host.len)
        (void)cs_visit_ask_time(visit, listener->plan->time_host, listener->plan->time_port);
    cs_visit_conclude(visit);
    if (!visit->over) {
        tell(listener, visit);
        (void)cs_tls_shutdown(visit->talk.tls);
    }
    return 0;
}
