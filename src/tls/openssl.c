/* OpenSSL 3. Tickets are sealed by the library with AES-256-CBC and HMAC-SHA-256 under our
 * keys; what ticket.h puts in front of the session travels as the ticket's application
 * data here. The library's own encoding has the leaf of the chain, and only it: our part has the
 * rest. */
#include "tls/library.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509_vfy.h>

#include <errno.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tls/names.h"

/* --- certificates --- */

static X509 *parse(struct cs_str der)
{
    const uint8_t *p = (const uint8_t *)der.ptr;
    return d2i_X509(NULL, &p, (long)der.len);
}

int cs_lib_use_pair(SSL_CTX *ctx, const struct cs_pair *pair)
{
    STACK_OF(X509) *rest = sk_X509_new_null();
    X509 *leaf = parse(pair->ders[0]);
    bool good = rest && leaf;
    for (size_t i = 1; good && i < pair->n; i++) {
        X509 *cert = parse(pair->ders[i]);
        good = cert && sk_X509_push(rest, cert) > 0;
        if (!good)
            X509_free(cert);
    }
    good = good && SSL_CTX_use_cert_and_key(ctx, leaf, pair->key, rest, 1) == 1;
    sk_X509_pop_free(rest, X509_free);
    X509_free(leaf);
    return good ? 0 : -EINVAL;
}

const bool cs_lib_tells_presented = true;

const struct cs_own_pair *cs_lib_presented(SSL *ssl, const struct cs_own *own)
{
    uint8_t *der = NULL;
    int len = i2d_X509(SSL_get_certificate(ssl), &der);
    struct cs_str leaf = cs_str_make(der, len > 0 ? (size_t)len : 0);
    const struct cs_own_pair *found = NULL;
    for (size_t i = 0; i < own->n && !found; i++)
        if (leaf.len && cs_str_eq(own->pairs[i].pair->ders[0], leaf))
            found = &own->pairs[i];
    OPENSSL_free(der);
    return found;
}

int cs_lib_ca_names(SSL_CTX *ctx, const struct cs_str *names, size_t n)
{
    STACK_OF(X509_NAME) *list = sk_X509_NAME_new_null();
    bool good = list != NULL;
    for (size_t i = 0; good && i < n; i++) {
        const uint8_t *p = (const uint8_t *)names[i].ptr;
        X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)names[i].len);
        good = name && p == (const uint8_t *)names[i].ptr + names[i].len &&
               sk_X509_NAME_push(list, name) > 0;
        if (!good)
            X509_NAME_free(name);
    }
    if (!good) {
        sk_X509_NAME_pop_free(list, X509_NAME_free);
        return -EINVAL;
    }
    SSL_CTX_set_client_CA_list(ctx, list);
    return 0;
}

/* --- the peer's chain --- */

/* Each certificate's DER on the heap. Return: how many; the rest are NULL. */
static size_t encode(const STACK_OF(X509) * certs, uint8_t *ders[], struct cs_str strs[])
{
    size_t n = (size_t)sk_X509_num(certs), i = 0;
    for (; i < n; i++) {
        int len = i2d_X509(sk_X509_value(certs, (int)i), &ders[i]);
        if (len <= 0)
            break;
        strs[i] = cs_str_make(ders[i], (size_t)len);
    }
    return i;
}

const bool cs_lib_looks_first = false;

static int keep_chain(struct cs_tls *tls, const STACK_OF(X509) * certs)
{
    size_t n = certs ? (size_t)sk_X509_num(certs) : 0;
    uint8_t *ders[CS_TLS_CHAIN_MAX] = {NULL};
    struct cs_str strs[CS_TLS_CHAIN_MAX];
    cs_tls_drop_chain(tls);
    if (n == 0 || n > CS_TLS_CHAIN_MAX)
        return cs_tls_keep_chain(tls, NULL, n);
    int r = encode(certs, ders, strs) == n ? cs_tls_keep_chain(tls, strs, n) : -EINVAL;
    for (size_t i = 0; i < n; i++)
        OPENSSL_free(ders[i]);
    return r;
}

