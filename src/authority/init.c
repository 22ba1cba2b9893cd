/* A CA is made in a folder beside the one that it will be, and becomes it by one rename. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "authority/findings.h"
#include "authority/folder.h"
#include "authority/state.h"
#include "base/mem.h"
#include "io/file.h"
#include "x509/key.h"
#include "x509/name.h"

enum {
    ROOT_ID = 1,
    ISSUER_ID = 2,
    SHARDS = 64,
    NAME_MAX_CHARS = 40, /* so that "NAME Issuing CA 123" is a common name */
    PASSPHRASE_BYTES = 32,
    SALT_BYTES = 16,
    TTL_MAX = 100 * 366, /* days */
    DAY = 86400,
};

/* ---- what is asked for ---- */

static int refuse(struct cs_findings *findings, const char *what, struct cs_str why)
{
    CS_FIND(findings, CS_AUTHORITY_KIND(SETUP_INVALID), NULL, cs_str_from(what), why);
    return CS_CA_REFUSED;
}

static int check_url(struct cs_str url, struct cs_findings *findings)
{
    struct cs_claim claim = {CS_CLAIM_URI, url};
    const char *why = url.len ? cs_claim_check(&claim) : NULL;

    if (!why && url.len && !cs_str_starts(url, CS_STR("http://")) &&
        !cs_str_starts(url, CS_STR("https://")))
        why = "it begins with neither http:// nor https://";
    if (!why && cs_str_ends(url, CS_STR("/")))
        why = "it ends with a \"/\"";
    return why ? refuse(findings, "its public address is no URL", cs_str_from(why)) : 0;
}

static int check_domains(struct cs_names domains, struct cs_findings *findings)
{
    for (size_t i = 0; i < domains.n; i++) {
        struct cs_claim claim = {CS_CLAIM_DNS, domains.items[i]};
        const char *why = cs_claim_check(&claim);
        if (!why && cs_claim_is_wildcard(&claim))
            why = "a domain includes what is below it: leave \"*.\" out";
        if (why)
            return refuse(
                findings, "a domain is no host name",
                cs_arena_printf(findings->arena, "\"%.*s\": %s", CS_FMT(domains.items[i]), why));
    }
    return 0;
}

static int check_setup(const struct cs_ca_setup *setup, struct cs_findings *findings)
{
    size_t n_chars = 0;
    int r;

    if (!cs_name_is_clean(setup->name, &n_chars) || n_chars == 0 || n_chars > NAME_MAX_CHARS)
        return refuse(findings, "its name cannot be used",
                      CS_STR("a name has 1 to 40 characters and no control characters"));
    if (setup->issuer_ttl_sec < DAY || setup->root_ttl_sec < setup->issuer_ttl_sec ||
        setup->root_ttl_sec > (int64_t)TTL_MAX * DAY)
        return refuse(
            findings, "its lifetimes do not fit",
            CS_STR("the issuing CA lives for at least a day and not longer than the root, "
                   "the root for at most 100 years"));
    r = check_domains(setup->domains, findings);
    return r ? r : check_url(setup->public_url, findings);
}

/* ---- what is made ---- */

struct making {
    const struct cs_ca_setup *setup;
    const struct cs_requester *who;
    int64_t now_sec;
    struct cs_findings *findings;
    struct cs_arena *arena;
    const char *dir; /* the temporary one */
    struct cs_str passphrase;
    char random[2 * PASSPHRASE_BYTES + 1];
    struct cs_issuer root, issuer;
    struct cs_store *store;
};

static int make_passphrase(struct making *m)
{
    uint8_t bytes[PASSPHRASE_BYTES];
    int r;

    m->passphrase = m->setup->passphrase;
    if (m->passphrase.len)
        return 0;
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return -EIO;
    cs_hex_encode(bytes, sizeof(bytes), false, m->random);
    cs_wipe(bytes, sizeof(bytes));
    m->random[sizeof(m->random) - 1] = '\n';
    r = cs_folder_write(m->dir, "passphrase", cs_str_make(m->random, sizeof(m->random)), 0600);
    m->passphrase = cs_str_make(m->random, sizeof(m->random) - 1);
    return r;
}

