/* An open CA: its folder read once, its keys in memory, its store behind one transaction at a time.
 * What others have committed is taken up at the beginning of every change. */
#include "authority/ca.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "authority/directives.h"
#include "authority/findings.h"
#include "authority/folder.h"
#include "authority/state.h"
#include "base/mem.h"
#include "x509/findings.h"
#include "x509/key.h"
#include "x509/name.h"
#include "x509/pem.h"

/* ---- groups ---- */

int cs_ca_enter(struct cs_ca *ca)
{
    int r;

    cs_assert(!(ca->flags & CS_CA_READ));
    if (ca->grouped)
        return 0;
    r = cs_store_begin(ca->store);
    if (r < 0)
        return r;
    r = cs_ca_refresh(ca);
    if (r < 0)
        cs_store_rollback(ca->store);
    return r;
}

int cs_ca_leave(struct cs_ca *ca, int r)
{
    int committed;

    if (ca->grouped)
        return r;
    if (r != 0) {
        cs_store_rollback(ca->store);
        return r;
    }
    committed = cs_store_commit(ca->store);
    return committed < 0 ? committed : r;
}

int cs_ca_begin(struct cs_ca *ca)
{
    int r;

    cs_assert(!ca->grouped);
    r = cs_ca_enter(ca);
    if (r < 0)
        return r;
    ca->grouped = true;
    return 0;
}

int cs_ca_commit(struct cs_ca *ca)
{
    cs_assert(ca->grouped);
    ca->grouped = false;
    return cs_store_commit(ca->store);
}

void cs_ca_rollback(struct cs_ca *ca)
{
    cs_assert(ca->grouped);
    ca->grouped = false;
    cs_store_rollback(ca->store);
}

/* ---- CA certificates ---- */

struct loading {
    struct cs_ca *ca;
    struct cs_arena *arena;
    struct cs_issuer *items;
    size_t n, room;
};

static int load_issuer(void *ctx, const struct cs_stored_issuer *stored)
{
    struct loading *l = ctx;
    struct cs_findings findings;
    struct cs_issuer *issuer, *known = cs_ca_find(l->ca, stored->id);

    if (l->n == l->room) {
        struct cs_issuer *grown;
        l->room = l->room ? 2 * l->room : 8;
        grown = cs_arena_array(l->arena, l->room, sizeof(*grown));
        if (l->n)
            memcpy(grown, l->items, l->n * sizeof(*grown));
        l->items = grown;
    }
    issuer = &l->items[l->n];
    *issuer = (struct cs_issuer){.id = stored->id,
                                 .state = stored->state,
                                 .key_file = cs_arena_dup(l->arena, stored->key_file),
                                 .prepared_at = stored->prepared_at,
                                 .activated_at = stored->activated_at,
                                 .retired_at = stored->retired_at};
    cs_findings_init(&findings, l->arena);
    if (cs_cert_parse(cs_arena_dup(l->arena, stored->der), l->arena, &findings, &issuer->cert) != 0)
        return -EBADMSG;
    issuer->is_root = cs_cert_self_issued(&issuer->cert);
    if (known)
        issuer->key = cs_take(known->key);
    l->n++;
    return 0;
}

static void free_keys(struct cs_issuer *issuers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cs_key_free(issuers[i].key);
}

int cs_ca_reload(struct cs_ca *ca)
{
    struct cs_arena arena = {0};
    struct loading l = {.ca = ca, .arena = &arena};
    int r = cs_store_issuer_each(ca->store, load_issuer, &l);

    if (r < 0) { /* keys that were taken over come again from their files */
        free_keys(l.items, l.n);
        cs_arena_deinit(&arena);
        return r;
    }
    free_keys(ca->issuers, ca->n_issuers);
    cs_arena_deinit(&ca->issuers_arena);
    ca->issuers_arena = arena;
    ca->issuers = l.items;
    ca->n_issuers = l.n;
    return 0;
}

int cs_ca_refresh(struct cs_ca *ca)
{
    return cs_store_changed(ca->store) ? cs_ca_reload(ca) : 0;
}

