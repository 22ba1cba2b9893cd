/* Frames of revocation lists: what is read and what is refused. Signatures and answers are
 * tested in tests/x509, where lists can be made. */
#include "x509/crl.h"

#include "base/mem.h"
#include "tap.h"
#include "x509/pem.h"
#include "x509/test_frame.h"

static struct cs_arena arena;

#define SHA1 "\x30\x09\x06\x07\x2a\x86\x48\xce\x3d\x04\x01"
#define ED25519 "\x30\x05\x06\x03\x2b\x65\x70"
#define TIME                                                                                       \
    "\x17\x0d"                                                                                     \
    "250101000000Z"
#define ENTRY "\x30\x12\x02\x01\x07" TIME
#define REASON                                                                                     \
    "\x30\x20\x02\x01\x08" TIME "\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x01"
#define CRITICAL_ENTRY                                                                             \
    "\x30\x23\x02\x01\x08" TIME                                                                    \
    "\x30\x0f\x30\x0d\x06\x03\x55\x1d\x1d\x01\x01\xff\x04\x03\x0a\x01\x01"

struct parts {
    struct cs_str version, algorithm, outer_algorithm, issuer, times, revoked, extensions, tail;
    bool no_version;
};

static struct cs_str make(const struct parts *p)
{
    struct cs_str algorithm = frame_or(p->algorithm, CS_STR(ECDSA));
    struct cs_der_out out;

    frame_begin(&out);
    if (!p->no_version)
        cs_der_put_raw(&out, frame_or(p->version, CS_STR("\x02\x01\x01")));
    cs_der_put_raw(&out, algorithm);
    cs_der_put_raw(&out, frame_or(p->issuer, CS_STR(NAME)));
    cs_der_put_raw(&out, frame_or(p->times, CS_STR(TIME TIME)));
    if (p->revoked.len)
        cs_der_put(&out, CS_DER_SEQUENCE, p->revoked);
    if (p->extensions.len) {
        cs_der_open(&out, CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED);
        cs_der_put(&out, CS_DER_SEQUENCE, p->extensions);
        cs_der_close(&out);
    }
    cs_der_put_raw(&out, p->tail);
    return frame_end(&out, frame_or(p->outer_algorithm, algorithm), (struct cs_str){0}, &arena);
}

static const struct {
    const char *what;
    struct parts parts;
    const char *code; /* NULL: read, its issuer being unknown */
    size_t n;
} rows[] = {
    {"empty", {{0}}, NULL, 0},
    {"one entry", {.revoked = B(ENTRY)}, NULL, 1},
    {"two entries", {.revoked = B(ENTRY REASON)}, NULL, 2},
    {"version 1", {.no_version = true, .revoked = B(ENTRY)}, NULL, 1},
    {"no nextUpdate", {.times = B(TIME)}, NULL, 0},
    {"a number", {.extensions = B("\x30\x0a\x06\x03\x55\x1d\x14\x04\x03\x02\x01\x01")}, NULL, 0},
    {"version 3", {.version = B("\x02\x01\x02")}, "crl-malformed", 0},
    {"version 1 with extensions",
     {.no_version = true, .extensions = B("\x30\x0a\x06\x03\x55\x1d\x14\x04\x03\x02\x01\x01")},
     "crl-malformed",
     0},
    {"algorithms differ", {.outer_algorithm = B(SHA1)}, "crl-malformed", 0},
    {"SHA-1", {.algorithm = B(SHA1)}, "crl-weak-signature", 0},
    {"Ed25519 of somebody unknown", {.algorithm = B(ED25519)}, "crl-signature-invalid", 0},
    {"NUL in the issuer",
     {.issuer = B("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01\0")},
     "crl-malformed",
     0},
    {"no thisUpdate", {.times = B("")}, "crl-malformed", 0},
    {"bad nextUpdate",
     {.times = B(TIME "\x17\x01"
                      "Z")},
     "crl-malformed",
     0},
    {"an entry without a date", {.revoked = B("\x30\x03\x02\x01\x07")}, "crl-malformed", 0},
    {"an entry without a serial", {.revoked = B("\x30\x0f" TIME)}, "crl-malformed", 0},
    {"an entry that is cut", {.revoked = B("\x30\x12\x02\x01\x07")}, "crl-malformed", 0},
    {"something behind the extensions", {.tail = B("\x05\x00")}, "crl-malformed", 0},
    {"an entry of another issuer", {.revoked = B(CRITICAL_ENTRY)}, "crl-unsupported", 0},
    {"a delta list, not even critical",
     {.extensions = B("\x30\x0a\x06\x03\x55\x1d\x1b\x04\x03\x02\x01\x01")},
     "crl-unsupported",
     0},
    {"an issuing distribution point",
     {.extensions = B("\x30\x09\x06\x03\x55\x1d\x1c\x04\x02\x30\x00")},
     "crl-unsupported",
     0},
    {"an unknown critical extension",
     {.extensions = B("\x30\x0b\x06\x02\x2a\x03\x01\x01\xff\x04\x02\x05\x00")},
     "crl-unsupported",
     0},
};

