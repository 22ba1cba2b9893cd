/* One connection: the TLS library between the caller and transport.c. Every call clears the
 * library's error queue first, so that an error found afterwards is this call's. */
#include "tls/session.h"

#include <openssl/err.h>

#include "base/mem.h"
#include "tls/internal.h"
#include "tls/library.h"

/* The most that a record adds to its contents: header, nonce, MAC, padding. */
#define RECORD_OVERHEAD 512

/* Most often there is nothing to clear, and clearing costs more than looking. */
static void forget_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

/* --- life --- */

static struct cs_tls *session_new(SSL_CTX *ctx, int fd, const struct cs_tls_hooks *hooks,
                                  void *hooks_ctx, struct cs_tls_io *io)
{
    struct cs_tls *tls = CS_NEW(struct cs_tls);
    tls->fd = fd;
    tls->hooks = hooks;
    tls->hooks_ctx = hooks_ctx;
    tls->io = io;
    tls->readable = tls->writable = true;
    ERR_clear_error();
    tls->ssl = SSL_new(ctx);
    BIO *bio = tls->ssl ? cs_transport_bio(tls) : NULL;
    if (!bio || SSL_set_app_data(tls->ssl, tls) != 1) {
        BIO_free(bio);
        return cs_tls_free(tls);
    }
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_mode(tls->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                               SSL_MODE_RELEASE_BUFFERS);
    SSL_set_msg_callback(tls->ssl, cs_facts_on_message);
    SSL_set_msg_callback_arg(tls->ssl, tls);
    cs_lib_prepare(tls->ssl);
    return tls;
}

struct cs_tls *cs_tls_server_session(struct cs_tls_server *initial, int fd,
                                     const struct cs_tls_hooks *hooks, void *ctx,
                                     struct cs_tls_io *io)
{
    struct cs_tls *tls = session_new(initial->ctx, fd, hooks, ctx, io);
    if (!tls)
        return NULL;
    tls->server = cs_tls_server_ref(initial);
    cs_facts_begin(tls);
    cs_lib_ask(tls->ssl, initial->verify);
    SSL_set_accept_state(tls->ssl);
    return tls;
}

/* Return: 0, or -1 when the library will not take the name. */
static int name_peer(struct cs_tls *tls, struct cs_str sni)
{
    if (sni.len == 0)
        return 0;
    tls->sni = cs_tls_text(sni, "");
    tls->facts.sni = cs_str_make(tls->sni, sni.len);
    return SSL_set_tlsext_host_name(tls->ssl, tls->sni) == 1 ? 0 : -1;
}

struct cs_tls *cs_tls_client_session(struct cs_tls_client *client, int fd, struct cs_str sni,
                                     struct cs_str reuse_key, const struct cs_tls_hooks *hooks,
                                     void *ctx, struct cs_tls_io *io)
{
    struct cs_tls *tls = session_new(client->ctx, fd, hooks, ctx, io);
    if (!tls)
        return NULL;
    tls->client = cs_tls_client_ref(client);
    cs_facts_begin(tls);
    if (name_peer(tls, sni) < 0)
        return cs_tls_free(tls);
    if (client->ask_staple && SSL_set_tlsext_status_type(tls->ssl, TLSEXT_STATUSTYPE_ocsp) != 1)
        return cs_tls_free(tls);
    SSL_set_connect_state(tls->ssl);
    if (client->reuse && reuse_key.len > 0) {
        tls->reuse_key = cs_tls_text(reuse_key, "");
        tls->reuse_key_len = reuse_key.len;
    }
    return tls;
}

