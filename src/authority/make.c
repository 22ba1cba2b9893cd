/* Certificates and lists are written with our own DER writer and only the signature comes
 * from the library: what is encoded can be read off here, and both libraries give the same. */
#include "authority/make.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "base/mem.h"
#include "x509/der.h"

enum { CERT_MAX = 256 * 1024, KEY_ID_LEN = 20, SERIAL_LEN = 16, FRAME_MAX = 64 };
static const size_t crl_max = (size_t)1 << 30;

/* ---- keys ---- */

static bool set_key_kind(EVP_PKEY_CTX *ctx, enum cs_make_key_kind kind)
{
    switch (kind) {
    case CS_MAKE_P256: return EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_X9_62_prime256v1) > 0;
    case CS_MAKE_P384: return EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_secp384r1) > 0;
    case CS_MAKE_ED25519: return true;
    case CS_MAKE_RSA2048: return EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048) > 0;
    case CS_MAKE_RSA3072: return EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 3072) > 0;
    case CS_MAKE_RSA4096: return EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 4096) > 0;
    }
    return false;
}

static const struct {
    const char *word;
    enum cs_make_key_kind kind;
} kinds[] = {{"ec-p256", CS_MAKE_P256},     {"ec-p384", CS_MAKE_P384},
             {"ed25519", CS_MAKE_ED25519},  {"rsa-2048", CS_MAKE_RSA2048},
             {"rsa-3072", CS_MAKE_RSA3072}, {"rsa-4096", CS_MAKE_RSA4096}};

int cs_make_kind_parse(struct cs_str text, enum cs_make_key_kind *ret_kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!cs_str_eq(text, cs_str_from(kinds[i].word)))
            continue;
        *ret_kind = kinds[i].kind;
        return 0;
    }
    return -EINVAL;
}

const char *cs_make_kind_name(enum cs_make_key_kind kind)
{
    size_t i = 0;

    while (kinds[i].kind != kind)
        i++;
    return kinds[i].word;
}

struct cs_str cs_make_kinds(void)
{
    return CS_STR("ec-p256, ec-p384, ed25519, rsa-2048, rsa-3072, rsa-4096");
}

int cs_make_key(enum cs_make_key_kind kind, struct evp_pkey_st **ret_key)
{
    int id = kind == CS_MAKE_ED25519                        ? EVP_PKEY_ED25519
             : kind == CS_MAKE_P256 || kind == CS_MAKE_P384 ? EVP_PKEY_EC
                                                            : EVP_PKEY_RSA;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(id, NULL);
    EVP_PKEY *key = NULL;
    bool ok = ctx && EVP_PKEY_keygen_init(ctx) > 0 && set_key_kind(ctx, kind) &&
              EVP_PKEY_keygen(ctx, &key) > 0;

    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    if (!ok)
        return -EIO;
    *ret_key = key;
    return 0;
}

/* ---- signing ---- */

struct signer {
    struct cs_str algorithm; /* DER of the AlgorithmIdentifier */
    const EVP_MD *digest;    /* NULL: the algorithm has its own */
};

static struct signer choose_signer(const EVP_PKEY *key)
{
    static const struct cs_str ed25519 = CS_STR_INIT("\x30\x05\x06\x03\x2b\x65\x70");
    static const struct cs_str ecdsa256 =
        CS_STR_INIT("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02");
    static const struct cs_str ecdsa384 =
        CS_STR_INIT("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03");
    static const struct cs_str rsa256 =
        CS_STR_INIT("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00");

    switch (EVP_PKEY_id(key)) {
    case EVP_PKEY_ED25519: return (struct signer){ed25519, NULL};
    case EVP_PKEY_EC:
        return EVP_PKEY_bits(key) > 256 ? (struct signer){ecdsa384, EVP_sha384()}
                                        : (struct signer){ecdsa256, EVP_sha256()};
    default: return (struct signer){rsa256, EVP_sha256()};
    }
}

