/* TLS of a configuration: pairs, passwords, ticket keys, trust, and the digest of who a client
 * must be, which differs whenever any of it does. */
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/hash.h"
#include "route/locations.h"
#include "world.h"
#include "x509/crl.h"
#include "x509/trust.h"

#include "tap.h"

static struct world w;
static struct cs_arena arena;
static struct cs_findings findings;

static struct cs_snapshot *load(const char *text)
{
    cs_findings_init(&findings, &arena);
    return world_load(&w, cs_str_from(text), &findings);
}

/* The first error of loading @text, as its code; "accepted". */
static struct cs_str outcome(const char *text)
{
    struct cs_snapshot *snapshot = load(text);

    if (snapshot) {
        cs_snapshot_unref(snapshot);
        return CS_STR("accepted");
    }
    for (const struct cs_finding *f = findings.first; f; f = f->next) {
        if (f->kind->severity == CS_SEVERITY_ERROR)
            return cs_str_from(f->kind->code);
    }
    return CS_STR("refused without a reason");
}

/* A key that needs a password. */
static void put_encrypted(const char *from, const char *name, const char *password)
{
    struct cs_str path = cs_arena_printf(&arena, "/w/%s", from), pem, encrypted;
    struct evp_pkey_st *key = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    long len;

    cs_assert(world_read(&w, path, &arena, &pem) == 0);
    cs_findings_init(&findings, &arena);
    cs_assert(cs_key_load(pem, NULL, 0, &findings, &key) == 0);
    cs_assert(PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(), password,
                                            (int)strlen(password), NULL, NULL) == 1);
    len = BIO_get_mem_data(bio, &bytes);
    encrypted = cs_str_make(bytes, (size_t)len);
    world_put(&w, name, encrypted);
    BIO_free(bio);
    cs_key_free(key);
}

#define PAIR "ssl_certificate server.pem; ssl_certificate_key server.key; "

