/* An account as one line of a log: the finding first, then who, where, with what. */
#include "explain/tell.h"

#include <errno.h>

#include "explain/clock.h"
#include "explain/finding.h"
#include "explain/kinds.h"
#include "explain/text.h"

enum { FINDING_MAX = 2048 }; /* a log line has 4096 */

static int fact(struct cs_buf *buf, const char *name, struct cs_str value)
{
    if (!value.len)
        return 0;
    return cs_buf_addf(buf, ", %s: ", name) || cs_explain_escape(buf, value);
}

static int quoted(struct cs_buf *buf, const char *name, struct cs_str value)
{
    if (!value.len)
        return 0;
    return cs_buf_addf(buf, ", %s: \"", name) || cs_explain_escape(buf, value) ||
           cs_buf_add_char(buf, '"');
}

/* The certificate that the verdict is about, else the leaf. */
static int certificate(struct cs_buf *buf, const struct cs_account *a)
{
    size_t i = a->verdict.judged && !a->verdict.accepted ? (size_t)a->verdict.depth : 0;
    const struct cs_account_cert *c;

    if (!a->n_chain)
        return 0;
    i = i < a->n_chain ? i : 0;
    c = &a->chain[i];
    return (i ? cs_buf_addf(buf, ", certificate %zu of %zu", i, a->n_chain - 1) : 0) ||
           quoted(buf, "subject", c->subject) || quoted(buf, "issuer", c->issuer) ||
           fact(buf, "serial", c->serial) || fact(buf, "sha256", c->sha256);
}

static int likely(struct cs_buf *buf, const struct cs_account *a)
{
    return a->cause.kind ? fact(buf, "likely", cs_likely_code(&a->cause)) : 0;
}

static int took(struct cs_buf *buf, const struct cs_account *a)
{
    int64_t end = a->tls.end_ms ? a->tls.end_ms : a->time_ms;

    if (!a->tls.start_ms || end < a->tls.start_ms)
        return 0;
    return cs_buf_addf(buf, ", after: %lld ms", (long long)(end - a->tls.start_ms));
}

static int clock_fact(struct cs_buf *buf, const struct cs_account *a)
{
    struct cs_arena arena = {0};
    int r = 0;

    if (a->clock.known && a->cause.kind && cs_clock_matters(a->cause.kind))
        r = quoted(buf, "clock", cs_clock_text(&a->clock.facts, a->time_ms, &arena));
    cs_arena_deinit(&arena);
    return r;
}

/* The finding, cut short where a peer's names are endless, so that the rest of the line stays. */
static int finding(struct cs_buf *buf, const struct cs_finding *f)
{
    struct cs_buf words;
    int r;

    cs_buf_init(&words, FINDING_MAX);
    r = cs_explain_line(f, &words);
    r = cs_buf_add_str(buf, cs_buf_str(&words)) ||
        (r && cs_buf_addf(buf, "... [%s]", f->kind->code));
    cs_buf_deinit(&words);
    return r;
}

static int repeats(struct cs_buf *buf, const struct cs_account *a)
{
    return cs_buf_addf(buf, "%llu more like incident ", (unsigned long long)a->repeats) ||
           cs_buf_add_str(buf, a->incident) ||
           cs_buf_addf(buf, " in the last %lld s [%s]", (long long)(a->repeats_ms + 500) / 1000,
                       a->cause.kind ? a->cause.kind->code : "unknown") ||
           fact(buf, a->server ? "client" : "peer", a->peer.len ? a->peer : CS_STR("several")) ||
           quoted(buf, a->server ? "server" : "upstream", a->server_name);
}

int cs_account_line(const struct cs_account *account, struct cs_buf *buf)
{
    const struct cs_account *a = account;
    int r;

    if (a->repeats)
        return repeats(buf, a) ? -ENOBUFS : 0;
    r = a->cause.kind ? finding(buf, &a->cause) : cs_buf_add_str(buf, CS_STR("nothing failed"));
    r = r || fact(buf, "incident", a->incident) ||
        fact(buf, a->server ? "client" : "peer", a->peer) || likely(buf, a) ||
        quoted(buf, "SNI", a->sni) ||
        quoted(buf, a->server ? "server" : "upstream", a->server_name) ||
        quoted(buf, "host", a->host) || certificate(buf, a) || fact(buf, "TLS", a->tls.version) ||
        fact(buf, "stage", a->stage) || took(buf, a) || clock_fact(buf, a);
    return r ? -ENOBUFS : 0;
}
