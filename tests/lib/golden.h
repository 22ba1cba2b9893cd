/* Golden files: for each NAME.conf (or another suffix) of a folder, what is said about it is
 * NAME.txt.
 * UPDATE_GOLDEN=1 in the environment writes the texts instead of doubting them. */
#ifndef CS_TESTS_LIB_GOLDEN_H
#define CS_TESTS_LIB_GOLDEN_H

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/panic.h"

#include "tap.h"

#define GOLDEN_MAX ((size_t)1 << 20)

/** golden_fn - puts into @buf what is to be said about the file at @path. */
typedef void (*golden_fn)(void *ctx, const char *path, struct cs_arena *arena, struct cs_buf *buf);

/** golden_read() - the text of a file, in @arena. Return: 0, or -errno. */
static inline int golden_read(const char *path, struct cs_arena *arena, struct cs_str *ret_text)
{
    FILE *file = fopen(path, "r");
    char *text;

    if (!file)
        return -errno;
    text = cs_arena_raw(arena, GOLDEN_MAX);
    *ret_text = cs_str_make(text, fread(text, 1, GOLDEN_MAX, file));
    fclose(file);
    return 0;
}

static inline void golden_write(const char *path, struct cs_str text)
{
    FILE *file = fopen(path, "w");

    cs_assert(file && fwrite(text.ptr, 1, text.len, file) == text.len);
    fclose(file);
}

static inline void golden_case(const char *path, golden_fn describe, void *ctx)
{
    struct cs_arena arena = {0};
    struct cs_str stem =
        cs_str_sub(cs_str_from(path), 0, (size_t)cs_str_rfind(cs_str_from(path), '.'));
    const char *want_path = cs_arena_printf(&arena, "%.*s.txt", CS_FMT(stem)).ptr;
    struct cs_str want = {0};
    struct cs_buf buf;

    cs_buf_init(&buf, GOLDEN_MAX);
    describe(ctx, path, &arena, &buf);
    if (getenv("UPDATE_GOLDEN"))
        golden_write(want_path, cs_buf_str(&buf));
    tap_int(golden_read(want_path, &arena, &want), 0, want_path);
    if (!tap_ok(cs_str_eq(cs_buf_str(&buf), want), "%s says what it should", path))
        fprintf(stderr, "got:\n%.*s", CS_FMT(cs_buf_str(&buf)));
    cs_buf_deinit(&buf);
    cs_arena_deinit(&arena);
}

/** golden_each_of() - go to @dir and compare every case of it, one check for each. @pattern is that
 *  of the cases' file names: "*.pem". */
static inline void golden_each_of(const char *dir, const char *pattern, golden_fn describe,
                                  void *ctx)
{
    glob_t found;

    cs_assert(chdir(dir) == 0);
    tap_int(glob(pattern, 0, NULL, &found), 0, "there are cases");
    for (size_t i = 0; i < found.gl_pathc; i++)
        golden_case(found.gl_pathv[i], describe, ctx);
    globfree(&found);
}

/** golden_each() - the same for configurations. */
static inline void golden_each(const char *dir, golden_fn describe, void *ctx)
{
    golden_each_of(dir, "*.conf", describe, ctx);
}

#endif
