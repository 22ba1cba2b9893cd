/* The tables are in order, nginx's defaults come out, and what is refused or without effect is
 * what should be. */
#include "tls/directives.h"

#include <errno.h>

#include "config/directives.h"
#include "config/findings.h"
#include "config/tree.h"
#include "tap.h"

static const struct cs_directive_row frame_rows[] = {
    {"server", CS_CTX_HTTP, 0, 0, CS_V_BLOCK, CS_D_BLOCK | CS_D_REPEAT, .opens = CS_CTX_SERVER,
     .doc = "A virtual server."},
    {"location", CS_CTX_SERVER, 1, 1, CS_V_BLOCK, CS_D_BLOCK | CS_D_REPEAT,
     .opens = CS_CTX_LOCATION, .doc = "A part of the paths."},
};
static const struct cs_schema_table frame = CS_SCHEMA_TABLE(frame_rows);
static const struct cs_schema_table *const tables[] = {
    &cs_core_directives, &frame, &cs_ssl_directives, &cs_proxy_ssl_directives};
static const struct cs_schema schema = {tables, 4};

static int read_text(void *ctx, struct cs_str path, struct cs_arena *arena, struct cs_str *ret_text)
{
    *ret_text = *(const struct cs_str *)ctx;
    return 0;
}

/* The block of the location of "server { SERVER location / { LOCATION } }". */
static const struct cs_block *load(const char *server, const char *location, struct cs_arena *arena,
                                   struct cs_findings *findings)
{
    struct cs_str text =
        cs_arena_printf(arena, "server { %s location / { %s } }", server, location);
    const struct cs_config_reader reader = {.read = read_text, .ctx = &text};
    struct cs_config *config = NULL;
    cs_findings_init(findings, arena);
    cs_config_load(&reader, CS_STR("/x"), CS_STR("/"), (struct cs_str){NULL, 0}, &schema, arena,
                   findings, &config);
    const struct cs_block *block = config->main;
    for (const char *const *name = (const char *const[]){"http", "server", "location", NULL}; *name;
         name++) {
        const struct cs_directive *d = cs_block_find(block, *name);
        block = d ? d->block : block;
    }
    return block;
}

static void test_defaults(void)
{
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_ssl_settings ssl;
    struct cs_proxy_ssl_settings proxy;
    const struct cs_block *location = load("", "", &arena, &findings);
    cs_settings_resolve(&cs_ssl_directives, location->parent, &arena, &ssl);
    cs_settings_resolve(&cs_proxy_ssl_directives, location, &arena, &proxy);
    tap_int(findings.n, 0, "nothing to say about nothing");
    tap_ok(ssl.certificate.n == 0 && !ssl.client_certificate.len, "no files");
    tap_ok(ssl.verify_client == CS_SSL_VERIFY_CLIENT_OFF && ssl.verify_depth == 1, "verification");
    tap_int(ssl.protocols, CS_TLS_1_2 | CS_TLS_1_3, "protocols");
    tap_str(ssl.ciphers, CS_STR("HIGH:!aNULL:!MD5"), "ciphers");
    tap_str(ssl.ecdh_curve, CS_STR("auto"), "curves");
    tap_ok(!ssl.prefer_server_ciphers && ssl.session_tickets && !ssl.reject_handshake && !ssl.ssl,
           "flags");
    tap_ok(ssl.session_timeout_sec == 300 && ssl.buffer_size == 16384, "numbers");
    tap_ok(!proxy.verify && !proxy.server_name && proxy.session_reuse && proxy.verify_depth == 1,
           "towards upstreams");
    tap_str(proxy.name, CS_STR("$proxy_host"), "their name");
    tap_str(proxy.ciphers, CS_STR("DEFAULT"), "their ciphers");
    tap_int(proxy.protocols, CS_TLS_1_2 | CS_TLS_1_3, "their protocols");
    cs_arena_deinit(&arena);
}

