/* Names taken and refused, and which patterns hold them. */
#include "x509/claim.h"

#include "tap.h"

static struct cs_arena arena;

static const struct {
    const char *text;
    bool good;
} claims[] = {
    {"dns:a.test", true},
    {"dns:A.Test", true},
    {"dns:localhost", true},
    {"dns:_sip.a.test", true},
    {"dns:*.a.test", true},
    {"dns:xn--bcher-kva.test", true},
    {"dns:", false},
    {"dns:*", false},
    {"dns:*.test", false},
    {"dns:*.*.test", false},
    {"dns:a.*.test", false},
    {"dns:a*.b.test", false},
    {"dns:a.test.", false},
    {"dns:.a.test", false},
    {"dns:a..test", false},
    {"dns:-a.test", false},
    {"dns:a-.test", false},
    {"dns:a b.test", false},
    {"dns:a\\;drop.test", false},
    {"dns:192.0.2.1", false},
    {"dns:a/../b.test", false},
    {"dns:b\xc3\xbc"
     "cher.test",
     false},
    {"uri:https://a.test/x?y=1", true},
    {"uri:urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", true},
    {"uri:https://[2001:db8::1]/x", true},
    {"uri:https://[2001:db8::1]:8443/x", true},
    {"uri:https://192.0.2.1:8443/x", true},
    {"uri:https://a.test:8443/x", true},
    {"uri:https://a.test", true},
    {"uri:https://a.test/b%20c%3F", true},
    {"uri:https://u@a.test/", false},
    {"uri:https://b.test?.a.test/x", false},
    {"uri:https://b.test#.a.test/x", false},
    {"uri:https://b.test#@a.test/x", false},
    {"uri:https://b.test:80.a.test/x", false},
    {"uri:https://b.test:.a.test/x", false},
    {"uri:https://b.test:0/x", false},
    {"uri:https://b.test;.a.test/x", false},
    {"uri:https://b.test&.a.test/x", false},
    {"uri:https://b.test%3f.a.test/x", false},
    {"uri:https://b.test%00.a.test/x", false},
    {"uri:https://a.test./x", false},
    {"uri:https://a.test:/x", false},
    {"uri:https://a.test?x", false},
    {"uri:https://[::1/x", false},
    {"uri:https://[::1].a.test/x", false},
    {"uri:https://a.test/%61dmin", false},
    {"uri:https://a.test/a%7Eb", false},
    {"uri:https:///x", false},
    {"uri:https://a.test/../x", false},
    {"uri:https://a.test/./x", false},
    {"uri:https://a.test/%2e%2e/x", false},
    {"uri:https://a.test/%2fx", false},
    {"uri:https://a.test/%zz", false},
    {"uri:https://a.test/*", false},
    {"uri:https://a.test/a b", false},
    {"uri:a.test", false},
    {"uri:urn:", false},
    {"uri:1http://a.test", false},
    {"spiffe://a.test/x", true},
    {"uri:spiffe://a.test/x/y", true},
    {"spiffe://a.test", false},
    {"spiffe://a.test/", false},
    {"spiffe://A.test/x", false},
    {"spiffe://a.test:1/x", false},
    {"spiffe://a.test/x?y", false},
    {"spiffe://a.test/../x", false},
    {"uri:SPIFFE://a.test/x", false},
    {"uri:spiffe:x", false},
    {"ip:192.0.2.1", true},
    {"ip:2001:db8::1", true},
    {"ip:192.0.2.0/24", false},
    {"ip:192.0.2", false},
    {"ip:", false},
    {"email:a.b+c@a.test", true},
    {"email:@a.test", false},
    {"email:a@", false},
    {"email:a@b@", false},
    {"email:\"a b\"@a.test", false},
    {"email:.a@a.test", false},
    {"cn:Zo\xc3\xab M\xc3\xbcller", true},
    {"cn:", false},
    {"cn:a\nb", false},
    {"cn:\xff", false},
    {"cn:0123456789012345678901234567890123456789012345678901234567890123", true},
    {"cn:01234567890123456789012345678901234567890123456789012345678901234", false},
    {"a.test", false},
    {"", false},
};

