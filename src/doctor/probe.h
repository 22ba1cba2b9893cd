/* A client that visits any TLS server and looks at everything on the way.
 *
 * It goes on where it can: a chain that it does not accept is judged, and the handshake completed
 * all the same, so that the rest is seen. Nothing secret is sent then: the one request is GET / .
 */
#ifndef CS_DOCTOR_PROBE_H
#define CS_DOCTOR_PROBE_H

#include "base/buf.h"
#include "doctor/starttls.h"
#include "doctor/visit.h"

struct cs_probe_plan {
    struct cs_str target; /* "host:port", for the reader */
    struct cs_str host;   /* a name or address to connect to */
    uint16_t port;
    struct cs_str sni;              /* empty: none is sent */
    struct cs_str name;             /* what the server's certificate has to be for */
    struct cs_str http_host;        /* of the request */
    const struct cs_tls_pair *pair; /* our certificate, or NULL */
    const struct cs_trust *trust;
    struct cs_str trust_name;
    struct cs_str crl_name;             /* where its lists came from; empty: it has none */
    const struct cs_demand *demand;     /* pins; or NULL */
    bool ocsp;                          /* ask a responder when nothing is stapled */
    unsigned protocols;                 /* CS_TLS_1_2 | CS_TLS_1_3; 0: both */
    struct cs_str groups;               /* "X25519:P-256"; empty: what the library has */
    const char *const *alpn;            /* NULL at the end; or NULL */
    bool proxy_protocol;                /* begin with a PROXY header */
    const struct cs_starttls *starttls; /* go over to TLS in this protocol; NULL: TLS at once */
    int64_t timeout_ms;                 /* for each: connection, handshake, answer */
    struct cs_str time_host;            /* a time server to ask; empty: none */
    uint16_t time_port;
    int64_t at_sec; /* judge certificates at this time; 0: now */
};

/** cs_probe_make() - make the visit; @visit was made by cs_visit_init() and holds the outcome,
 *  whatever it is. @plan outlives it.
 *  Return: 0 (concluded), or -EINVAL: our own certificate or key cannot be used, see
 *  visit->findings; nothing was tried. */
int cs_probe_make(struct cs_visit *visit, const struct cs_probe_plan *plan);
/** cs_probe_chain() - the visit, for what the server presents: appended to @pem.
 *  Return: 0; -ENODATA: it presented nothing, visit->causes say why; -ENOBUFS; -EINVAL. */
int cs_probe_chain(struct cs_visit *visit, const struct cs_probe_plan *plan, struct cs_buf *pem);

#endif
