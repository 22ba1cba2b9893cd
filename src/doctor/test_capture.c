/* Capture files in memory: which connections they hold, and files that are none. */
#include "doctor/capture.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "doctor/packet.h"
#include "tap.h"

enum { CLIENT = 1000, SERVER = 443, OTHER = 1001 };

static void put32(struct cs_buf *buf, uint32_t n)
{
    (void)!cs_buf_add(buf, &n, sizeof(n));
}

static void begin(struct cs_buf *buf, uint32_t link)
{
    cs_buf_init(buf, 1 << 20);
    put32(buf, 0xa1b2c3d4);
    put32(buf, 2 | 4 << 16);
    put32(buf, 0);
    put32(buf, 0);
    put32(buf, 65535);
    put32(buf, link);
}

/* A packet of raw IPv4 from port to port. */
static void packet(struct cs_buf *buf, uint32_t sec, unsigned from, unsigned to, uint32_t seq,
                   unsigned flags, const char *text)
{
    uint8_t head[40] = {0x45, [8] = 64, [9] = 6, [12] = 192, 0, 2, 1, 192, 0, 2, 2};
    size_t len = strlen(text), total = sizeof(head) + len;

    if (from == SERVER) { /* 192.0.2.2 is the server */
        head[15] = 2;
        head[19] = 1;
    }
    head[2] = (uint8_t)(total >> 8);
    head[3] = (uint8_t)total;
    head[20] = (uint8_t)(from >> 8);
    head[21] = (uint8_t)from;
    head[22] = (uint8_t)(to >> 8);
    head[23] = (uint8_t)to;
    for (int i = 0; i < 4; i++)
        head[24 + i] = (uint8_t)(seq >> (24 - 8 * i));
    head[32] = 0x50;
    head[33] = (uint8_t)flags;
    put32(buf, sec);
    put32(buf, 0);
    put32(buf, (uint32_t)total);
    put32(buf, (uint32_t)total);
    (void)!cs_buf_add(buf, head, sizeof(head));
    (void)!cs_buf_add(buf, text, len);
}

static int look(struct cs_capture *capture, struct cs_buf *buf,
                const struct cs_capture_filter *filter)
{
    FILE *file = fmemopen(buf->ptr, buf->len, "r");

    cs_assert(file != NULL);
    return cs_capture_read(capture, file, filter);
}

static void test_connections(void)
{
    struct cs_capture_filter none = {0}, port = {.port = OTHER}, host = {0};
    struct cs_capture capture;
    struct cs_buf buf;
    char text[CS_ADDR_TEXT];

    begin(&buf, 101);
    packet(&buf, 1, CLIENT, SERVER, 99, CS_TCP_SYN, "");
    packet(&buf, 1, SERVER, CLIENT, 499, CS_TCP_SYN | CS_TCP_ACK, "");
    packet(&buf, 2, CLIENT, SERVER, 100, CS_TCP_ACK, "hello");
    packet(&buf, 2, OTHER, SERVER, 7, CS_TCP_SYN, "");
    packet(&buf, 3, SERVER, CLIENT, 500, CS_TCP_ACK, "answer");
    packet(&buf, 4, CLIENT, SERVER, 105, CS_TCP_ACK | CS_TCP_FIN, "");
    packet(&buf, 9, CLIENT, SERVER, 7099, CS_TCP_SYN, "");
    tap_int(look(&capture, &buf, &none), 0, "a capture");
    tap_int((int64_t)capture.n, 3, "two connections and one from the same port");
    tap_str(cs_addr_text(&capture.connections[0]->server, text), CS_STR("192.0.2.2:443"), "server");
    tap_str(cs_buf_str(&capture.connections[0]->up->bytes), CS_STR("hello"), "up");
    tap_str(cs_buf_str(&capture.connections[0]->down->bytes), CS_STR("answer"), "down");
    tap_int(capture.connections[0]->n_packets, 5, "its packets");
    tap_int(capture.last_us, 9000000, "the end");
    cs_capture_deinit(&capture);
    look(&capture, &buf, &port);
    tap_int((int64_t)capture.n, 1, "by port");
    cs_capture_deinit(&capture);
    cs_addr_parse_ip(CS_STR("192.0.2.9"), 0, &host.host);
    look(&capture, &buf, &host);
    tap_int((int64_t)capture.n, 0, "by host: none");
    cs_capture_deinit(&capture);
    buf.len -= 3;
    tap_int(look(&capture, &buf, &none), 0, "a capture that was cut off");
    tap_ok(capture.n == 2 && capture.problem.len, "has what came before, and says so");
    cs_capture_deinit(&capture);
    cs_buf_deinit(&buf);
}

/* Without a SYN the higher port is the client's, unless it is the other that says hello. */
static void test_middle(void)
{
    struct cs_capture_filter none = {0};
    struct cs_capture capture;
    struct cs_buf buf;
    char text[CS_ADDR_TEXT];

    begin(&buf, 101);
    packet(&buf, 1, SERVER, CLIENT, 500, CS_TCP_ACK, "answer");
    look(&capture, &buf, &none);
    tap_str(cs_addr_text(&capture.connections[0]->server, text), CS_STR("192.0.2.2:443"),
            "by ports");
    cs_capture_deinit(&capture);
    packet(&buf, 1, SERVER, OTHER, 500, CS_TCP_ACK, "\x16\x03\x01\x01\x01\x01");
    look(&capture, &buf, &none);
    tap_str(cs_addr_text(&capture.connections[1]->client, text), CS_STR("192.0.2.2:443"),
            "by hello");
    tap_int((int64_t)capture.connections[1]->up->bytes.len, 6, "whose it is");
    cs_capture_deinit(&capture);
    cs_buf_deinit(&buf);
}

static void test_refused(void)
{
    struct cs_capture_filter none = {0};
    struct cs_capture capture;
    struct cs_buf buf;

    begin(&buf, 147);
    tap_int(look(&capture, &buf, &none), -EBADMSG, "packets of another kind");
    tap_ok(cs_str_search(capture.problem, CS_STR("type 147")) >= 0, "which it says");
    cs_capture_deinit(&capture);
    buf.ptr[0] = 'x';
    tap_int(look(&capture, &buf, &none), -EBADMSG, "no capture");
    tap_ok(capture.problem.len > 0, "in libpcap's words");
    cs_capture_deinit(&capture);
    cs_buf_deinit(&buf);
}

static void test_many(void)
{
    struct cs_capture_filter none = {0};
    struct cs_capture capture;
    struct cs_buf buf;

    begin(&buf, 101);
    for (unsigned i = 0; i < CS_CAPTURE_CONNECTIONS + 10; i++)
        packet(&buf, 1, 2000 + i, SERVER, 1, CS_TCP_SYN, "");
    look(&capture, &buf, &none);
    tap_ok(capture.n == CS_CAPTURE_CONNECTIONS && capture.n_beyond == 10,
           "more connections than are looked at");
    cs_capture_deinit(&capture);
    cs_buf_deinit(&buf);
}

int main(void)
{
    test_connections();
    test_middle();
    test_refused();
    test_many();
    return tap_done();
}
