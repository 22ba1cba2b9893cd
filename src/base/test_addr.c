#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>

#include "tap.h"

static void test_parse_ip(void)
{
    static const struct {
        const char *text;
        const char *want; /* NULL: refused */
    } cases[] = {
        {"192.0.2.1", "192.0.2.1:443"},
        {"0.0.0.0", "0.0.0.0:443"},
        {"255.255.255.255", "255.255.255.255:443"},
        {"2001:db8::1", "[2001:db8::1]:443"},
        {"[2001:db8::1]", "[2001:db8::1]:443"},
        {"2001:DB8:0:0:0:0:0:1", "[2001:db8::1]:443"},
        {"::", "[::]:443"},
        {"[::]", "[::]:443"},
        {"::ffff:192.0.2.1", "192.0.2.1:443"},
        {"[::ffff:c000:201]", "192.0.2.1:443"},
        {"", NULL},
        {"[]", NULL},
        {"[", NULL},
        {"localhost", NULL},
        {"192.0.2", NULL},
        {"192.0.2.256", NULL},
        {"192.0.2.1 ", NULL},
        {"192.0.2.01", NULL},
        {"0x7f.0.0.1", NULL},
        {"2130706433", NULL},
        {"[192.0.2.1]", NULL},
        {"192.0.2.1:80", NULL},
        {"[::1", NULL},
        {"::1]", NULL},
        {"[[::1]]", NULL},
        {"fe80::1%lo", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"2001:0db8:0000:0000:0000:0000:0000:0000000000000000000000000001", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cs_addr addr;
        char buf[CS_ADDR_TEXT];
        int r = cs_addr_parse_ip(cs_str_from(cases[i].text), 443, &addr);
        if (!cases[i].want)
            tap_int(r, -EINVAL, cases[i].text);
        else if (tap_int(r, 0, cases[i].text))
            tap_str(cs_addr_text(&addr, buf), cs_str_from(cases[i].want), cases[i].text);
    }
    struct cs_addr addr;
    tap_int(cs_addr_parse_ip(cs_str_make("127.0.0.1\0x", 11), 1, &addr), -EINVAL, "NUL inside");
}

static void test_unix(void)
{
    struct cs_addr a, b;
    char buf[CS_ADDR_TEXT], path[120];

    tap_int(cs_addr_parse_unix(CS_STR("/run/x.sock"), &a), 0, "path");
    tap_str(cs_addr_text(&a, buf), CS_STR("unix:/run/x.sock"), "path as text");
    tap_str(cs_addr_ip_text(&a, buf), CS_STR("unix:"), "no address to show");
    tap_int(cs_addr_port(&a), 0, "no port");
    tap_int(cs_addr_parse_unix(CS_STR(""), &b), -EINVAL, "empty path");
    tap_int(cs_addr_parse_unix(cs_str_make("/a\0b", 4), &b), -EINVAL, "NUL in path");

    memset(path, 'p', sizeof(path));
    tap_int(cs_addr_parse_unix(cs_str_make(path, 107), &b), 0, "longest path");
    tap_int((int64_t)cs_addr_text(&b, buf).len, 5 + 107, "longest path as text");
    tap_int(cs_addr_parse_unix(cs_str_make(path, 108), &b), -ENAMETOOLONG, "too long");

    tap_int(cs_addr_from_sockaddr(&a.sa, a.len, &b), 0, "from the kernel");
    tap_ok(cs_addr_eq(&a, &b), "same path is equal");
    tap_int(cs_addr_from_sockaddr(&a.sa, a.len - 1, &b), 0, "NUL not counted");
    tap_ok(cs_addr_eq(&a, &b), "still equal");

    struct sockaddr_un un = {.sun_family = AF_UNIX};
    tap_int(cs_addr_from_sockaddr((struct sockaddr *)&un, sizeof(sa_family_t), &b), 0, "unnamed");
    tap_str(cs_addr_text(&b, buf), CS_STR("unix:"), "unnamed as text");
    tap_ok(!cs_addr_eq(&a, &b), "unnamed is not a path");
    memcpy(un.sun_path, "\0name", 5);
    tap_int(cs_addr_from_sockaddr((struct sockaddr *)&un,
                                  (socklen_t)offsetof(struct sockaddr_un, sun_path) + 5, &b),
            0, "abstract");
    tap_str(cs_addr_text(&b, buf), CS_STR("unix:@name"), "abstract as text");
}

static void test_from_sockaddr(void)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(8443)};
    struct sockaddr other = {.sa_family = AF_NETLINK};
    struct cs_addr a, b, none = {0};
    char buf[CS_ADDR_TEXT];

    inet_pton(AF_INET6, "::ffff:198.51.100.7", &in6.sin6_addr);
    tap_int(cs_addr_from_sockaddr((struct sockaddr *)&in6, sizeof(in6), &a), 0, "mapped");
    tap_str(cs_addr_text(&a, buf), CS_STR("198.51.100.7:8443"), "mapped becomes IPv4");
    cs_addr_parse_ip(CS_STR("198.51.100.7"), 8443, &b);
    tap_ok(cs_addr_eq(&a, &b), "and equals it");
    b.in4.sin_port = htons(1);
    tap_ok(!cs_addr_eq(&a, &b), "ports differ");
    tap_int(cs_addr_port(&a), 8443, "port");

    tap_int(cs_addr_from_sockaddr((struct sockaddr *)&in6, 8, &b), -EAFNOSUPPORT, "cut short");
    tap_int(cs_addr_from_sockaddr(&other, sizeof(other), &b), -EAFNOSUPPORT, "other family");
    tap_int(cs_addr_from_sockaddr(&other, 0, &b), -EAFNOSUPPORT, "nothing");
    tap_str(cs_addr_text(&none, buf), CS_STR(""), "no address is no text");
    tap_ok(!cs_addr_eq(&none, &a), "no address equals none");
}

