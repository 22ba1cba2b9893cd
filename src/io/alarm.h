/* An alarm: a call at a time of day.
 *
 * A timer (io/timer.h) counts what passes; an alarm follows the wall clock, also when somebody
 * sets it meanwhile: put forward past the alarm, it rings at once, put back, it rings later.
 */
#ifndef CS_IO_ALARM_H
#define CS_IO_ALARM_H

#include <stdint.h>

#include "io/loop.h"

/* Zeroed, it may be given to cs_alarm_deinit(). Its address must not change while it is in use. */
struct cs_alarm {
    struct cs_watch watch;
    int64_t at_sec; /* INT64_MAX: it does not ring */
    void (*ring)(struct cs_alarm *alarm);
};

/** cs_alarm_init() - an alarm that does not ring yet; @ring is called when it is time, after which
 *  it does not ring again. Return: 0, or -errno. */
int cs_alarm_init(struct cs_alarm *alarm, struct cs_loop *loop,
                  void (*ring)(struct cs_alarm *alarm));
/** cs_alarm_deinit() - it does not ring any more. */
void cs_alarm_deinit(struct cs_alarm *alarm);
/** cs_alarm_set() - ring at @at_sec (seconds since 1970), at once when that has passed; INT64_MAX:
 *  never. */
void cs_alarm_set(struct cs_alarm *alarm, int64_t at_sec);

#endif
