/* Settings that servers and clients share, turned into library state. Whatever the library
 * refuses becomes a finding that names the operand. */
#include "tls/internal.h"

#include <openssl/err.h>

#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tls/findings.h"
#include "tls/library.h"
#include "tls/names.h"
#include "tls/own.h"
#include "x509/findings.h"
#include "x509/lint.h"
#include "x509/name.h"

char *cs_tls_text(struct cs_str text, const char *fallback)
{
    if (text.len == 0)
        text = cs_str_from(fallback);
    char *copy = cs_alloc(text.len + 1);
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return copy;
}

uint8_t *cs_tls_alpn_wire(const char *const *names, size_t *ret_len)
{
    size_t len = 0;
    for (size_t i = 0; names && names[i]; i++)
        len += 1 + strlen(names[i]);
    *ret_len = len;
    if (len == 0)
        return NULL;
    uint8_t *wire = cs_alloc(len), *p = wire;
    for (size_t i = 0; names[i]; i++) {
        size_t n = strlen(names[i]);
        cs_assert(n > 0 && n < 256);
        *p++ = (uint8_t)n;
        memcpy(p, names[i], n);
        p += n;
    }
    return wire;
}

static struct cs_str subject_of(const struct cs_pair *pair, char buf[CS_PAIR_NAME])
{
    const uint8_t *p = (const uint8_t *)pair->ders[0].ptr;
    X509 *leaf = d2i_X509(NULL, &p, (long)pair->ders[0].len);
    cs_assert(leaf != NULL);
    struct cs_str name = cs_pair_name(X509_get_subject_name(leaf), buf);
    X509_free(leaf);
    return name;
}

/* A remark when an earlier pair of @own has the same type of key: the library keeps one of each. */
static void remark_repeated(const struct cs_own *own, const struct cs_pair *pair,
                            const struct cs_place *place, struct cs_findings *findings)
{
    char name[CS_PAIR_NAME], other[CS_PAIR_NAME];

    for (size_t i = 0; i < own->n; i++) {
        if (EVP_PKEY_base_id(own->pairs[i].pair->key) == EVP_PKEY_base_id(pair->key))
            CS_FIND(findings, &cs_tls_finding_pair_repeated, place, subject_of(pair, name),
                    subject_of(own->pairs[i].pair, other));
    }
}

static void explain_leaf(const struct cs_cert *leaf, const struct cs_place *place,
                         struct cs_arena *arena, struct cs_findings *findings)
{
    const struct cs_finding_kind *kind = &cs_tls_finding_pair_refused;
    struct cs_str what = CS_STR("certificate"), none = {0}, looked_at = none, bits = none;

    if (cs_lint_weak_key(leaf)) {
        kind = CS_X509_KIND(WEAK_KEY);
        looked_at = leaf->key_name;
        bits = cs_arena_printf(arena, "%u", leaf->key_bits);
    } else if (leaf->sig_weak) {
        kind = CS_X509_KIND(WEAK_SIGNATURE);
        looked_at = leaf->sig_alg;
    } else if (!cs_lint_may_sign(leaf)) {
        kind = CS_X509_KIND(KEY_USAGE_MISMATCH);
        looked_at = cs_cert_key_usage_text(leaf, arena);
    } else {
        what = cs_pair_errors();
    }
    CS_FIND(findings, kind, place, what, cs_name_text(leaf->subject, arena),
            cs_name_text(leaf->issuer, arena), none, looked_at, bits);
}

/* The library will not present it: why, as far as the certificate shows. */
static void explain_refusal(const struct cs_pair *pair, const struct cs_place *place,
                            struct cs_findings *findings)
{
    struct cs_arena arena;
    struct cs_findings ignored;
    struct cs_cert leaf;

    cs_arena_init(&arena);
    cs_findings_init(&ignored, &arena);
    if (cs_cert_parse(pair->ders[0], &arena, &ignored, &leaf) == 0)
        explain_leaf(&leaf, place, &arena, findings);
    else
        CS_FIND(findings, &cs_tls_finding_pair_refused, place, cs_pair_errors());
    cs_arena_deinit(&arena);
}

/* Present one pair. Return: 0, or -EINVAL with findings. */
static int use_pair(SSL_CTX *ctx, const struct cs_tls_pair *source, struct cs_findings *findings,
                    struct cs_own *own)
{
    struct cs_pair *pair = source->loaded ? cs_pair_ref(source->loaded) : NULL;
    int r = pair ? 0 : cs_pair_new(source, findings, &pair);