struct cs_issuer *cs_ca_find(struct cs_ca *ca, uint32_t id)
{
    for (size_t i = 0; i < ca->n_issuers; i++) {
        if (ca->issuers[i].id == id)
            return &ca->issuers[i];
    }
    return NULL;
}

struct cs_issuer *cs_ca_signing(struct cs_ca *ca, bool root)
{
    struct cs_issuer *last = NULL;

    for (size_t i = 0; i < ca->n_issuers; i++) {
        struct cs_issuer *issuer = &ca->issuers[i];
        if (issuer->is_root == root && issuer->state == CS_ISSUER_ACTIVE &&
            (!last || issuer->activated_at >= last->activated_at))
            last = issuer;
    }
    return last;
}

struct cs_issuer *cs_ca_parent(struct cs_ca *ca, const struct cs_issuer *issuer)
{
    for (size_t i = 0; i < ca->n_issuers; i++) {
        struct cs_issuer *root = &ca->issuers[i];
        if (root->is_root && cs_name_eq(root->cert.subject, issuer->cert.issuer) &&
            cs_str_eq(root->cert.ski, issuer->cert.aki))
            return root;
    }
    return NULL;
}

static int refuse_key(struct cs_ca *ca, const struct cs_issuer *issuer, struct cs_str why,
                      struct cs_findings *findings)
{
    CS_FIND(findings, CS_AUTHORITY_KIND(ISSUER_KEY_MISSING), NULL,
            cs_name_common_name(issuer->cert.subject, findings->arena),
            cs_arena_printf(findings->arena, "%s/%.*s: %.*s", ca->dir, CS_FMT(issuer->key_file),
                            CS_FMT(why)));
    return CS_CA_REFUSED;
}

int cs_ca_unlock(struct cs_ca *ca, struct cs_issuer *issuer, struct cs_findings *findings)
{
    struct cs_str passphrase = cs_buf_str(&ca->passphrase);
    struct cs_findings unused;
    struct cs_buf pem;
    int r;

    if (issuer->key)
        return 0;
    r = cs_folder_read_secret(ca->dir, issuer->key_file.ptr, findings, &pem);
    if (r > 0)
        return CS_CA_REFUSED;
    if (r < 0)
        return refuse_key(ca, issuer, cs_str_from(strerror(-r)), findings);
    cs_findings_init(&unused, findings->arena);
    r = cs_key_load(cs_buf_str(&pem), &passphrase, 1, &unused, &issuer->key);
    cs_buf_wipe(&pem);
    if (r != 0 && unused.last->kind == CS_X509_KIND(KEY_ENCRYPTED)) {
        CS_FIND(findings, CS_AUTHORITY_KIND(PASSPHRASE_WRONG), NULL, issuer->key_file);
        return CS_CA_REFUSED;
    }
    if (r != 0 || !cs_key_matches(issuer->key, &issuer->cert)) {
        cs_key_free(cs_take(issuer->key));
        return refuse_key(ca, issuer, CS_STR("it is damaged, or another's"), findings);
    }
    return 0;
}

int cs_ca_issuers(struct cs_ca *ca, const struct cs_issuer **ret_issuers, size_t *ret_n)
{
    int r = ca->grouped ? 0 : cs_ca_refresh(ca);

    if (r < 0)
        return r;
    *ret_issuers = ca->issuers;
    *ret_n = ca->n_issuers;
    return 0;
}

int cs_ca_roots(struct cs_ca *ca, struct cs_buf *pem)
{
    int r = ca->grouped ? 0 : cs_ca_refresh(ca);

    for (size_t i = 0; r == 0 && i < ca->n_issuers; i++) {
        if (ca->issuers[i].is_root && ca->issuers[i].state != CS_ISSUER_RETIRED)
            r = cs_pem_write(pem, CS_STR("CERTIFICATE"), ca->issuers[i].cert.der);
    }
    return r;
}

struct cs_str cs_ca_cross_name(uint32_t id, struct cs_arena *arena)
{
    return cs_arena_printf(arena, "cross.%u", id);
}

