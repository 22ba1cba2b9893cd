/* Arenas: aligned, zeroed, and reset keeps no large memory. */
#include "base/arena.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#include "tap.h"

static void test_lent(void)
{
    static alignas(max_align_t) char memory[256];
    struct cs_arena arena;
    char *first;

    cs_arena_init_in(&arena, memory, sizeof(memory));
    first = cs_arena_alloc(&arena, 100);
    tap_ok(first > memory && first + 100 <= memory + sizeof(memory), "begins in lent memory");
    cs_arena_alloc(&arena, 1000);
    cs_arena_reset(&arena);
    tap_ok(cs_arena_alloc(&arena, 100) == first, "reset goes back to it");
    cs_arena_alloc(&arena, 1000);
    cs_arena_deinit(&arena);
    tap_ok(arena.chunks == NULL, "what it grew by is freed");
}

int main(void)
{
    struct cs_arena arena;
    bool aligned = true, zeroed = true;
    struct cs_str s;

    cs_arena_init(&arena);
    for (size_t i = 1; i < 3000; i += 7) {
        char *p = cs_arena_alloc(&arena, i);
        aligned &= (uintptr_t)p % alignof(max_align_t) == 0;
        for (size_t j = 0; j < i; j++)
            zeroed &= p[j] == 0;
        memset(p, 0xee, i);
        cs_arena_raw(&arena, 3);
    }
    tap_ok(aligned, "objects are aligned");
    tap_ok(zeroed, "objects are zeroed");
    s = cs_arena_dup(&arena, CS_STR("a\0b"));
    tap_str(s, CS_STR("a\0b"), "copies keep NUL");
    tap_int(s.ptr[s.len], 0, "and end in one");
    tap_str(cs_arena_printf(&arena, "%d-%s", 7, "x"), CS_STR("7-x"), "printf");
    tap_str(cs_arena_cat(&arena, CS_STR("ab"), CS_STR("cd")), CS_STR("abcd"), "cat");
    tap_str(cs_arena_u64(&arena, 0), CS_STR("0"), "zero in decimal");
    tap_str(cs_arena_u64(&arena, 1024), CS_STR("1024"), "a number in decimal");
    tap_str(cs_arena_u64(&arena, UINT64_MAX), CS_STR("18446744073709551615"), "the greatest");
    cs_arena_alloc(&arena, 1 << 20);
    cs_arena_reset(&arena);
    tap_ok(arena.chunks == NULL, "reset does not keep a large chunk");
    cs_arena_alloc(&arena, 10);
    cs_arena_reset(&arena);
    tap_ok(arena.chunks != NULL && arena.total == 0, "reset keeps a small one");
    cs_arena_deinit(&arena);
    test_lent();
    return tap_done();
}
