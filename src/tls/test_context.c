/* Good and bad settings of servers and clients: each mistake has its finding. */
#include "tls/client.h"
#include "tls/server.h"

#include <errno.h>

#include "base/arena.h"
#include "tap.h"
#include "tls/findings.h"
#include "tls/names.h"
#include "tls/test_pki.h"
#include "tls/tickets.h"
#include "x509/findings.h"

static struct test_identity ca, inter, leaf, other, rsa;
static struct cs_arena arena;

static struct cs_findings none(void)
{
    struct cs_findings findings;
    cs_findings_init(&findings, &arena);
    return findings;
}

static bool has(const struct cs_findings *findings, const struct cs_finding_kind *kind)
{
    for (const struct cs_finding *f = findings->first; f; f = f->next)
        if (f->kind == kind)
            return true;
    return false;
}

/* Build a server; say whether exactly @kind came out (NULL: nothing at all). */
static void check_server(const struct cs_tls_server_spec *spec, const struct cs_finding_kind *kind,
                         const char *what)
{
    struct cs_findings findings = none();
    struct cs_tls_server *server = NULL;
    int r = cs_tls_server_new(spec, &findings, &server);
    bool error = kind && kind->severity == CS_SEVERITY_ERROR;
    tap_ok(r == (error ? -EINVAL : 0) && (server != NULL) == !error, "%s: %s", what,
           error ? "refused" : "accepted");
    tap_ok(findings.n == (kind ? 1u : 0u) && (!kind || has(&findings, kind)), "%s: %s", what,
           kind ? kind->code : "nothing to say");
    for (const struct cs_finding *f = findings.first; f; f = f->next)
        if (f->kind != kind)
            printf("#   got %s \"%.*s\"\n", f->kind->code, CS_FMT(f->operands[0]));
    cs_tls_server_unref(server);
}

static void check_pair(struct cs_tls_pair pair, const struct cs_finding_kind *kind,
                       const char *what)
{
    const struct cs_tls_server_spec spec = {.pairs = &pair, .n_pairs = 1};
    check_server(&spec, kind, what);
}

