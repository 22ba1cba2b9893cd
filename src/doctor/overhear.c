/* The server's stream first, for it says which version it is; then the client's; then both by the
 * order of their packets. */
#include "doctor/overhear.h"

#include <stdlib.h>

#include "explain/text.h"
#include "io/proxy_protocol.h"
#include "tls/clear.h"
#include "tls/names.h"
#include "tls/request.h"
#include "tls/terms.h"
#include "x509/chain.h"
#include "x509/name.h"

/* Things in the clear that are taken in of a side: a handshake has a dozen; and what that, the
 * encrypted records and TCP make in events, of both. */
enum { CLEAR_MAX = 64, EVENTS_MAX = 2 * (CLEAR_MAX + CS_SEALED_KEPT + 8) };

/* Who listens to one direction. */
struct ear {
    struct cs_overheard *o;
    struct cs_side *side;
    const struct cs_flow *flow;
    size_t skipped; /* bytes in front of TLS */
    bool down;
    struct cs_arena *arena;
};

/* ---- events ---- */

static void add_event(struct cs_overheard *o, bool down, struct cs_mark when, const char *what,
                      struct cs_str text)
{
    if (o->n_events < EVENTS_MAX)
        o->events[o->n_events++] =
            (struct cs_event){.when = when, .down = down, .what = what, .text = text};
}

static struct cs_mark time_of(const struct ear *ear, const struct cs_clear_item *item)
{
    struct cs_mark when = cs_flow_at(ear->flow, ear->skipped + item->end);

    when.end = item->end; /* tells apart what came in one packet */
    return when;
}

static void hear(struct ear *ear, const struct cs_clear_item *item, const char *what,
                 struct cs_str text)
{
    add_event(ear->o, ear->down, time_of(ear, item), what, text);
}

/* ", LABEL TEXT" behind @text, when there is something. */
static struct cs_str with(struct cs_arena *arena, struct cs_str text, const char *label,
                          struct cs_str more)
{
    if (!more.len)
        return text;
    return cs_arena_printf(arena, "%.*s, %s%.*s", CS_FMT(text), label, CS_FMT(more));
}

/* ---- hellos ---- */

static struct cs_code_points codes(struct cs_arena *arena, struct cs_str bytes)
{
    uint16_t *points = cs_arena_array(arena, CS_HELLO_CODES, sizeof(*points));

    return (struct cs_code_points){points, cs_hello_codes(bytes, points)};
}

static void note_offer(struct ear *ear, const struct cs_hello *hello)
{
    struct cs_handshake *h = &ear->o->offered;
    char *name = cs_arena_raw(ear->arena, CS_HELLO_NAME);
    uint16_t *legacy;

    h->offered_ciphers = codes(ear->arena, hello->ciphers);
    h->offered_groups = codes(ear->arena, cs_hello_vector(hello->groups));
    h->offered_versions = codes(ear->arena, cs_hello_versions(hello->versions));
    h->offered_sigalgs = codes(ear->arena, cs_hello_vector(hello->sigalgs));
    h->offered_alpn = cs_arena_dup(ear->arena, cs_hello_vector(hello->alpn));
    if (!hello->versions.ptr) {
        legacy = cs_arena_array(ear->arena, 1, sizeof(*legacy));
        *legacy = hello->legacy_version;
        h->offered_versions = (struct cs_code_points){legacy, 1};
    }
    if (cs_hello_sni(hello->sni, name, &ear->o->sni) < 0)
        ear->o->sni = cs_explain_bytes(ear->arena, cs_str_skip(hello->sni, 5));
    ear->o->terms = cs_terms_offered(h, ear->arena);
}

static void on_client_hello(struct ear *ear, const struct cs_clear_item *item)
{
    struct cs_hello hello;
    struct cs_str text = cs_arena_printf(ear->arena, "ClientHello, %zu bytes", item->body.len);

    if (cs_hello_read(item->body, &hello) < 0) {
        hear(ear, item, "client-hello", with(ear->arena, text, "", CS_STR("malformed")));
        return;
    }
    note_offer(ear, &hello);
    text = with(ear->arena, text, "", ear->o->terms.versions);
    text = with(ear->arena, text, "SNI ", ear->o->sni);
    text = with(ear->arena, text, "ALPN ", ear->o->terms.alpn);
    hear(ear, item, "client-hello", text);
}

