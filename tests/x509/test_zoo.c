/* Every row of tests/pki/manifest through cs_chain_verify(): the code of the finding that
 * names the cause, the number nginx would log, which certificate, and the TLS alert.
 *
 * usage: test_zoo ZOO-DIR MANIFEST */
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "x509/chain.h"
#include "x509/name.h"
#include "x509/findings.h"
#include "x509/memory.h"
#include "x509/pem.h"

struct row {
    struct cs_str chain, trust, crl, as, host, code;
    uint64_t depth, error, at, alert;
};

static const char *folder;
static int64_t now_sec;

static struct cs_str read_file(struct cs_arena *arena, const char *path)
{
    FILE *f = fopen(path, "rbe");
    char *bytes;
    long len;

    if (!f) {
        printf("Bail out! %s: %s\n", path, strerror(errno));
        exit(1);
    }
    fseek(f, 0, SEEK_END);
    len = ftell(f);
    rewind(f);
    bytes = cs_arena_raw(arena, (size_t)len + 1);
    cs_assert(fread(bytes, 1, (size_t)len, f) == (size_t)len);
    fclose(f);
    return cs_str_make(bytes, (size_t)len);
}

static struct cs_source read_pem(struct cs_arena *arena, struct cs_str name)
{
    struct cs_str path = cs_arena_printf(arena, "%s/%.*s.pem", folder, CS_FMT(name));

    return (struct cs_source){.bytes = read_file(arena, path.ptr), .file = name};
}

static struct cs_str word(struct cs_str *line)
{
    *line = cs_str_trim(*line);
    return cs_str_cut(line, ' ');
}

static bool read_row(struct cs_str line, struct row *row)
{
    if (line.len == 0 || line.ptr[0] == '#')
        return false;
    row->chain = word(&line);
    row->trust = word(&line);
    row->crl = word(&line);
    row->as = word(&line);
    cs_assert(cs_str_to_u64(word(&line), 99, &row->depth) == 0);
    row->host = word(&line);
    row->code = word(&line);
    cs_assert(cs_str_to_u64(word(&line), 99, &row->error) == 0);
    cs_assert(cs_str_to_u64(word(&line), 99, &row->at) == 0);
    cs_assert(cs_str_to_u64(word(&line), 999, &row->alert) == 0);
    return true;
}

static bool is_set(struct cs_str field)
{
    return !cs_str_eq(field, CS_STR("-"));
}

static size_t read_chain(struct cs_arena *arena, struct cs_str name, struct cs_str ret_ders[64])
{
    struct cs_str rest = read_pem(arena, name).bytes;
    struct cs_pem_block block;
    size_t n = 0;

    while (n < 64 && cs_pem_next(&rest, arena, &block) > 0)
        ret_ders[n++] = block.der;
    return n;
}

static void show(const struct cs_findings *findings)
{
    for (const struct cs_finding *f = findings->first; f; f = f->next) {
        printf("#   %s", f->kind->code);
        for (size_t i = 0; i < CS_FINDING_OPERANDS; i++)
            printf(" | %.*s", CS_FMT(f->operands[i]));
        printf("\n");
    }
}

/* A list that is refused while it is read: the row's code is that refusal. */
static void check_refused(const struct row *row, const struct cs_findings *findings)
{
    const struct cs_finding *f = findings->first;

    while (f && !cs_str_eq(cs_str_from(f->kind->code), row->code))
        f = f->next;
    if (!tap_ok(f != NULL, "%.*s with %.*s: refused while read: %.*s", CS_FMT(row->chain),
                CS_FMT(row->crl), CS_FMT(row->code)))
        show(findings);
}

static void check_verdict(const struct row *row, const struct cs_verdict *v)
{
    const char *code = v->accepted ? "-" : v->cause ? v->cause->kind->code : "(none)";

    if (tap_ok(cs_str_eq(cs_str_from(code), row->code) && v->error == (int)row->error &&
                   v->error_depth == (int)row->at && cs_verdict_alert(v) == row->alert,
               "%.*s trust %.*s crl %.*s host %.*s: %.*s", CS_FMT(row->chain), CS_FMT(row->trust),
               CS_FMT(row->crl), CS_FMT(row->host), CS_FMT(row->code)))
        return;
    printf("#   got  %s error %d at %d alert %d\n", code, v->error, v->error_depth,
           cs_verdict_alert(v));
    printf("#   want %.*s error %d at %d alert %d\n", CS_FMT(row->code), (int)row->error,
           (int)row->at, (int)row->alert);
    show(&v->findings);
}

