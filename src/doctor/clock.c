/* One question to a time server, while nothing else goes on. */
#include <errno.h>

#include "doctor/visit.h"
#include "io/sntp.h"
#include "io/socket.h"

struct question {
    struct cs_sntp sntp;
    bool answered;
    int error;
    int64_t ahead_ms;
};

static void on_answer(struct cs_sntp *sntp, int error, int64_t ahead_ms)
{
    struct question *q = cs_container_of(sntp, struct question, sntp);

    q->answered = true;
    q->error = error;
    q->ahead_ms = ahead_ms;
}

int cs_visit_ask_time(struct cs_visit *visit, struct cs_str host, uint16_t port)
{
    struct question q = {.sntp.done = on_answer};
    struct cs_addr *addrs;
    size_t n;
    int r = cs_resolve(host, port, &visit->arena, &addrs, &n);

    r = r ? r : cs_sntp_ask(&q.sntp, &visit->talk.loop, &addrs[0]);
    while (r == 0 && !q.answered) {
        r = cs_loop_turn(&visit->talk.loop, -1);
        r = r < 0 && r != -EINTR ? r : 0;
    }
    cs_sntp_stop(&q.sntp);
    r = r ? r : q.error;
    if (r == 0) {
        visit->clock.measured = true;
        visit->clock.ahead_ms = q.ahead_ms;
        visit->clock.source = host;
    }
    return r;
}
