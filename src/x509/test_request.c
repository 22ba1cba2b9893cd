/* One good request, written field by field, and every way of spoiling it that a row names; then
 * requests that the library signs. */
#include "x509/request.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/mem.h"
#include "tap.h"
#include "x509/findings.h"
#include "x509/test_frame.h"

static struct cs_arena arena;

/* extensionRequest with one extension: CA:FALSE, or subjectAltName a.test. */
#define ASK(len1, len2, len3, extensions)                                                          \
    "\x30" len1 "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e\x31" len2 "\x30" len3 extensions
#define BC "\x30\x09\x06\x03\x55\x1d\x13\x04\x02\x30\x00"
#define SAN                                                                                        \
    "\x30\x11\x06\x03\x55\x1d\x11\x04\x0a\x30\x08\x82\x06"                                         \
    "a.test"
#define ASK_BC ASK("\x1a", "\x0d", "\x0b", BC)
#define ASK_SAN ASK("\x22", "\x15", "\x13", SAN)
#define CHALLENGE                                                                                  \
    "\x30\x10\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07\x31\x03\x0c\x01"                         \
    "p"
#define OTHER "\x30\x06\x06\x02\x2a\x03\x31\x00"

/* What a request is made of; empty: the good default. */
struct parts {
    struct cs_str version, subject, spki, attributes, tail, after, algorithm;
    bool no_attributes;
};

static struct cs_str make(const struct parts *p)
{
    struct cs_der_out out;

    frame_begin(&out);
    cs_der_put_raw(&out, frame_or(p->version, CS_STR("\x02\x01\x00")));
    cs_der_put_raw(&out, frame_or(p->subject, CS_STR(NAME)));
    cs_der_put_raw(&out, frame_or(p->spki, CS_STR(SPKI)));
    if (!p->no_attributes)
        cs_der_put(&out, CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED,
                   frame_or(p->attributes, CS_STR(ASK_SAN)));
    cs_der_put_raw(&out, p->tail);
    return frame_end(&out, frame_or(p->algorithm, CS_STR(ECDSA)), p->after, &arena);
}

static const struct {
    const char *what;
    struct parts parts;
    const char *part; /* operand {4} of the refusal; NULL: accepted */
} rows[] = {
    {"the good one", {{0}}, NULL},
    {"without attributes", {.no_attributes = true}, NULL},
    {"with none in them", {.attributes = B("")}, NULL},
    {"a challenge beside", {.attributes = B(CHALLENGE ASK_SAN)}, NULL},
    {"an unknown attribute", {.attributes = B(OTHER)}, NULL},
    {"an empty subject", {.subject = B("\x30\x00")}, NULL},
    {"version 2", {.version = B("\x02\x01\x01")}, "version"},
    {"no version", {.version = B("")}, "version"},
    {"bytes behind it", {.after = B("\0")}, "encoding"},
    {"something behind the attributes", {.tail = B("\x05\x00")}, "end"},
    {"subject not a name", {.subject = B("\x30\x02\x31\x00")}, "subject"},
    {"NUL in the subject",
     {.subject = B("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01\0")},
     "subject"},
    {"key without bits", {.spki = B("\x30\x15" P256)}, "public key"},
    {"algorithm without identifier", {.algorithm = B("\x30\x00")}, "signature algorithm"},
    {"extensions asked for twice", {.attributes = B(ASK_SAN ASK_BC)}, "attributes"},
    {"the same extension twice",
     {.attributes = B(ASK("\x25", "\x18", "\x16", BC BC))},
     "extensions"},
    {"two values of extensions",
     {.attributes = B("\x30\x27\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e\x31\x1a\x30\x0b" BC
                      "\x30\x0b" BC)},
     "extensionRequest"},
    {"no extension in the list",
     {.attributes = B(ASK("\x0f", "\x02", "\x00", ""))},
     "extensionRequest"},
    {"an attribute without values", {.attributes = B("\x30\x04\x06\x02\x2a\x03")}, "attributes"},
    {"an attribute with more",
     {.attributes = B("\x30\x08\x06\x02\x2a\x03\x31\x00\x05\x00")},
     "attributes"},
    {"bytes between attributes", {.attributes = B(OTHER "\0")}, "attributes"},
};

static void test_rows(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_str der = make(&rows[i].parts);
        struct cs_findings findings;
        struct cs_csr csr;
        int r;
        cs_findings_init(&findings, &arena);
        r = cs_csr_parse(der, &arena, &findings, &csr);
        tap_int(r, rows[i].part ? CS_CSR_REFUSED : 0, rows[i].what);
        tap_int(findings.n_errors, r ? 1 : 0, "errors");
        if (rows[i].part && findings.first)
            tap_str(findings.first->operands[4], cs_str_from(rows[i].part), "the part at fault");
        if (r == 0)
            tap_ok(!csr.signed_by_key, "the signature is none");
    }
}

