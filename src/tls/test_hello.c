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

#define RANDOM "0123456789abcdef0123456789abcdef"
#define RETRY                                                                                      \
    "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\xc2\xa2\x11\x16\x7a\xbb\x8c" \
    "\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"

static void test_messages(void)
{
    static const struct cs_str client = CS_STR_INIT(
        "\x03\x03" RANDOM
        "\x01s\0\x02\x13\x01\x01\0\0\x11\0\x0a\0\x04\0\x02\0\x1d\xfa\xfa\0\x01x\0\x10\0\0");
    static const struct cs_str server =
        CS_STR_INIT("\x03\x03" RANDOM "\0\x13\x01\0\0\x1d\0\x2b\0\x02\x03\x04\0\x33\0\x04\0\x1d\0\0"
                    "\0\x29\0\x02\0\0\0\x10\0\x05\0\x03\x02h2");
    struct cs_hello hello;
    struct cs_server_hello answer;

    tap_int(cs_hello_read(client, &hello), 0, "a ClientHello");
    tap_ok(hello.legacy_version == 0x0303 && cs_str_eq(hello.ciphers, CS_STR("\x13\x01")) &&
               cs_str_eq(cs_hello_vector(hello.groups), CS_STR("\0\x1d")) && !hello.sni.ptr &&
               hello.alpn.ptr && hello.alpn.len == 0,
           "its parts");
    tap_int(cs_hello_read(CS_STR("\x03\x01" RANDOM "\0\0\x02\0\x2f\x01\0"), &hello), 0,
            "one without extensions");
    tap_ok(hello.legacy_version == 0x0301 && !hello.groups.ptr, "and its parts");
    tap_int(cs_server_hello_read(server, &answer), 0, "a ServerHello");
    tap_ok(answer.version == 0x0304 && answer.cipher == 0x1301 && answer.group == 0x1d &&
               answer.resumes && !answer.retry && cs_str_eq(answer.alpn, CS_STR("h2")),
           "its parts");
    tap_int(cs_server_hello_read(CS_STR("\x03\x03" RETRY "\0\x13\x01\0"), &answer), 0, "a retry");
    tap_ok(answer.retry && answer.version == 0x0303, "and its parts");
    for (size_t len = 0; len < client.len; len++) {
        if (cs_hello_read(cs_str_sub(client, 0, len), &hello) == 0 && len != 42)
            tap_ok(false, "a ClientHello that is cut after %zu bytes", len);
    }
    for (size_t len = 0; len < server.len; len++) {
        if (cs_server_hello_read(cs_str_sub(server, 0, len), &answer) == 0 && len != 38)
            tap_ok(false, "a ServerHello that is cut after %zu bytes", len);
    }
}

int main(void)
{
    test_names();
    test_frames();
    test_lists();
    test_words();
    test_messages();
    return tap_done();
}
