/* From one CA certificate to the next, in steps that can be far apart. Each step is one
 * transaction; files of a new key are written before it, so that an interrupted step leaves at most
 * files that the next try writes again. */
#include <errno.h>

#include "authority/findings.h"
#include "authority/folder.h"
#include "authority/state.h"
#include "base/time.h"
#include "x509/key.h"
#include "x509/name.h"
#include "x509/pem.h"

enum { BACKDATE = 60, DER_MAX = 256 * 1024, SHOWN_BYTES = 400 };

struct rotating {
    struct cs_ca *ca;
    const struct cs_ca_rotation *rotation;
    const struct cs_requester *who;
    int64_t now_sec;
    struct cs_findings *findings;
    struct cs_arena *arena;
    struct cs_issuer *old; /* what signs now, or what is to be retired */
    struct cs_str detail;  /* for the log: how many need it still; empty: none */
};

static struct cs_str name_of(const struct cs_issuer *issuer, struct cs_arena *arena)
{
    return issuer ? cs_name_common_name(issuer->cert.subject, arena) : (struct cs_str){0};
}

static int refuse(const struct rotating *r, const struct cs_finding_kind *kind,
                  const struct cs_issuer *about)
{
    CS_FIND(r->findings, kind, NULL, r->rotation->root ? CS_STR("root") : CS_STR("issuing CA"),
            name_of(about, r->arena), r->rotation->root ? CS_STR("root") : CS_STR("issuer"));
    return CS_CA_REFUSED;
}

static struct cs_issuer *find_prepared(struct cs_ca *ca, bool root)
{
    for (size_t i = 0; i < ca->n_issuers; i++) {
        if (ca->issuers[i].is_root == root && ca->issuers[i].state == CS_ISSUER_PREPARED)
            return &ca->issuers[i];
    }
    return NULL;
}

static uint32_t next_id(const struct cs_ca *ca)
{
    uint32_t id = 0;

    for (size_t i = 0; i < ca->n_issuers; i++)
        id = ca->issuers[i].id > id ? ca->issuers[i].id : id;
    return id + 1;
}

static enum cs_make_key_kind kind_of(const struct cs_cert *cert)
{
    switch (cert->key_kind) {
    case CS_KEY_ED25519: return CS_MAKE_ED25519;
    case CS_KEY_RSA: return cert->key_bits > 3072 ? CS_MAKE_RSA4096 : CS_MAKE_RSA3072;
    default: return cert->key_bits > 256 ? CS_MAKE_P384 : CS_MAKE_P256;
    }
}

/* What the log says of it. */
static struct cs_str describe(const struct rotating *r, const struct cs_issuer *issuer)
{
    struct cs_str name = name_of(issuer, r->arena);

    if (!r->detail.len)
        return name;
    return cs_arena_printf(r->arena, "%.*s, by force: still needed by %.*s", CS_FMT(name),
                           CS_FMT(r->detail));
}

static int say(const struct rotating *r, enum cs_event_kind kind, const char *action,
               const struct cs_issuer *issuer)
{
    struct cs_stored_event event = {.kind = kind, .at = r->now_sec, .issuer = issuer->id};
    uint64_t seq;
    int e = cs_store_event_add(r->ca->store, &event, &seq);

    return e ? e
             : cs_ca_note(r->ca, action, r->who, r->now_sec,
                          cs_arena_printf(r->arena, "%u", issuer->id), describe(r, issuer));
}

/* ---- a new one ---- */

/* @like is what signs now, whose kind of key and length of life are taken over. */
static int bear(const struct rotating *r, const struct cs_issuer *like,
                const struct cs_issuer *root, struct cs_issuer *ret_issuer)
{
    const struct cs_ca_rotation *rotation = r->rotation;
    int64_t life = like->cert.not_after - like->cert.not_before;
    struct cs_ca_birth birth = {.name = r->ca->name,
                                .id = next_id(r->ca),
                                .kind = rotation->has_kind ? rotation->kind : kind_of(&like->cert),
                                .domains = root ? r->ca->domains : (struct cs_names){0},
                                .ttl_sec = rotation->ttl_sec ? rotation->ttl_sec : life - BACKDATE,
                                .now_sec = r->now_sec,
                                .root = root};

    if (root)
        birth.crl_url = cs_ca_crl_url(r->ca->public_url, root->id, -1, r->arena);
    return cs_ca_bear(&birth, r->ca->dir, cs_buf_str(&r->ca->passphrase), r->arena, ret_issuer);
}

