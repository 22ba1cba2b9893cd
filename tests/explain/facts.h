/* A record of a connection from a text file: one fact a line, its name and then its value.
 *
 * stage NAME, side server|client, peer ADDRESS, local, socket-peer, target, name (of the server
 * block), sni, host, status, incident, now SECONDS,
 * awaited SECONDS WHY; plain (no TLS is spoken), no-handshake;
 * ending NAME, error ERRNO, reason, first BYTES (\xHH), in, out, limit MS, proxy N;
 * version, cipher, group, alpn, broken NAME, complete, resumed, library, sent MESSAGE…,
 * received MESSAGE…, alert-sent N NAME, alert-received N NAME, asked;
 * own-versions, own-ciphers, own-groups, own-sigalgs, own-alpn, offered-… likewise, own-key,
 * own-chain FILE, asked-sigalgs, asked-names FILE, chain FILE, trust FILE;
 * clock-kernel MS|adrift, clock-ahead NAME MS, clock-behind NAME MS, clock-peer
 * SECONDS;
 * accepted (of the chain), finding CODE|OPERAND|… (of the verdict), location PATTERN,
 * decision CODE or CODE|PATTERN (of the rule that denied).
 */
#ifndef CS_TESTS_EXPLAIN_FACTS_H
#define CS_TESTS_EXPLAIN_FACTS_H

#include "policy/policy.h"
#include "telemetry/clock.h"
#include "telemetry/handshake.h"
#include "telemetry/record.h"
#include "telemetry/transport.h"
#include "x509/chain.h"

/* A record and all it points to. Lives in the arena it was read with, but for the trust set. */
struct facts {
    struct cs_record record;
    struct cs_peer peer;
    struct cs_transport transport;
    struct cs_handshake handshake;
    struct cs_breakdown breakdown;
    struct cs_verdict verdict;
    struct cs_decision decision;
    struct cs_outcome outcome;
    struct cs_target route;
    struct cs_clock clock;
    struct cs_awaited awaited;
    struct cs_trust *trust;
};

/** facts_read() - the facts in @text; a name that is none ends the program. */
void facts_read(struct cs_str text, struct cs_arena *arena, struct facts *ret_facts);
/** facts_deinit() - free the trust set. */
void facts_deinit(struct facts *facts);

#endif