static void test_pair_findings(void)
{
    struct cs_str good_chain = test_cat(leaf.cert_pem, inter.cert_pem);
    struct cs_str with_root = test_cat(good_chain, ca.cert_pem);
    struct cs_str swapped = test_cat(inter.cert_pem, leaf.cert_pem);
    struct cs_str gap = test_cat(leaf.cert_pem, ca.cert_pem);
    struct cs_str both = test_cat(leaf.key_pem, leaf.cert_pem);
    struct cs_str broken = cs_str_sub(leaf.cert_pem, 0, leaf.cert_pem.len - 60);
    struct cs_str secret = test_encrypted(&leaf, "sesame");
    const struct cs_str wrong[] = {CS_STR("open"), CS_STR("")};
    const struct cs_str right[] = {CS_STR("open"), CS_STR("sesame")};

    check_pair((struct cs_tls_pair){.chain_pem = leaf.cert_pem, .key_pem = leaf.key_pem}, NULL,
               "one certificate");
    check_pair((struct cs_tls_pair){.chain_pem = good_chain, .key_pem = leaf.key_pem}, NULL,
               "a chain");
    check_pair((struct cs_tls_pair){.chain_pem = both, .key_pem = both}, NULL, "all in one file");
    check_pair((struct cs_tls_pair){.chain_pem = rsa.cert_pem, .key_pem = rsa.key_pem}, NULL,
               "RSA");
    check_pair((struct cs_tls_pair){.chain_pem = with_root, .key_pem = leaf.key_pem},
               CS_X509_KIND(ROOT_IN_CHAIN), "with the root");
    check_pair((struct cs_tls_pair){.chain_pem = gap, .key_pem = leaf.key_pem},
               CS_X509_KIND(CHAIN_UNORDERED), "an intermediate is missing");
    check_pair((struct cs_tls_pair){.chain_pem = swapped, .key_pem = leaf.key_pem},
               &cs_tls_finding_leaf_not_first, "the wrong order");
    check_pair((struct cs_tls_pair){.chain_pem = leaf.cert_pem, .key_pem = other.key_pem},
               CS_X509_KIND(KEY_MISMATCH), "another's key");
    check_pair((struct cs_tls_pair){.chain_pem = leaf.cert_pem, .key_pem = rsa.key_pem},
               CS_X509_KIND(KEY_MISMATCH), "another type of key");
    check_pair((struct cs_tls_pair){.chain_pem = CS_STR("hello"), .key_pem = leaf.key_pem},
               CS_X509_KIND(CERTIFICATE_UNREADABLE), "no certificate in the file");
    check_pair((struct cs_tls_pair){.chain_pem = leaf.key_pem, .key_pem = leaf.key_pem},
               CS_X509_KIND(CERTIFICATE_UNREADABLE), "a key in its place");
    check_pair((struct cs_tls_pair){.chain_pem = CS_STR(""), .key_pem = leaf.key_pem},
               CS_X509_KIND(CERTIFICATE_UNREADABLE), "an empty file");
    check_pair((struct cs_tls_pair){.chain_pem = broken, .key_pem = leaf.key_pem},
               CS_X509_KIND(CERTIFICATE_UNREADABLE), "a certificate cut short");
    check_pair((struct cs_tls_pair){.chain_pem = leaf.cert_pem, .key_pem = leaf.cert_pem},
               CS_X509_KIND(KEY_UNREADABLE), "a certificate for a key");
    check_pair((struct cs_tls_pair){.chain_pem = leaf.cert_pem, .key_pem = CS_STR("")},
               CS_X509_KIND(KEY_UNREADABLE), "no key");
    check_pair((struct cs_tls_pair){.chain_pem = leaf.cert_pem, .key_pem = secret},
               CS_X509_KIND(KEY_ENCRYPTED), "an encrypted key");
    check_pair(
        (struct cs_tls_pair){
            .chain_pem = leaf.cert_pem, .key_pem = secret, .passwords = wrong, .n_passwords = 2},
        CS_X509_KIND(KEY_ENCRYPTED), "the wrong passwords");
    check_pair(
        (struct cs_tls_pair){
            .chain_pem = leaf.cert_pem, .key_pem = secret, .passwords = right, .n_passwords = 2},
        NULL, "the right password");

    const struct cs_str texts[] = {good_chain, with_root, swapped, gap, both, secret};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free((char *)texts[i].ptr);
}

static void test_lists(void)
{
    struct cs_tls_pair pair = {.chain_pem = leaf.cert_pem, .key_pem = leaf.key_pem};
    const struct {
        const char *ciphers, *curves;
        const struct cs_finding_kind *kind;
    } rows[] = {
        {"", "", NULL},
        {"HIGH:!aNULL:!MD5", "auto", NULL},
        {"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305"
         ":DHE-RSA-AES128-GCM-SHA256",
         "X25519:prime256v1:secp384r1", NULL},
        {"HIGH:!aNULL:!MD5", "P-256", NULL},
        {"nonsense", "auto", &cs_tls_finding_ciphers_invalid},
        {"HIGH", "X25519:P-257", &cs_tls_finding_curve_unknown},
        {"HIGH", "X25519:", &cs_tls_finding_curve_unknown},
        {"HIGH", "X25519:brainpoolP999", &cs_tls_finding_curve_unknown},
        {"HIGH", "X25519:X25519Kyber768Draft00", &cs_tls_finding_curve_unsupported},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct cs_tls_server_spec spec = {
            .pairs = &pair,
            .n_pairs = 1,
            .ciphers = cs_str_from(rows[i].ciphers),
            .curves = cs_str_from(rows[i].curves),
        };
        char what[64];
        snprintf(what, sizeof(what), "lists, row %zu", i);
        check_server(&spec, rows[i].kind, what);
    }
    struct cs_findings findings = none();
    struct cs_tls_server *server = NULL;
    const struct cs_tls_server_spec spec = {
        .pairs = &pair, .n_pairs = 1, .curves = CS_STR("X25519Kyber768Draft00")};
    tap_int(cs_tls_server_new(&spec, &findings, &server), -EINVAL, "no curve is left");
    tap_ok(has(&findings, &cs_tls_finding_curves_none), "which is said");
}

