/* The questions in the order of the connection: was it made, did it begin as it should, did the
 * handshake break, was the certificate refused, was the request. The first that has an answer
 * ends the search. */
#include "explain/diagnosis.h"

#include "base/time.h"
#include "explain/case.h"
#include "explain/clock.h"
#include "explain/findings.h"
#include "explain/kinds.h"
#include "explain/text.h"
#include "policy/findings.h"
#include "policy/policy.h"
#include "x509/chain.h"
#include "x509/findings.h"
#include "x509/name.h"

/* CA names that a sentence repeats. */
#define NAMES_SHOWN 8
/* The alert by which a library refuses and goes on. */
#define NO_RENEGOTIATION 100

const struct cs_finding *cs_case_find(const struct cs_case *c, const struct cs_finding_kind *kind,
                                      const struct cs_str *operands, size_t n)
{
    cs_findings_add(c->findings, kind, NULL, operands, n);
    return c->findings->last;
}

static struct cs_str none(void)
{
    return (struct cs_str){0};
}

/* --- the connection --- */

static struct cs_str target_text(const struct cs_case *c)
{
    char text[CS_ADDR_TEXT];

    if (c->transport->target.len)
        return c->transport->target;
    return cs_arena_dup(c->arena, cs_addr_text(&c->record->peer->addr, text));
}

static struct cs_str system_text(const struct cs_case *c)
{
    if (c->transport->reason.len)
        return c->transport->reason;
    return c->transport->error ? cs_str_from(strerrordesc_np(c->transport->error)) : none();
}

static struct cs_str first_text(const struct cs_case *c)
{
    return cs_explain_bytes(c->arena, c->transport->first);
}

static struct cs_str seconds_text(const struct cs_case *c)
{
    int64_t ms = c->transport->limit_ms;

    if (ms <= 0)
        return CS_STR("the time given");
    if (ms % 1000)
        return cs_arena_printf(c->arena, "%lld ms", (long long)ms);
    return cs_arena_printf(c->arena, "%lld s", (long long)ms / 1000);
}

static const struct cs_finding *of_connecting(const struct cs_case *c)
{
    switch (c->transport->ending) {
    case CS_ENDING_REFUSED:
        return CS_CASE_FIND(c, &cs_cause_connection_refused, c->who, target_text(c),
                            system_text(c));
    case CS_ENDING_NO_ANSWER:
        return CS_CASE_FIND(c, &cs_cause_connection_timeout, c->who, target_text(c),
                            seconds_text(c));
    case CS_ENDING_UNREACHABLE:
        return CS_CASE_FIND(c, &cs_cause_connection_unreachable, c->who, target_text(c),
                            system_text(c));
    case CS_ENDING_NO_ADDRESS:
        return CS_CASE_FIND(c, &cs_cause_dns_failure, c->who, target_text(c), system_text(c));
    default: return NULL;
    }
}

/* --- what came first --- */

static const struct cs_finding *of_upgrade(const struct cs_case *c)
{
    if (!c->transport->upgrade_fault.len)
        return NULL;
    return CS_CASE_FIND(c, &cs_cause_starttls_refused, c->who, c->transport->upgrade,
                        c->transport->upgrade_fault);
}

static const struct cs_finding *of_proxy_header(const struct cs_case *c)
{
    const struct cs_finding_kind *kind = cs_proxy_fault_kind(c->transport->proxy_fault);
    struct cs_str first;

    if (!kind)
        return NULL;
    first = first_text(c);
    if (first.len)
        first = cs_arena_printf(c->arena, "it began with \"%.*s\"", CS_FMT(first));
    return CS_CASE_FIND(c, kind, c->who, none(), first);
}

