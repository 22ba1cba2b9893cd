/* Server names as clients send them, and lists of numbers. */
#include "tls/hello.h"

#include <errno.h>

#include "tap.h"
#include "tls/names.h"

/* A server_name extension with @name as it stands. */
static struct cs_str extension(struct cs_str name, char buf[600])
{
    size_t list = name.len + 3;
    const unsigned char head[] = {(unsigned char)(list >> 8), (unsigned char)list, 0,
                                  (unsigned char)(name.len >> 8), (unsigned char)name.len};
    memcpy(buf, head, 5);
    memcpy(buf + 5, name.ptr, name.len);
    return cs_str_make(buf, name.len + 5);
}

static void test_names(void)
{
    static char longest[256], too_long[257];
    memset(longest, 'a', 255);
    memset(too_long, 'a', 256);
    const struct {
        struct cs_str sent;
        const char *want; /* NULL: refused */
    } rows[] = {
        {CS_STR("example.org"), "example.org"},
        {CS_STR("EXAMPLE.Org"), "example.org"},
        {CS_STR("example.org."), "example.org"},
        {CS_STR("xn--bcher-kva.example"), "xn--bcher-kva.example"},
        {CS_STR("_a-b.example"), "_a-b.example"},
        {CS_STR("192.0.2.1"), "192.0.2.1"},
        {CS_STR("example.org.."), "example.org."},
        {CS_STR(""), NULL},
        {CS_STR("."), NULL},
        {CS_STR("good.example\0.evil.example"), NULL},
        {CS_STR("good.example\n"), NULL},
        {CS_STR("good example"), NULL},
        {CS_STR("b\xc3\xbc"
                "cher.example"),
         NULL},
        {CS_STR("a\x7f"), NULL},
        {cs_str_make(longest, 255), longest},
        {cs_str_make(too_long, 256), NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char wire[600], buf[CS_HELLO_NAME];
        struct cs_str name = CS_STR("?");
        int r = cs_hello_sni(extension(rows[i].sent, wire), buf, &name);
        if (rows[i].want)
            tap_ok(r == 0 && cs_str_eq(name, cs_str_from(rows[i].want)), "accepted: %s",
                   rows[i].want);
        else
            tap_ok(r == -EBADMSG && cs_str_eq(name, CS_STR("?")), "refused: name %zu", i);
    }
}

static void test_frames(void)
{
    static const struct {
        struct cs_str bytes;
        const char *what;
    } rows[] = {
        {CS_STR_INIT(""), "empty"},
        {CS_STR_INIT("\0\0"), "empty list"},
        {CS_STR_INIT("\0\4\0\0\1"), "cut short"},
        {CS_STR_INIT("\0\5\0\0\1a"), "list longer than the extension"},
        {CS_STR_INIT("\0\3\0\0\1a"), "list shorter than the extension"},
        {CS_STR_INIT("\0\4\0\0\2a"), "name longer than the list"},
        {CS_STR_INIT("\0\5\0\0\1ab"), "bytes behind the name"},
        {CS_STR_INIT("\0\4\1\0\1a"), "another type of name"},
        {CS_STR_INIT("\0\10\0\0\1a\0\0\1b"), "two names"},
    };
    char buf[CS_HELLO_NAME];
    struct cs_str name;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        tap_int(cs_hello_sni(rows[i].bytes, buf, &name), -EBADMSG, rows[i].what);
    tap_ok(cs_hello_sni((struct cs_str){NULL, 0}, buf, &name) == 0 && name.len == 0,
           "no extension: no name");
}

static void test_lists(void)
{
    uint16_t codes[CS_HELLO_CODES];
    static const char many[2 * CS_HELLO_CODES + 20];
    tap_ok(cs_hello_codes(CS_STR("\x13\x01\x13\x02"), codes) == 2 && codes[0] == 0x1301 &&
               codes[1] == 0x1302,
           "two suites");
    tap_int((int64_t)cs_hello_codes(CS_STR("\x13\x01\x13"), codes), 1, "an odd byte is left");
    tap_int((int64_t)cs_hello_codes(CS_STR(""), codes), 0, "none");
    tap_int((int64_t)cs_hello_codes(cs_str_make(many, sizeof(many)), codes), CS_HELLO_CODES,
            "no more than there is room for");
    tap_str(cs_hello_vector(CS_STR("\0\2\0\x1d")), CS_STR("\0\x1d"), "groups");
    tap_str(cs_hello_vector(CS_STR("\0\3\0\x1d")), CS_STR(""), "malformed groups");
    tap_str(cs_hello_vector(CS_STR("\0")), CS_STR(""), "cut short");
    tap_str(cs_hello_versions(CS_STR("\2\3\4")), CS_STR("\3\4"), "versions");
    tap_str(cs_hello_versions(CS_STR("\3\3\4")), CS_STR(""), "malformed versions");
    tap_str(cs_hello_versions(CS_STR("")), CS_STR(""), "none");
}

static void test_words(void)
{
    tap_str(cs_tls_alert_name(45), CS_STR("certificate_expired"), "alert");
    tap_str(cs_tls_alert_name(255), CS_STR(""), "no such alert");
    tap_str(cs_tls_group_name(0x17), CS_STR("prime256v1"), "group");
    tap_str(cs_tls_group_canonical(CS_STR("p-256")), CS_STR("prime256v1"), "by another spelling");
    tap_str(cs_tls_group_canonical(CS_STR("x25519")), CS_STR("X25519"), "in OpenSSL's case");
    tap_str(cs_tls_group_canonical(CS_STR("P-255")), CS_STR(""), "no such group");
    tap_str(cs_tls_version_name(0x0304), CS_STR("TLSv1.3"), "version");
    tap_str(cs_tls_sigalg_name(0x0804), CS_STR("rsa_pss_rsae_sha256"), "signature");
    tap_str(cs_tls_cipher_name(0x1301), CS_STR("TLS_AES_128_GCM_SHA256"), "suite of TLS 1.3");
    tap_str(cs_tls_cipher_name(0xc02b), CS_STR("ECDHE-ECDSA-AES128-GCM-SHA256"), "of TLS 1.2");
    tap_str(cs_tls_cipher_name(0x0a0a), CS_STR(""), "no such suite");
    tap_ok(cs_tls_library_version().len > 5, "%.*s", CS_FMT(cs_tls_library_version()));
}

int main(void)
{
    test_names();
    test_frames();
    test_lists();
    test_words();
    return tap_done();
}
