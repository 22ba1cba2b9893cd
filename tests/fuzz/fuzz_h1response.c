/* A response head: the first byte chooses the request's method. */
#include "http/h1.h"

#include "base/panic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct cs_h1_limits limits = CS_H1_LIMITS_DEFAULT;
    struct cs_h1_scan scan, cut;
    struct cs_arena arena = {0};
    struct cs_h1_response got;
    enum cs_h1_error error;
    struct cs_str in;
    ssize_t end, r = 0;

    if (!size)
        return 0;
    in = cs_str_make(data + 1, size - 1);
    cs_h1_scan_init(&scan, CS_H1_RESPONSE, &limits);
    cs_h1_scan_init(&cut, CS_H1_RESPONSE, &limits);
    end = cs_h1_head_find(&scan, in);
    for (size_t len = 1; !r && len <= in.len; len++)
        r = cs_h1_head_find(&cut, cs_str_sub(in, 0, len));
    cs_assert(end == r && scan.error == cut.error);
    if (end > 0)
        in.len = (size_t)end;
    if (!cs_h1_response_parse(in, data[0] == 'H' ? CS_METHOD_HEAD : CS_METHOD_GET, &limits, &arena,
                              &got, &error))
        cs_assert(!got.keep_alive || got.framing != CS_H1_BODY_UNTIL_CLOSE);
    cs_arena_deinit(&arena);
    return 0;
}