static bool same_verdict(const struct cs_verdict *a, const struct cs_verdict *b)
{
    if (a->accepted != b->accepted || a->error != b->error || a->error_depth != b->error_depth ||
        a->n_path != b->n_path || a->path_not_after != b->path_not_after ||
        (a->cause ? a->cause->kind : NULL) != (b->cause ? b->cause->kind : NULL))
        return false;
    for (size_t i = 0; a->accepted && i < a->n_path; i++) {
        if (memcmp(a->path[i]->sha256, b->path[i]->sha256, 32) != 0)
            return false;
    }
    return true;
}

/* The memory answers as the verdict itself does: the first time, the second, and when the
 * times of the path are over. */
static void check_memory(const struct row *row, const struct cs_chain_query *query,
                         const struct cs_verdict *v)
{
    struct cs_chain_memory *memory = cs_chain_memory_new(4);
    struct cs_chain_query q = *query;
    bool same = true;

    for (int round = 0; round < 3; round++) {
        struct cs_arena arena = {0};
        struct cs_verdict plain = *v, remembered = {0};
        struct cs_remembered *ref;
        if (round == 2 && v->accepted) {
            q.now_sec = v->path_not_after + 1;
            cs_assert(cs_chain_verify(&q, &arena, &plain) == 0);
        }
        cs_assert(cs_chain_memory_verify(memory, &q, &arena, &remembered, &ref) == 0);
        same &= same_verdict(&plain, &remembered) && (ref != NULL) == plain.accepted;
        cs_remembered_unref(ref);
        cs_arena_deinit(&arena);
    }
    tap_ok(same && cs_chain_memory_hits(memory) == (v->accepted ? 1 : 0), "%.*s: remembered alike",
           CS_FMT(row->chain));
    cs_chain_memory_free(memory);
}

static void check_row(const struct row *row)
{
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_source ca = read_pem(&arena, row->trust), crl;
    struct cs_trust_spec spec = {.cas = &ca, .n_cas = 1, .n_named = 1};
    struct cs_crl_lists *lists = NULL;
    struct cs_trust *trust = NULL;
    struct cs_str ders[64];
    struct cs_chain_query q = {.ders = ders, .now_sec = now_sec, .depth = (int)row->depth};
    struct cs_verdict v = {0};
    bool readable = true;

    cs_findings_init(&findings, &arena);
    if (is_set(row->crl)) {
        crl = read_pem(&arena, row->crl);
        readable = cs_crl_lists_new(&crl, 1, &findings, &lists) == 0;
        spec.crls = lists;
    }
    q.purpose = cs_str_eq(row->as, CS_STR("client")) ? CS_PURPOSE_CLIENT : CS_PURPOSE_SERVER;
    if (is_set(row->host))
        q.host = row->host;
    q.n = read_chain(&arena, row->chain, ders);
    if (!readable || cs_trust_new(&spec, &findings, &trust) != 0) {
        check_refused(row, &findings);
    } else {
        q.trust = trust;
        tap_int(cs_chain_verify(&q, &arena, &v), 0, "judged");
        check_verdict(row, &v);
        check_memory(row, &q, &v);
    }
    cs_trust_unref(trust);
    cs_crl_lists_free(lists);
    cs_arena_deinit(&arena);
}

int main(int argc, char **argv)
{
    struct cs_arena arena = {0};
    struct cs_str rest;
    struct row row;

    cs_assert(argc == 3);
    folder = argv[1];
    rest = read_file(&arena, cs_arena_printf(&arena, "%s/now", folder).ptr);
    now_sec = strtoll(cs_arena_dup(&arena, rest).ptr, NULL, 10);
    rest = read_file(&arena, argv[2]);
    while (rest.ptr) {
        if (read_row(cs_str_cut(&rest, '\n'), &row))
            check_row(&row);
    }
    cs_arena_deinit(&arena);
    return tap_done();
}
