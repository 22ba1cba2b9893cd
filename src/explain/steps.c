/* An account for a person: the steps of a mutual handshake, each done, failed or not reached;
 * then the cause, what was presented, and what to do. */
#include "explain/tell.h"

#include <errno.h>

#include "base/time.h"
#include "explain/clock.h"
#include "explain/finding.h"
#include "explain/kinds.h"
#include "explain/text.h"

#define BOLD "\033[1m"
#define GREEN "\033[1;32m"
#define RED "\033[1;31m"
#define PLAIN "\033[0m"

enum mark { MARK_DONE, MARK_FAILED, MARK_OPEN };

struct page {
    struct cs_buf *buf;
    bool colour;
    const struct cs_account *a;
    bool failed; /* a step has failed: those after it were not reached */
};

static int paint(const struct page *p, const char *code)
{
    return p->colour ? cs_buf_add_str(p->buf, cs_str_from(code)) : 0;
}

static int esc(const struct page *p, struct cs_str text)
{
    return cs_explain_escape(p->buf, text);
}

static int say(const struct page *p, const char *words)
{
    return cs_buf_add_str(p->buf, cs_str_from(words));
}

/* "label words", when there are words, behind what the line has already. */
static int part(const struct page *p, const char *label, struct cs_str words)
{
    if (!words.len)
        return 0;
    return (p->buf->ptr[p->buf->len - 1] == ' ' ? 0 : say(p, ", ")) || say(p, label) ||
           esc(p, words);
}

static int begin_step(struct page *p, bool done, const char *name)
{
    static const struct {
        const char *sign, *colour;
    } marks[] = {[MARK_DONE] = {"✓", GREEN}, [MARK_FAILED] = {"✗", RED}, [MARK_OPEN] = {"-", ""}};
    enum mark mark = p->failed ? MARK_OPEN : done ? MARK_DONE : MARK_FAILED;

    p->failed = p->failed || !done;
    return say(p, "  ") || paint(p, marks[mark].colour) || say(p, marks[mark].sign) ||
           paint(p, PLAIN) || cs_buf_addf(p->buf, " %-20s", name);
}

static int end_step(const struct page *p)
{
    while (p->buf->len && p->buf->ptr[p->buf->len - 1] == ' ')
        p->buf->len--;
    return cs_buf_add_char(p->buf, '\n');
}

/* --- the steps --- */

static bool is_code(const struct cs_account *a, const char *code)
{
    return a->cause.kind && cs_str_eq(cs_str_from(a->cause.kind->code), cs_str_from(code));
}

static bool is_connected(const struct cs_account *a)
{
    return !is_code(a, "connection-refused") && !is_code(a, "connection-timeout") &&
           !is_code(a, "connection-unreachable") && !is_code(a, "dns-failure");
}

/* It failed later: the verdict is not the one of the handshake. */
static bool was_open(const struct cs_account *a)
{
    return cs_str_eq(a->stage, cs_str_from(cs_stage_name(CS_STAGE_OPEN)));
}

static int connection(struct page *p)
{
    const struct cs_account *a = p->a;
    struct cs_str there = a->target.len ? a->target : a->peer;

    return begin_step(p, is_connected(a), "connection") || esc(p, a->server ? a->peer : a->local) ||
           say(p, " → ") || esc(p, a->server ? a->local : there) ||
           part(p, "through ", a->socket_peer) || part(p, "", a->transport.error) || end_step(p);
}

static int hello(struct page *p)
{
    const struct cs_account *a = p->a;
    bool agreed = a->tls.spoken && a->tls.version.len && a->tls.cipher.len;

    return begin_step(p, agreed, "hello") || esc(p, a->tls.version) || part(p, "", a->tls.cipher) ||
           part(p, "", a->tls.group) || part(p, "SNI ", a->sni) || part(p, "ALPN ", a->tls.alpn) ||
           end_step(p);
}

static int chain_step(struct page *p)
{
    const struct cs_account *a = p->a;
    bool refused = a->verdict.judged && !a->verdict.accepted && !was_open(a);
    bool missing = is_code(a, "certificate-missing");
    struct cs_str subject = a->n_chain ? a->chain[0].subject : CS_STR("none was presented");

    if (!a->n_chain && !missing)
        return 0; /* none is asked for, or it did not come to that */
    return begin_step(p, !refused && a->n_chain > 0,
                      a->server ? "client certificate" : "server certificate") ||
           esc(p, subject) || end_step(p);
}

static int handshake(struct page *p)
{
    return begin_step(p, p->a->tls.complete, "handshake") ||
           say(p, p->a->tls.resumed ? "resumed" : "") || end_step(p);
}

static int open_connection(struct page *p)
{
    if (!was_open(p->a))
        return 0;
    return begin_step(p, false, "open connection") || say(p, "cut") || end_step(p);
}

static int request(struct page *p)
{
    const struct cs_account *a = p->a;

    if (!a->host.len && !a->status)
        return 0;
    return begin_step(p, !a->cause.kind, "request") || esc(p, a->host) ||
           (a->status ? cs_buf_addf(p->buf, "%sstatus %d", a->host.len ? ", " : "", a->status)
                      : 0) ||
           end_step(p);
}

static int steps(struct page *p)
{
    int r;

    if (!p->a->peer.len && !p->a->target.len)
        return 0; /* about files */
    r = connection(p);
    if (p->a->tls.spoken || is_connected(p->a))
        r = r || hello(p) || chain_step(p) || handshake(p) || open_connection(p) || request(p);
    return r;
}

