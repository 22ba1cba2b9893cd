/* Orders taken and refused, each by its code; what is drafted says what was planned. */
#include "authority/order.h"

#include <stdlib.h>

#include "authority/findings.h"
#include "base/mem.h"
#include "tap.h"
#include "x509/key.h"

enum { NOW = 1800000000, DAY = 86400, HOUR = 3600 };

static struct cs_arena arena;

struct holder {
    struct evp_pkey_st *key;
    struct cs_cert cert;
};

static struct holder root, issuer, short_issuer;
static struct evp_pkey_st *p256, *p384, *ed25519, *rsa2048;

static struct cs_str keep(struct cs_buf *buf)
{
    struct cs_str bytes = cs_arena_dup(&arena, cs_buf_str(buf));

    cs_buf_deinit(buf);
    return bytes;
}

static struct holder make_ca(const char *name, const struct holder *by, int64_t ttl,
                             struct cs_names permitted)
{
    struct cs_cert_spec spec = {.common_name = cs_str_from(name),
                                .ca = true,
                                .path_len = by ? 0 : 1,
                                .permitted_dns = permitted,
                                .key_usage = CS_USAGE_KEY_CERT_SIGN | CS_USAGE_CRL_SIGN,
                                .not_before = NOW - 30 * DAY,
                                .not_after = NOW + ttl};
    struct cs_make_issuer signer = {by ? &by->cert : NULL, by ? by->key : NULL};
    struct cs_findings findings;
    struct holder h = {0};
    struct cs_buf der;

    cs_findings_init(&findings, &arena);
    cs_buf_init(&der, 1 << 16);
    cs_assert(cs_make_key(CS_MAKE_P256, &h.key) == 0);
    cs_assert(cs_make_cert(&spec, h.key, by ? &signer : NULL, &der) == 0);
    cs_assert(cs_cert_parse(keep(&der), &arena, &findings, &h.cert) == 0);
    return h;
}

/* What stands in the request and beside it. */
struct wish {
    const char *profile;
    const char *names; /* "dns:a.test cn:x": beside the request */
    const char *asked; /* in the request: subjectAltNames and common name */
    struct evp_pkey_st **key;
    int64_t ttl;
    const char *code;  /* of the first error, or NULL: taken */
    const char *token; /* patterns that the asker is entitled to, or NULL */
    const char *renewed;
};

static struct cs_claims read_claims(const char *text)
{
    struct cs_claim *items = cs_arena_array(&arena, 210, sizeof(*items));
    struct cs_str rest = cs_str_from(text ? text : "");
    size_t n = 0;

    while (rest.len) {
        struct cs_str word = cs_str_cut(&rest, ' ');
        const char *why = cs_claim_parse(word, &arena, &items[n]);
        if (why) { /* hostile: as a request may have it */
            items[n] = (struct cs_claim){CS_CLAIM_DNS, cs_str_skip(word, 4)};
        }
        n++;
    }
    return (struct cs_claims){items, n};
}

static struct cs_pattern_set read_patterns(const char *text)
{
    struct cs_pattern *items = cs_arena_array(&arena, 10, sizeof(*items));
    struct cs_str rest = cs_str_from(text);
    size_t n = 0;

    while (rest.len)
        cs_assert(!cs_pattern_parse(cs_str_cut(&rest, ' '), &items[n++]));
    return (struct cs_pattern_set){items, n};
}

static struct cs_names of_kind(const struct cs_claims *claims, enum cs_claim_kind kind)
{
    struct cs_str *items = cs_arena_array(&arena, claims->n + 1, sizeof(*items));
    size_t n = 0;

    for (size_t i = 0; i < claims->n; i++) {
        if (claims->items[i].kind == kind)
            items[n++] = claims->items[i].value;
    }
    return (struct cs_names){items, n};
}

static void make_csr(const struct wish *w, struct cs_csr *ret_csr)
{
    struct cs_claims asked = read_claims(w->asked);
    struct cs_names cn = of_kind(&asked, CS_CLAIM_CN);
    struct cs_cert_spec spec = {.common_name = cn.n ? cn.items[0] : (struct cs_str){0},
                                .dns = of_kind(&asked, CS_CLAIM_DNS),
                                .uri = of_kind(&asked, CS_CLAIM_URI),
                                .ip = of_kind(&asked, CS_CLAIM_IP),
                                .email = of_kind(&asked, CS_CLAIM_EMAIL)};
    struct cs_findings findings;
    struct cs_buf der;

    cs_findings_init(&findings, &arena);
    cs_buf_init(&der, 1 << 16);
    cs_assert(cs_make_csr(&spec, w->key ? *w->key : p256, &der) == 0);
    cs_assert(cs_csr_parse(keep(&der), &arena, &findings, ret_csr) == 0);
}

