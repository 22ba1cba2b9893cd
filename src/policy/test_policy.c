/* Decision tables: every mode against every client, addresses against rules, and permits. */
#include "policy/policy.h"

#include "policy/findings.h"
#include "x509/chain.h"
#include "x509/findings.h"

#include "tap.h"

static const struct cs_verdict good = {.accepted = true};
static const struct cs_verdict bad = {.error = CS_X509_ERR_EXPIRED};
static const struct cs_verdict unknown_issuer = {.tolerated = true,
                                                 .error = CS_X509_ERR_NO_LOCAL_ISSUER};

static const struct cs_subject plain = {.tls = false};
static const struct cs_subject none = {.tls = true};
static const struct cs_subject with_good = {
    .tls = true, .certificate_presented = true, .verdict = &good};
static const struct cs_subject with_bad = {
    .tls = true, .certificate_presented = true, .verdict = &bad};
static const struct cs_subject with_unknown = {
    .tls = true, .certificate_presented = true, .verdict = &unknown_issuer};
static const struct cs_subject not_judged = {.tls = true, .certificate_presented = true};

static void test_connection(void)
{
    static const struct {
        const char *name;
        const struct cs_subject *subject;
        int off, on, optional, no_ca, other; /* status; 0: allowed */
    } rows[] = {
        {"without TLS", &plain, 0, 0, 0, 0, 0},
        {"no certificate", &none, 0, 496, 0, 0, 496},
        {"a good certificate", &with_good, 0, 0, 0, 0, 0},
        {"a bad certificate", &with_bad, 0, 495, 495, 495, 495},
        {"an unknown issuer", &with_unknown, 0, 495, 495, 0, 495},
        {"a certificate without a verdict", &not_judged, 0, 495, 495, 495, 495},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const int want[] = {rows[i].off, rows[i].on, rows[i].optional, rows[i].no_ca,
                            rows[i].other};
        for (int mode = CS_VERIFY_OFF; mode <= CS_VERIFY_OPTIONAL_NO_CA + 1; mode++) {
            struct cs_decision d;
            cs_policy_decide_connection((enum cs_verify_mode)mode, rows[i].subject, &d);
            const struct cs_finding_kind *kind =
                want[mode] == 496   ? CS_X509_KIND(CERTIFICATE_MISSING)
                : want[mode] == 495 ? &cs_policy_found_certificate_refused
                                    : NULL;
            tap_ok(d.status == want[mode] && d.allowed == (want[mode] == 0) && d.kind == kind &&
                       d.about == CS_DECISION_CONNECTION,
                   "%s, mode %d: %d", rows[i].name, mode, want[mode]);
        }
    }
}

static struct cs_access_rule rule(const char *text)
{
    struct cs_access_rule r = {.allow = text[0] == '+'};
    if (cs_net_parse(cs_str_from(text + 1), &r.net) < 0)
        tap_ok(false, "bad test: %s", text);
    return r;
}

static void test_access(void)
{
    static const struct {
        const char *rules[4]; /* +allow -deny */
        const char *client;   /* NULL: not known */
        bool allowed;
        size_t rule;
    } rows[] = {
        {{NULL}, "192.0.2.1", true, CS_NO_RULE},
        {{"-all"}, "192.0.2.1", false, 0},
        {{"+192.0.2.0/24", "-all"}, "192.0.2.1", true, 0},
        {{"+192.0.2.0/24", "-all"}, "192.0.3.1", false, 1},
        {{"-192.0.2.1", "+192.0.2.0/24", "-all"}, "192.0.2.1", false, 0},
        {{"-192.0.2.1", "+192.0.2.0/24", "-all"}, "192.0.2.2", true, 1},
        {{"+192.0.2.0/24", "-192.0.2.1"}, "192.0.2.1", true, 0},
        {{"-all", "+192.0.2.1"}, "192.0.2.1", false, 0},
        {{"-192.0.2.1"}, "192.0.2.2", true, CS_NO_RULE},
        {{"+192.0.2.1"}, "192.0.2.2", true, CS_NO_RULE},
        {{"+127.0.0.0/8", "-all"}, "::1", false, 1},
        {{"+2001:db8::/32", "-all"}, "2001:db8::5", true, 0},
        {{"-0.0.0.0/0"}, "::1", true, CS_NO_RULE},
        {{"-::/0", "+all"}, "2001:db8::5", false, 0},
        {{"+192.0.2.0/24", "-all"}, "::ffff:192.0.2.7", true, 0},
        {{"+unix:", "-all"}, "unix", true, 0},
        {{"+unix:", "-all"}, "127.0.0.1", false, 1},
        {{"-all"}, "unix", false, 0},
        {{"+0.0.0.0/0", "-all"}, NULL, false, 1},
        {{"+0.0.0.0/0"}, NULL, true, CS_NO_RULE},
    };
    struct cs_arena arena = {0};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_access_rule rules[4];
        struct cs_addr address;
        struct cs_decision d;
        size_t n = 0;
        for (; n < 4 && rows[i].rules[n]; n++)
            rules[n] = rule(rows[i].rules[n]);
        const struct cs_policy *policy = cs_policy_new(&arena, rules, n);
        if (rows[i].client && strcmp(rows[i].client, "unix") == 0)
            cs_addr_parse_unix(CS_STR("/c"), &address);
        else if (rows[i].client)
            cs_addr_parse_ip(cs_str_from(rows[i].client), 1, &address);
        struct cs_subject subject = {.address = rows[i].client ? &address : NULL};
        cs_policy_decide_access(policy, &subject, &d);
        tap_ok(d.allowed == rows[i].allowed && d.rule == rows[i].rule &&
                   d.status == (d.allowed ? 0 : 403) &&
                   d.kind == (d.allowed ? NULL : &cs_policy_found_access_denied),
               "case %zu: %s of %s first", i, rows[i].client ? rows[i].client : "nobody",
               rows[i].rules[0] ? rows[i].rules[0] : "nothing");
        tap_ok((cs_policy_rule(policy, d.rule) != NULL) == (d.rule != CS_NO_RULE),
               "case %zu: the rule can be named", i);
    }
    cs_arena_deinit(&arena);
}

