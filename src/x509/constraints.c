/* Each name walks over the subtrees as they are encoded: there are few of both. */
#include "x509/constraints.h"

#include "x509/extension.h"
#include "x509/name.h"

/* Tags of GeneralName. */
enum {
    EMAIL = CS_DER_CONTEXT(1),
    DNS = CS_DER_CONTEXT(2),
    DIRECTORY = CS_DER_CONTEXT(4) | CS_DER_CONSTRUCTED,
    URI = CS_DER_CONTEXT(6),
    IP = CS_DER_CONTEXT(7),
};

struct constraints {
    struct cs_str permitted, excluded; /* content of GeneralSubtrees */
};

/* GeneralSubtree: a minimum or maximum, which RFC 5280 does not allow, cannot be read. */
static bool next_subtree(struct cs_str *in, struct cs_der_element *ret_base)
{
    struct cs_str subtree;

    return cs_der_take(in, CS_DER_SEQUENCE, &subtree) && cs_der_any(&subtree, ret_base) &&
           subtree.len == 0;
}

static bool are_subtrees(struct cs_str in)
{
    struct cs_der_element base;

    while (in.len) {
        if (!next_subtree(&in, &base))
            return false;
    }
    return true;
}

static bool read_constraints(struct cs_str value, struct constraints *ret)
{
    struct cs_str list;
    bool there;

    return cs_der_take(&value, CS_DER_SEQUENCE, &list) && value.len == 0 &&
           cs_der_optional(&list, CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED, &there,
                           &ret->permitted) &&
           cs_der_optional(&list, CS_DER_CONTEXT(1) | CS_DER_CONSTRUCTED, &there, &ret->excluded) &&
           list.len == 0 && are_subtrees(ret->permitted) && are_subtrees(ret->excluded);
}

/* ---- one name, one subtree ---- */

/* Whether @host is @domain with labels in front. */
static bool is_below(struct cs_str host, struct cs_str domain)
{
    return host.len > domain.len + 1 && host.ptr[host.len - domain.len - 1] == '.' &&
           cs_str_ends_nocase(host, domain);
}

static bool in_dns(struct cs_str base, struct cs_str name, bool any)
{
    bool wildcard = cs_str_starts(name, CS_STR("*."));

    if (base.len == 0)
        return true;
    if (base.ptr[0] == '.')
        return is_below(name, cs_str_skip(base, 1));
    if (any && wildcard && is_below(base, cs_str_skip(name, 2)))
        return true; /* the wildcard would serve for names in the subtree */
    return cs_str_eq_nocase(base, name) || is_below(name, base);
}

/* Of e-mail addresses and URIs: a host, or with a "." in front the hosts below it. */
static bool in_host(struct cs_str base, struct cs_str host)
{
    if (base.len && base.ptr[0] == '.')
        return is_below(host, cs_str_skip(base, 1));
    return cs_str_eq_nocase(base, host);
}

static bool in_email(struct cs_str base, struct cs_str email)
{
    ptrdiff_t at = cs_str_rfind(email, '@'), base_at = cs_str_rfind(base, '@');

    if (at < 0)
        return false;
    if (base_at < 0)
        return in_host(base, cs_str_skip(email, (size_t)at + 1));
    return cs_str_eq(cs_str_sub(base, 0, (size_t)base_at), cs_str_sub(email, 0, (size_t)at)) &&
           cs_str_eq_nocase(cs_str_skip(base, (size_t)base_at), cs_str_skip(email, (size_t)at));
}

/* RFC 3986 section 3.2: the authority ends at a path, a query or a fragment. Empty: it has none. */
static struct cs_str uri_host(struct cs_str uri)
{
    ptrdiff_t at = cs_str_search(uri, CS_STR("://"));
    struct cs_str rest = at < 0 ? (struct cs_str){0} : cs_str_skip(uri, (size_t)at + 3);
    struct cs_str host = cs_str_cut(&rest, '/');
    ptrdiff_t user;

    host = cs_str_cut(&host, '?');
    host = cs_str_cut(&host, '#');
    user = cs_str_rfind(host, '@');

    host = cs_str_skip(host, (size_t)(user + 1));
    return cs_str_find(host, '[') >= 0 ? (struct cs_str){0} : cs_str_cut(&host, ':');
}

static bool in_ip(struct cs_str base, struct cs_str ip)
{
    if (base.len != 2 * ip.len)
        return false;
    for (size_t i = 0; i < ip.len; i++) {
        if ((base.ptr[i] ^ ip.ptr[i]) & base.ptr[ip.len + i])
            return false;
    }
    return true;
}

