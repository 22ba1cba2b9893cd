/* Listening to one authority: its stream of events over mutual TLS, begun again whenever it ends.
 */
#ifndef CS_STEWARD_FOLLOWER_H
#define CS_STEWARD_FOLLOWER_H

#include "enrol/fetch.h"
#include "steward/events.h"
#include "steward/steward.h"

/* As whom to listen: the certificate, its key and the authority's roots, PEM. */
struct cs_follower_papers {
    struct cs_str cert, key, ca;
};

struct cs_follower;

/** cs_follower_new() - listen to the authority at @url (https://HOST:PORT), from its first event
 * on.
 *  @papers is asked whenever a connection is made; false: there are none yet, ask again later.
 *  @fetcher and @spec outlive the follower. */
struct cs_follower *
cs_follower_new(struct cs_loop *loop, struct cs_fetcher *fetcher,
                const struct cs_steward_spec *spec, struct cs_str url,
                bool (*papers)(void *ctx, struct cs_follower_papers *ret_papers), void *ctx);
/** cs_follower_free() - listen no more. NULL is fine. Return: NULL. */
struct cs_follower *cs_follower_free(struct cs_follower *follower);
/** cs_follower_hurry() - there are papers now, or others: connect at once if that was waited for.
 */
void cs_follower_hurry(struct cs_follower *follower);

#endif
