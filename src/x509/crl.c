/* Two passes over the DER. The first reads each list's frame and counts its entries, so that
 * one block of the right size can be mapped; the second puts each serial number with its
 * date and reason into that list's hash table (open addressing, slots of one size, three
 * quarters full). A million entries with 20-byte serials take 34 MB. The block has offsets and no
 * pointers, so that a process can be handed it. It knows nothing of trust: whose signature a list
 * has is judged beside it, for each trust set. */
#include "x509/crl.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "base/time.h"
#include "x509/der.h"
#include "x509/digest.h"
#include "x509/findings.h"
#include "x509/list.h"
#include "x509/name.h"
#include "x509/pem.h"
#include "x509/coverage.h"

enum {
    SIGNATURE_MAX = 2048,
    LISTS_MAX = 4096,
    TAIL = 5, /* date (4 bytes) and reason behind the serial number of a slot */
};

enum signature_kind { SIGNATURE_ECDSA, SIGNATURE_RSA, SIGNATURE_PSS, SIGNATURE_ED25519 };

/* Some bytes of the block. */
struct span {
    size_t at, len;
};

/* One list, as it lies in the block. */
struct list {
    uint8_t issuer[32]; /* cs_name_digest() */
    uint8_t aki[32];    /* SHA-256 of the authority key identifier */
    bool has_aki;
    int64_t this_update, next_update;
    size_t n_entries;
    size_t serial_room; /* longest serial number */
    size_t n_slots;
    size_t slots;             /* offset in the block */
    struct span name;         /* of the issuer, DER */
    bool is_part, users, cas; /* as in struct cs_coverage, with the next one */
    struct span part_names;
    /* for verification later */
    struct span tbs; /* of Ed25519 lists only, whose signature is over the message itself */
    enum signature_kind signature_kind;
    unsigned digest_len;
    uint8_t digest[64];
    size_t signature_len;
    uint8_t signature[SIGNATURE_MAX];
};

/* What the block begins with; the lists follow, then the bytes that they refer to. */
struct header {
    uint64_t magic; /* of this layout */
    size_t size, n_lists;
    uint8_t digest[32];
};

static const uint64_t magic = 0x3243524c53434453; /* to be changed with any of these structs */

/* All lists of some files, one behind the other. */
struct table {
    unsigned n_refs;
    uint8_t *block;
    size_t size;
    const struct list *lists; /* in the block */
    size_t n_lists;
    bool has_parts;        /* among them */
    const uint8_t *digest; /* the same */
};

/* What a list is spoken of by, beside the block. */
struct frame {
    struct cs_str issuer;
    struct cs_str tbs; /* of Ed25519 lists only */
    struct cs_str part_names;
    struct cs_str file;
    struct cs_place place;
};

struct cs_crl_lists {
    struct cs_arena arena;
    struct table *table;
    struct frame *frames; /* of the order of the table's lists; their bytes lie in the block */
};

/* The key that verified a list, if one has. */
struct signer {
    bool verified;
    uint8_t spki_sha256[32];
};

struct cs_crl_set {
    struct table *table;
    struct signer signers[]; /* of the order of the table's lists */
};

/* A list while it is read. */
struct draft {
    struct list list;   /* as it will lie in the block */
    struct cs_crl read; /* as it was read */
    struct frame frame;
};

struct builder {
    struct cs_arena arena;
    struct cs_findings *findings;
    struct draft *drafts;
    size_t n, room;
};

/* ---- refusals ---- */

static bool refuse(struct builder *b, const struct draft *d, const struct cs_finding_kind *kind,
                   struct cs_str operand, struct cs_str why)
{
    const struct frame *f = &d->frame;
    struct cs_str issuer = f->issuer.len ? cs_name_text(f->issuer, &b->arena) : (struct cs_str){0};
    char this_update[CS_TIME_TEXT], next_update[CS_TIME_TEXT];

    CS_FIND(b->findings, kind, &f->place, issuer, cs_time_iso(d->list.this_update, this_update),
            cs_time_iso(d->list.next_update, next_update), f->file, operand, why);
    return false;
}

static bool malformed(struct builder *b, const struct draft *d, const char *part, const char *why)
{
    return refuse(b, d, CS_X509_KIND(CRL_MALFORMED), cs_str_from(part), cs_str_from(why));
}

static bool unsupported(struct builder *b, const struct draft *d, const char *why)
{
    return refuse(b, d, CS_X509_KIND(CRL_UNSUPPORTED), cs_str_from(why), (struct cs_str){0});
}

/* ---- signature ---- */

