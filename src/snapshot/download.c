/* Where a list lies is a name made of its address, so that the next configuration finds it again.
 */
#include "snapshot/download.h"

#include "snapshot/build.h"
#include "snapshot/errand.h"
#include "snapshot/material.h"
#include "x509/crl.h"
#include "x509/digest.h"
#include "x509/name.h"
#include "x509/pem.h"
#include "x509/signature.h"
#include "x509/trust.h"

/* ---- in a configuration ---- */

bool cs_download_is_url(struct cs_str text)
{
    return cs_str_starts(text, CS_STR("http://")) || cs_str_starts(text, CS_STR("https://"));
}

static struct cs_str file_of(struct cs_build *build, struct cs_str url)
{
    struct cs_str state =
        cs_core_state(&build->snapshot->core, build->options->prefix, build->arena);
    uint8_t sum[CS_DIGEST_LEN];
    struct cs_digest digest;
    char hex[2 * 8];

    cs_digest_init(&digest);
    cs_digest_add(&digest, url);
    cs_digest_final(&digest, sum);
    cs_hex_encode(sum, sizeof(hex) / 2, false, hex);
    return cs_arena_printf(build->arena, "%.*s/" CS_ERRAND_FOLDER "/list-%.*s.crl", CS_FMT(state),
                           (int)sizeof(hex), hex);
}

static struct cs_str roots_of(struct cs_build *build, const struct cs_block *block)
{
    const struct cs_word *word = cs_build_word(block, "mtls_fetch_ca");
    struct cs_str pem;

    if (!word || cs_build_read(build, word, &pem) < 0)
        return (struct cs_str){0};
    return cs_arena_dup(build->arena, pem);
}

const struct cs_word *cs_build_download(struct cs_build *build, const struct cs_block *block,
                                        const struct cs_word *word)
{
    struct cs_word *file = CS_ARENA_NEW(build->arena, struct cs_word);
    struct cs_download *d, **at = &build->snapshot->downloads;

    *file = *word;
    file->text = file_of(build, word->text);
    while (*at && !cs_str_eq((*at)->file, file->text))
        at = &(*at)->next;
    if (*at)
        return file;
    d = CS_ARENA_NEW(build->arena, struct cs_download);
    *d =
        (struct cs_download){.url = cs_arena_dup(build->arena, word->text),
                             .file = file->text,
                             .note = cs_arena_printf(build->arena, "%.*s.note", CS_FMT(file->text)),
                             .ca = roots_of(build, block),
                             .place = word->place};
    *at = d;
    return file;
}

/* ---- judging ---- */

static bool uses(const struct cs_material *lists, const struct cs_download *download)
{
    for (size_t i = 0; lists && i < lists->n_words; i++) {
        if (cs_str_eq(lists->words[i]->text, download->file))
            return true;
    }
    return false;
}

static bool is_by(const struct cs_trust *trust, const struct cs_crl *list)
{
    uint8_t issuer[32], subject[32];
    const struct cs_cert *cas;
    size_t n;

    cs_name_digest(list->issuer, issuer);
    cas = cs_trust_certs(trust, &n);
    for (size_t i = 0; i < n; i++) {
        cs_name_digest(cas[i].subject, subject);
        if (memcmp(issuer, subject, sizeof(issuer)) == 0 && cs_signed_by(list->der, cas[i].spki))
            return true;
    }
    return false;
}

static bool is_by_somebody_trusted(const struct cs_snapshot *snapshot,
                                   const struct cs_download *download, const struct cs_crl *list)
{
    for (size_t i = 0; i < snapshot->keyring->n_materials; i++) {
        const struct cs_material *m = snapshot->keyring->materials[i];
        if (m->kind == CS_MATERIAL_TRUST && m->object && uses(m->lists, download) &&
            is_by(m->object, list))
            return true;
    }
    return false;
}

/* The DER of the one list in @bytes. Return: false: there is none, or more. */
static bool find_list(struct cs_str bytes, struct cs_arena *arena, struct cs_str *ret_der)
{
    struct cs_pem_block block;
    size_t n = 0;

    if (cs_pem_is_der(bytes)) {
        *ret_der = bytes;
        return true;
    }
    while (cs_pem_next(&bytes, arena, &block) > 0) {
        if (!cs_str_eq(block.label, CS_STR("X509 CRL")))
            continue;
        *ret_der = block.der;
        n++;
    }
    return n == 1;
}

/* Whether it is of a kind that is taken: x509/crl.h says. Return: NULL, or why not. */
static const char *check_kind(const struct cs_download *download, struct cs_str der,
                              struct cs_arena *arena)
{
    struct cs_source source = {.bytes = der, .file = download->url, .place = download->place};
    struct cs_crl_lists *lists;
    struct cs_findings findings;

    cs_findings_init(&findings, arena);
    if (cs_crl_lists_new(&source, 1, &findings, &lists) != 0)
        return "it is no revocation list that can be used: it is malformed, or of a special kind";
    cs_crl_lists_free(lists);
    return NULL;
}

const char *cs_download_judge(const struct cs_snapshot *snapshot,
                              const struct cs_download *download, struct cs_str bytes,
                              struct cs_arena *arena, struct cs_crl *ret_list)
{
    struct cs_crl_fault fault;
    struct cs_crl list;
    struct cs_str der;
    const char *why;

    if (!find_list(bytes, arena, &der))
        return "there is not one revocation list in it, in DER or PEM";
    why = check_kind(download, der, arena);
    if (!why && !cs_crl_parse(der, &list, &fault))
        why = fault.why;
    if (why)
        return why;
    if (!is_by_somebody_trusted(snapshot, download, &list))
        return "no CA that is trusted here has signed it";
    *ret_list = list;
    return NULL;
}

static struct cs_str magnitude(struct cs_str number)
{
    while (number.len && number.ptr[0] == 0)
        number = cs_str_skip(number, 1);
    return number;
}

bool cs_download_is_older(const struct cs_crl *list, const struct cs_crl *held)
{
    struct cs_str a = magnitude(list->number), b = magnitude(held->number);
    size_t n = a.len < b.len ? a.len : b.len;

    if (list->this_update < held->this_update)
        return true;
    if (!list->number.len || !held->number.len)
        return false;
    return a.len != b.len ? a.len < b.len : n && memcmp(a.ptr, b.ptr, n) < 0;
}

bool cs_download_is_other_part(const struct cs_crl *list, const struct cs_crl *held)
{
    return list->has_issuing_point &&
           (!held->has_issuing_point || !cs_str_eq(list->issuing_point, held->issuing_point));
}
