/* What `countersign inspect` says, to people and to programs: for each NAME.pem of the folder,
 * judged at a fixed time, both are NAME.txt. UPDATE_GOLDEN=1 in the environment writes them. */
#include "explain/inspect.h"

#include "golden.h"

/* Some months into the life of most of them. */
enum { NOW = 1810000000 };

static void describe(void *ctx, const char *path, struct cs_arena *arena, struct cs_buf *buf)
{
    struct cs_source source = {.file = cs_str_from(path)};
    struct cs_bundle bundle;

    tap_int(golden_read(path, arena, &source.bytes), 0, path);
    cs_bundle_init(&bundle, arena);
    cs_bundle_add(&bundle, &source);
    cs_bundle_relate(&bundle);
    cs_bundle_lint(&bundle, 0, NOW);
    tap_int(cs_inspect(&bundle, NOW, false, false, buf), 0, "for people");
    cs_buf_add_char(buf, '\n');
    tap_int(cs_inspect(&bundle, NOW, true, true, buf), 0, "for programs, who get no colours");
}

/* A buffer that is too small is told, wherever it ends. */
static void test_limits(void)
{
    struct cs_source source = {.file = CS_STR("empty"), .bytes = CS_STR("")};
    struct cs_arena arena = {0};
    struct cs_bundle bundle;
    struct cs_buf buf;

    cs_bundle_init(&bundle, &arena);
    cs_bundle_add(&bundle, &source);
    for (size_t max = 0; max < 300; max += 7) {
        cs_buf_init(&buf, max);
        tap_int(cs_inspect(&bundle, NOW, true, false, &buf), -ENOBUFS, "does not fit");
        cs_buf_deinit(&buf);
    }
    cs_arena_deinit(&arena);
}

int main(int argc, char **argv)
{
    cs_assert(argc == 2);
    test_limits();
    golden_each_of(argv[1], "*.pem", describe, NULL);
    return tap_done();
}
