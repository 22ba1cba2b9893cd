/* One small grammar for each kind of name, and one matcher for each kind of pattern. A name is
 * compared only after its grammar held, so that no two readers see different names in it. */
#include "x509/claim.h"

#include <errno.h>

#include "x509/identity.h"
#include "x509/name.h"

enum { DNS_MAX = 253, LABEL_MAX = 63, URI_MAX = 2048, CN_MAX = 64, SHOWN = 12 };

static const struct cs_str prefixes[CS_CLAIM_N_KINDS] = {
    [CS_CLAIM_DNS] = CS_STR_INIT("dns:"), [CS_CLAIM_URI] = CS_STR_INIT("uri:"),
    [CS_CLAIM_IP] = CS_STR_INIT("ip:"),   [CS_CLAIM_EMAIL] = CS_STR_INIT("email:"),
    [CS_CLAIM_CN] = CS_STR_INIT("cn:"),
};

static const struct cs_str every = CS_STR_INIT("**");
static const struct cs_str spiffe = CS_STR_INIT("spiffe://");

static bool is_alnum(char c)
{
    c = cs_lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool is_digits(struct cs_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    }
    return s.len > 0;
}

/* ---- host names ---- */

/* @star: whether "*" may stand in it, as in a pattern. */
static const char *check_label(struct cs_str label, bool star)
{
    if (label.len == 0)
        return "it has an empty label";
    if (label.len > LABEL_MAX)
        return "it has a label of more than 63 characters";
    if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return "it has a label that begins or ends with \"-\"";
    for (size_t i = 0; i < label.len; i++) {
        char c = label.ptr[i];
        if (!is_alnum(c) && c != '-' && c != '_' && !(star && c == '*'))
            return "it has a character that a host name cannot have";
    }
    return NULL;
}

static const char *check_labels(struct cs_str name)
{
    struct cs_str rest = name, label = {0};
    const char *why = NULL;

    if (name.len > DNS_MAX)
        return "it is longer than 253 characters";
    while (rest.ptr && !why) {
        label = cs_str_cut(&rest, '.');
        why = check_label(label, false);
    }
    return why || !is_digits(label) ? why : "it ends like an address";
}

static bool is_wildcard(struct cs_str name)
{
    return cs_str_starts(name, CS_STR("*."));
}

static const char *check_dns(struct cs_str name)
{
    if (name.len == 0)
        return "it is empty";
    if (!is_wildcard(name))
        return check_labels(name);
    name = cs_str_skip(name, 2);
    if (cs_str_find(name, '.') < 0)
        return "a wildcard needs two labels behind it";
    return check_labels(name);
}

/* ---- URIs ---- */

static bool is_uri_char(char c)
{
    return c > ' ' && c < 0x7f && !is_one_of(c, "\"<>\\^`{|}*");
}

static const char *check_scheme(struct cs_str uri, size_t *ret_len)
{
    ptrdiff_t colon = cs_str_find(uri, ':');

    if (colon <= 0 || cs_lower(uri.ptr[0]) < 'a' || cs_lower(uri.ptr[0]) > 'z')
        return "it does not begin with a scheme";
    for (ptrdiff_t i = 1; i < colon; i++) {
        if (!is_alnum(uri.ptr[i]) && !is_one_of(uri.ptr[i], "+-."))
            return "it does not begin with a scheme";
    }
    *ret_len = (size_t)colon + 1;
    return NULL;
}

/* What some readers undo before they compare is not taken: "%2e", "%2f", and what needs no escape
 * (RFC 3986 section 2.3). */
static const char *check_escape(struct cs_str at)
{
    int high = at.len > 2 ? cs_hex_digit(at.ptr[1]) : -1;
    int low = at.len > 2 ? cs_hex_digit(at.ptr[2]) : -1;

    if (high < 0 || low < 0)
        return "it has a \"%\" that is no escape";
    if (high * 16 + low < ' ' || is_one_of((char)(high * 16 + low), "./\\%\x7f"))
        return "it has an escape that hides a \".\", \"/\", \"\\\", \"%\" or control character";
    if (is_alnum((char)(high * 16 + low)) || is_one_of((char)(high * 16 + low), "-_~"))
        return "it has an escape of a character that needs none";
    return NULL;
}

