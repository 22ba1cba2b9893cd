/* What the zoo cannot say: limits, tolerated issuers, judging again later, several lists, and
 * what makes two trust sets different. Everything is made in memory. */
#include "tap.h"

#include "authority/make.h"
#include "base/mem.h"
#include "x509/chain.h"
#include "x509/findings.h"
#include "x509/key.h"
#include "x509/name.h"
#include "x509/pem.h"

enum { NOW = 1800000000, DAY = 86400 };

static struct cs_arena arena;

/* A key and its certificate. */
struct holder {
    struct evp_pkey_st *key;
    struct cs_cert cert;
};

static struct holder make_kind(const struct cs_cert_spec *wanted, const struct holder *issuer,
                               enum cs_make_key_kind kind)
{
    struct cs_make_issuer by = {issuer ? &issuer->cert : NULL, issuer ? issuer->key : NULL};
    struct cs_cert_spec spec = *wanted;
    struct cs_findings findings;
    struct holder h = {0};
    struct cs_buf der;

    if (!spec.not_after) {
        spec.not_before = NOW - DAY;
        spec.not_after = NOW + 100 * DAY;
    }
    cs_findings_init(&findings, &arena);
    cs_buf_init(&der, 1 << 20);
    cs_assert(cs_make_key(kind, &h.key) == 0);
    cs_assert(cs_make_cert(&spec, h.key, issuer ? &by : NULL, &der) == 0);
    cs_assert(cs_cert_parse(cs_arena_dup(&arena, cs_buf_str(&der)), &arena, &findings, &h.cert) ==
              0);
    cs_buf_deinit(&der);
    return h;
}

static struct holder make(const struct cs_cert_spec *wanted, const struct holder *issuer)
{
    return make_kind(wanted, issuer, CS_MAKE_P256);
}

static struct holder make_ca_kind(const char *name, const struct holder *issuer,
                                  enum cs_make_key_kind kind)
{
    struct cs_cert_spec spec = {.common_name = cs_str_from(name),
                                .ca = true,
                                .path_len = -1,
                                .key_usage = CS_USAGE_KEY_CERT_SIGN | CS_USAGE_CRL_SIGN,
                                .not_before = NOW - 10 * DAY,
                                .not_after = NOW + 1000 * DAY};

    return make_kind(&spec, issuer, kind);
}

static struct holder make_ca(const char *name, const struct holder *issuer)
{
    return make_ca_kind(name, issuer, CS_MAKE_P256);
}

static struct holder make_client(const char *name, const struct holder *issuer)
{
    struct cs_cert_spec spec = {.common_name = cs_str_from(name),
                                .key_usage = CS_USAGE_DIGITAL_SIGNATURE,
                                .eku = CS_EKU_CLIENT};

    return make(&spec, issuer);
}

static struct cs_source make_crl(const struct holder *ca, const struct holder *revoked,
                                 int64_t this_update, int64_t next_update)
{
    struct cs_make_revoked entry = {revoked ? revoked->cert.serial : (struct cs_str){0},
                                    this_update, 1};
    struct cs_crl_spec spec = {&entry, revoked != NULL, this_update, next_update, 1};
    struct cs_source source = {.file = CS_STR("crl")};
    struct cs_buf der;

    cs_buf_init(&der, 1 << 20);
    cs_assert(cs_make_crl(&spec, &(struct cs_make_issuer){&ca->cert, ca->key}, &der) == 0);
    source.bytes = cs_arena_dup(&arena, cs_buf_str(&der));
    cs_buf_deinit(&der);
    return source;
}

static struct cs_trust *trust_of(const struct holder *ca, const struct cs_source *crls, size_t n,
                                 struct cs_str options)
{
    struct cs_source source = {.bytes = ca->cert.der, .file = CS_STR("ca")};
    struct cs_trust_spec spec = {.cas = &source, .n_cas = 1, .n_named = 1, .options = options};
    struct cs_crl_lists *lists = NULL;
    struct cs_findings findings;
    struct cs_trust *trust = NULL;

    cs_findings_init(&findings, &arena);
    cs_assert(n == 0 || cs_crl_lists_new(crls, n, &findings, &lists) == 0);
    spec.crls = lists;
    cs_assert(cs_trust_new(&spec, &findings, &trust) == 0);
    cs_crl_lists_free(lists);
    return trust;
}

static struct cs_verdict judge(const struct cs_str *ders, size_t n, const struct cs_trust *trust,
                               int64_t now_sec, bool tolerant)
{
    struct cs_chain_query q = {.ders = ders,
                               .n = n,
                               .trust = trust,
                               .now_sec = now_sec,
                               .depth = 1,
                               .allow_unknown_issuer = tolerant};
    struct cs_verdict v = {0};

    cs_assert(cs_chain_verify(&q, &arena, &v) == 0);
    return v;
}

static bool has_code(const struct cs_findings *findings, const char *code)
{
    const struct cs_finding *f = findings->first;

    while (f && strcmp(f->kind->code, code) != 0)
        f = f->next;
    return f != NULL;
}

static void expect(const struct cs_verdict *v, const char *code, const char *what)
{
    tap_str(cs_str_from(v->accepted ? "accepted" : v->cause->kind->code), cs_str_from(code), what);
}

static void expect_no_server(const struct cs_trust *trust)
{
    struct cs_chain_query q = {.trust = trust, .now_sec = NOW, .purpose = CS_PURPOSE_SERVER};
    struct cs_verdict v = {0};

    cs_assert(cs_chain_verify(&q, &arena, &v) == 0);
    expect(&v, "server-certificate-missing", "no certificate of a server");
}

static struct holder root, other, client, stranger;

static void test_limits(void)
{
    struct cs_trust *trust = trust_of(&root, NULL, 0, (struct cs_str){0});
    struct cs_str many[CS_CHAIN_CERTS_MAX + 1], big[2], junk = CS_STR("\x30\x03\x02\x01\x01");
    struct cs_verdict v;

    for (size_t i = 0; i < CS_CHAIN_CERTS_MAX + 1; i++)
        many[i] = client.cert.der;
    v = judge(NULL, 0, trust, NOW, false);
    expect(&v, "certificate-missing", "no certificate");
    tap_int(cs_verdict_alert(&v), 116, "its alert");
    tap_ok(v.leaf == NULL, "no leaf");
    expect_no_server(trust);
    v = judge(many, CS_CHAIN_CERTS_MAX, trust, NOW, false);
    expect(&v, "accepted", "sixteen certificates");
    v = judge(many, CS_CHAIN_CERTS_MAX + 1, trust, NOW, false);
    expect(&v, "chain-too-long", "seventeen certificates");
    big[0] = client.cert.der;
    big[1] = cs_str_make(cs_arena_alloc(&arena, CS_CHAIN_BYTES_MAX), CS_CHAIN_BYTES_MAX);
    v = judge(big, 2, trust, NOW, false);
    expect(&v, "chain-too-long", "too many bytes");
    big[1] = junk;
    v = judge(big, 2, trust, NOW, false);
    expect(&v, "malformed-certificate", "junk behind a good leaf");
    tap_ok(v.leaf != NULL && v.n_presented == 1, "the leaf is known all the same");
    v = judge(&junk, 1, trust, NOW, true);
    expect(&v, "malformed-certificate", "junk");
    tap_ok(!v.tolerated, "junk is not tolerated");
    cs_trust_unref(trust);
}

