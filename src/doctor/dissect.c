/* Questions in an order in which the first that can be answered decides: was the connection made,
 * was it TLS, did somebody say no, did somebody leave, did it just stop. Each answer says from
 * which side it is told; the record of that side then goes through the diagnosis like any other. */
#include "doctor/dissect.h"

#include "base/hash.h"
#include "explain/diagnosis.h"
#include "tls/clear.h"

/* Silence that is more than a slow answer; a connection request is repeated after a second. */
#define SILENCE_US 2000000
/* Intermediates that a chain may have: whatever was sent is looked at. */
#define DEPTH 15

struct look {
    const struct cs_overheard *o;
    const struct cs_captured *c;
    const struct cs_dissect_plan *plan;
    struct cs_dissection *d;
    bool complete;       /* the side that tells believes that the handshake is complete */
    bool unheard;        /* and what it got was no handshake for it */
    bool plain;          /* it does not speak TLS */
    bool asked;          /* the server asked for a certificate, by the sizes */
    bool judged;         /* the peer's chain was refused as here */
    struct cs_str first; /* its peer's first bytes, if others than those of TLS */
    enum cs_break broken;
    enum cs_ending ending;
};

const char *cs_fate_name(enum cs_fate fate)
{
    static const char *const names[] = {
        [CS_FATE_WELL] = "well",       [CS_FATE_FAILED] = "failed",
        [CS_FATE_PLAIN] = "plain",     [CS_FATE_UNFINISHED] = "unfinished",
        [CS_FATE_PARTIAL] = "partial",
    };

    return names[fate];
}

/* It failed, and the server (or the client) is left to tell. */
static bool failed(struct look *look, bool server)
{
    look->d->fate = CS_FATE_FAILED;
    look->d->server = server;
    return true;
}

static bool end(struct look *look, enum cs_fate fate)
{
    look->d->fate = fate;
    return true;
}

static int64_t silence_us(const struct look *look)
{
    int64_t last = look->c->first_us;

    if (look->o->client.spoke.time_us > last)
        last = look->o->client.spoke.time_us;
    if (look->o->server.spoke.time_us > last)
        last = look->o->server.spoke.time_us;
    return look->plan->end_us - last;
}

/* ---- was it made, and captured from its beginning ---- */

static bool of_connecting(struct look *look)
{
    const struct cs_flow *up = look->c->up, *down = look->c->down;

    if (!up->syn.packet || down->syn.packet || down->next)
        return false;
    if (down->rst.packet) {
        look->ending = CS_ENDING_REFUSED;
        return failed(look, false);
    }
    if (up->n_syns < 2 && silence_us(look) < SILENCE_US)
        return end(look, CS_FATE_UNFINISHED);
    look->ending = CS_ENDING_NO_ANSWER;
    return failed(look, false);
}

static bool of_beginning(struct look *look)
{
    bool hello = cs_messages_have(look->o->client.messages, CS_MESSAGE_CLIENT_HELLO);

    return !look->c->up->began && !hello && end(look, CS_FATE_PARTIAL);
}

/* ---- was it TLS ---- */

static bool ended_by(const struct cs_flow *flow)
{
    return flow->fin.packet || flow->rst.packet;
}

/* Whether the server showed that it expected TLS: it said so in TLS, or in words, or left. */
static bool expects_tls(const struct look *look)
{
    struct cs_str said = cs_buf_str(&look->c->down->bytes);

    if (look->plan->tls_here || look->o->server.tls)
        return true;
    return said.len ? cs_str_search(said, CS_STR("HTTPS")) >= 0 : ended_by(look->c->down);
}

static bool of_foreign_client(struct look *look)
{
    if (!look->o->client.first.len || look->o->client.tls)
        return false;
    if (!expects_tls(look))
        return end(look, CS_FATE_PLAIN);
    look->first = look->o->client.first;
    return failed(look, true);
}

static bool of_foreign_server(struct look *look)
{
    const struct cs_overheard *o = look->o;

    if (!o->server.first.len || o->server.tls)
        return false;
    if (!o->client.tls)
        return end(look, CS_FATE_PLAIN);
    look->unheard = true;
    if (cs_str_starts(o->server.first, CS_STR("HTTP/"))) { /* it took the ClientHello for HTTP */
        look->first = o->proxy.len ? cs_str_sub(o->proxy, 0, CS_TRANSPORT_FIRST) : o->client.first;
        look->plain = true;
        return failed(look, true);
    }
    look->first = o->server.first;
    return failed(look, false);
}