static void check(const char *what, struct cs_str bytes, const char *code, size_t n)
{
    struct cs_source source = {.bytes = bytes, .file = CS_STR("file")};
    struct cs_crl_lists *lists = NULL;
    struct cs_crl_set *set = NULL;
    struct cs_findings findings;
    int r;

    cs_findings_init(&findings, &arena);
    r = cs_crl_lists_new(&source, 1, &findings, &lists);
    if (r == 0)
        r = cs_crl_set_new(lists, NULL, 0, NULL, &findings, &set);
    cs_crl_lists_free(lists);
    tap_int(r, code ? CS_CRL_REFUSED : 0, what);
    if (tap_ok(findings.first != NULL, "a finding"))
        tap_str(cs_str_from(findings.last->kind->code),
                cs_str_from(code ? code : "crl-issuer-unknown"), "its code");
    if (set)
        tap_int((int64_t)cs_crl_set_entries(set), (int64_t)n, "entries");
    cs_crl_set_free(set);
}

static struct cs_str pem(const char *label, struct cs_str der)
{
    struct cs_buf buf;
    struct cs_str text;

    cs_buf_init(&buf, 100000);
    cs_assert(cs_pem_write(&buf, cs_str_from(label), der) == 0);
    text = cs_arena_dup(&arena, cs_buf_str(&buf));
    cs_buf_deinit(&buf);
    return text;
}

static void test_files(void)
{
    struct parts one = {.revoked = CS_STR(ENTRY)};
    struct cs_str der = make(&one), text = pem("X509 CRL", der), other = pem("CERTIFICATE", der);

    check("PEM", text, NULL, 1);
    check("two in one file", cs_arena_cat(&arena, text, text), NULL, 2);
    check("between other things", cs_arena_cat(&arena, other, text), NULL, 1);
    check("no list in it", other, "crl-unreadable", 0);
    check("empty", CS_STR(""), "crl-unreadable", 0);
    check("cut", cs_str_sub(text, 0, text.len - 10), "crl-unreadable", 0);
    check("DER with something behind it", cs_arena_cat(&arena, der, CS_STR("x")), "crl-unreadable",
          0);
    check("a good one and junk", cs_arena_cat(&arena, text, pem("X509 CRL", CS_STR("junk"))),
          "crl-malformed", 0);
}

int main(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(rows[i].what, make(&rows[i].parts), rows[i].code, rows[i].n);
    test_files();
    tap_str(cs_crl_reason_text(1), CS_STR("keyCompromise"), "a reason");
    tap_str(cs_crl_reason_text(99), CS_STR("unknown"), "no reason");
    cs_arena_deinit(&arena);
    return tap_done();
}
