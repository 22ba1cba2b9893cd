/* What the facts decide, and what they do not. The words of each cause are compared with
 * tests/golden/explain; here it is which cause it is. */
#include "explain/diagnosis.h"

#include <errno.h>

#include "explain/kinds.h"
#include "tap.h"
#include "telemetry/handshake.h"
#include "telemetry/transport.h"

#define BIT(message) (1u << CS_MESSAGE_##message)

struct sample {
    const char *name;
    const char *code; /* NULL: nothing failed */
    struct cs_transport transport;
    struct cs_handshake handshake;
    struct cs_breakdown breakdown;
    bool no_handshake;
};

/* A server that has sent its flight and waits for the client's. */
#define FLIGHT                                                                                     \
    .server = true, .received = {BIT(CLIENT_HELLO), CS_MESSAGE_CLIENT_HELLO},                      \
    .sent = {BIT(SERVER_HELLO) | BIT(CERTIFICATE) | BIT(FINISHED), CS_MESSAGE_FINISHED}
/* A client that was asked for a certificate and has sent an empty one. */
#define EMPTY                                                                                      \
    .received = {BIT(SERVER_HELLO) | BIT(CERTIFICATE) | BIT(CERTIFICATE_REQUEST),                  \
                 CS_MESSAGE_FINISHED},                                                             \
    .sent = {BIT(CLIENT_HELLO) | BIT(CERTIFICATE) | BIT(FINISHED), CS_MESSAGE_FINISHED}
#define ALERT(n) .broken = CS_BREAK_ALERT, .alert_received = {n, true, CS_STR_INIT("x")}

