/* The mirror: a server that explains each client that connects, for finding out what is the matter
 * with somebody else's.
 *
 * It asks every client for a certificate, judges it, and goes on whatever comes of it; a client
 * that speaks HTTP gets the explanation as the answer.
 */
#ifndef CS_DOCTOR_LISTEN_H
#define CS_DOCTOR_LISTEN_H

#include "doctor/visit.h"

struct cs_listen_plan {
    struct cs_addr addr;            /* port 0: the kernel's choice */
    const struct cs_tls_pair *pair; /* our certificate */
    const struct cs_trust *trust;   /* what clients are held against; NULL: nothing */
    struct cs_str trust_name;
    struct cs_str crl_name;  /* where its lists came from; empty: it has none */
    const char *const *alpn; /* NULL at the end; or NULL */
    int64_t timeout_ms;      /* for each: handshake, request */
    struct cs_str time_host; /* a time server to ask; empty: none */
    uint16_t time_port;
    int64_t at_sec; /* judge certificates at this time; 0: now */
};

struct cs_listener {
    const struct cs_listen_plan *plan;
    struct cs_tls_server *server;
    struct cs_addr addr; /* with the port that it has */
    int fd;
};

/** cs_listener_open() - listen. @plan outlives the listener. Return: 0; -EINVAL: certificate or key
 *  cannot be used, see @findings; or -errno of the socket. Close it in any case. */
int cs_listener_open(struct cs_listener *listener, const struct cs_listen_plan *plan,
                     struct cs_findings *findings);
/** cs_listener_close() - listen no more. */
void cs_listener_close(struct cs_listener *listener);
/** cs_listener_meet() - wait for a client, however long it takes, and look at it; @visit was made
 * by cs_visit_init() and is concluded. Return: 0, or -errno (nothing came of it). */
int cs_listener_meet(struct cs_listener *listener, struct cs_visit *visit);

#endif
