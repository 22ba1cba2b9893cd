/* Whether a certificate fits what a server asks for. Pure. */
#ifndef CS_DOCTOR_FIT_H
#define CS_DOCTOR_FIT_H

#include <stdbool.h>

#include "base/str.h"
#include "x509/cert.h"

struct cs_fit {
    bool issuer;      /* it, or what is sent with it, was issued by a CA that was asked for;
                         true too when no CA was named: then any will do */
    struct cs_str by; /* DER of the name that matched, one of those asked for; or empty */
    bool key;         /* its key can make one of the signatures that were asked for */
    bool usage;       /* it may be used by a client */
    bool current;     /* it is within its time */
};

/** cs_fit_look() - how the certificate @chain[0], sent with the @n - 1 that follow, fits a request
 *  for issuers among @names (DER, none: any) and signatures among @sigalgs, as cs_terms has them
 *  (empty: any), RFC 8446 section 4.4.2.3. @now_sec is when. @n is at least 1. */
struct cs_fit cs_fit_look(const struct cs_cert *chain, size_t n, const struct cs_str *names,
                          size_t n_names, struct cs_str sigalgs, int64_t now_sec);
/** cs_fit_all() - whether nothing speaks against it. */
bool cs_fit_all(const struct cs_fit *fit);

#endif
