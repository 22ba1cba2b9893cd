/* Everything is put to the functions that judge peers: what they would not accept of somebody else
 * is not put where a server or client of ours would present it. */
#include "enrol/papers.h"

#include <errno.h>

#include "explain/finding.h"
#include "x509/chain.h"
#include "x509/key.h"
#include "x509/pem.h"

enum { FINGERPRINTS_MAX = 4, PEM_MAX = 1 << 20 };

static const char *tell(const struct cs_finding *finding, struct cs_arena *arena)
{
    const char *words = "it is not accepted";
    struct cs_buf buf;

    cs_buf_init(&buf, 4096);
    if (finding && cs_explain_line(finding, &buf) == 0)
        words = cs_arena_dup(arena, cs_buf_str(&buf)).ptr;
    cs_buf_deinit(&buf);
    return words;
}

/* The certificates of @pem in order. Return: how many, or 0 when a block is something else. */
static size_t take_blocks(struct cs_str pem, struct cs_arena *arena,
                          struct cs_str ders[CS_CHAIN_CERTS_MAX])
{
    struct cs_pem_block block;
    size_t n = 0;
    int r;

    while ((r = cs_pem_next(&pem, arena, &block)) == 1) {
        if (n == CS_CHAIN_CERTS_MAX || !block.der.len ||
            !cs_str_eq(block.label, CS_STR("CERTIFICATE")))
            return 0;
        ders[n++] = block.der;
    }
    return r < 0 ? 0 : n;
}

struct cs_str cs_papers_clean(struct cs_str pem, struct cs_arena *arena, size_t *ret_n)
{
    struct cs_str ders[CS_CHAIN_CERTS_MAX], text;
    size_t n = take_blocks(pem, arena, ders);
    struct cs_buf buf;

    cs_buf_init(&buf, PEM_MAX);
    for (size_t i = 0; i < n; i++) {
        if (cs_pem_write(&buf, CS_STR("CERTIFICATE"), ders[i]) < 0)
            cs_buf_reset(&buf);
    }
    text = cs_arena_dup(arena, cs_buf_str(&buf));
    cs_buf_deinit(&buf);
    *ret_n = n;
    return text;
}

/* Whether the chain leads to a root of @ca at @at_sec. */
static const char *judge_chain(const struct cs_str *ders, size_t n, const struct cs_papers *papers,
                               int64_t at_sec, struct cs_arena *arena)
{
    struct cs_source source = {.bytes = papers->ca};
    struct cs_trust_spec spec = {.cas = &source, .n_cas = 1};
    struct cs_chain_query query = {.ders = ders,
                                   .n = n,
                                   .now_sec = at_sec,
                                   .purpose = papers->leaf.eku & CS_EKU_SERVER ? CS_PURPOSE_SERVER
                                                                               : CS_PURPOSE_CLIENT,
                                   .depth = CS_CHAIN_CERTS_MAX};
    struct cs_trust *trust = NULL;
    struct cs_findings findings;
    struct cs_verdict verdict;
    const char *why = NULL;

    cs_findings_init(&findings, arena);
    if (cs_trust_new(&spec, &findings, &trust) != 0)
        return tell(findings.first, arena);
    query.trust = trust;
    if (cs_chain_verify(&query, arena, &verdict) < 0)
        why = "there is no memory to judge it";
    else if (!verdict.accepted)
        why = tell(verdict.cause, arena);
    cs_trust_unref(trust);
    return why;
}

static const char *take_leaf(struct cs_str der, const struct evp_pkey_st *key,
                             struct cs_arena *arena, struct cs_papers *papers)
{
    struct cs_findings findings;

    cs_findings_init(&findings, arena);
    if (cs_cert_parse(der, arena, &findings, &papers->leaf) != 0)
        return tell(findings.first, arena);
    papers->serial = cs_serial_text(papers->leaf.serial, arena);
    return cs_key_matches(key, &papers->leaf) ? NULL : "it is for another key";
}

static const char *take_life(int64_t renew_at, struct cs_papers *papers)
{
    const struct cs_cert *leaf = &papers->leaf;

    papers->life = (struct cs_lifetime){leaf->not_before, leaf->not_after, renew_at};
    return renew_at >= leaf->not_before && renew_at <= leaf->not_after
               ? NULL
               : "it is to be renewed at a time at which it is not valid";
}