static int sign(const EVP_PKEY *key, const EVP_MD *digest, struct cs_str tbs, uint8_t *ret_sig,
                size_t *len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestSignInit(ctx, NULL, digest, NULL, (EVP_PKEY *)key) == 1 &&
              EVP_DigestSign(ctx, ret_sig, len, (const uint8_t *)tbs.ptr, tbs.len) == 1;

    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return ok ? 0 : -EIO;
}

/* SEQUENCE { tbs, algorithm, signature } appended to @ret_der. */
static int wrap(struct cs_str tbs, const EVP_PKEY *key, struct cs_str signature,
                struct cs_buf *ret_der)
{
    struct cs_der_out out;
    int r;

    cs_der_begin(&out, tbs.len + signature.len + FRAME_MAX);
    cs_der_open(&out, CS_DER_SEQUENCE);
    cs_der_put_raw(&out, tbs);
    cs_der_put_raw(&out, choose_signer(key).algorithm);
    cs_der_put_bits(&out, signature);
    cs_der_close(&out);
    r = cs_der_end(&out) ? cs_buf_add_str(ret_der, cs_buf_str(&out.buf)) : -EINVAL;
    cs_der_deinit(&out);
    return r;
}

int cs_make_unsigned(struct cs_str tbs, const struct evp_pkey_st *key, struct cs_buf *ret_der)
{
    static const char zeros[64];

    return wrap(tbs, key, cs_str_make(zeros, sizeof(zeros)), ret_der);
}

int cs_make_signed(struct cs_str tbs, const struct evp_pkey_st *key, struct cs_buf *ret_der)
{
    uint8_t signature[1024];
    size_t len = sizeof(signature);
    int r = sign(key, choose_signer(key).digest, tbs, signature, &len);

    return r < 0 ? r : wrap(tbs, key, cs_str_make(signature, len), ret_der);
}

/* ---- parts ---- */

#define OID_COMMON_NAME CS_STR("\x55\x04\x03")
#define OID_ORGANIZATION CS_STR("\x55\x04\x0a")
#define OID_SKI CS_STR("\x55\x1d\x0e")
#define OID_KEY_USAGE CS_STR("\x55\x1d\x0f")
#define OID_SAN CS_STR("\x55\x1d\x11")
#define OID_BASIC_CONSTRAINTS CS_STR("\x55\x1d\x13")
#define OID_CRL_NUMBER CS_STR("\x55\x1d\x14")
#define OID_REASON CS_STR("\x55\x1d\x15")
#define OID_ISSUING_POINT CS_STR("\x55\x1d\x1c")
#define OID_NAME_CONSTRAINTS CS_STR("\x55\x1d\x1e")
#define OID_CRL_POINTS CS_STR("\x55\x1d\x1f")
#define OID_AKI CS_STR("\x55\x1d\x23")
#define OID_EKU CS_STR("\x55\x1d\x25")
#define OID_EXTENSION_REQUEST CS_STR("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e")
#define OID_AIA CS_STR("\x2b\x06\x01\x05\x05\x07\x01\x01")
#define OID_AD_OCSP CS_STR("\x2b\x06\x01\x05\x05\x07\x30\x01")
#define OID_AD_CA_ISSUERS CS_STR("\x2b\x06\x01\x05\x05\x07\x30\x02")

static void put_attribute(struct cs_der_out *out, struct cs_str oid, struct cs_str value)
{
    if (value.len == 0)
        return;
    cs_der_open(out, CS_DER_SET);
    cs_der_open(out, CS_DER_SEQUENCE);
    cs_der_put(out, CS_DER_OID, oid);
    cs_der_put(out, CS_DER_UTF8_STRING, value);
    cs_der_close(out);
    cs_der_close(out);
}

static void put_subject(struct cs_der_out *out, const struct cs_cert_spec *spec)
{
    cs_der_open(out, CS_DER_SEQUENCE);
    put_attribute(out, OID_ORGANIZATION, spec->organization);
    put_attribute(out, OID_COMMON_NAME, spec->common_name);
    cs_der_close(out);
}

