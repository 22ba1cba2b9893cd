/* What is known about this machine's clock, as facts.
 *
 * A certificate that is expired or not yet valid is often good, and the clock is wrong. Three
 * witnesses can tell: the kernel, which knows whether something keeps the clock in step; a time
 * server, if one is configured; and the peer, where it says what time it has. None of them
 * decides about a certificate: they are evidence in an explanation.
 */
#ifndef CS_TELEMETRY_CLOCK_H
#define CS_TELEMETRY_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct cs_clock {
    bool kernel_known; /* the kernel was asked and answered */
    bool synchronised; /* something keeps the clock in step, as far as the kernel knows */
    int64_t error_ms;  /* the kernel's bound on the error, when synchronised */

    bool measured;        /* a time server has answered */
    int64_t ahead_ms;     /* this clock minus the server's; negative: behind */
    int64_t age_ms;       /* how long ago that was */
    struct cs_str source; /* the server's name; borrowed */

    bool peer_known;  /* the peer said what time it has */
    int64_t peer_sec; /* its clock then */
};

#endif
