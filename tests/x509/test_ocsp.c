/* Questions and answers of OCSP: what is read back is what was made, and every way in which an
 * answer may not be believed. The other side is openssl(1) in tests/scenario. */
#include "tap.h"

#include "authority/make.h"
#include "base/mem.h"
#include "x509/der.h"
#include "x509/key.h"
#include "x509/ocsp.h"

enum { NOW = 1800000000, HOUR = 3600, DAY = 86400 };

static struct cs_arena arena;

/* A key and its certificate. */
struct holder {
    struct evp_pkey_st *key;
    struct cs_cert cert;
};

static struct holder make(const char *name, const struct holder *issuer, unsigned eku,
                          int64_t not_after)
{
    struct cs_make_issuer by = {issuer ? &issuer->cert : NULL, issuer ? issuer->key : NULL};
    struct cs_cert_spec spec = {.common_name = cs_str_from(name),
                                .ca = !eku,
                                .path_len = -1,
                                .key_usage = eku ? CS_USAGE_DIGITAL_SIGNATURE
                                                 : CS_USAGE_KEY_CERT_SIGN | CS_USAGE_CRL_SIGN,
                                .eku = eku,
                                .not_before = NOW - 10 * DAY,
                                .not_after = not_after};
    struct cs_findings findings;
    struct holder h = {0};
    struct cs_buf der;

    cs_findings_init(&findings, &arena);
    cs_buf_init(&der, 1 << 20);
    cs_assert(cs_make_key(CS_MAKE_P256, &h.key) == 0);
    cs_assert(cs_make_cert(&spec, h.key, issuer ? &by : NULL, &der) == 0);
    cs_assert(cs_cert_parse(cs_arena_dup(&arena, cs_buf_str(&der)), &arena, &findings, &h.cert) ==
              0);
    cs_buf_deinit(&der);
    return h;
}

static struct holder ca, stranger, other_ca, leaf, other_leaf;

static struct cs_str finish(struct cs_buf *buf)
{
    struct cs_str bytes = cs_arena_dup(&arena, cs_buf_str(buf));

    cs_buf_deinit(buf);
    return bytes;
}

static struct cs_ocsp_request ask(const struct holder *about, const struct holder *issuer,
                                  struct cs_str nonce)
{
    struct cs_ocsp_request request = {0};
    struct cs_buf der;

    cs_buf_init(&der, CS_OCSP_REQUEST_MAX);
    tap_int(cs_ocsp_request_make(&about->cert, &issuer->cert, nonce, &der), 0, "asked");
    tap_ok(cs_ocsp_request_parse(finish(&der), &arena, &request), "the request is read");
    return request;
}

/* An answer by @signer about @about. */
static struct cs_str answer(const struct cs_ocsp_spec *wanted, const struct cs_make_answer *about,
                            const struct holder *signer)
{
    struct cs_make_issuer by = {&signer->cert, signer->key};
    struct cs_ocsp_spec spec = *wanted;
    struct cs_buf der;

    spec.answers = about;
    spec.n_answers = 1;
    if (!spec.produced_at)
        spec.produced_at = NOW - HOUR;
    if (!spec.this_update)
        spec.this_update = NOW - HOUR;
    if (!spec.next_update)
        spec.next_update = NOW + HOUR;
    cs_buf_init(&der, CS_OCSP_RESPONSE_MAX);
    cs_assert(cs_make_ocsp(&spec, &by, &der) == 0);
    return finish(&der);
}

static struct cs_ocsp_answer judge(struct cs_str der, struct cs_str nonce)
{
    struct cs_ocsp_query query = {
        .der = der, .cert = &leaf.cert, .issuer = &ca.cert, .nonce = nonce, .now_sec = NOW};

    return cs_ocsp_judge(&query);
}

