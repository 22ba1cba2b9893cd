/* The set is an open-addressing table. What names a certificate, issuer and serial number, is
 * hashed to a key of one size, so a slot needs no pointer and a look-up compares digests only. */
#include "x509/revoked.h"

#include <errno.h>

#include "base/mem.h"
#include "base/time.h"
#include "x509/crl.h"
#include "x509/digest.h"
#include "x509/name.h"

#define MAGIC 0x1d9e7c53b0a64f28u

enum { REASONS = 11 };

struct slot {
    uint8_t key[CS_DIGEST_LEN];
    int64_t revoked_at;
    uint32_t reason;
    uint32_t taken;
};

struct cs_revoked_set {
    uint64_t magic;
    uint32_t n;
    uint32_t n_slots; /* more than n */
    struct slot slots[];
};

/* ---- one revocation ---- */

/* As a number: zero bytes in front only make it positive. */
static struct cs_str bare(struct cs_str serial)
{
    while (serial.len > 1 && serial.ptr[0] == 0)
        serial = cs_str_skip(serial, 1);
    return serial;
}

bool cs_revocation_eq(const struct cs_revocation *a, const struct cs_revocation *b)
{
    return cs_str_eq(bare(a->serial), bare(b->serial)) && a->any_issuer == b->any_issuer &&
           (a->any_issuer || memcmp(a->issuer, b->issuer, sizeof(a->issuer)) == 0);
}

int cs_serial_read(struct cs_str text, uint8_t serial[CS_REVOKED_SERIAL_MAX], size_t *ret_len)
{
    size_t digits = 0, at = 0;
    uint8_t bytes[CS_REVOKED_SERIAL_MAX] = {0};

    text = cs_str_trim(text);
    if (cs_str_starts_nocase(text, CS_STR("0x")))
        text = cs_str_skip(text, 2);
    for (size_t i = 0; i < text.len; i++)
        digits += cs_hex_digit(text.ptr[i]) >= 0;
    if (digits == 0 || digits > 2 * sizeof(bytes))
        return -EINVAL;
    at = digits % 2; /* "123" is 01 23 */
    for (size_t i = 0; i < text.len; i++) {
        int digit = cs_hex_digit(text.ptr[i]);
        if (digit < 0 && text.ptr[i] != ':' && text.ptr[i] != ' ')
            return -EINVAL;
        if (digit < 0)
            continue;
        bytes[at / 2] = (uint8_t)(bytes[at / 2] << 4 | digit);
        at++;
    }
    memcpy(serial, bytes, sizeof(bytes));
    *ret_len = at / 2;
    return 0;
}

static struct cs_str serial_text(struct cs_str serial, char text[2 * CS_REVOKED_SERIAL_MAX + 1])
{
    serial = cs_str_sub(bare(serial), 0, CS_REVOKED_SERIAL_MAX);
    cs_hex_encode(serial.ptr, serial.len, true, text);
    return cs_str_make(text, 2 * serial.len);
}

int cs_revocation_write(const struct cs_revocation *r, struct cs_buf *buf)
{
    char serial[2 * CS_REVOKED_SERIAL_MAX + 1], issuer[2 * sizeof(r->issuer) + 1] = "any";
    char at[CS_TIME_TEXT], until[CS_TIME_TEXT];
    struct cs_str last = CS_STR("unknown");

    if (!r->any_issuer) {
        cs_hex_encode(r->issuer, sizeof(r->issuer), false, issuer);
        issuer[2 * sizeof(r->issuer)] = '\0';
    }
    if (r->not_after != INT64_MAX)
        last = cs_time_iso(r->not_after, until);
    return cs_buf_addf(buf, "%.*s serial=%.*s issuer=%s reason=%.*s until=%.*s %.*s\n",
                       CS_FMT(cs_time_iso(r->revoked_at, at)),
                       CS_FMT(serial_text(r->serial, serial)), issuer,
                       CS_FMT(cs_crl_reason_text(r->reason)), CS_FMT(last), CS_FMT(r->named));
}

/* The next word of @line, which has to begin with @label; the rest of it in *ret_value. */
static bool take(struct cs_str *line, struct cs_str label, struct cs_str *ret_value)
{
    struct cs_str word = cs_str_cut(line, ' ');

    *ret_value = cs_str_skip(word, label.len);
    return cs_str_starts(word, label) && ret_value->len > 0;
}

static bool read_reason(struct cs_str text, unsigned *ret_reason)
{
    for (unsigned i = 0; i < REASONS; i++) {
        if (cs_str_eq(text, cs_crl_reason_text(i))) {
            *ret_reason = i;
            return true;
        }
    }
    return false;
}

