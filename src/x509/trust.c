/* A trust set: the anchors, which are the parsed certificates and the library's store of the same,
 * and the lists. Lists change often and anchors seldom, so sets may share those. Anything that
 * cannot be read refuses the whole: a set that silently lacks a part would either widen or narrow
 * what is trusted. */
#include "x509/trust.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "base/mem.h"
#include "x509/digest.h"
#include "x509/findings.h"
#include "x509/name.h"
#include "x509/pem.h"

enum { CAS_MAX = 10000 };

struct cs_anchors {
    unsigned n_refs;
    struct cs_arena arena;
    struct cs_cert *certs;
    X509 **objects; /* of the same order */
    size_t n, room;
    struct cs_str *names;
    size_t n_names;
    X509_STORE *store;
    struct cs_str options;
    uint8_t digest[32];
};

struct cs_trust {
    unsigned n_refs;
    struct cs_anchors *anchors;
    struct cs_crl_set *crls;
    uint8_t digest[32];
};

static int unreadable(struct cs_findings *findings, const struct cs_source *source, const char *why)
{
    CS_FIND(findings, CS_X509_KIND(CERTIFICATE_UNREADABLE), &source->place, CS_STR("certificate"),
            (struct cs_str){0}, (struct cs_str){0}, (struct cs_str){0}, cs_str_from(why));
    return CS_TRUST_REFUSED;
}

static void grow(struct cs_anchors *t)
{
    size_t room = t->room ? t->room * 2 : 8;
    struct cs_cert *certs = cs_arena_array(&t->arena, room, sizeof(*certs));
    X509 **objects = cs_arena_array(&t->arena, room, sizeof(*objects));
    struct cs_str *names = cs_arena_array(&t->arena, room, sizeof(*names));

    if (t->n) {
        memcpy(certs, t->certs, t->n * sizeof(*certs));
        memcpy(objects, t->objects, t->n * sizeof(*objects));
        memcpy(names, t->names, t->n_names * sizeof(*names));
    }
    t->certs = certs;
    t->objects = objects;
    t->names = names;
    t->room = room;
}

static bool is_known(const struct cs_anchors *t, const struct cs_cert *cert)
{
    for (size_t i = 0; i < t->n; i++) {
        if (memcmp(t->certs[i].sha256, cert->sha256, sizeof(cert->sha256)) == 0)
            return true;
    }
    return false;
}

static void add_name(struct cs_anchors *t, struct cs_str subject)
{
    for (size_t i = 0; i < t->n_names; i++) {
        if (cs_str_eq(t->names[i], subject))
            return;
    }
    t->names[t->n_names++] = subject;
}

static int add_object(struct cs_anchors *t, struct cs_findings *findings,
                      const struct cs_source *source, const struct cs_cert *cert, bool named)
{
    const uint8_t *p = (const uint8_t *)cert->der.ptr;
    X509 *x509 = d2i_X509(NULL, &p, (long)cert->der.len);

    if (!x509 || X509_STORE_add_cert(t->store, x509) != 1) {
        X509_free(x509);
        ERR_clear_error();
        return unreadable(findings, source, "the TLS library does not accept a certificate");
    }
    t->objects[t->n] = x509;
    t->certs[t->n++] = *cert;
    if (named)
        add_name(t, cert->subject);
    return 0;
}

static void warn_not_ca(struct cs_anchors *t, struct cs_findings *findings,
                        const struct cs_source *source, const struct cs_cert *cert)
{
    if (cert->ca || cert->version < 3)
        return;
    CS_FIND(findings, CS_X509_KIND(TRUST_NOT_CA), &source->place, CS_STR("certificate"),
            cs_name_text(cert->subject, &t->arena), cs_name_text(cert->issuer, &t->arena),
            cs_serial_text(cert->serial, &t->arena));
}

/* cs_cert_parse(), whose findings do not know where the certificate is from. */
static int parse(struct cs_anchors *t, struct cs_findings *findings, const struct cs_source *source,
                 struct cs_str der, struct cs_cert *ret_cert)
{
    struct cs_finding *last = findings->last;
    int r = cs_cert_parse(cs_arena_dup(&t->arena, der), &t->arena, findings, ret_cert);

