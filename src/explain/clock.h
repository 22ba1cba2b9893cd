/* Whether the clock is to blame. */
#ifndef CS_EXPLAIN_CLOCK_H
#define CS_EXPLAIN_CLOCK_H

#include "base/arena.h"
#include "base/findings.h"
#include "telemetry/clock.h"

/** cs_clock_matters() - whether a cause of @kind is about time, so that the state of the clock
 *  belongs to its evidence. */
bool cs_clock_matters(const struct cs_finding_kind *kind);
/** cs_clock_text() - what the witnesses say about this machine's clock, which stands at @now_ms,
 *  as one clause; in @arena. Empty when none says anything. */
struct cs_str cs_clock_text(const struct cs_clock *clock, int64_t now_ms, struct cs_arena *arena);

#endif
