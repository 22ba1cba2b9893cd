/* Gathering: every fact that a record points to, as text that stands for itself. */
#include "explain/account.h"

#include "base/time.h"
#include "explain/text.h"
#include "telemetry/transport.h"
#include "x509/chain.h"
#include "x509/identity.h"
#include "x509/name.h"
#include "x509/trust.h"

static struct cs_str hex(struct cs_arena *arena, const void *bytes, size_t len)
{
    char *text = cs_arena_raw(arena, 2 * len + 1);

    cs_hex_encode(bytes, len, false, text);
    return cs_str_make(text, 2 * len);
}

static struct cs_str addr_text(struct cs_arena *arena, const struct cs_addr *addr)
{
    char text[CS_ADDR_TEXT];

    return cs_arena_dup(arena, cs_addr_text(addr, text));
}

static struct cs_str time_text(struct cs_arena *arena, int64_t sec)
{
    char text[CS_TIME_TEXT];

    return cs_arena_dup(arena, cs_time_iso(sec, text));
}

static struct cs_account_list list_new(struct cs_arena *arena, size_t total)
{
    size_t n = total < CS_ACCOUNT_LIST_MAX ? total : CS_ACCOUNT_LIST_MAX;

    return (struct cs_account_list){cs_arena_array(arena, n + 1, sizeof(struct cs_str)), n, total};
}

/* --- certificates --- */

static struct cs_account_cert describe(struct cs_arena *arena, const struct cs_cert *cert)
{
    return (struct cs_account_cert){
        .subject = cs_name_shown(cert->subject, arena),
        .issuer = cs_name_shown(cert->issuer, arena),
        .serial = cs_serial_text(cert->serial, arena),
        .sha256 = hex(arena, cert->sha256, sizeof(cert->sha256)),
        .not_before = time_text(arena, cert->not_before),
        .not_after = time_text(arena, cert->not_after),
        .names = cert->san.present ? cs_cert_names_text(cert, arena) : (struct cs_str){0},
        .key = cert->key_kind == CS_KEY_RSA || cert->key_kind == CS_KEY_RSA_PSS
                   ? cs_arena_printf(arena, "%.*s %u", CS_FMT(cert->key_name), cert->key_bits)
                   : cert->key_name,
        .signature = cert->sig_alg,
        .key_usage = cert->has_key_usage ? cs_cert_key_usage_text(cert, arena) : (struct cs_str){0},
        .eku = cert->has_eku ? cs_cert_eku_text(cert, arena) : (struct cs_str){0},
        .ski = hex(arena, cert->ski.ptr, cert->ski.len),
        .aki = hex(arena, cert->aki.ptr, cert->aki.len),
        .ca = cert->ca,
    };
}

static void add_certs(struct cs_account *a, struct cs_arena *arena, const struct cs_cert *certs,
                      size_t n)
{
    struct cs_account_cert *chain = cs_arena_array(arena, n + 1, sizeof(*chain));

    for (size_t i = 0; i < n; i++)
        chain[i] = describe(arena, &certs[i]);
    a->chain = chain;
    a->n_chain = n;
}

/* A chain that nobody has judged, as far as it can be read. */
static void add_ders(struct cs_account *a, struct cs_arena *arena, const struct cs_str *ders,
                     size_t n)
{
    struct cs_cert *certs = cs_arena_array(arena, n + 1, sizeof(*certs));
    struct cs_findings ignored;
    size_t read = 0;

    cs_findings_init(&ignored, arena);
    while (read < n && cs_cert_parse(ders[read], arena, &ignored, &certs[read]) == 0)
        read++;
    add_certs(a, arena, certs, read);
}

static void add_verdict(struct cs_account *a, const struct cs_verdict *verdict)
{
    a->verdict.judged = true;
    a->verdict.accepted = verdict->accepted;
    a->verdict.error = verdict->error;
    a->verdict.depth = verdict->error_depth;
    a->verdict.reason = cs_verdict_reason(verdict);
    a->findings = verdict->findings.first;
}

static void add_chain(struct cs_account *a, struct cs_arena *arena, const struct cs_record *record)
{
    const struct cs_verdict *verdict = record->verdict;

    if (verdict)
        add_verdict(a, verdict);
    if (verdict && verdict->n_presented)
        add_certs(a, arena, verdict->presented, verdict->n_presented);
    else if (record->handshake && record->handshake->n_chain)
        add_ders(a, arena, record->handshake->chain, record->handshake->n_chain);
}

static void add_trust(struct cs_account *a, struct cs_arena *arena, const struct cs_trust *trust)
{
    size_t n;
    const struct cs_cert *cas = cs_trust_certs(trust, &n);
    struct cs_account_list list = list_new(arena, n);
    struct cs_str *items = (struct cs_str *)list.items;

    for (size_t i = 0; i < list.n; i++)
        items[i] = cs_name_shown(cas[i].subject, arena);
    a->trust = list;
}

/* --- the handshake --- */

