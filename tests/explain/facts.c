/* A table of names; each puts its value where the record has it. */
#include "facts.h"

#include "explain/kinds.h"
#include "golden.h"
#include "policy/findings.h"
#include "x509/pem.h"
#include "x509/trust.h"

#define CERTS_MAX 16

struct reader {
    struct facts *f;
    struct cs_arena *arena;
};

static int64_t number(struct cs_str text)
{
    uint64_t n = 0;

    cs_assert(cs_str_to_u64(text, INT64_MAX, &n) == 0);
    return (int64_t)n;
}

static int hex(char c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* \xHH, \r and \n as bytes. */
static struct cs_str bytes(struct reader *r, struct cs_str text)
{
    char *out = cs_arena_raw(r->arena, text.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\\') {
            out[n++] = text.ptr[i];
        } else if (text.ptr[i + 1] == 'x') {
            out[n++] = (char)(hex(text.ptr[i + 2]) << 4 | hex(text.ptr[i + 3]));
            i += 3;
        } else {
            out[n++] = text.ptr[++i] == 'r' ? '\r' : '\n';
        }
    }
    return cs_str_make(out, n);
}

static struct cs_str file(struct reader *r, struct cs_str name)
{
    struct cs_str text = {0};

    cs_assert(golden_read(cs_arena_printf(r->arena, "%.*s", CS_FMT(name)).ptr, r->arena, &text) ==
              0);
    return text;
}

static const struct cs_str *ders(struct reader *r, struct cs_str name, size_t *ret_n)
{
    struct cs_str rest = file(r, name);
    struct cs_str *out = cs_arena_array(r->arena, CERTS_MAX, sizeof(*out));
    struct cs_pem_block block;

    for (*ret_n = 0; *ret_n < CERTS_MAX && cs_pem_next(&rest, r->arena, &block) == 1; ++*ret_n)
        out[*ret_n] = block.der;
    return out;
}

static const struct cs_cert *certs(struct reader *r, struct cs_str name, size_t *ret_n)
{
    const struct cs_str *all = ders(r, name, ret_n);
    struct cs_cert *out = cs_arena_array(r->arena, CERTS_MAX, sizeof(*out));
    struct cs_findings findings;

    cs_findings_init(&findings, r->arena);
    for (size_t i = 0; i < *ret_n; i++)
        cs_assert(cs_cert_parse(all[i], r->arena, &findings, &out[i]) == 0);
    return out;
}

static void take_chain(struct reader *r, struct cs_str value)
{
    struct cs_verdict *v = &r->f->verdict;

    r->f->handshake.chain = ders(r, value, &r->f->handshake.n_chain);
    v->presented = certs(r, value, &v->n_presented);
    v->leaf = &v->presented[0];
}

static void take_trust(struct reader *r, struct cs_str value)
{
    struct cs_source source = {.bytes = file(r, value)};
    struct cs_trust_spec spec = {.cas = &source, .n_cas = 1, .n_named = 1};
    struct cs_findings findings;

    cs_findings_init(&findings, r->arena);
    cs_assert(cs_trust_new(&spec, &findings, &r->f->trust) == 0);
    r->f->record.trust = r->f->trust;
}

static void take_asked_names(struct reader *r, struct cs_str value)
{
    size_t n;
    const struct cs_cert *all = certs(r, value, &n);
    struct cs_str *names = cs_arena_array(r->arena, n + 1, sizeof(*names));

    for (size_t i = 0; i < n; i++)
        names[i] = all[i].subject;
    r->f->breakdown.asked_names = names;
    r->f->breakdown.n_asked_names = n;
}

static void take_finding(struct reader *r, struct cs_str value)
{
    struct cs_verdict *v = &r->f->verdict;
    struct cs_str operands[CS_FINDING_OPERANDS] = {0};
    const struct cs_finding_kind *kind = cs_kind_find(cs_str_cut(&value, '|'));

    cs_assert(kind != NULL);
    for (size_t i = 0; i < CS_FINDING_OPERANDS && value.ptr; i++)
        operands[i] = cs_str_cut(&value, '|');
    if (!v->findings.arena)
        cs_findings_init(&v->findings, r->arena);
    cs_findings_add(&v->findings, kind, NULL, operands, CS_FINDING_OPERANDS);
    v->error = CS_X509_ERR_UNSPECIFIED;
    r->f->record.verdict = v;
    if (!v->cause && kind->severity == CS_SEVERITY_ERROR)
        v->cause = v->findings.last;
}

