/* Conversations made by hand, byte by byte, and what they come to: which fate, which cause, and
 * from which side it is told. Real ones, with certificates, are tests/scenario/test_capture.py. */
#include "doctor/dissect.h"

#include "base/mem.h"
#include "doctor/packet.h"
#include "tap.h"

/* One packet: who sends what. */
struct step {
    char who; /* 'c' or 's'; 0: the end */
    uint8_t flags;
    struct cs_str bytes;
    int64_t ms; /* after the one before */
};

#define ACK CS_TCP_ACK
#define OPEN                                                                                       \
    {'c', CS_TCP_SYN, {0}, 0},                                                                     \
    {                                                                                              \
        's', CS_TCP_SYN | CS_TCP_ACK, {0}, 1                                                       \
    }
#define C(bytes)                                                                                   \
    {                                                                                              \
        'c', ACK, CS_STR_INIT(bytes), 1                                                            \
    }
#define S(bytes)                                                                                   \
    {                                                                                              \
        's', ACK, CS_STR_INIT(bytes), 1                                                            \
    }
#define C_FIN                                                                                      \
    {                                                                                              \
        'c', ACK | CS_TCP_FIN, {0}, 1                                                              \
    }
#define S_FIN                                                                                      \
    {                                                                                              \
        's', ACK | CS_TCP_FIN, {0}, 1                                                              \
    }
#define C_RST                                                                                      \
    {                                                                                              \
        'c', CS_TCP_RST, {0}, 1                                                                    \
    }
#define S_RST                                                                                      \
    {                                                                                              \
        's', CS_TCP_RST, {0}, 1                                                                    \
    }

#define RANDOM "0123456789abcdef0123456789abcdef"
/* TLS 1.2 and 1.3, two suites, no name. */
#define CLIENT_HELLO                                                                               \
    "\x16\x03\x01\0\x3a\x01\0\0\x36\x03\x03" RANDOM                                                \
    "\0\0\x04\x13\x01\xc0\x2b\x01\0\0\x09\0\x2b\0\x05\x04\x03\x04\x03\x03"
#define SERVER_HELLO12 "\x16\x03\x03\0\x2a\x02\0\0\x26\x03\x03" RANDOM "\0\xc0\x2b\0"
#define SERVER_HELLO13                                                                             \
    "\x16\x03\x03\0\x32\x02\0\0\x2e\x03\x03" RANDOM "\0\x13\x01\0\0\x06\0\x2b\0\x02\x03\x04"
#define REQUEST12 "\x16\x03\x03\0\x0c\x0d\0\0\x08\x01\x40\0\x02\x04\x03\0\0"
#define DONE12 "\x16\x03\x03\0\x04\x0e\0\0\0"
#define EMPTY12 "\x16\x03\x03\0\x07\x0b\0\0\x03\0\0\0"
#define KEY12 "\x16\x03\x03\0\x05\x10\0\0\x01k"
#define CHANGE "\x14\x03\x03\0\x01\x01"
#define SEALED12                                                                                   \
    "\x16\x03\x03\0\x08"                                                                           \
    "sealed!!"
#define ALERT(n) "\x15\x03\x03\0\x02\x02" n
#define TEN "0123456789"
#define DATA19 "\x17\x03\x03\0\x13" TEN "012345678"
#define DATA25 "\x17\x03\x03\0\x19" TEN TEN "01234"
#define DATA53 "\x17\x03\x03\0\x35" TEN TEN TEN TEN TEN "012"
#define DATA80 "\x17\x03\x03\0\x50" TEN TEN TEN TEN TEN TEN TEN TEN
#define FLIGHT12 SERVER_HELLO12 REQUEST12 DONE12
#define FLIGHT13 SERVER_HELLO13 CHANGE DATA80

