/* One captured packet, taken apart down to TCP. Pure.
 *
 * What is captured may be cut short (snap length) and may be anything; nothing is read beyond the
 * bytes that are there.
 */
#ifndef CS_DOCTOR_PACKET_H
#define CS_DOCTOR_PACKET_H

#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"

/* What a packet begins with. */
enum cs_link {
    CS_LINK_ETHERNET,
    CS_LINK_COOKED,  /* Linux, "any" interface: LINUX_SLL */
    CS_LINK_COOKED2, /* the same with the interface: LINUX_SLL2 */
    CS_LINK_RAW,     /* IPv4 or IPv6 at once */
    CS_LINK_NULL,    /* BSD loopback: the family in the byte order of the machine */
};

/* TCP flags. */
enum { CS_TCP_FIN = 1, CS_TCP_SYN = 2, CS_TCP_RST = 4, CS_TCP_ACK = 16 };

struct cs_packet {
    struct cs_addr from, to; /* with ports */
    uint32_t seq;            /* of the first byte of the payload, or of SYN */
    uint8_t flags;           /* CS_TCP_… */
    struct cs_str payload;   /* as far as it was captured; borrowed */
    uint32_t sent;           /* how long the payload was on the wire: at least payload.len */
};

enum cs_packet_kind {
    CS_PACKET_TCP,
    CS_PACKET_OTHER,    /* not IP, or not TCP */
    CS_PACKET_FRAGMENT, /* a part of an IP packet */
    CS_PACKET_SHORT,    /* its headers were not captured whole */
    CS_PACKET_BROKEN,   /* lengths that contradict each other */
};

/** cs_packet_read() - the packet in @bytes, which had @wire bytes on the wire.
 *  Return: its kind; *ret_packet is written for CS_PACKET_TCP. */
enum cs_packet_kind cs_packet_read(enum cs_link link, struct cs_str bytes, uint32_t wire,
                                   struct cs_packet *ret_packet);

#endif