/* What a refusal says of a certificate is in proportion to a sentence, not to what the peer sent:
 * it may stay in memory for as long as the connection. */
static void test_hostile_names(void)
{
    enum { LONG = 28000 };
    char *text = cs_arena_raw(&arena, LONG);
    struct cs_trust *trust = trust_of(&root, NULL, 0, (struct cs_str){0});
    struct cs_cert_spec spec = {.common_name = cs_str_make(text, LONG),
                                .eku = CS_EKU_SERVER,
                                .path_len = -1,
                                .not_before = NOW - 2 * DAY,
                                .not_after = NOW - DAY};
    struct holder wide;
    struct cs_verdict v;
    size_t before;

    for (size_t i = 0; i < LONG; i += 2)
        memcpy(text + i, "\xc3\xbc", 2);
    wide = make(&spec, NULL);
    before = arena.total;
    v = judge(&wide.cert.der, 1, trust, NOW, false);
    tap_ok(!v.accepted && v.findings.n_errors > 1, "a name of 28,000 bytes is refused");
    tap_ok(arena.total - before < 4 * LONG, "in few words");
    cs_key_free(wide.key);
    cs_trust_unref(trust);
}

static void test_accepted(void)
{
    struct cs_trust *trust = trust_of(&root, NULL, 0, (struct cs_str){0});
    struct cs_verdict v = judge(&client.cert.der, 1, trust, NOW, false);

    expect(&v, "accepted", "a good client");
    tap_int((int64_t)v.n_path, 2, "the path has leaf and root");
    tap_ok(v.path[0] == v.leaf && cs_str_eq(v.path[1]->der, root.cert.der), "in this order");
    tap_int(v.path_not_after, client.cert.not_after, "ends with the leaf");
    tap_int(v.path_not_before, client.cert.not_before, "begins with the leaf");
    tap_int(v.valid_until, client.cert.not_after, "may be remembered so long");
    tap_str(cs_verdict_reason(&v), CS_STR("ok"), "no reason");
    tap_int(cs_verdict_alert(&v), 0, "no alert");
    cs_trust_unref(trust);
}

/* The edges of validity (RFC 5280 section 4.1.2.5). */
static void test_edges(void)
{
    struct cs_trust *trust = trust_of(&root, NULL, 0, (struct cs_str){0});
    static const struct {
        int64_t at;
        const char *code;
    } edges[] = {{NOW - DAY - 1, "certificate-not-yet-valid"},
                 {NOW - DAY, "accepted"},
                 {NOW + 100 * DAY - 1, "accepted"},
                 {NOW + 100 * DAY + 1, "certificate-expired"}};

    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        struct cs_verdict v = judge(&client.cert.der, 1, trust, edges[i].at, false);
        expect(&v, edges[i].code, "at the edge of validity");
    }
    cs_trust_unref(trust);
}

/* optional_no_ca: an unknown issuer is let pass, anything else is not. */
static void test_tolerated(void)
{
    struct cs_trust *trust = trust_of(&root, NULL, 0, (struct cs_str){0});
    struct cs_verdict v = judge(&stranger.cert.der, 1, trust, NOW, true);

    expect(&v, "issuer-unknown", "a stranger");
    tap_ok(!v.accepted && v.tolerated, "tolerated, not accepted");
    tap_str(cs_verdict_reason(&v), CS_STR("unable to verify the first certificate"),
            "nginx's words");
    tap_ok(v.path == NULL, "no path");
    v = judge(&stranger.cert.der, 1, trust, NOW, false);
    tap_ok(!v.tolerated, "only when asked for");
    v = judge(&stranger.cert.der, 1, trust, NOW + 200 * DAY, true);
    tap_ok(!v.accepted && !v.tolerated, "not when it has expired, too");
    cs_trust_unref(trust);
}

static int recheck(const struct cs_verdict *v, const struct cs_trust *trust, int64_t now_sec,
                   int64_t leeway_sec, struct cs_findings *findings)
{
    struct cs_chain_query q = {.trust = trust, .now_sec = now_sec, .leeway_sec = leeway_sec};

    return cs_chain_recheck(&q, v->path, v->n_path, findings);
}

static void test_recheck(void)
{
    struct cs_source good = make_crl(&root, NULL, NOW - 10, NOW + 10);
    struct cs_source bad = make_crl(&root, &client, NOW - 10, NOW + 10);
    struct cs_trust *before = trust_of(&root, &good, 1, (struct cs_str){0});
    struct cs_trust *after = trust_of(&root, &bad, 1, (struct cs_str){0});
    struct cs_verdict v = judge(&client.cert.der, 1, before, NOW, false);
    struct cs_findings findings;

    cs_findings_init(&findings, &arena);
    expect(&v, "accepted", "not on the list");
    tap_int(v.valid_until, NOW + 10, "to be judged again when the list is replaced");
    tap_int(recheck(&v, before, NOW + 5, 0, &findings), 0, "still good");
    tap_int(recheck(&v, before, NOW + 9, 0, &findings), 0, "good in the list's last second");
    tap_int(recheck(&v, before, NOW + 10, 0, &findings), CS_X509_ERR_CRL_EXPIRED,
            "the list has run out");
    tap_int(recheck(&v, after, NOW + 5, 0, &findings), CS_X509_ERR_REVOKED, "revoked since");
    tap_str(cs_str_from(findings.last->kind->code), CS_STR("revoked"), "and said so");
    tap_int(recheck(&v, before, NOW + 200 * DAY, 0, &findings), CS_X509_ERR_EXPIRED,
            "expired since");
    cs_trust_unref(before);
    cs_trust_unref(after);
}

