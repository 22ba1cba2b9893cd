/* What a client would check before it chooses a certificate, each by itself, so that it can be
 * said which of them fails. */
#include "doctor/fit.h"

#include "telemetry/handshake.h"
#include "x509/lint.h"
#include "x509/name.h"

static struct cs_str issuer_among(const struct cs_cert *chain, size_t n, const struct cs_str *names,
                                  size_t n_names)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n_names; j++) {
            if (cs_name_eq(chain[i].issuer, names[j]))
                return names[j];
        }
    }
    return (struct cs_str){0};
}

struct cs_fit cs_fit_look(const struct cs_cert *chain, size_t n, const struct cs_str *names,
                          size_t n_names, struct cs_str sigalgs, int64_t now_sec)
{
    const struct cs_cert *leaf = &chain[0];
    struct cs_fit fit = {
        .by = issuer_among(chain, n, names, n_names),
        .key = !sigalgs.len || cs_key_can_sign(leaf->key_name, sigalgs),
        .usage =
            cs_lint_may_sign(leaf) && (!leaf->has_eku || leaf->eku & (CS_EKU_CLIENT | CS_EKU_ANY)),
        .current = now_sec >= leaf->not_before && now_sec <= leaf->not_after,
    };

    fit.issuer = n_names == 0 || fit.by.len;
    return fit;
}

bool cs_fit_all(const struct cs_fit *fit)
{
    return fit->issuer && fit->key && fit->usage && fit->current;
}
