/* The TLS side of one virtual server, immutable: certificates, protocols, ciphers, what is
 * asked of clients, and how sessions are resumed.
 *
 * Built from settings and bytes already read; nothing here opens a file. Building loads the
 * keys into the TLS library; the caller wipes its own copies afterwards.
 */
#ifndef CS_TLS_SERVER_H
#define CS_TLS_SERVER_H

#include "base/findings.h"
#include "tls/pair.h"

struct cs_ticket_keys;

#define CS_TLS_1_2 0x01u
#define CS_TLS_1_3 0x02u

enum cs_tls_verify {
    CS_TLS_VERIFY_OFF,     /* no certificate is asked for */
    CS_TLS_VERIFY_REQUEST, /* asked for; the handshake goes on without */
    CS_TLS_VERIFY_REQUIRE, /* asked for; without one: alert certificate_required */
};

/* Limits on what a peer may present: longer chains refuse the handshake. */
#define CS_TLS_CHAIN_MAX 16
#define CS_TLS_CHAIN_BYTES_MAX (64 * 1024)

#define CS_TLS_BINDING 32

struct cs_tls_server_spec {
    const struct cs_tls_pair *pairs; /* of different key types: RSA and ECDSA side by side */
    size_t n_pairs;                  /* 0 only for servers that refuse every handshake */
    unsigned protocols;              /* CS_TLS_1_2 | CS_TLS_1_3; 0: both */
    struct cs_str ciphers;           /* OpenSSL's syntax, TLS 1.2; empty: nginx's default */
    bool prefer_server_ciphers;
    struct cs_str curves; /* "X25519:P-256"; "auto" or empty: the best the library has */
    enum cs_tls_verify client_certificate;
    const struct cs_str *ca_names; /* DER names offered as acceptable issuers */
    size_t n_ca_names;
    bool tickets;                       /* resume by tickets; needs @ticket_keys */
    struct cs_ticket_keys *ticket_keys; /* referenced */
    int64_t session_timeout_sec;        /* from the full handshake; 0: nginx's 300 */
    uint8_t binding[CS_TLS_BINDING];    /* digest of virtual server and client-auth policy:
                                           a session resumes only where this is the same */
    size_t buffer_size;                 /* bytes per record; 0: 16 KiB */
    const char *const *alpn;            /* in order of preference, NULL at the end; or NULL */
    struct cs_place place;              /* of the server, for findings about ciphers, curves */
};

struct cs_tls_server;

/** cs_tls_server_new() - check and load everything in @spec; nothing of it is kept.
 *  Return: 0, or -EINVAL when @findings got an error, or -ENOTSUP when the TLS library
 *  refuses what it should know. */
int cs_tls_server_new(const struct cs_tls_server_spec *spec, struct cs_findings *findings,
                      struct cs_tls_server **ret_server);
/** cs_tls_server_ref() - one more holder. Return: @server. */
struct cs_tls_server *cs_tls_server_ref(struct cs_tls_server *server);
/** cs_tls_server_unref() - sessions hold references of their own. NULL is fine.
 *  Return: NULL. */
struct cs_tls_server *cs_tls_server_unref(struct cs_tls_server *server);

#endif
