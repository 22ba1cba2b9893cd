/* Our own certificate, judged as a stranger might: when the peer leaves without saying why, what
 * it may have disliked is often plain to see from here. Of a certificate that is out of its time
 * it is certain; anything else is likely, and told beside what the peer did. */
#include "base/time.h"
#include "explain/case.h"
#include "explain/kinds.h"
#include "explain/text.h"
#include "telemetry/clock.h"
#include "x509/chain.h"
#include "x509/findings.h"
#include "x509/name.h"
#include "x509/trust.h"

/* Alerts that a peer may mean any fault by, or this one. */
enum {
    BAD_CERTIFICATE = 42,
    CERTIFICATE_REVOKED = 44,
    CERTIFICATE_EXPIRED = 45,
    CERTIFICATE_UNKNOWN = 46,
    UNKNOWN_CA = 48,
};

#define CHAIN_MAX 16
#define FAULTS_MAX 6
#define SENTENCE_MAX 4096
/* How many intermediates a server takes is not known; this is enough for any. */
#define DEPTH 10

struct own {
    struct cs_cert certs[CHAIN_MAX];
    size_t n;
};

static void read_own(const struct cs_case *c, struct own *own)
{
    const struct cs_breakdown *facts = c->handshake ? c->handshake->breakdown : NULL;
    struct cs_findings ignored;

    own->n = 0;
    cs_findings_init(&ignored, c->arena);
    for (size_t i = 0; facts && i < facts->n_own_chain && own->n < CHAIN_MAX; i++) {
        if (cs_cert_parse(facts->own_chain[i], c->arena, &ignored, &own->certs[own->n]) != 0)
            return;
        own->n++;
    }
}

/* The CA @name as an intermediate of the trust set: then it is known to be no root. */
static bool is_known_intermediate(const struct cs_case *c, struct cs_str name)
{
    size_t n = 0;
    const struct cs_cert *cas = c->record->trust ? cs_trust_certs(c->record->trust, &n) : NULL;

    for (size_t i = 0; i < n; i++) {
        if (cs_name_eq(cas[i].subject, name))
            return !cs_cert_self_issued(&cas[i]);
    }
    return false;
}

/* How much of the way to a root is sent. */
enum chain_end {
    CHAIN_ROOT,  /* all of it */
    CHAIN_GAP,   /* not the intermediate that issued the last one */
    CHAIN_ORDER, /* one does not follow from the one before */
    CHAIN_OPEN,  /* up to an issuer that may be a root or not */
};

static enum chain_end end_of(const struct cs_case *c, const struct own *own)
{
    const struct cs_cert *last = &own->certs[own->n - 1];

    for (size_t i = 1; i < own->n; i++) {
        if (!cs_name_eq(own->certs[i].subject, own->certs[i - 1].issuer))
            return CHAIN_ORDER;
    }
    if (cs_cert_self_issued(last))
        return CHAIN_ROOT;
    return is_known_intermediate(c, last->issuer) ? CHAIN_GAP : CHAIN_OPEN;
}

static struct cs_str issuer_of_last(const struct cs_case *c, const struct own *own)
{
    return cs_name_text(own->certs[own->n - 1].issuer, c->arena);
}

/* What shows from here, and what to do about it; all of it empty: nothing. */
struct fault {
    const struct cs_finding_kind *kind; /* what a peer calls it that says why */
    struct cs_str text;
    struct cs_str remedy;
};

/* What a certificate is called at @sec that has these bounds; NULL: good. */
static const struct cs_finding_kind *time_kind(const struct cs_cert *leaf, int64_t sec)
{
    return sec > leaf->not_after    ? CS_X509_KIND(CERTIFICATE_EXPIRED)
           : sec < leaf->not_before ? CS_X509_KIND(CERTIFICATE_NOT_YET_VALID)
                                    : NULL;
}

static struct fault time_fault(const struct cs_case *c, const struct cs_cert *leaf)
{
    char text[CS_TIME_TEXT];
    int64_t now = c->record->now_ms / 1000;
    const struct cs_finding_kind *kind = time_kind(leaf, now);