/* What lists that are missing, late or early come to under each rule. */
static void test_rules(void)
{
    struct cs_source late = make_crl(&root, NULL, NOW - 20, NOW - 10),
                     late_bad = make_crl(&root, &client, NOW - 20, NOW - 10),
                     early = make_crl(&root, NULL, NOW + 5, NOW + 10),
                     foreign = make_crl(&other, NULL, NOW - 10, NOW + 10);
    const struct {
        const char *what;
        const struct cs_source *list;
        struct cs_revocation_rules rules;
        const char *code;
        bool warned;
    } rows[] = {
        {"late", &late, {0}, "crl-expired", false},
        {"late, within the grace", &late, {.grace_sec = 11}, "accepted", true},
        {"late by more", &late, {.grace_sec = 10}, "crl-expired", false},
        {"late, and soft", &late, {.soft = true}, "accepted", true},
        {"revoked is revoked", &late_bad, {.soft = true, .grace_sec = 100}, "revoked", false},
        {"early", &early, {.grace_sec = 100}, "crl-not-yet-valid", false},
        {"early, and soft", &early, {.soft = true}, "accepted", true},
        {"none of this CA", &foreign, {.grace_sec = 100}, "crl-missing", false},
        {"none of this CA, and soft", &foreign, {.soft = true}, "accepted", true},
        {"the leaf alone is asked about as well", &late, {.leaf_only = true}, "crl-expired", false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_trust *trust = trust_of(&root, rows[i].list, 1, (struct cs_str){0});
        struct cs_chain_query q = {.ders = &client.cert.der,
                                   .n = 1,
                                   .trust = trust,
                                   .now_sec = NOW,
                                   .revocation = rows[i].rules,
                                   .depth = 1};
        struct cs_verdict v;
        struct cs_findings findings;
        cs_assert(cs_chain_verify(&q, &arena, &v) == 0);
        expect(&v, rows[i].code, rows[i].what);
        if (!v.accepted) {
            cs_trust_unref(trust);
            continue;
        }
        tap_ok(has_code(&v.findings, "revocation-unknown") == rows[i].warned, "%s: a warning",
               rows[i].what);
        cs_findings_init(&findings, &arena);
        tap_int(cs_chain_recheck(&q, v.path, v.n_path, &findings), 0, "and again");
        tap_ok(has_code(&findings, "revocation-unknown") == rows[i].warned, "with a warning");
        cs_trust_unref(trust);
    }
}

static struct cs_revocation revocation_of(const struct holder *h)
{
    struct cs_revocation r = {.serial = h->cert.serial, .revoked_at = NOW, .reason = 1};

    cs_name_digest(h->cert.issuer, r.issuer);
    return r;
}

/* A client whose certificate names this part, or none. */
static struct holder make_client_of(const char *name, struct cs_str part)
{
    struct cs_cert_spec spec = {.common_name = cs_str_from(name),
                                .key_usage = CS_USAGE_DIGITAL_SIGNATURE,
                                .eku = CS_EKU_CLIENT,
                                .crl_url = part};

    return make(&spec, &root);
}

/* A list of the root's for one part. */
static struct cs_source make_part_until(struct cs_str part, const struct holder *revoked,
                                        int64_t this_update, int64_t next_update,
                                        const struct holder *signer)
{
    struct cs_make_revoked entry = {revoked->cert.serial, this_update, 1};
    struct cs_crl_spec spec = {&entry, 1, this_update, next_update, 1, part};
    struct cs_source source = {.file = CS_STR("part")};
    struct cs_buf der;

    cs_buf_init(&der, 1 << 20);
    cs_assert(cs_make_crl(&spec, &(struct cs_make_issuer){&root.cert, signer->key}, &der) == 0);
    source.bytes = cs_arena_dup(&arena, cs_buf_str(&der));
    cs_buf_deinit(&der);
    return source;
}

static struct cs_source make_part(struct cs_str part, const struct holder *revoked,
                                  int64_t this_update, const struct holder *signer)
{
    return make_part_until(part, revoked, this_update, NOW + 10, signer);
}

/* A certificate is judged by the part that it names, by that alone, and by a complete list. */
static void test_parts(void)
{
    static const struct cs_str a = CS_STR_INIT("http://ca.test/a"),
                               b = CS_STR_INIT("http://ca.test/b");
    struct holder of_a = make_client_of("of a", a), of_b = make_client_of("of b", b),
                  of_none = make_client_of("of none", (struct cs_str){0});
    struct cs_source a_bad = make_part(a, &of_a, NOW - 9, &root),
                     a_good = make_part(a, &of_b, NOW - 9, &root),
                     a_newer = make_part(a, &client, NOW - 8, &root),
                     b_bad = make_part(b, &of_a, NOW - 8, &root),
                     whole = make_crl(&root, NULL, NOW - 10, NOW + 10),
                     whole_bad = make_crl(&root, &of_a, NOW - 10, NOW + 10),
                     whole_newer = make_crl(&root, NULL, NOW - 1, NOW + 10),
                     whole_late = make_crl(&root, NULL, NOW - 1, NOW - 1);
    struct {
        const char *what, *code;
        const struct holder *who;
        struct cs_source lists[3];
        size_t n;
    } rows[] = {
        {"on its part", "revoked", &of_a, {a_bad}, 1},
        {"not on its part", "accepted", &of_a, {a_good}, 1},
        {"its part among others", "revoked", &of_a, {b_bad, a_bad}, 2},
        {"on another part only", "accepted", &of_a, {b_bad, a_good}, 2},
        {"its part is not there", "crl-missing", &of_a, {b_bad}, 1},
        {"another part is there", "crl-missing", &of_b, {a_good}, 1},
        {"it names no part", "crl-missing", &of_none, {a_good, b_bad}, 2},
        {"it names no part, and there is a complete list",
         "accepted",
         &of_none,
         {a_good, whole},
         2},
        {"a complete list instead of its part", "accepted", &of_b, {a_good, whole}, 2},
        {"on the complete list", "revoked", &of_a, {b_bad, whole_bad}, 2},
        {"the newer one: its part", "revoked", &of_a, {a_bad, whole}, 2},
        {"the newer one: the complete list", "accepted", &of_a, {a_bad, whole_newer}, 2},
        {"the newer part", "accepted", &of_a, {a_bad, a_newer, b_bad}, 3},
        {"the one that is valid", "revoked", &of_a, {a_bad, whole_late}, 2},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_trust *trust = trust_of(&root, rows[i].lists, rows[i].n, (struct cs_str){0});
        struct cs_chain_query q = {.ders = &rows[i].who->cert.der,
                                   .n = 1,
                                   .trust = trust,
                                   .now_sec = NOW,
                                   .revocation = {.leaf_only = true},
                                   .depth = 1};
        struct cs_verdict v;
        cs_assert(cs_chain_verify(&q, &arena, &v) == 0);
        expect(&v, rows[i].code, rows[i].what);
        q.revocation.soft = true;
        cs_assert(cs_chain_verify(&q, &arena, &v) == 0);
        tap_ok(v.accepted == (strcmp(rows[i].code, "revoked") != 0), "the same, and soft");
        cs_trust_unref(trust);
    }
    cs_key_free(of_a.key);
    cs_key_free(of_b.key);
    cs_key_free(of_none.key);
}

/* The lists of a CA as a whole: the worst of those that no better one replaces. */
static void test_survey(void)
{
    static const struct cs_str a = CS_STR_INIT("a"), b = CS_STR_INIT("b");
    struct cs_source none = make_crl(&other, NULL, NOW - 10, NOW + 10),
                     part_a = make_part(a, &client, NOW - 8, &root),
                     part_b = make_part(b, &client, NOW - 8, &root),
                     b_ends = make_part_until(b, &client, NOW - 7, NOW + 5, &root),
                     b_late = make_part_until(b, &client, NOW - 9, NOW, &root),
                     b_early = make_part_until(b, &client, NOW + 1, NOW + 10, &root),
                     whole = make_crl(&root, NULL, NOW - 7, NOW + 20),
                     whole_late = make_crl(&root, NULL, NOW - 9, NOW);
    struct {
        const char *what;
        enum cs_crl_status status;
        int64_t until; /* 0: any */
        struct cs_source lists[3];
        size_t n;
    } rows[] = {
        {"none", CS_CRL_MISSING, 0, {none}, 1},
        {"a complete one", CS_CRL_GOOD, NOW + 20, {none, whole}, 2},
        {"a complete one that is late", CS_CRL_EXPIRED, NOW, {whole_late}, 1},
        {"parts", CS_CRL_GOOD, NOW + 10, {part_a, part_b}, 2},
        {"one that ends first", CS_CRL_GOOD, NOW + 5, {part_a, b_ends}, 2},
        {"one that is late", CS_CRL_EXPIRED, NOW, {part_a, b_late}, 2},
        {"one that is early", CS_CRL_NOT_YET_VALID, 0, {part_a, b_early}, 2},
        {"the same part anew", CS_CRL_GOOD, NOW + 10, {b_late, part_b, part_a}, 3},
        {"all lists anew", CS_CRL_GOOD, NOW + 20, {b_late, part_a, whole}, 3},
        {"a part does not replace all lists", CS_CRL_EXPIRED, NOW, {whole_late, part_a}, 2},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_trust *trust = trust_of(&root, rows[i].lists, rows[i].n, (struct cs_str){0});
        struct cs_crl_answer answer = cs_crl_set_survey(cs_trust_crls(trust), &root.cert, NOW);
        tap_ok(answer.status == rows[i].status &&
                   (!rows[i].until || answer.next_update == rows[i].until),
               "survey: %s: %d", rows[i].what, (int)answer.status);
        cs_trust_unref(trust);
    }
}

/* A part that the trusted CA of its name has not signed refuses all of them, as a complete list
 * does. */
static void test_forged_part(void)
{
    struct cs_source lists[] = {make_crl(&root, NULL, NOW - 10, NOW + 10),
                                make_part(CS_STR("http://ca.test/a"), &client, NOW - 9, &other)};
    struct cs_source ca = {.bytes = root.cert.der, .file = CS_STR("ca")};
    struct cs_trust_spec spec = {.cas = &ca, .n_cas = 1, .n_named = 1};
    struct cs_crl_lists *read = NULL;
    struct cs_findings findings;
    struct cs_trust *trust;

    cs_findings_init(&findings, &arena);
    cs_assert(cs_crl_lists_new(lists, 2, &findings, &read) == 0);
    spec.crls = read;
    tap_int(cs_trust_new(&spec, &findings, &trust), CS_TRUST_REFUSED, "a forged part");
    tap_ok(has_code(&findings, "crl-signature-invalid"), "is refused for its signature");
    cs_crl_lists_free(read);
}

/* What is revoked at a word is so without a list, at every depth of the path, and when judged
 * again; an issuer that nobody trusts is not believed to have issued it. */
static void test_revoked_at_a_word(void)
{
    struct holder sub = make_ca("Sub", &root), leaf = make_client("leaf", &sub);
    struct cs_trust *trust = trust_of(&root, NULL, 0, (struct cs_str){0});
    struct cs_revocation of[] = {revocation_of(&leaf), revocation_of(&sub), revocation_of(&client),
                                 revocation_of(&stranger)};
    struct cs_str chain[] = {leaf.cert.der, sub.cert.der};
    struct cs_chain_query q = {.ders = chain, .n = 2, .trust = trust, .now_sec = NOW, .depth = 1};
    const char *const codes[] = {"revoked", "revoked", "accepted"};
    struct cs_verdict held, v;
    struct cs_findings findings;

    cs_assert(cs_chain_verify(&q, &arena, &held) == 0);
    expect(&held, "accepted", "before a word was said");
    for (size_t i = 0; i < 3; i++) {
        struct cs_revoked_set *set = cs_revoked_set_new(&of[i], 1);
        q.revoked = set;
        cs_assert(cs_chain_verify(&q, &arena, &v) == 0);
        expect(&v, codes[i], "judged for the first time");
        cs_findings_init(&findings, &arena);
        tap_int(cs_chain_recheck(&q, held.path, held.n_path, &findings),
                i < 2 ? CS_X509_ERR_REVOKED : 0, "judged again");
        cs_revoked_set_free(set);
    }
    q = (struct cs_chain_query){.ders = &stranger.cert.der,
                                .n = 1,
                                .trust = trust,
                                .now_sec = NOW,
                                .allow_unknown_issuer = true};
    q.revoked = cs_revoked_set_new(&of[3], 1);
    cs_assert(cs_chain_verify(&q, &arena, &v) == 0);
    expect(&v, "issuer-unknown", "whoever issued that");
    cs_revoked_set_free((struct cs_revoked_set *)q.revoked);
    cs_trust_unref(trust);
    cs_key_free(sub.key);
    cs_key_free(leaf.key);
}

/* What a responder said last. */
enum said { NOTHING, GOOD, OLD, BAD, OLD_BAD, STRANGE, FAILED, STALE, FORGED };

static struct cs_standing said(enum said what)
{
    struct cs_standing s = {.answered = what != NOTHING && what < FAILED,
                            .said = what == BAD || what == OLD_BAD ? CS_OCSP_REVOKED
                                    : what == STRANGE              ? CS_OCSP_UNKNOWN
                                                                   : CS_OCSP_GOOD,
                            .this_update = NOW - 60,
                            .next_update = what == OLD || what == OLD_BAD ? NOW - 5 : NOW + 60,
                            .received_sec = NOW - 60};

    if (what == FAILED)
        cs_standing_fail(&s, CS_OCSP_FAILURE_UNREACHABLE, CS_STR("refused"));
    if (what == STALE)
        cs_standing_fail(&s, CS_OCSP_FAILURE_STALE, CS_STR("old"));
    if (what == FORGED)
        cs_standing_fail(&s, CS_OCSP_FAILURE_UNAUTHORIZED, CS_STR("forged"));
    return s;
}

/* Failures are of this moment, answers of a minute ago. */
static void put_said(struct cs_standings *table, const struct cs_chain_query *q,
                     const struct cs_verdict *held, size_t i, enum said what)
{
    struct cs_standing news = said(what);

    if (what == NOTHING)
        return;
    cs_chain_standing_key(q, held->path, i, news.key);
    cs_standings_take(table, &news, news.failure ? q->now_ms : q->now_ms - 60000);
}

static const struct standing_row {
    const char *what;
    enum said leaf, issuer;
    struct cs_revocation_rules rules;
    bool over; /* nobody waits any more */
    enum cs_standing_step step;
    uint64_t wanted;  /* with ASK */
    const char *code; /* with REFUSED; PASSES: of a remark, or NULL */
} standing_rows[] = {
    {"nothing is known", NOTHING, NOTHING, {0}, false, CS_STANDING_ASK, 3, NULL},
    {"the leaf alone", NOTHING, BAD, {.ocsp_leaf_only = true}, false, CS_STANDING_ASK, 1, NULL},
    {"all is good", GOOD, GOOD, {0}, false, CS_STANDING_PASSES, 0, NULL},
    {"the issuer is to be asked about", GOOD, NOTHING, {0}, false, CS_STANDING_ASK, 2, NULL},
    {"good of yesterday", OLD, GOOD, {0}, false, CS_STANDING_ASK, 1, NULL},
    {"asked for every connection",
     GOOD,
     GOOD,
     {.ocsp_anew = true},
     false,
     CS_STANDING_ASK,
     3,
     NULL},
    {"revoked", BAD, GOOD, {0}, false, CS_STANDING_REFUSED, 0, "revoked"},
    {"the issuer is revoked", GOOD, BAD, {0}, false, CS_STANDING_REFUSED, 0, "revoked"},
    {"the issuer is revoked, and the leaf not asked about",
     NOTHING,
     BAD,
     {0},
     false,
     CS_STANDING_REFUSED,
     0,
     "revoked"},
    {"revoked, and soft",
     BAD,
     GOOD,
     {.soft = true, .grace_sec = 100},
     true,
     CS_STANDING_REFUSED,
     0,
     "revoked"},
    {"revoked of yesterday, and soft",
     OLD_BAD,
     GOOD,
     {.soft = true, .grace_sec = 100},
     true,
     CS_STANDING_REFUSED,
     0,
     "revoked"},
    {"waited for in vain", NOTHING, GOOD, {0}, true, CS_STANDING_REFUSED, 0, "ocsp-unreachable"},
    {"unreachable", FAILED, GOOD, {0}, false, CS_STANDING_REFUSED, 0, "ocsp-unreachable"},
    {"of the issuer", GOOD, FAILED, {0}, false, CS_STANDING_REFUSED, 0, "ocsp-unreachable"},
    {"of the issuer, who is not asked about",
     GOOD,
     FAILED,
     {.ocsp_leaf_only = true},
     false,
     CS_STANDING_PASSES,
     0,
     NULL},
    {"stale", STALE, GOOD, {0}, false, CS_STANDING_REFUSED, 0, "ocsp-stale"},
    {"good of yesterday, nobody answers",
     OLD,
     GOOD,
     {0},
     true,
     CS_STANDING_REFUSED,
     0,
     "ocsp-stale"},
    {"signed by somebody else",
     FORGED,
     GOOD,
     {0},
     false,
     CS_STANDING_REFUSED,
     0,
     "ocsp-unauthorized"},
    {"unknown", STRANGE, GOOD, {0}, false, CS_STANDING_REFUSED, 0, "ocsp-unknown"},
    {"unreachable, and soft",
     FAILED,
     GOOD,
     {.soft = true},
     false,
     CS_STANDING_PASSES,
     0,
     "revocation-unknown"},
    {"unknown, and soft",
     STRANGE,
     GOOD,
     {.soft = true},
     false,
     CS_STANDING_PASSES,
     0,
     "revocation-unknown"},
    {"forged, and soft",
     FORGED,
     GOOD,
     {.soft = true},
     false,
     CS_STANDING_PASSES,
     0,
     "revocation-unknown"},
    {"soft asks first", NOTHING, GOOD, {.soft = true}, false, CS_STANDING_ASK, 1, NULL},
    {"within the grace",
     OLD,
     GOOD,
     {.grace_sec = 6},
     true,
     CS_STANDING_PASSES,
     0,
     "revocation-unknown"},
    {"behind it", OLD, GOOD, {.grace_sec = 5}, true, CS_STANDING_REFUSED, 0, "ocsp-stale"},
};

static void check_standing(const struct standing_row *row, struct cs_chain_query q,
                           const struct cs_verdict *held)
{
    struct cs_standings *table = cs_standings_new(4);
    struct cs_patience patience = {.now_sec = NOW,
                                   .now_ms = q.now_ms,
                                   .since_ms = row->rules.ocsp_anew ? q.now_ms : INT64_MIN,
                                   .grace_sec = row->rules.grace_sec,
                                   .over = row->over};
    enum cs_standing_step step;
    struct cs_findings findings;
    struct cs_verdict v = {0};
    uint64_t wanted = 99;
    bool revoked = row->leaf == BAD || (row->issuer == BAD && !row->rules.ocsp_leaf_only);

    q.revocation = row->rules;
    q.revocation.ocsp = true;
    q.standings = table;
    put_said(table, &q, held, 0, row->leaf);
    put_said(table, &q, held, 1, row->issuer);
    step = cs_chain_standing(&q, &patience, held, &arena, &wanted, &v);
    tap_ok(step == row->step, "%s: step %d", row->what, (int)step);
    if (step == CS_STANDING_ASK)
        tap_int((int64_t)wanted, (int64_t)row->wanted, "whom about");
    if (step == CS_STANDING_REFUSED)
        expect(&v, row->code, "why");
    if (step == CS_STANDING_PASSES)
        tap_ok(v.accepted && (row->code ? has_code(&v.findings, row->code) : !v.findings.n),
               "with a remark or none");
    cs_findings_init(&findings, &arena);
    tap_int(cs_chain_recheck(&q, held->path, held->n_path, &findings),
            revoked ? CS_X509_ERR_REVOKED : 0,
            "judged again, only what is called revoked today counts");
    cs_standings_free(table);
}

/* Every answer of a responder, and none, under every rule. */
static void test_standing(void)
{
    struct holder sub = make_ca("Sub", &root), leaf = make_client("leaf", &sub);
    struct cs_trust *trust = trust_of(&root, NULL, 0, (struct cs_str){0});
    struct cs_str chain[] = {leaf.cert.der, sub.cert.der};
    struct cs_chain_query q = {
        .ders = chain, .n = 2, .trust = trust, .now_sec = NOW, .now_ms = 5000000, .depth = 1};
    struct cs_verdict held;

    cs_assert(cs_chain_verify(&q, &arena, &held) == 0 && held.n_path == 3);
    for (size_t i = 0; i < sizeof(standing_rows) / sizeof(standing_rows[0]); i++)
        check_standing(&standing_rows[i], q, &held);
    cs_trust_unref(trust);
    cs_key_free(sub.key);
    cs_key_free(leaf.key);
}

/* The trust set with these CAs. */
static struct cs_trust *trust_both(const struct holder *a, const struct holder *b,
                                   const struct cs_source *crls, size_t n)
{
    struct cs_source sources[] = {{.bytes = a->cert.der, .file = CS_STR("a")},
                                  {.bytes = b->cert.der, .file = CS_STR("b")}};
    struct cs_trust_spec spec = {.cas = sources, .n_cas = 2, .n_named = 2};
    struct cs_crl_lists *lists = NULL;
    struct cs_findings findings;
    struct cs_trust *trust = NULL;

    cs_findings_init(&findings, &arena);
    cs_assert(n == 0 || cs_crl_lists_new(crls, n, &findings, &lists) == 0);
    spec.crls = lists;
    cs_assert(cs_trust_new(&spec, &findings, &trust) == 0);
    cs_crl_lists_free(lists);
    return trust;
}

/* Lists of the intermediate CA alone do for leaves of it. */
static void test_leaf_only(void)
{
    struct holder sub = make_ca("sub", &root), leaf = make_client("below", &sub);
    struct cs_source list = make_crl(&sub, NULL, NOW - 10, NOW + 10);
    struct cs_trust *trust = trust_both(&root, &sub, &list, 1);
    struct cs_chain_query q = {
        .ders = &leaf.cert.der, .n = 1, .trust = trust, .now_sec = NOW, .depth = 1};
    struct cs_verdict v;

    cs_assert(cs_chain_verify(&q, &arena, &v) == 0);
    expect(&v, "crl-missing", "the root has no list");
    q.revocation.leaf_only = true;
    cs_assert(cs_chain_verify(&q, &arena, &v) == 0);
    expect(&v, "accepted", "and needs none when only leaves are asked about");
    cs_trust_unref(trust);
    cs_key_free(sub.key);
    cs_key_free(leaf.key);
}

/* What becomes of an accepted chain when trust, lists and time are others. */
static void test_withdrawn(void)
{
    struct holder sub = make_ca("Sub", &root), leaf = make_client("leaf", &sub);
    struct cs_source good[] = {make_crl(&root, NULL, NOW - 10, NOW + 10),
                               make_crl(&sub, NULL, NOW - 10, NOW + 10)};
    struct cs_source bad[] = {good[0], make_crl(&sub, &leaf, NOW - 10, NOW + 10)};
    struct cs_source ca_bad[] = {make_crl(&root, &sub, NOW - 10, NOW + 10), good[1]};
    struct cs_trust *first = trust_both(&root, &sub, good, 2);
    struct {
        const char *what;
        struct cs_trust *trust;
        int64_t now_sec, leeway_sec;
        bool expiry;
        const char *code; /* NULL: it stands */
        int depth;
    } rows[] = {
        {"nothing has changed", cs_trust_ref(first), NOW, 0, true, NULL, 0},
        {"the same CAs and lists, read anew", trust_both(&root, &sub, good, 2), NOW, 0, true, NULL,
         0},
        {"on the list", trust_both(&root, &sub, bad, 2), NOW, 0, false, "revoked", 0},
        {"its issuer is on the list", trust_both(&root, &sub, ca_bad, 2), NOW, 0, false, "revoked",
         1},
        {"on a list that has run out", trust_both(&root, &sub, bad, 2), NOW + 20, 0, false,
         "revoked", 0},
        {"lists have run out", cs_trust_ref(first), NOW + 20, 0, true, NULL, 0},
        {"a list is missing", trust_both(&root, &sub, good, 1), NOW, 0, true, NULL, 0},
        {"expired, and nobody asks", cs_trust_ref(first), NOW + 200 * DAY, 0, false, NULL, 0},
        {"expired", cs_trust_ref(first), NOW + 200 * DAY, 0, true, "certificate-expired", 0},
        {"expired within the leeway", cs_trust_ref(first), NOW + 100 * DAY + 5, 10, true, NULL, 0},
        {"expired for longer", cs_trust_ref(first), NOW + 100 * DAY + 10, 10, true,
         "certificate-expired", 0},
        {"the issuer has expired", cs_trust_ref(first), NOW + 2000 * DAY, 3000 * DAY, true, NULL,
         0},
        {"the clock was put back", cs_trust_ref(first), NOW - 20 * DAY, 0, true, NULL, 0},
        {"another root beside it", trust_both(&other, &root, NULL, 0), NOW, 0, false,
         "issuer-unknown", 0},
        {"the root is not trusted any more", trust_of(&other, NULL, 0, (struct cs_str){0}), NOW, 0,
         false, "issuer-unknown", 0},
    };
    struct cs_chain_query q = {
        .ders = &leaf.cert.der, .n = 1, .trust = first, .now_sec = NOW, .depth = 1};
    struct cs_str presented[] = {leaf.cert.der, sub.cert.der};
    struct cs_trust *alone = trust_of(&root, NULL, 0, (struct cs_str){0});
    struct cs_verdict held, v;

    cs_assert(cs_chain_verify(&q, &arena, &held) == 0);
    expect(&held, "accepted", "the intermediate being trusted itself");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int r;
        q.trust = rows[i].trust;
        q.now_sec = rows[i].now_sec;
        q.leeway_sec = rows[i].leeway_sec;
        r = cs_chain_withdrawn(&q, &held, rows[i].expiry, &arena, &v);
        tap_int(r, rows[i].code != NULL, rows[i].what);
        if (r == 1 && rows[i].code) {
            expect(&v, rows[i].code, "its code");
            tap_int(v.error_depth, rows[i].depth, "which certificate it is about");
            tap_ok(v.error != 0 && cs_str_eq(v.leaf->der, leaf.cert.der), "and a number");
        }
        cs_trust_unref(rows[i].trust);
    }
    q = (struct cs_chain_query){
        .ders = presented, .n = 2, .trust = alone, .now_sec = NOW, .depth = 1};
    tap_int(cs_chain_withdrawn(&q, &held, true, &arena, &v), 0,
            "another way is looked for when the first is gone");
    cs_assert(cs_chain_verify(&q, &arena, &held) == 0);
    q.trust = first;
    tap_int(cs_chain_withdrawn(&q, &held, true, &arena, &v), 0,
            "what the peer presents itself need not be trusted");
    cs_trust_unref(alone);
    cs_trust_unref(first);
    cs_key_free(sub.key);
    cs_key_free(leaf.key);
}