static struct cs_str name_or_number(struct cs_arena *arena, struct cs_str name, unsigned code)
{
    return name.len ? name : cs_arena_printf(arena, "0x%04x", code);
}

static void note_answer(struct ear *ear, const struct cs_server_hello *hello, struct cs_mark when)
{
    struct cs_overheard *o = ear->o;
    enum { AES256_SHA384 = 0x1302, CCM_8 = 0x1305 };

    o->tls13 = hello->version == 0x0304;
    o->protocol = name_or_number(ear->arena, cs_tls_version_name(hello->version), hello->version);
    o->cipher = name_or_number(ear->arena, cs_tls_cipher_name(hello->cipher), hello->cipher);
    o->hash = hello->cipher == AES256_SHA384 ? 48 : 32;
    o->tag = hello->cipher == CCM_8 ? 9 : 17;
    if (hello->group)
        o->group = name_or_number(ear->arena, cs_tls_group_name(hello->group), hello->group);
    o->alpn = cs_arena_dup(ear->arena, hello->alpn);
    if (hello->retry)
        return;
    o->answered = true;
    o->answer = when;
    o->resumed = hello->resumes;
}

static void on_server_hello(struct ear *ear, const struct cs_clear_item *item)
{
    struct cs_server_hello hello;
    const struct cs_overheard *o = ear->o;
    struct cs_str text;

    if (cs_server_hello_read(item->body, &hello) < 0) {
        hear(ear, item, "server-hello", CS_STR("a malformed ServerHello"));
        return;
    }
    note_answer(ear, &hello, time_of(ear, item));
    text = cs_arena_printf(ear->arena, "%s: %.*s",
                           hello.retry ? "HelloRetryRequest" : "ServerHello", CS_FMT(o->protocol));
    text = with(ear->arena, text, "", o->cipher);
    text = with(ear->arena, text, "", o->group);
    text = with(ear->arena, text, "ALPN ", o->alpn);
    if (hello.resumes)
        text = with(ear->arena, text, "", CS_STR("resumes a session"));
    hear(ear, item, hello.retry ? "hello-retry-request" : "server-hello", text);
}

/* ---- certificates ---- */

/* Whose certificate it is, and who says so. */
static struct cs_str papers_text(struct ear *ear, const struct cs_side *side, size_t bytes)
{
    struct cs_findings ignored;
    struct cs_cert leaf;

    if (!side->n_chain)
        return CS_STR("Certificate with none in it");
    cs_findings_init(&ignored, ear->arena);
    if (cs_cert_parse(side->chain[0], ear->arena, &ignored, &leaf) != 0)
        return CS_STR("Certificate that cannot be read");
    return cs_arena_printf(ear->arena, "Certificate: %.*s, issued by %.*s; %zu sent, %zu bytes",
                           CS_FMT(cs_name_text(leaf.subject, ear->arena)),
                           CS_FMT(cs_name_text(leaf.issuer, ear->arena)), side->n_chain, bytes);
}

static void on_certificate(struct ear *ear, const struct cs_clear_item *item)
{
    struct cs_str *chain = cs_arena_array(ear->arena, CS_CHAIN_CERTS_MAX, sizeof(*chain));
    struct cs_str body = cs_arena_dup(ear->arena, item->body);
    int n = cs_presented_read(body, false, chain, CS_CHAIN_CERTS_MAX);

    ear->side->chain = chain;
    ear->side->n_chain = n < 0 ? 0 : (size_t)n;
    hear(ear, item, "certificate",
         n < 0 ? CS_STR("Certificate that is malformed or too long")
               : papers_text(ear, ear->side, item->body.len));
}

static void on_request(struct ear *ear, const struct cs_clear_item *item)
{
    struct cs_breakdown *asked = &ear->o->asked;
    size_t n;

    cs_terms_asked(cs_arena_dup(ear->arena, item->body), false, ear->arena, asked);
    n = asked->n_asked_names;
    hear(ear, item, "certificate-request",
         n ? cs_arena_printf(ear->arena, "CertificateRequest for one of %zu %s", n,
                             n == 1 ? "CA" : "CAs")
           : CS_STR("CertificateRequest for any CA"));
}

