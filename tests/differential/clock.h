/* A time of day that the test sets, for the whole program and its children: the gateway and the
 * TLS library ask the C library, and this answers instead. Other clocks are as they are. */
#ifndef CS_TESTS_DIFFERENTIAL_CLOCK_H
#define CS_TESTS_DIFFERENTIAL_CLOCK_H

#include <stdint.h>

/** clock_begin() - from now on it is @sec, until clock_set(), here and in every later child. */
void clock_begin(int64_t sec);
/** clock_set() - it is @sec now, in all processes. */
void clock_set(int64_t sec);
/** clock_sec() - what it is. */
int64_t clock_sec(void);

#endif