/* The new root as the old one vouches for it: the same name and key, for those who do not know it
 * yet. */
static int put_cross(const struct rotating *r, const struct cs_issuer *new_root)
{
    const struct cs_cert *old = &r->old->cert;
    struct cs_make_issuer by = {old, r->old->key};
    struct cs_cert_spec spec = {.common_name = name_of(new_root, r->arena),
                                .ca = true,
                                .path_len = -1,
                                .key_usage = new_root->cert.key_usage,
                                .crl_url =
                                    cs_ca_crl_url(r->ca->public_url, r->old->id, -1, r->arena),
                                .not_before = new_root->cert.not_before,
                                .not_after = new_root->cert.not_after};
    struct cs_buf der;
    int e;

    if (spec.not_after > old->not_after)
        spec.not_after = old->not_after;
    cs_buf_init(&der, DER_MAX);
    e = cs_make_cert(&spec, new_root->key, &by, &der);
    e = e ? e
          : cs_store_meta_put(r->ca->store, cs_ca_cross_name(new_root->id, r->arena),
                              cs_buf_str(&der));
    cs_buf_deinit(&der);
    return e;
}

static int prepare(struct rotating *r, uint32_t *ret_id)
{
    bool root = r->rotation->root;
    struct cs_issuer *prepared = find_prepared(r->ca, root), *by = cs_ca_signing(r->ca, true);
    struct cs_issuer issuer = {0};
    int e;

    r->old = cs_ca_signing(r->ca, root);
    if (prepared)
        return refuse(r, CS_AUTHORITY_KIND(ROTATION_UNDER_WAY), prepared);
    if (!by || !r->old)
        return refuse(r, CS_AUTHORITY_KIND(NO_ISSUER), NULL);
    e = cs_ca_unlock(r->ca, by, r->findings);
    e = e ? e : bear(r, r->old, root ? NULL : by, &issuer);
    if (e)
        return e;
    e = root ? put_cross(r, &issuer) : 0;
    e = e ? e : cs_ca_put(r->ca->store, &issuer, root ? issuer.id : by->id, r->now_sec);
    e = e ? e : say(r, CS_EVENT_ISSUER_PREPARED, "prepare", &issuer);
    *ret_id = issuer.id;
    cs_key_free(issuer.key);
    return e;
}

/* ---- the new one signs ---- */

static int set_state(const struct rotating *r, struct cs_issuer *issuer, enum cs_issuer_state state)
{
    struct cs_issuer changed = *issuer;

    changed.state = state;
    if (state == CS_ISSUER_ACTIVE)
        changed.activated_at = r->now_sec;
    else
        changed.retired_at = r->now_sec;
    return cs_ca_put(r->ca->store, &changed, 0, r->now_sec);
}

/* A new root signs nothing but an issuing CA. */
static int activate_below(struct rotating *r, struct cs_issuer *root)
{
    struct cs_issuer *signs = cs_ca_signing(r->ca, false), issuer = {0};
    int e = cs_ca_unlock(r->ca, root, r->findings);

    if (!signs)
        return refuse(r, CS_AUTHORITY_KIND(NO_ISSUER), NULL);
    e = e ? e : bear(r, signs, root, &issuer);
    if (e)
        return e;
    issuer.state = CS_ISSUER_ACTIVE;
    issuer.activated_at = r->now_sec;
    e = cs_ca_put(r->ca->store, &issuer, root->id, r->now_sec);
    e = e ? e : say(r, CS_EVENT_ISSUER_ACTIVATED, "activate", &issuer);
    cs_key_free(issuer.key);
    return e;
}

