/* The verdict in five steps: parse what was presented; let the library build and verify a
 * path, noting everything it complains about; turn complaints into findings; ask the
 * questions that the library does not; look up revocation.
 *
 * The library's callback lets verification go on after a fault, so that all of them are seen
 * and the number that nginx would log (the last complaint) can be given. Nothing is accepted
 * unless there was no complaint at all.
 */
#include "x509/chain.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/addr.h"
#include "base/mem.h"
#include "base/time.h"
#include "x509/extension.h"
#include "x509/findings.h"
#include "x509/identity.h"
#include "x509/lint.h"
#include "x509/name.h"

/* Names of a constraint that a sentence repeats. */
#define NAMES_SHOWN 8

enum { COMPLAINTS_MAX = 128, PATH_MAX_CERTS = 64, LIBRARY_DEPTH = 32, TEXT_MAX = 4096 };

/* One thing that is wrong: its number and which certificate. */
struct complaint {
    int error;
    int depth;
};

struct run {
    const struct cs_chain_query *q;
    struct cs_arena *arena;
    struct cs_verdict *v;

    struct cs_cert *certs; /* presented */
    X509 *objects[CS_CHAIN_CERTS_MAX];
    size_t n;

    const struct cs_cert **path; /* what the library built, anchored or not */
    size_t n_path;

    struct complaint complaints[COMPLAINTS_MAX];
    size_t n_complaints;
    bool anchored; /* the path ends in a trusted certificate */

    const struct cs_cert *candidate; /* has the name of the issuer that is missing */
};

/* ---- findings about one certificate ---- */

static struct cs_str which_text(enum cs_purpose purpose, int depth, const struct cs_cert *cert,
                                struct cs_arena *arena)
{
    if (depth == 0)
        return purpose == CS_PURPOSE_CLIENT ? CS_STR("client certificate")
                                            : CS_STR("server certificate");
    return cs_arena_printf(arena, "%s certificate %d",
                           cert && cs_cert_self_issued(cert) ? "root" : "issuing", depth);
}

/* The finding that everything about @cert goes through: {0}..{3} are the same for all. */
static void find(struct cs_findings *findings, enum cs_purpose purpose, int depth,
                 const struct cs_cert *cert, const struct cs_finding_kind *kind,
                 struct cs_str operand, struct cs_str second)
{
    struct cs_arena *arena = findings->arena;

    CS_FIND(findings, kind, NULL, which_text(purpose, depth, cert, arena),
            cert ? cs_name_shown(cert->subject, arena) : (struct cs_str){0},
            cert ? cs_name_shown(cert->issuer, arena) : (struct cs_str){0},
            cert ? cs_serial_text(cert->serial, arena) : (struct cs_str){0}, operand, second);
}

static struct cs_str time_text(struct cs_arena *arena, int64_t sec)
{
    char buf[CS_TIME_TEXT];

    return cs_arena_dup(arena, cs_time_iso(sec, buf));
}

static struct cs_str hex_text(struct cs_arena *arena, const void *bytes, size_t len)
{
    char *text = cs_arena_raw(arena, 2 * len + 1);

    cs_hex_encode(bytes, len, true, text);
    return len ? cs_str_make(text, 2 * len) : CS_STR("none");
}

static void find_in_run(struct run *run, int depth, const struct cs_finding_kind *kind,
                        struct cs_str operand, struct cs_str second)
{
    const struct cs_cert *cert = NULL;

    if ((size_t)depth < run->n_path)
        cert = run->path[depth];
    else if ((size_t)depth < run->n)
        cert = &run->certs[depth];
    find(&run->v->findings, run->q->purpose, depth, cert, kind, operand, second);
}

static void complain(struct run *run, int error, int depth)
{
    for (size_t i = 0; i < run->n_complaints; i++) {
        if (run->complaints[i].error == error && run->complaints[i].depth == depth)
            return;
    }
    if (run->n_complaints < COMPLAINTS_MAX)
        run->complaints[run->n_complaints++] = (struct complaint){error, depth};
}

static void withdraw(struct run *run, int error, int depth)
{
    size_t kept = 0;

    for (size_t i = 0; i < run->n_complaints; i++) {
        if (run->complaints[i].error != error || run->complaints[i].depth != depth)
            run->complaints[kept++] = run->complaints[i];
    }
    run->n_complaints = kept;
}

static bool has_complaint(const struct run *run, int error, int depth)
{
    for (size_t i = 0; i < run->n_complaints; i++) {
        if (run->complaints[i].error == error && run->complaints[i].depth == depth)
            return true;
    }
    return false;
}

/* ---- step 1: parse ---- */

static size_t total_bytes(const struct cs_chain_query *q)
{
    size_t sum = 0;

    for (size_t i = 0; i < q->n; i++)
        sum += q->ders[i].len;
    return sum;
}

/* What cs_cert_parse() found, told again with which certificate it was about. */
static void adopt_findings(struct run *run, const struct cs_findings *parsed, int depth)
{
    struct cs_str which = which_text(run->q->purpose, depth, NULL, run->arena);

    for (const struct cs_finding *f = parsed->first; f; f = f->next) {
        struct cs_str operands[CS_FINDING_OPERANDS];
        memcpy(operands, f->operands, sizeof(operands));
        operands[0] = which;
        cs_findings_add(&run->v->findings, f->kind, NULL, operands, CS_FINDING_OPERANDS);
    }
}

static bool parse_one(struct run *run, size_t i)
{
    const uint8_t *p = (const uint8_t *)run->q->ders[i].ptr;
    struct cs_findings parsed;

    cs_findings_init(&parsed, run->arena);
    if (cs_cert_parse(run->q->ders[i], run->arena, &parsed, &run->certs[i]) != 0) {
        adopt_findings(run, &parsed, (int)i);
        complain(run, CS_X509_ERR_UNSPECIFIED, (int)i);
        return false;
    }
    adopt_findings(run, &parsed, (int)i);
    run->n = i + 1;
    run->objects[i] = d2i_X509(NULL, &p, (long)run->q->ders[i].len);
    if (run->objects[i])
        return true;
    find_in_run(run, (int)i, CS_X509_KIND(MALFORMED_CERTIFICATE), CS_STR("encoding"),
                CS_STR("the TLS library does not read it"));
    complain(run, CS_X509_ERR_UNSPECIFIED, (int)i);
    return false;
}

static bool parse_presented(struct run *run)
{
    const struct cs_chain_query *q = run->q;
    size_t bytes = total_bytes(q);

    if (q->n == 0) {
        CS_FIND0(&run->v->findings,
                 q->purpose == CS_PURPOSE_SERVER ? CS_X509_KIND(SERVER_CERTIFICATE_MISSING)
                                                 : CS_X509_KIND(CERTIFICATE_MISSING),
                 NULL);
        complain(run, CS_X509_ERR_UNSPECIFIED, 0);
        return false;
    }
    if (q->n > CS_CHAIN_CERTS_MAX || bytes > CS_CHAIN_BYTES_MAX) {
        find_in_run(run, 0, CS_X509_KIND(CHAIN_TOO_LONG), cs_arena_printf(run->arena, "%zu", q->n),
                    cs_arena_printf(run->arena, "%zu", bytes));
        complain(run, CS_X509_ERR_CHAIN_TOO_LONG, 0);
        return false;
    }
    run->certs = cs_arena_array(run->arena, q->n, sizeof(*run->certs));
    for (size_t i = 0; i < q->n; i++) {
        if (!parse_one(run, i))
            return false;
    }
    return true;
}

/* ---- step 2: the library ---- */

static int note_complaint(int ok, X509_STORE_CTX *ctx)
{
    struct run *run = X509_STORE_CTX_get_app_data(ctx);

    if (!ok)
        complain(run, cs_x509_error_from_library(X509_STORE_CTX_get_error(ctx)),
                 X509_STORE_CTX_get_error_depth(ctx));
    return 1;
}

