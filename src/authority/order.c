/* One small function for each question; each adds what it finds, so that an order hears of all its
 * faults at once. */
#include "authority/order.h"

#include <errno.h>

#include "authority/findings.h"
#include "base/time.h"
#include "x509/constraints.h"
#include "x509/extension.h"
#include "x509/identity.h"
#include "x509/lint.h"
#include "x509/name.h"

enum { DRAFT_MAX = 256 * 1024 };

struct judge {
    const struct cs_order *order;
    const struct cs_ground *ground;
    const struct cs_profile *profile;
    struct cs_arena *arena;
    struct cs_findings *findings;
    struct cs_claim *names;
    size_t n_names;
    bool too_many;
};

static const struct cs_str none;

static void find(const struct judge *j, const struct cs_finding_kind *kind, struct cs_str what,
                 struct cs_str second, struct cs_str third)
{
    CS_FIND(j->findings, kind, NULL, what, j->profile->name, second, third);
}

static struct cs_str number(const struct judge *j, int64_t n)
{
    return cs_arena_printf(j->arena, "%lld", (long long)n);
}

static struct cs_str span(const struct judge *j, int64_t sec)
{
    char buf[CS_TIME_TEXT];

    return cs_arena_dup(j->arena, cs_time_span(sec, buf));
}

/* ---- the request ---- */

static void check_key(const struct judge *j)
{
    const struct cs_cert *asked = &j->order->csr->asked;
    const char *why = cs_profile_takes_key(j->profile, asked);
    bool weak = cs_lint_weak_key(asked) || (why && asked->key_kind == CS_KEY_RSA);
    struct cs_str text;

    if (!why && !weak)
        return;
    text = cs_arena_printf(j->arena, "%.*s with %u bits", CS_FMT(asked->key_name), asked->key_bits);
    find(j, weak ? CS_AUTHORITY_KIND(KEY_TOO_WEAK) : CS_AUTHORITY_KIND(KEY_KIND_NOT_ALLOWED), text,
         cs_profile_keys_text(j->profile->keys, j->arena), cs_str_from(why));
}

/* What a request may ask for beside names: the profile grants these uses anyway. */
static void check_usages(const struct judge *j)
{
    const struct cs_cert *asked = &j->order->csr->asked;
    unsigned ca = CS_USAGE_KEY_CERT_SIGN | CS_USAGE_CRL_SIGN;

    if (asked->ca)
        find(j, CS_AUTHORITY_KIND(EXTENSION_NOT_ALLOWED), CS_STR("basicConstraints"),
             CS_STR("it asks to be a CA"), none);
    if (asked->key_usage & ca)
        find(j, CS_AUTHORITY_KIND(EXTENSION_NOT_ALLOWED), CS_STR("keyUsage"),
             CS_STR("it asks to sign certificates or lists"), none);
    if (asked->has_eku && (asked->eku & ~j->profile->eku || asked->eku_others.n))
        find(j, CS_AUTHORITY_KIND(EXTENSION_NOT_ALLOWED), CS_STR("extKeyUsage"),
             cs_arena_cat(j->arena, CS_STR("it asks for "), cs_cert_eku_text(asked, j->arena)),
             none);
}

static bool is_understood(struct cs_str oid)
{
    static const struct cs_str understood[] = {
        CS_STR_INIT("\x55\x1d\x0e"), /* subjectKeyIdentifier: computed, never copied */
        CS_STR_INIT("\x55\x1d\x0f"), CS_STR_INIT("\x55\x1d\x11"), CS_STR_INIT("\x55\x1d\x13"),
        CS_STR_INIT("\x55\x1d\x25")};

    for (size_t i = 0; i < sizeof(understood) / sizeof(understood[0]); i++) {
        if (cs_str_eq(understood[i], oid))
            return true;
    }
    return false;
}

