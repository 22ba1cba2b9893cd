/* One library context per virtual server. Which one answers is decided when the ClientHello
 * has come (choose.c), so every context carries every callback. */
#include "tls/server.h"

#include <openssl/err.h>

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "tls/findings.h"
#include "tls/internal.h"
#include "tls/library.h"

#define DEFAULT_CIPHERS "HIGH:!aNULL:!MD5"
#define DEFAULT_TIMEOUT_SEC 300
/* RFC 8446 section 4.6.1: no ticket lives longer than a week. */
#define LONGEST_TIMEOUT_SEC 604800
#define RECORD_MAX 16384

static void copy_settings(const struct cs_tls_server_spec *spec, struct cs_tls_server *server)
{
    unsigned both = CS_TLS_1_2 | CS_TLS_1_3;
    server->protocols = spec->protocols & both ? spec->protocols & both : both;
    server->prefer_server_ciphers = spec->prefer_server_ciphers;
    server->refuses = spec->n_pairs == 0;
    server->verify = spec->client_certificate;
    server->tickets = spec->tickets && spec->ticket_keys;
    server->keys = server->tickets ? cs_ticket_keys_ref(spec->ticket_keys) : NULL;
    server->timeout_sec =
        spec->session_timeout_sec > 0 ? spec->session_timeout_sec : DEFAULT_TIMEOUT_SEC;
    if (server->timeout_sec > LONGEST_TIMEOUT_SEC)
        server->timeout_sec = LONGEST_TIMEOUT_SEC;
    memcpy(server->binding, spec->binding, CS_TLS_BINDING);
    server->record =
        spec->buffer_size > 0 && spec->buffer_size < RECORD_MAX ? spec->buffer_size : RECORD_MAX;
    server->ciphers = cs_tls_text(spec->ciphers, DEFAULT_CIPHERS);
    server->alpn = cs_tls_alpn_wire(spec->alpn, &server->alpn_len);
}

/* RFC 8446 section 4.2.4 and RFC 5246 section 7.4.4 give the names two bytes of length each and
 * in sum; the other extensions of a request take the rest. */
#define NAMES_MAX 65000
/* What stays below a client's limit of 16384 bytes for the message. */
#define NAMES_MANY 16000

static int check_names(const struct cs_tls_server_spec *spec, struct cs_findings *findings)
{
    const struct cs_finding_kind *kind = &cs_tls_finding_ca_names_long;
    char count[24], size[24];
    size_t bytes = 0;

    for (size_t i = 0; i < spec->n_ca_names; i++)
        bytes += 2 + spec->ca_names[i].len;
    if (bytes <= NAMES_MANY)
        return 0;
    if (bytes > NAMES_MAX)
        kind = &cs_tls_finding_ca_names_too_long;
    snprintf(count, sizeof(count), "%zu", spec->n_ca_names);
    snprintf(size, sizeof(size), "%zu", bytes);
    CS_FIND(findings, kind, &spec->place, cs_str_from(count), cs_str_from(size));
    return bytes > NAMES_MAX ? -EINVAL : 0;
}

static int load(const struct cs_tls_server_spec *spec, struct cs_findings *findings,
                struct cs_tls_server *server)
{
    SSL_CTX *ctx = server->ctx;
    int pairs = cs_tls_use_pairs(ctx, spec->pairs, spec->n_pairs, findings, &server->own);
    int ciphers = cs_tls_use_ciphers(ctx, server->ciphers, &spec->place, findings);
    int curves = cs_tls_use_curves(ctx, spec->curves, &spec->place, findings, &server->groups);
    int names = cs_lib_ca_names(ctx, spec->ca_names, spec->n_ca_names);
    int size = check_names(spec, findings);
    if (names < 0)
        CS_FIND0(findings, &cs_tls_finding_ca_name_invalid, &spec->place);
    return pairs < 0 || ciphers < 0 || curves < 0 || names < 0 || size < 0 ? -EINVAL : 0;
}

static int set_limits(struct cs_tls_server *server)
{
    SSL_CTX *ctx = server->ctx;
    if (SSL_CTX_set_min_proto_version(ctx, cs_tls_min_version(server->protocols)) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, cs_tls_max_version(server->protocols)) != 1 ||
        SSL_CTX_set_session_id_context(ctx, server->binding, CS_TLS_BINDING) != 1)
        return -ENOTSUP;
    if (server->prefer_server_ciphers)
        SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(ctx, CS_TLS_CHAIN_BYTES_MAX);
    SSL_CTX_set_alpn_select_cb(ctx, cs_tls_on_alpn, NULL);
    SSL_CTX_set_tlsext_status_cb(ctx, cs_tls_on_status);
    cs_lib_session_timeout(ctx, (uint32_t)server->timeout_sec);
    return 0;
}

int cs_tls_server_new(const struct cs_tls_server_spec *spec, struct cs_findings *findings,
                      struct cs_tls_server **ret_server)
{
    struct cs_tls_server *server = CS_NEW(struct cs_tls_server);
    server->refs = 1;
    copy_settings(spec, server);
    server->ctx = cs_lib_server_ctx();
    int r = server->ctx ? set_limits(server) : -ENOTSUP;
    if (r == 0)
        r = load(spec, findings, server);
    ERR_clear_error();
    if (r < 0) {
        cs_tls_server_unref(server);
        return r;
    }
    *ret_server = server;
    return 0;
}

struct cs_tls_server *cs_tls_server_ref(struct cs_tls_server *server)
{
    server->refs++;
    return server;
}

struct cs_tls_server *cs_tls_server_unref(struct cs_tls_server *server)
{
    if (!server || --server->refs > 0)
        return NULL;
    SSL_CTX_free(server->ctx);
    cs_ticket_keys_unref(server->keys);
    free(server->ciphers);
    free(server->groups);
    free(server->alpn);
    cs_own_deinit(&server->own);
    free(server);
    return NULL;
}
