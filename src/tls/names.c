/* Small tables of IANA's TLS registries; what they lack has no name here. */
#include "tls/names.h"

#include "tls/library.h"

#include <openssl/crypto.h>

struct name_row {
    uint16_t code;
    struct cs_str name;
};

static const struct name_row alerts[] = {
    {0, CS_STR_INIT("close_notify")},
    {10, CS_STR_INIT("unexpected_message")},
    {20, CS_STR_INIT("bad_record_mac")},
    {21, CS_STR_INIT("decryption_failed")},
    {22, CS_STR_INIT("record_overflow")},
    {30, CS_STR_INIT("decompression_failure")},
    {40, CS_STR_INIT("handshake_failure")},
    {41, CS_STR_INIT("no_certificate")},
    {42, CS_STR_INIT("bad_certificate")},
    {43, CS_STR_INIT("unsupported_certificate")},
    {44, CS_STR_INIT("certificate_revoked")},
    {45, CS_STR_INIT("certificate_expired")},
    {46, CS_STR_INIT("certificate_unknown")},
    {47, CS_STR_INIT("illegal_parameter")},
    {48, CS_STR_INIT("unknown_ca")},
    {49, CS_STR_INIT("access_denied")},
    {50, CS_STR_INIT("decode_error")},
    {51, CS_STR_INIT("decrypt_error")},
    {60, CS_STR_INIT("export_restriction")},
    {70, CS_STR_INIT("protocol_version")},
    {71, CS_STR_INIT("insufficient_security")},
    {80, CS_STR_INIT("internal_error")},
    {86, CS_STR_INIT("inappropriate_fallback")},
    {90, CS_STR_INIT("user_canceled")},
    {100, CS_STR_INIT("no_renegotiation")},
    {109, CS_STR_INIT("missing_extension")},
    {110, CS_STR_INIT("unsupported_extension")},
    {111, CS_STR_INIT("certificate_unobtainable")},
    {112, CS_STR_INIT("unrecognized_name")},
    {113, CS_STR_INIT("bad_certificate_status_response")},
    {114, CS_STR_INIT("bad_certificate_hash_value")},
    {115, CS_STR_INIT("unknown_psk_identity")},
    {116, CS_STR_INIT("certificate_required")},
    {117, CS_STR_INIT("general_error")},
    {120, CS_STR_INIT("no_application_protocol")},
    {121, CS_STR_INIT("ech_required")},
};

static const struct name_row sigalgs[] = {
    {0x0201, CS_STR_INIT("rsa_pkcs1_sha1")},
    {0x0203, CS_STR_INIT("ecdsa_sha1")},
    {0x0401, CS_STR_INIT("rsa_pkcs1_sha256")},
    {0x0403, CS_STR_INIT("ecdsa_secp256r1_sha256")},
    {0x0501, CS_STR_INIT("rsa_pkcs1_sha384")},
    {0x0503, CS_STR_INIT("ecdsa_secp384r1_sha384")},
    {0x0601, CS_STR_INIT("rsa_pkcs1_sha512")},
    {0x0603, CS_STR_INIT("ecdsa_secp521r1_sha512")},
    {0x0804, CS_STR_INIT("rsa_pss_rsae_sha256")},
    {0x0805, CS_STR_INIT("rsa_pss_rsae_sha384")},
    {0x0806, CS_STR_INIT("rsa_pss_rsae_sha512")},
    {0x0807, CS_STR_INIT("ed25519")},
    {0x0808, CS_STR_INIT("ed448")},
    {0x0809, CS_STR_INIT("rsa_pss_pss_sha256")},
    {0x080a, CS_STR_INIT("rsa_pss_pss_sha384")},
    {0x080b, CS_STR_INIT("rsa_pss_pss_sha512")},
    {0x0904, CS_STR_INIT("mldsa44")},
    {0x0905, CS_STR_INIT("mldsa65")},
    {0x0906, CS_STR_INIT("mldsa87")},
};

/* The first row of a code is the one shown; further rows are other spellings. */
static const struct name_row groups[] = {
    {0x0015, CS_STR_INIT("secp224r1")},
    {0x0015, CS_STR_INIT("P-224")},
    {0x0017, CS_STR_INIT("prime256v1")},
    {0x0017, CS_STR_INIT("secp256r1")},
    {0x0017, CS_STR_INIT("P-256")},
    {0x0018, CS_STR_INIT("secp384r1")},
    {0x0018, CS_STR_INIT("P-384")},
    {0x0019, CS_STR_INIT("secp521r1")},
    {0x0019, CS_STR_INIT("P-521")},
    {0x001a, CS_STR_INIT("brainpoolP256r1")},
    {0x001b, CS_STR_INIT("brainpoolP384r1")},
    {0x001c, CS_STR_INIT("brainpoolP512r1")},
    {0x001d, CS_STR_INIT("X25519")},
    {0x001e, CS_STR_INIT("X448")},
    {0x0100, CS_STR_INIT("ffdhe2048")},
    {0x0101, CS_STR_INIT("ffdhe3072")},
    {0x0102, CS_STR_INIT("ffdhe4096")},
    {0x0103, CS_STR_INIT("ffdhe6144")},
    {0x0104, CS_STR_INIT("ffdhe8192")},
    {0x0200, CS_STR_INIT("MLKEM512")},
    {0x0201, CS_STR_INIT("MLKEM768")},
    {0x0202, CS_STR_INIT("MLKEM1024")},
    {0x11eb, CS_STR_INIT("SecP256r1MLKEM768")},
    {0x11ec, CS_STR_INIT("X25519MLKEM768")},
    {0x11ed, CS_STR_INIT("SecP384r1MLKEM1024")},
    {0x6399, CS_STR_INIT("X25519Kyber768Draft00")},
};

static const struct name_row versions[] = {
    {0x0300, CS_STR_INIT("SSLv3")},   {0x0301, CS_STR_INIT("TLSv1")},
    {0x0302, CS_STR_INIT("TLSv1.1")}, {0x0303, CS_STR_INIT("TLSv1.2")},
    {0x0304, CS_STR_INIT("TLSv1.3")},
};

static struct cs_str lookup(const struct name_row *rows, size_t n, unsigned code)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].code == code)
            return rows[i].name;
    return (struct cs_str){NULL, 0};
}

#define LOOKUP(rows, code) lookup((rows), sizeof(rows) / sizeof((rows)[0]), (code))

struct cs_str cs_tls_alert_name(unsigned number)
{
    return LOOKUP(alerts, number);
}

struct cs_str cs_tls_group_name(uint16_t code)
{
    return LOOKUP(groups, code);
}

struct cs_str cs_tls_sigalg_name(uint16_t code)
{
    return LOOKUP(sigalgs, code);
}

struct cs_str cs_tls_version_name(uint16_t code)
{
    return LOOKUP(versions, code);
}

struct cs_str cs_tls_group_canonical(struct cs_str name)
{
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        if (cs_str_eq_nocase(groups[i].name, name))
            return LOOKUP(groups, groups[i].code);
    return (struct cs_str){NULL, 0};
}

struct cs_str cs_tls_cipher_name(uint16_t code)
{
    return cs_str_from(cs_lib_cipher_name(code));
}

struct cs_str cs_tls_library_version(void)
{
    return cs_str_from(OpenSSL_version(OPENSSL_VERSION));
}
