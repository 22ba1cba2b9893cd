/* The built-in profiles are a table; what differs with the CA's domains is the patterns. */
#include "authority/profile.h"

#include "x509/der.h"
#include "x509/digest.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

#define COMMON_KEYS                                                                                \
    (CS_PROFILE_P256 | CS_PROFILE_P384 | CS_PROFILE_P521 | CS_PROFILE_ED25519 | CS_PROFILE_RSA2048)

#define BUILTIN(NAME, DOC, EKU)                                                                    \
    .name = CS_STR_INIT(NAME), .doc = CS_STR_INIT(DOC), .keys = COMMON_KEYS, .eku = (EKU),         \
    .max_names = 100, .ttl_sec = DAY, .max_ttl_sec = 90 * DAY, .backdate_sec = 60,                 \
    .renew_from_pct = 55, .renew_to_pct = 70

static const struct {
    struct cs_profile profile;
    uint32_t kinds; /* of names: bits of 1 << enum cs_claim_kind */
} builtin[] = {
    {{BUILTIN("server", "TLS servers: host names and addresses", CS_EKU_SERVER)},
     1 << CS_CLAIM_DNS | 1 << CS_CLAIM_IP},
    {{BUILTIN("client", "TLS clients: people, machines and services", CS_EKU_CLIENT),
      .any_common_name = true},
     1 << CS_CLAIM_DNS | 1 << CS_CLAIM_URI | 1 << CS_CLAIM_EMAIL},
    {{BUILTIN("peer", "services that are servers and clients to each other",
              CS_EKU_SERVER | CS_EKU_CLIENT)},
     1 << CS_CLAIM_DNS | 1 << CS_CLAIM_URI | 1 << CS_CLAIM_IP},
    {{BUILTIN("spiffe", "workloads with one SPIFFE ID", CS_EKU_SERVER | CS_EKU_CLIENT),
      .spiffe = true},
     1 << CS_CLAIM_DNS | 1 << CS_CLAIM_URI},
};

enum { N_BUILTIN = sizeof(builtin) / sizeof(builtin[0]), PER_DOMAIN = 6 };

/* ---- the built-in ones ---- */

/* Those of each domain that are of one of @kinds; addresses are at home nowhere. */
static void add_domain(struct cs_pattern *items, size_t *n, uint32_t kinds, struct cs_str domain,
                       struct cs_arena *arena)
{
    static const struct {
        enum cs_claim_kind kind;
        const char *before;
    } forms[] = {{CS_CLAIM_DNS, ""},
                 {CS_CLAIM_DNS, "**."},
                 {CS_CLAIM_EMAIL, "*@"},
                 {CS_CLAIM_EMAIL, "*@**."}};

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (kinds & 1u << forms[i].kind)
            items[(*n)++] = (struct cs_pattern){
                .kind = forms[i].kind,
                .text = cs_arena_cat(arena, cs_str_from(forms[i].before), domain)};
    }
    if (kinds & 1u << CS_CLAIM_URI)
        items[(*n)++] =
            (struct cs_pattern){.kind = CS_CLAIM_URI,
                                .text = cs_arena_printf(arena, "spiffe://%.*s/**", CS_FMT(domain))};
}

static void add_every(struct cs_pattern *items, size_t *n, enum cs_claim_kind kind)
{
    items[(*n)++] = (struct cs_pattern){.kind = kind, .text = CS_STR("**"), .every = true};
}

static struct cs_pattern_set allowed(uint32_t kinds, struct cs_names domains,
                                     struct cs_arena *arena)
{
    struct cs_pattern *items =
        cs_arena_array(arena, PER_DOMAIN * domains.n + CS_CLAIM_N_KINDS, sizeof(*items));
    size_t n = 0;

    for (size_t i = 0; i < domains.n; i++)
        add_domain(items, &n, kinds, domains.items[i], arena);
    for (unsigned kind = 0; kind < CS_CLAIM_N_KINDS; kind++) {
        if (kinds & 1u << kind && (domains.n == 0 || kind == CS_CLAIM_IP))
            add_every(items, &n, kind);
    }
    return (struct cs_pattern_set){items, n};
}

struct cs_profiles cs_profiles_builtin(struct cs_names domains, struct cs_arena *arena)
{
    struct cs_profile *items = cs_arena_array(arena, N_BUILTIN, sizeof(*items));

    for (size_t i = 0; i < N_BUILTIN; i++) {
        items[i] = builtin[i].profile;
        items[i].allow = allowed(builtin[i].kinds, domains, arena);
    }
    return (struct cs_profiles){items, N_BUILTIN};
}

