/* Certificates that fit their key, chain and roots, and those that do not. */
#include "enrol/papers.h"

#include "enrol/ask.h"
#include "enrol/test_paper.h"
#include "tap.h"
#include "x509/request.h"

static struct cs_arena arena;
static struct test_paper root, other, leaf, stranger;

static struct cs_str pem_of(const struct test_paper *paper)
{
    return cs_buf_str(&paper->cert_pem);
}

static struct cs_str cat(struct cs_str a, struct cs_str b)
{
    return cs_arena_cat(&arena, a, b);
}

static void refused(struct cs_str cert, struct cs_str ca, const struct evp_pkey_st *key,
                    int64_t renew_at, const char *why)
{
    struct cs_papers papers;
    const char *got = cs_papers_take(cert, ca, key, renew_at, &arena, &papers);

    tap_ok(got && strstr(got, why), "%s: %s", why, got ? got : "accepted");
}

static void test_take(void)
{
    int64_t renew_at = leaf.cert.not_before + 1000;
    struct cs_papers papers = {0};

    tap_ok(!cs_papers_take(pem_of(&leaf), pem_of(&root), leaf.key, renew_at, &arena, &papers),
           "accepted");
    tap_ok(papers.life.not_before == leaf.cert.not_before &&
               papers.life.not_after == leaf.cert.not_after && papers.life.renew_at == renew_at,
           "its life");
    tap_int((int64_t)papers.serial.len, 32, "its serial number");
    tap_ok(!cs_papers_take(pem_of(&leaf), cat(pem_of(&other), pem_of(&root)), leaf.key, renew_at,
                           &arena, &papers),
           "one of two roots");
    refused(pem_of(&leaf), pem_of(&root), other.key, renew_at, "it is for another key");
    refused(pem_of(&leaf), pem_of(&other), leaf.key, renew_at, "issuer-unknown");
    refused(pem_of(&stranger), pem_of(&root), stranger.key, renew_at, "issuer-unknown");
    refused(pem_of(&leaf), pem_of(&root), leaf.key, leaf.cert.not_before - 1, "not valid");
    refused(pem_of(&leaf), pem_of(&root), leaf.key, leaf.cert.not_after + 1, "not valid");
    refused(CS_STR(""), pem_of(&root), leaf.key, renew_at, "no PEM of certificates");
    refused(cs_buf_str(&leaf.key_pem), pem_of(&root), leaf.key, renew_at, "no PEM");
    refused(cat(pem_of(&leaf), CS_STR("-----BEGIN CERTIFICATE-----\nx")), pem_of(&root), leaf.key,
            renew_at, "no PEM");
    refused(pem_of(&leaf), CS_STR(""), leaf.key, renew_at, "certificate-unreadable");
}

static void test_many(void)
{
    struct cs_str pem = {0};
    size_t n;

    for (int i = 0; i < 17; i++)
        pem = cat(pem, pem_of(&leaf));
    tap_ok(cs_papers_clean(pem, &arena, &n).len == 0 && n == 0, "too many");
    pem = cs_arena_printf(&arena, "hello\n%.*s\nyou\n%.*s", CS_FMT(pem_of(&leaf)),
                          CS_FMT(pem_of(&root)));
    tap_str(cs_papers_clean(pem, &arena, &n), cat(pem_of(&leaf), pem_of(&root)), "cleaned");
    tap_int((int64_t)n, 2, "and counted");
}

static void test_names(void)
{
    static const struct cs_claim has[] = {{CS_CLAIM_DNS, CS_STR_INIT("leaf.test")},
                                          {CS_CLAIM_CN, CS_STR_INIT("leaf.test")}};
    static const struct cs_claim lacks[] = {{CS_CLAIM_DNS, CS_STR_INIT("leaf.test")},
                                            {CS_CLAIM_URI, CS_STR_INIT("spiffe://a/b")}};
    struct cs_papers papers = {.leaf = leaf.cert};

    tap_str(cs_papers_lack(&papers, &(struct cs_claims){has, 2}, &arena), CS_STR(""), "has all");
    tap_ok(cs_papers_lack(&papers, &(struct cs_claims){lacks, 2}, &arena).len > 0, "lacks one");
}

