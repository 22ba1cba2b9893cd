/* One spelling per address.
 *
 * Whatever comes in, from the kernel or from a file, leaves as the shortest family that
 * can hold it: an IPv4-mapped IPv6 address becomes IPv4, so that an access rule for
 * 192.0.2.0/24 also meets clients of a dual-stack listener. Networks are kept with their
 * host bits cleared and compared bitwise.
 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#define PATH_OFFSET offsetof(struct sockaddr_un, sun_path)

static sa_family_t family_of(const struct cs_addr *addr)
{
    return addr->len >= sizeof(sa_family_t) ? addr->sa.sa_family : AF_UNSPEC;
}

static void set_in4(struct cs_addr *addr, const void *ip, in_port_t port_be)
{
    struct in_addr copy;
    memcpy(&copy, ip, sizeof(copy));
    memset(addr, 0, sizeof(*addr));
    addr->len = sizeof(addr->in4);
    addr->in4.sin_family = AF_INET;
    addr->in4.sin_port = port_be;
    addr->in4.sin_addr = copy;
}

static int from_in6(const struct sockaddr_in6 *in6, struct cs_addr *ret_addr)
{
    if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
        set_in4(ret_addr, &in6->sin6_addr.s6_addr[12], in6->sin6_port);
        return 0;
    }
    memset(ret_addr, 0, sizeof(*ret_addr));
    ret_addr->len = sizeof(*in6);
    ret_addr->in6 = *in6;
    return 0;
}

/* Unnamed sockets have no path at all; abstract ones start with a NUL and are as long as
 * the kernel says; the others end at their first NUL, which the kernel may not count. */
static int from_un(const struct sockaddr *sa, socklen_t len, struct cs_addr *ret_addr)
{
    const char *path = (const char *)sa + PATH_OFFSET;
    size_t n = len > PATH_OFFSET ? len - PATH_OFFSET : 0;
    if (n > sizeof(ret_addr->un.sun_path))
        return -EAFNOSUPPORT;

    struct cs_addr addr = {.un.sun_family = AF_UNIX};
    if (n > 0 && path[0] != '\0')
        n = strnlen(path, n);
    memcpy(addr.un.sun_path, path, n);
    if (n > 0 && path[0] != '\0' && n < sizeof(addr.un.sun_path))
        n++;
    addr.len = (socklen_t)(PATH_OFFSET + n);
    *ret_addr = addr;
    return 0;
}

int cs_addr_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct cs_addr *ret_addr)
{
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;

    if (len < sizeof(sa_family_t))
        return -EAFNOSUPPORT;
    if (sa->sa_family == AF_INET && len >= sizeof(in4)) {
        memcpy(&in4, sa, sizeof(in4));
        set_in4(ret_addr, &in4.sin_addr, in4.sin_port);
        return 0;
    }
    if (sa->sa_family == AF_INET6 && len >= sizeof(in6)) {
        memcpy(&in6, sa, sizeof(in6));
        return from_in6(&in6, ret_addr);
    }
    if (sa->sa_family == AF_UNIX)
        return from_un(sa, len, ret_addr);
    return -EAFNOSUPPORT;
}

/* The bytes of a literal without brackets: 4 or 16 of them, or 0 when it is none. */
static size_t parse_literal(struct cs_str text, uint8_t ip[16])
{
    char cstr[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof(cstr) || cs_str_find(text, '\0') >= 0)
        return 0;
    memcpy(cstr, text.ptr, text.len);
    cstr[text.len] = '\0';
    if (inet_pton(AF_INET, cstr, ip) == 1)
        return 4;
    return inet_pton(AF_INET6, cstr, ip) == 1 ? 16 : 0;
}

int cs_addr_parse_ip(struct cs_str ip, uint16_t port, struct cs_addr *ret_addr)
{
    bool bracketed = ip.len >= 2 && ip.ptr[0] == '[' && ip.ptr[ip.len - 1] == ']';
    uint8_t bytes[16];
    size_t n = parse_literal(bracketed ? cs_str_sub(ip, 1, ip.len - 2) : ip, bytes);

    if (n == 0 || (bracketed && n == 4))
        return -EINVAL;
    if (n == 4) {
        set_in4(ret_addr, bytes, htons(port));
        return 0;
    }
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&in6.sin6_addr, bytes, sizeof(bytes));
    return from_in6(&in6, ret_addr);
}

int cs_addr_parse_unix(struct cs_str path, struct cs_addr *ret_addr)
{
    if (path.len == 0 || cs_str_find(path, '\0') >= 0)
        return -EINVAL;
    if (path.len >= sizeof(ret_addr->un.sun_path))
        return -ENAMETOOLONG;
    memset(ret_addr, 0, sizeof(*ret_addr));
    ret_addr->un.sun_family = AF_UNIX;
    memcpy(ret_addr->un.sun_path, path.ptr, path.len);
    ret_addr->len = (socklen_t)(PATH_OFFSET + path.len + 1);
    return 0;
}

uint16_t cs_addr_port(const struct cs_addr *addr)
{
    switch (family_of(addr)) {
    case AF_INET: return ntohs(addr->in4.sin_port);
    case AF_INET6: return ntohs(addr->in6.sin6_port);
    default: return 0;
    }
}

struct cs_str cs_addr_ip_text(const struct cs_addr *addr, char buf[CS_ADDR_TEXT])
{
    switch (family_of(addr)) {
    case AF_INET: return cs_str_from(inet_ntop(AF_INET, &addr->in4.sin_addr, buf, CS_ADDR_TEXT));
    case AF_INET6: return cs_str_from(inet_ntop(AF_INET6, &addr->in6.sin6_addr, buf, CS_ADDR_TEXT));
    case AF_UNIX: return CS_STR("unix:");
    default: return CS_STR("");
    }
}

