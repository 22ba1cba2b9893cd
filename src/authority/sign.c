/* From an order to a certificate, in the only order there is: known already? judged, drafted and
 * linted, noted in the log, signed, stored. Nothing is written before all questions are answered,
 * so a refusal inside a group leaves the others of it alone. */
#include <errno.h>
#include <openssl/rand.h>

#include "authority/findings.h"
#include "authority/state.h"
#include "base/time.h"
#include "store/store.h"
#include "x509/crl.h"
#include "x509/digest.h"
#include "x509/name.h"

enum { DER_MAX = 256 * 1024 };

struct signing {
    struct cs_ca *ca;
    const struct cs_requester *who;
    const char *action;
    int64_t now_sec;
    struct cs_arena *arena;
    struct cs_findings *findings;
    uint8_t request[32]; /* digest of what is asked for */
    const struct cs_pattern_set *entitled;
    const struct cs_claims *renewed;
    const uint8_t *token; /* its digest, or NULL */
    struct cs_str detail; /* for the log */
};

/* ---- known already ---- */

static void add_claims(struct cs_digest *sum, const struct cs_claims *claims)
{
    cs_digest_number(sum, (int64_t)claims->n);
    for (size_t i = 0; i < claims->n; i++) {
        cs_digest_number(sum, claims->items[i].kind);
        cs_digest_add(sum, claims->items[i].value);
    }
}

/* With a token it is the token and the key that are known again, without it the whole wish. */
static void digest_order(struct signing *s, const struct cs_order *order)
{
    struct cs_claims asked = cs_claims_of(&order->csr->asked, s->arena);
    struct cs_digest sum;

    cs_digest_init(&sum);
    cs_digest_add(&sum, cs_str_from(s->action));
    cs_digest_add(&sum, order->csr->asked.spki);
    if (s->token) {
        cs_digest_add(&sum, cs_str_make(s->token, 32));
    } else {
        cs_digest_number(&sum, s->who->proof);
        cs_digest_add(&sum, s->who->actor);
        cs_digest_add(&sum, s->who->key);
        cs_digest_add(&sum, order->profile);
        cs_digest_number(&sum, order->ttl_sec);
        add_claims(&sum, &order->names);
        add_claims(&sum, &asked);
    }
    cs_digest_final(&sum, s->request);
}

void cs_ca_renewal_digest(struct cs_str serial, uint8_t ret_digest[32])
{
    struct cs_digest sum;

    cs_digest_init(&sum);
    cs_digest_add(&sum, CS_STR("renew"));
    cs_digest_add(&sum, serial);
    cs_digest_final(&sum, ret_digest);
}

static void write_issued(const struct cs_stored_cert *cert, struct cs_issued *ret_issued)
{
    *ret_issued = (struct cs_issued){.serial = cert->serial,
                                     .der = cert->der,
                                     .identity = cert->identity,
                                     .profile = cert->profile,
                                     .issuer = cert->issuer,
                                     .not_before = cert->not_before,
                                     .not_after = cert->not_after,
                                     .renew_at = cert->renew_at};
}

/* What was issued for the same request and key, while it is still good to have.
 * Return: 1, 0 (there is none), or a fault. */
static int find_issued(struct signing *s, const struct cs_csr *csr, struct cs_issued *ret_issued)
{
    struct cs_stored_cert cert;
    int r = cs_store_cert_by_request(s->ca->store, s->request, 0, s->arena, &cert);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    if (cert.revoked_at || s->now_sec >= cert.renew_at ||
        memcmp(cert.spki, csr->asked.spki_sha256, sizeof(cert.spki)) != 0)
        return 0;
    write_issued(&cert, ret_issued);
    ret_issued->reused = true;
    return 1;
}

/* ---- signed ---- */

uint16_t cs_ca_shard_of(const struct cs_ca *ca, struct cs_str serial)
{
    return (uint16_t)(((uint8_t)serial.ptr[14] << 8 | (uint8_t)serial.ptr[15]) % ca->n_shards);
}

static struct cs_str url(const struct signing *s, const char *path)
{
    struct cs_str base = s->ca->public_url;

    return base.len ? cs_arena_cat(s->arena, base, cs_str_from(path)) : base;
}

/* What the log says of a certificate. */
static struct cs_str describe(const struct signing *s, const struct cs_plan *plan)
{
    char until[CS_TIME_TEXT];

