/* One small function for each family of rules; each looks at plain values and adds what it finds.
 * The words are in findings.def. */
#include "x509/lint.h"

#include "base/time.h"
#include "x509/der.h"
#include "x509/extension.h"
#include "x509/fields.h"
#include "x509/findings.h"
#include "x509/identity.h"
#include "x509/name.h"
#include "x509/coverage.h"
#include "x509/signature.h"

enum { DAY = 86400 };

struct lint {
    const struct cs_cert *cert;
    const struct cs_cert *issuer;
    struct cs_str what; /* operand {0} */
    unsigned role;
    int64_t now_sec;
    struct cs_findings *findings;
};

static const struct cs_str none;

static struct cs_str subject_text(const struct cs_cert *cert, struct cs_arena *arena)
{
    return cs_name_is_empty(cert->subject) ? cs_cert_names_text(cert, arena)
                                           : cs_name_text(cert->subject, arena);
}

static void find(const struct lint *l, const struct cs_finding_kind *kind, struct cs_str operand,
                 struct cs_str second)
{
    struct cs_arena *arena = l->findings->arena;

    CS_FIND(l->findings, kind, NULL, l->what, subject_text(l->cert, arena),
            cs_name_text(l->cert->issuer, arena), cs_serial_text(l->cert->serial, arena), operand,
            second);
}

static struct cs_str time_text(const struct lint *l, int64_t sec)
{
    char buf[CS_TIME_TEXT];

    return cs_arena_dup(l->findings->arena, cs_time_iso(sec, buf));
}

static struct cs_str number_text(const struct lint *l, int64_t number)
{
    return cs_arena_printf(l->findings->arena, "%lld", (long long)number);
}

/* ---- rules that the verdict shares ---- */

bool cs_lint_weak_key(const struct cs_cert *cert)
{
    switch (cert->key_kind) {
    case CS_KEY_RSA:
    case CS_KEY_RSA_PSS: return cert->key_bits < 2048;
    case CS_KEY_EC: return cert->key_bits > 0 && cert->key_bits < 224;
    default: return false;
    }
}

bool cs_lint_may_sign(const struct cs_cert *cert)
{
    return !cert->has_key_usage || cert->key_usage & CS_USAGE_DIGITAL_SIGNATURE;
}

const char *cs_lint_why_not_ca(const struct cs_cert *cert)
{
    if (cert->version < 3)
        return "it is a version 1 certificate, which has no extensions";
    if (!cert->has_basic_constraints)
        return "it has no basicConstraints";
    if (!cert->ca)
        return "its basicConstraints say CA:FALSE";
    if (cert->has_key_usage && !(cert->key_usage & CS_USAGE_KEY_CERT_SIGN))
        return "its key usage lacks keyCertSign";
    return NULL;
}

unsigned cs_lint_role_of(const struct cs_cert *cert)
{
    unsigned role = 0;

    if (cert->ca)
        return CS_LINT_CA;
    if (cert->eku & CS_EKU_CLIENT)
        role |= CS_LINT_CLIENT;
    if (cert->eku & CS_EKU_SERVER)
        role |= CS_LINT_SERVER;
    return role;
}

static bool is_root(const struct cs_cert *cert)
{
    return cs_cert_self_issued(cert);
}

/* ---- the frame ---- */

static void check_version(const struct lint *l)
{
    if (l->cert->version < 3)
        find(l, CS_X509_KIND(VERSION_OLD), number_text(l, l->cert->version), none);
}

/* RFC 5280 section 4.1.2.5. UTCTime cannot say 2050, so only the other way round can be wrong. */
static void check_time_encoding(const struct lint *l)
{
    static const char *const parts[] = {"notBefore", "notAfter"};
    const int64_t year_2050 = 2524608000;
    struct cs_str rest = l->cert->validity;

    for (size_t i = 0; i < 2; i++) {
        bool general = cs_der_next_is(rest, CS_DER_GENERALIZED_TIME);
        int64_t sec;
        if (!cs_der_time(&rest, &sec))
            return;
        if (general && sec < year_2050)
            find(l, CS_X509_KIND(TIME_ENCODING), cs_str_from(parts[i]), time_text(l, sec));
    }
}