static void test_claims(void)
{
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        struct cs_claim claim = {0};
        const char *why = cs_claim_parse(cs_str_from(claims[i].text), &arena, &claim);

        tap_ok(!why == claims[i].good, "claim %zu is %s: %s", i,
               claims[i].good ? "taken" : "refused", why ? why : "taken");
    }
}

static void test_bytes(void)
{
    static const struct {
        enum cs_claim_kind kind;
        struct cs_str value;
    } hostile[] = {
        {CS_CLAIM_DNS, CS_STR_INIT("a.test\0.b.test")},
        {CS_CLAIM_URI, CS_STR_INIT("https://a.test/\0")},
        {CS_CLAIM_URI, CS_STR_INIT("h\0ttps://a.test/")},
        {CS_CLAIM_EMAIL, CS_STR_INIT("a\0@a.test")},
        {CS_CLAIM_CN, CS_STR_INIT("a\0b")},
        {CS_CLAIM_IP, CS_STR_INIT("\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1")},
        {CS_CLAIM_IP, CS_STR_INIT("12345")},
    };

    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        struct cs_claim claim = {hostile[i].kind, hostile[i].value};
        tap_ok(cs_claim_check(&claim) != NULL, "bytes %zu are refused", i);
    }
}

static const struct {
    const char *pattern;
    bool good;
} patterns[] = {
    {"dns:a.test", true},
    {"dns:*.a.test", true},
    {"dns:**.a.test", true},
    {"dns:web-*.a.test", true},
    {"dns:**", true},
    {"dns:localhost", true},
    {"dns:*", false},
    {"dns:a.*.test", false},
    {"dns:a.**", false},
    {"dns:**a.test", true}, /* a run of characters in the label */
    {"dns:.a.test", false},
    {"dns:a.test.", false},
    {"dns:", false},
    {"uri:**", true},
    {"spiffe://a.test/**", true},
    {"spiffe://a.test/*/x", true},
    {"spiffe://*.a.test/x", true},
    {"spiffe://*/x", true},
    {"spiffe://a.*.test/x", false},
    {"uri:https://a.test:*/x", false},
    {"spiffe://a.test/**/x", false},
    {"spiffe://a.test/x**", false},
    {"spiffe://a.test**", false},
    {"uri:urn:uuid:*", true},
    {"uri:x", false},
    {"ip:10.0.0.0/8", true},
    {"ip:10.0.0.1/8", false},
    {"ip:all", false},
    {"ip:unix:", false},
    {"ip:**", true},
    {"ip:2001:db8::/32", true},
    {"email:*@a.test", true},
    {"email:a.test", false},
    {"email:**", true},
    {"cn:*", true},
    {"cn:a*", true},
    {"x:y", false},
    {"", false},
};

static void test_patterns(void)
{
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        struct cs_pattern p;
        const char *why = cs_pattern_parse(cs_str_from(patterns[i].pattern), &p);

        tap_ok(!why == patterns[i].good, "pattern %zu: %s", i, why ? why : "taken");
    }
}

/* Patterns that read well and that no name is in. */
static const struct {
    const char *pattern;
    bool possible;
} possible[] = {
    {"dns:**", true},
    {"dns:*.a.test", true},
    {"dns:web-*.a.test", true},
    {"dns:A.test", true},
    {"spiffe://a.test/ns/*/sa/**", true},
    {"spiffe://*/x", true},
    {"spiffe://a.test", false},
    {"spiffe://a.test/x?y", false},
    {"spiffe://a.test/%78", false},
    {"spiffe://a.test/x/../y", false},
    {"uri:https://a.test/%2e%2e/*", false},
    {"uri:https://a.test/a b", false},
    {"uri:urn:uuid:*", true},
    {"ip:10.0.0.0/8", true},
    {"email:*@a.test", true},
    {"email:a b@a.test", false},
    {"cn:svc *", true},
    {"cn:a\tb", false},
};

