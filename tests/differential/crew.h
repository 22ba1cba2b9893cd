/* One real worker for each way of doing things: with every short cut, without each, without all.
 * A worker is a process of its own, so that it can do without a short cut while others take it. */
#ifndef CS_TESTS_DIFFERENTIAL_CREW_H
#define CS_TESTS_DIFFERENTIAL_CREW_H

#include <sys/types.h>

#include "papers.h"
#include "without.h"

/* Everything, each left out, all left out. */
enum { WAYS_MAX = CS_FAST_N_PATHS + 2 };

struct way {
    const char *name;
    unsigned left_out; /* bits of enum cs_fast_path */
    int listen_fd, port;
    pid_t pid;
    char log[256];
};

struct crew {
    struct way ways[WAYS_MAX];
    int n;
    struct world *world;
    const char *folder; /* for logs */
};

/** crew_init() - sockets for every way that this TLS library knows; no workers yet. */
void crew_init(struct crew *crew, struct world *world, const char *folder);
/** crew_deinit() - close them. */
void crew_deinit(struct crew *crew);
/** crew_start() - a worker for each, serving what @make_config writes for its log file. */
void crew_start(struct crew *crew, struct cs_str (*make_config)(void *ctx, const char *log),
                void *ctx);
/** crew_stop() - end them. Return: whether each ended well. */
bool crew_stop(struct crew *crew);

#endif
