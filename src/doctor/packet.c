/* Headers come off the front one after the other; each says what follows it and how long that is.
 * What IP says about the length counts, since short frames are padded; only where an offloading
 * card left it empty does the length on the wire. */
#include "doctor/packet.h"

#include <netinet/in.h>

enum { ETHER_IPV4 = 0x0800, ETHER_IPV6 = 0x86dd, ETHER_VLAN = 0x8100, ETHER_QINQ = 0x88a8 };
/* Tags and extension headers that may follow each other. */
enum { VLANS_MAX = 4, EXTENSIONS_MAX = 8 };

/* What is left of the packet: what was captured, and what was there on the wire. */
struct rest {
    struct cs_str bytes;
    uint32_t wire;
};

static bool has(const struct rest *rest, size_t n)
{
    return rest->bytes.len >= n;
}

static void skip(struct rest *rest, size_t n)
{
    rest->bytes = cs_str_skip(rest->bytes, n);
    rest->wire = rest->wire > n ? rest->wire - (uint32_t)n : 0;
}

/* Nothing behind the next @n bytes belongs to it. */
static void limit(struct rest *rest, size_t n)
{
    rest->bytes = cs_str_sub(rest->bytes, 0, n);
    rest->wire = (uint32_t)n;
}

static unsigned u8(const struct rest *rest, size_t at)
{
    return (uint8_t)rest->bytes.ptr[at];
}

static unsigned u16(const struct rest *rest, size_t at)
{
    return u8(rest, at) << 8 | u8(rest, at + 1);
}

static uint32_t u32(const struct rest *rest, size_t at)
{
    return (uint32_t)u16(rest, at) << 16 | u16(rest, at + 2);
}

/* ---- TCP ---- */

static void set_port(struct cs_addr *addr, unsigned port)
{
    if (addr->sa.sa_family == AF_INET)
        addr->in4.sin_port = htons((uint16_t)port);
    else
        addr->in6.sin6_port = htons((uint16_t)port);
}

static enum cs_packet_kind read_tcp(struct rest *rest, struct cs_packet *packet)
{
    size_t header;

    if (!has(rest, 20))
        return CS_PACKET_SHORT;
    header = (size_t)(u8(rest, 12) >> 4) * 4;
    if (header < 20 || header > rest->wire)
        return CS_PACKET_BROKEN;
    set_port(&packet->from, u16(rest, 0));
    set_port(&packet->to, u16(rest, 2));
    packet->seq = u32(rest, 4);
    packet->flags = (uint8_t)u8(rest, 13);
    skip(rest, header);
    packet->payload = rest->bytes;
    packet->sent = rest->wire;
    return CS_PACKET_TCP;
}

/* ---- IP ---- */

static struct cs_addr ip4(const struct rest *rest, size_t at)
{
    struct cs_addr addr = {.len = sizeof(addr.in4), .in4.sin_family = AF_INET};

    memcpy(&addr.in4.sin_addr, rest->bytes.ptr + at, 4);
    return addr;
}

static struct cs_addr ip6(const struct rest *rest, size_t at)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct cs_addr addr;

    memcpy(&in6.sin6_addr, rest->bytes.ptr + at, 16);
    if (cs_addr_from_sockaddr((const struct sockaddr *)&in6, sizeof(in6), &addr) < 0)
        return (struct cs_addr){0};
    return addr;
}

static enum cs_packet_kind read_ip4(struct rest *rest, struct cs_packet *packet)
{
    size_t header, total;

    if (!has(rest, 20))
        return CS_PACKET_SHORT;
    header = (size_t)(u8(rest, 0) & 15) * 4;
    total = u16(rest, 2) ? u16(rest, 2) : rest->wire;
    if (header < 20 || total < header || total > rest->wire)
        return CS_PACKET_BROKEN;
    if (u8(rest, 9) != IPPROTO_TCP)
        return CS_PACKET_OTHER;
    if (u16(rest, 6) & 0x3fff) /* an offset, or more to follow */
        return CS_PACKET_FRAGMENT;
    packet->from = ip4(rest, 12);
    packet->to = ip4(rest, 16);
    limit(rest, total);
    skip(rest, header);
    return read_tcp(rest, packet);
}

