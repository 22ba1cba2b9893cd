/* Each ASN.1 type of RFC 6960 is one function that reads it; judging is a walk from the frame to
 * the one single response that is about the certificate, in the order in which each step makes the
 * next one believable. */
#include "x509/ocsp.h"

#include <errno.h>
#include <openssl/sha.h>
#include <string.h>

#include "x509/der.h"
#include "x509/extension.h"
#include "x509/signature.h"

#define OID_SHA1 CS_STR("\x2b\x0e\x03\x02\x1a")
#define OID_SHA256 CS_STR("\x60\x86\x48\x01\x65\x03\x04\x02\x01")
#define EXPLICIT(n) (CS_DER_CONTEXT(n) | CS_DER_CONSTRUCTED)

/* The most certificates that come with an answer and are looked at. */
enum { SIGNERS_MAX = 4 };

/* ---- identifiers ---- */

/* The bits of a SubjectPublicKeyInfo's key, without its algorithm. */
static struct cs_str key_bits(struct cs_str spki)
{
    struct cs_str inner, algorithm, bits = {0};
    unsigned unused;

    (void)(cs_der_take(&spki, CS_DER_SEQUENCE, &inner) &&
           cs_der_take(&inner, CS_DER_SEQUENCE, &algorithm) && cs_der_bits(&inner, &bits, &unused));
    return bits;
}

void cs_ocsp_key_hash(struct cs_str spki, uint8_t ret_hash[20])
{
    struct cs_str bits = key_bits(spki);

    SHA1((const uint8_t *)bits.ptr, bits.len, ret_hash);
}

static bool is_digest(struct cs_str digest, struct cs_str of, struct cs_str hash)
{
    uint8_t out[SHA256_DIGEST_LENGTH];
    size_t len;

    if (cs_str_eq(hash, OID_SHA1)) {
        SHA1((const uint8_t *)of.ptr, of.len, out);
        len = SHA_DIGEST_LENGTH;
    } else if (cs_str_eq(hash, OID_SHA256)) {
        SHA256((const uint8_t *)of.ptr, of.len, out);
        len = SHA256_DIGEST_LENGTH;
    } else {
        return false;
    }
    return cs_str_eq(digest, cs_str_make(out, len));
}

bool cs_ocsp_id_is_of(const struct cs_ocsp_id *id, const struct cs_cert *issuer)
{
    return is_digest(id->name_hash, issuer->subject, id->hash) &&
           is_digest(id->key_hash, key_bits(issuer->spki), id->hash);
}

static bool read_id(struct cs_str *in, struct cs_ocsp_id *ret_id)
{
    struct cs_ocsp_id id;
    struct cs_str content, algorithm;

    if (!cs_der_take_whole(in, CS_DER_SEQUENCE, &id.whole))
        return false;
    content = id.whole;
    (void)cs_der_take(&content, CS_DER_SEQUENCE, &content);
    if (!cs_der_take(&content, CS_DER_SEQUENCE, &algorithm) || !cs_der_oid(&algorithm, &id.hash) ||
        !cs_der_take(&content, CS_DER_OCTET_STRING, &id.name_hash) ||
        !cs_der_take(&content, CS_DER_OCTET_STRING, &id.key_hash) ||
        !cs_der_integer(&content, &id.serial) || content.len)
        return false;
    *ret_id = id;
    return true;
}

/* Extensions of a request or an answer, of which the nonce is the only one that is known.
 * Return: false: broken, or one of the others is critical. */
static bool read_nonce(struct cs_str explicit, struct cs_str *ret_nonce)
{
    struct cs_str list, nonce;
    struct cs_extension ext;

    if (!cs_der_take(&explicit, CS_DER_SEQUENCE, &list) || explicit.len)
        return false;
    while (list.len) {
        if (!cs_extension_next(&list, &ext))
            return false;
        if (cs_str_eq(ext.oid, CS_OCSP_OID_NONCE)) {
            if (ret_nonce->len || !cs_der_take(&ext.value, CS_DER_OCTET_STRING, &nonce) ||
                ext.value.len || nonce.len == 0 || nonce.len > CS_OCSP_NONCE_MAX)
                return false;
            *ret_nonce = nonce;
        } else if (ext.critical) {
            return false;
        }
    }
    return true;
}