    if (!now || !kind)
        return (struct fault){0};
    if (kind == CS_X509_KIND(CERTIFICATE_EXPIRED))
        return (struct fault){kind,
                              cs_arena_printf(c->arena, "; it expired at %.*s",
                                              CS_FMT(cs_time_iso(leaf->not_after, text))),
                              CS_STR("renew our certificate")};
    return (struct fault){kind,
                          cs_arena_printf(c->arena, "; it is not valid before %.*s",
                                          CS_FMT(cs_time_iso(leaf->not_before, text))),
                          CS_STR("wait until it is valid; if it should be by now, compare the "
                                 "clocks of its CA and of both sides")};
}

static struct fault name_fault(const struct cs_case *c, const struct cs_cert *leaf)
{
    struct cs_str sni = c->handshake->sni;

    if (!c->server || !sni.len)
        return (struct fault){0};
    switch (cs_name_match_host(leaf, sni)) {
    case CS_HOST_YES: return (struct fault){0};
    case CS_HOST_BY_COMMON_NAME:
        return (struct fault){CS_X509_KIND(NAME_IN_COMMON_NAME_ONLY),
                              CS_STR("; its name is in the common name only, which Go, Java and "
                                     "browsers do not accept"),
                              CS_STR("issue our certificate with the name as subjectAltName")};
    case CS_HOST_NO: break;
    }
    return (struct fault){
        CS_X509_KIND(NAME_MISMATCH),
        cs_arena_printf(c->arena, "; it is not for \"%.*s\" but for %.*s", CS_FMT(sni),
                        CS_FMT(cs_cert_names_text(leaf, c->arena))),
        CS_STR("let the client connect by a name of the certificate, or give the server a "
               "certificate (and a server_name) with the name that the client asks for")};
}

static struct fault usage_fault(const struct cs_case *c, const struct cs_cert *leaf)
{
    if (leaf->has_eku && !(leaf->eku & (c->server ? CS_EKU_SERVER : CS_EKU_CLIENT)))
        return c->server ? (struct fault){CS_X509_KIND(PURPOSE_MISMATCH),
                                          CS_STR("; its extended key usage lacks serverAuth"),
                                          CS_STR("issue it with extended key usage serverAuth")}
                         : (struct fault){CS_X509_KIND(PURPOSE_MISMATCH),
                                          CS_STR("; its extended key usage lacks clientAuth"),
                                          CS_STR("issue it with extended key usage clientAuth")};
    if (leaf->has_key_usage && !(leaf->key_usage & CS_USAGE_DIGITAL_SIGNATURE))
        return (struct fault){CS_X509_KIND(KEY_USAGE_MISMATCH),
                              CS_STR("; its key usage lacks digitalSignature"),
                              CS_STR("issue it with key usage digitalSignature")};
    if (leaf->sig_weak)
        return (struct fault){CS_X509_KIND(WEAK_SIGNATURE),
                              CS_STR("; it is signed with a weak digest"),
                              CS_STR("issue it anew with SHA-256")};
    return (struct fault){0};
}

/* Certificates that are missing or in disorder. */
static struct fault chain_fault(const struct cs_case *c, const struct own *own)
{
    struct cs_str issuer = issuer_of_last(c, own);

    switch (end_of(c, own)) {
    case CHAIN_ORDER:
        return (struct fault){
            CS_X509_KIND(CHAIN_UNORDERED),
            CS_STR("; the certificates sent with it do not follow from one another"),
            CS_STR("put the own certificate first in the file, then its issuer, and so on")};
    case CHAIN_GAP:
        return (struct fault){
            CS_X509_KIND(INTERMEDIATE_MISSING),
            cs_arena_printf(c->arena,
                            "; the certificate of the intermediate CA \"%.*s\" is not sent with it",
                            CS_FMT(issuer)),
            cs_arena_printf(c->arena,
                            "append the certificate of the intermediate CA \"%.*s\" to the "
                            "certificate file here",
                            CS_FMT(issuer))};
    case CHAIN_ROOT:
    case CHAIN_OPEN: break;
    }
    return (struct fault){0};
}