static void check_extensions(const struct judge *j)
{
    const struct cs_cert *asked = &j->order->csr->asked;
    struct cs_str rest = asked->extensions;
    struct cs_extension ext;

    check_usages(j);
    if (asked->san.n_other)
        find(j, CS_AUTHORITY_KIND(EXTENSION_NOT_ALLOWED), CS_STR("subjectAltName"),
             CS_STR("it has names of kinds that are not certified here"), none);
    while (cs_extension_next(&rest, &ext)) {
        struct cs_str name = cs_extension_name(ext.oid, j->arena);
        if (is_understood(ext.oid))
            continue;
        if (ext.critical)
            find(j, CS_AUTHORITY_KIND(EXTENSION_NOT_ALLOWED), name, CS_STR("it is marked critical"),
                 none);
        else
            find(j, CS_AUTHORITY_KIND(EXTENSION_IGNORED), name, none, none);
    }
}

static void check_subject(const struct judge *j)
{
    const struct cs_name_attribute *attributes;
    size_t n = cs_name_attributes(j->order->csr->asked.subject, j->arena, &attributes);
    struct cs_str left_out = {0};

    for (size_t i = 0; i < n; i++) {
        if (cs_str_eq(attributes[i].type, CS_STR("CN")))
            continue;
        left_out = cs_arena_printf(j->arena, "%.*s%s%.*s", CS_FMT(left_out),
                                   left_out.len ? ", " : "", CS_FMT(attributes[i].type));
    }
    if (left_out.len)
        find(j, CS_AUTHORITY_KIND(SUBJECT_IGNORED), left_out, none, none);
}

static void check_request(const struct judge *j)
{
    if (!j->order->csr->signed_by_key)
        find(j, CS_AUTHORITY_KIND(CSR_SIGNATURE_INVALID), none, none, none);
    check_key(j);
    check_extensions(j);
    check_subject(j);
}

/* ---- names ---- */

static bool claim_eq(const struct cs_claim *a, const struct cs_claim *b)
{
    if (a->kind != b->kind)
        return false;
    return a->kind == CS_CLAIM_DNS ? cs_str_eq_nocase(a->value, b->value)
                                   : cs_str_eq(a->value, b->value);
}

static bool is_among(const struct cs_claim *items, size_t n, const struct cs_claim *claim)
{
    for (size_t i = 0; i < n; i++) {
        if (claim_eq(&items[i], claim))
            return true;
    }
    return false;
}

static struct cs_str lower(const struct judge *j, struct cs_str s)
{
    char *text = cs_arena_raw(j->arena, s.len + 1);

    for (size_t i = 0; i < s.len; i++)
        text[i] = cs_lower(s.ptr[i]);
    return cs_str_make(text, s.len);
}

static bool has_common_name(const struct judge *j)
{
    for (size_t i = 0; i < j->n_names; i++) {
        if (j->names[i].kind == CS_CLAIM_CN)
            return true;
    }
    return false;
}

/* Each name once; of common names the first. */
static void gather(struct judge *j, const struct cs_claims *claims)
{
    for (size_t i = 0; i < claims->n; i++) {
        struct cs_claim claim = claims->items[i];
        if (claim.kind == CS_CLAIM_DNS)
            claim.value = lower(j, claim.value);
        if ((claim.kind == CS_CLAIM_CN && has_common_name(j)) ||
            is_among(j->names, j->n_names, &claim))
            continue;
        if (j->n_names > (size_t)j->profile->max_names) { /* one more: the common name */
            j->too_many = true;
            return;
        }
        j->names[j->n_names++] = claim;
    }
}

/* The common name is text for people: it may be any of the other names. */
static bool is_other_name(const struct judge *j, const struct cs_claim *cn)
{
    for (size_t i = 0; i < j->n_names; i++) {
        const struct cs_claim *claim = &j->names[i];
        struct cs_str value =
            claim->kind == CS_CLAIM_IP ? cs_ip_text(claim->value, j->arena) : claim->value;
        if (claim->kind != CS_CLAIM_CN && cs_str_eq_nocase(value, cn->value))
            return true;
    }
    return false;
}

