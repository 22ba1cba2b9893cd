/* What a context presents, kept where it can be looked at: neither library gives its
 * certificates back in the same way, and one of them forgets them after the handshake. */
#include "tls/own.h"

#include "base/mem.h"

static struct cs_str copy(struct cs_str s)
{
    char *text = cs_alloc(s.len + 1);

    memcpy(text, s.ptr, s.len);
    return cs_str_make(text, s.len);
}

void cs_own_add(struct cs_own *own, struct cs_pair *pair, struct cs_str staple,
                int64_t staple_until)
{
    struct cs_own_pair *grown = cs_alloc((own->n + 1) * sizeof(*grown));

    if (own->n)
        memcpy(grown, own->pairs, own->n * sizeof(*grown));
    free(own->pairs);
    own->pairs = grown;
    grown[own->n].pair = cs_pair_ref(pair);
    if (staple.len)
        grown[own->n].staple = copy(staple);
    grown[own->n].staple_until = staple_until;
    own->n++;
}

void cs_own_deinit(struct cs_own *own)
{
    for (size_t i = 0; i < own->n; i++) {
        cs_pair_unref(own->pairs[i].pair);
        free((char *)own->pairs[i].staple.ptr);
    }
    free(own->pairs);
    *own = (struct cs_own){.n = 0};
}

/* The kind of key that makes this signature. */
static bool fits(const struct cs_pair *pair, struct cs_str sigalg)
{
    if (cs_str_starts(sigalg, CS_STR("rsa")))
        return cs_str_starts(pair->key_name, CS_STR("RSA"));
    if (cs_str_starts(sigalg, CS_STR("ed")))
        return cs_str_eq_nocase(pair->key_name, sigalg);
    return cs_str_starts(pair->key_name, CS_STR("P-"));
}

const struct cs_pair *cs_own_used(const struct cs_own *own, struct cs_str sigalg)
{
    for (size_t i = 0; sigalg.len && i < own->n; i++) {
        if (fits(own->pairs[i].pair, sigalg))
            return own->pairs[i].pair;
    }
    return own->n ? own->pairs[0].pair : NULL;
}