/* What the server asks for: whether one of its CA names issued a certificate of ours. */
static bool is_asked_for(const struct cs_breakdown *facts, const struct own *own)
{
    for (size_t i = 0; i < facts->n_asked_names; i++) {
        for (size_t j = 0; j < own->n; j++) {
            if (cs_name_eq(facts->asked_names[i], own->certs[j].issuer))
                return true;
        }
    }
    return false;
}

static bool is_self_signed(const struct own *own)
{
    return own->n == 1 && cs_cert_self_issued(&own->certs[0]);
}

static struct fault issuer_fault(const struct cs_case *c, const struct own *own)
{
    const struct cs_breakdown *facts = c->handshake->breakdown;

    if (c->server || !facts->n_asked_names || is_asked_for(facts, own))
        return (struct fault){0};
    return (struct fault){
        is_self_signed(own) ? CS_X509_KIND(SELF_SIGNED) : CS_X509_KIND(ISSUER_UNKNOWN),
        cs_arena_printf(c->arena, "; the server asks for certificates of %.*s",
                        CS_FMT(cs_case_names(c, facts->asked_names, facts->n_asked_names))),
        cs_arena_printf(c->arena,
                        "present a certificate that one of the CAs has issued which the server "
                        "asks for; if \"%.*s\" is an intermediate below one of them, send its "
                        "certificate too",
                        CS_FMT(issuer_of_last(c, own)))};
}

/* Verdicts that say more about the CAs known here than about the chain. */
static bool is_about_trust(const struct cs_finding_kind *kind)
{
    return kind == CS_X509_KIND(ISSUER_UNKNOWN) || kind == CS_X509_KIND(SELF_SIGNED) ||
           kind == CS_X509_KIND(TRUST_INCOMPLETE) || kind == CS_X509_KIND(CRL_MISSING);
}

static struct cs_str sentence(const struct cs_case *c, const char *template,
                              const struct cs_finding *f)
{
    struct cs_str text = {0};
    struct cs_buf buf;

    cs_buf_init(&buf, SENTENCE_MAX);
    if (template && cs_explain_template(&buf, template, f->operands, CS_FINDING_OPERANDS) == 0)
        text = cs_arena_dup(c->arena, cs_buf_str(&buf));
    cs_buf_deinit(&buf);
    return text;
}

/* What a server says of our chain that trusts the same CAs. A client is refused once and looks
 * into it; a server would have to judge its chain for each client that leaves, and has been told
 * when it was configured. */
static struct fault verdict_fault(const struct cs_case *c)
{
    const struct cs_breakdown *facts = c->handshake->breakdown;
    struct cs_chain_query query = {.ders = facts->own_chain,
                                   .n = facts->n_own_chain,
                                   .trust = c->record->trust,
                                   .now_sec = c->record->now_ms / 1000,
                                   .purpose = CS_PURPOSE_CLIENT,
                                   .depth = DEPTH};
    const struct cs_finding *f;
    struct cs_verdict verdict;
    struct cs_str remedy;

    if (c->server || !query.trust || !query.now_sec ||
        cs_chain_verify(&query, c->arena, &verdict) < 0 || verdict.accepted)
        return (struct fault){0};
    f = verdict.cause;
    if (is_about_trust(f->kind))
        return (struct fault){0};
    remedy = f->kind == CS_X509_KIND(INTERMEDIATE_MISSING)
                 ? cs_arena_printf(
                       c->arena, "append the certificate of \"%.*s\" to the certificate file here",
                       CS_FMT(f->operands[2]))
                 : sentence(c, f->kind->hint, f);
    return (struct fault){f->kind,
                          cs_arena_printf(c->arena, "; by the CAs known here, %.*s (%.*s)",
                                          CS_FMT(sentence(c, f->kind->primary, f)),
                                          CS_FMT(sentence(c, f->kind->detail, f))),
                          remedy};
}

/* Where a chain leads that is as it should be: the peer may or may not know that. */
static struct cs_str root_text(const struct cs_case *c, const struct own *own)
{
    if (end_of(c, own) == CHAIN_ROOT)
        return own->n == 1 ? CS_STR("; it is self-signed")
                           : CS_STR("; its chain is sent whole, the root included");
    return cs_arena_printf(c->arena, "; the chain sent ends below \"%.*s\", which the %.*s %s",
                           CS_FMT(issuer_of_last(c, own)), CS_FMT(c->who),
                           is_asked_for(c->handshake->breakdown, own) ? "asks for" : "has to know");
}

