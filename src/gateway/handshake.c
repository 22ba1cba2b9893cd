/* handshake: TLS, and inside it, where the library asks, the virtual server, the verdict on
 * the client's certificate, and whether an old session may be resumed. */
#include "gateway/conn_log.h"
#include "gateway/cut.h"
#include "gateway/failure.h"
#include "gateway/stage.h"
#include "gateway/state.h"
#include "http/host.h"
#include "route/names.h"
#include "tls/session.h"
#include "x509/findings.h"

static struct cs_tls_server *select_server(void *ctx, struct cs_str sni, bool *ret_reject)
{
    struct cs_conn *conn = ctx;
    char canonical[CS_HOST_TEXT];

    if (sni.len) {
        struct cs_captures captures;
        void *server = NULL;
        if (cs_host_canon(sni, canonical, &sni) == 0 &&
            cs_names_find(conn->listener->names, sni, &captures, &server) == 0 && server)
            conn->server = server;
    }
    cs_conn_take_credentials(conn);
    if (conn->server->reject_handshake) {
        *ret_reject = true;
        return NULL;
    }
    return conn->credentials->tls;
}

/* Let go of what was judged before. */
static void forget_verdict(struct cs_conn *conn)
{
    conn->verdict = NULL;
    conn->remembered = cs_remembered_unref(conn->remembered);
    cs_arena_deinit(&conn->judged);
}

/* A certificate that only the leeway, or the rules about lists, let through is said and counted
 * each time. */
static void log_indulgence(const struct cs_conn *conn, const struct cs_verdict *verdict)
{
    const struct cs_finding *f = verdict->accepted ? verdict->findings.first : NULL;

    for (; f; f = f->next) {
        if (f->kind == CS_X509_KIND(WITHIN_CLOCK_LEEWAY) ||
            f->kind == CS_X509_KIND(REVOCATION_UNKNOWN))
            cs_conn_note_indulgence(conn, f);
    }
}

/* Judge a chain as of now; the verdict stays with the connection. An accepted one is the
 * memory's, so that a connection holds nothing of its own for it. */
static const struct cs_verdict *judge(struct cs_conn *conn, const struct cs_str *ders, size_t n)
{
    const struct cs_client_auth *auth = &conn->credentials->auth;
    struct cs_chain_query query = {.ders = ders,
                                   .n = n,
                                   .trust = auth->trust,
                                   .revoked = conn->worker->revoked,
                                   .standings = conn->worker->responders.standings,
                                   .now_sec = cs_now_sec(&conn->worker->loop.now),
                                   .now_ms = conn->worker->loop.now.mono_ms,
                                   .leeway_sec = auth->leeway_sec,
                                   .revocation = auth->revocation,
                                   .purpose = CS_PURPOSE_CLIENT,
                                   .depth = auth->depth,
                                   .demand = auth->demand,
                                   .allow_unknown_issuer = auth->mode == CS_VERIFY_OPTIONAL_NO_CA};
    struct cs_verdict *verdict;

    query.known = cs_tls_own_chain(conn->wire.tls, &query.n_known);
    forget_verdict(conn);
    if (!auth->trust)
        return NULL;
    verdict = CS_ARENA_NEW(&conn->judged, struct cs_verdict);
    if (cs_chain_memory_verify(conn->worker->memory, &query, &conn->judged, verdict,
                               &conn->remembered) < 0)
        return NULL;
    conn->verdict = verdict;
    log_indulgence(conn, verdict);
    if (conn->remembered) {
        conn->verdict = cs_remembered_verdict0(conn->remembered);
        ders = cs_remembered_chain0(conn->remembered, &n);
        cs_tls_lend_chain(conn->wire.tls, ders, n);
        cs_arena_deinit(&conn->judged);
    }
    return conn->verdict;
}

/* No session of a client about whom a responder has still to be asked. */
static void forbid_early_tickets(struct cs_conn *conn)
{
    if (!cs_responders_know(conn))
        cs_tls_forbid_tickets(conn->wire.tls);
}

static bool verify(void *ctx, const struct cs_str *ders, size_t n, uint8_t *ret_alert)
{
    struct cs_conn *conn = ctx;
    const struct cs_verdict *verdict = judge(conn, ders, n);

    if (!verdict)
        return false;
    if (verdict->accepted) {
        forbid_early_tickets(conn);
        return true;
    }
    cs_tls_forbid_tickets(conn->wire.tls);
    if (verdict->tolerated || !conn->credentials->auth.reject_in_handshake)
        return true;
    *ret_alert = cs_verdict_alert(verdict);
    conn->verify_alert = *ret_alert;
    return false;
}

