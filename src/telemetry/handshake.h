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

/* Why a handshake did not succeed, whatever the TLS library calls it. Only what the library
 * said about its own decision; what it means is explain/'s. */
enum cs_break {
    CS_BREAK_NONE,           /* it succeeded, or still runs */
    CS_BREAK_TRANSPORT,      /* the byte stream ended */
    CS_BREAK_ALERT,          /* the peer said so: alert_received */
    CS_BREAK_ALERT_SEALED,   /* likewise, in an alert that only its receiver can read: a capture */
    CS_BREAK_VERDICT,        /* the peer's certificate was refused by the verify hook */
    CS_BREAK_NAME,           /* the SNI name was rejected by the select hook */
    CS_BREAK_NAME_MALFORMED, /* the SNI is no host name */
    CS_BREAK_VERSION,        /* no protocol version in common */
    CS_BREAK_CIPHER,         /* no cipher suite in common */
    CS_BREAK_GROUP,          /* no group for the key exchange in common */
    CS_BREAK_SIGNATURE,      /* no signature algorithm in common for the key in question */
    CS_BREAK_ALPN,           /* no application protocol in common */
    CS_BREAK_PROOF,          /* a proof of key, or a Finished, does not verify */
    CS_BREAK_NO_CERTIFICATE, /* the peer sent none, and one is required */
    CS_BREAK_TOO_LARGE,      /* a message beyond the limits */
    CS_BREAK_RENEGOTIATION,  /* the peer wanted to renegotiate, or to do it insecurely */
    CS_BREAK_PLAIN_HTTP,     /* an HTTP request came instead of a handshake */
    CS_BREAK_NOT_TLS,        /* something else came */
    CS_BREAK_MALFORMED,      /* TLS, but broken */
    CS_BREAK_RESUMPTION,     /* a session was to be resumed, and then was not */
    CS_BREAK_OTHER,          /* see failure */
};

/** cs_break_name() - "transport", "no-certificate", …; "none". Static. */
const char *cs_break_name(enum cs_break reason);

/* Handshake messages by their numbers (RFC 8446 section 4, RFC 5246 section 7.4). */
enum cs_message {
    CS_MESSAGE_CLIENT_HELLO = 1,
    CS_MESSAGE_SERVER_HELLO = 2,
    CS_MESSAGE_TICKET = 4,
    CS_MESSAGE_ENCRYPTED_EXTENSIONS = 8,
    CS_MESSAGE_CERTIFICATE = 11,
    CS_MESSAGE_SERVER_KEY_EXCHANGE = 12,
    CS_MESSAGE_CERTIFICATE_REQUEST = 13,
    CS_MESSAGE_SERVER_HELLO_DONE = 14,
    CS_MESSAGE_CERTIFICATE_VERIFY = 15,
    CS_MESSAGE_CLIENT_KEY_EXCHANGE = 16,
    CS_MESSAGE_FINISHED = 20,
};

/* Which messages went one way. */
struct cs_messages {
    uint32_t seen; /* bit N: the message with number N */
    uint8_t last;  /* 0: none */
};

/** cs_messages_have() - whether a message of this kind went by. */
static inline bool cs_messages_have(struct cs_messages messages, enum cs_message message)
{
    return messages.seen >> message & 1;
}
/** cs_message_name() - "ClientHello"; empty for a number without a name. Static. */
struct cs_str cs_message_name(unsigned number);

/* What one side takes, as text: "TLSv1.2, TLSv1.3". Empty: not known, or none. */
struct cs_terms {
    struct cs_str versions;
    struct cs_str ciphers;
    struct cs_str groups;
    struct cs_str sigalgs; /* for proofs that it verifies */
    struct cs_str alpn;
};

/* What is collected only when a handshake has failed, or when somebody wants to see it. */
struct cs_breakdown {
    struct cs_terms own;            /* what this side takes, as configured */
    struct cs_terms offered;        /* server: what the client offered; client: nothing */
    struct cs_str own_key;          /* key of the certificate that we present: "P-256"; or empty */
    const struct cs_str *own_chain; /* that certificate and what is sent with it, DER */
    size_t n_own_chain;
    struct cs_str asked_sigalgs;      /* of the CertificateRequest, sent or received */
    const struct cs_str *asked_names; /* client: the CA names in it, DER */
    size_t n_asked_names;
};

/** cs_key_can_sign() - whether a key ("P-256", "RSA 2048") can make one of the signatures of a list
 *  as cs_terms has it. */
bool cs_key_can_sign(struct cs_str key, struct cs_str sigalgs);

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
    struct cs_code_points offered_sigalgs;  /* what the client verifies */
    struct cs_str offered_alpn;             /* as on the wire: length and name, repeated */

    struct cs_messages sent, received; /* how far it got */
    enum cs_break broken;              /* why it failed */

    const struct cs_breakdown *breakdown; /* NULL until it has failed */

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
