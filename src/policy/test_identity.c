/* Rules about identities against the names of certificates: what passes, what does not, and what
 * somebody would try. */
#include "policy/policy.h"

#include "policy/findings.h"
#include "x509/chain.h"

#include "tap.h"

static struct cs_arena arena;

enum { MAX = 8 };

struct rules {
    struct cs_identity_rule items[MAX];
    size_t n;
};

/* Patterns with spaces between. */
static void read_rules(const char *text, bool fold, struct rules *ret_rules)
{
    struct cs_str rest = cs_str_from(text);

    *ret_rules = (struct rules){.n = 0};
    while (rest.len) {
        struct cs_str word = cs_str_cut(&rest, ' ');
        struct cs_identity_rule *rule = &ret_rules->items[ret_rules->n++];
        rule->text = word;
        if (cs_pattern_parse(word, &rule->pattern))
            tap_ok(false, "bad test: %s", text);
        if (fold)
            rule->pattern = cs_pattern_folded(&rule->pattern, &arena);
    }
}

/* One attribute of a subject: SET { SEQUENCE { OID, UTF8String } }. */
static void add_attribute(struct cs_buf *subject, struct cs_str oid, struct cs_str value)
{
    char head[] = {0x31, (char)(value.len + oid.len + 6),
                   0x30, (char)(value.len + oid.len + 4),
                   0x06, (char)oid.len};
    char tag[] = {0x0c, (char)value.len};

    cs_buf_add(subject, head, sizeof(head));
    cs_buf_add_str(subject, oid);
    cs_buf_add(subject, tag, sizeof(tag));
    cs_buf_add_str(subject, value);
}

struct lists {
    struct cs_str items[4][MAX];
};

static void add_name(struct cs_names *names, struct cs_str *items, struct cs_str value)
{
    items[names->n++] = value;
    names->items = items;
}

/* A certificate with the names in @text, "|" between: cn and mail are parts of the subject, the
 * others subjectAltNames, just as they stand there. */
static void make_cert(const char *text, struct lists *lists, struct cs_cert *ret_cert)
{
    struct cs_str rest = cs_str_from(text);
    struct cs_buf subject;
    struct cs_cert cert = {0};
    char head[2] = {0x30};

    cs_buf_init(&subject, 120);
    while (rest.len) {
        struct cs_str value = cs_str_cut(&rest, '|'), kind = cs_str_cut(&value, '=');
        bool in_subject = true;
        if (cs_str_eq(kind, CS_STR("cn"))) {
            add_attribute(&subject, CS_STR("\x55\x04\x03"), value);
        } else if (cs_str_eq(kind, CS_STR("mail"))) {
            add_attribute(&subject, CS_STR("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"), value);
        } else {
            in_subject = false;
            if (cs_str_eq(kind, CS_STR("dns")))
                add_name(&cert.san.dns, lists->items[0], value);
            else if (cs_str_eq(kind, CS_STR("uri")))
                add_name(&cert.san.uri, lists->items[1], value);
            else if (cs_str_eq(kind, CS_STR("email")))
                add_name(&cert.san.email, lists->items[2], value);
            else if (cs_str_eq(kind, CS_STR("ip")))
                add_name(&cert.san.ip, lists->items[3], value);
            else if (!cs_str_eq(kind, CS_STR("other")))
                tap_ok(false, "bad test: %s", text);
        }
        cert.san.present |= !in_subject;
    }
    head[1] = (char)subject.len;
    cert.subject =
        cs_arena_cat(&arena, cs_str_make(head, 2), cs_arena_dup(&arena, cs_buf_str(&subject)));
    cs_buf_deinit(&subject);
    *ret_cert = cert;
}