const char *cs_papers_take(struct cs_str cert, struct cs_str ca, const struct evp_pkey_st *key,
                           int64_t renew_at, struct cs_arena *arena, struct cs_papers *ret_papers)
{
    struct cs_papers papers = {.cert = cs_arena_dup(arena, cert), .ca = cs_arena_dup(arena, ca)};
    struct cs_str ders[CS_CHAIN_CERTS_MAX];
    size_t n = take_blocks(papers.cert, arena, ders);
    const char *why = n ? take_leaf(ders[0], key, arena, &papers) : "it is no PEM of certificates";

    why = why ? why : take_life(renew_at, &papers);
    why = why ? why : judge_chain(ders, n, &papers, renew_at, arena);
    if (!why)
        *ret_papers = papers;
    return why;
}

static bool names(const struct cs_claims *claims, const struct cs_claim *one)
{
    for (size_t i = 0; i < claims->n; i++) {
        if (claims->items[i].kind == one->kind && cs_str_eq(claims->items[i].value, one->value))
            return true;
    }
    return false;
}

struct cs_str cs_papers_lack(const struct cs_papers *papers, const struct cs_claims *wanted,
                             struct cs_arena *arena)
{
    struct cs_claims has = cs_claims_of(&papers->leaf, arena);

    for (size_t i = 0; i < wanted->n; i++) {
        if (!names(&has, &wanted->items[i]))
            return cs_claim_text(&wanted->items[i], arena);
    }
    return (struct cs_str){0};
}

/* ---- roots ---- */

static bool is_root(struct cs_str der, const uint8_t pin[32], struct cs_arena *arena)
{
    struct cs_findings findings;
    struct cs_cert cert;

    cs_findings_init(&findings, arena);
    return cs_cert_parse(der, arena, &findings, &cert) == 0 && cert.ca &&
           cs_cert_self_issued(&cert) && memcmp(cert.sha256, pin, sizeof(cert.sha256)) == 0;
}

struct cs_str cs_papers_root(struct cs_str ca, const uint8_t pin[32], struct cs_arena *arena)
{
    struct cs_pem_block block;
    size_t n;

    while (cs_pem_next(&ca, arena, &block) == 1) {
        if (is_root(block.der, pin, arena))
            return cs_papers_clean(block.whole, arena, &n);
    }
    return (struct cs_str){0};
}

bool cs_papers_share(struct cs_str a, struct cs_str b, struct cs_arena *arena)
{
    struct cs_pem_block mine, theirs;

    while (cs_pem_next(&a, arena, &mine) == 1) {
        for (struct cs_str rest = b; cs_pem_next(&rest, arena, &theirs) == 1;) {
            if (mine.der.len && cs_str_eq(mine.der, theirs.der))
                return true;
        }
    }
    return false;
}

struct cs_str cs_papers_fingerprints(struct cs_str ca, struct cs_arena *arena)
{
    struct cs_str text = CS_STR("none that can be read");
    struct cs_findings findings;
    struct cs_pem_block block;
    struct cs_cert cert;
    char hex[64];
    int n = 0;

    cs_findings_init(&findings, arena);
    while (n < FINGERPRINTS_MAX && cs_pem_next(&ca, arena, &block) == 1) {
        if (cs_cert_parse(block.der, arena, &findings, &cert) != 0)
            continue;
        cs_hex_encode(cert.sha256, sizeof(cert.sha256), false, hex);
        text = n++ ? cs_arena_printf(arena, "%.*s %.64s", CS_FMT(text), hex)
                   : cs_arena_printf(arena, "%.64s", hex);
    }
    return text;
}

int cs_pin_parse(struct cs_str text, uint8_t ret_pin[32])
{
    uint8_t pin[32] = {0};
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        int digit = cs_hex_digit(text.ptr[i]);
        if (text.ptr[i] == ':' && n && n % 2 == 0 && i + 1 < text.len && text.ptr[i - 1] != ':')
            continue;
        if (digit < 0 || n == 64)
            return -EINVAL;
        pin[n / 2] = (uint8_t)(pin[n / 2] << 4 | digit);
        n++;
    }
    if (n != 64)
        return -EINVAL;
    memcpy(ret_pin, pin, sizeof(pin));
    return 0;
}