static const struct {
    const char *name;
    struct step steps[12];
    int64_t silence_ms; /* until the capture ends */
    bool tls_here;
    enum cs_fate fate;
    const char *code;
    char told_by; /* 0: it does not matter */
} rows[] = {
    {"TLS 1.2",
     {OPEN, C(CLIENT_HELLO), S(FLIGHT12), C(EMPTY12 KEY12 CHANGE SEALED12), S(CHANGE SEALED12),
      C_FIN},
     0,
     false,
     CS_FATE_WELL,
     NULL,
     0},
    {"TLS 1.2 resumed",
     {OPEN, C(CLIENT_HELLO), S(SERVER_HELLO12 CHANGE SEALED12), C(CHANGE SEALED12), C_RST},
     0,
     false,
     CS_FATE_WELL,
     NULL,
     0},
    {"TLS 1.3",
     {OPEN, C(CLIENT_HELLO), S(FLIGHT13), C(CHANGE DATA53 DATA80), S(DATA80), C(DATA19), S_FIN},
     0,
     false,
     CS_FATE_WELL,
     NULL,
     0},
    {"TLS 1.3, the client leaves first",
     {OPEN, C(CLIENT_HELLO), S(FLIGHT13), C(DATA53), C(DATA19), S(DATA19), S_FIN},
     0,
     false,
     CS_FATE_WELL,
     NULL,
     0},
    {"refused",
     {{'c', CS_TCP_SYN, {0}, 0}, S_RST},
     0,
     false,
     CS_FATE_FAILED,
     "connection-refused",
     'c'},
    {"no answer",
     {{'c', CS_TCP_SYN, {0}, 0}},
     5000,
     false,
     CS_FATE_FAILED,
     "connection-timeout",
     'c'},
    {"no answer yet", {{'c', CS_TCP_SYN, {0}, 0}}, 500, false, CS_FATE_UNFINISHED, NULL, 0},
    {"nothing was said", {OPEN, S_FIN}, 0, false, CS_FATE_FAILED, "peer-closed", 'c'},
    {"the client goes at once", {OPEN, C_RST}, 0, false, CS_FATE_FAILED, "peer-reset", 's'},
    {"older than the capture", {C(DATA80), S(DATA80)}, 5000, false, CS_FATE_PARTIAL, NULL, 0},
    {"no ServerHello",
     {OPEN, C(CLIENT_HELLO)},
     5000,
     false,
     CS_FATE_FAILED,
     "handshake-timeout",
     'c'},
    {"no ServerHello yet", {OPEN, C(CLIENT_HELLO)}, 100, false, CS_FATE_UNFINISHED, NULL, 0},
    {"the client does not go on",
     {OPEN, C(CLIENT_HELLO), S(FLIGHT12)},
     5000,
     false,
     CS_FATE_FAILED,
     "handshake-timeout",
     's'},
    {"the client closes behind the certificate",
     {OPEN, C(CLIENT_HELLO), S(FLIGHT12), C_FIN},
     0,
     false,
     CS_FATE_FAILED,
     "peer-closed",
     's'},
    {"the server resets",
     {OPEN, C(CLIENT_HELLO), S_RST},
     0,
     false,
     CS_FATE_FAILED,
     "peer-reset",
     'c'},
    {"no version",
     {OPEN, C(CLIENT_HELLO), S(ALERT("\x46")), S_FIN},
     0,
     false,
     CS_FATE_FAILED,
     "no-shared-version",
     'c'},
    {"no certificate, TLS 1.2",
     {OPEN, C(CLIENT_HELLO), S(FLIGHT12), C(EMPTY12 KEY12 CHANGE SEALED12), S(ALERT("\x28")),
      S_FIN},
     0,
     false,
     CS_FATE_FAILED,
     "certificate-missing",
     'c'},
    {"no certificate, TLS 1.3",
     {OPEN, C(CLIENT_HELLO), S(FLIGHT13), C(CHANGE DATA25 DATA53), S(DATA19), S_FIN},
     0,
     false,
     CS_FATE_FAILED,
     "certificate-missing",
     's'},
    {"a certificate that is refused, TLS 1.3",
     {OPEN, C(CLIENT_HELLO), S(FLIGHT13), C(CHANGE DATA80 DATA80 DATA53), S(DATA19), S_FIN},
     0,
     false,
     CS_FATE_FAILED,
     "peer-alert-encrypted",
     'c'},
    {"the server's is refused, TLS 1.3",
     {OPEN, C(CLIENT_HELLO), S(FLIGHT13), C(CHANGE DATA19), C_FIN},
     0,
     false,
     CS_FATE_FAILED,
     "peer-alert-encrypted",
     's'},
    {"the same in the clear",
     {OPEN, C(CLIENT_HELLO), S(FLIGHT13), C(ALERT("\x30")), C_FIN},
     0,
     false,
     CS_FATE_FAILED,
     "peer-rejected-certificate",
     's'},
    {"the server goes without a word, TLS 1.3",
     {OPEN, C(CLIENT_HELLO), S(FLIGHT13), C(DATA53 DATA80), S_RST},
     0,
     false,
     CS_FATE_FAILED,
     "peer-reset",
     'c'},
    {"HTTP, and an alert",
     {OPEN, C("GET / HTTP/1.1\r\n\r\n"), S(ALERT("\x46")), S_FIN},
     0,
     false,
     CS_FATE_FAILED,
     "http-on-tls-port",
     's'},
    {"HTTP, and nginx's words",
     {OPEN, C("GET / HTTP/1.1\r\n\r\n"), S("HTTP/1.1 400 x\r\n\r\nsent to HTTPS port")},
     0,
     false,
     CS_FATE_FAILED,
     "http-on-tls-port",
     's'},
    {"HTTP where others speak TLS",
     {OPEN, C("GET / HTTP/1.1\r\n\r\n"), C_FIN},
     0,
     true,
     CS_FATE_FAILED,
     "http-on-tls-port",
     's'},
    {"HTTP, and it is meant",
     {OPEN, C("GET / HTTP/1.1\r\n\r\n"), S("HTTP/1.1 200 OK\r\n\r\n"), S_FIN},
     0,
     false,
     CS_FATE_PLAIN,
     NULL,
     0},
    {"SSH to SSH",
     {OPEN, S("SSH-2.0-a\r\n"), C("SSH-2.0-b\r\n")},
     0,
     false,
     CS_FATE_PLAIN,
     NULL,
     0},
    {"TLS to SSH",
     {OPEN, S("SSH-2.0-a\r\n"), C(CLIENT_HELLO), S_FIN},
     0,
     false,
     CS_FATE_FAILED,
     "not-tls",
     'c'},
    {"TLS to HTTP",
     {OPEN, C(CLIENT_HELLO), S("HTTP/1.1 400 Bad Request\r\n\r\n"), S_FIN},
     0,
     false,
     CS_FATE_FAILED,
     "tls-on-http-port",
     's'},
    {"a PROXY header that is taken",
     {OPEN, C("PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n" CLIENT_HELLO), S(FLIGHT12),
      C(EMPTY12 KEY12 CHANGE SEALED12), S(CHANGE SEALED12)},
     0,
     false,
     CS_FATE_WELL,
     NULL,
     0},
    {"a PROXY header that is not",
     {OPEN, C("PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n" CLIENT_HELLO), S_FIN},
     0,
     false,
     CS_FATE_FAILED,
     "proxy-protocol-unexpected",
     's'},
    {"half a ClientHello",
     {OPEN, C("\x16\x03\x01\0\x36\x01\0\0"), C_FIN},
     0,
     false,
     CS_FATE_FAILED,
     "peer-closed",
     's'},
    {"nothing at all", {{0}}, 0, false, CS_FATE_PARTIAL, NULL, 0},
};

