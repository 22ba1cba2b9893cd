/* Remembered chains: what changes takes effect at once, and the bound holds. */
#include "tap.h"

#include "authority/make.h"
#include "base/mem.h"
#include "x509/key.h"
#include "x509/memory.h"

enum { NOW = 1800000000, DAY = 86400 };

struct ca {
    struct evp_pkey_st *key;
    struct cs_cert cert;
    struct cs_buf der;
};

static struct cs_arena arena;

static void make(struct ca *out, const struct ca *issuer, const char *name, bool ca)
{
    struct cs_findings findings;
    struct cs_cert_spec spec = {.common_name = cs_str_from(name),
                                .ca = ca,
                                .path_len = -1,
                                .eku = ca ? 0 : CS_EKU_CLIENT,
                                .not_before = NOW - DAY,
                                .not_after = NOW + DAY};
    struct cs_make_issuer by = {0};

    if (issuer)
        by = (struct cs_make_issuer){&issuer->cert, issuer->key};
    cs_buf_init(&out->der, 1 << 16);
    cs_findings_init(&findings, &arena);
    cs_assert(cs_make_key(CS_MAKE_P256, &out->key) == 0);
    cs_assert(cs_make_cert(&spec, out->key, issuer ? &by : NULL, &out->der) == 0);
    cs_assert(cs_cert_parse(cs_buf_str(&out->der), &arena, &findings, &out->cert) == 0);
}

static void unmake(struct ca *c)
{
    cs_key_free(c->key);
    cs_buf_deinit(&c->der);
}

static struct cs_trust *trust_of(const struct ca *ca, const struct cs_str *crl)
{
    struct cs_source source = {.bytes = cs_buf_str(&ca->der), .file = CS_STR("ca")};
    struct cs_source list = {.bytes = crl ? *crl : (struct cs_str){0}, .file = CS_STR("crl")};
    struct cs_trust_spec spec = {.cas = &source, .n_cas = 1};
    struct cs_crl_lists *lists = NULL;
    struct cs_findings findings;
    struct cs_trust *trust = NULL;

    cs_findings_init(&findings, &arena);
    cs_assert(!crl || cs_crl_lists_new(&list, 1, &findings, &lists) == 0);
    spec.crls = lists;
    cs_assert(cs_trust_new(&spec, &findings, &trust) == 0);
    cs_crl_lists_free(lists);
    return trust;
}

static struct cs_str crl_of(const struct ca *ca, const struct ca *revoked, struct cs_buf *der)
{
    struct cs_make_issuer by = {&ca->cert, ca->key};
    struct cs_make_revoked entry = {.date = NOW - 10};
    struct cs_crl_spec spec = {.this_update = NOW - DAY, .next_update = NOW + DAY, .number = 1};

    if (revoked) {
        entry.serial = revoked->cert.serial;
        spec.revoked = &entry;
        spec.n_revoked = 1;
    }
    cs_buf_init(der, 1 << 16);
    cs_assert(cs_make_crl(&spec, &by, der) == 0);
    return cs_buf_str(der);
}

/* One look: whether the chain of @der is accepted, and whether that was remembered. */
static bool look(struct cs_chain_memory *memory, const struct cs_trust *trust, struct cs_str der,
                 int64_t now, bool *ret_hit)
{
    struct cs_chain_query q = {.ders = &der, .n = 1, .trust = trust, .now_sec = now, .depth = 1};
    uint64_t hits = cs_chain_memory_hits(memory);
    struct cs_arena own = {0};
    struct cs_verdict verdict = {0};
    struct cs_remembered *ref;

    cs_assert(cs_chain_memory_verify(memory, &q, &own, &verdict, &ref) == 0);
    *ret_hit = cs_chain_memory_hits(memory) > hits;
    cs_remembered_unref(ref);
    cs_arena_deinit(&own);
    return verdict.accepted;
}

