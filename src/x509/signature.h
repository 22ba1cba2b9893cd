/* Signatures over certificates, requests and revocation lists, which all have the same frame. */
#ifndef CS_X509_SIGNATURE_H
#define CS_X509_SIGNATURE_H

#include <stdbool.h>

#include "base/str.h"

/* SIGNED { … }, RFC 5280 section 4.1: the parts borrow from the whole. */
struct cs_signed {
    struct cs_str tbs;       /* the signed part, header included */
    struct cs_str algorithm; /* AlgorithmIdentifier, header included */
    struct cs_str signature; /* the bytes of the BIT STRING */
};

/** cs_signed_split() - take the frame apart. Return: false: @der is not one, or something follows
 *  it. */
bool cs_signed_split(struct cs_str der, struct cs_signed *ret_signed);
/** cs_signed_parts_by() - whether the key in @spki (DER of a SubjectPublicKeyInfo) made the
 * signature of the signed part. The library decides; what it does not know was not signed. */
bool cs_signed_parts_by(const struct cs_signed *parts, struct cs_str spki);
/** cs_signed_by() - the same for the frame @der, whole. */
bool cs_signed_by(struct cs_str der, struct cs_str spki);

#endif