static const struct cs_finding *of_first_bytes(const struct cs_case *c)
{
    struct cs_str first, name = none(), remedy = none();
    enum cs_foreign kind;

    if (c->handshake &&
        (c->handshake->received.seen || (!c->server && c->handshake->alert_received.number >= 0)))
        return NULL; /* a server may well begin with an alert */
    kind = cs_foreign_look(c->transport->first, &name, &remedy);
    first = first_text(c);
    if (kind == CS_FOREIGN_PROXY)
        return CS_CASE_FIND(c, &cs_cause_proxy_protocol_unexpected, c->who, name, first);
    if (!c->transport->tls)
        return cs_foreign_is_tls(c->transport->first)
                   ? CS_CASE_FIND(c, &cs_cause_tls_on_http_port, c->who, name, first)
                   : NULL;
    switch (kind) {
    case CS_FOREIGN_HTTP: return CS_CASE_FIND(c, &cs_cause_http_on_tls_port, c->who, name, first);
    case CS_FOREIGN_OTHER: return CS_CASE_FIND(c, &cs_cause_not_tls, c->who, name, first, remedy);
    default: return NULL;
    }
}

/* --- terms --- */

static struct cs_str or_nothing(struct cs_str text)
{
    return text.len ? text : CS_STR("nothing");
}

/* What the client offered and we take; as client, that the server chose what we did not offer. */
static const struct cs_finding *no_shared(const struct cs_case *c,
                                          const struct cs_finding_kind *kind, struct cs_str offered,
                                          struct cs_str own, struct cs_str remark)
{
    struct cs_str theirs =
        c->server ? or_nothing(offered) : CS_STR("it chose what this side did not offer");

    return CS_CASE_FIND(c, kind, c->who, theirs, or_nothing(own), remark);
}

static bool mentions(struct cs_str text, struct cs_str word)
{
    return cs_str_search(text, word) >= 0;
}

/* A suite of TLS 1.2 goes with one type of key; a client that takes only the other type shares
 * none, however long the lists. */
static struct cs_str key_remark(const struct cs_case *c, struct cs_str offered)
{
    struct cs_str key = c->handshake->breakdown->own_key;
    bool ecdsa = mentions(offered, CS_STR("ECDSA")), rsa = mentions(offered, CS_STR("-RSA-"));
    bool is_rsa = cs_str_starts(key, CS_STR("RSA"));

    if (!c->server || !key.len)
        return none();
    if (!is_rsa && rsa && !ecdsa)
        return cs_arena_printf(c->arena,
                               "; it takes RSA certificates only, and the key here is %.*s: add "
                               "an RSA certificate beside it",
                               CS_FMT(key));
    if (is_rsa && ecdsa && !rsa)
        return CS_STR("; it takes ECDSA certificates only, and the key here is RSA: add an ECDSA "
                      "certificate beside it");
    if (!ecdsa && !rsa && offered.len)
        return CS_STR("; it offers no suite with an ephemeral key exchange (ECDHE)");
    return none();
}

static const struct cs_finding *no_signature(const struct cs_case *c)
{
    const struct cs_breakdown *facts = c->handshake->breakdown;

    if (c->server)
        return CS_CASE_FIND(c, &cs_cause_no_shared_signature_algorithm, c->who,
                            or_nothing(facts->offered.sigalgs), facts->own_key,
                            CS_STR("key of the server's certificate"));
    return CS_CASE_FIND(c, &cs_cause_no_shared_signature_algorithm, c->who,
                        or_nothing(facts->asked_sigalgs), or_nothing(facts->own_key),
                        CS_STR("key of the client's certificate"));
}

/* Whether two lists of names have one in common; an empty list is not known. */
static bool share(struct cs_str a, struct cs_str b)
{
    if (!a.len || !b.len)
        return true;
    while (a.len) {
        struct cs_str item = cs_str_trim(cs_str_cut(&a, ',')), rest = b;
        while (rest.len) {
            if (cs_str_eq(cs_str_trim(cs_str_cut(&rest, ',')), item))
                return true;
        }
    }
    return false;
}

/* Without a common group there is no common suite either, and libraries say that. */
static const struct cs_finding *no_cipher(const struct cs_case *c, const struct cs_terms *own,
                                          const struct cs_terms *offered)
{
    if (!share(offered->groups, own->groups))
        return no_shared(c, &cs_cause_no_shared_group, offered->groups, own->groups, none());
    return no_shared(c, &cs_cause_no_shared_cipher, offered->ciphers, own->ciphers,
                     key_remark(c, offered->ciphers));
}