struct cs_tls *cs_tls_free(struct cs_tls *tls)
{
    if (!tls)
        return NULL;
    /* A connection that just ends, or is reset, does not spoil its session (RFC 5246 section
     * 7.2.1); an alert does, and that the library sees to. */
    bool alerted = tls->facts.alert_received.fatal || tls->facts.alert_sent.fatal;
    if (tls->ssl && tls->facts.complete && !alerted)
        SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls->ssl);
    cs_transport_drop(tls);
    cs_tls_drop_chain(tls);
    cs_tls_server_unref(tls->server);
    cs_tls_client_unref(tls->client);
    free(tls->reuse_key);
    free(tls->sni);
    free(tls->offered);
    free(tls->request);
    free(tls->presented);
    free(tls->reason);
    cs_breakdown_free(tls);
    free(tls);
    ERR_clear_error();
    return NULL;
}

/* --- outcomes --- */

static enum cs_tls_result fail(struct cs_tls *tls, enum cs_break broken, uint32_t code,
                               const char *text)
{
    tls->failed = true;
    cs_facts_failure(tls, broken, code, cs_str_from(text));
    return CS_TLS_FAILED;
}

/* The library's reason in words: AWS-LC writes NO_SHARED_CIPHER, OpenSSL `no shared cipher`. */
static const char *readable(struct cs_tls *tls, const char *reason)
{
    free(tls->reason);
    tls->reason = cs_tls_text(cs_str_from(reason), "");
    for (char *p = tls->reason; *p; p++)
        *p = *p == '_' ? ' ' : cs_lower(*p);
    return tls->reason;
}

static enum cs_tls_result fail_socket(struct cs_tls *tls)
{
    return fail(tls, CS_BREAK_TRANSPORT, 0, strerrordesc_np(tls->sock_errno));
}

static enum cs_tls_result fail_library(struct cs_tls *tls)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = ERR_reason_error_string(code);
    if (!cs_facts_clear_alert(tls))
        cs_tls_judge_presented(tls);
    return fail(tls, cs_tls_break(tls, (uint32_t)code), (uint32_t)code,
                text ? readable(tls, text) : "TLS protocol error");
}

/* What a library call that did not succeed means. */
static enum cs_tls_result outcome(struct cs_tls *tls, int r)
{
    int error = SSL_get_error(tls->ssl, r);
    if (error == SSL_ERROR_WANT_READ)
        return CS_TLS_WANT_READ;
    if (error == SSL_ERROR_WANT_WRITE)
        return CS_TLS_WANT_WRITE;
    if (error == SSL_ERROR_ZERO_RETURN)
        return CS_TLS_CLOSED;
    if (tls->sock_errno && !tls->facts.alert_received.fatal)
        return fail_socket(tls);
    bool alerted = tls->facts.alert_received.fatal || tls->facts.alert_sent.fatal;
    if (tls->eof && cs_transport_buffered(tls) == 0 && !alerted)
        return CS_TLS_EOF;
    return fail_library(tls);
}

/* A socket that takes no more does not fail the session: an answer, or the alert that says why,
 * may have come before. Reading finds that, or the end. */
static enum cs_tls_result flushed(struct cs_tls *tls)
{
    int r = cs_transport_flush(tls);
    if (r == 0)
        return CS_TLS_OK;
    if (r == -EAGAIN)
        return CS_TLS_WANT_WRITE;
    return tls->facts.complete ? CS_TLS_FAILED : fail_socket(tls);
}

/* --- handshake --- */

static enum cs_tls_result give_up(struct cs_tls *tls, enum cs_tls_result result)
{
    (void)!cs_transport_flush(tls); /* the alert, as far as the socket takes it */
    if (result == CS_TLS_EOF || result == CS_TLS_CLOSED)
        cs_facts_failure(tls, CS_BREAK_TRANSPORT, 0,
                         CS_STR("peer closed the connection during the handshake"));
    cs_facts_end(tls, false);
    tls->failed = true;
    return result == CS_TLS_CLOSED ? CS_TLS_EOF : result;
}