/* The leeway moves both bounds of every certificate of the path, and nothing else. */
static void test_leeway(void)
{
    struct cs_trust *trust = trust_of(&root, NULL, 0, (struct cs_str){0});
    const int64_t from = NOW - DAY, until = NOW + 100 * DAY;
    struct cs_verdict v = judge(&client.cert.der, 1, trust, NOW, false);
    struct {
        int64_t now_sec, leeway_sec;
        const char *code;
    } rows[] = {{from, 0, "accepted"},
                {from - 1, 0, "certificate-not-yet-valid"},
                {from - 1, 2, "within-clock-leeway"},
                {from - 600, 600, "certificate-not-yet-valid"},
                {until - 1, 600, "accepted"},
                {until + 1, 600, "within-clock-leeway"},
                {until + 599, 600, "within-clock-leeway"},
                {until + 600, 600, "certificate-expired"}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_chain_query q = {.ders = &client.cert.der,
                                   .n = 1,
                                   .trust = trust,
                                   .now_sec = rows[i].now_sec,
                                   .leeway_sec = rows[i].leeway_sec,
                                   .depth = 1};
        bool accepted = strncmp(rows[i].code, "certificate", 11) != 0;
        struct cs_verdict judged = {0};
        struct cs_findings again;

        cs_assert(cs_chain_verify(&q, &arena, &judged) == 0);
        tap_int(judged.accepted, accepted, rows[i].code);
        tap_str(cs_str_from(judged.findings.last ? judged.findings.last->kind->code : "accepted"),
                cs_str_from(rows[i].code), "and said so");
        cs_findings_init(&again, &arena);
        tap_int(cs_chain_recheck(&q, v.path, v.n_path, &again) == 0, accepted, "judged again");
        tap_str(cs_str_from(again.last ? again.last->kind->code : "accepted"),
                cs_str_from(rows[i].code), "with the same words");
    }
    cs_trust_unref(trust);
}