static const struct cs_finding *of_terms(const struct cs_case *c)
{
    const struct cs_breakdown *facts = c->handshake->breakdown;
    const struct cs_terms *own, *offered;

    if (!facts)
        return NULL;
    own = &facts->own;
    offered = &facts->offered;
    switch (c->handshake->broken) {
    case CS_BREAK_VERSION:
        return no_shared(c, &cs_cause_no_shared_version, offered->versions, own->versions, none());
    case CS_BREAK_CIPHER: return no_cipher(c, own, offered);
    case CS_BREAK_GROUP:
        return no_shared(c, &cs_cause_no_shared_group, offered->groups, own->groups, none());
    case CS_BREAK_ALPN:
        return no_shared(c, &cs_cause_alpn_mismatch, offered->alpn, own->alpn, none());
    case CS_BREAK_SIGNATURE: return no_signature(c);
    default: return NULL;
    }
}

/* --- certificates --- */

struct cs_str cs_case_names(const struct cs_case *c, const struct cs_str *ders, size_t n)
{
    struct cs_str text = none();

    for (size_t i = 0; i < n && i < NAMES_SHOWN; i++)
        text = cs_arena_printf(c->arena, "%.*s%s\"%.*s\"", CS_FMT(text), i ? ", " : "",
                               CS_FMT(cs_name_shown(ders[i], c->arena)));
    if (n > NAMES_SHOWN)
        text = cs_arena_printf(c->arena, "%.*s and %zu more", CS_FMT(text), n - NAMES_SHOWN);
    return text;
}

static struct cs_names asked_names(const struct cs_case *c)
{
    const struct cs_breakdown *facts = c->handshake ? c->handshake->breakdown : NULL;

    if (facts && facts->n_asked_names)
        return (struct cs_names){facts->asked_names, facts->n_asked_names};
    if (c->server && c->record->trust)
        return cs_trust_names(c->record->trust);
    return (struct cs_names){NULL, 0};
}

/* What the client was asked for, and why it may have sent nothing although it has something. */
static struct cs_str asked_text(const struct cs_case *c)
{
    const struct cs_breakdown *facts = c->handshake ? c->handshake->breakdown : NULL;
    struct cs_names names = asked_names(c);
    struct cs_str algorithms = facts ? facts->asked_sigalgs : none();

    if (!names.n && !algorithms.len)
        return none();
    return cs_arena_printf(
        c->arena,
        "it was asked for one issued by %.*s%s%.*s; a client that has only other ones "
        "sends none",
        CS_FMT(names.n ? cs_case_names(c, names.items, names.n) : CS_STR("any CA")),
        algorithms.len ? ", with a key for " : "", CS_FMT(algorithms));
}

const struct cs_finding *cs_case_no_certificate(const struct cs_case *c)
{
    const struct cs_breakdown *facts = c->handshake ? c->handshake->breakdown : NULL;

    if (!c->server && facts && facts->own_key.len && facts->asked_sigalgs.len &&
        !cs_key_can_sign(facts->own_key, facts->asked_sigalgs))
        return no_signature(c);
    return CS_CASE_FIND(c, CS_X509_KIND(CERTIFICATE_MISSING), CS_STR("client"), none(), none(),
                        none(), asked_text(c));
}

/* Whether the peer's certificate is the last that the TLS library took: it disliked that itself. */
static bool broke_at_certificate(const struct cs_handshake *h)
{
    return (h->broken == CS_BREAK_MALFORMED || h->broken == CS_BREAK_OTHER) &&
           h->received.last == CS_MESSAGE_CERTIFICATE;
}

/* The verdict's cause; of the chain that was presented it is known best what is wrong. A handshake
 * that goes on in spite of it may still break for another reason. */
static const struct cs_finding *of_verdict(const struct cs_case *c)
{
    const struct cs_verdict *verdict = c->record->verdict;
    enum cs_break broken = c->handshake ? c->handshake->broken : CS_BREAK_NONE;

    if (broken != CS_BREAK_NONE && broken != CS_BREAK_VERDICT &&
        !broke_at_certificate(c->handshake))
        return NULL;
    if (!verdict || verdict->accepted || verdict->tolerated)
        return NULL;
    return verdict->cause && cs_clock_matters(verdict->cause->kind)
               ? cs_case_clock(c, verdict->cause)
               : verdict->cause;
}