/* Extension { extnID, critical, OCTET STRING { …; close_extension() ends both. */
static void open_extension(struct cs_der_out *out, struct cs_str oid, bool critical)
{
    cs_der_open(out, CS_DER_SEQUENCE);
    cs_der_put(out, CS_DER_OID, oid);
    if (critical)
        cs_der_put_bool(out, true);
    cs_der_open(out, CS_DER_OCTET_STRING);
}

static void close_extension(struct cs_der_out *out)
{
    cs_der_close(out);
    cs_der_close(out);
}

static void put_basic_constraints(struct cs_der_out *out, const struct cs_cert_spec *spec)
{
    open_extension(out, OID_BASIC_CONSTRAINTS, true);
    cs_der_open(out, CS_DER_SEQUENCE);
    if (spec->ca) {
        cs_der_put_bool(out, true);
        if (spec->path_len >= 0)
            cs_der_put_uint(out, CS_DER_INTEGER, (uint64_t)spec->path_len);
    }
    cs_der_close(out);
    close_extension(out);
}

/* A BIT STRING with named bits: trailing zero bits are left out (X.690 section 11.2.2). */
static void put_key_usage(struct cs_der_out *out, unsigned usage)
{
    uint8_t bits[3] = {0};
    unsigned last = 0;

    if (usage == 0)
        return;
    for (unsigned bit = 0; bit < 9; bit++) {
        if (!(usage & 1u << bit))
            continue;
        bits[1 + bit / 8] |= (uint8_t)(0x80u >> (bit % 8));
        last = bit;
    }
    bits[0] = (uint8_t)(7 - last % 8);
    open_extension(out, OID_KEY_USAGE, true);
    cs_der_put(out, CS_DER_BIT_STRING, cs_str_make(bits, 2 + last / 8));
    close_extension(out);
}

static void put_eku(struct cs_der_out *out, unsigned eku)
{
    static const struct {
        unsigned bit;
        struct cs_str oid;
    } usages[] = {{CS_EKU_SERVER, CS_STR_INIT("\x2b\x06\x01\x05\x05\x07\x03\x01")},
                  {CS_EKU_CLIENT, CS_STR_INIT("\x2b\x06\x01\x05\x05\x07\x03\x02")},
                  {CS_EKU_OCSP_SIGNING, CS_STR_INIT("\x2b\x06\x01\x05\x05\x07\x03\x09")}};

    if (eku == 0)
        return;
    open_extension(out, OID_EKU, false);
    cs_der_open(out, CS_DER_SEQUENCE);
    for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++) {
        if (eku & usages[i].bit)
            cs_der_put(out, CS_DER_OID, usages[i].oid);
    }
    cs_der_close(out);
    close_extension(out);
}

static void put_general_names(struct cs_der_out *out, unsigned choice, struct cs_names names)
{
    for (size_t i = 0; i < names.n; i++)
        cs_der_put(out, (uint8_t)CS_DER_CONTEXT(choice), names.items[i]);
}

/* Critical when the subject is empty (RFC 5280 section 4.2.1.6). */
static void put_san(struct cs_der_out *out, const struct cs_cert_spec *spec)
{
    if (spec->dns.n + spec->uri.n + spec->email.n + spec->ip.n == 0)
        return;
    open_extension(out, OID_SAN, spec->common_name.len + spec->organization.len == 0);
    cs_der_open(out, CS_DER_SEQUENCE);
    put_general_names(out, 1, spec->email);
    put_general_names(out, 2, spec->dns);
    put_general_names(out, 6, spec->uri);
    put_general_names(out, 7, spec->ip);
    cs_der_close(out);
    close_extension(out);
}

/* RFC 5280 section 4.2.1.10: permittedSubtrees, each a GeneralSubtree with its base alone. */
static void put_name_constraints(struct cs_der_out *out, struct cs_names permitted)
{
    if (permitted.n == 0)
        return;
    open_extension(out, OID_NAME_CONSTRAINTS, true);
    cs_der_open(out, CS_DER_SEQUENCE);
    cs_der_open(out, CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED);
    for (size_t i = 0; i < permitted.n; i++) {
        cs_der_open(out, CS_DER_SEQUENCE);
        cs_der_put(out, CS_DER_CONTEXT(2), permitted.items[i]);
        cs_der_close(out);
    }
    cs_der_close(out);
    cs_der_close(out);
    close_extension(out);
}