    for (struct cs_finding *f = last ? last->next : findings->first; f; f = f->next) {
        f->place = source->place;
        f->place.file = cs_arena_dup(findings->arena, source->place.file);
        f->place.text = cs_arena_dup(findings->arena, source->place.text);
    }
    return r;
}

static int add_cert(struct cs_anchors *t, struct cs_findings *findings,
                    const struct cs_source *source, struct cs_str der, bool named)
{
    struct cs_cert cert;

    if (parse(t, findings, source, der, &cert) != 0)
        return unreadable(findings, source, "a certificate in it is malformed");
    if (is_known(t, &cert)) {
        if (named)
            add_name(t, cert.subject);
        return 0;
    }
    if (t->n == CAS_MAX)
        return unreadable(findings, source, "there are more than 10000 certificates");
    if (t->n == t->room)
        grow(t);
    warn_not_ca(t, findings, source, &cert);
    return add_object(t, findings, source, &cert, named);
}

/* Labels as OpenSSL reads them, but for TRUSTED CERTIFICATE: what it restricts would be lost. */
static int add_block(struct cs_anchors *t, struct cs_findings *findings,
                     const struct cs_source *source, const struct cs_pem_block *block, bool named,
                     size_t *n_added)
{
    if (cs_str_eq(block->label, CS_STR("TRUSTED CERTIFICATE")))
        return unreadable(findings, source, "TRUSTED CERTIFICATE blocks are not supported");
    if (!cs_str_eq(block->label, CS_STR("CERTIFICATE")) &&
        !cs_str_eq(block->label, CS_STR("X509 CERTIFICATE")))
        return 0;
    ++*n_added;
    return add_cert(t, findings, source, block->der, named);
}

static int add_pem(struct cs_anchors *t, struct cs_findings *findings,
                   const struct cs_source *source, bool named)
{
    struct cs_str rest = source->bytes;
    struct cs_pem_block block;
    size_t n_added = 0;
    int more, r = 0;

    while (r == 0 && (more = cs_pem_next(&rest, &t->arena, &block)) > 0)
        r = add_block(t, findings, source, &block, named, &n_added);
    if (r != 0)
        return r;
    if (more < 0)
        return unreadable(findings, source, "a block does not end or is not base64");
    return n_added ? 0 : unreadable(findings, source, "there is no CERTIFICATE block in it");
}

static int add_sources(struct cs_anchors *t, const struct cs_trust_spec *spec,
                       struct cs_findings *findings)
{
    int refused = 0;

    for (size_t i = 0; i < spec->n_cas; i++) {
        const struct cs_source *source = &spec->cas[i];
        int r = cs_pem_is_der(source->bytes)
                    ? add_cert(t, findings, source, source->bytes, i < spec->n_named)
                    : add_pem(t, findings, source, i < spec->n_named);
        if (r != 0)
            refused = r;
    }
    return refused;
}

struct cs_anchors *cs_anchors_unref(struct cs_anchors *t)
{
    if (!t || --t->n_refs > 0)
        return NULL;
    for (size_t i = 0; i < t->n; i++)
        X509_free(t->objects[i]);
    X509_STORE_free(t->store);
    cs_arena_deinit(&t->arena);
    free(t);
    return NULL;
}

static void digest_anchors(struct cs_anchors *t)
{
    struct cs_digest digest;

    cs_digest_init(&digest);
    cs_digest_number(&digest, (int64_t)t->n);
    for (size_t i = 0; i < t->n; i++)
        cs_digest_add(&digest, cs_str_make(t->certs[i].sha256, sizeof(t->certs[i].sha256)));
    cs_digest_add(&digest, t->options);
    cs_digest_final(&digest, t->digest);
}

static int anchors_new(const struct cs_trust_spec *spec, struct cs_findings *findings,
                       struct cs_anchors **ret_anchors)
{
    struct cs_anchors *t = CS_NEW(struct cs_anchors);
    int r;