/* ---- requests ---- */

static void put_id(struct cs_der_out *out, const struct cs_cert *cert, const struct cs_cert *issuer)
{
    uint8_t hash[SHA_DIGEST_LENGTH];

    cs_der_open(out, CS_DER_SEQUENCE);
    cs_der_open(out, CS_DER_SEQUENCE);
    cs_der_put(out, CS_DER_OID, OID_SHA1);
    cs_der_put(out, CS_DER_NULL, CS_STR(""));
    cs_der_close(out);
    SHA1((const uint8_t *)issuer->subject.ptr, issuer->subject.len, hash);
    cs_der_put(out, CS_DER_OCTET_STRING, cs_str_make(hash, sizeof(hash)));
    cs_ocsp_key_hash(issuer->spki, hash);
    cs_der_put(out, CS_DER_OCTET_STRING, cs_str_make(hash, sizeof(hash)));
    cs_der_put(out, CS_DER_INTEGER, cert->serial);
    cs_der_close(out);
}

static void put_nonce(struct cs_der_out *out, struct cs_str nonce)
{
    cs_der_open(out, EXPLICIT(2));
    cs_der_open(out, CS_DER_SEQUENCE);
    cs_der_open(out, CS_DER_SEQUENCE);
    cs_der_put(out, CS_DER_OID, CS_OCSP_OID_NONCE);
    cs_der_open(out, CS_DER_OCTET_STRING);
    cs_der_put(out, CS_DER_OCTET_STRING, nonce);
    cs_der_close(out);
    cs_der_close(out);
    cs_der_close(out);
    cs_der_close(out);
}

int cs_ocsp_request_make(const struct cs_cert *cert, const struct cs_cert *issuer,
                         struct cs_str nonce, struct cs_buf *ret_der)
{
    struct cs_der_out out;
    int r;

    cs_der_begin(&out, CS_OCSP_REQUEST_MAX);
    cs_der_open(&out, CS_DER_SEQUENCE);
    cs_der_open(&out, CS_DER_SEQUENCE);
    cs_der_open(&out, CS_DER_SEQUENCE);
    cs_der_open(&out, CS_DER_SEQUENCE);
    put_id(&out, cert, issuer);
    cs_der_close(&out);
    cs_der_close(&out);
    if (nonce.len)
        put_nonce(&out, nonce);
    cs_der_close(&out);
    cs_der_close(&out);
    r = cs_der_end(&out) ? cs_buf_add_str(ret_der, cs_buf_str(&out.buf)) : -ENOBUFS;
    cs_der_deinit(&out);
    return r;
}

/* Request ::= SEQUENCE { reqCert, [0] singleRequestExtensions OPTIONAL } */
static bool read_single_request(struct cs_str *list, struct cs_ocsp_id *ret_id)
{
    struct cs_str single, extensions, none = {0};
    bool there;

    return cs_der_take(list, CS_DER_SEQUENCE, &single) && read_id(&single, ret_id) &&
           cs_der_optional(&single, EXPLICIT(0), &there, &extensions) && single.len == 0 &&
           (!there || read_nonce(extensions, &none));
}

static bool read_request_list(struct cs_str list, struct cs_arena *arena,
                              struct cs_ocsp_request *request)
{
    request->ids = cs_arena_array(arena, CS_OCSP_IDS_MAX, sizeof(*request->ids));
    for (request->n = 0; list.len; request->n++) {
        if (request->n == CS_OCSP_IDS_MAX || !read_single_request(&list, &request->ids[request->n]))
            return false;
    }
    return request->n > 0;
}

bool cs_ocsp_request_parse(struct cs_str der, struct cs_arena *arena,
                           struct cs_ocsp_request *ret_request)
{
    struct cs_str content, tbs, version, list, part;
    struct cs_ocsp_request request = {0};
    uint64_t number = 0;
    bool there;

