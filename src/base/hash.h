/* A hash of short byte strings that a peer cannot aim (SipHash-1-3 with a key drawn at
 * process start), and a map from text to pointer built on it. */
#ifndef CS_BASE_HASH_H
#define CS_BASE_HASH_H

#include <stdint.h>

#include "base/str.h"

/** cs_hash_seed() - set the process-wide key. Call once at start, before any map is made;
 *  without it the key is zero (tests). */
void cs_hash_seed(const uint8_t key[16]);
/** cs_hash_bytes() - keyed 64-bit hash of @len bytes. */
uint64_t cs_hash_bytes(const void *bytes, size_t len);

/* Text → pointer, open addressing. Keys are borrowed: they live as long as the map.
 * A zeroed cs_map is a valid empty one. */
struct cs_map_slot {
    struct cs_str key;
    void *value; /* NULL: free slot */
};

struct cs_map {
    struct cs_map_slot *slots;
    size_t n_slots; /* power of two, or 0 */
    size_t n_items;
};

/** cs_map_deinit() - free the map; keys and values stay with their owners. */
void cs_map_deinit(struct cs_map *map);
/** cs_map_set() - @key now means @value (not NULL). Return: what it meant before, or NULL. */
void *cs_map_set(struct cs_map *map, struct cs_str key, void *value);
/** cs_map_get() - what @key means. Return: the value, or NULL. */
void *cs_map_get(const struct cs_map *map, struct cs_str key);

#endif
