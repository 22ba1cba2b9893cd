/* SipHash-1-3 (Aumasson and Bernstein) and an open-addressing map. */
#include "base/hash.h"

#include <endian.h>

#include "base/mem.h"

static uint64_t key0, key1;

void cs_hash_seed(const uint8_t key[16])
{
    memcpy(&key0, key, 8);
    memcpy(&key1, key + 8, 8);
}

static inline uint64_t rotl(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] = rotl(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] = rotl(v[2], 32);
}

uint64_t cs_hash_bytes(const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    uint64_t v[4] = {key0 ^ 0x736f6d6570736575, key1 ^ 0x646f72616e646f6d,
                     key0 ^ 0x6c7967656e657261, key1 ^ 0x7465646279746573};
    uint64_t word, last = (uint64_t)len << 56;
    size_t whole = len & ~(size_t)7;

    for (size_t i = 0; i < whole; i += 8) {
        memcpy(&word, p + i, 8);
        word = le64toh(word);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    for (size_t i = whole; i < len; i++)
        last |= (uint64_t)p[i] << (8 * (i - whole));
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void cs_map_deinit(struct cs_map *map)
{
    free(map->slots);
    *map = (struct cs_map){0};
}

/* The slot that holds @key, or the free one where it belongs. */
static struct cs_map_slot *find_slot(const struct cs_map *map, struct cs_str key)
{
    size_t mask = map->n_slots - 1;
    size_t i = cs_hash_bytes(key.ptr, key.len) & mask;

    while (map->slots[i].value && !cs_str_eq(map->slots[i].key, key))
        i = (i + 1) & mask;
    return &map->slots[i];
}

static void grow(struct cs_map *map)
{
    struct cs_map bigger = {.n_slots = map->n_slots ? map->n_slots * 2 : 16};

    bigger.slots = cs_alloc(bigger.n_slots * sizeof(*bigger.slots));
    for (size_t i = 0; i < map->n_slots; i++) {
        if (map->slots[i].value)
            *find_slot(&bigger, map->slots[i].key) = map->slots[i];
    }
    bigger.n_items = map->n_items;
    free(map->slots);
    *map = bigger;
}

void *cs_map_set(struct cs_map *map, struct cs_str key, void *value)
{
    struct cs_map_slot *slot;
    void *before;

    cs_assert(value != NULL);
    if ((map->n_items + 1) * 2 > map->n_slots)
        grow(map);
    slot = find_slot(map, key);
    before = slot->value;
    if (!before) {
        slot->key = key;
        map->n_items++;
    }
    slot->value = value;
    return before;
}

void *cs_map_get(const struct cs_map *map, struct cs_str key)
{
    return map->n_slots ? find_slot(map, key)->value : NULL;
}
