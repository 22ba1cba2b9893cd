/* Golden files: for each NAME.conf in the folder given, what loading it says is NAME.txt: the
 * findings, and the canonical text when there are no errors. The comment "# -g TEXT" in the first
 * line is given as on the command line. */
#include "config/print.h"

#include "base/mem.h"
#include "config/test_support.h"

#include "golden.h"

static int read_file(void *ctx, struct cs_str path, struct cs_arena *arena, struct cs_str *ret_text)
{
    return golden_read(cs_arena_dup(arena, path).ptr, arena, ret_text);
}

static int glob_files(void *ctx, struct cs_str pattern, struct cs_arena *arena,
                      struct cs_str **ret_paths, size_t *ret_n)
{
    glob_t found;
    int r = glob(cs_arena_dup(arena, pattern).ptr, GLOB_NOSORT, NULL, &found);

    *ret_n = r == 0 ? found.gl_pathc : 0;
    *ret_paths = cs_arena_array(arena, *ret_n + 1, sizeof(**ret_paths));
    for (size_t i = 0; i < *ret_n; i++)
        (*ret_paths)[i] = cs_arena_dup(arena, cs_str_from(found.gl_pathv[i]));
    globfree(&found);
    return 0;
}

/* What "# -g" in the first line gives. */
static struct cs_str extra_of(const char *path, struct cs_arena *arena)
{
    struct cs_str text = {0}, line;

    golden_read(path, arena, &text);
    line = cs_str_cut(&text, '\n');
    return cs_str_starts(line, CS_STR("# -g ")) ? cs_str_skip(line, 5) : CS_STR("");
}

static void describe(void *ctx, const char *path, struct cs_arena *arena, struct cs_buf *buf)
{
    const struct cs_config_reader reader = {read_file, glob_files, NULL};
    struct cs_findings findings;
    struct cs_config *config;
    int r;

    cs_findings_init(&findings, arena);
    r = cs_config_load(&reader, cs_str_from(path), CS_STR(""), extra_of(path, arena), &test_schema,
                       arena, &findings, &config);
    test_print_findings(buf, &findings);
    if (r == 0 && findings.n_errors == 0)
        cs_print_block(buf, config->main);
}

int main(int argc, char **argv)
{
    cs_assert(argc == 2);
    golden_each(argv[1], describe, NULL);
    return tap_done();
}
