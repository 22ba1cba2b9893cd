/* A backup is the folder again. Restoring one puts the backup's copy beside the folder, takes over
 * what has happened since, and swaps the two: so there is one CA at every moment, and none in which
 * something revoked is good again. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "authority/findings.h"
#include "authority/folder.h"
#include "authority/state.h"
#include "base/mem.h"
#include "base/time.h"
#include "io/file.h"
#include "x509/list.h"
#include "x509/name.h"
#include "x509/pem.h"
#include "x509/signature.h"

enum { CERT_TEXT_MAX = 1 << 20 };

/* ---- files ---- */

/* What belongs to a copy, beside the store. */
static bool is_copied(const char *name)
{
    struct cs_str text = cs_str_from(name);

    return cs_str_ends(text, CS_STR(".pem")) || cs_str_ends(text, CS_STR(".key")) ||
           cs_str_ends(text, CS_STR(".crl"));
}

static int copy_file(const char *from, const char *to, const char *name)
{
    char path[PATH_MAX];
    struct cs_buf bytes;
    struct stat st;
    int r = cs_folder_path(from, name, path);

    if (r == 0 && stat(path, &st) < 0)
        r = -errno;
    r = r ? r : cs_folder_read(from, name, &bytes);
    if (r < 0)
        return r;
    r = cs_folder_write(to, name, cs_buf_str(&bytes), st.st_mode & 0777);
    cs_buf_wipe(&bytes);
    return r;
}

/* Whoever owns the folder may have put a link there: that is not a file of the CA. */
static int copy_if_ours(const char *from, const char *to, const char *name)
{
    int r = copy_file(from, to, name);

    return r == -ELOOP ? 0 : r;
}

/* Every file in @from that a copy has and @to has not; @only: with this ending. */
static int copy_files(const char *from, const char *to, const char *only)
{
    DIR *dir = opendir(from);
    struct dirent *entry;
    char path[PATH_MAX];
    int r = 0;

    if (!dir)
        return errno == ENOENT ? 0 : -errno;
    while (r == 0 && (entry = readdir(dir)) != NULL) {
        if (!is_copied(entry->d_name) ||
            (only && !cs_str_ends(cs_str_from(entry->d_name), cs_str_from(only))))
            continue;
        r = cs_folder_path(to, entry->d_name, path);
        if (r == 0 && access(path, F_OK) < 0)
            r = copy_if_ours(from, to, entry->d_name);
    }
    closedir(dir);
    return r;
}

static int copy_lists(const char *from, const char *to)
{
    char from_lists[PATH_MAX], to_lists[PATH_MAX];
    int r = cs_folder_path(from, "crl", from_lists);

    r = r ? r : cs_folder_path(to, "crl", to_lists);
    r = r ? r : cs_folder_mkdir(to, "crl");
    return r ? r : copy_files(from_lists, to_lists, NULL);
}

