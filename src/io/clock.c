/* adjtimex(2) without modes reads: whatever keeps the clock (chrony, ntpd, timesyncd) tells the
 * kernel how well it does; nobody having done so for a while makes the clock unsynchronised. */
#include "io/clock.h"

#include <sys/timex.h>

void cs_clock_ask_kernel(struct cs_clock *clock)
{
    struct timex t = {.modes = 0};
    int state = adjtimex(&t);

    clock->kernel_known = state >= 0;
    clock->synchronised = state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC);
    clock->error_ms = state >= 0 ? t.maxerror / 1000 : 0;
}
