/* Every mistake that can be made with two PEM files gets its own finding, because "key values
 * mismatch" is the most asked-about line of every TLS server's log. */
#include "tls/own.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "tls/findings.h"
#include "x509/cert.h"
#include "x509/digest.h"
#include "x509/findings.h"

/* What the library makes of the two files. */
struct reading {
    X509 *certs[CS_PAIR_CERTS_MAX];
    size_t n_certs;
    EVP_PKEY *key;
};

static void free_bio(BIO **bio)
{
    BIO_free(*bio);
}

struct cs_str cs_pair_errors(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return cs_str_from(text ? text : "no further reason given");
}

struct cs_str cs_pair_name(const X509_NAME *name, char buf[CS_PAIR_NAME])
{
    cs_cleanup(free_bio) BIO *bio = BIO_new(BIO_s_mem());
    cs_assert(bio != NULL);
    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
    int n = BIO_read(bio, buf, CS_PAIR_NAME);
    return cs_str_make(buf, n > 0 ? (size_t)n : 0);
}

static BIO *bio_over(struct cs_str text)
{
    BIO *bio = BIO_new_mem_buf(text.ptr ? text.ptr : "", (int)text.len);
    cs_assert(bio != NULL);
    return bio;
}

/* The next certificate of @bio. Return: 1, 0 at the end, -1 when it does not parse. */
static int next_cert(BIO *bio, X509 **ret_cert)
{
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    long len = 0;
    int r = 0;
    while (r == 0 && PEM_read_bio(bio, &name, &header, &der, &len) == 1) {
        if (strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0) {
            const unsigned char *p = der;
            X509 *cert = d2i_X509(NULL, &p, len);
            r = cert && p == der + len ? 1 : -1;
            if (r == 1)
                *ret_cert = cert;
            else
                X509_free(cert);
        }
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
        name = header = NULL;
        der = NULL;
    }
    if (r == 0 && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        r = -1;
    return r;
}

/* The operands that x509/findings.def has for files: {1} a certificate, {4} why. */
static int refuse(struct cs_findings *findings, const struct cs_finding_kind *kind,
                  const struct cs_place *place, struct cs_str certificate, struct cs_str why)
{
    struct cs_str none = {0};

    CS_FIND(findings, kind, place, none, certificate, none, none, why);
    return -EINVAL;
}

static int refuse_chain(struct cs_findings *findings, const struct cs_tls_pair *source,
                        struct cs_str why)
{
    return refuse(findings, CS_X509_KIND(CERTIFICATE_UNREADABLE), &source->place,
                  (struct cs_str){0}, why);
}

static const struct cs_place *key_place(const struct cs_tls_pair *source)
{
    return source->key_place.file.len ? &source->key_place : &source->place;
}

static int refuse_key(struct cs_findings *findings, const struct cs_finding_kind *kind,
                      const struct cs_tls_pair *source, struct cs_str why)
{
    return refuse(findings, kind, key_place(source), (struct cs_str){0}, why);
}

static int load_chain(const struct cs_tls_pair *source, struct cs_findings *findings,
                      struct reading *pair)
{
    cs_cleanup(free_bio) BIO *bio = bio_over(source->chain_pem);
    X509 *cert = NULL;
    int r;
    while ((r = next_cert(bio, &cert)) == 1) {
        if (pair->n_certs == CS_PAIR_CERTS_MAX) {
            X509_free(cert);
            return refuse_chain(findings, source, CS_STR("more than 16 certificates"));
        }
        pair->certs[pair->n_certs++] = cert;
    }
    if (r < 0)
        return refuse_chain(findings, source, cs_pair_errors());
    ERR_clear_error();
    if (pair->n_certs == 0)
        return refuse_chain(findings, source, CS_STR("there is no BEGIN CERTIFICATE line in it"));
    return 0;
}

struct password {
    struct cs_str text;
    bool asked;
};

static int on_password(char *buf, int size, int writing, void *ctx)
{
    struct password *password = ctx;
    password->asked = true;
    if (password->text.len == 0 || password->text.len > (size_t)size)
        return -1;
    memcpy(buf, password->text.ptr, password->text.len);
    return (int)password->text.len;
}

static EVP_PKEY *read_key(struct cs_str pem, struct cs_str password, bool *ret_encrypted)
{
    cs_cleanup(free_bio) BIO *bio = bio_over(pem);
    struct password ask = {.text = password};
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, on_password, &ask);
    *ret_encrypted = ask.asked;
    return key;
}

static int load_key(const struct cs_tls_pair *source, struct cs_findings *findings,
                    struct reading *pair)
{
    bool encrypted = false;
    pair->key = read_key(source->key_pem, (struct cs_str){NULL, 0}, &encrypted);
    if (!pair->key && !encrypted)
        return refuse_key(findings, CS_X509_KIND(KEY_UNREADABLE), source, cs_pair_errors());
    for (size_t i = 0; !pair->key && i < source->n_passwords; i++)
        pair->key = read_key(source->key_pem, source->passwords[i], &encrypted);
    ERR_clear_error();
    if (pair->key)
        return 0;
    return refuse_key(findings, CS_X509_KIND(KEY_ENCRYPTED), source,
                      source->n_passwords ? CS_STR("none of the given pass phrases opens it")
                                          : CS_STR("no pass phrase is given"));
}

static struct cs_str subject(const X509 *cert, char buf[CS_PAIR_NAME])
{
    return cs_pair_name(X509_get_subject_name(cert), buf);
}

