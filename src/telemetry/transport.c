/* The words for endings, and what the kernel's error numbers say about them. */
#include "telemetry/transport.h"

#include <errno.h>

const char *cs_ending_name(enum cs_ending ending)
{
    static const char *const names[] = {
        [CS_ENDING_OPEN] = "open",
        [CS_ENDING_CLOSED] = "closed",
        [CS_ENDING_LEFT] = "left",
        [CS_ENDING_RESET] = "reset",
        [CS_ENDING_TIMEOUT] = "timeout",
        [CS_ENDING_REFUSED] = "refused",
        [CS_ENDING_NO_ANSWER] = "no-answer",
        [CS_ENDING_UNREACHABLE] = "unreachable",
        [CS_ENDING_NO_ADDRESS] = "no-address",
        [CS_ENDING_FAULT] = "fault",
    };

    return names[ending];
}

enum cs_ending cs_ending_from_errno(int error, bool connecting)
{
    switch (error) {
    case 0: return CS_ENDING_OPEN;
    case ECONNREFUSED: return CS_ENDING_REFUSED;
    case ECONNRESET:
    case EPIPE: return CS_ENDING_RESET;
    case ETIMEDOUT: return connecting ? CS_ENDING_NO_ANSWER : CS_ENDING_TIMEOUT;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case EADDRNOTAVAIL: return CS_ENDING_UNREACHABLE;
    default: return CS_ENDING_FAULT;
    }
}
