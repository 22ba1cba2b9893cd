/* What happened, while doing what, for whom: the facts of a connection as one line. */
#include "gateway/conn_log.h"

#include <stdarg.h>

#include "explain/finding.h"
#include "gateway/exchange.h"
#include "gateway/request.h"
#include "gateway/state.h"
#include "telemetry/counters.h"
#include "x509/findings.h"

enum { LINE_MAX_BYTES = 1 << 17 }; /* the log itself cuts what is too long */

static const struct cs_scope *scope_of(const struct cs_conn *conn)
{
    return conn->request && conn->request->scope ? conn->request->scope : conn->server->base;
}

static void add_upstream(struct cs_buf *line, const struct cs_request *request)
{
    const struct cs_exchange *x = request->exchange;
    const struct cs_upstream *upstream;

    if (!x || !x->up)
        return;
    upstream = x->proxy->upstream;
    cs_buf_addf(line, ", upstream: \"%s://%.*s%.*s\"", x->proxy->tls ? "https" : "http",
                CS_FMT(upstream->peers[x->up->peer].name), CS_FMT(request->path));
}

static void add_context(struct cs_buf *line, const struct cs_conn *conn)
{
    const struct cs_request *request = conn->request;
    const struct cs_vserver *server = request ? request->server : conn->server;
    char text[CS_ADDR_TEXT];

    cs_buf_addf(line, " %s, client: %.*s, server: %.*s", cs_stage_action(conn->stage),
                CS_FMT(cs_addr_ip_text(&conn->client, text)), CS_FMT(server->name));
    if (!request || !request->has_head)
        return;
    cs_buf_addf(line, ", request: \"%.*s\"", CS_FMT(request->head.line));
    add_upstream(line, request);
    if (request->head.authority.len)
        cs_buf_addf(line, ", host: \"%.*s\"", CS_FMT(request->head.authority));
}

static bool wanted(const struct cs_conn *conn, int level)
{
    const struct cs_scope *scope = scope_of(conn);

    return cs_logs_want(&conn->worker->logs, scope->error_logs, scope->n_error_logs,
                        (enum cs_log_level)level);
}

static void write_line(const struct cs_conn *conn, int level, struct cs_buf *line)
{
    const struct cs_scope *scope = scope_of(conn);

    add_context(line, conn);
    cs_logs_error(&conn->worker->logs, scope->error_logs, scope->n_error_logs,
                  (enum cs_log_level)level, &conn->worker->loop.now, conn->number,
                  cs_buf_str(line));
    cs_buf_deinit(line);
}

void cs_conn_log(const struct cs_conn *conn, int level, const char *fmt, ...)
{
    struct cs_buf line;
    va_list ap;

    if (!wanted(conn, level))
        return;
    cs_buf_init(&line, LINE_MAX_BYTES);
    va_start(ap, fmt);
    cs_buf_vaddf(&line, fmt, ap);
    va_end(ap);
    write_line(conn, level, &line);
}

void cs_conn_log_finding(const struct cs_conn *conn, int level, const struct cs_finding *finding)
{
    struct cs_buf line;

    if (!wanted(conn, level))
        return;
    cs_buf_init(&line, LINE_MAX_BYTES);
    cs_explain_line(finding, &line);
    write_line(conn, level, &line);
}

void cs_conn_note_indulgence(const struct cs_conn *conn, const struct cs_finding *finding)
{
    bool unknown = finding->kind == CS_X509_KIND(REVOCATION_UNKNOWN);

    cs_conn_log_finding(conn, CS_LOG_WARN, finding);
    cs_counters_add(conn->worker->admissions,
                    unknown ? finding->operands[5] : cs_str_from(finding->kind->code),
                    conn->listener->text, conn->server->name);
}

void cs_conn_log_kind(const struct cs_conn *conn, int level, const struct cs_finding_kind *kind,
                      struct cs_str operand)
{
    struct cs_finding finding = {.kind = kind, .operands = {operand}};

    cs_conn_log_finding(conn, level, &finding);
}

void cs_conn_log_verdict(const struct cs_conn *conn, int level)
{
    const struct cs_verdict *verdict = conn->verdict;
    struct cs_buf line;

    if (!verdict || !wanted(conn, level))
        return;
    cs_buf_init(&line, LINE_MAX_BYTES);
    cs_buf_addf(&line, "client SSL certificate verify error: (%d:%.*s): ", verdict->error,
                CS_FMT(cs_verdict_reason(verdict)));
    if (verdict->cause)
        cs_explain_line(verdict->cause, &line);
    write_line(conn, level, &line);
}