static const struct cs_cert *find_parsed(const struct run *run, const X509 *object)
{
    for (size_t i = 0; i < run->n; i++) {
        if (run->objects[i] == object)
            return &run->certs[i];
    }
    return cs_trust_find(run->q->trust, object);
}

/* The path that was built, as our own values. */
static void take_path(struct run *run, X509_STORE_CTX *ctx)
{
    const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
    size_t n = chain ? (size_t)sk_X509_num(chain) : 0;

    run->path = cs_arena_array(run->arena, n + 1, sizeof(*run->path));
    for (size_t i = 0; i < n; i++) {
        const struct cs_cert *cert = find_parsed(run, sk_X509_value(chain, (int)i));
        if (!cert) {
            complain(run, CS_X509_ERR_UNSPECIFIED, (int)i); /* from nowhere we know */
            return;
        }
        run->path[run->n_path++] = cert;
    }
}

static bool set_up(struct run *run, X509_STORE_CTX *ctx, STACK_OF(X509) * untrusted)
{
    bool client = run->q->purpose == CS_PURPOSE_CLIENT;
    X509_VERIFY_PARAM *param;

    for (size_t i = 1; i < run->n; i++) {
        if (!sk_X509_push(untrusted, run->objects[i]))
            return false;
    }
    if (X509_STORE_CTX_init(ctx, cs_trust_store(run->q->trust), run->objects[0], untrusted) != 1)
        return false;
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_TRUSTED_FIRST);
    X509_VERIFY_PARAM_set_depth(param, LIBRARY_DEPTH);
    X509_STORE_CTX_set_time(ctx, 0, (time_t)run->q->now_sec);
    X509_STORE_CTX_set_app_data(ctx, run);
    X509_STORE_CTX_set_verify_cb(ctx, note_complaint);
    return X509_VERIFY_PARAM_set_purpose(param, client ? X509_PURPOSE_SSL_CLIENT
                                                       : X509_PURPOSE_SSL_SERVER) == 1 &&
           X509_VERIFY_PARAM_set_trust(param,
                                       client ? X509_TRUST_SSL_CLIENT : X509_TRUST_SSL_SERVER) == 1;
}

static int ask_library(struct run *run)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *untrusted = sk_X509_new_null();
    int r = -ENOMEM;

    if (ctx && untrusted && set_up(run, ctx, untrusted)) {
        r = 0;
        if (X509_verify_cert(ctx) != 1) {
            int error = cs_x509_error_from_library(X509_STORE_CTX_get_error(ctx));
            complain(run, error ? error : CS_X509_ERR_UNSPECIFIED,
                     X509_STORE_CTX_get_error_depth(ctx));
        }
        take_path(run, ctx);
    }
    X509_STORE_CTX_free(ctx);
    sk_X509_free(untrusted);
    ERR_clear_error();
    return r;
}

/* ---- time, and how much of it the clocks may differ by ---- */

/* Which bound @now_sec has crossed, as the libraries count. Return: the error number, or 0. */
static int error_of_time(const struct cs_cert *cert, int64_t now_sec)
{
    if (now_sec >= cert->not_after)
        return CS_X509_ERR_EXPIRED;
    return now_sec < cert->not_before ? CS_X509_ERR_NOT_YET_VALID : 0;
}

/* Whether @cert is outside its validity, but by no more than the query's leeway. */
static bool is_excused(const struct cs_cert *cert, const struct cs_chain_query *q)
{
    switch (error_of_time(cert, q->now_sec)) {
    case CS_X509_ERR_EXPIRED: return q->now_sec - cert->not_after < q->leeway_sec;
    case CS_X509_ERR_NOT_YET_VALID: return cert->not_before - q->now_sec < q->leeway_sec;
    default: return false;
    }
}

/* Note that @cert is accepted although its time is not now. */
static void find_excused(struct cs_findings *findings, enum cs_purpose purpose, int depth,
                         const struct cs_cert *cert, int64_t now_sec)
{
    bool expired = error_of_time(cert, now_sec) == CS_X509_ERR_EXPIRED;

    find(findings, purpose, depth, cert, CS_X509_KIND(WITHIN_CLOCK_LEEWAY),
         cs_arena_printf(
             findings->arena, "%s %.*s", expired ? "until" : "from",
             CS_FMT(time_text(findings->arena, expired ? cert->not_after : cert->not_before))),
         time_text(findings->arena, now_sec));
}

/* What the library says about times that the leeway covers is taken back. */
static void excuse_times(struct run *run)
{
    for (size_t i = 0; i < run->n_path; i++) {
        if (!is_excused(run->path[i], run->q))
            continue;
        withdraw(run, CS_X509_ERR_EXPIRED, (int)i);
        withdraw(run, CS_X509_ERR_NOT_YET_VALID, (int)i);
        find_excused(&run->v->findings, run->q->purpose, (int)i, run->path[i], run->q->now_sec);
    }
}

/* ---- step 3: complaints into findings ---- */

/* Whether the key of @ca made the signature of the presented certificate @cert. */
static bool is_signed_by(const struct run *run, const struct cs_cert *cert,
                         const struct cs_cert *ca)
{
    const uint8_t *p = (const uint8_t *)ca->spki.ptr;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)ca->spki.len);
    bool yes = false;

    for (size_t i = 0; key && i < run->n; i++) {
        if (&run->certs[i] == cert)
            yes = X509_verify(run->objects[i], key) == 1;
    }
    EVP_PKEY_free(key);
    ERR_clear_error();
    return yes;
}

/* Why a CA of the right name was not taken as the issuer of @top. */
static void explain_candidate(struct run *run, int depth, const struct cs_cert *top,
                              const struct cs_cert *ca)
{
    struct cs_str aki = hex_text(run->arena, top->aki.ptr, top->aki.len);
    struct cs_str ski = hex_text(run->arena, ca->ski.ptr, ca->ski.len);

    if (!is_signed_by(run, top, ca))
        find_in_run(run, depth, CS_X509_KIND(ISSUER_KEY_MISMATCH), aki, ski);
    else
        find_in_run(run, depth, CS_X509_KIND(AUTHORITY_KEY_ID_MISMATCH), aki, ski);
}

/* A certificate with the name of @top's issuer among the trusted and presented ones; one that
 * did sign it is preferred, since then something else about it is wrong. */
static const struct cs_cert *find_candidate(const struct run *run, const struct cs_cert *top)
{
    const struct cs_cert *named = NULL, *trusted;
    size_t n_trusted;

    trusted = cs_trust_certs(run->q->trust, &n_trusted);
    for (size_t i = 0; i < run->n + n_trusted; i++) {
        const struct cs_cert *c = i < run->n ? &run->certs[i] : &trusted[i - run->n];
        if (c == top || !cs_name_eq(c->subject, top->issuer))
            continue;
        if (is_signed_by(run, top, c))
            return c;
        if (!named)
            named = c;
    }
    return named;
}

static bool may_not_sign_certs(const struct cs_cert *cert)
{
    return cert->has_key_usage && !(cert->key_usage & CS_USAGE_KEY_CERT_SIGN);
}

static const struct cs_cert *last_of_path(const struct run *run)
{
    return run->n_path ? run->path[run->n_path - 1] : &run->certs[0];
}

/* The libraries differ in where they look at keyUsage: AWS-LC takes a certificate without
 * keyCertSign neither for an issuer nor for self-signed, and says that no issuer was found.
 * Such complaints are put as OpenSSL puts them. */