static const struct algorithm {
    struct cs_str oid;
    enum signature_kind kind;
    const EVP_MD *(*digest)(void);
} algorithms[] = {
    {CS_STR_INIT("\x2a\x86\x48\xce\x3d\x04\x03\x02"), SIGNATURE_ECDSA, EVP_sha256},
    {CS_STR_INIT("\x2a\x86\x48\xce\x3d\x04\x03\x03"), SIGNATURE_ECDSA, EVP_sha384},
    {CS_STR_INIT("\x2a\x86\x48\xce\x3d\x04\x03\x04"), SIGNATURE_ECDSA, EVP_sha512},
    {CS_STR_INIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"), SIGNATURE_RSA, EVP_sha256},
    {CS_STR_INIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"), SIGNATURE_RSA, EVP_sha384},
    {CS_STR_INIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"), SIGNATURE_RSA, EVP_sha512},
    {CS_STR_INIT("\x2b\x65\x70"), SIGNATURE_ED25519, NULL},
};

static const struct cs_str pss_oid = CS_STR_INIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a");

static const struct {
    struct cs_str oid;
    const EVP_MD *(*digest)(void);
} digests[] = {
    {CS_STR_INIT("\x60\x86\x48\x01\x65\x03\x04\x02\x01"), EVP_sha256},
    {CS_STR_INIT("\x60\x86\x48\x01\x65\x03\x04\x02\x02"), EVP_sha384},
    {CS_STR_INIT("\x60\x86\x48\x01\x65\x03\x04\x02\x03"), EVP_sha512},
};

/* RFC 4055 section 3.1: the digest out of RSASSA-PSS-params; NULL: SHA-1, the default. */
static const EVP_MD *pss_digest(struct cs_str parameters)
{
    struct cs_str params, tagged, algorithm, oid;

    if (!cs_der_take(&parameters, CS_DER_SEQUENCE, &params) ||
        !cs_der_take(&params, CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED, &tagged) ||
        !cs_der_take(&tagged, CS_DER_SEQUENCE, &algorithm) || !cs_der_oid(&algorithm, &oid))
        return NULL;
    for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
        if (cs_str_eq(digests[i].oid, oid))
            return digests[i].digest();
    }
    return NULL;
}

/* What the signature is made with; the digest of the signed part is taken at once. */
static bool read_algorithm(struct builder *b, struct draft *d)
{
    const EVP_MD *digest = NULL;
    struct cs_str algorithm = d->read.algorithm, content, oid;
    bool known = false;

    if (!cs_der_take(&algorithm, CS_DER_SEQUENCE, &content) || !cs_der_oid(&content, &oid))
        return malformed(b, d, "signature algorithm", "it is not an AlgorithmIdentifier");
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (!cs_str_eq(algorithms[i].oid, oid))
            continue;
        known = true;
        d->list.signature_kind = algorithms[i].kind;
        digest = algorithms[i].digest ? algorithms[i].digest() : NULL;
    }
    if (cs_str_eq(oid, pss_oid)) {
        d->list.signature_kind = SIGNATURE_PSS;
        digest = pss_digest(content);
        known = digest != NULL;
    }
    if (!known)
        return refuse(b, d, CS_X509_KIND(CRL_WEAK_SIGNATURE), cs_der_oid_text(oid, &b->arena),
                      (struct cs_str){0});
    EVP_Digest(d->frame.tbs.ptr, d->frame.tbs.len, d->list.digest, &d->list.digest_len,
               digest ? digest : EVP_sha256(), NULL);
    return true;
}

static EVP_PKEY *read_public_key(struct cs_str spki)
{
    const uint8_t *p = (const uint8_t *)spki.ptr;

    return d2i_PUBKEY(NULL, &p, (long)spki.len);
}

static const EVP_MD *digest_of_len(unsigned len)
{
    return len == 32 ? EVP_sha256() : len == 48 ? EVP_sha384() : EVP_sha512();
}

static bool set_padding(EVP_PKEY_CTX *ctx, const struct list *list)
{
    if (list->signature_kind != SIGNATURE_PSS)
        return true;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, digest_of_len(list->digest_len)) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, -2 /* as the signature has it */) > 0;
}

static bool fits_key(const EVP_PKEY *key, enum signature_kind kind)
{
    switch (EVP_PKEY_id(key)) {
    case EVP_PKEY_EC: return kind == SIGNATURE_ECDSA;
    case EVP_PKEY_RSA: return kind == SIGNATURE_RSA || kind == SIGNATURE_PSS;
    case EVP_PKEY_RSA_PSS: return kind == SIGNATURE_PSS;
    default: return false;
    }
}

/* The signature over the remembered digest. */
static bool verify_digest(const struct list *list, EVP_PKEY *key)
{
    EVP_PKEY_CTX *ctx = fits_key(key, list->signature_kind) ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    bool ok = ctx && EVP_PKEY_verify_init(ctx) > 0 && set_padding(ctx, list) &&
              EVP_PKEY_CTX_set_signature_md(ctx, digest_of_len(list->digest_len)) > 0 &&
              EVP_PKEY_verify(ctx, list->signature, list->signature_len, list->digest,
                              list->digest_len) == 1;

    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static bool verify_message(const struct list *list, struct cs_str tbs, EVP_PKEY *key)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_PKEY_id(key) == EVP_PKEY_ED25519 &&
              EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestVerify(ctx, list->signature, list->signature_len, (const uint8_t *)tbs.ptr,
                               tbs.len) == 1;

    EVP_MD_CTX_free(ctx);
    return ok;
}