/* Whether there are peers that may know only a root before @root. */
static bool has_older(const struct cs_ca *ca, const struct cs_issuer *root)
{
    for (size_t i = 0; i < ca->n_issuers; i++) {
        const struct cs_issuer *other = &ca->issuers[i];
        if (other->is_root && other->id < root->id && other->state != CS_ISSUER_RETIRED)
            return true;
    }
    return false;
}

static int add_cross(struct cs_ca *ca, const struct cs_issuer *root, struct cs_buf *pem)
{
    struct cs_arena arena = {0};
    struct cs_str der;
    int r = cs_store_meta_get(ca->store, cs_ca_cross_name(root->id, &arena), &arena, &der);

    if (r == 0)
        r = cs_pem_write(pem, CS_STR("CERTIFICATE"), der);
    cs_arena_deinit(&arena);
    return r == -ENOENT ? 0 : r;
}

int cs_ca_chain(struct cs_ca *ca, uint32_t issuer, struct cs_buf *pem)
{
    const struct cs_issuer *by = cs_ca_find(ca, issuer);
    const struct cs_issuer *root = by ? cs_ca_parent(ca, by) : NULL;
    int r = by ? cs_pem_write(pem, CS_STR("CERTIFICATE"), by->cert.der) : -ENOENT;

    return r || !root || !has_older(ca, root) ? r : add_cross(ca, root, pem);
}

/* root.pem follows the store; whoever was interrupted between the two left it behind. */
int cs_ca_write_roots(struct cs_ca *ca)
{
    struct cs_buf pem, there = {0};
    int r;

    cs_buf_init(&pem, 1 << 20);
    r = cs_ca_roots(ca, &pem);
    if (r == 0 && (cs_folder_read(ca->dir, "root.pem", &there) < 0 ||
                   !cs_str_eq(cs_buf_str(&there), cs_buf_str(&pem))))
        r = cs_folder_write(ca->dir, "root.pem", cs_buf_str(&pem), 0644);
    cs_buf_deinit(&pem);
    cs_buf_deinit(&there);
    return r;
}

/* ---- opened ---- */

static int refuse_folder(const char *dir, int r, struct cs_findings *findings)
{
    CS_FIND(findings,
            r == -ENOENT || r == -ENOTDIR ? CS_AUTHORITY_KIND(CA_MISSING)
                                          : CS_AUTHORITY_KIND(CA_UNREADABLE),
            NULL, cs_str_from(dir), cs_str_from(strerror(-r)));
    return CS_CA_REFUSED;
}

static int open_store(struct cs_ca *ca, struct cs_findings *findings)
{
    char path[PATH_MAX];
    struct stat st;
    int r = cs_folder_path(ca->dir, "store.sqlite", path);

    if (r == 0 && stat(path, &st) < 0)
        r = -errno;
    if (r < 0)
        return refuse_folder(ca->dir, r, findings);
    r = cs_store_open(path, ca->flags & CS_CA_READ ? CS_STORE_READ : 0, ca->error, &ca->store);
    if (r < 0) {
        CS_FIND(findings, CS_AUTHORITY_KIND(CA_UNREADABLE), NULL, cs_str_from(path),
                cs_str_from(ca->error));
        return CS_CA_REFUSED;
    }
    return 0;
}

static int take_passphrase(struct cs_ca *ca, struct cs_str given, struct cs_findings *findings)
{
    struct cs_str passphrase = given;
    struct cs_buf text = {0};
    int r = given.len ? 0 : cs_folder_read_secret(ca->dir, "passphrase", findings, &text);

    if (r > 0)
        return CS_CA_REFUSED;
    if (r < 0) {
        CS_FIND(findings, CS_AUTHORITY_KIND(PASSPHRASE_MISSING), NULL, cs_str_from(ca->dir),
                cs_str_from(strerror(-r)));
        return CS_CA_REFUSED;
    }
    if (!given.len && !cs_ca_passphrase(cs_buf_str(&text), &passphrase)) {
        CS_FIND(findings, CS_AUTHORITY_KIND(PASSPHRASE_EMPTY), NULL,
                cs_arena_printf(findings->arena, "%s/passphrase", ca->dir));
        r = CS_CA_REFUSED;
    } else {
        cs_buf_init(&ca->passphrase, passphrase.len);
        r = cs_buf_add_str(&ca->passphrase, passphrase);
    }
    cs_buf_wipe(&text);
    return r;
}