static struct cs_profiles profiles;

static int judge(const struct wish *w, const struct holder *by, struct cs_csr *csr,
                 struct cs_findings *findings, struct cs_plan *plan, struct cs_draft *draft)
{
    const struct cs_cert *path[] = {&by->cert, &root.cert};
    struct cs_pattern_set token = read_patterns(w->token ? w->token : "");
    struct cs_claims renewed = read_claims(w->renewed);
    struct cs_order order = {cs_str_from(w->profile), csr, read_claims(w->names), w->ttl};
    struct cs_ground ground = {.profiles = &profiles,
                               .issuers = path,
                               .n_issuers = 2,
                               .entitled = w->token ? &token : NULL,
                               .renewed = w->renewed ? &renewed : NULL,
                               .serial = CS_STR("\xff"
                                                "0123456789abcde"),
                               .crl_url = CS_STR("http://ca.test/crl/1/0.crl"),
                               .now_sec = NOW};
    struct cs_make_issuer signer = {&by->cert, by->key};
    int r;

    cs_findings_init(findings, &arena);
    r = cs_order_judge(&order, &ground, &arena, findings, plan);
    return r ? r : cs_order_draft(plan, &signer, &ground, &arena, findings, draft);
}

static const char *first_error(const struct cs_findings *findings)
{
    for (const struct cs_finding *f = findings->first; f; f = f->next) {
        if (f->kind->severity == CS_SEVERITY_ERROR)
            return f->kind->code;
    }
    return "none";
}

static const struct wish wishes[] = {
    {"server", "dns:web.example.internal"},
    {"server", NULL, "dns:web.example.internal"},
    {"server", "dns:web.example.internal ip:10.1.2.3", "dns:Web.Example.Internal"},
    {"server", "dns:example.internal", .key = &p384},
    {"server", "dns:example.internal", .key = &ed25519},
    {"server", "dns:example.internal", .key = &rsa2048},
    {"client", "email:a@example.internal"},
    {"client", "cn:Anybody"},
    {"client", NULL, "cn:anybody dns:a.example.internal"},
    {"peer", "dns:a.example.internal spiffe://example.internal/a"},
    {"spiffe", "spiffe://example.internal/a"},
    {"spiffe", "spiffe://example.internal/a dns:a.example.internal"},
    {"server", "dns:web.example.internal", .ttl = 90 * DAY},
    {"server", "dns:web.example.internal", .ttl = 300},
    {"server", "dns:web.example.internal cn:web.example.internal"},
    {"server", "dns:web.example.internal", .token = "dns:*.example.internal"},
    {"server", NULL, "dns:web.example.internal cn:web.example.internal",
     .token = "dns:web.example.internal"},
    {"server", "dns:web.example.internal",
     .renewed = "dns:web.example.internal dns:b.example.internal"},

    {"nobody", "dns:web.example.internal", .code = "profile-unknown"},
    {"", "dns:web.example.internal", .code = "profile-unknown"},
    {"server", .code = "names-missing"},
    {"server", "cn:web", .code = "names-missing"},
    {"server", "dns:web.example.com", .code = "name-not-allowed"},
    {"server", "dns:web.notexample.internal.test", .code = "name-not-allowed"},
    {"server", "email:a@example.internal", .code = "name-not-allowed"},
    {"server", "spiffe://example.internal/a", .code = "name-not-allowed"},
    {"server", "dns:*.example.internal", .code = "wildcard-not-allowed"},
    {"server", "dns:a'--.example.internal", .code = "name-malformed"},
    {"server", NULL, "dns:../../x", .code = "name-malformed"},
    {"server", "dns:web.example.internal cn:Somebody", .code = "common-name-not-allowed"},
    {"client", "spiffe://other.test/a", .code = "name-not-allowed"},
    {"spiffe", "dns:a.example.internal", .code = "spiffe-id-not-single"},
    {"spiffe", "spiffe://example.internal/a spiffe://example.internal/b",
     .code = "spiffe-id-not-single"},
    {"strict", "dns:web.example.internal", .key = &rsa2048, .code = "key-too-weak"},
    {"strict", "dns:web.example.internal", .key = &ed25519, .code = "key-kind-not-allowed"},
    {"strict", "dns:secret.example.internal", .code = "name-denied"},
    {"strict", "dns:*.example.internal", .code = "name-denied"},
    {"strict", "dns:a.example.internal dns:b.example.internal dns:c.example.internal",
     .code = "names-too-many"},
    {"strict", "dns:x.outside.test", .code = "issuer-constraint-violated"},
    {"server", "dns:web.example.internal", .ttl = 90 * DAY + 1, .code = "lifetime-too-long"},
    {"server", "dns:web.example.internal", .ttl = INT64_MAX, .code = "lifetime-too-long"},
    {"server", "dns:web.example.internal", .ttl = -1, .code = "lifetime-invalid"},
    {"server", "dns:web.example.internal", .token = "dns:api.example.internal",
     .code = "token-identity-mismatch"},
    {"server", "dns:api.example.internal", "dns:web.example.internal",
     .token = "dns:api.example.internal", .code = "token-identity-mismatch"},
    {"client", "email:a@example.internal cn:Root", .token = "email:a@example.internal",
     .code = "token-identity-mismatch"},
    {"server", "dns:c.example.internal", .renewed = "dns:web.example.internal",
     .code = "renewal-name-mismatch"},
    {"server", "dns:c.example.internal", .renewed = "", .code = "renewal-name-mismatch"},
};