static const char *check_uri_chars(struct cs_str uri)
{
    for (size_t i = 0; i < uri.len; i++) {
        const char *why = uri.ptr[i] == '%' ? check_escape(cs_str_skip(uri, i)) : NULL;
        if (why)
            return why;
        if (!is_uri_char(uri.ptr[i]))
            return "it has a character that a URI cannot have";
    }
    return NULL;
}

static const char *check_segments(struct cs_str path)
{
    while (path.ptr) {
        struct cs_str segment = cs_str_cut(&path, '/');
        if (cs_str_eq(segment, CS_STR(".")) || cs_str_eq(segment, CS_STR("..")))
            return "its path has a segment of dots";
    }
    return NULL;
}

static const char *check_spiffe(struct cs_str id)
{
    struct cs_str domain;
    const char *why = cs_spiffe_id_check(id, &domain);

    if (!why && domain.len + spiffe.len == id.len)
        why = "it has no path: it names a trust domain, not a workload";
    return why;
}

static bool is_port(struct cs_str port)
{
    uint64_t number;

    return cs_str_to_u64(port, UINT16_MAX, &number) == 0 && number > 0;
}

static bool is_host(struct cs_str host)
{
    struct cs_addr addr;

    return cs_addr_parse_ip(host, 0, &addr) == 0 || !check_labels(host);
}

/* A name or an address, and a port. Whatever else stood here ("?", "#", "@", an escape) would end
 * the host for some readers and not for others. */
static const char *check_authority(struct cs_str authority)
{
    bool bracketed = cs_str_starts(authority, CS_STR("["));
    ptrdiff_t colon = cs_str_find(authority, bracketed ? ']' : ':');
    struct cs_str host = authority, rest = {0};

    if (colon >= 0) {
        host = cs_str_sub(authority, 0, (size_t)colon + bracketed);
        rest = cs_str_skip(authority, host.len);
    }
    if (rest.len && (rest.ptr[0] != ':' || !is_port(cs_str_skip(rest, 1))))
        return "it has something behind its host that is no port";
    return is_host(host) ? NULL : "it has no host, or one that is neither a name nor an address";
}

static const char *check_uri(struct cs_str uri)
{
    size_t scheme = 0;
    const char *why = uri.len > URI_MAX ? "it is longer than 2048 bytes" : NULL;
    struct cs_str rest, host;

    why = why ? why : check_scheme(uri, &scheme);
    why = why ? why : check_uri_chars(uri);
    if (why)
        return why;
    if (cs_str_starts_nocase(uri, CS_STR("spiffe:")))
        return check_spiffe(uri);
    rest = cs_str_skip(uri, scheme);
    if (!cs_str_starts(rest, CS_STR("//")))
        return rest.len ? check_segments(rest) : "there is nothing behind its scheme";
    rest = cs_str_skip(rest, 2);
    host = cs_str_cut(&rest, '/');
    why = check_authority(host);
    return why ? why : check_segments(rest);
}

/* ---- the others ---- */

static const char *check_email(struct cs_str email)
{
    ptrdiff_t at = cs_str_rfind(email, '@');

    if (at <= 0 || at > 64 || email.ptr[0] == '.' || email.ptr[at - 1] == '.')
        return "it is not local@domain";
    for (ptrdiff_t i = 0; i < at; i++) {
        if (!is_alnum(email.ptr[i]) && !is_one_of(email.ptr[i], ".!#$%&'+-/=?^_`{|}~"))
            return "it has a character that an address without quotes cannot have";
    }
    return check_labels(cs_str_skip(email, (size_t)at + 1));
}

static const char *check_cn(struct cs_str name)
{
    size_t n;

    if (!cs_name_is_clean(name, &n))
        return "it is not UTF-8, or has control characters";
    if (n == 0 || n > CN_MAX)
        return "it is empty, or has more than 64 characters";
    return NULL;
}

