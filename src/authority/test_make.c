/* What we make, our own strict parser reads back, field by field. */
#include "authority/make.h"

#include "tap.h"
#include "x509/key.h"
#include "x509/name.h"
#include "x509/pem.h"
#include "x509/request.h"

static struct cs_arena arena;
static struct cs_findings findings;

static const struct {
    enum cs_make_key_kind kind;
    enum cs_key_kind key;
    unsigned bits;
    const char *sig_alg;
} kinds[] = {
    {CS_MAKE_P256, CS_KEY_EC, 256, "ecdsa-with-SHA256"},
    {CS_MAKE_P384, CS_KEY_EC, 384, "ecdsa-with-SHA384"},
    {CS_MAKE_ED25519, CS_KEY_ED25519, 256, "Ed25519"},
    {CS_MAKE_RSA2048, CS_KEY_RSA, 2048, "sha256WithRSAEncryption"},
};

static struct cs_cert make(const struct cs_cert_spec *spec, const struct evp_pkey_st *key,
                           const struct cs_make_issuer *issuer)
{
    struct cs_cert cert = {0};
    struct cs_buf der;

    cs_buf_init(&der, 1 << 20);
    tap_int(cs_make_cert(spec, key, issuer, &der), 0, "made");
    tap_int(cs_cert_parse(cs_arena_dup(&arena, cs_buf_str(&der)), &arena, &findings, &cert), 0,
            "parsed back");
    cs_buf_deinit(&der);
    return cert;
}

static void test_kinds(void)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct cs_cert_spec spec = {.common_name = CS_STR("k"), .not_before = 0, .not_after = 1};
        struct evp_pkey_st *key = NULL, *again = NULL;
        struct cs_cert cert;
        struct cs_buf pem;

        tap_int(cs_make_key(kinds[i].kind, &key), 0, "key made");
        cert = make(&spec, key, NULL);
        tap_int(cert.key_kind, kinds[i].key, "kind of key");
        tap_int(cert.key_bits, kinds[i].bits, "bits of key");
        tap_str(cert.sig_alg, cs_str_from(kinds[i].sig_alg), "signature algorithm");
        tap_ok(cs_key_matches(key, &cert), "key and certificate belong together");
        cs_buf_init(&pem, 1 << 16);
        tap_int(cs_key_write(key, &pem), 0, "key written");
        tap_int(cs_key_load(cs_buf_str(&pem), NULL, 0, &findings, &again), 0, "key read");
        tap_ok(again && cs_key_matches(again, &cert), "the same key");
        cs_buf_wipe(&pem);
        cs_key_free(key);
        cs_key_free(again);
    }
}

