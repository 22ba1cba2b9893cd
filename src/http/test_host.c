/* Authorities and hosts: every spelling of a name has one canonical form, or none. */
#include "http/host.h"

#include "tap.h"

#include <errno.h>

static void test_split(void)
{
    static const struct {
        const char *text, *host, *port; /* host NULL: refused */
        unsigned number;
    } rows[] = {
        {"a", "a", NULL, 0},
        {"a:", "a", NULL, 0},
        {"a:0", "a", "0", 0},
        {"A.example.com:8443", "A.example.com", "8443", 8443},
        {"a:65535", "a", "65535", 65535},
        {"my_host-1.:80", "my_host-1.", "80", 80},
        {"127.0.0.1:1", "127.0.0.1", "1", 1},
        {"[::1]", "[::1]", NULL, 0},
        {"[2001:DB8::1]:443", "[2001:DB8::1]", "443", 443},
        {"", NULL, NULL, 0},
        {":80", NULL, NULL, 0},
        {"a:65536", NULL, NULL, 0},
        {"a:000080", NULL, NULL, 0},
        {"a:+8", NULL, NULL, 0},
        {"a:8 ", NULL, NULL, 0},
        {"a:8:8", NULL, NULL, 0},
        {"::1", NULL, NULL, 0},
        {"[::1", NULL, NULL, 0},
        {"[]", NULL, NULL, 0},
        {"[::1]8", NULL, NULL, 0},
        {"[::1%eth0]", NULL, NULL, 0},
        {"[127.0.0.1]", NULL, NULL, 0},
        {"[example.com]", NULL, NULL, 0},
        {"a@b", NULL, NULL, 0},
        {"a/b", NULL, NULL, 0},
        {"a b", NULL, NULL, 0},
        {"a\\b", NULL, NULL, 0},
        {"*.a", NULL, NULL, 0},
        {"\xc3\xa4", NULL, NULL, 0},
        {"a%2eb", NULL, NULL, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_authority got = {0};
        tap_int(cs_authority_split(cs_str_from(rows[i].text), &got), rows[i].host ? 0 : -EINVAL,
                rows[i].text);
        tap_str(got.host, cs_str_from(rows[i].host), "  host");
        tap_str(got.port, cs_str_from(rows[i].port), "  port");
        tap_int(got.port_number, rows[i].number, "  port number");
    }
}

static void test_canon(void)
{
    static const struct {
        struct cs_str host;
        const char *want; /* NULL: refused */
    } rows[] = {
        {CS_STR_INIT("example.com"), "example.com"},
        {CS_STR_INIT("EXAMPLE.Com"), "example.com"},
        {CS_STR_INIT("example.com."), "example.com"},
        {CS_STR_INIT("_x-1"), "_x-1"},
        {CS_STR_INIT("127.0.0.1"), "127.0.0.1"},
        {CS_STR_INIT("[0:0::1]"), "[::1]"},
        {CS_STR_INIT("[2001:DB8:0:0::1]"), "[2001:db8::1]"},
        {CS_STR_INIT(""), NULL},
        {CS_STR_INIT("."), NULL},
        {CS_STR_INIT(".example.com"), NULL},
        {CS_STR_INIT("example.com.."), NULL},
        {CS_STR_INIT("example..com"), NULL},
        {CS_STR_INIT("a\0b"), NULL},
        {CS_STR_INIT("a:80"), NULL},
        {CS_STR_INIT("*.a"), NULL},
        {CS_STR_INIT("[::1]:80"), NULL},
        {CS_STR_INIT("["), NULL},
        {CS_STR_INIT("[::1"), NULL},
    };
    char buf[CS_HOST_TEXT], name[255];
    struct cs_str got;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        got = CS_STR("");
        tap_int(cs_host_canon(rows[i].host, buf, &got), rows[i].want ? 0 : -EINVAL,
                rows[i].host.ptr);
        tap_str(got, cs_str_from(rows[i].want), "  canonical");
    }
    memset(name, 'a', sizeof(name));
    tap_int(cs_host_canon(cs_str_make(name, 253), buf, &got), 0, "253 bytes are a name");
    tap_int(cs_host_canon(cs_str_make(name, 254), buf, &got), -EINVAL, "254 are not");
    name[253] = '.';
    tap_int(cs_host_canon(cs_str_make(name, 254), buf, &got), 0, "but for the last dot");
}

int main(void)
{
    test_split();
    test_canon();
    return tap_done();
}
