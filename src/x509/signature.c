/* The library's generic verification: the signed part goes in as an ASN1_TYPE, which keeps its
 * bytes as they are, so that nothing is encoded again and one function serves every kind of signed
 * thing. */
#include "x509/signature.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "x509/der.h"

bool cs_signed_split(struct cs_str der, struct cs_signed *ret_signed)
{
    struct cs_str content;
    struct cs_signed s;
    unsigned unused;

    if (!cs_der_take(&der, CS_DER_SEQUENCE, &content) || der.len ||
        !cs_der_take_whole(&content, CS_DER_SEQUENCE, &s.tbs) ||
        !cs_der_take_whole(&content, CS_DER_SEQUENCE, &s.algorithm) ||
        !cs_der_bits(&content, &s.signature, &unused) || content.len || unused)
        return false;
    *ret_signed = s;
    return true;
}

/* What the library wants instead of slices. */
struct objects {
    ASN1_TYPE *tbs;
    X509_ALGOR *algorithm;
    ASN1_BIT_STRING *signature;
    EVP_PKEY *key;
};

static bool convert(const struct cs_signed *s, struct cs_str spki, struct objects *o)
{
    const uint8_t *tbs = (const uint8_t *)s->tbs.ptr;
    const uint8_t *algorithm = (const uint8_t *)s->algorithm.ptr;
    const uint8_t *key = (const uint8_t *)spki.ptr;

    o->tbs = d2i_ASN1_TYPE(NULL, &tbs, (long)s->tbs.len);
    o->algorithm = d2i_X509_ALGOR(NULL, &algorithm, (long)s->algorithm.len);
    o->signature = ASN1_BIT_STRING_new();
    o->key = d2i_PUBKEY(NULL, &key, (long)spki.len);
    if (!o->tbs || !o->algorithm || !o->signature || !o->key ||
        !ASN1_STRING_set(o->signature, s->signature.ptr, (int)s->signature.len))
        return false;
    o->signature->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 7);
    o->signature->flags |= ASN1_STRING_FLAG_BITS_LEFT; /* none unused */
    return true;
}

bool cs_signed_parts_by(const struct cs_signed *parts, struct cs_str spki)
{
    struct objects o = {0};
    bool yes;

    if (parts->tbs.len > INT32_MAX || parts->signature.len > INT32_MAX)
        return false;
    yes = convert(parts, spki, &o) &&
          ASN1_item_verify(ASN1_ITEM_rptr(ASN1_ANY), o.algorithm, o.signature, o.tbs, o.key) == 1;
    ASN1_TYPE_free(o.tbs);
    X509_ALGOR_free(o.algorithm);
    ASN1_BIT_STRING_free(o.signature);
    EVP_PKEY_free(o.key);
    ERR_clear_error();
    return yes;
}

bool cs_signed_by(struct cs_str der, struct cs_str spki)
{
    struct cs_signed parts;

    return cs_signed_split(der, &parts) && cs_signed_parts_by(&parts, spki);
}