static void test_permit(void)
{
    struct cs_arena arena = {0};
    struct cs_decision connection, refused, access, denied, known, unknown, nothing = {0};
    const struct cs_identity_rules nobody = {.known = true};
    struct cs_access_rule deny = rule("-all");
    cs_policy_decide_connection(CS_VERIFY_ON, &with_good, &connection);
    cs_policy_decide_connection(CS_VERIFY_ON, &none, &refused);
    cs_policy_decide_access(cs_policy_new(&arena, NULL, 0), &with_good, &access);
    cs_policy_decide_access(cs_policy_new(&arena, &deny, 1), &with_good, &denied);
    cs_policy_decide_identity(NULL, &with_good, &arena, &known);
    cs_policy_decide_identity(&nobody, &none, &arena, &unknown);
    struct cs_decision misdirected = cs_policy_misdirected();

    const struct {
        const char *name;
        const struct cs_decision *connection, *identity, *access;
        bool permit;
    } rows[] = {
        {"all allow", &connection, &known, &access, true},
        {"the connection is refused", &refused, &known, &access, false},
        {"the identity is refused", &connection, &unknown, &access, false},
        {"access is denied", &connection, &known, &denied, false},
        {"all refuse", &refused, &unknown, &denied, false},
        {"misdirected", &misdirected, &known, &access, false},
        {"access was not decided", &connection, &known, &nothing, false},
        {"the identity was not decided", &connection, &nothing, &access, false},
        {"the connection was not decided", &nothing, &known, &access, false},
        {"the connection counts twice", &connection, &known, &connection, false},
        {"the connection counts for the identity", &connection, &connection, &access, false},
        {"access counts twice", &access, &known, &access, false},
        {"access counts for the identity", &connection, &access, &access, false},
        {"the identity counts for access", &connection, &known, &known, false},
        {"the wrong way round", &access, &known, &connection, false},
        {"no decisions", NULL, NULL, NULL, false},
        {"no decision about the identity", &connection, NULL, &access, false},
        {"no access decision", &connection, &known, NULL, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct cs_permit *permit =
            cs_policy_permit(&arena, rows[i].connection, rows[i].identity, rows[i].access);
        tap_ok((permit != NULL) == rows[i].permit, "permit: %s", rows[i].name);
        if (permit)
            tap_ok(cs_permit_access(permit)->allowed, "permit: rests on access");
    }
    tap_ok(misdirected.status == 421 && misdirected.kind == &cs_policy_found_host_sni_mismatch,
           "misdirected is 421");
    cs_arena_deinit(&arena);
}

static void test_same_client_auth(void)
{
    uint8_t a[32] = {1}, b[32] = {1};
    tap_ok(cs_policy_same_client_auth(a, b), "the same client-auth policy");
    b[31] = 1;
    tap_ok(!cs_policy_same_client_auth(a, b), "a different one");
}

static void test_kinds(void)
{
    size_t n;
    const struct cs_finding_kind *const *kinds = cs_policy_finding_kinds(&n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(kinds[i]->code, kinds[j]->code) == 0)
                tap_ok(false, "code %s occurs twice", kinds[i]->code);
    tap_ok(n >= 4, "kinds of findings");
}

int main(void)
{
    test_connection();
    test_access();
    test_permit();
    test_same_client_auth();
    test_kinds();
    return tap_done();
}