/* One attempt, and as many more as sending makes room for. */
static enum cs_tls_result shake(struct cs_tls *tls)
{
    enum cs_tls_result result, sent;
    do {
        ERR_clear_error();
        int r = SSL_do_handshake(tls->ssl);
        result = r == 1 ? CS_TLS_OK : outcome(tls, r);
        if (result != CS_TLS_WANT_READ && result != CS_TLS_WANT_WRITE)
            return result;
        sent = flushed(tls);
    } while (result == CS_TLS_WANT_WRITE && sent == CS_TLS_OK);
    return sent == CS_TLS_FAILED ? sent : result;
}

enum cs_tls_result cs_tls_handshake(struct cs_tls *tls)
{
    if (tls->failed)
        return CS_TLS_FAILED;
    if (tls->facts.complete)
        return flushed(tls);
    if (!tls->begun)
        cs_reuse_offer(tls); /* only now: the hook may ask the session that the caller has */
    tls->begun = true;
    enum cs_tls_result result = shake(tls);
    if (result == CS_TLS_WANT_READ || result == CS_TLS_WANT_WRITE)
        return result;
    if (result == CS_TLS_OK && !cs_tls_settle(tls))
        result =
            fail(tls, CS_BREAK_RESUMPTION, 0, "a resumption was approved and then did not happen");
    if (result != CS_TLS_OK)
        return give_up(tls, result);
    cs_facts_end(tls, true);
    cs_lib_shed(tls->ssl);
    /* A request came along: its answer takes the ticket with it (see cs_tls_read()). */
    return tls->server && cs_transport_buffered(tls) > 0 ? CS_TLS_OK : flushed(tls);
}

/* --- data --- */

