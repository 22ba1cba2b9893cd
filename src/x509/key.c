/* Private keys. Decoding and decrypting are the library's. */
#include "x509/key.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#ifdef CS_TLS_AWSLC
#include <openssl/pkcs8.h>
#else
#include <openssl/pkcs12.h>
#endif
#include <openssl/x509.h>

#include "base/mem.h"
#include "x509/findings.h"
#include "x509/pem.h"

/* Of PBKDF2: what makes guessing a pass phrase slow. */
enum { ROUNDS = 100000 };

/* What the library asks for a pass phrase with. */
struct asked {
    const struct cs_str *password; /* NULL: there is none */
    bool asked;
};

static int give_password(char *buf, int size, int writing, void *arg)
{
    struct asked *asked = arg;

    asked->asked = true;
    if (!asked->password || size < 0 || asked->password->len > (size_t)size)
        return -1;
    memcpy(buf, asked->password->ptr, asked->password->len);
    return (int)asked->password->len;
}

static EVP_PKEY *read_key(struct cs_str pem, struct asked *asked)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *key;

    cs_assert(bio != NULL);
    key = PEM_read_bio_PrivateKey(bio, NULL, give_password, asked);
    BIO_free(bio);
    ERR_clear_error();
    return key;
}

static int refuse(struct cs_findings *findings, const struct cs_finding_kind *kind,
                  struct cs_str why)
{
    CS_FIND(findings, kind, NULL, CS_STR("private key"), (struct cs_str){0}, (struct cs_str){0},
            (struct cs_str){0}, why);
    return CS_KEY_REFUSED;
}

static bool has_key_block(struct cs_str pem)
{
    return cs_str_search(pem, CS_STR("PRIVATE KEY-----")) >= 0;
}

int cs_key_load(struct cs_str pem, const struct cs_str *passwords, size_t n_passwords,
                struct cs_findings *findings, struct evp_pkey_st **ret_key)
{
    struct asked asked = {0};
    EVP_PKEY *key;

    if (pem.len > INT32_MAX || !has_key_block(pem))
        return refuse(findings, CS_X509_KIND(KEY_UNREADABLE),
                      CS_STR("there is no PRIVATE KEY block in it"));
    key = read_key(pem, &asked);
    for (size_t i = 0; !key && asked.asked && i < n_passwords; i++) {
        asked.password = &passwords[i];
        key = read_key(pem, &asked);
    }
    if (key) {
        *ret_key = key;
        return 0;
    }
    if (asked.asked)
        return refuse(findings, CS_X509_KIND(KEY_ENCRYPTED),
                      n_passwords ? CS_STR("none of the given pass phrases opens it")
                                  : CS_STR("no pass phrase is given"));
    return refuse(findings, CS_X509_KIND(KEY_UNREADABLE),
                  CS_STR("its PRIVATE KEY block cannot be decoded"));
}

void cs_key_free(struct evp_pkey_st *key)
{
    EVP_PKEY_free(key);
}

static bool same_key(const EVP_PKEY *a, const EVP_PKEY *b)
{
#ifdef CS_TLS_AWSLC
    return EVP_PKEY_cmp(a, b) == 1;
#else
    return EVP_PKEY_eq(a, b) == 1;
#endif
}

bool cs_key_matches(const struct evp_pkey_st *key, const struct cs_cert *cert)
{
    const uint8_t *p = (const uint8_t *)cert->spki.ptr;
    EVP_PKEY *public = d2i_PUBKEY(NULL, &p, (long)cert->spki.len);
    bool same = public && same_key(key, public);

    EVP_PKEY_free(public);
    ERR_clear_error();
    return same;
}

struct cs_str cs_key_public(const struct evp_pkey_st *key, struct cs_arena *arena)
{
    uint8_t *der = NULL;
    int len = i2d_PUBKEY((EVP_PKEY *)key, &der);
    struct cs_str public = {0};

    if (len > 0)
    public = cs_arena_dup(arena, cs_str_make(der, (size_t)len));
    OPENSSL_free(der);
    ERR_clear_error();
    return public;
}

int cs_key_write(const struct evp_pkey_st *key, struct cs_buf *buf)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8((EVP_PKEY *)key);
    uint8_t *der = NULL;
    int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
    int r = -EINVAL;

    PKCS8_PRIV_KEY_INFO_free(info);
    if (len > 0)
        r = cs_pem_write(buf, CS_STR("PRIVATE KEY"), cs_str_make(der, (size_t)len));
    if (der)
        cs_wipe(der, len > 0 ? (size_t)len : 0);
    OPENSSL_free(der);
    ERR_clear_error();
    return r;
}

int cs_key_write_encrypted(const struct evp_pkey_st *key, struct cs_str passphrase,
                           struct cs_buf *buf)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8((EVP_PKEY *)key);
    X509_SIG *sealed = info && passphrase.len <= INT32_MAX
                           ? PKCS8_encrypt(-1, EVP_aes_256_cbc(), passphrase.ptr,
                                           (int)passphrase.len, NULL, 0, ROUNDS, info)
                           : NULL;
    uint8_t *der = NULL;
    int len = sealed ? i2d_X509_SIG(sealed, &der) : -1;
    int r = -EINVAL;

    PKCS8_PRIV_KEY_INFO_free(info);
    X509_SIG_free(sealed);
    if (len > 0)
        r = cs_pem_write(buf, CS_STR("ENCRYPTED PRIVATE KEY"), cs_str_make(der, (size_t)len));
    OPENSSL_free(der);
    ERR_clear_error();
    return r;
}