static int check_match(const struct cs_tls_pair *source, struct cs_findings *findings,
                       const struct reading *pair)
{
    char first[CS_PAIR_NAME], other[CS_PAIR_NAME], number[24];
    if (X509_check_private_key(pair->certs[0], pair->key) == 1)
        return 0;
    for (size_t i = 1; i < pair->n_certs; i++) {
        if (X509_check_private_key(pair->certs[i], pair->key) != 1)
            continue;
        snprintf(number, sizeof(number), "%zu", i + 1);
        CS_FIND(findings, &cs_tls_finding_leaf_not_first, &source->place,
                subject(pair->certs[0], first), cs_str_from(number),
                subject(pair->certs[i], other));
        ERR_clear_error();
        return -EINVAL;
    }
    ERR_clear_error();
    return refuse(findings, CS_X509_KIND(KEY_MISMATCH), key_place(source),
                  subject(pair->certs[0], first),
                  CS_STR("their public keys differ, and no certificate of the file has this key"));
}

static bool issued(const X509 *issuer, const X509 *cert)
{
    return X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(cert)) == 0;
}

static void remark_order(const struct cs_tls_pair *source, struct cs_findings *findings,
                         const struct reading *pair)
{
    char issuer[CS_PAIR_NAME], here[CS_PAIR_NAME], which[64];
    const X509 *last = pair->certs[pair->n_certs - 1];
    struct cs_str none = {0};

    for (size_t i = 1; i < pair->n_certs; i++) {
        if (issued(pair->certs[i], pair->certs[i - 1]))
            continue;
        snprintf(which, sizeof(which), "certificate %zu of the file", i + 1);
        CS_FIND(findings, CS_X509_KIND(CHAIN_UNORDERED), &source->place, cs_str_from(which),
                subject(pair->certs[i], here), none, none,
                cs_pair_name(X509_get_issuer_name(pair->certs[i - 1]), issuer));
        return;
    }
    if (pair->n_certs > 1 && issued(last, last))
        CS_FIND(findings, CS_X509_KIND(ROOT_IN_CHAIN), &source->place,
                CS_STR("the last certificate of the file"), subject(last, here));
}

static int read_pair(const struct cs_tls_pair *source, struct cs_findings *findings,
                     struct reading *pair)
{
    ERR_clear_error();
    int r = load_chain(source, findings, pair);
    int key = load_key(source, findings, pair);
    if (r == 0)
        r = key;
    if (r == 0)
        r = check_match(source, findings, pair);
    if (r == 0)
        remark_order(source, findings, pair);
    return r;
}

static struct cs_str copy(const void *bytes, size_t len)
{
    char *text = cs_alloc(len + 1);
    if (len)
        memcpy(text, bytes, len);
    return cs_str_make(text, len);
}

static struct cs_str key_name(struct cs_str der)
{
    struct cs_str name = {NULL, 0};
    struct cs_findings ignored;
    struct cs_arena arena;
    struct cs_cert cert;

    cs_arena_init(&arena);
    cs_findings_init(&ignored, &arena);
    if (cs_cert_parse(der, &arena, &ignored, &cert) == 0)
        name = copy(cert.key_name.ptr, cert.key_name.len);
    cs_arena_deinit(&arena);
    return name;
}

/* The certificates as bytes; the library's objects are several times as large, and not needed. */
static struct cs_pair *keep(struct reading *reading)
{
    struct cs_pair *pair = CS_NEW(struct cs_pair);
    struct cs_digest digest;

    pair->refs = 1;
    pair->key = cs_take(reading->key);
    pair->ders = cs_alloc(reading->n_certs * sizeof(*pair->ders));
    cs_digest_init(&digest);
    for (size_t i = 0; i < reading->n_certs; i++) {
        unsigned char *der = NULL;
        int len = i2d_X509(reading->certs[i], &der);
        cs_assert(len > 0);
        pair->ders[pair->n] = copy(der, (size_t)len);
        cs_digest_add(&digest, pair->ders[pair->n++]);
        OPENSSL_free(der);
    }
    cs_digest_final(&digest, pair->digest);
    pair->key_name = key_name(pair->ders[0]);
    return pair;
}

int cs_pair_new(const struct cs_tls_pair *source, struct cs_findings *findings,
                struct cs_pair **ret_pair)
{
    struct reading reading = {.n_certs = 0};
    int r = read_pair(source, findings, &reading);

    if (r == 0)
        *ret_pair = keep(&reading);
    for (size_t i = 0; i < reading.n_certs; i++)
        X509_free(reading.certs[i]);
    EVP_PKEY_free(reading.key);
    return r;
}

struct cs_pair *cs_pair_ref(struct cs_pair *pair)
{
    pair->refs++;
    return pair;
}

struct cs_pair *cs_pair_unref(struct cs_pair *pair)
{
    if (!pair || --pair->refs > 0)
        return NULL;
    for (size_t i = 0; i < pair->n; i++)
        free((char *)pair->ders[i].ptr);
    free(pair->ders);
    free((char *)pair->key_name.ptr);
    EVP_PKEY_free(pair->key);
    free(pair);
    return NULL;
}

const struct cs_str *cs_pair_chain0(const struct cs_pair *pair, size_t *ret_n)
{
    *ret_n = pair->n;
    return pair->ders;
}

const uint8_t *cs_pair_digest(const struct cs_pair *pair)
{
    return pair->digest;
}