static void test_what_changes(const struct ca *ca, const struct ca *leaf)
{
    struct cs_chain_memory *memory = cs_chain_memory_new(8);
    struct cs_trust *plain = trust_of(ca, NULL), *listed, *revoking;
    struct cs_buf empty, full, altered;
    struct cs_str none = crl_of(ca, NULL, &empty), some = crl_of(ca, leaf, &full);
    bool hit;

    listed = trust_of(ca, &none);
    revoking = trust_of(ca, &some);
    tap_ok(look(memory, plain, leaf->cert.der, NOW, &hit) && !hit, "the first time is verified");
    tap_ok(look(memory, plain, leaf->cert.der, NOW, &hit) && hit, "the second is remembered");
    tap_ok(!look(memory, plain, leaf->cert.der, NOW + DAY + 1, &hit) && !hit, "expiry counts");
    tap_ok(look(memory, plain, leaf->cert.der, NOW, &hit) && !hit,
           "what had expired is verified anew");
    tap_ok(!look(memory, plain, leaf->cert.der, NOW - DAY - 1, &hit) && !hit,
           "a clock before its time counts");
    tap_ok(look(memory, listed, leaf->cert.der, NOW, &hit) && !hit,
           "another trust set is another question");
    tap_ok(look(memory, listed, leaf->cert.der, NOW, &hit) && hit, "with its own memory");
    tap_ok(!look(memory, listed, leaf->cert.der, NOW + DAY - 1 + 2, &hit), "so does an old list");
    tap_ok(!look(memory, revoking, leaf->cert.der, NOW, &hit) && !hit, "revocation counts");
    tap_ok(!look(memory, revoking, leaf->cert.der, NOW, &hit) && !hit,
           "a refusal is not remembered");

    cs_buf_init(&altered, 1 << 16);
    cs_buf_add_str(&altered, leaf->cert.der);
    altered.ptr[altered.len - 1] ^= 1;
    look(memory, plain, leaf->cert.der, NOW, &hit);
    tap_ok(!look(memory, plain, cs_buf_str(&altered), NOW, &hit) && !hit,
           "one byte makes another chain");
    cs_buf_deinit(&altered);
    cs_buf_deinit(&empty);
    cs_buf_deinit(&full);
    cs_trust_unref(plain);
    cs_trust_unref(listed);
    cs_trust_unref(revoking);
    cs_chain_memory_free(memory);
}

static void test_bound(const struct ca *ca)
{
    struct cs_chain_memory *memory = cs_chain_memory_new(2);
    struct cs_trust *trust = trust_of(ca, NULL);
    struct ca leaves[3];
    struct cs_remembered *held;
    struct cs_verdict verdict;
    struct cs_chain_query q = {.n = 1, .trust = trust, .now_sec = NOW, .depth = 1};
    bool hit;

    for (int i = 0; i < 3; i++)
        make(&leaves[i], ca, "leaf", false);
    look(memory, trust, leaves[0].cert.der, NOW, &hit);
    look(memory, trust, leaves[1].cert.der, NOW, &hit);
    look(memory, trust, leaves[0].cert.der, NOW, &hit);
    look(memory, trust, leaves[2].cert.der, NOW, &hit);
    look(memory, trust, leaves[0].cert.der, NOW, &hit);
    tap_ok(hit, "what was used lately stays");
    look(memory, trust, leaves[1].cert.der, NOW, &hit);
    tap_ok(!hit, "what was not used for longest went");

    q.ders = &leaves[0].cert.der;
    cs_assert(cs_chain_memory_verify(memory, &q, &arena, &verdict, &held) == 0);
    cs_chain_memory_free(memory);
    tap_ok(held && memcmp(verdict.leaf->sha256, leaves[0].cert.sha256, 32) == 0,
           "a verdict in use outlives the memory");
    cs_remembered_unref(held);
    for (int i = 0; i < 3; i++)
        unmake(&leaves[i]);
    cs_trust_unref(trust);
}

enum { LONG = 16 };

/* @leaf and as many more certificates as a peer may present. */
static bool look_long(struct cs_chain_memory *memory, const struct cs_trust *trust,
                      const struct ca *leaf, struct cs_str filler, bool *ret_hit)
{
    struct cs_str ders[LONG] = {leaf->cert.der};
    struct cs_chain_query q = {.ders = ders, .n = LONG, .trust = trust, .now_sec = NOW, .depth = 1};
    uint64_t hits = cs_chain_memory_hits(memory);
    struct cs_arena own = {0};
    struct cs_verdict verdict = {0};
    struct cs_remembered *ref;

    for (size_t i = 1; i < LONG; i++)
        ders[i] = filler;
    cs_assert(cs_chain_memory_verify(memory, &q, &own, &verdict, &ref) == 0);
    *ret_hit = cs_chain_memory_hits(memory) > hits;
    cs_remembered_unref(ref);
    cs_arena_deinit(&own);
    return verdict.accepted;
}

