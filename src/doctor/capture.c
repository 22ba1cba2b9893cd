/* libpcap hands over packet after packet; a map from the two addresses finds the connection. A SYN
 * on addresses whose connection has had one with another number begins a new connection. */
#include "doctor/capture.h"

#include <errno.h>

#include "base/hash.h"
#include "base/mem.h"
#include "doctor/packet.h"
#include "doctor/pcap.h"

struct reader {
    struct cs_capture *capture;
    const struct cs_capture_filter *filter;
    struct cs_map map; /* both addresses → the connection that they have now */
    enum cs_link link;
};

/* ---- connections ---- */

static bool same_host(const struct cs_addr *a, const struct cs_addr *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    return a->sa.sa_family == AF_INET
               ? a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr
               : memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0;
}

static bool is_wanted(const struct cs_capture_filter *filter, const struct cs_packet *packet)
{
    if (filter->port && cs_addr_port(&packet->from) != filter->port &&
        cs_addr_port(&packet->to) != filter->port)
        return false;
    return !filter->host.len || same_host(&filter->host, &packet->from) ||
           same_host(&filter->host, &packet->to);
}

/* Both addresses as a key that does not depend on the direction. */
static struct cs_str key_of(const struct cs_packet *packet, char buf[2 * CS_ADDR_TEXT])
{
    char a[CS_ADDR_TEXT], b[CS_ADDR_TEXT];
    struct cs_str from = cs_addr_text(&packet->from, a), to = cs_addr_text(&packet->to, b);
    bool turned = cs_str_cmp(from, to) > 0;
    struct cs_str first = turned ? to : from, second = turned ? from : to;

    memcpy(buf, first.ptr, first.len);
    buf[first.len] = ' ';
    memcpy(buf + first.len + 1, second.ptr, second.len);
    return cs_str_make(buf, first.len + 1 + second.len);
}

/* Who connected: who sent the first SYN; without one, who has the higher port. */
static bool from_client(const struct cs_packet *packet)
{
    if (packet->flags & CS_TCP_SYN)
        return !(packet->flags & CS_TCP_ACK);
    return cs_addr_port(&packet->from) > cs_addr_port(&packet->to);
}

static struct cs_captured *new_connection(struct reader *reader, const struct cs_packet *packet,
                                          struct cs_str key, int64_t time_us)
{
    struct cs_capture *capture = reader->capture;
    bool up = from_client(packet);
    struct cs_captured *c;

    if (capture->n == CS_CAPTURE_CONNECTIONS)
        return NULL;
    if (!capture->connections)
        capture->connections = cs_arena_array(&capture->arena, CS_CAPTURE_CONNECTIONS, sizeof(c));
    c = CS_ARENA_NEW(&capture->arena, struct cs_captured);
    c->client = up ? packet->from : packet->to;
    c->server = up ? packet->to : packet->from;
    c->first_us = time_us;
    c->up = CS_ARENA_NEW(&capture->arena, struct cs_flow);
    c->down = CS_ARENA_NEW(&capture->arena, struct cs_flow);
    cs_flow_init(c->up, &capture->budget);
    cs_flow_init(c->down, &capture->budget);
    capture->connections[capture->n++] = c;
    cs_map_set(&reader->map, cs_arena_dup(&capture->arena, key), c);
    return c;
}

/* Whether @packet begins another connection between the same addresses. */
static bool begins_anew(const struct cs_captured *c, const struct cs_packet *packet)
{
    const struct cs_flow *flow = cs_addr_eq(&packet->from, &c->client) ? c->up : c->down;

    if ((packet->flags & (CS_TCP_SYN | CS_TCP_ACK)) != CS_TCP_SYN)
        return false;
    return !flow->began || flow->base != packet->seq + 1;
}

static void add_packet(struct reader *reader, const struct cs_packet *packet, int64_t time_us)
{
    char buf[2 * CS_ADDR_TEXT];
    struct cs_str key = key_of(packet, buf);
    struct cs_captured *c = cs_map_get(&reader->map, key);
    struct cs_segment segment = {.seq = packet->seq,
                                 .flags = packet->flags,
                                 .bytes = packet->payload,
                                 .sent = packet->sent,
                                 .time_us = time_us};

    if (!c || begins_anew(c, packet))
        c = new_connection(reader, packet, key, time_us);
    if (!c) {
        reader->capture->n_beyond++;
        return;
    }
    segment.packet = c->n_packets + 1;
    c->n_packets += cs_flow_add(cs_addr_eq(&packet->from, &c->client) ? c->up : c->down, &segment);
    c->last_us = time_us;
}