static int activate(struct rotating *r, uint32_t *ret_id)
{
    struct cs_issuer *issuer = find_prepared(r->ca, r->rotation->root);
    int e;

    if (!issuer)
        return refuse(r, CS_AUTHORITY_KIND(NOTHING_PREPARED), NULL);
    e = r->rotation->root ? activate_below(r, issuer) : cs_ca_unlock(r->ca, issuer, r->findings);
    e = e ? e : set_state(r, issuer, CS_ISSUER_ACTIVE);
    e = e ? e : say(r, CS_EVENT_ISSUER_ACTIVATED, "activate", issuer);
    *ret_id = issuer->id;
    return e;
}

/* ---- the old one is done with ---- */

/* The first that is active and does not sign any more. */
static struct cs_issuer *find_superseded(struct cs_ca *ca, bool root)
{
    struct cs_issuer *signs = cs_ca_signing(ca, root);

    for (size_t i = 0; i < ca->n_issuers; i++) {
        struct cs_issuer *issuer = &ca->issuers[i];
        if (issuer->is_root == root && issuer->state == CS_ISSUER_ACTIVE && issuer != signs)
            return issuer;
    }
    return NULL;
}

/* Whether @issuer goes when @old is retired: it itself, or what is below it if it is a root. */
static bool goes(struct cs_ca *ca, const struct cs_issuer *old, const struct cs_issuer *issuer)
{
    return issuer == old || (old->is_root && !issuer->is_root &&
                             issuer->state != CS_ISSUER_RETIRED && cs_ca_parent(ca, issuer) == old);
}

struct needing {
    struct cs_ca *ca;
    cs_store_cert_fn fn;
    void *ctx;
};

/* What the authority itself shows has a key that is nowhere but in its memory: when another CA
 * signs, it takes another. */
static bool is_own(const struct cs_stored_cert *cert)
{
    return cs_str_eq(cert->requester, CS_CA_ITSELF) && cs_str_eq(cert->profile, CS_STR("server"));
}

static int tell_needed(void *ctx, const struct cs_stored_cert *cert)
{
    struct needing *needing = ctx;
    struct cs_arena scratch = {0};
    struct cs_stored_cert next;
    uint8_t digest[32];
    int r;

    if (cert->revoked_at || is_own(cert))
        return 0;
    cs_ca_renewal_digest(cert->serial, digest);
    r = cs_store_cert_by_request(needing->ca->store, digest, 0, &scratch, &next);
    cs_arena_deinit(&scratch);
    return r == -ENOENT ? needing->fn(needing->ctx, cert) : r;
}

/* CA certificates stand in the store like others; what they signed is asked about, not they. */
static int each_needed(struct needing *needing, const struct cs_issuer *issuer, int64_t now_sec)
{
    struct cs_store_query query = {.issuer = issuer->id, .expiring_from = now_sec};
    struct cs_arena scratch = {0};
    struct cs_stored_cert own;
    uint8_t serial[CS_CA_SERIAL_LEN];
    bool revoked;

    revoked = cs_ca_serial_of(&issuer->cert, serial) == 0 &&
              cs_store_cert_current(needing->ca->store, cs_str_make(serial, sizeof(serial)),
                                    &scratch, &own) == 0 &&
              own.revoked_at;
    cs_arena_deinit(&scratch);
    if (revoked) /* nobody believes what it signed any more */
        return 0;
    return cs_store_cert_each(needing->ca->store, &query, tell_needed, needing);
}

int cs_ca_needed(struct cs_ca *ca, bool root, int64_t now_sec, cs_store_cert_fn fn, void *ctx,
                 struct cs_findings *findings)
{
    struct rotating r = {.ca = ca,
                         .rotation = &(struct cs_ca_rotation){.root = root},
                         .findings = findings,
                         .arena = findings->arena};
    struct needing needing = {ca, fn, ctx};
    int e = ca->grouped ? 0 : cs_ca_refresh(ca);