static void check_time(const struct lint *l)
{
    const struct cs_cert *c = l->cert;
    struct cs_str now = time_text(l, l->now_sec);
    int64_t life = c->not_after - c->not_before, left = c->not_after - l->now_sec;
    char span[CS_TIME_TEXT];

    if (life < 0) {
        find(l, CS_X509_KIND(VALIDITY_EMPTY), time_text(l, c->not_before),
             time_text(l, c->not_after));
        return;
    }
    if (left < 0)
        find(l, CS_X509_KIND(CERTIFICATE_EXPIRED), time_text(l, c->not_after), now);
    else if (l->now_sec < c->not_before)
        find(l, CS_X509_KIND(CERTIFICATE_NOT_YET_VALID), time_text(l, c->not_before), now);
    else if (left < life / 3)
        find(l, CS_X509_KIND(RENEWAL_DUE), time_text(l, c->not_after), cs_time_span(left, span));
}

/* What browsers accept from public CAs, by the day of issue. */
static int64_t browser_days(int64_t not_before)
{
    static const struct {
        int64_t from;
        int64_t days;
    } limits[] = {
        {1868227200, 47},  /* 2029-03-15 */
        {1805068800, 100}, /* 2027-03-15 */
        {1773532800, 200}, /* 2026-03-15 */
    };

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        if (not_before >= limits[i].from)
            return limits[i].days;
    }
    return 398;
}

static void check_lifetime(const struct lint *l)
{
    int64_t days = (l->cert->not_after - l->cert->not_before) / DAY;
    int64_t most = browser_days(l->cert->not_before);

    if (l->role & CS_LINT_SERVER && days > most)
        find(l, CS_X509_KIND(LIFETIME_LONG), number_text(l, days), number_text(l, most));
}

/* ---- names ---- */

static const char *odd_string_type(uint8_t tag)
{
    switch (tag) {
    case CS_DER_T61_STRING: return "T61String";
    case CS_DER_BMP_STRING: return "BMPString";
    case CS_DER_UNIVERSAL_STRING: return "UniversalString";
    case CS_DER_VISIBLE_STRING: return "VisibleString";
    case CS_DER_NUMERIC_STRING: return "NumericString";
    default: return NULL; /* IA5String has its place: e-mail addresses, domain components */
    }
}

static void check_string_types(const struct lint *l, const char *part, struct cs_str name)
{
    const struct cs_name_attribute *attributes;
    struct cs_arena *arena = l->findings->arena;
    size_t n = cs_name_attributes(name, arena, &attributes);

    for (size_t i = 0; i < n; i++) {
        const char *type = odd_string_type(attributes[i].tag);
        if (type)
            find(l, CS_X509_KIND(NAME_STRING_TYPE),
                 cs_arena_printf(arena, "the %.*s of its %s", CS_FMT(attributes[i].type), part),
                 cs_str_from(type));
    }
}

/* Equal by RFC 5280 section 7.1, but not byte for byte. */
static void check_issuer_spelling(const struct lint *l)
{
    if (!l->issuer || cs_str_eq(l->issuer->subject, l->cert->issuer) ||
        !cs_name_eq(l->issuer->subject, l->cert->issuer))
        return;
    find(l, CS_X509_KIND(NAME_ENCODING_DIFFERS),
         cs_arena_printf(l->findings->arena, "the issuer's certificate says \"%.*s\"",
                         CS_FMT(cs_name_text(l->issuer->subject, l->findings->arena))),
         none);
}

