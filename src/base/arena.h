/* Memory that is given back all at once.
 *
 * A connection has one arena, a request has one, a configuration has one. Nothing in
 * an arena is freed singly. Small failed allocations abort: what a peer can grow is
 * bounded elsewhere. A zeroed cs_arena is a valid empty one.
 */
#ifndef CS_BASE_ARENA_H
#define CS_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct cs_arena_chunk;

struct cs_arena {
    struct cs_arena_chunk *chunks; /* newest first */
    size_t used;                   /* bytes used of the newest chunk */
    size_t total;                  /* bytes asked for since init or reset */
    struct cs_arena_chunk *lent;   /* the oldest, when it is not the arena's own; or NULL */
};

/** cs_arena_init() - an empty arena. Allocates nothing. */
void cs_arena_init(struct cs_arena *arena);
/** cs_arena_init_in() - an empty arena that begins in the @size bytes at @memory, aligned for any
 *  type, which stay the caller's and are used until cs_arena_deinit(). */
void cs_arena_init_in(struct cs_arena *arena, void *memory, size_t size);
/** cs_arena_deinit() - free everything that was taken from @arena. */
void cs_arena_deinit(struct cs_arena *arena);
/** cs_arena_reset() - free everything but one small chunk, kept for the next use: the lent one if
 *  there is one. */
void cs_arena_reset(struct cs_arena *arena);

/** cs_arena_alloc() - @size zeroed bytes, aligned for any type; lives as long as @arena. */
void *cs_arena_alloc(struct cs_arena *arena, size_t size) __attribute__((malloc, returns_nonnull));
/** cs_arena_array() - @n zeroed elements of @size bytes; aborts when that overflows. */
void *cs_arena_array(struct cs_arena *arena, size_t n, size_t size)
    __attribute__((malloc, returns_nonnull));
/** cs_arena_raw() - @size bytes, not zeroed and not aligned: for text. */
char *cs_arena_raw(struct cs_arena *arena, size_t size) __attribute__((malloc, returns_nonnull));
/** CS_ARENA_NEW() - one zeroed object of @type. */
#define CS_ARENA_NEW(arena, type) ((type *)cs_arena_alloc((arena), sizeof(type)))

/** cs_arena_dup() - a copy of @s in @arena, followed by a NUL that is not counted. */
struct cs_str cs_arena_dup(struct cs_arena *arena, struct cs_str s);
/** cs_arena_printf() - formatted text in @arena, followed by a NUL that is not counted. */
struct cs_str cs_arena_printf(struct cs_arena *arena, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/** cs_arena_u64() - @value in decimal, in @arena. */
struct cs_str cs_arena_u64(struct cs_arena *arena, uint64_t value);
/** cs_arena_cat() - @a followed by @b, in @arena. */
struct cs_str cs_arena_cat(struct cs_arena *arena, struct cs_str a, struct cs_str b);

#endif