static void on_key_exchange(struct ear *ear, const struct cs_clear_item *item)
{
    struct cs_overheard *o = ear->o;
    uint16_t group = cs_clear_group(item->body);

    if (group)
        o->group = name_or_number(ear->arena, cs_tls_group_name(group), group);
    ear->side->sigalg = cs_tls_sigalg_name(cs_clear_sigalg(item->type, item->body));
    hear(ear, item, "server-key-exchange",
         with(ear->arena, with(ear->arena, CS_STR("ServerKeyExchange"), "", o->group), "",
              ear->side->sigalg));
}

static void on_message(struct ear *ear, const struct cs_clear_item *item)
{
    struct cs_messages *messages = &ear->side->messages;
    struct cs_str name = cs_message_name(item->type);

    messages->last = item->type;
    if (item->type < 32)
        messages->seen |= 1U << item->type;
    switch (item->type) {
    case CS_MESSAGE_CLIENT_HELLO: on_client_hello(ear, item); return;
    case CS_MESSAGE_SERVER_HELLO: on_server_hello(ear, item); return;
    case CS_MESSAGE_CERTIFICATE: on_certificate(ear, item); return;
    case CS_MESSAGE_CERTIFICATE_REQUEST: on_request(ear, item); return;
    case CS_MESSAGE_SERVER_KEY_EXCHANGE: on_key_exchange(ear, item); return;
    case CS_MESSAGE_CERTIFICATE_VERIFY:
        ear->side->sigalg = cs_tls_sigalg_name(cs_clear_sigalg(item->type, item->body));
        hear(ear, item, "certificate-verify",
             with(ear->arena, CS_STR("CertificateVerify"), "", ear->side->sigalg));
        return;
    default:
        hear(ear, item, "message",
             name.len ? name : cs_arena_printf(ear->arena, "message %u", item->type));
    }
}

/* ---- alerts and what is encrypted ---- */

static void on_alert(struct ear *ear, const struct cs_clear_item *item)
{
    enum { CLOSE_NOTIFY = 0, FATAL = 2 };
    struct cs_alert alert = {
        .number = (uint8_t)item->body.ptr[1],
        .fatal = item->body.ptr[0] == FATAL,
        .text = cs_tls_alert_name((uint8_t)item->body.ptr[1]),
    };

    hear(ear, item, "alert",
         cs_arena_printf(ear->arena, "alert %d %.*s%s", alert.number, CS_FMT(alert.text),
                         alert.fatal ? "" : ", a warning"));
    if (alert.number == CLOSE_NOTIFY || ear->side->alert.fatal ||
        (ear->side->alert.number >= 0 && !alert.fatal))
        return;
    ear->side->alert = alert;
    ear->side->alerted = time_of(ear, item);
}

enum cs_guess cs_overhear_guess(const struct cs_overheard *o, const struct cs_sealed *record)
{
    enum { ALERT = 2, HEADER = 4, EMPTY = HEADER + 1 + 3 };
    size_t finished = HEADER + o->hash;

    if (!o->tls13)
        return record->type == CS_RECORD_ALERT ? CS_GUESS_ALERT : CS_GUESS_NOTHING;
    if (record->len == ALERT + o->tag)
        return CS_GUESS_ALERT;
    if (record->len == finished + o->tag)
        return CS_GUESS_FINISHED;
    if (record->len == EMPTY + o->tag || record->len == EMPTY + finished + o->tag)
        return CS_GUESS_EMPTY;
    return CS_GUESS_NOTHING;
}

const struct cs_sealed *cs_overhear_after(const struct cs_side *side, unsigned packet)
{
    for (size_t i = 0; i < side->n_sealed && i < CS_SEALED_KEPT; i++) {
        if (side->sealed[i].when.packet > packet)
            return &side->sealed[i];
    }
    return NULL;
}

static const char *sealed_name(const struct cs_overheard *o, const struct cs_sealed *record,
                               size_t place, bool down)
{
    enum cs_guess guess = cs_overhear_guess(o, record);

    if (!o->tls13)
        return record->type == CS_RECORD_HANDSHAKE ? "an encrypted handshake message"
               : record->type == CS_RECORD_ALERT   ? "an encrypted alert"
                                                   : "application data";
    if (guess == CS_GUESS_ALERT)
        return "encrypted, an alert by its size";
    if (down || place > 3)
        return "encrypted";
    if (guess == CS_GUESS_FINISHED)
        return "encrypted, a Finished by its size";
    return place == 0 && guess == CS_GUESS_EMPTY
               ? "encrypted, a Certificate with none in it by its size"
               : "encrypted";
}