static void test_requests(void)
{
    struct cs_ocsp_request request = ask(&leaf, &ca, CS_STR("nonce of 16 bytes"));

    tap_int((long)request.n, 1, "about one certificate");
    tap_str(request.ids[0].serial, leaf.cert.serial, "by its serial number");
    tap_str(request.nonce, CS_STR("nonce of 16 bytes"), "with its nonce");
    tap_ok(cs_ocsp_id_is_of(&request.ids[0], &ca.cert), "of its issuer");
    tap_ok(!cs_ocsp_id_is_of(&request.ids[0], &stranger.cert), "not of one with the same name");
    tap_ok(!cs_ocsp_id_is_of(&request.ids[0], &other_ca.cert), "and not of another");
    request = ask(&leaf, &ca, (struct cs_str){0});
    tap_int((long)request.nonce.len, 0, "no nonce, none read");
}

static void test_bad_requests(void)
{
    static const struct {
        const char *what;
        struct cs_str der;
    } rows[] = {
        {"nothing", CS_STR_INIT("")},
        {"an empty sequence", CS_STR_INIT("\x30\x00")},
        {"about nothing", CS_STR_INIT("\x30\x04\x30\x02\x30\x00")},
        {"version 2", CS_STR_INIT("\x30\x09\x30\x07\xa0\x03\x02\x01\x01\x30\x00")},
        {"a request without a CertID", CS_STR_INIT("\x30\x06\x30\x04\x30\x02\x30\x00")},
    };
    struct cs_ocsp_request request;
    struct cs_buf der;
    struct cs_str good;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        tap_ok(!cs_ocsp_request_parse(rows[i].der, &arena, &request), "%s", rows[i].what);
    cs_buf_init(&der, CS_OCSP_REQUEST_MAX);
    cs_assert(cs_ocsp_request_make(&leaf.cert, &ca.cert, CS_STR("12345678"), &der) == 0);
    good = finish(&der);
    for (size_t n = 0; n < good.len; n++) {
        if (cs_ocsp_request_parse(cs_str_sub(good, 0, n), &arena, &request))
            tap_ok(false, "a cut request is refused");
    }
    tap_ok(!cs_ocsp_request_parse(cs_arena_printf(&arena, "%.*s!", CS_FMT(good)), &arena, &request),
           "nothing may follow");
}

static void test_statuses(void)
{
    static const struct {
        enum cs_ocsp_status status;
        struct cs_ocsp_spec spec;
        unsigned reason;
        enum cs_ocsp_status wanted;
        const char *what;
    } rows[] = {
        {CS_OCSP_GOOD, {0}, 0, CS_OCSP_GOOD, "good"},
        {CS_OCSP_REVOKED, {0}, 1, CS_OCSP_REVOKED, "revoked with a reason"},
        {CS_OCSP_REVOKED, {0}, 0, CS_OCSP_REVOKED, "revoked without one"},
        {CS_OCSP_UNKNOWN, {0}, 0, CS_OCSP_UNKNOWN, "unknown"},
        {CS_OCSP_GOOD, {.next_update = NOW}, 0, CS_OCSP_GOOD, "good until now"},
        {CS_OCSP_GOOD, {.next_update = NOW - 1}, 0, CS_OCSP_STALE, "stale"},
        {CS_OCSP_UNKNOWN, {.next_update = NOW - 1}, 0, CS_OCSP_STALE, "stale and unknown"},
        {CS_OCSP_REVOKED, {.next_update = NOW - 1}, 4, CS_OCSP_REVOKED, "revoked stays revoked"},
        {CS_OCSP_GOOD, {.this_update = NOW}, 0, CS_OCSP_GOOD, "good from now on"},
        {CS_OCSP_GOOD, {.this_update = NOW + 1}, 0, CS_OCSP_NOT_YET_VALID, "not yet"},
    };
    struct cs_ocsp_request request = ask(&leaf, &ca, (struct cs_str){0});

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_make_answer about = {.id = request.ids[0].whole,
                                       .status = rows[i].status,
                                       .revoked_at = NOW - 5 * DAY,
                                       .reason = rows[i].reason};
        struct cs_ocsp_answer a = judge(answer(&rows[i].spec, &about, &ca), (struct cs_str){0});
        tap_int(a.status, rows[i].wanted, rows[i].what);
        if (rows[i].status != CS_OCSP_REVOKED)
            continue;
        tap_int((long)a.reason, (long)rows[i].reason, "for this reason");
        tap_int(a.revoked_at, NOW - 5 * DAY, "at that time");
    }
}

