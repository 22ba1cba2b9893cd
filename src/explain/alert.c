/* What a peer's alert means: the number alone says little, the number at this point of the
 * handshake says more (RFC 8446 section 6.2). */
#include "explain/case.h"
#include "explain/findings.h"

/* Numbers with a part in the logic; the others are in the tables. */
enum {
    HANDSHAKE_FAILURE = 40,
    DECODE_ERROR = 50,
    PROTOCOL_VERSION = 70,
    INSUFFICIENT_SECURITY = 71,
    NO_RENEGOTIATION = 100,
    UNRECOGNIZED_NAME = 112,
    CERTIFICATE_REQUIRED = 116,
    NO_APPLICATION_PROTOCOL = 120,
};

struct meaning {
    int alert;
    const char *means;
    const char *remedy; /* where no fault of ours shows; NULL: cs_own_trust_remedy(), for an alert
                           about nothing else; "": cs_own_likely_remedy() */
};

/* About our certificate. */
static const struct meaning certificate_alerts[] = {
    {42,
     "something about our certificate is wrong for it: name, time, usage or signature; many "
     "programs say this for all of them",
     ""},
    {43, "our certificate is of a type or for a purpose that it does not take",
     "issue it with the extended key usage for this side, and an ECDSA P-256 or RSA key"},
    {44, "it has our certificate on a revocation list, or knows by OCSP that it is revoked",
     "issue a new certificate; if it should be good, look into the CA's revocation list"},
    {45,
     "our certificate is out of its time for the peer: expired or not yet valid, or the "
     "peer's clock is wrong",
     "if it is valid by the right time, look at the peer's clock, and whether a revocation list "
     "there is out of date"},
    {46,
     "our certificate is unacceptable for some reason; Java says this for an unknown CA, an "
     "expired certificate, a wrong name and a wrong purpose alike",
     ""},
    {48, "it does not know the CA that issued our certificate, or cannot build the chain to it",
     NULL},
    {49,
     "access is denied to our certificate: by the standard it is valid and not admitted; GnuTLS's "
     "server says this of any fault",
     "ask the peer to admit this name; its log says more"},
    {51, "a signature does not verify: that of our certificate, or the proof of its key",
     "check that certificate and key belong together and that the chain file is not damaged"},
    {111, "it could not fetch our certificate", "look into its own log"},
    {113, "it wants an OCSP answer with the certificate, and got none or a bad one",
     "let this side staple one, or do not demand it there"},
    {114, "the hash of our certificate is not the one it expects", "look into its own log"},
};

/* About anything else. */
static const struct meaning other_alerts[] = {
    {10, "it did not expect this message at this point: it speaks another version or protocol",
     "check that both sides mean the same port and protocol"},
    {20,
     "a record did not arrive as it was sent: a broken library, or something in between alters "
     "the stream",
     "try without the middlebox; update the TLS software"},
    {22, "a record was too long for it", "update the TLS software"},
    {40,
     "no set of parameters suits it: cipher suites, groups, signature algorithms, or the type "
     "of a key",
     "compare what both sides offer"},
    {47, "a field of a message is out of range for it", "update the TLS software"},
    {50,
     "a message could not be decoded: a broken library, or something in between alters the "
     "stream",
     "try without the middlebox; update the TLS software"},
    {80, "something failed inside it that has nothing to do with this side",
     "look into its own log"},
    {86, "it knows a better version than the one that was tried again with",
     "connect without "
     "fallback"},
    {90, "its user, or its program, broke the handshake off", "look into its own log"},
    {109, "an extension that it needs is missing", "update the TLS software"},
    {110, "it was sent an extension that it had not offered", "update the TLS software"},
    {115, "it does not know the key of the resumed session", "connect without resumption"},
    {121, "it demands encrypted ClientHello", "enable ECH, or take it off there"},
};

static const struct meaning *find(const struct meaning *rows, size_t n, int alert)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].alert == alert)
            return &rows[i];
    }
    return NULL;
}

#define FIND(rows, alert) find((rows), sizeof(rows) / sizeof((rows)[0]), (alert))

static bool sent_certificate(const struct cs_case *c)
{
    return cs_messages_have(c->handshake->sent, CS_MESSAGE_CERTIFICATE) || c->handshake->complete;
}

static struct cs_str number_text(const struct cs_case *c)
{
    return cs_arena_printf(c->arena, "alert %d", c->handshake->alert_received.number);
}

static struct cs_str remedy_of(const struct cs_case *c, const struct meaning *row)
{
    struct cs_str remedy;

    if (!row->remedy)
        return cs_own_trust_remedy(c);
    if (!*row->remedy)
        return cs_own_likely_remedy(c);
    remedy = cs_own_fault_remedy(c);
    return remedy.len ? remedy : cs_str_from(row->remedy);
}

