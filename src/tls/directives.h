/* The ssl_* and proxy_ssl_* directives: their rows and the settings they end in.
 *
 * Paths are as written; snapshot/ resolves and reads them. What the rows cannot say (which
 * directives need each other, what the files hold) is checked there.
 */
#ifndef CS_TLS_DIRECTIVES_H
#define CS_TLS_DIRECTIVES_H

#include "config/schema.h"
#include "tls/server.h"

/* Bits of protocols besides CS_TLS_1_2 and CS_TLS_1_3: versions that may be written but that
 * nobody offers any more (RFC 8996). */
#define CS_SSL_OBSOLETE 0xf0u
#define CS_SSL_V2 0x10u
#define CS_SSL_V3 0x20u
#define CS_TLS_1_0 0x40u
#define CS_TLS_1_1 0x80u

enum cs_ssl_ocsp {
    CS_SSL_OCSP_OFF,
    CS_SSL_OCSP_ON, /* about the whole chain */
    CS_SSL_OCSP_LEAF,
};

enum cs_ssl_verify_client {
    CS_SSL_VERIFY_CLIENT_OFF,
    CS_SSL_VERIFY_CLIENT_ON,
    CS_SSL_VERIFY_CLIENT_OPTIONAL,
    CS_SSL_VERIFY_CLIENT_OPTIONAL_NO_CA,
};

/* Of one server. */
struct cs_ssl_settings {
    bool ssl;                             /* the obsolete "ssl on" */
    struct cs_directive_list certificate; /* FILE each, in step with certificate_key */
    struct cs_directive_list certificate_key;
    struct cs_str password_file;
    struct cs_str client_certificate;  /* trusted, and named to clients */
    struct cs_str trusted_certificate; /* trusted only */
    int verify_client;                 /* enum cs_ssl_verify_client */
    int64_t verify_depth;
    int64_t clock_leeway_sec;
    uint32_t protocols; /* CS_TLS_1_2 … */
    struct cs_str ciphers;
    bool prefer_server_ciphers;
    struct cs_str ecdh_curve;
    int64_t session_timeout_sec;
    bool session_tickets;
    struct cs_directive_list session_ticket_key; /* FILE each */
    uint64_t buffer_size;
    bool reject_handshake;
    int ocsp;                     /* enum cs_ssl_ocsp */
    struct cs_str ocsp_responder; /* http:// address; empty: the one each certificate names */
    struct cs_str ocsp_cache;     /* "off", "shared:name:size"; empty: not said */
    bool stapling;
    struct cs_str stapling_file;      /* DER; empty: it is fetched */
    struct cs_str stapling_responder; /* http:// address; empty: the one the certificate names */
};

/* Of one location with a proxy_pass to https://. */
struct cs_proxy_ssl_settings {
    struct cs_str certificate;
    struct cs_str certificate_key;
    struct cs_str password_file;
    struct cs_str trusted_certificate;
    bool verify;
    int64_t verify_depth;
    struct cs_str name; /* a text with variables */
    bool server_name;   /* send the name by SNI */
    uint32_t protocols;
    struct cs_str ciphers;
    bool session_reuse;
};

extern const struct cs_schema_table cs_ssl_directives;
extern const struct cs_schema_table cs_proxy_ssl_directives;

#endif
