/* What `countersign check` says: for each NAME.conf in the folder given, the findings of loading
 * it are NAME.txt, and every kind of findings.def is in one of them. */
#include "explain/finding.h"
#include "world.h"

#include "golden.h"

static const char *const codes[] = {
#define CS_FINDING_KIND(id, code, severity, primary, detail, hint) code,
#include "snapshot/findings.def"
#undef CS_FINDING_KIND
};

#define N_CODES (sizeof(codes) / sizeof(codes[0]))

static bool seen[N_CODES];

static void note_codes(const struct cs_findings *findings)
{
    for (const struct cs_finding *f = findings->first; f; f = f->next) {
        for (size_t i = 0; i < N_CODES; i++)
            seen[i] |= strcmp(codes[i], f->kind->code) == 0;
    }
}

/* The code in front of each finding, and how it ended. */
static void describe(void *ctx, const char *path, struct cs_arena *arena, struct cs_buf *buf)
{
    struct world *w = ctx;
    struct cs_findings findings;
    struct cs_snapshot *snapshot;
    struct cs_str text = {0};

    cs_findings_init(&findings, arena);
    tap_int(golden_read(path, arena, &text), 0, path);
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

/* What no file can bring about: a clock that stands before the program was built. */
static void test_early_clock(struct world *w)
{
    struct cs_str text = CS_STR("events {} http { server { listen 8443; return 204; } }");
    struct cs_arena arena = {0};
    struct cs_findings findings;

    cs_findings_init(&findings, &arena);
    w->options.config_path = CS_STR("/w/clock.conf");
    w->options.built_sec = w->options.now_sec;
    cs_snapshot_unref(world_load(w, text, &findings));
    tap_int(findings.n_errors, 0, "a clock that may be right");
    w->options.built_sec++;
    tap_ok(!world_load(w, text, &findings), "one that cannot be");
    tap_int(findings.n_errors, 1, "and no other reason");
    note_codes(&findings);
    cs_arena_deinit(&arena);
}

int main(int argc, char **argv)
{
    struct world w;

    cs_assert(argc == 2);
    world_init(&w);
    w.options.check = true;
    golden_each(argv[1], describe, &w);
    test_early_clock(&w);
    for (size_t i = 0; i < N_CODES; i++)
        tap_ok(seen[i], "a case shows \"%s\"", codes[i]);
    world_deinit(&w);
    return tap_done();
}
