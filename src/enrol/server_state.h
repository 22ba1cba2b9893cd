/* What the authority's server holds. Private to server*.c. */
#ifndef CS_ENROL_SERVER_STATE_H
#define CS_ENROL_SERVER_STATE_H

#include "authority/ca.h"
#include "enrol/server.h"
#include "io/signals.h"
#include "serve/question.h"

/* Something asked for that changes the CA: what is asked, and what will be answered. In the arena
 * of its question. */
struct cs_wish {
    struct cs_list link;
    struct cs_enrol_server *server;
    struct cs_question *question;
    /* Do it, inside of a group: either @status and @body are written, or the question's findings
     * say why not (CS_CA_REFUSED), or nothing of the group can be kept (a negative errno). */
    int (*perform)(struct cs_wish *wish);
    struct cs_csr csr;
    struct cs_order order;
    struct cs_requester who;
    uint8_t serial[CS_CA_SERIAL_LEN];
    unsigned reason;
    int result;
    unsigned status;
    struct cs_str body;
};

/* Wishes that wait for company. */
struct cs_group {
    struct cs_list wishes;
    size_t n;
    size_t expected; /* as many as came together last time */
    struct cs_timer timer;
    struct cs_task task;
};

/* A revocation list as it is served. */
struct cs_served_list {
    struct cs_served_list *next;
    uint32_t issuer;
    int shard;
    struct cs_document *document;
    uint64_t revocations; /* how many the server had seen when it was made */
    int64_t until_sec;    /* when it is to be made anew in any case */
    int64_t made_ms, cost_ms;
};

/* An address whose join tokens were refused. */
struct cs_doubt {
    struct cs_net net;
    unsigned n;                /* in a row */
    int64_t last_ms, until_ms; /* the last one; it is not heard before */
};

enum { CS_DOUBTS_MAX = 1024 };

struct cs_doubts {
    struct cs_doubt items[CS_DOUBTS_MAX];
    size_t n;
};

struct cs_enrol_server {
    struct cs_enrol_spec spec;
    struct cs_ca *ca;
    struct cs_loop loop;
    struct cs_server *http;
    struct cs_signals signals;
    struct cs_timer hurry; /* a stop that takes too long */
    char fingerprint[65];
    bool again;  /* to be opened again */
    bool ending; /* was told to end, which counts more */
    bool stopping;

    struct cs_timer sweep;
    struct cs_timer renew; /* of the certificate that is shown */
    struct cs_group group;
    struct cs_doubts doubts;

    struct cs_document *roots, *bundle;
    struct cs_served_list *lists;

    struct cs_timer look; /* for what others have done */
    struct cs_timer beat; /* of the streams */
    struct cs_list followers;
    struct cs_buf fresh; /* the text of the events from fresh_from, exclusive, to last_event */
    uint64_t fresh_from, last_event;
    uint64_t revocations; /* seen so far */
};

/** cs_enrol_now() - seconds since 1970, as of this turn. */
int64_t cs_enrol_now(const struct cs_enrol_server *server);
/** cs_enrol_stop() - accept no more and end when all is answered; soon at the latest unless
 *  @patient. */
void cs_enrol_stop(struct cs_enrol_server *server, bool patient);
/** cs_enrol_log() - one line. */
void cs_enrol_log(const struct cs_enrol_server *server, enum cs_log_level level, const char *fmt,
                  ...) __attribute__((format(printf, 3, 4)));
/** cs_enrol_log_findings() - one line for each. */
void cs_enrol_log_findings(const struct cs_enrol_server *server,
                           const struct cs_findings *findings);
/** cs_enrol_fault() - log a fault of the CA: @what could not be done. */
void cs_enrol_fault(const struct cs_enrol_server *server, int fault, const char *what);
/** cs_enrol_refuse_fault() - the same, and answer that it cannot be done now. */
void cs_enrol_refuse_fault(struct cs_enrol_server *server, struct cs_question *question, int fault,
                           const char *what);

/** cs_enrol_present() - make a certificate and a key to show, and what clients are judged by.
 *  Return: 0, CS_CA_REFUSED, or a fault. */
int cs_enrol_present(struct cs_enrol_server *server, struct cs_findings *findings);

/** cs_group_init() - no wishes. */
void cs_group_init(struct cs_enrol_server *server);
/** cs_group_add() - @wish is performed soon, with others. */
void cs_group_add(struct cs_wish *wish);
/** cs_group_flush() - perform what waits, now. */
void cs_group_flush(struct cs_enrol_server *server);

/** cs_doubt_count() - a join token from @peer was refused. */
void cs_doubt_count(struct cs_enrol_server *server, const struct cs_addr *peer);
/** cs_doubt_refuses() - whether too many were from where @question comes; then it has been answered
 *  with when to come again. */
bool cs_doubt_refuses(struct cs_enrol_server *server, struct cs_question *question);

/** cs_enrol_client() - what the store has of the certificate that the caller has shown, if that is
 *  good still; in the question's arena. Return: it; NULL: it has been answered. */
const struct cs_stored_cert *cs_enrol_client(struct cs_enrol_server *server,
                                             struct cs_question *question);
/** cs_enrol_is_administrator() - whether who has @cert may act for others. */
bool cs_enrol_is_administrator(const struct cs_enrol_server *server,
                               const struct cs_stored_cert *cert);

/** cs_events_init() - begin to notice what happens. Return: 0, or a fault. */
int cs_events_init(struct cs_enrol_server *server);
/** cs_events_deinit() - notice no more. */
void cs_events_deinit(struct cs_enrol_server *server);
/** cs_events_look() - something was committed: tell those who follow. */
void cs_events_look(struct cs_enrol_server *server);

/** cs_sweep_init(), cs_sweep_deinit() - begin to archive what has expired, and end it. */
void cs_sweep_init(struct cs_enrol_server *server);
void cs_sweep_deinit(struct cs_enrol_server *server);

/** cs_public_deinit() - forget the documents. */
void cs_public_deinit(struct cs_enrol_server *server);

/* Handlers; @ctx is the server. */

/** cs_on_enrol() - POST /v1/enrol. */
void cs_on_enrol(void *ctx, struct cs_question *question);
/** cs_on_renew() - POST /v1/renew. */
void cs_on_renew(void *ctx, struct cs_question *question);
/** cs_on_revoke() - POST /v1/revoke. */
void cs_on_revoke(void *ctx, struct cs_question *question);
/** cs_on_events() - GET /v1/events. */
void cs_on_events(void *ctx, struct cs_question *question);
/** cs_on_health() - GET /v1/health. */
void cs_on_health(void *ctx, struct cs_question *question);
/** cs_on_roots() - GET /ca.pem. */
void cs_on_roots(void *ctx, struct cs_question *question);
/** cs_on_bundle() - GET /spiffe/bundle.json. */
void cs_on_bundle(void *ctx, struct cs_question *question);
/** cs_on_list() - GET /crl/ISSUER.crl and /crl/ISSUER/SHARD.crl. */
void cs_on_list(void *ctx, struct cs_question *question);
/** cs_on_ocsp() - POST /ocsp. */
void cs_on_ocsp(void *ctx, struct cs_question *question);
/** cs_on_ocsp_path() - GET /ocsp/BASE64: the request is in the path. */
void cs_on_ocsp_path(void *ctx, struct cs_question *question);

#endif
