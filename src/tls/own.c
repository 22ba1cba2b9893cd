/* What a context presents, kept where it can be looked at: neither library gives its
 * certificates back in the same way, and one of them forgets them after the handshake. */
#include "tls/own.h"

#include "base/mem.h"
#include "x509/cert.h"

static struct cs_str copy(struct cs_str s)
{
    char *text = cs_alloc(s.len + 1);

    if (s.len)
        memcpy(text, s.ptr, s.len);
    return cs_str_make(text, s.len);
}

static struct cs_str key_name(struct cs_str der)
{
    struct cs_str name = {NULL, 0};
    struct cs_findings ignored;
    struct cs_arena arena;
    struct cs_cert cert;

    cs_arena_init(&arena);
    cs_findings_init(&ignored, &arena);
    if (cs_cert_parse(der, &arena, &ignored, &cert) == 0)
        name = copy(cert.key_name);
    cs_arena_deinit(&arena);
    return name;
}

void cs_own_add(struct cs_own *own, const struct cs_pair *pair, struct cs_str staple)
{
    struct cs_own_pair *grown = cs_alloc((own->n + 1) * sizeof(*grown));
    struct cs_own_pair *added = &grown[own->n];

    if (own->n)
        memcpy(grown, own->pairs, own->n * sizeof(*grown));
    free(own->pairs);
    own->pairs = grown;
    own->n++;
    *added = (struct cs_own_pair){.ders = cs_alloc(pair->n_certs * sizeof(*added->ders))};
    for (size_t i = 0; i < pair->n_certs; i++) {
        unsigned char *der = NULL;
        int len = i2d_X509(pair->certs[i], &der);
        if (len > 0)
            added->ders[added->n++] = copy(cs_str_make(der, (size_t)len));
        OPENSSL_free(der);
    }
    if (added->n)
        added->key = key_name(added->ders[0]);
    if (staple.len)
        added->staple = copy(staple);
}

void cs_own_deinit(struct cs_own *own)
{
    for (size_t i = 0; i < own->n; i++) {
        for (size_t k = 0; k < own->pairs[i].n; k++)
            free((char *)own->pairs[i].ders[k].ptr);
        free(own->pairs[i].ders);
        free((char *)own->pairs[i].key.ptr);
        free((char *)own->pairs[i].staple.ptr);
    }
    free(own->pairs);
    *own = (struct cs_own){.n = 0};
}

/* The kind of key that makes this signature. */
static bool fits(const struct cs_own_pair *pair, struct cs_str sigalg)
{
    if (cs_str_starts(sigalg, CS_STR("rsa")))
        return cs_str_starts(pair->key, CS_STR("RSA"));
    if (cs_str_starts(sigalg, CS_STR("ed")))
        return cs_str_eq_nocase(pair->key, sigalg);
    return cs_str_starts(pair->key, CS_STR("P-"));
}

const struct cs_own_pair *cs_own_used(const struct cs_own *own, struct cs_str sigalg)
{
    for (size_t i = 0; sigalg.len && i < own->n; i++) {
        if (fits(&own->pairs[i], sigalg))
            return &own->pairs[i];
    }
    return own->n ? &own->pairs[0] : NULL;
}
