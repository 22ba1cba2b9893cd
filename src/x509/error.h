/* The numbers and words of OpenSSL 3 for what can be wrong with a chain. nginx logs them and
 * $ssl_client_verify holds the words, so they are the same here whatever the library. */
#ifndef CS_X509_ERROR_H
#define CS_X509_ERROR_H

#include "base/str.h"

enum cs_x509_error {
    CS_X509_ERR_OK = 0,
    CS_X509_ERR_UNSPECIFIED = 1,
    CS_X509_ERR_NO_ISSUER = 2,
    CS_X509_ERR_NO_CRL = 3,
    CS_X509_ERR_SIGNATURE = 7,
    CS_X509_ERR_CRL_SIGNATURE = 8,
    CS_X509_ERR_NOT_YET_VALID = 9,
    CS_X509_ERR_EXPIRED = 10,
    CS_X509_ERR_CRL_NOT_YET_VALID = 11,
    CS_X509_ERR_CRL_EXPIRED = 12,
    CS_X509_ERR_SELF_SIGNED_LEAF = 18,
    CS_X509_ERR_SELF_SIGNED_IN_CHAIN = 19,
    CS_X509_ERR_NO_LOCAL_ISSUER = 20,
    CS_X509_ERR_LEAF_SIGNATURE = 21,
    CS_X509_ERR_CHAIN_TOO_LONG = 22,
    CS_X509_ERR_REVOKED = 23,
    CS_X509_ERR_PATH_LENGTH = 25,
    CS_X509_ERR_PURPOSE = 26,
    CS_X509_ERR_UNTRUSTED = 27,
    CS_X509_ERR_REJECTED = 28,
    CS_X509_ERR_NO_CERT_SIGN = 32,
    CS_X509_ERR_CRITICAL_EXTENSION = 34,
    CS_X509_ERR_NO_CRL_SIGN = 35,
    CS_X509_ERR_PERMITTED = 47,
    CS_X509_ERR_EXCLUDED = 48,
    CS_X509_ERR_NAME_SYNTAX = 53, /* the last of those about name constraints, 47..53 */
    CS_X509_ERR_HOST = 62,
    CS_X509_ERR_IP = 64,
    CS_X509_ERR_LEAF_KEY_SMALL = 66,
    CS_X509_ERR_CA_KEY_SMALL = 67,
    CS_X509_ERR_DIGEST_WEAK = 68,
    CS_X509_ERR_OCSP_FAILED = 74,
    CS_X509_ERR_OCSP_UNKNOWN = 75,
    CS_X509_ERR_INVALID_CA = 79,
};

/** cs_x509_error_from_library() - the number of OpenSSL 3 for what this library calls @error. */
int cs_x509_error_from_library(int error);
/** cs_x509_error_text() - "certificate has expired" for 10, and so on. Static. */
struct cs_str cs_x509_error_text(int error);

#endif
