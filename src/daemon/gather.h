/* One question to the workers of every crew, and all that they reply to it.
 *
 * A service may have several crews: the one that serves, one that starts, and those that finish
 * what they do. What concerns all connections has to reach all of them.
 */
#ifndef CS_DAEMON_GATHER_H
#define CS_DAEMON_GATHER_H

#include "daemon/crew.h"

/* Embedded in what is gathered; set the functions, zero the rest. */
struct cs_gather {
    /* What a worker said; not called for those that did not do it. May be NULL. */
    void (*replied)(struct cs_gather *gather, struct cs_str words);
    /* All have replied or gone; or some are late, and are not waited for. The counts are final. */
    void (*told)(struct cs_gather *gather);
    /* Nothing of it is needed any more: free it. Behind told, perhaps much later. */
    void (*over)(struct cs_gather *gather);
    unsigned n_told, n_done, n_refused, n_gone, n_late;

    struct cs_gather_call *calls; /* one for each crew */
    unsigned n_calls, n_open;
    bool has_told;
};

/** cs_gather_begin() - tell the workers of the @n @crews (NULL ones are passed over) @what.
 * Whatever follows comes from the event loop, told at the latest after CS_CALL_PATIENCE_MS; where
 * there is no crew, at once. @bytes and @fd as cs_crew_tell() has them. */
void cs_gather_begin(struct cs_gather *gather, struct cs_crew *const *crews, size_t n,
                     enum cs_tell what, struct cs_str bytes, int fd);

#endif