static void play(const struct step *steps, struct cs_captured *c)
{
    uint32_t up = 100, down = 500;
    int64_t us = 1000000;

    c->first_us = us;
    for (unsigned n = 1; n <= 12 && steps->who; n++, steps++) {
        bool client = steps->who == 'c';
        uint32_t *seq = client ? &up : &down;
        us += steps->ms * 1000;
        cs_flow_add(client ? c->up : c->down,
                    &(struct cs_segment){.seq = *seq,
                                         .flags = steps->flags,
                                         .bytes = steps->bytes,
                                         .sent = (uint32_t)steps->bytes.len,
                                         .time_us = us,
                                         .packet = n});
        *seq += (uint32_t)steps->bytes.len + (steps->flags & CS_TCP_SYN ? 1 : 0);
        c->last_us = us;
        c->n_packets = n;
    }
}

/* A long connection: its beginning is told, the rest counted, and the other side heard too. */
static void test_long(void)
{
    size_t budget = 1 << 20;
    struct cs_flow up, down;
    struct cs_captured c = {.up = &up, .down = &down};
    struct cs_dissect_plan plan = {0};
    struct cs_arena arena = {0};
    struct cs_segment data = {
        .seq = 501, .flags = ACK, .bytes = CS_STR(DATA80), .sent = 85, .packet = 10};
    const struct step steps[] = {OPEN, C(CLIENT_HELLO), S(FLIGHT13), C(DATA53), {0}};
    const struct cs_overheard *o;

    cs_addr_parse_ip(CS_STR("192.0.2.1"), 1000, &c.client);
    cs_addr_parse_ip(CS_STR("192.0.2.2"), 443, &c.server);
    cs_flow_init(&up, &budget);
    cs_flow_init(&down, &budget);
    play(steps, &c);
    data.seq += (uint32_t)sizeof(FLIGHT13) - 1;
    for (; data.packet < 1000; data.packet++, data.seq += 85)
        cs_flow_add(&down, &data);
    o = &cs_dissect(&c, &plan, &arena)->overheard;
    tap_int((int64_t)o->server.n_sealed, 991, "encrypted records");
    tap_str(o->events[2].text, CS_STR("ClientHello, 54 bytes, TLSv1.3, TLSv1.2"), "the hello");
    tap_str(o->events[o->n_events - 1].text, CS_STR("927 more encrypted records, 74160 bytes"),
            "the rest");
    cs_arena_deinit(&arena);
    cs_flow_deinit(&up);
    cs_flow_deinit(&down);
}

static void test_row(size_t i)
{
    size_t budget = 1 << 20;
    struct cs_flow up, down;
    struct cs_captured c = {.up = &up, .down = &down};
    struct cs_dissect_plan plan = {.tls_here = rows[i].tls_here};
    struct cs_arena arena = {0};
    const struct cs_dissection *d;

    cs_addr_parse_ip(CS_STR("192.0.2.1"), 1000, &c.client);
    cs_addr_parse_ip(CS_STR("192.0.2.2"), 443, &c.server);
    cs_flow_init(&up, &budget);
    cs_flow_init(&down, &budget);
    play(rows[i].steps, &c);
    plan.end_us = c.last_us + rows[i].silence_ms * 1000;
    d = cs_dissect(&c, &plan, &arena);
    tap_str(cs_str_from(cs_fate_name(d->fate)), cs_str_from(cs_fate_name(rows[i].fate)),
            rows[i].name);
    tap_str(cs_str_from(d->cause ? d->cause->kind->code : NULL), cs_str_from(rows[i].code), "code");
    if (rows[i].told_by)
        tap_ok(d->server == (rows[i].told_by == 's'), "who tells");
    cs_arena_deinit(&arena);
    cs_flow_deinit(&up);
    cs_flow_deinit(&down);
}

int main(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        test_row(i);
    test_long();
    return tap_done();
}
