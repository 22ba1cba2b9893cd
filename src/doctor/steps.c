/* From the facts of a visit to the steps of mutual authentication. Which mark a step gets follows
 * from its own facts; the conclusion is the diagnosis's and is not made here. */
#include "doctor/visit.h"

/* A difference of clocks that is worth a cross: below it, networks and rounding explain it. */
#define CLOCK_OFF_SEC 60

static bool have(struct cs_messages messages, enum cs_message message)
{
    return cs_messages_have(messages, message);
}

/* ---- the connection ---- */

static struct cs_str addr_text(struct cs_visit *v, const struct cs_addr *addr)
{
    char text[CS_ADDR_TEXT];

    return cs_arena_dup(&v->arena, cs_addr_text(addr, text));
}

static struct cs_str system_text(const struct cs_visit *v)
{
    if (v->transport.reason.len || !v->transport.error)
        return v->transport.reason;
    return cs_str_from(strerrordesc_np(v->transport.error));
}

static void add_resolve(struct cs_visit *v)
{
    struct cs_str *items = cs_arena_array(&v->arena, v->n_addrs + 1, sizeof(*items));
    char text[CS_ADDR_TEXT];

    for (size_t i = 0; i < v->n_addrs; i++)
        items[i] = cs_arena_dup(&v->arena, cs_addr_ip_text(&v->addrs[i], text));
    cs_step_add(&v->steps, "resolve", v->resolved ? CS_MARK_GOOD : CS_MARK_BAD,
                v->resolved ? cs_arena_printf(&v->arena, "%.*s%s", CS_FMT(items[0]),
                                              v->n_addrs > 1 ? " and others" : "")
                            : v->transport.reason);
    cs_step_list(&v->steps, v->n_addrs > 1 ? "addresses" : NULL, "addresses", items, v->n_addrs);
    cs_step_text(&v->steps, NULL, "error", v->resolved ? (struct cs_str){0} : v->transport.reason);
}

static struct cs_str connect_text(struct cs_visit *v)
{
    struct cs_str there = addr_text(v, &v->peer.addr);

    if (!v->connected)
        return cs_arena_printf(&v->arena, "%.*s: %.*s", CS_FMT(there), CS_FMT(system_text(v)));
    if (v->server)
        return cs_arena_printf(&v->arena, "from %.*s", CS_FMT(there));
    return cs_arena_printf(&v->arena, "%.*s in %lld ms", CS_FMT(there), (long long)v->connect_ms);
}

static void add_connect(struct cs_visit *v)
{
    cs_step_add(&v->steps, "connect", v->connected ? CS_MARK_GOOD : CS_MARK_BAD, connect_text(v));
    cs_step_text(&v->steps, NULL, "peer", addr_text(v, &v->peer.addr));
    if (!v->connected) {
        cs_step_text(&v->steps, NULL, "error", system_text(v));
        return;
    }
    cs_step_text(&v->steps, NULL, "local", addr_text(v, &v->peer.local));
    if (!v->server)
        cs_step_number(&v->steps, "ms", v->connect_ms);
}

static void add_plain(struct cs_visit *v)
{
    if (v->plain.len)
        cs_step_add(&v->steps, "before-tls", v->handshake ? CS_MARK_GOOD : CS_MARK_BAD, v->plain);
}

/* ---- hello ---- */

static bool hello_is_done(const struct cs_visit *v)
{
    const struct cs_handshake *h = v->handshake;

    return have(v->server ? h->sent : h->received, CS_MESSAGE_SERVER_HELLO) && h->cipher.len;
}

static struct cs_str hello_text(struct cs_visit *v)
{
    const struct cs_handshake *h = v->handshake;
    const char *comma = h->group.len ? ", " : "";

    if (!hello_is_done(v))
        return CS_STR("nothing was agreed on");
    return cs_arena_printf(&v->arena, "%.*s, %.*s%s%.*s", CS_FMT(h->protocol), CS_FMT(h->cipher),
                           comma, CS_FMT(h->group));
}

