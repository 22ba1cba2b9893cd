/* A hash table of reference-counted entries in the order of their last use. An entry owns copies
 * of the presented certificates, parsed once; trusted certificates on its path stay the trust
 * set's, which are part of the key. Revocation lists are not: they are asked at every use. */
#include "x509/memory.h"

#include "base/fast.h"
#include "base/list.h"
#include "base/mem.h"
#include "x509/digest.h"

struct cs_remembered {
    unsigned refs; /* the memory's own is one */
    uint8_t key[CS_DIGEST_LEN];
    struct cs_list bucket;
    struct cs_list order; /* most recently used first */
    struct cs_arena arena;
    size_t room;                /* bytes of memory that it takes */
    struct cs_anchors *anchors; /* one reference: the path ends in one of them */
    struct cs_identity identity;
    bool has_identity;         /* the leaf's claim was not refused */
    struct cs_str *ders;       /* as presented */
    struct cs_verdict verdict; /* of the first time; borrows from the arena and the anchors */
};

struct cs_chain_memory {
    size_t max, n;
    size_t room; /* of all entries */
    uint64_t hits;
    size_t n_buckets; /* a power of two */
    struct cs_list *buckets;
    struct cs_list order;
};

struct cs_chain_memory *cs_chain_memory_new(size_t max)
{
    struct cs_chain_memory *memory = CS_NEW(struct cs_chain_memory);

    memory->max = max ? max : 1;
    memory->n_buckets = 16;
    while (memory->n_buckets < max)
        memory->n_buckets *= 2;
    memory->buckets = cs_alloc(memory->n_buckets * sizeof(*memory->buckets));
    for (size_t i = 0; i < memory->n_buckets; i++)
        cs_list_init(&memory->buckets[i]);
    cs_list_init(&memory->order);
    return memory;
}

struct cs_remembered *cs_remembered_unref(struct cs_remembered *entry)
{
    if (!entry || --entry->refs > 0)
        return NULL;
    cs_anchors_unref(entry->anchors);
    cs_arena_deinit(&entry->arena);
    free(entry);
    return NULL;
}

static void forget(struct cs_chain_memory *memory, struct cs_remembered *entry)
{
    cs_list_remove(&entry->bucket);
    cs_list_remove(&entry->order);
    memory->n--;
    memory->room -= entry->room;
    cs_remembered_unref(entry);
}

struct cs_chain_memory *cs_chain_memory_free(struct cs_chain_memory *memory)
{
    if (!memory)
        return NULL;
    CS_LIST_FOREACH_SAFE (link, &memory->order)
        forget(memory, cs_container_of(link, struct cs_remembered, order));
    free(memory->buckets);
    free(memory);
    return NULL;
}

/* Everything that the lasting part of a verdict depends on. */
static void make_key(const struct cs_chain_query *q, uint8_t ret_key[CS_DIGEST_LEN])
{
    struct cs_digest digest;

    cs_digest_init(&digest);
    cs_digest_add(&digest,
                  cs_str_make(cs_anchors_digest(cs_trust_anchors0(q->trust)), CS_DIGEST_LEN));
    cs_digest_number(&digest, q->purpose);
    cs_digest_number(&digest, q->depth);
    cs_digest_add(&digest, q->host);
    cs_demand_digest(q->demand, &digest);
    cs_digest_number(&digest, (int64_t)q->n);
    for (size_t i = 0; i < q->n; i++)
        cs_digest_add(&digest, q->ders[i]);
    cs_digest_final(&digest, ret_key);
}

static struct cs_list *bucket_of(struct cs_chain_memory *memory, const uint8_t *key)
{
    uint64_t hash;

    memcpy(&hash, key, sizeof(hash)); /* the key is a digest: any part of it is as good */
    return &memory->buckets[hash & (memory->n_buckets - 1)];
}

static struct cs_remembered *find(struct cs_chain_memory *memory, const uint8_t *key,
                                  const struct cs_anchors *anchors)
{
    CS_LIST_FOREACH (link, bucket_of(memory, key)) {
        struct cs_remembered *entry = cs_container_of(link, struct cs_remembered, bucket);
        if (memcmp(entry->key, key, CS_DIGEST_LEN) == 0 && entry->anchors == anchors)
            return entry;
    }
    return NULL;
}

/* The certificate of the entry that stands for @cert of @verdict: its own copy of a presented
 * one, else the trust set's. */
static const struct cs_cert *stand_in(const struct cs_verdict *verdict,
                                      const struct cs_cert *copies, const struct cs_cert *cert)
{
    for (size_t i = 0; i < verdict->n_presented; i++) {
        if (cert == &verdict->presented[i])
            return &copies[i];
    }
    return cert;
}

/* Copies of the presented certificates, parsed. Return: NULL when one is not parsed alike. */
static struct cs_cert *copy_presented(struct cs_remembered *entry, const struct cs_verdict *verdict)
{
    struct cs_cert *copies = cs_arena_array(&entry->arena, verdict->n_presented, sizeof(*copies));
    struct cs_findings ignored;

    entry->ders = cs_arena_array(&entry->arena, verdict->n_presented, sizeof(*entry->ders));
    cs_findings_init(&ignored, &entry->arena);
    for (size_t i = 0; i < verdict->n_presented; i++) {
        entry->ders[i] = cs_arena_dup(&entry->arena, verdict->presented[i].der);
        if (cs_cert_parse(entry->ders[i], &entry->arena, &ignored, &copies[i]) != 0)
            return NULL;
    }
    return copies;
}

