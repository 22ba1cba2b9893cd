/* Any bytes as a signing request, and what is done with one that is taken. */
#include <stddef.h>
#include <stdint.h>

#include "base/panic.h"
#include "x509/identity.h"
#include "x509/lint.h"
#include "x509/request.h"

static void use(const struct cs_csr *csr, struct cs_arena *arena, struct cs_findings *findings)
{
    struct cs_identity identity;

    cs_assert(csr->asked.subject.len && csr->asked.spki.len);
    cs_assert(csr->asked.issuer.len == 0 && csr->asked.serial.len == 0);
    (void)cs_cert_names_text(&csr->asked, arena);
    if (cs_identity_from_cert(&csr->asked, arena, findings, &identity) != 0)
        cs_assert(findings->n_errors > 0);
    cs_lint_request(csr, findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_csr csr;

    cs_findings_init(&findings, &arena);
    if (cs_csr_parse(cs_str_make(data, size), &arena, &findings, &csr) == 0)
        use(&csr, &arena, &findings);
    else
        cs_assert(findings.n_errors == 1);
    cs_arena_deinit(&arena);
    return 0;
}