static void test_roots(void)
{
    struct cs_str both = cat(pem_of(&other), pem_of(&root));
    char hex[64];

    tap_str(cs_papers_root(both, root.cert.sha256, &arena), pem_of(&root), "by its fingerprint");
    tap_int((int64_t)cs_papers_root(pem_of(&other), root.cert.sha256, &arena).len, 0, "not there");
    tap_int((int64_t)cs_papers_root(pem_of(&leaf), leaf.cert.sha256, &arena).len, 0,
            "a leaf is no root");
    tap_ok(cs_papers_share(both, pem_of(&root), &arena), "shared");
    tap_ok(!cs_papers_share(pem_of(&other), pem_of(&root), &arena), "not shared");
    cs_hex_encode(other.cert.sha256, 32, false, hex);
    tap_ok(cs_str_starts(cs_papers_fingerprints(both, &arena), cs_str_make(hex, 64)), "listed");
    tap_str(cs_papers_fingerprints(CS_STR("x"), &arena), CS_STR("none that can be read"), "none");
}

static const struct {
    const char *text;
    bool good;
} pins[] = {
    {"00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF", true},
    {"00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:"
     "FF",
     true},
    {"", false},
    {"00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEE", false},
    {"00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF0", false},
    {"00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF:", false},
    {":0112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF0", false},
    {"0:0112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF", false},
    {"00::112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF", false},
    {"x0112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF", false},
};

static void test_pins(void)
{
    for (size_t i = 0; i < sizeof(pins) / sizeof(pins[0]); i++) {
        uint8_t pin[32] = {0};
        int r = cs_pin_parse(cs_str_from(pins[i].text), pin);
        tap_ok(pins[i].good == (r == 0), "\"%s\"", pins[i].text);
        tap_int(pin[1], pins[i].good ? 0x11 : 0, "its second byte");
    }
}

/* What is asked for says the names, and of a renewal neither token nor profile. */
static void test_asking(void)
{
    static const struct cs_claim names[] = {{CS_CLAIM_DNS, CS_STR_INIT("a.test")},
                                            {CS_CLAIM_URI, CS_STR_INIT("spiffe://a/b")},
                                            {CS_CLAIM_IP, CS_STR_INIT("\x7f\x00\x00\x01")}};
    struct cs_ask ask = {.key = leaf.key, .names = {names, 3}, .profile = CS_STR("peer")};
    struct cs_findings findings;
    struct cs_pem_block block;
    struct cs_str text;
    struct cs_csr csr = {0};
    struct cs_buf body;

    cs_findings_init(&findings, &arena);
    cs_buf_init(&body, CS_ASK_MAX);
    tap_int(cs_ask_write(&ask, &body), 0, "a renewal");
    tap_ok(cs_str_starts(cs_buf_str(&body), CS_STR("{\"csr\":\"-----BEGIN CERT")),
           "only a request");
    text = cs_str_skip(cs_buf_str(&body), 8);
    tap_ok(cs_str_search(text, CS_STR("\\n-----END CERTIFICATE REQUEST-----\\n\"}")) > 0, "PEM");
    cs_buf_reset(&body);
    ask.token = CS_STR("cst_x");
    ask.ttl_sec = 7;
    tap_int(cs_ask_write(&ask, &body), 0, "a first one");
    tap_ok(
        cs_str_starts(cs_buf_str(&body),
                      CS_STR("{\"token\":\"cst_x\",\"profile\":\"peer\",\"ttl\":7,\"csr\":\"--")),
        "with a token");
    text = cs_arena_dup(&arena, cs_str_skip(cs_buf_str(&body), 49));
    for (size_t i = 0; i + 1 < text.len; i++) { /* as JSON would be read */
        if (text.ptr[i] == '\\')
            memcpy((char *)text.ptr + i, " \n", 2);
    }
    tap_int(cs_pem_next(&text, &arena, &block), 1, "a request");
    tap_int(cs_csr_parse(block.der, &arena, &findings, &csr), 0, "that can be read");
    tap_str(cs_cert_names_text(&csr.asked, &arena),
            CS_STR("DNS:a.test, URI:spiffe://a/b, IP:127.0.0.1"), "for these names");
    cs_buf_deinit(&body);
}

int main(void)
{
    test_paper(&root, &arena, CS_STR("Root"), NULL, 3600);
    test_paper(&other, &arena, CS_STR("Other"), NULL, 3600);
    test_paper(&leaf, &arena, CS_STR("leaf.test"), &root, 60);
    test_paper(&stranger, &arena, CS_STR("leaf.test"), &other, 60);
    test_take();
    test_many();
    test_names();
    test_roots();
    test_pins();
    test_asking();
    test_paper_free(&root);
    test_paper_free(&other);
    test_paper_free(&leaf);
    test_paper_free(&stranger);
    cs_arena_deinit(&arena);
    return tap_done();
}
