/* Certificates with their keys, made on the spot. */
#ifndef CS_ENROL_TEST_PAPER_H
#define CS_ENROL_TEST_PAPER_H

#include <errno.h>
#include <time.h>

#include "authority/make.h"
#include "base/mem.h"
#include "x509/cert.h"
#include "x509/key.h"
#include "x509/pem.h"

struct test_paper {
    struct cs_cert cert;
    struct evp_pkey_st *key;
    struct cs_buf cert_pem, key_pem;
};

/** test_paper() - a certificate for @host, good for a day from @age_sec ago on; a root when @issuer
 *  is NULL. */
static void test_paper(struct test_paper *paper, struct cs_arena *arena, struct cs_str host,
                       const struct test_paper *issuer, int64_t age_sec)
{
    struct cs_findings findings;
    struct cs_cert_spec spec = {.common_name = host, .not_before = time(NULL) - age_sec};
    struct cs_make_issuer by = {issuer ? &issuer->cert : NULL, issuer ? issuer->key : NULL};
    struct cs_buf der;
    int r;

    cs_findings_init(&findings, arena);
    cs_buf_init(&der, 1 << 16);
    cs_buf_init(&paper->cert_pem, 1 << 16);
    cs_buf_init(&paper->key_pem, 1 << 16);
    spec.not_after = spec.not_before + 86400;
    if (issuer) {
        spec.dns = (struct cs_names){&host, 1};
        spec.eku = CS_EKU_SERVER | CS_EKU_CLIENT;
        spec.key_usage = CS_USAGE_DIGITAL_SIGNATURE;
    } else {
        spec.ca = true;
        spec.path_len = -1;
        spec.key_usage = CS_USAGE_KEY_CERT_SIGN | CS_USAGE_CRL_SIGN;
    }
    r = cs_make_key(CS_MAKE_P256, &paper->key) ||
        cs_make_cert(&spec, paper->key, issuer ? &by : NULL, &der) ||
        cs_cert_parse(cs_arena_dup(arena, cs_buf_str(&der)), arena, &findings, &paper->cert) ||
        cs_pem_write(&paper->cert_pem, CS_STR("CERTIFICATE"), cs_buf_str(&der)) ||
        cs_key_write(paper->key, &paper->key_pem);
    cs_assert(r == 0);
    cs_buf_deinit(&der);
}

static void test_paper_free(struct test_paper *paper)
{
    cs_key_free(paper->key);
    cs_buf_deinit(&paper->cert_pem);
    cs_buf_deinit(&paper->key_pem);
}

#endif
