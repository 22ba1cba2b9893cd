/* Error log lines about a connection: what happened, while doing what, for whom. */
#ifndef CS_GATEWAY_CONN_LOG_H
#define CS_GATEWAY_CONN_LOG_H

#include "base/findings.h"
#include "gateway/conn.h"
#include "base/level.h"

/** cs_conn_log() - log a line at @level: the text, the stage's action, client, server, request,
 *  upstream and host, as nginx orders them. Nothing is formatted below the log's level. */
void cs_conn_log(const struct cs_conn *conn, int level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** cs_conn_log_kind() - the same with the words of a finding about @operand (its {0}). */
void cs_conn_log_kind(const struct cs_conn *conn, int level, const struct cs_finding_kind *kind,
                      struct cs_str operand);
/** cs_conn_log_finding() - the same with a whole finding. */
void cs_conn_log_finding(const struct cs_conn *conn, int level, const struct cs_finding *finding);
/** cs_conn_note_indulgence() - the certificate is accepted although @finding speaks against it: a
 *  warning, and counted by what would have refused it. */
void cs_conn_note_indulgence(const struct cs_conn *conn, const struct cs_finding *finding);
/** cs_conn_log_verdict() - why the client's certificate was refused: which certificate, which
 *  check, which operand. */
void cs_conn_log_verdict(const struct cs_conn *conn, int level);

#endif
