/* allow, deny, mtls_allow and mtls_deny from text to decision: levels, order, refused values. */
#include "policy/directives.h"

#include <errno.h>

#include "config/directives.h"
#include "policy/findings.h"
#include "x509/chain.h"

#include "tap.h"

static const struct cs_directive_row frame_rows[] = {
    {"server", CS_CTX_HTTP, 0, 0, CS_V_BLOCK, CS_D_BLOCK | CS_D_REPEAT, .opens = CS_CTX_SERVER,
     .doc = "A virtual server."},
    {"location", CS_CTX_SERVER | CS_CTX_LOCATION, 1, 2, CS_V_BLOCK, CS_D_BLOCK | CS_D_REPEAT,
     .opens = CS_CTX_LOCATION, .doc = "A part of the paths."},
};
static const struct cs_schema_table frame = CS_SCHEMA_TABLE(frame_rows);
static const struct cs_schema_table *const tables[] = {&cs_core_directives, &frame,
                                                       &cs_policy_directives};
static const struct cs_schema schema = {tables, 3};

static int read_text(void *ctx, struct cs_str path, struct cs_arena *arena, struct cs_str *ret_text)
{
    *ret_text = cs_str_from(ctx);
    return 0;
}

static struct cs_config *load(const char *text, struct cs_arena *arena,
                              struct cs_findings *findings)
{
    struct cs_config_reader reader = {read_text, NULL, (void *)(uintptr_t)text};
    struct cs_config *config = NULL;
    cs_findings_init(findings, arena);
    cs_config_load(&reader, CS_STR("/etc/main"), CS_STR("/etc"), CS_STR(""), &schema, arena,
                   findings, &config);
    return config;
}

/* The innermost block: the one that opens last. */
static const struct cs_block *innermost(const struct cs_block *block)
{
    const struct cs_block *inner = NULL;
    for (const struct cs_directive *d = block->first; d; d = d->next)
        if (d->block)
            inner = d->block;
    return inner ? innermost(inner) : block;
}

static void test_levels(void)
{
    static const struct {
        const char *text, *client;
        bool allowed;
    } rows[] = {
        {"server { location / { } }", "192.0.2.1", true},
        {"server { deny all; location / { } }", "192.0.2.1", false},
        {"server { deny all; location / { allow 192.0.2.1; } }", "192.0.2.2", true},
        {"server { allow 192.0.2.1; deny all; location / { } }", "192.0.2.1", true},
        {"server { deny 192.0.2.1; allow all; location / { } }", "192.0.2.1", false},
        {"http { deny 192.0.2.1; server { location / { } } }", "192.0.2.1", false},
        {"http { deny 192.0.2.1; server { allow 198.51.100.1; location / { } } }", "192.0.2.1",
         true},
        {"server { allow 2001:db8::/32; deny all; location / { } }", "2001:db8::1", true},
        {"server { allow unix:; deny all; location / { } }", "192.0.2.1", false},
        {"server { allow 192.0.2.1/24; deny all; location / { } }", "192.0.2.200", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_arena arena = {0};
        struct cs_findings findings;
        struct cs_addr address;
        struct cs_decision d;
        const struct cs_config *config = load(rows[i].text, &arena, &findings);
        tap_int(findings.n_errors, 0, rows[i].text);
        cs_addr_parse_ip(cs_str_from(rows[i].client), 1, &address);
        const struct cs_policy *policy =
            cs_policy_from_block(innermost(config->main), &arena, &findings);
        cs_policy_decide_access(policy, &(struct cs_subject){.address = &address}, &d);
        tap_int(d.allowed, rows[i].allowed, rows[i].client);
        cs_arena_deinit(&arena);
    }
}

static void test_identities(void)
{
    static const struct {
        const char *text;
        const char *passes; /* of "abcn": a.test, b.test, c.test, nobody known */
    } rows[] = {
        {"server { location / { } }", "abcn"},
        {"server { mtls_allow dns:a.test; location / { } }", "a"},
        {"server { mtls_allow dns:a.test; mtls_allow dns:b.test; location / { } }", "ab"},
        {"server { mtls_allow dns:a.test dns:b.test; location / { } }", "ab"},
        {"server { mtls_allow dns:a.test; location / { mtls_allow dns:b.test; } }", "b"},
        {"server { mtls_allow dns:a.test; location / { mtls_allow off; } }", "abcn"},
        {"server { mtls_allow off; location / { mtls_allow dns:b.test; } }", "b"},
        {"server { mtls_deny dns:a.test; location / { } }", "bc"},
        {"server { mtls_deny dns:A.test; location / { } }", "bc"},
        {"server { mtls_deny dns:a.test; location / { mtls_deny dns:b.test; } }", "c"},
        {"http { mtls_deny dns:a.test; server { location / { mtls_deny dns:b.test; } } }", "c"},
        {"server { mtls_deny dns:a.test; location / { mtls_allow off; } }", "bcn"},
        {"server { mtls_deny dns:a.test; location / { mtls_allow dns:a.test dns:b.test; } }", "b"},
        {"server { mtls_allow dns:a.test dns:b.test; location / { mtls_deny dns:a.test; } }", "b"},
        {"server { mtls_allow dns:a.test; location / { location /x { } } }", "a"},
        {"server { mtls_allow dns:a.test; location / { location /x { mtls_allow dns:c.test; } } }",
         "c"},
        {"server { mtls_allow dns:a.test; location / { deny all; } }", "a"},
        {"http { mtls_allow dns:a.test; server { deny all; location / { } } }", "a"},
    };
    static const struct cs_str names[] = {CS_STR_INIT("a.test"), CS_STR_INIT("b.test"),
                                          CS_STR_INIT("c.test")};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_arena arena = {0};
        struct cs_findings findings;
        char passed[5] = "";
        size_t n = 0;
        const struct cs_config *config = load(rows[i].text, &arena, &findings);
        tap_int(findings.n_errors, 0, rows[i].text);
        const struct cs_identity_rules *rules =
            cs_policy_identities_from_block(innermost(config->main), &arena);
        for (size_t who = 0; who < 4; who++) {
            struct cs_cert leaf = {.subject = CS_STR("\x30\0"),
                                   .san = {.dns = {&names[who % 3], 1}, .present = true}};
            struct cs_verdict verdict = {.accepted = true, .leaf = &leaf};
            struct cs_subject subject = {.verdict = who < 3 ? &verdict : NULL};
            struct cs_decision d;
            cs_policy_decide_identity(rules, &subject, &arena, &d);
            if (d.allowed)
                passed[n++] = "abcn"[who];
        }
        tap_str(cs_str_from(passed), cs_str_from(rows[i].passes), rows[i].text);
        cs_arena_deinit(&arena);
    }
}

