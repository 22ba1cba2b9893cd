/* What OCSP responders said about clients, as the supervisor keeps it: for workers that are forked
 * later, and in a file of the state folder, so that a restart asks for nothing it has.
 *
 * Questions of workers come here. The same one is asked once, however many want to know; what comes
 * of it is told to all. The file is a memory and no more: one that cannot be read is left out.
 */
#ifndef CS_DAEMON_RESPONSES_H
#define CS_DAEMON_RESPONSES_H

#include "daemon/mainlog.h"
#include "io/loop.h"
#include "x509/standing.h"

struct cs_responses;

struct cs_responses_spec {
    struct cs_loop *loop;
    struct cs_mainlog *log;
    const char *folder; /* the state folder; NULL: there is none */
    /* Have it asked; cs_responses_answered() follows. Return: 0, or -errno. */
    int (*ask)(void *ctx, const struct cs_standing_question *question);
    void (*tell)(void *ctx, const struct cs_standing *news); /* to all workers */
    void *ctx;
};

/** cs_responses_new() - with what the file says. @spec is copied; what it points to outlives it. */
struct cs_responses *cs_responses_new(const struct cs_responses_spec *spec);
/** cs_responses_free() - write what is not on the disk yet, and forget it. NULL is fine.
 *  Return: NULL. */
struct cs_responses *cs_responses_free(struct cs_responses *responses);
/** cs_responses_question() - a worker's question, as bytes. */
void cs_responses_question(struct cs_responses *responses, struct cs_str bytes);
/** cs_responses_answered() - what came of one. */
void cs_responses_answered(struct cs_responses *responses, const struct cs_standing *news);
/** cs_responses_lost() - what is being asked will not be answered: who asks has ended. */
void cs_responses_lost(struct cs_responses *responses);
/** cs_responses_table0() - all that is known; lives as long as the responses. */
struct cs_standings *cs_responses_table0(const struct cs_responses *responses);

#endif
