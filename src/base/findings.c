/* A list of findings in an arena; operands and places are copied so that they
 * outlive their source. */
#include "base/findings.h"

#include "base/panic.h"

void cs_findings_init(struct cs_findings *findings, struct cs_arena *arena)
{
    *findings = (struct cs_findings){.arena = arena};
}

static bool same_operands(const struct cs_finding *finding, const struct cs_str *operands, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!cs_str_eq(finding->operands[i], operands[i]))
            return false;
    }
    return true;
}

static bool is_known(const struct cs_findings *findings, const struct cs_finding_kind *kind,
                     const struct cs_place *place, const struct cs_str *operands, size_t n)
{
    if (!place || place->line == 0)
        return false;
    for (const struct cs_finding *f = findings->first; f; f = f->next) {
        if (f->kind == kind && f->place.line == place->line && f->place.column == place->column &&
            cs_str_eq(f->place.file, place->file) && same_operands(f, operands, n))
            return true;
    }
    return false;
}

void cs_findings_add(struct cs_findings *findings, const struct cs_finding_kind *kind,
                     const struct cs_place *place, const struct cs_str *operands, size_t n)
{
    struct cs_finding *finding;

    cs_assert(n <= CS_FINDING_OPERANDS);
    if (is_known(findings, kind, place, operands, n))
        return;
    if (kind->severity == CS_SEVERITY_ERROR)
        findings->n_errors++;
    if (findings->n == CS_FINDINGS_MAX) {
        findings->dropped++;
        return;
    }
    finding = CS_ARENA_NEW(findings->arena, struct cs_finding);
    finding->kind = kind;
    if (place) {
        finding->place = *place;
        finding->place.file = cs_arena_dup(findings->arena, place->file);
        finding->place.text = cs_arena_dup(findings->arena, place->text);
    }
    for (size_t i = 0; i < n; i++)
        finding->operands[i] = cs_arena_dup(findings->arena, operands[i]);
    if (findings->last)
        findings->last->next = finding;
    else
        findings->first = finding;
    findings->last = finding;
    findings->n++;
}
