/* Certificates as a busy CA has them in its store: as large as those of P-256 keys, serial numbers
 * and requests random, the same in every run. */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include "store/store.h"

#define SAMPLE_DAY 86400
#define SAMPLE_MANY 1000000u /* as many are issued in a day */
#define SAMPLE_SHARDS 64

/* What one is made of; the rest borrows from it. */
struct sample {
    struct cs_stored_cert cert;
    struct cs_stored_audit entry; /* of its being issued */
    uint64_t serial[2], der[80];
    char identity[80], detail[120], hex[32];
};

/** sample_mix() - splitmix64 of @x. */
uint64_t sample_mix(uint64_t x);
/** sample_serial() - the serial number of certificate @n: 16 bytes. */
void sample_serial(uint64_t n, uint64_t ret_serial[2]);
/** sample_make() - certificate @n of those that are issued from @start on; valid for a day. */
void sample_make(uint64_t n, int64_t start, struct sample *ret_sample);

#endif
