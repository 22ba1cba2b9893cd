/* Socket addresses as values: parse, print, compare, match against networks.
 *
 * A cs_addr holds an IPv4, IPv6 or Unix-domain address. IPv4-mapped IPv6 addresses are
 * turned into IPv4 by cs_addr_from_sockaddr(), so that one peer has one spelling.
 */
#ifndef CS_BASE_ADDR_H
#define CS_BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/str.h"

struct cs_addr {
    socklen_t len; /* 0: no address */
    union {
        struct sockaddr sa;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    };
};

/* Room for any address as text ("[…]:65535", "unix:/path"), NUL included. */
#define CS_ADDR_TEXT 128

/** cs_addr_from_sockaddr() - the address the kernel gave; -EAFNOSUPPORT for other families. */
int cs_addr_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct cs_addr *ret_addr);
/** cs_addr_parse_ip() - a literal IPv4 or IPv6 address (brackets allowed), with @port.
 *  Return: 0, or -EINVAL when @ip is not a literal (a name, perhaps). */
int cs_addr_parse_ip(struct cs_str ip, uint16_t port, struct cs_addr *ret_addr);
/** cs_addr_parse_unix() - the path of a Unix-domain socket, without "unix:".
 *  Return: 0, or -ENAMETOOLONG, or -EINVAL (empty, or a NUL inside). */
int cs_addr_parse_unix(struct cs_str path, struct cs_addr *ret_addr);
/** cs_addr_port() - the port, or 0 where there is none. */
uint16_t cs_addr_port(const struct cs_addr *addr);
/** cs_addr_ip_text() - "192.0.2.1", "2001:db8::1" or "unix:". Return: text in @buf. */
struct cs_str cs_addr_ip_text(const struct cs_addr *addr, char buf[CS_ADDR_TEXT]);
/** cs_addr_text() - "192.0.2.1:443", "[2001:db8::1]:443" or "unix:/path". */
struct cs_str cs_addr_text(const struct cs_addr *addr, char buf[CS_ADDR_TEXT]);
/** cs_addr_eq() - same family, address and port. */
bool cs_addr_eq(const struct cs_addr *a, const struct cs_addr *b);

/* A network: addresses that share their first @bits bits with @ip. */
struct cs_net {
    sa_family_t family; /* AF_INET, AF_INET6; AF_UNIX: any Unix-domain peer; AF_UNSPEC: everybody */
    uint8_t bits;
    uint8_t ip[16];
};

/** cs_net_parse() - "all", "unix:", "192.0.2.0/24", "2001:db8::/32" or one address.
 *  Return: 0; -EINVAL (not a network); -ERANGE (host bits set below the mask: *ret_net is
 *  written, with those bits cleared, so that the caller can warn and go on). */
int cs_net_parse(struct cs_str text, struct cs_net *ret_net);
/** cs_net_of() - the addresses that count as one client with @addr: itself if it is IPv4, the 64
 * bits of its network if it is IPv6, where one host has all of those. */
struct cs_net cs_net_of(const struct cs_addr *addr);
/** cs_net_eq() - same family, length and bits. */
bool cs_net_eq(const struct cs_net *a, const struct cs_net *b);
/** cs_net_text() - "192.0.2.1", "2001:db8::/64", "unix:" or "all". Return: text in @buf. */
struct cs_str cs_net_text(const struct cs_net *net, char buf[CS_ADDR_TEXT]);
/** cs_net_has() - whether @addr lies in @net. */
bool cs_net_has(const struct cs_net *net, const struct cs_addr *addr);

#endif
