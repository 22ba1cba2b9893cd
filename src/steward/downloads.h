/* Downloads (snapshot/download.h) being kept fresh: each is asked for long before its nextUpdate,
 * with a question that costs little when nothing has changed, and tried again for ever.
 *
 * What comes is taken only if it is a list of a trusted CA and not older than the one in hand.
 */
#ifndef CS_STEWARD_DOWNLOADS_H
#define CS_STEWARD_DOWNLOADS_H

#include "enrol/fetch.h"
#include "steward/steward.h"

struct cs_downloads;

/** cs_downloads_new() - begin with those of spec->snapshot. All outlive it. */
struct cs_downloads *cs_downloads_new(struct cs_loop *loop, struct cs_fetcher *fetcher,
                                      const struct cs_steward_spec *spec);
/** cs_downloads_free() - end whatever is under way. NULL is fine. Return: NULL. */
struct cs_downloads *cs_downloads_free(struct cs_downloads *downloads);

#endif
