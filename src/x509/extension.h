/* Extensions (RFC 5280 section 4.2) one after the other, and those of them as text that nobody
 * decides by: certificates, requests and revocation lists share the same frame.
 *
 * A list is passed as the content of its SEQUENCE OF Extension.
 */
#ifndef CS_X509_EXTENSION_H
#define CS_X509_EXTENSION_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"
#include "x509/cert.h"
#include "x509/der.h"

struct cs_extension {
    struct cs_str oid;   /* content octets */
    struct cs_str value; /* content of extnValue */
    bool critical;
};

/** cs_extension_next() - the next one of *@list, which moves behind it. Return: false: there is
 *  none, or it is malformed. */
bool cs_extension_next(struct cs_str *list, struct cs_extension *ret_extension);
/** cs_extension_find() - the one with this identifier; false: not there. */
bool cs_extension_find(struct cs_str list, struct cs_str oid, struct cs_extension *ret_extension);
/** cs_extension_name() - "basicConstraints"; the dotted identifier when unknown. In @arena. */
struct cs_str cs_extension_name(struct cs_str oid, struct cs_arena *arena);

/* Identifiers as content octets. */
#define CS_OID_SUBJECT_KEY_ID CS_STR("\x55\x1d\x0e")
#define CS_OID_KEY_USAGE CS_STR("\x55\x1d\x0f")
#define CS_OID_SUBJECT_ALT_NAME CS_STR("\x55\x1d\x11")
#define CS_OID_BASIC_CONSTRAINTS CS_STR("\x55\x1d\x13")
#define CS_OID_ISSUING_POINT CS_STR("\x55\x1d\x1c")
#define CS_OID_NAME_CONSTRAINTS CS_STR("\x55\x1d\x1e")
#define CS_OID_POLICIES CS_STR("\x55\x1d\x20")
#define CS_OID_TLS_FEATURE CS_STR("\x2b\x06\x01\x05\x05\x07\x01\x18")

/** cs_extensions_demand_staple() - whether a certificate with the extensions @list may only be
 * shown together with an OCSP response (RFC 7633: status_request; "must-staple"). */
bool cs_extensions_demand_staple(struct cs_str list);

/** cs_general_name_text() - a GeneralName (section 4.2.1.6) as text in @arena: "DNS:a.test",
 *  "URI:…", "email:…", "IP:192.0.2.1", "directory:CN=…", "OID:1.2.3", "other:1.2.3" (with its type
 *  only). A subtree's address with its mask: "IP:10.0.0.0/8". */
struct cs_str cs_general_name_text(const struct cs_der_element *name, struct cs_arena *arena);
/** cs_general_names_text() - several of them, at most CS_CERT_NAMES_MAX: what can be read of
 *  @names, the content of a SEQUENCE OF GeneralName. In @arena. */
struct cs_names cs_general_names_text(struct cs_str names, struct cs_arena *arena);
/** cs_name_constraints_text() - the permitted and the excluded subtrees (section 4.2.1.10) of the
 *  value of a nameConstraints extension, as far as they can be read. In @arena. */
void cs_name_constraints_text(struct cs_str value, struct cs_arena *arena,
                              struct cs_names *ret_permitted, struct cs_names *ret_excluded);
/** cs_policies_text() - the identifiers of certificatePolicies (section 4.2.1.4), with the names of
 *  those that everybody knows: "2.23.140.1.2.1 (domain validated)". In @arena. */
struct cs_names cs_policies_text(struct cs_str value, struct cs_arena *arena);
/** cs_issuing_point_text() - what an issuingDistributionPoint (section 5.2.5) narrows a list to:
 *  "only CA certificates", "URI:…", "indirect". In @arena. */
struct cs_names cs_issuing_point_text(struct cs_str value, struct cs_arena *arena);

#endif