/* A certificate of more than @len bytes, by its names of @each bytes. */
static void make_wide(struct ca *out, const struct ca *issuer, size_t len, size_t each)
{
    static char name[200];
    struct cs_str names[1000];
    struct cs_findings findings;
    struct cs_make_issuer by = {&issuer->cert, issuer->key};
    struct cs_cert_spec spec = {.common_name = CS_STR("wide"),
                                .dns = {names, len / each + 1},
                                .path_len = -1,
                                .not_before = NOW - DAY,
                                .not_after = NOW + DAY};

    memset(name, 'a', sizeof(name));
    for (size_t i = 49; i < sizeof(name); i += 50)
        name[i] = i == sizeof(name) - 1 ? 'a' : '.';
    for (size_t i = 0; i < spec.dns.n; i++)
        names[i] = cs_str_make(name, each);
    cs_buf_init(&out->der, 1 << 16);
    cs_findings_init(&findings, &arena);
    cs_assert(cs_make_key(CS_MAKE_P256, &out->key) == 0);
    cs_assert(cs_make_cert(&spec, out->key, &by, &out->der) == 0);
    cs_assert(cs_cert_parse(cs_buf_str(&out->der), &arena, &findings, &out->cert) == 0);
}

static void test_bytes(const struct ca *ca)
{
    struct cs_chain_memory *memory = cs_chain_memory_new(4);
    struct cs_trust *trust = trust_of(ca, NULL);
    struct ca leaves[3], filler;
    bool hit;

    for (int i = 0; i < 3; i++)
        make(&leaves[i], ca, "leaf", false);
    make_wide(&filler, ca, 400, 200); /* fifteen of them and a leaf: some 14 KiB */
    tap_ok(look_long(memory, trust, &leaves[0], filler.cert.der, &hit) && !hit, "a long chain");
    tap_ok(look_long(memory, trust, &leaves[0], filler.cert.der, &hit) && hit, "is remembered");
    look_long(memory, trust, &leaves[1], filler.cert.der, &hit);
    tap_ok(look_long(memory, trust, &leaves[0], filler.cert.der, &hit) && !hit,
           "until another needs its room");
    look(memory, trust, leaves[2].cert.der, NOW, &hit);
    look(memory, trust, leaves[2].cert.der, NOW, &hit);
    tap_ok(hit, "a short one has room beside it");
    unmake(&filler);

    make_wide(&filler, ca, 150, 1); /* some 13 KiB, but far more than 48 KiB when parsed */
    tap_ok(look_long(memory, trust, &leaves[0], filler.cert.der, &hit) && !hit, "many short names");
    look(memory, trust, leaves[2].cert.der, NOW, &hit);
    tap_ok(!hit, "count with what they take in memory");
    look(memory, trust, leaves[2].cert.der, NOW, &hit);
    unmake(&filler);

    make_wide(&filler, ca, 1200, 200); /* now more than 16 KiB */
    look_long(memory, trust, &leaves[0], filler.cert.der, &hit);
    tap_ok(look_long(memory, trust, &leaves[0], filler.cert.der, &hit) && !hit,
           "a longer one is accepted, but not remembered");
    look(memory, trust, leaves[2].cert.der, NOW, &hit);
    tap_ok(hit, "and pushes nothing out");
    unmake(&filler);
    for (int i = 0; i < 3; i++)
        unmake(&leaves[i]);
    cs_trust_unref(trust);
    cs_chain_memory_free(memory);
}

