/* Who is connected, by address; and who has to go when somebody comes and there is no room.
 *
 * A site is what counts as one client: an IPv4 address, 64 bits of an IPv6 address. A stranger is a
 * connection whose client has not shown a good certificate. A site has so many connections and no
 * more; all of them together have a limit, too. When one is reached a newcomer takes the place of
 * the stranger that has waited for longest, at the same site or at the one that has most of them;
 * else of an idle connection. Whoever is at work with a certificate stays, and so does a question
 * that a handler has.
 */
#ifndef CS_SERVE_CROWD_H
#define CS_SERVE_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"

struct cs_server;
struct cs_serving;

enum { CS_CROWD_BUCKETS = 256 };

struct cs_site {
    struct cs_net net;
    struct cs_site *next; /* in the bucket */
    struct cs_list link;  /* of all sites, the oldest first */
    struct cs_list strangers;
    size_t n, n_strangers;
};

struct cs_crowd {
    struct cs_site *buckets[CS_CROWD_BUCKETS];
    struct cs_list sites;
    struct cs_list idle; /* connections between two requests, oldest first */
    size_t n;            /* connections */
    int64_t told_ms;     /* when the log was told last; 0: never */
    uint64_t n_gone;     /* for want of room, since then */
};

/** cs_crowd_init() - nobody is here. */
void cs_crowd_init(struct cs_crowd *crowd);
/** cs_crowd_is_stuck() - whether there are as many as may be, and nobody could go. */
bool cs_crowd_is_stuck(const struct cs_server *server);
/** cs_crowd_make_room() - before a connection from @peer is taken over, when nobody is stuck. Not
 *  from inside of another connection's callbacks. Return: whether it may come; else all of its site
 *  are at work. */
bool cs_crowd_make_room(struct cs_server *server, const struct cs_addr *peer);
/** cs_crowd_enter() - count @conn, whose peer is known, as a stranger. */
void cs_crowd_enter(struct cs_serving *conn);
/** cs_crowd_leave() - count it no more. */
void cs_crowd_leave(struct cs_serving *conn);
/** cs_crowd_spare() - it is not to be closed for others now. */
void cs_crowd_spare(struct cs_serving *conn);
/** cs_crowd_wait() - it is a stranger that has not waited yet, unless it waits already. */
void cs_crowd_wait(struct cs_serving *conn);

#endif
