/* How long operations took: counts in buckets that grow with the value, so that any quantile
 * is known to 1.6 % and recording one is an addition. */
#ifndef CS_BENCH_LATENCY_H
#define CS_BENCH_LATENCY_H

#include <stdint.h>

#define CS_LATENCY_STEPS 64 /* buckets per power of two */
#define CS_LATENCY_BUCKETS (40 * CS_LATENCY_STEPS)

/* Zeroed, it is valid and empty. */
struct cs_latency {
    uint64_t n;
    uint64_t buckets[CS_LATENCY_BUCKETS];
};

/** cs_latency_add() - one operation took @ns. */
void cs_latency_add(struct cs_latency *latency, int64_t ns);
/** cs_latency_quantile() - the time that @share (0 to 1) of all operations stayed below, as
 *  the middle of its bucket. Return: nanoseconds; 0 when nothing was recorded. */
double cs_latency_quantile(const struct cs_latency *latency, double share);

#endif
