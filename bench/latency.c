/* A value below 64 has its own bucket; above, the highest bit chooses the row and the six
 * bits behind it the bucket in that row. */
#include "latency.h"

static unsigned bucket_of(uint64_t ns)
{
    unsigned shift, at;

    if (ns < CS_LATENCY_STEPS)
        return (unsigned)ns;
    shift = 57 - (unsigned)__builtin_clzll(ns);
    at = (shift + 1) * CS_LATENCY_STEPS + (unsigned)(ns >> shift) - CS_LATENCY_STEPS;
    return at < CS_LATENCY_BUCKETS ? at : CS_LATENCY_BUCKETS - 1;
}

static double middle_of(unsigned bucket)
{
    unsigned row = bucket / CS_LATENCY_STEPS, at = bucket % CS_LATENCY_STEPS;

    if (row == 0)
        return at;
    return ((double)(at + CS_LATENCY_STEPS) + 0.5) * (double)(1ULL << (row - 1));
}

void cs_latency_add(struct cs_latency *latency, int64_t ns)
{
    latency->buckets[bucket_of(ns > 0 ? (uint64_t)ns : 0)]++;
    latency->n++;
}

double cs_latency_quantile(const struct cs_latency *latency, double share)
{
    uint64_t seen = 0;

    for (unsigned i = 0; i < CS_LATENCY_BUCKETS; i++) {
        seen += latency->buckets[i];
        if (latency->n && (double)seen >= share * (double)latency->n)
            return middle_of(i);
    }
    return 0;
}