/* A revoked certificate stays revoked on a list that has run out; the newest list counts. */
static void test_lists(void)
{
    struct cs_source old_bad = make_crl(&root, &client, NOW - 30, NOW - 20);
    struct cs_source old_good = make_crl(&root, NULL, NOW - 30, NOW + 30);
    struct cs_source new_bad = make_crl(&root, &client, NOW - 10, NOW + 10);
    struct cs_source future_bad = make_crl(&root, &client, NOW + 10, NOW + 20);
    struct {
        const char *what, *code;
        struct cs_source lists[2];
        size_t n;
    } rows[] = {
        {"on a list that has run out", "revoked", {old_bad}, 1},
        {"on the newer of two", "revoked", {old_good, new_bad}, 2},
        {"the order of the lists does not matter", "revoked", {new_bad, old_good}, 2},
        {"the one that is valid counts", "accepted", {old_good, old_bad}, 2},
        {"one from the future does not", "accepted", {future_bad, old_good}, 2},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_trust *trust = trust_of(&root, rows[i].lists, rows[i].n, (struct cs_str){0});
        struct cs_verdict v = judge(&client.cert.der, 1, trust, NOW, false);
        expect(&v, rows[i].code, rows[i].what);
        cs_trust_unref(trust);
    }
}

/* The list of a CA that only the peer presents is verified with the key it presents. */
static void test_presented_issuer(void)
{
    struct holder sub = make_ca("Sub", &root), leaf = make_client("leaf", &sub);
    struct holder twin = make_ca("Sub", &root);
    struct cs_source lists[] = {make_crl(&root, NULL, NOW - 10, NOW + 10),
                                make_crl(&sub, &leaf, NOW - 10, NOW + 10)};
    struct cs_source forged[] = {lists[0], make_crl(&twin, NULL, NOW - 10, NOW + 10)};
    struct cs_trust *trust = trust_of(&root, lists, 2, (struct cs_str){0});
    struct cs_str chain[] = {leaf.cert.der, sub.cert.der};
    struct cs_verdict v = judge(chain, 2, trust, NOW, false);

    expect(&v, "revoked", "by the list of the presented CA");
    cs_trust_unref(trust);
    trust = trust_of(&root, forged, 2, (struct cs_str){0});
    v = judge(chain, 2, trust, NOW, false);
    expect(&v, "crl-missing", "the list of a namesake with another key does not count");
    cs_trust_unref(trust);
    cs_key_free(sub.key);
    cs_key_free(leaf.key);
    cs_key_free(twin.key);
}

