/* Frames of every kind, taken apart; and cut at every byte. */
#include "doctor/packet.h"

#include <stdlib.h>

#include "tap.h"

/* 192.0.2.1:1000 to 192.0.2.2:443, sequence number 5, PSH and ACK. */
#define TCP "\x03\xe8\x01\xbb\0\0\0\x05\0\0\0\0\x50\x18\0\0\0\0\0\0"
#define OPTIONS "\x03\xe8\x01\xbb\0\0\0\x05\0\0\0\0\x60\x18\0\0\0\0\0\0\1\1\1\1"
#define IP4(total, proto, frag) "\x45\0\0" total "\0\0" frag "\x40" proto "\0\0\xc0\0\2\1\xc0\0\2\2"
#define V4 IP4("\x2a", "\x06", "\0\0") TCP "hi"
#define A6 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
#define IP6(len, next) "\x60\0\0\0\0" len next "\x40" A6 A6
#define V6 IP6("\x16", "\x06") TCP "hi"
#define MACS "\1\2\3\4\5\6\1\2\3\4\5\6"

static const struct {
    const char *name;
    enum cs_link link;
    struct cs_str bytes;
    uint32_t wire; /* 0: as captured */
    enum cs_packet_kind kind;
    const char *from, *payload;
    uint32_t sent;
} rows[] = {
    {"IPv4", CS_LINK_RAW, CS_STR_INIT(V4), 0, CS_PACKET_TCP, "192.0.2.1:1000", "hi", 2},
    {"IPv6", CS_LINK_RAW, CS_STR_INIT(V6), 0, CS_PACKET_TCP, "[2001:db8::1]:1000", "hi", 2},
    {"Ethernet, padded", CS_LINK_ETHERNET, CS_STR_INIT(MACS "\x08\0" V4 "\0\0\0\0"), 0,
     CS_PACKET_TCP, "192.0.2.1:1000", "hi", 2},
    {"Ethernet, two tags", CS_LINK_ETHERNET, CS_STR_INIT(MACS "\x88\xa8\0\1\x81\0\0\2\x86\xdd" V6),
     0, CS_PACKET_TCP, "[2001:db8::1]:1000", "hi", 2},
    {"Ethernet, tags without end", CS_LINK_ETHERNET,
     CS_STR_INIT(MACS "\x81\0\0\1\x81\0\0\2\x81\0\0\2\x81\0\0\2\x81\0\0\2\x86\xdd" V6), 0,
     CS_PACKET_OTHER, NULL, NULL, 0},
    {"ARP", CS_LINK_ETHERNET, CS_STR_INIT(MACS "\x08\x06" V4), 0, CS_PACKET_OTHER, NULL, NULL, 0},
    {"cooked", CS_LINK_COOKED, CS_STR_INIT("\0\0\0\1\0\6\1\2\3\4\5\6\0\0\x08\0" V4), 0,
     CS_PACKET_TCP, "192.0.2.1:1000", "hi", 2},
    {"cooked, the second", CS_LINK_COOKED2,
     CS_STR_INIT("\x08\0\0\0\0\0\0\1\0\1\0\6\1\2\3\4\5\6\0\0" V4), 0, CS_PACKET_TCP,
     "192.0.2.1:1000", "hi", 2},
    {"BSD loopback", CS_LINK_NULL, CS_STR_INIT("\2\0\0\0" V4), 0, CS_PACKET_TCP, "192.0.2.1:1000",
     "hi", 2},
    {"TCP options", CS_LINK_RAW, CS_STR_INIT(IP4("\x2e", "\x06", "\0\0") OPTIONS "hi"), 0,
     CS_PACKET_TCP, "192.0.2.1:1000", "hi", 2},
    {"cut in the payload", CS_LINK_RAW, CS_STR_INIT(IP4("\x32", "\x06", "\0\0") TCP "hi"), 50,
     CS_PACKET_TCP, "192.0.2.1:1000", "hi", 10},
    {"length left to the card", CS_LINK_RAW, CS_STR_INIT(IP4("\0", "\x06", "\0\0") TCP "hi"), 0,
     CS_PACKET_TCP, "192.0.2.1:1000", "hi", 2},
    {"IPv6 extensions", CS_LINK_RAW,
     CS_STR_INIT(IP6("\x26", "\0") "\x3c\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0" TCP "hi"), 0,
     CS_PACKET_TCP, "[2001:db8::1]:1000", "hi", 2},
    {"an IPv6 fragment that is all", CS_LINK_RAW,
     CS_STR_INIT(IP6("\x1e", "\x2c") "\x06\0\0\0\0\0\0\1" TCP "hi"), 0, CS_PACKET_TCP,
     "[2001:db8::1]:1000", "hi", 2},
    {"an IPv6 fragment", CS_LINK_RAW,
     CS_STR_INIT(IP6("\x1e", "\x2c") "\x06\0\0\1\0\0\0\1" TCP "hi"), 0, CS_PACKET_FRAGMENT, NULL,
     NULL, 0},
    {"an IPv4 fragment", CS_LINK_RAW, CS_STR_INIT(IP4("\x2a", "\x06", "\x20\0") TCP "hi"), 0,
     CS_PACKET_FRAGMENT, NULL, NULL, 0},
    {"UDP", CS_LINK_RAW, CS_STR_INIT(IP4("\x2a", "\x11", "\0\0") TCP "hi"), 0, CS_PACKET_OTHER,
     NULL, NULL, 0},
    {"ICMPv6", CS_LINK_RAW, CS_STR_INIT(IP6("\x16", "\x3a") TCP "hi"), 0, CS_PACKET_OTHER, NULL,
     NULL, 0},
    {"longer than the frame", CS_LINK_RAW, CS_STR_INIT(IP4("\xff", "\x06", "\0\0") TCP "hi"), 0,
     CS_PACKET_BROKEN, NULL, NULL, 0},
    {"a TCP header of 8 bytes", CS_LINK_RAW,
     CS_STR_INIT(
         IP4("\x28", "\x06", "\0\0") "\x03\xe8\x01\xbb\0\0\0\5\0\0\0\0\x20\x18\0\0\0\0\0\0"),
     0, CS_PACKET_BROKEN, NULL, NULL, 0},
    {"no IP", CS_LINK_RAW, CS_STR_INIT("\x10\0\0"), 0, CS_PACKET_OTHER, NULL, NULL, 0},
    {"nothing", CS_LINK_NULL, CS_STR_INIT(""), 0, CS_PACKET_SHORT, NULL, NULL, 0},
};

