/* Answers of time servers, right and wrong, and one question over the loopback. */
#include "io/sntp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

static const uint8_t nonce[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static void put(uint8_t *p, uint32_t n)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(n >> (24 - 8 * i));
}

/* An answer whose server read its clock at @seconds and a half (NTP's count). */
static void make_answer(uint8_t bytes[CS_SNTP_BYTES], uint8_t first, uint8_t stratum,
                        uint32_t seconds)
{
    memset(bytes, 0, CS_SNTP_BYTES);
    bytes[0] = first;
    bytes[1] = stratum;
    memcpy(bytes + 24, nonce, sizeof(nonce));
    for (int at = 32; at <= 40; at += 8) {
        put(bytes + at, seconds);
        put(bytes + at + 4, 1u << 31);
    }
}

static void test_answers(void)
{
    /* 1 January 2026, and the same moment of the clock in 2036's era: 7 February 2036 06:28:16 */
    const uint32_t in_2026 = 3976214400u, in_2036 = 0;
    const int64_t ms_2026 = INT64_C(1767225600000), ms_2036 = INT64_C(2085978496000);
    struct {
        const char *what;
        uint8_t first, stratum;
        uint32_t seconds;
        size_t len;
        int64_t sent_ms, received_ms;
        int r;
        int64_t ahead_ms;
    } rows[] = {
        {"in step", 0x24, 2, in_2026, 48, ms_2026 + 480, ms_2026 + 520, 0, 0},
        {"an hour ahead", 0x24, 1, in_2026, 48, ms_2026 + 3600500, ms_2026 + 3600500, 0, 3600000},
        {"at 1970", 0x24, 1, in_2026, 48, 500, 500, 0, -ms_2026},
        {"the next era", 0x24, 1, in_2036, 48, ms_2036 + 500, ms_2036 + 500, 0, 0},
        {"version 3 answers too", 0x1c, 15, in_2026, 48, ms_2026 + 500, ms_2026 + 500, 0, 0},
        {"with an extension", 0x24, 2, in_2026, 60, ms_2026 + 500, ms_2026 + 500, 0, 0},
        {"too short", 0x24, 2, in_2026, 47, 0, 0, -EBADMSG, 0},
        {"empty", 0x24, 2, in_2026, 0, 0, 0, -EBADMSG, 0},
        {"a request", 0x23, 2, in_2026, 48, 0, 0, -EBADMSG, 0},
        {"a broadcast", 0x25, 2, in_2026, 48, 0, 0, -EBADMSG, 0},
        {"kiss of death", 0x24, 0, in_2026, 48, 0, 0, -EAGAIN, 0},
        {"not synchronised", 0xe4, 2, in_2026, 48, 0, 0, -ENODATA, 0},
        {"stratum 16", 0x24, 16, in_2026, 48, 0, 0, -ENODATA, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t bytes[64] = {0};
        int64_t ahead_ms = 0;

        make_answer(bytes, rows[i].first, rows[i].stratum, rows[i].seconds);
        tap_int(cs_sntp_answer(cs_str_make((char *)bytes, rows[i].len), nonce, rows[i].sent_ms,
                               rows[i].received_ms, &ahead_ms),
                rows[i].r, rows[i].what);
        tap_int(ahead_ms, rows[i].ahead_ms, "how far ahead");
    }
}

static void test_forged(void)
{
    uint8_t bytes[CS_SNTP_BYTES];
    int64_t ahead_ms = 7;

    make_answer(bytes, 0x24, 2, 3976214400u);
    for (int at = 24; at < 32; at++) {
        bytes[at] ^= 1;
        tap_int(cs_sntp_answer(cs_str_make((char *)bytes, sizeof(bytes)), nonce, 0, 0, &ahead_ms),
                -EBADMSG, "another's nonce");
        bytes[at] ^= 1;
    }
    memset(bytes + 40, 0, 8);
    tap_int(cs_sntp_answer(cs_str_make((char *)bytes, sizeof(bytes)), nonce, 0, 0, &ahead_ms),
            -ENODATA, "no time in it");
    tap_int(ahead_ms, 7, "written on success only");
}

struct question {
    struct cs_sntp sntp;
    int error;
    bool done;
    int64_t ahead_ms;
};

static void on_done(struct cs_sntp *sntp, int error, int64_t ahead_ms)
{
    struct question *q = cs_container_of(sntp, struct question, sntp);

    q->done = true;
    q->error = error;
    q->ahead_ms = ahead_ms;
}

static int serve(struct cs_addr *ret_addr)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);

    if (fd < 0 || cs_addr_parse_ip(CS_STR("127.0.0.1"), 0, ret_addr) < 0 ||
        bind(fd, &ret_addr->sa, ret_addr->len) < 0 ||
        getsockname(fd, (struct sockaddr *)&ss, &len) < 0 ||
        cs_addr_from_sockaddr((struct sockaddr *)&ss, len, ret_addr) < 0)
        abort();
    return fd;
}

/* The server's half: its clock is ten seconds behind @now_ms; a forged answer comes first. */
static void answer(int fd, int64_t now_ms)
{
    uint8_t request[64], bytes[CS_SNTP_BYTES];
    struct sockaddr_storage from;
    socklen_t len = sizeof(from);
    int64_t at = now_ms / 1000 - 10 + INT64_C(2208988800);

    if (recvfrom(fd, request, sizeof(request), 0, (struct sockaddr *)&from, &len) != CS_SNTP_BYTES)
        abort();
    make_answer(bytes, 0x24, 2, (uint32_t)at);
    sendto(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, len);
    memcpy(bytes + 24, request + 40, 8);
    sendto(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, len);
}

static void test_question(void)
{
    struct question q = {.sntp.done = on_done};
    struct cs_loop loop;
    struct cs_addr addr;
    int fd = serve(&addr);

    if (cs_loop_init(&loop) < 0)
        abort();
    tap_int(cs_sntp_ask(&q.sntp, &loop, &addr), 0, "asked");
    answer(fd, loop.now.wall_ms);
    for (int i = 0; i < 100 && !q.done; i++)
        cs_loop_turn(&loop, 100);
    tap_int(q.error, 0, "answered, and the forged answer ignored");
    tap_ok(q.ahead_ms > 8000 && q.ahead_ms < 12000, "ten seconds ahead");

    q.done = false;
    close(fd);
    tap_int(cs_sntp_ask(&q.sntp, &loop, &addr), 0, "asked where nobody listens");
    for (int i = 0; i < 100 && !q.done; i++)
        cs_loop_turn(&loop, 100);
    tap_int(q.error, -ECONNREFUSED, "refused");

    fd = serve(&addr);
    tap_int(cs_sntp_ask(&q.sntp, &loop, &addr), 0, "asked, and stopped");
    cs_sntp_stop(&q.sntp);
    cs_sntp_stop(&q.sntp);
    tap_int((long)loop.n_watches, 0, "nothing is left");
    close(fd);
    cs_loop_deinit(&loop);
}

int main(void)
{
    test_answers();
    test_forged();
    test_question();
    return tap_done();
}
