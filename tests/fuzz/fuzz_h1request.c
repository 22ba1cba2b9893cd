/* A request head, found in one go and byte by byte: the same outcome, or abort. What is taken
 * is written again, and must be taken again with the same meaning. */
#include "http/h1.h"

#include "base/panic.h"

static ssize_t find(struct cs_h1_scan *scan, const struct cs_h1_limits *limits, struct cs_str in,
                    size_t step)
{
    ssize_t r = 0;

    cs_h1_scan_init(scan, CS_H1_REQUEST, limits);
    for (size_t len = step; !r && len <= in.len && len; len += step)
        r = cs_h1_head_find(scan, cs_str_sub(in, 0, len));
    return r;
}

static void check_again(const struct cs_h1_request *first, const struct cs_h1_limits *limits,
                        struct cs_arena *arena)
{
    struct cs_h1_request again;
    enum cs_h1_error error;
    struct cs_buf buf;

    cs_buf_init(&buf, 1 << 20);
    cs_assert(!cs_h1_write_request_line(&buf, first->method_text, first->target, first->minor));
    cs_assert(!cs_h1_write_headers(&buf, &first->headers));
    cs_assert(!cs_h1_write_end(&buf));
    cs_assert(!cs_h1_request_parse(cs_buf_str(&buf), limits, arena, &again, &error));
    cs_assert(again.framing == first->framing && again.content_length == first->content_length);
    cs_assert(again.keep_alive == first->keep_alive && cs_str_eq(again.host, first->host));
    cs_assert(again.headers.n == first->headers.n);
    cs_buf_deinit(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_h1_limits limits = CS_H1_LIMITS_DEFAULT, wide = CS_H1_LIMITS_DEFAULT;
    struct cs_str in = cs_str_make(data, size);
    struct cs_h1_scan scan, cut;
    struct cs_arena arena = {0};
    struct cs_h1_request request;
    enum cs_h1_error error;
    ssize_t end;

    limits.max_line = 200;
    limits.max_head = 1000;
    end = find(&scan, &limits, in, size);
    cs_assert(end == find(&cut, &limits, in, 1) && scan.error == cut.error);
    if (end > 0) {
        in = cs_str_sub(in, scan.start, (size_t)end - scan.start);
        if (!cs_h1_request_parse(in, &limits, &arena, &request, &error))
            check_again(&request, &wide, &arena);
    }
    cs_h1_request_parse(cs_str_make(data, size), &wide, &arena, &request, &error);
    cs_arena_deinit(&arena);
    return 0;
}