    if (der.len > CS_OCSP_REQUEST_MAX || !cs_der_take(&der, CS_DER_SEQUENCE, &content) || der.len ||
        !cs_der_take(&content, CS_DER_SEQUENCE, &tbs) ||
        !cs_der_optional(&content, EXPLICIT(0), &there, &part) || content.len)
        return false;
    if (!cs_der_optional(&tbs, EXPLICIT(0), &there, &version) ||
        (there && (!cs_der_uint(&version, 0, &number) || version.len)) ||
        !cs_der_optional(&tbs, EXPLICIT(1), &there, &part) ||
        !cs_der_take(&tbs, CS_DER_SEQUENCE, &list) ||
        !cs_der_optional(&tbs, EXPLICIT(2), &there, &part) || tbs.len)
        return false;
    if ((there && !read_nonce(part, &request.nonce)) || !read_request_list(list, arena, &request))
        return false;
    *ret_request = request;
    return true;
}

/* ---- answers ---- */

/* BasicOCSPResponse, taken apart. */
struct basic {
    struct cs_signed frame;
    struct cs_str certs; /* content of the list; may be empty */
    struct cs_str responder_name, responder_key;
    struct cs_str responses;
    struct cs_str nonce;
};

/* OCSPResponse ::= SEQUENCE { responseStatus, [0] { SEQUENCE { OID, OCTET STRING } } OPTIONAL }
 * Return: CS_OCSP_GOOD when there is an answer in it. */
static enum cs_ocsp_status open_response(struct cs_str der, struct cs_ocsp_answer *answer,
                                         struct cs_str *ret_basic)
{
    struct cs_str content, status, explicit, bytes, oid;
    bool there;

    if (der.len > CS_OCSP_RESPONSE_MAX || !cs_der_take(&der, CS_DER_SEQUENCE, &content) ||
        der.len || !cs_der_take(&content, CS_DER_ENUMERATED, &status) || status.len != 1 ||
        !cs_der_optional(&content, EXPLICIT(0), &there, &explicit) || content.len)
        return CS_OCSP_MALFORMED;
    answer->responder_status = (uint8_t)status.ptr[0];
    if (answer->responder_status != 0)
        return CS_OCSP_DECLINED;
    if (!there || !cs_der_take(&explicit, CS_DER_SEQUENCE, &bytes) || explicit.len ||
        !cs_der_oid(&bytes, &oid) || !cs_str_eq(oid, CS_OCSP_OID_BASIC) ||
        !cs_der_take(&bytes, CS_DER_OCTET_STRING, ret_basic) || bytes.len)
        return CS_OCSP_MALFORMED;
    return CS_OCSP_GOOD;
}

static bool read_responder(struct cs_str *tbs, struct basic *basic)
{
    struct cs_str by;

    if (cs_der_take(tbs, EXPLICIT(1), &by)) {
        basic->responder_name = by;
        return cs_der_is_one(by, CS_DER_SEQUENCE);
    }
    return cs_der_take(tbs, EXPLICIT(2), &by) &&
           cs_der_take(&by, CS_DER_OCTET_STRING, &basic->responder_key) && by.len == 0;
}

/* ResponseData, section 4.2.1. */
static bool read_data(struct cs_str tbs, struct basic *basic)
{
    struct cs_str version, extensions;
    uint64_t number;
    int64_t produced;
    bool there;

    if (!cs_der_take(&tbs, CS_DER_SEQUENCE, &tbs) ||
        !cs_der_optional(&tbs, EXPLICIT(0), &there, &version) ||
        (there && (!cs_der_uint(&version, 0, &number) || version.len)))
        return false;
    return read_responder(&tbs, basic) && cs_der_time(&tbs, &produced) &&
           cs_der_take(&tbs, CS_DER_SEQUENCE, &basic->responses) &&
           cs_der_optional(&tbs, EXPLICIT(1), &there, &extensions) && tbs.len == 0 &&
           (!there || read_nonce(extensions, &basic->nonce));
}

