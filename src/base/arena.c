/* Bump allocation in chunks that double up to a limit; large pieces get a chunk of
 * their own, so that a reset can keep one small chunk for the next request. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>

#include "base/mem.h"

enum { FIRST_CHUNK = 1024, LARGEST_CHUNK = 64 * 1024, ALIGN = alignof(max_align_t) };

struct cs_arena_chunk {
    struct cs_arena_chunk *older;
    size_t size;
    alignas(max_align_t) char bytes[];
};

void cs_arena_init(struct cs_arena *arena)
{
    *arena = (struct cs_arena){0};
}

void cs_arena_init_in(struct cs_arena *arena, void *memory, size_t size)
{
    struct cs_arena_chunk *chunk = memory;

    cs_assert(size >= sizeof(*chunk) && (uintptr_t)memory % ALIGN == 0);
    chunk->older = NULL;
    chunk->size = size - sizeof(*chunk);
    *arena = (struct cs_arena){.chunks = chunk, .lent = chunk};
}

/* Free @chunk and the older ones, but @lent. */
static void free_chunks(struct cs_arena_chunk *chunk, const struct cs_arena_chunk *lent)
{
    while (chunk && chunk != lent) {
        struct cs_arena_chunk *older = chunk->older;
        free(chunk);
        chunk = older;
    }
}

void cs_arena_deinit(struct cs_arena *arena)
{
    free_chunks(arena->chunks, arena->lent);
    cs_arena_init(arena);
}

void cs_arena_reset(struct cs_arena *arena)
{
    struct cs_arena_chunk *kept = arena->chunks, *lent = arena->lent;

    if (lent) {
        free_chunks(kept, lent);
        kept = lent;
    } else if (kept && kept->size <= LARGEST_CHUNK) {
        free_chunks(kept->older, NULL);
        kept->older = NULL;
    } else {
        free_chunks(kept, NULL);
        kept = NULL;
    }
    *arena = (struct cs_arena){.chunks = kept, .lent = lent};
}

/* @size bytes at the front of a new chunk: seldom, so the common way does without its registers. */
__attribute__((noinline)) static char *take_new(struct cs_arena *arena, size_t size)
{
    size_t next = arena->chunks ? arena->chunks->size * 2 : FIRST_CHUNK;
    struct cs_arena_chunk *chunk;

    if (next > LARGEST_CHUNK)
        next = LARGEST_CHUNK;
    if (next < size)
        next = size;
    cs_assert(next <= SIZE_MAX - sizeof(*chunk));
    chunk = malloc(sizeof(*chunk) + next);
    cs_assert(chunk != NULL);
    chunk->older = arena->chunks;
    chunk->size = next;
    arena->chunks = chunk;
    arena->used = size;
    return chunk->bytes;
}

static char *take(struct cs_arena *arena, size_t size, size_t align)
{
    struct cs_arena_chunk *chunk = arena->chunks;
    size_t start = (arena->used + align - 1) & ~(align - 1);

    arena->total += size;
    if (!chunk || start > chunk->size || size > chunk->size - start)
        return take_new(arena, size);
    arena->used = start + size;
    return chunk->bytes + start;
}

void *cs_arena_alloc(struct cs_arena *arena, size_t size)
{
    return memset(take(arena, size ? size : 1, ALIGN), 0, size);
}

void *cs_arena_array(struct cs_arena *arena, size_t n, size_t size)
{
    size_t bytes;

    cs_assert(!__builtin_mul_overflow(n, size, &bytes));
    return cs_arena_alloc(arena, bytes);
}

char *cs_arena_raw(struct cs_arena *arena, size_t size)
{
    return take(arena, size ? size : 1, 1);
}

struct cs_str cs_arena_cat(struct cs_arena *arena, struct cs_str a, struct cs_str b)
{
    char *p = cs_arena_raw(arena, a.len + b.len + 1);

    if (a.len)
        memcpy(p, a.ptr, a.len);
    if (b.len)
        memcpy(p + a.len, b.ptr, b.len);
    p[a.len + b.len] = '\0';
    return cs_str_make(p, a.len + b.len);
}

struct cs_str cs_arena_dup(struct cs_arena *arena, struct cs_str s)
{
    return cs_arena_cat(arena, s, (struct cs_str){0});
}

struct cs_str cs_arena_printf(struct cs_arena *arena, const char *fmt, ...)
{
    va_list ap;
    int n;
    char *p;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    cs_assert(n >= 0);
    p = cs_arena_raw(arena, (size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return cs_str_make(p, (size_t)n);
}

struct cs_str cs_arena_u64(struct cs_arena *arena, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    return cs_arena_dup(arena, cs_str_make(digits + at, sizeof(digits) - at));
}
