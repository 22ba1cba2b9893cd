/* The kernel's view of the clock. */
#ifndef CS_IO_CLOCK_H
#define CS_IO_CLOCK_H

#include "telemetry/clock.h"

/** cs_clock_ask_kernel() - fill the kernel's part of *@clock (adjtimex(2), read only). Where the
 *  kernel does not answer, kernel_known is false. */
void cs_clock_ask_kernel(struct cs_clock *clock);

#endif