/* Go behind the extension header at the front, of type *@next (RFC 8200 section 4).
 * Return: CS_PACKET_TCP to go on. */
static enum cs_packet_kind skip_extension(struct rest *rest, unsigned *next)
{
    unsigned type = *next;
    size_t len;

    if (type != IPPROTO_HOPOPTS && type != IPPROTO_ROUTING && type != IPPROTO_DSTOPTS &&
        type != IPPROTO_FRAGMENT)
        return CS_PACKET_OTHER;
    if (!has(rest, 8))
        return CS_PACKET_SHORT;
    if (type == IPPROTO_FRAGMENT && u16(rest, 2) & 0xfff9)
        return CS_PACKET_FRAGMENT;
    len = type == IPPROTO_FRAGMENT ? 8 : ((size_t)u8(rest, 1) + 1) * 8;
    *next = u8(rest, 0);
    if (len > rest->wire)
        return CS_PACKET_BROKEN;
    skip(rest, len);
    return CS_PACKET_TCP;
}

static enum cs_packet_kind read_ip6(struct rest *rest, struct cs_packet *packet)
{
    enum cs_packet_kind kind = CS_PACKET_TCP;
    unsigned next;
    size_t len;

    if (!has(rest, 40))
        return CS_PACKET_SHORT;
    next = u8(rest, 6);
    len = u16(rest, 4);
    packet->from = ip6(rest, 8);
    packet->to = ip6(rest, 24);
    skip(rest, 40);
    if (len > rest->wire)
        return CS_PACKET_BROKEN;
    if (len)
        limit(rest, len);
    for (unsigned i = 0; next != IPPROTO_TCP && kind == CS_PACKET_TCP; i++)
        kind = i < EXTENSIONS_MAX ? skip_extension(rest, &next) : CS_PACKET_BROKEN;
    return kind == CS_PACKET_TCP ? read_tcp(rest, packet) : kind;
}

static enum cs_packet_kind read_ip(struct rest *rest, struct cs_packet *packet)
{
    if (!has(rest, 1))
        return CS_PACKET_SHORT;
    switch (u8(rest, 0) >> 4) {
    case 4: return read_ip4(rest, packet);
    case 6: return read_ip6(rest, packet);
    default: return CS_PACKET_OTHER;
    }
}

/* ---- what lies under it ---- */

/* @type is what follows, at the front of @rest or behind VLAN tags there. */
static enum cs_packet_kind read_ether(struct rest *rest, unsigned type, struct cs_packet *packet)
{
    for (unsigned i = 0; (type == ETHER_VLAN || type == ETHER_QINQ) && i < VLANS_MAX; i++) {
        if (!has(rest, 4))
            return CS_PACKET_SHORT;
        type = u16(rest, 2);
        skip(rest, 4);
    }
    return type == ETHER_IPV4 || type == ETHER_IPV6 ? read_ip(rest, packet) : CS_PACKET_OTHER;
}

static enum cs_packet_kind read_behind(struct rest *rest, size_t header, size_t type_at,
                                       struct cs_packet *packet)
{
    unsigned type;

    if (!has(rest, header))
        return CS_PACKET_SHORT;
    type = u16(rest, type_at);
    skip(rest, header);
    return read_ether(rest, type, packet);
}

enum cs_packet_kind cs_packet_read(enum cs_link link, struct cs_str bytes, uint32_t wire,
                                   struct cs_packet *ret_packet)
{
    struct rest rest = {bytes, wire < bytes.len ? (uint32_t)bytes.len : wire};
    struct cs_packet packet = {0};
    enum cs_packet_kind kind = CS_PACKET_OTHER;

    switch (link) {
    case CS_LINK_ETHERNET: kind = read_behind(&rest, 14, 12, &packet); break;
    case CS_LINK_COOKED: kind = read_behind(&rest, 16, 14, &packet); break;
    case CS_LINK_COOKED2: kind = read_behind(&rest, 20, 0, &packet); break;
    case CS_LINK_RAW: kind = read_ip(&rest, &packet); break;
    case CS_LINK_NULL:
        skip(&rest, 4);
        kind = read_ip(&rest, &packet);
        break;
    }
    if (kind == CS_PACKET_TCP)
        *ret_packet = packet;
    return kind;
}
