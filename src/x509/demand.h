/* What is asked of a peer beside a good chain: a pinned key, a trust domain. */
#ifndef CS_X509_DEMAND_H
#define CS_X509_DEMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "x509/cert.h"
#include "x509/digest.h"

/* The SHA-256 of a SubjectPublicKeyInfo (RFC 7469 section 2.4). */
struct cs_pin {
    uint8_t sha256[32];
};

/* Zeroed, it asks nothing. Borrows all it points to. */
struct cs_demand {
    const struct cs_pin *pins; /* one of them is the key of a certificate on the path */
    size_t n_pins;
    const struct cs_str *domains; /* one of them is the trust domain of the leaf's SPIFFE ID */
    size_t n_domains;
};

/** cs_pin_read() - a pin as `countersign inspect` and curl write it, "sha256//BASE64", the same
 *  with one slash, or 64 hexadecimal digits. Return: 0, or -EINVAL. */
int cs_pin_read(struct cs_str text, struct cs_pin *ret_pin);
/** cs_pin_text() - "sha256//BASE64", in @arena. */
struct cs_str cs_pin_text(const uint8_t sha256[32], struct cs_arena *arena);

/** cs_demand_is_pinned() - whether @cert has a pinned key, or nothing is pinned. */
bool cs_demand_is_pinned(const struct cs_demand *demand, const struct cs_cert *cert);
/** cs_demand_has_domain() - whether the SPIFFE ID of @leaf lies in a trust domain that is asked
 *  for, or none is. A leaf without a valid SPIFFE ID lies in none. *@ret_id is its ID, or empty. */
bool cs_demand_has_domain(const struct cs_demand *demand, const struct cs_cert *leaf,
                          struct cs_str *ret_id);
/** cs_demand_digest() - add all of it to @digest. @demand: NULL is as one that asks nothing. */
void cs_demand_digest(const struct cs_demand *demand, struct cs_digest *digest);

#endif