static void test_wishes(void)
{
    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        const struct wish *w = &wishes[i];
        struct cs_findings findings;
        struct cs_plan plan = {0};
        struct cs_draft draft = {0};
        struct cs_csr csr = {0};
        int r;

        make_csr(w, &csr);
        r = judge(w, &issuer, &csr, &findings, &plan, &draft);
        tap_int(r, w->code ? CS_ORDER_REFUSED : 0, w->names ? w->names : "names of the request");
        tap_str(cs_str_from(first_error(&findings)), cs_str_from(w->code ? w->code : "none"),
                w->profile);
    }
}

static void test_draft(void)
{
    struct wish w = {"peer", "dns:a.example.internal ip:10.0.0.1 spiffe://example.internal/a", NULL,
                     &p384, 2 * HOUR};
    struct cs_findings findings;
    struct cs_plan plan = {0};
    struct cs_draft draft = {0};
    struct cs_csr csr = {0};

    make_csr(&w, &csr);
    tap_int(judge(&w, &issuer, &csr, &findings, &plan, &draft), 0, "drafted");
    tap_str(cs_cert_names_text(&draft.cert, &arena),
            CS_STR("DNS:a.example.internal, URI:spiffe://example.internal/a, IP:10.0.0.1"),
            "names");
    tap_str(draft.identity, CS_STR("spiffe://example.internal/a"), "identity");
    tap_int(draft.cert.eku, CS_EKU_SERVER | CS_EKU_CLIENT, "usages");
    tap_int(draft.cert.key_usage, CS_USAGE_DIGITAL_SIGNATURE, "key usage");
    tap_ok(!draft.cert.ca && draft.cert.has_basic_constraints, "not a CA");
    tap_int(draft.cert.not_before, NOW - 60, "begins a minute ago");
    tap_int(draft.cert.not_after, NOW + 2 * HOUR, "ends in two hours");
    tap_int((int64_t)draft.cert.serial.len, 17, "all 128 bits of the serial number, and its sign");
    tap_ok(cs_str_eq(draft.cert.spki, csr.asked.spki), "the key of the request");
    tap_ok(cs_str_eq(draft.cert.crl_urls.items[0], CS_STR("http://ca.test/crl/1/0.crl")), "list");
    tap_ok(cs_str_eq(draft.cert.tbs, draft.tbs), "what is to be signed is what was judged");
    tap_ok(plan.renew_at >= NOW + 7200 * 55 / 100 && plan.renew_at < NOW + 7200 * 70 / 100,
           "renewal between 55 and 70 %% of its life");
}

static void test_issuer_end(void)
{
    static const struct {
        int64_t ttl;
        const char *code;
        int64_t end;
    } cases[] = {{HOUR, "none", HOUR},
                 {12 * HOUR, "none", 10 * HOUR},
                 {30 * HOUR, "none", 10 * HOUR},
                 {31 * HOUR, "issuer-expires-too-soon", 0}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wish w = {"server", "dns:a.example.internal", .ttl = cases[i].ttl};
        struct cs_findings findings;
        struct cs_plan plan = {0};
        struct cs_draft draft = {0};
        struct cs_csr csr = {0};

        make_csr(&w, &csr);
        (void)!judge(&w, &short_issuer, &csr, &findings, &plan, &draft);
        tap_str(cs_str_from(first_error(&findings)), cs_str_from(cases[i].code), "issuer's end");
        if (cases[i].end)
            tap_int(draft.cert.not_after, NOW + cases[i].end, "cut to the issuer's end");
    }
}

