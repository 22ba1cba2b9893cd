/* A profile block starts from the profile that it extends (the built-in one of its name, or
 * nothing) and replaces what it names, so each line is read by itself: nothing has a default. */
#include "authority/directives.h"

#include "authority/findings.h"
#include "config/value.h"

enum { DAY = 86400 };

#define AT(field) offsetof(struct cs_authority_settings, field)
#define AUTHORITY CS_CTX_AUTHORITY
#define PROFILE CS_CTX_PROFILE

static void check_patterns(const struct cs_directive *d, struct cs_findings *findings)
{
    struct cs_pattern pattern;

    for (size_t i = 0; i < d->n_args; i++) {
        const char *why = cs_pattern_parse(d->args[i].text, &pattern);
        if (why)
            CS_FIND(findings, CS_AUTHORITY_KIND(PATTERN_INVALID), &d->args[i].place,
                    d->args[i].text, cs_str_from(why));
    }
}

/* "55%" as 55. */
static bool read_percent(struct cs_str text, int64_t *ret_value)
{
    uint64_t value;

    if (!cs_str_ends(text, CS_STR("%")) ||
        cs_str_to_u64(cs_str_sub(text, 0, text.len - 1), 99, &value) < 0 || value == 0)
        return false;
    *ret_value = (int64_t)value;
    return true;
}

static void check_percents(const struct cs_directive *d, struct cs_findings *findings)
{
    int64_t value[2] = {0};

    for (size_t i = 0; i < d->n_args; i++) {
        if (!read_percent(d->args[i].text, &value[i]))
            cs_config_refuse_value(findings, d, &d->args[i], CS_STR("write 1% to 99%"));
    }
    if (value[0] > value[1] && value[1])
        cs_config_refuse_value(findings, d, &d->args[1], CS_STR("write the earlier part first"));
}

static const struct cs_choice key_choices[] = {
    {"ec-p256", CS_PROFILE_P256},     {"ec-p384", CS_PROFILE_P384},
    {"ec-p521", CS_PROFILE_P521},     {"ed25519", CS_PROFILE_ED25519},
    {"rsa-2048", CS_PROFILE_RSA2048}, {"rsa-3072", CS_PROFILE_RSA3072},
    {"rsa-4096", CS_PROFILE_RSA4096}, {NULL, 0},
};

static const struct cs_choice usage_choices[] = {
    {"server", CS_EKU_SERVER}, {"client", CS_EKU_CLIENT}, {NULL, 0}};

static const struct cs_directive_row authority_rows[] = {
    {"authority", CS_CTX_MAIN, 0, 0, CS_V_BLOCK, CS_D_BLOCK, .opens = CS_CTX_AUTHORITY,
     .doc = "A private CA, which runs in a process of its own beside the gateway."},
    {"listen", AUTHORITY, 1, 2, CS_V_LIST, CS_D_REPEAT, AT(listen), .syntax = "address:port [ssl]",
     .doc = "Where the CA is asked, over TLS with ssl; without, only public documents are served "
            "there: its certificates, revocation lists and OCSP answers."},
    {"store", AUTHORITY, 1, 1, CS_V_PATH, CS_D_SECURITY, AT(store), "/var/lib/countersign/ca",
     .syntax = "folder", .doc = "The CA's folder, which \"countersign ca init\" has made."},
    {"passphrase_file", AUTHORITY, 1, 1, CS_V_PATH, CS_D_SECURITY, AT(passphrase_file),
     .syntax = "file",
     .doc = "The pass phrase of its keys, in the first line; else the one in its folder."},
    {"public_url", AUTHORITY, 1, 1, CS_V_STR, 0, AT(public_url), .syntax = "url",
     .doc = "Where others reach the CA: certificates say that its revocation lists and OCSP "
            "answers are there."},
    {"keep", AUTHORITY, 1, 1, CS_V_SEC, CS_D_SECURITY, AT(keep_sec), .min = 30LL * DAY,
     .max = 36500LL * DAY,
     .doc = "How long expired certificates and entries of the log are kept in the archives of the "
            "CA's folder, by months; else for ever."},
    {"connections_per_address", AUTHORITY, 1, 1, CS_V_INT, 0, AT(connections_per_address), "128",
     .min = 1, .max = 1024,
     .doc =
         "How many of the 1,024 connections one IPv4 address, or 64 bits of an IPv6 address, may "
         "have: more where many clients come through one address translation."},
    {"user", AUTHORITY, 1, 2, CS_V_LIST, CS_D_SECURITY, AT(user), .syntax = "user [group]",
     .doc = "The account that the CA's process becomes, which owns the folder but for the keys: "
            "never that of the workers. Else it is the folder's owner unless that is root, or "
            "countersign-ca; with neither it does not start."},
    {"profile", AUTHORITY, 1, 1, CS_V_BLOCK, CS_D_BLOCK | CS_D_REPEAT | CS_D_SECURITY,
     .opens = CS_CTX_PROFILE, .syntax = "name",
     .doc = "What certificates of this profile may be; the built-in ones are server, client, peer "
            "and spiffe, and can be changed so."},
};