struct name {
    uint8_t tag;
    struct cs_str value;
};

/* @any: whether a part of what the name stands for is enough. */
static bool is_in(const struct cs_der_element *base, const struct name *name, bool any)
{
    if (base->tag != name->tag)
        return false;
    switch (base->tag) {
    case DNS: return in_dns(base->content, name->value, any);
    case EMAIL: return in_email(base->content, name->value);
    case URI: return in_host(base->content, uri_host(name->value));
    case IP: return in_ip(base->content, name->value);
    default: return any; /* the subject: excluded, and never permitted */
    }
}

/* ---- the whole ---- */

struct judge {
    struct constraints constraints;
    struct cs_arena *arena;
    struct cs_constraint_fault *fault;
};

static struct cs_str shown(const struct judge *j, uint8_t tag, struct cs_str value)
{
    struct cs_der_element e = {.tag = tag, .content = value};

    return cs_general_name_text(&e, j->arena);
}

static bool refuse(const struct judge *j, const struct name *name, struct cs_str why)
{
    *j->fault = (struct cs_constraint_fault){shown(j, name->tag, name->value), why};
    return false;
}

static bool is_hostless(const struct name *name)
{
    return name->tag == URI && uri_host(name->value).len == 0;
}

static bool is_permitted(const struct judge *j, const struct name *name)
{
    struct cs_str rest = j->constraints.permitted, text = {0};
    struct cs_der_element base;

    while (next_subtree(&rest, &base)) {
        if (base.tag != name->tag)
            continue;
        if (!is_hostless(name) && is_in(&base, name, false))
            return true;
        text = cs_arena_printf(j->arena, "%.*s%s%.*s", CS_FMT(text), text.len ? ", " : "",
                               CS_FMT(shown(j, base.tag, base.content)));
    }
    if (text.len == 0)
        return true;
    return refuse(j, name, cs_arena_cat(j->arena, CS_STR("it is outside of the permitted "), text));
}

static bool is_not_excluded(const struct judge *j, const struct name *name)
{
    struct cs_str rest = j->constraints.excluded;
    struct cs_der_element base;

    while (next_subtree(&rest, &base)) {
        if (base.tag == name->tag && (is_hostless(name) || is_in(&base, name, true)))
            return refuse(j, name,
                          cs_arena_cat(j->arena, CS_STR("it is in the excluded "),
                                       shown(j, base.tag, base.content)));
    }
    return true;
}

static bool check_one(const struct judge *j, uint8_t tag, struct cs_str value)
{
    struct name name = {tag, value};

    return is_not_excluded(j, &name) && is_permitted(j, &name);
}

static bool check_names(const struct judge *j, uint8_t tag, struct cs_names names)
{
    for (size_t i = 0; i < names.n; i++) {
        if (!check_one(j, tag, names.items[i]))
            return false;
    }
    return true;
}

/* Letters, digits, "-", "_" and "." only, with a "." between. */
static bool is_like_host(struct cs_str cn)
{
    for (size_t i = 0; i < cn.len; i++) {
        char c = cs_lower(cn.ptr[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
              c == '.' || c == '*'))
            return false;
    }
    return cs_str_find(cn, '.') > 0;
}

static bool check_subject(const struct judge *j, const struct cs_cert *leaf)
{
    struct cs_str cn = cs_name_common_name(leaf->subject, j->arena);

    if (!cs_name_is_empty(leaf->subject) && !check_one(j, DIRECTORY, leaf->subject))
        return false;
    return leaf->san.dns.n || !is_like_host(cn) || check_one(j, DNS, cn);
}

bool cs_constraints_check(const struct cs_cert *ca, const struct cs_cert *leaf,
                          struct cs_arena *arena, struct cs_constraint_fault *ret_fault)
{
    struct judge j = {.arena = arena, .fault = ret_fault};
    struct cs_extension ext;

    if (!ca->has_name_constraints ||
        !cs_extension_find(ca->extensions, CS_OID_NAME_CONSTRAINTS, &ext))
        return true;
    if (!read_constraints(ext.value, &j.constraints)) {
        *ret_fault = (struct cs_constraint_fault){
            CS_STR("any name"), CS_STR("the CA's name constraints cannot be read")};
        return false;
    }
    return check_subject(&j, leaf) && check_names(&j, DNS, leaf->san.dns) &&
           check_names(&j, URI, leaf->san.uri) && check_names(&j, EMAIL, leaf->san.email) &&
           check_names(&j, IP, leaf->san.ip);
}