/* A request with extensions that make.h does not write. */
static void test_extensions(void)
{
    struct wish w = {"server", "dns:a.example.internal"};
    struct cs_findings findings;
    struct cs_plan plan = {0};
    struct cs_draft draft = {0};
    struct cs_csr csr = {0};
    static const struct {
        struct cs_str extensions;
        const char *code;
    } cases[] = {
        /* an unknown one, then the same marked critical */
        {CS_STR_INIT("\x30\x09\x06\x03\x55\x1d\x63\x04\x02\x05\x00"), "none"},
        {CS_STR_INIT("\x30\x0c\x06\x03\x55\x1d\x63\x01\x01\xff\x04\x02\x05\x00"),
         "extension-not-allowed"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        make_csr(&w, &csr);
        csr.asked.extensions = cases[i].extensions;
        (void)!judge(&w, &issuer, &csr, &findings, &plan, &draft);
        tap_str(cs_str_from(first_error(&findings)), cs_str_from(cases[i].code), "extension");
        tap_ok(findings.n == 1, "and it is said");
    }
    make_csr(&w, &csr);
    csr.asked.ca = true;
    tap_int(judge(&w, &issuer, &csr, &findings, &plan, &draft), CS_ORDER_REFUSED,
            "asks to be a CA");
    make_csr(&w, &csr);
    csr.asked.has_eku = true;
    csr.asked.eku = CS_EKU_CLIENT;
    tap_int(judge(&w, &issuer, &csr, &findings, &plan, &draft), CS_ORDER_REFUSED, "another usage");
    csr.asked.eku = CS_EKU_SERVER;
    tap_int(judge(&w, &issuer, &csr, &findings, &plan, &draft), 0, "the usage of the profile");
    csr.signed_by_key = false;
    tap_int(judge(&w, &issuer, &csr, &findings, &plan, &draft), CS_ORDER_REFUSED, "no proof");
    tap_str(cs_str_from(first_error(&findings)), CS_STR("csr-signature-invalid"), "of possession");
}

/* The four built-in profiles and a strict one. */
static void make_profiles(void)
{
    static const struct cs_str domain[] = {CS_STR_INIT("example.internal")};
    struct cs_profiles built = cs_profiles_builtin((struct cs_names){domain, 1}, &arena);
    struct cs_profile *items = cs_arena_array(&arena, built.n + 1, sizeof(*items));
    struct cs_profile *strict = &items[built.n];

    memcpy(items, built.items, built.n * sizeof(*items));
    *strict = built.items[0];
    strict->name = CS_STR("strict");
    strict->keys = CS_PROFILE_P256 | CS_PROFILE_RSA3072;
    strict->max_names = 2;
    strict->wildcards = true;
    strict->allow = read_patterns("dns:**");
    strict->deny = read_patterns("dns:secret.example.internal");
    profiles = (struct cs_profiles){items, built.n + 1};
}

static void test_renewal_spread(void)
{
    const struct cs_profile *p = cs_profiles_find(&profiles, CS_STR("server"));
    int64_t least = INT64_MAX, most = 0;

    for (uint32_t i = 0; i < 1000; i++) {
        int64_t at = cs_profile_renew_at(p, cs_str_make(&i, sizeof(i)), 0, DAY);
        least = at < least ? at : least;
        most = at > most ? at : most;
    }
    tap_ok(least >= DAY * 55 / 100 && least < DAY * 56 / 100, "from 55 %%");
    tap_ok(most < DAY * 70 / 100 && most > DAY * 69 / 100, "to 70 %%");
    for (int64_t life = 2; life < 400; life++) { /* short ones are not due at once */
        int64_t at = cs_profile_renew_at(p, CS_STR("x"), NOW, NOW + life) - NOW;
        if (at < life * 55 / 100 || at > life * 70 / 100)
            tap_int(at, life, "within a life of so many seconds");
    }
}

int main(void)
{
    static const struct cs_str domain[] = {CS_STR_INIT("example.internal")};

    root = make_ca("Root", NULL, 3650LL * DAY, (struct cs_names){0});
    issuer = make_ca("Issuer", &root, 365LL * DAY, (struct cs_names){domain, 1});
    short_issuer = make_ca("Short", &root, 10 * HOUR, (struct cs_names){domain, 1});
    cs_assert(cs_make_key(CS_MAKE_P256, &p256) == 0 && cs_make_key(CS_MAKE_P384, &p384) == 0);
    cs_assert(cs_make_key(CS_MAKE_ED25519, &ed25519) == 0);
    cs_assert(cs_make_key(CS_MAKE_RSA2048, &rsa2048) == 0);
    make_profiles();
    test_wishes();
    test_draft();
    test_issuer_end();
    test_extensions();
    test_renewal_spread();
    cs_key_free(root.key);
    cs_key_free(issuer.key);
    cs_key_free(short_issuer.key);
    cs_key_free(p256);
    cs_key_free(p384);
    cs_key_free(ed25519);
    cs_key_free(rsa2048);
    cs_arena_deinit(&arena);
    return tap_done();
}