const struct cs_schema_table cs_authority_directives = CS_SCHEMA_TABLE(authority_rows);

static const struct cs_directive_row profile_rows[] = {
    {"extends", PROFILE, 1, 1, CS_V_NONE, CS_D_SECURITY, .syntax = "profile",
     .doc = "The profile that this one starts from: a built-in one, or one above it."},
    {"allow", PROFILE, 1, CS_ARGS_ANY, CS_V_NONE, CS_D_REPEAT | CS_D_SECURITY,
     .syntax = "pattern ...", .check = check_patterns,
     .doc = "Names that may be certified, in place of those that the extended profile allows: "
            "dns:*.example.internal, spiffe://example.internal/**, ip:10.0.0.0/8, "
            "email:*@example.internal, cn:*."},
    {"deny", PROFILE, 1, CS_ARGS_ANY, CS_V_NONE, CS_D_REPEAT | CS_D_SECURITY,
     .syntax = "pattern ...", .check = check_patterns,
     .doc = "Names that may not, whatever is allowed; in place of those that the extended profile "
            "denies."},
    {"keys", PROFILE, 1, CS_ARGS_ANY, CS_V_BITS, CS_D_SECURITY, .choices = key_choices,
     .doc = "The kinds of keys that are taken; RSA of the named size or more."},
    {"usages", PROFILE, 1, 2, CS_V_BITS, CS_D_SECURITY, .choices = usage_choices,
     .doc = "What certificates are good for: TLS servers, TLS clients, or both."},
    {"ttl", PROFILE, 1, 1, CS_V_SEC, CS_D_SECURITY, .min = 60, .max = 36500LL * DAY,
     .doc = "How long a certificate lives when nobody says."},
    {"max_ttl", PROFILE, 1, 1, CS_V_SEC, CS_D_SECURITY, .min = 60, .max = 36500LL * DAY,
     .doc = "How long it may live at most."},
    {"backdate", PROFILE, 1, 1, CS_V_SEC, 0, .min = 0, .max = DAY,
     .doc = "How long before its issue it begins, for clocks that differ."},
    {"renew_between", PROFILE, 2, 2, CS_V_NONE, 0, .syntax = "percent percent",
     .check = check_percents,
     .doc = "The part of its life in which a certificate is due for renewal; the point in it "
            "differs from one to the next, so that a fleet does not come at once."},
    {"wildcards", PROFILE, 1, 1, CS_V_FLAG, CS_D_SECURITY,
     .doc = "Whether a name may be a wildcard, such as *.example.internal."},
    {"any_common_name", PROFILE, 1, 1, CS_V_FLAG, CS_D_SECURITY,
     .doc = "Whether the common name may be any text; else it is one of the other names, or "
            "allowed as cn:."},
    {"one_spiffe_id", PROFILE, 1, 1, CS_V_FLAG, CS_D_SECURITY,
     .doc = "Whether a certificate has exactly one SPIFFE ID and no other URI."},
    {"max_names", PROFILE, 1, 1, CS_V_INT, CS_D_SECURITY, .min = 1, .max = 1000,
     .doc = "How many names one certificate may have, the common name not counted."},
    {"organization", PROFILE, 1, 1, CS_V_STR, 0, .syntax = "text",
     .doc = "The organization in the subject of its certificates."},
    {"administrator", PROFILE, 1, 1, CS_V_FLAG, CS_D_SECURITY,
     .doc = "Whether who has such a certificate may revoke those of others."},
};