/* A server that does not know what a PROXY header is. */
static bool of_proxy_header(struct look *look)
{
    const struct cs_side *server = &look->o->server;
    enum { UNEXPECTED = 10, OVERFLOW = 22, ILLEGAL = 47, DECODE = 50, VERSION = 70 };
    bool lost = server->alert.number == UNEXPECTED || server->alert.number == OVERFLOW ||
                server->alert.number == ILLEGAL || server->alert.number == DECODE ||
                server->alert.number == VERSION;

    if (!look->o->proxy.len || look->o->answered)
        return false;
    if (!lost && (server->alert.number >= 0 || !ended_by(look->c->down)))
        return false;
    look->unheard = true;
    look->first = cs_str_sub(look->o->proxy, 0, CS_TRANSPORT_FIRST);
    return failed(look, true);
}

/* ---- did somebody say no ---- */

static bool is_about_certificate(const struct cs_alert *alert)
{
    return alert->number >= 41 && alert->number <= 49 && alert->number != 47;
}

static bool refused(const struct cs_judged *judged)
{
    return judged->done && !judged->verdict.accepted;
}

static bool of_alert(struct look *look)
{
    const struct cs_side *client = &look->o->client, *server = &look->o->server;
    bool c = client->alert.number >= 0 && client->alert.fatal;
    bool s = server->alert.number >= 0 && server->alert.fatal;
    bool by_client = c && (!s || client->alerted.packet < server->alerted.packet);

    if (!c && !s)
        return false;
    if (is_about_certificate(by_client ? &client->alert : &server->alert) &&
        refused(by_client ? &look->d->server_chain : &look->d->client_chain)) {
        look->judged = true;
        look->broken = CS_BREAK_VERDICT;
        return failed(look, !by_client);
    }
    look->broken = CS_BREAK_ALERT;
    return failed(look, by_client);
}

/* TLS 1.3: the record that ends the client's part of the handshake, by its size if it shows. */
static const struct cs_sealed *client_finished(const struct cs_overheard *o)
{
    const struct cs_sealed *first = cs_overhear_after(&o->client, o->answer.packet);
    const struct cs_sealed *behind =
        o->client.sealed +
        (o->client.n_sealed < CS_SEALED_KEPT ? o->client.n_sealed : CS_SEALED_KEPT);
    enum { FLIGHT = 4 }; /* Certificate, CertificateVerify, Finished, and one to spare */

    for (const struct cs_sealed *s = first; s && s < behind && s < first + FLIGHT; s++) {
        if (cs_overhear_guess(o, s) == CS_GUESS_FINISHED)
            return s;
    }
    return first;
}

static bool is_alert(const struct cs_overheard *o, const struct cs_sealed *record)
{
    return record && cs_overhear_guess(o, record) == CS_GUESS_ALERT;
}

/* Whether the client had said goodbye before @packet. */
static bool client_has_left(const struct look *look, unsigned packet)
{
    const struct cs_side *client = &look->o->client;

    if (look->c->up->fin.packet && look->c->up->fin.packet < packet)
        return true;
    for (size_t i = 0; i < client->n_sealed && i < CS_SEALED_KEPT; i++) {
        if (client->sealed[i].when.packet < packet && is_alert(look->o, &client->sealed[i]))
            return true;
    }
    return false;
}

static bool of_sealed_alert(struct look *look)
{
    const struct cs_overheard *o = look->o;
    const struct cs_sealed *first, *finished, *answer;

    if (!o->answered || !o->tls13)
        return false;
    first = cs_overhear_after(&o->client, o->answer.packet);
    look->broken = CS_BREAK_ALERT_SEALED;
    if (is_alert(o, first))
        return failed(look, true);
    if (o->server.n_sealed && is_alert(o, &o->server.sealed[0]))
        return failed(look, false);
    finished = client_finished(o);
    answer = finished ? cs_overhear_after(&o->server, finished->when.packet) : NULL;
    look->asked = first && cs_overhear_guess(o, first) == CS_GUESS_EMPTY;
    look->complete = true;
    if (is_alert(o, answer) && !client_has_left(look, answer->when.packet)) {
        look->broken = look->asked ? CS_BREAK_NO_CERTIFICATE : CS_BREAK_ALERT_SEALED;
        look->complete = !look->asked;
        return failed(look, look->asked);
    }
    look->broken = CS_BREAK_NONE;
    look->complete = finished != NULL;
    return false;
}

/* ---- did somebody leave, or did it stop ---- */

static bool is_complete(const struct look *look)
{
    const struct cs_overheard *o = look->o;

    if (o->tls13)
        return look->complete;
    return o->client.changed && o->server.changed && o->client.n_sealed && o->server.n_sealed;
}

/* How @flow ended, as the other side sees it; *@ret_packet: when. */
static enum cs_ending ending_of(const struct cs_flow *flow, unsigned *ret_packet)
{
    const struct cs_mark *fin = &flow->fin, *rst = &flow->rst;
    bool reset = rst->packet && (!fin->packet || rst->packet < fin->packet);