static void level_complaints(struct run *run)
{
    int depth = run->n_path ? (int)run->n_path - 1 : 0;
    const struct cs_cert *top = last_of_path(run);

    for (int i = 0; i < (int)run->n_path; i++) {
        if (has_complaint(run, CS_X509_ERR_INVALID_CA, i) &&
            has_complaint(run, CS_X509_ERR_PURPOSE, i))
            withdraw(run, run->path[i]->version < 3 ? CS_X509_ERR_INVALID_CA : CS_X509_ERR_PURPOSE,
                     i);
    }
    if (!has_complaint(run, CS_X509_ERR_NO_LOCAL_ISSUER, depth))
        return;
    if (cs_cert_self_issued(top) && is_signed_by(run, top, top)) {
        withdraw(run, CS_X509_ERR_NO_LOCAL_ISSUER, depth);
        withdraw(run, CS_X509_ERR_LEAF_SIGNATURE, 0);
        complain(run, depth ? CS_X509_ERR_SELF_SIGNED_IN_CHAIN : CS_X509_ERR_SELF_SIGNED_LEAF,
                 depth);
        return;
    }
    run->candidate = find_candidate(run, top);
    if (run->candidate && may_not_sign_certs(run->candidate) &&
        is_signed_by(run, top, run->candidate)) {
        withdraw(run, CS_X509_ERR_NO_LOCAL_ISSUER, depth);
        withdraw(run, CS_X509_ERR_LEAF_SIGNATURE, 0);
        complain(run, CS_X509_ERR_NO_CERT_SIGN, depth + 1);
        run->path[run->n_path++] = run->candidate; /* take_path() left room for it */
    }
}

/* Whether the key of @ca made the signature of the certificate in @der. */
static bool is_der_signed_by(struct cs_str der, const struct cs_cert *ca)
{
    const uint8_t *p = (const uint8_t *)der.ptr, *spki = (const uint8_t *)ca->spki.ptr;
    X509 *object = d2i_X509(NULL, &p, (long)der.len);
    EVP_PKEY *key = d2i_PUBKEY(NULL, &spki, (long)ca->spki.len);
    bool yes = object && key && X509_verify(object, key) == 1;

    EVP_PKEY_free(key);
    X509_free(object);
    ERR_clear_error();
    return yes;
}

/* The trusted CA that signed @cert, or NULL. */
static const struct cs_cert *find_trusted_issuer(const struct run *run, const struct cs_cert *cert)
{
    size_t n;
    const struct cs_cert *trusted = cs_trust_certs(run->q->trust, &n);

    for (size_t i = 0; i < n; i++) {
        if (cs_name_eq(trusted[i].subject, cert->issuer) &&
            is_der_signed_by(cert->der, &trusted[i]))
            return &trusted[i];
    }
    return NULL;
}

/* Among the certificates at hand, the intermediate that the peer should have sent: it signed
 * @top, and a trusted CA signed it. Return: what shows that, or nothing. */
static struct cs_str find_intermediate(const struct run *run, const struct cs_cert *top)
{
    for (size_t i = 0; i < run->q->n_known; i++) {
        struct cs_findings ignored;
        struct cs_cert known;
        const struct cs_cert *root;
        cs_findings_init(&ignored, run->arena);
        if (cs_cert_parse(run->q->known[i], run->arena, &ignored, &known) != 0 ||
            !cs_name_eq(known.subject, top->issuer) || !is_signed_by(run, top, &known))
            continue;
        root = find_trusted_issuer(run, &known);
        if (root)
            return cs_arena_printf(run->arena, "the trusted \"%.*s\" issued it",
                                   CS_FMT(cs_name_shown(root->subject, run->arena)));
    }
    if (top->issuer_urls.n)
        return cs_arena_printf(run->arena,
                               "the certificate says that its issuer can be had at %.*s",
                               CS_FMT(top->issuer_urls.items[0]));
    return (struct cs_str){0};
}

/* No issuer for the last certificate of the path: say as exactly as the bytes allow why. */
static void explain_no_issuer(struct run *run, int depth)
{
    const struct cs_cert *top = last_of_path(run);
    struct cs_str aki = hex_text(run->arena, top->aki.ptr, top->aki.len), evidence;
    size_t n_trusted;

    if (run->candidate) {
        explain_candidate(run, depth, top, run->candidate);
        return;
    }
    evidence = find_intermediate(run, top);
    if (evidence.len) {
        find_in_run(run, depth, CS_X509_KIND(INTERMEDIATE_MISSING), evidence, aki);
        return;
    }
    (void)cs_trust_certs(run->q->trust, &n_trusted);
    find_in_run(run, depth, CS_X509_KIND(ISSUER_UNKNOWN), aki,
                cs_arena_printf(run->arena, "%zu presented, %zu trusted", run->n, n_trusted));
}

static void explain_not_ca(struct run *run, int depth)
{
    const struct cs_cert *cert = (size_t)depth < run->n_path ? run->path[depth] : NULL;
    const char *why = cert ? cs_lint_why_not_ca(cert) : NULL;

    find_in_run(run, depth, CS_X509_KIND(ISSUER_NOT_CA),
                cs_str_from(why ? why : "the library does not take it for a CA"),
                (struct cs_str){0});
}

static unsigned wanted_eku(const struct run *run)
{
    return run->q->purpose == CS_PURPOSE_CLIENT ? CS_EKU_CLIENT : CS_EKU_SERVER;
}

static void find_key_usage(struct run *run, const struct cs_cert *leaf)
{
    find_in_run(run, 0, CS_X509_KIND(KEY_USAGE_MISMATCH), cs_cert_key_usage_text(leaf, run->arena),
                (struct cs_str){0});
}

static void find_purpose(struct run *run, int depth, const struct cs_cert *cert)
{
    find_in_run(run, depth, CS_X509_KIND(PURPOSE_MISMATCH),
                run->q->purpose == CS_PURPOSE_CLIENT ? CS_STR("client") : CS_STR("server"),
                cs_arena_printf(run->arena, "its extended key usage is %.*s",
                                CS_FMT(cs_cert_eku_text(cert, run->arena))));
}

/* "Unsuitable purpose" may be about the CA flag, the extended usage, or the key usage. */
static void explain_purpose(struct run *run, int depth)
{
    const struct cs_cert *cert = (size_t)depth < run->n_path ? run->path[depth] : NULL;

    if (!cert || (cert->has_eku && !(cert->eku & wanted_eku(run)))) {
        if (cert)
            find_purpose(run, depth, cert);
    } else if (depth > 0 && cs_lint_why_not_ca(cert)) {
        if (!has_complaint(run, CS_X509_ERR_INVALID_CA, depth) &&
            !has_complaint(run, CS_X509_ERR_NO_CERT_SIGN, depth))
            explain_not_ca(run, depth);
    } else if (depth == 0 && !cs_lint_may_sign(cert)) {
        find_key_usage(run, cert);
    } else {
        find_purpose(run, depth, cert);
    }
}

/* A CA that has expired may live on: as another certificate of the same key, or, when it signed
 * another root for those who did not know that one yet, as that root. */
static struct cs_str successor_text(const struct run *run, int depth)
{
    const struct cs_cert *old = run->path[depth], *below = run->path[depth - 1];
    size_t n;
    const struct cs_cert *trusted = cs_trust_certs(run->q->trust, &n);

    for (size_t i = 0; i < n; i++) {
        if (trusted[i].not_after >= run->q->now_sec &&
            memcmp(trusted[i].spki_sha256, old->spki_sha256, sizeof(old->spki_sha256)) == 0)
            return cs_arena_printf(run->arena,
                                   "; the trusted \"%.*s\" has the same key and is still valid: "
                                   "leave the expired one out",
                                   CS_FMT(cs_name_shown(trusted[i].subject, run->arena)));
    }
    if (below->ca && (size_t)depth + 1 == run->n_path && cs_cert_self_issued(old))
        return cs_arena_printf(run->arena,
                               "; if \"%.*s\" below it is also a root of its own, trust that one",
                               CS_FMT(cs_name_shown(below->subject, run->arena)));
    return (struct cs_str){0};
}

static struct cs_str joined(const struct run *run, struct cs_names names)
{
    struct cs_str text = {0};

    for (size_t i = 0; i < names.n && i < NAMES_SHOWN; i++)
        text = cs_arena_printf(run->arena, "%.*s%s%.*s", CS_FMT(text), i ? ", " : "",
                               CS_FMT(names.items[i]));
    return names.n > NAMES_SHOWN ? cs_arena_printf(run->arena, "%.*s and %zu more", CS_FMT(text),
                                                   names.n - NAMES_SHOWN)
                                 : text;
}