static bool read_basic(struct cs_str der, struct basic *basic)
{
    struct cs_str content, explicit;
    unsigned unused;
    bool there;

    if (!cs_der_take(&der, CS_DER_SEQUENCE, &content) || der.len ||
        !cs_der_take_whole(&content, CS_DER_SEQUENCE, &basic->frame.tbs) ||
        !cs_der_take_whole(&content, CS_DER_SEQUENCE, &basic->frame.algorithm) ||
        !cs_der_bits(&content, &basic->frame.signature, &unused) || unused ||
        !cs_der_optional(&content, EXPLICIT(0), &there, &explicit) || content.len)
        return false;
    if (there && (!cs_der_take(&explicit, CS_DER_SEQUENCE, &basic->certs) || explicit.len))
        return false;
    return read_data(basic->frame.tbs, basic);
}

/* Whether the answer names the holder of this key and name as its maker. */
static bool is_responder(const struct basic *basic, const struct cs_cert *cert)
{
    uint8_t hash[SHA_DIGEST_LENGTH];

    if (basic->responder_name.len)
        return cs_str_eq(basic->responder_name, cert->subject);
    cs_ocsp_key_hash(cert->spki, hash);
    return cs_str_eq(basic->responder_key, cs_str_make(hash, sizeof(hash)));
}

/* Section 4.2.2.2: signed for this by the issuer itself, not by somebody it vouches for. */
static bool is_delegate(const struct cs_cert *cert, const struct cs_ocsp_query *query)
{
    return (cert->eku & CS_EKU_OCSP_SIGNING) && !cert->has_unknown_critical &&
           cert->not_before <= query->now_sec && query->now_sec <= cert->not_after &&
           cs_str_eq(cert->issuer, query->issuer->subject) &&
           cs_signed_by(cert->der, query->issuer->spki);
}

static enum cs_ocsp_status judge_delegates(const struct basic *basic,
                                           const struct cs_ocsp_query *query)
{
    enum cs_ocsp_status status = CS_OCSP_UNAUTHORIZED;
    struct cs_str certs = basic->certs, der;
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_cert cert;

    cs_findings_init(&findings, &arena);
    for (int i = 0; i < SIGNERS_MAX && status == CS_OCSP_UNAUTHORIZED; i++) {
        if (!cs_der_take_whole(&certs, CS_DER_SEQUENCE, &der))
            break;
        if (cs_cert_parse(der, &arena, &findings, &cert) == 0 && is_responder(basic, &cert) &&
            is_delegate(&cert, query))
            status =
                cs_signed_parts_by(&basic->frame, cert.spki) ? CS_OCSP_GOOD : CS_OCSP_BAD_SIGNATURE;
    }
    cs_arena_deinit(&arena);
    return status;
}

/* Return: CS_OCSP_GOOD when who signed may speak for the issuer. */
static enum cs_ocsp_status judge_signer(const struct basic *basic,
                                        const struct cs_ocsp_query *query)
{
    if (!is_responder(basic, query->issuer))
        return judge_delegates(basic, query);
    return cs_signed_parts_by(&basic->frame, query->issuer->spki) ? CS_OCSP_GOOD
                                                                  : CS_OCSP_BAD_SIGNATURE;
}

/* RevokedInfo ::= SEQUENCE { revocationTime, [0] EXPLICIT CRLReason OPTIONAL } */
static bool read_revoked(struct cs_str info, struct cs_ocsp_answer *answer)
{
    struct cs_str explicit, reason;
    bool there;

    if (!cs_der_time(&info, &answer->revoked_at) ||
        !cs_der_optional(&info, EXPLICIT(0), &there, &explicit) || info.len)
        return false;
    if (!there)
        return true;
    if (!cs_der_take(&explicit, CS_DER_ENUMERATED, &reason) || explicit.len || reason.len != 1)
        return false;
    answer->reason = (uint8_t)reason.ptr[0];
    return true;
}

static bool read_status(struct cs_str *single, struct cs_ocsp_answer *answer)
{
    struct cs_der_element status;

    if (!cs_der_any(single, &status))
        return false;
    switch (status.tag) {
    case CS_DER_CONTEXT(0): answer->said = CS_OCSP_GOOD; return status.content.len == 0;
    case CS_DER_CONTEXT(2): answer->said = CS_OCSP_UNKNOWN; return status.content.len == 0;
    case EXPLICIT(1): answer->said = CS_OCSP_REVOKED; return read_revoked(status.content, answer);
    default: return false;
    }
}