/* "unix:/path"; abstract names with the customary "@" for their leading NUL. */
static int un_text(const struct cs_addr *addr, char buf[CS_ADDR_TEXT])
{
    size_t n = addr->len - PATH_OFFSET;
    const char *path = addr->un.sun_path;
    if (n > 0 && path[0] == '\0')
        return snprintf(buf, CS_ADDR_TEXT, "unix:@%.*s", (int)(n - 1), path + 1);
    return snprintf(buf, CS_ADDR_TEXT, "unix:%.*s", (int)n, path);
}

struct cs_str cs_addr_text(const struct cs_addr *addr, char buf[CS_ADDR_TEXT])
{
    char ip[CS_ADDR_TEXT];
    struct cs_str text = cs_addr_ip_text(addr, ip);
    int n = 0;

    switch (family_of(addr)) {
    case AF_INET:
        n = snprintf(buf, CS_ADDR_TEXT, "%.*s:%u", CS_FMT(text), cs_addr_port(addr));
        break;
    case AF_INET6:
        n = snprintf(buf, CS_ADDR_TEXT, "[%.*s]:%u", CS_FMT(text), cs_addr_port(addr));
        break;
    case AF_UNIX: n = un_text(addr, buf); break;
    default: buf[0] = '\0'; break;
    }
    return cs_str_make(buf, (size_t)n);
}

bool cs_addr_eq(const struct cs_addr *a, const struct cs_addr *b)
{
    if (family_of(a) != family_of(b))
        return false;
    switch (family_of(a)) {
    case AF_INET:
        return a->in4.sin_port == b->in4.sin_port &&
               a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr;
    case AF_INET6:
        return a->in6.sin6_port == b->in6.sin6_port &&
               a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
               memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16) == 0;
    case AF_UNIX:
        return a->len == b->len &&
               memcmp(a->un.sun_path, b->un.sun_path, a->len - PATH_OFFSET) == 0;
    default: return true;
    }
}

/* Clear everything behind the first @bits bits. Return: whether something was set there. */
static bool clear_host_bits(uint8_t ip[16], size_t size, unsigned bits)
{
    bool set = false;
    for (size_t i = bits / 8; i < size; i++) {
        uint8_t mask = i == bits / 8 ? (uint8_t)(0xff00u >> bits % 8) : 0;
        set = set || (ip[i] & ~mask) != 0;
        ip[i] &= mask;
    }
    return set;
}

/* A network of mapped addresses is a network of IPv4 ones. */
static bool is_mapped_net(const uint8_t ip[16], size_t size, unsigned bits)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return size == 16 && bits >= 96 && memcmp(ip, prefix, sizeof(prefix)) == 0;
}

int cs_net_parse(struct cs_str text, struct cs_net *ret_net)
{
    if (cs_str_eq(text, CS_STR("all")) || cs_str_eq(text, CS_STR("unix:"))) {
        *ret_net = (struct cs_net){.family = text.len == 3 ? AF_UNSPEC : AF_UNIX};
        return 0;
    }

    uint8_t ip[16];
    struct cs_str mask = text;
    size_t size = parse_literal(cs_str_cut(&mask, '/'), ip);
    uint64_t bits = size * 8;
    if (size == 0 || (mask.ptr && cs_str_to_u64(mask, bits, &bits) < 0))
        return -EINVAL;
    if (is_mapped_net(ip, size, (unsigned)bits)) {
        memmove(ip, ip + 12, 4);
        size = 4;
        bits -= 96;
    }

    bool host_bits = clear_host_bits(ip, size, (unsigned)bits);
    *ret_net = (struct cs_net){.family = size == 4 ? AF_INET : AF_INET6, .bits = (uint8_t)bits};
    memcpy(ret_net->ip, ip, size);
    return host_bits ? -ERANGE : 0;
}

static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return bits % 8 == 0 || ((a[whole] ^ b[whole]) >> (8 - bits % 8)) == 0;
}

bool cs_net_has(const struct cs_net *net, const struct cs_addr *addr)
{
    if (net->family == AF_UNSPEC)
        return true;
    if (net->family != family_of(addr))
        return false;
    switch (net->family) {
    case AF_INET: return same_prefix(net->ip, (const uint8_t *)&addr->in4.sin_addr, net->bits);
    case AF_INET6: return same_prefix(net->ip, addr->in6.sin6_addr.s6_addr, net->bits);
    default: return true;
    }
}

struct cs_net cs_net_of(const struct cs_addr *addr)
{
    struct cs_net net = {.family = family_of(addr)};

    if (net.family == AF_INET) {
        net.bits = 32;
        memcpy(net.ip, &addr->in4.sin_addr, 4);
    } else if (net.family == AF_INET6) {
        net.bits = 64;
        memcpy(net.ip, &addr->in6.sin6_addr, 8);
    }
    return net;
}

bool cs_net_eq(const struct cs_net *a, const struct cs_net *b)
{
    return a->family == b->family && a->bits == b->bits && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

struct cs_str cs_net_text(const struct cs_net *net, char buf[CS_ADDR_TEXT])
{
    unsigned all = net->family == AF_INET ? 32 : 128;
    size_t len;

    if (net->family != AF_INET && net->family != AF_INET6)
        return net->family == AF_UNIX ? CS_STR("unix:") : CS_STR("all");
    inet_ntop(net->family, net->ip, buf, CS_ADDR_TEXT);
    len = strlen(buf);
    if (net->bits < all)
        len += (size_t)snprintf(buf + len, CS_ADDR_TEXT - len, "/%u", net->bits);
    return cs_str_make(buf, len);
}
