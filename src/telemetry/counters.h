/* How often what failed where: counts by code, listener and server block.
 *
 * One block of memory that every process of the service shares, so that a count is the service's
 * and outlives workers and configurations. Counting waits for nobody and takes no lock: a row is
 * claimed by one compare-and-swap, then only ever added to. The number of rows is bounded; when
 * they are used up, what is new is counted by its code alone.
 */
#ifndef CS_TELEMETRY_COUNTERS_H
#define CS_TELEMETRY_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct cs_counters;

/* One row, as read. Texts are the table's and last as long as it; long ones are cut. */
struct cs_count {
    struct cs_str code;     /* "certificate-expired" */
    struct cs_str listener; /* "127.0.0.1:8443"; empty with server: see above */
    struct cs_str server;   /* name of the server block */
    uint64_t n;
};

/** cs_counters_size() - bytes that a table takes. */
size_t cs_counters_size(void);
/** cs_counters_add() - one more. @counters: cs_counters_size() bytes, zeroed before the first use,
 *  aligned for any type; NULL counts nothing. Wait-free; from any process. */
void cs_counters_add(struct cs_counters *counters, struct cs_str code, struct cs_str listener,
                     struct cs_str server);
/** cs_counters_next() - go through the rows; *@at is 0 at first. What is added meanwhile may or may
 *  not be seen. Return: whether *@ret_count is one more. */
bool cs_counters_next(const struct cs_counters *counters, size_t *at, struct cs_count *ret_count);
/** cs_counters_lost() - failures that no row could be found for: 0 unless there are more codes than
 *  rows kept for them. */
uint64_t cs_counters_lost(const struct cs_counters *counters);

#endif
