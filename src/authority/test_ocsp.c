/* A CA is asked about what it has issued, and about what it has not. */
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "authority/ca.h"
#include "authority/folder.h"
#include "base/mem.h"
#include "tap.h"
#include "x509/der.h"
#include "x509/key.h"

enum { NOW = 1800000000, DAY = 86400, HOUR = 3600 };

static struct cs_arena arena;
static struct cs_findings findings;
static char home[64], dir[96];
static struct cs_ca *ca;
static const struct cs_requester root = {.proof = CS_PROOF_COMMAND, .actor = CS_STR_INIT("tester")};

static int open_ca(const char *where, struct cs_ca **ret_ca)
{
    struct cs_ca_options options = {.dir = where};

    cs_findings_init(&findings, &arena);
    return cs_ca_open(&options, &findings, ret_ca);
}

static void make_ca(const char *where, struct cs_ca **ret_ca)
{
    struct cs_ca_setup setup = {.dir = where,
                                .name = CS_STR("Example"),
                                .key = CS_MAKE_P256,
                                .root_ttl_sec = 3650LL * DAY,
                                .issuer_ttl_sec = 365LL * DAY};

    cs_findings_init(&findings, &arena);
    tap_int(cs_ca_init(&setup, &root, NOW, &findings), 0, "made");
    tap_int(open_ca(where, ret_ca), 0, "opened");
}

/* A copy: the CA's own goes when somebody else has changed something. */
static const struct cs_cert *issuer_of(struct cs_ca *of, size_t n)
{
    struct cs_cert *cert = CS_ARENA_NEW(&arena, struct cs_cert);
    const struct cs_issuer *issuers;
    size_t count;

    cs_findings_init(&findings, &arena);
    cs_assert(cs_ca_issuers(of, &issuers, &count) == 0 && n < count);
    cs_assert(cs_cert_parse(cs_arena_dup(&arena, issuers[n].cert.der), &arena, &findings, cert) ==
              0);
    return cert;
}

static struct cs_cert issue(struct cs_ca *from, int64_t ttl_sec)
{
    struct cs_claim name;
    struct evp_pkey_st *key;
    struct cs_csr csr;
    struct cs_cert cert;
    struct cs_issued issued;
    struct cs_buf der;
    struct cs_order order = {.profile = CS_STR("server"), .csr = &csr, .ttl_sec = ttl_sec};
    struct cs_cert_spec spec = {0};

    cs_findings_init(&findings, &arena);
    cs_assert(cs_make_key(CS_MAKE_P256, &key) == 0);
    cs_buf_init(&der, 1 << 16);
    cs_assert(cs_make_csr(&spec, key, &der) == 0);
    cs_assert(cs_csr_parse(cs_arena_dup(&arena, cs_buf_str(&der)), &arena, &findings, &csr) == 0);
    cs_assert(!cs_claim_parse(CS_STR("dns:a.example.internal"), &arena, &name));
    order.names = (struct cs_claims){&name, 1};
    cs_assert(cs_ca_sign(from, &order, &root, NOW, &arena, &findings, &issued) == 0);
    cs_assert(cs_cert_parse(issued.der, &arena, &findings, &cert) == 0);
    cs_buf_deinit(&der);
    cs_key_free(key);
    return cert;
}

static struct cs_str request(const struct cs_cert *cert, const struct cs_cert *issuer,
                             const char *nonce)
{
    struct cs_buf der;
    struct cs_str copy;

    cs_buf_init(&der, CS_OCSP_REQUEST_MAX);
    cs_assert(cs_ocsp_request_make(cert, issuer, cs_str_from(nonce), &der) == 0);
    copy = cs_arena_dup(&arena, cs_buf_str(&der));
    cs_buf_deinit(&der);
    return copy;
}

static struct cs_str sha256(struct cs_str bytes)
{
    char *out = cs_arena_raw(&arena, SHA256_DIGEST_LENGTH);

    SHA256((const uint8_t *)bytes.ptr, bytes.len, (uint8_t *)out);
    return cs_str_make(out, SHA256_DIGEST_LENGTH);
}

static void put_sha256_id(struct cs_der_out *out, const struct cs_cert *cert,
                          const struct cs_cert *issuer)
{
    struct cs_str spki = issuer->spki, inner, algorithm, bits;
    unsigned unused;

    cs_assert(cs_der_take(&spki, CS_DER_SEQUENCE, &inner) &&
              cs_der_take(&inner, CS_DER_SEQUENCE, &algorithm) &&
              cs_der_bits(&inner, &bits, &unused));
    cs_der_open(out, CS_DER_SEQUENCE); /* Request */
    cs_der_open(out, CS_DER_SEQUENCE); /* CertID */
    cs_der_open(out, CS_DER_SEQUENCE);
    cs_der_put(out, CS_DER_OID, CS_STR("\x60\x86\x48\x01\x65\x03\x04\x02\x01"));
    cs_der_close(out);
    cs_der_put(out, CS_DER_OCTET_STRING, sha256(issuer->subject));
    cs_der_put(out, CS_DER_OCTET_STRING, sha256(bits));
    cs_der_put(out, CS_DER_INTEGER, cert->serial);
    cs_der_close(out);
    cs_der_close(out);
}