static void on_sealed(struct ear *ear, const struct cs_clear_item *item)
{
    struct cs_side *side = ear->side;
    struct cs_sealed record = {time_of(ear, item), item->type, item->body.len};
    struct cs_overheard *o = ear->o;
    const char *name = sealed_name(o, &record, side->n_sealed, ear->down);
    size_t n = o->n_events;

    if (side->n_sealed++ >= CS_SEALED_KEPT) {
        side->more += record.len;
        return;
    }
    side->sealed[side->n_sealed - 1] = record;
    hear(ear, item, "encrypted", cs_arena_printf(ear->arena, "%s, %zu bytes", name, record.len));
    if (o->n_events > n)
        o->events[n].sealed = 1;
}

static void on_item(struct ear *ear, const struct cs_clear_item *item)
{
    switch (item->kind) {
    case CS_CLEAR_MESSAGE: on_message(ear, item); break;
    case CS_CLEAR_ALERT: on_alert(ear, item); break;
    case CS_CLEAR_SEALED: on_sealed(ear, item); break;
    case CS_CLEAR_CIPHER:
        ear->side->changed = true;
        if (!ear->o->tls13)
            hear(ear, item, "change-cipher-spec", CS_STR("ChangeCipherSpec"));
        break;
    }
}

/* ---- one direction ---- */

static bool is_tls(struct cs_str first)
{
    return first.len > 0 && (uint8_t)first.ptr[0] >= CS_RECORD_CIPHER &&
           (uint8_t)first.ptr[0] <= CS_RECORD_DATA && (first.len < 2 || first.ptr[1] == 3);
}

static void tell_foreign(struct ear *ear, struct cs_str bytes)
{
    add_event(ear->o, ear->down, cs_flow_at(ear->flow, ear->skipped + 1), "not-tls",
              cs_arena_printf(
                  ear->arena, "\"%.*s\"",
                  CS_FMT(cs_explain_bytes(ear->arena, cs_str_sub(bytes, 0, CS_TRANSPORT_FIRST)))));
}

static void tell_rest(struct ear *ear, const struct cs_clear *clear, int r)
{
    const struct cs_side *side = ear->side;
    struct cs_mark when = cs_flow_at(ear->flow, ear->flow->bytes.len);
    size_t rest = cs_clear_rest(clear);

    when.end = SIZE_MAX - 1; /* in front of FIN */
    if (side->n_sealed > CS_SEALED_KEPT)
        add_event(ear->o, ear->down, when, "more-encrypted",
                  cs_arena_printf(ear->arena, "%zu more encrypted records, %llu bytes",
                                  side->n_sealed - CS_SEALED_KEPT, (unsigned long long)side->more));
    if (r < 0)
        add_event(ear->o, ear->down, when, "malformed", CS_STR("something that is not valid TLS"));
    else if (r > 0)
        add_event(ear->o, ear->down, when, "too-many",
                  CS_STR("more messages than any handshake has"));
    else if (rest && !ear->flow->full)
        add_event(
            ear->o, ear->down, when, "part",
            cs_arena_printf(ear->arena, "%zu bytes of something that did not come whole", rest));
}

/* Everything of a stream of TLS. */
static void attend_tls(struct ear *ear, struct cs_str bytes)
{
    struct cs_clear_item item;
    struct cs_clear clear;
    unsigned n = 0;
    int r;

    cs_clear_init(&clear, bytes);
    for (;;) {
        clear.tls13 = ear->o->tls13;
        r = cs_clear_next(&clear, &item);
        n += r == 1 && item.kind != CS_CLEAR_SEALED;
        if (r != 1 || n > CLEAR_MAX)
            break;
        on_item(ear, &item);
    }
    tell_rest(ear, &clear, r);
    cs_clear_deinit(&clear);
}

static void attend(struct ear *ear)
{
    struct cs_str bytes = cs_str_skip(cs_buf_str(&ear->flow->bytes), ear->skipped);

    ear->side->first = cs_str_sub(bytes, 0, CS_TRANSPORT_FIRST);
    ear->side->alert.number = -1;
    ear->side->tls = is_tls(bytes);
    if (ear->flow->n_marks)
        ear->side->spoke = ear->flow->marks[ear->flow->n_marks - 1];
    if (ear->side->tls)
        attend_tls(ear, bytes);
    else if (bytes.len)
        tell_foreign(ear, bytes);
}