static void test_possible(void)
{
    for (size_t i = 0; i < sizeof(possible) / sizeof(possible[0]); i++) {
        struct cs_pattern p = {0};
        const char *why = cs_pattern_parse(cs_str_from(possible[i].pattern), &p);

        tap_ok(!why && !cs_pattern_never(&p, &arena) == possible[i].possible, "%s is in use or not",
               possible[i].pattern);
    }
}

static void test_folded(void)
{
    struct cs_claim mixed = {CS_CLAIM_EMAIL, CS_STR("Bob@A.test")};
    struct cs_claim address = {CS_CLAIM_IP, CS_STR("ABCD")};

    tap_str(cs_claim_folded(&mixed, &arena).value, CS_STR("bob@a.test"), "in lower case");
    tap_str(cs_claim_folded(&address, &arena).value, CS_STR("ABCD"), "bytes are left alone");
}

enum { NO = 0, TOUCHES = 1, COVERS = 2 };

static const struct {
    const char *pattern, *claim;
    int holds;
} matches[] = {
    {"dns:a.test", "dns:A.TEST", COVERS},
    {"dns:a.test", "dns:b.a.test", NO},
    {"dns:*.a.test", "dns:b.a.test", COVERS},
    {"dns:*.a.test", "dns:a.test", NO},
    {"dns:*.a.test", "dns:c.b.a.test", NO},
    {"dns:*.a.test", "dns:ba.test", NO},
    {"dns:**.a.test", "dns:b.a.test", COVERS},
    {"dns:**.a.test", "dns:c.b.a.test", COVERS},
    {"dns:**.a.test", "dns:a.test", NO},
    {"dns:**.a.test", "dns:xa.test", NO},
    {"dns:**", "dns:any.thing", COVERS},
    {"dns:web-*.a.test", "dns:web-1.a.test", COVERS},
    {"dns:web-*.a.test", "dns:web-1.b.a.test", NO},
    {"dns:web-*.a.test", "dns:www.a.test", NO},
    {"dns:localhost", "dns:localhost", COVERS},
    {"dns:localhost", "dns:localhost.a.test", NO},
    /* A wildcard stands for all it would serve for. */
    {"dns:*.a.test", "dns:*.a.test", COVERS},
    {"dns:**.a.test", "dns:*.a.test", COVERS},
    {"dns:**.a.test", "dns:*.b.a.test", COVERS},
    {"dns:*.a.test", "dns:*.b.a.test", NO},
    {"dns:**.b.a.test", "dns:*.a.test", NO},
    {"dns:secret.a.test", "dns:*.a.test", TOUCHES},
    {"dns:web-*.a.test", "dns:*.a.test", TOUCHES},
    {"dns:c.secret.a.test", "dns:*.a.test", NO},
    {"dns:a.test", "dns:*.a.test", NO},
    {"spiffe://a.test/**", "spiffe://a.test/x", COVERS},
    {"spiffe://a.test/**", "spiffe://a.test/x/y/z", COVERS},
    {"spiffe://a.test/**", "spiffe://b.test/x", NO},
    {"spiffe://a.test/**", "spiffe://a.test.b/x", NO},
    {"spiffe://a.test/ns/*/sa/*", "spiffe://a.test/ns/x/sa/y", COVERS},
    {"spiffe://a.test/ns/*/sa/*", "spiffe://a.test/ns/x/y/sa/z", NO},
    {"spiffe://a.test/ns/*/sa/*", "spiffe://a.test/ns/x/sa/y/z", NO},
    {"spiffe://a.test/web-*", "spiffe://a.test/web-1", COVERS},
    {"spiffe://a.test/web-*", "spiffe://a.test/web-1/x", NO},
    {"spiffe://a.test/Web", "spiffe://a.test/web", NO},
    {"spiffe://*.a.test/x", "spiffe://b.a.test/x", COVERS},
    {"spiffe://*/x", "spiffe://anything/x", COVERS},
    {"uri:https://A.test/x", "uri:HTTPS://a.TEST/x", COVERS},
    {"uri:https://a.test/**", "uri:https://a.test/", NO},
    {"uri:https://a.test/**", "uri:https://a.test//x", NO},
    {"uri:https://a.test/**", "uri:http://a.test/x", NO},
    {"uri:https://a.test/**", "uri:https://a.test:8443/x", NO},
    {"uri:urn:uuid:*", "uri:urn:uuid:abc", COVERS},
    {"uri:urn:uuid:*", "uri:urn:uuid:a/b", NO},
    {"uri:**", "uri:https://a.test/", COVERS},
    {"uri:**", "dns:a.test", NO},
    {"ip:10.0.0.0/8", "ip:10.1.2.3", COVERS},
    {"ip:10.0.0.0/8", "ip:11.1.2.3", NO},
    {"ip:192.0.2.1", "ip:192.0.2.1", COVERS},
    {"ip:192.0.2.1", "ip:192.0.2.2", NO},
    {"ip:2001:db8::/32", "ip:2001:db8:1::1", COVERS},
    {"ip:0.0.0.0/0", "ip:2001:db8::1", NO},
    {"ip:**", "ip:2001:db8::1", COVERS},
    {"email:*@a.test", "email:b@A.test", COVERS},
    {"email:*@a.test", "email:b@c.a.test", NO},
    {"email:*@**.a.test", "email:b@c.a.test", COVERS},
    {"email:b@a.test", "email:B@a.test", NO},
    {"email:ops-*@a.test", "email:ops-1@a.test", COVERS},
    {"cn:*", "cn:Any One", COVERS},
    {"cn:svc *", "cn:svc 1", COVERS},
    {"cn:svc *", "cn:Svc 1", NO},
    {"cn:*", "dns:a.test", NO},
};

