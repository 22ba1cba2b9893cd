/* Blocks of one size between two users: the one used last is the first to be used again, since
 * it still lies in the processor's cache.
 *
 * A worker has some of these for what every request needs for a moment. Blocks beyond the limit
 * go back to the heap, so that a crowd does not leave its memory behind. A build with the address
 * sanitizer keeps none: a use after the end is found there.
 */
#ifndef CS_BASE_SHELF_H
#define CS_BASE_SHELF_H

#include <stddef.h>

#include "base/buf.h"

struct cs_shelf {
    void *top; /* its first bytes point to the next one */
    size_t size;
    size_t n, max;
};

/** cs_shelf_init() - an empty shelf for up to @max blocks of @size bytes, at least a pointer's. */
void cs_shelf_init(struct cs_shelf *shelf, size_t size, size_t max);
/** cs_shelf_deinit() - free the blocks on the shelf. */
void cs_shelf_deinit(struct cs_shelf *shelf);
/** cs_shelf_take() - a block, aligned for any type, with whatever is in it; the caller's until
 *  cs_shelf_give(). */
void *cs_shelf_take(struct cs_shelf *shelf) __attribute__((returns_nonnull));
/** cs_shelf_give() - @block, taken here before, is not needed any more. NULL is harmless. */
void cs_shelf_give(struct cs_shelf *shelf, void *block);

/** cs_shelf_lend() - let @buf have a block, unless it has memory, or a block or the maximum of
 *  @buf is too small for @len bytes. It may grow out of it. */
void cs_shelf_lend(struct cs_shelf *shelf, struct cs_buf *buf, size_t len);
/** cs_shelf_return() - empty @buf and take its memory back, or free it when it is no block. */
void cs_shelf_return(struct cs_shelf *shelf, struct cs_buf *buf);

#endif
