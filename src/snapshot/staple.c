/* What an OCSP responder said about our own certificates, for clients that ask: read from a file,
 * judged like anybody else's answer, and left out when it would do more harm than none. */
#include "snapshot/material.h"
#include "tls/directives.h"
#include "tls/server.h"
#include "x509/crl.h"
#include "x509/ocsp.h"
#include "x509/pem.h"
#include "x509/signature.h"

/* More than this many certificates are not looked through for an issuer. */
enum { CERTS_MAX = 256 };

/* A file, kept for when one of what it is judged with is renewed. Return: empty after a finding. */
static struct cs_str bytes_of(struct cs_build *build, const struct cs_word *word)
{
    struct cs_material_spec spec = {.kind = CS_MATERIAL_BYTES, .words = {word}};
    const struct cs_buf *bytes = cs_material_get0(build, &spec);

    return bytes ? cs_buf_str(bytes) : (struct cs_str){0};
}

/* The certificates of a file that is read in earnest elsewhere, in the arena. */
static struct cs_cert *read_certs(struct cs_build *build, struct cs_str pem, size_t *ret_n)
{
    struct cs_cert *certs = NULL;
    struct cs_findings ignored;
    struct cs_pem_block block;
    size_t n = 0;

    cs_findings_init(&ignored, build->arena);
    while (n < CERTS_MAX && cs_pem_next(&pem, build->arena, &block) == 1) {
        certs = cs_build_grow(build, certs, n, sizeof(*certs));
        if (cs_str_eq(block.label, CS_STR("CERTIFICATE")) &&
            cs_cert_parse(block.der, build->arena, &ignored, &certs[n]) == 0)
            n++;
    }
    *ret_n = n;
    return certs;
}

/* Those of a pair. */
static struct cs_cert *parse_chain(struct cs_build *build, const struct cs_pair *pair,
                                   size_t *ret_n)
{
    const struct cs_str *ders = cs_pair_chain0(pair, ret_n);
    struct cs_cert *certs = cs_arena_array(build->arena, *ret_n, sizeof(*certs));
    struct cs_findings ignored;
    size_t n = 0;

    cs_findings_init(&ignored, build->arena);
    while (n < *ret_n && cs_cert_parse(ders[n], build->arena, &ignored, &certs[n]) == 0)
        n++;
    *ret_n = n;
    return certs;
}

static const struct cs_cert *find_issuer(const struct cs_cert *certs, size_t n,
                                         const struct cs_cert *leaf)
{
    for (size_t i = 0; i < n; i++) {
        if (cs_str_eq(certs[i].subject, leaf->issuer) && cs_signed_by(leaf->der, certs[i].spki))
            return &certs[i];
    }
    return NULL;
}

/* It comes behind the leaf, or is one of the CAs that are named for clients. */
static const struct cs_cert *issuer_of(struct cs_build *build, const struct cs_block *block,
                                       const struct cs_cert *chain, size_t n)
{
    static const char *const names[] = {"ssl_trusted_certificate", "ssl_client_certificate"};
    const struct cs_cert *issuer = find_issuer(chain, n, &chain[0]);

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !issuer; i++) {
        const struct cs_word *word = cs_build_word(block, names[i]);
        if (word) {
            const struct cs_cert *certs = read_certs(build, bytes_of(build, word), &n);
            issuer = find_issuer(certs, n, &chain[0]);
        }
    }
    return issuer;
}

/* Whether the answer may be shown. A revoked certificate's may: it is the truth. */
static bool may_show(struct cs_build *build, const struct cs_word *word,
                     const struct cs_ocsp_answer *answer)
{
    if (answer->status == CS_OCSP_REVOKED)
        CS_FIND(build->findings, &cs_finding_staple_revoked, &word->place, word->text,
                cs_crl_reason_text(answer->reason));
    else if (answer->status == CS_OCSP_DECLINED)
        CS_FIND(build->findings, &cs_finding_staple_declined, &word->place, word->text,
                cs_ocsp_responder_text(answer->responder_status));
    else if (answer->status != CS_OCSP_GOOD)
        CS_FIND(build->findings, &cs_finding_staple_unusable, &word->place, word->text,
                cs_ocsp_status_text(answer->status));
    return answer->status == CS_OCSP_GOOD || answer->status == CS_OCSP_REVOKED;
}

/* Return: whether the answer @der is about this pair; what is wrong with it then is told. */
static bool try(struct cs_build *build, const struct cs_block *block, const struct cs_word *word,
                struct cs_str der, struct cs_tls_pair *pair)
{
    size_t n;
    const struct cs_cert *chain = parse_chain(build, pair->loaded, &n);
    struct cs_ocsp_query query = {.der = der,
                                  .cert = chain,
                                  .issuer = n ? issuer_of(build, block, chain, n) : NULL,
                                  .now_sec = build->options->now_sec};
    struct cs_ocsp_answer answer;

    if (!query.issuer) {
        CS_FIND(build->findings, &cs_finding_staple_no_issuer, &word->place, word->text);
        return true;
    }
    answer = cs_ocsp_judge(&query);
    if (answer.status == CS_OCSP_OTHER)
        return false;
    if (may_show(build, word, &answer))
        pair->staple = der;
    return true;
}

void cs_build_staple(struct cs_build *build, const struct cs_block *block,
                     struct cs_tls_pair *pairs, size_t n_pairs)
{
    const struct cs_word *word = cs_build_word(block, "ssl_stapling_file");
    struct cs_str der;
    bool found = false;

    if (!word) {
        CS_FIND0(build->findings, &cs_finding_staple_no_file,
                 &cs_block_nearest(block, "ssl_stapling")->place);
        return;
    }
    der = bytes_of(build, word);
    if (!der.len)
        return;
    for (size_t i = 0; i < n_pairs; i++)
        found = try(build, block, word, der, &pairs[i]) || found;
    if (!found)
        CS_FIND(build->findings, &cs_finding_staple_unusable, &word->place, word->text,
                cs_ocsp_status_text(CS_OCSP_OTHER));
}
