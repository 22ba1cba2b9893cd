/* AWS-LC. The buffers method keeps certificates as bytes and never makes X509 objects, which
 * is a third of a handshake; tickets are sealed by ticket.c through the library's AEAD
 * hooks; what only the handshake needs is shed when it is over. */
#include "tls/library.h"

#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/pool.h>

#include <errno.h>

#include "base/fast.h"
#include "base/mem.h"

/* --- certificates --- */

int cs_lib_use_pair(SSL_CTX *ctx, const struct cs_pair *pair)
{
    CRYPTO_BUFFER *chain[CS_PAIR_CERTS_MAX] = {NULL};
    bool good = true;
    for (size_t i = 0; i < pair->n; i++) {
        chain[i] = CRYPTO_BUFFER_new((const uint8_t *)pair->ders[i].ptr, pair->ders[i].len, NULL);
        good = chain[i] && good;
    }
    good = good && SSL_CTX_set_chain_and_key(ctx, chain, pair->n, pair->key, NULL) == 1;
    for (size_t i = 0; i < pair->n; i++)
        CRYPTO_BUFFER_free(chain[i]);
    return good ? 0 : -EINVAL;
}

static bool is_name(struct cs_str der)
{
    const uint8_t *p = (const uint8_t *)der.ptr;
    X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)der.len);
    bool good = name && p == (const uint8_t *)der.ptr + der.len;
    X509_NAME_free(name);
    return good;
}

const bool cs_lib_tells_presented = false;

const struct cs_own_pair *cs_lib_presented(SSL *ssl, const struct cs_own *own)
{
    return own->n == 1 ? &own->pairs[0] : NULL;
}

int cs_lib_ca_names(SSL_CTX *ctx, const struct cs_str *names, size_t n)
{
    STACK_OF(CRYPTO_BUFFER) *list = sk_CRYPTO_BUFFER_new_null();
    bool good = list != NULL;
    for (size_t i = 0; good && i < n; i++) {
        CRYPTO_BUFFER *name =
            is_name(names[i]) ? CRYPTO_BUFFER_new((const uint8_t *)names[i].ptr, names[i].len, NULL)
                              : NULL;
        good = name && sk_CRYPTO_BUFFER_push(list, name) > 0;
        if (!good)
            CRYPTO_BUFFER_free(name);
    }
    if (!good) {
        sk_CRYPTO_BUFFER_pop_free(list, CRYPTO_BUFFER_free);
        return -EINVAL;
    }
    SSL_CTX_set0_client_CAs(ctx, list);
    return 0;
}

/* --- the peer's chain --- */

const bool cs_lib_looks_first = true; /* at the key usage, and whether it knows the key */

/* Copy the library's buffers to the facts. */
static int keep_chain(struct cs_tls *tls, const STACK_OF(CRYPTO_BUFFER) * certs)
{
    struct cs_str ders[CS_TLS_CHAIN_MAX];
    size_t n = certs ? sk_CRYPTO_BUFFER_num(certs) : 0;
    for (size_t i = 0; i < n && i < CS_TLS_CHAIN_MAX; i++) {
        const CRYPTO_BUFFER *cert = sk_CRYPTO_BUFFER_value(certs, i);
        ders[i] = cs_str_make(CRYPTO_BUFFER_data(cert), CRYPTO_BUFFER_len(cert));
    }
    return cs_tls_keep_chain(tls, ders, n);
}

int cs_lib_remember(struct cs_tls *tls, const SSL_SESSION *session)
{
    if (keep_chain(tls, SSL_SESSION_get0_peer_certificates(session)) < 0)
        return -EINVAL;
    return tls->facts.n_chain > 0 ? 0 : -EINVAL;
}

static enum ssl_verify_result_t on_verify(SSL *ssl, uint8_t *ret_alert)
{
    struct cs_tls *tls = SSL_get_app_data(ssl);
    uint8_t alert = SSL_AD_BAD_CERTIFICATE;
    if (keep_chain(tls, SSL_get0_peer_certificates(ssl)) == 0 && cs_tls_on_chain(tls, &alert))
        return ssl_verify_ok;
    *ret_alert = alert;
    return ssl_verify_invalid;
}

/* --- the choice of the server --- */

static struct cs_str extension(const SSL_CLIENT_HELLO *hello, uint16_t type)
{
    const uint8_t *bytes = NULL;
    size_t len = 0;
    if (SSL_early_callback_ctx_extension_get(hello, type, &bytes, &len) != 1)
        return (struct cs_str){NULL, 0};
    return cs_str_make(bytes, len);
}