static void put_key_ids(struct cs_der_out *out, struct cs_str ski, struct cs_str aki)
{
    if (ski.len) {
        open_extension(out, OID_SKI, false);
        cs_der_put(out, CS_DER_OCTET_STRING, ski);
        close_extension(out);
    }
    if (aki.len) {
        open_extension(out, OID_AKI, false);
        cs_der_open(out, CS_DER_SEQUENCE);
        cs_der_put(out, CS_DER_CONTEXT(0), aki);
        cs_der_close(out);
        close_extension(out);
    }
}

/* SEQUENCE { distributionPoint [0] { fullName [0] { URI } } }: a DistributionPoint (RFC 5280
 * section 4.2.1.13) and an IssuingDistributionPoint (section 5.2.5) alike. */
static void put_point(struct cs_der_out *out, struct cs_str url)
{
    cs_der_open(out, CS_DER_SEQUENCE);
    cs_der_open(out, CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED);
    cs_der_open(out, CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED);
    cs_der_put(out, CS_DER_CONTEXT(6), url);
    for (int i = 0; i < 3; i++)
        cs_der_close(out);
}

static void put_crl_url(struct cs_der_out *out, struct cs_str url)
{
    if (url.len == 0)
        return;
    open_extension(out, OID_CRL_POINTS, false);
    cs_der_open(out, CS_DER_SEQUENCE);
    put_point(out, url);
    cs_der_close(out);
    close_extension(out);
}

static void put_access(struct cs_der_out *out, struct cs_str method, struct cs_str url)
{
    if (url.len == 0)
        return;
    cs_der_open(out, CS_DER_SEQUENCE);
    cs_der_put(out, CS_DER_OID, method);
    cs_der_put(out, CS_DER_CONTEXT(6), url);
    cs_der_close(out);
}

static void put_aia(struct cs_der_out *out, const struct cs_cert_spec *spec)
{
    if (spec->ocsp_url.len + spec->issuer_url.len == 0)
        return;
    open_extension(out, OID_AIA, false);
    cs_der_open(out, CS_DER_SEQUENCE);
    put_access(out, OID_AD_OCSP, spec->ocsp_url);
    put_access(out, OID_AD_CA_ISSUERS, spec->issuer_url);
    cs_der_close(out);
    close_extension(out);
}

/* RFC 7093 section 2 method 1: the left-most 160 bits of SHA-256 of the key's bits. */
static void key_id(struct cs_str spki, uint8_t ret_id[KEY_ID_LEN])
{
    struct cs_str inner, algorithm, bits = {0};
    uint8_t digest[32];
    unsigned unused;

    (void)(cs_der_take(&spki, CS_DER_SEQUENCE, &inner) &&
           cs_der_take(&inner, CS_DER_SEQUENCE, &algorithm) && cs_der_bits(&inner, &bits, &unused));
    SHA256((const uint8_t *)bits.ptr, bits.len, digest);
    memcpy(ret_id, digest, KEY_ID_LEN);
}

/* The given serial, or 16 random bytes with the top bit clear and the next one set, so that the
 * number is positive and has no shorter form. */
static int put_serial(struct cs_der_out *out, struct cs_str serial)
{
    uint8_t random[SERIAL_LEN];

    if (serial.len) {
        cs_der_put_unsigned(out, serial);
        return 0;
    }
    if (RAND_bytes(random, sizeof(random)) != 1)
        return -EIO;
    random[0] = (random[0] & 0x3f) | 0x40;
    cs_der_put_unsigned(out, cs_str_make(random, sizeof(random)));
    return 0;
}

static void put_extensions(struct cs_der_out *out, const struct cs_cert_spec *spec,
                           struct cs_str ski, struct cs_str aki)
{
    cs_der_open(out, CS_DER_CONTEXT(3) | CS_DER_CONSTRUCTED);
    cs_der_open(out, CS_DER_SEQUENCE);
    put_basic_constraints(out, spec);
    put_name_constraints(out, spec->permitted_dns);
    put_key_usage(out, spec->key_usage);
    put_eku(out, spec->eku);
    put_san(out, spec);
    put_key_ids(out, ski, aki);
    put_crl_url(out, spec->crl_url);
    put_aia(out, spec);
    cs_der_close(out);
    cs_der_close(out);
}

