/* A small HTTP/1.1 server for what is not the data plane: few routes, small requests, whole
 * answers, streams of events. With TLS or without.
 *
 * Strict like the gateway, and everything that a client can grow or draw out has a limit and a
 * deadline. One thread, one loop; requests of one connection are answered one after the other.
 */
#ifndef CS_SERVE_SERVER_H
#define CS_SERVE_SERVER_H

#include "base/addr.h"
#include "base/level.h"
#include "io/loop.h"
#include "serve/routes.h"

struct cs_question;
struct cs_server;
struct cs_tls_server;
struct cs_trust;

/* A descriptor that listens. */
struct cs_server_listen {
    int fd; /* the caller's; stays open */
    bool tls;
};

struct cs_server_limits {
    size_t max_connections; /* somebody makes room for another: see serve/crowd.h */
    size_t max_per_site;    /* of them, from one IPv4 address or 64 bits of an IPv6 address */
    size_t max_streams;     /* of them */
    size_t max_head, max_body;
    int64_t handshake_ms; /* from accept */
    int64_t head_ms;      /* from the first byte of a request; for the first one from accept */
    int64_t body_ms;      /* for a whole body */
    int64_t send_ms;      /* for a whole answer, and one second more for each slow_bytes of it */
    size_t slow_bytes;
    int64_t idle_ms; /* between two requests */
};

/* What suits a service for machines. */
#define CS_SERVER_LIMITS                                                                           \
    ((struct cs_server_limits){.max_connections = 1024,                                            \
                               .max_per_site = 128,                                                \
                               .max_streams = 256,                                                 \
                               .max_head = 16384,                                                  \
                               .max_body = 65536,                                                  \
                               .handshake_ms = 10000,                                              \
                               .head_ms = 10000,                                                   \
                               .body_ms = 20000,                                                   \
                               .send_ms = 20000,                                                   \
                               .slow_bytes = 8192,                                                 \
                               .idle_ms = 60000})

struct cs_server_spec {
    struct cs_loop *loop;
    const struct cs_server_listen *listens; /* copied */
    size_t n_listens;
    struct cs_routes routes;
    struct cs_server_limits limits;
    void *ctx; /* for handlers and log */
    /* One line about what happens here; @text is borrowed. */
    void (*log)(void *ctx, enum cs_log_level level, struct cs_str text);
};

/** cs_server_new() - listen. The loop, the routes and the descriptors outlive the server. Without
 *  cs_server_present() its TLS addresses close what comes. Return: 0, or -errno. */
int cs_server_new(const struct cs_server_spec *spec, struct cs_server **ret_server);
/** cs_server_present() - connections from now on are shown the certificate of @tls, and clients'
 *  certificates are judged by @trust, for either purpose: a server renews its own with it. Takes
 *  references. */
void cs_server_present(struct cs_server *server, struct cs_tls_server *tls, struct cs_trust *trust);
/** cs_server_drain() - accept no more; connections end when their request has been answered,
 * streams at once. @done is called in the loop when none is left. */
void cs_server_drain(struct cs_server *server, void (*done)(void *ctx));
/** cs_server_free() - close everything. No question may be waiting for its answer. NULL is fine.
 *  Return: NULL. */
struct cs_server *cs_server_free(struct cs_server *server);

#endif