    *ret_packet = reset ? rst->packet : fin->packet;
    return reset ? CS_ENDING_RESET : fin->packet ? CS_ENDING_CLOSED : CS_ENDING_OPEN;
}

/* TLS 1.3: the client has finished, and the server left without a word. */
static bool was_left(const struct look *look, unsigned server_packet)
{
    const struct cs_sealed *finished = client_finished(look->o);

    return look->o->tls13 && server_packet && finished &&
           !cs_overhear_after(&look->o->server, finished->when.packet) &&
           !client_has_left(look, server_packet);
}

static bool has_holes(const struct look *look)
{
    return cs_flow_gap(look->c->up) || cs_flow_gap(look->c->down) || look->c->up->n_cut ||
           look->c->down->n_cut;
}

static bool of_end(struct look *look)
{
    unsigned client_packet, server_packet;
    enum cs_ending client = ending_of(look->c->up, &client_packet);
    enum cs_ending server = ending_of(look->c->down, &server_packet);
    bool by_server = server_packet && (!client_packet || server_packet < client_packet);

    look->complete = is_complete(look);
    if (look->complete && !was_left(look, by_server ? server_packet : 0)) {
        look->d->server = look->o->client.n_chain > 0;
        return end(look, CS_FATE_WELL);
    }
    if (has_holes(look))
        return end(look, CS_FATE_PARTIAL);
    if (!client_packet && !server_packet)
        return false;
    look->broken = CS_BREAK_TRANSPORT;
    look->ending = by_server ? server : client;
    return failed(look, !by_server);
}

static bool of_silence(struct look *look)
{
    bool client_waits = look->o->client.spoke.packet > look->o->server.spoke.packet;

    if (silence_us(look) < SILENCE_US)
        return end(look, CS_FATE_UNFINISHED);
    look->ending = CS_ENDING_TIMEOUT;
    return failed(look, !client_waits);
}

static bool (*const questions[])(struct look *look) = {
    of_connecting,   of_beginning, of_foreign_client, of_foreign_server, of_proxy_header, of_alert,
    of_sealed_alert, of_end,       of_silence,
};

/* ---- the record of the side that tells ---- */

static void fill_peer(struct cs_dissection *d, const struct cs_captured *c)
{
    d->peer.addr = d->peer.socket_addr = d->server ? c->client : c->server;
    d->peer.local = d->server ? c->server : c->client;
}

static void fill_transport(struct look *look, struct cs_arena *arena)
{
    struct cs_dissection *d = look->d;
    const struct cs_captured *c = look->c;
    char text[CS_ADDR_TEXT];

    d->transport = (struct cs_transport){
        .outgoing = !d->server,
        .tls = !look->plain,
        .ending = look->ending,
        .first = look->first,
        .bytes_in = d->server ? c->up->next : c->down->next,
        .bytes_out = d->server ? c->down->next : c->up->next,
        .limit_ms = silence_us(look) / 1000,
    };
    if (!d->server)
        d->transport.target = cs_arena_dup(arena, cs_addr_text(&c->server, text));
    if (!look->first.len && look->ending != CS_ENDING_OPEN)
        d->transport.first = d->server ? look->o->client.first : look->o->server.first;
}

static void fill_breakdown(struct look *look)
{
    struct cs_dissection *d = look->d;
    const struct cs_overheard *o = look->o;
    const struct cs_side *own = d->server ? &o->server : &o->client;

    d->breakdown = o->asked;
    d->breakdown.own_chain = own->chain;
    d->breakdown.n_own_chain = own->n_chain;
    if (d->server)
        d->breakdown.offered = o->terms;
    else
        d->breakdown.own = o->terms;
}

static void fill_handshake(struct look *look)
{
    struct cs_dissection *d = look->d;
    const struct cs_overheard *o = look->o;
    const struct cs_side *own = d->server ? &o->server : &o->client;
    const struct cs_side *peer = d->server ? &o->client : &o->server;

    if (d->server)
        d->handshake = o->offered;
    d->handshake.server = d->server;
    d->handshake.complete = look->complete;
    d->handshake.resumed = o->resumed;
    d->handshake.certificate_asked =
        look->asked || cs_messages_have(o->server.messages, CS_MESSAGE_CERTIFICATE_REQUEST);
    d->handshake.protocol = o->protocol;
    d->handshake.cipher = o->cipher;
    d->handshake.group = o->group;
    d->handshake.sigalg = o->server.sigalg;
    d->handshake.client_sigalg = o->client.sigalg;
    d->handshake.sni = o->sni;
    d->handshake.alpn = o->alpn;
    d->handshake.sent = own->messages;
    d->handshake.received = look->unheard ? (struct cs_messages){0} : peer->messages;
    d->handshake.broken = look->broken;
    d->handshake.breakdown = &d->breakdown;
    d->handshake.chain = peer->chain;
    d->handshake.n_chain = peer->n_chain;
    d->handshake.alert_sent = own->alert;
    d->handshake.alert_received = peer->alert;
    d->handshake.bytes_in = d->transport.bytes_in;
    d->handshake.bytes_out = d->transport.bytes_out;
    d->handshake.start_ms = look->c->first_us / 1000;
    d->handshake.end_ms = look->c->last_us / 1000;
}

