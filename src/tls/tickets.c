/* One step of the ratchet is two HMACs: the epoch's secret gives the epoch's key and the
 * next secret, and is overwritten. HKDF (RFC 5869) with one block of SHA-256 output each. */
#include "tls/tickets.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "tls/findings.h"

struct cs_ticket_keys {
    unsigned refs;
    bool ratchet;
    int64_t epoch;                  /* ratchet: of keys[0] */
    uint8_t next[CS_TICKET_SECRET]; /* ratchet: secret of epoch + 1 */
    struct cs_ticket_key *keys;     /* the first seals, all open */
    size_t n_keys;
};

/* However far the clock jumps, turning ends: about a hundred years of hours. */
#define EPOCHS_MAX 1000000

static void hmac(const void *key, size_t key_len, const void *data, size_t len, uint8_t ret[32])
{
    unsigned n = 32;
    cs_assert(HMAC(EVP_sha256(), key, (int)key_len, data, len, ret, &n) != NULL && n == 32);
}

/* HKDF-Expand to one block: HMAC(prk, info | 0x01). */
static void expand(const uint8_t prk[32], const char *info, uint8_t ret[32])
{
    uint8_t block[64];
    size_t len = strlen(info);
    cs_assert(len < sizeof(block));
    memcpy(block, info, len);
    block[len] = 1;
    hmac(prk, 32, block, len + 1, ret);
}

static void derive_key(const uint8_t prk[32], struct cs_ticket_key *ret_key)
{
    uint8_t name[32];
    expand(prk, "countersign ticket name", name);
    memcpy(ret_key->name, name, CS_TICKET_NAME);
    expand(prk, "countersign ticket aes", ret_key->aes);
    expand(prk, "countersign ticket mac", ret_key->mac);
}

static struct cs_ticket_keys *keys_new(size_t n)
{
    struct cs_ticket_keys *keys = CS_NEW(struct cs_ticket_keys);
    keys->refs = 1;
    keys->keys = cs_alloc(n * sizeof(*keys->keys));
    keys->n_keys = n;
    return keys;
}

/* nginx's files begin with the key's name; the rest is the secret, in whatever shape. */
static void key_from_file(struct cs_str file, struct cs_ticket_key *ret_key)
{
    static const uint8_t salt[32];
    uint8_t prk[32];
    hmac(salt, sizeof(salt), file.ptr, file.len, prk);
    derive_key(prk, ret_key);
    memcpy(ret_key->name, file.ptr, CS_TICKET_NAME);
    cs_wipe(prk, sizeof(prk));
}

static void refuse_size(struct cs_findings *findings, const struct cs_place *place, size_t index,
                        size_t len)
{
    char number[24], bytes[24];
    snprintf(number, sizeof(number), "%zu", index + 1);
    snprintf(bytes, sizeof(bytes), "%zu", len);
    CS_FIND(findings, &cs_tls_finding_ticket_key_size, place, cs_str_from(number),
            cs_str_from(bytes));
}

int cs_ticket_keys_new_files(const struct cs_str *files, size_t n, const struct cs_place *place,
                             struct cs_findings *findings, struct cs_ticket_keys **ret_keys)
{
    bool good = n > 0;
    for (size_t i = 0; i < n; i++) {
        if (files[i].len == 48 || files[i].len == 80)
            continue;
        refuse_size(findings, place, i, files[i].len);
        good = false;
    }
    if (!good)
        return -EINVAL;

    struct cs_ticket_keys *keys = keys_new(n);
    for (size_t i = 0; i < n; i++)
        key_from_file(files[i], &keys->keys[i]);
    *ret_keys = keys;
    return 0;
}

static int64_t epoch_of(int64_t now_sec)
{
    return now_sec / CS_TICKET_EPOCH_SEC;
}

/* Enter the epoch whose secret is @keys->next. */
static void step(struct cs_ticket_keys *keys)
{
    uint8_t secret[CS_TICKET_SECRET], next[32];
    memcpy(secret, keys->next, sizeof(secret));
    keys->keys[1] = keys->keys[0];
    derive_key(secret, &keys->keys[0]);
    expand(secret, "countersign ticket next", next);
    memcpy(keys->next, next, sizeof(keys->next));
    cs_wipe(secret, sizeof(secret));
    cs_wipe(next, sizeof(next));
}

struct cs_ticket_keys *cs_ticket_keys_new_ratchet(const uint8_t secret[CS_TICKET_SECRET],
                                                  int64_t now_sec)
{
    struct cs_ticket_keys *keys = keys_new(2);
    keys->ratchet = true;
    keys->epoch = epoch_of(now_sec);
    memcpy(keys->next, secret, CS_TICKET_SECRET);
    step(keys);
    keys->keys[1] = keys->keys[0];
    return keys;
}

struct cs_ticket_keys *cs_ticket_keys_ref(struct cs_ticket_keys *keys)
{
    keys->refs++;
    return keys;
}

struct cs_ticket_keys *cs_ticket_keys_unref(struct cs_ticket_keys *keys)
{
    if (!keys || --keys->refs > 0)
        return NULL;
    cs_wipe(keys->keys, keys->n_keys * sizeof(*keys->keys));
    free(keys->keys);
    cs_wipe(keys, sizeof(*keys));
    free(keys);
    return NULL;
}

bool cs_ticket_keys_eq(const struct cs_ticket_keys *a, const struct cs_ticket_keys *b)
{
    if (a->ratchet || b->ratchet || a->n_keys != b->n_keys)
        return a == b;
    for (size_t i = 0; i < a->n_keys; i++) {
        if (!cs_str_eq_secret(cs_str_make(&a->keys[i], sizeof(a->keys[i])),
                              cs_str_make(&b->keys[i], sizeof(b->keys[i]))))
            return false;
    }
    return true;
}

void cs_ticket_keys_turn(struct cs_ticket_keys *keys, int64_t now_sec)
{
    if (!keys->ratchet)
        return;
    int64_t target = epoch_of(now_sec);
    for (int64_t steps = 0; keys->epoch < target && steps < EPOCHS_MAX; steps++) {
        step(keys);
        keys->epoch++;
    }
}

const struct cs_ticket_key *cs_ticket_keys_seal0(const struct cs_ticket_keys *keys)
{
    return &keys->keys[0];
}

const struct cs_ticket_key *cs_ticket_keys_find0(const struct cs_ticket_keys *keys,
                                                 const uint8_t name[CS_TICKET_NAME])
{
    for (size_t i = 0; i < keys->n_keys; i++)
        if (memcmp(keys->keys[i].name, name, CS_TICKET_NAME) == 0)
            return &keys->keys[i];
    return NULL;
}