static void take_decision(struct reader *r, struct cs_str value)
{
    const struct cs_finding_kind *kind = cs_kind_find(cs_str_cut(&value, '|'));
    struct cs_identity_rule *rule = CS_ARENA_NEW(r->arena, struct cs_identity_rule);
    bool rules = kind == &cs_policy_found_policy_denied;

    cs_assert(kind != NULL);
    *rule = (struct cs_identity_rule){
        .text = value, .place = {.file = CS_STR("/etc/nginx/nginx.conf"), .line = 12}};
    r->f->decision =
        (struct cs_decision){.about = rules ? CS_DECISION_IDENTITY : CS_DECISION_CONNECTION,
                             .status = kind->status,
                             .kind = kind,
                             .denied_by = value.ptr ? rule : NULL};
    r->f->record.decision = &r->f->decision;
}

static void take_alert(struct cs_alert *alert, struct cs_str value)
{
    alert->number = (int16_t)number(cs_str_cut(&value, ' '));
    alert->fatal = true;
    alert->text = value;
}

static void take_messages(struct cs_messages *messages, struct cs_str value)
{
    while (value.ptr && value.len) {
        struct cs_str name = cs_str_cut(&value, ' ');
        for (uint8_t i = 1; i < 32; i++) {
            if (!cs_str_eq(cs_message_name(i), name))
                continue;
            messages->seen |= 1u << i;
            messages->last = i;
        }
    }
}

static int find_name(const char *(*name_of)(int i), struct cs_str name)
{
    int i = 0;

    while (!cs_str_eq(cs_str_from(name_of(i)), name))
        cs_assert(++i < 64);
    return i;
}

static const char *ending(int i)
{
    return i <= CS_ENDING_FAULT ? cs_ending_name((enum cs_ending)i) : "";
}

static const char *broken(int i)
{
    return i <= CS_BREAK_OTHER ? cs_break_name((enum cs_break)i) : "";
}

static const char *stage(int i)
{
    return i <= CS_STAGE_DONE ? cs_stage_name((enum cs_stage)i) : "";
}

static void take_addr(struct cs_addr *addr, struct cs_str value)
{
    struct cs_str ip = cs_str_cut(&value, ' ');

    cs_assert(cs_addr_parse_ip(ip, (uint16_t)number(value), addr) == 0);
}

/* Facts that are texts. */
static struct cs_str *text_of(struct facts *f, struct cs_str name)
{
    const struct {
        const char *name;
        struct cs_str *at;
    } rows[] = {
        {"target", &f->transport.target},
        {"location", &f->route.location},
        {"reason", &f->transport.reason},
        {"upgrade", &f->transport.upgrade},
        {"upgrade-fault", &f->transport.upgrade_fault},
        {"name", &f->record.server},
        {"host", &f->record.host},
        {"incident", &f->record.incident},
        {"sni", &f->handshake.sni},
        {"version", &f->handshake.protocol},
        {"cipher", &f->handshake.cipher},
        {"group", &f->handshake.group},
        {"alpn", &f->handshake.alpn},
        {"library", &f->handshake.failure},
        {"own-key", &f->breakdown.own_key},
        {"own-versions", &f->breakdown.own.versions},
        {"own-ciphers", &f->breakdown.own.ciphers},
        {"own-groups", &f->breakdown.own.groups},
        {"own-sigalgs", &f->breakdown.own.sigalgs},
        {"own-alpn", &f->breakdown.own.alpn},
        {"offered-versions", &f->breakdown.offered.versions},
        {"offered-ciphers", &f->breakdown.offered.ciphers},
        {"offered-groups", &f->breakdown.offered.groups},
        {"offered-sigalgs", &f->breakdown.offered.sigalgs},
        {"offered-alpn", &f->breakdown.offered.alpn},
        {"asked-sigalgs", &f->breakdown.asked_sigalgs},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (cs_str_eq(cs_str_from(rows[i].name), name))
            return rows[i].at;
    }
    return NULL;
}

static bool is(struct cs_str name, const char *wanted)
{
    return cs_str_eq(name, cs_str_from(wanted));
}

static bool take_transport(struct reader *r, struct cs_str name, struct cs_str value)
{
    struct cs_transport *t = &r->f->transport;

    if (is(name, "plain"))
        t->tls = false;
    else if (is(name, "ending"))
        t->ending = (enum cs_ending)find_name(ending, value);
    else if (is(name, "error"))
        t->error = (int)number(value);
    else if (is(name, "first"))
        t->first = bytes(r, value);
    else if (is(name, "in"))
        t->bytes_in = r->f->handshake.bytes_in = (uint64_t)number(value);
    else if (is(name, "out"))
        t->bytes_out = (uint64_t)number(value);
    else if (is(name, "limit"))
        t->limit_ms = number(value);
    else if (is(name, "proxy"))
        t->proxy_fault = (enum cs_proxy_fault)number(value);
    else
        return false;
    return true;
}

