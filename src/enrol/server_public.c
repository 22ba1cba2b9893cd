/* What everybody may read: roots, revocation lists, the trust bundle, health. Each is a document
 * that is made when it is asked for and kept until it is no longer true. */
#include "enrol/server_state.h"

#include <errno.h>

#include "base/mem.h"
#include "enrol/findings.h"
#include "serve/findings.h"
#include "x509/der.h"
#include "x509/pem.h"

enum {
    DOCUMENT_MAX = 4 << 20,
    REFRESH_SEC = 300, /* how often who trusts us asks for the bundle */
    COST_FACTOR = 10, /* a list is made anew when ten times as long has passed as making it takes */
};

/* ---- roots ---- */

static int make_roots(struct cs_enrol_server *server)
{
    struct cs_buf pem;
    int r;

    cs_buf_init(&pem, DOCUMENT_MAX);
    r = cs_ca_roots(server->ca, &pem);
    if (r == 0)
        server->roots = cs_document_new("application/pem-certificate-chain", cs_buf_str(&pem), 0);
    cs_buf_deinit(&pem);
    return r;
}

void cs_on_roots(void *ctx, struct cs_question *question)
{
    struct cs_enrol_server *server = ctx;
    int r = server->roots ? 0 : make_roots(server);

    if (r < 0)
        cs_enrol_refuse_fault(server, question, r, "the roots cannot be read");
    else
        cs_question_document(question, server->roots);
}

/* ---- the bundle (SPIFFE Trust Domain and Bundle, section 4; RFC 7517, 7518, 8037) ---- */

static int add_base64url(struct cs_buf *buf, const char *name, struct cs_str bytes)
{
    size_t at;
    int r = cs_buf_addf(buf, ",\"%s\":\"", name);

    at = buf->len;
    r = r ? r : cs_base64_write(buf, bytes);
    if (r)
        return r;
    while (buf->len > at && buf->ptr[buf->len - 1] == '=')
        buf->len--;
    for (size_t i = at; i < buf->len; i++) {
        char c = buf->ptr[i];
        buf->ptr[i] = (char)(c == '+' ? '-' : c == '/' ? '_' : c);
    }
    return cs_buf_add_char(buf, '"');
}

/* The key's bits: SubjectPublicKeyInfo { algorithm, subjectPublicKey }. */
static bool key_bits(struct cs_str spki, struct cs_str *ret_bits)
{
    struct cs_str info, algorithm, bits;

    if (!cs_der_take(&spki, CS_DER_SEQUENCE, &info) ||
        !cs_der_take(&info, CS_DER_SEQUENCE, &algorithm) ||
        !cs_der_take(&info, CS_DER_BIT_STRING, &bits) || bits.len < 1 || bits.ptr[0] != 0)
        return false;
    *ret_bits = cs_str_skip(bits, 1);
    return true;
}

static struct cs_str without_sign(struct cs_str number)
{
    return number.len > 1 && number.ptr[0] == 0 ? cs_str_skip(number, 1) : number;
}

static int add_rsa(struct cs_buf *buf, struct cs_str bits)
{
    struct cs_str key, n, e;

    if (!cs_der_take(&bits, CS_DER_SEQUENCE, &key) || !cs_der_take(&key, CS_DER_INTEGER, &n) ||
        !cs_der_take(&key, CS_DER_INTEGER, &e))
        return -EINVAL;
    return cs_buf_add_str(buf, CS_STR(",\"kty\":\"RSA\"")) ||
           add_base64url(buf, "n", without_sign(n)) || add_base64url(buf, "e", without_sign(e));
}

/* An uncompressed point: 4, x, y. */
static int add_ec(struct cs_buf *buf, const struct cs_cert *cert, struct cs_str bits)
{
    size_t half = bits.len / 2;

    if (bits.len < 3 || bits.len % 2 == 0 || bits.ptr[0] != 4)
        return -EINVAL;
    return cs_buf_addf(buf, ",\"kty\":\"EC\",\"crv\":\"%.*s\"", CS_FMT(cert->key_name)) ||
           add_base64url(buf, "x", cs_str_sub(bits, 1, half)) ||
           add_base64url(buf, "y", cs_str_skip(bits, 1 + half));
}

