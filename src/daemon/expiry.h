/* Warnings before papers expire: certificates that are shown, CAs that are trusted, revocation
 * lists.
 *
 * Each is warned of 30 days, 7 days and 1 day before its time is over; one that lives for less than
 * three times as long, first when a third of its life is left. And once when it is over. Nothing is
 * said twice about the same paper, whatever is reloaded meanwhile.
 */
#ifndef CS_DAEMON_EXPIRY_H
#define CS_DAEMON_EXPIRY_H

#include "base/hash.h"
#include "daemon/mainlog.h"
#include "io/alarm.h"
#include "snapshot/snapshot.h"

/* The most moments at which something is said about a paper. */
#define CS_EXPIRY_STEPS 4

/* Zeroed, it may be given to cs_expiry_end(). Its address must not change while it runs. */
struct cs_expiry {
    const struct cs_mainlog *log;
    struct cs_snapshot *snapshot; /* one reference; NULL: it does not run */
    struct cs_alarm alarm;        /* when there is the next thing to say */
    struct cs_map told;           /* by what names a paper → struct told */
};

/** cs_expiry_begin() - look at the papers of @snapshot from now on, and at no others. Takes a
 *  reference; @loop and @log outlive it. Return: 0, or -errno. */
int cs_expiry_begin(struct cs_expiry *expiry, struct cs_loop *loop, const struct cs_mainlog *log,
                    struct cs_snapshot *snapshot);
/** cs_expiry_isolate() - in a forked child: close its copy of the alarm. */
void cs_expiry_isolate(struct cs_expiry *expiry);
/** cs_expiry_end() - look no more. */
void cs_expiry_end(struct cs_expiry *expiry);

/** cs_expiry_steps() - when a paper of that validity is to be warned of, the first time first, the
 *  end of it last; moments that lie before another one count once. Pure. Return: how many. */
size_t cs_expiry_steps(int64_t from, int64_t until, int64_t ret_steps[CS_EXPIRY_STEPS]);

#endif
