/* One library context per upstream identity; its sessions are kept in reuse.c, not by the
 * library, which does not know what a session's verdict depended on. */
#include "tls/client.h"

#include <openssl/err.h>

#include <errno.h>

#include "base/mem.h"
#include "tls/internal.h"
#include "tls/library.h"

#define DEFAULT_CIPHERS "DEFAULT"
#define DEFAULT_TIMEOUT_SEC 3600
#define RECORD_MAX 16384

static int set_limits(const struct cs_tls_client_spec *spec, struct cs_tls_client *client)
{
    SSL_CTX *ctx = client->ctx;
    client->protocols = spec->protocols ? spec->protocols : CS_TLS_1_2 | CS_TLS_1_3;
    client->alpn = cs_tls_alpn_wire(spec->alpn, &client->alpn_len);
    if (SSL_CTX_set_min_proto_version(ctx, cs_tls_min_version(client->protocols)) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, cs_tls_max_version(client->protocols)) != 1 ||
        (client->alpn &&
         SSL_CTX_set_alpn_protos(ctx, client->alpn, (unsigned)client->alpn_len) != 0))
        return -ENOTSUP;
    SSL_CTX_set_session_cache_mode(ctx, client->reuse
                                            ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
                                            : SSL_SESS_CACHE_OFF);
    SSL_CTX_sess_set_new_cb(ctx, cs_reuse_on_session);
    SSL_CTX_set_max_cert_list(ctx, CS_TLS_CHAIN_BYTES_MAX);
    cs_lib_session_timeout(ctx, (uint32_t)client->timeout_sec);
    return 0;
}

static int load(const struct cs_tls_client_spec *spec, struct cs_findings *findings,
                struct cs_tls_client *client)
{
    client->ciphers = cs_tls_text(spec->ciphers, DEFAULT_CIPHERS);
    int pair =
        spec->pair ? cs_tls_use_pairs(client->ctx, spec->pair, 1, findings, &client->own) : 0;
    int suites = cs_tls_use_ciphers(client->ctx, client->ciphers, &spec->place, findings);
    int curves =
        cs_tls_use_curves(client->ctx, spec->curves, &spec->place, findings, &client->groups);
    return pair < 0 || suites < 0 || curves < 0 ? -EINVAL : 0;
}

int cs_tls_client_new(const struct cs_tls_client_spec *spec, struct cs_findings *findings,
                      struct cs_tls_client **ret_client)
{
    struct cs_tls_client *client = CS_NEW(struct cs_tls_client);
    client->refs = 1;
    client->reuse = spec->session_reuse;
    client->ask_staple = spec->ask_staple;
    client->timeout_sec =
        spec->session_timeout_sec > 0 ? spec->session_timeout_sec : DEFAULT_TIMEOUT_SEC;
    client->record =
        spec->buffer_size > 0 && spec->buffer_size < RECORD_MAX ? spec->buffer_size : RECORD_MAX;
    cs_list_init(&client->sessions);
    client->ctx = cs_lib_client_ctx();
    int r = client->ctx ? set_limits(spec, client) : -ENOTSUP;
    if (r == 0)
        r = load(spec, findings, client);
    ERR_clear_error();
    if (r < 0) {
        cs_tls_client_unref(client);
        return r;
    }
    *ret_client = client;
    return 0;
}

struct cs_tls_client *cs_tls_client_ref(struct cs_tls_client *client)
{
    client->refs++;
    return client;
}

struct cs_tls_client *cs_tls_client_unref(struct cs_tls_client *client)
{
    if (!client || --client->refs > 0)
        return NULL;
    cs_reuse_clear(client);
    SSL_CTX_free(client->ctx);
    free(client->ciphers);
    free(client->groups);
    free(client->alpn);
    cs_own_deinit(&client->own);
    free(client);
    return NULL;
}

void cs_tls_client_forget(struct cs_tls_client *client)
{
    cs_reuse_clear(client);
}