static int make_certs(struct making *m)
{
    const struct cs_ca_setup *s = m->setup;
    struct cs_ca_birth root = {.name = s->name,
                               .id = ROOT_ID,
                               .kind = s->key,
                               .ttl_sec = s->root_ttl_sec,
                               .now_sec = m->now_sec};
    struct cs_ca_birth issuer = {.name = s->name,
                                 .id = ISSUER_ID,
                                 .kind = s->key,
                                 .domains = s->domains,
                                 .crl_url = cs_ca_crl_url(s->public_url, ROOT_ID, -1, m->arena),
                                 .ttl_sec = s->issuer_ttl_sec,
                                 .now_sec = m->now_sec,
                                 .root = &m->root};
    int r = cs_ca_bear(&root, m->dir, m->passphrase, m->arena, &m->root);

    r = r ? r : cs_ca_bear(&issuer, m->dir, m->passphrase, m->arena, &m->issuer);
    m->root.state = m->issuer.state = CS_ISSUER_ACTIVE;
    m->root.activated_at = m->issuer.activated_at = m->now_sec;
    return r;
}

static int put_settings(struct making *m)
{
    const struct cs_ca_setup *s = m->setup;
    struct cs_str domains = {0};
    uint8_t salt[SALT_BYTES], key[32];
    int r;

    if (RAND_bytes(salt, sizeof(salt)) != 1)
        return -EIO;
    cs_ca_audit_key(m->passphrase, cs_str_make(salt, sizeof(salt)), key);
    r = cs_store_audit_key(m->store, key);
    cs_wipe(key, sizeof(key));
    for (size_t i = 0; i < s->domains.n; i++)
        domains = cs_arena_printf(m->arena, "%.*s%s%.*s", CS_FMT(domains), i ? "\n" : "",
                                  CS_FMT(s->domains.items[i]));
    r = r ? r : cs_store_begin(m->store);
    r = r ? r : cs_store_meta_put(m->store, CS_META_NAME, s->name);
    r = r ? r : cs_store_meta_put(m->store, CS_META_DOMAINS, domains);
    r = r ? r : cs_store_meta_put(m->store, CS_META_URL, s->public_url);
    r = r ? r : cs_store_meta_put(m->store, CS_META_SHARDS, cs_arena_u64(m->arena, SHARDS));
    return r ? r : cs_store_meta_put(m->store, CS_META_AUDIT_SALT, cs_str_make(salt, sizeof(salt)));
}

static int fill_store(struct making *m)
{
    struct cs_ca half = {.store = m->store};
    char path[PATH_MAX], error[CS_STORE_ERROR_MAX];
    int r = cs_folder_path(m->dir, "store.sqlite", path);

    r = r ? r : cs_store_open(path, CS_STORE_CREATE, error, &m->store);
    r = r ? r : put_settings(m);
    half.store = m->store;
    r = r ? r : cs_ca_put(m->store, &m->root, m->root.id, m->now_sec);
    r = r ? r : cs_ca_put(m->store, &m->issuer, m->root.id, m->now_sec);
    r = r ? r
          : cs_ca_note(&half, "init", m->who, m->now_sec, m->setup->name,
                       cs_arena_printf(m->arena, "root %.*s, issuer %.*s",
                                       CS_FMT(cs_serial_text(m->root.cert.serial, m->arena)),
                                       CS_FMT(cs_serial_text(m->issuer.cert.serial, m->arena))));
    r = r ? r : cs_store_commit(m->store);
    cs_store_close(cs_take(m->store));
    return r;
}