int cs_lib_remember(struct cs_tls *tls, const SSL_SESSION *session)
{
    /* Clients' sessions keep the whole chain in memory, but only an SSL gives it out. */
    SSL *ssl = SSL_new(SSL_get_SSL_CTX(tls->ssl));
    int r = -EINVAL;
    if (ssl && SSL_set_session(ssl, (SSL_SESSION *)session) == 1)
        r = keep_chain(tls, SSL_get_peer_cert_chain(ssl));
    SSL_free(ssl);
    return r == 0 && tls->facts.n_chain > 0 ? 0 : -EINVAL;
}

/* The library turns X509_V_ERR_* into alerts; so the alert we want chooses the error. */
static int error_for(uint8_t alert)
{
    switch (alert) {
    case SSL_AD_HANDSHAKE_FAILURE: return X509_V_ERR_APPLICATION_VERIFICATION;
    case SSL_AD_BAD_CERTIFICATE: return X509_V_ERR_CERT_REJECTED;
    case SSL_AD_UNSUPPORTED_CERTIFICATE: return X509_V_ERR_INVALID_PURPOSE;
    case SSL_AD_CERTIFICATE_REVOKED: return X509_V_ERR_CERT_REVOKED;
    case SSL_AD_CERTIFICATE_EXPIRED: return X509_V_ERR_CERT_HAS_EXPIRED;
    case SSL_AD_UNKNOWN_CA: return X509_V_ERR_INVALID_CA;
    case SSL_AD_DECRYPT_ERROR: return X509_V_ERR_CERT_SIGNATURE_FAILURE;
    case SSL_AD_INTERNAL_ERROR: return X509_V_ERR_UNSPECIFIED;
    default: return X509_V_ERR_PATH_LOOP + 10000; /* in no table: certificate_unknown */
    }
}

static int on_verify(X509_STORE_CTX *store, void *arg)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct cs_tls *tls = SSL_get_app_data(ssl);
    uint8_t alert = SSL_AD_BAD_CERTIFICATE;
    if (keep_chain(tls, X509_STORE_CTX_get0_untrusted(store)) == 0 &&
        cs_tls_on_chain(tls, &alert)) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    X509_STORE_CTX_set_error(store, error_for(alert));
    return 0;
}

/* --- the choice of the server --- */

static struct cs_str extension(SSL *ssl, unsigned type)
{
    const unsigned char *bytes = NULL;
    size_t len = 0;
    if (SSL_client_hello_get0_ext(ssl, type, &bytes, &len) != 1)
        return (struct cs_str){NULL, 0};
    return cs_str_make(bytes ? bytes : (const unsigned char *)"", len);
}

static int on_hello(SSL *ssl, int *ret_alert, void *arg)
{
    struct cs_tls *tls = SSL_get_app_data(ssl);
    const unsigned char *ciphers = NULL;
    size_t len = SSL_client_hello_get0_ciphers(ssl, &ciphers);
    const struct cs_hello hello = {
        .legacy_version = (uint16_t)SSL_client_hello_get0_legacy_version(ssl),
        .ciphers = cs_str_make(ciphers, len),
        .sni = extension(ssl, TLSEXT_TYPE_server_name),
        .groups = extension(ssl, TLSEXT_TYPE_supported_groups),
        .versions = extension(ssl, TLSEXT_TYPE_supported_versions),
        .sigalgs = extension(ssl, TLSEXT_TYPE_signature_algorithms),
        .alpn = extension(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation),
    };
    switch (cs_tls_on_hello(tls, &hello)) {
    case CS_CHOICE_GO: return SSL_CLIENT_HELLO_SUCCESS;
    case CS_CHOICE_REJECT: *ret_alert = SSL_AD_UNRECOGNIZED_NAME; break;
    case CS_CHOICE_FAULT: *ret_alert = SSL_AD_INTERNAL_ERROR; break;
    }
    return SSL_CLIENT_HELLO_ERROR;
}

void cs_lib_ask(SSL *ssl, enum cs_tls_verify verify)
{
    SSL_set_verify(ssl, cs_tls_ask_mode(verify), NULL);
}