static bool says(const struct cs_verdict *v, const struct cs_finding_kind *kind)
{
    for (const struct cs_finding *f = v->findings.first; f; f = f->next) {
        if (f->kind == kind)
            return true;
    }
    return false;
}

/* An intermediate that the peer leaves out, and that happens to be at hand. */
static void test_known(void)
{
    struct holder sub = make_ca("Sub", &root), leaf = make_client("leaf", &sub);
    struct holder namesake = make_ca("Sub", &other);
    struct cs_trust *trust = trust_of(&root, NULL, 0, (struct cs_str){0});
    struct cs_str known[] = {CS_STR("\x30\x00"), namesake.cert.der, sub.cert.der};
    struct cs_chain_query q = {
        .ders = &leaf.cert.der, .n = 1, .trust = trust, .now_sec = NOW, .depth = 1};
    struct cs_verdict v;

    cs_assert(cs_chain_verify(&q, &arena, &v) == 0);
    expect(&v, "issuer-unknown", "nothing is known of the issuer");
    q.known = known;
    q.n_known = 2;
    cs_assert(cs_chain_verify(&q, &arena, &v) == 0);
    expect(&v, "issuer-unknown", "a namesake that did not sign it says nothing");
    q.n_known = 3;
    cs_assert(cs_chain_verify(&q, &arena, &v) == 0);
    expect(&v, "intermediate-missing", "the one that did, below what is trusted");
    tap_ok(cs_str_search(v.cause->operands[4], CS_STR("Root")) > 0, "and who issued that one: %.*s",
           CS_FMT(v.cause->operands[4]));
    cs_trust_unref(trust);
    trust = trust_of(&other, NULL, 0, (struct cs_str){0});
    q.trust = trust;
    cs_assert(cs_chain_verify(&q, &arena, &v) == 0);
    expect(&v, "issuer-unknown", "not when nobody trusted issued it");
    cs_trust_unref(trust);
    cs_key_free(sub.key);
    cs_key_free(leaf.key);
    cs_key_free(namesake.key);
}

