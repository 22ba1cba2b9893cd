/* What a refused client is told: the truth about its own certificate, and nothing that was not its.
 */
#include "explain/reason.h"

#include <string.h>

#include "explain/kinds.h"
#include "tap.h"
#include "x509/chain.h"
#include "x509/findings.h"

/* CN=x<y>&"z", as DER: marks of HTML and JSON in a name. */
#define NASTY "\x30\x12\x31\x10\x30\x0e\x06\x03\x55\x04\x03\x0c\x07x<y>&\"z"
/* CN=Inner CA, O=Us */
#define CA                                                                                         \
    "\x30\x20\x31\x0b\x30\x09\x06\x03\x55\x04\x0a\x0c\x02Us\x31\x11\x30\x0f\x06\x03\x55\x04\x03"   \
    "\x0c\x08Inner CA"

static struct cs_cert leaf = {
    .subject = CS_STR_INIT(NASTY),
    .issuer = CS_STR_INIT(CA),
    .not_before = 1767225600, /* 2026-01-01 */
    .not_after = 1795000000,
};

static struct cs_str ca_name = CS_STR_INIT(CA);

static const struct {
    const char *code;
    int depth;
    bool asked;
    const char *says;
} rows[] = {
    {"certificate-missing", 0, true,
     "no client certificate was sent; it was asked for one issued by \"CN=Inner CA,O=Us\""},
    {"certificate-missing", 0, false, "no client certificate was sent"},
    {"certificate-expired", 0, true, "the client certificate expired on 2026-11-18T11:06:40Z"},
    {"certificate-expired", 1, true, "a certificate above the client certificate has expired"},
    {"certificate-not-yet-valid", 0, true,
     "the client certificate is not valid before 2026-01-01T00:00:00Z"},
    {"issuer-unknown", 0, true,
     "the client certificate was issued by \"CN=Inner CA,O=Us\", which is not accepted here"},
    {"issuer-unknown", 1, true,
     "the client certificate leads to an issuer that is not accepted here"},
    {"revoked", 0, true, "the client certificate was revoked"},
    {"crl-expired", 0, true,
     "it could not be determined whether the client certificate was revoked"},
    {"trust-incomplete", 1, true, "the client certificate could not be verified here"},
    {"policy-denied", 0, true, "a client whose certificate was not verified may not ask for this"},
    {"access-denied", 0, true, "the client certificate was not accepted"},
};

static struct cs_str reason(const char *code, int depth, bool asked, struct cs_arena *arena)
{
    struct cs_finding cause = {.kind = cs_kind_find(cs_str_from(code))};
    struct cs_verdict verdict = {.leaf = &leaf, .error_depth = depth};
    struct cs_names names = {&ca_name, 1};

    /* what the log would say, and the client must not hear */
    for (size_t i = 0; i < CS_FINDING_OPERANDS; i++)
        cause.operands[i] = CS_STR("internal");
    return cs_explain_reason(&cause, &verdict, asked ? &names : NULL, arena);
}

static void test_rows(struct cs_arena *arena)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        tap_str(reason(rows[i].code, rows[i].depth, rows[i].asked, arena),
                cs_str_from(rows[i].says), rows[i].code);
}

/* Every kind has words, and none lets out what only the log may say. */
static void test_all(struct cs_arena *arena)
{
    const struct cs_finding_kind *kind;
    int bad = 0;

    for (size_t i = 0; (kind = cs_kind_at(i)); i++) {
        struct cs_str text = reason(kind->code, (int)(i % 2), true, arena);
        if (text.len && cs_str_search(text, CS_STR("internal")) < 0 && text.len < 300)
            continue;
        bad++;
        printf("# %s: %.*s\n", kind->code, CS_FMT(text));
    }
    tap_int(bad, 0, "each kind has a reason, without the finding's operands");
}

static void test_no_verdict(struct cs_arena *arena)
{
    struct cs_finding cause = {.kind = CS_X509_KIND(CERTIFICATE_EXPIRED)};

    tap_str(cs_explain_reason(&cause, NULL, NULL, arena),
            CS_STR("the client certificate expired on "), "without a verdict there is no date");
}

int main(void)
{
    struct cs_arena arena;

    cs_arena_init(&arena);
    test_rows(&arena);
    test_all(&arena);
    test_no_verdict(&arena);
    cs_arena_deinit(&arena);
    return tap_done();
}
