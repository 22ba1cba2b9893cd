/* What `countersign check` says: for each NAME.conf in the folder given, the findings of loading
 * it are NAME.txt, and every kind of findings.def is in one of them. UPDATE_GOLDEN=1 in the
 * environment writes the texts. */
#include <glob.h>
#include <stdlib.h>

#include "explain/finding.h"
#include "world.h"

#include "tap.h"

#define MAX_TEXT ((size_t)1 << 18)

static const char *const codes[] = {
#define CS_FINDING_KIND(id, code, severity, primary, detail, hint) code,
#include "snapshot/findings.def"
#undef CS_FINDING_KIND
};

#define N_CODES (sizeof(codes) / sizeof(codes[0]))

static bool seen[N_CODES];

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

static void write_whole(const char *path, struct cs_str text)
{
    FILE *file = fopen(path, "w");

    cs_assert(file && fwrite(text.ptr, 1, text.len, file) == text.len);
    fclose(file);
}

static void note_codes(const struct cs_findings *findings)
{
    for (const struct cs_finding *f = findings->first; f; f = f->next) {
        for (size_t i = 0; i < N_CODES; i++)
            seen[i] |= strcmp(codes[i], f->kind->code) == 0;
    }
}

/* The code in front of each finding, and how it ended. */
static void describe(struct world *w, const char *path, struct cs_arena *arena, struct cs_buf *buf)
{
    struct cs_findings findings;
    struct cs_snapshot *snapshot;
    struct cs_str text = {0};

    cs_findings_init(&findings, arena);
    tap_int(read_whole(path, arena, &text), 0, path);
    w->options.config_path = cs_arena_printf(arena, "/w/%s", path);
    snapshot = world_load(w, text, &findings);
    note_codes(&findings);
    for (const struct cs_finding *f = findings.first; f; f = f->next) {
        cs_buf_addf(buf, "[%s] ", f->kind->code);
        cs_explain_finding(f, CS_EXPLAIN_TEXT, false, buf);
    }
    cs_buf_addf(buf, "%s\n", snapshot ? "accepted" : "refused");
    cs_snapshot_unref(snapshot);
}

static void test_case(struct world *w, const char *path)
{
    struct cs_arena arena = {0};
    struct cs_str stem = cs_str_sub(cs_str_from(path), 0, strlen(path) - strlen(".conf"));
    const char *want_path = cs_arena_printf(&arena, "%.*s.txt", CS_FMT(stem)).ptr;
    struct cs_str want = {0};
    struct cs_buf buf;

    cs_buf_init(&buf, MAX_TEXT);
    describe(w, path, &arena, &buf);
    if (getenv("UPDATE_GOLDEN"))
        write_whole(want_path, cs_buf_str(&buf));
    tap_int(read_whole(want_path, &arena, &want), 0, want_path);
    if (!tap_ok(cs_str_eq(cs_buf_str(&buf), want), "%s says what it should", path))
        fprintf(stderr, "got:\n%.*s", CS_FMT(cs_buf_str(&buf)));
    cs_buf_deinit(&buf);
    cs_arena_deinit(&arena);
}

int main(int argc, char **argv)
{
    struct world w;
    glob_t found;

    cs_assert(argc == 2 && chdir(argv[1]) == 0);
    world_init(&w);
    w.options.check = true;
    tap_int(glob("*.conf", 0, NULL, &found), 0, "there are cases");
    for (size_t i = 0; i < found.gl_pathc; i++)
        test_case(&w, found.gl_pathv[i]);
    for (size_t i = 0; i < N_CODES; i++)
        tap_ok(seen[i], "a case shows \"%s\"", codes[i]);
    globfree(&found);
    world_deinit(&w);
    return tap_done();
}
