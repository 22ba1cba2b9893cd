/* An account as one JSON object, from which the account can be made again: every member is a
 * field of struct cs_account under its own name, and what is absent is absent. */
#include "explain/tell.h"

#include <errno.h>

#include "base/time.h"
#include "explain/finding.h"
#include "explain/kinds.h"
#include "explain/text.h"

/* A comma unless something was just opened, then the key. */
static int key(struct cs_buf *buf, const char *name)
{
    char last = buf->len ? buf->ptr[buf->len - 1] : '{';
    int r = last == '{' || last == '[' ? 0 : cs_buf_add_char(buf, ',');

    return r || cs_buf_addf(buf, "\"%s\":", name);
}

static int text(struct cs_buf *buf, const char *name, struct cs_str value)
{
    if (!value.len)
        return 0;
    return key(buf, name) || cs_buf_add_json(buf, value);
}

static int number(struct cs_buf *buf, const char *name, int64_t value)
{
    return key(buf, name) || cs_buf_addf(buf, "%lld", (long long)value);
}

static int number_unless_zero(struct cs_buf *buf, const char *name, int64_t value)
{
    return value ? number(buf, name, value) : 0;
}

static int flag(struct cs_buf *buf, const char *name, bool value)
{
    return key(buf, name) || cs_buf_add_str(buf, value ? CS_STR("true") : CS_STR("false"));
}

static int texts(struct cs_buf *buf, const char *name, const struct cs_str *items, size_t n)
{
    int r = key(buf, name) || cs_buf_add_char(buf, '[');

    for (size_t i = 0; i < n; i++)
        r = r || (i && cs_buf_add_char(buf, ',')) || cs_buf_add_json(buf, items[i]);
    return r || cs_buf_add_char(buf, ']');
}

/* A list that was cut short says how long it was. */
static int list(struct cs_buf *buf, const char *name, const char *total,
                const struct cs_account_list *l)
{
    if (!l->total)
        return 0;
    return texts(buf, name, l->items, l->n) ||
           (l->n < l->total ? number(buf, total, (int64_t)l->total) : 0);
}

/* An object that says nothing is taken back. */
static int close_object(struct cs_buf *buf, size_t before)
{
    if (buf->ptr[buf->len - 1] == '{') {
        buf->len = before;
        return 0;
    }
    return cs_buf_add_char(buf, '}');
}

static int open_object(struct cs_buf *buf, const char *name, size_t *ret_before)
{
    *ret_before = buf->len;
    return key(buf, name) || cs_buf_add_char(buf, '{');
}

/* --- the cause --- */

static int clause(struct cs_buf *buf, const char *name, const char *template,
                  const struct cs_finding *f)
{
    struct cs_buf words;
    int r;

    if (!template)
        return 0;
    cs_buf_init(&words, buf->max);
    r = cs_explain_template(&words, template, f->operands, CS_FINDING_OPERANDS) ||
        text(buf, name, cs_buf_str(&words));
    cs_buf_deinit(&words);
    return r;
}

static int operands(struct cs_buf *buf, const struct cs_finding *f)
{
    size_t n = CS_FINDING_OPERANDS;

    while (n && !f->operands[n - 1].len)
        n--;
    return n ? texts(buf, "operands", f->operands, n) : 0;
}

static int cause(struct cs_buf *buf, const struct cs_account *a)
{
    const struct cs_finding *f = &a->cause;

    if (!f->kind)
        return 0;
    if (a->repeats)
        return text(buf, "code", cs_str_from(f->kind->code));
    return text(buf, "code", cs_str_from(f->kind->code)) ||
           text(buf, "likely", cs_likely_code(f)) ||
           text(buf, "blame", cs_str_from(cs_blame_name(f, a->server))) ||
           clause(buf, "primary", f->kind->primary, f) ||
           clause(buf, "detail", f->kind->detail, f) || clause(buf, "hint", f->kind->hint, f) ||
           operands(buf, f);
}

/* --- facts --- */

static int when(struct cs_buf *buf, int64_t ms)
{
    char iso[CS_TIME_TEXT];

    if (!ms)
        return 0;
    return text(buf, "time", cs_time_iso(ms / 1000, iso)) || number(buf, "time_ms", ms);
}

static int where(struct cs_buf *buf, const struct cs_account *a)
{
    return text(buf, "side", a->server ? CS_STR("server") : CS_STR("client")) ||
           text(buf, "stage", a->stage) || text(buf, "peer", a->peer) ||
           text(buf, "socket_peer", a->socket_peer) || text(buf, "local", a->local) ||
           text(buf, "target", a->target) || text(buf, "server", a->server_name) ||
           text(buf, "sni", a->sni) || text(buf, "host", a->host) ||
           number_unless_zero(buf, "status", a->status);
}

static int transport(struct cs_buf *buf, const struct cs_account *a)
{
    size_t before;

    return open_object(buf, "transport", &before) || text(buf, "ending", a->transport.ending) ||
           text(buf, "error", a->transport.error) || text(buf, "first", a->transport.first) ||
           number_unless_zero(buf, "bytes_in", (int64_t)a->transport.bytes_in) ||
           number_unless_zero(buf, "bytes_out", (int64_t)a->transport.bytes_out) ||
           close_object(buf, before);
}

static int alert(struct cs_buf *buf, const char *name, const struct cs_alert *al)
{
    size_t before;

    if (al->number < 0)
        return 0;
    return open_object(buf, name, &before) || number(buf, "number", al->number) ||
           text(buf, "name", al->text) || flag(buf, "fatal", al->fatal) ||
           close_object(buf, before);
}