    return cs_arena_printf(s->arena, "profile %.*s, %.*s, until %.*s%s%.*s",
                           CS_FMT(plan->profile->name),
                           CS_FMT(cs_claims_text(&plan->names, s->arena)),
                           CS_FMT(cs_time_iso(plan->spec.not_after, until)),
                           s->detail.len ? ", " : "", CS_FMT(s->detail));
}

static int take_token(const struct signing *s, struct cs_str serial)
{
    int r;

    if (!s->token)
        return 0;
    r = cs_store_token_take(s->ca->store, s->token, s->now_sec,
                            cs_ca_serial_text(serial, s->arena));
    return r == -ENOENT || r == -EALREADY || r == -ETIME ? -EIO : r; /* it was judged before */
}

static int sign_draft(const struct signing *s, const struct cs_draft *draft,
                      const struct cs_issuer *issuer, struct cs_str *ret_der)
{
    struct cs_buf der;
    int r;

    cs_buf_init(&der, DER_MAX);
    r = cs_make_signed(draft->tbs, issuer->key, &der);
    if (r == 0)
        *ret_der = cs_arena_dup(s->arena, cs_buf_str(&der));
    cs_buf_deinit(&der);
    return r;
}

static int record(const struct signing *s, const struct cs_plan *plan, const struct cs_draft *draft,
                  const struct cs_issuer *issuer, struct cs_issued *ret_issued)
{
    struct cs_stored_cert cert = {.serial = plan->spec.serial,
                                  .identity = draft->identity,
                                  .profile = plan->profile->name,
                                  .requester = s->who->actor,
                                  .issuer = issuer->id,
                                  .shard = cs_ca_shard_of(s->ca, plan->spec.serial),
                                  .issued_at = s->now_sec,
                                  .not_before = plan->spec.not_before,
                                  .not_after = plan->spec.not_after,
                                  .renew_at = plan->renew_at};
    int r = cs_ca_note(s->ca, s->action, s->who, s->now_sec,
                       cs_ca_serial_text(plan->spec.serial, s->arena), describe(s, plan));

    r = r ? r : take_token(s, plan->spec.serial);
    r = r ? r : sign_draft(s, draft, issuer, &cert.der);
    if (r)
        return r;
    memcpy(cert.spki, draft->cert.spki_sha256, sizeof(cert.spki));
    memcpy(cert.request, s->request, sizeof(cert.request));
    r = cs_store_cert_add(s->ca->store, &cert);
    if (r == 0)
        write_issued(&cert, ret_issued);
    return r;
}

/* Whoever has a key that others may have gets no certificate for it, under whatever name. */
static int refuse_key(const struct signing *s, const struct cs_csr *csr)
{
    char text[CS_TIME_TEXT];
    int64_t at;
    int r = cs_store_key_get(s->ca->store, csr->asked.spki_sha256, &at);

    if (r != 0)
        return r == -ENOENT ? 0 : r;
    CS_FIND(s->findings, CS_AUTHORITY_KIND(KEY_COMPROMISED), NULL, cs_time_iso(at, text));
    return CS_CA_REFUSED;
}

static int issue(struct signing *s, const struct cs_order *order, struct cs_issued *ret_issued)
{
    struct cs_issuer *issuer = cs_ca_signing(s->ca, false);
    struct cs_issuer *root = issuer ? cs_ca_parent(s->ca, issuer) : NULL;
    const struct cs_cert *path[2];
    uint8_t *serial = (uint8_t *)cs_arena_alloc(s->arena, CS_CA_SERIAL_LEN);
    struct cs_ground ground = {.profiles = &s->ca->profiles,
                               .issuers = path,
                               .n_issuers = root ? 2 : 1,
                               .entitled = s->entitled,
                               .renewed = s->renewed,
                               .serial = cs_str_make(serial, CS_CA_SERIAL_LEN),
                               .ocsp_url = url(s, "/ocsp"),
                               .now_sec = s->now_sec};
    struct cs_make_issuer signer;
    struct cs_draft draft;
    struct cs_plan plan;
    int r;

    if (!issuer) {
        CS_FIND(s->findings, CS_AUTHORITY_KIND(NO_ISSUER), NULL, cs_str_from(s->ca->dir));
        return CS_CA_REFUSED;
    }
    r = refuse_key(s, order->csr);
    r = r ? r : cs_ca_unlock(s->ca, issuer, s->findings);
    if (r)
        return r;
    if (RAND_bytes(serial, CS_CA_SERIAL_LEN) != 1)
        return -EIO;
    path[0] = &issuer->cert;
    path[1] = root ? &root->cert : NULL;
    signer = (struct cs_make_issuer){&issuer->cert, issuer->key};
    ground.crl_url = cs_ca_crl_url(s->ca->public_url, issuer->id,
                                   cs_ca_shard_of(s->ca, ground.serial), s->arena);
    r = cs_order_judge(order, &ground, s->arena, s->findings, &plan);
    r = r ? r : cs_order_draft(&plan, &signer, &ground, s->arena, s->findings, &draft);
    return r ? r : record(s, &plan, &draft, issuer, ret_issued);
}