static void test_nonces(void)
{
    struct cs_ocsp_request request = ask(&leaf, &ca, CS_STR("mine"));
    struct cs_make_answer about = {.id = request.ids[0].whole, .status = CS_OCSP_GOOD};
    struct cs_ocsp_spec same = {.nonce = CS_STR("mine")}, other = {.nonce = CS_STR("yours")},
                        none = {0};

    tap_int(judge(answer(&same, &about, &ca), CS_STR("mine")).status, CS_OCSP_GOOD, "same nonce");
    tap_int(judge(answer(&other, &about, &ca), CS_STR("mine")).status, CS_OCSP_OTHER,
            "an answer to another question");
    tap_int(judge(answer(&none, &about, &ca), CS_STR("mine")).status, CS_OCSP_GOOD,
            "made beforehand, without a nonce");
}

static void test_signers(void)
{
    struct cs_ocsp_request mine = ask(&leaf, &ca, (struct cs_str){0}),
                           theirs = ask(&leaf, &stranger, (struct cs_str){0}),
                           another = ask(&other_leaf, &ca, (struct cs_str){0});
    struct cs_make_answer about = {.id = mine.ids[0].whole, .status = CS_OCSP_GOOD};
    struct cs_ocsp_spec spec = {0};
    struct cs_str good = answer(&spec, &about, &ca);
    char *bytes = cs_arena_alloc(&arena, good.len);

    tap_int(judge(answer(&spec, &about, &stranger), (struct cs_str){0}).status,
            CS_OCSP_UNAUTHORIZED, "signed by a CA of the same name");
    tap_int(judge(answer(&spec, &about, &leaf), (struct cs_str){0}).status, CS_OCSP_UNAUTHORIZED,
            "signed by the certificate itself");
    about.id = theirs.ids[0].whole;
    tap_int(judge(answer(&spec, &about, &ca), (struct cs_str){0}).status, CS_OCSP_OTHER,
            "about the same number of another CA");
    about.id = another.ids[0].whole;
    tap_int(judge(answer(&spec, &about, &ca), (struct cs_str){0}).status, CS_OCSP_OTHER,
            "about another certificate");
    for (size_t i = 0; i < good.len; i++) {
        struct cs_ocsp_answer a;
        memcpy(bytes, good.ptr, good.len);
        bytes[i] ^= 1;
        a = judge(cs_str_make(bytes, good.len), (struct cs_str){0});
        if (a.status <= CS_OCSP_UNKNOWN)
            tap_ok(false, "with one bit changed nothing is believed");
    }
    tap_int(judge(cs_str_sub(good, 0, good.len - 1), (struct cs_str){0}).status, CS_OCSP_MALFORMED,
            "cut");
}

/* An answer by @signer in the name of its own certificate, which comes along. */
static struct cs_str delegated(const struct cs_make_answer *about, const struct holder *signer)
{
    struct cs_ocsp_spec spec = {0};
    struct cs_str der = answer(&spec, about, signer), content, status, explicit, bytes, oid, basic,
                  part;
    struct cs_der_out out;
    struct cs_str result;