/* What was presented may be gone before the verdict is. */
static void test_chain_goes(const struct ca *ca, const struct ca *leaf)
{
    struct cs_chain_memory *memory = cs_chain_memory_new(2);
    struct cs_trust *trust = trust_of(ca, NULL);
    size_t len = leaf->cert.der.len;

    for (int turn = 0; turn < 2; turn++) {
        char *bytes = memcpy(cs_alloc(len), leaf->cert.der.ptr, len);
        struct cs_str der = cs_str_make(bytes, len);
        struct cs_chain_query q = {
            .ders = &der, .n = 1, .trust = trust, .now_sec = NOW, .depth = 1};
        struct cs_verdict verdict;
        struct cs_remembered *held;
        cs_assert(cs_chain_memory_verify(memory, &q, &arena, &verdict, &held) == 0 && held);
        memset(bytes, 0, len);
        free(bytes);
        tap_ok(verdict.leaf == verdict.presented && verdict.leaf == verdict.path[0] &&
                   cs_str_eq(verdict.leaf->der, leaf->cert.der),
               "a verdict outlives the bytes it is about, the %s time", turn ? "next" : "first");
        cs_remembered_unref(held);
    }
    cs_trust_unref(trust);
    cs_chain_memory_free(memory);
}

static struct cs_trust *with_list(const struct cs_trust *trust, struct cs_str crl)
{
    struct cs_source source = {.bytes = crl, .file = CS_STR("crl")};
    struct cs_crl_lists *lists = NULL;
    struct cs_findings findings;
    struct cs_trust *other = NULL;

    cs_findings_init(&findings, &arena);
    cs_assert(cs_crl_lists_new(&source, 1, &findings, &lists) == 0);
    cs_assert(cs_trust_new_lists(trust, lists, NULL, &findings, &other) == 0);
    cs_crl_lists_free(lists);
    return other;
}

/* New lists for the same CAs need no signature again, and are asked at once. */
static void test_lists_change(const struct ca *ca, const struct ca *leaf)
{
    struct cs_chain_memory *memory = cs_chain_memory_new(8);
    struct cs_trust *trust = trust_of(ca, NULL), *listed, *revoking;
    struct cs_buf empty, full;
    bool hit;

    listed = with_list(trust, crl_of(ca, NULL, &empty));
    revoking = with_list(listed, crl_of(ca, leaf, &full));
    tap_ok(memcmp(cs_trust_digest(trust), cs_trust_digest(listed), 32) != 0 &&
               memcmp(cs_trust_digest(revoking), cs_trust_digest(listed), 32) != 0,
           "other lists are another trust");
    look(memory, trust, leaf->cert.der, NOW, &hit);
    cs_trust_unref(trust);
    tap_ok(look(memory, listed, leaf->cert.der, NOW, &hit) && hit, "the chain is remembered");
    tap_ok(!look(memory, revoking, leaf->cert.der, NOW, &hit) && !hit, "until it is revoked");
    cs_trust_unref(listed);
    cs_trust_unref(revoking);
    cs_chain_memory_free(memory);
    cs_buf_deinit(&empty);
    cs_buf_deinit(&full);
}

/* The path ends in certificates of the trust set. */
static void test_trust_goes(const struct ca *ca, const struct ca *leaf)
{
    struct cs_chain_memory *memory = cs_chain_memory_new(2);
    struct cs_trust *trust = trust_of(ca, NULL);
    struct cs_chain_query q = {
        .ders = &leaf->cert.der, .n = 1, .trust = trust, .now_sec = NOW, .depth = 1};
    const struct cs_verdict *verdict;
    struct cs_verdict first;
    struct cs_remembered *held;

    cs_assert(cs_chain_memory_verify(memory, &q, &arena, &first, &held) == 0 && held);
    cs_chain_memory_free(memory);
    cs_trust_unref(trust);
    verdict = cs_remembered_verdict0(held);
    tap_ok(memcmp(verdict->path[verdict->n_path - 1]->sha256, ca->cert.sha256, 32) == 0,
           "a verdict in use keeps its anchor");
    cs_remembered_unref(held);
}

int main(void)
{
    struct ca ca, leaf;

    make(&ca, NULL, "ca", true);
    make(&leaf, &ca, "leaf", false);
    test_what_changes(&ca, &leaf);
    test_bound(&ca);
    test_bytes(&ca);
    test_chain_goes(&ca, &leaf);
    test_lists_change(&ca, &leaf);
    test_trust_goes(&ca, &leaf);
    unmake(&ca);
    unmake(&leaf);
    cs_arena_deinit(&arena);
    return tap_done();
}