static bool resume(void *ctx, const struct cs_str *ders, size_t n, int64_t original_sec)
{
    struct cs_conn *conn = ctx;
    const struct cs_verdict *verdict;

    forget_verdict(conn); /* of a ticket that was offered before this one */
    if (n == 0)
        return conn->credentials->auth.mode != CS_VERIFY_ON;
    if (conn->credentials->auth.mode == CS_VERIFY_OFF)
        return false;
    verdict = judge(conn, ders, n);
    if (verdict && verdict->accepted) {
        forbid_early_tickets(conn);
        return true;
    }
    forget_verdict(conn);
    return false;
}

/* The library went on with a full handshake after all: what was said about the old chain does
 * not hold for this connection. */
static void declined(void *ctx)
{
    forget_verdict(ctx);
}

const struct cs_tls_hooks cs_handshake_hooks = {select_server, verify, resume, declined};

/* A client of TLS 1.3 may have sent its request before our alert reaches it. Were the connection
 * closed over that, the reset would hide the alert, which says what was wrong. */
static int let_alert_arrive(struct cs_conn *conn)
{
    if (cs_wire_hangup(&conn->wire))
        return CS_STEP_FAIL;
    conn->wire.tls = cs_tls_free(conn->wire.tls);
    conn->wire.watch.readable = true;
    return cs_linger_begin(conn);
}

static int failed(struct cs_conn *conn)
{
    const struct cs_handshake *facts = cs_tls_facts(conn->wire.tls);

    if (conn->verify_alert >= 0)
        cs_conn_log_verdict(conn, CS_LOG_INFO);
    else if (facts->alert_received.number >= 0)
        cs_conn_log(conn, CS_LOG_INFO, "SSL_do_handshake() failed (the client sent alert %d %.*s)",
                    facts->alert_received.number, CS_FMT(facts->alert_received.text));
    else if (conn->server->reject_handshake && facts->alert_sent.number >= 0)
        cs_conn_log(conn, CS_LOG_INFO, "handshake rejected (no server for name \"%.*s\")",
                    CS_FMT(facts->sni));
    else if (conn->credentials->awaited && facts->alert_sent.number >= 0)
        cs_conn_log(conn, CS_LOG_INFO, "handshake rejected (the certificate has not come yet)");
    else
        cs_conn_log(conn, CS_LOG_INFO, "SSL_do_handshake() failed (%.*s)", CS_FMT(facts->failure));
    cs_failure_connection(conn, (struct cs_transport){0});
    return facts->alert_sent.number >= 0 ? let_alert_arrive(conn) : CS_STEP_FAIL;
}

int cs_stage_handshake(struct cs_conn *conn)
{
    switch (cs_tls_handshake(conn->wire.tls)) {
    case CS_TLS_OK: return CS_STAGE_VERIFY;
    case CS_TLS_WANT_READ:
    case CS_TLS_WANT_WRITE:
        if (!conn->timed_out)
            return CS_STEP_WAIT;
        cs_conn_log(conn, CS_LOG_INFO, "client timed out");
        cs_failure_connection(
            conn, (struct cs_transport){.ending = CS_ENDING_TIMEOUT,
                                        .limit_ms = conn->server->set.client_header_timeout});
        return CS_STEP_FAIL;
    case CS_TLS_CLOSED:
    case CS_TLS_EOF:
        cs_conn_log(conn, CS_LOG_INFO, "peer closed connection in SSL handshake");
        cs_failure_connection(conn, (struct cs_transport){.ending = CS_ENDING_CLOSED});
        return CS_STEP_FAIL;
    case CS_TLS_FAILED: break;
    }
    return failed(conn);
}

/* The verdict of the handshake stands, unless a responder says otherwise, or what it went by was
 * replaced meanwhile. */
int cs_stage_verify(struct cs_conn *conn)
{
    if (!cs_responders_admit(conn))
        return CS_STEP_WAIT;
    return cs_cut_admit(conn) ? CS_STAGE_IDENTIFY : CS_STEP_FAIL;
}