static void test_all_at_once(void)
{
    const struct cs_tls_pair pairs[] = {
        {.chain_pem = leaf.cert_pem, .key_pem = other.key_pem},
        {.chain_pem = CS_STR("x"), .key_pem = CS_STR("y")},
    };
    const struct cs_tls_server_spec spec = {
        .pairs = pairs, .n_pairs = 2, .ciphers = CS_STR("no"), .curves = CS_STR("no")};
    struct cs_findings findings = none();
    struct cs_tls_server *server = NULL;
    tap_int(cs_tls_server_new(&spec, &findings, &server), -EINVAL, "many mistakes");
    tap_int(findings.n_errors, 5, "are all named");
}

static void test_two_pairs(void)
{
    const struct cs_tls_pair pairs[] = {
        {.chain_pem = leaf.cert_pem, .key_pem = leaf.key_pem},
        {.chain_pem = rsa.cert_pem, .key_pem = rsa.key_pem},
        {.chain_pem = other.cert_pem, .key_pem = other.key_pem},
    };
    struct cs_tls_server_spec spec = {.pairs = pairs, .n_pairs = 2};
    check_server(&spec, NULL, "RSA and ECDSA");
    spec.n_pairs = 3;
    check_server(&spec, &cs_tls_finding_pair_repeated, "ECDSA twice");
}

static void test_ca_names(void)
{
    struct cs_tls_pair pair = {.chain_pem = leaf.cert_pem, .key_pem = leaf.key_pem};
    unsigned char *der = NULL;
    int len = i2d_X509_NAME(X509_get_subject_name(ca.cert), &der);
    struct cs_str names[] = {cs_str_make(der, (size_t)len), CS_STR("not DER")};
    struct cs_tls_server_spec spec = {.pairs = &pair,
                                      .n_pairs = 1,
                                      .client_certificate = CS_TLS_VERIFY_REQUEST,
                                      .ca_names = names,
                                      .n_ca_names = 1};
    check_server(&spec, NULL, "an issuer's name");
    spec.n_ca_names = 2;
    check_server(&spec, &cs_tls_finding_ca_name_invalid, "bytes that are none");
    OPENSSL_free(der);
}

static void test_client(void)
{
    struct cs_tls_pair pair = {.chain_pem = leaf.cert_pem, .key_pem = other.key_pem};
    struct cs_findings findings = none();
    struct cs_tls_client *client = NULL;
    tap_int(cs_tls_client_new(&(struct cs_tls_client_spec){0}, &findings, &client), 0, "a client");
    cs_tls_client_unref(cs_tls_client_ref(client));
    cs_tls_client_forget(client);
    cs_tls_client_unref(client);
    tap_int(cs_tls_client_new(&(struct cs_tls_client_spec){.pair = &pair, .ciphers = CS_STR("no")},
                              &findings, &client),
            -EINVAL, "a client with mistakes");
    tap_ok(has(&findings, CS_X509_KIND(KEY_MISMATCH)) &&
               has(&findings, &cs_tls_finding_ciphers_invalid),
           "which are named");
}

static void test_table(void)
{
    size_t n = 0;
    for (; cs_tls_finding_kinds[n]; n++) {
        const struct cs_finding_kind *kind = cs_tls_finding_kinds[n];
        for (size_t i = 0; i < n; i++)
            tap_ok(strcmp(kind->code, cs_tls_finding_kinds[i]->code) != 0, "%s is unique",
                   kind->code);
    }
    tap_ok(n > 10, "%zu kinds", n);
}

int main(void)
{
    cs_arena_init(&arena);
    ca = test_issue("root", EVP_PKEY_EC, NULL);
    inter = test_issue("intermediate", EVP_PKEY_EC, &ca);
    leaf = test_issue("leaf", EVP_PKEY_EC, &inter);
    other = test_issue("other", EVP_PKEY_EC, &ca);
    rsa = test_issue("rsa", EVP_PKEY_RSA, &ca);
    test_pair_findings();
    test_lists();
    test_all_at_once();
    test_two_pairs();
    test_ca_names();
    test_client();
    test_table();
    struct test_identity *all[] = {&ca, &inter, &leaf, &other, &rsa};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        test_free(all[i]);
    cs_arena_deinit(&arena);
    return tap_done();
}