const struct cs_schema_table cs_profile_directives = CS_SCHEMA_TABLE(profile_rows);

/* ---- a profile ---- */

static struct cs_pattern_set read_patterns(const struct cs_block *block, const char *name,
                                           struct cs_arena *arena)
{
    struct cs_pattern_set patterns = {0};
    struct cs_pattern *items;
    size_t n = 0;

    for (const struct cs_directive *d = cs_block_find(block, name); d; d = cs_block_next(d))
        n += d->n_args;
    items = cs_arena_array(arena, n, sizeof(*items));
    for (const struct cs_directive *d = cs_block_find(block, name); d; d = cs_block_next(d)) {
        for (size_t i = 0; i < d->n_args; i++) {
            if (!cs_pattern_parse(d->args[i].text, &items[patterns.n]))
                patterns.n++;
        }
    }
    patterns.items = items;
    return patterns;
}

/* The value of a line, or @value as it is. */
static int64_t number(const struct cs_block *block, const char *name, int64_t value)
{
    const struct cs_directive *d = cs_block_find(block, name);

    if (d)
        (void)cs_row_number(d->row, cs_directive_arg(d, 0), &value);
    return value;
}

static uint32_t bits(const struct cs_block *block, const char *name, uint32_t value)
{
    const struct cs_directive *d = cs_block_find(block, name);
    int64_t bit = 0;

    if (!d)
        return value;
    value = 0;
    for (size_t i = 0; i < d->n_args; i++) {
        if (cs_row_number(d->row, d->args[i].text, &bit) == 0)
            value |= (uint32_t)bit;
    }
    return value;
}

static void read_lines(const struct cs_block *block, struct cs_arena *arena, struct cs_profile *p)
{
    const struct cs_directive *between = cs_block_find(block, "renew_between");
    const struct cs_directive *organization = cs_block_find(block, "organization");

    if (cs_block_find(block, "allow"))
        p->allow = read_patterns(block, "allow", arena);
    if (cs_block_find(block, "deny"))
        p->deny = read_patterns(block, "deny", arena);
    p->keys = bits(block, "keys", p->keys);
    p->eku = bits(block, "usages", p->eku);
    p->ttl_sec = number(block, "ttl", p->ttl_sec);
    p->max_ttl_sec = number(block, "max_ttl", p->max_ttl_sec);
    p->backdate_sec = number(block, "backdate", p->backdate_sec);
    p->wildcards = number(block, "wildcards", p->wildcards);
    p->any_common_name = number(block, "any_common_name", p->any_common_name);
    p->spiffe = number(block, "one_spiffe_id", p->spiffe);
    p->max_names = number(block, "max_names", p->max_names);
    p->administrator = number(block, "administrator", p->administrator);
    if (between) {
        (void)read_percent(cs_directive_arg(between, 0), &p->renew_from_pct);
        (void)read_percent(cs_directive_arg(between, 1), &p->renew_to_pct);
    }
    if (organization)
        p->organization = cs_directive_arg(organization, 0);
}

