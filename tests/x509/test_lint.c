/* Every row of tests/pki/lint: what is in a file of the zoo, and what lint says of it.
 *
 * usage: test_lint ZOO-DIR LINT */
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "x509/bundle.h"
#include "x509/lint.h"

static const char *folder;
static int64_t now_sec;

static struct cs_str read_file(struct cs_arena *arena, const char *path)
{
    enum { MOST = 1 << 20 };
    FILE *f = fopen(path, "rbe");
    char *bytes = cs_arena_raw(arena, MOST);
    size_t len;

    if (!f) {
        printf("Bail out! %s: %s\n", path, strerror(errno));
        exit(1);
    }
    len = fread(bytes, 1, MOST, f);
    fclose(f);
    return cs_str_make(bytes, len);
}

static struct cs_str word(struct cs_str *line)
{
    *line = cs_str_trim(*line);
    return cs_str_cut(line, ' ');
}

static unsigned role_of(struct cs_str text)
{
    if (cs_str_eq(text, CS_STR("client")))
        return CS_LINT_CLIENT;
    if (cs_str_eq(text, CS_STR("server")))
        return CS_LINT_SERVER;
    return cs_str_eq(text, CS_STR("ca")) ? CS_LINT_CA : 0;
}

static const char letters[] = {
    [CS_ITEM_NOTHING] = '?', [CS_ITEM_CERT] = 'C', [CS_ITEM_REQUEST] = 'R',
    [CS_ITEM_LIST] = 'L',    [CS_ITEM_KEY] = 'K',  [CS_ITEM_PUBLIC_KEY] = 'P'};

/* "C:a,b C K:c": each item by its letter, with the codes found at it. */
static struct cs_str describe(const struct cs_bundle *bundle, struct cs_arena *arena)
{
    struct cs_str text = {0};

    for (size_t i = 0; i < bundle->n; i++) {
        const struct cs_item *item = bundle->items[i];
        char before = ':';
        text = cs_arena_printf(arena, "%.*s%s%c", CS_FMT(text), i ? " " : "", letters[item->kind]);
        for (const struct cs_finding *f = item->findings.first; f; f = f->next, before = ',')
            text = cs_arena_printf(arena, "%.*s%c%s", CS_FMT(text), before, f->kind->code);
    }
    return text;
}

static void check_row(struct cs_str line)
{
    struct cs_str role = word(&line), files = word(&line), want = cs_str_trim(line), rest = files;
    struct cs_arena arena = {0};
    struct cs_bundle bundle;

    cs_bundle_init(&bundle, &arena);
    while (rest.ptr) {
        struct cs_str file = cs_str_cut(&rest, '+');
        const char *path = cs_arena_printf(&arena, "%s/%.*s", folder, CS_FMT(file)).ptr;
        struct cs_source source = {.bytes = read_file(&arena, path), .file = file};
        cs_bundle_add(&bundle, &source);
    }
    cs_bundle_relate(&bundle);
    cs_bundle_lint(&bundle, role_of(role), now_sec);
    tap_str(describe(&bundle, &arena), want,
            cs_arena_printf(&arena, "%.*s for %.*s", CS_FMT(files), CS_FMT(role)).ptr);
    cs_arena_deinit(&arena);
}

int main(int argc, char **argv)
{
    struct cs_arena arena = {0};
    struct cs_str rest;

    cs_assert(argc == 3);
    folder = argv[1];
    now_sec =
        strtoll(read_file(&arena, cs_arena_printf(&arena, "%s/now", folder).ptr).ptr, NULL, 10);
    rest = read_file(&arena, argv[2]);
    while (rest.ptr) {
        struct cs_str line = cs_str_cut(&rest, '\n');
        if (line.len && line.ptr[0] != '#')
            check_row(line);
    }
    cs_arena_deinit(&arena);
    return tap_done();
}