/* SSL_set_SSL_CTX() changes all that is looked up in the context; SSL_new() copied the rest. */
int cs_lib_switch(SSL *ssl, const struct cs_tls_server *from, const struct cs_tls_server *to)
{
    if (SSL_set_SSL_CTX(ssl, to->ctx) != to->ctx ||
        SSL_set_min_proto_version(ssl, cs_tls_min_version(to->protocols)) != 1 ||
        SSL_set_max_proto_version(ssl, cs_tls_max_version(to->protocols)) != 1 ||
        SSL_set_session_id_context(ssl, to->binding, CS_TLS_BINDING) != 1)
        return -EIO;
    if (strcmp(from->groups, to->groups) != 0 && SSL_set1_groups_list(ssl, to->groups) != 1)
        return -EIO;
    SSL_clear_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
    if (to->prefer_server_ciphers)
        SSL_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
    cs_lib_ask(ssl, to->verify);
    return 0;
}

/* --- tickets --- */

#define TICKET_IV 16 /* of AES-CBC */

static void drop_leaf(struct cs_ticket *ticket)
{
    if (ticket->n_chain == 0)
        return;
    ticket->n_chain--;
    memmove(ticket->chain, ticket->chain + 1, ticket->n_chain * sizeof(*ticket->chain));
}

static void free_der(uint8_t **der)
{
    OPENSSL_free(*der);
}

/* Put the session's leaf in front of the chain, which borrows from *@ret_der then. Return: false
 * when that makes no chain. */
static bool add_leaf(struct cs_ticket *ticket, const X509 *leaf, uint8_t **ret_der)
{
    int len = leaf ? i2d_X509(leaf, ret_der) : 0;
    if (!leaf)
        return ticket->n_chain == 0;
    if (len <= 0 || ticket->n_chain == CS_TLS_CHAIN_MAX)
        return false;
    memmove(ticket->chain + 1, ticket->chain, ticket->n_chain * sizeof(*ticket->chain));
    ticket->chain[0] = cs_str_make(*ret_der, (size_t)len);
    ticket->n_chain++;
    return true;
}

/* Our head, less the leaf, before the session is encoded into a ticket. */
static int on_new_ticket(SSL *ssl, void *arg)
{
    struct cs_tls *tls = SSL_get_app_data(ssl);
    struct cs_ticket ticket;
    if (!tls->server || tls->no_tickets)
        return 1;
    cs_tls_ticket(tls, &ticket);
    if (SSL_SESSION_get0_peer(SSL_get_session(ssl)))
        drop_leaf(&ticket);
    size_t len = cs_ticket_head_len(&ticket);
    cs_cleanup(cs_free_p) uint8_t *head = cs_alloc(len);
    cs_ticket_head_write(&ticket, head);
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), head, len);
}

static bool judge_ticket(struct cs_tls *tls, SSL_SESSION *session)
{
    cs_cleanup(free_der) uint8_t *leaf = NULL;
    void *data = NULL;
    size_t len = 0;
    struct cs_ticket ticket;
    struct cs_str rest;
    return SSL_SESSION_get0_ticket_appdata(session, &data, &len) == 1 && data &&
           cs_ticket_head_read(cs_str_make(data, len), &ticket, &rest) == 0 && rest.len == 0 &&
           add_leaf(&ticket, SSL_SESSION_get0_peer(session), &leaf) &&
           cs_tls_may_resume(tls, &ticket);
}

static SSL_TICKET_RETURN on_open_ticket(SSL *ssl, SSL_SESSION *session,
                                        const unsigned char *key_name, size_t key_name_len,
                                        SSL_TICKET_STATUS status, void *arg)
{
    struct cs_tls *tls = SSL_get_app_data(ssl);
    bool opened = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
    /* Clients use a ticket of TLS 1.3 once (RFC 8446 appendix C.4): give them another. */
    if (opened && session && tls->server && judge_ticket(tls, session))
        return SSL_version(ssl) == TLS1_3_VERSION ? SSL_TICKET_RETURN_USE_RENEW
                                                  : SSL_TICKET_RETURN_USE;
    ERR_clear_error();
    return SSL_TICKET_RETURN_IGNORE_RENEW;
}

/* Looked up by name among all providers, which takes long: once. */
static const EVP_CIPHER *ticket_cipher(void)
{
    static EVP_CIPHER *cipher;

    if (!cipher)
        cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    return cipher;
}

static int set_key(const struct cs_ticket_key *key, const uint8_t *iv, EVP_CIPHER_CTX *cipher,
                   EVP_MAC_CTX *mac, int seal)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key->mac, sizeof(key->mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return ticket_cipher() && EVP_MAC_CTX_set_params(mac, params) == 1 &&
           EVP_CipherInit_ex(cipher, ticket_cipher(), NULL, key->aes, iv, seal) == 1;
}

