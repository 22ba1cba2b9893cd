/* Any bytes as the signing request of an order, and as names and patterns of names. */
#include <stddef.h>
#include <stdint.h>

#include "authority/order.h"
#include "base/mem.h"
#include "x509/key.h"

enum { NOW = 1800000000, DAY = 86400 };

/* A CA, made once. */
static struct cs_arena kept;
static struct cs_cert ca;
static struct evp_pkey_st *key;

static void make_ca(void)
{
    static const struct cs_str domain[] = {CS_STR_INIT("a.test")};
    struct cs_cert_spec spec = {.common_name = CS_STR("CA"),
                                .ca = true,
                                .permitted_dns = {domain, 1},
                                .key_usage = CS_USAGE_KEY_CERT_SIGN | CS_USAGE_CRL_SIGN,
                                .not_before = NOW - DAY,
                                .not_after = NOW + 100 * DAY};
    struct cs_findings findings;
    struct cs_buf der;

    cs_findings_init(&findings, &kept);
    cs_buf_init(&der, 1 << 16);
    cs_assert(cs_make_key(CS_MAKE_P256, &key) == 0);
    cs_assert(cs_make_cert(&spec, key, NULL, &der) == 0);
    cs_assert(cs_cert_parse(cs_arena_dup(&kept, cs_buf_str(&der)), &kept, &findings, &ca) == 0);
    cs_buf_deinit(&der);
}

static void judge(const struct cs_csr *csr, struct cs_str profile,
                  const struct cs_profiles *profiles, struct cs_arena *arena)
{
    const struct cs_cert *path[] = {&ca};
    struct cs_order order = {.profile = profile, .csr = csr};
    struct cs_ground ground = {.profiles = profiles,
                               .issuers = path,
                               .n_issuers = 1,
                               .serial = CS_STR("0123456789abcdef"),
                               .now_sec = NOW};
    struct cs_make_issuer signer = {&ca, key};
    struct cs_findings findings;
    struct cs_plan plan;
    struct cs_draft draft;

    cs_findings_init(&findings, arena);
    if (cs_order_judge(&order, &ground, arena, &findings, &plan) != 0) {
        cs_assert(findings.n_errors > 0);
        return;
    }
    cs_assert(csr->signed_by_key && !csr->asked.ca);
    if (cs_order_draft(&plan, &signer, &ground, arena, &findings, &draft) == 0)
        cs_assert(!draft.cert.ca && draft.cert.not_after <= ca.not_after);
}

static void read_names(struct cs_str text, struct cs_arena *arena)
{
    struct cs_pattern pattern;
    struct cs_claim claim;
    bool is_claim = !cs_claim_parse(text, arena, &claim);

    if (is_claim)
        cs_assert(cs_claim_check(&claim) == NULL);
    if (is_claim && !cs_pattern_parse(text, &pattern) && cs_pattern_covers(&pattern, &claim))
        cs_assert(cs_pattern_touches(&pattern, &claim));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_arena arena = {0};
    struct cs_profiles profiles = cs_profiles_builtin((struct cs_names){0}, &arena);
    struct cs_str bytes = cs_str_make(data, size);
    struct cs_findings findings;
    struct cs_csr csr;

    if (!key)
        make_ca();
    cs_findings_init(&findings, &arena);
    read_names(bytes, &arena);
    if (cs_csr_parse(bytes, &arena, &findings, &csr) == 0) {
        for (size_t i = 0; i < profiles.n; i++)
            judge(&csr, profiles.items[i].name, &profiles, &arena);
    }
    cs_arena_deinit(&arena);
    return 0;
}