/* Nothing comes behind what is buffered, and reading says so. */
static bool has_ended(const struct cs_tls *tls)
{
    return tls->eof || (SSL_get_shutdown(tls->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

/* As much as is there. Return: why it stopped; CS_TLS_OK when @len is reached, or nothing more can
 * be there: asking the library to find that out costs as much as reading a record. */
static enum cs_tls_result read_records(struct cs_tls *tls, char *buf, size_t len, size_t *ret_n)
{
    *ret_n = 0;
    if (!cs_tls_pending(tls) && !has_ended(tls))
        return CS_TLS_WANT_READ;
    forget_errors();
    do {
        size_t want = len - *ret_n < INT32_MAX ? len - *ret_n : INT32_MAX;
        int r = SSL_read(tls->ssl, buf + *ret_n, (int)want);
        if (r <= 0)
            return outcome(tls, r);
        *ret_n += (size_t)r;
    } while (*ret_n < len && cs_tls_pending(tls));
    return CS_TLS_OK;
}

enum cs_tls_result cs_tls_read(struct cs_tls *tls, void *buf, size_t len, size_t *ret_n)
{
    size_t n, room = cs_transport_room(tls);
    if (tls->failed)
        return CS_TLS_FAILED;
    enum cs_tls_result result = read_records(tls, buf, len, &n);
    /* An answer to a key update, or the alert about what was read: not held back. Nor is a
     * ticket when there is no request yet. */
    if (cs_transport_room(tls) != room || n == 0)
        (void)!cs_transport_flush(tls);
    if (n == 0)
        return result;
    *ret_n = n;
    return CS_TLS_OK;
}

/* Room for one more record of *len bytes, flushing for it if need be; a shorter one that fills
 * what is left of the batch will do. */
static enum cs_tls_result make_room(struct cs_tls *tls, size_t *len)
{
    size_t room = cs_transport_room(tls);

    if (room >= *len + RECORD_OVERHEAD)
        return CS_TLS_OK;
    if (room < (*len + 1) / 2 + RECORD_OVERHEAD)
        return flushed(tls);
    *len = room - RECORD_OVERHEAD;
    return CS_TLS_OK;
}

enum cs_tls_result cs_tls_write(struct cs_tls *tls, const void *buf, size_t len, size_t *ret_n)
{
    size_t n = 0, record = tls->server ? tls->server->record : tls->client->record;
    enum cs_tls_result result = CS_TLS_OK;
    if (tls->failed)
        return CS_TLS_FAILED;
    forget_errors();
    while (n < len) {
        size_t want = len - n < record ? len - n : record;
        result = make_room(tls, &want);
        if (result != CS_TLS_OK)
            break;
        int r = SSL_write(tls->ssl, (const char *)buf + n, (int)want);
        if (r <= 0) {
            result = outcome(tls, r);
            break;
        }
        n += (size_t)r;
    }
    if (n == 0)
        return result;
    *ret_n = n;
    return CS_TLS_OK;
}

enum cs_tls_result cs_tls_flush(struct cs_tls *tls)
{
    return tls->failed ? CS_TLS_FAILED : flushed(tls);
}

enum cs_tls_result cs_tls_shutdown(struct cs_tls *tls)
{
    if (tls->failed)
        return CS_TLS_FAILED;
    ERR_clear_error();
    if (tls->facts.complete && !(SSL_get_shutdown(tls->ssl) & SSL_SENT_SHUTDOWN) &&
        SSL_shutdown(tls->ssl) < 0 && SSL_get_error(tls->ssl, -1) == SSL_ERROR_SSL)
        return fail_library(tls);
    return flushed(tls);
}

/* --- the rest --- */

int cs_tls_feed(struct cs_tls *tls, struct cs_str bytes, bool drained)
{
    if (drained)
        tls->readable = false;
    return cs_transport_feed(tls, bytes);
}

void cs_tls_ready(struct cs_tls *tls, bool readable, bool writable, bool hangup)
{
    tls->readable = tls->readable || readable || hangup;
    tls->writable = tls->writable || writable || hangup;
    tls->hangup = tls->hangup || hangup;
}

bool cs_tls_has_unsent(const struct cs_tls *tls)
{
    return cs_transport_unsent(tls);
}

bool cs_tls_pending(const struct cs_tls *tls)
{
    return SSL_pending(tls->ssl) > 0 || cs_transport_buffered(tls) > 0 ||
           (tls->readable && !tls->eof);
}

void cs_tls_forbid_tickets(struct cs_tls *tls)
{
    tls->no_tickets = true;
    cs_lib_no_tickets(tls->ssl);
}

void cs_tls_abandon(struct cs_tls *tls)
{
    if (tls->facts.complete || tls->failed)
        return;
    cs_facts_end(tls, false);
    fail(tls, CS_BREAK_TRANSPORT, 0, "given up");
}

void cs_tls_transport(const struct cs_tls *tls, struct cs_transport *ret_transport)
{
    struct cs_transport transport = {
        .outgoing = tls->client != NULL,
        .tls = true,
        .ending = tls->eof ? CS_ENDING_CLOSED : cs_ending_from_errno(tls->sock_errno, false),
        .error = tls->sock_errno,
        .first = cs_str_make(tls->first, tls->n_first),
        .bytes_in = tls->facts.bytes_in,
        .bytes_out = tls->facts.bytes_out,
    };

    *ret_transport = transport;
}

void cs_tls_collect(struct cs_tls *tls)
{
    cs_breakdown_collect(tls);
}

const struct cs_handshake *cs_tls_facts(const struct cs_tls *tls)
{
    return &tls->facts;
}

const struct cs_str *cs_tls_own_chain(const struct cs_tls *tls, size_t *ret_n)
{
    const struct cs_pair *pair =
        cs_own_used(tls->server ? &tls->server->own : &tls->client->own,
                    tls->server ? tls->facts.sigalg : tls->facts.client_sigalg);

    *ret_n = pair ? pair->n : 0;
    return pair ? pair->ders : NULL;
}

struct cs_str cs_tls_staple(const struct cs_tls *tls)
{
    const uint8_t *der = NULL;
    long len = (long)SSL_get_tlsext_status_ocsp_resp(tls->ssl, &der);

    return len > 0 ? cs_str_make(der, (size_t)len) : (struct cs_str){0};
}

struct cs_tls_server *cs_tls_server0(const struct cs_tls *tls)
{
    return tls->server;
}