static void check_entitled(const struct judge *j, const struct cs_claim *claim)
{
    const struct cs_ground *g = j->ground;
    struct cs_str text = cs_claim_text(claim, j->arena), all = {0};

    if (claim->kind == CS_CLAIM_CN && is_other_name(j, claim))
        return;
    if (g->renewed && !is_among(g->renewed->items, g->renewed->n, claim))
        find(j, CS_AUTHORITY_KIND(RENEWAL_NAME_MISMATCH), text,
             cs_claims_text(g->renewed, j->arena), none);
    if (!g->entitled || cs_pattern_set_cover(g->entitled, claim))
        return;
    for (size_t i = 0; i < g->entitled->n; i++)
        all = cs_arena_printf(j->arena, "%.*s%s%.*s", CS_FMT(all), i ? ", " : "",
                              CS_FMT(cs_pattern_text(&g->entitled->items[i], j->arena)));
    find(j, CS_AUTHORITY_KIND(TOKEN_IDENTITY_MISMATCH), text, all, none);
}

static void check_allowed(const struct judge *j, const struct cs_claim *claim)
{
    const struct cs_profile *p = j->profile;
    bool cn = claim->kind == CS_CLAIM_CN;
    struct cs_str text = cn ? claim->value : cs_claim_text(claim, j->arena);

    if (cn && (p->any_common_name || is_other_name(j, claim)))
        return;
    if (!cs_pattern_set_cover(&p->allow, claim))
        find(j,
             cn ? CS_AUTHORITY_KIND(COMMON_NAME_NOT_ALLOWED) : CS_AUTHORITY_KIND(NAME_NOT_ALLOWED),
             text, cs_pattern_set_text(&p->allow, claim->kind, j->arena), none);
}

static void check_name(const struct judge *j, const struct cs_claim *claim)
{
    const char *why = cs_claim_check(claim);
    struct cs_str text = cs_claim_text(claim, j->arena);
    const struct cs_pattern *denied;

    if (why) {
        find(j, CS_AUTHORITY_KIND(NAME_MALFORMED), text, cs_str_from(why), none);
        return;
    }
    if (cs_claim_is_wildcard(claim) && !j->profile->wildcards)
        find(j, CS_AUTHORITY_KIND(WILDCARD_NOT_ALLOWED), text, none, none);
    denied = cs_pattern_set_touch(&j->profile->deny, claim);
    if (denied)
        find(j, CS_AUTHORITY_KIND(NAME_DENIED), text, cs_pattern_text(denied, j->arena), none);
    else
        check_allowed(j, claim);
    check_entitled(j, claim);
}

static size_t count(const struct judge *j, enum cs_claim_kind kind)
{
    size_t n = 0;

    for (size_t i = 0; i < j->n_names; i++)
        n += j->names[i].kind == kind;
    return n;
}

static bool is_spiffe_id(const struct cs_claim *claim)
{
    return claim->kind == CS_CLAIM_URI && cs_str_starts(claim->value, CS_STR("spiffe://"));
}

static void check_spiffe(const struct judge *j)
{
    size_t uris = count(j, CS_CLAIM_URI), ids = 0;

    for (size_t i = 0; i < j->n_names; i++)
        ids += is_spiffe_id(&j->names[i]);
    if (j->profile->spiffe && (ids != 1 || uris != 1))
        find(j, CS_AUTHORITY_KIND(SPIFFE_ID_NOT_SINGLE),
             cs_arena_printf(j->arena, "%zu SPIFFE IDs and %zu other URIs", ids, uris - ids), none,
             none);
}

static struct cs_str kinds_text(const struct judge *j)
{
    struct cs_str text = {0};

    for (size_t i = 0; i < j->profile->allow.n; i++)
        text = cs_arena_printf(j->arena, "%.*s%s%.*s", CS_FMT(text), i ? ", " : "",
                               CS_FMT(cs_pattern_text(&j->profile->allow.items[i], j->arena)));
    return text;
}

