/* IANA's numbers of TLS as words. */
#ifndef CS_TLS_NAMES_H
#define CS_TLS_NAMES_H

#include <stdint.h>

#include "base/str.h"

/** cs_tls_alert_name() - "bad_certificate" (RFC 8446 section 6); empty when unknown. */
struct cs_str cs_tls_alert_name(unsigned number);
/** cs_tls_group_name() - a named group as OpenSSL and nginx write it: "prime256v1",
 *  "X25519MLKEM768"; empty when unknown. */
struct cs_str cs_tls_group_name(uint16_t code);
/** cs_tls_group_canonical() - the name cs_tls_group_name() has for any spelling that a
 *  configuration or library may use ("P-256", "secp256r1", "x25519"); empty when no such
 *  group exists. Says nothing about whether the TLS library offers it. */
struct cs_str cs_tls_group_canonical(struct cs_str name);
/** cs_tls_sigalg_name() - "ecdsa_secp256r1_sha256" (RFC 8446 section 4.2.3); empty when
 *  unknown. */
struct cs_str cs_tls_sigalg_name(uint16_t code);
/** cs_tls_version_name() - 0x0304 as "TLSv1.3"; empty when unknown. */
struct cs_str cs_tls_version_name(uint16_t code);
/** cs_tls_cipher_name() - a cipher suite by OpenSSL's name as far as the linked library knows
 *  it; empty otherwise (nginx then writes "0x1302"). */
struct cs_str cs_tls_cipher_name(uint16_t code);
/** cs_tls_library_version() - the linked library's own words: "OpenSSL 3.0.17 1 Jul 2025". */
struct cs_str cs_tls_library_version(void);

#endif
