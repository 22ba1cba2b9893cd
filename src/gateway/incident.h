/* Incidents: failures as the logs, the counters and the clients know them.
 *
 * A failure whose like was told of a moment ago is only counted, and shares the id of the first;
 * its account is never made. All others get an id, one line in the error log and one record in each
 * failure log of their server block; of a refused request those are written when its answer begins,
 * because they say which one it was.
 */
#ifndef CS_GATEWAY_INCIDENT_H
#define CS_GATEWAY_INCIDENT_H

#include "base/findings.h"
#include "io/timer.h"
#include "telemetry/record.h"
#include "telemetry/repeats.h"

struct cs_listener;
struct cs_vserver;
struct cs_worker;

/* What is known of it afterwards. */
struct cs_incident {
    struct cs_str id;
    const struct cs_finding *cause;
    bool is_upstream; /* it is about an upstream, and no business of the client's */
};

/* One failure. Everything is borrowed during the call. */
struct cs_incident_spec {
    const struct cs_listener *listener;
    const struct cs_vserver *server; /* whose logs it is written to */
    const struct cs_scope *scope;    /* whose error logs, rather */
    struct cs_record *record;        /* gets the id */
    struct cs_peer *peer;            /* the record's; gets our end, when it is told whole */
    int fd;                          /* of the connection to it; -1: none */
    const struct cs_finding *cause;
    uint64_t connection;        /* its number, for the error log */
    struct cs_str words;        /* nginx's for the same, or empty */
    struct cs_str request;      /* the request line, or empty */
    const uint8_t *certificate; /* SHA-256 of the peer's leaf, or NULL */
    const void *rules;          /* whose rules refused; NULL: it was none about a place */
};

/* What is to be written of a failure. */
struct cs_telling;

/* A worker's. */
struct cs_incidents {
    struct cs_repeats *repeats;
    struct cs_timer timer;
};

/** cs_incidents_init() - nothing has happened yet. */
void cs_incidents_init(struct cs_worker *worker);
/** cs_incidents_deinit() - tell what is left of repeated ones, and how many of which code there
 *  were in the service so far. While the logs are still open. */
void cs_incidents_deinit(struct cs_worker *worker);
/** cs_incident_note() - count it. *@ret_telling: what cs_incident_tell() is to write of it, in
 *  @arena and borrowing from @spec's cause, texts and connection; NULL when it is like one before.
 *  Return: its id, in @arena. */
struct cs_str cs_incident_note(struct cs_worker *worker, const struct cs_incident_spec *spec,
                               struct cs_arena *arena, struct cs_telling **ret_telling);
/** cs_incident_tell() - write it down, with the HTTP @status that the client is answered with; 0:
 *  there is no answer, or another side gave it. */
void cs_incident_tell(struct cs_worker *worker, struct cs_telling *telling, int status);

#endif
