/* Names: the text forms are compared with the library's own, byte for byte. */
#include "x509/name.h"

#include <openssl/bio.h>
#include <openssl/x509.h>

#include "tap.h"
#include "x509/der.h"

static struct cs_arena arena;

#define B(lit) CS_STR_INIT(lit)
#define CN B("\x55\x04\x03")
#define O B("\x55\x04\x0a")
#define UNKNOWN B("\x2a\x03\x04")

struct part {
    struct cs_str oid;
    uint8_t tag;
    struct cs_str value;
    bool joined; /* in one set with the part before it */
};

enum { PARTS = 4 };

static const struct row {
    const char *what;
    struct part parts[PARTS];
    enum cs_name_fault fault;
} rows[] = {
    {"no parts", {{{0}}}, CS_NAME_FINE},
    {"plain", {{O, 12, B("Example")}, {CN, 12, B("client")}}, CS_NAME_FINE},
    {"printable", {{CN, 19, B("client 7")}}, CS_NAME_FINE},
    {"specials", {{CN, 12, B("a,b+c\"d\\e<f>g;h=i#j/k")}}, CS_NAME_FINE},
    {"hash first", {{CN, 12, B("#a")}}, CS_NAME_FINE},
    {"spaces at the ends", {{CN, 12, B(" a b ")}}, CS_NAME_FINE},
    {"one space", {{CN, 12, B(" ")}}, CS_NAME_FINE},
    {"empty value", {{CN, 12, B("")}, {O, 12, B("x")}}, CS_NAME_FINE},
    {"UTF-8", {{CN, 12, B("Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x98\x80")}}, CS_NAME_FINE},
    {"BMP", {{CN, 30, B("\x00Z\x00\xeb\x20\xac")}}, CS_NAME_FINE},
    {"Latin-1", {{CN, 20, B("Zo\xeb")}}, CS_NAME_FINE},
    {"universal", {{CN, 28, B("\x00\x00\x00Z\x00\x01\xf6\x00")}}, CS_NAME_FINE},
    {"several in one set",
     {{O, 12, B("x")}, {CN, 12, B("a")}, {CN, 12, B("b"), true}},
     CS_NAME_FINE},
    {"unknown type", {{UNKNOWN, 12, B("v")}, {CN, 12, B("a")}}, CS_NAME_FINE},
    {"not a text", {{CN, 3, B("\x00\xff")}}, CS_NAME_FINE},
    {"email and domain",
     {{B("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"), 22, B("a@b")},
      {B("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19"), 22, B("test")},
      {B("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01"), 12, B("u7")}},
     CS_NAME_FINE},
    {"NUL", {{CN, 12, B("a\0b")}}, CS_NAME_CONTROL},
    {"newline", {{CN, 19, B("a\nb")}}, CS_NAME_CONTROL},
    {"delete", {{CN, 12, B("a\x7f")}}, CS_NAME_CONTROL},
    {"next line (U+0085)", {{CN, 12, B("a\xc2\x85")}}, CS_NAME_CONTROL},
    {"line separator", {{CN, 12, B("a\xe2\x80\xa8")}}, CS_NAME_CONTROL},
    {"NUL in BMP", {{CN, 30, B("\x00Z\x00\x00")}}, CS_NAME_CONTROL},
    {"overlong UTF-8", {{CN, 12, B("\xc0\x80")}}, CS_NAME_MALFORMED},
    {"surrogate", {{CN, 12, B("\xed\xa0\x80")}}, CS_NAME_MALFORMED},
    {"cut UTF-8", {{CN, 12, B("a\xc3")}}, CS_NAME_MALFORMED},
    {"odd BMP", {{CN, 30, B("\x00Z\x00")}}, CS_NAME_MALFORMED},
    {"high bit in IA5", {{CN, 22, B("a\xe9")}}, CS_NAME_MALFORMED},
};

static struct cs_str make_name(const struct part *parts)
{
    struct cs_der_out out;
    struct cs_str der;

    cs_der_begin(&out, 10000);
    cs_der_open(&out, CS_DER_SEQUENCE);
    for (size_t i = 0; i < PARTS && parts[i].oid.len; i++) {
        if (!parts[i].joined)
            cs_der_open(&out, CS_DER_SET);
        cs_der_open(&out, CS_DER_SEQUENCE);
        cs_der_put(&out, CS_DER_OID, parts[i].oid);
        cs_der_put(&out, parts[i].tag, parts[i].value);
        cs_der_close(&out);
        if (i + 1 == PARTS || !parts[i + 1].joined)
            cs_der_close(&out);
    }
    cs_der_close(&out);
    tap_ok(cs_der_end(&out), "name made");
    der = cs_arena_dup(&arena, cs_buf_str(&out.buf));
    cs_der_deinit(&out);
    return der;
}

/* The form is OpenSSL 3's: AWS-LC does not escape "/" and does not show sets. */
static void compare_legacy(struct cs_str der, const X509_NAME *name)
{
#ifndef CS_TLS_AWSLC
    char *line = X509_NAME_oneline(name, NULL, 0);

    tap_str(cs_name_legacy_text(der, &arena), cs_str_from(cs_name_is_empty(der) ? "" : line),
            "the legacy form too");
    OPENSSL_free(line);
#endif
}

static void compare_with_library(struct cs_str der)
{
    const uint8_t *p = (const uint8_t *)der.ptr;
    X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)der.len);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long len;

    if (!tap_ok(name != NULL, "the library reads it"))
        return;
    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
    len = BIO_get_mem_data(bio, &text);
    tap_str(cs_name_text(der, &arena), cs_str_make(text, (size_t)len), "as the library writes it");
    compare_legacy(der, name);
    BIO_free(bio);
    X509_NAME_free(name);
}