static void test_pairs(void)
{
    static const struct {
        const char *text, *code;
    } cases[] = {
        {PAIR, "accepted"},
        {PAIR "ssl_certificate rsa.pem; ssl_certificate_key rsa.key;", "accepted"},
        {"ssl_certificate rsa.pem; ssl_certificate server.pem; ssl_certificate_key rsa.key;"
         "ssl_certificate_key server.key;",
         "accepted"},
        {"ssl_certificate server.pem; ssl_certificate_key rsa.key;", "key-mismatch"},
        {"ssl_certificate server.pem; ssl_certificate_key other.key;", "key-mismatch"},
        {"ssl_certificate ca.crl; ssl_certificate_key server.key;", "certificate-unreadable"},
        {"ssl_certificate server.pem; ssl_certificate_key server.pem;", "key-unreadable"},
        {"ssl_certificate server.pem;", "certificate-key-missing"},
        {"ssl_certificate_key server.key;", "certificate-missing-for-listen"},
        {"ssl_reject_handshake on;", "accepted"},
        {"ssl_certificate server.pem; ssl_certificate_key locked.key;", "key-encrypted"},
        {"ssl_certificate server.pem; ssl_certificate_key locked.key;"
         "ssl_password_file wrong.txt;",
         "key-encrypted"},
        {"ssl_certificate server.pem; ssl_certificate_key locked.key;"
         "ssl_password_file passwords.txt;",
         "accepted"},
        {"ssl_certificate server.pem; ssl_certificate_key locked.key;"
         "ssl_password_file missing.txt;",
         "file-unreadable"},
        {PAIR "ssl_session_ticket_key tickets.key;", "accepted"},
        {PAIR "ssl_session_ticket_key tickets.key; ssl_session_ticket_key tickets80.key;",
         "accepted"},
        {PAIR "ssl_session_ticket_key empty;", "file-empty"},
        {PAIR "ssl_session_ticket_key missing;", "file-unreadable"},
        {PAIR "ssl_protocols TLSv1.3; ssl_session_tickets off;", "accepted"},
        {PAIR "ssl_protocols TLSv1.1;", "protocol-missing"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        tap_str(
            outcome(cs_arena_printf(&arena, "server { listen 443 ssl; %s }", cases[i].text).ptr),
            cs_str_from(cases[i].code), cases[i].text);
    tap_ok(!cs_str_eq(
               outcome("server { listen 443 ssl; " PAIR "ssl_session_ticket_key passwords.txt; }"),
               CS_STR("accepted")),
           "a ticket key of another length");
    tap_ok(!cs_str_eq(outcome("server { listen 443 ssl; " PAIR "ssl_ciphers nonsense; }"),
                      CS_STR("accepted")),
           "ciphers that do not exist");
    tap_str(outcome("server { listen 80; ssl_certificate missing.pem; }"), CS_STR("accepted"),
            "what is not used is not read");
}

static void test_client_auth(void)
{
    static const struct {
        const char *text, *code;
    } cases[] = {
        {"ssl_verify_client on; ssl_client_certificate ca.pem;", "accepted"},
        {"ssl_verify_client on; ssl_trusted_certificate ca.pem;", "accepted"},
        {"ssl_verify_client on;", "client-trust-missing"},
        {"ssl_verify_client optional;", "client-trust-missing"},
        {"ssl_verify_client optional_no_ca;", "accepted"},
        {"ssl_verify_client on; ssl_client_certificate missing.pem;", "file-unreadable"},
        {"ssl_verify_client on; ssl_client_certificate empty;", "file-empty"},
        {"ssl_verify_client on; ssl_client_certificate ca.pem; ssl_crl missing.crl;",
         "file-unreadable"},
        {"ssl_verify_client on; ssl_client_certificate ca.pem; ssl_crl empty;", "file-empty"},
        {"mtls_reject handshake;", "accepted"},
        {"mtls_reject off;", "mtls-reject-invalid"},
    };
    static const char *const refused[] = {
        "ssl_verify_client on; ssl_client_certificate server.key;",
        "ssl_verify_client on; ssl_client_certificate ca.crl;",
        "ssl_verify_client on; ssl_client_certificate ca.pem; ssl_crl ca.pem;",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        tap_str(
            outcome(cs_arena_printf(&arena, "server { listen 443 ssl; " PAIR "%s }", cases[i].text)
                        .ptr),
            cs_str_from(cases[i].code), cases[i].text);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        tap_ok(!cs_str_eq(outcome(cs_arena_printf(&arena, "server { listen 443 ssl; " PAIR "%s }",
                                                  refused[i])
                                      .ptr),
                          CS_STR("accepted")),
               "refused: %s", refused[i]);
}

/* Who a client must be, of a server with @text. */
static void digest_of(const char *text, uint8_t ret_digest[32])
{
    struct cs_snapshot *s =
        load(cs_arena_printf(&arena, "http { " PAIR "server { listen 443 ssl; %s } }", text).ptr);

    if (!s) {
        tap_ok(false, "loads: %s", text);
        memset(ret_digest, 0, 32);
        return;
    }
    memcpy(ret_digest, s->keyring->servers[0]->auth.digest, 32);
    cs_snapshot_unref(s);
}

#define ON "ssl_verify_client on; ssl_client_certificate ca.pem; "

static void test_digest(void)
{
    static const char *const different[] = {
        "",
        ON,
        "ssl_verify_client optional; ssl_client_certificate ca.pem;",
        "ssl_verify_client optional_no_ca; ssl_client_certificate ca.pem;",
        "ssl_verify_client optional_no_ca;",
        ON "ssl_verify_depth 2;",
        ON "mtls_reject handshake;",
        ON "ssl_crl ca.crl;",
        ON "ssl_crl ca-revokes.crl;",
        "ssl_verify_client on; ssl_client_certificate ca-same-name.pem;",
        "ssl_verify_client on; ssl_client_certificate middle-and-ca.pem;",
        ON "ssl_trusted_certificate ca-same-name.pem;",
    };
    static const char *const same[][2] = {
        {ON, "server_name other; " ON},
        {ON, ON "ssl_protocols TLSv1.3; ssl_session_timeout 1m;"},
        {ON, ON "mtls_reject request; ssl_verify_depth 1;"},
        {ON, ON "location / { return 200; } client_max_body_size 7;"},
        {ON, "ssl_verify_client on; ssl_client_certificate ca-copy.pem;"},
        {"", "ssl_client_certificate ca.pem; ssl_crl ca.crl; ssl_verify_depth 3;"},
        {"", "mtls_reject handshake;"},
    };
    enum { N = sizeof(different) / sizeof(different[0]) };
    uint8_t digests[N][32], a[32], b[32];

    for (size_t i = 0; i < N; i++)
        digest_of(different[i], digests[i]);
    for (size_t i = 0; i < N; i++) {
        for (size_t j = i + 1; j < N; j++)
            tap_ok(memcmp(digests[i], digests[j], 32) != 0, "\"%s\" is not \"%s\"", different[i],
                   different[j]);
    }
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        digest_of(same[i][0], a);
        digest_of(same[i][1], b);
        tap_ok(memcmp(a, b, 32) == 0, "\"%s\" is \"%s\"", same[i][0], same[i][1]);
    }
}

/* A server without a certificate has that of the default server, and its own client auth. */
static void test_lending(void)
{
    struct cs_snapshot *s = load("server { listen 443 ssl; server_name a; " ON "}"
                                 "server { listen 443 ssl default_server; server_name b; "
                                 "ssl_certificate server.pem; ssl_certificate_key locked.key;"
                                 "ssl_password_file passwords.txt; }");

    cs_assert(s);
    tap_ok(s->keyring->servers[0]->tls &&
               s->keyring->servers[0]->tls != s->keyring->servers[1]->tls,
           "a context of its own");
    tap_ok(s->keyring->servers[0]->auth.mode == CS_VERIFY_ON &&
               s->keyring->servers[1]->auth.mode == CS_VERIFY_OFF,
           "and its own idea of clients");
    cs_snapshot_unref(s);
    tap_str(outcome("server { listen 443 ssl; server_name a; }"
                    "server { listen 443 ssl; server_name b; " PAIR "}"),
            CS_STR("certificate-missing-for-listen"), "only the default server lends");
    tap_str(outcome("server { listen 443 ssl; server_name a; } server { listen 444 ssl; " PAIR "}"),
            CS_STR("certificate-missing-for-listen"), "on the same socket");
}

static void test_sharing(void)
{
    struct cs_snapshot *s =
        load("http { " PAIR "ssl_verify_client on; ssl_client_certificate ca.pem; ssl_crl ca.crl;"
             "server { listen 443 ssl; server_name a; } server { listen 443 ssl; server_name b; }"
             "server { listen 444 ssl; ssl_crl ca-revokes.crl; }"
             "server { listen 445 ssl; ssl_verify_client off; } }");

    cs_assert(s);
    tap_ok(s->keyring->servers[0]->auth.trust == s->keyring->servers[1]->auth.trust,
           "the same files are one trust");
    tap_ok(s->keyring->servers[0]->auth.trust != s->keyring->servers[2]->auth.trust,
           "another list is another");
    tap_ok(!s->keyring->servers[3]->auth.trust, "off needs none");
    tap_int((int64_t)cs_crl_set_entries(cs_trust_crls(s->keyring->servers[2]->auth.trust)), 3,
            "the list is read");
    tap_ok(s->keyring->servers[0]->tls != s->keyring->servers[1]->tls,
           "each server has its own context");
    cs_snapshot_unref(s);
}

/* Servers with different CAs and one file of lists hold it once, as does the way upstream; each
 * judges its signature by its own CAs. */
static void test_shared_lists(void)
{
    struct cs_snapshot *s =
        load("http { " PAIR "ssl_verify_client on; ssl_crl ca.crl;"
             "server { listen 443 ssl; ssl_client_certificate ca.pem; }"
             "server { listen 444 ssl; ssl_client_certificate mute.pem; }"
             "server { listen 445 ssl; ssl_client_certificate ca.pem; ssl_crl ca-revokes.crl; } }");
    const void *blocks[3] = {NULL};
    size_t size;

    if (!tap_ok(s != NULL, "accepted"))
        return;
    for (size_t i = 0; i < 3; i++)
        blocks[i] = cs_crl_set_block(cs_trust_crls(s->keyring->servers[i]->auth.trust), &size);
    tap_ok(s->keyring->servers[0]->auth.trust != s->keyring->servers[1]->auth.trust, "two trusts");
    tap_ok(blocks[0] == blocks[1], "one block");
    tap_ok(blocks[0] != blocks[2], "another file is another");
    tap_int((int64_t)findings.n, 1, "one finding");
    if (findings.first)
        tap_str(cs_str_from(findings.first->kind->code), CS_STR("crl-issuer-unknown"),
                "one of them does not know who signed it");
    cs_snapshot_unref(s);
}

/* What is wrong with a file is said where the configuration names it. */
static void test_places(void)
{
    static const struct {
        const char *text, *code;
    } cases[] = {
        {"\n\nssl_client_certificate server.key;", "certificate-unreadable"},
        {"ssl_client_certificate ca.pem;\n\nssl_crl ca.pem;", "crl-unreadable"},
        {"ssl_client_certificate ca.pem;\n\nssl_crl mute.crl;", "crl-issuer-unknown"},
        {"\n\nssl_client_certificate server.pem;", "trust-not-ca"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cs_snapshot *s = load(
            cs_arena_printf(&arena, "server { listen 443 ssl; " PAIR "ssl_verify_client on; %s }",
                            cases[i].text)
                .ptr);
        const struct cs_finding *f = findings.first;
        while (f && strcmp(f->kind->code, cases[i].code) != 0)
            f = f->next;
        if (tap_ok(f != NULL, "%s is found", cases[i].code))
            tap_int(f->place.line, 3, "in the line of the directive");
        cs_snapshot_unref(s);
    }
}

#define HTTPS "location / { proxy_pass https://127.0.0.1:8443; } "

static const struct cs_proxy_tls *proxy_tls(const struct cs_snapshot *s, size_t i)
{
    struct cs_location_match match = {0};

    cs_assert(cs_location_match(s->servers[i]->locations, CS_STR("/"), &match) == 0);
    return ((const struct cs_scope *)match.value)->proxy->tls;
}

/* The TLS of the proxy of location / in server @i. */
static const struct cs_upstream_tls *upstream_tls(const struct cs_snapshot *s, size_t i)
{
    return s->keyring->upstreams[proxy_tls(s, i)->index];
}

static void test_upstream(void)
{
    struct cs_snapshot *s = load(
        "http { proxy_ssl_trusted_certificate ca.pem; proxy_ssl_verify on; proxy_ssl_verify_depth "
        "3;"
        " proxy_ssl_certificate server.pem; proxy_ssl_certificate_key server.key;"
        " proxy_ssl_server_name on; proxy_ssl_name name.test;"
        " server { listen 80; " HTTPS "} server { listen 81; proxy_ssl_verify off; " HTTPS "}"
        " server { listen 82; proxy_ssl_certificate other.pem;"
        "  proxy_ssl_certificate_key other.key; " HTTPS "}"
        " server { listen 83; proxy_ssl_verify_depth 1; " HTTPS "}"
        " server { listen 84; proxy_ssl_session_reuse off; proxy_ssl_server_name off; " HTTPS "}"
        " server { listen 85; proxy_ssl_crl ca.crl; " HTTPS "}"
        " server { listen 86; proxy_ssl_trusted_certificate ca-same-name.pem; " HTTPS "}"
        " server { listen 87; proxy_ssl_protocols TLSv1.3; " HTTPS "}"
        " server { listen 88; " HTTPS "} }");
    const struct cs_upstream_tls *tls[9];

    cs_assert(s);
    for (size_t i = 0; i < 9; i++)
        tls[i] = upstream_tls(s, i);
    tap_ok(tls[0]->trust && tls[0]->depth == 3 && tls[0]->send_sni && tls[0]->reuse_sessions,
           "settings of http hold in a location");
    tap_str(cs_template_literal(&proxy_tls(s, 0)->name), CS_STR("name.test"), "the name too");
    tap_ok(!tls[1]->trust, "verify off");
    tap_ok(!tls[4]->send_sni && !tls[4]->reuse_sessions, "flags");
    tap_ok(tls[8]->client == tls[0]->client, "the same client is one");
    tap_ok(tls[2]->client != tls[0]->client, "another certificate is another");
    tap_ok(memcmp(tls[8]->digest, tls[0]->digest, 32) == 0, "the same policy, the same pool");
    for (size_t i = 1; i < 8; i++)
        tap_ok(memcmp(tls[i]->digest, tls[0]->digest, 32) != 0, "another policy, another pool %zu",
               i);
    cs_snapshot_unref(s);

    tap_str(outcome("server { listen 80; proxy_ssl_verify on; " HTTPS "}"),
            CS_STR("upstream-trust-missing"), "verify without trust");
    tap_str(outcome("server { listen 80; proxy_ssl_certificate server.pem; " HTTPS "}"),
            CS_STR("certificate-key-missing"), "a certificate without key");
    tap_str(outcome("server { listen 80; proxy_ssl_certificate server.pem;"
                    " proxy_ssl_certificate_key locked.key; " HTTPS "}"),
            CS_STR("key-encrypted"), "a locked key");
    tap_str(outcome("server { listen 80; proxy_ssl_certificate server.pem;"
                    " proxy_ssl_password_file passwords.txt;"
                    " proxy_ssl_certificate_key locked.key; " HTTPS "}"),
            CS_STR("accepted"), "and its password");
}

/* Findings outlive what was refused: reading them all would show a sanitizer if not. */
static uint64_t read_findings(void)
{
    uint64_t sum = 0;

    for (const struct cs_finding *f = findings.first; f; f = f->next) {
        sum += cs_hash_bytes(f->place.file.ptr, f->place.file.len);
        sum += cs_hash_bytes(f->place.text.ptr, f->place.text.len);
        for (size_t i = 0; i < CS_FINDING_OPERANDS; i++)
            sum += cs_hash_bytes(f->operands[i].ptr, f->operands[i].len);
    }
    return sum;
}

/* One of everything, often, good and bad: for the leak checker. */
static void test_again_and_again(void)
{
    static const char *const bad[] = {
        "}", "nonsense;", "server { listen 443 ssl; }", "server { listen 80; location ~ ( { } }",
        "server { listen 443 ssl; " PAIR
        "ssl_verify_client on; ssl_client_certificate missing.pem; }"};
    const char *good =
        "map $host $m { default x; ~(?<a>x) $a; } log_format f $m; upstream u { server 127.0.0.1; }"
        "server { listen 443 ssl; server_name a ~^b; " PAIR ON
        "ssl_crl ca.crl; ssl_session_ticket_key tickets.key; access_log /a f;"
        "rewrite ^/x /y; location ~ /z { proxy_pass http://u; if ($m ~ x) { return 403; } } " HTTPS
        "}";
    int accepted = 0, refused = 0;
    bool said = false;

    for (int i = 0; i < 1000; i++) {
        struct cs_arena own = {0};
        struct cs_snapshot *s = NULL;
        cs_findings_init(&findings, &own);
        s = world_load(&w, cs_str_from(i % 2 ? good : bad[i / 2 % 5]), &findings);
        accepted += s != NULL;
        refused += s == NULL && findings.n_errors > 0;
        if (s)
            cs_snapshot_unref(cs_snapshot_ref(s)); /* still one left */
        cs_snapshot_unref(s);
        said |= read_findings() != 0;
        cs_arena_deinit(&own);
    }
    tap_int(accepted, 500, "good ones are accepted every time");
    tap_int(refused, 500, "and bad ones refused");
    tap_ok(said, "with findings that outlive them");
}

int main(void)
{
    world_init(&w);
    put_encrypted("server.key", "locked.key", "open sesame");
    world_put(&w, "passwords.txt", CS_STR("first\r\n\nopen sesame\n"));
    world_put(&w, "wrong.txt", CS_STR("first\nsecond\n"));
    world_put(
        &w, "tickets80.key",
        CS_STR("01234567890123456789012345678901234567890123456789012345678901234567890123456789"));
    for (size_t i = 0; i < w.n_files; i++) {
        if (cs_str_eq(w.files[i].path, CS_STR("/w/ca.pem")))
            world_put(&w, "ca-copy.pem", w.files[i].text);
    }
    test_pairs();
    test_client_auth();
    test_digest();
    test_lending();
    test_sharing();
    test_shared_lists();
    test_places();
    test_upstream();
    test_again_and_again();
    cs_arena_deinit(&arena);
    world_deinit(&w);
    return tap_done();
}
