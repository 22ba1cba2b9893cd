/* Keys in the forms that people have them in. Made here: no key is kept in the tree. */
#include "x509/key.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/mem.h"
#include "tap.h"
#include "x509/findings.h"

static struct cs_arena arena;

static EVP_PKEY *new_key(void)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
    EVP_PKEY *key = NULL;

    cs_assert(EVP_PKEY_keygen_init(ctx) > 0 &&
              EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_X9_62_prime256v1) > 0 &&
              EVP_PKEY_keygen(ctx, &key) > 0);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* PKCS#8, encrypted when there is a password. */
static struct cs_str pem_of(EVP_PKEY *key, const char *password)
{
    BIO *bio = BIO_new(BIO_s_mem());
    struct cs_str text;
    char *bytes;
    long len;

    cs_assert(PEM_write_bio_PKCS8PrivateKey(bio, key, password ? EVP_aes_256_cbc() : NULL, password,
                                            password ? (int)strlen(password) : 0, NULL, NULL) == 1);
    len = BIO_get_mem_data(bio, &bytes);
    text = cs_arena_dup(&arena, cs_str_make(bytes, (size_t)len));
    BIO_free(bio);
    return text;
}

static void check(const char *what, struct cs_str pem, const struct cs_str *passwords, size_t n,
                  const char *code)
{
    struct cs_findings findings;
    struct evp_pkey_st *key = NULL;
    int r;

    cs_findings_init(&findings, &arena);
    r = cs_key_load(pem, passwords, n, &findings, &key);
    tap_int(r, code ? CS_KEY_REFUSED : 0, what);
    tap_str(cs_str_from(findings.first ? findings.first->kind->code : ""),
            cs_str_from(code ? code : ""), "its finding");
    tap_ok((key != NULL) == (code == NULL), "a key or none");
    cs_key_free(key);
}

static void test_load(EVP_PKEY *key)
{
    struct cs_str words[] = {CS_STR("wrong"), CS_STR(""), CS_STR("secret")};
    struct cs_str plain = pem_of(key, NULL), locked = pem_of(key, "secret");
    struct cs_str cert = CS_STR("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");

    check("plain", plain, NULL, 0, NULL);
    check("behind a certificate", cs_arena_cat(&arena, cert, plain), NULL, 0, NULL);
    check("encrypted, the third word opens it", locked, words, 3, NULL);
    check("encrypted, no word", locked, NULL, 0, "key-encrypted");
    check("encrypted, wrong words", locked, words, 2, "key-encrypted");
    check("nothing", CS_STR(""), NULL, 0, "key-unreadable");
    check("no key", CS_STR("hello\n"), NULL, 0, "key-unreadable");
    check("only a certificate", cert, NULL, 0, "key-unreadable");
    check("cut", cs_str_sub(plain, 0, plain.len / 2), NULL, 0, "key-unreadable");
    check("not a key inside",
          CS_STR("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"), NULL, 0,
          "key-unreadable");
}

static struct cs_cert cert_for(EVP_PKEY *key)
{
    struct cs_cert cert = {0};
    uint8_t *spki = NULL;
    int len = i2d_PUBKEY(key, &spki);

    cert.spki = cs_arena_dup(&arena, cs_str_make(spki, (size_t)len));
    OPENSSL_free(spki);
    return cert;
}

static void test_write_encrypted(EVP_PKEY *key)
{
    struct cs_str right = CS_STR("open sesame"), wrong = CS_STR("open barley");
    struct cs_buf buf;

    cs_buf_init(&buf, 4096);
    tap_int(cs_key_write_encrypted(key, right, &buf), 0, "written encrypted");
    tap_ok(cs_str_starts(cs_buf_str(&buf), CS_STR("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")),
           "and it says so");
    check("opened", cs_buf_str(&buf), &right, 1, NULL);
    check("not opened", cs_buf_str(&buf), &wrong, 1, "key-encrypted");
    check("not opened without", cs_buf_str(&buf), NULL, 0, "key-encrypted");
    cs_buf_deinit(&buf);
}

int main(void)
{
    EVP_PKEY *key = new_key(), *other = new_key();
    struct cs_cert cert = cert_for(key);
    struct cs_buf buf;

    test_load(key);
    tap_ok(cs_key_matches(key, &cert), "the key of the certificate");
    tap_ok(!cs_key_matches(other, &cert), "another key");
    cs_buf_init(&buf, 4096);
    tap_int(cs_key_write(key, &buf), 0, "written");
    check("read back", cs_buf_str(&buf), NULL, 0, NULL);
    cs_buf_wipe(&buf);
    test_write_encrypted(key);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    cs_arena_deinit(&arena);
    return tap_done();
}
