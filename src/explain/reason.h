/* What a client that is refused is told about its own certificate.
 *
 * Less than the log says: only what the client sent itself, what it was asked for, and dates.
 * Nothing of the trust set that it was not sent in the handshake, no rule, no file, no name of a
 * server, nothing about anybody else.
 */
#ifndef CS_EXPLAIN_REASON_H
#define CS_EXPLAIN_REASON_H

#include "base/arena.h"
#include "base/findings.h"
#include "base/str.h"

struct cs_names;
struct cs_verdict;

/** cs_explain_reason() - one clause about why @cause refused the client: "the client certificate
 *  expired on …". @verdict: on its certificate, or NULL. @asked: the CA names in the
 *  CertificateRequest that it was sent. Foreign bytes in it are harmless in text of any kind, but
 *  for HTML's and JSON's own marks. In @arena. Pure. */
struct cs_str cs_explain_reason(const struct cs_finding *cause, const struct cs_verdict *verdict,
                                const struct cs_names *asked, struct cs_arena *arena);

#endif
