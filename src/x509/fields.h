/* Inside x509/: the fields that certificates, requests and keys have in common, read by the same
 * functions. The parser of certificates is x509/cert.h, that of requests x509/request.h. */
#ifndef CS_X509_FIELDS_H
#define CS_X509_FIELDS_H

#include "base/arena.h"
#include "base/findings.h"
#include "x509/cert.h"

/* A parser at work. Each function that refuses says so in one finding. */
struct cs_fields {
    struct cs_arena *arena;
    struct cs_findings *findings;
    struct cs_cert *cert; /* where the values go */
    struct cs_str what;   /* operand {0}: "certificate" */
    const struct cs_finding_kind *malformed;
};

/** cs_fields_name() - the next Name of *@in, called @part. Return: false: refused. */
bool cs_fields_name(struct cs_fields *fields, struct cs_str *in, const char *part,
                    struct cs_str *ret_name);
/** cs_fields_spki() - the next SubjectPublicKeyInfo: spki, spki_sha256 and key_…. */
bool cs_fields_spki(struct cs_fields *fields, struct cs_str *in);
/** cs_fields_key_kind() - key_… from an algorithm's identifier, its parameters and the bits of
 *  the public key (of RSA keys: RSAPublicKey). */
bool cs_fields_key_kind(struct cs_fields *fields, struct cs_str oid, struct cs_str parameters,
                        struct cs_str key);
/** cs_fields_extensions() - the content of a list of extensions, none of them twice. */
bool cs_fields_extensions(struct cs_fields *fields, struct cs_str list);
/** cs_signature_algorithm() - the name of an AlgorithmIdentifier of a signature (in @arena, if it
 *  is not static), and whether its digest is weak. Return: false: it is none. */
bool cs_signature_algorithm(struct cs_str algorithm, struct cs_arena *arena,
                            struct cs_str *ret_name, bool *ret_weak);

#endif
