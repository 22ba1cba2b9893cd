/* Golden files: for each NAME.conf in the folder given, what loading it says is NAME.txt: the
 * findings, and the canonical text when there are no errors. The comment "# -g TEXT" in the first
 * line is given as on the command line. UPDATE_GOLDEN=1 in the environment writes the texts. */
#include "config/print.h"

#include "base/mem.h"
#include "config/test_support.h"

#include "tap.h"

#include <glob.h>

#define MAX_TEXT ((size_t)1 << 20)

static int read_whole(const char *path, struct cs_arena *arena, struct cs_str *ret_text)
{
    FILE *file = fopen(path, "r");
    char *text;

    if (!file)
        return -errno;
    text = cs_arena_raw(arena, MAX_TEXT);
    *ret_text = cs_str_make(text, fread(text, 1, MAX_TEXT, file));
    fclose(file);
    return 0;
}

static int read_file(void *ctx, struct cs_str path, struct cs_arena *arena, struct cs_str *ret_text)
{
    return read_whole(cs_arena_dup(arena, path).ptr, arena, ret_text);
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

    read_whole(path, arena, &text);
    line = cs_str_cut(&text, '\n');
    return cs_str_starts(line, CS_STR("# -g ")) ? cs_str_skip(line, 5) : CS_STR("");
}

static void describe(const char *path, struct cs_arena *arena, struct cs_buf *buf)
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

static void write_whole(const char *path, struct cs_str text)
{
    FILE *file = fopen(path, "w");

    cs_assert(file && fwrite(text.ptr, 1, text.len, file) == text.len);
    fclose(file);
}

static void test_case(const char *path)
{
    struct cs_arena arena = {0};
    struct cs_str stem = cs_str_sub(cs_str_from(path), 0, strlen(path) - strlen(".conf"));
    const char *want_path = cs_arena_printf(&arena, "%.*s.txt", CS_FMT(stem)).ptr;
    struct cs_str want = {0};
    struct cs_buf buf;

    cs_buf_init(&buf, MAX_TEXT);
    describe(path, &arena, &buf);
    if (getenv("UPDATE_GOLDEN"))
        write_whole(want_path, cs_buf_str(&buf));
    tap_int(read_whole(want_path, &arena, &want), 0, want_path);
    tap_str(cs_buf_str(&buf), want, path);
    cs_buf_deinit(&buf);
    cs_arena_deinit(&arena);
}

int main(int argc, char **argv)
{
    glob_t found;

    cs_assert(argc == 2 && chdir(argv[1]) == 0);
    tap_int(glob("*.conf", 0, NULL, &found), 0, "there are cases");
    for (size_t i = 0; i < found.gl_pathc; i++)
        test_case(found.gl_pathv[i]);
    globfree(&found);
    return tap_done();
}
