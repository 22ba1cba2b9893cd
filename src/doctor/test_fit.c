/* Which certificates fit which request: issuers by name, along the chain; keys by signature. */
#include "doctor/fit.h"

#include "tap.h"
#include "telemetry/handshake.h"

/* Names as DER: one common name of one letter. */
#define NAME(letter) CS_STR_INIT("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01" letter)

static const struct cs_str names[] = {NAME("A"), NAME("B")};

struct sample {
    const char *what;
    struct cs_cert chain[2];
    size_t n, n_names;
    struct cs_str sigalgs;
    struct cs_fit fit;
};

#define TIME .not_before = 100, .not_after = 200
#define BY(letter) .issuer = NAME(letter)

static const struct sample samples[] = {
    {"one of two issuers",
     {{BY("B"), TIME, .key_name = CS_STR_INIT("P-256")}},
     1,
     2,
     CS_STR_INIT("rsa_pkcs1_sha256, ecdsa_secp256r1_sha256"),
     {true, NAME("B"), true, true, true}},
    {"none of them",
     {{BY("C"), TIME, .key_name = CS_STR_INIT("P-256")}},
     1,
     2,
     CS_STR_INIT("ecdsa_secp256r1_sha256"),
     {false, {0}, true, true, true}},
    {"its intermediate was issued by one",
     {{BY("C"), TIME, .key_name = CS_STR_INIT("RSA")}, {BY("A"), TIME}},
     2,
     2,
     CS_STR_INIT("rsa_pss_rsae_sha256"),
     {true, NAME("A"), true, true, true}},
    {"no names: any CA will do",
     {{BY("C"), TIME, .key_name = CS_STR_INIT("Ed25519")}},
     1,
     0,
     CS_STR_INIT("ed25519"),
     {true, {0}, true, true, true}},
    {"another curve",
     {{BY("A"), TIME, .key_name = CS_STR_INIT("P-384")}},
     1,
     2,
     CS_STR_INIT("ecdsa_secp256r1_sha256"),
     {true, NAME("A"), false, true, true}},
    {"no list of signatures",
     {{BY("A"), TIME, .key_name = CS_STR_INIT("P-384")}},
     1,
     2,
     {0},
     {true, NAME("A"), true, true, true}},
    {"a server's",
     {{BY("A"), TIME, .has_eku = true, .eku = CS_EKU_SERVER}},
     1,
     1,
     {0},
     {true, NAME("A"), true, false, true}},
    {"a key that may not sign",
     {{BY("A"), TIME, .has_key_usage = true, .key_usage = CS_USAGE_KEY_ENCIPHERMENT}},
     1,
     1,
     {0},
     {true, NAME("A"), true, false, true}},
    {"out of its time",
     {{BY("A"), .not_before = 100, .not_after = 149}},
     1,
     1,
     {0},
     {true, NAME("A"), true, true, false}},
};

static void look(const struct sample *s)
{
    struct cs_fit fit = cs_fit_look(s->chain, s->n, names, s->n_names, s->sigalgs, 150);
    bool all = s->fit.issuer && s->fit.key && s->fit.usage && s->fit.current;

    tap_ok(fit.issuer == s->fit.issuer, "%s", s->what);
    tap_str(fit.by, s->fit.by, s->what);
    tap_ok(fit.key == s->fit.key, "%s", s->what);
    tap_ok(fit.usage == s->fit.usage, "%s", s->what);
    tap_ok(fit.current == s->fit.current, "%s", s->what);
    tap_ok(cs_fit_all(&fit) == all, "%s", s->what);
}

int main(void)
{
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
        look(&samples[i]);
    return tap_done();
}
