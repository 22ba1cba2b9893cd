/* What is said about failures: for each NAME.facts in the folder given, the account of it in all
 * three styles is NAME.txt. NAME is the code of its cause, and "--" and a remark if there are
 * several of one. Every kind that can be a cause is in one of them. */
#include <string.h>

#include "explain/account.h"
#include "explain/diagnosis.h"
#include "explain/kinds.h"
#include "explain/read.h"
#include "facts.h"
#include "golden.h"

#define KINDS_MAX 512

static bool seen[KINDS_MAX];

static void note(const struct cs_finding_kind *kind)
{
    for (size_t i = 0; cs_kind_at(i); i++)
        seen[i] |= cs_kind_at(i) == kind;
}

static struct cs_str code_of(const char *path)
{
    struct cs_str name = cs_str_from(path);
    ptrdiff_t end = cs_str_search(name, CS_STR("--"));

    return cs_str_sub(name, 0, end >= 0 ? (size_t)end : (size_t)cs_str_find(name, '.'));
}

static void tell(const struct cs_account *account, struct cs_buf *buf)
{
    cs_account_tell(account, CS_ACCOUNT_TEXT, false, buf);
    cs_buf_add_str(buf, CS_STR("--- line\n"));
    cs_account_tell(account, CS_ACCOUNT_LINE, false, buf);
    cs_buf_add_str(buf, CS_STR("\n--- json\n"));
    cs_account_tell(account, CS_ACCOUNT_JSON, false, buf);
    cs_buf_add_char(buf, '\n');
}

static void tell_read(void *ctx, const struct cs_account *account)
{
    tell(account, ctx);
}

/* What is read back from the JSON is told in the same words. */
static void read_back(const struct cs_account *account, struct cs_buf *buf, const char *path)
{
    struct cs_reading reading;
    struct cs_buf json, again;

    cs_buf_init(&json, GOLDEN_MAX);
    cs_buf_init(&again, GOLDEN_MAX);
    cs_account_tell(account, CS_ACCOUNT_JSON, false, &json);
    cs_account_read(cs_buf_str(&json), tell_read, &again, &reading);
    tap_ok(reading.n == 1 && cs_str_eq(cs_buf_str(&again), cs_buf_str(buf)), "%s, read back", path);
    cs_buf_deinit(&again);
    cs_buf_deinit(&json);
}

static void describe(void *ctx, const char *path, struct cs_arena *arena, struct cs_buf *buf)
{
    struct cs_findings findings;
    const struct cs_finding *cause;
    struct cs_account account;
    struct cs_str text = {0};
    struct facts facts;

    cs_assert(golden_read(path, arena, &text) == 0);
    facts_read(text, arena, &facts);
    cs_findings_init(&findings, arena);
    cause = cs_diagnose(&facts.record, &findings);
    if (!cause && facts.record.verdict) /* a remark about a good chain, or a file */
        cause = facts.verdict.findings.first;
    tap_str(cs_str_from(cause ? cause->kind->code : "none"), code_of(path), path);
    if (cause)
        note(cause->kind);
    cs_account_make(&facts.record, cause, arena, &account);
    tell(&account, buf);
    read_back(&account, buf, path);
    facts_deinit(&facts);
}

int main(int argc, char **argv)
{
    cs_assert(argc == 2);
    golden_each_of(argv[1], "*.facts", describe, NULL);
    for (size_t i = 0; cs_kind_at(i); i++) {
        cs_assert(i < KINDS_MAX);
        if (cs_kind_at(i)->blame)
            tap_ok(seen[i], "a case shows \"%s\"", cs_kind_at(i)->code);
    }
    return tap_done();
}
