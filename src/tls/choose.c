/* The decisions inside a handshake, the same for both libraries: which server answers, is
 * the chain good enough to go on, may this ticket resume. */
#include "tls/internal.h"

#include <openssl/err.h>

#include "base/fast.h"
#include "base/mem.h"
#include "tls/library.h"
#include "tls/request.h"

/* Chains beyond this make tickets that no ClientHello should have to carry. */
#define TICKET_CHAIN_BYTES_MAX (16 * 1024)
/* How far another worker's or a stepped clock may run ahead. */
#define SKEW_SEC 60

int64_t cs_tls_now_sec(const struct cs_tls *tls)
{
    return cs_now_sec(tls->io->now);
}

static enum cs_choice adopt(struct cs_tls *tls, struct cs_tls_server *server)
{
    if (server == tls->server)
        return CS_CHOICE_GO;
    struct cs_tls_server *old = tls->server;
    if (cs_lib_switch(tls->ssl, old, server) < 0)
        return CS_CHOICE_FAULT;
    tls->server = cs_tls_server_ref(server);
    cs_tls_server_unref(old);
    return CS_CHOICE_GO;
}

/* After HelloRetryRequest the client speaks again, and must not have changed its mind
 * about whom it wants to talk to (RFC 8446 section 4.1.2). */
static enum cs_choice recheck(struct cs_tls *tls, struct cs_str sni)
{
    return cs_str_eq(sni, tls->facts.sni) ? CS_CHOICE_GO : CS_CHOICE_REJECT;
}

enum cs_choice cs_tls_on_hello(struct cs_tls *tls, const struct cs_hello *hello)
{
    char buf[CS_HELLO_NAME];
    struct cs_str sni;
    bool reject = cs_hello_sni(hello->sni, buf, &sni) < 0;
    tls->misnamed = reject;
    if (tls->hello_seen && !reject)
        return recheck(tls, sni);

    tls->hello_seen = true;
    cs_facts_hello(tls, hello);
    struct cs_tls_server *server = NULL;
    if (!reject) {
        tls->sni = cs_tls_text(sni, "");
        tls->facts.sni = cs_str_make(tls->sni, sni.len);
        if (tls->hooks->select)
            server = tls->hooks->select(tls->hooks_ctx, sni, &reject);
    }
    enum cs_choice choice = CS_CHOICE_GO;
    if (!reject && server)
        choice = adopt(tls, server);
    if (reject || tls->server->refuses) {
        tls->rejected = true;
        return CS_CHOICE_REJECT;
    }
    tls->facts.certificate_asked = tls->server->verify != CS_TLS_VERIFY_OFF;
    if (!tls->server->tickets)
        cs_tls_forbid_tickets(tls);
    return choice;
}

/* A ticket was approved, but the handshake is a full one all the same: another cipher, say. */
static void decline(struct cs_tls *tls)
{
    if (tls->approved && tls->hooks->declined)
        tls->hooks->declined(tls->hooks_ctx);
    tls->approved = false;
}

bool cs_tls_settle(struct cs_tls *tls)
{
    if (!tls->approved || SSL_session_reused(tls->ssl))
        return true;
    cs_tls_drop_chain(tls);
    bool heard = tls->hooks->declined;
    decline(tls);
    return heard;
}

bool cs_tls_on_chain(struct cs_tls *tls, uint8_t *ret_alert)
{
    size_t bytes = 0;
    for (size_t i = 0; i < tls->facts.n_chain; i++)
        bytes += tls->facts.chain[i].len;
    if (bytes > TICKET_CHAIN_BYTES_MAX)
        cs_tls_forbid_tickets(tls);
    decline(tls);
    free(tls->presented);
    tls->presented = NULL;
    tls->judged = true;
    tls->ticket_sec = 0;
    *ret_alert = SSL_AD_BAD_CERTIFICATE;
    bool go = tls->hooks->verify &&
              tls->hooks->verify(tls->hooks_ctx, tls->facts.chain, tls->facts.n_chain, ret_alert);
    ERR_clear_error();
    tls->refused = !go;
    return go;
}

void cs_tls_judge_presented(struct cs_tls *tls)
{
    struct cs_str ders[CS_TLS_CHAIN_MAX], body = cs_str_make(tls->presented, tls->presented_len);
    uint8_t ignored;
    int n;

    if (!tls->presented || tls->facts.received.last != CS_MESSAGE_CERTIFICATE)
        return;
    n = cs_presented_read(body, SSL_version(tls->ssl) == TLS1_3_VERSION, ders, CS_TLS_CHAIN_MAX);
    if (n > 0 && cs_tls_keep_chain(tls, ders, (size_t)n) == 0)
        (void)cs_tls_on_chain(tls, &ignored);
}