static bool read_issuer(struct cs_str text, struct cs_revocation *r)
{
    r->any_issuer = cs_str_eq(text, CS_STR("any"));
    if (r->any_issuer)
        return true;
    if (text.len != 2 * sizeof(r->issuer))
        return false;
    for (size_t i = 0; i < sizeof(r->issuer); i++) {
        int high = cs_hex_digit(text.ptr[2 * i]), low = cs_hex_digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        r->issuer[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool read_until(struct cs_str text, int64_t *ret_sec)
{
    *ret_sec = INT64_MAX;
    return cs_str_eq(text, CS_STR("unknown")) || cs_time_parse(text, ret_sec) == 0;
}

int cs_revocation_read(struct cs_str line, uint8_t serial[CS_REVOKED_SERIAL_MAX],
                       struct cs_revocation *ret_revocation)
{
    struct cs_str at, number, issuer, reason, until;
    struct cs_revocation r = {0};
    size_t len;

    if (!take(&line, CS_STR(""), &at) || !take(&line, CS_STR("serial="), &number) ||
        !take(&line, CS_STR("issuer="), &issuer) || !take(&line, CS_STR("reason="), &reason) ||
        !take(&line, CS_STR("until="), &until))
        return -EINVAL;
    if (cs_time_parse(at, &r.revoked_at) < 0 || cs_serial_read(number, serial, &len) < 0 ||
        !read_issuer(issuer, &r) || !read_reason(reason, &r.reason) ||
        !read_until(until, &r.not_after))
        return -EINVAL;
    r.serial = cs_str_make(serial, len);
    r.named = line;
    *ret_revocation = r;
    return 0;
}

/* ---- the set ---- */

/* What stands for a certificate; without @issuer for every one of that number. */
static void make_key(const uint8_t *issuer, struct cs_str serial, uint8_t ret_key[CS_DIGEST_LEN])
{
    struct cs_digest digest;

    cs_digest_init(&digest);
    cs_digest_add(&digest, issuer ? cs_str_make(issuer, 32) : (struct cs_str){0});
    cs_digest_add(&digest, bare(serial));
    cs_digest_final(&digest, ret_key);
}

/* The slot with @key, or the free one where it belongs. There always is one. */
static size_t find(const struct cs_revoked_set *set, const uint8_t *key)
{
    uint64_t hash;
    size_t at;

    memcpy(&hash, key, sizeof(hash)); /* the key is a digest: any part of it is as good */
    at = hash % set->n_slots;
    while (set->slots[at].taken && memcmp(set->slots[at].key, key, CS_DIGEST_LEN) != 0)
        at = at + 1 < set->n_slots ? at + 1 : 0;
    return at;
}

static void add(struct cs_revoked_set *set, const struct cs_revocation *r)
{
    struct slot *slot;
    uint8_t key[CS_DIGEST_LEN];

    make_key(r->any_issuer ? NULL : r->issuer, r->serial, key);
    slot = &set->slots[find(set, key)];
    if (slot->taken)
        return; /* named twice: the first time counts */
    memcpy(slot->key, key, sizeof(key));
    slot->revoked_at = r->revoked_at;
    slot->reason = r->reason;
    slot->taken = 1;
    set->n++;
}

static size_t size_of(size_t n_slots)
{
    return sizeof(struct cs_revoked_set) + n_slots * sizeof(struct slot);
}

struct cs_revoked_set *cs_revoked_set_new(const struct cs_revocation *items, size_t n)
{
    size_t n_slots = n + n / 2 + 1;
    struct cs_revoked_set *set;

    cs_assert(n <= CS_REVOKED_MAX);
    set = cs_alloc(size_of(n_slots));
    set->magic = MAGIC;
    set->n_slots = (uint32_t)n_slots;
    for (size_t i = 0; i < n; i++)
        add(set, &items[i]);
    return set;
}

struct cs_revoked_set *cs_revoked_set_free(struct cs_revoked_set *set)
{
    free(set);
    return NULL;
}

struct cs_str cs_revoked_set_bytes(const struct cs_revoked_set *set)
{
    return cs_str_make(set, size_of(set->n_slots));
}

const struct cs_revoked_set *cs_revoked_set_from(struct cs_str bytes)
{
    const struct cs_revoked_set *set = (const void *)bytes.ptr;

    if (bytes.len < sizeof(*set) || set->magic != MAGIC || set->n >= set->n_slots ||
        bytes.len != size_of(set->n_slots))
        return NULL;
    return set;
}

size_t cs_revoked_set_count(const struct cs_revoked_set *set)
{
    return set->n;
}

bool cs_revoked_set_check(const struct cs_revoked_set *set, const struct cs_cert *cert,
                          int64_t *ret_revoked_at, unsigned *ret_reason)
{
    uint8_t issuer[32], keys[2][CS_DIGEST_LEN];

    if (!set || set->n == 0)
        return false;
    cs_name_digest(cert->issuer, issuer);
    make_key(issuer, cert->serial, keys[0]);
    make_key(NULL, cert->serial, keys[1]);
    for (size_t i = 0; i < 2; i++) {
        const struct slot *slot = &set->slots[find(set, keys[i])];
        if (!slot->taken)
            continue;
        *ret_revoked_at = slot->revoked_at;
        *ret_reason = slot->reason;
        return true;
    }
    return false;
}
