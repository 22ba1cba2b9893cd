/* The words for breaks and messages, and which key makes which signature. */
#include "telemetry/handshake.h"

const char *cs_break_name(enum cs_break reason)
{
    static const char *const names[] = {
        [CS_BREAK_NONE] = "none",
        [CS_BREAK_TRANSPORT] = "transport",
        [CS_BREAK_ALERT] = "alert",
        [CS_BREAK_ALERT_SEALED] = "alert-encrypted",
        [CS_BREAK_VERDICT] = "verdict",
        [CS_BREAK_NAME] = "name",
        [CS_BREAK_NAME_MALFORMED] = "name-malformed",
        [CS_BREAK_VERSION] = "version",
        [CS_BREAK_CIPHER] = "cipher",
        [CS_BREAK_GROUP] = "group",
        [CS_BREAK_SIGNATURE] = "signature",
        [CS_BREAK_ALPN] = "alpn",
        [CS_BREAK_PROOF] = "proof",
        [CS_BREAK_NO_CERTIFICATE] = "no-certificate",
        [CS_BREAK_TOO_LARGE] = "too-large",
        [CS_BREAK_RENEGOTIATION] = "renegotiation",
        [CS_BREAK_PLAIN_HTTP] = "plain-http",
        [CS_BREAK_NOT_TLS] = "not-tls",
        [CS_BREAK_MALFORMED] = "malformed",
        [CS_BREAK_RESUMPTION] = "resumption",
        [CS_BREAK_OTHER] = "other",
    };

    return names[reason];
}

struct cs_str cs_message_name(unsigned number)
{
    switch (number) {
    case CS_MESSAGE_CLIENT_HELLO: return CS_STR("ClientHello");
    case CS_MESSAGE_SERVER_HELLO: return CS_STR("ServerHello");
    case CS_MESSAGE_TICKET: return CS_STR("NewSessionTicket");
    case CS_MESSAGE_ENCRYPTED_EXTENSIONS: return CS_STR("EncryptedExtensions");
    case CS_MESSAGE_CERTIFICATE: return CS_STR("Certificate");
    case CS_MESSAGE_SERVER_KEY_EXCHANGE: return CS_STR("ServerKeyExchange");
    case CS_MESSAGE_CERTIFICATE_REQUEST: return CS_STR("CertificateRequest");
    case CS_MESSAGE_SERVER_HELLO_DONE: return CS_STR("ServerHelloDone");
    case CS_MESSAGE_CERTIFICATE_VERIFY: return CS_STR("CertificateVerify");
    case CS_MESSAGE_CLIENT_KEY_EXCHANGE: return CS_STR("ClientKeyExchange");
    case CS_MESSAGE_FINISHED: return CS_STR("Finished");
    default: return (struct cs_str){NULL, 0};
    }
}

bool cs_key_can_sign(struct cs_str key, struct cs_str sigalgs)
{
    static const struct {
        struct cs_str key, algorithm;
    } rows[] = {
        {CS_STR_INIT("RSA"), CS_STR_INIT("rsa_")},
        {CS_STR_INIT("P-256"), CS_STR_INIT("ecdsa_secp256r1")},
        {CS_STR_INIT("P-384"), CS_STR_INIT("ecdsa_secp384r1")},
        {CS_STR_INIT("P-521"), CS_STR_INIT("ecdsa_secp521r1")},
        {CS_STR_INIT("Ed25519"), CS_STR_INIT("ed25519")},
        {CS_STR_INIT("Ed448"), CS_STR_INIT("ed448")},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (cs_str_starts(key, rows[i].key))
            return cs_str_search(sigalgs, rows[i].algorithm) >= 0;
    }
    return false;
}
