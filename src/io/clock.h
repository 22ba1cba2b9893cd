/* What this machine can find out about its own clock: the kernel's view, and a page of memory
 * in which one process notes what a time server said and all others read it. */
#ifndef CS_IO_CLOCK_H
#define CS_IO_CLOCK_H

#include "base/time.h"
#include "telemetry/clock.h"

struct cs_clock_page;

/** cs_clock_ask_kernel() - fill the kernel's part of *@clock (adjtimex(2), read only). Where the
 *  kernel does not answer, kernel_known is false. */
void cs_clock_ask_kernel(struct cs_clock *clock);

/** cs_clock_page_new() - a page that the processes forked from here share. Return: NULL when there
 *  is no memory for it: then nobody knows. */
struct cs_clock_page *cs_clock_page_new(void);
/** cs_clock_page_free() - for this process. NULL is fine. Return: NULL. */
struct cs_clock_page *cs_clock_page_free(struct cs_clock_page *page);
/** cs_clock_page_note() - a time server has answered: this clock is @ahead_ms ahead of it. One
 *  process writes. */
void cs_clock_page_note(struct cs_clock_page *page, int64_t ahead_ms, struct cs_str source,
                        const struct cs_now *now);
/** cs_clock_look() - all that is known now. @page may be NULL. clock->source points into @page. */
void cs_clock_look(const struct cs_clock_page *page, const struct cs_now *now,
                   struct cs_clock *ret_clock);

#endif
