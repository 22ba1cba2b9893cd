/* A body: the first byte chooses its framing, the second the size of the pieces it comes in.
 * Content and outcome must be those of feeding it whole. */
#include "http/h1.h"

#include "base/panic.h"

struct got {
    int outcome;
    enum cs_h1_error error;
    struct cs_buf content;
};

static void feed(unsigned kind, struct cs_str in, size_t step, struct got *got)
{
    const struct cs_h1_limits limits = {.max_line = 60, .max_head = 100, .max_headers = 4};
    struct cs_h1_body body;
    size_t at = 0, used;
    struct cs_str data;

    cs_buf_init(&got->content, 1 << 20);
    cs_h1_body_init(&body, kind & 3, kind & 3 ? kind >> 2 : 0, &limits);
    if ((kind & 3) == CS_H1_BODY_CHUNKED)
        cs_h1_body_init(&body, CS_H1_BODY_CHUNKED, 0, &limits);
    do {
        got->outcome = cs_h1_body_feed(&body, cs_str_sub(in, at, step), &used, &data);
        cs_assert(used <= in.len - at && data.len <= used);
        cs_assert(used || got->outcome != CS_H1_MORE || at == in.len);
        cs_buf_add(&got->content, data.len ? data.ptr : "", data.len);
        at += used;
    } while (got->outcome == CS_H1_MORE && at < in.len);
    got->error = body.error;
    if (got->outcome == CS_H1_DONE) {
        struct cs_arena arena = {0};
        struct cs_headers trailers;
        cs_h1_body_trailers(&body, &arena, &trailers);
        cs_arena_deinit(&arena);
    }
    cs_h1_body_deinit(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct got whole, cut;
    struct cs_str in;

    if (size < 2)
        return 0;
    in = cs_str_make(data + 2, size - 2);
    feed(data[0], in, in.len ? in.len : 1, &whole);
    feed(data[0], in, data[1] % 16 + 1, &cut);
    cs_assert(whole.outcome == cut.outcome && whole.error == cut.error);
    cs_assert(cs_str_eq(cs_buf_str(&whole.content), cs_buf_str(&cut.content)));
    cs_buf_deinit(&whole.content);
    cs_buf_deinit(&cut.content);
    return 0;
}