static const struct {
    const char *allow; /* NULL: no mtls_allow, nor off */
    const char *deny;
    const char *names;
    bool passes;
} rows[] = {
    /* No rule about it. */
    {NULL, "", "dns=a.test", true},
    {"", "", "dns=a.test", false}, /* an empty list allows nobody */
    {NULL, "dns:b.test", "dns=a.test", true},
    {NULL, "dns:b.test", "", true},
    /* Any name is enough, of the kind that is asked for. */
    {"dns:a.test", "", "dns=a.test", true},
    {"dns:a.test", "", "dns=b.test|dns=a.test", true},
    {"dns:b.test dns:a.test", "", "dns=a.test", true},
    {"dns:a.test", "", "uri=dns:a.test", false},
    {"dns:a.test", "", "email=x@a.test", false},
    {"spiffe://a.test/ns/pay/*", "", "uri=spiffe://a.test/ns/pay/web", true},
    {"spiffe://a.test/ns/pay/*", "", "uri=spiffe://a.test/ns/pay/web/x", false},
    {"spiffe://a.test/ns/pay/*", "", "uri=spiffe://a.test/ns/pay", false},
    {"spiffe://a.test/**", "", "uri=spiffe://a.test.evil/x", false},
    {"spiffe://a.test/**", "", "uri=https://a.test/x", false},
    {"uri:urn:device:*", "", "uri=urn:device:7", true},
    {"email:*@a.test", "", "email=bob@a.test", true},
    {"email:*@a.test", "", "email=bob@a.test@b.test", false},
    {"ip:65.0.0.0/8", "", "ip=ABCD", true},
    {"ip:65.0.0.0/8", "", "ip=BACD", false},
    /* Deny beats allow, whatever else the certificate has. */
    {"dns:**", "dns:b.test", "dns=a.test|dns=b.test", false},
    {"dns:a.test", "dns:a.test", "dns=a.test", false},
    {"dns:a.test", "uri:**", "dns=a.test|uri=urn:x:y", false},
    {"dns:a.test", "uri:**", "dns=a.test", true},
    /* A common name counts for allow only where it stands alone; for deny always, and each. */
    {"cn:alice", "", "cn=alice", true},
    {"cn:alice", "", "cn=alice|dns=a.test", false},
    {"cn:alice", "", "cn=alice|other=", false},
    {"cn:alice", "", "cn=alice|cn=bob", false},
    {"dns:a.test", "", "cn=a.test", false},
    {"dns:a.test", "cn:alice", "cn=alice|dns=a.test", false},
    {"dns:a.test", "cn:alice", "cn=alice|cn=bob|dns=a.test", false},
    {"dns:a.test", "email:*@evil.test", "mail=x@evil.test|dns=a.test", false},
    {"email:x@a.test", "", "mail=x@a.test", false},
    /* Case: as the kind of the name has it for allow, none for deny. */
    {"dns:a.test", "", "dns=A.TEST", true},
    {"cn:alice", "", "cn=Alice", false},
    {"email:bob@a.test", "", "email=Bob@a.test", false},
    {NULL, "cn:alice", "cn=ALICE", false},
    {NULL, "email:Bob@a.test", "email=bOB@A.test", false},
    {NULL, "spiffe://a.test/Web", "uri=spiffe://a.test/web", false},
    {NULL, "uri:https://a.test/X", "uri=HTTPS://A.test/x", false},
    {NULL, "ip:65.66.67.68", "ip=ABCD", false},
    {NULL, "ip:97.98.99.100", "ip=ABCD", true},
    /* A wildcard is all that it would serve for. */
    {"dns:a.b.test", "", "dns=*.b.test", false},
    {"dns:*.b.test", "", "dns=*.b.test", true},
    {"dns:**.b.test", "", "dns=*.b.test", true},
    {"dns:**", "dns:a.b.test", "dns=*.b.test", false},
    {"dns:**", "dns:a.c.test", "dns=*.b.test", true},
    {"dns:*.b.test", "", "dns=b.test", false},
    {"dns:*.b.test", "", "dns=x.a.b.test", false},
    /* Malformed names are nobody's, and denied wherever their kind is. */
    {"dns:a.test", "", "dns=a.test.", false},
    {"dns:**", "", "dns=a..test", false},
    {NULL, "dns:a.test", "dns=a.test.", false},
    {NULL, "dns:x.test", "dns=a b", false},
    {NULL, "dns:x.test", "uri=a b", true},
    {"uri:https://a.test/**", "", "uri=https://a.test/%2e%2e/x", false},
    {"uri:https://a.test/**", "", "uri=https://a.test/../x", false},
    {"uri:https://a.test/b", "", "uri=https://a.test/%62", false},
    {NULL, "uri:https://a.test/b", "uri=https://a.test/%62", false},
    {"spiffe://a.test/**", "", "uri=spiffe://a.test/%70ay", false},
    {"spiffe://a.test/**", "", "uri=spiffe://a.test/x?y", false},
    {"spiffe://a.test/**", "", "uri=SPIFFE://a.test/x", false},
    {"spiffe://a.test/**", "", "uri=spiffe://a.test:1/x", false},
    {"spiffe://a.test/**", "", "uri=spiffe://u@a.test/x", false},
    {"uri:https://a.test/**", "", "uri=https://a.test@b.test/x", false},
    {"uri:https://a.test/**", "", "uri=https://b.test?.a.test/x", false},
    {"email:*@a.test", "", "email=\"x\"@a.test", false},
    {"email:*@a.test", "", "email=@a.test", false},
    {"ip:0.0.0.0/0", "", "ip=abc", false},
    {NULL, "ip:10.0.0.0/8", "ip=abc", false},
};