static void test_findings(void)
{
    static const struct {
        const char *text, *code; /* NULL: none */
    } rows[] = {
        {"server { allow 192.0.2.0/24; deny all; }", NULL},
        {"server { allow localhost; }", "invalid-value"},
        {"server { deny 10.0.0.0/33; }", "invalid-value"},
        {"server { deny \"\"; }", "invalid-value"},
        {"server { deny $var; }", "invalid-value"},
        {"server { allow 192.0.2.1/24; }", "network-host-bits"},
        {"server { deny all; allow 192.0.2.1; }", "access-rule-unreachable"},
        {"server { satisfy all; }", NULL},
        {"server { satisfy any; }", NULL},
        {"server { satisfy some; }", "invalid-choice"},
        {"allow all; server { }", NULL},
        {"server { mtls_allow dns:a.test spiffe://a.test/x; mtls_deny cn:x; }", NULL},
        {"server { mtls_allow off; }", NULL},
        {"server { mtls_allow a.test; }", "identity-pattern-invalid"},
        {"server { mtls_allow dns:a.test dns:a..test; }", "identity-pattern-invalid"},
        {"server { mtls_allow dns:a.*.test; }", "identity-pattern-invalid"},
        {"server { mtls_allow spiffe://a.test; }", "identity-pattern-invalid"},
        {"server { mtls_deny spiffe://a.test/%2e; }", "identity-pattern-invalid"},
        {"server { mtls_allow SPIFFE://a.test/x; }", "identity-pattern-invalid"},
        {"server { mtls_deny SPIFFE://a.test/x; }", "identity-pattern-invalid"},
        {"server { mtls_deny uri:SPIFFE://a.test/x; }", "identity-pattern-invalid"},
        {"server { mtls_allow \"\"; }", "identity-pattern-invalid"},
        {"server { mtls_allow $ssl_client_s_dn; }", "identity-pattern-invalid"},
        {"server { mtls_allow subject:CN=x; }", "identity-pattern-invalid"},
        {"server { mtls_deny off; }", "identity-pattern-invalid"},
        {"server { mtls_allow off dns:a.test; }", "identity-pattern-invalid"},
        {"server { mtls_allow dns:a.test off; }", "identity-pattern-invalid"},
        {"mtls_allow dns:a.test; mtls_allow off; server { }", "identity-off-not-alone"},
        {"server { mtls_allow off; mtls_allow off; }", "identity-off-not-alone"},
        {"server { mtls_allow dns:a.test; mtls_allow off; }", "identity-off-not-alone"},
        {"mtls_allow off; server { mtls_allow dns:a.test; }", NULL},
        {"server { mtls_allow; }", "argument-count"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_arena arena = {0};
        struct cs_findings findings;
        const struct cs_config *config = load(rows[i].text, &arena, &findings);
        cs_policy_from_block(innermost(config->main), &arena, &findings);
        const char *code = findings.first ? findings.first->kind->code : NULL;
        tap_str(cs_str_from(code), cs_str_from(rows[i].code), rows[i].text);
        cs_arena_deinit(&arena);
    }
}

int main(void)
{
    struct cs_arena arena = {0};
    tap_str(cs_str_from(cs_schema_check(&schema, &arena)), CS_STR(""), "the table is in order");
    cs_arena_deinit(&arena);
    test_levels();
    test_identities();
    test_findings();
    return tap_done();
}
