/* Name constraints written by hand, and names held against them. */
#include "x509/constraints.h"

#include "tap.h"
#include "x509/der.h"

static struct cs_arena arena;

enum { EMAIL = 1, DNS = 2, DIRECTORY = 4, URI = 6, IP = 7 };

struct subtree {
    unsigned tag;
    struct cs_str base;
};

static void put_subtrees(struct cs_der_out *out, unsigned tag, const struct subtree *subtrees)
{
    if (!subtrees[0].tag)
        return;
    cs_der_open(out, (uint8_t)(CS_DER_CONTEXT(tag) | CS_DER_CONSTRUCTED));
    for (const struct subtree *s = subtrees; s->tag; s++) {
        unsigned constructed = s->tag == DIRECTORY ? CS_DER_CONSTRUCTED : 0;
        cs_der_open(out, CS_DER_SEQUENCE);
        cs_der_put(out, (uint8_t)(CS_DER_CONTEXT(s->tag) | constructed), s->base);
        cs_der_close(out);
    }
    cs_der_close(out);
}

/* Extension { nameConstraints, critical, … }. */
static struct cs_str extension(const struct subtree *permitted, const struct subtree *excluded)
{
    struct cs_der_out out;
    struct cs_str bytes;

    cs_der_begin(&out, 4096);
    cs_der_open(&out, CS_DER_SEQUENCE);
    cs_der_put(&out, CS_DER_OID, CS_STR("\x55\x1d\x1e"));
    cs_der_put_bool(&out, true);
    cs_der_open(&out, CS_DER_OCTET_STRING);
    cs_der_open(&out, CS_DER_SEQUENCE);
    put_subtrees(&out, 0, permitted);
    put_subtrees(&out, 1, excluded);
    for (int i = 0; i < 3; i++)
        cs_der_close(&out);
    tap_ok(cs_der_end(&out), "written");
    bytes = cs_arena_dup(&arena, cs_buf_str(&out.buf));
    cs_der_deinit(&out);
    return bytes;
}

static struct cs_str common_name(struct cs_str cn)
{
    struct cs_der_out out;
    struct cs_str bytes;

    cs_der_begin(&out, 4096);
    cs_der_open(&out, CS_DER_SEQUENCE);
    if (cn.len) {
        cs_der_open(&out, CS_DER_SET);
        cs_der_open(&out, CS_DER_SEQUENCE);
        cs_der_put(&out, CS_DER_OID, CS_STR("\x55\x04\x03"));
        cs_der_put(&out, CS_DER_UTF8_STRING, cn);
        cs_der_close(&out);
        cs_der_close(&out);
    }
    cs_der_close(&out);
    tap_ok(cs_der_end(&out), "named");
    bytes = cs_arena_dup(&arena, cs_buf_str(&out.buf));
    cs_der_deinit(&out);
    return bytes;
}

#define BASE(tag, text)                                                                            \
    {                                                                                              \
        tag, CS_STR_INIT(text)                                                                     \
    }