    if (r < 0)
        return r;
    remark_repeated(own, pair, &source->place, findings);
    r = cs_lib_use_pair(ctx, pair);
    if (r < 0)
        explain_refusal(pair, &source->place, findings);
    cs_own_add(own, pair, source->staple, source->staple_until);
    cs_pair_unref(pair);
    return r;
}

int cs_tls_use_pairs(SSL_CTX *ctx, const struct cs_tls_pair *pairs, size_t n,
                     struct cs_findings *findings, struct cs_own *own)
{
    int result = 0;

    for (size_t i = 0; i < n; i++) {
        if (use_pair(ctx, &pairs[i], findings, own) < 0)
            result = -EINVAL;
        else if (pairs[i].staple.len && n > 1 && !cs_lib_tells_presented)
            CS_FIND0(findings, &cs_tls_finding_staple_of_several, &pairs[i].place);
    }
    return result;
}

int cs_tls_use_ciphers(SSL_CTX *ctx, const char *ciphers, const struct cs_place *place,
                       struct cs_findings *findings)
{
    ERR_clear_error();
    if (SSL_CTX_set_cipher_list(ctx, ciphers) == 1) {
        ERR_clear_error();
        return 0;
    }
    CS_FIND(findings, &cs_tls_finding_ciphers_invalid, place, cs_str_from(ciphers),
            cs_pair_errors());
    return -EINVAL;
}

/* The best first. What a library lacks is left out. */
static const char auto_groups[] = "X25519MLKEM768:X25519:P-256:P-384";

static bool has_group(SSL_CTX *ctx, struct cs_str name)
{
    cs_cleanup(cs_free_p) char *text = cs_tls_text(name, "");
    bool has = SSL_CTX_set1_groups_list(ctx, text) == 1;
    ERR_clear_error();
    return has;
}

/* Keep @name in @list when the library has it; otherwise say so, unless it was our idea. */
static bool take_group(SSL_CTX *ctx, struct cs_str name, bool automatic, struct cs_buf *list,
                       const struct cs_place *place, struct cs_findings *findings)
{
    if (has_group(ctx, name)) {
        if (list->len > 0)
            (void)!cs_buf_add_char(list, ':');
        (void)!cs_buf_add_str(list, name);
        return true;
    }
    if (cs_tls_group_canonical(name).len == 0) {
        CS_FIND(findings, &cs_tls_finding_curve_unknown, place, name);
        return false;
    }
    if (!automatic)
        CS_FIND(findings, &cs_tls_finding_curve_unsupported, place, name, cs_tls_library_version());
    return true;
}

int cs_tls_use_curves(SSL_CTX *ctx, struct cs_str curves, const struct cs_place *place,
                      struct cs_findings *findings, char **ret_groups)
{
    bool automatic = curves.len == 0 || cs_str_eq(curves, CS_STR("auto"));
    bool known = true;
    struct cs_buf list;
    cs_buf_init(&list, curves.len + sizeof(auto_groups));
    for (struct cs_str rest = automatic ? cs_str_from(auto_groups) : curves; rest.ptr;) {
        struct cs_str name = cs_str_cut(&rest, ':');
        known = take_group(ctx, name, automatic, &list, place, findings) && known;
    }
    if (known && list.len == 0)
        CS_FIND(findings, &cs_tls_finding_curves_none, place, curves);
    if (!known || list.len == 0 || SSL_CTX_set1_groups_list(ctx, cs_buf_cstr(&list)) != 1) {
        cs_buf_deinit(&list);
        return -EINVAL;
    }
    *ret_groups = cs_tls_text(cs_buf_str(&list), "");
    cs_buf_deinit(&list);
    return 0;
}

uint16_t cs_tls_min_version(unsigned protocols)
{
    return protocols == CS_TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

uint16_t cs_tls_max_version(unsigned protocols)
{
    return protocols == CS_TLS_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

int cs_tls_ask_mode(enum cs_tls_verify verify)
{
    switch (verify) {
    case CS_TLS_VERIFY_OFF: return SSL_VERIFY_NONE;
    case CS_TLS_VERIFY_REQUEST: return SSL_VERIFY_PEER;
    case CS_TLS_VERIFY_REQUIRE: break;
    }
    return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}
