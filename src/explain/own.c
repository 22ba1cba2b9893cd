/* Our own certificate, judged as a stranger might: when the peer leaves without saying why, what
 * it may have disliked is often plain to see from here. */
#include "base/time.h"
#include "explain/case.h"
#include "x509/name.h"
#include "x509/trust.h"

#define CHAIN_MAX 16

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

static const char *time_fault(const struct cs_case *c, const struct cs_cert *leaf)
{
    char text[CS_TIME_TEXT];
    int64_t now = c->record->now_ms / 1000;
    bool expired = now > leaf->not_after;
    struct cs_str when;

    if (!now || (!expired && now >= leaf->not_before))
        return "";
    when = cs_time_iso(expired ? leaf->not_after : leaf->not_before, text);
    return cs_arena_printf(c->arena, "; it %s %.*s", expired ? "expired at" : "is not valid before",
                           CS_FMT(when))
        .ptr;
}

static const char *name_fault(const struct cs_case *c, const struct cs_cert *leaf)
{
    struct cs_str sni = c->handshake->sni;

    if (!c->server || !sni.len)
        return "";
    switch (cs_name_match_host(leaf, sni)) {
    case CS_HOST_YES: return "";
    case CS_HOST_BY_COMMON_NAME:
        return "; its name is in the common name only, which Go, Java and browsers do not accept";
    case CS_HOST_NO: break;
    }
    return cs_arena_printf(c->arena, "; it is not for \"%.*s\" but for %.*s", CS_FMT(sni),
                           CS_FMT(cs_cert_names_text(leaf, c->arena)))
        .ptr;
}

static const char *usage_fault(const struct cs_case *c, const struct cs_cert *leaf)
{
    if (leaf->has_eku && !(leaf->eku & (c->server ? CS_EKU_SERVER : CS_EKU_CLIENT)))
        return c->server ? "; its extended key usage lacks serverAuth"
                         : "; its extended key usage lacks clientAuth";
    if (leaf->has_key_usage && !(leaf->key_usage & CS_USAGE_DIGITAL_SIGNATURE))
        return "; its key usage lacks digitalSignature";
    return leaf->sig_weak ? "; it is signed with a weak digest" : "";
}

static const char *chain_fault(const struct cs_case *c, const struct own *own)
{
    struct cs_str issuer = issuer_of_last(c, own);

    switch (end_of(c, own)) {
    case CHAIN_ROOT: return "; its chain is sent whole, the root included";
    case CHAIN_ORDER: return "; the certificates sent with it do not follow from one another";
    case CHAIN_GAP:
        return cs_arena_printf(c->arena,
                               "; the certificate of the intermediate CA \"%.*s\" is not "
                               "sent with it",
                               CS_FMT(issuer))
            .ptr;
    case CHAIN_OPEN: break;
    }
    return cs_arena_printf(c->arena,
                           "; the chain sent ends below \"%.*s\", which the %.*s has to "
                           "know",
                           CS_FMT(issuer), CS_FMT(c->who))
        .ptr;
}

struct cs_str cs_own_text(const struct cs_case *c)
{
    struct own own;

    read_own(c, &own);
    if (!own.n)
        return (struct cs_str){0};
    return cs_arena_printf(c->arena, "our certificate is \"%.*s\", issued by \"%.*s\"%s%s%s%s",
                           CS_FMT(cs_name_text(own.certs[0].subject, c->arena)),
                           CS_FMT(cs_name_text(own.certs[0].issuer, c->arena)),
                           time_fault(c, &own.certs[0]), name_fault(c, &own.certs[0]),
                           usage_fault(c, &own.certs[0]), chain_fault(c, &own));
}

struct cs_str cs_own_remedy(const struct cs_case *c)
{
    struct own own;
    struct cs_str ca;

    read_own(c, &own);
    if (!own.n)
        return (struct cs_str){0};
    ca = issuer_of_last(c, &own);
    switch (end_of(c, &own)) {
    case CHAIN_ORDER:
        return CS_STR("put the own certificate first in the file, then its issuer, and so on");
    case CHAIN_GAP:
        return cs_arena_printf(c->arena,
                               "append the certificate of \"%.*s\" to the certificate file here",
                               CS_FMT(ca));
    case CHAIN_ROOT:
    case CHAIN_OPEN: break;
    }
    return cs_arena_printf(c->arena,
                           "add the root CA behind \"%.*s\" to what the %.*s trusts; if that CA "
                           "is itself an intermediate, send its certificate too",
                           CS_FMT(ca), CS_FMT(c->who));
}
