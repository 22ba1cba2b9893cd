/* One TLS connection over a non-blocking socket.
 *
 * Life: cs_tls_server_session() or cs_tls_client_session(); cs_tls_handshake() until it
 * says CS_TLS_OK; cs_tls_read(), cs_tls_write(), cs_tls_flush(); cs_tls_shutdown();
 * cs_tls_free(). The descriptor stays the caller's: it is neither closed nor watched here.
 *
 * Made for edge-triggered events: the caller reports each event with cs_tls_ready(); a read
 * that got less than it asked for, or a refused write, takes the readiness back, and until
 * the next event no system call is wasted on that direction. WANT_READ and WANT_WRITE mean:
 * come back after the next such event.
 *
 * Renegotiation is refused, 0-RTT is never offered or accepted.
 */
#ifndef CS_TLS_SESSION_H
#define CS_TLS_SESSION_H

#include "telemetry/handshake.h"
#include "telemetry/transport.h"
#include "tls/client.h"
#include "tls/io.h"
#include "tls/server.h"

struct cs_tls;

enum cs_tls_result {
    CS_TLS_OK,
    CS_TLS_WANT_READ,
    CS_TLS_WANT_WRITE,
    CS_TLS_CLOSED, /* the peer said close_notify */
    CS_TLS_EOF,    /* the connection ended without it: what was read may be cut short */
    CS_TLS_FAILED, /* protocol or socket error: see cs_tls_facts(); only free is left. From
                      cs_tls_flush() or cs_tls_write() behind the handshake: nothing more can be
                      sent, but cs_tls_read() may have what the peer said before it went */
};

/* Decisions that belong to the caller. They run inside cs_tls_handshake(); they must not
 * free the session. */
struct cs_tls_hooks {
    /* Server: which virtual server answers to @sni (lower case, without trailing dot; empty:
     * none sent). Runs before resumption is considered. Return: a server, borrowed; or NULL
     * with *ret_reject for alert unrecognized_name; NULL without: stay with the initial. */
    struct cs_tls_server *(*select)(void *ctx, struct cs_str sni, bool *ret_reject);
    /* The verdict on what the peer presented in a full handshake; not called when a client
     * sent no certificate. Return: true to go on with the handshake, even where the verdict
     * was bad (then call cs_tls_forbid_tickets() too); false to send *ret_alert (preset to
     * bad_certificate). NULL refuses every certificate. */
    bool (*verify)(void *ctx, const struct cs_str *chain_der, size_t n, uint8_t *ret_alert);
    /* Whether a remembered session may be resumed: judge the chain it was made with as of
     * now. @n is 0 when no certificate was presented then. Return: false for a full
     * handshake. NULL: never resume. The TLS library may decline after a yes: see declined;
     * it may then ask about another ticket of the same client. */
    bool (*resume)(void *ctx, const struct cs_str *chain_der, size_t n,
                   int64_t original_handshake_sec);
    /* Server: resume said yes, yet the handshake is a full one: forget what was concluded
     * from the remembered chain. verify follows if the client presents another. NULL: such
     * a handshake fails unless verify has run, so that no old verdict can stand for it. */
    void (*declined)(void *ctx);
};

/** cs_tls_server_session() - a connection just accepted on @fd. @initial answers until the
 *  select hook has chosen. @hooks and @io outlive the session.
 *  Return: the session, or NULL when the TLS library cannot make one. */
struct cs_tls *cs_tls_server_session(struct cs_tls_server *initial, int fd,
                                     const struct cs_tls_hooks *hooks, void *ctx,
                                     struct cs_tls_io *io);
/** cs_tls_client_session() - a connection just made on @fd. @sni is sent unless empty (no
 *  addresses: RFC 6066 section 3). @reuse_key says under which full identity sessions are
 *  remembered and offered; empty: not at all. Return: the session, or NULL. */
struct cs_tls *cs_tls_client_session(struct cs_tls_client *client, int fd, struct cs_str sni,
                                     struct cs_str reuse_key, const struct cs_tls_hooks *hooks,
                                     void *ctx, struct cs_tls_io *io);
/** cs_tls_free() - forget the session without another byte sent. NULL is fine. Return: NULL. */
struct cs_tls *cs_tls_free(struct cs_tls *tls);

/** cs_tls_feed() - bytes of the peer that somebody else has already taken from the socket
 *  (behind a PROXY header); @drained when there was no more to take: the socket is not asked
 *  again before the next event. Before the first handshake call. Return: 0, or -ENOBUFS (more
 *  than CS_TLS_IO_ROOM). */
