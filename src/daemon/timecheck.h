/* How far this machine's clock is off, asked of the configured time servers now and then.
 *
 * The supervisor asks; workers read the answer from the clock page (io/clock.h) when they have
 * a certificate to explain that is expired or not yet valid.
 */
#ifndef CS_DAEMON_TIMECHECK_H
#define CS_DAEMON_TIMECHECK_H

#include "daemon/mainlog.h"
#include "io/clock.h"
#include "io/sntp.h"
#include "snapshot/snapshot.h"

/* The most servers of a configuration that are asked. */
#define CS_TIMECHECK_SERVERS 8

struct cs_time_question {
    struct cs_sntp sntp;
    struct cs_timecheck *check;
    struct cs_str name; /* of the snapshot */
    int error;          /* -EINPROGRESS until it is answered */
    int64_t ahead_ms;
};

/* Zeroed, it asks nobody. Its address must not change while it runs. */
struct cs_timecheck {
    struct cs_loop *loop;
    const struct cs_mainlog *log;
    struct cs_clock_page *page;
    struct cs_snapshot *snapshot;
    struct cs_timer timer;
    struct cs_time_question questions[CS_TIMECHECK_SERVERS];
    size_t n;
    bool complained;
};

/** cs_timecheck_begin() - ask the time servers of @snapshot, at once and then every quarter of an
 *  hour (every minute while none answers), and no others any more. Takes a reference; @loop, @log
 * and @page outlive the check. */
void cs_timecheck_begin(struct cs_timecheck *check, struct cs_loop *loop,
                        const struct cs_mainlog *log, struct cs_clock_page *page,
                        struct cs_snapshot *snapshot);
/** cs_timecheck_isolate() - in a forked child, which asks nobody: close its copies of the sockets.
 */
void cs_timecheck_isolate(struct cs_timecheck *check);
/** cs_timecheck_end() - ask nobody any more. Harmless when nobody is asked. */
void cs_timecheck_end(struct cs_timecheck *check);

#endif
