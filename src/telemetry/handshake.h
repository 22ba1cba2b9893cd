/* What happened in one TLS handshake, as facts.
 *
 * Filled by tls/ while the handshake runs and read-only afterwards. A handshake that failed
 * leaves the facts reached so far: that is the diagnosis. Texts and arrays are borrowed
 * from the session that filled the record and live as long as it does; who wants to keep
 * them longer copies them.
 */
#ifndef CS_TELEMETRY_HANDSHAKE_H
#define CS_TELEMETRY_HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* A TLS alert (RFC 8446 section 6). */
struct cs_alert {
    int16_t number;     /* -1: none */
    bool fatal;         /* level 2 */
    struct cs_str text; /* "bad_certificate"; empty: none, or a number without a name */
};

/* A list of 16-bit code points in the order offered. */
struct cs_code_points {
    const uint16_t *codes;
    size_t n;
};

struct cs_handshake {
    bool server;            /* we were the server */
    bool complete;          /* the handshake ended well */
    bool resumed;           /* by a ticket or session */
    bool early_data;        /* 0-RTT data was accepted: never with client certificates */
    bool certificate_asked; /* server: a CertificateRequest is part of a full handshake */
    uint8_t session_id_len; /* 0: none */
    uint8_t session_id[32]; /* of the session, as $ssl_session_id shows it */

    struct cs_str protocol;      /* "TLSv1.3", "TLSv1.2"; empty: not agreed on */
    struct cs_str cipher;        /* OpenSSL's name: "TLS_AES_128_GCM_SHA256" */
    struct cs_str group;         /* "X25519", "prime256v1", "X25519MLKEM768" */
    struct cs_str sigalg;        /* of the server's proof of key: "ecdsa_secp256r1_sha256" */
    struct cs_str client_sigalg; /* of the client's; empty: no client certificate, or resumed */
    struct cs_str sni;  /* server: canonical (lower case, no trailing dot); client: as sent */
    struct cs_str alpn; /* agreed protocol, empty: none */

    struct cs_code_points offered_ciphers; /* server only, from the ClientHello */
    struct cs_code_points offered_groups;
    struct cs_code_points offered_versions; /* 0x0304 … */

    const struct cs_str *chain; /* what the peer presented, leaf first, DER; resumed: remembered */
    size_t n_chain;

    struct cs_alert alert_sent;     /* the last one but close_notify */
    struct cs_alert alert_received; /* likewise */
    uint32_t failure_code;          /* the TLS library's error number, 0: none */
    struct cs_str failure;          /* its text, or ours ("connection closed by peer") */

    uint64_t bytes_in, bytes_out; /* on the wire, since the connection began */
    int64_t start_ms, end_ms;     /* wall clock; end is 0 while the handshake runs */
    int64_t original_sec; /* wall clock of the full handshake that this session stems from */
};

#endif
