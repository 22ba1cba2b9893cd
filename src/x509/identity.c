/* Identity: one certificate, one name. A certificate that claims a SPIFFE ID is held to the
 * whole of its rules rather than read for something else. */
#include "x509/identity.h"

#include "x509/findings.h"
#include "x509/name.h"

static const struct cs_str scheme = CS_STR_INIT("spiffe://");
enum { ID_MAX = 2048, TRUST_DOMAIN_MAX = 255 };

static bool is_domain_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

static const char *check_path(struct cs_str path)
{
    struct cs_str rest = path;

    while (rest.ptr) {
        struct cs_str segment = cs_str_cut(&rest, '/');
        if (segment.len == 0)
            return "its path has an empty segment";
        if (cs_str_eq(segment, CS_STR(".")) || cs_str_eq(segment, CS_STR("..")))
            return "its path has a segment of dots";
        for (size_t i = 0; i < segment.len; i++) {
            if (!is_domain_char(cs_lower(segment.ptr[i])))
                return "its path has a character that is not allowed";
        }
    }
    return NULL;
}

const char *cs_spiffe_id_check(struct cs_str id, struct cs_str *ret_trust_domain)
{
    struct cs_str domain, path;
    ptrdiff_t slash;
    const char *why;

    if (id.len > ID_MAX)
        return "it is longer than 2048 bytes";
    if (!cs_str_starts(id, scheme))
        return "it does not begin with spiffe://";
    domain = cs_str_skip(id, scheme.len);
    slash = cs_str_find(domain, '/');
    if (slash >= 0) {
        path = cs_str_skip(domain, (size_t)slash + 1);
        domain = cs_str_sub(domain, 0, (size_t)slash);
        why = check_path(path);
        if (why)
            return why;
    }
    if (domain.len == 0 || domain.len > TRUST_DOMAIN_MAX)
        return "its trust domain is empty or too long";
    for (size_t i = 0; i < domain.len; i++) {
        if (!is_domain_char(domain.ptr[i]))
            return "its trust domain has a character that is not allowed";
    }
    *ret_trust_domain = domain;
    return NULL;
}

static const struct cs_str *find_spiffe(const struct cs_cert *leaf)
{
    for (size_t i = 0; i < leaf->san.uri.n; i++) {
        if (cs_str_starts_nocase(leaf->san.uri.items[i], scheme))
            return &leaf->san.uri.items[i];
    }
    return NULL;
}

/* X509-SVID sections 2, 4.1 and 4.3. */
static const char *check_svid(const struct cs_cert *leaf, struct cs_str id,
                              struct cs_str *ret_trust_domain)
{
    const char *why = cs_spiffe_id_check(id, ret_trust_domain);

    if (why)
        return why;
    if (leaf->san.uri.n != 1)
        return "the certificate has more than one URI";
    if (ret_trust_domain->len + scheme.len == id.len)
        return "it has no path: it names a trust domain, not a workload";
    if (leaf->ca)
        return "the certificate is a CA";
    if (leaf->key_usage & (CS_USAGE_KEY_CERT_SIGN | CS_USAGE_CRL_SIGN))
        return "the certificate may sign certificates or lists";
    return NULL;
}

const char *cs_svid_check(const struct cs_cert *leaf, struct cs_str *ret_id)
{
    const struct cs_str *id = find_spiffe(leaf);
    struct cs_str domain = {0};
    const char *why = id ? check_svid(leaf, *id, &domain) : NULL;

    if (why)
        *ret_id = *id;
    return why;
}

struct cs_str cs_svid_domain(const struct cs_cert *leaf, struct cs_str *ret_id)
{
    const struct cs_str *id = find_spiffe(leaf);
    struct cs_str domain = {0};

    *ret_id = id ? *id : (struct cs_str){0};
    return id && !check_svid(leaf, *id, &domain) ? domain : (struct cs_str){0};
}

static int take_spiffe(const struct cs_cert *leaf, struct cs_str id, struct cs_findings *findings,
                       struct cs_identity *ret_identity)
{
    struct cs_str domain = {0};
    const char *why = check_svid(leaf, id, &domain);

    if (why) {
        CS_FIND(findings, CS_X509_KIND(SPIFFE_ID_INVALID), NULL, CS_STR("certificate"),
                (struct cs_str){0}, (struct cs_str){0}, (struct cs_str){0}, cs_str_from(why), id);
        return CS_IDENTITY_REFUSED;
    }
    *ret_identity = (struct cs_identity){CS_IDENTITY_SPIFFE, id, domain};
    return 0;
}

static struct cs_str lower(struct cs_str s, struct cs_arena *arena)
{
    size_t i = 0;
    char *text;

    while (i < s.len && s.ptr[i] == cs_lower(s.ptr[i]))
        i++;
    if (i == s.len)
        return s;
    text = cs_arena_raw(arena, s.len + 1);
    for (i = 0; i < s.len; i++)
        text[i] = cs_lower(s.ptr[i]);
    return cs_str_make(text, s.len);
}

int cs_identity_from_cert(const struct cs_cert *leaf, struct cs_arena *arena,
                          struct cs_findings *findings, struct cs_identity *ret_identity)
{
    const struct cs_str *spiffe = find_spiffe(leaf);
    struct cs_identity id = {0};
    struct cs_str cn;

    if (spiffe)
        return take_spiffe(leaf, *spiffe, findings, ret_identity);
    if (leaf->san.uri.n) {
        id = (struct cs_identity){.kind = CS_IDENTITY_URI, .text = leaf->san.uri.items[0]};
    } else if (leaf->san.dns.n) {
        id = (struct cs_identity){.kind = CS_IDENTITY_DNS,
                                  .text = lower(leaf->san.dns.items[0], arena)};
    } else if (leaf->san.email.n) {
        id = (struct cs_identity){.kind = CS_IDENTITY_EMAIL, .text = leaf->san.email.items[0]};
    } else {
        cn = cs_name_common_name(leaf->subject, arena);
        if (cn.len)
            id = (struct cs_identity){.kind = CS_IDENTITY_CN, .text = cn};
    }
    *ret_identity = id;
    return 0;
}

struct cs_str cs_identity_kind_text(enum cs_identity_kind kind)
{
    switch (kind) {
    case CS_IDENTITY_NONE: break;
    case CS_IDENTITY_SPIFFE: return CS_STR("spiffe");
    case CS_IDENTITY_URI: return CS_STR("uri");
    case CS_IDENTITY_DNS: return CS_STR("dns");
    case CS_IDENTITY_EMAIL: return CS_STR("email");
    case CS_IDENTITY_CN: return CS_STR("cn");
    }
    return CS_STR("none");
}
