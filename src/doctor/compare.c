/* Changes are rows: a name, and a function that changes the plan or says that it does not apply. */
#include "doctor/compare.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "explain/finding.h"
#include "x509/name.h"
#include "x509/pem.h"
#include "x509/trust.h"

/* Certificates that a completed chain may have, and room for them. */
enum { CHAIN_MAX = 8, PEM_MAX = 256 << 10, WORDS_MAX = 4096 };

/* ---- the chain completed ---- */

static bool issued(const struct cs_cert *issuer, const struct cs_cert *cert)
{
    return !cs_cert_self_issued(issuer) && cs_name_eq(issuer->subject, cert->issuer) &&
           (!issuer->ski.len || !cert->aki.len || cs_str_eq(issuer->ski, cert->aki));
}

static const struct cs_cert *issuer_of(const struct cs_cert *cert, const struct cs_trust *trust)
{
    size_t n;
    const struct cs_cert *cas = cs_trust_certs(trust, &n);

    for (size_t i = 0; i < n; i++) {
        if (issued(&cas[i], cert))
            return &cas[i];
    }
    return NULL;
}

/* The last certificate of @pem. Return: whether there is one. */
static bool last_cert(struct cs_str pem, struct cs_arena *arena, struct cs_cert *ret_cert)
{
    struct cs_findings ignored;
    struct cs_pem_block block;
    bool found = false;

    cs_findings_init(&ignored, arena);
    while (cs_pem_next(&pem, arena, &block) == 1) {
        if (cs_str_eq(block.label, CS_STR("CERTIFICATE")))
            found = cs_cert_parse(block.der, arena, &ignored, ret_cert) == 0;
    }
    return found;
}

struct cs_str cs_compare_complete(struct cs_str chain_pem, const struct cs_trust *trust,
                                  struct cs_arena *arena)
{
    struct cs_str whole = {0};
    const struct cs_cert *next;
    struct cs_cert last;
    struct cs_buf buf;
    size_t added = 0;

    if (!last_cert(chain_pem, arena, &last))
        return whole;
    cs_buf_init(&buf, PEM_MAX);
    if (cs_buf_add_str(&buf, chain_pem) < 0 || cs_buf_add_char(&buf, '\n') < 0)
        added = CHAIN_MAX;
    next = issuer_of(&last, trust);
    for (; next && added < CHAIN_MAX; added++) {
        if (cs_pem_write(&buf, CS_STR("CERTIFICATE"), next->der) < 0)
            break;
        whole = cs_buf_str(&buf);
        next = issuer_of(next, trust);
    }
    whole = cs_arena_dup(arena, whole);
    cs_buf_deinit(&buf);
    return whole;
}

/* ---- changes ---- */

struct changed {
    struct cs_probe_plan plan;
    struct cs_tls_pair pair;
    const struct cs_visit *visit; /* without the change */
    struct cs_arena *arena;
};

static bool tls12(struct changed *c)
{
    c->plan.protocols = CS_TLS_1_2;
    return true;
}

static bool tls13(struct changed *c)
{
    c->plan.protocols = CS_TLS_1_3;
    return true;
}

static bool no_sni(struct changed *c)
{
    bool applies = c->plan.sni.len != 0;

    c->plan.sni = (struct cs_str){0};
    return applies;
}

static bool no_certificate(struct changed *c)
{
    bool applies = c->plan.pair != NULL;

    c->plan.pair = NULL;
    return applies;
}

static bool whole_chain(struct changed *c)
{
    struct cs_str whole = {0};

    if (c->plan.pair)
        whole = cs_compare_complete(c->plan.pair->chain_pem, c->plan.trust, c->arena);
    if (!whole.len)
        return false;
    c->pair = *c->plan.pair;
    c->pair.chain_pem = whole;
    c->plan.pair = &c->pair;
    return true;
}

static bool no_alpn(struct changed *c)
{
    bool applies = c->plan.alpn != NULL;

    c->plan.alpn = NULL;
    return applies;
}

static bool small_hello(struct changed *c)
{
    c->plan.groups = CS_STR("X25519:P-256:P-384");
    return true;
}

/* Only where the server did not even answer: a header that is not expected breaks everything. */
static bool proxy_header(struct changed *c)
{
    const struct cs_handshake *h = c->visit->handshake;

    c->plan.proxy_protocol = !c->plan.proxy_protocol;
    return h && !h->received.seen;
}

static const struct {
    const char *name;
    bool (*change)(struct changed *changed);
} rows[] = {
    {"with TLS 1.2 only", tls12},
    {"with TLS 1.3 only", tls13},
    {"without the name of the server (SNI)", no_sni},
    {"without the client certificate", no_certificate},
    {"with the chain of the client certificate completed", whole_chain},
    {"without application protocols (ALPN)", no_alpn},
    {"with a small ClientHello (no post-quantum groups)", small_hello},
    {"with the PROXY header the other way", proxy_header},
};

/* ---- the whole ---- */

static struct cs_str words_of(const struct cs_finding *cause, struct cs_arena *arena)
{
    struct cs_str words;
    struct cs_buf buf;

    cs_buf_init(&buf, WORDS_MAX);
    (void)!cs_explain_primary(cause, &buf);
    words = cs_arena_dup(arena, cs_buf_str(&buf));
    cs_buf_deinit(&buf);
    return words;
}

static struct cs_str code_of(const struct cs_visit *visit)
{
    return visit->n_causes ? cs_str_from(visit->causes[0]->kind->code) : (struct cs_str){0};
}

static int attempt(const struct changed *c, const char *name, struct cs_attempt *ret_attempt)
{
    struct cs_visit *visit = CS_NEW(struct cs_visit);
    struct cs_str before = code_of(c->visit);
    int r = cs_visit_init(visit);

    r = r ? r : cs_probe_make(visit, &c->plan);
    if (r == 0) {
        struct cs_attempt a = {.change = name, .code = code_of(visit)};
        if (visit->n_causes)
            a.words = words_of(visit->causes[0], c->arena);
        a.helps = before.len && !a.code.len;
        a.differs = a.code.len && !cs_str_eq(a.code, before);
        *ret_attempt = a;
    }
    cs_visit_deinit(visit);
    free(visit);
    return r;
}

int cs_compare_make(const struct cs_probe_plan *plan, const struct cs_visit *visit,
                    struct cs_arena *arena, struct cs_comparison *ret_comparison)
{
    struct cs_comparison all = {.n = 0};
    struct changed same = {.plan = *plan, .visit = visit, .arena = arena};
    struct cs_attempt again;
    int r = attempt(&same, "", &again);

    if (r < 0)
        return r;
    all.stable = cs_str_eq(again.code, code_of(visit));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct changed c = {.plan = *plan, .visit = visit, .arena = arena};
        if (!rows[i].change(&c))
            continue;
        r = attempt(&c, rows[i].name, &all.attempts[all.n]);
        if (r < 0)
            return r;
        all.n++;
    }
    *ret_comparison = all;
    return 0;
}
