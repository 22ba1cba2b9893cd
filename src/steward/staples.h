/* Staples (snapshot/staple.h) being kept fresh: each responder is asked long before its last answer
 * ends, and at once when there is another certificate, and for ever.
 *
 * What comes is taken only if it can be shown; until then what is in hand stays.
 */
#ifndef CS_STEWARD_STAPLES_H
#define CS_STEWARD_STAPLES_H

#include "enrol/fetch.h"
#include "steward/steward.h"

struct cs_staples;

/** cs_staples_new() - begin with those of spec->snapshot whose certificates are there. All outlive
 *  it. */
struct cs_staples *cs_staples_new(struct cs_loop *loop, struct cs_fetcher *fetcher,
                                  const struct cs_steward_spec *spec);
/** cs_staples_ask() - the staple with the key of @question is about that certificate now. */
void cs_staples_ask(struct cs_staples *staples, const struct cs_standing_question *question);
/** cs_staples_free() - end whatever is under way. NULL is fine. Return: NULL. */
struct cs_staples *cs_staples_free(struct cs_staples *staples);

#endif