/* --- the handshake --- */

static struct cs_str library_text(const struct cs_case *c)
{
    return c->handshake->failure;
}

static struct cs_str leaf_text(const struct cs_case *c)
{
    const struct cs_verdict *verdict = c->record->verdict;
    struct cs_findings ignored;
    struct cs_cert leaf;

    if (verdict && verdict->leaf)
        return cs_name_shown(verdict->leaf->subject, c->arena);
    cs_findings_init(&ignored, c->arena);
    if (c->handshake->n_chain &&
        cs_cert_parse(c->handshake->chain[0], c->arena, &ignored, &leaf) == 0)
        return cs_name_shown(leaf.subject, c->arena);
    return CS_STR("it presented");
}

static const struct cs_finding *of_name(const struct cs_case *c)
{
    if (!c->handshake->sni.len)
        return CS_CASE_FIND(c, &cs_cause_sni_missing, c->who);
    return CS_CASE_FIND(c, &cs_cause_sni_unknown, c->who, c->handshake->sni,
                        CS_STR("no server_name on this address has it, and the default server "
                               "refuses handshakes"));
}

static struct cs_str size_text(const struct cs_case *c)
{
    return cs_arena_printf(c->arena, "%llu bytes came; a chain may have 64 KiB",
                           (unsigned long long)c->handshake->bytes_in);
}

static const struct cs_finding *renegotiation(const struct cs_case *c)
{
    return CS_CASE_FIND(c, &cs_cause_renegotiation_refused, c->who,
                        CS_STR("it could swap one client for another in the middle of a "
                               "connection"));
}

static const struct cs_finding *of_break(const struct cs_case *c)
{
    const struct cs_finding *cause;
    struct cs_str last;

    if (!c->handshake)
        return NULL;
    last = cs_arena_printf(c->arena, "the last message of the %.*s was %.*s", CS_FMT(c->who),
                           CS_FMT(or_nothing(cs_message_name(c->handshake->received.last))));
    if (c->handshake->alert_sent.number == NO_RENEGOTIATION)
        return renegotiation(c);
    switch (c->handshake->broken) {
    case CS_BREAK_NONE:
    case CS_BREAK_TRANSPORT:
    case CS_BREAK_VERDICT: return NULL;
    case CS_BREAK_ALERT: return cs_alert_cause(c);
    case CS_BREAK_ALERT_SEALED: return cs_alert_sealed(c);
    case CS_BREAK_NAME: return of_name(c);
    case CS_BREAK_NAME_MALFORMED: return CS_CASE_FIND(c, &cs_cause_sni_invalid, c->who);
    case CS_BREAK_NO_CERTIFICATE: return cs_case_no_certificate(c);
    case CS_BREAK_PROOF:
        return CS_CASE_FIND(c, &cs_cause_proof_failed, c->who, leaf_text(c), none());
    case CS_BREAK_TOO_LARGE:
        return CS_CASE_FIND(c, &cs_cause_message_too_large, c->who, size_text(c));
    case CS_BREAK_RENEGOTIATION: return renegotiation(c);
    case CS_BREAK_RESUMPTION: return CS_CASE_FIND(c, &cs_cause_resumption_declined, c->who);
    case CS_BREAK_PLAIN_HTTP:
        return CS_CASE_FIND(c, &cs_cause_http_on_tls_port, c->who, none(), first_text(c));
    case CS_BREAK_NOT_TLS:
        return CS_CASE_FIND(c, &cs_cause_not_tls, c->who,
                            CS_STR("its first bytes are no TLS record"), first_text(c),
                            CS_STR("find out what connects to this port"));
    case CS_BREAK_MALFORMED:
        return CS_CASE_FIND(c, &cs_cause_handshake_malformed, c->who, library_text(c), last);
    default: break;
    }
    cause = of_terms(c);
    if (cause)
        return cause;
    return CS_CASE_FIND(c, &cs_cause_handshake_failed, c->who, library_text(c), last);
}