    cs_assert(cs_der_take(&der, CS_DER_SEQUENCE, &content) &&
              cs_der_take_whole(&content, CS_DER_ENUMERATED, &status) &&
              cs_der_take(&content, 0xa0, &explicit) &&
              cs_der_take(&explicit, CS_DER_SEQUENCE, &bytes) && cs_der_oid(&bytes, &oid) &&
              cs_der_take(&bytes, CS_DER_OCTET_STRING, &basic) &&
              cs_der_take(&basic, CS_DER_SEQUENCE, &part));
    cs_der_begin(&out, CS_OCSP_RESPONSE_MAX);
    cs_der_open(&out, CS_DER_SEQUENCE);
    cs_der_put_raw(&out, status);
    cs_der_open(&out, 0xa0);
    cs_der_open(&out, CS_DER_SEQUENCE);
    cs_der_put(&out, CS_DER_OID, oid);
    cs_der_open(&out, CS_DER_OCTET_STRING);
    cs_der_open(&out, CS_DER_SEQUENCE);
    cs_der_put_raw(&out, part);
    cs_der_open(&out, 0xa0);
    cs_der_open(&out, CS_DER_SEQUENCE);
    cs_der_put_raw(&out, signer->cert.der);
    for (int i = 0; i < 7; i++)
        cs_der_close(&out);
    cs_assert(cs_der_end(&out));
    result = cs_arena_dup(&arena, cs_buf_str(&out.buf));
    cs_der_deinit(&out);
    return result;
}

static void test_delegates(void)
{
    struct holder good = make("responder", &ca, CS_EKU_OCSP_SIGNING, NOW + DAY),
                  expired = make("responder", &ca, CS_EKU_OCSP_SIGNING, NOW - DAY),
                  client = make("responder", &ca, CS_EKU_CLIENT, NOW + DAY),
                  foreign = make("responder", &stranger, CS_EKU_OCSP_SIGNING, NOW + DAY);
    const struct {
        const struct holder *signer;
        enum cs_ocsp_status wanted;
        const char *what;
    } rows[] = {
        {&good, CS_OCSP_GOOD, "a responder that the issuer signed"},
        {&expired, CS_OCSP_UNAUTHORIZED, "one that has expired"},
        {&client, CS_OCSP_UNAUTHORIZED, "one that was not made for it"},
        {&foreign, CS_OCSP_UNAUTHORIZED, "one of another CA with the same name"},
    };
    struct cs_ocsp_request request = ask(&leaf, &ca, (struct cs_str){0});
    struct cs_make_answer about = {.id = request.ids[0].whole, .status = CS_OCSP_GOOD};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tap_int(judge(delegated(&about, rows[i].signer), (struct cs_str){0}).status, rows[i].wanted,
                rows[i].what);
        cs_key_free(rows[i].signer->key);
    }
}

static void test_declined(void)
{
    struct cs_ocsp_answer a;
    struct cs_buf der;

    cs_buf_init(&der, 100);
    tap_int(cs_make_ocsp_error(3, &der), 0, "an error without an answer");
    a = judge(finish(&der), (struct cs_str){0});
    tap_int(a.status, CS_OCSP_DECLINED, "is no answer");
    tap_str(cs_ocsp_responder_text(a.responder_status), CS_STR("tryLater"), "and says why");
}

int main(void)
{
    ca = make("ca", NULL, 0, NOW + 100 * DAY);
    stranger = make("ca", NULL, 0, NOW + 100 * DAY);
    other_ca = make("another", NULL, 0, NOW + 100 * DAY);
    leaf = make("leaf", &ca, CS_EKU_CLIENT, NOW + 10 * DAY);
    other_leaf = make("other", &ca, CS_EKU_CLIENT, NOW + 10 * DAY);

    test_requests();
    test_bad_requests();
    test_statuses();
    test_nonces();
    test_signers();
    test_delegates();
    test_declined();

    cs_key_free(ca.key);
    cs_key_free(stranger.key);
    cs_key_free(other_ca.key);
    cs_key_free(leaf.key);
    cs_key_free(other_leaf.key);
    cs_arena_deinit(&arena);
    return tap_done();
}