static int find_or_issue(struct signing *s, const struct cs_order *order,
                         struct cs_issued *ret_issued)
{
    int r = find_issued(s, order->csr, ret_issued);

    return r > 0 ? 0 : r < 0 ? r : issue(s, order, ret_issued);
}

/* ---- with a token ---- */

static int refuse_token(const struct signing *s, const struct cs_finding_kind *kind,
                        struct cs_str operand)
{
    CS_FIND(s->findings, kind, NULL, operand);
    return CS_CA_REFUSED;
}

static struct cs_pattern_set read_patterns(struct cs_str text, struct cs_arena *arena)
{
    struct cs_pattern *items = cs_arena_array(arena, text.len / 2 + 1, sizeof(*items));
    size_t n = 0;

    while (text.len) {
        if (!cs_pattern_parse(cs_str_cut(&text, '\n'), &items[n]))
            n++;
    }
    return (struct cs_pattern_set){items, n};
}

/* The token's names themselves, for an order without any: none of them may be a pattern. */
static struct cs_claims names_of(const struct cs_pattern_set *patterns, struct cs_arena *arena)
{
    struct cs_claim *items = cs_arena_array(arena, patterns->n, sizeof(*items));
    size_t n = 0;

    for (size_t i = 0; i < patterns->n; i++) {
        struct cs_str text = cs_pattern_text(&patterns->items[i], arena);
        if (cs_str_find(patterns->items[i].text, '*') < 0 &&
            !cs_claim_parse(text, arena, &items[n]))
            n++;
    }
    return n == patterns->n ? (struct cs_claims){items, n} : (struct cs_claims){0};
}

static int judge_token(const struct signing *s, const struct cs_stored_token *token,
                       struct cs_order *order)
{
    char text[CS_TIME_TEXT];

    if (token->used_at)
        return refuse_token(s, CS_AUTHORITY_KIND(TOKEN_USED),
                            cs_arena_printf(s->arena, "%.*s, for the certificate %.*s",
                                            CS_FMT(cs_time_iso(token->used_at, text)),
                                            CS_FMT(token->used_by)));
    if (s->now_sec > token->expires_at)
        return refuse_token(s, CS_AUTHORITY_KIND(TOKEN_EXPIRED),
                            cs_time_iso(token->expires_at, text));
    if (order->profile.len && !cs_str_eq(order->profile, token->profile)) {
        CS_FIND(s->findings, CS_AUTHORITY_KIND(TOKEN_PROFILE_MISMATCH), NULL, order->profile,
                token->profile);
        return CS_CA_REFUSED;
    }
    order->profile = token->profile;
    return 0;
}

static int sign_by_token(struct signing *s, struct cs_order order, struct cs_issued *ret_issued)
{
    struct cs_requester who = *s->who;
    struct cs_stored_token token;
    struct cs_pattern_set entitled;
    uint8_t digest[32];
    int r;

    cs_ca_token_digest(who.token, digest);
    r = cs_store_token_get(s->ca->store, digest, s->arena, &token);
    if (r == -ENOENT)
        return refuse_token(s, CS_AUTHORITY_KIND(TOKEN_UNKNOWN), (struct cs_str){0});
    if (r < 0)
        return r;
    s->token = digest;
    digest_order(s, &order);
    r = find_issued(s, order.csr, ret_issued);
    if (r)
        return r > 0 ? 0 : r;
    r = judge_token(s, &token, &order);
    if (r)
        return r;
    entitled = read_patterns(token.identities, s->arena);
    s->entitled = &entitled;
    if (order.names.n == 0 && cs_claims_of(&order.csr->asked, s->arena).n == 0)
        order.names = names_of(&entitled, s->arena);
    who.actor = cs_ca_token_name(digest, s->arena);
    s->who = &who;
    s->detail = cs_arena_cat(s->arena, CS_STR("token made by "), token.maker);
    return issue(s, &order, ret_issued);
}

