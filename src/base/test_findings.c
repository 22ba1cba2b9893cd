/* Findings: kept in order, counted, bounded; operands are copies. */
#include "base/findings.h"

#include "tap.h"

static const struct cs_finding_kind error_kind = {"bad-thing", CS_SEVERITY_ERROR, "bad {0}", NULL,
                                                  NULL};
static const struct cs_finding_kind notice_kind = {"odd-thing", CS_SEVERITY_NOTICE, "odd", NULL,
                                                   NULL};

int main(void)
{
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_place place = {CS_STR("a.conf"), 3, 5, CS_STR("line")};
    char operand[] = "one";

    cs_findings_init(&findings, &arena);
    CS_FIND(&findings, &error_kind, &place, cs_str_from(operand), CS_STR("two"));
    CS_FIND0(&findings, &notice_kind, NULL);
    operand[0] = 'X';
    tap_str(findings.first->operands[0], CS_STR("one"), "operands are copied");
    tap_str(findings.first->operands[1], CS_STR("two"), "in order");
    tap_int(findings.first->place.line, 3, "place kept");
    tap_ok(findings.last->kind == &notice_kind, "order of discovery");
    tap_int(findings.n_errors, 1, "errors counted");
    CS_FIND(&findings, &error_kind, &place, CS_STR("one"), CS_STR("two"));
    tap_ok(findings.n == 2 && findings.n_errors == 1, "one thing at one place is noted once");
    CS_FIND(&findings, &error_kind, &place, CS_STR("one"), CS_STR("three"));
    CS_FIND0(&findings, &notice_kind, NULL);
    tap_int(findings.n, 4, "another thing there, or a thing without a place, is another one");
    place.column++;
    CS_FIND(&findings, &error_kind, &place, CS_STR("one"), CS_STR("two"));
    tap_int(findings.n, 5, "and so is the same thing elsewhere");
    for (int i = 0; i < CS_FINDINGS_MAX; i++)
        CS_FIND0(&findings, &error_kind, NULL);
    tap_int(findings.n, CS_FINDINGS_MAX, "bounded");
    tap_int(findings.dropped, 5, "the rest is counted");
    tap_int(findings.n_errors, 3 + CS_FINDINGS_MAX, "errors are all counted");
    cs_arena_deinit(&arena);
    return tap_done();
}
