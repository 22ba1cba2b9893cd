/* What is known when a connection, a request or an upstream fails, put together as a record.
 *
 * Nothing here runs while all goes well.
 */
#ifndef CS_GATEWAY_FAILURE_H
#define CS_GATEWAY_FAILURE_H

#include "gateway/conn.h"
#include "telemetry/transport.h"

struct cs_proxy;
struct cs_request;
struct cs_upconn;

/** cs_failure_connection() - a client's connection ends before it carries a request. @seen: what
 *  only the caller knows of the byte stream: how it ended, within what time, what is wrong with a
 *  PROXY header. A client that leaves before it has sent a byte is no failure: nobody was refused,
 * and health checks and probes look just like that. One that stays and says nothing until its time
 *  for the handshake is over is one. */
void cs_failure_connection(struct cs_conn *conn, struct cs_transport seen);
/** cs_failure_left() - the client ends a connection behind a good handshake, and has asked nothing.
 *  Probes do so, and connections made in advance; it is noted only when our certificate does not
 * have the name that the client asked for. */
void cs_failure_left(struct cs_conn *conn);
/** cs_failure_cut() - the connection stands, and is cut because its certificate does not pass any
 *  more: @refusal says why. */
void cs_failure_cut(struct cs_conn *conn, const struct cs_verdict *refusal);
/** cs_failure_request() - the connection's request is refused, for its certificate or because it
 *  came in another protocol (@first: its first bytes then). Sets the request's incident, which the
 *  answer tells; cs_failure_answered() writes it down. */
void cs_failure_request(struct cs_conn *conn, struct cs_str first);
/** cs_failure_answered() - write down why @request was refused, unless that is done or it was not,
 *  now that its answer with @status begins; 0: there will be none. */
void cs_failure_answered(struct cs_request *request, int status);
/** cs_failure_upstream() - the connection to server @peer of @proxy's upstream, which is to prove
 *  itself by TLS, did not come about, or was given up by the upstream's alert. @up: as far as it
 *  came, or NULL. @seen: what only the caller knows. @words: nginx's for it, which logs it at the
 * same level, or empty. Sets the request's incident. Return: whether it was noted; not when the
 * upstream is plain, or nothing in the facts failed. */
bool cs_failure_upstream(struct cs_conn *conn, const struct cs_proxy *proxy, size_t peer,
                         struct cs_upconn *up, struct cs_transport seen, struct cs_str words);

#endif
