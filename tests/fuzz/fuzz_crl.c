/* Any bytes as a revocation list, DER or PEM, and the questions asked of it afterwards. */
#include <stddef.h>
#include <stdint.h>

#include "base/panic.h"
#include "x509/crl.h"

static void ask(const struct cs_crl_set *set)
{
    struct cs_cert issuer = {.subject = CS_STR("\x30\x00")}, cert = {.serial = CS_STR("\x01")};
    struct cs_crl_answer a = cs_crl_set_check(set, &cert, &issuer, 1700000000);
    size_t size;

    cs_assert(a.status == CS_CRL_MISSING || a.status == CS_CRL_BAD_SIGNATURE);
    cs_assert(cs_crl_set_block(set, &size) && size < (size_t)1 << 26);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_source source = {.bytes = cs_str_make(data, size), .file = CS_STR("fuzz")};
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_crl_lists *lists = NULL;
    struct cs_crl_set *set = NULL;

    cs_findings_init(&findings, &arena);
    if (cs_crl_lists_new(&source, 1, &findings, &lists) == 0 &&
        cs_crl_set_new(lists, NULL, 0, NULL, &findings, &set) == 0)
        ask(set);
    else
        cs_assert(findings.n_errors > 0);
    cs_crl_set_free(set);
    cs_crl_lists_free(lists);
    cs_arena_deinit(&arena);
    return 0;
}
