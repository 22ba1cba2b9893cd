/* Any bytes as a certificate, as PEM, and what accepted ones turn into. */
#include <stddef.h>
#include <stdint.h>

#include "base/panic.h"
#include "x509/cert.h"
#include "x509/identity.h"
#include "x509/name.h"
#include "x509/pem.h"

static void use(const struct cs_cert *cert, struct cs_arena *arena, struct cs_findings *findings)
{
    struct cs_identity identity;
    struct cs_str text = cs_name_text(cert->subject, arena);

    (void)cs_name_legacy_text(cert->subject, arena);
    (void)cs_name_common_name(cert->subject, arena);
    (void)cs_serial_text(cert->serial, arena);
    (void)cs_cert_names_text(cert, arena);
    (void)cs_cert_key_usage_text(cert, arena);
    (void)cs_cert_eku_text(cert, arena);
    (void)cs_name_match_host(cert, CS_STR("www.example.test"));
    (void)cs_name_match_host(cert, CS_STR("192.0.2.1"));
    for (size_t i = 0; i < text.len; i++)
        cs_assert((unsigned char)text.ptr[i] >= 0x20); /* a name never brings a line break */
    if (cs_identity_from_cert(cert, arena, findings, &identity) == 0)
        cs_assert((identity.kind == CS_IDENTITY_NONE) == (identity.text.len == 0) ||
                  identity.kind == CS_IDENTITY_URI || identity.kind == CS_IDENTITY_DNS ||
                  identity.kind == CS_IDENTITY_EMAIL);
}

static void parse(struct cs_str der)
{
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_cert cert;

    cs_findings_init(&findings, &arena);
    if (cs_cert_parse(der, &arena, &findings, &cert) == 0)
        use(&cert, &arena, &findings);
    else
        cs_assert(findings.n_errors == 1);
    cs_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_str rest = cs_str_make(data, size);
    struct cs_arena arena = {0};
    struct cs_pem_block block;

    parse(rest);
    while (cs_pem_next(&rest, &arena, &block) > 0)
        parse(block.der);
    cs_arena_deinit(&arena);
    return 0;
}