static const struct {
    struct subtree permitted[3], excluded[3];
    unsigned tag; /* 0: the common name */
    struct cs_str name;
    bool passes;
} cases[] = {
    {{BASE(DNS, "a.test")}, {{0}}, DNS, CS_STR_INIT("a.test"), true},
    {{BASE(DNS, "a.test")}, {{0}}, DNS, CS_STR_INIT("B.A.TEST"), true},
    {{BASE(DNS, "a.test")}, {{0}}, DNS, CS_STR_INIT("*.a.test"), true},
    {{BASE(DNS, "a.test")}, {{0}}, DNS, CS_STR_INIT("ba.test"), false},
    {{BASE(DNS, "a.test")}, {{0}}, DNS, CS_STR_INIT("*.test"), false},
    {{BASE(DNS, ".a.test")}, {{0}}, DNS, CS_STR_INIT("a.test"), false},
    {{BASE(DNS, ".a.test")}, {{0}}, DNS, CS_STR_INIT("b.a.test"), true},
    {{BASE(DNS, "a.test"), BASE(DNS, "b.test")}, {{0}}, DNS, CS_STR_INIT("x.b.test"), true},
    {{BASE(DNS, "")}, {{0}}, DNS, CS_STR_INIT("any.test"), true},
    {{BASE(DNS, "a.test")}, {{0}}, URI, CS_STR_INIT("https://b.test/"), true},
    {{BASE(DNS, "a.test")}, {{0}}, 0, CS_STR_INIT("b.test"), false},
    {{BASE(DNS, "a.test")}, {{0}}, 0, CS_STR_INIT("x.a.test"), true},
    {{BASE(DNS, "a.test")}, {{0}}, 0, CS_STR_INIT("Some Body"), true},
    {{{0}}, {BASE(DNS, "a.test")}, DNS, CS_STR_INIT("b.test"), true},
    {{{0}}, {BASE(DNS, "a.test")}, DNS, CS_STR_INIT("b.a.test"), false},
    {{{0}}, {BASE(DNS, "s.a.test")}, DNS, CS_STR_INIT("*.a.test"), false},
    {{BASE(DNS, "a.test")}, {BASE(DNS, "s.a.test")}, DNS, CS_STR_INIT("b.a.test"), true},
    {{BASE(DNS, "a.test")}, {BASE(DNS, "s.a.test")}, DNS, CS_STR_INIT("s.a.test"), false},
    {{BASE(URI, "a.test")}, {{0}}, URI, CS_STR_INIT("spiffe://a.test/x"), true},
    {{BASE(URI, "a.test")}, {{0}}, URI, CS_STR_INIT("https://A.test:8443/x"), true},
    {{BASE(URI, "a.test")}, {{0}}, URI, CS_STR_INIT("https://b.a.test/x"), false},
    {{BASE(URI, ".a.test")}, {{0}}, URI, CS_STR_INIT("https://b.a.test/x"), true},
    {{BASE(URI, "a.test")}, {{0}}, URI, CS_STR_INIT("https://x@a.test/"), true},
    {{BASE(URI, "a.test")}, {{0}}, URI, CS_STR_INIT("https://a.test@b.test/"), false},
    {{BASE(URI, ".a.test")}, {{0}}, URI, CS_STR_INIT("https://b.test?.a.test/"), false},
    {{BASE(URI, ".a.test")}, {{0}}, URI, CS_STR_INIT("https://b.test#.a.test/"), false},
    {{BASE(URI, "a.test")}, {{0}}, URI, CS_STR_INIT("https://b.test#@a.test/"), false},
    {{BASE(URI, "a.test")}, {{0}}, URI, CS_STR_INIT("https://a.test?x"), true},
    {{{0}}, {BASE(URI, "a.test")}, URI, CS_STR_INIT("https://a.test#@b.test/"), false},
    {{BASE(URI, "a.test")}, {{0}}, URI, CS_STR_INIT("urn:x:a.test"), false},
    {{BASE(URI, "a.test")}, {{0}}, URI, CS_STR_INIT("https://[2001:db8::1]/"), false},
    {{{0}}, {BASE(URI, "a.test")}, URI, CS_STR_INIT("urn:x:y"), false},
    {{{0}}, {BASE(URI, "a.test")}, URI, CS_STR_INIT("https://b.test/"), true},
    {{BASE(EMAIL, "a.test")}, {{0}}, EMAIL, CS_STR_INIT("x@A.test"), true},
    {{BASE(EMAIL, "a.test")}, {{0}}, EMAIL, CS_STR_INIT("x@b.a.test"), false},
    {{BASE(EMAIL, ".a.test")}, {{0}}, EMAIL, CS_STR_INIT("x@b.a.test"), true},
    {{BASE(EMAIL, "x@a.test")}, {{0}}, EMAIL, CS_STR_INIT("x@a.test"), true},
    {{BASE(EMAIL, "x@a.test")}, {{0}}, EMAIL, CS_STR_INIT("X@a.test"), false},
    {{BASE(IP, "\x0a\0\0\0\xff\0\0\0")}, {{0}}, IP, CS_STR_INIT("\x0a\1\2\3"), true},
    {{BASE(IP, "\x0a\0\0\0\xff\0\0\0")}, {{0}}, IP, CS_STR_INIT("\x0b\1\2\3"), false},
    {{BASE(IP, "\x0a\0\0\0\xff\0\0\0")},
     {{0}},
     IP,
     CS_STR_INIT("\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
     false},
    {{{0}}, {BASE(IP, "\x0a\0\0\0\xff\0\0\0")}, IP, CS_STR_INIT("\x0a\1\2\3"), false},
    {{BASE(DIRECTORY, "\x30\0")}, {{0}}, 0, CS_STR_INIT("x"), false},
    {{{0}}, {BASE(DIRECTORY, "\x30\0")}, 0, CS_STR_INIT("x"), false},
    {{BASE(DIRECTORY, "\x30\0")}, {{0}}, DNS, CS_STR_INIT("a.test"), true},
};

static void set_name(struct cs_cert *leaf, unsigned tag, const struct cs_str *name)
{
    struct cs_names names = {name, 1};

    leaf->subject = common_name(tag ? (struct cs_str){0} : *name);
    if (tag == DNS)
        leaf->san.dns = names;
    if (tag == URI)
        leaf->san.uri = names;
    if (tag == EMAIL)
        leaf->san.email = names;
    if (tag == IP)
        leaf->san.ip = names;
}

static void test_cases(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cs_cert ca = {.has_name_constraints = true,
                             .extensions = extension(cases[i].permitted, cases[i].excluded)};
        struct cs_constraint_fault fault = {0};
        struct cs_cert leaf = {0};
        bool passes;

        set_name(&leaf, cases[i].tag, &cases[i].name);
        passes = cs_constraints_check(&ca, &leaf, &arena, &fault);
        tap_ok(passes == cases[i].passes, "case %zu: %.*s %.*s", i, CS_FMT(fault.name),
               CS_FMT(fault.why));
        tap_ok(passes || (fault.name.len && fault.why.len), "a refusal says why");
    }
}

static void test_unreadable(void)
{
    struct cs_cert ca = {.has_name_constraints = true,
                         .extensions =
                             CS_STR("\x30\x0c\x06\x03\x55\x1d\x1e\x01\x01\xff\x04\x02\x05\x00")};
    struct cs_cert leaf = {.subject = CS_STR("\x30\x00")};
    struct cs_constraint_fault fault;

    tap_ok(!cs_constraints_check(&ca, &leaf, &arena, &fault),
           "what cannot be read permits nothing");
    ca.has_name_constraints = false;
    tap_ok(cs_constraints_check(&ca, &leaf, &arena, &fault), "no constraints permit all");
}

int main(void)
{
    test_cases();
    test_unreadable();
    cs_arena_deinit(&arena);
    return tap_done();
}