    if (e)
        return e;
    r.old = find_superseded(ca, root);
    if (!r.old)
        return refuse(&r, CS_AUTHORITY_KIND(NOTHING_TO_RETIRE), cs_ca_signing(ca, root));
    for (size_t i = 0; e == 0 && i < ca->n_issuers; i++) {
        if (!ca->issuers[i].is_root && goes(ca, r.old, &ca->issuers[i]))
            e = each_needed(&needing, &ca->issuers[i], now_sec);
    }
    return e;
}

/* Who would be locked out, in words: as many names as a finding holds. */
struct needed {
    struct cs_arena *arena;
    uint64_t n, n_shown;
    int64_t until;
    struct cs_str names;
};

static int note_needed(void *ctx, const struct cs_stored_cert *cert)
{
    struct needed *needed = ctx;
    struct cs_arena *arena = needed->arena;

    if (needed->n++ == needed->n_shown && needed->names.len < SHOWN_BYTES) {
        needed->names = cs_arena_printf(arena, "%.*s%s%.*s (%.*s)", CS_FMT(needed->names),
                                        needed->n > 1 ? ", " : "", CS_FMT(cert->identity),
                                        CS_FMT(cs_ca_serial_text(cert->serial, arena)));
        needed->n_shown++;
    }
    if (cert->not_after > needed->until)
        needed->until = cert->not_after;
    return 0;
}

/* With force they are told of, and that is all. */
static int check_needed(struct rotating *r)
{
    struct needed needed = {.arena = r->arena};
    bool root = r->rotation->root, force = r->rotation->force;
    char until[CS_TIME_TEXT];
    int e = cs_ca_needed(r->ca, root, r->now_sec, note_needed, &needed, r->findings);

    if (e || !needed.n)
        return e;
    if (needed.n > needed.n_shown)
        needed.names = cs_arena_printf(r->arena, "%.*s and %llu more", CS_FMT(needed.names),
                                       (unsigned long long)(needed.n - needed.n_shown));
    r->detail = cs_arena_printf(r->arena, "%llu certificate%s", (unsigned long long)needed.n,
                                needed.n == 1 ? "" : "s");
    CS_FIND(r->findings, force ? CS_AUTHORITY_KIND(RETIRED_EARLY) : CS_AUTHORITY_KIND(STILL_NEEDED),
            NULL, root ? CS_STR("root") : CS_STR("issuing CA"), name_of(r->old, r->arena),
            root ? CS_STR("root") : CS_STR("issuer"), r->detail, needed.names,
            cs_time_iso(needed.until, until));
    return force ? 0 : CS_CA_REFUSED;
}

static int retire(struct rotating *r, uint32_t *ret_id)
{
    int e;

    r->old = find_superseded(r->ca, r->rotation->root);
    e = check_needed(r);
    for (size_t i = 0; e == 0 && i < r->ca->n_issuers; i++) {
        struct cs_issuer *issuer = &r->ca->issuers[i];
        if (!goes(r->ca, r->old, issuer))
            continue;
        e = set_state(r, issuer, CS_ISSUER_RETIRED);
        e = e ? e : say(r, CS_EVENT_ISSUER_RETIRED, "retire", issuer);
    }
    if (e == 0)
        *ret_id = r->old->id;
    return e;
}

int cs_ca_rotate(struct cs_ca *ca, const struct cs_ca_rotation *rotation,
                 const struct cs_requester *who, int64_t now_sec, struct cs_findings *findings,
                 uint32_t *ret_id)
{
    struct rotating r = {.ca = ca,
                         .rotation = rotation,
                         .who = who,
                         .now_sec = now_sec,
                         .findings = findings,
                         .arena = findings->arena};
    uint32_t id = 0;
    int e = cs_ca_enter(ca);

    if (e)
        return e;
    switch (rotation->step) {
    case CS_CA_PREPARE: e = prepare(&r, &id); break;
    case CS_CA_ACTIVATE: e = activate(&r, &id); break;
    default: e = retire(&r, &id);
    }
    e = cs_ca_leave(ca, e);
    e = e ? e : cs_ca_reload(ca);
    e = e ? e : cs_ca_write_roots(ca);
    if (e == 0)
        *ret_id = id;
    return e;
}
