/* What a server answered to one request: enough of it to tell whether it refused the client. Pure.
 */
#ifndef CS_DOCTOR_ANSWER_H
#define CS_DOCTOR_ANSWER_H

#include "base/arena.h"
#include "telemetry/record.h"

struct cs_reply {
    bool http;               /* it is HTTP, and its head is whole */
    struct cs_answer answer; /* for the diagnosis; texts live in the arena */
    struct cs_str first;     /* the first bytes of anything else */
    struct cs_str reason;    /* of the status line */
    struct cs_str software;  /* Server */
    int64_t date_sec;        /* Date; -1: none, or not readable */
};

/* The most of an answer that is read. */
#define CS_REPLY_MAX (64 << 10)

/** cs_reply_read() - look at @bytes, the answer as far as it came. Everything lives in @arena. */
void cs_reply_read(struct cs_str bytes, struct cs_arena *arena, struct cs_reply *ret_reply);
/** cs_reply_is_whole() - whether @bytes, read so far, hold all of an HTTP answer. */
bool cs_reply_is_whole(struct cs_str bytes);

#endif