static int add_key(struct cs_buf *buf, const struct cs_cert *cert)
{
    struct cs_str bits;

    if (!key_bits(cert->spki, &bits))
        return -EINVAL;
    switch (cert->key_kind) {
    case CS_KEY_RSA: return add_rsa(buf, bits);
    case CS_KEY_EC: return add_ec(buf, cert, bits);
    case CS_KEY_ED25519:
        return cs_buf_add_str(buf, CS_STR(",\"kty\":\"OKP\",\"crv\":\"Ed25519\"")) ||
               add_base64url(buf, "x", bits);
    default: return -EINVAL;
    }
}

static int add_root(struct cs_buf *buf, const struct cs_cert *cert)
{
    return cs_buf_add_str(buf, CS_STR("{\"use\":\"x509-svid\"")) || add_key(buf, cert) ||
           cs_buf_add_str(buf, CS_STR(",\"x5c\":[\"")) || cs_base64_write(buf, cert->der) ||
           cs_buf_add_str(buf, CS_STR("\"]}"));
}

/* Grows with every change of the roots: none is ever forgotten. */
static uint64_t count_changes(const struct cs_issuer *issuers, size_t n)
{
    uint64_t changes = 0;

    for (size_t i = 0; i < n; i++)
        changes += 1 + (issuers[i].activated_at != 0) + (issuers[i].retired_at != 0);
    return changes;
}

static int write_bundle(struct cs_enrol_server *server, struct cs_buf *buf)
{
    const struct cs_issuer *issuers;
    size_t n;
    int r = cs_ca_issuers(server->ca, &issuers, &n);

    r = r ? r : cs_buf_add_str(buf, CS_STR("{\"keys\":["));
    for (size_t i = 0; i < n && !r; i++) {
        if (!issuers[i].is_root || issuers[i].state == CS_ISSUER_RETIRED)
            continue;
        if (buf->ptr[buf->len - 1] == '}')
            r = cs_buf_add_char(buf, ',');
        r = r ? r : add_root(buf, &issuers[i].cert);
    }
    return r ? r
             : cs_buf_addf(buf, "],\"spiffe_sequence\":%llu,\"spiffe_refresh_hint\":%d}",
                           (unsigned long long)count_changes(issuers, n), REFRESH_SEC);
}

void cs_on_bundle(void *ctx, struct cs_question *question)
{
    struct cs_enrol_server *server = ctx;
    struct cs_buf json;
    int r = 0;

    cs_buf_init(&json, DOCUMENT_MAX);
    if (!server->bundle)
        r = write_bundle(server, &json);
    if (r == 0 && !server->bundle)
        server->bundle = cs_document_new("application/json", cs_buf_str(&json), 0);
    if (r == 0)
        cs_question_document(question, server->bundle);
    else
        cs_enrol_refuse_fault(server, question, r, "the bundle cannot be made");
    cs_buf_deinit(&json);
}

/* ---- revocation lists ---- */

static struct cs_served_list *find_list(struct cs_enrol_server *server, uint32_t issuer, int shard)
{
    for (struct cs_served_list *list = server->lists; list; list = list->next) {
        if (list->issuer == issuer && list->shard == shard)
            return list;
    }
    return NULL;
}

/* Whether it says all that is known, or costs too much to be made anew so soon. */
static bool is_current(const struct cs_enrol_server *server, const struct cs_served_list *list)
{
    int64_t age_ms = server->loop.now.mono_ms - list->made_ms;

    if (cs_enrol_now(server) >= list->until_sec)
        return false;
    return list->revocations == server->revocations || age_ms < COST_FACTOR * list->cost_ms;
}