static void test_nets(void)
{
    static const struct {
        const char *net;
        int want; /* of cs_net_parse() */
        const char *inside, *outside;
    } cases[] = {
        {"192.0.2.0/24", 0, "192.0.2.255", "192.0.3.0"},
        {"192.0.2.7", 0, "192.0.2.7", "192.0.2.6"},
        {"10.0.0.0/7", 0, "11.255.255.255", "12.0.0.0"},
        {"10.0.0.128/25", 0, "10.0.0.129", "10.0.0.127"},
        {"0.0.0.0/0", 0, "203.0.113.9", "2001:db8::1"},
        {"192.0.2.1/24", -ERANGE, "192.0.2.200", "192.0.1.1"},
        {"192.0.2.1/32", 0, "192.0.2.1", "192.0.2.0"},
        {"192.0.2.1/31", -ERANGE, "192.0.2.0", "192.0.2.2"},
        {"2001:db8::/32", 0, "2001:db8:ffff::1", "2001:db9::"},
        {"2001:db8::/33", 0, "2001:db8:7fff::1", "2001:db8:8000::"},
        {"2001:db8::1", 0, "2001:db8::1", "2001:db8::2"},
        {"::/0", 0, "::1", "127.0.0.1"},
        {"::1/64", -ERANGE, "::2", "0:0:0:1::"},
        {"::ffff:192.0.2.0/120", 0, "192.0.2.9", "192.0.3.9"},
        {"::ffff:0:0/96", 0, "192.0.2.9", "::1"},
        {"all", 0, "2001:db8::1", NULL},
        {"all", 0, "192.0.2.9", NULL},
        {"unix:", 0, NULL, "127.0.0.1"},
        {"", -EINVAL, NULL, NULL},
        {"/", -EINVAL, NULL, NULL},
        {"/24", -EINVAL, NULL, NULL},
        {"10.0.0.0/", -EINVAL, NULL, NULL},
        {"10.0.0.0/33", -EINVAL, NULL, NULL},
        {"10.0.0.0/-1", -EINVAL, NULL, NULL},
        {"10.0.0.0/8/8", -EINVAL, NULL, NULL},
        {"10.0.0.0/255.0.0.0", -EINVAL, NULL, NULL},
        {"::/129", -EINVAL, NULL, NULL},
        {"[::1]", -EINVAL, NULL, NULL},
        {"All", -EINVAL, NULL, NULL},
        {"localhost", -EINVAL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cs_net net;
        struct cs_addr addr;
        tap_int(cs_net_parse(cs_str_from(cases[i].net), &net), cases[i].want, cases[i].net);
        if (cases[i].inside) {
            cs_addr_parse_ip(cs_str_from(cases[i].inside), 1, &addr);
            tap_ok(cs_net_has(&net, &addr), "%s has %s", cases[i].net, cases[i].inside);
        }
        if (cases[i].outside) {
            cs_addr_parse_ip(cs_str_from(cases[i].outside), 1, &addr);
            tap_ok(!cs_net_has(&net, &addr), "%s has not %s", cases[i].net, cases[i].outside);
        }
    }

    struct cs_net net;
    struct cs_addr addr;
    cs_addr_parse_unix(CS_STR("/s"), &addr);
    cs_net_parse(CS_STR("unix:"), &net);
    tap_ok(cs_net_has(&net, &addr), "unix: has every Unix-domain peer");
    cs_net_parse(CS_STR("all"), &net);
    tap_ok(cs_net_has(&net, &addr), "all has Unix-domain peers too");
    cs_net_parse(CS_STR("0.0.0.0/0"), &net);
    tap_ok(!cs_net_has(&net, &addr), "0.0.0.0/0 has not");
}

static void test_sites(void)
{
    static const struct {
        const char *one, *other;
        bool same;
        const char *text; /* of the first */
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", true, "192.0.2.1"},
        {"192.0.2.1", "192.0.2.2", false, "192.0.2.1"},
        {"::ffff:192.0.2.1", "192.0.2.1", true, "192.0.2.1"},
        {"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true, "2001:db8::/64"},
        {"2001:db8::1", "2001:db8:0:1::1", false, "2001:db8::/64"},
        {"2001:db8:1:2:3::", "192.0.2.1", false, "2001:db8:1:2::/64"},
    };
    char buf[CS_ADDR_TEXT];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cs_addr one, other;
        struct cs_net a, b;
        cs_addr_parse_ip(cs_str_from(cases[i].one), 1, &one);
        cs_addr_parse_ip(cs_str_from(cases[i].other), 2, &other);
        a = cs_net_of(&one);
        b = cs_net_of(&other);
        tap_ok(cs_net_eq(&a, &b) == cases[i].same && cs_net_has(&a, &one) &&
                   cs_net_has(&a, &other) == cases[i].same,
               "%s and %s count as %s", cases[i].one, cases[i].other,
               cases[i].same ? "one client" : "two");
        tap_str(cs_net_text(&a, buf), cs_str_from(cases[i].text), "  as text");
    }
}

int main(void)
{
    test_parse_ip();
    test_unix();
    test_from_sockaddr();
    test_nets();
    test_sites();
    return tap_done();
}