static int meta(struct cs_ca *ca, struct cs_str name, struct cs_str *ret_value)
{
    int r = cs_store_meta_get(ca->store, name, &ca->arena, ret_value);

    return r == -ENOENT ? -EBADMSG : r;
}

static struct cs_names lines(struct cs_str text, struct cs_arena *arena)
{
    struct cs_str *items = cs_arena_array(arena, text.len / 2 + 1, sizeof(*items));
    size_t n = 0;

    while (text.len)
        items[n++] = cs_str_cut(&text, '\n');
    return (struct cs_names){items, n};
}

static int read_meta(struct cs_ca *ca)
{
    struct cs_str domains = {0}, shards = {0};
    uint64_t n = 0;
    int r = meta(ca, CS_META_NAME, &ca->name);

    r = r ? r : meta(ca, CS_META_DOMAINS, &domains);
    r = r ? r : meta(ca, CS_META_URL, &ca->public_url);
    r = r ? r : meta(ca, CS_META_SHARDS, &shards);
    if (r)
        return r;
    if (cs_str_to_u64(shards, UINT16_MAX, &n) < 0 || n == 0)
        return -EBADMSG;
    ca->n_shards = (uint16_t)n;
    ca->domains = lines(domains, &ca->arena);
    return 0;
}

/* Certificates that are issued from now on name lists there. */
static int learn_url(struct cs_ca *ca, struct cs_str url)
{
    int r;

    if (url.len == 0 || cs_str_eq(url, ca->public_url))
        return 0;
    ca->public_url = cs_arena_dup(&ca->arena, url);
    if (ca->flags & CS_CA_READ)
        return 0;
    r = cs_ca_enter(ca);
    return r ? r : cs_ca_leave(ca, cs_store_meta_put(ca->store, CS_META_URL, url));
}

static int open_audit(struct cs_ca *ca, struct cs_findings *findings)
{
    struct cs_str salt;
    uint8_t key[32];
    int r = meta(ca, CS_META_AUDIT_SALT, &salt);

    if (r < 0)
        return r;
    cs_ca_audit_key(cs_buf_str(&ca->passphrase), salt, key);
    r = cs_store_audit_key(ca->store, key);
    cs_wipe(key, sizeof(key));
    if (r == -EKEYREJECTED) {
        CS_FIND(findings, CS_AUTHORITY_KIND(AUDIT_KEY), NULL, cs_str_from(ca->dir));
        return CS_CA_REFUSED;
    }
    return r;
}

/* Keys of issuing CAs are opened now, since whoever runs this may become somebody who cannot read
 * them; those that are not there are missed when they are needed. A root's is opened then. */
static int open_keys(struct cs_ca *ca, struct cs_findings *findings)
{
    for (size_t i = 0; i < ca->n_issuers; i++) {
        struct cs_issuer *issuer = &ca->issuers[i];
        struct cs_findings unused;
        int r;
        if (issuer->is_root)
            continue;
        cs_findings_init(&unused, findings->arena);
        r = cs_ca_unlock(ca, issuer, issuer->state == CS_ISSUER_ACTIVE ? findings : &unused);
        if (r != 0 && issuer->state == CS_ISSUER_ACTIVE)
            return r;
    }
    return 0;
}