/* "*.a.test": the whole first label, and two behind it. */
static bool is_good_wildcard(struct cs_str name)
{
    struct cs_str rest;

    if (!cs_str_starts(name, CS_STR("*.")))
        return false;
    rest = cs_str_skip(name, 2);
    return cs_str_find(rest, '*') < 0 && cs_str_find(rest, '.') > 0;
}

static void check_wildcards(const struct lint *l)
{
    for (size_t i = 0; i < l->cert->san.dns.n; i++) {
        struct cs_str name = l->cert->san.dns.items[i];
        if (cs_str_find(name, '*') < 0)
            continue;
        if (!is_good_wildcard(name))
            find(l, CS_X509_KIND(WILDCARD_UNUSUAL), name, none);
        else if (l->role == CS_LINT_CLIENT)
            find(l, CS_X509_KIND(WILDCARD_CLIENT), name, none);
    }
}

static void check_alternative_names(const struct lint *l)
{
    if (l->role & CS_LINT_CA)
        return;
    if (!l->cert->san.present && cs_name_is_empty(l->cert->subject))
        find(l, CS_X509_KIND(NAMES_NOBODY), none, none);
    else if (!l->cert->san.present && l->role & CS_LINT_SERVER)
        find(l, CS_X509_KIND(SAN_MISSING), none, none);
    else if (!l->cert->san.present && l->role & CS_LINT_CLIENT)
        find(l, CS_X509_KIND(CLIENT_SAN_MISSING), none, none);
}

/* A CA may have the ID of its trust domain, which has no path (X509-SVID section 3.1). */
static bool is_ca_of_trust_domain(const struct cs_cert *cert)
{
    struct cs_str domain;

    return cert->ca && cert->san.uri.n == 1 &&
           !cs_spiffe_id_check(cert->san.uri.items[0], &domain) &&
           domain.len + strlen("spiffe://") == cert->san.uri.items[0].len;
}

static void check_identity(const struct lint *l)
{
    struct cs_identity identity;

    if (is_ca_of_trust_domain(l->cert) ||
        cs_identity_from_cert(l->cert, l->findings->arena, l->findings, &identity) != 0)
        return; /* what is wrong with it has been said */
}

static void check_names(const struct lint *l)
{
    check_string_types(l, "subject", l->cert->subject);
    check_alternative_names(l);
    check_wildcards(l);
    check_identity(l);
}

/* ---- what it may do ---- */

static void check_critical(const struct lint *l)
{
    static const struct {
        struct cs_str oid;
        const char *name;
    } wanted[] = {
        {CS_STR_INIT("\x55\x1d\x13"), "basicConstraints"},
        {CS_STR_INIT("\x55\x1d\x1e"), "nameConstraints"},
    };
    struct cs_extension ext;

    for (size_t i = 0; l->cert->ca && i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (cs_extension_find(l->cert->extensions, wanted[i].oid, &ext) && !ext.critical)
            find(l, CS_X509_KIND(EXTENSION_NOT_CRITICAL), cs_str_from(wanted[i].name), none);
    }
    if (l->cert->has_unknown_critical)
        find(l, CS_X509_KIND(UNSUPPORTED_CRITICAL_EXTENSION), l->cert->unknown_critical, none);
}

static void check_ca(const struct lint *l)
{
    const char *why = cs_lint_why_not_ca(l->cert);

    if (why)
        find(l, CS_X509_KIND(ISSUER_NOT_CA), cs_str_from(why), none);
    else if (!l->cert->has_key_usage)
        find(l, CS_X509_KIND(CA_KEY_USAGE_MISSING), CS_STR("key usage"),
             CS_STR("RFC 5280 section 4.2.1.3 wants it in CA certificates"));
    else if (!(l->cert->key_usage & CS_USAGE_CRL_SIGN))
        find(l, CS_X509_KIND(CA_KEY_USAGE_MISSING), CS_STR("cRLSign in its key usage"),
             CS_STR("revocation lists that it signs are refused"));
}