static int64_t now_sec(const struct look *look)
{
    return look->plan->at_sec ? look->plan->at_sec : look->c->last_us / 1000000;
}

/* Whether there was a connection; without its beginning, what was said tells. */
static bool was_made(const struct cs_captured *c)
{
    return c->down->syn.packet || c->down->next || !c->up->began;
}

static void fill_record(struct look *look)
{
    struct cs_dissection *d = look->d;
    const struct cs_judged *judged = d->server ? &d->client_chain : &d->server_chain;

    d->record = (struct cs_record){
        .stage = CS_STAGE_HANDSHAKE,
        .peer = &d->peer,
        .transport = &d->transport,
        .handshake = look->plain || !was_made(look->c) ? NULL : &d->handshake,
        .verdict = look->judged ? &judged->verdict : NULL,
        .trust = look->judged ? look->plan->trust : NULL,
        .now_ms = now_sec(look) * 1000,
    };
}

/* ---- certificates ---- */

static void judge(struct look *look, const struct cs_side *side, enum cs_purpose purpose,
                  struct cs_arena *arena, struct cs_judged *judged)
{
    struct cs_chain_query query = {
        .ders = side->chain,
        .n = side->n_chain,
        .trust = look->plan->trust,
        .now_sec = now_sec(look),
        .purpose = purpose,
        .depth = DEPTH,
        .host = purpose == CS_PURPOSE_SERVER ? look->o->sni : (struct cs_str){0},
    };

    if (look->plan->trust && side->n_chain)
        judged->done = cs_chain_verify(&query, arena, &judged->verdict) == 0;
}

/* ---- the whole ---- */

const struct cs_dissection *cs_dissect(const struct cs_captured *captured,
                                       const struct cs_dissect_plan *plan, struct cs_arena *arena)
{
    struct cs_dissection *d = CS_ARENA_NEW(arena, struct cs_dissection);
    struct look look = {.o = &d->overheard, .c = captured, .plan = plan, .d = d};

    cs_findings_init(&d->findings, arena);
    cs_overhear(captured, arena, &d->overheard);
    judge(&look, &d->overheard.server, CS_PURPOSE_SERVER, arena, &d->server_chain);
    judge(&look, &d->overheard.client, CS_PURPOSE_CLIENT, arena, &d->client_chain);
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        if (questions[i](&look))
            break;
    }
    fill_peer(d, captured);
    fill_transport(&look, arena);
    fill_breakdown(&look);
    fill_handshake(&look);
    fill_record(&look);
    if (d->fate == CS_FATE_FAILED)
        d->cause = cs_diagnose(&d->record, &d->findings);
    return d;
}

/* ---- a whole capture ---- */

/* Servers that answered a ClientHello in any of their connections: the address → one of these. */
static void find_tls(const struct cs_capture *capture, struct cs_arena *arena,
                     struct cs_map *servers)
{
    char text[CS_ADDR_TEXT];

    for (size_t i = 0; i < capture->n; i++) {
        struct cs_captured *c = capture->connections[i];
        const struct cs_buf *down = &c->down->bytes;
        if (down->len > 5 && down->ptr[0] == CS_RECORD_HANDSHAKE && down->ptr[1] == 3 &&
            down->ptr[5] == CS_MESSAGE_SERVER_HELLO)
            cs_map_set(servers, cs_arena_dup(arena, cs_addr_text(&c->server, text)), c);
    }
}

const struct cs_dissection *const *cs_dissect_all(const struct cs_capture *capture,
                                                  const struct cs_dissect_plan *plan,
                                                  struct cs_arena *arena)
{
    const struct cs_dissection **all = cs_arena_array(arena, capture->n + 1, sizeof(*all));
    struct cs_dissect_plan here = *plan;
    struct cs_map servers = {0};
    char text[CS_ADDR_TEXT];

    find_tls(capture, arena, &servers);
    here.end_us = capture->last_us;
    for (size_t i = 0; i < capture->n; i++) {
        struct cs_captured *c = capture->connections[i];
        here.tls_here = cs_map_get(&servers, cs_addr_text(&c->server, text)) != NULL;
        all[i] = cs_dissect(c, &here, arena);
    }
    cs_map_deinit(&servers);
    return all;
}
