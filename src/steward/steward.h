/* The steward: does the errands of a configuration (snapshot/errand.h), for as long as it runs.
 *
 * It asks authorities for certificates, keeps them in folders that it owns, renews them in time,
 * and listens to what the authorities have to tell: which certificates are revoked; and it asks
 * OCSP responders what it is told to ask. It decides
 * nothing: what it brings is judged by who reads it. It goes on for ever; failures are told and
 * tried again.
 */
#ifndef CS_STEWARD_STEWARD_H
#define CS_STEWARD_STEWARD_H

#include "base/level.h"
#include "io/loop.h"
#include "snapshot/errand.h"
#include "x509/revoked.h"
#include "x509/standing.h"

struct cs_snapshot;
struct cs_steward;

/* The authority of this configuration: where errands without an address of their own go. */
struct cs_steward_home {
    struct cs_str url;   /* empty: there is none */
    struct cs_str roots; /* PEM */
};

struct cs_steward_spec {
    const struct cs_errand *errands; /* a list; outlives the steward */
    /* Whose downloads there are, and by whose CAs lists are judged; the same. */
    const struct cs_snapshot *snapshot;
    struct cs_steward_home home; /* the same */
    /* A line for the log. */
    void (*say)(void *ctx, enum cs_log_level level, const char *text);
    /* How @errand goes: it has failed since @since_sec, the last time because of @why, in words; 0:
     * its certificate has come. */
    void (*fared)(void *ctx, const struct cs_errand *errand, int64_t since_sec, struct cs_str why);
    /* An authority has revoked a certificate; told at least once for each, and again after a
     * restart that came in between. */
    void (*revoked)(void *ctx, const struct cs_revocation *revocation);
    /* What came of a question of cs_steward_ask(). */
    void (*answered)(void *ctx, const struct cs_standing *news);
    void *ctx;
};

/** cs_steward_new() - begin with all errands. @loop outlives the steward. What cannot be begun is
 *  said, and left out. */
struct cs_steward *cs_steward_new(struct cs_loop *loop, const struct cs_steward_spec *spec);
/** cs_steward_renew() - ask for the certificate of @folder (of its errand) now, although it is not
 *  due; empty: for all. What cannot be had is tried again as any other. */
void cs_steward_renew(struct cs_steward *steward, struct cs_str folder);
/** cs_steward_free() - end whatever is under way. NULL is fine. Return: NULL. */
struct cs_steward *cs_steward_free(struct cs_steward *steward);
/** cs_steward_ask() - ask an OCSP responder what @question says, which is copied; answered()
 *  follows, from the loop. */
void cs_steward_ask(struct cs_steward *steward, const struct cs_standing_question *question);

/** cs_steward_staple() - the certificate under a staple (snapshot/staple.h) of the snapshot is
 *  another one now: keep the response about that, as @question says. */
void cs_steward_staple(struct cs_steward *steward, const struct cs_standing_question *question);

#endif