/* About @n certificates of @issuer, by SHA-256. */
static struct cs_str request_many(const struct cs_cert *certs, const struct cs_cert *const *issuers,
                                  size_t n)
{
    struct cs_der_out out;
    struct cs_str copy;

    cs_der_begin(&out, CS_OCSP_REQUEST_MAX);
    for (int i = 0; i < 3; i++)
        cs_der_open(&out, CS_DER_SEQUENCE);
    for (size_t i = 0; i < n; i++)
        put_sha256_id(&out, &certs[i], issuers[i]);
    for (int i = 0; i < 3; i++)
        cs_der_close(&out);
    cs_assert(cs_der_end(&out));
    copy = cs_arena_dup(&arena, cs_buf_str(&out.buf));
    cs_der_deinit(&out);
    return copy;
}

static struct cs_ca_answer ask(struct cs_str der, int64_t now)
{
    struct cs_ca_answer answer = {0};

    tap_int(cs_ca_ocsp(ca, der, now, &arena, &answer), 0, "answered");
    answer.der = cs_arena_dup(&arena, answer.der);
    return answer;
}

static struct cs_ocsp_answer judge(struct cs_ca_answer answer, const struct cs_cert *cert,
                                   const struct cs_cert *issuer, const char *nonce, int64_t now)
{
    struct cs_ocsp_query query = {.der = answer.der,
                                  .cert = cert,
                                  .issuer = issuer,
                                  .nonce = cs_str_from(nonce),
                                  .now_sec = now};

    return cs_ocsp_judge(&query);
}

static void expect(struct cs_str der, const struct cs_cert *cert, const struct cs_cert *issuer,
                   const char *nonce, enum cs_ocsp_status status, unsigned responder_status,
                   const char *what)
{
    struct cs_ocsp_answer said = judge(ask(der, NOW), cert, issuer, nonce, NOW);

    tap_str(cs_ocsp_status_text(said.status), cs_ocsp_status_text(status), what);
    tap_int(said.responder_status, responder_status, "with this status");
}

static struct cs_cert numbered(const struct cs_cert *like, struct cs_str serial)
{
    struct cs_cert cert = *like;

    cert.serial = serial;
    return cert;
}

static void test_statuses(void)
{
    struct cs_ca *other_ca;
    struct cs_cert leaf = issue(ca, 0), foreign, unknown;
    const struct cs_cert *issuer = issuer_of(ca, 1), *top = issuer_of(ca, 0);
    const struct cs_cert *other;
    char where[128];
    static const struct {
        struct cs_str serial;
        const char *what;
    } numbers[] = {{CS_STR_INIT("\x01"), "one that was never issued"},
                   {CS_STR_INIT("\xff\x01"), "a negative number"},
                   {CS_STR_INIT("\x01"
                                "123456789abcdef0"),
                    "one of 17 bytes"},
                   {CS_STR_INIT("\x00"), "zero"}};

    snprintf(where, sizeof(where), "%s/other", home);
    make_ca(where, &other_ca);
    other = issuer_of(other_ca, 1);
    foreign = issue(other_ca, 0);
    expect(request(&leaf, issuer, ""), &leaf, issuer, "", CS_OCSP_GOOD, 0, "an issued one");
    expect(request(&leaf, issuer, "nonce"), &leaf, issuer, "nonce", CS_OCSP_GOOD, 0,
           "with a nonce");
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        unknown = numbered(&leaf, numbers[i].serial);
        expect(request(&unknown, issuer, ""), &unknown, issuer, "", CS_OCSP_UNKNOWN, 0,
               numbers[i].what);
    }
    unknown = numbered(&leaf, issuer->serial);
    expect(request(&unknown, issuer, ""), &unknown, issuer, "", CS_OCSP_UNKNOWN, 0,
           "a number that another CA of the same house gave");
    expect(request(&foreign, other, ""), &foreign, other, "", CS_OCSP_DECLINED, 6,
           "of another house");
    expect(request(issuer, top, ""), issuer, top, "", CS_OCSP_DECLINED, 6, "of the root");
    expect(CS_STR("GET / HTTP/1.1"), &leaf, issuer, "", CS_OCSP_DECLINED, 1, "no request");
    expect((struct cs_str){0}, &leaf, issuer, "", CS_OCSP_DECLINED, 1, "nothing");
    cs_ca_close(other_ca);
    tap_int(cs_folder_remove(where), 0, "removed");
}

static void test_many(void)
{
    struct cs_cert certs[3] = {issue(ca, 0), issue(ca, 0)};
    const struct cs_cert *issuer = issuer_of(ca, 1), *top = issuer_of(ca, 0);
    const struct cs_cert *of[3] = {issuer, issuer, issuer};
    struct cs_ca_answer answer;

    certs[2] = numbered(&certs[0], CS_STR("\x07"));
    answer = ask(request_many(certs, of, 3), NOW);
    for (size_t i = 0; i < 3; i++)
        tap_int(judge(answer, &certs[i], issuer, "", NOW).status,
                i == 2 ? CS_OCSP_UNKNOWN : CS_OCSP_GOOD, "each of three");
    tap_int(answer.next_update, 0, "an answer to one request");
    of[1] = top;
    answer = ask(request_many(certs, of, 2), NOW);
    tap_int(judge(answer, &certs[0], issuer, "", NOW).responder_status, 6, "of two CAs");
}