static void test_values(void)
{
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_ssl_settings ssl;
    struct cs_proxy_ssl_settings proxy;
    const struct cs_block *location =
        load("ssl_certificate a.pem; ssl_certificate_key a.key; ssl_certificate b.pem;"
             " ssl_certificate_key b.key; ssl_password_file pw; ssl_client_certificate ca;"
             " ssl_trusted_certificate tca; ssl_crl crl; ssl_verify_client optional_no_ca;"
             " ssl_verify_depth 3; ssl_protocols TLSv1 TLSv1.3; ssl_ciphers X;"
             " ssl_prefer_server_ciphers on; ssl_ecdh_curve P-256; ssl_session_timeout 1d;"
             " ssl_session_tickets off; ssl_session_ticket_key k1; ssl_session_ticket_key k2;"
             " ssl_buffer_size 4k; ssl_reject_handshake on; proxy_ssl_verify on;",
             "proxy_ssl_certificate c; proxy_ssl_certificate_key ck; proxy_ssl_crl pcrl;"
             " proxy_ssl_trusted_certificate pca; proxy_ssl_verify_depth 2; proxy_ssl_name $host;"
             " proxy_ssl_server_name on; proxy_ssl_protocols TLSv1.2; proxy_ssl_ciphers Y;"
             " proxy_ssl_session_reuse off; proxy_ssl_password_file ppw;",
             &arena, &findings);
    cs_settings_resolve(&cs_ssl_directives, location->parent, &arena, &ssl);
    cs_settings_resolve(&cs_proxy_ssl_directives, location, &arena, &proxy);
    tap_int(findings.n, 0, "all is well");
    tap_ok(ssl.certificate.n == 2 && ssl.certificate_key.n == 2 && ssl.session_ticket_key.n == 2,
           "lists");
    tap_str(cs_directive_arg(ssl.certificate.items[1], 0), CS_STR("b.pem"), "in order");
    tap_ok(ssl.verify_client == CS_SSL_VERIFY_CLIENT_OPTIONAL_NO_CA && ssl.verify_depth == 3 &&
               cs_str_eq(ssl.client_certificate, CS_STR("ca")) &&
               cs_str_eq(ssl.trusted_certificate, CS_STR("tca")) &&
               cs_str_eq(ssl.password_file, CS_STR("pw")),
           "verification");
    tap_int(ssl.protocols, CS_TLS_1_0 | CS_TLS_1_3, "obsolete protocols are told apart");
    tap_ok(ssl.protocols & CS_SSL_OBSOLETE, "by their bits");
    tap_ok(ssl.prefer_server_ciphers && !ssl.session_tickets && ssl.reject_handshake &&
               ssl.session_timeout_sec == 86400 && ssl.buffer_size == 4096,
           "flags and numbers");
    tap_ok(proxy.verify && proxy.server_name && !proxy.session_reuse && proxy.verify_depth == 2 &&
               proxy.protocols == CS_TLS_1_2,
           "towards upstreams");
    tap_ok(cs_str_eq(proxy.name, CS_STR("$host")) && cs_str_eq(proxy.certificate, CS_STR("c")) &&
               cs_str_eq(proxy.certificate_key, CS_STR("ck")) &&
               cs_str_eq(proxy.password_file, CS_STR("ppw")) &&
               cs_str_eq(proxy.trusted_certificate, CS_STR("pca")) &&
               cs_str_eq(proxy.ciphers, CS_STR("Y")),
           "texts");
    cs_arena_deinit(&arena);
}

static void test_findings(void)
{
    static const struct {
        const char *server, *location;
        const struct cs_finding_kind *kind;
    } rows[] = {
        {"ssl on;", "", &cs_config_found_deprecated},
        {"ssl_session_cache shared:SSL:10m;", "", &cs_config_found_no_effect},
        {"ssl_session_cache none;", "", NULL},
        {"ssl_early_data on;", "", &cs_config_found_no_effect},
        {"ssl_early_data off;", "", NULL},
        {"ssl_dhparam dh.pem;", "", &cs_config_found_no_effect},
        {"ssl_stapling off;", "", NULL},
        {"ssl_stapling on;", "", NULL},
        {"ssl_ocsp off;", "", NULL},
        {"ssl_ocsp leaf;", "", NULL},
        {"ssl_ocsp_responder http://x;", "", NULL},
        {"ssl_ocsp_responder https://x;", "", &cs_config_found_invalid_value},
        {"ssl_ocsp_cache shared:a:1m;", "", NULL},
        {"ssl_ocsp_cache builtin;", "", &cs_config_found_invalid_value},
        {"ssl_conf_command Options KTLS;", "", &cs_config_found_unsupported},
        {"ssl_verify_client required;", "", &cs_config_found_invalid_choice},
        {"ssl_verify_depth 101;", "", &cs_config_found_invalid_range},
        {"ssl_protocols TLSv1.4;", "", &cs_config_found_invalid_choice_near},
        {"ssl_verify_clients on;", "", &cs_config_found_unknown_near},
        {"ssl_crl a; ssl_crl b;", "", &cs_config_found_duplicate},
        {"", "ssl_verify_client on;", &cs_config_found_misplaced},
        {"", "proxy_ssl_conf_command Options X;", &cs_config_found_unsupported},
        {"", "proxy_ssl_verify maybe;", &cs_config_found_invalid_flag},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_arena arena = {0};
        struct cs_findings findings;
        load(rows[i].server, rows[i].location, &arena, &findings);
        bool pass = findings.n == (rows[i].kind ? 1u : 0u) &&
                    (!rows[i].kind || findings.first->kind == rows[i].kind);
        tap_ok(pass, "%s%s %s", rows[i].server, rows[i].location,
               rows[i].kind ? rows[i].kind->code : "");
        for (const struct cs_finding *f = findings.first; f && !pass; f = f->next)
            printf("#   got %s \"%.*s\"\n", f->kind->code, CS_FMT(f->operands[0]));
        cs_arena_deinit(&arena);
    }
}

int main(void)
{
    struct cs_arena arena = {0};
    tap_str(cs_str_from(cs_schema_check(&schema, &arena)), CS_STR(""), "the tables are in order");
    cs_arena_deinit(&arena);
    test_defaults();
    test_values();
    test_findings();
    return tap_done();
}