/* Which names the CAs above the certificate at @depth may issue. */
static struct cs_str constraints_text(const struct run *run, int depth)
{
    struct cs_str text = {0};

    for (size_t i = (size_t)depth + 1; i < run->n_path; i++) {
        struct cs_names permitted, excluded;
        struct cs_extension ext;
        if (!cs_extension_find(run->path[i]->extensions, CS_OID_NAME_CONSTRAINTS, &ext))
            continue;
        cs_name_constraints_text(ext.value, run->arena, &permitted, &excluded);
        text = cs_arena_printf(run->arena, "%.*s%s\"%.*s\" may issue%s%.*s%s%.*s", CS_FMT(text),
                               text.len ? "; " : "",
                               CS_FMT(cs_name_shown(run->path[i]->subject, run->arena)),
                               permitted.n ? " only " : " all", CS_FMT(joined(run, permitted)),
                               excluded.n ? " but not " : "", CS_FMT(joined(run, excluded)));
    }
    return text;
}

static void explain_name_constraint(struct run *run, const struct complaint *c)
{
    const struct cs_cert *cert = (size_t)c->depth < run->n_path ? run->path[c->depth] : NULL;
    struct cs_str names = {0}, rule = cs_x509_error_text(c->error);

    if (cert) {
        struct cs_str constraints = constraints_text(run, c->depth);
        names = cs_cert_names_text(cert, run->arena);
        if (constraints.len)
            rule = constraints;
    }
    find_in_run(run, c->depth, CS_X509_KIND(NAME_CONSTRAINT_VIOLATED), names, rule);
}

static void explain_time(struct run *run, const struct complaint *c)
{
    const struct cs_cert *cert = (size_t)c->depth < run->n_path ? run->path[c->depth] : NULL;
    const struct cs_finding_kind *kind = CS_X509_KIND(CERTIFICATE_NOT_YET_VALID);
    int64_t bound = cert ? cert->not_before : 0;

    if (c->error == CS_X509_ERR_EXPIRED) {
        kind = c->depth ? CS_X509_KIND(ISSUER_EXPIRED) : CS_X509_KIND(CERTIFICATE_EXPIRED);
        bound = cert ? cert->not_after : 0;
    }
    struct cs_str now = time_text(run->arena, run->q->now_sec);
    if (kind == CS_X509_KIND(ISSUER_EXPIRED) && cert)
        now = cs_arena_cat(run->arena, now, successor_text(run, c->depth));
    find_in_run(run, c->depth, kind, time_text(run->arena, bound), now);
}

static void explain_self_signed(struct run *run, int depth)
{
    const struct cs_cert *cert = (size_t)depth < run->n_path ? run->path[depth] : &run->certs[0];

    find_in_run(run, depth, CS_X509_KIND(SELF_SIGNED),
                hex_text(run->arena, cert->sha256, sizeof(cert->sha256)), (struct cs_str){0});
}

static void explain_other(struct run *run, const struct complaint *c)
{
    find_in_run(run, c->depth, CS_X509_KIND(CHAIN_REJECTED), cs_x509_error_text(c->error),
                cs_arena_printf(run->arena, "%d", c->error));
}

static void explain(struct run *run, const struct complaint *c)
{
    const struct cs_cert *cert = (size_t)c->depth < run->n_path ? run->path[c->depth] : NULL;
    struct cs_str none = {0};

    switch (c->error) {
    case CS_X509_ERR_NO_LOCAL_ISSUER: explain_no_issuer(run, c->depth); break;
    case CS_X509_ERR_NO_ISSUER:
        find_in_run(run, c->depth, CS_X509_KIND(TRUST_INCOMPLETE), none, none);
        break;
    case CS_X509_ERR_SELF_SIGNED_LEAF:
    case CS_X509_ERR_SELF_SIGNED_IN_CHAIN: explain_self_signed(run, c->depth); break;
    case CS_X509_ERR_LEAF_SIGNATURE: break; /* follows from a missing issuer */
    case CS_X509_ERR_EXPIRED:
    case CS_X509_ERR_NOT_YET_VALID: explain_time(run, c); break;
    case CS_X509_ERR_SIGNATURE:
        find_in_run(run, c->depth, CS_X509_KIND(SIGNATURE_INVALID), none, none);
        break;
    case CS_X509_ERR_NO_CERT_SIGN:
        if (has_complaint(run, CS_X509_ERR_INVALID_CA, c->depth))
            break;
        __attribute__((fallthrough));
    case CS_X509_ERR_INVALID_CA: explain_not_ca(run, c->depth); break;
    case CS_X509_ERR_PURPOSE: explain_purpose(run, c->depth); break;
    case CS_X509_ERR_PATH_LENGTH:
        find_in_run(run, c->depth, CS_X509_KIND(PATH_LENGTH_EXCEEDED),
                    cs_arena_printf(run->arena, "%d", cert ? cert->path_len : -1), none);
        break;
    case CS_X509_ERR_CRITICAL_EXTENSION:
        find_in_run(run, c->depth, CS_X509_KIND(UNSUPPORTED_CRITICAL_EXTENSION),
                    cert ? cert->unknown_critical : none, none);
        break;
    default:
        if (c->error >= CS_X509_ERR_PERMITTED && c->error <= CS_X509_ERR_NAME_SYNTAX)
            explain_name_constraint(run, c);
        else
            explain_other(run, c);
    }
}

static void explain_complaints(struct run *run)
{
    size_t n = run->n_complaints; /* explaining may add some */

    for (size_t i = 0; i < n; i++)
        explain(run, &run->complaints[i]);
    if (n && run->v->findings.n_errors == 0)
        explain_other(run, &run->complaints[0]); /* a refusal never goes without a finding */
}

/* ---- step 4: what the library does not ask ---- */

/* Whether the path ends in a certificate that is trusted. */
static bool is_anchored(const struct run *run)
{
    static const int unanchored[] = {CS_X509_ERR_NO_ISSUER, CS_X509_ERR_NO_LOCAL_ISSUER,
                                     CS_X509_ERR_SELF_SIGNED_LEAF,
                                     CS_X509_ERR_SELF_SIGNED_IN_CHAIN};

    if (run->n_path == 0)
        return false;
    for (size_t i = 0; i < run->n_complaints; i++) {
        for (size_t k = 0; k < sizeof(unanchored) / sizeof(unanchored[0]); k++) {
            if (run->complaints[i].error == unanchored[k])
                return false;
        }
    }
    return true;
}

/* AWS-LC does not look at the time of a lone certificate whose issuer it does not know. */
static void check_times(struct run *run)
{
    for (size_t i = 0; i < run->n_path; i++) {
        struct complaint c = {error_of_time(run->path[i], run->q->now_sec), (int)i};
        if (!c.error || is_excused(run->path[i], run->q) || has_complaint(run, c.error, c.depth))
            continue;
        complain(run, c.error, c.depth);
        explain_time(run, &c);
    }
}

static void check_depth(struct run *run)
{
    int intermediates = (int)run->n_path - 2;

    if (!run->anchored || intermediates <= run->q->depth)
        return;
    complain(run, CS_X509_ERR_NO_LOCAL_ISSUER, run->q->depth);
    find(&run->v->findings, run->q->purpose, run->q->depth, run->path[0],
         CS_X509_KIND(VERIFY_DEPTH_EXCEEDED), cs_arena_printf(run->arena, "%d", intermediates),
         cs_arena_printf(run->arena, "%d", run->q->depth));
}

/* Invariant: the handshake is signed, so a key usage that is there has to allow signing. */
static void check_leaf_usage(struct run *run)
{
    const struct cs_cert *leaf = &run->certs[0];

    if (cs_lint_may_sign(leaf))
        return;
    if (has_complaint(run, CS_X509_ERR_PURPOSE, 0))
        return; /* told already */
    complain(run, CS_X509_ERR_PURPOSE, 0);
    find_key_usage(run, leaf);
}

/* A certificate that claims a SPIFFE ID which it cannot have stands for nobody, so it is not
 * good for anything else either. */