/* A common name alone is enough only where it is free text: who is to be recognised by it. */
static void check_names(struct judge *j)
{
    struct cs_claims asked = cs_claims_of(&j->order->csr->asked, j->arena);
    size_t cns;

    j->names = cs_arena_array(j->arena, (size_t)j->profile->max_names + 2, sizeof(*j->names));
    gather(j, &j->order->names);
    gather(j, &asked);
    cns = count(j, CS_CLAIM_CN);
    if (j->too_many || j->n_names - cns > (size_t)j->profile->max_names)
        find(j, CS_AUTHORITY_KIND(NAMES_TOO_MANY),
             number(j, (int64_t)(j->order->names.n + asked.n)), number(j, j->profile->max_names),
             none);
    if (j->n_names == 0 || (j->n_names == cns && !j->profile->any_common_name))
        find(j, CS_AUTHORITY_KIND(NAMES_MISSING), none, kinds_text(j), none);
    check_spiffe(j);
    for (size_t i = 0; i < j->n_names; i++)
        check_name(j, &j->names[i]);
}

/* ---- time ---- */

static void check_time(const struct judge *j, struct cs_cert_spec *spec)
{
    const struct cs_cert *issuer = j->ground->issuers[0];
    int64_t ttl = j->order->ttl_sec ? j->order->ttl_sec : j->profile->ttl_sec;
    int64_t now = j->ground->now_sec;
    char buf[CS_TIME_TEXT];

    if (ttl <= 0) {
        find(j, CS_AUTHORITY_KIND(LIFETIME_INVALID), number(j, ttl), none, none);
        return;
    }
    if (ttl > j->profile->max_ttl_sec) {
        find(j, CS_AUTHORITY_KIND(LIFETIME_TOO_LONG), span(j, ttl),
             span(j, j->profile->max_ttl_sec), none);
        return;
    }
    spec->not_before = now - j->profile->backdate_sec;
    if (spec->not_before < issuer->not_before)
        spec->not_before = issuer->not_before;
    spec->not_after = now + ttl < issuer->not_after ? now + ttl : issuer->not_after;
    if (spec->not_before > now || spec->not_after - now < ttl / 3 || spec->not_after <= now)
        find(j, CS_AUTHORITY_KIND(ISSUER_EXPIRES_TOO_SOON), cs_name_text(issuer->subject, j->arena),
             cs_time_iso(issuer->not_after, buf), span(j, ttl));
}

/* ---- the plan ---- */

static struct cs_names of_kind(const struct judge *j, enum cs_claim_kind kind)
{
    struct cs_str *items = cs_arena_array(j->arena, j->n_names, sizeof(*items));
    size_t n = 0;

    for (size_t i = 0; i < j->n_names; i++) {
        if (j->names[i].kind == kind)
            items[n++] = j->names[i].value;
    }
    return (struct cs_names){items, n};
}

/* Without a wish: the first host name or address of a person that fits, for programs that show the
 * subject. */
static struct cs_str common_name(const struct judge *j)
{
    struct cs_claim cn = {CS_CLAIM_CN, {0}};

    for (size_t i = 0; i < j->n_names; i++) {
        if (j->names[i].kind == CS_CLAIM_CN)
            return j->names[i].value;
    }
    for (size_t i = 0; i < j->n_names; i++) {
        cn.value = j->names[i].value;
        if ((j->names[i].kind == CS_CLAIM_DNS || j->names[i].kind == CS_CLAIM_EMAIL) &&
            !cs_claim_check(&cn))
            return cn.value;
    }
    return none;
}

static void write_plan(const struct judge *j, struct cs_cert_spec spec, struct cs_plan *ret_plan)
{
    const struct cs_ground *g = j->ground;

    spec.common_name = common_name(j);
    spec.organization = j->profile->organization;
    spec.dns = of_kind(j, CS_CLAIM_DNS);
    spec.uri = of_kind(j, CS_CLAIM_URI);
    spec.ip = of_kind(j, CS_CLAIM_IP);
    spec.email = of_kind(j, CS_CLAIM_EMAIL);
    spec.key_usage = CS_USAGE_DIGITAL_SIGNATURE;
    spec.eku = j->profile->eku;
    spec.crl_url = g->crl_url;
    spec.ocsp_url = g->ocsp_url;
    spec.issuer_url = g->issuer_url;
    spec.serial = g->serial;
    *ret_plan = (struct cs_plan){
        .profile = j->profile,
        .names = {j->names, j->n_names},
        .spec = spec,
        .spki = j->order->csr->asked.spki,
        .renew_at = cs_profile_renew_at(j->profile, g->serial, g->now_sec, spec.not_after)};
}

