/* Distinguished names (RFC 5280 section 4.1.2.4) as text, compared, and host names.
 *
 * A name is passed as the DER of its Name. Functions that make text take only names that
 * cs_cert_parse() accepted; on other bytes they give what could be read up to the fault.
 */
#ifndef CS_X509_NAME_H
#define CS_X509_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/str.h"
#include "x509/cert.h"

/** cs_name_text() - "CN=client,O=Example\, Inc", most specific part first (RFC 2253), as
 *  OpenSSL's XN_FLAG_RFC2253 and nginx's $ssl_client_s_dn write it: bytes beyond ASCII as \XX.
 *  In @arena. */
struct cs_str cs_name_text(struct cs_str name, struct cs_arena *arena);
/** cs_name_shown() - the same for a sentence about a peer's certificate, which may be told many
 *  times over: "a name of 28012 bytes" in place of one of more than 1024. */
struct cs_str cs_name_shown(struct cs_str name, struct cs_arena *arena);
/** cs_name_display() - "CN=Zoë, O=Example\, Inc", most specific part first, for people: characters
 *  beyond ASCII as they are (UTF-8), ", " between the parts. In @arena. */
struct cs_str cs_name_display(struct cs_str name, struct cs_arena *arena);
/** cs_name_legacy_text() - "/O=Example/CN=client" with \xHH for what is not printable ASCII,
 *  as X509_NAME_oneline() of OpenSSL 3 and $ssl_client_s_dn_legacy write it. In @arena. */
struct cs_str cs_name_legacy_text(struct cs_str name, struct cs_arena *arena);
/** cs_name_common_name() - the last (most specific) commonName as UTF-8 in @arena; empty when
 *  there is none. */
struct cs_str cs_name_common_name(struct cs_str name, struct cs_arena *arena);
/** cs_name_values() - the values of all attributes of @type ("CN", "emailAddress") as UTF-8, in the
 *  name's order, in @arena. */
struct cs_names cs_name_values(struct cs_str name, const char *type, struct cs_arena *arena);
/** cs_name_is_empty() - whether a name has no attributes. */
bool cs_name_is_empty(struct cs_str name);

/* An attribute of a name. */
struct cs_name_attribute {
    struct cs_str type;  /* "CN"; the dotted identifier when unknown */
    uint8_t tag;         /* enum cs_der_tag of its value */
    struct cs_str value; /* content, as encoded */
};

/** cs_name_attributes() - the attributes of @name, in its order, in @arena. Return: how many. */
size_t cs_name_attributes(struct cs_str name, struct cs_arena *arena,
                          const struct cs_name_attribute **ret_attributes);

/* What cs_name_check() may say. */
enum cs_name_fault {
    CS_NAME_FINE,
    CS_NAME_MALFORMED, /* not a Name, or a string that is not of its type */
    CS_NAME_CONTROL,   /* a NUL or control character in a string */
};

/** cs_name_check() - whether @name is a well-formed Name without control characters. */
enum cs_name_fault cs_name_check(struct cs_str name);

/** cs_name_is_clean() - whether @text, meant for a name, is UTF-8 without control characters;
 *  *@ret_n_chars is how many characters it has then. */
bool cs_name_is_clean(struct cs_str text, size_t *ret_n_chars);

/** cs_name_digest() - SHA-256 of the name in a form that is the same for names that RFC 5280
 *  section 7.1 calls equal: string types, ASCII case and white space do not count. */
void cs_name_digest(struct cs_str name, uint8_t ret_digest[32]);
/** cs_name_eq() - whether two names are equal in that sense. */
bool cs_name_eq(struct cs_str a, struct cs_str b);

enum cs_host_match {
    CS_HOST_NO,
    CS_HOST_YES,
    CS_HOST_BY_COMMON_NAME, /* yes, but only by the common name */
};

/** cs_name_match_host() - whether @cert is for @host (RFC 9525, RFC 6125).
 *  @host is a DNS name (a trailing dot is ignored) or a literal IP address (brackets allowed).
 *  An address has to equal an iPAddress subjectAltName byte for byte. A DNS name has to equal
 *  a dNSName without regard to case; "*" stands only for one whole left-most label and needs
 *  two labels behind it. Without any dNSName in the certificate the commonNames are compared
 *  likewise, as OpenSSL does. */
enum cs_host_match cs_name_match_host(const struct cs_cert *cert, struct cs_str host);

#endif