static void check_svid(struct run *run)
{
    struct cs_str id = {0};
    const char *why = cs_svid_check(&run->certs[0], &id);

    if (!why)
        return;
    complain(run, CS_X509_ERR_UNSPECIFIED, 0);
    find_in_run(run, 0, CS_X509_KIND(SPIFFE_ID_INVALID), cs_str_from(why), id);
}

/* The strength that OpenSSL asks for at security level 2. The signature of the last
 * certificate says nothing: it is trusted as it is. */
static void check_strength(struct run *run)
{
    for (size_t i = 0; i < run->n_path; i++) {
        const struct cs_cert *cert = run->path[i];
        if (cs_lint_weak_key(cert)) {
            complain(run, i ? CS_X509_ERR_CA_KEY_SMALL : CS_X509_ERR_LEAF_KEY_SMALL, (int)i);
            find_in_run(run, (int)i, CS_X509_KIND(WEAK_KEY), cert->key_name,
                        cs_arena_printf(run->arena, "%u", cert->key_bits));
        }
        if (cert->sig_weak && i + 1 < run->n_path) {
            complain(run, CS_X509_ERR_DIGEST_WEAK, (int)i);
            find_in_run(run, (int)i, CS_X509_KIND(WEAK_SIGNATURE), cert->sig_alg,
                        (struct cs_str){0});
        }
    }
}

/* The library refuses these itself; this is for the day when one of them does not. */
static void check_critical(struct run *run)
{
    for (size_t i = 0; i < run->n_path; i++) {
        if (!run->path[i]->has_unknown_critical ||
            has_complaint(run, CS_X509_ERR_CRITICAL_EXTENSION, (int)i))
            continue;
        complain(run, CS_X509_ERR_CRITICAL_EXTENSION, (int)i);
        find_in_run(run, (int)i, CS_X509_KIND(UNSUPPORTED_CRITICAL_EXTENSION),
                    run->path[i]->unknown_critical, (struct cs_str){0});
    }
}

static void check_host(struct run *run)
{
    struct cs_str host = run->q->host;
    struct cs_addr addr;

    if (host.len == 0)
        return;
    switch (cs_name_match_host(&run->certs[0], host)) {
    case CS_HOST_YES: return;
    case CS_HOST_BY_COMMON_NAME:
        find_in_run(run, 0, CS_X509_KIND(NAME_IN_COMMON_NAME_ONLY), host, (struct cs_str){0});
        return;
    case CS_HOST_NO: break;
    }
    complain(run, cs_addr_parse_ip(host, 0, &addr) == 0 ? CS_X509_ERR_IP : CS_X509_ERR_HOST, 0);
    find_in_run(run, 0, CS_X509_KIND(NAME_MISMATCH), host,
                cs_cert_names_text(&run->certs[0], run->arena));
}

static void add_text(struct cs_buf *buf, struct cs_str text)
{
    if (buf->len)
        cs_buf_add_str(buf, CS_STR(", "));
    cs_buf_add_str(buf, text);
}

static struct cs_str take_text(struct cs_buf *buf, struct cs_arena *arena)
{
    struct cs_str text = cs_arena_dup(arena, cs_buf_str(buf));

    cs_buf_deinit(buf);
    return text;
}

/* As many of them as a sentence takes. */
static struct cs_str pins_text(const struct cs_demand *demand, struct cs_arena *arena)
{
    struct cs_buf buf;

    cs_buf_init(&buf, TEXT_MAX);
    for (size_t i = 0; i < demand->n_pins && i < NAMES_SHOWN; i++)
        add_text(&buf, cs_pin_text(demand->pins[i].sha256, arena));
    if (demand->n_pins > NAMES_SHOWN)
        add_text(&buf, CS_STR("…"));
    return take_text(&buf, arena);
}

static struct cs_str domains_text(const struct cs_demand *demand, struct cs_arena *arena)
{
    struct cs_buf buf;

    cs_buf_init(&buf, TEXT_MAX);
    for (size_t i = 0; i < demand->n_domains && i < NAMES_SHOWN; i++)
        add_text(&buf, demand->domains[i]);
    if (demand->n_domains > NAMES_SHOWN)
        add_text(&buf, CS_STR("…"));
    return take_text(&buf, arena);
}

/* Of a path that nobody trusted ends, only the leaf's key is proven. */
static bool is_pinned(const struct run *run)
{
    size_t n = run->anchored ? run->n_path : 0;

    if (cs_demand_is_pinned(run->q->demand, &run->certs[0]))
        return true;
    for (size_t i = 0; i < n; i++) {
        if (cs_demand_is_pinned(run->q->demand, run->path[i]))
            return true;
    }
    return false;
}

static void check_demand(struct run *run)
{
    const struct cs_demand *demand = run->q->demand;
    struct cs_str id;

    if (!demand)
        return;
    if (!is_pinned(run)) {
        complain(run, CS_X509_ERR_UNSPECIFIED, 0);
        find_in_run(run, 0, CS_X509_KIND(PIN_MISMATCH),
                    cs_pin_text(run->certs[0].spki_sha256, run->arena),
                    pins_text(demand, run->arena));
    }
    if (!cs_demand_has_domain(demand, &run->certs[0], &id)) {
        complain(run, CS_X509_ERR_UNSPECIFIED, 0);
        find_in_run(run, 0, CS_X509_KIND(TRUST_DOMAIN_UNKNOWN), id.len ? id : CS_STR("none"),
                    domains_text(demand, run->arena));
    }
}

/* ---- what is good here and may not be elsewhere ---- */

/* Some verifiers take the chain as it comes, or compare names byte by byte. */
static void remark_order(struct run *run)
{
    struct cs_str none = {0};

    for (size_t i = 1; i < run->n; i++) {
        const struct cs_cert *cert = &run->certs[i], *below = &run->certs[i - 1];
        if (cs_lint_follows(cert, below))
            continue;
        find(&run->v->findings, run->q->purpose, (int)i, cert, CS_X509_KIND(CHAIN_UNORDERED),
             cs_name_shown(below->issuer, run->arena), none);
        return;
    }
    if (run->n > 1 && cs_cert_self_issued(&run->certs[run->n - 1]))
        find(&run->v->findings, run->q->purpose, (int)run->n - 1, &run->certs[run->n - 1],
             CS_X509_KIND(ROOT_IN_CHAIN), none, none);
}

static void remark_path(struct run *run)
{
    for (size_t i = 0; i < run->n_path; i++) {
        const char *missing = cs_lint_missing_key_id(run->path[i]);
        if (missing)
            find_in_run(run, (int)i, CS_X509_KIND(KEY_ID_MISSING), cs_str_from(missing),
                        (struct cs_str){0});
        if (i + 1 < run->n_path && !cs_str_eq(run->path[i]->issuer, run->path[i + 1]->subject))
            find_in_run(
                run, (int)i, CS_X509_KIND(NAME_ENCODING_DIFFERS),
                cs_arena_printf(run->arena, "the issuer's certificate says \"%.*s\"",
                                CS_FMT(cs_name_shown(run->path[i + 1]->subject, run->arena))),
                (struct cs_str){0});
    }
}

/* ---- step 5: revocation ---- */

/* A list that does not say what it should: whether that is put up with. A wrong one never is. */
static bool is_put_up_with(const struct cs_crl_answer *a, const struct cs_chain_query *q)
{
    switch (a->status) {
    case CS_CRL_EXPIRED:
        return q->revocation.soft || q->now_sec - a->next_update < q->revocation.grace_sec;
    case CS_CRL_MISSING:
    case CS_CRL_NOT_YET_VALID: return q->revocation.soft;
    default: return false;
    }
}

static const struct cs_finding_kind *kind_of_list(enum cs_crl_status status)
{
    switch (status) {
    case CS_CRL_EXPIRED: return CS_X509_KIND(CRL_EXPIRED);
    case CS_CRL_NOT_YET_VALID: return CS_X509_KIND(CRL_NOT_YET_VALID);
    default: return CS_X509_KIND(CRL_MISSING);
    }
}

