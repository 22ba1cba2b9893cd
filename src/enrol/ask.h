/* What a client asks an authority for, as the body of its request (docs/api/openapi.yaml). Pure but
 * for the signature under the request.
 */
#ifndef CS_ENROL_ASK_H
#define CS_ENROL_ASK_H

#include "x509/claim.h"
#include "base/buf.h"
#include "base/str.h"

struct evp_pkey_st;

/* The most bytes of a body that an authority takes. */
#define CS_ASK_MAX 65536

struct cs_ask {
    const struct evp_pkey_st *key; /* the certificate is for this one */
    struct cs_claims names;
    struct cs_str token; /* of a first certificate; empty: a renewal, which has no profile either */
    struct cs_str profile; /* empty: not said */
    int64_t ttl_sec;       /* 0: not said */
};

/** cs_ask_write() - append the body. It may hold the token: wipe @body after use.
 *  Return: 0; -EIO (the library), -EINVAL (names that cannot be encoded), -ENOBUFS (too many). */
int cs_ask_write(const struct cs_ask *ask, struct cs_buf *body);

#endif
