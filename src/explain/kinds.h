/* Kinds of findings by their code: what a record that was written down yesterday was about. */
#ifndef CS_EXPLAIN_KINDS_H
#define CS_EXPLAIN_KINDS_H

#include "base/findings.h"
#include "telemetry/transport.h"

/** cs_kind_find() - the kind of x509/, policy/ or explain/ with this code, or NULL. */
const struct cs_finding_kind *cs_kind_find(struct cs_str code);
/** cs_kind_at() - the @i-th kind of these tables, for going through all; NULL behind the last. */
const struct cs_finding_kind *cs_kind_at(size_t i);
/** cs_proxy_fault_kind() - the kind that goes with what is wrong with a PROXY header; NULL for
 *  CS_PROXY_FAULT_NONE. */
const struct cs_finding_kind *cs_proxy_fault_kind(enum cs_proxy_fault fault);
/* How findings about a certificate call the one that this side presents (operand {0}). */
#define CS_BLAME_OWN_CERTIFICATE CS_STR("our certificate")

/** cs_blame_name() - whose fault such a failure usually is, for a reader: "client" or "server" for
 *  CS_BLAME_PEER, depending on who the other side is; "certificate authority", "network", "clock",
 *  "this configuration" (also for a certificate of ours), "policy"; "" for none. @server: this side
 *  was the server. Static. */
const char *cs_blame_name(const struct cs_finding *finding, bool server);
/** cs_likely_code() - the code of what is likely behind @finding, which by itself only says what
 * the peer did; empty: nothing is. Borrowed from it. */
struct cs_str cs_likely_code(const struct cs_finding *finding);

#endif
