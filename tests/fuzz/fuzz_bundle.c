/* Any bytes as a file to be looked at: read, related, linted and told in both forms. Whatever is in
 * the file, the text has no control characters and the JSON no raw ones. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/panic.h"
#include "explain/inspect.h"
#include "x509/bundle.h"
#include "x509/lint.h"

static void tell(const struct cs_bundle *bundle, bool json)
{
    struct cs_buf buf;

    cs_buf_init(&buf, (size_t)64 << 20);
    cs_assert(cs_inspect(bundle, 1800000000, json, false, &buf) == 0);
    for (size_t i = 0; i < buf.len; i++) {
        uint8_t c = (uint8_t)buf.ptr[i];
        cs_assert((c >= 0x20 && c != 0x7f) || c == '\n');
    }
    cs_buf_deinit(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_source source = {.bytes = cs_str_make(data, size), .file = CS_STR("fuzz")};
    struct cs_arena arena = {0};
    struct cs_bundle bundle;

    cs_bundle_init(&bundle, &arena);
    cs_bundle_add(&bundle, &source);
    cs_assert(bundle.n > 0);
    cs_bundle_relate(&bundle);
    cs_bundle_lint(&bundle, CS_LINT_CLIENT | CS_LINT_SERVER, 1800000000);
    tell(&bundle, false);
    tell(&bundle, true);
    cs_arena_deinit(&arena);
    return 0;
}