static void check_leaf_key_usage(const struct lint *l)
{
    const struct cs_cert *c = l->cert;

    if (c->key_usage & CS_USAGE_KEY_CERT_SIGN)
        find(l, CS_X509_KIND(KEY_USAGE_NOT_CA), CS_STR("key usage keyCertSign"), none);
    if (c->path_len >= 0)
        find(l, CS_X509_KIND(KEY_USAGE_NOT_CA), CS_STR("a path length"), none);
    if (!c->has_key_usage)
        find(l, CS_X509_KIND(KEY_USAGE_MISSING), none, none);
    else if (!cs_lint_may_sign(c) && !(l->role & CS_LINT_CA))
        find(l, CS_X509_KIND(KEY_USAGE_MISMATCH), cs_cert_key_usage_text(c, l->findings->arena),
             none);
}

static void find_purpose(const struct lint *l, const char *purpose)
{
    find(l, CS_X509_KIND(PURPOSE_MISMATCH), cs_str_from(purpose),
         cs_arena_printf(l->findings->arena, "its extended key usage is %.*s",
                         CS_FMT(cs_cert_eku_text(l->cert, l->findings->arena))));
}

static void check_leaf_eku(const struct lint *l)
{
    const struct cs_cert *c = l->cert;

    if (!c->has_eku) {
        find(l, CS_X509_KIND(EKU_MISSING), none, none);
        return;
    }
    if (l->role & CS_LINT_CLIENT && !(c->eku & CS_EKU_CLIENT))
        find_purpose(l, "client");
    if (l->role & CS_LINT_SERVER && !(c->eku & CS_EKU_SERVER))
        find_purpose(l, "server");
    if (!l->role)
        find(l, CS_X509_KIND(EKU_NOT_TLS), cs_cert_eku_text(c, l->findings->arena), none);
}

static void check_usage(const struct lint *l)
{
    check_critical(l);
    if (l->role & CS_LINT_CA)
        check_ca(l);
    if (l->cert->ca || l->cert->version < 3)
        return;
    check_leaf_key_usage(l);
    if (!(l->role & CS_LINT_CA))
        check_leaf_eku(l);
}

/* ---- keys and the issuer ---- */

static bool is_unusual_key(const struct cs_cert *c)
{
    switch (c->key_kind) {
    case CS_KEY_RSA: return c->key_bits > 4096;
    case CS_KEY_EC:
        return !cs_str_eq(c->key_name, CS_STR("P-256")) &&
               !cs_str_eq(c->key_name, CS_STR("P-384")) && !cs_str_eq(c->key_name, CS_STR("P-521"));
    case CS_KEY_ED25519: return false;
    default: return true;
    }
}

static void check_strength(const struct lint *l)
{
    const struct cs_cert *c = l->cert;

    if (cs_lint_weak_key(c))
        find(l, CS_X509_KIND(WEAK_KEY), c->key_name, number_text(l, c->key_bits));
    else if (is_unusual_key(c))
        find(l, CS_X509_KIND(KEY_UNUSUAL), c->key_name, number_text(l, c->key_bits));
    if (c->sig_weak && !is_root(c)) /* a root is trusted as it is */
        find(l, CS_X509_KIND(WEAK_SIGNATURE), c->sig_alg, none);
}

const char *cs_lint_missing_key_id(const struct cs_cert *cert)
{
    if (cert->version < 3)
        return NULL;
    if (cert->ca && !cert->ski.len)
        return "subjectKeyIdentifier";
    return !cert->aki.len && !is_root(cert) ? "authorityKeyIdentifier" : NULL;
}

static void check_key_ids(const struct lint *l)
{
    const char *missing = cs_lint_missing_key_id(l->cert);

    if (missing)
        find(l, CS_X509_KIND(KEY_ID_MISSING), cs_str_from(missing), none);
}