static bool is_among(const struct fault *faults, size_t n, const struct cs_finding_kind *kind)
{
    for (size_t i = 0; i < n; i++) {
        if (faults[i].kind == kind)
            return true;
    }
    return false;
}

/* Every fault, each of another kind, in the order in which a reader wants to know them. Return: how
 * many. */
static size_t find_faults(const struct cs_case *c, const struct own *own,
                          struct fault faults[FAULTS_MAX])
{
    const struct cs_cert *leaf = &own->certs[0];
    struct fault found[FAULTS_MAX] = {time_fault(c, leaf),  name_fault(c, leaf),
                                      usage_fault(c, leaf), chain_fault(c, own),
                                      verdict_fault(c),     issuer_fault(c, own)};
    size_t n = 0;

    for (size_t i = 0; i < FAULTS_MAX; i++) {
        if (found[i].kind && !is_among(faults, n, found[i].kind))
            faults[n++] = found[i];
    }
    return n;
}

struct cs_str cs_own_text(const struct cs_case *c)
{
    struct own own;
    struct fault faults[FAULTS_MAX];
    struct cs_str text;
    size_t n;

    read_own(c, &own);
    if (!own.n)
        return (struct cs_str){0};
    text = cs_arena_printf(c->arena, "our certificate is \"%.*s\", issued by \"%.*s\"",
                           CS_FMT(cs_name_text(own.certs[0].subject, c->arena)),
                           CS_FMT(cs_name_text(own.certs[0].issuer, c->arena)));
    n = find_faults(c, &own, faults);
    for (size_t i = 0; i < n; i++)
        text = cs_arena_cat(c->arena, text, faults[i].text);
    return n ? text : cs_arena_cat(c->arena, text, root_text(c, &own));
}

struct cs_str cs_own_fault_remedy(const struct cs_case *c)
{
    struct own own;
    struct fault faults[FAULTS_MAX];

    read_own(c, &own);
    return own.n && find_faults(c, &own, faults) ? faults[0].remedy : (struct cs_str){0};
}

/* Whether the server asks for certificates of a CA that ours leads to. */
static bool is_wanted(const struct cs_case *c)
{
    struct own own;

    read_own(c, &own);
    return own.n && is_asked_for(c->handshake->breakdown, &own);
}

/* ---- how sure that is ---- */

/* What an alert means by itself, where nothing shows. */
static const struct cs_finding_kind *plain_kind(const struct cs_case *c, const struct own *own,
                                                int alert)
{
    if (alert == CERTIFICATE_REVOKED)
        return CS_X509_KIND(REVOKED);
    if (alert != UNKNOWN_CA || is_asked_for(c->handshake->breakdown, own))
        return NULL;
    return is_self_signed(own) ? CS_X509_KIND(SELF_SIGNED) : CS_X509_KIND(ISSUER_UNKNOWN);
}

struct cs_str cs_own_likely_code(const struct cs_case *c, int alert)
{
    const struct cs_finding_kind *kind;
    struct fault faults[FAULTS_MAX];
    struct own own;
    size_t n;

    read_own(c, &own);
    if (!own.n)
        return (struct cs_str){0};
    n = find_faults(c, &own, faults);
    for (size_t i = 0; i < n; i++) {
        if (faults[i].kind->alert == alert)
            return cs_str_from(faults[i].kind->code);
    }
    kind = plain_kind(c, &own, alert);
    if (!kind && n)
        kind = faults[0].kind;
    return kind ? cs_str_from(kind->code) : (struct cs_str){0};
}

/* Whether @alert, or an answer without one (-1), may be about the time of a certificate. */
static bool may_mean_time(int alert)
{
    return alert < 0 || alert == BAD_CERTIFICATE || alert == CERTIFICATE_EXPIRED ||
           alert == CERTIFICATE_UNKNOWN;
}

/* What the other clocks make of it: the peer's, where its answer shows it, and a time server's.
 * Return: how many agree that it is @kind; -1: one does not. */
