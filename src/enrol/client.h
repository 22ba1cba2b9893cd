/* An enrolment: one certificate that is asked for, kept in a folder, and renewed in time, on an
 * event loop.
 *
 * The first certificate is asked for with a token, the later ones with the one before (mutual TLS).
 * Whom to trust is learned once: the authority's /ca.pem is fetched from anybody, and of it only
 * the root with the given fingerprint counts. Each certificate has a new key, which is safe in the
 * folder before anything is asked: a request that is repeated, after a crash too, is the same
 * request and gets the same certificate.
 *
 * Failures are told and tried again, for ever; whoever wants only one attempt frees the object when
 * it is told. enrol/agent.h does that for a command; a process with a loop of its own uses this.
 */
#ifndef CS_ENROL_CLIENT_H
#define CS_ENROL_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "x509/claim.h"
#include "authority/make.h"
#include "base/findings.h"
#include "base/level.h"
#include "enrol/wallet.h"
#include "io/loop.h"

/* What to ask for, of whom. All is copied. What is left out is taken from the folder. */
struct cs_enrol_plan {
    struct cs_str url; /* https://HOST:PORT */
    bool pinned;
    uint8_t pin[32];     /* SHA-256 of the root (DER) */
    struct cs_str roots; /* PEM: trusted from the start, so that no pin is needed */
    struct cs_str token;
    struct cs_str token_file; /* or the name of a file with it, read whenever it is needed */
    struct cs_claims names;
    struct cs_str profile; /* empty: the token's */
    int64_t ttl_sec;       /* 0: the profile's */
    bool has_key_kind;
    enum cs_make_key_kind key_kind; /* else P-256 */
    struct cs_str folder;
    int64_t timeout_ms; /* for each request; 0: 30 seconds */
};

struct cs_enrol_failure {
    const struct cs_finding *finding; /* why; the authority's own, if it refused */
    bool refused;                     /* somebody said no; else something went wrong */
    enum cs_log_level level;          /* graver as the end of the certificate nears */
    int64_t retry_ms;                 /* tried again after that */
    bool usable;                      /* there is a certificate meanwhile, */
    int64_t left_sec;                 /* good for so long */
};

struct cs_enrolment;

/* What the owner is told, from the loop. None of them may free the enrolment. */
struct cs_enrol_ears {
    /* A new certificate is in place. @first: no renewal. */
    void (*issued)(void *ctx, const struct cs_holding *holding, bool first);
    void (*failed)(void *ctx, const struct cs_enrol_failure *failure);
    /* Something worth a line, with which all goes on. */
    void (*remarked)(void *ctx, const struct cs_finding *finding, enum cs_log_level level);
};

/** cs_enrolment_new() - take the folder and what is in it; nothing is fetched before
 *  cs_enrolment_start(), but @ears may hear remarks. @loop outlives the enrolment.
 *  Return: 0; -EINVAL (the plan, see @findings); or -errno with a finding: the folder (-EBUSY: in
 *  use), libcurl (-ELIBACC). */
int cs_enrolment_new(struct cs_loop *loop, const struct cs_enrol_plan *plan,
                     const struct cs_enrol_ears *ears, void *ctx, struct cs_findings *findings,
                     struct cs_enrolment **ret_enrolment);
/** cs_enrolment_free() - end what is under way and leave the folder. Not from inside an ear. NULL
 * is fine. Return: NULL. */
struct cs_enrolment *cs_enrolment_free(struct cs_enrolment *enrolment);
/** cs_enrolment_start() - see to it from now on that there is a good certificate. */
void cs_enrolment_start(struct cs_enrolment *enrolment);
/** cs_enrolment_renew() - the next attempt is due now, although it would not be yet. */
void cs_enrolment_renew(struct cs_enrolment *enrolment);

/** cs_enrolment_holding() - what is in the folder; until the next issued() or the end. NULL:
 *  nothing that can be used. */
const struct cs_holding *cs_enrolment_holding(const struct cs_enrolment *enrolment);
/** cs_enrolment_next_ms() - how long until the next attempt; 0: it is due. */
int64_t cs_enrolment_next_ms(const struct cs_enrolment *enrolment);
/** cs_enrolment_usable() - whether the certificate that is held is good now. */
bool cs_enrolment_usable(const struct cs_enrolment *enrolment);
/** cs_enrolment_note_reload() - remember in the folder that whoever uses the current set was told.
 *  Return: 0, or -errno. */
int cs_enrolment_note_reload(struct cs_enrolment *enrolment);

#endif
