/* All servers are asked at once; of those that answer the middle one is believed, so that one
 * that is wrong does not count. */
#include "daemon/timecheck.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { EVERY_MS = 15 * 60 * 1000, AGAIN_MS = 60 * 1000, COMPLAIN_MS = 1000 };

static void conclude(struct cs_timecheck *check)
{
    const struct cs_time_question *sorted[CS_TIMECHECK_SERVERS], *middle;
    size_t n = 0;

    for (size_t i = 0; i < check->n; i++) {
        size_t at = n;
        if (check->questions[i].error)
            continue;
        for (; at && sorted[at - 1]->ahead_ms > check->questions[i].ahead_ms; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = &check->questions[i];
        n++;
    }
    if (n == 0) {
        cs_timer_set(check->loop, &check->timer, check->loop->now.mono_ms + AGAIN_MS);
        return;
    }
    middle = sorted[(n - 1) / 2];
    cs_clock_page_note(check->page, middle->ahead_ms, middle->name, &check->loop->now);
    if (middle->ahead_ms >= COMPLAIN_MS || middle->ahead_ms <= -COMPLAIN_MS)
        cs_mainlog_say(
            check->log, CS_LOG_WARN,
            "the clock of this machine is %lld.%03lld s %s that of \"%.*s\": "
            "certificates are judged by it",
            (long long)(middle->ahead_ms < 0 ? -middle->ahead_ms : middle->ahead_ms) / 1000,
            (long long)(middle->ahead_ms < 0 ? -middle->ahead_ms : middle->ahead_ms) % 1000,
            middle->ahead_ms < 0 ? "behind" : "ahead of", CS_FMT(middle->name));
}

static void on_done(struct cs_sntp *sntp, int error, int64_t ahead_ms)
{
    struct cs_time_question *q = cs_container_of(sntp, struct cs_time_question, sntp);
    struct cs_timecheck *check = q->check;

    q->error = error;
    q->ahead_ms = ahead_ms;
    if (error && !check->complained) {
        check->complained = true; /* once is enough: it is evidence that is missing, no more */
        cs_mainlog_say(check->log, CS_LOG_WARN, "time server \"%.*s\" gives no answer (%d: %s)",
                       CS_FMT(q->name), -error, strerror(-error));
    }
    for (size_t i = 0; i < check->n; i++) {
        if (check->questions[i].error == -EINPROGRESS)
            return;
    }
    conclude(check);
}

static void ask(struct cs_timecheck *check)
{
    cs_timer_set(check->loop, &check->timer, check->loop->now.mono_ms + EVERY_MS);
    for (size_t i = 0; i < check->n; i++)
        check->questions[i].error = -EINPROGRESS;
    for (size_t i = 0; i < check->n; i++) {
        struct cs_time_question *q = &check->questions[i];
        int r = cs_sntp_ask(&q->sntp, check->loop, &check->snapshot->time_sources[i].addr);
        if (r < 0)
            on_done(&q->sntp, r, 0);
    }
}

static void on_timer(struct cs_timer *timer)
{
    ask(cs_container_of(timer, struct cs_timecheck, timer));
}

void cs_timecheck_begin(struct cs_timecheck *check, struct cs_loop *loop,
                        const struct cs_mainlog *log, struct cs_clock_page *page,
                        struct cs_snapshot *snapshot)
{
    cs_timecheck_end(check);
    if (snapshot->n_time_sources == 0 || !page)
        return;
    *check = (struct cs_timecheck){.loop = loop,
                                   .log = log,
                                   .page = page,
                                   .snapshot = cs_snapshot_ref(snapshot),
                                   .timer.fire = on_timer};
    for (; check->n < snapshot->n_time_sources && check->n < CS_TIMECHECK_SERVERS; check->n++)
        check->questions[check->n] = (struct cs_time_question){
            .sntp.done = on_done, .check = check, .name = snapshot->time_sources[check->n].name};
    ask(check);
}

void cs_timecheck_isolate(struct cs_timecheck *check)
{
    for (size_t i = 0; i < check->n; i++) {
        if (check->questions[i].sntp.loop)
            close(check->questions[i].sntp.watch.fd);
    }
}

void cs_timecheck_end(struct cs_timecheck *check)
{
    if (!check->loop)
        return;
    for (size_t i = 0; i < check->n; i++)
        cs_sntp_stop(&check->questions[i].sntp);
    cs_timer_cancel(check->loop, &check->timer);
    cs_snapshot_unref(check->snapshot);
    *check = (struct cs_timecheck){0};
}