int cs_tls_feed(struct cs_tls *tls, struct cs_str bytes, bool drained);

/** cs_tls_ready() - an event came: the socket has become readable or writable; @hangup when
 *  the event also said that the peer closed or failed, so that the end is read even behind
 *  a short read. A new session counts as ready for both; a hangup that was seen before it
 *  was made is for the caller to repeat. */
void cs_tls_ready(struct cs_tls *tls, bool readable, bool writable, bool hangup);

/** cs_tls_handshake() - take the handshake as far as it goes, sending what there is to send.
 *  Return: CS_TLS_OK when complete; WANT_READ, WANT_WRITE, EOF or FAILED. */
enum cs_tls_result cs_tls_handshake(struct cs_tls *tls);
/** cs_tls_read() - up to @len bytes of application data; waits for nothing. *ret_n is
 *  written with CS_TLS_OK and is at least 1 then. */
enum cs_tls_result cs_tls_read(struct cs_tls *tls, void *buf, size_t len, size_t *ret_n);
/** cs_tls_write() - take up to @len bytes of application data. They stay in the worker's
 *  send buffer until it is full or cs_tls_flush() is called, so that a head and a body
 *  leave together. *ret_n is written with CS_TLS_OK and may be less than @len. */
enum cs_tls_result cs_tls_write(struct cs_tls *tls, const void *buf, size_t len, size_t *ret_n);
/** cs_tls_flush() - send what is collected. Return: OK when nothing is left; WANT_WRITE or
 *  FAILED. */
enum cs_tls_result cs_tls_flush(struct cs_tls *tls);
/** cs_tls_has_unsent() - whether cs_tls_flush() has something to do. */
bool cs_tls_has_unsent(const struct cs_tls *tls);
/** cs_tls_pending() - whether cs_tls_read() may have something to give without an event:
 *  bytes are buffered here, or the socket was not read dry. */
bool cs_tls_pending(const struct cs_tls *tls);
/** cs_tls_shutdown() - send close_notify; the peer's is not waited for. Return: OK when it
 *  is on its way; WANT_WRITE or FAILED. */
enum cs_tls_result cs_tls_shutdown(struct cs_tls *tls);

/** cs_tls_forbid_tickets() - this session must not be resumed: from the verify hook, when
 *  the verdict was bad or is not final. Effective until the handshake is complete. */
void cs_tls_forbid_tickets(struct cs_tls *tls);

/** cs_tls_lend_chain() - from the verify or resume hook: the certificates that the hook was given
 *  lie at @ders too, for as long as the session lives or until the declined hook or another of
 *  these two is called; the session gives up its own copy. */
void cs_tls_lend_chain(struct cs_tls *tls, const struct cs_str *ders, size_t n);

/** cs_tls_abandon() - the caller waits no longer for a handshake that still runs: it counts as
 *  failed, with all that is known. Nothing is sent; only free is left. Harmless otherwise. */
void cs_tls_abandon(struct cs_tls *tls);
/** cs_tls_transport() - how the byte stream looks from here, after a failure: the peer's first
 *  bytes, counts, and how it ended as far as the session saw that; a timeout is the caller's to
 *  add. Borrowed parts live as long as the session. */
void cs_tls_transport(const struct cs_tls *tls, struct cs_transport *ret_transport);

/** cs_tls_collect() - fill the breakdown of a handshake that did not fail too: for those who want
 * to see what both sides take. */
void cs_tls_collect(struct cs_tls *tls);
/** cs_tls_facts() - what is known so far; lives as long as the session. */
const struct cs_handshake *cs_tls_facts(const struct cs_tls *tls);
/** cs_tls_own_chain() - the certificates that this side presents, DER, leaf first; lives as long as
 *  the session. Return: NULL when there are none. */
const struct cs_str *cs_tls_own_chain(const struct cs_tls *tls, size_t *ret_n);
/** cs_tls_staple() - the OCSP response that a server sent along with its certificate, as it came
 *  (RFC 6066 section 8, RFC 8446 section 4.4.2.1): nobody has looked at it. Lives as long as the
 *  session. Empty: none came, or none was asked for. */
struct cs_str cs_tls_staple(const struct cs_tls *tls);
/** cs_tls_server0() - the virtual server chosen by SNI (the initial one before that). */
struct cs_tls_server *cs_tls_server0(const struct cs_tls *tls);

#endif