/* Accepted here, and what may be said of it elsewhere. */
static void test_remarks(void)
{
    struct holder sub = make_ca("Sub", &root), leaf = make_client("leaf", &sub);
    struct cs_trust *trust = trust_of(&root, NULL, 0, (struct cs_str){0});
    struct cs_str good[] = {leaf.cert.der, sub.cert.der};
    struct cs_str whole[] = {leaf.cert.der, sub.cert.der, root.cert.der};
    struct cs_str mixed[] = {leaf.cert.der, root.cert.der, sub.cert.der};
    struct cs_verdict v = judge(good, 2, trust, NOW, false);

    tap_ok(v.accepted && v.findings.n == 0, "a plain chain: nothing to remark");
    v = judge(whole, 3, trust, NOW, false);
    tap_ok(v.accepted && says(&v, CS_X509_KIND(ROOT_IN_CHAIN)), "the root is in the chain");
    v = judge(mixed, 3, trust, NOW, false);
    tap_ok(v.accepted && says(&v, CS_X509_KIND(CHAIN_UNORDERED)), "the chain is not in order");
    cs_trust_unref(trust);
    cs_key_free(sub.key);
    cs_key_free(leaf.key);
}

/* The certificate of @name for the key of @old, signed by @issuer. */
static struct cs_cert again(const char *name, const struct holder *old, const struct holder *issuer,
                            int64_t not_after)
{
    struct cs_make_issuer by = {&issuer->cert, issuer->key};
    struct cs_cert_spec spec = {.common_name = cs_str_from(name),
                                .ca = true,
                                .path_len = -1,
                                .key_usage = CS_USAGE_KEY_CERT_SIGN | CS_USAGE_CRL_SIGN,
                                .not_before = NOW - 10 * DAY,
                                .not_after = not_after};
    struct cs_findings findings;
    struct cs_cert cert;
    struct cs_buf der;

    cs_findings_init(&findings, &arena);
    cs_buf_init(&der, 1 << 20);
    cs_assert(cs_make_cert(&spec, old->key, issuer == old ? NULL : &by, &der) == 0);
    cs_assert(cs_cert_parse(cs_arena_dup(&arena, cs_buf_str(&der)), &arena, &findings, &cert) == 0);
    cs_buf_deinit(&der);
    return cert;
}

/* A new root that an old one signed for those who did not know it: the old one has expired. */
static void test_cross(void)
{
    struct holder new = make_ca("New Root", NULL), old = make_ca("Old Root", NULL);
    struct holder expired = {old.key, again("Old Root", &old, &old, NOW - DAY)};
    struct cs_cert cross = again("New Root", &new, &expired, NOW + DAY);
    struct holder leaf = make_client("leaf", &new);
    struct cs_str chain[] = {leaf.cert.der, cross.der};
    struct cs_trust *trust = trust_of(&expired, NULL, 0, (struct cs_str){0});
    struct cs_verdict v = judge(chain, 2, trust, NOW, false);

    expect(&v, "issuer-expired", "only the old root is trusted");
    tap_ok(cs_str_search(v.cause->operands[5], CS_STR("New Root")) > 0,
           "the remedy is the new one: %.*s", CS_FMT(v.cause->operands[5]));
    cs_trust_unref(trust);
    trust = trust_of(&new, NULL, 0, (struct cs_str){0});
    v = judge(chain, 2, trust, NOW, false);
    expect(&v, "accepted", "which is good on its own");
    cs_trust_unref(trust);
    cs_key_free(new.key);
    cs_key_free(old.key);
    cs_key_free(leaf.key);
}

/* Certificates and lists of CAs with every kind of key. */
static void test_kinds(void)
{
    static const enum cs_make_key_kind kinds[] = {CS_MAKE_P256, CS_MAKE_P384, CS_MAKE_ED25519,
                                                  CS_MAKE_RSA2048};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct holder ca = make_ca_kind("Kind", NULL, kinds[i]);
        struct holder good = make_client("good", &ca), bad = make_client("bad", &ca);
        struct cs_source list = make_crl(&ca, &bad, NOW - 10, NOW + 10);
        struct cs_trust *trust = trust_of(&ca, &list, 1, (struct cs_str){0});
        struct cs_verdict v = judge(&good.cert.der, 1, trust, NOW, false);
        expect(&v, "accepted", "a good client of this kind of CA");
        v = judge(&bad.cert.der, 1, trust, NOW, false);
        expect(&v, "revoked", "a revoked one");
        cs_trust_unref(trust);
        cs_key_free(ca.key);
        cs_key_free(good.key);
        cs_key_free(bad.key);
    }
}