static const struct cs_finding *rejected(const struct cs_case *c, const struct meaning *row)
{
    const struct cs_alert *alert = &c->handshake->alert_received;
    struct cs_str own = cs_own_text(c), number = number_text(c);
    struct cs_str means =
        cs_arena_printf(c->arena, "%s%s%.*s", row->means, own.len ? "; " : "", CS_FMT(own));
    const struct cs_finding *certain =
        cs_own_certain(c, alert->number,
                       cs_arena_printf(c->arena, "%.*s %.*s", CS_FMT(number), CS_FMT(alert->text)));

    if (certain)
        return certain;
    return CS_CASE_FIND(c, &cs_cause_peer_rejected_certificate, c->who, number, alert->text, means,
                        remedy_of(c, row), cs_own_likely_code(c, alert->number));
}

static const struct cs_finding *gave_up(const struct cs_case *c, const struct meaning *row)
{
    return CS_CASE_FIND(
        c, &cs_cause_peer_alert, c->who, number_text(c), c->handshake->alert_received.text,
        row ? cs_str_from(row->means) : CS_STR("the number has no meaning that is known here"),
        row ? cs_str_from(row->remedy) : CS_STR("look into its own log"));
}

/* What this side offers, and the other said no to with the alert. */
static const struct cs_finding *
nothing_shared(const struct cs_case *c, const struct cs_finding_kind *kind, struct cs_str own)
{
    struct cs_str said = cs_arena_printf(c->arena, "%.*s %.*s", CS_FMT(number_text(c)),
                                         CS_FMT(c->handshake->alert_received.text));

    return CS_CASE_FIND(c, kind, c->who, said, own);
}

/* Servers of TLS 1.2 say handshake_failure when a certificate is missing; GnuTLS that it cannot
 * decode an empty list. */
static bool lacks_certificate(const struct cs_case *c)
{
    const struct cs_handshake *h = c->handshake;
    int alert = h->alert_received.number;

    if (c->server || !cs_messages_have(h->received, CS_MESSAGE_CERTIFICATE_REQUEST))
        return alert == CERTIFICATE_REQUIRED && !c->server;
    if (cs_messages_have(h->sent, CS_MESSAGE_CERTIFICATE_VERIFY))
        return false;
    return alert == CERTIFICATE_REQUIRED || alert == HANDSHAKE_FAILURE || alert == 41 ||
           alert == 42 || alert == DECODE_ERROR;
}

static const struct cs_finding *about_terms(const struct cs_case *c)
{
    static const struct cs_terms none;
    const struct cs_breakdown *facts = c->handshake->breakdown;
    const struct cs_terms *own = facts ? &facts->own : &none;

    switch (c->handshake->alert_received.number) {
    case PROTOCOL_VERSION: return nothing_shared(c, &cs_cause_no_shared_version, own->versions);
    case INSUFFICIENT_SECURITY: return nothing_shared(c, &cs_cause_no_shared_cipher, own->ciphers);
    case NO_APPLICATION_PROTOCOL: return nothing_shared(c, &cs_cause_alpn_mismatch, own->alpn);
    case NO_RENEGOTIATION:
        return CS_CASE_FIND(c, &cs_cause_renegotiation_refused, c->who,
                            CS_STR("it is the other side that refuses"));
    case UNRECOGNIZED_NAME:
        return CS_CASE_FIND(c, &cs_cause_sni_unknown, c->who, c->handshake->sni,
                            CS_STR("the server says so by alert 112 unrecognized_name"));
    default: return NULL;
    }
}

const struct cs_finding *cs_alert_cause(const struct cs_case *c)
{
    int alert = c->handshake->alert_received.number;
    const struct meaning *row = FIND(certificate_alerts, alert);
    const struct cs_finding *cause;

    if (lacks_certificate(c))
        return cs_case_no_certificate(c);
    cause = about_terms(c);
    if (cause)
        return cause;
    if (row && sent_certificate(c))
        return rejected(c, row);
    return gave_up(c, FIND(other_alerts, alert));
}

const struct cs_finding *cs_alert_sealed(const struct cs_case *c)
{
    struct cs_str means =
        c->server ? CS_STR("in answer to the server's flight a client refuses the server's "
                           "certificate: its issuer, its name or its time")
        : c->handshake->complete
            ? CS_STR("behind the client's Finished a server refuses the client's certificate, or "
                     "that there is none")
            : CS_STR("it came before the client's part of the handshake");

    return CS_CASE_FIND(c, &cs_cause_peer_alert_encrypted, c->who, means);
}