int cs_order_judge(const struct cs_order *order, const struct cs_ground *ground,
                   struct cs_arena *arena, struct cs_findings *findings, struct cs_plan *ret_plan)
{
    struct judge j = {.order = order, .ground = ground, .arena = arena, .findings = findings};
    unsigned errors = findings->n_errors;
    struct cs_cert_spec spec = {0};

    j.profile = cs_profiles_find(ground->profiles, order->profile);
    if (!j.profile) {
        CS_FIND(findings, CS_AUTHORITY_KIND(PROFILE_UNKNOWN), NULL, order->profile,
                cs_profiles_text(ground->profiles, arena));
        return CS_ORDER_REFUSED;
    }
    check_request(&j);
    check_names(&j);
    check_time(&j, &spec);
    if (findings->n_errors > errors)
        return CS_ORDER_REFUSED;
    write_plan(&j, spec, ret_plan);
    return 0;
}

/* ---- the draft ---- */

static int write_draft(const struct cs_plan *plan, const struct cs_make_issuer *signer,
                       struct cs_arena *arena, struct cs_str *ret_tbs, struct cs_str *ret_der)
{
    struct cs_buf tbs, der;
    int r;

    cs_buf_init(&tbs, DRAFT_MAX);
    cs_buf_init(&der, DRAFT_MAX);
    r = cs_make_tbs(&plan->spec, plan->spki, signer, &tbs);
    r = r ? r : cs_make_unsigned(cs_buf_str(&tbs), signer->key, &der);
    if (r == 0) {
        *ret_tbs = cs_arena_dup(arena, cs_buf_str(&tbs));
        *ret_der = cs_arena_dup(arena, cs_buf_str(&der));
    }
    cs_buf_deinit(&tbs);
    cs_buf_deinit(&der);
    return r;
}

static unsigned role_of(const struct cs_profile *profile)
{
    return (profile->eku & CS_EKU_SERVER ? CS_LINT_SERVER : 0u) |
           (profile->eku & CS_EKU_CLIENT ? CS_LINT_CLIENT : 0u);
}

static void check_constraints(const struct cs_ground *ground, const struct cs_plan *plan,
                              const struct cs_cert *cert, struct cs_arena *arena,
                              struct cs_findings *findings)
{
    struct cs_constraint_fault fault;

    for (size_t i = 0; i < ground->n_issuers; i++) {
        if (!cs_constraints_check(ground->issuers[i], cert, arena, &fault))
            CS_FIND(findings, CS_AUTHORITY_KIND(ISSUER_CONSTRAINT_VIOLATED), NULL, fault.name,
                    plan->profile->name, cs_name_text(ground->issuers[i]->subject, arena),
                    fault.why);
    }
}

int cs_order_draft(const struct cs_plan *plan, const struct cs_make_issuer *signer,
                   const struct cs_ground *ground, struct cs_arena *arena,
                   struct cs_findings *findings, struct cs_draft *ret_draft)
{
    unsigned errors = findings->n_errors;
    struct cs_draft draft = {0};
    struct cs_identity identity = {0};
    struct cs_lint_query query = {.cert = &draft.cert,
                                  .issuer = ground->issuers[0],
                                  .role = role_of(plan->profile),
                                  .now_sec = ground->now_sec};
    struct cs_str der;
    int r = write_draft(plan, signer, arena, &draft.tbs, &der);

    if (r < 0)
        return r;
    if (cs_cert_parse(der, arena, findings, &draft.cert) != 0)
        return CS_ORDER_REFUSED;
    cs_lint_cert(&query, findings);
    check_constraints(ground, plan, &draft.cert, arena, findings);
    if (findings->n_errors > errors ||
        cs_identity_from_cert(&draft.cert, arena, findings, &identity) != 0)
        return CS_ORDER_REFUSED;
    draft.identity = identity.text;
    *ret_draft = draft;
    return 0;
}