static void test_refused_list(void)
{
    struct cs_source ca = {.bytes = root.cert.der, .file = CS_STR("ca")};
    struct cs_source list = make_crl(&root, NULL, NOW - 10, NOW + 10);
    struct cs_trust_spec spec = {.cas = &ca, .n_cas = 1};
    struct cs_crl_lists *lists = NULL;
    struct cs_trust *trust = NULL;
    struct cs_findings findings;
    char *bytes = (char *)cs_arena_dup(&arena, list.bytes).ptr;

    bytes[list.bytes.len - 1] ^= 1;
    list.bytes.ptr = bytes;
    cs_findings_init(&findings, &arena);
    tap_int(cs_crl_lists_new(&list, 1, &findings, &lists), 0, "a list that was altered");
    spec.crls = lists;
    tap_int(cs_trust_new(&spec, &findings, &trust), CS_TRUST_REFUSED, "is found out");
    tap_ok(trust == NULL && findings.n_errors == 1, "nothing is trusted then");
    tap_str(cs_str_from(findings.first->kind->code), CS_STR("crl-signature-invalid"), "said why");
    cs_crl_lists_free(lists);
}

/* One file of lists under two trust sets: held once, and each set goes by its own keys. */
static void test_shared_lists(void)
{
    static const enum cs_make_key_kind kinds[] = {CS_MAKE_P256, CS_MAKE_ED25519};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct holder ca = make_ca_kind("Kind", NULL, kinds[i]);
        struct holder twin = make_ca_kind("Kind", NULL, kinds[i]);
        struct holder bad = make_client("bad", &ca);
        struct cs_source list = make_crl(&ca, &bad, NOW - 10, NOW + 10);
        struct cs_source mine = {.bytes = ca.cert.der}, other_ca = {.bytes = twin.cert.der};
        struct cs_source both[] = {other_ca, mine};
        struct cs_crl_lists *lists = NULL;
        struct cs_trust_spec spec = {.cas = &mine, .n_cas = 1};
        struct cs_trust *first = NULL, *second = NULL, *namesake = NULL;
        struct cs_findings findings;
        struct cs_verdict v;
        size_t size;

        cs_findings_init(&findings, &arena);
        tap_int(cs_crl_lists_new(&list, 1, &findings, &lists), 0, "read once");
        spec.crls = lists;
        tap_int(cs_trust_new(&spec, &findings, &first), 0, "for the CA that signed it");
        spec.cas = both;
        spec.n_cas = 2;
        tap_int(cs_trust_new(&spec, &findings, &second), 0, "and for two");
        spec.n_cas = 1;
        tap_int(cs_trust_new(&spec, &findings, &namesake),
                kinds[i] == CS_MAKE_ED25519 ? CS_TRUST_REFUSED : 0, "and for a namesake alone");
        tap_str(cs_str_from(findings.last->kind->code),
                cs_str_from(kinds[i] == CS_MAKE_ED25519 ? "crl-signature-invalid"
                                                        : "crl-issuer-unknown"),
                "whose key has not signed it");
        cs_crl_lists_free(lists);
        tap_ok(cs_crl_set_block(cs_trust_crls(first), &size) ==
                   cs_crl_set_block(cs_trust_crls(second), &size),
               "held once");
        cs_trust_unref(first);
        cs_trust_unref(namesake);
        v = judge(&bad.cert.der, 1, second, NOW, false);
        expect(&v, "revoked", "and longer than the set it was read for");
        cs_trust_unref(second);
        cs_key_free(ca.key);
        cs_key_free(twin.key);
        cs_key_free(bad.key);
    }
}

static bool same_digest(const struct cs_trust *a, const struct cs_trust *b)
{
    return memcmp(cs_trust_digest(a), cs_trust_digest(b), 32) == 0;
}

static void test_digest(void)
{
    struct cs_source one = make_crl(&root, NULL, NOW - 10, NOW + 10);
    struct cs_source two = make_crl(&root, &client, NOW - 10, NOW + 10);
    struct cs_trust *sets[] = {
        trust_of(&root, NULL, 0, (struct cs_str){0}), trust_of(&other, NULL, 0, (struct cs_str){0}),
        trust_of(&root, &one, 1, (struct cs_str){0}), trust_of(&root, &two, 1, (struct cs_str){0}),
        trust_of(&root, NULL, 0, CS_STR("depth=2")),
    };
    struct cs_trust *again = trust_of(&root, NULL, 0, (struct cs_str){0});
    size_t n = sizeof(sets) / sizeof(sets[0]);

    tap_ok(same_digest(sets[0], again), "the same set has the same digest");
    for (size_t i = 0; i < n; i++) {
        for (size_t k = i + 1; k < n; k++)
            tap_ok(!same_digest(sets[i], sets[k]), "sets %zu and %zu differ", i, k);
    }
    for (size_t i = 0; i < n; i++)
        cs_trust_unref(sets[i]);
    cs_trust_unref(again);
}

/* Two sources, one certificate twice, a key among them: two CAs, one name to send. */
static void test_sources(void)
{
    struct cs_source sources[2] = {{.place.file = CS_STR("a")}, {.place.file = CS_STR("b")}};
    struct cs_trust_spec spec = {.cas = sources, .n_cas = 2, .n_named = 1};
    struct cs_trust *trust = NULL;
    struct cs_findings findings;
    struct cs_buf a, b;
    size_t n;

    cs_buf_init(&a, 1 << 16);
    cs_buf_init(&b, 1 << 16);
    cs_findings_init(&findings, &arena);
    cs_assert(cs_pem_write(&a, CS_STR("CERTIFICATE"), root.cert.der) == 0);
    cs_assert(cs_key_write(root.key, &a) == 0);
    cs_assert(cs_pem_write(&b, CS_STR("CERTIFICATE"), root.cert.der) == 0);
    cs_assert(cs_pem_write(&b, CS_STR("CERTIFICATE"), other.cert.der) == 0);
    sources[0].bytes = cs_buf_str(&a);
    sources[1].bytes = cs_buf_str(&b);
    tap_int(cs_trust_new(&spec, &findings, &trust), 0, "read");
    (void)cs_trust_certs(trust, &n);
    tap_int((int64_t)n, 2, "each certificate once");
    tap_int((int64_t)cs_trust_names(trust).n, 1, "names of the first source only");
    tap_str(cs_trust_names(trust).items[0], root.cert.subject, "which one");
    cs_trust_unref(trust);
    sources[1].bytes = CS_STR("no certificate here\n");
    trust = NULL;
    tap_int(cs_trust_new(&spec, &findings, &trust), CS_TRUST_REFUSED, "one source is unreadable");
    tap_ok(trust == NULL, "nothing is trusted then");
    tap_str(findings.last->place.file, CS_STR("b"), "and which");
    cs_buf_wipe(&a);
    cs_buf_deinit(&b);
}

int main(void)
{
    root = make_ca("Root", NULL);
    other = make_ca("Other", NULL);
    client = make_client("client", &root);
    stranger = make_client("stranger", &other);
    test_limits();
    test_hostile_names();
    test_accepted();
    test_edges();
    test_tolerated();
    test_recheck();
    test_rules();
    test_leaf_only();
    test_parts();
    test_survey();
    test_standing();
    test_forged_part();
    test_revoked_at_a_word();
    test_withdrawn();
    test_leeway();
    test_lists();
    test_presented_issuer();
    test_known();
    test_remarks();
    test_cross();
    test_kinds();
    test_refused_list();
    test_shared_lists();
    test_digest();
    test_sources();
    cs_key_free(root.key);
    cs_key_free(other.key);
    cs_key_free(client.key);
    cs_key_free(stranger.key);
    cs_arena_deinit(&arena);
    return tap_done();
}