static void test_fields(void)
{
    static const struct cs_str dns[] = {CS_STR_INIT("a.test"), CS_STR_INIT("*.b.test")};
    static const struct cs_str uri[] = {CS_STR_INIT("spiffe://demo.test/x")};
    static const struct cs_str ip[] = {CS_STR_INIT("\x7f\x00\x00\x01")};
    struct cs_cert_spec ca_spec = {.common_name = CS_STR("Root"),
                                   .organization = CS_STR("Org"),
                                   .ca = true,
                                   .path_len = 1,
                                   .key_usage = CS_USAGE_KEY_CERT_SIGN | CS_USAGE_CRL_SIGN,
                                   .not_before = 0,
                                   .not_after = 4102444800};
    struct cs_cert_spec spec = {.common_name = CS_STR("Zo\xc3\xab, \"x\""),
                                .dns = {dns, 2},
                                .uri = {uri, 1},
                                .ip = {ip, 1},
                                .key_usage = CS_USAGE_DIGITAL_SIGNATURE,
                                .eku = CS_EKU_SERVER | CS_EKU_CLIENT,
                                .crl_url = CS_STR("http://ca.test/crl"),
                                .issuer_url = CS_STR("http://ca.test/ca"),
                                .not_before = 1700000000,
                                .not_after = 2524608000,
                                .serial = CS_STR("\x00\xab")};
    struct evp_pkey_st *ca_key = NULL, *key = NULL;
    struct cs_cert ca, cert;

    (void)!cs_make_key(CS_MAKE_P256, &ca_key);
    (void)!cs_make_key(CS_MAKE_P256, &key);
    ca = make(&ca_spec, ca_key, NULL);
    cert = make(&spec, key, &(struct cs_make_issuer){&ca, ca_key});
    tap_ok(ca.ca && ca.path_len == 1 && cs_cert_self_issued(&ca), "the CA is one");
    tap_int(ca.not_after, 4102444800, "a year after 2049");
    tap_int((int64_t)ca.serial.len, 16, "random serials have 16 bytes");
    tap_str(cs_name_text(ca.subject, &arena), CS_STR("CN=Root,O=Org"), "subject");
    tap_ok(!cert.ca && cert.has_basic_constraints, "a leaf");
    tap_ok(cs_name_eq(cert.issuer, ca.subject) && cs_str_eq(cert.aki, ca.ski), "issuer");
    tap_str(cs_name_text(cert.subject, &arena), CS_STR("CN=Zo\\C3\\AB\\, \\\"x\\\""), "escapes");
    tap_str(cs_serial_text(cert.serial, &arena), CS_STR("AB"), "serial");
    tap_int(cert.not_after, 2524608000, "the first second of 2050");
    tap_int(cert.key_usage, CS_USAGE_DIGITAL_SIGNATURE, "key usage");
    tap_int(cert.eku, CS_EKU_SERVER | CS_EKU_CLIENT, "extended key usage");
    tap_str(cs_cert_names_text(&cert, &arena),
            CS_STR("DNS:a.test, DNS:*.b.test, URI:spiffe://demo.test/x, IP:127.0.0.1"), "names");
    tap_ok(cert.crl_urls.n == 1 && cert.issuer_urls.n == 1 && cert.ocsp_urls.n == 0, "addresses");
    cs_key_free(ca_key);
    cs_key_free(key);
}

static struct cs_csr ask(const struct cs_cert_spec *spec, const struct evp_pkey_st *key)
{
    struct cs_csr csr = {0};
    struct cs_buf der;

    cs_buf_init(&der, 1 << 20);
    tap_int(cs_make_csr(spec, key, &der), 0, "request made");
    tap_int(cs_csr_parse(cs_arena_dup(&arena, cs_buf_str(&der)), &arena, &findings, &csr), 0,
            "request parsed back");
    cs_buf_deinit(&der);
    return csr;
}

static void test_requests(void)
{
    static const struct cs_str dns[] = {CS_STR_INIT("a.test")};
    static const struct cs_str uri[] = {CS_STR_INIT("spiffe://demo.test/x")};
    struct cs_cert_spec named = {.common_name = CS_STR("a.test"), .dns = {dns, 1}, .uri = {uri, 1}};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct evp_pkey_st *key = NULL;
        struct cs_csr csr, nameless;

        (void)!cs_make_key(kinds[i].kind, &key);
        csr = ask(&named, key);
        tap_ok(csr.signed_by_key, "it proves the possession of its key");
        tap_ok(cs_key_matches(key, &csr.asked), "which is ours");
        tap_str(csr.asked.sig_alg, cs_str_from(kinds[i].sig_alg), "signature algorithm");
        tap_str(cs_name_text(csr.asked.subject, &arena), CS_STR("CN=a.test"), "subject");
        tap_str(cs_cert_names_text(&csr.asked, &arena),
                CS_STR("DNS:a.test, URI:spiffe://demo.test/x"), "names");
        nameless = ask(&(struct cs_cert_spec){0}, key);
        tap_ok(nameless.signed_by_key && !nameless.asked.san.present, "a request without names");
        cs_key_free(key);
    }
}

int main(void)
{
    cs_findings_init(&findings, &arena);
    test_kinds();
    test_fields();
    test_requests();
    tap_int(findings.n, 0, "no findings");
    cs_arena_deinit(&arena);
    return tap_done();
}