/* RFC 5280 section 4.1.2. @issuer: whose certificate names the issuer; NULL: it is its own. */
static int put_tbs(struct cs_der_out *out, const struct cs_cert_spec *spec, struct cs_str spki,
                   const struct cs_cert *issuer, struct cs_str algorithm)
{
    uint8_t id[KEY_ID_LEN];
    struct cs_str ski = cs_str_make(id, sizeof(id));
    int r;

    key_id(spki, id);
    cs_der_open(out, CS_DER_SEQUENCE);
    cs_der_open(out, CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED);
    cs_der_put_uint(out, CS_DER_INTEGER, 2);
    cs_der_close(out);
    r = put_serial(out, spec->serial);
    if (r < 0)
        return r;
    cs_der_put_raw(out, algorithm);
    if (issuer)
        cs_der_put_raw(out, issuer->subject);
    else
        put_subject(out, spec);
    cs_der_open(out, CS_DER_SEQUENCE);
    cs_der_put_time(out, spec->not_before);
    cs_der_put_time(out, spec->not_after);
    cs_der_close(out);
    put_subject(out, spec);
    cs_der_put_raw(out, spki);
    put_extensions(out, spec, ski, issuer ? issuer->ski : ski);
    cs_der_close(out);
    return cs_der_end(out) ? 0 : -EINVAL;
}

int cs_make_tbs(const struct cs_cert_spec *spec, struct cs_str spki,
                const struct cs_make_issuer *issuer, struct cs_buf *ret_tbs)
{
    struct cs_der_out tbs;
    int r;

    cs_der_begin(&tbs, CERT_MAX);
    r = put_tbs(&tbs, spec, spki, issuer->cert, choose_signer(issuer->key).algorithm);
    if (r == 0)
        r = cs_buf_add_str(ret_tbs, cs_buf_str(&tbs.buf));
    cs_der_deinit(&tbs);
    return r;
}

int cs_make_cert(const struct cs_cert_spec *spec, const struct evp_pkey_st *key,
                 const struct cs_make_issuer *issuer, struct cs_buf *ret_der)
{
    struct cs_make_issuer self = {NULL, key};
    uint8_t *spki = NULL;
    int len = i2d_PUBKEY((EVP_PKEY *)key, &spki);
    struct cs_buf tbs;
    int r;

    if (len <= 0)
        return -EIO;
    issuer = issuer ? issuer : &self;
    cs_buf_init(&tbs, CERT_MAX);
    r = cs_make_tbs(spec, cs_str_make(spki, (size_t)len), issuer, &tbs);
    r = r ? r : cs_make_signed(cs_buf_str(&tbs), issuer->key, ret_der);
    cs_buf_deinit(&tbs);
    OPENSSL_free(spki);
    return r;
}

/* ---- requests ---- */

/* The attribute extensionRequest with the names in it (RFC 2985 section 5.4.2). */
static void put_asked_extensions(struct cs_der_out *out, const struct cs_cert_spec *spec)
{
    if (!(spec->dns.n || spec->uri.n || spec->email.n || spec->ip.n))
        return;
    cs_der_open(out, CS_DER_SEQUENCE);
    cs_der_put(out, CS_DER_OID, OID_EXTENSION_REQUEST);
    cs_der_open(out, CS_DER_SET);
    cs_der_open(out, CS_DER_SEQUENCE);
    put_san(out, spec);
    cs_der_close(out);
    cs_der_close(out);
    cs_der_close(out);
}

/* RFC 2986 section 4.1. */
static bool put_request(struct cs_der_out *out, const struct cs_cert_spec *spec, struct cs_str spki)
{
    cs_der_open(out, CS_DER_SEQUENCE);
    cs_der_put_uint(out, CS_DER_INTEGER, 0);
    put_subject(out, spec);
    cs_der_put_raw(out, spki);
    cs_der_open(out, CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED);
    put_asked_extensions(out, spec);
    cs_der_close(out);
    cs_der_close(out);
    return cs_der_end(out);
}