/* Accepted although @why: @cause would be the refusal. */
static void find_unknown(const struct cs_chain_query *q, const struct cs_cert *cert, int depth,
                         struct cs_str why, const struct cs_finding_kind *cause,
                         struct cs_findings *findings)
{
    find(findings, q->purpose, depth, cert, CS_X509_KIND(REVOCATION_UNKNOWN), why,
         cs_str_from(cause->code));
}

static void find_put_up_with(const struct cs_crl_answer *a, const struct cs_chain_query *q,
                             const struct cs_cert *cert, struct cs_str ca, int depth,
                             struct cs_findings *findings)
{
    struct cs_arena *arena = findings->arena;
    struct cs_str why =
        cs_arena_printf(arena, "there is no revocation list of \"%.*s\"%s", CS_FMT(ca),
                        a->has_others ? " for it, only parts for others" : "");

    if (a->status == CS_CRL_EXPIRED)
        why = cs_arena_printf(arena, "the revocation list of \"%.*s\" was good until %.*s",
                              CS_FMT(ca), CS_FMT(time_text(arena, a->next_update)));
    else if (a->status == CS_CRL_NOT_YET_VALID)
        why = cs_arena_printf(arena, "the revocation list of \"%.*s\" is good from %.*s on",
                              CS_FMT(ca), CS_FMT(time_text(arena, a->this_update)));
    why = cs_arena_printf(arena, "%.*s; the time here is %.*s", CS_FMT(why),
                          CS_FMT(time_text(arena, q->now_sec)));
    find_unknown(q, cert, depth, why, kind_of_list(a->status), findings);
}

/* What is missing: {5} of crl-missing. */
static struct cs_str missing_text(const struct cs_crl_answer *a, const struct cs_cert *cert,
                                  struct cs_arena *arena)
{
    if (!a->has_others)
        return CS_STR("once lists are configured, every CA of the chain must have one");
    if (!cert->crl_urls.n)
        return CS_STR("those that there are have other certificates, and this one does not say "
                      "which part would list it");
    return cs_arena_printf(arena,
                           "those that there are have other certificates; this one would be "
                           "in \"%.*s\"",
                           CS_FMT(cert->crl_urls.items[0]));
}

/* What one answer of the lists means. Return: the error number, 0 for good. */
static int judge_answer(const struct cs_chain_query *q, const struct cs_crl_answer *a,
                        const struct cs_cert *cert, const struct cs_cert *issuer, int depth,
                        struct cs_findings *findings)
{
    struct cs_arena *arena = findings->arena;
    enum cs_purpose purpose = q->purpose;
    struct cs_str now, ca;

    if (a->status == CS_CRL_GOOD)
        return 0;
    now = time_text(arena, q->now_sec);
    ca = cs_name_shown(issuer->subject, arena);
    if (is_put_up_with(a, q)) {
        find_put_up_with(a, q, cert, ca, depth, findings);
        return 0;
    }
    switch (a->status) {
    case CS_CRL_GOOD: break;
    case CS_CRL_REVOKED:
        find(findings, purpose, depth, cert, CS_X509_KIND(REVOKED), time_text(arena, a->revoked_at),
             cs_crl_reason_text(a->reason));
        return CS_X509_ERR_REVOKED;
    case CS_CRL_MISSING:
        find(findings, purpose, depth, cert, CS_X509_KIND(CRL_MISSING), ca,
             missing_text(a, cert, arena));
        return CS_X509_ERR_NO_CRL;
    case CS_CRL_EXPIRED:
        find(findings, purpose, depth, cert, CS_X509_KIND(CRL_EXPIRED),
             time_text(arena, a->next_update), now);
        return CS_X509_ERR_CRL_EXPIRED;
    case CS_CRL_NOT_YET_VALID:
        find(findings, purpose, depth, cert, CS_X509_KIND(CRL_NOT_YET_VALID),
             time_text(arena, a->this_update), now);
        return CS_X509_ERR_CRL_NOT_YET_VALID;
    case CS_CRL_BAD_SIGNATURE:
        CS_FIND(findings, CS_X509_KIND(CRL_SIGNATURE_INVALID), NULL, ca, (struct cs_str){0},
                (struct cs_str){0}, (struct cs_str){0},
                CS_STR("it was not made with the key of the CA in the chain"));
        return CS_X509_ERR_CRL_SIGNATURE;
    case CS_CRL_SIGNER_MISMATCH:
        CS_FIND(findings, CS_X509_KIND(CRL_SIGNER_MISMATCH), NULL, ca, (struct cs_str){0},
                (struct cs_str){0}, (struct cs_str){0}, cs_cert_key_usage_text(issuer, arena));
        return CS_X509_ERR_NO_CRL_SIGN;
    }
    return CS_X509_ERR_UNSPECIFIED;
}

void cs_chain_standing_key(const struct cs_chain_query *q, const struct cs_cert *const *path,
                           size_t i, uint8_t ret_key[32])
{
    cs_standing_key(path[i], path[i + 1], q->revocation.responder, ret_key);
}

/* Whether responders are asked about path[@i]; who issued its end is not known. */
static bool is_asked_about(const struct cs_chain_query *q, size_t n_path, size_t i)
{
    return q->revocation.ocsp && i + 1 < n_path && (i == 0 || !q->revocation.ocsp_leaf_only);
}

static const struct cs_standing *standing_of(const struct cs_chain_query *q,
                                             const struct cs_cert *const *path, size_t n_path,
                                             size_t i)
{
    uint8_t key[CS_STANDING_KEY];

    if (!q->standings || !is_asked_about(q, n_path, i))
        return NULL;
    cs_chain_standing_key(q, path, i, key);
    return cs_standings_find(q->standings, key);
}

/* Whether a responder has said that path[@i] is revoked. */
static bool is_said_revoked(const struct cs_chain_query *q, const struct cs_cert *const *path,
                            size_t n_path, size_t i, struct cs_crl_answer *answer)
{
    const struct cs_standing *standing = standing_of(q, path, n_path, i);
    struct cs_patience patience = {
        .now_sec = q->now_sec, .now_ms = q->now_ms, .since_ms = INT64_MIN};

    if (cs_standing_judge(standing, &patience) != CS_OPINION_REVOKED)
        return false;
    answer->revoked_at = standing->revoked_at;
    answer->reason = standing->reason;
    return true;
}

/* What is known about path[@i]: a word against it counts before what a list says. */
static struct cs_crl_answer ask(const struct cs_chain_query *q, const struct cs_cert *const *path,
                                size_t n_path, size_t i)
{
    const struct cs_cert *issuer = path[i + 1 < n_path ? i + 1 : i];
    const struct cs_crl_set *crls = cs_trust_crls(q->trust);
    struct cs_crl_answer a = {.status = CS_CRL_GOOD, .next_update = INT64_MAX};

    if (cs_revoked_set_check(q->revoked, path[i], &a.revoked_at, &a.reason) ||
        is_said_revoked(q, path, n_path, i, &a))
        a.status = CS_CRL_REVOKED;
    else if (crls && (i == 0 || !q->revocation.leaf_only))
        a = cs_crl_set_check(crls, path[i], issuer, q->now_sec);
    return a;
}

/* nginx's ssl_crl: a list for every CA of the path, the root included. */
static void check_revocation(struct run *run)
{
    for (size_t i = 0; run->anchored && i < run->n_path; i++) {
        const struct cs_cert *issuer = run->path[i + 1 < run->n_path ? i + 1 : i];
        struct cs_crl_answer a = ask(run->q, run->path, run->n_path, i);
        int error = judge_answer(run->q, &a, run->path[i], issuer, (int)i, &run->v->findings);
        if (error)
            complain(run, error, (int)i);
        else if (a.status == CS_CRL_GOOD && a.next_update < run->v->valid_until)
            run->v->valid_until = a.next_update;
    }
}

