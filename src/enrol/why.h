/* What an error of libcurl comes to: a number to act on, and words for people. */
#ifndef CS_ENROL_WHY_H
#define CS_ENROL_WHY_H

#include "base/arena.h"
#include "base/str.h"
#include "enrol/curl.h"

/* What is known when a transfer has failed. */
struct cs_why {
    CURLcode code;
    long os_error;                      /* errno of a connect that failed; 0: unknown */
    struct cs_str text;                 /* libcurl's own */
    struct cs_str host;                 /* that was asked for */
    struct cs_str ca;                   /* PEM: who was trusted; empty: unknown */
    const struct curl_certinfo *papers; /* what the server presented; or NULL */
    int64_t now_sec;
};

/** cs_why_error() - the number, as cs_fetch_start() lists them. Pure. */
int cs_why_error(const struct cs_why *why);
/** cs_why_words() - what happened, one clause, in @arena. A certificate that was not accepted is
 *  judged again by x509/chain.h, so that its fault has the same words as everywhere. Pure. */
struct cs_str cs_why_words(const struct cs_why *why, struct cs_arena *arena);
/** cs_why_hint() - what to do, or empty. Static. */
struct cs_str cs_why_hint(const struct cs_why *why);

#endif