int cs_make_csr(const struct cs_cert_spec *spec, const struct evp_pkey_st *key,
                struct cs_buf *ret_der)
{
    uint8_t *spki = NULL;
    int len = i2d_PUBKEY((EVP_PKEY *)key, &spki), r = -EINVAL;
    struct cs_der_out asked;

    if (len <= 0)
        return -EIO;
    cs_der_begin(&asked, CERT_MAX);
    if (put_request(&asked, spec, cs_str_make(spki, (size_t)len)))
        r = cs_make_signed(cs_buf_str(&asked.buf), key, ret_der);
    cs_der_deinit(&asked);
    OPENSSL_free(spki);
    return r;
}

/* ---- revocation lists ---- */

static void put_revoked(struct cs_der_out *out, const struct cs_make_revoked *revoked)
{
    cs_der_open(out, CS_DER_SEQUENCE);
    cs_der_put_unsigned(out, revoked->serial);
    cs_der_put_time(out, revoked->date);
    if (revoked->reason) {
        cs_der_open(out, CS_DER_SEQUENCE);
        open_extension(out, OID_REASON, false);
        cs_der_put_uint(out, CS_DER_ENUMERATED, revoked->reason);
        close_extension(out);
        cs_der_close(out);
    }
    cs_der_close(out);
}

static void put_crl_extensions(struct cs_der_out *out, const struct cs_crl_spec *spec,
                               const struct cs_cert *issuer)
{
    cs_der_open(out, CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED);
    cs_der_open(out, CS_DER_SEQUENCE);
    put_key_ids(out, (struct cs_str){0}, issuer->ski);
    open_extension(out, OID_CRL_NUMBER, false);
    cs_der_put_uint(out, CS_DER_INTEGER, spec->number);
    close_extension(out);
    if (spec->point.len) {
        open_extension(out, OID_ISSUING_POINT, true);
        put_point(out, spec->point);
        close_extension(out);
    }
    cs_der_close(out);
    cs_der_close(out);
}

/* RFC 5280 section 5.1.2. */
int cs_make_crl(const struct cs_crl_spec *spec, const struct cs_make_issuer *issuer,
                struct cs_buf *ret_der)
{
    struct cs_der_out tbs;
    int r = -EINVAL;

    cs_der_begin(&tbs, crl_max);
    cs_der_open(&tbs, CS_DER_SEQUENCE);
    cs_der_put_uint(&tbs, CS_DER_INTEGER, 1);
    cs_der_put_raw(&tbs, choose_signer(issuer->key).algorithm);
    cs_der_put_raw(&tbs, issuer->cert->subject);
    cs_der_put_time(&tbs, spec->this_update);
    cs_der_put_time(&tbs, spec->next_update);
    if (spec->n_revoked) { /* an empty list is left out */
        cs_der_open(&tbs, CS_DER_SEQUENCE);
        for (size_t i = 0; i < spec->n_revoked; i++)
            put_revoked(&tbs, &spec->revoked[i]);
        cs_der_close(&tbs);
    }
    put_crl_extensions(&tbs, spec, issuer->cert);
    cs_der_close(&tbs);
    if (cs_der_end(&tbs))
        r = cs_make_signed(cs_buf_str(&tbs.buf), issuer->key, ret_der);
    cs_der_deinit(&tbs);
    return r;
}

/* ---- OCSP ---- */

#define EXPLICIT(n) (CS_DER_CONTEXT(n) | CS_DER_CONSTRUCTED)

static void put_status(struct cs_der_out *out, const struct cs_make_answer *answer)
{
    if (answer->status != CS_OCSP_REVOKED) {
        cs_der_put(out, CS_DER_CONTEXT(answer->status == CS_OCSP_GOOD ? 0 : 2), CS_STR(""));
        return;
    }
    cs_der_open(out, EXPLICIT(1));
    cs_der_put_generalized_time(out, answer->revoked_at);
    if (answer->reason) {
        cs_der_open(out, EXPLICIT(0));
        cs_der_put_uint(out, CS_DER_ENUMERATED, answer->reason);
        cs_der_close(out);
    }
    cs_der_close(out);
}

