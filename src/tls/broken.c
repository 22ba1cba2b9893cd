/* The TLS library's error numbers as reasons of our own. The names of the numbers are those of
 * both libraries; what only one of them has is asked for by its name. */
#include "tls/internal.h"

#include <openssl/err.h>

static const struct {
    int reason;
    enum cs_break broken;
} rows[] = {
    {SSL_R_UNSUPPORTED_PROTOCOL, CS_BREAK_VERSION},
    {SSL_R_VERSION_TOO_LOW, CS_BREAK_VERSION},
    {SSL_R_VERSION_TOO_HIGH, CS_BREAK_VERSION},
    {SSL_R_UNKNOWN_SSL_VERSION, CS_BREAK_VERSION},
    {SSL_R_UNSUPPORTED_SSL_VERSION, CS_BREAK_VERSION},
    {SSL_R_WRONG_SSL_VERSION, CS_BREAK_VERSION},
    {SSL_R_NO_SHARED_CIPHER, CS_BREAK_CIPHER},
    {SSL_R_WRONG_CIPHER_RETURNED, CS_BREAK_CIPHER},
    {SSL_R_UNKNOWN_CIPHER_RETURNED, CS_BREAK_CIPHER},
    {SSL_R_WRONG_CURVE, CS_BREAK_GROUP},
    {SSL_R_UNSUPPORTED_ELLIPTIC_CURVE, CS_BREAK_GROUP},
    {SSL_R_NO_APPLICATION_PROTOCOL, CS_BREAK_ALPN},
    {SSL_R_BAD_SIGNATURE, CS_BREAK_PROOF},
    {SSL_R_DIGEST_CHECK_FAILED, CS_BREAK_PROOF},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, CS_BREAK_NO_CERTIFICATE},
    {SSL_R_NO_CERTIFICATES_RETURNED, CS_BREAK_NO_CERTIFICATE},
    {SSL_R_CERTIFICATE_VERIFY_FAILED, CS_BREAK_VERDICT},
    {SSL_R_EXCESSIVE_MESSAGE_SIZE, CS_BREAK_TOO_LARGE},
    {SSL_R_NO_RENEGOTIATION, CS_BREAK_RENEGOTIATION},
    {SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, CS_BREAK_RENEGOTIATION},
    {SSL_R_RENEGOTIATION_MISMATCH, CS_BREAK_RENEGOTIATION},
    {SSL_R_RENEGOTIATION_ENCODING_ERR, CS_BREAK_RENEGOTIATION},
    {SSL_R_HTTP_REQUEST, CS_BREAK_PLAIN_HTTP},
    {SSL_R_HTTPS_PROXY_REQUEST, CS_BREAK_PLAIN_HTTP},
    {SSL_R_WRONG_VERSION_NUMBER, CS_BREAK_NOT_TLS},
    {SSL_R_UNKNOWN_PROTOCOL, CS_BREAK_NOT_TLS},
    {SSL_R_UNEXPECTED_EOF_WHILE_READING, CS_BREAK_TRANSPORT},
#ifdef SSL_R_NO_SHARED_GROUP
    {SSL_R_NO_SHARED_GROUP, CS_BREAK_GROUP},
#endif
#ifdef SSL_R_NO_SHARED_GROUPS
    {SSL_R_NO_SHARED_GROUPS, CS_BREAK_GROUP},
#endif
#ifdef SSL_R_NO_SUITABLE_GROUPS
    {SSL_R_NO_SUITABLE_GROUPS, CS_BREAK_GROUP},
#endif
#ifdef SSL_R_NO_SUITABLE_KEY_SHARE
    {SSL_R_NO_SUITABLE_KEY_SHARE, CS_BREAK_GROUP},
#endif
#ifdef SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS
    {SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS, CS_BREAK_SIGNATURE},
#endif
#ifdef SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS
    {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, CS_BREAK_SIGNATURE},
#endif
#ifdef SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, CS_BREAK_SIGNATURE},
#endif
#ifdef SSL_R_INVALID_OUTER_RECORD_TYPE
    {SSL_R_INVALID_OUTER_RECORD_TYPE, CS_BREAK_NOT_TLS},
#endif
#ifdef SSL_R_BAD_RECORD_TYPE
    {SSL_R_BAD_RECORD_TYPE, CS_BREAK_NOT_TLS},
#endif
};

static enum cs_break lookup(uint32_t code)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (ERR_GET_LIB(code) == ERR_LIB_SSL && rows[i].reason == ERR_GET_REASON(code))
            return rows[i].broken;
    }
    return CS_BREAK_OTHER;
}

/* The alerts by which a library complains about the form of what it was sent. */
static bool is_about_form(int alert)
{
    switch (alert) {
    case SSL_AD_UNEXPECTED_MESSAGE:
    case SSL_AD_BAD_RECORD_MAC:
    case SSL_AD_RECORD_OVERFLOW:
    case SSL_AD_ILLEGAL_PARAMETER:
    case SSL_AD_DECODE_ERROR:
    case SSL_AD_DECRYPT_ERROR:
    case 109: /* missing_extension */
    case SSL_AD_UNSUPPORTED_EXTENSION: return true;
    default: return false;
    }
}

enum cs_break cs_tls_break(const struct cs_tls *tls, uint32_t code)
{
    const struct cs_handshake *facts = &tls->facts;
    enum cs_break broken = lookup(code);

    if (facts->alert_received.fatal)
        return CS_BREAK_ALERT;
    if (tls->rejected)
        return tls->misnamed ? CS_BREAK_NAME_MALFORMED : CS_BREAK_NAME;
    if (tls->refused)
        return CS_BREAK_VERDICT;
    if (tls->overlong)
        return CS_BREAK_TOO_LARGE;
    if (broken == CS_BREAK_NOT_TLS && facts->received.seen)
        return CS_BREAK_MALFORMED;
    if (broken == CS_BREAK_OTHER && is_about_form(facts->alert_sent.number))
        return CS_BREAK_MALFORMED;
    return broken;
}