/* --- cause and evidence --- */

static int evidence(const struct page *p, const char *name, struct cs_str value)
{
    if (!value.len)
        return 0;
    return cs_buf_addf(p->buf, "  %-22s", name) || esc(p, value) || cs_buf_add_char(p->buf, '\n');
}

static int certificate(const struct page *p, const struct cs_account_cert *c, size_t i)
{
    return cs_buf_addf(p->buf, "  certificate %zu         ", i) || esc(p, c->subject) ||
           say(p, "\n    issued by           ") || esc(p, c->issuer) ||
           say(p, "\n    valid               ") || esc(p, c->not_before) || say(p, " to ") ||
           esc(p, c->not_after) || say(p, "\n    serial, SHA-256     ") || esc(p, c->serial) ||
           say(p, ", ") || esc(p, c->sha256) || say(p, "\n    key, signature      ") ||
           esc(p, c->key) || say(p, ", ") || esc(p, c->signature) ||
           (c->names.len ? say(p, "\n    names               ") || esc(p, c->names) : 0) ||
           cs_buf_add_char(p->buf, '\n');
}

static int alert(const struct page *p, const char *name, const struct cs_alert *alert)
{
    if (alert->number < 0)
        return 0;
    return cs_buf_addf(p->buf, "  %-22s%d ", name, alert->number) || esc(p, alert->text) ||
           cs_buf_add_char(p->buf, '\n');
}

static int list(const struct page *p, const char *name, const struct cs_account_list *l)
{
    int r = 0;

    for (size_t i = 0; i < l->n; i++)
        r = r || evidence(p, i ? "" : name, l->items[i]);
    if (l->n < l->total)
        r = r || cs_buf_addf(p->buf, "  %-22sand %zu more\n", "", l->total - l->n);
    return r;
}

static int when(const struct page *p)
{
    char iso[CS_TIME_TEXT];

    return p->a->time_ms ? evidence(p, "time", cs_time_iso(p->a->time_ms / 1000, iso)) : 0;
}

static int clock_fact(const struct page *p)
{
    struct cs_arena arena = {0};
    int r = 0;

    if (p->a->clock.known)
        r = evidence(p, "clock here", cs_clock_text(&p->a->clock.facts, p->a->time_ms, &arena));
    cs_arena_deinit(&arena);
    return r;
}

static int facts(const struct page *p)
{
    const struct cs_account *a = p->a;
    int r = when(p) || clock_fact(p) || evidence(p, "incident", a->incident) ||
            evidence(p, "stage", a->stage) ||
            evidence(p, a->server ? "server" : "upstream", a->server_name) ||
            evidence(p, "stream", a->transport.ending) ||
            evidence(p, "first bytes", a->transport.first) ||
            alert(p, "alert sent", &a->tls.alert_sent) ||
            alert(p, "alert received", &a->tls.alert_received) ||
            evidence(p, "last message sent", a->tls.last_sent) ||
            evidence(p, "last message received", a->tls.last_received);

    for (size_t i = 0; i < a->n_chain; i++)
        r = r || certificate(p, &a->chain[i], i);
    return r || list(p, "CA names asked for", &a->tls.asked_names) || list(p, "trusted", &a->trust);
}

/* Remarks about the chain besides the cause. */
static int remarks(const struct page *p)
{
    int r = 0;

    for (const struct cs_finding *f = p->a->findings; f; f = f->next) {
        if (f->kind == p->a->cause.kind)
            continue;
        r = r || cs_explain_finding(f, CS_EXPLAIN_TEXT, p->colour, p->buf);
    }
    return r;
}

static int blame(const struct page *p)
{
    const char *who = cs_blame_name(&p->a->cause, p->a->server);

    if (!*who)
        return 0;
    return say(p, "  ") || paint(p, BOLD) || say(p, "usually due to:") || paint(p, PLAIN) ||
           say(p, " ") || say(p, who) || say(p, "\n");
}

static int likely(const struct page *p)
{
    struct cs_str code = cs_likely_code(&p->a->cause);

    return code.len ? cs_buf_addf(p->buf, "  likely: %.*s\n", CS_FMT(code)) : 0;
}

static int conclusion(const struct page *p)
{
    if (!p->a->cause.kind)
        return say(p, "nothing failed\n");
    return cs_explain_finding(&p->a->cause, CS_EXPLAIN_TEXT, p->colour, p->buf) || blame(p) ||
           likely(p) || cs_buf_addf(p->buf, "  code: %s\n", p->a->cause.kind->code);
}

int cs_account_text(const struct cs_account *account, bool colour, struct cs_buf *buf)
{
    struct page page = {.buf = buf, .colour = colour, .a = account};
    int r;

    if (account->repeats)
        return cs_account_line(account, buf) || cs_buf_add_char(buf, '\n') ? -ENOBUFS : 0;
    r = steps(&page) || conclusion(&page) || remarks(&page) || say(&page, "facts:\n") ||
        facts(&page);

    return r ? -ENOBUFS : 0;
}

int cs_account_tell(const struct cs_account *account, enum cs_account_style style, bool colour,
                    struct cs_buf *buf)
{
    switch (style) {
    case CS_ACCOUNT_LINE: return cs_account_line(account, buf);
    case CS_ACCOUNT_TEXT: return cs_account_text(account, colour, buf);
    case CS_ACCOUNT_JSON: return cs_account_json(account, buf);
    }
    return -EINVAL;
}