static struct cs_remembered *entry_new(const struct cs_chain_query *q,
                                       const struct cs_verdict *verdict, const uint8_t *key)
{
    struct cs_remembered *entry = CS_NEW(struct cs_remembered);
    struct cs_cert *copies = copy_presented(entry, verdict);
    const struct cs_cert **path;
    struct cs_findings ignored;

    if (!copies) {
        entry->refs = 1;
        return cs_remembered_unref(entry);
    }
    path = cs_arena_array(&entry->arena, verdict->n_path, sizeof(*path));
    for (size_t i = 0; i < verdict->n_path; i++)
        path[i] = stand_in(verdict, copies, verdict->path[i]);
    memcpy(entry->key, key, CS_DIGEST_LEN);
    entry->anchors = cs_anchors_ref(cs_trust_anchors0(q->trust));
    entry->verdict = *verdict;
    entry->verdict.presented = copies;
    entry->verdict.leaf = &copies[0];
    entry->verdict.path = path;
    entry->verdict.findings = (struct cs_findings){0};
    entry->verdict.cause = NULL;
    cs_findings_init(&ignored, &entry->arena);
    entry->has_identity =
        cs_identity_from_cert(&copies[0], &entry->arena, &ignored, &entry->identity) == 0;
    return entry;
}

/* Whoever has one good certificate can put others behind it and so make as many chains as there
 * is time for; the bytes are what has to be bounded. */
static void make_room(struct cs_chain_memory *memory, size_t room)
{
    while (memory->n > 0 && (memory->n == memory->max ||
                             memory->room + room > memory->max * CS_REMEMBERED_ROOM_MEAN))
        forget(memory, cs_container_of(memory->order.prev, struct cs_remembered, order));
}

/* Note an accepted verdict. Return: the entry with a reference for the caller, or NULL. */
static struct cs_remembered *remember(struct cs_chain_memory *memory,
                                      const struct cs_chain_query *q,
                                      const struct cs_verdict *verdict, const uint8_t *key)
{
    struct cs_remembered *entry;
    size_t n_bytes = 0;

    for (size_t i = 0; i < q->n; i++)
        n_bytes += q->ders[i].len;
    if (n_bytes > CS_REMEMBERED_BYTES_MAX)
        return NULL;
    entry = entry_new(q, verdict, key);
    if (!entry)
        return NULL;
    entry->room = sizeof(*entry) + entry->arena.total;
    make_room(memory, entry->room);
    memory->room += entry->room;
    entry->refs = 2;
    cs_list_push_front(bucket_of(memory, key), &entry->bucket);
    cs_list_push_front(&memory->order, &entry->order);
    memory->n++;
    return entry;
}

/* The remembered verdict with these findings. */
static struct cs_verdict verdict_of(const struct cs_remembered *entry,
                                    const struct cs_findings *findings)
{
    struct cs_verdict verdict = entry->verdict;

    verdict.findings = *findings;
    return verdict;
}

/* The remembered verdict as of now, or false when it does not hold any more. */
static bool still_holds(const struct cs_remembered *entry, const struct cs_chain_query *q,
                        struct cs_arena *arena, struct cs_verdict *ret_verdict)
{
    struct cs_findings findings;

    cs_findings_init(&findings, arena);
    if (cs_chain_recheck(q, entry->verdict.path, entry->verdict.n_path, &findings) != 0)
        return false;
    *ret_verdict = verdict_of(entry, &findings);
    return true;
}

int cs_chain_memory_verify(struct cs_chain_memory *memory, const struct cs_chain_query *q,
                           struct cs_arena *arena, struct cs_verdict *ret_verdict,
                           struct cs_remembered **ret_remembered)
{
    uint8_t key[CS_DIGEST_LEN];
    struct cs_remembered *entry;
    int r;

    *ret_remembered = NULL;
    if (!cs_fast(CS_FAST_MEMORY))
        return cs_chain_verify(q, arena, ret_verdict);
    make_key(q, key);
    entry = find(memory, key, cs_trust_anchors0(q->trust));
    if (entry && still_holds(entry, q, arena, ret_verdict)) {
        cs_list_remove(&entry->order);
        cs_list_push_front(&memory->order, &entry->order);
        entry->refs++;
        memory->hits++;
        *ret_remembered = entry;
        return 0;
    }
    if (entry)
        forget(memory, entry);
    r = cs_chain_verify(q, arena, ret_verdict);
    if (r == 0 && ret_verdict->accepted)
        *ret_remembered = remember(memory, q, ret_verdict, key);
    if (*ret_remembered)
        *ret_verdict = verdict_of(*ret_remembered, &ret_verdict->findings);
    return r;
}

const struct cs_verdict *cs_remembered_verdict0(const struct cs_remembered *entry)
{
    return &entry->verdict;
}

const struct cs_str *cs_remembered_chain0(const struct cs_remembered *entry, size_t *ret_n)
{
    *ret_n = entry->verdict.n_presented;
    return entry->ders;
}

const struct cs_identity *cs_remembered_identity0(const struct cs_remembered *entry)
{
    return entry->has_identity ? &entry->identity : NULL;
}

uint64_t cs_chain_memory_hits(const struct cs_chain_memory *memory)
{
    return memory->hits;
}
