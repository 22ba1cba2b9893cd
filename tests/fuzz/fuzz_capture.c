/* A capture file: through libpcap, put together, dissected, and told in both ways. */
#include <stdint.h>

#include "base/panic.h"
#include "doctor/story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct cs_capture_filter all;
    FILE *file = size ? fmemopen((void *)data, size, "r") : NULL;
    struct cs_capture capture;
    struct cs_arena arena = {0};
    struct cs_story story = {.file = CS_STR("fuzz"), .capture = &capture};
    struct cs_buf buf;

    if (!file)
        return 0;
    if (cs_capture_read(&capture, file, &all) == 0) {
        struct cs_dissect_plan plan = {0};
        story.connections = cs_dissect_all(&capture, &plan, &arena);
        story.n = capture.n;
        for (int json = 0; json < 2; json++) {
            cs_buf_init(&buf, 1 << 20);
            (void)!cs_story_tell(&story, json, false, &buf);
            cs_buf_deinit(&buf);
        }
    }
    cs_capture_deinit(&capture);
    cs_assert(capture.budget == 0);
    cs_arena_deinit(&arena);
    return 0;
}
