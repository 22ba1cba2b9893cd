/* Certificates and keys made on the spot, as PEM, for the tests of this folder. */
#ifndef CS_TLS_TEST_PKI_H
#define CS_TLS_TEST_PKI_H

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"

struct test_identity {
    X509 *cert;
    EVP_PKEY *key;
    struct cs_str cert_pem, key_pem;
};

/** test_key() - a P-256 key, or RSA of 2048 bits. */
static EVP_PKEY *test_key(int type)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(type, NULL);
    EVP_PKEY *key = NULL;
    cs_assert(ctx && EVP_PKEY_keygen_init(ctx) == 1);
    if (type == EVP_PKEY_EC)
        cs_assert(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_X9_62_prime256v1) == 1);
    else
        cs_assert(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048) == 1);
    cs_assert(EVP_PKEY_keygen(ctx, &key) == 1);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/** test_text() - what a memory BIO holds, on the heap; frees the BIO. */
static struct cs_str test_text(BIO *bio)
{
    char *bytes = NULL;
    long len = BIO_get_mem_data(bio, &bytes);
    char *copy = cs_alloc((size_t)len + 1);
    memcpy(copy, bytes, (size_t)len);
    BIO_free(bio);
    return cs_str_make(copy, (size_t)len);
}

/** test_issue() - a certificate for @name, signed by @issuer, or by itself when NULL. */
static struct test_identity test_issue(const char *name, int type,
                                       const struct test_identity *issuer)
{
    static long serial = 1;
    struct test_identity id = {.key = test_key(type), .cert = X509_new()};
    X509_NAME *subject = X509_get_subject_name(id.cert);
    X509_set_version(id.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(id.cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(id.cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(id.cert), 86400);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(id.cert, issuer ? X509_get_subject_name(issuer->cert) : subject);
    X509_set_pubkey(id.cert, id.key);
    cs_assert(X509_sign(id.cert, issuer ? issuer->key : id.key, EVP_sha256()) > 0);

    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, id.cert);
    id.cert_pem = test_text(bio);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, id.key, NULL, NULL, 0, NULL, NULL);
    id.key_pem = test_text(bio);
    return id;
}

/** test_encrypted() - the key as encrypted PKCS#8 PEM, on the heap. */
static inline struct cs_str test_encrypted(const struct test_identity *id, const char *password)
{
    BIO *bio = BIO_new(BIO_s_mem());
    cs_assert(PEM_write_bio_PKCS8PrivateKey(bio, id->key, EVP_aes_256_cbc(), password,
                                            (int)strlen(password), NULL, NULL) == 1);
    return test_text(bio);
}

/** test_cat() - two texts after each other, on the heap. */
static inline struct cs_str test_cat(struct cs_str a, struct cs_str b)
{
    char *both = cs_alloc(a.len + b.len + 1);
    memcpy(both, a.ptr, a.len);
    memcpy(both + a.len, b.ptr, b.len);
    return cs_str_make(both, a.len + b.len);
}

/** test_free() - forget an identity. */
static void test_free(struct test_identity *id)
{
    X509_free(id->cert);
    EVP_PKEY_free(id->key);
    free((char *)id->cert_pem.ptr);
    free((char *)id->key_pem.ptr);
}

#endif