static bool decide(const struct cs_identity_rules *rules, const struct cs_verdict *verdict,
                   struct cs_decision *ret_decision)
{
    struct cs_subject subject = {.tls = true, .certificate_presented = verdict, .verdict = verdict};

    cs_policy_decide_identity(rules, &subject, &arena, ret_decision);
    return ret_decision->about == CS_DECISION_IDENTITY && ret_decision->rule == CS_NO_RULE &&
           ret_decision->status == (ret_decision->allowed ? 0 : 403) &&
           ret_decision->kind == (ret_decision->allowed ? NULL : &cs_policy_found_policy_denied);
}

static void test_names(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rules allow, deny;
        struct lists lists;
        struct cs_cert leaf;
        struct cs_verdict verdict = {.accepted = true, .leaf = &leaf};
        struct cs_decision d;

        read_rules(rows[i].allow, false, &allow);
        read_rules(rows[i].deny, true, &deny);
        make_cert(rows[i].names, &lists, &leaf);
        const struct cs_identity_rules rules = {.known = true,
                                                .listed = rows[i].allow,
                                                .allow = allow.items,
                                                .deny = deny.items,
                                                .n_allow = allow.n,
                                                .n_deny = deny.n};
        tap_ok(decide(&rules, &verdict, &d) && d.allowed == rows[i].passes, "%zu: %s %s", i,
               rows[i].names, rows[i].passes ? "passes" : "does not");
        tap_ok(!d.denied_by || (d.denied_by >= deny.items && d.denied_by < deny.items + deny.n),
               "%zu: the rule that denied is told", i);
    }
}

/* A name with a NUL is refused by the parser of certificates; it matches nothing here either. */
static void test_nul(void)
{
    struct cs_str name = CS_STR("a.test\0.evil.test");
    struct cs_cert leaf = {.subject = CS_STR("\x30\0"),
                           .san = {.dns = {&name, 1}, .present = true}};
    struct cs_verdict verdict = {.accepted = true, .leaf = &leaf};
    struct cs_decision d;
    struct rules some, every;

    read_rules("dns:a.test dns:*.evil.test dns:**", false, &some);
    read_rules("dns:b.test", true, &every);
    const struct cs_identity_rules allow = {
        .known = true, .listed = true, .allow = some.items, .n_allow = some.n};
    const struct cs_identity_rules deny = {.known = true, .deny = every.items, .n_deny = every.n};
    tap_ok(decide(&allow, &verdict, &d) && !d.allowed, "a NUL is in no pattern");
    tap_ok(decide(&deny, &verdict, &d) && !d.allowed, "a NUL is denied");
}

/* Who is not verified has no names, whatever is in his certificate. */
static void test_unverified(void)
{
    struct cs_str name = CS_STR("a.test");
    struct cs_cert leaf = {.subject = CS_STR("\x30\0"),
                           .san = {.dns = {&name, 1}, .present = true}};
    const struct cs_verdict tolerated = {.tolerated = true, .leaf = &leaf},
                            refused = {.leaf = &leaf}, unread = {.accepted = true};
    const struct cs_verdict *all[] = {NULL, &tolerated, &refused, &unread};
    struct rules some;

    read_rules("dns:a.test", false, &some);
    const struct cs_identity_rules allow = {
        .known = true, .listed = true, .allow = some.items, .n_allow = some.n};
    const struct cs_identity_rules deny = {.known = true, .deny = some.items, .n_deny = some.n};
    const struct cs_identity_rules off = {.deny = some.items, .n_deny = some.n};
    const struct cs_identity_rules lists_only = {
        .listed = true, .allow = some.items, .n_allow = some.n};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct cs_decision d;
        tap_ok(decide(&allow, all[i], &d) && !d.allowed, "client %zu is in no list", i);
        tap_ok(decide(&lists_only, all[i], &d) && !d.allowed, "client %zu is in none at all", i);
        tap_ok(decide(&deny, all[i], &d) && !d.allowed, "client %zu does not get around deny", i);
        tap_ok(decide(&off, all[i], &d) && d.allowed, "client %zu need not be known", i);
        tap_ok(decide(NULL, all[i], &d) && d.allowed, "client %zu meets no rules", i);
    }
    const struct cs_verdict good = {.accepted = true, .leaf = &leaf};
    struct cs_decision d;
    tap_ok(decide(&off, &good, &d) && !d.allowed && d.denied_by == some.items,
           "off lets nobody pass who is denied");
}

int main(void)
{
    test_names();
    test_nul();
    test_unverified();
    cs_arena_deinit(&arena);
    return tap_done();
}
