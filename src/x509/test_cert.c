/* One good certificate, written field by field, and every way of spoiling it that a row
 * names. Nothing here is signed: parsing does not look at the signature. */
#include "x509/cert.h"

#include "base/mem.h"
#include "tap.h"
#include "x509/extension.h"
#include "x509/findings.h"
#include "x509/test_frame.h"

static struct cs_arena arena;

#define ECDSA_SHA1 "\x30\x09\x06\x07\x2a\x86\x48\xce\x3d\x04\x01"
#define VALIDITY                                                                                   \
    "\x30\x1e\x17\x0d"                                                                             \
    "250101000000Z"                                                                                \
    "\x17\x0d"                                                                                     \
    "260101000000Z"

/* What a certificate is made of; empty: the good default. */
struct parts {
    struct cs_str version, serial, algorithm, outer_algorithm, issuer, validity, subject, spki;
    struct cs_str extensions[3]; /* whole Extension elements */
    struct cs_str tail;          /* behind the extensions, inside the signed part */
    struct cs_str after;         /* behind the certificate */
    bool no_version, no_extensions;
};

static void put_extensions(struct cs_der_out *out, const struct parts *p)
{
    if (p->no_extensions)
        return;
    cs_der_open(out, CS_DER_CONTEXT(3) | CS_DER_CONSTRUCTED);
    cs_der_open(out, CS_DER_SEQUENCE);
    cs_der_put_raw(
        out, frame_or(p->extensions[0], CS_STR("\x30\x09\x06\x03\x55\x1d\x13\x04\x02\x30\x00")));
    cs_der_put_raw(out, p->extensions[1]);
    cs_der_put_raw(out, p->extensions[2]);
    cs_der_close(out);
    cs_der_close(out);
}

static struct cs_str make(const struct parts *p)
{
    struct cs_str algorithm = frame_or(p->algorithm, CS_STR(ECDSA));
    struct cs_der_out out;

    frame_begin(&out);
    if (!p->no_version)
        cs_der_put_raw(&out, frame_or(p->version, CS_STR("\xa0\x03\x02\x01\x02")));
    cs_der_put_raw(&out, frame_or(p->serial, CS_STR("\x02\x01\x07")));
    cs_der_put_raw(&out, algorithm);
    cs_der_put_raw(&out, frame_or(p->issuer, CS_STR(NAME)));
    cs_der_put_raw(&out, frame_or(p->validity, CS_STR(VALIDITY)));
    cs_der_put_raw(&out, frame_or(p->subject, CS_STR(NAME)));
    cs_der_put_raw(&out, frame_or(p->spki, CS_STR(SPKI)));
    put_extensions(&out, p);
    cs_der_put_raw(&out, p->tail);
    return frame_end(&out, frame_or(p->outer_algorithm, algorithm), p->after, &arena);
}

#define KU(bits) "\x30\x0b\x06\x03\x55\x1d\x0f\x04\x04\x03\x02" bits
#define EKU_ANY "\x30\x0f\x06\x03\x55\x1d\x25\x04\x08\x30\x06\x06\x04\x55\x1d\x25\x00"
#define SAN(len2, len4, names) "\x30" len4 "\x06\x03\x55\x1d\x11\x04" len2 names
#define UNKNOWN(critical) "\x30\x0b\x06\x02\x2a\x03" critical "\x04\x02\x05\x00"

