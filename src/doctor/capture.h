/* A capture file as connections: packets in, byte streams of both directions out.
 *
 * Reads pcap and pcapng through libpcap. A file may come from anywhere, so everything it can make
 * grow has a bound, and what goes beyond is counted and said.
 */
#ifndef CS_DOCTOR_CAPTURE_H
#define CS_DOCTOR_CAPTURE_H

#include <stdio.h>

#include "base/addr.h"
#include "base/arena.h"
#include "doctor/flow.h"

/* Connections looked at, and bytes held of all of them. */
#define CS_CAPTURE_CONNECTIONS 4096
#define CS_CAPTURE_BYTES (256 << 20)

struct cs_captured {
    struct cs_addr client, server;
    struct cs_flow *up, *down; /* from the client; from the server */
    unsigned n_packets;
    int64_t first_us, last_us; /* since 1970 */
};

/* Which connections are wanted; zeroed: all. */
struct cs_capture_filter {
    uint16_t port;       /* of either side; 0: any */
    struct cs_addr host; /* of either side, the port does not count; len 0: any */
};

struct cs_capture {
    struct cs_captured **connections; /* in the order of their first packet */
    size_t n;
    uint64_t n_packets;
    uint64_t n_other;      /* not TCP over IP */
    uint64_t n_fragments;  /* parts of IP packets: not put together */
    uint64_t n_unread;     /* headers cut or broken */
    uint64_t n_beyond;     /* TCP of connections beyond CS_CAPTURE_CONNECTIONS */
    int64_t last_us;       /* of all packets */
    struct cs_str problem; /* why reading ended early, in libpcap's words; or empty */
    struct cs_arena arena;
    size_t budget;
};

/** cs_capture_read() - everything in @file, which is closed. cs_capture_deinit() it in any case.
 *  Return: 0 (capture->problem says if the file ends in the middle); -EBADMSG: it is no capture
 *  that can be read, capture->problem says why. */
int cs_capture_read(struct cs_capture *capture, FILE *file, const struct cs_capture_filter *filter);
/** cs_capture_deinit() - free all. */
void cs_capture_deinit(struct cs_capture *capture);

#endif
