/* A configuration, built whole: whatever it says, it is accepted or refused with a reason, and
 * nothing is left behind. The files it may name are those of a small world in memory. */
#include "../snapshot/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_snapshot *snapshot;

    if (size > 64 << 10)
        return 0;
    if (!w.n_files)
        world_init(&w);
    w.options.check = size % 2;
    cs_findings_init(&findings, &arena);
    snapshot = world_load(&w, cs_str_make(data, size), &findings);
    cs_assert((snapshot != NULL) == (findings.n_errors == 0));
    cs_snapshot_unref(snapshot);
    cs_arena_deinit(&arena);
    return 0;
}