/* Whoever may change something keeps others from putting another folder in its place. */
static int lock_folder(struct cs_ca *ca, struct cs_findings *findings)
{
    if (ca->flags & CS_CA_READ)
        return 0;
    ca->lock = open(ca->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (ca->lock < 0)
        return refuse_folder(ca->dir, -errno, findings);
    if (flock(ca->lock, LOCK_SH | LOCK_NB) == 0)
        return 0;
    CS_FIND(findings, CS_AUTHORITY_KIND(CA_IN_USE), NULL, cs_str_from(ca->dir),
            CS_STR("a backup is being restored"));
    return CS_CA_REFUSED;
}

static int open_ca(struct cs_ca *ca, const struct cs_ca_options *options,
                   struct cs_findings *findings)
{
    bool look = options->flags & CS_CA_READ;
    int r = lock_folder(ca, findings);

    r = r ? r : open_store(ca, findings);

    r = r ? r : read_meta(ca);
    r = r ? r : cs_ca_reload(ca);
    if (!r)
        r = cs_profiles_build(options->block, ca->domains, &ca->arena, findings, &ca->profiles);
    if (!r && !look)
        r = take_passphrase(ca, options->passphrase, findings);
    if (!r && !look)
        r = open_keys(ca, findings);
    if (!r && !look)
        r = open_audit(ca, findings);
    r = r ? r : learn_url(ca, options->public_url);
    return r || look ? r : cs_ca_write_roots(ca);
}

int cs_ca_open(const struct cs_ca_options *options, struct cs_findings *findings,
               struct cs_ca **ret_ca)
{
    struct cs_ca *ca = CS_NEW(struct cs_ca);
    int r;

    ca->dir = strdup(options->dir);
    cs_assert(ca->dir != NULL);
    ca->lock = -1;
    ca->flags = options->flags;
    ca->keep_sec = cs_ca_keep_sec(options->block);
    cs_buf_init(&ca->list, CS_FOLDER_FILE_MAX);
    r = open_ca(ca, options, findings);
    if (r < 0) {
        CS_FIND(findings, CS_AUTHORITY_KIND(CA_UNREADABLE), NULL, cs_str_from(ca->dir),
                ca->store && cs_ca_error(ca)[0] ? cs_str_from(cs_ca_error(ca))
                                                : cs_str_from(strerror(-r)));
        r = CS_CA_REFUSED;
    }
    if (r) {
        cs_ca_close(ca);
        return r;
    }
    *ret_ca = ca;
    return 0;
}

void cs_ca_close(struct cs_ca *ca)
{
    if (!ca)
        return;
    free_keys(ca->issuers, ca->n_issuers);
    cs_ca_drop_lists(ca);
    cs_ca_drop_answers(ca);
    cs_buf_deinit(&ca->list);
    cs_buf_wipe(&ca->passphrase);
    cs_store_close(ca->store);
    cs_arena_deinit(&ca->issuers_arena);
    cs_arena_deinit(&ca->arena);
    if (ca->lock >= 0)
        close(ca->lock);
    free(ca->dir);
    free(ca);
}

const char *cs_ca_error(const struct cs_ca *ca)
{
    return cs_store_error(ca->store);
}

struct cs_store *cs_ca_get0_store(struct cs_ca *ca)
{
    return ca->store;
}

const struct cs_profiles *cs_ca_profiles(const struct cs_ca *ca)
{
    return &ca->profiles;
}

struct cs_str cs_ca_public_url(const struct cs_ca *ca)
{
    return ca->public_url;
}

unsigned cs_ca_shards(const struct cs_ca *ca)
{
    return ca->n_shards;
}

/* ---- audit ---- */

static struct cs_str proof_text(enum cs_proof proof)
{
    switch (proof) {
    case CS_PROOF_TOKEN: return CS_STR("token");
    case CS_PROOF_CERTIFICATE: return CS_STR("certificate");
    case CS_PROOF_SERVICE: return CS_STR("service");
    default: return CS_STR("command");
    }
}

int cs_ca_note(struct cs_ca *ca, const char *action, const struct cs_requester *who,
               int64_t now_sec, struct cs_str subject, struct cs_str detail)
{
    struct cs_stored_audit entry = {.at = now_sec,
                                    .action = cs_str_from(action),
                                    .actor = who->actor,
                                    .proof = proof_text(who->proof),
                                    .peer = who->peer,
                                    .subject = subject,
                                    .detail = cs_str_sub(detail, 0, CS_STORE_TEXT_MAX)};

    return cs_store_audit_add(ca->store, &entry);
}

int cs_ca_audit_verify(struct cs_ca *ca, struct cs_audit_report *ret_report)
{
    return cs_store_audit_verify(ca->store, ret_report);
}