static bool take_handshake(struct reader *r, struct cs_str name, struct cs_str value)
{
    struct cs_handshake *h = &r->f->handshake;

    if (is(name, "no-handshake"))
        r->f->record.handshake = NULL;
    else if (is(name, "broken"))
        h->broken = (enum cs_break)find_name(broken, value);
    else if (is(name, "complete"))
        h->complete = true;
    else if (is(name, "resumed"))
        h->resumed = true;
    else if (is(name, "asked"))
        h->certificate_asked = true;
    else if (is(name, "sent"))
        take_messages(&h->sent, value);
    else if (is(name, "received"))
        take_messages(&h->received, value);
    else if (is(name, "alert-sent"))
        take_alert(&h->alert_sent, value);
    else if (is(name, "alert-received"))
        take_alert(&h->alert_received, value);
    else if (is(name, "own-chain"))
        r->f->breakdown.own_chain = ders(r, value, &r->f->breakdown.n_own_chain);
    else
        return false;
    return true;
}

static bool take_clock(struct reader *r, struct cs_str name, struct cs_str value)
{
    struct cs_clock *c = &r->f->clock;

    if (is(name, "clock-kernel")) {
        c->kernel_known = true;
        c->synchronised = !is(value, "adrift");
        c->error_ms = c->synchronised ? number(value) : 0;
    } else if (is(name, "clock-ahead") || is(name, "clock-behind")) {
        c->measured = true;
        c->source = cs_str_cut(&value, ' ');
        c->ahead_ms = is(name, "clock-ahead") ? number(value) : -number(value);
    } else if (is(name, "clock-peer")) {
        c->peer_known = true;
        c->peer_sec = number(value);
    } else {
        return false;
    }
    r->f->record.clock = c;
    return true;
}

static void take_awaited(struct facts *f, struct cs_str value)
{
    f->awaited.since_sec = number(cs_str_cut(&value, ' '));
    f->awaited.why = value;
    f->record.awaited = &f->awaited;
}

static bool take_record(struct reader *r, struct cs_str name, struct cs_str value)
{
    struct facts *f = r->f;

    if (is(name, "side"))
        f->transport.outgoing = !(f->handshake.server = is(value, "server"));
    else if (is(name, "stage"))
        f->record.stage = (enum cs_stage)find_name(stage, value);
    else if (is(name, "peer"))
        take_addr(&f->peer.addr, value);
    else if (is(name, "socket-peer"))
        take_addr(&f->peer.socket_addr, value);
    else if (is(name, "local"))
        take_addr(&f->peer.local, value);
    else if (is(name, "now"))
        f->record.now_ms = 1000 * number(value);
    else if (is(name, "awaited"))
        take_awaited(f, value);
    else if (is(name, "chain"))
        take_chain(r, value);
    else if (is(name, "trust"))
        take_trust(r, value);
    else if (is(name, "asked-names"))
        take_asked_names(r, value);
    else if (is(name, "accepted")) {
        f->verdict.accepted = true;
        f->record.verdict = &f->verdict;
    } else if (is(name, "finding"))
        take_finding(r, value);
    else if (is(name, "decision"))
        take_decision(r, value);
    else if (is(name, "status")) {
        f->outcome.status = (int)number(value);
        f->record.outcome = &f->outcome;
    } else
        return false;
    return true;
}

static void take(struct reader *r, struct cs_str line)
{
    struct cs_str name = cs_str_cut(&line, ' ');
    struct cs_str *text = text_of(r->f, name);

    if (text)
        *text = line;
    else
        cs_assert(take_transport(r, name, line) || take_handshake(r, name, line) ||
                  take_record(r, name, line) || take_clock(r, name, line));
}

void facts_read(struct cs_str text, struct cs_arena *arena, struct facts *ret_facts)
{
    struct facts *f = ret_facts;
    struct reader reader = {f, arena};

    *f = (struct facts){.transport.tls = true, .handshake.server = true};
    f->handshake.alert_sent.number = f->handshake.alert_received.number = -1;
    f->handshake.breakdown = &f->breakdown;
    f->record = (struct cs_record){.stage = CS_STAGE_HANDSHAKE,
                                   .peer = &f->peer,
                                   .transport = &f->transport,
                                   .handshake = &f->handshake};
    while (text.ptr) {
        struct cs_str line = cs_str_cut(&text, '\n');
        if (line.len && line.ptr[0] != '#')
            take(&reader, line);
    }
    if (f->route.location.len) {
        f->route.server = f->record.server;
        f->record.target = &f->route;
    }
    if (!f->peer.socket_addr.len)
        f->peer.socket_addr = f->peer.addr;
    if (f->record.now_ms && f->record.handshake) {
        f->handshake.start_ms = f->record.now_ms - 17;
        f->handshake.end_ms = f->record.now_ms;
    }
}

void facts_deinit(struct facts *facts)
{
    cs_trust_unref(facts->trust);
}
