/* One datagram there, one back; the middle of the way is where the server's clock was read.
 * Datagrams are easily forged: only an answer from the asked address that repeats our nonce
 * counts. */
#include "io/sntp.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TRIES = 3, WAIT_MS = 1000, CLIENT = 3, SERVER = 4, VERSION = 4 };
enum { AT_STRATUM = 1, AT_ORIGIN = 24, AT_RECEIVED = 32, AT_SENT = 40 };

/* Seconds from 1900 to 1970, and the length of an era. */
#define NTP_1970 INT64_C(2208988800)
#define NTP_ERA (INT64_C(1) << 32)

void cs_sntp_request(const uint8_t nonce[8], uint8_t ret_request[CS_SNTP_BYTES])
{
    memset(ret_request, 0, CS_SNTP_BYTES);
    ret_request[0] = VERSION << 3 | CLIENT;
    memcpy(ret_request + AT_SENT, nonce, 8);
}

static uint32_t number(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Milliseconds since 1970. Small seconds are those of the era that begins in 2036. */
static int64_t read_time(const uint8_t *p)
{
    int64_t seconds = number(p);

    if (seconds < NTP_ERA / 2)
        seconds += NTP_ERA;
    return (seconds - NTP_1970) * 1000 + ((int64_t)number(p + 4) * 1000 >> 32);
}

int cs_sntp_answer(struct cs_str answer, const uint8_t nonce[8], int64_t sent_ms,
                   int64_t received_ms, int64_t *ret_ahead_ms)
{
    static const uint8_t never[8];
    const uint8_t *p = (const uint8_t *)answer.ptr;
    int64_t there, back;

    if (answer.len < CS_SNTP_BYTES || (p[0] & 7) != SERVER || memcmp(p + AT_ORIGIN, nonce, 8) != 0)
        return -EBADMSG;
    if (p[AT_STRATUM] == 0)
        return -EAGAIN; /* a kiss of death */
    if (p[AT_STRATUM] > 15 || p[0] >> 6 == 3 || memcmp(p + AT_SENT, never, 8) == 0)
        return -ENODATA;
    there = sent_ms - read_time(p + AT_RECEIVED);
    back = received_ms - read_time(p + AT_SENT);
    *ret_ahead_ms = (there + back) / 2;
    return 0;
}

void cs_sntp_stop(struct cs_sntp *sntp)
{
    if (!sntp->loop)
        return;
    cs_timer_cancel(sntp->loop, &sntp->timer);
    cs_watch_close(&sntp->watch);
    sntp->loop = NULL;
}

static void finish(struct cs_sntp *sntp, int error, int64_t ahead_ms)
{
    cs_sntp_stop(sntp);
    sntp->done(sntp, error, ahead_ms);
}

static int send_request(struct cs_sntp *sntp)
{
    uint8_t request[CS_SNTP_BYTES];

    if (getrandom(sntp->nonce, sizeof(sntp->nonce), 0) != sizeof(sntp->nonce))
        return -EIO;
    cs_sntp_request(sntp->nonce, request);
    cs_loop_now(sntp->loop);
    sntp->sent_ms = sntp->loop->now.wall_ms;
    cs_timer_set(sntp->loop, &sntp->timer, sntp->loop->now.mono_ms + WAIT_MS);
    sntp->tries++;
    return send(sntp->watch.fd, request, sizeof(request), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void on_wait_over(struct cs_timer *timer)
{
    struct cs_sntp *sntp = cs_container_of(timer, struct cs_sntp, timer);

    if (sntp->tries == TRIES)
        finish(sntp, -ETIMEDOUT, 0);
    else
        send_request(sntp); /* what fails now may succeed the next time */
}

static void on_readable(struct cs_watch *watch)
{
    struct cs_sntp *sntp = cs_container_of(watch, struct cs_sntp, watch);
    char bytes[512];
    int64_t ahead_ms = 0;

    for (;;) {
        ssize_t n = recv(watch->fd, bytes, sizeof(bytes), 0);
        int r;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            watch->readable = false;
            if (errno != EAGAIN)
                finish(sntp, -errno, 0); /* nobody listens there */
            return;
        }
        cs_loop_now(sntp->loop);
        r = cs_sntp_answer(cs_str_make(bytes, (size_t)n), sntp->nonce, sntp->sent_ms,
                           sntp->loop->now.wall_ms, &ahead_ms);
        if (r != -EBADMSG) {
            finish(sntp, r, ahead_ms);
            return;
        }
    }
}

int cs_sntp_ask(struct cs_sntp *sntp, struct cs_loop *loop, const struct cs_addr *server)
{
    int fd = socket(server->sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int r;

    if (fd < 0)
        return -errno;
    r = connect(fd, &server->sa, server->len) < 0 ? -errno : 0;
    r = r < 0 ? r : cs_watch_add(loop, &sntp->watch, fd, on_readable);
    if (r < 0) {
        close(fd);
        return r;
    }
    sntp->loop = loop;
    sntp->tries = 0;
    sntp->timer = (struct cs_timer){.fire = on_wait_over};
    r = send_request(sntp);
    if (r < 0)
        cs_sntp_stop(sntp);
    return r;
}