void cs_tls_drop_chain(struct cs_tls *tls)
{
    free(tls->chain);
    tls->chain = NULL;
    tls->facts.chain = NULL;
    tls->facts.n_chain = 0;
}

int cs_tls_keep_chain(struct cs_tls *tls, const struct cs_str *ders, size_t n)
{
    size_t bytes = 0;
    cs_tls_drop_chain(tls);
    tls->overlong = n > CS_TLS_CHAIN_MAX;
    if (tls->overlong)
        return -EINVAL;
    if (n == 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        bytes += ders[i].len;
    tls->chain = cs_alloc(n * sizeof(*tls->chain) + bytes);
    char *p = (char *)(tls->chain + n);
    for (size_t i = 0; i < n; i++) {
        memcpy(p, ders[i].ptr, ders[i].len);
        tls->chain[i] = cs_str_make(p, ders[i].len);
        p += ders[i].len;
    }
    tls->facts.chain = tls->chain;
    tls->facts.n_chain = n;
    return 0;
}

void cs_tls_lend_chain(struct cs_tls *tls, const struct cs_str *ders, size_t n)
{
    cs_tls_drop_chain(tls);
    tls->facts.chain = ders;
    tls->facts.n_chain = n;
}

/* Whether the ticket is of this server and young enough. */
static bool is_ours(const struct cs_tls *tls, const struct cs_ticket *ticket)
{
    int64_t age = cs_tls_now_sec(tls) - ticket->original_sec;
    return memcmp(ticket->binding, tls->server->binding, CS_TLS_BINDING) == 0 && age >= -SKEW_SEC &&
           age < tls->server->timeout_sec;
}

/* OpenSSL goes on to the next ticket of a ClientHello when one that was approved does not suit
 * the cipher, long before the client has to prove that it knows the secret of any: what was
 * concluded from the first, which may be somebody else's, must not stand for the next. */
bool cs_tls_may_resume(struct cs_tls *tls, const struct cs_ticket *ticket)
{
    decline(tls);
    bool may = is_ours(tls, ticket) && tls->hooks->resume && cs_fast(CS_FAST_RESUMPTION) &&
               cs_tls_keep_chain(tls, ticket->chain, ticket->n_chain) == 0 &&
               tls->hooks->resume(tls->hooks_ctx, tls->facts.chain, tls->facts.n_chain,
                                  ticket->original_sec);
    ERR_clear_error();
    tls->approved = tls->approved || may;
    if (may)
        tls->ticket_sec = ticket->original_sec;
    else
        cs_tls_drop_chain(tls);
    return may;
}

int64_t cs_tls_original_sec(const struct cs_tls *tls)
{
    return SSL_session_reused(tls->ssl) ? tls->ticket_sec : cs_tls_now_sec(tls);
}

void cs_tls_ticket(const struct cs_tls *tls, struct cs_ticket *ret_ticket)
{
    memcpy(ret_ticket->binding, tls->server->binding, CS_TLS_BINDING);
    ret_ticket->original_sec = cs_tls_original_sec(tls);
    ret_ticket->n_chain = tls->facts.n_chain;
    for (size_t i = 0; i < tls->facts.n_chain; i++)
        ret_ticket->chain[i] = tls->facts.chain[i];
}

const struct cs_ticket_keys *cs_tls_ticket_keys0(struct cs_tls *tls)
{
    struct cs_ticket_keys *keys = tls->server ? tls->server->keys : NULL;
    if (!keys || tls->no_tickets)
        return NULL;
    cs_ticket_keys_turn(keys, cs_tls_now_sec(tls));
    return keys;
}

int cs_tls_on_alpn(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                   unsigned in_len, void *arg)
{
    struct cs_tls *tls = SSL_get_app_data(ssl);
    if (!tls->server || !tls->server->alpn)
        return SSL_TLSEXT_ERR_NOACK;
    int found = SSL_select_next_proto((unsigned char **)out, out_len, tls->server->alpn,
                                      (unsigned)tls->server->alpn_len, in, in_len);
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int cs_tls_on_status(SSL *ssl, void *arg)
{
    struct cs_tls *tls = SSL_get_app_data(ssl);
    const struct cs_own_pair *pair = tls->server ? cs_lib_presented(ssl, &tls->server->own) : NULL;
    if (!pair || pair->staple.len == 0 || pair->staple_until <= cs_tls_now_sec(tls))
        return SSL_TLSEXT_ERR_NOACK;
    uint8_t *copy = OPENSSL_memdup(pair->staple.ptr, pair->staple.len); /* becomes the library's */
    if (!copy)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, pair->staple.len);
    return SSL_TLSEXT_ERR_OK;
}