static void test_values(void)
{
    struct parts parts = {.attributes = B(CHALLENGE OTHER ASK_SAN)};
    struct cs_findings findings;
    struct cs_csr csr;

    cs_findings_init(&findings, &arena);
    if (!tap_int(cs_csr_parse(make(&parts), &arena, &findings, &csr), 0, "accepted"))
        return;
    tap_str(cs_cert_names_text(&csr.asked, &arena), CS_STR("DNS:a.test"), "the names asked for");
    tap_str(csr.asked.key_name, CS_STR("P-256"), "the key");
    tap_str(csr.asked.sig_alg, CS_STR("ecdsa-with-SHA256"), "the signature");
    tap_ok(csr.has_challenge, "a challenge is noticed");
    tap_ok(csr.others.n == 1 && cs_str_eq(csr.others.items[0], CS_STR("1.2.3")), "and the other");
    tap_ok(csr.asked.issuer.len == 0 && csr.asked.serial.len == 0, "what is not asked is empty");
}

static void test_bounds(void)
{
    struct parts parts = {0};
    struct cs_findings findings;
    struct cs_buf many;
    struct cs_csr csr;

    cs_findings_init(&findings, &arena);
    cs_buf_init(&many, 1 << 20);
    for (unsigned i = 0; i < 17; i++)
        cs_buf_addf(&many, "\x30\x06\x06\x02\x2a%c\x31%c", 1 + i, 0);
    parts.attributes = cs_buf_str(&many);
    tap_int(cs_csr_parse(make(&parts), &arena, &findings, &csr), CS_CSR_REFUSED, "17 attributes");
    tap_str(findings.last->operands[5], CS_STR("there are more than 16"), "are too many");
    cs_buf_reset(&many);
    cs_assert(cs_buf_reserve(&many, CS_CSR_BYTES_MAX) == 0);
    memset(many.ptr, 0, CS_CSR_BYTES_MAX);
    many.len = CS_CSR_BYTES_MAX;
    parts = (struct parts){.after = cs_buf_str(&many)};
    tap_int(cs_csr_parse(make(&parts), &arena, &findings, &csr), CS_CSR_REFUSED, "too long");
    tap_str(findings.last->operands[4], CS_STR("size"), "and not looked at further");
    cs_buf_deinit(&many);
}

/* A request that the library makes, for @about, signed with @key. */
static struct cs_str sign(EVP_PKEY *about, EVP_PKEY *key)
{
    X509_REQ *req = X509_REQ_new();
    uint8_t *der = NULL;
    struct cs_str copy;
    int len;

    cs_assert(X509_REQ_set_version(req, 0) == 1 && X509_REQ_set_pubkey(req, about) == 1);
    cs_assert(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_UTF8,
                                         (const uint8_t *)"pump7", -1, -1, 0) == 1);
    cs_assert(X509_REQ_sign(req, key, EVP_PKEY_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256()) >
              0);
    len = i2d_X509_REQ(req, &der);
    copy = cs_arena_dup(&arena, cs_str_make(der, (size_t)len));
    OPENSSL_free(der);
    X509_REQ_free(req);
    return copy;
}

static EVP_PKEY *new_key(int id)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(id, NULL);
    EVP_PKEY *key = NULL;

    cs_assert(EVP_PKEY_keygen_init(ctx) > 0);
    if (id == EVP_PKEY_EC)
        cs_assert(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_X9_62_prime256v1) > 0);
    cs_assert(EVP_PKEY_keygen(ctx, &key) > 0);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static void check_possession(struct cs_str der, bool want, const char *what)
{
    struct cs_findings findings;
    struct cs_csr csr;

    cs_findings_init(&findings, &arena);
    tap_ok(cs_csr_parse(der, &arena, &findings, &csr) == 0 && csr.signed_by_key == want, "%s",
           what);
}

static void test_possession(void)
{
    EVP_PKEY *ec = new_key(EVP_PKEY_EC), *other = new_key(EVP_PKEY_EC);
    EVP_PKEY *ed = new_key(EVP_PKEY_ED25519), *rsa = new_key(EVP_PKEY_RSA);
    struct cs_str changed;

    check_possession(sign(ec, ec), true, "EC, its own key");
    check_possession(sign(ed, ed), true, "Ed25519, its own key");
    check_possession(sign(rsa, rsa), true, "RSA, its own key");
    check_possession(sign(ec, other), false, "another key of the same kind");
    check_possession(sign(ec, rsa), false, "a key of another kind");
    changed = sign(ec, ec);
    ((char *)changed.ptr)[cs_str_search(changed, CS_STR("pump7"))] = 'P';
    check_possession(changed, false, "changed after signing");
    EVP_PKEY_free(ec);
    EVP_PKEY_free(other);
    EVP_PKEY_free(ed);
    EVP_PKEY_free(rsa);
}

int main(void)
{
    cs_arena_init(&arena);
    test_rows();
    test_values();
    test_bounds();
    test_possession();
    cs_arena_deinit(&arena);
    return tap_done();
}