static void put_answer(struct cs_der_out *out, const struct cs_ocsp_spec *spec,
                       const struct cs_make_answer *answer)
{
    cs_der_open(out, CS_DER_SEQUENCE);
    cs_der_put_raw(out, answer->id);
    put_status(out, answer);
    cs_der_put_generalized_time(out, spec->this_update);
    cs_der_open(out, EXPLICIT(0));
    cs_der_put_generalized_time(out, spec->next_update);
    cs_der_close(out);
    cs_der_close(out);
}

static void put_nonce(struct cs_der_out *out, struct cs_str nonce)
{
    if (!nonce.len)
        return;
    cs_der_open(out, EXPLICIT(1));
    cs_der_open(out, CS_DER_SEQUENCE);
    open_extension(out, CS_OCSP_OID_NONCE, false);
    cs_der_put(out, CS_DER_OCTET_STRING, nonce);
    close_extension(out);
    cs_der_close(out);
    cs_der_close(out);
}

/* ResponseData. */
static int sign_answers(const struct cs_ocsp_spec *spec, const struct cs_make_issuer *issuer,
                        struct cs_buf *ret_der)
{
    struct cs_der_out tbs;
    uint8_t hash[20];
    int r = -EINVAL;

    cs_ocsp_key_hash(issuer->cert->spki, hash);
    cs_der_begin(&tbs, CERT_MAX);
    cs_der_open(&tbs, CS_DER_SEQUENCE);
    cs_der_open(&tbs, EXPLICIT(2));
    cs_der_put(&tbs, CS_DER_OCTET_STRING, cs_str_make(hash, sizeof(hash)));
    cs_der_close(&tbs);
    cs_der_put_generalized_time(&tbs, spec->produced_at);
    cs_der_open(&tbs, CS_DER_SEQUENCE);
    for (size_t i = 0; i < spec->n_answers; i++)
        put_answer(&tbs, spec, &spec->answers[i]);
    cs_der_close(&tbs);
    put_nonce(&tbs, spec->nonce);
    cs_der_close(&tbs);
    if (cs_der_end(&tbs))
        r = cs_make_signed(cs_buf_str(&tbs.buf), issuer->key, ret_der);
    cs_der_deinit(&tbs);
    return r;
}

/* OCSPResponse; @basic empty: no answer in it. */
static int put_response(unsigned status, struct cs_str basic, struct cs_buf *ret_der)
{
    struct cs_der_out out;
    int r;

    cs_der_begin(&out, 2 * CERT_MAX);
    cs_der_open(&out, CS_DER_SEQUENCE);
    cs_der_put_uint(&out, CS_DER_ENUMERATED, status);
    if (basic.len) {
        cs_der_open(&out, EXPLICIT(0));
        cs_der_open(&out, CS_DER_SEQUENCE);
        cs_der_put(&out, CS_DER_OID, CS_OCSP_OID_BASIC);
        cs_der_put(&out, CS_DER_OCTET_STRING, basic);
        cs_der_close(&out);
        cs_der_close(&out);
    }
    cs_der_close(&out);
    r = cs_der_end(&out) ? cs_buf_add_str(ret_der, cs_buf_str(&out.buf)) : -EINVAL;
    cs_der_deinit(&out);
    return r;
}

int cs_make_ocsp(const struct cs_ocsp_spec *spec, const struct cs_make_issuer *issuer,
                 struct cs_buf *ret_der)
{
    struct cs_buf basic;
    int r;

    cs_buf_init(&basic, CERT_MAX);
    r = sign_answers(spec, issuer, &basic);
    if (r == 0)
        r = put_response(0, cs_buf_str(&basic), ret_der);
    cs_buf_deinit(&basic);
    return r;
}

int cs_make_ocsp_error(unsigned responder_status, struct cs_buf *ret_der)
{
    return put_response(responder_status, (struct cs_str){0}, ret_der);
}