static const char *check_ip(struct cs_str ip)
{
    static const struct cs_str mapped = CS_STR_INIT("\0\0\0\0\0\0\0\0\0\0\xff\xff");

    if (ip.len != 4 && ip.len != 16)
        return "it is not an IP address";
    return cs_str_starts(ip, mapped) ? "it is an IPv4 address in the form of IPv6" : NULL;
}

const char *cs_claim_check(const struct cs_claim *claim)
{
    switch (claim->kind) {
    case CS_CLAIM_DNS: return check_dns(claim->value);
    case CS_CLAIM_URI: return check_uri(claim->value);
    case CS_CLAIM_EMAIL: return check_email(claim->value);
    case CS_CLAIM_CN: return check_cn(claim->value);
    default: return check_ip(claim->value);
    }
}

bool cs_claim_is_wildcard(const struct cs_claim *claim)
{
    return claim->kind == CS_CLAIM_DNS && is_wildcard(claim->value);
}

/* ---- as text ---- */

/* Take the kind off the front of *@text. */
static bool take_kind(struct cs_str *text, enum cs_claim_kind *ret_kind)
{
    for (unsigned kind = 0; kind < CS_CLAIM_N_KINDS; kind++) {
        if (!cs_str_starts_nocase(*text, prefixes[kind]))
            continue;
        *text = cs_str_skip(*text, prefixes[kind].len);
        *ret_kind = kind;
        return true;
    }
    *ret_kind = CS_CLAIM_URI;
    return cs_str_starts(*text, spiffe);
}

static const char *const no_kind =
    "it does not begin with dns:, uri:, ip:, email:, cn: or spiffe://";

static struct cs_str lower(struct cs_str s, struct cs_arena *arena)
{
    char *text = cs_arena_raw(arena, s.len + 1);

    for (size_t i = 0; i < s.len; i++)
        text[i] = cs_lower(s.ptr[i]);
    return cs_str_make(text, s.len);
}

static struct cs_str address(struct cs_str text, struct cs_arena *arena)
{
    struct cs_addr addr;

    if (cs_addr_parse_ip(text, 0, &addr) < 0)
        return (struct cs_str){0};
    if (addr.sa.sa_family == AF_INET)
        return cs_arena_dup(arena, cs_str_make(&addr.in4.sin_addr, 4));
    return cs_arena_dup(arena, cs_str_make(&addr.in6.sin6_addr, 16));
}

const char *cs_claim_parse(struct cs_str text, struct cs_arena *arena, struct cs_claim *ret_claim)
{
    struct cs_claim claim = {0};
    const char *why;

    if (!take_kind(&text, &claim.kind))
        return no_kind;
    switch (claim.kind) {
    case CS_CLAIM_DNS: claim.value = lower(text, arena); break;
    case CS_CLAIM_IP: claim.value = address(text, arena); break;
    default: claim.value = cs_arena_dup(arena, text);
    }
    why = cs_claim_check(&claim);
    if (!why)
        *ret_claim = claim;
    return why;
}

struct cs_str cs_claim_text(const struct cs_claim *claim, struct cs_arena *arena)
{
    struct cs_str value = claim->value;

    if (claim->kind == CS_CLAIM_IP)
        value = cs_ip_text(value, arena);
    if (claim->kind == CS_CLAIM_URI && cs_str_starts(value, spiffe))
        return value;
    return cs_arena_cat(arena, prefixes[claim->kind], value);
}

struct cs_str cs_claims_text(const struct cs_claims *claims, struct cs_arena *arena)
{
    struct cs_str text = {0};

    for (size_t i = 0; i < claims->n && i < SHOWN; i++) {
        if (i)
            text = cs_arena_cat(arena, text, CS_STR(", "));
        text = cs_arena_cat(arena, text, cs_claim_text(&claims->items[i], arena));
    }
    if (claims->n > SHOWN)
        text = cs_arena_printf(arena, "%.*s and %zu more", CS_FMT(text), claims->n - SHOWN);
    return claims->n ? text : CS_STR("none");
}

