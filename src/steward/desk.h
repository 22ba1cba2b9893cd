/* The desk: takes questions about certificates to OCSP responders, a bounded number at a time, and
 * tells what came of each. */
#ifndef CS_STEWARD_DESK_H
#define CS_STEWARD_DESK_H

#include "steward/inquiry.h"

struct cs_desk;

/** cs_desk_new() - nobody is asked yet. @fetcher may be NULL: then nobody can be. What is told of
 *  is borrowed for the call, and comes from @loop. */
struct cs_desk *cs_desk_new(struct cs_loop *loop, struct cs_fetcher *fetcher,
                            void (*answered)(void *ctx, const struct cs_standing *news), void *ctx);
/** cs_desk_free() - ask nobody any more. NULL is fine. Return: NULL. */
struct cs_desk *cs_desk_free(struct cs_desk *desk);
/** cs_desk_ask() - ask what @question says, at once or when others are done; it is copied. */
void cs_desk_ask(struct cs_desk *desk, const struct cs_standing_question *question);

#endif