/* What follows the identifier in a SingleResponse. */
static bool read_single(struct cs_str single, struct cs_ocsp_answer *answer)
{
    struct cs_str explicit, extensions, none = {0};
    bool there;

    answer->next_update = INT64_MAX;
    if (!read_status(&single, answer) || !cs_der_time(&single, &answer->this_update) ||
        !cs_der_optional(&single, EXPLICIT(0), &there, &explicit) ||
        (there && (!cs_der_time(&explicit, &answer->next_update) || explicit.len)) ||
        !cs_der_optional(&single, EXPLICIT(1), &there, &extensions) || single.len)
        return false;
    return !there || read_nonce(extensions, &none);
}

/* The single response about the certificate. Return: GOOD: it is in *@answer. */
static enum cs_ocsp_status find_single(const struct basic *basic, const struct cs_ocsp_query *query,
                                       struct cs_ocsp_answer *answer)
{
    struct cs_str rest = basic->responses, single;
    struct cs_ocsp_id id;

    while (rest.len) {
        if (!cs_der_take(&rest, CS_DER_SEQUENCE, &single) || !read_id(&single, &id))
            return CS_OCSP_MALFORMED;
        if (cs_str_eq(id.serial, query->cert->serial) && cs_ocsp_id_is_of(&id, query->issuer))
            return read_single(single, answer) ? CS_OCSP_GOOD : CS_OCSP_MALFORMED;
    }
    return CS_OCSP_OTHER;
}

static enum cs_ocsp_status judge(const struct cs_ocsp_query *query, struct cs_ocsp_answer *answer)
{
    struct basic basic = {0};
    struct cs_str bytes;
    enum cs_ocsp_status status = open_response(query->der, answer, &bytes);

    if (status != CS_OCSP_GOOD)
        return status;
    if (!read_basic(bytes, &basic))
        return CS_OCSP_MALFORMED;
    status = judge_signer(&basic, query);
    if (status != CS_OCSP_GOOD)
        return status;
    if (query->nonce.len && basic.nonce.len && !cs_str_eq(query->nonce, basic.nonce))
        return CS_OCSP_OTHER;
    status = find_single(&basic, query, answer);
    if (status != CS_OCSP_GOOD || answer->said == CS_OCSP_REVOKED)
        return status == CS_OCSP_GOOD ? answer->said : status;
    if (answer->this_update - query->leeway_sec > query->now_sec)
        return CS_OCSP_NOT_YET_VALID;
    return answer->next_update < query->now_sec ? CS_OCSP_STALE : answer->said;
}

struct cs_ocsp_answer cs_ocsp_judge(const struct cs_ocsp_query *query)
{
    struct cs_ocsp_answer answer = {0};

    answer.status = judge(query, &answer);
    return answer;
}

struct cs_str cs_ocsp_status_text(enum cs_ocsp_status status)
{
    static const char *const texts[] = {
        [CS_OCSP_GOOD] = "good",
        [CS_OCSP_REVOKED] = "revoked",
        [CS_OCSP_UNKNOWN] = "unknown",
        [CS_OCSP_STALE] = "stale",
        [CS_OCSP_NOT_YET_VALID] = "not yet valid",
        [CS_OCSP_UNAUTHORIZED] = "signed by somebody who may not answer for the issuer",
        [CS_OCSP_BAD_SIGNATURE] = "wrongly signed",
        [CS_OCSP_OTHER] = "about something else",
        [CS_OCSP_DECLINED] = "declined",
        [CS_OCSP_MALFORMED] = "malformed",
    };
    return cs_str_from(texts[status]);
}

struct cs_str cs_ocsp_responder_text(unsigned responder_status)
{
    static const char *const texts[] = {
        "successful", "malformedRequest", "internalError", "tryLater",
        "(4)",        "sigRequired",      "unauthorized"};
    return responder_status < sizeof(texts) / sizeof(texts[0])
               ? cs_str_from(texts[responder_status])
               : CS_STR("(a number that RFC 6960 does not have)");
}