static void test_texts(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_str der = make_name(rows[i].parts);
        tap_int(cs_name_check(der), rows[i].fault, rows[i].what);
        if (rows[i].fault == CS_NAME_FINE)
            compare_with_library(der);
    }
}

static void test_legacy(void)
{
    struct part parts[PARTS] = {
        {O, 12, B("a/b+c")}, {CN, 12, B("Zo\xc3\xab")}, {CN, 12, B("x"), true}};

    tap_str(cs_name_legacy_text(make_name(parts), &arena),
            CS_STR("/O=a\\/b\\+c/CN=Zo\\xC3\\xAB+CN=x"), "legacy form");
}

static void test_common_name(void)
{
    struct part two[PARTS] = {{CN, 12, B("first")}, {CN, 30, B("\x00Z\x00\xeb")}};
    struct part none[PARTS] = {{O, 12, B("x")}};

    tap_str(cs_name_common_name(make_name(two), &arena), CS_STR("Z\xc3\xab"), "the last one");
    tap_str(cs_name_common_name(make_name(none), &arena), CS_STR(""), "none");
    struct cs_names all = cs_name_values(make_name(two), "CN", &arena);
    tap_ok(all.n == 2 && cs_str_eq(all.items[0], CS_STR("first")) &&
               cs_str_eq(all.items[1], CS_STR("Z\xc3\xab")),
           "all of a type, in order");
    tap_int(cs_name_values(make_name(none), "CN", &arena).n, 0, "none of a type");
}

static const struct {
    struct part a[PARTS], b[PARTS];
    bool equal;
} pairs[] = {
    {{{CN, 12, B("a")}}, {{CN, 12, B("a")}}, true},
    {{{CN, 12, B("Demo  Root")}}, {{CN, 19, B(" demo root ")}}, true},
    {{{CN, 30,
       B("\x00"
         "A\x00\xeb")}},
     {{CN, 12, B("a\xc3\xab")}},
     true},
    {{{O, 12, B("x")}, {CN, 12, B("a"), true}}, {{CN, 12, B("a")}, {O, 12, B("x"), true}}, true},
    {{{CN, 12, B("a")}}, {{CN, 12, B("b")}}, false},
    {{{CN, 12, B("a")}}, {{O, 12, B("a")}}, false},
    {{{O, 12, B("x")}, {CN, 12, B("a")}}, {{CN, 12, B("a")}, {O, 12, B("x")}}, false},
    {{{O, 12, B("x")}, {CN, 12, B("a")}}, {{O, 12, B("x")}, {CN, 12, B("a"), true}}, false},
    {{{CN, 12, B("ab")}}, {{CN, 12, B("a b")}}, false},
    {{{CN, 12, B("a\0b")}}, {{CN, 12, B("a")}}, false},
};

static void test_equal(void)
{
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        tap_int(cs_name_eq(make_name(pairs[i].a), make_name(pairs[i].b)), pairs[i].equal,
                "names compared");
}

static const struct {
    const char *san, *host;
    bool match;
} hosts[] = {
    {"a.test", "a.test", true},
    {"A.Test", "a.tEST", true},
    {"a.test", "a.test.", true},
    {"a.test.", "a.test", true},
    {"a.test", "b.a.test", false},
    {"*.a.test", "b.a.test", true},
    {"*.a.test", "a.test", false},
    {"*.a.test", "c.b.a.test", false},
    {"*.a.test", ".a.test", false},
    {"*.test", "a.test", false},
    {"*", "a.test", false},
    {"b*.a.test", "bc.a.test", false},
    {"a.*.test", "a.b.test", false},
    {"*.*.test", "a.b.test", false},
    {"*.a.test", "*.a.test", false},
    {"a..test", "a..test", false},
    {"a.test", "", false},
    {"a b.test", "a b.test", false},
    {"192.0.2.1", "192.0.2.1", false}, /* an address is not a DNS name */
    {"x_y.test", "x_y.test", true},
};

static void test_hosts(void)
{
    static const struct cs_str ip[] = {CS_STR_INIT("\xc0\x00\x02\x01"),
                                       CS_STR_INIT("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01")};
    struct part cn[PARTS] = {{CN, 12, B("cn.test")}};
    struct cs_cert cert = {.san.ip = {ip, 2}, .subject = make_name(cn)};
    struct cs_str dns = CS_STR("other.test");

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        struct cs_str san = cs_str_from(hosts[i].san);
        struct cs_cert c = {.san.dns = {&san, 1}, .subject = cert.subject};
        tap_ok((cs_name_match_host(&c, cs_str_from(hosts[i].host)) == CS_HOST_YES) ==
                   hosts[i].match,
               "%s for %s: %s", hosts[i].san, hosts[i].host, hosts[i].match ? "yes" : "no");
    }
    tap_int(cs_name_match_host(&cert, CS_STR("192.0.2.1")), CS_HOST_YES, "IPv4");
    tap_int(cs_name_match_host(&cert, CS_STR("2001:db8::1")), CS_HOST_YES, "IPv6");
    tap_int(cs_name_match_host(&cert, CS_STR("[2001:db8::1]")), CS_HOST_YES, "IPv6 in brackets");
    tap_int(cs_name_match_host(&cert, CS_STR("192.0.2.2")), CS_HOST_NO, "another address");
    tap_int(cs_name_match_host(&cert, CS_STR("cn.test")), CS_HOST_BY_COMMON_NAME, "common name");
    cert.san.dns = (struct cs_names){&dns, 1};
    tap_int(cs_name_match_host(&cert, CS_STR("cn.test")), CS_HOST_NO, "not beside a dNSName");
}

int main(void)
{
    test_texts();
    test_legacy();
    test_common_name();
    test_equal();
    test_hosts();
    cs_arena_deinit(&arena);
    return tap_done();
}