const struct cs_profile *cs_profiles_find(const struct cs_profiles *profiles, struct cs_str name)
{
    for (size_t i = 0; i < profiles->n; i++) {
        if (cs_str_eq(profiles->items[i].name, name))
            return &profiles->items[i];
    }
    return NULL;
}

struct cs_str cs_profiles_text(const struct cs_profiles *profiles, struct cs_arena *arena)
{
    struct cs_str text = {0};

    for (size_t i = 0; i < profiles->n; i++) {
        if (i)
            text = cs_arena_cat(arena, text, CS_STR(", "));
        text = cs_arena_cat(arena, text, profiles->items[i].name);
    }
    return text;
}

/* ---- keys ---- */

static const struct {
    uint32_t bit;
    const char *name;
    enum cs_key_kind kind;
    unsigned bits;
    const char *text;
} key_kinds[] = {
    {CS_PROFILE_P256, "P-256", CS_KEY_EC, 0, "ec-p256"},
    {CS_PROFILE_P384, "P-384", CS_KEY_EC, 0, "ec-p384"},
    {CS_PROFILE_P521, "P-521", CS_KEY_EC, 0, "ec-p521"},
    {CS_PROFILE_ED25519, "Ed25519", CS_KEY_ED25519, 0, "ed25519"},
    {CS_PROFILE_RSA2048, "RSA", CS_KEY_RSA, 2048, "rsa-2048 or more"},
    {CS_PROFILE_RSA3072, "RSA", CS_KEY_RSA, 3072, "rsa-3072 or more"},
    {CS_PROFILE_RSA4096, "RSA", CS_KEY_RSA, 4096, "rsa-4096 or more"},
};

#define N_KEY_KINDS (sizeof(key_kinds) / sizeof(key_kinds[0]))

/* RSAPublicKey { modulus, publicExponent }, RFC 8017 section A.1.1. */
static bool has_good_exponent(struct cs_str spki)
{
    struct cs_str info, algorithm, bits, key, modulus;
    unsigned unused;
    uint64_t e;

    return cs_der_take(&spki, CS_DER_SEQUENCE, &info) &&
           cs_der_take(&info, CS_DER_SEQUENCE, &algorithm) && cs_der_bits(&info, &bits, &unused) &&
           cs_der_take(&bits, CS_DER_SEQUENCE, &key) && cs_der_integer(&key, &modulus) &&
           cs_der_uint(&key, UINT64_MAX, &e) && e >= 65537 && e & 1;
}

const char *cs_profile_takes_key(const struct cs_profile *profile, const struct cs_cert *cert)
{
    const char *why = "its kind is not one of those";

    if (cert->key_kind == CS_KEY_RSA && cert->key_bits > CS_PROFILE_RSA_MAX)
        return "RSA keys of more than 8192 bits are not taken";
    if (cert->key_kind == CS_KEY_RSA && !has_good_exponent(cert->spki))
        return "its public exponent is not an odd number from 65537 on";
    for (size_t i = 0; i < N_KEY_KINDS; i++) {
        if (!(profile->keys & key_kinds[i].bit) || cert->key_kind != key_kinds[i].kind ||
            !cs_str_eq(cert->key_name, cs_str_from(key_kinds[i].name)))
            continue;
        if (cert->key_bits >= key_kinds[i].bits)
            return NULL;
        why = "it is too short";
    }
    return why;
}

struct cs_str cs_profile_keys_text(uint32_t keys, struct cs_arena *arena)
{
    struct cs_str text = {0};

    for (size_t i = 0; i < N_KEY_KINDS; i++) {
        if (!(keys & key_kinds[i].bit))
            continue;
        if (text.len)
            text = cs_arena_cat(arena, text, CS_STR(", "));
        text = cs_arena_cat(arena, text, cs_str_from(key_kinds[i].text));
    }
    return text.len ? text : CS_STR("none");
}

/* ---- renewal ---- */

int64_t cs_profile_renew_at(const struct cs_profile *profile, struct cs_str serial,
                            int64_t issued_at, int64_t not_after)
{
    int64_t life = not_after - issued_at;
    int64_t from = life * profile->renew_from_pct / 100;
    int64_t window = life * profile->renew_to_pct / 100 - from;
    uint8_t digest[CS_DIGEST_LEN];
    struct cs_digest sum;
    uint64_t random;

    cs_digest_init(&sum);
    cs_digest_add(&sum, serial);
    cs_digest_final(&sum, digest);
    memcpy(&random, digest, sizeof(random));
    return issued_at + from + (window > 0 ? (int64_t)(random % (uint64_t)window) : 0);
}
