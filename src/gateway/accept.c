/* accept: the PROXY header where one is configured, and the first byte, which tells TLS from
 * a plain request that came to a TLS port. */
#include "gateway/conn_log.h"
#include "gateway/failure.h"
#include "gateway/stage.h"
#include "gateway/state.h"
#include "io/proxy_protocol.h"
#include "tls/session.h"

enum { FIRST_READ = 4096 };

static int gone(struct cs_conn *conn, enum cs_ending ending, const char *why)
{
    cs_conn_log(conn, CS_LOG_INFO, "%s", why);
    cs_failure_connection(
        conn, (struct cs_transport){.ending = ending,
                                    .error = conn->wire.error,
                                    .limit_ms = conn->server->set.client_header_timeout});
    return CS_STEP_FAIL;
}

/* At least one byte in conn->in. Return: 0, or a step. */
static int first_bytes(struct cs_conn *conn, bool more)
{
    while (conn->in.len == 0 || more) {
        more = false;
        switch (cs_wire_fill(&conn->wire, &conn->in, FIRST_READ)) {
        case CS_WIRE_OK: break;
        case CS_WIRE_WAIT:
            if (conn->timed_out)
                return gone(conn, CS_ENDING_TIMEOUT, "client timed out");
            return CS_STEP_WAIT;
        case CS_WIRE_END:
        case CS_WIRE_CUT: return gone(conn, CS_ENDING_CLOSED, "client closed connection");
        case CS_WIRE_BROKEN: return gone(conn, CS_ENDING_RESET, "client connection reset");
        }
    }
    return 0;
}

/* Take the PROXY header off conn->in. Return: 0, or a step. */
static int proxy_header(struct cs_conn *conn)
{
    struct cs_proxy_header header;
    size_t len = 0;
    int step = 0;

    for (bool more = false;; more = true) {
        step = first_bytes(conn, more);
        if (step < 0)
            return step;
        switch (cs_proxy_protocol_parse(cs_buf_str(&conn->in), &header, &len)) {
        case CS_PROXY_MORE: continue;
        case CS_PROXY_ABSENT:
        case CS_PROXY_INVALID:
            cs_failure_connection(conn, (struct cs_transport){.proxy_fault = header.fault});
            return CS_STEP_FAIL;
        default: break;
        }
        break;
    }
    conn->proxy = CS_ARENA_NEW(&conn->arena, struct cs_proxy_header);
    *conn->proxy = header;
    conn->proxy->tlvs = cs_arena_dup(&conn->arena, header.tlvs);
    cs_buf_consume(&conn->in, len);
    return 0;
}

static int start_tls(struct cs_conn *conn)
{
    struct cs_tls *tls;

    if (!conn->credentials->tls) {
        cs_conn_log(conn, CS_LOG_ERROR, "no \"ssl_certificate\" is defined for this listen");
        return CS_STEP_FAIL;
    }
    tls = cs_tls_server_session(conn->credentials->tls, conn->wire.fd, &cs_handshake_hooks, conn,
                                &conn->worker->tls_io);
    if (!tls || cs_tls_feed(tls, cs_buf_str(&conn->in), !cs_wire_pending(&conn->wire)) < 0) {
        cs_tls_free(tls);
        cs_conn_log(conn, CS_LOG_CRIT, "cannot make a TLS session");
        return CS_STEP_FAIL;
    }
    cs_conn_drop_input(conn);
    conn->wire.tls = tls;
    cs_wire_event(&conn->wire); /* a hangup noted before the session was there */
    return CS_STAGE_HANDSHAKE;
}

/* A byte that begins an HTTP request and never a TLS record. */
static bool looks_like_http(struct cs_str bytes)
{
    return bytes.ptr[0] >= 'A' && bytes.ptr[0] <= 'Z';
}

/* Neither a record of a handshake nor a hello as SSLv2 wrote it: no session is made for that, since
 * whoever floods a port with such bytes is to cost little. */
static bool cannot_be_tls(struct cs_str bytes)
{
    return bytes.ptr[0] != 22 && (uint8_t)bytes.ptr[0] < 0x80;
}

static int refuse_bytes(struct cs_conn *conn)
{
    cs_conn_log(conn, CS_LOG_INFO, "SSL_do_handshake() failed (the client does not speak TLS)");
    cs_failure_connection(conn, (struct cs_transport){0});
    return CS_STEP_FAIL;
}

int cs_stage_accept(struct cs_conn *conn)
{
    int step;

    if (conn->listener->proxy_protocol && !conn->proxy) {
        step = proxy_header(conn);
        if (step < 0)
            return step;
    }
    if (!conn->listener->tls)
        return CS_STAGE_RECEIVE;
    step = first_bytes(conn, false);
    if (step < 0)
        return step;
    if (looks_like_http(cs_buf_str(&conn->in))) {
        conn->plain_on_tls = true;
        return CS_STAGE_RECEIVE;
    }
    if (cannot_be_tls(cs_buf_str(&conn->in)))
        return refuse_bytes(conn);
    return start_tls(conn);
}