static int witnesses(const struct cs_case *c, const struct cs_cert *leaf,
                     const struct cs_finding_kind *kind)
{
    const struct cs_clock *clock = c->record->clock;
    int n = 0;

    if (clock && clock->peer_known) {
        if (time_kind(leaf, clock->peer_sec) != kind)
            return -1;
        n++;
    }
    if (clock && clock->measured) {
        if (time_kind(leaf, (c->record->now_ms - clock->ahead_ms) / 1000) != kind)
            return -1;
        n++;
    }
    return n;
}

/* A peer that finds a certificate expired has an alert for that; for one that is not yet valid
 * there is none that programs agree on. */
const struct cs_finding *cs_own_certain(const struct cs_case *c, int alert, struct cs_str said)
{
    int64_t now = c->record->now_ms / 1000;
    const struct cs_finding_kind *kind;
    const struct cs_cert *leaf;
    struct own own;
    char bound[CS_TIME_TEXT], here[CS_TIME_TEXT];
    int agree;

    read_own(c, &own);
    leaf = &own.certs[0];
    kind = own.n && now ? time_kind(leaf, now) : NULL;
    if (!kind || !may_mean_time(alert))
        return NULL;
    agree = witnesses(c, leaf, kind) + (alert == CERTIFICATE_EXPIRED);
    if (agree < 0 || (!agree && kind == CS_X509_KIND(CERTIFICATE_EXPIRED)))
        return NULL;
    return CS_CASE_FIND(
        c, kind, CS_BLAME_OWN_CERTIFICATE, cs_name_text(leaf->subject, c->arena),
        cs_name_text(leaf->issuer, c->arena), cs_serial_text(leaf->serial, c->arena),
        cs_time_iso(now > leaf->not_after ? leaf->not_after : leaf->not_before, bound),
        cs_arena_printf(c->arena, "%.*s, and the %.*s refused it: %.*s",
                        CS_FMT(cs_time_iso(now, here)), CS_FMT(c->who), CS_FMT(said)));
}

/* ---- remedies that are likely ---- */

/* What is left when our certificate is what the server asks for. */
static const char *unseen(const struct cs_case *c)
{
    return is_wanted(c) ? ": a revocation list there, another key of its CA of that name, or how "
                          "long a chain it takes cannot be seen from here"
                        : "";
}

struct cs_str cs_own_likely_remedy(const struct cs_case *c)
{
    struct cs_str fault = cs_own_fault_remedy(c), trust;

    if (fault.len)
        return fault;
    trust = is_wanted(c) ? (struct cs_str){0} : cs_own_trust_remedy(c);
    return cs_arena_printf(c->arena, "look into the log of the %.*s%s%.*s", CS_FMT(c->who),
                           trust.len ? "; should it not know our issuer, " : unseen(c),
                           CS_FMT(trust));
}

/* A fault of the chain itself, and not of what the peer trusts. */
static bool breaks_chain(const struct cs_finding_kind *kind)
{
    return kind == CS_X509_KIND(CHAIN_UNORDERED) ||
           (kind->alert == UNKNOWN_CA && !is_about_trust(kind));
}

struct cs_str cs_own_trust_remedy(const struct cs_case *c)
{
    struct fault faults[FAULTS_MAX];
    struct own own;
    size_t n;

    read_own(c, &own);
    if (!own.n)
        return (struct cs_str){0};
    if (is_asked_for(c->handshake->breakdown, &own))
        return cs_own_likely_remedy(c);
    n = find_faults(c, &own, faults);
    for (size_t i = 0; i < n; i++) {
        if (breaks_chain(faults[i].kind))
            return faults[i].remedy;
    }
    if (is_self_signed(&own))
        return cs_arena_printf(c->arena,
                               "add our certificate to what the %.*s trusts, or present one "
                               "that a CA has issued which it trusts",
                               CS_FMT(c->who));
    return cs_arena_printf(c->arena,
                           "add the root CA behind \"%.*s\" to what the %.*s trusts; if that CA "
                           "is itself an intermediate, send its certificate too",
                           CS_FMT(issuer_of_last(c, &own)), CS_FMT(c->who));
}