static struct cs_str hex_text(struct cs_str bytes, struct cs_arena *arena)
{
    char *hex = cs_arena_raw(arena, 2 * bytes.len + 1);

    cs_hex_encode(bytes.ptr, bytes.len, true, hex);
    return cs_str_make(hex, 2 * bytes.len);
}

static void check_issuer(const struct lint *l)
{
    const struct cs_cert *c = l->cert, *by = l->issuer;
    struct cs_arena *arena = l->findings->arena;

    if (!c->ca && is_root(c))
        find(l, CS_X509_KIND(LEAF_SELF_ISSUED), none, none);
    check_issuer_spelling(l);
    if (!by || is_root(c))
        return;
    if (c->not_after > by->not_after)
        find(l, CS_X509_KIND(OUTLIVES_ISSUER), time_text(l, c->not_after),
             time_text(l, by->not_after));
    if (c->aki.len && by->ski.len && !cs_str_eq(c->aki, by->ski))
        find(l, CS_X509_KIND(AUTHORITY_KEY_ID_MISMATCH), hex_text(c->aki, arena),
             hex_text(by->ski, arena));
}

/* ---- the whole ---- */

void cs_lint_cert(const struct cs_lint_query *query, struct cs_findings *findings)
{
    struct lint l = {query->cert, query->issuer,  CS_STR("certificate"),
                     query->role, query->now_sec, findings};

    check_version(&l);
    check_time(&l);
    check_time_encoding(&l);
    check_lifetime(&l);
    check_names(&l);
    check_string_types(&l, "issuer", l.cert->issuer);
    check_usage(&l);
    check_strength(&l);
    check_key_ids(&l);
    check_issuer(&l);
}

void cs_lint_request(const struct cs_csr *request, struct cs_findings *findings)
{
    struct lint l = {.cert = &request->asked,
                     .what = CS_STR("request"),
                     .role = cs_lint_role_of(&request->asked),
                     .findings = findings};

    if (!request->signed_by_key)
        find(&l, CS_X509_KIND(REQUEST_SIGNATURE_INVALID), none, none);
    check_names(&l);
    check_strength(&l);
    if (request->asked.has_key_usage && !request->asked.ca)
        check_leaf_key_usage(&l);
}

/* ---- lists ---- */

static void find_list(const struct cs_crl *list, const struct cs_finding_kind *kind,
                      struct cs_str operand, struct cs_findings *findings)
{
    char this_update[CS_TIME_TEXT], next_update[CS_TIME_TEXT];
    struct cs_str next = list->next_update == INT64_MAX
                             ? CS_STR("none")
                             : cs_time_iso(list->next_update, next_update);

    CS_FIND(findings, kind, NULL, cs_name_text(list->issuer, findings->arena),
            cs_time_iso(list->this_update, this_update), next, none, operand);
}

/* The findings about a list that is not current are worded for a certificate that it covers. */
static void find_list_time(const struct cs_crl *list, const struct cs_finding_kind *kind,
                           int64_t bound, int64_t now_sec, struct cs_findings *findings)
{
    struct cs_str issuer = cs_name_text(list->issuer, findings->arena);
    char bound_text[CS_TIME_TEXT], now_text[CS_TIME_TEXT];

    CS_FIND(findings, kind, NULL, CS_STR("certificates of"), issuer, issuer, none,
            cs_time_iso(bound, bound_text), cs_time_iso(now_sec, now_text));
}

static void check_list_signature(const struct cs_crl *list, const struct cs_cert *issuer,
                                 struct cs_findings *findings)
{
    struct cs_str name = none;
    bool weak = false;

    if (cs_signature_algorithm(list->algorithm, findings->arena, &name, &weak) && weak)
        find_list(list, CS_X509_KIND(CRL_WEAK_SIGNATURE), name, findings);
    if (!issuer)
        return;
    if (!cs_signed_by(list->der, issuer->spki))
        find_list(list, CS_X509_KIND(CRL_SIGNATURE_INVALID),
                  CS_STR("it was not made with the key of the CA of that name"), findings);
    if (issuer->has_key_usage && !(issuer->key_usage & CS_USAGE_CRL_SIGN))
        find_list(list, CS_X509_KIND(CRL_SIGNER_MISMATCH),
                  cs_cert_key_usage_text(issuer, findings->arena), findings);
}