struct cs_claim cs_claim_folded(const struct cs_claim *claim, struct cs_arena *arena)
{
    if (claim->kind == CS_CLAIM_IP)
        return *claim;
    return (struct cs_claim){claim->kind, lower(claim->value, arena)};
}

static void add_claims(struct cs_claim *items, size_t *n, enum cs_claim_kind kind,
                       struct cs_names names)
{
    for (size_t i = 0; i < names.n; i++)
        items[(*n)++] = (struct cs_claim){kind, names.items[i]};
}

struct cs_claims cs_claims_of(const struct cs_cert *cert, struct cs_arena *arena)
{
    struct cs_str cn = cs_name_common_name(cert->subject, arena);
    size_t room = cert->san.dns.n + cert->san.uri.n + cert->san.ip.n + cert->san.email.n + 1;
    struct cs_claim *items = cs_arena_array(arena, room, sizeof(*items));
    size_t n = 0;

    add_claims(items, &n, CS_CLAIM_DNS, cert->san.dns);
    add_claims(items, &n, CS_CLAIM_URI, cert->san.uri);
    add_claims(items, &n, CS_CLAIM_IP, cert->san.ip);
    add_claims(items, &n, CS_CLAIM_EMAIL, cert->san.email);
    if (cn.len)
        items[n++] = (struct cs_claim){CS_CLAIM_CN, cn};
    return (struct cs_claims){items, n};
}

/* ---- patterns ---- */

static const char *check_dns_pattern(struct cs_str text)
{
    struct cs_str rest = text, first = cs_str_cut(&rest, '.');

    if (!cs_str_eq(first, every)) {
        const char *why = check_label(first, true);
        if (why)
            return why;
    }
    if (!rest.ptr)
        return cs_str_find(first, '*') < 0 ? NULL : "a \"*\" needs a domain behind it";
    if (cs_str_find(rest, '*') >= 0)
        return "\"*\" may only stand in the left-most label";
    return check_labels(rest);
}

static const char *check_uri_pattern(struct cs_str text)
{
    ptrdiff_t star = cs_str_search(text, every);
    ptrdiff_t at = cs_str_search(text, CS_STR("://"));
    struct cs_str host = at < 0 ? (struct cs_str){0} : cs_str_skip(text, (size_t)at + 3);
    size_t scheme;

    if (check_scheme(text, &scheme))
        return "it does not begin with a scheme";
    host = cs_str_cut(&host, '/');
    if (cs_str_find(host, '*') >= 0 && !cs_str_eq(host, CS_STR("*")) && check_dns_pattern(host))
        return "its host is no pattern";
    text = cs_str_skip(text, scheme + (at < 0 ? 0 : 2) + host.len);
    star = cs_str_search(text, every);
    if (star >= 0 && (star == 0 || (size_t)star + 2 != text.len || text.ptr[star - 1] != '/'))
        return "\"**\" may only be the last piece of its path";
    return NULL;
}

static const char *check_email_pattern(struct cs_str text)
{
    ptrdiff_t at = cs_str_rfind(text, '@');

    if (at <= 0)
        return "it is not local@domain";
    return check_dns_pattern(cs_str_skip(text, (size_t)at + 1));
}

static const char *check_ip_pattern(struct cs_str text, struct cs_net *ret_net)
{
    int r = cs_net_parse(text, ret_net);

    if (r == -ERANGE)
        return "it has address bits below its mask";
    return r == 0 && (ret_net->family == AF_INET || ret_net->family == AF_INET6)
               ? NULL
               : "it is not an address or a network";
}

