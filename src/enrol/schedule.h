/* When to ask for the next certificate. Pure: time and chance are arguments.
 *
 * A certificate lives by the time of day, and this machine's may be wrong, may be set, or may stand
 * still with the machine. So what is due is due by whichever clock says so first: by the time of
 * day, or by the monotonic clock, on which the deadline was put when the certificate came and both
 * were known to the CA. A certificate that is due by our time of day at the moment when it was
 * issued shows that this clock is wrong, and it is asked no more while that certificate is held.
 *
 * Failures push the next attempt away, twice as far each time, with jitter; but never so far that
 * few attempts would be left before the end.
 */
#ifndef CS_ENROL_SCHEDULE_H
#define CS_ENROL_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/level.h"
#include "base/time.h"

/* Seconds since 1970; not_before <= renew_at <= not_after. */
struct cs_lifetime {
    int64_t not_before, not_after;
    int64_t renew_at; /* chosen by the CA */
};

/* Zeroed: no certificate is held, the first attempt is due. */
struct cs_schedule {
    bool holds;
    struct cs_lifetime life;
    int64_t due_mono_ms; /* renew_at, and not_after, by the monotonic clock */
    int64_t end_mono_ms;
    bool clock_wrong;  /* the time of day cannot be right: only the monotonic clock counts */
    unsigned failures; /* in a row */
    int64_t failed_mono_ms;
    int64_t delay_ms; /* after that */
};

/** cs_schedule_holds() - a certificate that was issued some time ago, read from files at the start.
 */
void cs_schedule_holds(struct cs_schedule *schedule, const struct cs_lifetime *life,
                       const struct cs_now *now);
/** cs_schedule_issued() - a certificate that was issued this moment, when the CA's time was
 *  @ca_sec (0: not known). Failures are forgotten. */
void cs_schedule_issued(struct cs_schedule *schedule, const struct cs_lifetime *life,
                        int64_t ca_sec, const struct cs_now *now);
/** cs_schedule_failed() - an attempt has failed. @refused: the CA said no, so that hurry is of no
 *  use. @after_ms: not sooner than that, if the CA said so, as far as the end allows; else 0.
 *  @random: any number. */
void cs_schedule_failed(struct cs_schedule *schedule, bool refused, int64_t after_ms,
                        uint64_t random, const struct cs_now *now);
/** cs_schedule_hurry() - the next attempt is due now, whatever was planned. */
void cs_schedule_hurry(struct cs_schedule *schedule, const struct cs_now *now);

/** cs_schedule_wait_ms() - how long to wait at @now: at most half a minute, and less when little of
 *  the certificate's life is left, for the clock may be set meanwhile. Ask again then.
 *  Return: 0 (due), or milliseconds. */
int64_t cs_schedule_wait_ms(const struct cs_schedule *schedule, const struct cs_now *now);
/** cs_schedule_next_ms() - the same without that limit: for words. */
int64_t cs_schedule_next_ms(const struct cs_schedule *schedule, const struct cs_now *now);
/** cs_schedule_left_sec() - how long the certificate is good for: negative when it has expired,
 *  INT64_MIN when none is held. */
int64_t cs_schedule_left_sec(const struct cs_schedule *schedule, const struct cs_now *now);
/** cs_schedule_usable() - whether one is held that has not expired. */
bool cs_schedule_usable(const struct cs_schedule *schedule, const struct cs_now *now);
/** cs_schedule_level() - how grave a failure at @now is: a warning first, an error when half of the
 *  time between renew_at and the end is over, critical when four fifths of it are. Without a
 *  certificate it is an error. */
enum cs_log_level cs_schedule_level(const struct cs_schedule *schedule, const struct cs_now *now);

#endif