/* Return: 1; 0 for no ticket (sealing: an empty one, TLS 1.2 only; opening: ignore it);
 * -1 for a library failure. */
static int on_ticket_key(SSL *ssl, unsigned char name[16], unsigned char *iv,
                         EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal)
{
    const struct cs_ticket_keys *keys = cs_tls_ticket_keys0(SSL_get_app_data(ssl));
    if (!keys)
        return 0;
    const struct cs_ticket_key *key =
        seal ? cs_ticket_keys_seal0(keys) : cs_ticket_keys_find0(keys, name);
    if (!key)
        return 0;
    if (seal) {
        memcpy(name, key->name, CS_TICKET_NAME);
        if (RAND_bytes(iv, TICKET_IV) != 1)
            return -1;
    }
    return set_key(key, iv, cipher, mac, seal) ? 1 : -1;
}

void cs_lib_no_tickets(SSL *ssl)
{
    SSL_set_options(ssl, SSL_OP_NO_TICKET);
    SSL_set_num_tickets(ssl, 0);
}

void cs_lib_session_timeout(SSL_CTX *ctx, uint32_t sec)
{
    SSL_CTX_set_timeout(ctx, sec);
}

/* --- contexts --- */

static SSL_CTX *ctx_new(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    if (!ctx)
        return NULL;
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL);
    return ctx;
}

/* What clients may prove their keys with: the library's own list without SHA-1, SHA-224 and DSA,
 * said aloud so that it can be repeated to whom it does not suit. */
static const uint16_t proofs[] = {0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805,
                                  0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501, 0x0601};

const uint16_t *cs_lib_proofs(size_t *ret_n)
{
    *ret_n = sizeof(proofs) / sizeof(*proofs);
    return proofs;
}

/* Return: whether the library took the list. */
static bool ask_for_proofs(SSL_CTX *ctx)
{
    struct cs_buf list;
    bool good;

    cs_buf_init(&list, 1024);
    for (size_t i = 0; i < sizeof(proofs) / sizeof(*proofs); i++)
        (void)!cs_buf_addf(&list, "%s%.*s", i ? ":" : "", CS_FMT(cs_tls_sigalg_name(proofs[i])));
    good = SSL_CTX_set1_client_sigalgs_list(ctx, cs_buf_cstr(&list)) == 1;
    cs_buf_deinit(&list);
    return good;
}

SSL_CTX *cs_lib_server_ctx(void)
{
    SSL_CTX *ctx = ctx_new();
    if (ctx && !ask_for_proofs(ctx)) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    if (!ctx)
        return NULL;
    SSL_CTX_set_client_hello_cb(ctx, on_hello, NULL);
    SSL_CTX_set_session_ticket_cb(ctx, on_new_ticket, on_open_ticket, NULL);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket_key);
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_max_early_data(ctx, 0);
    SSL_CTX_set_recv_max_early_data(ctx, 0);
    return ctx;
}

SSL_CTX *cs_lib_client_ctx(void)
{
    SSL_CTX *ctx = ctx_new();
    if (ctx)
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return ctx;
}

void cs_lib_prepare(SSL *ssl)
{
}

/* The tickets are made; what they say is not asked for again. */
void cs_lib_shed(SSL *ssl)
{
    SSL_SESSION *session = SSL_get_session(ssl);

    if (session && SSL_is_server(ssl))
        (void)!SSL_SESSION_set1_ticket_appdata(session, NULL, 0);
}

/* --- names --- */

const char *cs_lib_group(SSL *ssl)
{
    int group = (int)SSL_get_negotiated_group(ssl);
    return group ? SSL_group_to_name(ssl, group) : NULL;
}

const char *cs_lib_cipher_name(uint16_t code)
{
    static SSL_CTX *ctx;
    static SSL *any; /* SSL_CIPHER_find() wants one, whichever */
    const unsigned char bytes[2] = {(unsigned char)(code >> 8), (unsigned char)code};
    if (!ctx)
        ctx = SSL_CTX_new(TLS_method());
    if (!any && ctx)
        any = SSL_new(ctx);
    const SSL_CIPHER *cipher = any ? SSL_CIPHER_find(any, bytes) : NULL;
    return cipher ? SSL_CIPHER_get_name(cipher) : NULL;
}
