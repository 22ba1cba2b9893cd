/* authorize: may this client ask this host anything? The certificate is judged by the policy
 * of the server that the connection was made to, and Host may not lead to another one. */
#include "gateway/conn_log.h"
#include "gateway/failure.h"
#include "gateway/stage.h"
#include "gateway/state.h"
#include "http/host.h"
#include "route/names.h"
#include "gateway/script.h"

/* The server that Host names on this listener; without Host, or with one that nobody has, the
 * server that the connection was made to. Return: NULL when that cannot be told. */
static const struct cs_vserver *server_of_host(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_captures captures = {0};
    void *server = NULL;

    if (!request->host.len && conn->wire.tls)
        return conn->server;
    if (cs_names_find(conn->listener->names, request->host, &captures, &server) < 0)
        return NULL;
    cs_request_capture(request, &captures);
    return server ? server : conn->server;
}

struct cs_subject cs_conn_subject(const struct cs_conn *conn)
{
    return (struct cs_subject){
        .address = &conn->client,
        .tls = conn->wire.tls != NULL,
        .certificate_presented = conn->verdict != NULL,
        .verdict = conn->verdict,
        .identity = conn->identity.text.len ? &conn->identity : NULL,
    };
}

/* A session made under one client-auth policy must not be used under another. */
static bool misdirected(const struct cs_conn *conn, const struct cs_vserver *wanted)
{
    return conn->wire.tls && wanted != conn->server &&
           !cs_policy_same_client_auth(conn->credentials->auth.digest,
                                       cs_worker_credentials(conn->worker, wanted)->auth.digest);
}

static void log_refusal(const struct cs_conn *conn, const struct cs_decision *decision)
{
    if (decision->status == 495)
        cs_conn_log_verdict(conn, CS_LOG_INFO);
    else
        cs_conn_log_kind(conn, CS_LOG_INFO, decision->kind, conn->request->head.host);
}

int cs_stage_authorize(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_subject subject = cs_conn_subject(conn);
    const struct cs_vserver *wanted;
    char canonical[CS_HOST_TEXT];

    if (request->head.host.len) {
        if (cs_host_canon(request->head.host, canonical, &request->host) < 0) {
            cs_conn_log(conn, CS_LOG_INFO, "client sent invalid host header \"%.*s\"",
                        CS_FMT(request->head.host));
            return cs_answer(conn, 400);
        }
        request->host = cs_arena_dup(&request->arena, request->host);
    }
    wanted = server_of_host(conn);
    if (!wanted) {
        cs_conn_log(conn, CS_LOG_ERROR, "the host could not be matched with server_name");
        return cs_answer(conn, 500);
    }
    if (conn->plain_on_tls) {
        request->server = wanted;
        cs_request_set_scope(request, wanted->base);
        cs_conn_log(conn, CS_LOG_INFO, "client sent plain HTTP request to HTTPS port");
        cs_failure_request(conn, cs_str_sub(request->head.line, 0, CS_TRANSPORT_FIRST));
        return cs_answer(conn, 497);
    }
    if (misdirected(conn, wanted)) {
        request->decision = cs_policy_misdirected();
        cs_conn_log_kind(conn, CS_LOG_INFO, request->decision.kind, conn->request->head.host);
        cs_failure_request(conn, (struct cs_str){0});
        return cs_answer(conn, 421);
    }
    request->server = wanted;
    cs_request_set_scope(request, wanted->base);
    cs_policy_decide_connection(cs_worker_credentials(conn->worker, wanted)->auth.mode, &subject,
                                &request->decision);
    if (!request->decision.allowed) {
        log_refusal(conn, &request->decision);
        cs_failure_request(conn, (struct cs_str){0});
        return cs_answer(conn, request->decision.status);
    }
    return CS_STAGE_ROUTE;
}