/* @tbs is empty when only the digest is left. */
static bool verify_list(const struct list *list, struct cs_str tbs, const struct cs_cert *issuer)
{
    EVP_PKEY *key = read_public_key(issuer->spki);
    bool ok = false;

    if (key && list->signature_kind != SIGNATURE_ED25519)
        ok = verify_digest(list, key);
    else if (key && tbs.len)
        ok = verify_message(list, tbs, key);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}

/* ---- what kinds are taken ---- */

/* Whatever makes it the supplement of another list, or narrows it in a way that is not understood.
 */
static bool check_kind(struct builder *b, struct draft *d)
{
    struct cs_coverage coverage;
    const char *why = cs_coverage_read(&d->read, &coverage);

    if (d->read.is_delta)
        return unsupported(b, d, "it is a delta list, which completes another one");
    if (why)
        return unsupported(b, d, why);
    if (d->read.unknown_critical.len)
        return unsupported(
            b, d,
            cs_arena_printf(&b->arena, "it has the unknown critical extension %.*s",
                            CS_FMT(cs_der_oid_text(d->read.unknown_critical, &b->arena)))
                .ptr);
    d->list.is_part = coverage.is_part;
    d->list.users = coverage.users;
    d->list.cas = coverage.cas;
    d->frame.part_names = coverage.names;
    return true;
}

static bool read_list(struct builder *b, struct draft *d)
{
    struct cs_crl *read = &d->read;
    struct cs_crl_fault fault;
    bool well_formed = cs_crl_parse(read->der, read, &fault);

    d->frame.issuer = read->issuer;
    d->frame.tbs = read->tbs;
    d->list.this_update = read->this_update;
    d->list.next_update = read->next_update;
    if (!well_formed)
        return malformed(b, d, fault.part, fault.why);
    if (read->signature.len > SIGNATURE_MAX)
        return malformed(b, d, "signature", "it is longer than 2048 bytes");
    memcpy(d->list.signature, read->signature.ptr, read->signature.len);
    d->list.signature_len = read->signature.len;
    cs_name_digest(read->issuer, d->list.issuer);
    d->list.has_aki = read->has_aki;
    SHA256((const uint8_t *)read->aki.ptr, read->aki.len, d->list.aki);
    d->list.n_entries = read->n_entries;
    d->list.serial_room = read->serial_max;
    d->list.n_slots = read->n_entries + read->n_entries / 3 + 1;
    return check_kind(b, d) && read_algorithm(b, d);
}

/* ---- the block ---- */

static size_t slot_len(const struct list *list)
{
    return 1 + list->serial_room + TAIL;
}