static const struct {
    const char *what;
    struct parts parts;
    const char *code; /* NULL: accepted without a finding */
    const char *part; /* operand {4} */
} rows[] = {
    {"the good one", {{0}}, NULL, NULL},
    {"bytes behind it", {.after = B("\0")}, "malformed-certificate", "encoding"},
    {"version 1 with extensions", {.no_version = true}, "malformed-certificate", "extensions"},
    {"version 1 without", {.no_version = true, .no_extensions = true}, NULL, NULL},
    {"version 1, encoded",
     {.version = B("\xa0\x03\x02\x01\x00")},
     "malformed-certificate",
     "version"},
    {"version 4", {.version = B("\xa0\x03\x02\x01\x03")}, "malformed-certificate", "version"},
    {"serial not shortest",
     {.serial = B("\x02\x02\x00\x07")},
     "malformed-certificate",
     "serial number"},
    {"serial negative", {.serial = B("\x02\x01\x87")}, "serial-unusual", "is negative"},
    {"serial zero", {.serial = B("\x02\x01\x00")}, "serial-unusual", "is zero"},
    {"serial of 21 bytes",
     {.serial = B("\x02\x15\x01"
                  "aaaaaaaaaaaaaaaaaaaa")},
     "serial-unusual",
     "is longer than 20 bytes"},
    {"algorithms differ",
     {.outer_algorithm = B(ECDSA_SHA1)},
     "malformed-certificate",
     "signature algorithm"},
    {"issuer not a name", {.issuer = B("\x30\x02\x31\x00")}, "malformed-certificate", "issuer"},
    {"NUL in the subject",
     {.subject = B("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01\0")},
     "name-control-byte",
     "subject"},
    {"subject empty", {.subject = B("\x30\x00")}, NULL, NULL},
    {"time without seconds",
     {.validity = B("\x30\x1c\x17\x0b"
                    "2501010000Z"
                    "\x17\x0d"
                    "260101000000Z")},
     "malformed-certificate",
     "validity"},
    {"key without bits", {.spki = B("\x30\x15" P256)}, "malformed-certificate", "public key"},
    {"curve by parameters",
     {.spki = B("\x30\x14\x30\x0d\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x30\x02\x05\x00\x03\x03\x00"
                "\x04\x01")},
     "malformed-certificate",
     "public key"},
    {"something behind the extensions", {.tail = B("\x05\x00")}, "malformed-certificate", "end"},
    {"the same extension twice",
     {.extensions = {{0}, B("\x30\x09\x06\x03\x55\x1d\x13\x04\x02\x30\x00")}},
     "malformed-certificate",
     "extensions"},
    {"path length negative",
     {.extensions = {B("\x30\x0f\x06\x03\x55\x1d\x13\x04\x08\x30\x06\x01\x01\xff\x02\x01\xff")}},
     "malformed-certificate",
     "basicConstraints"},
    {"CA is 0x01",
     {.extensions = {B("\x30\x0c\x06\x03\x55\x1d\x13\x04\x05\x30\x03\x01\x01\x01")}},
     "malformed-certificate",
     "basicConstraints"},
    {"key usage with stray bits",
     {.extensions = {{0}, B(KU("\x07\xc0"))}},
     "malformed-certificate",
     "keyUsage"},
    {"an unknown extension",
     {.extensions = {{0}, B("\x30\x08\x06\x02\x2a\x03\x04\x02\x05\x00")}},
     NULL,
     NULL},
    {"critical FALSE written out", {.extensions = {{0}, B(UNKNOWN("\x01\x01\x00"))}}, NULL, NULL},
    {"an empty list of names",
     {.extensions = {{0}, B(SAN("\x02", "\x09", "\x30\x00"))}},
     "malformed-certificate",
     "subjectAltName"},
    {"NUL in a DNS name",
     {.extensions = {{0},
                     B(SAN("\x07", "\x0e",
                           "\x30\x05\x82\x03"
                           "a\0b"))}},
     "name-control-byte",
     "subjectAltName"},
    {"newline in a URI",
     {.extensions = {{0},
                     B(SAN("\x07", "\x0e",
                           "\x30\x05\x86\x03"
                           "a\nb"))}},
     "name-control-byte",
     "subjectAltName"},
    {"high bit in an e-mail address",
     {.extensions = {{0},
                     B(SAN("\x07", "\x0e",
                           "\x30\x05\x81\x03"
                           "a\xe9"
                           "b"))}},
     "malformed-certificate",
     "subjectAltName"},
    {"IP address of 5 bytes",
     {.extensions = {{0},
                     B(SAN("\x09", "\x10",
                           "\x30\x07\x87\x05"
                           "12345"))}},
     "malformed-certificate",
     "subjectAltName"},
    {"a name of no type",
     {.extensions = {{0},
                     B(SAN("\x05", "\x0c",
                           "\x30\x03\x0c\x01"
                           "a"))}},
     "malformed-certificate",
     "subjectAltName"},
    {"empty subject, names not critical",
     {.subject = B("\x30\x00"),
      .extensions = {{0},
                     B(SAN("\x05", "\x0c",
                           "\x30\x03\x82\x01"
                           "a"))}},
     "empty-subject-san-not-critical",
     ""},
};