/* ---- what lies around TLS ---- */

static void hear_proxy(struct ear *ear)
{
    struct cs_str bytes = cs_buf_str(&ear->flow->bytes);
    struct cs_proxy_header header;
    char text[CS_ADDR_TEXT];
    size_t len;

    if (cs_proxy_protocol_parse(bytes, &header, &len) != CS_PROXY_DONE)
        return;
    ear->skipped = len;
    ear->o->proxy = cs_str_sub(bytes, 0, len);
    add_event(ear->o, false, cs_flow_at(ear->flow, len), "proxy-header",
              cs_arena_printf(
                  ear->arena, "PROXY header, version %u: the client is %.*s", header.version,
                  CS_FMT(header.known ? cs_addr_text(&header.source, text) : CS_STR("this one"))));
}

static struct cs_mark behind_bytes(struct cs_mark when)
{
    when.end = SIZE_MAX;
    return when;
}

static void hear_tcp(struct cs_overheard *o, const struct cs_flow *flow, bool down)
{
    if (flow->syn.packet)
        add_event(o, down, flow->syn, down ? "syn-ack" : "syn",
                  down ? CS_STR("takes the connection") : CS_STR("connects"));
    if (flow->fin.packet)
        add_event(o, down, behind_bytes(flow->fin), "fin", CS_STR("closes (FIN)"));
    if (flow->rst.packet)
        add_event(o, down, behind_bytes(flow->rst), "rst", CS_STR("resets the connection (RST)"));
}

/* ---- in order ---- */

static int by_packet(const void *a, const void *b)
{
    const struct cs_event *x = a, *y = b;

    if (x->when.packet != y->when.packet)
        return x->when.packet < y->when.packet ? -1 : 1;
    return x->when.end < y->when.end ? -1 : x->when.end > y->when.end;
}

/* Encrypted records of one side in a row are one event. */
static void fold(struct cs_overheard *o, struct cs_arena *arena)
{
    enum { SIZES_MAX = 6 };
    size_t n = 0;

    for (size_t i = 0; i < o->n_events; i++) {
        struct cs_event *last = n ? &o->events[n - 1] : NULL, *event = &o->events[i];
        if (!last || !last->sealed || !event->sealed || last->down != event->down) {
            o->events[n++] = *event;
            continue;
        }
        last->sealed++;
        if (last->sealed <= SIZES_MAX)
            last->text =
                cs_arena_printf(arena, "%.*s; %.*s", CS_FMT(last->text), CS_FMT(event->text));
        else if (last->sealed == SIZES_MAX + 1)
            last->text = cs_arena_printf(arena, "%.*s; and more", CS_FMT(last->text));
    }
    o->n_events = n;
}

static void note_resumption(struct cs_overheard *o)
{
    if (!o->tls13 && o->answered && o->server.changed &&
        !cs_messages_have(o->server.messages, CS_MESSAGE_CERTIFICATE))
        o->resumed = true;
}

/* What an encrypted flight of TLS 1.3 must have in it. */
static void note_flight(struct cs_overheard *o)
{
    if (o->tls13 && o->answered && !o->resumed && o->server.n_sealed)
        o->server.messages.seen |=
            1U << CS_MESSAGE_ENCRYPTED_EXTENSIONS | 1U << CS_MESSAGE_CERTIFICATE;
}

void cs_overhear(const struct cs_captured *captured, struct cs_arena *arena,
                 struct cs_overheard *ret_overheard)
{
    struct cs_overheard *o = ret_overheard;
    struct ear server = {o, &o->server, captured->down, 0, true, arena};
    struct ear client = {o, &o->client, captured->up, 0, false, arena};

    struct cs_event events[EVENTS_MAX];

    *o = (struct cs_overheard){.captured = captured, .events = events};
    hear_tcp(o, captured->up, false);
    hear_tcp(o, captured->down, true);
    hear_proxy(&client);
    attend(&server);
    attend(&client);
    note_resumption(o);
    note_flight(o);
    if (o->n_events)
        qsort(o->events, o->n_events, sizeof(*o->events), by_packet);
    fold(o, arena);
    o->events = cs_arena_array(arena, o->n_events + 1, sizeof(*events));
    memcpy(o->events, events, o->n_events * sizeof(*events));
}
