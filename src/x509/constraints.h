/* Name constraints (RFC 5280 section 4.2.1.10) of one CA, before anything is signed.
 *
 * The verdict about a chain is libcrypto's (x509/chain.h); this answers whoever is about to issue
 * a certificate, name by name and with the subtree that decided. It is at least as strict: what it
 * lets pass no verifier refuses for its names. Pure.
 */
#ifndef CS_X509_CONSTRAINTS_H
#define CS_X509_CONSTRAINTS_H

#include "base/arena.h"
#include "base/str.h"
#include "x509/cert.h"

/* A name that may not be. */
struct cs_constraint_fault {
    struct cs_str name; /* "DNS:a.test"; in the arena */
    struct cs_str why;  /* "it is outside of the permitted DNS:b.test"; in the arena */
};

/** cs_constraints_check() - whether every name of @leaf, a certificate to be issued, is one that
 *  @ca may issue. @ca without name constraints may issue all. A common name that reads like a
 *  host name counts as one when there is no dNSName, as verifiers have it. Constraints on the
 *  subject as a whole, and such as cannot be read, permit nothing.
 *  Return: true; false: *@ret_fault. */
bool cs_constraints_check(const struct cs_cert *ca, const struct cs_cert *leaf,
                          struct cs_arena *arena, struct cs_constraint_fault *ret_fault);

#endif