    t->n_refs = 1;
    cs_arena_init(&t->arena);
    t->options = cs_arena_dup(&t->arena, spec->options);
    t->store = X509_STORE_new();
    r = t->store ? add_sources(t, spec, findings) : -ENOMEM;
    if (r != 0) {
        cs_anchors_unref(t);
        return r;
    }
    digest_anchors(t);
    *ret_anchors = t;
    return 0;
}

static void make_digest(struct cs_trust *t)
{
    struct cs_digest digest;

    cs_digest_init(&digest);
    cs_digest_add(&digest, cs_str_make(t->anchors->digest, sizeof(t->anchors->digest)));
    if (t->crls)
        cs_digest_add(&digest, cs_str_make(cs_crl_set_digest(t->crls), CS_DIGEST_LEN));
    else
        cs_digest_add(&digest, CS_STR("no lists"));
    cs_digest_final(&digest, t->digest);
}

/* A set of @anchors, whose reference it takes over, even in vain. */
static int trust_over(struct cs_anchors *anchors, const struct cs_crl_lists *crls,
                      const struct cs_place *crl_place, struct cs_findings *findings,
                      struct cs_trust **ret_trust)
{
    struct cs_trust *t = CS_NEW(struct cs_trust);
    int r = 0;

    t->n_refs = 1;
    t->anchors = anchors;
    if (crls)
        r = cs_crl_set_new(crls, anchors->certs, anchors->n, crl_place, findings, &t->crls);
    if (r != 0) {
        cs_trust_unref(t);
        return r == CS_CRL_REFUSED ? CS_TRUST_REFUSED : r;
    }
    make_digest(t);
    *ret_trust = t;
    return 0;
}

int cs_trust_new(const struct cs_trust_spec *spec, struct cs_findings *findings,
                 struct cs_trust **ret_trust)
{
    struct cs_anchors *anchors;
    int r = anchors_new(spec, findings, &anchors);

    return r != 0 ? r : trust_over(anchors, spec->crls, spec->crl_place, findings, ret_trust);
}

int cs_trust_new_lists(const struct cs_trust *trust, const struct cs_crl_lists *crls,
                       const struct cs_place *crl_place, struct cs_findings *findings,
                       struct cs_trust **ret_trust)
{
    return trust_over(cs_anchors_ref(trust->anchors), crls, crl_place, findings, ret_trust);
}

struct cs_trust *cs_trust_ref(struct cs_trust *trust)
{
    trust->n_refs++;
    return trust;
}

void cs_trust_unref(struct cs_trust *trust)
{
    if (!trust || --trust->n_refs > 0)
        return;
    cs_anchors_unref(trust->anchors);
    cs_crl_set_free(trust->crls);
    free(trust);
}

struct cs_anchors *cs_trust_anchors0(const struct cs_trust *trust)
{
    return trust->anchors;
}

struct cs_anchors *cs_anchors_ref(struct cs_anchors *anchors)
{
    anchors->n_refs++;
    return anchors;
}

const uint8_t *cs_anchors_digest(const struct cs_anchors *anchors)
{
    return anchors->digest;
}

const uint8_t *cs_trust_digest(const struct cs_trust *trust)
{
    return trust->digest;
}

const struct cs_cert *cs_trust_certs(const struct cs_trust *trust, size_t *ret_n)
{
    *ret_n = trust->anchors->n;
    return trust->anchors->certs;
}

struct cs_names cs_trust_names(const struct cs_trust *trust)
{
    return (struct cs_names){trust->anchors->names, trust->anchors->n_names};
}

const struct cs_crl_set *cs_trust_crls(const struct cs_trust *trust)
{
    return trust->crls;
}

struct x509_store_st *cs_trust_store(const struct cs_trust *trust)
{
    return trust->anchors->store;
}

const struct cs_cert *cs_trust_find(const struct cs_trust *trust, const struct x509_st *x509)
{
    const struct cs_anchors *t = trust->anchors;

    for (size_t i = 0; i < t->n; i++) {
        if (t->objects[i] == x509)
            return &t->certs[i];
    }
    return NULL;
}