static const char *why_not(const struct cs_profile *p)
{
    struct cs_claim organization = {CS_CLAIM_CN, p->organization};

    if (!p->eku)
        return "it says neither \"usages\" nor \"extends\"";
    if (!p->allow.n && !p->any_common_name)
        return "it allows no name";
    if (p->ttl_sec > p->max_ttl_sec)
        return "its ttl is longer than its max_ttl";
    if (p->organization.len && cs_claim_check(&organization))
        return "its organization is longer than 64 characters, or no text";
    return NULL;
}

/* What a profile is that extends nothing. */
static const struct cs_profile blank = {
    .doc = CS_STR_INIT("defined in the configuration"),
    .keys = CS_PROFILE_P256 | CS_PROFILE_P384 | CS_PROFILE_ED25519 | CS_PROFILE_RSA3072,
    .max_names = 100,
    .ttl_sec = DAY,
    .max_ttl_sec = 90 * DAY,
    .backdate_sec = 60,
    .renew_from_pct = 55,
    .renew_to_pct = 70,
};

static bool is_word(struct cs_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = cs_lower(name.ptr[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return name.len > 0 && name.len <= 64;
}

static void refuse(const struct cs_directive *d, const char *why, struct cs_findings *findings)
{
    CS_FIND(findings, CS_AUTHORITY_KIND(PROFILE_INVALID), &d->place, cs_directive_arg(d, 0),
            cs_str_from(why));
}

struct building {
    struct cs_profile *items;
    size_t n, n_builtin;
};

static struct cs_profile *find(struct building *b, struct cs_str name)
{
    for (size_t i = 0; i < b->n; i++) {
        if (cs_str_eq(b->items[i].name, name))
            return &b->items[i];
    }
    return NULL;
}

/* Where the profile of @d goes: in place of the built-in one of its name, or behind the others. */
static void add_profile(struct building *b, const struct cs_directive *d, struct cs_arena *arena,
                        struct cs_findings *findings)
{
    const struct cs_directive *extends = cs_block_find(d->block, "extends");
    struct cs_str name = cs_directive_arg(d, 0);
    struct cs_profile *place = find(b, name);
    const struct cs_profile *base = extends ? find(b, cs_directive_arg(extends, 0))
                                    : place ? place
                                            : &blank;
    struct cs_profile profile;

    if (!is_word(name) || cs_str_eq(name, CS_STR("root")) || cs_str_eq(name, CS_STR("issuer"))) {
        refuse(d,
               "its name is not 1 to 64 letters, digits, \"-\" and \"_\", or is \"root\" or "
               "\"issuer\"",
               findings);
        return;
    }
    if (place && place >= b->items + b->n_builtin) {
        refuse(d, "there are two of that name", findings);
        return;
    }
    if (!base) {
        refuse(extends, "there is no such profile above it", findings);
        return;
    }
    profile = *base;
    profile.name = name;
    if (!place)
        profile.doc = blank.doc;
    read_lines(d->block, arena, &profile);
    if (why_not(&profile))
        refuse(d, why_not(&profile), findings);
    *(place ? place : &b->items[b->n++]) = profile;
}

int cs_profiles_build(const struct cs_block *block, struct cs_names domains, struct cs_arena *arena,
                      struct cs_findings *findings, struct cs_profiles *ret_profiles)
{
    struct cs_profiles builtin = cs_profiles_builtin(domains, arena);
    const struct cs_directive *first = block ? cs_block_find(block, "profile") : NULL;
    unsigned errors = findings->n_errors;
    struct building b = {.n = builtin.n, .n_builtin = builtin.n};
    size_t n = builtin.n;

    for (const struct cs_directive *d = first; d; d = cs_block_next(d))
        n++;
    b.items = cs_arena_array(arena, n, sizeof(*b.items));
    memcpy(b.items, builtin.items, builtin.n * sizeof(*b.items));
    for (const struct cs_directive *d = first; d; d = cs_block_next(d))
        add_profile(&b, d, arena, findings);
    if (findings->n_errors > errors)
        return CS_PROFILES_REFUSED;
    *ret_profiles = (struct cs_profiles){b.items, b.n};
    return 0;
}