const char *cs_pattern_parse(struct cs_str text, struct cs_pattern *ret_pattern)
{
    struct cs_pattern p = {0};
    const char *why = NULL;

    if (!take_kind(&text, &p.kind))
        return no_kind;
    p.text = text;
    p.every = cs_str_eq(text, every);
    if (text.len == 0)
        why = "it is empty";
    else if (p.every)
        why = NULL;
    else if (p.kind == CS_CLAIM_DNS)
        why = check_dns_pattern(text);
    else if (p.kind == CS_CLAIM_URI)
        why = check_uri_pattern(text);
    else if (p.kind == CS_CLAIM_EMAIL)
        why = check_email_pattern(text);
    else if (p.kind == CS_CLAIM_IP)
        why = check_ip_pattern(text, &p.net);
    if (!why)
        *ret_pattern = p;
    return why;
}

/* A name of the pattern: with an "x" in place of each "*" or "**". */
const char *cs_pattern_never(const struct cs_pattern *pattern, struct cs_arena *arena)
{
    struct cs_claim example = {.kind = pattern->kind};
    char *text = cs_arena_raw(arena, pattern->text.len + 1);
    size_t n = 0;

    if (pattern->every || pattern->kind == CS_CLAIM_IP)
        return NULL;
    for (size_t i = 0; i < pattern->text.len; i++) {
        char c = pattern->text.ptr[i];
        if (c != '*')
            text[n++] = c;
        else if (i == 0 || pattern->text.ptr[i - 1] != '*')
            text[n++] = 'x';
    }
    example.value = cs_str_make(text, n);
    return cs_claim_check(&example);
}

struct cs_pattern cs_pattern_folded(const struct cs_pattern *pattern, struct cs_arena *arena)
{
    struct cs_pattern folded = *pattern;

    folded.text = lower(pattern->text, arena);
    return folded;
}

struct cs_str cs_pattern_text(const struct cs_pattern *pattern, struct cs_arena *arena)
{
    if (pattern->kind == CS_CLAIM_URI && cs_str_starts(pattern->text, spiffe))
        return pattern->text;
    return cs_arena_cat(arena, prefixes[pattern->kind], pattern->text);
}

/* ---- matching ---- */

