/* Private keys: read from PEM, compared with certificates. The key itself stays the
 * library's object and is passed on as an opaque pointer (EVP_PKEY). */
#ifndef CS_X509_KEY_H
#define CS_X509_KEY_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/findings.h"
#include "base/str.h"
#include "x509/cert.h"

struct evp_pkey_st; /* EVP_PKEY of the library */

enum { CS_KEY_REFUSED = 1 };

/** cs_key_load() - the first private key of a PEM text: PKCS#8, plain or encrypted, or the
 *  older forms for RSA and EC. Blocks that are no keys are passed over. An encrypted key is
 *  tried with each of @passwords. Copies of secrets are wiped.
 *  Return: 0: *@ret_key is to be freed with cs_key_free();
 *  CS_KEY_REFUSED: it is not written, and @findings says why. */
__attribute__((warn_unused_result)) int
cs_key_load(struct cs_str pem, const struct cs_str *passwords, size_t n_passwords,
            struct cs_findings *findings, struct evp_pkey_st **ret_key);
/** cs_key_free() - give a key back. NULL is fine. */
void cs_key_free(struct evp_pkey_st *key);
/** cs_key_matches() - whether @key is the private half of the key in @cert. */
bool cs_key_matches(const struct evp_pkey_st *key, const struct cs_cert *cert);
/** cs_key_public() - the SubjectPublicKeyInfo that belongs to @key, as DER in @arena; empty: the
 *  library cannot tell. */
struct cs_str cs_key_public(const struct evp_pkey_st *key, struct cs_arena *arena);
/** cs_key_write() - append @key as unencrypted PKCS#8 in PEM. Wipe @buf after use.
 *  Return: 0, -ENOBUFS, or -EINVAL (a key that cannot be written). */
int cs_key_write(const struct evp_pkey_st *key, struct cs_buf *buf);
/** cs_key_write_encrypted() - append @key as PKCS#8 in PEM, encrypted under @passphrase (PBES2:
 *  PBKDF2 with 100,000 rounds, AES-256-CBC). Return: as cs_key_write(). */
int cs_key_write_encrypted(const struct evp_pkey_st *key, struct cs_str passphrase,
                           struct cs_buf *buf);

#endif
