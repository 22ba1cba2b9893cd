/* What a running service can be asked over its control socket: "renew", "revoke" and "status". */
#ifndef CS_DAEMON_SERVICE_H
#define CS_DAEMON_SERVICE_H

#include "daemon/control.h"
#include "daemon/crew.h"
#include "daemon/revocations.h"
#include "daemon/stewarding.h"

struct cs_counters;
struct cs_standings;

/* The service at this moment, as its supervisor knows it. */
struct cs_service {
    struct cs_crew *const *crews; /* some may be NULL */
    size_t n_crews;
    const struct cs_snapshot *snapshot; /* in use */
    struct cs_revocations *revocations; /* NULL: there is no state folder to keep any in */
    struct cs_stewarding *stewarding;
    const struct cs_standings *standings; /* what OCSP responders said; NULL: nothing */
    const struct cs_counters *counters;   /* of failures; may be NULL */
    const struct cs_counters *admissions; /* of who was let in all the same; may be NULL */
    const struct cs_mainlog *log;
    struct cs_str config_path;
    int64_t started_sec; /* when the service was */
    int64_t loaded_sec;  /* when the configuration in use was */
    int64_t now_sec;
    int64_t now_ms; /* steady clock */
};

/** cs_service_ask() - do what @request says, and answer @asked: now, or once the workers have done
 *  their part. What @service points to outlives the call, the snapshot and the crews no longer. */
void cs_service_ask(const struct cs_service *service, struct json_t *request,
                    struct cs_asked *asked);

/** cs_service_spread() - let all workers know of the service's revocations as they are now, @n of
 *  which an authority has just told. What came of it is logged. What @service points to is needed
 *  as for cs_service_ask(). */
void cs_service_spread(const struct cs_service *service, unsigned n);

#endif