/* Only lists that the CA has are kept, so there is a bound. */
static void keep(struct cs_enrol_server *server, uint32_t issuer, int shard,
                 const struct cs_ca_list *made, int64_t cost_ms)
{
    struct cs_served_list *list = find_list(server, issuer, shard);

    if (!list) {
        list = CS_NEW(struct cs_served_list);
        list->issuer = issuer;
        list->shard = shard;
        list->next = server->lists;
        server->lists = list;
    }
    cs_document_unref(list->document);
    list->document = cs_document_new("application/pkix-crl", made->der, 0);
    list->revocations = server->revocations;
    list->until_sec = made->this_update + (made->next_update - made->this_update) / 2;
    list->made_ms = server->loop.now.mono_ms;
    list->cost_ms = cost_ms;
}

static int make_list(struct cs_enrol_server *server, uint32_t issuer, int shard,
                     struct cs_findings *findings)
{
    int64_t before_ms = server->loop.now.mono_ms;
    struct cs_ca_list made;
    int r = cs_ca_crl(server->ca, issuer, shard, cs_enrol_now(server), findings, &made);

    if (r)
        return r;
    cs_loop_now(&server->loop);
    keep(server, issuer, shard, &made, server->loop.now.mono_ms - before_ms);
    return 0;
}

/* A number in its only spelling. */
static bool read_number(struct cs_str text, uint64_t max, uint64_t *ret)
{
    return cs_str_to_u64(text, max, ret) == 0 && (text.len == 1 || text.ptr[0] != '0');
}

void cs_on_list(void *ctx, struct cs_question *question)
{
    struct cs_enrol_server *server = ctx;
    uint64_t issuer, shard = 0;
    bool whole = question->holes[1].len == 0;
    struct cs_served_list *list;
    int r = 0;

    if (!read_number(question->holes[0], UINT32_MAX, &issuer) ||
        (!whole && !read_number(question->holes[1], UINT16_MAX, &shard))) {
        CS_FIND(&question->findings, &cs_serve_found_path_unknown, NULL, question->path);
        cs_question_refuse(question, 0);
        return;
    }
    cs_events_look(server); /* what a command has just revoked is on it, too */
    list = find_list(server, (uint32_t)issuer, whole ? -1 : (int)shard);
    if (!list || !is_current(server, list))
        r = make_list(server, (uint32_t)issuer, whole ? -1 : (int)shard, &question->findings);
    if (r == CS_CA_REFUSED)
        cs_question_refuse(question, 0);
    else if (r < 0)
        cs_enrol_refuse_fault(server, question, r, "a revocation list cannot be made");
    else
        cs_question_document(
            question, find_list(server, (uint32_t)issuer, whole ? -1 : (int)shard)->document);
}

/* ---- health ---- */

static const struct cs_issuer *active_issuer(const struct cs_issuer *issuers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!issuers[i].is_root && issuers[i].state == CS_ISSUER_ACTIVE)
            return &issuers[i];
    }
    return NULL;
}

void cs_on_health(void *ctx, struct cs_question *question)
{
    struct cs_enrol_server *server = ctx;
    const struct cs_issuer *issuers, *active;
    char until[CS_TIME_TEXT];
    size_t n;
    int r = cs_ca_issuers(server->ca, &issuers, &n);

    if (r < 0) {
        cs_enrol_refuse_fault(server, question, r, "the CA cannot be read");
        return;
    }
    active = active_issuer(issuers, n);
    if (!active || !active->key || active->cert.not_after <= cs_enrol_now(server)) {
        CS_FIND0(&question->findings, CS_ENROL_KIND(CANNOT_ISSUE), NULL);
        cs_question_refuse(question, 0);
        return;
    }
    cs_question_answer(question, 200, "application/json",
                       cs_arena_printf(&question->arena,
                                       "{\"status\":\"ok\",\"version\":\"" CS_VERSION
                                       "\",\"fingerprint\":\"%s\",\"issuer_not_after\":\"%.*s\"}",
                                       server->fingerprint,
                                       CS_FMT(cs_time_iso(active->cert.not_after, until))));
}

void cs_public_deinit(struct cs_enrol_server *server)
{
    while (server->lists) {
        struct cs_served_list *list = server->lists;
        server->lists = list->next;
        cs_document_unref(list->document);
        free(list);
    }
    server->roots = cs_document_unref(server->roots);
    server->bundle = cs_document_unref(server->bundle);
}