/* Eight bytes at a time; the serial numbers come from a CA we trust, not from a peer. */
static uint32_t hash_serial(struct cs_str serial)
{
    uint64_t h = serial.len;

    for (size_t i = 0; i < serial.len; i += sizeof(h)) {
        size_t left = serial.len - i;
        uint64_t word = 0;
        memcpy(&word, serial.ptr + i, left < sizeof(word) ? left : sizeof(word));
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    return (uint32_t)(h * 0x9e3779b97f4a7c15u >> 32);
}

/* Where the search for @serial starts. */
static size_t first_slot(const struct list *list, struct cs_str serial)
{
    return (size_t)((uint64_t)hash_serial(serial) * list->n_slots >> 32);
}

/* The slot that holds @serial, or the free one where it belongs. There always is one. */
static uint8_t *find_slot(uint8_t *slots, const struct list *list, struct cs_str serial, size_t at)
{
    size_t len = slot_len(list);

    for (;;) {
        uint8_t *slot = slots + at * len;
        if (slot[0] == 0)
            return slot;
        if (slot[0] == serial.len && memcmp(slot + 1, serial.ptr, serial.len) == 0)
            return slot;
        if (++at == list->n_slots)
            at = 0;
    }
}

static uint32_t clip_date(int64_t sec)
{
    return sec < 0 ? 0 : sec > UINT32_MAX ? UINT32_MAX : (uint32_t)sec;
}

/* An entry on its way into the table. */
struct entry {
    struct cs_str serial;
    uint32_t date;
    uint8_t reason;
    size_t at;
};

static bool read_entry(struct builder *b, const struct draft *d, struct cs_str *rest,
                       struct entry *ret)
{
    struct cs_crl_entry entry;
    const char *why = cs_crl_next(rest, &entry);

    if (why)
        return malformed(b, d, "revokedCertificates", why);
    if (entry.unknown_critical)
        return unsupported(b, d, "an entry has an unknown critical extension");
    ret->serial = entry.serial;
    ret->date = clip_date(entry.date);
    ret->reason = (uint8_t)entry.reason;
    ret->at = first_slot(&d->list, ret->serial);
    return true;
}

static void put_entry(const struct list *list, uint8_t *slots, const struct entry *e)
{
    uint8_t *slot = find_slot(slots, list, e->serial, e->at);

    if (slot[0])
        return; /* listed twice: the first entry counts */
    slot[0] = (uint8_t)e->serial.len;
    memcpy(slot + 1, e->serial.ptr, e->serial.len);
    memcpy(slot + 1 + list->serial_room, &e->date, sizeof(e->date));
    slot[1 + list->serial_room + sizeof(e->date)] = e->reason;
}

/* Slots lie far apart: each entry's is asked for from memory while the entries before it are
 * put into theirs. */
static bool fill_list(struct builder *b, const struct draft *d, uint8_t *slots)
{
    enum { AHEAD = 16 };
    struct cs_str rest = d->read.entries;
    struct entry pending[AHEAD];
    size_t n = 0;

    for (; rest.len; n++) {
        struct entry *e = &pending[n % AHEAD];
        if (n >= AHEAD)
            put_entry(&d->list, slots, e);
        if (!read_entry(b, d, &rest, e))
            return false;
        __builtin_prefetch(slots + e->at * slot_len(&d->list), 1);
    }
    for (size_t i = n > AHEAD ? n - AHEAD : 0; i < n; i++)
        put_entry(&d->list, slots, &pending[i % AHEAD]);
    return true;
}

static struct span place(size_t *size, size_t len)
{
    struct span span = {*size, len};

    *size += len;
    return span;
}

/* Lay the lists out one behind the other. Return: size of the block. */
static size_t place_lists(struct builder *b)
{
    size_t size = sizeof(struct header) + b->n * sizeof(struct list);

    for (size_t i = 0; i < b->n; i++) {
        struct draft *d = &b->drafts[i];
        d->list.name = place(&size, d->frame.issuer.len);
        d->list.part_names = place(&size, d->frame.part_names.len);
        if (d->list.signature_kind == SIGNATURE_ED25519)
            d->list.tbs = place(&size, d->frame.tbs.len);
        d->list.slots = place(&size, d->list.n_slots * slot_len(&d->list)).at;
    }
    return size;
}

/* The digest of a list's signed part stands for the list, so nothing is hashed twice. */
static void digest_lists(const struct builder *b, uint8_t ret_digest[CS_DIGEST_LEN])
{
    struct cs_digest digest;

    cs_digest_init(&digest);
    for (size_t i = 0; i < b->n; i++) {
        const struct list *list = &b->drafts[i].list;
        cs_digest_add(&digest, cs_str_make(list->digest, sizeof(list->digest)));
        cs_digest_add(&digest, cs_str_make(list->signature, list->signature_len));
    }
    cs_digest_final(&digest, ret_digest);
}

static bool fill_block(struct builder *b, uint8_t *block, size_t size)
{
    struct header *header = (struct header *)block;
    struct list *lists = (struct list *)(header + 1);

    *header = (struct header){.magic = magic, .size = size, .n_lists = b->n};
    digest_lists(b, header->digest);
    for (size_t i = 0; i < b->n; i++) {
        const struct draft *d = &b->drafts[i];
        lists[i] = d->list;
        memcpy(block + d->list.name.at, d->frame.issuer.ptr, d->list.name.len);
        if (d->list.part_names.len)
            memcpy(block + d->list.part_names.at, d->frame.part_names.ptr, d->list.part_names.len);
        if (d->list.tbs.len)
            memcpy(block + d->list.tbs.at, d->frame.tbs.ptr, d->list.tbs.len);
        if (!fill_list(b, d, block + d->list.slots))
            return false;
    }
    return true;
}

static struct table *table_over(uint8_t *block)
{
    const struct header *header = (const struct header *)block;
    struct table *table = CS_NEW(struct table);

    *table = (struct table){.n_refs = 1,
                            .block = block,
                            .size = header->size,
                            .lists = (const struct list *)(header + 1),
                            .n_lists = header->n_lists,
                            .digest = header->digest};
    for (size_t i = 0; i < table->n_lists; i++)
        table->has_parts = table->has_parts || table->lists[i].is_part;
    return table;
}

static int make_table(struct builder *b, struct table **ret_table)
{
    size_t size = place_lists(b);
    uint8_t *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (block == MAP_FAILED)
        return -ENOMEM;
    (void)madvise(block, size, MADV_HUGEPAGE); /* fewer faults now, fewer misses later */
    if (!fill_block(b, block, size)) {
        munmap(block, size);
        return CS_CRL_REFUSED;
    }
    (void)mprotect(block, size, PROT_READ);
    *ret_table = table_over(block);
    return 0;
}

/* ---- a block that somebody else has made ---- */

static bool is_inside(struct span span, size_t size)
{
    return span.at <= size && span.len <= size - span.at;
}

static bool is_sound_list(const struct list *list, size_t size)
{
    size_t room = size / slot_len(list);

    return list->serial_room <= UINT8_MAX && list->n_entries < list->n_slots &&
           list->n_slots <= room &&
           is_inside((struct span){list->slots, list->n_slots * slot_len(list)}, size) &&
           is_inside(list->name, size) && is_inside(list->tbs, size) &&
           is_inside(list->part_names, size) && list->signature_len <= SIGNATURE_MAX &&
           list->digest_len <= sizeof(list->digest);
}

static bool is_sound(struct cs_str block)
{
    const struct header *header = (const struct header *)block.ptr;
    const struct list *lists = (const struct list *)(header + 1);

    if (block.len < sizeof(*header) || (uintptr_t)block.ptr % _Alignof(struct header) ||
        header->magic != magic || header->size != block.len ||
        header->n_lists > (block.len - sizeof(*header)) / sizeof(*lists))
        return false;
    for (size_t i = 0; i < header->n_lists; i++) {
        if (!is_sound_list(&lists[i], block.len))
            return false;
    }
    return true;
}

static void table_unref(struct table *table)
{
    if (--table->n_refs > 0)
        return;
    munmap(table->block, table->size);
    free(table);
}

/* ---- files ---- */

static bool add_list(struct builder *b, struct cs_str der, const struct cs_source *source)
{
    if (b->n == b->room) {
        size_t room = b->room ? b->room * 2 : 4;
        struct draft *drafts = cs_arena_array(&b->arena, room, sizeof(*drafts));
        if (b->n)
            memcpy(drafts, b->drafts, b->n * sizeof(*drafts));
        b->drafts = drafts;
        b->room = room;
    }
    b->drafts[b->n] = (struct draft){.read = {.der = der},
                                     .frame = {.file = source->file, .place = source->place}};
    if (b->n == LISTS_MAX)
        return unsupported(b, &b->drafts[0], "there are more than 4096 lists");
    return read_list(b, &b->drafts[b->n++]);
}

static bool unreadable(struct builder *b, const struct cs_source *source, const char *why)
{
    struct draft d = {.frame = {.file = source->file, .place = source->place}};

    return refuse(b, &d, CS_X509_KIND(CRL_UNREADABLE), cs_str_from(why), (struct cs_str){0});
}

static bool read_source(struct builder *b, const struct cs_source *source)
{
    struct cs_str rest = source->bytes;
    struct cs_pem_block block;
    size_t before = b->n;
    int r;

    if (cs_pem_is_der(source->bytes))
        return add_list(b, source->bytes, source);
    while ((r = cs_pem_next(&rest, &b->arena, &block)) > 0) {
        if (!cs_str_eq(block.label, CS_STR("X509 CRL")))
            continue;
        if (block.has_headers || !add_list(b, block.der, source))
            return block.has_headers ? unreadable(b, source, "a block has headers") : false;
    }
    if (r < 0)
        return unreadable(b, source, "a block does not end or is not base64");
    return b->n > before ||
           unreadable(b, source, "there is no X509 CRL block in it, and it is not DER");
}

static struct cs_crl_lists *lists_over(struct table *table)
{
    struct cs_crl_lists *lists = CS_NEW(struct cs_crl_lists);
    const char *block = (const char *)table->block;

    cs_arena_init(&lists->arena);
    lists->table = table;
    lists->frames = cs_arena_array(&lists->arena, table->n_lists, sizeof(*lists->frames));
    for (size_t i = 0; i < table->n_lists; i++) {
        const struct list *list = &table->lists[i];
        lists->frames[i].issuer = cs_str_make(block + list->name.at, list->name.len);
        lists->frames[i].tbs = cs_str_make(block + list->tbs.at, list->tbs.len);
        lists->frames[i].part_names =
            cs_str_make(block + list->part_names.at, list->part_names.len);
    }
    return lists;
}

/* List @i is from there. */
static void set_source(struct cs_crl_lists *lists, size_t i, struct cs_str file,
                       const struct cs_place *place)
{
    struct frame *frame = &lists->frames[i];

    frame->file = cs_arena_dup(&lists->arena, file);
    frame->place = *place;
    frame->place.file = cs_arena_dup(&lists->arena, place->file);
    frame->place.text = cs_arena_dup(&lists->arena, place->text);
}

/* What is needed of the drafts when the files are gone. */
static struct cs_crl_lists *keep(const struct builder *b, struct table *table)
{
    struct cs_crl_lists *lists = lists_over(table);

    for (size_t i = 0; i < b->n; i++)
        set_source(lists, i, b->drafts[i].frame.file, &b->drafts[i].frame.place);
    return lists;
}

static int read_sources(struct builder *b, const struct cs_source *sources, size_t n_sources,
                        struct cs_crl_lists **ret_lists)
{
    struct table *table;
    bool ok = true;
    int r;

    for (size_t i = 0; i < n_sources; i++)
        ok = read_source(b, &sources[i]) && ok;
    r = ok ? make_table(b, &table) : CS_CRL_REFUSED;
    if (r == 0)
        *ret_lists = keep(b, table);
    return r;
}

int cs_crl_lists_new(const struct cs_source *sources, size_t n_sources,
                     struct cs_findings *findings, struct cs_crl_lists **ret_lists)
{
    struct builder b = {.findings = findings};
    int r;

    cs_arena_init(&b.arena);
    r = read_sources(&b, sources, n_sources, ret_lists);
    cs_arena_deinit(&b.arena);
    return r;
}

int cs_crl_lists_open(struct cs_str block, const struct cs_source *source,
                      struct cs_crl_lists **ret_lists)
{
    struct cs_crl_lists *lists;

    if (!is_sound(block))
        return -EBADMSG;
    lists = lists_over(table_over((uint8_t *)block.ptr));
    for (size_t i = 0; i < lists->table->n_lists; i++)
        set_source(lists, i, source->file, &source->place);
    *ret_lists = lists;
    return 0;
}

int cs_crl_lists_move(const struct cs_crl_lists *lists, struct cs_str block,
                      struct cs_crl_lists **ret_lists)
{
    const struct cs_source nowhere = {0};
    struct cs_crl_lists *moved;

    if (cs_crl_lists_open(block, &nowhere, &moved) < 0)
        return -EBADMSG;
    for (size_t i = 0; i < moved->table->n_lists && i < lists->table->n_lists; i++)
        set_source(moved, i, lists->frames[i].file, &lists->frames[i].place);
    *ret_lists = moved;
    return 0;
}

struct cs_str cs_crl_lists_block(const struct cs_crl_lists *lists)
{
    return cs_str_make(lists->table->block, lists->table->size);
}

const uint8_t *cs_crl_lists_digest(const struct cs_crl_lists *lists)
{
    return lists->table->digest;
}

void cs_crl_lists_free(struct cs_crl_lists *lists)
{
    if (!lists)
        return;
    table_unref(lists->table);
    cs_arena_deinit(&lists->arena);
    free(lists);
}

bool cs_crl_lists_next(const struct cs_crl_lists *lists, size_t *at, struct cs_crl_facts *ret_facts)
{
    const struct list *list;

    if (*at == lists->table->n_lists)
        return false;
    list = &lists->table->lists[*at];
    *ret_facts = (struct cs_crl_facts){.issuer = lists->frames[*at].issuer,
                                       .file = lists->frames[*at].file,
                                       .this_update = list->this_update,
                                       .next_update = list->next_update,
                                       .n_entries = list->n_entries};
    ++*at;
    return true;
}

/* ---- who signed it ---- */

/* What lists call a CA by. */
struct maker {
    const struct cs_cert *ca;
    uint8_t name[32];
    uint8_t key_id[32]; /* if the CA has one */
};

static struct maker maker_of(const struct cs_cert *ca)
{
    struct maker maker = {.ca = ca};

    cs_name_digest(ca->subject, maker.name);
    if (ca->ski.len)
        SHA256((const uint8_t *)ca->ski.ptr, ca->ski.len, maker.key_id);
    return maker;
}

/* Whether @list says that it is @maker's. */
static bool is_by(const struct list *list, const struct maker *maker)
{
    return memcmp(list->issuer, maker->name, sizeof(maker->name)) == 0 &&
           (!list->has_aki || !maker->ca->ski.len ||
            memcmp(list->aki, maker->key_id, sizeof(maker->key_id)) == 0);
}

/* One of the trusted CAs, or nobody known yet; a known CA whose key does not fit is a fault. */
static bool check_signer(struct builder *b, const struct draft *d, const struct cs_cert *cas,
                         size_t n_cas, struct signer *ret_signer)
{
    bool named = false;

    for (size_t i = 0; i < n_cas; i++) {
        struct maker maker = maker_of(&cas[i]);
        if (!is_by(&d->list, &maker))
            continue;
        named = true;
        if (!verify_list(&d->list, d->frame.tbs, &cas[i]))
            continue;
        ret_signer->verified = true;
        memcpy(ret_signer->spki_sha256, cas[i].spki_sha256, sizeof(ret_signer->spki_sha256));
        return true;
    }
    if (named)
        return refuse(b, d, CS_X509_KIND(CRL_SIGNATURE_INVALID),
                      CS_STR("it was not made with the key of the trusted CA of that name"),
                      (struct cs_str){0});
    if (d->list.signature_kind == SIGNATURE_ED25519)
        return refuse(b, d, CS_X509_KIND(CRL_SIGNATURE_INVALID),
                      CS_STR("its issuer is not among the trusted certificates, and an Ed25519 "
                             "signature can only be checked while the list is read"),
                      (struct cs_str){0});
    (void)refuse(b, d, CS_X509_KIND(CRL_ISSUER_UNKNOWN), (struct cs_str){0}, (struct cs_str){0});
    return true;
}

int cs_crl_set_new(const struct cs_crl_lists *lists, const struct cs_cert *cas, size_t n_cas,
                   const struct cs_place *place, struct cs_findings *findings,
                   struct cs_crl_set **ret_set)
{
    struct builder b = {.findings = findings};
    struct table *table = lists->table;
    struct cs_crl_set *set = cs_alloc(sizeof(*set) + table->n_lists * sizeof(set->signers[0]));
    bool ok = true;

    *set = (struct cs_crl_set){.table = table};
    table->n_refs++;
    cs_arena_init(&b.arena);
    for (size_t i = 0; ok && i < table->n_lists; i++) {
        struct draft d = {.list = table->lists[i], .frame = lists->frames[i]};
        if (place)
            d.frame.place = *place;
        set->signers[i] = (struct signer){0};
        ok = check_signer(&b, &d, cas, n_cas, &set->signers[i]);
    }
    cs_arena_deinit(&b.arena);
    if (ok)
        *ret_set = set;
    else
        cs_crl_set_free(set);
    return ok ? 0 : CS_CRL_REFUSED;
}

void cs_crl_set_free(struct cs_crl_set *set)
{
    if (!set)
        return;
    table_unref(set->table);
    free(set);
}

const uint8_t *cs_crl_set_digest(const struct cs_crl_set *set)
{
    return set->table->digest;
}

const void *cs_crl_set_block(const struct cs_crl_set *set, size_t *ret_size)
{
    *ret_size = set->table->size;
    return set->table->block;
}

static size_t count_entries(const struct table *table)
{
    size_t n = 0;

    for (size_t i = 0; i < table->n_lists; i++)
        n += table->lists[i].n_entries;
    return n;
}

size_t cs_crl_lists_entries(const struct cs_crl_lists *lists)
{
    return count_entries(lists->table);
}

size_t cs_crl_set_entries(const struct cs_crl_set *set)
{
    return count_entries(set->table);
}

/* ---- asking ---- */

/* A certificate that is asked about. */
struct question {
    const struct cs_crl_set *set;
    const struct cs_cert *cert;
    struct maker issuer;
    struct cs_points points; /* of the certificate, if there are parts */
    int64_t now_sec;
};

static bool is_valid_at(const struct list *list, int64_t now_sec)
{
    return list->this_update <= now_sec && now_sec < list->next_update;
}

/* Whether @a is to be consulted rather than @b. */
static bool is_better(const struct list *a, const struct list *b, int64_t now_sec)
{
    bool a_valid = is_valid_at(a, now_sec), b_valid = is_valid_at(b, now_sec);

    return a_valid != b_valid ? a_valid : a->this_update > b->this_update;
}

static bool covers(const struct list *list, const struct question *q)
{
    const char *block = (const char *)q->set->table->block;
    struct cs_coverage coverage = {
        .is_part = list->is_part, .users = list->users, .cas = list->cas};

    if (!list->is_part)
        return true;
    coverage.names = cs_str_make(block + list->part_names.at, list->part_names.len);
    return cs_coverage_has(&coverage, q->cert, &q->points);
}

static bool is_signed(const struct list *list, const struct question *q)
{
    const struct signer *signer = &q->set->signers[list - q->set->table->lists];
    const struct cs_cert *issuer = q->issuer.ca;

    if (signer->verified)
        return memcmp(signer->spki_sha256, issuer->spki_sha256, 32) == 0;
    return verify_list(list, (struct cs_str){0}, issuer);
}

static bool may_sign(const struct cs_cert *issuer)
{
    return !issuer->has_key_usage || issuer->key_usage & CS_USAGE_CRL_SIGN;
}

static enum cs_crl_status status_at(const struct list *list, int64_t now_sec)
{
    if (now_sec >= list->next_update)
        return CS_CRL_EXPIRED;
    return now_sec < list->this_update ? CS_CRL_NOT_YET_VALID : CS_CRL_GOOD;
}

/* The list to consult. Return: it, or NULL with *@answer saying why. */
static const struct list *choose_list(const struct question *q, struct cs_crl_answer *answer)
{
    const struct list *best = NULL;

    answer->status = CS_CRL_MISSING;
    for (size_t i = 0; i < q->set->table->n_lists; i++) {
        const struct list *list = &q->set->table->lists[i];
        if (!is_by(list, &q->issuer))
            continue;
        if (!covers(list, q))
            answer->has_others = true;
        else if (!is_signed(list, q))
            answer->status = CS_CRL_BAD_SIGNATURE;
        else if (!best || is_better(list, best, q->now_sec))
            best = list;
    }
    return best;
}

static bool look_up(const struct question *q, const struct list *list, struct cs_crl_answer *ret)
{
    struct cs_str serial = q->cert->serial;
    const uint8_t *slot;
    uint32_t date;

    if (list->n_entries == 0 || serial.len > list->serial_room)
        return false;
    slot = find_slot(q->set->table->block + list->slots, list, serial, first_slot(list, serial));
    if (slot[0] == 0)
        return false;
    memcpy(&date, slot + 1 + list->serial_room, sizeof(date));
    ret->revoked_at = date;
    ret->reason = slot[1 + list->serial_room + sizeof(date)];
    return true;
}

/* Whether @other was made for the same certificate at the same time as @list: which of the two is
 * newer cannot be told. */
static bool is_like(const struct list *other, const struct list *list, const struct question *q)
{
    return other->this_update == list->this_update &&
           is_valid_at(other, q->now_sec) == is_valid_at(list, q->now_sec) &&
           is_by(other, &q->issuer) && covers(other, q) && is_signed(other, q);
}

/* On @list, or on another one like it: both count. */
static bool on_any_like(const struct question *q, const struct list *list,
                        struct cs_crl_answer *ret)
{
    for (size_t i = 0; i < q->set->table->n_lists; i++) {
        const struct list *other = &q->set->table->lists[i];
        if ((other == list || is_like(other, list, q)) && look_up(q, other, ret))
            return true;
    }
    return false;
}

struct cs_crl_answer cs_crl_set_check(const struct cs_crl_set *set, const struct cs_cert *cert,
                                      const struct cs_cert *issuer, int64_t now_sec)
{
    struct question q = {.set = set, .cert = cert, .issuer = maker_of(issuer), .now_sec = now_sec};
    struct cs_crl_answer answer = {0};
    const struct list *list;

    if (set->table->has_parts)
        cs_points_of(cert, &q.points);
    list = choose_list(&q, &answer);
    if (!list)
        return answer;
    answer.this_update = list->this_update;
    answer.next_update = list->next_update;
    if (!may_sign(issuer))
        answer.status = CS_CRL_SIGNER_MISMATCH;
    else if (on_any_like(&q, list, &answer))
        answer.status = CS_CRL_REVOKED;
    else
        answer.status = status_at(list, now_sec);
    return answer;
}

/* ---- all lists of a CA ---- */

/* Whether @a covers whatever @b does, as far as their words go. */
static bool is_as_wide(const struct list *a, const struct list *b, const struct table *table)
{
    return !a->is_part || (b->is_part && a->users == b->users && a->cas == b->cas &&
                           a->part_names.len == b->part_names.len &&
                           memcmp(table->block + a->part_names.at, table->block + b->part_names.at,
                                  a->part_names.len) == 0);
}

/* Whether another one is consulted wherever @list could be. */
static bool is_superseded(const struct list *list, const struct question *q)
{
    const struct table *table = q->set->table;

    for (size_t i = 0; i < table->n_lists; i++) {
        const struct list *other = &table->lists[i];
        if (is_by(other, &q->issuer) && is_as_wide(other, list, table) &&
            is_better(other, list, q->now_sec) && is_signed(other, q))
            return true;
    }
    return false;
}

static bool is_worse(const struct list *a, const struct list *b, int64_t now_sec)
{
    enum cs_crl_status sa = status_at(a, now_sec), sb = status_at(b, now_sec);

    return sa != sb ? sa > sb : a->next_update < b->next_update;
}

struct cs_crl_answer cs_crl_set_survey(const struct cs_crl_set *set, const struct cs_cert *ca,
                                       int64_t now_sec)
{
    struct question q = {.set = set, .issuer = maker_of(ca), .now_sec = now_sec};
    struct cs_crl_answer answer = {.status = CS_CRL_MISSING};
    const struct list *worst = NULL;

    for (size_t i = 0; i < set->table->n_lists; i++) {
        const struct list *list = &set->table->lists[i];
        if (is_by(list, &q.issuer) && is_signed(list, &q) && !is_superseded(list, &q) &&
            (!worst || is_worse(list, worst, now_sec)))
            worst = list;
    }
    if (!worst)
        return answer;
    answer.this_update = worst->this_update;
    answer.next_update = worst->next_update;
    answer.status = may_sign(ca) ? status_at(worst, now_sec) : CS_CRL_SIGNER_MISMATCH;
    return answer;
}

struct cs_str cs_crl_reason_text(unsigned reason)
{
    static const char *const words[] = {
        "unspecified",   "keyCompromise",        "cACompromise",    "affiliationChanged",
        "superseded",    "cessationOfOperation", "certificateHold", "unknown",
        "removeFromCRL", "privilegeWithdrawn",   "aACompromise"};

    return cs_str_from(reason < sizeof(words) / sizeof(words[0]) ? words[reason] : "unknown");
}