/* --- our own certificate --- */

static const struct cs_finding *of_awaited(const struct cs_case *c)
{
    const struct cs_awaited *awaited = c->record->awaited;
    char since[CS_TIME_TEXT];

    if (!awaited || (c->handshake && c->handshake->broken != CS_BREAK_NAME))
        return NULL;
    if (!awaited->since_sec)
        return CS_CASE_FIND(c, &cs_cause_certificate_awaited, c->who,
                            CS_STR("no attempt to get it has failed so far"),
                            CS_STR("wait a moment"));
    return CS_CASE_FIND(
        c, &cs_cause_certificate_awaited, c->who,
        cs_arena_printf(c->arena, "asking for it has failed since %.*s, the last time because %.*s",
                        CS_FMT(cs_time_iso(awaited->since_sec, since)), CS_FMT(awaited->why)),
        CS_STR("see to it that the authority can be reached and gives it; countersign status shows "
               "how it goes, and countersign renew asks again now"));
}

/* --- the end of the byte stream --- */

static const struct cs_finding *ended(const struct cs_case *c, const struct cs_finding_kind *kind,
                                      struct cs_meaning meaning, struct cs_str limit)
{
    return CS_CASE_FIND(c, kind, c->who, cs_progress_text(c), meaning.means, meaning.remedy, limit,
                        meaning.likely);
}

/* Who takes his leave without a request may have been a probe; he may have looked at the name in
 * our certificate only then. The certificate decides: where nothing is wrong with it to be seen,
 * nothing is known to have failed. */
static const struct cs_finding *left(const struct cs_case *c)
{
    if (!cs_own_fault_remedy(c).len)
        return NULL;
    return ended(c, &cs_cause_peer_closed, cs_progress_closed(c), none());
}

static const struct cs_finding *of_ending(const struct cs_case *c)
{
    switch (c->transport->ending) {
    case CS_ENDING_LEFT: return left(c);
    case CS_ENDING_CLOSED: return ended(c, &cs_cause_peer_closed, cs_progress_closed(c), none());
    case CS_ENDING_RESET: return ended(c, &cs_cause_peer_reset, cs_progress_reset(c), none());
    case CS_ENDING_TIMEOUT:
        return ended(c, &cs_cause_handshake_timeout, cs_progress_silent(c), seconds_text(c));
    case CS_ENDING_FAULT:
        return CS_CASE_FIND(c, &cs_cause_connection_failed, c->who, cs_progress_text(c),
                            system_text(c));
    default: return NULL;
    }
}

/* --- the request --- */

static const struct cs_finding *of_decision(const struct cs_case *c)
{
    const struct cs_decision *decision = c->record->decision;

    if (!decision || decision->allowed || !decision->kind)
        return NULL;
    if (decision->kind == CS_X509_KIND(CERTIFICATE_MISSING))
        return cs_case_no_certificate(c);
    if (decision->about == CS_DECISION_IDENTITY)
        return cs_denial_cause(c);
    return CS_CASE_FIND(c, decision->kind, c->handshake ? c->handshake->sni : none(),
                        c->record->host);
}

static const struct cs_finding *(*const questions[])(const struct cs_case *) = {
    of_connecting, of_upgrade, of_proxy_header, of_first_bytes,  of_awaited,
    of_verdict,    of_break,   of_decision,     cs_answer_cause, of_ending,
};

const struct cs_finding *cs_diagnose(const struct cs_record *record, struct cs_findings *findings)
{
    static const struct cs_transport sound = {.tls = true};
    struct cs_case c = {
        .record = record,
        .handshake = record->handshake,
        .transport = record->transport ? record->transport : &sound,
        .findings = findings,
        .arena = findings->arena,
    };
    const struct cs_finding *cause = NULL;

    c.server = record->handshake ? record->handshake->server : !c.transport->outgoing;
    c.who = c.server ? CS_STR("client") : CS_STR("server");
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]) && !cause; i++)
        cause = questions[i](&c);
    return cause;
}