/* Without a SYN the ports only let guess who is who; a ClientHello tells. */
static void set_right(struct cs_captured *c)
{
    const struct cs_buf *down = &c->down->bytes;
    struct cs_flow *up = c->down;
    struct cs_addr client = c->server;

    if (c->up->began || c->down->began || down->len < 6 || down->ptr[0] != 22 ||
        down->ptr[1] != 3 || down->ptr[5] != 1)
        return;
    c->server = c->client;
    c->client = client;
    c->down = c->up;
    c->up = up;
}

/* ---- the file ---- */

/* When a packet was seen, in microseconds since 1970; 0 for a time that nobody can mean. */
static int64_t time_of(const struct pcap_pkthdr *header)
{
    static const int64_t year_9999_sec = 253402300799;
    int64_t sec = header->ts.tv_sec, us = header->ts.tv_usec;

    return sec < 0 || sec > year_9999_sec || us < 0 || us >= 1000000 ? 0 : sec * 1000000 + us;
}

static void on_packet(struct reader *reader, const struct pcap_pkthdr *header, const uint8_t *bytes)
{
    struct cs_capture *capture = reader->capture;
    int64_t time_us = time_of(header);
    struct cs_packet packet;

    capture->n_packets++;
    if (time_us > capture->last_us)
        capture->last_us = time_us;
    switch (
        cs_packet_read(reader->link, cs_str_make(bytes, header->caplen), header->len, &packet)) {
    case CS_PACKET_TCP:
        if (is_wanted(reader->filter, &packet))
            add_packet(reader, &packet, time_us);
        break;
    case CS_PACKET_OTHER: capture->n_other++; break;
    case CS_PACKET_FRAGMENT: capture->n_fragments++; break;
    case CS_PACKET_SHORT:
    case CS_PACKET_BROKEN: capture->n_unread++; break;
    }
}

static int link_of(int type, enum cs_link *ret_link)
{
    switch (type) {
    case DLT_EN10MB: *ret_link = CS_LINK_ETHERNET; return 0;
    case DLT_LINUX_SLL: *ret_link = CS_LINK_COOKED; return 0;
    case DLT_LINUX_SLL2: *ret_link = CS_LINK_COOKED2; return 0;
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6: *ret_link = CS_LINK_RAW; return 0;
    case DLT_NULL:
    case DLT_LOOP: *ret_link = CS_LINK_NULL; return 0;
    default: return -EBADMSG;
    }
}

static int read_packets(struct reader *reader, const struct cs_pcap *lib, pcap_t *pcap)
{
    struct cs_capture *capture = reader->capture;
    struct pcap_pkthdr *header;
    const u_char *bytes;
    int r;

    if (link_of(lib->datalink(pcap), &reader->link) < 0) {
        const char *name = lib->datalink_val_to_description(lib->datalink(pcap));
        capture->problem =
            cs_arena_printf(&capture->arena, "packets of type %d (%s) cannot be taken apart",
                            lib->datalink(pcap), name ? name : "unknown");
        return -EBADMSG;
    }
    while ((r = lib->next_ex(pcap, &header, &bytes)) == 1)
        on_packet(reader, header, bytes);
    if (r == PCAP_ERROR)
        capture->problem = cs_arena_dup(&capture->arena, cs_str_from(lib->geterr(pcap)));
    return 0;
}

int cs_capture_read(struct cs_capture *capture, FILE *file, const struct cs_capture_filter *filter)
{
    struct reader reader = {.capture = capture, .filter = filter};
    char error[PCAP_ERRBUF_SIZE] = "";
    const char *problem = error;
    const struct cs_pcap *lib = cs_pcap_load(&problem);
    pcap_t *pcap = lib ? lib->fopen_offline(file, error) : NULL;
    int r;

    *capture = (struct cs_capture){.budget = CS_CAPTURE_BYTES};
    if (!pcap) {
        fclose(file);
        capture->problem = cs_arena_dup(&capture->arena, cs_str_from(problem));
        return -EBADMSG;
    }
    r = read_packets(&reader, lib, pcap);
    lib->close(pcap);
    cs_map_deinit(&reader.map);
    for (size_t i = 0; i < capture->n; i++)
        set_right(capture->connections[i]);
    return r;
}

void cs_capture_deinit(struct cs_capture *capture)
{
    for (size_t i = 0; i < capture->n; i++) {
        cs_flow_deinit(capture->connections[i]->up);
        cs_flow_deinit(capture->connections[i]->down);
    }
    cs_arena_deinit(&capture->arena);
    *capture = (struct cs_capture){0};
}