/* What the client offers: as client that is us, and people need not be told all of it. */
static void add_offers(struct cs_visit *v)
{
    const struct cs_breakdown *facts = v->handshake->breakdown;
    const struct cs_terms *terms = v->server ? &facts->offered : &facts->own;

    cs_step_text(&v->steps, "offered", "offered_versions", terms->versions);
    cs_step_text(&v->steps, "", "offered_groups", terms->groups);
    cs_step_text(&v->steps, v->server ? "" : NULL, v->server ? "offered_ciphers" : NULL,
                 terms->ciphers);
    cs_step_text(&v->steps, v->server ? "" : NULL, "offered_sigalgs", terms->sigalgs);
    cs_step_text(&v->steps, "ALPN offered", "offered_alpn", terms->alpn);
}

static void add_hello(struct cs_visit *v)
{
    const struct cs_handshake *h = v->handshake;
    bool done = hello_is_done(v);

    cs_step_add(&v->steps, "hello", done ? CS_MARK_GOOD : CS_MARK_BAD, hello_text(v));
    if (done) {
        cs_step_text(&v->steps, NULL, "version", h->protocol);
        cs_step_text(&v->steps, NULL, "cipher", h->cipher);
        cs_step_text(&v->steps, NULL, "group", h->group);
    }
    cs_step_text(&v->steps, "SNI", "sni", h->sni.len ? h->sni : CS_STR("none"));
    if (h->breakdown)
        add_offers(v);
    cs_step_text(&v->steps, "ALPN chosen", "alpn", h->alpn.len ? h->alpn : CS_STR("none"));
    if (done && h->end_ms)
        cs_step_number(&v->steps, "handshake_ms", v->handshake_ms);
}

/* ---- the peer's word ---- */

static bool has_spoken(const struct cs_visit *v)
{
    return v->replied || (v->handshake->complete && !v->over);
}

static struct cs_str verdict_text(struct cs_visit *v, bool good)
{
    const struct cs_alert *alert = &v->handshake->alert_received;

    if (alert->number >= 0)
        return cs_arena_printf(&v->arena, "alert %d %.*s%s", alert->number, CS_FMT(alert->text),
                               v->handshake->complete ? ", after the handshake" : "");
    if (!good && v->handshake->failure.len)
        return v->handshake->failure;
    if (!good && v->transport.ending)
        return cs_arena_printf(&v->arena, "the connection: %s",
                               cs_ending_name(v->transport.ending));
    return good ? CS_STR("the handshake is complete on both sides") : CS_STR("none");
}

static void add_verdict(struct cs_visit *v)
{
    const struct cs_handshake *h = v->handshake;
    bool good = h->complete && has_spoken(v) && h->alert_received.number < 0;

    cs_step_add(&v->steps, v->server ? "handshake" : "server-verdict",
                good ? CS_MARK_GOOD : CS_MARK_BAD, verdict_text(v, good));
    cs_step_flag(&v->steps, "complete", h->complete);
    if (h->alert_received.number >= 0) {
        cs_step_number(&v->steps, "alert", h->alert_received.number);
        cs_step_text(&v->steps, NULL, "alert_name", h->alert_received.text);
    }
    if (h->broken)
        cs_step_text(&v->steps, NULL, "broken", cs_str_from(cs_break_name(h->broken)));
    cs_step_text(&v->steps, NULL, "library", h->failure);
}

/* ---- the request ---- */

static struct cs_str request_text(struct cs_visit *v)
{
    const struct cs_reply *reply = &v->reply;

    if (reply->http)
        return cs_arena_printf(&v->arena, "GET /: %u %.*s", reply->answer.status,
                               CS_FMT(reply->reason));
    if (v->replied)
        return CS_STR("GET /: the answer is not HTTP");
    if (!v->asked)
        return CS_STR("none was sent");
    return v->silent ? CS_STR("GET /: no answer; what is not for HTTP gives none")
                     : CS_STR("GET /: the connection ended without an answer");
}

static enum cs_mark request_mark(const struct cs_visit *v)
{
    if (v->replied)
        return v->beyond ? CS_MARK_BAD : CS_MARK_GOOD;
    return v->asked && !v->silent ? CS_MARK_BAD : CS_MARK_OPEN;
}