/* "PARENT/.NAME.new", as init has it. */
static int temporary_of(const char *dir, char ret_path[PATH_MAX])
{
    struct cs_str path = cs_str_from(dir);
    ptrdiff_t slash;
    int n;

    while (path.len > 1 && cs_str_ends(path, CS_STR("/")))
        path.len--;
    slash = cs_str_rfind(path, '/');
    n = snprintf(ret_path, PATH_MAX, "%.*s.%.*s.new", (int)(slash + 1), dir,
                 CS_FMT(cs_str_skip(path, (size_t)(slash + 1))));
    return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* So that the name is there after a power cut. */
static int sync_parent(const char *dir)
{
    char path[PATH_MAX];
    ptrdiff_t slash;
    int r = temporary_of(dir, path);

    if (r)
        return r;
    slash = cs_str_rfind(cs_str_from(path), '/');
    path[slash > 0 ? slash : slash + 1] = '\0';
    return cs_folder_sync(slash < 0 ? "." : slash == 0 ? "/" : path);
}

static int begin_folder(const char *dir, char ret_path[PATH_MAX])
{
    int r = temporary_of(dir, ret_path);

    r = r ? r : cs_folder_remove(ret_path);
    if (r == 0 && mkdir(ret_path, 0700) < 0)
        r = -errno;
    return r;
}

/* ---- backup ---- */

static int fill_backup(struct cs_ca *ca, const char *to)
{
    char path[PATH_MAX];
    int r = cs_folder_path(to, "store.sqlite", path);

    r = r ? r : cs_store_backup(ca->store, path);
    r = r ? r : copy_files(ca->dir, to, NULL);
    r = r ? r : copy_lists(ca->dir, to);
    return r ? r : cs_folder_sync(to);
}

static int note_backup(struct cs_ca *ca, const char *dir, const struct cs_requester *who,
                       int64_t now_sec)
{
    int r = cs_ca_enter(ca);

    return r ? r
             : cs_ca_leave(ca, cs_ca_note(ca, "backup", who, now_sec, cs_str_from(dir),
                                          (struct cs_str){0}));
}

int cs_ca_backup(struct cs_ca *ca, const char *dir, const struct cs_requester *who, int64_t now_sec,
                 struct cs_findings *findings)
{
    char temporary[PATH_MAX];
    int r = cs_folder_is_empty(dir);

    if (r <= 0) {
        CS_FIND(findings, CS_AUTHORITY_KIND(CA_EXISTS), NULL, cs_str_from(dir),
                r ? cs_str_from(strerror(-r)) : CS_STR("it is not empty"));
        return CS_CA_REFUSED;
    }
    r = note_backup(ca, dir, who, now_sec);
    r = r ? r : begin_folder(dir, temporary);
    if (r)
        return r;
    r = fill_backup(ca, temporary);
    if (r == 0 && rename(temporary, dir) < 0)
        r = -errno;
    if (r)
        (void)cs_folder_remove(temporary);
    return r ? r : sync_parent(dir);
}

/* ---- restore ---- */

/* More events than a CA has in its life. */
#define EVENTS_LEAP ((uint64_t)1 << 32)

struct restoring {
    const struct cs_ca_options *options;
    const char *backup;
    const char *const *lists;
    size_t n_lists;
    const struct cs_requester *who;
    int64_t now_sec;
    struct cs_findings *findings;
    struct cs_arena *arena;
    char temporary[PATH_MAX];
    struct cs_ca *ca;        /* the new one, being filled */
    struct cs_store *before; /* of what is there; NULL: there is none that can be read */
    bool is_there;           /* there is something in the folder */
    struct cs_ca_restored done;
};

static int refuse(const struct restoring *r, const struct cs_finding_kind *kind, const char *what,
                  struct cs_str why)
{
    CS_FIND(r->findings, kind, NULL, cs_str_from(what), why);
    return CS_CA_REFUSED;
}

/* Revoke @serial in the new store, at the time and for the reason that the old one had. */
static int end_cert(struct restoring *r, struct cs_str serial, int64_t at, unsigned reason)
{
    uint64_t seq;
    int e = cs_store_revoke(r->ca->store, serial, at, reason, &seq);

    if (e == 0)
        r->done.n_revoked++;
    return e == -EALREADY ? 0 : e;
}

static int take_cert(void *ctx, const struct cs_stored_cert *cert)
{
    struct restoring *r = ctx;
    int e = cs_store_cert_add(r->ca->store, cert);

    if (e == 0)
        r->done.n_certs++;
    if (e < 0 && e != -EEXIST)
        return e;
    return cert->revoked_at ? end_cert(r, cert->serial, cert->revoked_at, cert->reason) : 0;
}

/* A token that the backup does not know is no good any more either way. */
static int take_token(void *ctx, const struct cs_stored_token *token)
{
    struct restoring *r = ctx;
    int e;

    if (!token->used_at)
        return 0;
    e = cs_store_token_take(r->ca->store, token->digest, token->used_at, token->used_by);
    if (e == 0)
        r->done.n_tokens++;
    return e == -ENOENT || e == -EALREADY || e == -ETIME ? 0 : e;
}

/* Also those of certificates that are in no store any more. */
static int take_key(void *ctx, const uint8_t spki[32], int64_t at)
{
    const struct restoring *r = ctx;

    return cs_store_key_add(r->ca->store, spki, at);
}

static int take_issuer(void *ctx, const struct cs_stored_issuer *issuer)
{
    struct restoring *r = ctx;
    const struct cs_issuer *known = cs_ca_find(r->ca, issuer->id);

    if (known && !cs_str_eq(known->cert.der, issuer->der))
        return refuse(r, CS_AUTHORITY_KIND(BACKUP_UNUSABLE), r->backup,
                      CS_STR("it is of another CA than the one in the folder"));
    return cs_store_issuer_put(r->ca->store, issuer);
}

static int take_meta(struct restoring *r, struct cs_str name)
{
    struct cs_str value;
    int e = cs_store_meta_get(r->before, name, r->arena, &value);

    return e == -ENOENT ? 0 : e ? e : cs_store_meta_put(r->ca->store, name, value);
}

/* Numbers of events go on above all that were given, before the first thing is taken over: whoever
 * follows hears all of that, wherever he was. Without the store of today they leap. */
static int skip_events(struct restoring *r)
{
    uint64_t gone, last = 0;
    int e = cs_store_event_bounds(r->before ? r->before : r->ca->store, &gone, &last);

    return e ? e : cs_store_event_skip(r->ca->store, r->before ? last : last + EVENTS_LEAP);
}

static struct cs_issuer *newest_root(struct cs_ca *ca)
{
    struct cs_issuer *root = NULL;

    for (size_t i = 0; i < ca->n_issuers; i++) {
        if (ca->issuers[i].is_root)
            root = &ca->issuers[i];
    }
    return root;
}

static int take_store(struct restoring *r)
{
    struct cs_store_query all = {0};
    struct cs_issuer *root;
    int e = cs_store_issuer_each(r->before, take_issuer, r);

    e = e ? e : cs_store_cert_each(r->before, &all, take_cert, r);
    e = e ? e : cs_store_key_each(r->before, take_key, r);
    e = e ? e : cs_store_token_each(r->before, take_token, r);
    e = e ? e : take_meta(r, CS_META_LIST_NUMBER);
    e = e ? e : cs_ca_reload(r->ca);
    root = newest_root(r->ca);
    e = e || !root ? e : take_meta(r, cs_ca_cross_name(root->id, r->arena));
    return e;
}

/* ---- what only lists tell ---- */

/* Who signed @list, of the CA certificates that are known. */
static const struct cs_issuer *signer_of(struct restoring *r, const struct cs_crl *list)
{
    for (size_t i = 0; i < r->ca->n_issuers; i++) {
        const struct cs_issuer *issuer = &r->ca->issuers[i];
        if (cs_name_eq(issuer->cert.subject, list->issuer) &&
            cs_signed_by(list->der, issuer->cert.spki))
            return issuer;
    }
    return NULL;
}

/* A certificate of which only this is known: it stays on the lists as long as its issuer lives. */
static int take_stranger(struct restoring *r, const struct cs_issuer *issuer, struct cs_str serial,
                         const struct cs_crl_entry *entry)
{
    struct cs_stored_cert cert = {.serial = serial,
                                  .identity = CS_STR("known from a list only"),
                                  .profile = CS_STR("unknown"),
                                  .requester = CS_STR("restore"),
                                  .der = issuer->cert.der,
                                  .issuer = issuer->id,
                                  .issued_at = entry->date,
                                  .not_before = entry->date,
                                  .not_after = issuer->cert.not_after,
                                  .renew_at = issuer->cert.not_after};
    int e;

    cert.shard = cs_ca_shard_of(r->ca, serial);
    e = cs_store_cert_add(r->ca->store, &cert);
    if (e == 0)
        r->done.n_certs++;
    return e ? e : end_cert(r, serial, entry->date, entry->reason);
}

static int take_entry(struct restoring *r, const struct cs_issuer *issuer,
                      const struct cs_crl_entry *entry)
{
    struct cs_cert cert = {.serial = entry->serial};
    uint8_t serial[CS_CA_SERIAL_LEN];
    struct cs_str raw = cs_str_make(serial, sizeof(serial));
    int e;

    if (cs_ca_serial_of(&cert, serial) < 0)
        return 0; /* not ours: longer than any */
    e = end_cert(r, raw, entry->date, entry->reason);
    return e == -ENOENT ? take_stranger(r, issuer, raw, entry) : e;
}

/* The numbers of lists go on above this one's. */
static int note_number(struct restoring *r, const struct cs_crl *list)
{
    uint64_t number = cs_ca_list_number(list), known = 0;
    struct cs_str text;
    int e = cs_store_meta_get(r->ca->store, CS_META_LIST_NUMBER, r->arena, &text);

    if (e == 0)
        (void)cs_str_to_u64(text, INT64_MAX, &known);
    if ((e < 0 && e != -ENOENT) || number <= known)
        return e == -ENOENT ? 0 : e;
    return cs_store_meta_put(r->ca->store, CS_META_LIST_NUMBER, cs_arena_u64(r->arena, number));
}

static int take_list(struct restoring *r, const char *what, struct cs_str der)
{
    struct cs_crl_fault fault;
    struct cs_crl_entry entry;
    const struct cs_issuer *issuer;
    struct cs_crl list;
    struct cs_str rest;
    int e = 0;

    if (!cs_crl_parse(der, &list, &fault))
        return refuse(r, CS_AUTHORITY_KIND(BACKUP_UNUSABLE), what, cs_str_from(fault.why));
    issuer = signer_of(r, &list);
    if (!issuer)
        return refuse(r, CS_AUTHORITY_KIND(BACKUP_UNUSABLE), what,
                      CS_STR("it is a list of another CA"));
    for (rest = list.entries; e == 0 && rest.len;) {
        if (cs_crl_next(&rest, &entry))
            return refuse(r, CS_AUTHORITY_KIND(BACKUP_UNUSABLE), what,
                          CS_STR("it has an entry that cannot be read"));
        e = take_entry(r, issuer, &entry);
    }
    return e ? e : note_number(r, &list);
}

static int take_list_file(struct restoring *r, const char *path)
{
    struct cs_pem_block block = {0};
    struct cs_buf bytes;
    struct cs_str rest;
    int e = cs_file_read(path, CS_FOLDER_FILE_MAX, &bytes);

    if (e < 0)
        return refuse(r, CS_AUTHORITY_KIND(BACKUP_UNUSABLE), path, cs_str_from(strerror(-e)));
    rest = cs_buf_str(&bytes);
    if (cs_pem_is_der(rest))
        e = take_list(r, path, rest);
    else if (cs_pem_next(&rest, r->arena, &block) > 0)
        e = take_list(r, path, block.der);
    else
        e = refuse(r, CS_AUTHORITY_KIND(BACKUP_UNUSABLE), path, CS_STR("it is no revocation list"));
    cs_buf_deinit(&bytes);
    return e;
}

/* Those in the folder that is there; a damaged one is passed over, since it was only a copy. */
static int take_kept_lists(struct restoring *r)
{
    char path[PATH_MAX];
    int e = 0;

    for (size_t i = 0; e == 0 && i < r->ca->n_issuers; i++) {
        struct cs_crl_fault fault;
        struct cs_crl list;
        struct cs_buf der;
        e = cs_folder_path(r->options->dir,
                           cs_arena_printf(r->arena, "crl/%u.crl", r->ca->issuers[i].id).ptr, path);
        if (e || cs_file_read(path, CS_FOLDER_FILE_MAX, &der) < 0)
            continue;
        if (cs_crl_parse(cs_buf_str(&der), &list, &fault) && signer_of(r, &list))
            e = take_list(r, path, cs_buf_str(&der));
        cs_buf_deinit(&der);
    }
    return e;
}

/* Tokens that are still good, by their digests. */
struct open_tokens {
    struct restoring *r;
    uint8_t (*digests)[32];
    size_t n, room;
};

static int note_token(void *ctx, const struct cs_stored_token *token)
{
    struct open_tokens *open = ctx;

    if (token->used_at || open->r->now_sec > token->expires_at)
        return 0;
    if (open->n == open->room) {
        uint8_t(*grown)[32];
        open->room = open->room ? 2 * open->room : 16;
        grown = cs_arena_array(open->r->arena, open->room, sizeof(*grown));
        if (open->n)
            memcpy(grown, open->digests, open->n * sizeof(*grown));
        open->digests = grown;
    }
    memcpy(open->digests[open->n++], token->digest, sizeof(token->digest));
    return 0;
}

/* Without the store of today nobody knows which tokens were used: none is good. */
static int end_tokens(struct restoring *r)
{
    struct open_tokens open = {.r = r};
    int e = cs_store_token_each(r->ca->store, note_token, &open);

    for (size_t i = 0; e == 0 && i < open.n; i++)
        e = cs_store_token_take(r->ca->store, open.digests[i], r->now_sec, CS_STR("restore"));
    r->done.n_tokens += open.n;
    return e;
}

static int take_all(struct restoring *r)
{
    int e = skip_events(r);

    if (e == 0 && r->before)
        e = take_store(r);
    else if (e == 0 && r->is_there)
        e = end_tokens(r);
    e = e ? e : take_kept_lists(r);
    for (size_t i = 0; e == 0 && i < r->n_lists; i++)
        e = take_list_file(r, r->lists[i]);
    return e ? e
             : cs_ca_note(
                   r->ca, "restore", r->who, r->now_sec, cs_str_from(r->backup),
                   cs_arena_printf(r->arena,
                                   "%llu certificates, %llu revocations and %llu used tokens "
                                   "of after the backup",
                                   (unsigned long long)r->done.n_certs,
                                   (unsigned long long)r->done.n_revoked,
                                   (unsigned long long)r->done.n_tokens));
}

/* ---- in what order ---- */

static int copy_backup(struct restoring *r)
{
    struct cs_store *store = NULL;
    char from[PATH_MAX], to[PATH_MAX], error[CS_STORE_ERROR_MAX];
    int e = cs_folder_path(r->backup, "store.sqlite", from);

    e = e ? e : cs_folder_path(r->temporary, "store.sqlite", to);
    if (e)
        return e;
    e = cs_store_open(from, CS_STORE_READ, error, &store);
    if (e < 0)
        return refuse(r, CS_AUTHORITY_KIND(BACKUP_UNUSABLE), r->backup, cs_str_from(error));
    e = cs_store_backup(store, to);
    cs_store_close(store);
    e = e ? e : copy_files(r->backup, r->temporary, NULL);
    return e ? e : copy_lists(r->backup, r->temporary);
}

/* What is in the folder now: its pass phrase, keys of later CA certificates, its store. */
static int look_at_folder(struct restoring *r)
{
    char path[PATH_MAX], error[CS_STORE_ERROR_MAX];
    int e = cs_folder_is_empty(r->options->dir);

    r->is_there = e == 0;
    if (e != 0)
        return e < 0 ? e : 0;
    e = cs_folder_path(r->options->dir, "store.sqlite", path);
    e = e ? e : cs_store_open(path, 0, error, &r->before);
    if (e < 0)
        CS_FIND(r->findings, CS_AUTHORITY_KIND(STORE_LOST), NULL, cs_str_from(r->options->dir),
                e == -ENAMETOOLONG ? cs_str_from(strerror(-e)) : cs_str_from(error));
    e = copy_file(r->options->dir, r->temporary, "passphrase");
    if (e < 0 && e != -ENOENT)
        return e;
    return r->before ? copy_files(r->options->dir, r->temporary, NULL) : 0;
}

static int open_new(struct restoring *r)
{
    struct cs_ca_options options = *r->options;

    options.dir = r->temporary;
    return cs_ca_open(&options, r->findings, &r->ca);
}

static int fill_new(struct restoring *r)
{
    int e = copy_backup(r);

    e = e ? e : look_at_folder(r);
    e = e ? e : open_new(r);
    if (e)
        return e;
    e = cs_ca_begin(r->ca);
    if (e)
        return e;
    e = take_all(r);
    if (e)
        cs_ca_rollback(r->ca);
    else
        e = cs_ca_commit(r->ca);
    e = e ? e : cs_ca_reload(r->ca);
    return e ? e : cs_ca_write_roots(r->ca);
}

/* The new folder is given the name that the old one is to have, and then the two change places in
 * one step: what is removed when that fails, or left when it is interrupted, is never the old one.
 */
static int exchange(struct restoring *r)
{
    const char *dir = r->options->dir;
    int n = snprintf(r->done.replaced, sizeof(r->done.replaced), "%s.replaced-%lld", dir,
                     (long long)r->now_sec);

    if (n < 0 || (size_t)n >= sizeof(r->done.replaced))
        return -ENAMETOOLONG;
    if (renameat2(AT_FDCWD, r->temporary, AT_FDCWD, r->done.replaced, RENAME_NOREPLACE) < 0)
        return -errno;
    if (renameat2(AT_FDCWD, r->done.replaced, AT_FDCWD, dir, RENAME_EXCHANGE) == 0)
        return 0;
    n = -errno;
    (void)cs_folder_remove(r->done.replaced);
    return n;
}

static int change_places(struct restoring *r)
{
    int e;

    if (r->is_there)
        e = exchange(r);
    else
        e = rename(r->temporary, r->options->dir) < 0 ? -errno : 0;
    return e ? e : sync_parent(r->options->dir);
}

/* While this is held nobody opens the CA that is there. */
static int lock_folder(const struct restoring *r, int *ret_fd)
{
    int fd = open(r->options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return refuse(r, CS_AUTHORITY_KIND(CA_UNREADABLE), r->options->dir,
                      cs_str_from(strerror(errno)));
    *ret_fd = fd;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return refuse(r, CS_AUTHORITY_KIND(CA_IN_USE), r->options->dir,
                      CS_STR("another process has it open"));
    return 0;
}

/* What is in @fd, which is closed, is given to those who own what has the same name in @old (-1:
 * nothing has), or else to the owner of the CA's folder. */
static int give(int fd, int old, const struct stat *owner, int depth)
{
    DIR *dir = fdopendir(fd);
    struct dirent *entry;
    int e = dir ? 0 : -errno;

    if (!dir)
        close(fd);
    while (e == 0 && dir && (entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        struct stat st = *owner;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (old >= 0 && fstatat(old, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            st = *owner;
        if (depth > 0) {
            int sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            e = sub < 0 ? 0 : give(sub, -1, owner, depth - 1);
        }
        if (e == 0 && fchownat(fd, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
            e = -errno;
    }
    if (dir)
        closedir(dir);
    return e;
}

/* Root restores for whom the folder belonged to; what root alone could read stays so. */
static int keep_owners(const struct restoring *r)
{
    cs_cleanup(cs_close_p) int old = -1;
    struct stat owner;
    int fd, e;

    if (!r->is_there || geteuid() != 0)
        return 0;
    old = open(r->options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (old < 0 || fstat(old, &owner) < 0)
        return -errno;
    if (owner.st_uid == 0)
        return 0;
    fd = open(r->temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    e = fd < 0 ? -errno : give(fd, old, &owner, 1);
    return e == 0 && lchown(r->temporary, owner.st_uid, owner.st_gid) < 0 ? -errno : e;
}

static int restore(struct restoring *r)
{
    int e = begin_folder(r->options->dir, r->temporary);

    if (e)
        return e;
    e = fill_new(r);
    cs_ca_close(r->ca);
    cs_store_close(r->before);
    e = e ? e : keep_owners(r);
    e = e ? e : cs_folder_sync(r->temporary);
    e = e ? e : change_places(r);
    if (e)
        (void)cs_folder_remove(r->temporary);
    return e;
}

int cs_ca_restore(const struct cs_ca_options *options, const char *backup, const char *const *lists,
                  size_t n_lists, const struct cs_requester *who, int64_t now_sec,
                  struct cs_findings *findings, struct cs_ca_restored *ret_restored)
{
    struct restoring r = {.options = options,
                          .backup = backup,
                          .lists = lists,
                          .n_lists = n_lists,
                          .who = who,
                          .now_sec = now_sec,
                          .findings = findings,
                          .arena = findings->arena};
    cs_cleanup(cs_close_p) int fd = -1;
    int e = lock_folder(&r, &fd);

    e = e ? e : restore(&r);
    if (e == 0)
        *ret_restored = r.done;
    return e;
}
