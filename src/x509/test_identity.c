/* SPIFFE IDs, and which name a certificate stands for. */
#include "x509/identity.h"

#include "tap.h"

static struct cs_arena arena;
static struct cs_findings findings;

static const struct {
    const char *id, *domain; /* domain NULL: refused */
} ids[] = {
    {"spiffe://demo.test/a", "demo.test"},
    {"spiffe://demo.test", "demo.test"},
    {"spiffe://d-1_x.test/ns/default/sa/Pump-7_a.b", "d-1_x.test"},
    {"spiffe:///a", NULL},
    {"spiffe://demo.test/", NULL},
    {"spiffe://demo.test/a/", NULL},
    {"spiffe://demo.test//a", NULL},
    {"spiffe://demo.test/./a", NULL},
    {"spiffe://demo.test/a/..", NULL},
    {"spiffe://demo.test/a%20b", NULL},
    {"spiffe://demo.test/a?b", NULL},
    {"spiffe://demo.test/a#b", NULL},
    {"spiffe://demo.test:443/a", NULL},
    {"spiffe://user@demo.test/a", NULL},
    {"spiffe://Demo.test/a", NULL},
    {"SPIFFE://demo.test/a", NULL},
    {"spiffe:/demo.test/a", NULL},
    {"https://demo.test/a", NULL},
    {"", NULL},
};

static void test_ids(void)
{
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct cs_str domain = {0};
        const char *why = cs_spiffe_id_check(cs_str_from(ids[i].id), &domain);
        tap_ok((why == NULL) == (ids[i].domain != NULL), "\"%s\": %s", ids[i].id,
               why ? why : "fine");
        tap_str(domain, cs_str_from(ids[i].domain), "its trust domain");
    }
}

static const struct cs_str one_id[] = {CS_STR_INIT("spiffe://demo.test/a")};
static const struct cs_str two_ids[] = {CS_STR_INIT("https://x.test"),
                                        CS_STR_INIT("spiffe://demo.test/a")};
static const struct cs_str bare_id[] = {CS_STR_INIT("spiffe://demo.test")};
static const struct cs_str shouted_id[] = {CS_STR_INIT("SPIFFE://demo.test/a")};
static const struct cs_str uri[] = {CS_STR_INIT("https://x.test/a")};
static const struct cs_str dns[] = {CS_STR_INIT("Pump.Test"), CS_STR_INIT("b.test")};
static const struct cs_str email[] = {CS_STR_INIT("a@b.test")};
#define SUBJECT                                                                                    \
    CS_STR_INIT("\x30\x0e\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x03"                             \
                "bob")

static const struct {
    const char *what;
    struct cs_cert cert;
    int result;
    enum cs_identity_kind kind;
    const char *text;
} leaves[] = {
    {"SPIFFE",
     {.san.uri = {one_id, 1}, .san.dns = {dns, 2}},
     0,
     CS_IDENTITY_SPIFFE,
     "spiffe://demo.test/a"},
    {"two URIs", {.san.uri = {two_ids, 2}}, CS_IDENTITY_REFUSED, 0, NULL},
    {"no path", {.san.uri = {bare_id, 1}}, CS_IDENTITY_REFUSED, 0, NULL},
    {"upper-case scheme", {.san.uri = {shouted_id, 1}}, CS_IDENTITY_REFUSED, 0, NULL},
    {"a CA", {.san.uri = {one_id, 1}, .ca = true}, CS_IDENTITY_REFUSED, 0, NULL},
    {"may sign certificates",
     {.san.uri = {one_id, 1}, .key_usage = CS_USAGE_KEY_CERT_SIGN},
     CS_IDENTITY_REFUSED,
     0,
     NULL},
    {"URI", {.san.uri = {uri, 1}, .san.dns = {dns, 2}}, 0, CS_IDENTITY_URI, "https://x.test/a"},
    {"DNS", {.san.dns = {dns, 2}, .san.email = {email, 1}}, 0, CS_IDENTITY_DNS, "pump.test"},
    {"email", {.san.email = {email, 1}, .subject = SUBJECT}, 0, CS_IDENTITY_EMAIL, "a@b.test"},
    {"common name", {.subject = SUBJECT}, 0, CS_IDENTITY_CN, "bob"},
    {"nothing", {.subject = CS_STR_INIT("\x30\x00")}, 0, CS_IDENTITY_NONE, ""},
};

static void test_leaves(void)
{
    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        struct cs_identity id = {0};
        unsigned before = findings.n;
        int r = cs_identity_from_cert(&leaves[i].cert, &arena, &findings, &id);
        tap_int(r, leaves[i].result, leaves[i].what);
        if (r == 0) {
            tap_int(id.kind, leaves[i].kind, "kind");
            tap_str(id.text, cs_str_from(leaves[i].text), "text");
        }
        tap_int(findings.n - before, r != 0, "a finding when refused");
    }
}

int main(void)
{
    cs_findings_init(&findings, &arena);
    test_ids();
    test_leaves();
    cs_arena_deinit(&arena);
    return tap_done();
}
