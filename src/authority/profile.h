/* Profiles: what may be issued, as data.
 *
 * Four are built in (server, client, peer, spiffe); a configuration may change them and add its
 * own: authority/directives.h. A profile says which keys and names are taken, what the certificate
 * is good for, how long it lives and when it is to be renewed. Whether an order fits is
 * authority/order.h's.
 */
#ifndef CS_AUTHORITY_PROFILE_H
#define CS_AUTHORITY_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "x509/claim.h"
#include "base/arena.h"
#include "base/str.h"
#include "x509/cert.h"

/* Kinds of keys that may be certified, as bits. RSA of the named size or more. */
enum cs_profile_key {
    CS_PROFILE_P256 = 1 << 0,
    CS_PROFILE_P384 = 1 << 1,
    CS_PROFILE_P521 = 1 << 2,
    CS_PROFILE_ED25519 = 1 << 3,
    CS_PROFILE_RSA2048 = 1 << 4,
    CS_PROFILE_RSA3072 = 1 << 5,
    CS_PROFILE_RSA4096 = 1 << 6,
};

/* RSA keys above this many bits cost whoever verifies too much. */
#define CS_PROFILE_RSA_MAX 8192

struct cs_profile {
    struct cs_str name;
    struct cs_str doc;           /* one clause for people */
    uint32_t keys;               /* enum cs_profile_key */
    unsigned eku;                /* CS_EKU_SERVER, CS_EKU_CLIENT */
    struct cs_pattern_set allow; /* a name has to be covered by one of these … */
    struct cs_pattern_set deny;  /* … and touched by none of these */
    bool wildcards;              /* whether "*.domain" itself may be certified */
    bool spiffe;                 /* exactly one SPIFFE ID, and no other URI */
    bool any_common_name; /* a common name is free text; else it is one of the other names, or one
                             that @allow covers */
    bool administrator;   /* who has such a certificate may revoke those of others */
    int64_t max_names;    /* beside the common name */
    int64_t ttl_sec;      /* when nobody says */
    int64_t max_ttl_sec;
    int64_t backdate_sec;   /* how long before now it begins, for clocks that differ */
    int64_t renew_from_pct; /* renewal is due between these two parts of its life */
    int64_t renew_to_pct;
    struct cs_str organization; /* for the subject; empty: none */
};

struct cs_profiles {
    const struct cs_profile *items;
    size_t n;
};

/** cs_profiles_builtin() - the four built-in ones. @domains: where the CA is at home; names in
 *  them and below them are allowed, and SPIFFE IDs of these trust domains. Without any, all
 *  well-formed names are. In @arena; names borrow from @domains. */
struct cs_profiles cs_profiles_builtin(struct cs_names domains, struct cs_arena *arena);
/** cs_profiles_find() - the one called @name, or NULL. */
const struct cs_profile *cs_profiles_find(const struct cs_profiles *profiles, struct cs_str name);
/** cs_profiles_text() - their names with ", " between, in @arena. */
struct cs_str cs_profiles_text(const struct cs_profiles *profiles, struct cs_arena *arena);

/** cs_profile_takes_key() - whether @cert's key (or that of a request, x509/request.h) is of a
 *  kind that @profile takes. RSA keys need an odd public exponent of at least 65537 and have at
 *  most CS_PROFILE_RSA_MAX bits. Return: NULL, or why not. Static. */
const char *cs_profile_takes_key(const struct cs_profile *profile, const struct cs_cert *cert);
/** cs_profile_keys_text() - "ec-p256, rsa-3072 or more" of enum cs_profile_key bits, in @arena. */
struct cs_str cs_profile_keys_text(uint32_t keys, struct cs_arena *arena);

/** cs_profile_renew_at() - when the certificate with this @serial, issued at @issued_at, is due: a
 *  point between the profile's two parts of the life that it has then (without the backdating, of
 *  which nobody has anything), chosen by a digest of the serial number, so that certificates issued
 *  together are not renewed together. The same for the same certificate. */
int64_t cs_profile_renew_at(const struct cs_profile *profile, struct cs_str serial,
                            int64_t issued_at, int64_t not_after);

#endif
