#include "base/shelf.h"

#include "base/mem.h"
#include "tap.h"

enum { SIZE = 64, MAX = 2 };

static void test_blocks(void)
{
    struct cs_shelf shelf;
    void *blocks[MAX + 1];

    cs_shelf_init(&shelf, SIZE, MAX);
    for (size_t i = 0; i <= MAX; i++)
        blocks[i] = memset(cs_shelf_take(&shelf), (int)i, SIZE);
    for (size_t i = 0; i <= MAX; i++)
        cs_shelf_give(&shelf, blocks[i]);
    cs_shelf_give(&shelf, NULL);
    tap_ok(shelf.n == shelf.max, "what is beyond the limit is not kept");
    if (shelf.max) {
        void *again = cs_shelf_take(&shelf);
        tap_ok(again == blocks[MAX - 1], "the block used last is the first to be used again");
        cs_shelf_give(&shelf, again);
    } else {
        tap_ok(shelf.top == NULL, "the sanitizer's build keeps nothing");
    }
    cs_shelf_deinit(&shelf);
    tap_ok(shelf.top == NULL && shelf.n == 0, "an emptied shelf");
}

static void test_buffers(void)
{
    struct cs_shelf shelf;
    struct cs_buf buf, narrow;

    cs_shelf_init(&shelf, SIZE, MAX);
    cs_buf_init(&buf, 10 * SIZE);
    cs_buf_init(&narrow, SIZE - 1);
    cs_shelf_lend(&shelf, &buf, SIZE + 1);
    tap_ok(buf.ptr == NULL, "no block for one who needs more");
    cs_shelf_lend(&shelf, &narrow, 1);
    tap_ok(narrow.ptr == NULL, "no block for one who may not have that much");
    cs_shelf_lend(&shelf, &buf, SIZE);
    tap_ok(buf.ptr && buf.cap == SIZE && buf.len == 0, "a block, and it is empty");
    char *block = buf.ptr;
    cs_shelf_lend(&shelf, &buf, 1);
    tap_ok(buf.ptr == block, "who has one gets no other");
    cs_buf_add_str(&buf, CS_STR("x"));
    cs_shelf_return(&shelf, &buf);
    tap_ok(!buf.ptr && !buf.len && !buf.cap && buf.max == 10 * SIZE, "returned, and usable");
    tap_ok(shelf.n == (shelf.max ? 1 : 0), "the block is on the shelf");
    cs_shelf_lend(&shelf, &buf, 1);
    cs_buf_reserve(&buf, SIZE + 1);
    cs_shelf_return(&shelf, &buf);
    tap_ok(shelf.n == 0, "a buffer that outgrew its block is freed");
    cs_shelf_return(&shelf, &buf);
    tap_ok(shelf.n == 0, "nothing to return");
    cs_shelf_deinit(&shelf);
}

int main(void)
{
    test_blocks();
    test_buffers();
    return tap_done();
}
