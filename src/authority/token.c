/* Join tokens: 32 random bytes, of which the store has the digest and nothing else. */
#include <errno.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "authority/findings.h"
#include "authority/state.h"
#include "base/mem.h"
#include "base/time.h"

enum { TOKEN_BYTES = 32 };

void cs_ca_token_digest(struct cs_str token, uint8_t ret_digest[32])
{
    SHA256((const uint8_t *)token.ptr, token.len, ret_digest);
}

struct cs_str cs_ca_token_name(const uint8_t digest[32], struct cs_arena *arena)
{
    char hex[17] = "";

    cs_hex_encode(digest, 8, false, hex);
    return cs_arena_printf(arena, "token %s", hex);
}

/* RFC 4648 section 5, without padding. */
static void base64url(const uint8_t *bytes, size_t len, char *ret_text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned n = 0;

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | bytes[i];
        for (n += 8; n >= 6; n -= 6)
            *ret_text++ = digits[bits >> (n - 6) & 63];
    }
    if (n)
        *ret_text++ = digits[bits << (6 - n) & 63];
    *ret_text = '\0';
}

static int make_token(char ret_token[CS_CA_TOKEN_LEN + 1])
{
    uint8_t bytes[TOKEN_BYTES];

    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return -EIO;
    memcpy(ret_token, "cst_", 4);
    base64url(bytes, sizeof(bytes), ret_token + 4);
    cs_wipe(bytes, sizeof(bytes));
    return 0;
}

static struct cs_str names_text(const struct cs_pattern_set *names, char separator,
                                struct cs_arena *arena)
{
    struct cs_str text = {0};

    for (size_t i = 0; i < names->n; i++) {
        char between[2] = {i ? separator : '\0', '\0'};
        text = cs_arena_printf(arena, "%.*s%s%.*s", CS_FMT(text), between,
                               CS_FMT(cs_pattern_text(&names->items[i], arena)));
    }
    return text;
}

static int add(struct cs_ca *ca, const struct cs_ca_token *token, const struct cs_requester *who,
               int64_t now_sec, struct cs_arena *arena, const uint8_t digest[32])
{
    struct cs_stored_token stored = {.identities = names_text(&token->names, '\n', arena),
                                     .profile = token->profile,
                                     .maker = who->actor,
                                     .made_at = now_sec,
                                     .expires_at = now_sec + token->ttl_sec};
    char until[CS_TIME_TEXT];
    int r;

    memcpy(stored.digest, digest, sizeof(stored.digest));
    r = cs_store_token_add(ca->store, &stored);
    if (r < 0)
        return r;
    return cs_ca_note(ca, "token", who, now_sec, cs_ca_token_name(digest, arena),
                      cs_arena_printf(arena, "profile %.*s, %.*s, until %.*s",
                                      CS_FMT(token->profile),
                                      CS_FMT(names_text(&token->names, ' ', arena)),
                                      CS_FMT(cs_time_iso(stored.expires_at, until))));
}

/* Names of the token that the profile, as it is known here, would refuse; the authority may have
 * another configuration. */
static void warn(const struct cs_profile *profile, const struct cs_pattern_set *names,
                 struct cs_findings *findings)
{
    for (size_t i = 0; i < names->n; i++) {
        const struct cs_pattern *name = &names->items[i];
        struct cs_str text = cs_pattern_text(name, findings->arena);
        struct cs_claim claim;
        if (name->kind == CS_CLAIM_CN || cs_str_find(name->text, '*') >= 0 ||
            cs_claim_parse(text, findings->arena, &claim))
            continue;
        if (!cs_pattern_set_cover(&profile->allow, &claim) ||
            cs_pattern_set_touch(&profile->deny, &claim))
            CS_FIND(findings, CS_AUTHORITY_KIND(TOKEN_NAME_OUTSIDE), NULL, text, profile->name,
                    cs_pattern_set_text(&profile->allow, claim.kind, findings->arena));
    }
}

static int check(const struct cs_ca *ca, const struct cs_ca_token *token,
                 struct cs_findings *findings)
{
    const struct cs_profile *profile = cs_profiles_find(&ca->profiles, token->profile);
    unsigned errors = findings->n_errors;

    if (!profile)
        CS_FIND(findings, CS_AUTHORITY_KIND(PROFILE_UNKNOWN), NULL, token->profile,
                cs_profiles_text(&ca->profiles, findings->arena));
    else if (token->names.n == 0)
        CS_FIND(findings, CS_AUTHORITY_KIND(NAMES_MISSING), NULL, (struct cs_str){0},
                token->profile, CS_STR("names; a token is bound to at least one"));
    else if (token->ttl_sec <= 0)
        CS_FIND(findings, CS_AUTHORITY_KIND(LIFETIME_INVALID), NULL,
                cs_arena_printf(findings->arena, "%lld", (long long)token->ttl_sec));
    else
        warn(profile, &token->names, findings);
    return findings->n_errors > errors ? CS_CA_REFUSED : 0;
}

int cs_ca_token_new(struct cs_ca *ca, const struct cs_ca_token *token,
                    const struct cs_requester *who, int64_t now_sec, struct cs_findings *findings,
                    char ret_token[CS_CA_TOKEN_LEN + 1])
{
    uint8_t digest[32];
    int r = check(ca, token, findings);

    r = r ? r : make_token(ret_token);
    r = r ? r : cs_ca_enter(ca);
    if (r)
        return r;
    cs_ca_token_digest(cs_str_make(ret_token, CS_CA_TOKEN_LEN), digest);
    return cs_ca_leave(ca, add(ca, token, who, now_sec, findings->arena, digest));
}