static void add_asked(struct cs_account *a, struct cs_arena *arena, const struct cs_record *record)
{
    const struct cs_handshake *h = record->handshake;
    struct cs_names names = {NULL, 0};
    struct cs_account_list list;
    struct cs_str *items;

    if (h->breakdown && h->breakdown->n_asked_names)
        names = (struct cs_names){h->breakdown->asked_names, h->breakdown->n_asked_names};
    else if (h->server && h->certificate_asked && record->trust)
        names = cs_trust_names(record->trust);
    list = list_new(arena, names.n);
    items = (struct cs_str *)list.items;
    for (size_t i = 0; i < list.n; i++)
        items[i] = cs_name_shown(names.items[i], arena);
    a->tls.asked_names = list;
}

static void add_breakdown(struct cs_account *a, const struct cs_breakdown *facts)
{
    a->tls.own = facts->own;
    a->tls.offered = facts->offered;
    a->tls.own_key = facts->own_key;
    a->tls.asked_sigalgs = facts->asked_sigalgs;
}

static void add_handshake(struct cs_account *a, struct cs_arena *arena,
                          const struct cs_record *record)
{
    const struct cs_handshake *h = record->handshake;

    a->server = h->server;
    a->sni = h->sni;
    a->tls.spoken = true;
    a->tls.complete = h->complete;
    a->tls.resumed = h->resumed;
    a->tls.version = h->protocol;
    a->tls.cipher = h->cipher;
    a->tls.group = h->group;
    a->tls.sigalg = h->sigalg;
    a->tls.client_sigalg = h->client_sigalg;
    a->tls.alpn = h->alpn;
    a->tls.alert_sent = h->alert_sent;
    a->tls.alert_received = h->alert_received;
    a->tls.broken = h->broken ? cs_str_from(cs_break_name(h->broken)) : (struct cs_str){0};
    a->tls.library = h->failure;
    a->tls.last_sent = cs_message_name(h->sent.last);
    a->tls.last_received = cs_message_name(h->received.last);
    a->tls.certificate_asked = h->server
                                   ? h->certificate_asked
                                   : cs_messages_have(h->received, CS_MESSAGE_CERTIFICATE_REQUEST);
    a->tls.start_ms = h->start_ms;
    a->tls.end_ms = h->end_ms;
    if (h->breakdown)
        add_breakdown(a, h->breakdown);
    add_asked(a, arena, record);
}

/* --- the rest --- */

static void add_transport(struct cs_account *a, struct cs_arena *arena,
                          const struct cs_transport *t)
{
    a->target = t->target;
    a->transport.ending = t->ending ? cs_str_from(cs_ending_name(t->ending)) : (struct cs_str){0};
    a->transport.error = t->reason;
    if (!t->reason.len && t->error)
        a->transport.error = cs_str_from(strerrordesc_np(t->error));
    a->transport.first = cs_explain_bytes(arena, t->first);
    a->transport.bytes_in = t->bytes_in;
    a->transport.bytes_out = t->bytes_out;
}

static void add_peer(struct cs_account *a, struct cs_arena *arena, const struct cs_peer *peer)
{
    a->peer = addr_text(arena, &peer->addr);
    a->socket_peer = addr_text(arena, &peer->socket_addr);
    if (cs_str_eq(a->peer, a->socket_peer))
        a->socket_peer = (struct cs_str){0};
    a->local = addr_text(arena, &peer->local);
}

void cs_account_make(const struct cs_record *record, const struct cs_finding *cause,
                     struct cs_arena *arena, struct cs_account *ret_account)
{
    struct cs_account a = {
        .incident = record->incident,
        .time_ms = record->now_ms,
        .server = !record->transport || !record->transport->outgoing,
        .stage = cs_str_from(cs_stage_name(record->stage)),
        .server_name = record->server,
        .host = record->host,
        .tls.alert_sent.number = -1,
        .tls.alert_received.number = -1,
    };

    if (cause)
        a.cause = *cause;
    add_peer(&a, arena, record->peer);
    if (record->transport)
        add_transport(&a, arena, record->transport);
    if (record->handshake)
        add_handshake(&a, arena, record);
    add_chain(&a, arena, record);
    if (record->trust)
        add_trust(&a, arena, record->trust);
    if (record->identity)
        a.identity = record->identity->text;
    if (record->outcome)
        a.status = record->outcome->status;
    if (record->clock) {
        a.clock.known = true;
        a.clock.facts = *record->clock;
        a.clock.facts.source = cs_arena_dup(arena, record->clock->source);
    }
    if (record->answer)
        a.status = (int)record->answer->status;
    *ret_account = a;
}

int cs_explain_record(const struct cs_record *record, const struct cs_finding *cause,
                      enum cs_account_style style, struct cs_buf *buf)
{
    struct cs_arena arena;
    struct cs_account account;
    int r;

    cs_arena_init(&arena);
    cs_account_make(record, cause, &arena, &account);
    r = cs_account_tell(&account, style, false, buf);
    cs_arena_deinit(&arena);
    return r;
}
