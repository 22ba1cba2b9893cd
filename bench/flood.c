/* bench-flood: clients that fail to shake hands, so many a second. Each connects, says something
 * that no handshake can come of, and goes when the server has answered or hung up; one in four
 * goes in the middle of its hello. Prints how many there were when it is told to stop. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io/conduit.h"
#include "io/signals.h"
#include "io/socket.h"
#include "pace.h"

#define VISITORS 1024 /* at a time; if all wait for the server, what is due is late */

/* A hello of TLS 1.0, which offers nothing newer. */
static const char old_hello[] = "\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x01"
                                "0123456789abcdef0123456789abcdef"
                                "\x00\x00\x04\xc0\x13\x00\x2f\x01\x00";

static const char garbage[] = "\x05nobody has ever begun TLS like this",
                  http[] = "GET / HTTP/1.1\r\n"
                           "Host: localhost\r\n\r\n";

static const struct saying {
    const char *name, *text;
    size_t len;
    bool leaves; /* does not wait for an answer */
} sayings[] = {
    {"garbage", garbage, sizeof(garbage) - 1, false},
    {"half a hello", old_hello, sizeof(old_hello) / 2, true},
    {"old version", old_hello, sizeof(old_hello) - 1, false},
    {"plain HTTP", http, sizeof(http) - 1, false},
};
#define N_SAYINGS (sizeof(sayings) / sizeof(*sayings))

struct visitor {
    struct cs_watch watch;
    const struct saying *saying;
    bool said, here;
};

static struct cs_loop loop;
static struct cs_addr addr;
static struct cs_pace pace;
static struct visitor visitors[VISITORS];
static uint64_t n_done[N_SAYINGS], n_unanswered, n_begun;
static size_t at;

static int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void go(struct visitor *v, bool answered)
{
    v->here = false;
    cs_watch_close(&v->watch);
    if (answered)
        n_done[v->saying - sayings]++;
    else
        n_unanswered++;
}

/* Read what there is. Return: whether the server has said something, or hung up. */
static bool answered(struct visitor *v)
{
    char buf[4096];
    bool heard = v->watch.hangup;
    size_t n = 0;
    int r;

    do {
        r = cs_sock_read(v->watch.fd, buf, sizeof(buf), &n);
        heard = heard || r != CS_IO_WANT_READ;
    } while (r == CS_IO_DONE && n == sizeof(buf));
    v->watch.readable = false;
    return heard;
}

static void on_ready(struct cs_watch *watch)
{
    struct visitor *v = cs_container_of(watch, struct visitor, watch);
    size_t n = 0;

    if (!v->said && watch->writable) {
        if (cs_connect_result(watch->fd) < 0 ||
            cs_sock_write(watch->fd, v->saying->text, v->saying->len, &n) != CS_IO_DONE) {
            go(v, false);
            return;
        }
        v->said = true;
        if (v->saying->leaves) {
            go(v, true);
            return;
        }
    }
    if (v->said && (watch->readable || watch->hangup) && answered(v))
        go(v, true);
}

static struct visitor *somebody(void)
{
    for (size_t i = 0; i < VISITORS; i++) {
        struct visitor *v = &visitors[at++ % VISITORS];
        if (!v->here)
            return v;
    }
    return NULL;
}

static void visit(struct visitor *v)
{
    int fd;

    v->saying = &sayings[n_begun++ % N_SAYINGS];
    v->said = false;
    if (cs_connect_start(&addr, &fd) < 0) {
        n_unanswered++;
        return;
    }
    if (cs_watch_add(&loop, &v->watch, fd, on_ready) < 0) {
        close(fd);
        n_unanswered++;
        return;
    }
    v->here = true;
}

static void on_due(struct cs_pace *p)
{
    int64_t due_ns, now = now_ns();

    for (struct visitor *v = somebody(); v && cs_pace_take(p, now, &due_ns); v = somebody())
        visit(v);
}

static void on_signal(struct cs_signals *signals, int signo, pid_t sender)
{
    cs_loop_stop(&loop);
}

static int read_address(const char *text)
{
    struct cs_str ip = cs_str_from(text);
    ptrdiff_t colon = cs_str_rfind(ip, ':');
    uint64_t port;

    if (colon < 0 || cs_str_to_u64(cs_str_skip(ip, (size_t)colon + 1), 65535, &port) < 0)
        return -EINVAL;
    return cs_addr_parse_ip(cs_str_sub(ip, 0, (size_t)colon), (uint16_t)port, &addr);
}

static void report(double seconds)
{
    uint64_t n = 0;

    printf("{\"kinds\":{");
    for (size_t i = 0; i < N_SAYINGS; i++) {
        printf("%s\"%s\":%llu", i ? "," : "", sayings[i].name, (unsigned long long)n_done[i]);
        n += n_done[i];
    }
    printf("},\"failures\":%llu,\"unanswered\":%llu,\"seconds\":%.3f,\"rate\":%.1f}\n",
           (unsigned long long)n, (unsigned long long)n_unanswered, seconds, (double)n / seconds);
}

static int run(double rate)
{
    static const int ends[] = {SIGTERM, SIGINT};
    struct cs_signals signals;
    int64_t begun;
    int r = cs_loop_init(&loop);

    r = r ? r : cs_signals_init(&signals, &loop, ends, 2, on_signal);
    if (r < 0)
        return r;
    begun = now_ns();
    cs_pace_init(&pace, rate, begun);
    r = cs_pace_start(&pace, &loop, on_due);
    if (r < 0)
        return r;
    cs_loop_run(&loop);
    cs_pace_stop(&pace);
    report((double)(now_ns() - begun) / 1e9);
    return 0;
}

int main(int argc, char **argv)
{
    double rate = argc == 3 ? strtod(argv[2], NULL) : 0;
    int r;

    if (!(rate >= 1) || read_address(argv[1]) < 0) {
        fprintf(stderr, "usage: bench-flood IP:PORT PER_SECOND\n");
        return 2;
    }
    r = run(rate);
    if (r < 0)
        fprintf(stderr, "bench-flood: %s\n", strerror(-r));
    return r != 0;
}