/* The same for a certificate that was found good before. */
static int recheck_time(const struct cs_chain_query *q, const struct cs_cert *cert, int depth,
                        struct cs_findings *findings)
{
    const struct cs_finding_kind *kind = CS_X509_KIND(CERTIFICATE_NOT_YET_VALID);
    int error = error_of_time(cert, q->now_sec);
    bool expired = error == CS_X509_ERR_EXPIRED;

    if (!error)
        return 0;
    if (is_excused(cert, q)) {
        find_excused(findings, q->purpose, depth, cert, q->now_sec);
        return 0;
    }
    if (expired)
        kind = depth ? CS_X509_KIND(ISSUER_EXPIRED) : CS_X509_KIND(CERTIFICATE_EXPIRED);
    find(findings, q->purpose, depth, cert, kind,
         time_text(findings->arena, expired ? cert->not_after : cert->not_before),
         time_text(findings->arena, q->now_sec));
    return error;
}

int cs_chain_recheck(const struct cs_chain_query *q, const struct cs_cert *const *path,
                     size_t n_path, struct cs_findings *findings)
{
    int error = 0;

    for (size_t i = 0; i < n_path && !error; i++) {
        const struct cs_cert *issuer = path[i + 1 < n_path ? i + 1 : i];
        struct cs_crl_answer a;
        error = recheck_time(q, path[i], (int)i, findings);
        if (error)
            break;
        a = ask(q, path, n_path, i);
        error = judge_answer(q, &a, path[i], issuer, (int)i, findings);
    }
    return error;
}

/* ---- taken back ---- */

static bool is_among(const struct cs_cert *cert, const struct cs_cert *certs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (cert == &certs[i] || memcmp(cert->sha256, certs[i].sha256, sizeof(cert->sha256)) == 0)
            return true;
    }
    return false;
}

/* Whether @trust has what the path of @held rests on: its end, and whatever the peer did not
 * present itself. */
static bool is_held_up(const struct cs_verdict *held, const struct cs_trust *trust)
{
    const struct cs_cert *trusted;
    size_t n_trusted;

    trusted = cs_trust_certs(trust, &n_trusted);
    for (size_t i = 0; i < held->n_path; i++) {
        bool presented =
            i + 1 < held->n_path && is_among(held->path[i], held->presented, held->n_presented);
        if (!presented && !is_among(held->path[i], trusted, n_trusted))
            return false;
    }
    return true;
}

/* What speaks against path[@depth]. Return: the error number, or 0. */
static int find_withdrawal(const struct cs_chain_query *q, const struct cs_verdict *held, int depth,
                           bool expiry, struct cs_findings *findings)
{
    const struct cs_cert *cert = held->path[depth];
    struct cs_crl_answer a = ask(q, held->path, held->n_path, (size_t)depth);

    if (a.status == CS_CRL_REVOKED)
        return judge_answer(q, &a, cert, cert, depth, findings);
    if (expiry && error_of_time(cert, q->now_sec) == CS_X509_ERR_EXPIRED)
        return recheck_time(q, cert, depth, findings);
    return 0;
}

/* Whether a finding of a new verdict is about what was accepted, rather than about the time or
 * about lists that say nothing. */
static bool is_withdrawal(const struct cs_finding_kind *kind, bool expiry)
{
    static const struct cs_finding_kind *const lists[] = {
        CS_X509_KIND(CRL_MISSING), CS_X509_KIND(CRL_EXPIRED), CS_X509_KIND(CRL_NOT_YET_VALID),
        CS_X509_KIND(CRL_SIGNATURE_INVALID), CS_X509_KIND(CRL_SIGNER_MISMATCH)};

    if (kind == CS_X509_KIND(CERTIFICATE_EXPIRED) || kind == CS_X509_KIND(ISSUER_EXPIRED))
        return expiry;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (kind == lists[i])
            return false;
    }
    return kind->severity == CS_SEVERITY_ERROR && kind != CS_X509_KIND(CERTIFICATE_NOT_YET_VALID);
}

/* The path does not hold under the trust of today: whether another one does. */
static int verify_afresh(const struct cs_chain_query *q, bool expiry, struct cs_arena *arena,
                         struct cs_verdict *ret_verdict)
{
    struct cs_verdict v;
    const struct cs_finding *f;
    int r = cs_chain_verify(q, arena, &v);

    if (r < 0 || v.accepted)
        return r;
    for (f = v.findings.first; f && !is_withdrawal(f->kind, expiry);)
        f = f->next;
    if (!f)
        return 0;
    v.cause = f;
    *ret_verdict = v;
    return 1;
}

/* What was accepted is not, for the finding that was made last. */
static void refuse(struct cs_verdict *v, int error, int depth)
{
    v->accepted = false;
    v->error = error;
    v->error_depth = depth;
    v->cause = v->findings.last;
    v->path = NULL;
    v->n_path = 0;
}

int cs_chain_withdrawn(const struct cs_chain_query *q, const struct cs_verdict *held, bool expiry,
                       struct cs_arena *arena, struct cs_verdict *ret_verdict)
{
    struct cs_verdict v = *held;
    int error = 0, depth;

    if (!is_held_up(held, q->trust))
        return verify_afresh(q, expiry, arena, ret_verdict);
    cs_findings_init(&v.findings, arena);
    for (depth = 0; depth < (int)held->n_path && !error; depth++)
        error = find_withdrawal(q, held, depth, expiry, &v.findings);
    if (!error)
        return 0;
    refuse(&v, error, depth - 1);
    *ret_verdict = v;
    return 1;
}

/* ---- what responders say ---- */

/* Who was asked about path[@depth], as evidence. */
static struct cs_str responder_text(const struct cs_chain_query *q, const struct cs_standing *s,
                                    struct cs_arena *arena)
{
    if (q->revocation.stapled)
        return CS_STR("the response that the server stapled");
    if (s && s->url[0])
        return cs_arena_printf(arena, "responder %s", s->url);
    return q->revocation.responder.len
               ? cs_arena_printf(arena, "responder %.*s", CS_FMT(q->revocation.responder))
               : CS_STR("no responder");
}

/* What was said, or why nothing was. */
static struct cs_str said_text(const struct cs_chain_query *q, const struct cs_standing *s,
                               struct cs_arena *arena)
{
    struct cs_str now = time_text(arena, q->now_sec);

    if (s && s->failure)
        return cs_arena_printf(arena, "%s; the time here is %.*s", s->words, CS_FMT(now));
    if (s && s->answered)
        return cs_arena_printf(arena, "\"%.*s\" of %.*s, good until %.*s; the time here is %.*s",
                               CS_FMT(cs_ocsp_status_text(s->said)),
                               CS_FMT(time_text(arena, s->this_update)),
                               CS_FMT(time_text(arena, s->next_update)), CS_FMT(now));
    return cs_arena_printf(arena, "it has not answered in time; the time here is %.*s",
                           CS_FMT(now));
}

static const struct cs_finding_kind *kind_of(const struct cs_chain_query *q,
                                             enum cs_opinion opinion)
{
    switch (opinion) {
    case CS_OPINION_UNKNOWN: return CS_X509_KIND(OCSP_UNKNOWN);
    case CS_OPINION_GRACE:
    case CS_OPINION_STALE: return CS_X509_KIND(OCSP_STALE);
    case CS_OPINION_UNAUTHORIZED: return CS_X509_KIND(OCSP_UNAUTHORIZED);
    default: break;
    }
    return q->revocation.stapled ? CS_X509_KIND(STAPLE_USELESS) : CS_X509_KIND(OCSP_UNREACHABLE);
}

/* One certificate of the path, which no good answer covers. Return: the error number, or 0 where
 * that is put up with. */
static int judge_standing(const struct cs_chain_query *q, const struct cs_standing *s,
                          enum cs_opinion opinion, const struct cs_cert *cert, int depth,
                          struct cs_findings *findings)
{
    struct cs_arena *arena = findings->arena;
    struct cs_str who = responder_text(q, s, arena), what = said_text(q, s, arena);