static void test_row(size_t i)
{
    struct cs_packet packet = {0};
    char text[CS_ADDR_TEXT];
    enum cs_packet_kind kind;
    char *exact = malloc(rows[i].bytes.len + 1);

    memcpy(exact, rows[i].bytes.ptr, rows[i].bytes.len);
    kind = cs_packet_read(rows[i].link, cs_str_make(exact, rows[i].bytes.len),
                          rows[i].wire ? rows[i].wire : (uint32_t)rows[i].bytes.len, &packet);
    tap_int(kind, rows[i].kind, rows[i].name);
    if (kind == CS_PACKET_TCP) {
        tap_str(cs_addr_text(&packet.from, text), cs_str_from(rows[i].from), "from");
        tap_int(cs_addr_port(&packet.to), 443, "to");
        tap_str(packet.payload, cs_str_from(rows[i].payload), "payload");
        tap_int(packet.sent, rows[i].sent, "on the wire");
        tap_ok(packet.seq == 5 && packet.flags == 0x18, "number and flags");
    }
    free(exact);
}

/* Cut anywhere, a packet says less, and never more than its bytes. */
static void test_cuts(size_t i)
{
    bool good = true;

    for (size_t len = 0; len < rows[i].bytes.len; len++) {
        struct cs_packet packet;
        char *exact = malloc(len + 1);
        memcpy(exact, rows[i].bytes.ptr, len);
        if (cs_packet_read(rows[i].link, cs_str_make(exact, len), (uint32_t)rows[i].bytes.len,
                           &packet) == CS_PACKET_TCP)
            good &= packet.payload.len <= packet.sent &&
                    (!packet.payload.len || packet.payload.ptr + packet.payload.len <= exact + len);
        free(exact);
    }
    tap_ok(good, "%s, cut at every byte", rows[i].name);
}

int main(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        test_row(i);
        test_cuts(i);
    }
    return tap_done();
}