int cs_ca_sign(struct cs_ca *ca, const struct cs_order *order, const struct cs_requester *who,
               int64_t now_sec, struct cs_arena *arena, struct cs_findings *findings,
               struct cs_issued *ret_issued)
{
    struct signing s = {.ca = ca,
                        .who = who,
                        .action = "issue",
                        .now_sec = now_sec,
                        .arena = arena,
                        .findings = findings};
    int r = cs_ca_enter(ca);

    if (r < 0)
        return r;
    if (who->proof == CS_PROOF_TOKEN)
        return cs_ca_leave(ca, sign_by_token(&s, *order, ret_issued));
    digest_order(&s, order);
    return cs_ca_leave(ca, find_or_issue(&s, order, ret_issued));
}

/* ---- renewal ---- */

static int refuse_renewal(const struct signing *s, const struct cs_stored_cert *stored)
{
    char text[CS_TIME_TEXT];

    if (stored->revoked_at) {
        CS_FIND(s->findings, CS_AUTHORITY_KIND(RENEWAL_REVOKED), NULL,
                cs_time_iso(stored->revoked_at, text), cs_crl_reason_text(stored->reason));
        return CS_CA_REFUSED;
    }
    if (s->now_sec > stored->not_after) {
        CS_FIND(s->findings, CS_AUTHORITY_KIND(RENEWAL_EXPIRED), NULL,
                cs_time_iso(stored->not_after, text));
        return CS_CA_REFUSED;
    }
    return 0;
}

/* The stored row of @old, which has to be the same certificate to the byte. */
static int find_old(const struct signing *s, const struct cs_cert *old,
                    struct cs_stored_cert *ret_stored)
{
    uint8_t serial[CS_CA_SERIAL_LEN];
    int r = cs_ca_serial_of(old, serial);

    r = r ? -ENOENT
          : cs_store_cert_current(s->ca->store, cs_str_make(serial, sizeof(serial)), s->arena,
                                  ret_stored);
    if (r == -ENOENT || (r == 0 && !cs_str_eq(ret_stored->der, old->der))) {
        CS_FIND(s->findings, CS_AUTHORITY_KIND(CERTIFICATE_NOT_OURS), NULL,
                cs_serial_text(old->serial, s->arena));
        return CS_CA_REFUSED;
    }
    return r;
}

static int renew(struct signing *s, const struct cs_cert *old, const struct cs_csr *csr,
                 int64_t ttl_sec, struct cs_issued *ret_issued)
{
    struct cs_claims names = cs_claims_of(old, s->arena);
    struct cs_order order = {.csr = csr, .names = names, .ttl_sec = ttl_sec};
    struct cs_stored_cert stored;
    int r = find_old(s, old, &stored);

    r = r ? r : refuse_renewal(s, &stored);
    if (r)
        return r;
    order.profile = stored.profile;
    s->renewed = &names;
    s->detail =
        cs_arena_cat(s->arena, CS_STR("after "), cs_ca_serial_text(stored.serial, s->arena));
    cs_ca_renewal_digest(stored.serial, s->request);
    return find_or_issue(s, &order, ret_issued);
}

int cs_ca_renew(struct cs_ca *ca, const struct cs_cert *old, const struct cs_csr *csr,
                int64_t ttl_sec, const struct cs_requester *who, int64_t now_sec,
                struct cs_arena *arena, struct cs_findings *findings, struct cs_issued *ret_issued)
{
    struct signing s = {.ca = ca,
                        .who = who,
                        .action = "renew",
                        .now_sec = now_sec,
                        .arena = arena,
                        .findings = findings};
    int r = cs_ca_enter(ca);

    return r < 0 ? r : cs_ca_leave(ca, renew(&s, old, csr, ttl_sec, ret_issued));
}