static int terms(struct cs_buf *buf, const char *name, const struct cs_terms *t)
{
    size_t before;

    return open_object(buf, name, &before) || text(buf, "versions", t->versions) ||
           text(buf, "ciphers", t->ciphers) || text(buf, "groups", t->groups) ||
           text(buf, "sigalgs", t->sigalgs) || text(buf, "alpn", t->alpn) ||
           close_object(buf, before);
}

static int tls(struct cs_buf *buf, const struct cs_account *a)
{
    size_t before;

    if (!a->tls.spoken)
        return 0;
    return open_object(buf, "tls", &before) || text(buf, "version", a->tls.version) ||
           text(buf, "cipher", a->tls.cipher) || text(buf, "group", a->tls.group) ||
           text(buf, "sigalg", a->tls.sigalg) || text(buf, "client_sigalg", a->tls.client_sigalg) ||
           text(buf, "alpn", a->tls.alpn) || flag(buf, "complete", a->tls.complete) ||
           flag(buf, "resumed", a->tls.resumed) || alert(buf, "alert_sent", &a->tls.alert_sent) ||
           alert(buf, "alert_received", &a->tls.alert_received) ||
           text(buf, "broken", a->tls.broken) || text(buf, "library", a->tls.library) ||
           terms(buf, "own", &a->tls.own) || terms(buf, "offered", &a->tls.offered) ||
           text(buf, "last_sent", a->tls.last_sent) ||
           text(buf, "last_received", a->tls.last_received) ||
           flag(buf, "certificate_asked", a->tls.certificate_asked) ||
           text(buf, "own_key", a->tls.own_key) ||
           text(buf, "asked_sigalgs", a->tls.asked_sigalgs) ||
           list(buf, "asked_names", "asked_names_total", &a->tls.asked_names) ||
           number_unless_zero(buf, "start_ms", a->tls.start_ms) ||
           number_unless_zero(buf, "end_ms", a->tls.end_ms) || close_object(buf, before);
}

static int verdict(struct cs_buf *buf, const struct cs_account *a)
{
    size_t before;

    if (!a->verdict.judged)
        return 0;
    return open_object(buf, "verdict", &before) || flag(buf, "accepted", a->verdict.accepted) ||
           number(buf, "error", a->verdict.error) || number(buf, "depth", a->verdict.depth) ||
           text(buf, "reason", a->verdict.reason) || close_object(buf, before);
}

static int clock_facts(struct cs_buf *buf, const struct cs_account *a)
{
    const struct cs_clock *c = &a->clock.facts;
    char peer[CS_TIME_TEXT];
    size_t before;

    if (!a->clock.known)
        return 0;
    return open_object(buf, "clock", &before) ||
           (c->kernel_known
                ? flag(buf, "synchronised", c->synchronised) || number(buf, "error_ms", c->error_ms)
                : 0) ||
           (c->measured ? number(buf, "ahead_ms", c->ahead_ms) ||
                              number(buf, "age_ms", c->age_ms) || text(buf, "source", c->source)
                        : 0) ||
           (c->peer_known ? text(buf, "peer", cs_time_iso(c->peer_sec, peer)) : 0) ||
           close_object(buf, before);
}

static int certificate(struct cs_buf *buf, const struct cs_account_cert *c)
{
    return cs_buf_add_char(buf, '{') || text(buf, "subject", c->subject) ||
           text(buf, "issuer", c->issuer) || text(buf, "serial", c->serial) ||
           text(buf, "sha256", c->sha256) || text(buf, "not_before", c->not_before) ||
           text(buf, "not_after", c->not_after) || text(buf, "names", c->names) ||
           text(buf, "key", c->key) || text(buf, "signature", c->signature) ||
           text(buf, "key_usage", c->key_usage) || text(buf, "eku", c->eku) ||
           text(buf, "ski", c->ski) || text(buf, "aki", c->aki) || flag(buf, "ca", c->ca) ||
           cs_buf_add_char(buf, '}');
}

static int chain(struct cs_buf *buf, const struct cs_account *a)
{
    int r;

    if (!a->n_chain)
        return 0;
    r = key(buf, "chain") || cs_buf_add_char(buf, '[');
    for (size_t i = 0; i < a->n_chain; i++)
        r = r || (i && cs_buf_add_char(buf, ',')) || certificate(buf, &a->chain[i]);
    return r || cs_buf_add_char(buf, ']');
}

static int findings(struct cs_buf *buf, const struct cs_account *a)
{
    int r;

    if (!a->findings)
        return 0;
    r = key(buf, "findings") || cs_buf_add_char(buf, '[');
    for (const struct cs_finding *f = a->findings; f; f = f->next)
        r = r || (f != a->findings && cs_buf_add_char(buf, ',')) ||
            cs_explain_finding(f, CS_EXPLAIN_JSON, false, buf);
    return r || cs_buf_add_char(buf, ']');
}

/* Repeated by peers too many to be told one by one. */
static int crowd(struct cs_buf *buf, const struct cs_account *a)
{
    return a->repeats && !a->peer.len ? flag(buf, "crowd", true) : 0;
}

int cs_account_json(const struct cs_account *account, struct cs_buf *buf)
{
    int r = cs_buf_add_char(buf, '{');

    r = r || when(buf, account->time_ms) || text(buf, "incident", account->incident) ||
        number_unless_zero(buf, "repeats", (int64_t)account->repeats) ||
        number_unless_zero(buf, "repeats_ms", account->repeats_ms) || crowd(buf, account) ||
        cause(buf, account) || where(buf, account) || transport(buf, account) ||
        tls(buf, account) || verdict(buf, account) || clock_facts(buf, account) ||
        chain(buf, account) || findings(buf, account) ||
        list(buf, "trust", "trust_total", &account->trust) ||
        text(buf, "identity", account->identity) || cs_buf_add_char(buf, '}');
    return r ? -ENOBUFS : 0;
}
