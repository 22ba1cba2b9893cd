/* The TLS side of connections to an upstream, immutable but for the sessions it remembers.
 *
 * Whether the upstream is trusted is the verify hook's to say; without a hook nothing is.
 * Sessions are remembered per caller's key, which names everything that the verdict
 * depended on (address, name, verify set, client certificate): a session is only offered
 * under the key it was made under.
 */
#ifndef CS_TLS_CLIENT_H
#define CS_TLS_CLIENT_H

#include "tls/server.h"

struct cs_tls_client_spec {
    const struct cs_tls_pair *pair; /* our certificate, or NULL */
    unsigned protocols;             /* CS_TLS_1_2 | CS_TLS_1_3; 0: both */
    struct cs_str ciphers;          /* OpenSSL's syntax; empty: "DEFAULT" */
    struct cs_str curves;           /* as in cs_tls_server_spec */
    bool session_reuse;
    int64_t session_timeout_sec; /* cap from the full handshake; 0: 3600 */
    size_t buffer_size;          /* bytes per record; 0: 16 KiB */
    const char *const *alpn;     /* NULL at the end; or NULL */
    bool ask_staple;             /* ask for an OCSP response: see cs_tls_staple() */
    struct cs_place place;
};

/* Sessions remembered at once per client; the one unused for longest goes. */
#define CS_TLS_CLIENT_SESSIONS 64

struct cs_tls_client;

/** cs_tls_client_new() - check and load everything in @spec; nothing of it is kept.
 *  Return: 0, or -EINVAL when @findings got an error, or -ENOTSUP. */
int cs_tls_client_new(const struct cs_tls_client_spec *spec, struct cs_findings *findings,
                      struct cs_tls_client **ret_client);
/** cs_tls_client_ref() - one more holder. Return: @client. */
struct cs_tls_client *cs_tls_client_ref(struct cs_tls_client *client);
/** cs_tls_client_unref() - sessions hold references of their own. NULL is fine.
 *  Return: NULL. */
struct cs_tls_client *cs_tls_client_unref(struct cs_tls_client *client);
/** cs_tls_client_forget() - drop every remembered session: trust has changed. */
void cs_tls_client_forget(struct cs_tls_client *client);

#endif