    if (opinion == CS_OPINION_REVOKED) {
        find(findings, q->purpose, depth, cert, CS_X509_KIND(REVOKED),
             time_text(arena, s->revoked_at),
             cs_arena_printf(arena, "%.*s, says %.*s", CS_FMT(cs_crl_reason_text(s->reason)),
                             CS_FMT(who)));
        return CS_X509_ERR_REVOKED;
    }
    if (opinion == CS_OPINION_GRACE || q->revocation.soft) {
        find_unknown(q, cert, depth,
                     cs_arena_printf(arena, "%.*s: %.*s", CS_FMT(who), CS_FMT(what)),
                     kind_of(q, opinion), findings);
        return 0;
    }
    find(findings, q->purpose, depth, cert, kind_of(q, opinion), who, what);
    return opinion == CS_OPINION_UNKNOWN ? CS_X509_ERR_OCSP_UNKNOWN : CS_X509_ERR_OCSP_FAILED;
}

enum cs_standing_step cs_chain_standing(const struct cs_chain_query *q,
                                        const struct cs_patience *patience,
                                        const struct cs_verdict *held, struct cs_arena *arena,
                                        uint64_t *ret_wanted, struct cs_verdict *ret_verdict)
{
    enum cs_standing_step step = CS_STANDING_PASSES;
    struct cs_verdict v = *held;

    *ret_wanted = 0;
    cs_findings_init(&v.findings, arena);
    for (size_t i = 0; i < held->n_path && is_asked_about(q, held->n_path, i); i++) {
        const struct cs_standing *s = standing_of(q, held->path, held->n_path, i);
        enum cs_opinion opinion = cs_standing_judge(s, patience);
        int error = 0;
        if (opinion == CS_OPINION_ASK) {
            *ret_wanted |= UINT64_C(1) << i;
            step = CS_STANDING_ASK;
        } else if (opinion != CS_OPINION_GOOD) {
            error = judge_standing(q, s, opinion, held->path[i], (int)i, &v.findings);
        }
        if (error) {
            refuse(&v, error, (int)i);
            step = CS_STANDING_REFUSED;
            break;
        }
    }
    *ret_verdict = v;
    return step;
}

/* ---- the sum ---- */

/* The order in which OpenSSL 3 looks; nginx logs the last complaint, so the latest stage. */
static int stage_of(int error)
{
    switch (error) {
    case CS_X509_ERR_UNSPECIFIED: return 8;
    case CS_X509_ERR_NO_ISSUER:
    case CS_X509_ERR_SELF_SIGNED_LEAF:
    case CS_X509_ERR_SELF_SIGNED_IN_CHAIN:
    case CS_X509_ERR_NO_LOCAL_ISSUER:
    case CS_X509_ERR_CHAIN_TOO_LONG:
    case CS_X509_ERR_UNTRUSTED:
    case CS_X509_ERR_REJECTED: return 1;
    case CS_X509_ERR_LEAF_KEY_SMALL:
    case CS_X509_ERR_CA_KEY_SMALL:
    case CS_X509_ERR_DIGEST_WEAK: return 3;
    case CS_X509_ERR_HOST:
    case CS_X509_ERR_IP: return 4;
    case CS_X509_ERR_NO_CRL:
    case CS_X509_ERR_CRL_SIGNATURE:
    case CS_X509_ERR_CRL_EXPIRED:
    case CS_X509_ERR_CRL_NOT_YET_VALID:
    case CS_X509_ERR_REVOKED:
    case CS_X509_ERR_NO_CRL_SIGN: return 5;
    case CS_X509_ERR_SIGNATURE:
    case CS_X509_ERR_EXPIRED:
    case CS_X509_ERR_NOT_YET_VALID:
    case CS_X509_ERR_LEAF_SIGNATURE:
    case CS_X509_ERR_NO_CERT_SIGN: return 6;
    default: break;
    }
    return error >= CS_X509_ERR_PERMITTED && error <= CS_X509_ERR_NAME_SYNTAX ? 7 : 2;
}

/* Signatures and times are looked at from the root down, all else from the leaf up. */
static bool comes_later(const struct complaint *a, const struct complaint *b)
{
    int sa = stage_of(a->error), sb = stage_of(b->error);

    if (sa != sb)
        return sa > sb;
    return sa >= 6 ? a->depth < b->depth : a->depth >= b->depth;
}

static void number_error(struct run *run)
{
    const struct complaint *last = NULL;

    for (size_t i = 0; i < run->n_complaints; i++) {
        if (!last || comes_later(&run->complaints[i], last))
            last = &run->complaints[i];
    }
    if (!last)
        return;
    run->v->error = last->error;
    run->v->error_depth = last->depth;
}

static bool only_unknown_issuer(const struct run *run)
{
    for (size_t i = 0; i < run->n_complaints; i++) {
        switch (run->complaints[i].error) {
        case CS_X509_ERR_SELF_SIGNED_LEAF:
        case CS_X509_ERR_SELF_SIGNED_IN_CHAIN:
        case CS_X509_ERR_NO_LOCAL_ISSUER:
        case CS_X509_ERR_LEAF_SIGNATURE: break;
        default: return false;
        }
    }
    return true;
}

static void measure_path(struct run *run)
{
    struct cs_verdict *v = run->v;

    v->path_not_before = INT64_MIN;
    v->path_not_after = INT64_MAX;
    for (size_t i = 0; i < run->n_path; i++) {
        if (run->path[i]->not_after < v->path_not_after)
            v->path_not_after = run->path[i]->not_after;
        if (run->path[i]->not_before > v->path_not_before)
            v->path_not_before = run->path[i]->not_before;
    }
    v->valid_until = v->path_not_after;
}

static const struct cs_finding *first_error(const struct cs_findings *findings)
{
    const struct cs_finding *f = findings->first;

    while (f && f->kind->severity != CS_SEVERITY_ERROR)
        f = f->next;
    return f;
}

static void conclude(struct run *run)
{
    struct cs_verdict *v = run->v;

    v->presented = run->certs;
    v->n_presented = run->n;
    v->leaf = run->n ? &run->certs[0] : NULL;
    v->cause = first_error(&v->findings);
    number_error(run);
    v->accepted = run->n_complaints == 0 && v->findings.n_errors == 0 && run->n_path > 0;
    v->tolerated = !v->accepted && run->q->allow_unknown_issuer && run->n_complaints > 0 &&
                   only_unknown_issuer(run);
    if (v->accepted) {
        v->path = run->path;
        v->n_path = run->n_path;
    } else if (!v->error) {
        v->error = CS_X509_ERR_UNSPECIFIED;
    }
}

static int judge(struct run *run)
{
    int r;

    if (!parse_presented(run))
        return 0;
    r = ask_library(run);
    if (r < 0)
        return r;
    run->anchored = is_anchored(run);
    measure_path(run);
    excuse_times(run);
    level_complaints(run);
    explain_complaints(run);
    check_times(run);
    check_depth(run);
    check_leaf_usage(run);
    check_critical(run);
    check_strength(run);
    check_svid(run);
    check_host(run);
    check_demand(run);
    check_revocation(run);
    remark_order(run);
    remark_path(run);
    return 0;
}

int cs_chain_verify(const struct cs_chain_query *query, struct cs_arena *arena,
                    struct cs_verdict *ret_verdict)
{
    struct cs_verdict v = {0};
    struct run run = {.q = query, .arena = arena, .v = &v};
    int r;

    cs_findings_init(&v.findings, arena);
    r = judge(&run);
    for (size_t i = 0; i < CS_CHAIN_CERTS_MAX; i++)
        X509_free(run.objects[i]);
    if (r < 0)
        return r;
    conclude(&run);
    *ret_verdict = v;
    return 0;
}

struct cs_str cs_verdict_reason(const struct cs_verdict *verdict)
{
    return cs_x509_error_text(verdict->error);
}

uint8_t cs_verdict_alert(const struct cs_verdict *verdict)
{
    if (verdict->accepted)
        return 0;
    return cs_x509_finding_alert(verdict->cause ? verdict->cause->kind : NULL);
}