/* The lists of both, while the root's key is here for certain. */
static int make_lists(struct making *m)
{
    struct cs_ca_options options = {.dir = m->dir, .passphrase = m->passphrase};
    struct cs_ca_list list;
    struct cs_ca *ca;
    int r = cs_ca_open(&options, m->findings, &ca);

    if (r)
        return r;
    r = cs_ca_write_roots(ca);
    r = r ? r : cs_ca_crl(ca, ROOT_ID, -1, m->now_sec, m->findings, &list);
    r = r ? r : cs_ca_crl(ca, ISSUER_ID, -1, m->now_sec, m->findings, &list);
    cs_ca_close(ca);
    return r;
}

static int fill(struct making *m)
{
    int r = make_passphrase(m);

    r = r ? r : make_certs(m);
    r = r ? r : fill_store(m);
    r = r ? r : make_lists(m);
    r = r ? r : cs_folder_sync(m->dir);
    cs_wipe(m->random, sizeof(m->random));
    cs_key_free(m->root.key);
    cs_key_free(m->issuer.key);
    return r;
}

/* ---- where ---- */

static int refuse_folder(const struct making *m, const struct cs_finding_kind *kind,
                         const char *path, struct cs_str why)
{
    CS_FIND(m->findings, kind, NULL, cs_str_from(path), why);
    return CS_CA_REFUSED;
}

/* The folder above @dir and the name of the temporary one in it. */
static int split(const char *dir, struct cs_arena *arena, const char **ret_parent,
                 const char **ret_temporary)
{
    struct cs_str path = cs_str_from(dir);
    ptrdiff_t slash;

    while (path.len > 1 && cs_str_ends(path, CS_STR("/")))
        path.len--;
    slash = cs_str_rfind(path, '/');
    if (path.len == 0 || slash == (ptrdiff_t)path.len - 1)
        return -EINVAL;
    *ret_parent = slash < 0    ? "."
                  : slash == 0 ? "/"
                               : cs_arena_dup(arena, cs_str_sub(path, 0, (size_t)slash)).ptr;
    *ret_temporary = cs_arena_printf(arena, "%s/.%.*s.new", *ret_parent,
                                     CS_FMT(cs_str_skip(path, (size_t)(slash + 1))))
                         .ptr;
    return 0;
}

static int make_beside(struct making *m, const char *parent)
{
    const char *dir = m->setup->dir;
    int r = cs_folder_is_empty(dir);

    if (r <= 0)
        return refuse_folder(m, CS_AUTHORITY_KIND(CA_EXISTS), dir,
                             r ? cs_str_from(strerror(-r)) : CS_STR("it is not empty"));
    r = cs_folder_remove(m->dir);
    if (r < 0)
        return refuse_folder(m, CS_AUTHORITY_KIND(CA_LEFTOVER), m->dir, cs_str_from(strerror(-r)));
    if (mkdir(m->dir, 0700) < 0)
        return -errno;
    r = fill(m);
    if (r == 0 && rename(m->dir, dir) < 0)
        r = -errno;
    if (r)
        (void)cs_folder_remove(m->dir); /* else the next call does it */
    return r ? r : cs_folder_sync(parent);
}

int cs_ca_init(const struct cs_ca_setup *setup, const struct cs_requester *who, int64_t now_sec,
               struct cs_findings *findings)
{
    struct making m = {.setup = setup,
                       .who = who,
                       .now_sec = now_sec,
                       .findings = findings,
                       .arena = findings->arena};
    const char *parent;
    int r = check_setup(setup, findings);

    if (r)
        return r;
    if (split(setup->dir, m.arena, &parent, &m.dir) < 0)
        return refuse(findings, "its folder cannot be used",
                      cs_arena_printf(m.arena, "\"%s\" is not the name of one", setup->dir));
    r = cs_file_mkdirs(parent, 0755);
    if (r < 0)
        return r;
    cs_cleanup(cs_close_p) int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX) < 0)
        return -errno;
    return make_beside(&m, parent);
}