static void test_matches(void)
{
    for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
        struct cs_pattern p = {0};
        struct cs_claim claim = {0};
        const char *why = cs_pattern_parse(cs_str_from(matches[i].pattern), &p);
        int holds;

        why = why ? why : cs_claim_parse(cs_str_from(matches[i].claim), &arena, &claim);
        if (why) {
            tap_ok(false, "match %zu: %s", i, why);
            continue;
        }
        holds = cs_pattern_covers(&p, &claim)    ? COVERS
                : cs_pattern_touches(&p, &claim) ? TOUCHES
                                                 : NO;
        tap_ok(holds == matches[i].holds, "match %zu: %d", i, holds);
        tap_ok(holds != COVERS || cs_pattern_touches(&p, &claim), "what is covered is touched");
    }
}

static void test_texts(void)
{
    static const char *const same[] = {"dns:a.test",   "spiffe://a.test/x", "uri:urn:a:b",
                                       "ip:192.0.2.1", "email:a@b.test",    "cn:A B"};
    struct cs_claim items[20];
    struct cs_claims claims_20 = {items, 20};

    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        struct cs_claim claim = {0};
        struct cs_pattern p = {0};
        tap_ok(!cs_claim_parse(cs_str_from(same[i]), &arena, &claim) &&
                   !cs_pattern_parse(cs_str_from(same[i]), &p),
               "text %zu is read", i);
        tap_str(cs_claim_text(&claim, &arena), cs_str_from(same[i]), "a claim written again");
        tap_str(cs_pattern_text(&p, &arena), cs_str_from(same[i]), "a pattern written again");
    }
    for (size_t i = 0; i < 20; i++)
        items[i] = (struct cs_claim){CS_CLAIM_CN, CS_STR("x")};
    tap_ok(cs_str_ends(cs_claims_text(&claims_20, &arena), CS_STR("cn:x and 8 more")), "many");
    tap_str(cs_claims_text(&(struct cs_claims){0}, &arena), CS_STR("none"), "none");
}

int main(void)
{
    test_claims();
    test_bytes();
    test_patterns();
    test_possible();
    test_folded();
    test_matches();
    test_texts();
    cs_arena_deinit(&arena);
    return tap_done();
}