static void test_kept(void)
{
    struct cs_cert leaf = issue(ca, 30 * DAY);
    const struct cs_cert *issuer = issuer_of(ca, 1);
    struct cs_str by_sha1 = request(&leaf, issuer, ""), by_sha256 = request_many(&leaf, &issuer, 1);
    struct cs_ca_answer first = ask(by_sha1, NOW), second = ask(by_sha256, NOW), again;

    tap_int(judge(second, &leaf, issuer, "", NOW).status, CS_OCSP_GOOD, "by SHA-256");
    tap_ok(!cs_str_eq(first.der, second.der), "each digest has an answer of its own");
    tap_int(first.next_update - NOW, DAY, "it lives for a day");
    again = ask(by_sha1, NOW + 11 * HOUR);
    tap_ok(cs_str_eq(again.der, first.der) && again.next_update == first.next_update,
           "the same is given later");
    tap_ok(cs_str_eq(ask(by_sha256, NOW + 11 * HOUR).der, second.der), "to both");
    again = ask(by_sha1, NOW + 12 * HOUR);
    tap_int(again.next_update - NOW, 36LL * HOUR, "another one after half of its life");
    again = ask(by_sha1, NOW - HOUR);
    tap_int(again.next_update - NOW, 23LL * HOUR, "and when the clock was put back");
    tap_ok(!cs_str_eq(ask(request(&leaf, issuer, "a"), NOW).der,
                      ask(request(&leaf, issuer, "b"), NOW).der),
           "who sends a nonce gets his own");
    again = ask(by_sha1, issuer->not_after - HOUR);
    tap_int(again.next_update, issuer->not_after, "no answer outlives its CA");
    again = ask(by_sha1, issuer->not_after + 1);
    tap_int(judge(again, &leaf, issuer, "", NOW).responder_status, 6, "nor is there one after it");
}

static void take_back(struct cs_ca *in, const struct cs_cert *cert, unsigned reason)
{
    uint8_t serial[CS_CA_SERIAL_LEN];
    uint64_t seq;

    cs_findings_init(&findings, &arena);
    cs_assert(cs_ca_serial_of(cert, serial) == 0);
    tap_int(
        cs_ca_revoke(in, cs_str_make(serial, sizeof(serial)), reason, &root, NOW, &findings, &seq),
        0, "revoked");
}

static void test_revoked(void)
{
    struct cs_cert leaf = issue(ca, 0), beside = issue(ca, 0), other = issue(ca, 0);
    const struct cs_cert *issuer = issuer_of(ca, 1);
    struct cs_str about = request(&leaf, issuer, ""), about_256 = request_many(&leaf, &issuer, 1);
    struct cs_ca_answer kept = ask(request(&other, issuer, ""), NOW);
    struct cs_ocsp_answer said;
    struct cs_ca *command;

    ask(about, NOW);
    ask(about_256, NOW);
    take_back(ca, &leaf, 1);
    said = judge(ask(about, NOW), &leaf, issuer, "", NOW);
    tap_int(said.status, CS_OCSP_REVOKED, "known at once");
    tap_int(said.reason, 1, "with its reason");
    tap_int(said.revoked_at, NOW, "and its time");
    said = judge(ask(about_256, NOW), &leaf, issuer, "", NOW);
    tap_int(said.status, CS_OCSP_REVOKED, "for both digests");
    said = judge(ask(request(&leaf, issuer, "n"), NOW), &leaf, issuer, "n", NOW);
    tap_int(said.status, CS_OCSP_REVOKED, "and with a nonce");
    said = judge(ask(about, NOW + 2 * DAY), &leaf, issuer, "", NOW + 2 * DAY);
    tap_int(said.status, CS_OCSP_REVOKED, "also when it has expired");

    ask(request(&beside, issuer, ""), NOW);
    tap_int(open_ca(dir, &command), 0, "somebody else opens it");
    take_back(command, &beside, 0);
    cs_ca_close(command);
    said = judge(ask(request(&beside, issuer, ""), NOW), &beside, issuer, "", NOW);
    tap_int(said.status, CS_OCSP_REVOKED, "what others revoke is known at once");
    tap_ok(cs_str_eq(ask(request(&other, issuer, ""), NOW).der, kept.der),
           "the others' answers are kept");
}

int main(void)
{
    snprintf(home, sizeof(home), "/tmp/test_ocsp.XXXXXX");
    cs_assert(mkdtemp(home) != NULL);
    snprintf(dir, sizeof(dir), "%s/ca", home);
    make_ca(dir, &ca);
    test_statuses();
    test_many();
    test_kept();
    test_revoked();
    cs_ca_close(ca);
    tap_int(cs_folder_remove(dir), 0, "removed");
    tap_int(rmdir(home), 0, "nothing is left");
    cs_arena_deinit(&arena);
    return tap_done();
}