static void check_list_kind(const struct cs_crl *list, struct cs_findings *findings)
{
    struct cs_coverage coverage;
    const char *why = cs_coverage_read(list, &coverage);

    if (list->is_delta)
        find_list(list, CS_X509_KIND(CRL_SPECIAL), CS_STR("it only completes another list"),
                  findings);
    if (why)
        find_list(list, CS_X509_KIND(CRL_SPECIAL), cs_str_from(why), findings);
    if (list->unknown_critical.len)
        find_list(list, CS_X509_KIND(CRL_SPECIAL),
                  CS_STR("it has a critical extension that is not known"), findings);
}

void cs_lint_list(const struct cs_crl *list, const struct cs_cert *issuer, int64_t now_sec,
                  struct cs_findings *findings)
{
    if (now_sec >= list->next_update)
        find_list_time(list, CS_X509_KIND(CRL_EXPIRED), list->next_update, now_sec, findings);
    if (now_sec < list->this_update)
        find_list_time(list, CS_X509_KIND(CRL_NOT_YET_VALID), list->this_update, now_sec, findings);
    if (list->next_update == INT64_MAX)
        find_list(list, CS_X509_KIND(CRL_NEXT_UPDATE_MISSING), none, findings);
    if (!list->number.len)
        find_list(list, CS_X509_KIND(CRL_EXTENSION_MISSING), CS_STR("cRLNumber"), findings);
    if (!list->aki.len)
        find_list(list, CS_X509_KIND(CRL_EXTENSION_MISSING), CS_STR("authorityKeyIdentifier"),
                  findings);
    check_list_kind(list, findings);
    check_list_signature(list, issuer, findings);
}

/* ---- places in a chain ---- */

static bool issued_any(const struct cs_cert *const *certs, size_t n, const struct cs_cert *ca)
{
    for (size_t i = 0; i < n; i++) {
        if (certs[i] != ca && cs_name_eq(certs[i]->issuer, ca->subject))
            return true;
    }
    return false;
}

/* Where the only leaf stands among @certs; @n when there is none, or another one. */
static size_t only_leaf(const struct cs_cert *const *certs, size_t n)
{
    size_t at = n;

    for (size_t i = 0; i < n; i++) {
        if (certs[i]->ca || certs[i]->version < 3)
            continue;
        if (at < n && memcmp(certs[at]->sha256, certs[i]->sha256, sizeof(certs[i]->sha256)) != 0)
            return n;
        at = at < n ? at : i;
    }
    return at;
}

bool cs_lint_follows(const struct cs_cert *cert, const struct cs_cert *below)
{
    return cs_name_eq(below->issuer, cert->subject);
}

void cs_lint_position(const struct cs_cert *const *certs, size_t n, size_t i,
                      struct cs_findings *findings)
{
    struct lint l = {.cert = certs[i], .what = CS_STR("certificate"), .findings = findings};
    size_t leaf = only_leaf(certs, n);

    if (i == 0 || leaf == n || (leaf && i != leaf))
        return;
    if (!leaf && !issued_any(certs, n, certs[i])) {
        find(&l, CS_X509_KIND(CHAIN_UNRELATED), none, none);
        return;
    }
    if (!cs_lint_follows(certs[i], certs[i - 1]))
        find(&l, CS_X509_KIND(CHAIN_UNORDERED), cs_name_text(certs[i - 1]->issuer, findings->arena),
             none);
    if (is_root(certs[i]))
        find(&l, CS_X509_KIND(ROOT_IN_CHAIN), none, none);
}
