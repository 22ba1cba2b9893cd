/* A stack of free blocks, linked through their first bytes. */
#include "base/shelf.h"

#include "base/mem.h"

void cs_shelf_init(struct cs_shelf *shelf, size_t size, size_t max)
{
    cs_assert(size >= sizeof(void *));
#ifdef __SANITIZE_ADDRESS__
    max = 0;
#endif
    *shelf = (struct cs_shelf){.size = size, .max = max};
}

void cs_shelf_deinit(struct cs_shelf *shelf)
{
    while (shelf->top)
        free(cs_shelf_take(shelf));
    *shelf = (struct cs_shelf){0};
}

void *cs_shelf_take(struct cs_shelf *shelf)
{
    void *block = shelf->top;

    if (block) {
        memcpy(&shelf->top, block, sizeof(shelf->top));
        shelf->n--;
        return block;
    }
    block = malloc(shelf->size);
    cs_assert(block != NULL);
    return block;
}

void cs_shelf_give(struct cs_shelf *shelf, void *block)
{
    if (!block || shelf->n >= shelf->max) {
        free(block);
        return;
    }
    memcpy(block, &shelf->top, sizeof(shelf->top));
    shelf->top = block;
    shelf->n++;
}

void cs_shelf_lend(struct cs_shelf *shelf, struct cs_buf *buf, size_t len)
{
    if (buf->ptr || len > shelf->size || buf->max < shelf->size)
        return;
    buf->ptr = cs_shelf_take(shelf);
    buf->cap = shelf->size;
}

void cs_shelf_return(struct cs_shelf *shelf, struct cs_buf *buf)
{
    if (buf->cap == shelf->size)
        cs_shelf_give(shelf, buf->ptr);
    else
        free(buf->ptr);
    buf->ptr = NULL;
    buf->len = buf->cap = 0;
}
