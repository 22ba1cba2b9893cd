/* The hash has its published values; the map keeps what it is given. */
#include "base/hash.h"

#include "tap.h"

int main(void)
{
    struct cs_map map = {0};
    char keys[1000][8];
    bool all = true;
    uint8_t key[16];

    for (int i = 0; i < 16; i++)
        key[i] = (uint8_t)i;
    cs_hash_seed(key);
    tap_ok(cs_hash_bytes("", 0) == 0xabac0158050fc4dc, "SipHash-1-3 of nothing");
    tap_ok(cs_hash_bytes("abc", 3) != cs_hash_bytes("abd", 3), "different texts differ");
    tap_ok(cs_map_get(&map, CS_STR("x")) == NULL, "an empty map has nothing");
    for (int i = 0; i < 1000; i++) {
        int n = snprintf(keys[i], sizeof(keys[i]), "k%d", i);
        cs_map_set(&map, cs_str_make(keys[i], (size_t)n), keys[i]);
    }
    for (int i = 0; i < 1000; i++)
        all &= cs_map_get(&map, cs_str_from(keys[i])) == keys[i];
    tap_ok(all, "a thousand keys are found");
    tap_int((int64_t)map.n_items, 1000, "and counted");
    tap_ok(cs_map_set(&map, CS_STR("k5"), key) == keys[5], "replacing tells the old value");
    tap_ok(cs_map_get(&map, CS_STR("k5")) == key, "and keeps the new one");
    cs_map_deinit(&map);
    return tap_done();
}