static void test_rows(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_findings findings;
        struct cs_cert cert;
        int r;

        cs_findings_init(&findings, &arena);
        r = cs_cert_parse(make(&rows[i].parts), &arena, &findings, &cert);
        tap_int(r, findings.n_errors ? CS_CERT_REFUSED : 0, rows[i].what);
        tap_int(findings.n, rows[i].code != NULL, "findings");
        if (findings.n && rows[i].code) {
            tap_str(cs_str_from(findings.first->kind->code), cs_str_from(rows[i].code), "code");
            tap_str(findings.first->operands[4], cs_str_from(rows[i].part), "part");
        }
    }
}

static struct cs_cert parse(const struct parts *parts)
{
    struct cs_findings findings;
    struct cs_cert cert = {0};

    cs_findings_init(&findings, &arena);
    tap_int(cs_cert_parse(make(parts), &arena, &findings, &cert), 0, "accepted");
    return cert;
}

static void test_values(void)
{
    struct parts plain = {{0}};
    struct parts usages = {.algorithm = CS_STR(ECDSA_SHA1),
                           .extensions = {{0}, CS_STR(KU("\x03\x88")), CS_STR(EKU_ANY)}};
    struct parts critical = {.extensions = {{0}, CS_STR(UNKNOWN("\x01\x01\xff"))}};
    struct cs_cert c = parse(&plain);

    tap_int(c.version, 3, "version");
    tap_int(c.not_before, 1735689600, "not before");
    tap_int(c.not_after, 1767225600, "not after");
    tap_int(c.key_kind, CS_KEY_EC, "kind of key");
    tap_str(c.key_name, CS_STR("P-256"), "curve");
    tap_ok(c.has_basic_constraints && !c.ca && c.path_len == -1, "no CA");
    tap_ok(!c.has_key_usage && !c.has_eku && !c.has_unknown_critical, "nothing else");
    tap_ok(!c.sig_weak && cs_cert_self_issued(&c), "strong, self-issued");

    c = parse(&usages);
    tap_int(c.key_usage, CS_USAGE_DIGITAL_SIGNATURE | CS_USAGE_KEY_AGREEMENT, "key usage");
    tap_str(cs_cert_key_usage_text(&c, &arena), CS_STR("digitalSignature, keyAgreement"),
            "in words");
    tap_int(c.eku, CS_EKU_ANY, "any extended key usage");
    tap_ok(c.sig_weak, "SHA-1 is weak");

    c = parse(&critical);
    tap_ok(c.has_unknown_critical, "an unknown critical extension is told");
    tap_str(c.unknown_critical, CS_STR("1.2.3"), "which one");
}

static const struct {
    struct cs_str serial;
    const char *text;
} serials[] = {
    {B("\x07"), "07"},  {B("\x00\xab"), "AB"}, {B("\x01\x00"), "0100"}, {B("\x00"), "00"},
    {B("\xff"), "-01"}, {B("\x80"), "-80"},    {B("\xff\x7f"), "-81"},  {B(""), "00"},
};

/* One Extension of this identifier. */
static struct cs_str extension(struct cs_str oid, bool critical, struct cs_str value)
{
    struct cs_der_out out;
    struct cs_str der;

    cs_der_begin(&out, 1 << 20);
    cs_der_open(&out, CS_DER_SEQUENCE);
    cs_der_put(&out, CS_DER_OID, oid);
    if (critical)
        cs_der_put_bool(&out, true);
    cs_der_put(&out, CS_DER_OCTET_STRING, value);
    cs_der_close(&out);
    cs_assert(cs_der_end(&out));
    der = cs_arena_dup(&arena, cs_buf_str(&out.buf));
    cs_der_deinit(&out);
    return der;
}