/* Of a client. */
static struct cs_str heard_text(const struct cs_visit *v)
{
    if (v->request.len)
        return v->request;
    if (v->transport.ending == CS_ENDING_LEFT)
        return CS_STR("none came, the client took its leave: so do probes, and clients that do "
                      "not like the certificate and keep silent; its own log decides");
    return v->over ? CS_STR("none came, and the connection is over") : CS_STR("none came");
}

static void add_heard(struct cs_visit *v)
{
    cs_step_add(&v->steps, "request", v->request.len ? CS_MARK_GOOD : CS_MARK_OPEN, heard_text(v));
    cs_step_text(&v->steps, NULL, "line", v->request);
}

static void add_request(struct cs_visit *v)
{
    const struct cs_reply *reply = &v->reply;

    cs_step_add(&v->steps, "request", request_mark(v), request_text(v));
    if (!v->replied)
        return;
    if (reply->http)
        cs_step_number(&v->steps, "status", reply->answer.status);
    cs_step_text(&v->steps, "server", "server", reply->software);
    cs_step_text(&v->steps, "it says", "detail", reply->answer.detail);
    cs_step_text(&v->steps, "incident", "incident", reply->answer.incident);
    cs_step_text(&v->steps, NULL, "code", reply->answer.code);
    cs_step_text(&v->steps, "it began", "first", reply->first);
    if (reply->answer.status >= 400)
        cs_step_text(&v->steps, NULL, "text", reply->answer.text);
}

/* ---- clocks ---- */

static struct cs_str ahead_text(struct cs_visit *v, int64_t ms)
{
    char span[CS_TIME_TEXT];

    if (ms > -1000 && ms < 1000)
        return CS_STR("less than a second");
    return cs_arena_printf(&v->arena, "%.*s %s", CS_FMT(cs_time_span(ms / 1000, span)),
                           ms < 0 ? "behind" : "ahead");
}

static struct cs_str kernel_text(struct cs_visit *v)
{
    if (!v->clock.kernel_known)
        return (struct cs_str){0};
    if (!v->clock.synchronised)
        return CS_STR("nothing keeps it in step, as far as the kernel knows");
    return cs_arena_printf(&v->arena, "kept in step, to %lld ms", (long long)v->clock.error_ms);
}

static bool is_off(int64_t ms)
{
    return ms > CLOCK_OFF_SEC * 1000 || ms < -CLOCK_OFF_SEC * 1000;
}

static void add_clock(struct cs_visit *v)
{
    const struct cs_clock *clock = &v->clock;
    int64_t peer_ms = v->now_ms - clock->peer_sec * 1000;
    bool off =
        (clock->peer_known && is_off(peer_ms)) || (clock->measured && is_off(clock->ahead_ms));
    char now[CS_TIME_TEXT];

    cs_step_add(
        &v->steps, "clock",
        off                                          ? CS_MARK_BAD
        : clock->peer_known || clock->measured       ? CS_MARK_GOOD
        : clock->kernel_known && clock->synchronised ? CS_MARK_GOOD
                                                     : CS_MARK_OPEN,
        cs_arena_printf(&v->arena, "%.*s here", CS_FMT(cs_time_iso(v->now_ms / 1000, now))));
    cs_step_text(&v->steps, "this machine", "kernel", kernel_text(v));
    if (clock->peer_known) {
        cs_step_text(&v->steps, "to the server", NULL, ahead_text(v, peer_ms));
        cs_step_number(&v->steps, "ahead_of_server_ms", peer_ms);
    }
    if (clock->measured) {
        cs_step_text(&v->steps, "to its source", NULL, ahead_text(v, clock->ahead_ms));
        cs_step_text(&v->steps, NULL, "time_source", clock->source);
        cs_step_number(&v->steps, "ahead_of_source_ms", clock->ahead_ms);
    }
}

/* ---- the whole ---- */

void cs_visit_steps(struct cs_visit *v)
{
    if (!v->server)
        add_resolve(v);
    if (v->server || v->resolved)
        add_connect(v);
    add_plain(v);
    if (v->handshake) {
        add_hello(v);
        cs_visit_papers_steps(v);
        add_verdict(v);
    }
    if (v->handshake && v->handshake->complete) {
        if (v->server)
            add_heard(v);
        else
            add_request(v);
    }
    add_clock(v);
}