static enum ssl_select_cert_result_t on_hello(const SSL_CLIENT_HELLO *client)
{
    struct cs_tls *tls = SSL_get_app_data(client->ssl);
    const struct cs_hello hello = {
        .legacy_version = client->version,
        .ciphers = cs_str_make(client->cipher_suites, client->cipher_suites_len),
        .sni = extension(client, TLSEXT_TYPE_server_name),
        .groups = extension(client, TLSEXT_TYPE_supported_groups),
        .versions = extension(client, TLSEXT_TYPE_supported_versions),
        .sigalgs = extension(client, TLSEXT_TYPE_signature_algorithms),
        .alpn = extension(client, TLSEXT_TYPE_application_layer_protocol_negotiation),
    };
    /* A rejection goes on to on_servername(), which alone can choose the alert. */
    return cs_tls_on_hello(tls, &hello) == CS_CHOICE_FAULT ? ssl_select_cert_error
                                                           : ssl_select_cert_success;
}

static int on_servername(SSL *ssl, int *ret_alert, void *arg)
{
    struct cs_tls *tls = SSL_get_app_data(ssl);
    if (!tls->rejected)
        return SSL_TLSEXT_ERR_OK;
    *ret_alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void cs_lib_ask(SSL *ssl, enum cs_tls_verify verify)
{
    SSL_set_custom_verify(ssl, cs_tls_ask_mode(verify), on_verify);
}

static int take_lists(SSL *ssl, const struct cs_tls_server *from, const struct cs_tls_server *to)
{
    if (strcmp(from->ciphers, to->ciphers) != 0 && SSL_set_cipher_list(ssl, to->ciphers) != 1)
        return -EIO;
    if (strcmp(from->groups, to->groups) != 0 && SSL_set1_groups_list(ssl, to->groups) != 1)
        return -EIO;
    return 0;
}

/* SSL_set_SSL_CTX() changes certificates, CA names and ALPN; the rest was copied by SSL_new(). */
int cs_lib_switch(SSL *ssl, const struct cs_tls_server *from, const struct cs_tls_server *to)
{
    if (SSL_set_SSL_CTX(ssl, to->ctx) != to->ctx || take_lists(ssl, from, to) < 0 ||
        SSL_set_min_proto_version(ssl, cs_tls_min_version(to->protocols)) != 1 ||
        SSL_set_max_proto_version(ssl, cs_tls_max_version(to->protocols)) != 1 ||
        SSL_set_session_id_context(ssl, to->binding, CS_TLS_BINDING) != 1)
        return -EIO;
    SSL_clear_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
    if (to->prefer_server_ciphers)
        SSL_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
    cs_lib_ask(ssl, to->verify);
    return 0;
}

/* --- tickets --- */

static size_t ticket_overhead(SSL *ssl)
{
    struct cs_ticket ticket;
    cs_tls_ticket(SSL_get_app_data(ssl), &ticket);
    return cs_ticket_len(&ticket, 0);
}

/* An empty ticket (TLS 1.2 only, RFC 5077 section 3.3) where none may be given after all. */
static int on_seal(SSL *ssl, uint8_t *out, size_t *ret_len, size_t max_len, const uint8_t *in,
                   size_t len)
{
    struct cs_tls *tls = SSL_get_app_data(ssl);
    const struct cs_ticket_keys *keys = cs_tls_ticket_keys0(tls);
    struct cs_ticket ticket;
    *ret_len = 0;
    if (!keys)
        return 1;
    cs_tls_ticket(tls, &ticket);
    if (max_len < cs_ticket_len(&ticket, len) ||
        cs_ticket_seal(cs_ticket_keys_seal0(keys), &ticket, cs_str_make(in, len), out) < 0)
        return 0;
    *ret_len = cs_ticket_len(&ticket, len);
    return 1;
}

static enum ssl_ticket_aead_result_t on_open(SSL *ssl, uint8_t *out, size_t *ret_len,
                                             size_t max_len, const uint8_t *in, size_t len)
{
    struct cs_tls *tls = SSL_get_app_data(ssl);
    const struct cs_ticket_keys *keys = cs_tls_ticket_keys0(tls);
    cs_cleanup(cs_free_p) uint8_t *plain = keys ? cs_alloc(len) : NULL;
    struct cs_ticket ticket;
    struct cs_str session;
    bool good = keys && cs_ticket_open(keys, cs_str_make(in, len), plain, &ticket, &session) == 0 &&
                session.len <= max_len && cs_tls_may_resume(tls, &ticket);
    ERR_clear_error();
    if (good) {
        memcpy(out, session.ptr, session.len);
        *ret_len = session.len;
    }
    if (plain)
        cs_wipe(plain, len);
    return good ? ssl_ticket_aead_success : ssl_ticket_aead_ignore_ticket;
}

static const SSL_TICKET_AEAD_METHOD ticket_method = {
    .max_overhead = ticket_overhead,
    .seal = on_seal,
    .open = on_open,
};

void cs_lib_no_tickets(SSL *ssl)
{
    SSL_set_options(ssl, SSL_OP_NO_TICKET);
}

void cs_lib_session_timeout(SSL_CTX *ctx, uint32_t sec)
{
    SSL_CTX_set_timeout(ctx, sec);
    SSL_CTX_set_session_psk_dhe_timeout(ctx, sec);
}

/* --- contexts --- */

/* What clients and upstreams may prove their keys with: the library's own list leaves Ed25519
 * out. */
static const uint16_t proofs[] = {SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_RSA_PSS_RSAE_SHA256,
                                  SSL_SIGN_RSA_PKCS1_SHA256,       SSL_SIGN_ED25519,
                                  SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_SIGN_RSA_PSS_RSAE_SHA384,
                                  SSL_SIGN_RSA_PKCS1_SHA384,       SSL_SIGN_ECDSA_SECP521R1_SHA512,
                                  SSL_SIGN_RSA_PSS_RSAE_SHA512,    SSL_SIGN_RSA_PKCS1_SHA512};

const uint16_t *cs_lib_proofs(size_t *ret_n)
{
    *ret_n = sizeof(proofs) / sizeof(*proofs);
    return proofs;
}

static void accept_all_proofs(SSL_CTX *ctx)
{
    SSL_CTX_set_verify_algorithm_prefs(ctx, proofs, sizeof(proofs) / sizeof(*proofs));
}

static SSL_CTX *ctx_new(void)
{
    return SSL_CTX_new(cs_fast(CS_FAST_BUFFERS) ? TLS_with_buffers_method() : TLS_method());
}

SSL_CTX *cs_lib_server_ctx(void)
{
    SSL_CTX *ctx = ctx_new();
    if (!ctx)
        return NULL;
    SSL_CTX_set_select_certificate_cb(ctx, on_hello);
    SSL_CTX_set_tlsext_servername_callback(ctx, on_servername);
    SSL_CTX_set_ticket_aead_method(ctx, &ticket_method);
    SSL_CTX_set_num_tickets(ctx, 1);
    /* The chain is in our part of a ticket, and whoever judged it keeps it: no second one in the
     * library's sessions. */
    SSL_CTX_set_retain_only_sha256_of_client_certs(ctx, cs_fast(CS_FAST_RETAIN));
    accept_all_proofs(ctx);
    return ctx;
}

/* Certificates of upstreams, in many sessions, are held once. The pool counts
 * references itself; it lives as long as the process. */
static CRYPTO_BUFFER_POOL *shared_certificates(void)
{
    static CRYPTO_BUFFER_POOL *pool;

    if (!pool)
        pool = CRYPTO_BUFFER_POOL_new();
    return pool;
}

SSL_CTX *cs_lib_client_ctx(void)
{
    SSL_CTX *ctx = ctx_new();
    if (!ctx)
        return NULL;
    SSL_CTX_set_custom_verify(ctx, SSL_VERIFY_PEER, on_verify);
    accept_all_proofs(ctx);
    SSL_CTX_set0_buffer_pool(ctx, shared_certificates());
    return ctx;
}

void cs_lib_prepare(SSL *ssl)
{
    SSL_set_shed_handshake_config(ssl, cs_fast(CS_FAST_SHED));
}

void cs_lib_shed(SSL *ssl)
{
    /* By itself: see cs_lib_prepare(). */
}

/* --- names --- */

const char *cs_lib_group(SSL *ssl)
{
    return SSL_get_group_name(SSL_get_group_id(ssl));
}

const char *cs_lib_cipher_name(uint16_t code)
{
    const SSL_CIPHER *cipher = SSL_get_cipher_by_value(code);
    return cipher ? SSL_CIPHER_get_name(cipher) : NULL;
}