/* What a certificate takes of an arena has to be in proportion to its bytes, which anybody may
 * send before anything of it is verified. */
static void test_hostile_sizes(void)
{
    enum { LONG = 60000, USAGES = 1000 };
    char *bytes = cs_arena_raw(&arena, LONG);
    struct parts parts = {{0}};
    struct cs_der_out usages;
    struct cs_cert c;
    size_t before;

    memset(bytes, 0x7f, LONG);
    parts.extensions[1] = extension(cs_str_make(bytes, LONG), true, CS_STR("\x05"));
    before = arena.total;
    c = parse(&parts);
    tap_ok(arena.total - before < 3 * LONG, "an identifier of 60,000 bytes takes little");
    tap_str(c.unknown_critical, CS_STR("too-long"), "and is told in a word");

    cs_der_begin(&usages, 1 << 20);
    cs_der_open(&usages, CS_DER_SEQUENCE);
    for (size_t i = 0; i < USAGES; i++)
        cs_der_put(&usages, CS_DER_OID, cs_str_make(bytes, 58));
    cs_der_close(&usages);
    parts.extensions[1] = extension(CS_STR("\x55\x1d\x25"), false, cs_buf_str(&usages.buf));
    cs_der_deinit(&usages);
    before = arena.total;
    c = parse(&parts);
    tap_ok(cs_str_ends(cs_cert_eku_text(&c, &arena), CS_STR(" and 988 more")),
           "of a thousand usages a dozen are told");
    tap_ok(arena.total - before < 10 * LONG, "and they take little");
}

static void test_serials(void)
{
    for (size_t i = 0; i < sizeof(serials) / sizeof(serials[0]); i++)
        tap_str(cs_serial_text(serials[i].serial, &arena), cs_str_from(serials[i].text), "serial");
}

/* Every prefix of a good certificate is refused, and nothing is read behind its end. */
static void test_cut(void)
{
    struct parts parts = {.extensions = {{0}, CS_STR(KU("\x03\x88")), CS_STR(EKU_ANY)}};
    struct cs_str der = make(&parts);
    size_t accepted = 0;

    for (size_t len = 0; len < der.len; len++) {
        char *copy = malloc(len + 1);
        struct cs_findings findings;
        struct cs_cert cert;
        memcpy(copy, der.ptr, len);
        cs_findings_init(&findings, &arena);
        accepted += cs_cert_parse(cs_str_make(copy, len), &arena, &findings, &cert) == 0;
        free(copy);
    }
    tap_int((int64_t)accepted, 0, "no part of a certificate is one");
}

/* RFC 7633 section 4: a SEQUENCE of numbers of TLS extensions; 5 is status_request. */
static void test_must_staple(void)
{
#define FEATURE "\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x18"
    static const struct {
        const char *what;
        struct cs_str list;
        bool demands;
    } cases[] = {
        {"status_request", CS_STR_INIT("\x30\x11" FEATURE "\x04\x05\x30\x03\x02\x01\x05"), true},
        {"another feature", CS_STR_INIT("\x30\x11" FEATURE "\x04\x05\x30\x03\x02\x01\x11"), false},
        {"the second of two",
         CS_STR_INIT("\x30\x14" FEATURE "\x04\x08\x30\x06\x02\x01\x11\x02\x01\x05"), true},
        {"none", CS_STR_INIT("\x30\x0e" FEATURE "\x04\x02\x30\x00"), false},
        {"no list", CS_STR_INIT("\x30\x0f" FEATURE "\x04\x03\x02\x01\x05"), false},
        {"cut", CS_STR_INIT("\x30\x11" FEATURE "\x04\x05\x30\x03\x02\x02\x05"), false},
        {"no extensions", CS_STR_INIT(""), false},
    };
#undef FEATURE

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        tap_int(cs_extensions_demand_staple(cases[i].list), cases[i].demands, cases[i].what);
}

int main(void)
{
    test_rows();
    test_values();
    test_serials();
    test_hostile_sizes();
    test_cut();
    test_must_staple();
    cs_arena_deinit(&arena);
    return tap_done();
}