/* "*" is any run of characters, empty ones too. */
static bool glob(struct cs_str pattern, struct cs_str text, bool nocase)
{
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;

    while (t < text.len) {
        char want = p < pattern.len ? pattern.ptr[p] : '\0';
        char got = text.ptr[t];
        if (p < pattern.len && want == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.len && (nocase ? cs_lower(want) == cs_lower(got) : want == got)) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

/* Whether @name is @domain with one or more labels in front. */
static bool is_below(struct cs_str name, struct cs_str domain)
{
    return name.len > domain.len + 1 && name.ptr[name.len - domain.len - 1] == '.' &&
           cs_str_ends_nocase(name, domain);
}

enum want { ALL, ANY };

/* @name is a host, or a wildcard that stands for every host with one label in front of its rest:
 * are all of them, or is any of them, in @pattern? */
static bool match_dns(struct cs_str pattern, struct cs_str name, enum want want)
{
    struct cs_str domain = pattern, first = cs_str_cut(&domain, '.');
    struct cs_str rest = name, label = cs_str_cut(&rest, '.');

    if (cs_str_eq(first, every))
        return is_below(name, domain);
    if (!domain.ptr || !rest.ptr)
        return !domain.ptr && !rest.ptr && glob(first, label, true);
    if (!cs_str_eq_nocase(domain, rest))
        return false;
    if (cs_str_eq(label, CS_STR("*")))
        return want == ANY || cs_str_eq(first, CS_STR("*"));
    return glob(first, label, true);
}

/* A "*" that is the whole piece is something, not nothing. */
static bool match_piece(struct cs_str pattern, struct cs_str piece, bool nocase)
{
    return (piece.len > 0 || !cs_str_eq(pattern, CS_STR("*"))) && glob(pattern, piece, nocase);
}

static bool match_host(struct cs_str pattern, struct cs_str host)
{
    if (cs_str_find(pattern, '*') < 0)
        return cs_str_eq_nocase(pattern, host);
    return cs_str_eq(pattern, CS_STR("*")) || match_dns(pattern, host, ALL);
}

static bool all_pieces(struct cs_str rest)
{
    while (rest.ptr) {
        if (cs_str_cut(&rest, '/').len == 0)
            return false;
    }
    return true;
}

/* Pieces 0 and 1 are "scheme:" and nothing, 2 is the host; without "//" there is no host. */
static bool match_uri(struct cs_str pattern, struct cs_str uri)
{
    struct cs_str behind = cs_str_skip(uri, (size_t)cs_str_find(uri, ':') + 1);
    bool has_host = cs_str_starts(behind, CS_STR("//"));

    for (size_t i = 0; pattern.ptr && uri.ptr; i++) {
        struct cs_str want = cs_str_cut(&pattern, '/');
        struct cs_str rest = uri, got = cs_str_cut(&uri, '/');
        if (i > 0 && cs_str_eq(want, every) && !pattern.ptr)
            return all_pieces(rest);
        if (has_host && i == 2 ? !match_host(want, got)
                               : !match_piece(want, got, has_host && i == 0))
            return false;
    }
    return !pattern.ptr && !uri.ptr;
}

static bool match_email(struct cs_str pattern, struct cs_str email)
{
    size_t want = (size_t)cs_str_rfind(pattern, '@'), got = (size_t)cs_str_rfind(email, '@');

    return match_piece(cs_str_sub(pattern, 0, want), cs_str_sub(email, 0, got), false) &&
           match_dns(cs_str_skip(pattern, want + 1), cs_str_skip(email, got + 1), ALL);
}

static bool match_ip(const struct cs_net *net, struct cs_str ip)
{
    struct cs_addr addr = {0};

    if (ip.len == 4) {
        addr.len = sizeof(addr.in4);
        addr.in4.sin_family = AF_INET;
        memcpy(&addr.in4.sin_addr, ip.ptr, 4);
    } else {
        addr.len = sizeof(addr.in6);
        addr.in6.sin6_family = AF_INET6;
        memcpy(&addr.in6.sin6_addr, ip.ptr, 16);
    }
    return cs_net_has(net, &addr);
}

static bool match(const struct cs_pattern *p, const struct cs_claim *claim, enum want want)
{
    if (p->kind != claim->kind || cs_claim_check(claim))
        return false;
    if (p->every)
        return true;
    switch (p->kind) {
    case CS_CLAIM_DNS: return match_dns(p->text, claim->value, want);
    case CS_CLAIM_URI: return match_uri(p->text, claim->value);
    case CS_CLAIM_IP: return match_ip(&p->net, claim->value);
    case CS_CLAIM_EMAIL: return match_email(p->text, claim->value);
    default: return glob(p->text, claim->value, false);
    }
}

bool cs_pattern_covers(const struct cs_pattern *pattern, const struct cs_claim *claim)
{
    return match(pattern, claim, ALL);
}

bool cs_pattern_touches(const struct cs_pattern *pattern, const struct cs_claim *claim)
{
    return match(pattern, claim, ANY);
}

const struct cs_pattern *cs_pattern_set_cover(const struct cs_pattern_set *patterns,
                                              const struct cs_claim *claim)
{
    for (size_t i = 0; i < patterns->n; i++) {
        if (cs_pattern_covers(&patterns->items[i], claim))
            return &patterns->items[i];
    }
    return NULL;
}

const struct cs_pattern *cs_pattern_set_touch(const struct cs_pattern_set *patterns,
                                              const struct cs_claim *claim)
{
    for (size_t i = 0; i < patterns->n; i++) {
        if (cs_pattern_touches(&patterns->items[i], claim))
            return &patterns->items[i];
    }
    return NULL;
}

struct cs_str cs_pattern_set_text(const struct cs_pattern_set *patterns, enum cs_claim_kind kind,
                                  struct cs_arena *arena)
{
    struct cs_str text = {0};

    for (size_t i = 0; i < patterns->n; i++) {
        if (patterns->items[i].kind != kind)
            continue;
        if (text.len)
            text = cs_arena_cat(arena, text, CS_STR(", "));
        text = cs_arena_cat(arena, text, cs_pattern_text(&patterns->items[i], arena));
    }
    return text.len ? text : CS_STR("none");
}
