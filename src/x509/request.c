/* PKCS#10: a frame of its own around the fields of certificates. */
#include "x509/request.h"

#include "x509/der.h"
#include "x509/fields.h"
#include "x509/findings.h"
#include "x509/signature.h"

/* More attributes than any real request has. */
enum { ATTRIBUTES_MAX = 16 };

struct reader {
    struct cs_fields fields;
    struct cs_csr *csr;
    struct cs_str seen[ATTRIBUTES_MAX];
    size_t n_seen;
    struct cs_str *others;
};

static bool malformed(struct reader *r, const char *part, const char *why)
{
    CS_FIND(r->fields.findings, r->fields.malformed, NULL, r->fields.what, (struct cs_str){0},
            (struct cs_str){0}, (struct cs_str){0}, cs_str_from(part), cs_str_from(why));
    return false;
}

static const struct cs_str extension_request_oid =
    CS_STR_INIT("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e");
static const struct cs_str challenge_oid = CS_STR_INIT("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07");

/* RFC 2985 section 5.4.2: one value, which is a list of extensions. */
static bool read_extension_request(struct reader *r, struct cs_str values)
{
    struct cs_str list;

    if (!cs_der_take(&values, CS_DER_SEQUENCE, &list) || values.len || list.len == 0)
        return malformed(r, "extensionRequest", "it is not one list of extensions");
    return cs_fields_extensions(&r->fields, list);
}

static bool note_attribute(struct reader *r, struct cs_str oid)
{
    for (size_t i = 0; i < r->n_seen; i++) {
        if (cs_str_eq(r->seen[i], oid))
            return malformed(r, "attributes", "one of them occurs twice");
    }
    if (r->n_seen == ATTRIBUTES_MAX)
        return malformed(r, "attributes", "there are more than 16");
    r->seen[r->n_seen++] = oid;
    return true;
}

/* Attribute { type, values SET OF ANY }. */
static bool read_attribute(struct reader *r, struct cs_str *attributes)
{
    struct cs_str attribute, oid, values;

    if (!cs_der_take(attributes, CS_DER_SEQUENCE, &attribute) || !cs_der_oid(&attribute, &oid) ||
        !cs_der_take(&attribute, CS_DER_SET, &values) || attribute.len)
        return malformed(r, "attributes", "one of them is not an Attribute in DER");
    if (!note_attribute(r, oid))
        return false;
    if (cs_str_eq(oid, extension_request_oid))
        return read_extension_request(r, values);
    if (cs_str_eq(oid, challenge_oid))
        r->csr->has_challenge = true;
    else
        r->others[r->csr->others.n++] = cs_der_oid_text(oid, r->fields.arena);
    return true;
}

/* The attributes are not optional, but old software leaves them out when there are none. */
static bool read_attributes(struct reader *r, struct cs_str *info)
{
    struct cs_str attributes;
    bool there;

    if (!cs_der_optional(info, CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED, &there, &attributes))
        return malformed(r, "attributes", "they are not DER");
    r->others = cs_arena_array(r->fields.arena, ATTRIBUTES_MAX, sizeof(*r->others));
    r->csr->others.items = r->others;
    while (attributes.len) {
        if (!read_attribute(r, &attributes))
            return false;
    }
    return info->len == 0 || malformed(r, "end", "something follows the attributes");
}

/* RFC 2986 section 4.1. */
static bool read_info(struct reader *r, struct cs_str whole)
{
    struct cs_cert *asked = &r->csr->asked;
    struct cs_str info;
    uint64_t version;

    (void)cs_der_take(&whole, CS_DER_SEQUENCE, &info);
    if (!cs_der_uint(&info, 0, &version))
        return malformed(r, "version", "it is not 1");
    return cs_fields_name(&r->fields, &info, "subject", &asked->subject) &&
           cs_fields_spki(&r->fields, &info) && read_attributes(r, &info);
}

static bool read_request(struct reader *r, struct cs_str der)
{
    struct cs_cert *asked = &r->csr->asked;
    struct cs_signed parts;

    if (der.len > CS_CSR_BYTES_MAX)
        return malformed(r, "size", "it is longer than 65536 bytes");
    if (!cs_signed_split(der, &parts))
        return malformed(r, "encoding", "it is not one CertificationRequest in DER");
    if (!cs_signature_algorithm(parts.algorithm, r->fields.arena, &asked->sig_alg,
                                &asked->sig_weak))
        return malformed(r, "signature algorithm", "it is not an AlgorithmIdentifier");
    asked->tbs = parts.tbs;
    return read_info(r, parts.tbs);
}

int cs_csr_parse(struct cs_str der, struct cs_arena *arena, struct cs_findings *findings,
                 struct cs_csr *ret_csr)
{
    struct cs_csr csr = {.der = der, .asked = {.der = der, .version = 3, .path_len = -1}};
    struct reader r = {.fields = {.arena = arena,
                                  .findings = findings,
                                  .cert = &csr.asked,
                                  .what = CS_STR("request"),
                                  .malformed = CS_X509_KIND(REQUEST_MALFORMED)},
                       .csr = &csr};

    if (!read_request(&r, der))
        return CS_CSR_REFUSED;
    csr.signed_by_key = cs_signed_by(der, csr.asked.spki);
    *ret_csr = csr;
    return 0;
}