static const struct sample samples[] = {
    {"a good handshake", NULL, {.tls = true}, {.server = true, .complete = true}},
    {"refused",
     "connection-refused",
     {.outgoing = true, .ending = CS_ENDING_REFUSED},
     .no_handshake = true},
    {"no answer",
     "connection-timeout",
     {.outgoing = true, .ending = CS_ENDING_NO_ANSWER},
     .no_handshake = true},
    {"no route",
     "connection-unreachable",
     {.outgoing = true, .ending = CS_ENDING_UNREACHABLE},
     .no_handshake = true},
    {"no address",
     "dns-failure",
     {.outgoing = true, .ending = CS_ENDING_NO_ADDRESS},
     .no_handshake = true},
    {"SSH", "not-tls", {.tls = true, .first = CS_STR_INIT("SSH-2.0-x\r\n")}, {.server = true}},
    {"SMTP", "not-tls", {.tls = true, .first = CS_STR_INIT("EHLO x\r\n")}, {.server = true}},
    {"h2c", "not-tls", {.tls = true, .first = CS_STR_INIT("PRI * HTTP/2.0\r\n")}, {.server = true}},
    {"HTTP",
     "http-on-tls-port",
     {.tls = true, .first = CS_STR_INIT("GET / HTTP/1.1\r\n")},
     {.server = true}},
    {"an HTTP server",
     "http-on-tls-port",
     {.tls = true, .outgoing = true, .first = CS_STR_INIT("HTTP/1.1 400 Bad")}},
    {"a PROXY line",
     "proxy-protocol-unexpected",
     {.tls = true, .first = CS_STR_INIT("PROXY TCP4 ")},
     {.server = true}},
    {"SSLv2",
     "not-tls",
     {.tls = true, .first = CS_STR_INIT("\x80\x2e\x01\x00\x02")},
     {.server = true}},
    {"an alert first",
     "not-tls",
     {.tls = true, .first = CS_STR_INIT("\x15\x03\x01\0\x02\x02\x28")},
     {.server = true}},
    {"garbage",
     "not-tls",
     {.tls = true, .first = CS_STR_INIT("\xde\xad\xbe\xef")},
     {.server = true}},
    {"TLS to a plain port",
     "tls-on-http-port",
     {.first = CS_STR_INIT("\x16\x03\x01\x02")},
     .no_handshake = true},
    {"HTTP to a plain port",
     NULL,
     {.first = CS_STR_INIT("GET / HTTP/1.1\r\n")},
     .no_handshake = true},
    {"no PROXY header",
     "proxy-protocol-missing",
     {.tls = true, .proxy_fault = CS_PROXY_FAULT_MISSING, .first = CS_STR_INIT("\x16\x03\x01")},
     .no_handshake = true},
    {"silence",
     "handshake-timeout",
     {.tls = true, .ending = CS_ENDING_TIMEOUT, .limit_ms = 60000},
     {.server = true}},
    {"a port scan", "peer-closed", {.tls = true, .ending = CS_ENDING_CLOSED}, {.server = true}},
    {"closed after our certificate",
     "peer-closed",
     {.tls = true, .ending = CS_ENDING_CLOSED},
     {FLIGHT, .broken = CS_BREAK_TRANSPORT}},
    {"taking leave behind a good handshake, with no certificate to dislike",
     NULL,
     {.tls = true, .ending = CS_ENDING_LEFT},
     {FLIGHT, .complete = true}},
    {"reset after our certificate",
     "peer-reset",
     {.tls = true, .ending = CS_ENDING_RESET, .error = ECONNRESET},
     {FLIGHT, .broken = CS_BREAK_TRANSPORT}},
    {"unknown_ca about our certificate",
     "peer-rejected-certificate",
     {.tls = true},
     {FLIGHT, ALERT(48)}},
    {"certificate_unknown", "peer-rejected-certificate", {.tls = true}, {FLIGHT, ALERT(46)}},
    {"unknown_ca before there was a certificate",
     "peer-alert",
     {.tls = true},
     {.server = true, ALERT(48)}},
    {"internal_error", "peer-alert", {.tls = true}, {FLIGHT, ALERT(80)}},
    {"an alert without a name", "peer-alert", {.tls = true}, {FLIGHT, ALERT(199)}},
    {"certificate_required", "certificate-missing", {.tls = true}, {EMPTY, ALERT(116)}},
    {"certificate_required, and the key does not fit",
     "no-shared-signature-algorithm",
     {.tls = true},
     {EMPTY, ALERT(116)},
     {.own_key = CS_STR_INIT("secp256k1"), .asked_sigalgs = CS_STR_INIT("rsa_pss_rsae_sha256")}},
    {"handshake_failure after an empty certificate",
     "certificate-missing",
     {.tls = true},
     {EMPTY, ALERT(40)}},
    {"decode_error of GnuTLS", "certificate-missing", {.tls = true}, {EMPTY, ALERT(50)}},
    {"handshake_failure after the hello", "peer-alert", {.tls = true}, {ALERT(40)}},
    {"protocol_version", "no-shared-version", {.tls = true}, {ALERT(70)}},
    {"insufficient_security", "no-shared-cipher", {.tls = true}, {ALERT(71)}},
    {"unrecognized_name", "sni-unknown", {.tls = true}, {ALERT(112)}},
    {"unrecognized_name is all that the server says",
     "sni-unknown",
     {.tls = true, .outgoing = true, .first = CS_STR_INIT("\x15\x03\x03\0\x02\x02\x70")},
     {ALERT(112)}},
    {"no_application_protocol", "alpn-mismatch", {.tls = true}, {ALERT(120)}},
    {"no name, rejected", "sni-missing", {.tls = true}, {.server = true, .broken = CS_BREAK_NAME}},
    {"a name, rejected",
     "sni-unknown",
     {.tls = true},
     {.server = true, .broken = CS_BREAK_NAME, .sni = CS_STR_INIT("a.test")}},
    {"no cipher", "no-shared-cipher", {.tls = true}, {.server = true, .broken = CS_BREAK_CIPHER}},
    {"no group", "no-shared-group", {.tls = true}, {.server = true, .broken = CS_BREAK_GROUP}},
    {"no version",
     "no-shared-version",
     {.tls = true},
     {.server = true, .broken = CS_BREAK_VERSION}},
    {"no protocol", "alpn-mismatch", {.tls = true}, {.server = true, .broken = CS_BREAK_ALPN}},
    {"no signature",
     "no-shared-signature-algorithm",
     {.tls = true},
     {.server = true, .broken = CS_BREAK_SIGNATURE}},
    {"a bad proof", "proof-failed", {.tls = true}, {FLIGHT, .broken = CS_BREAK_PROOF}},
    {"too large", "message-too-large", {.tls = true}, {FLIGHT, .broken = CS_BREAK_TOO_LARGE}},
    {"renegotiation",
     "renegotiation-refused",
     {.tls = true},
     {.server = true, .complete = true, .broken = CS_BREAK_RENEGOTIATION}},
    {"renegotiation refused by a warning, and closed",
     "renegotiation-refused",
     {.tls = true, .ending = CS_ENDING_CLOSED},
     {.server = true, .complete = true, .alert_sent = {100, false, CS_STR_INIT("x")}}},
    {"broken messages",
     "handshake-malformed",
     {.tls = true},
     {FLIGHT, .broken = CS_BREAK_MALFORMED}},
    {"anything else", "handshake-failed", {.tls = true}, {FLIGHT, .broken = CS_BREAK_OTHER}},
    {"no certificate",
     "certificate-missing",
     {.tls = true},
     {FLIGHT, .broken = CS_BREAK_NO_CERTIFICATE}},
};

static void check(const struct sample *s)
{
    struct cs_handshake handshake = s->handshake;
    struct cs_peer peer = {0};
    struct cs_record record = {.stage = CS_STAGE_HANDSHAKE, .peer = &peer};
    struct cs_findings findings;
    struct cs_arena arena;
    const struct cs_finding *cause;

    if (!handshake.alert_received.text.len)
        handshake.alert_received.number = -1;
    handshake.breakdown = &s->breakdown;
    record.transport = &s->transport;
    record.handshake = s->no_handshake ? NULL : &handshake;
    cs_arena_init(&arena);
    cs_findings_init(&findings, &arena);
    cause = cs_diagnose(&record, &findings);
    tap_str(cs_str_from(cause ? cause->kind->code : "none"),
            cs_str_from(s->code ? s->code : "none"), s->name);
    cs_arena_deinit(&arena);
}

static void test_kinds(void)
{
    const struct cs_finding_kind *kind;
    size_t n = 0;

    for (; (kind = cs_kind_at(n)); n++) {
        if (cs_kind_find(cs_str_from(kind->code)) != kind)
            tap_ok(false, "%s is found", kind->code);
    }
    tap_ok(n > 80, "all tables are there");
    tap_ok(!cs_kind_find(CS_STR("no-such-code")), "an unknown code");
}

int main(void)
{
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
        check(&samples[i]);
    test_kinds();
    return tap_done();
}
