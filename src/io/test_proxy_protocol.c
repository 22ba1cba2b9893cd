/* Headers accepted and refused, every prefix of the accepted ones, and extensions. */
#include "io/proxy_protocol.h"

#include <errno.h>
#include <stdlib.h>

#include "tap.h"

struct sample {
    const char *name;
    struct cs_str bytes;
    int outcome;
    const char *source, *destination; /* NULL: not known */
    enum cs_proxy_fault fault;
};

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define IN4 "\xc0\x00\x02\x01\xc6\x33\x64\x07\xd4\x31\x01\xbb"
#define IN6                                                                                        \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"         \
    "\xd4\x31\x01\xbb"

static const struct sample samples[] = {
    {"TCP4", CS_STR_INIT("PROXY TCP4 192.0.2.1 198.51.100.7 54321 443\r\n"), CS_PROXY_DONE,
     "192.0.2.1:54321", "198.51.100.7:443", CS_PROXY_FAULT_NONE},
    {"TCP6", CS_STR_INIT("PROXY TCP6 2001:db8::1 2001:db8::2 54321 443\r\n"), CS_PROXY_DONE,
     "[2001:db8::1]:54321", "[2001:db8::2]:443", CS_PROXY_FAULT_NONE},
    {"TCP6 with mapped addresses",
     CS_STR_INIT("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2\r\n"), CS_PROXY_DONE,
     "192.0.2.1:1", "192.0.2.2:2", CS_PROXY_FAULT_NONE},
    {"port 0 and port 65535", CS_STR_INIT("PROXY TCP4 192.0.2.1 192.0.2.2 0 65535\r\n"),
     CS_PROXY_DONE, "192.0.2.1:0", "192.0.2.2:65535", CS_PROXY_FAULT_NONE},
    {"UNKNOWN", CS_STR_INIT("PROXY UNKNOWN\r\n"), CS_PROXY_DONE, NULL, NULL, CS_PROXY_FAULT_NONE},
    {"UNKNOWN with anything", CS_STR_INIT("PROXY UNKNOWN ffff:f:: x y 1 2 3\r\n"), CS_PROXY_DONE,
     NULL, NULL, CS_PROXY_FAULT_NONE},
    {"nothing after PROXY", CS_STR_INIT("PROXY \r\n"), CS_PROXY_INVALID, NULL, NULL,
     CS_PROXY_FAULT_LINE},
    {"lower case", CS_STR_INIT("proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), CS_PROXY_ABSENT, NULL,
     NULL, CS_PROXY_FAULT_MISSING},
    {"UNKNOWNX", CS_STR_INIT("PROXY UNKNOWNX\r\n"), CS_PROXY_INVALID, NULL, NULL,
     CS_PROXY_FAULT_LINE},
    {"bare newline", CS_STR_INIT("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n"), CS_PROXY_INVALID, NULL,
     NULL, CS_PROXY_FAULT_LINE},
    {"a newline at once", CS_STR_INIT("PROXY \n"), CS_PROXY_INVALID, NULL, NULL,
     CS_PROXY_FAULT_LINE},
    {"three fields", CS_STR_INIT("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n"), CS_PROXY_INVALID, NULL,
     NULL, CS_PROXY_FAULT_LINE},
    {"five fields", CS_STR_INIT("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n"), CS_PROXY_INVALID, NULL,
     NULL, CS_PROXY_FAULT_LINE},
    {"a trailing space", CS_STR_INIT("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n"), CS_PROXY_INVALID,
     NULL, NULL, CS_PROXY_FAULT_LINE},
    {"two spaces", CS_STR_INIT("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n"), CS_PROXY_INVALID, NULL,
     NULL, CS_PROXY_FAULT_LINE},
    {"UDP4", CS_STR_INIT("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n"), CS_PROXY_INVALID, NULL, NULL,
     CS_PROXY_FAULT_LINE},
    {"IPv6 under TCP4", CS_STR_INIT("PROXY TCP4 ::1 ::1 1 2\r\n"), CS_PROXY_INVALID, NULL, NULL,
     CS_PROXY_FAULT_ADDRESS},
    {"IPv4 under TCP6", CS_STR_INIT("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n"), CS_PROXY_INVALID,
     NULL, NULL, CS_PROXY_FAULT_ADDRESS},
    {"brackets", CS_STR_INIT("PROXY TCP6 [::1] [::1] 1 2\r\n"), CS_PROXY_INVALID, NULL, NULL,
     CS_PROXY_FAULT_ADDRESS},
    {"a name", CS_STR_INIT("PROXY TCP4 localhost 192.0.2.2 1 2\r\n"), CS_PROXY_INVALID, NULL, NULL,
     CS_PROXY_FAULT_ADDRESS},
    {"port too large", CS_STR_INIT("PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n"), CS_PROXY_INVALID,
     NULL, NULL, CS_PROXY_FAULT_ADDRESS},
    {"port with a zero in front", CS_STR_INIT("PROXY TCP4 192.0.2.1 192.0.2.2 080 2\r\n"),
     CS_PROXY_INVALID, NULL, NULL, CS_PROXY_FAULT_ADDRESS},
    {"port with a sign", CS_STR_INIT("PROXY TCP4 192.0.2.1 192.0.2.2 +80 2\r\n"), CS_PROXY_INVALID,
     NULL, NULL, CS_PROXY_FAULT_ADDRESS},
    {"a NUL", CS_STR_INIT("PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n"), CS_PROXY_INVALID, NULL, NULL,
     CS_PROXY_FAULT_ADDRESS},
    {"TLS", CS_STR_INIT("\x16\x03\x01\x02\x00\x01"), CS_PROXY_ABSENT, NULL, NULL,
     CS_PROXY_FAULT_MISSING},
    {"HTTP", CS_STR_INIT("GET / HTTP/1.1\r\n"), CS_PROXY_ABSENT, NULL, NULL,
     CS_PROXY_FAULT_MISSING},
    {"HTTP that looks like it", CS_STR_INIT("PROPFIND / HTTP/1.1\r\n"), CS_PROXY_ABSENT, NULL, NULL,
     CS_PROXY_FAULT_MISSING},
    {"empty lines", CS_STR_INIT("\r\n\r\n\r\n"), CS_PROXY_ABSENT, NULL, NULL,
     CS_PROXY_FAULT_MISSING},

    {"v2 TCP over IPv4", CS_STR_INIT(SIG "\x21\x11\0\x0c" IN4), CS_PROXY_DONE, "192.0.2.1:54321",
     "198.51.100.7:443", CS_PROXY_FAULT_NONE},
    {"v2 TCP over IPv6", CS_STR_INIT(SIG "\x21\x21\0\x24" IN6), CS_PROXY_DONE,
     "[2001:db8::1]:54321", "[2001:db8::2]:443", CS_PROXY_FAULT_NONE},
    {"v2 with an extension", CS_STR_INIT(SIG "\x21\x11\0\x11" IN4 "\x02\0\x02hi"), CS_PROXY_DONE,
     "192.0.2.1:54321", "198.51.100.7:443", CS_PROXY_FAULT_NONE},
    {"v2 LOCAL", CS_STR_INIT(SIG "\x20\0\0\0"), CS_PROXY_DONE, NULL, NULL, CS_PROXY_FAULT_NONE},
    {"v2 LOCAL with addresses", CS_STR_INIT(SIG "\x20\x11\0\x0c" IN4), CS_PROXY_DONE, NULL, NULL,
     CS_PROXY_FAULT_NONE},
    {"v2 unspecified family", CS_STR_INIT(SIG "\x21\0\0\x02xy"), CS_PROXY_DONE, NULL, NULL,
     CS_PROXY_FAULT_NONE},
    {"v2 UDP is not this connection", CS_STR_INIT(SIG "\x21\x12\0\x0c" IN4), CS_PROXY_DONE, NULL,
     NULL, CS_PROXY_FAULT_NONE},
    {"v2 version 1", CS_STR_INIT(SIG "\x11\x11\0\x0c" IN4), CS_PROXY_INVALID, NULL, NULL,
     CS_PROXY_FAULT_VERSION},
    {"v2 unknown command", CS_STR_INIT(SIG "\x22\x11\0\x0c" IN4), CS_PROXY_INVALID, NULL, NULL,
     CS_PROXY_FAULT_VERSION},
    {"v2 unknown family", CS_STR_INIT(SIG "\x21\x41\0\x0c" IN4), CS_PROXY_INVALID, NULL, NULL,
     CS_PROXY_FAULT_FAMILY},
    {"v2 unknown transport", CS_STR_INIT(SIG "\x21\x13\0\x0c" IN4), CS_PROXY_INVALID, NULL, NULL,
     CS_PROXY_FAULT_FAMILY},
    {"v2 no room for addresses", CS_STR_INIT(SIG "\x21\x21\0\x0c" IN4), CS_PROXY_INVALID, NULL,
     NULL, CS_PROXY_FAULT_LENGTH},
    {"v2 extension beyond the end", CS_STR_INIT(SIG "\x21\x11\0\x11" IN4 "\x02\0\x03hi"),
     CS_PROXY_INVALID, NULL, NULL, CS_PROXY_FAULT_LENGTH},
    {"v2 half an extension", CS_STR_INIT(SIG "\x21\x11\0\x0e" IN4 "\x02\0"), CS_PROXY_INVALID, NULL,
     NULL, CS_PROXY_FAULT_LENGTH},
    {"v2 longer than we take", CS_STR_INIT(SIG "\x21\x11\x10\0" IN4), CS_PROXY_INVALID, NULL, NULL,
     CS_PROXY_FAULT_TOO_LONG},
    {"v2 checksum of three bytes", CS_STR_INIT(SIG "\x21\x11\0\x12" IN4 "\x03\0\x03xyz"),
     CS_PROXY_INVALID, NULL, NULL, CS_PROXY_FAULT_LENGTH},
    {"v2 wrong checksum", CS_STR_INIT(SIG "\x21\x11\0\x13" IN4 "\x03\0\x04\1\2\3\4"),
     CS_PROXY_INVALID, NULL, NULL, CS_PROXY_FAULT_CHECKSUM},
    {"v2 right checksum", CS_STR_INIT(SIG "\x21\x11\0\x13" IN4 "\x03\0\x04\x03\x6d\x76\x82"),
     CS_PROXY_DONE, "192.0.2.1:54321", "198.51.100.7:443", CS_PROXY_FAULT_NONE},
};

static void check_addr(const struct cs_addr *addr, const char *want, const char *name)
{
    char buf[CS_ADDR_TEXT];
    if (want)
        tap_str(cs_addr_text(addr, buf), cs_str_from(want), name);
}

static void check_sample(const struct sample *s)
{
    struct cs_proxy_header header;
    char big[256];
    size_t len = 0;

    memset(big, 'x', sizeof(big));
    memcpy(big, s->bytes.ptr, s->bytes.len);
    tap_int(cs_proxy_protocol_parse(s->bytes, &header, &len), s->outcome, s->name);
    tap_int(header.fault, s->fault, s->name);
    if (s->outcome != CS_PROXY_DONE)
        return;
    tap_int((int64_t)len, (int64_t)s->bytes.len, s->name);
    tap_ok(header.known == (s->source != NULL), "%s: addresses", s->name);
    check_addr(&header.source, s->source, s->name);
    check_addr(&header.destination, s->destination, s->name);

    struct cs_str more = cs_str_make(big, sizeof(big));
    tap_ok(cs_proxy_protocol_parse(more, &header, &len) == CS_PROXY_DONE && len == s->bytes.len,
           "%s: what follows is left alone", s->name);
    bool asks = true;
    for (size_t n = 0; n < s->bytes.len; n++) {
        char *exact = malloc(n + 1); /* so that a read beyond is seen by the sanitizer */
        memcpy(exact, s->bytes.ptr, n);
        asks =
            asks && cs_proxy_protocol_parse(cs_str_make(exact, n), &header, &len) == CS_PROXY_MORE;
        free(exact);
    }
    tap_ok(asks, "%s: every beginning asks for more", s->name);
}

static void test_limits(void)
{
    char line[200], v2[CS_PROXY_HEADER_MAX + 1] = SIG "\x21\0\x0f\xf0";
    struct cs_proxy_header header;
    size_t len = 0;

    memset(line, 'x', sizeof(line));
    memcpy(line, "PROXY UNKNOWN ", 14);
    tap_int(cs_proxy_protocol_parse(cs_str_make(line, 106), &header, &len), CS_PROXY_MORE,
            "106 bytes without an end");
    tap_int(cs_proxy_protocol_parse(cs_str_make(line, 107), &header, &len), CS_PROXY_INVALID,
            "107 bytes without an end");
    tap_int(header.fault, CS_PROXY_FAULT_TOO_LONG, "too long");
    memcpy(line + 105, "\r\n", 2);
    tap_int(cs_proxy_protocol_parse(cs_str_make(line, 200), &header, &len), CS_PROXY_DONE,
            "the longest line");
    tap_int((int64_t)len, 107, "is 107 bytes long");
    tap_int(cs_proxy_protocol_parse(cs_str_make(v2, 4095), &header, &len), CS_PROXY_MORE,
            "one byte short of the longest header");
    tap_int(cs_proxy_protocol_parse(cs_str_make(v2, 4097), &header, &len), CS_PROXY_DONE,
            "the longest header");
    tap_int((int64_t)len, CS_PROXY_HEADER_MAX, "is 4096 bytes long");
}

static void test_unix(void)
{
    char bytes[16 + 216] = SIG "\x21\x31\0\xd8", buf[CS_ADDR_TEXT];
    struct cs_proxy_header header;
    size_t len;

    memcpy(bytes + 16, "/run/client", 11);
    tap_int(cs_proxy_protocol_parse(cs_str_make(bytes, sizeof(bytes)), &header, &len),
            CS_PROXY_DONE, "v2 over Unix-domain sockets");
    tap_str(cs_addr_text(&header.source, buf), CS_STR("unix:/run/client"), "a named client");
    tap_str(cs_addr_text(&header.destination, buf), CS_STR("unix:"), "a nameless destination");
    memset(bytes + 16, 'p', 216);
    tap_int(cs_proxy_protocol_parse(cs_str_make(bytes, sizeof(bytes)), &header, &len),
            CS_PROXY_DONE, "v2 with full paths");
    tap_int((int64_t)cs_addr_text(&header.source, buf).len, 5 + 108, "108 bytes of path");
}

static void test_tlvs(void)
{
    struct cs_str tlvs = CS_STR("\x02\0\x0b"
                                "example.com"
                                "\x04\0\0"
                                "\x20\0\x0f\x07\0\0\0\0\x21\0\x07TLSv1.3");
    struct cs_proxy_tlv tlv;
    struct cs_str value, rest = tlvs;
    int n = 0;

    while (cs_proxy_tlv_next(&rest, &tlv))
        n++;
    tap_int(n, 3, "three extensions");
    tap_int((int64_t)rest.len, 0, "and nothing left");
    tap_ok(cs_proxy_tlv_find(tlvs, CS_PROXY_TLV_AUTHORITY, &value), "authority");
    tap_str(value, CS_STR("example.com"), "authority");
    tap_ok(!cs_proxy_tlv_find(tlvs, CS_PROXY_TLV_ALPN, &value), "no ALPN");

    struct cs_proxy_ssl ssl;
    cs_proxy_tlv_find(tlvs, CS_PROXY_TLV_SSL, &value);
    tap_int(cs_proxy_ssl_parse(value, &ssl), 0, "TLS facts");
    tap_ok(ssl.tls && ssl.certificate_connection && ssl.certificate_session && ssl.verified,
           "a verified certificate");
    tap_ok(cs_proxy_tlv_find(ssl.tlvs, CS_PROXY_TLV_SSL_VERSION, &value), "inner extension");
    tap_str(value, CS_STR("TLSv1.3"), "version");
    tap_int(cs_proxy_ssl_parse(CS_STR("\x03\0\0\0\1"), &ssl), 0, "not verified");
    tap_ok(ssl.certificate_connection && !ssl.verified, "a certificate that did not verify");
    tap_int(cs_proxy_ssl_parse(CS_STR("\x01\0\0\0\0"), &ssl), 0, "no certificate");
    tap_ok(ssl.tls && !ssl.verified, "no certificate is not a verified one");
    tap_int(cs_proxy_ssl_parse(CS_STR("\x01\0\0\0"), &ssl), -EBADMSG, "too short");
    tap_int(cs_proxy_ssl_parse(CS_STR("\x01\0\0\0\0\x21\0\x02x"), &ssl), -EBADMSG,
            "inner extension beyond the end");
}

int main(void)
{
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
        check_sample(&samples[i]);
    test_limits();
    test_unix();
    test_tlvs();
    return tap_done();
}
