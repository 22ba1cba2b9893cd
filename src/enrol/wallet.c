/* Only renames change what the names lead to; everything before them is made aside and synced, and
 * everything after them is tidying, which the next one who opens the folder would do as well. */
#include "enrol/wallet.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "io/file.h"
#include "x509/key.h"

enum { FILE_MAX = 1 << 20, NAME_TEXT = 32, LINK_TEXT = 64 };

static const char *const plain_names[] = {"key.pem", "cert.pem", "ca.pem", "state.json"};

#define N_NAMES (sizeof(plain_names) / sizeof(plain_names[0]))
#define LOCK ".lock"
#define CURRENT ".current"
#define FRESH_LINK ".current.new"
#define FRESH_SET ".new"
#define PENDING ".pending.pem"
#define FRESH_PENDING ".pending.new"
#define RELOADED ".reloaded"

struct cs_wallet {
    struct cs_str path;
    int fd;
    int lock_fd;
    unsigned current; /* number of the current set; 0: none */
};

struct cs_str cs_wallet_path(const struct cs_wallet *wallet)
{
    return wallet->path;
}

/* ---- small things in folders ---- */

static int open_folder(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

/* Some file systems cannot sync folders and say so. */
static int sync_folder(int fd)
{
    return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

static int write_file(int at, const char *name, struct cs_str bytes)
{
    cs_cleanup(cs_close_p) int fd =
        openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r;

    if (fd < 0)
        return -errno;
    r = cs_write_all(fd, bytes);
    return r < 0 ? r : fsync(fd) < 0 ? -errno : 0;
}

static int read_file(int at, const char *name, struct cs_buf *ret_bytes)
{
    cs_cleanup(cs_close_p) int fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    char path[LINK_TEXT];

    if (fd < 0)
        return -errno;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return cs_file_read(path, FILE_MAX, ret_bytes);
}

/* A folder of files, with them; a link that somebody has put there is removed, not followed. */
static void remove_set(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *files = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *file;

    while (files && (file = readdir(files)))
        (void)unlinkat(fd, file->d_name, 0); /* fails for "." and ".." */
    if (files)
        closedir(files);
    else if (fd >= 0)
        close(fd);
    if (unlinkat(at, name, AT_REMOVEDIR) < 0 && errno == ENOTDIR)
        (void)unlinkat(at, name, 0);
}

static void set_name(unsigned number, char name[NAME_TEXT])
{
    snprintf(name, NAME_TEXT, ".v%u", number);
}

/* The number of a set by its name; 0: it is none. */
static unsigned set_number(const char *name)
{
    uint64_t number = 0;

    if (strncmp(name, ".v", 2) == 0)
        (void)cs_str_to_u64(cs_str_from(name + 2), UINT32_MAX / 2, &number);
    return (unsigned)number;
}

/* Where the link @name leads, if it is one. Return: the length, or -errno. */
static int read_link(int at, const char *name, char target[LINK_TEXT])
{
    ssize_t n = readlinkat(at, name, target, LINK_TEXT - 1);

    if (n < 0)
        return -errno;
    target[n] = '\0';
    return (int)n;
}

/* ---- opening ---- */

static int check_name(int at, const char *name)
{
    char target[LINK_TEXT], ours[LINK_TEXT];
    int r = read_link(at, name, target);

    snprintf(ours, sizeof(ours), CURRENT "/%s", name);
    if (r == -ENOENT)
        return 0;
    return r < 0 || strcmp(target, ours) != 0 ? -EEXIST : 0;
}

static int check_names(int at)
{
    int r = 0;

    for (size_t i = 0; i < N_NAMES && r == 0; i++)
        r = check_name(at, plain_names[i]);
    return r;
}

static int find_current(struct cs_wallet *wallet)
{
    char target[LINK_TEXT];
    int r = read_link(wallet->fd, CURRENT, target);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r == -EINVAL ? -EEXIST : r;
    wallet->current = set_number(target);
    return wallet->current ? 0 : -EEXIST;
}

/* The set that was current before: the highest number below. */
static unsigned find_former(DIR *files, unsigned current)
{
    struct dirent *file;
    unsigned former = 0;

    while ((file = readdir(files))) {
        unsigned number = set_number(file->d_name);
        if (number < current && number > former)
            former = number;
    }
    return former;
}

/* Remove every set but the current one and the one before, and what was begun and not finished. */
static void tidy(const struct cs_wallet *wallet)
{
    int fd = open_folder(wallet->fd, ".");
    DIR *files = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *file;
    unsigned former;

    if (!files)
        return;
    former = find_former(files, wallet->current);
    rewinddir(files);
    while ((file = readdir(files))) {
        unsigned number = set_number(file->d_name);
        if (number && number != wallet->current && number != former)
            remove_set(wallet->fd, file->d_name);
    }
    closedir(files);
    remove_set(wallet->fd, FRESH_SET);
    (void)unlinkat(wallet->fd, FRESH_LINK, 0);
    (void)unlinkat(wallet->fd, FRESH_PENDING, 0);
}

static int take_folder(struct cs_wallet *wallet)
{
    int r;

    wallet->fd = open_folder(AT_FDCWD, wallet->path.ptr);
    if (wallet->fd < 0)
        return wallet->fd;
    wallet->lock_fd = openat(wallet->fd, LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (wallet->lock_fd < 0)
        return -errno;
    if (flock(wallet->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    r = check_names(wallet->fd);
    r = r < 0 ? r : find_current(wallet);
    if (r == 0)
        tidy(wallet);
    return r;
}

int cs_wallet_open(const char *path, struct cs_wallet **ret_wallet)
{
    struct cs_wallet *wallet;
    int r = cs_file_mkdirs(path, 0700);

    if (r < 0)
        return r;
    wallet = CS_NEW(struct cs_wallet);
    wallet->path = cs_str_from(strdup(path));
    wallet->fd = wallet->lock_fd = -1;
    r = take_folder(wallet);
    if (r < 0)
        cs_wallet_close(wallet);
    else
        *ret_wallet = wallet;
    return r;
}

struct cs_wallet *cs_wallet_close(struct cs_wallet *wallet)
{
    if (!wallet)
        return NULL;
    cs_close_p(&wallet->lock_fd);
    cs_close_p(&wallet->fd);
    free((char *)wallet->path.ptr);
    free(wallet);
    return NULL;
}

/* ---- the pending key ---- */

static struct evp_pkey_st *parse_key(struct cs_str pem)
{
    struct evp_pkey_st *key = NULL;
    struct cs_arena arena = {0};
    struct cs_findings findings;

    cs_findings_init(&findings, &arena);
    if (cs_key_load(pem, NULL, 0, &findings, &key) != 0)
        key = NULL;
    cs_arena_deinit(&arena);
    return key;
}

static struct evp_pkey_st *read_key(int at, const char *name)
{
    struct evp_pkey_st *key;
    struct cs_buf pem;

    if (read_file(at, name, &pem) < 0)
        return NULL;
    key = parse_key(cs_buf_str(&pem));
    cs_buf_wipe(&pem);
    return key;
}

static int write_pending(const struct cs_wallet *wallet, const struct evp_pkey_st *key)
{
    struct cs_buf pem;
    int r;

    cs_buf_init(&pem, FILE_MAX);
    (void)unlinkat(wallet->fd, FRESH_PENDING, 0);
    r = cs_key_write(key, &pem);
    if (r == 0)
        r = write_file(wallet->fd, FRESH_PENDING, cs_buf_str(&pem));
    if (r == 0 && renameat(wallet->fd, FRESH_PENDING, wallet->fd, PENDING) < 0)
        r = -errno;
    if (r == 0)
        r = sync_folder(wallet->fd);
    else
        (void)unlinkat(wallet->fd, FRESH_PENDING, 0);
    cs_buf_wipe(&pem);
    return r;
}

/* The pending key if there is one of @kind, or NULL. */
static struct evp_pkey_st *find_pending(const struct cs_wallet *wallet, enum cs_make_key_kind kind)
{
    struct evp_pkey_st *key = NULL;
    struct cs_buf pem;

    if (read_file(wallet->fd, PENDING, &pem) < 0)
        return NULL;
    if (cs_enrol_key_is(cs_buf_str(&pem), kind))
        key = parse_key(cs_buf_str(&pem));
    cs_buf_wipe(&pem);
    return key;
}

int cs_wallet_pending(struct cs_wallet *wallet, enum cs_make_key_kind kind,
                      struct evp_pkey_st **ret_key)
{
    struct evp_pkey_st *key = find_pending(wallet, kind);
    int r = 0;

    if (!key) {
        r = cs_make_key(kind, &key);
        r = r < 0 ? r : write_pending(wallet, key);
    }
    if (r == 0)
        *ret_key = key;
    else
        cs_key_free(key);
    return r;
}

/* ---- keeping ---- */

static int write_set(int at, struct cs_str key_pem, const struct cs_papers *papers,
                     const struct cs_enrol_state *state)
{
    struct cs_buf json;
    int r;

    cs_buf_init(&json, FILE_MAX);
    r = cs_enrol_state_write(state, &json);
    r = r < 0 ? r : write_file(at, "key.pem", key_pem);
    r = r < 0 ? r : write_file(at, "cert.pem", papers->cert);
    r = r < 0 ? r : write_file(at, "ca.pem", papers->ca);
    r = r < 0 ? r : write_file(at, "state.json", cs_buf_str(&json));
    cs_buf_deinit(&json);
    return r < 0 ? r : sync_folder(at);
}

/* The new set, whole, under its number. */
static int make_set(const struct cs_wallet *wallet, const char *name,
                    const struct cs_papers *papers, const struct cs_enrol_state *state)
{
    cs_cleanup(cs_close_p) int fd = -1;
    struct cs_buf key_pem;
    int r;

    remove_set(wallet->fd, FRESH_SET);
    if (mkdirat(wallet->fd, FRESH_SET, 0700) < 0)
        return -errno;
    fd = open_folder(wallet->fd, FRESH_SET);
    if (fd < 0)
        return fd;
    r = read_file(wallet->fd, PENDING, &key_pem);
    if (r < 0)
        return r;
    r = write_set(fd, cs_buf_str(&key_pem), papers, state);
    cs_buf_wipe(&key_pem);
    if (r == 0 && renameat(wallet->fd, FRESH_SET, wallet->fd, name) < 0)
        r = -errno;
    return r;
}

static int make_link(const struct cs_wallet *wallet, const char *target, const char *name)
{
    return symlinkat(target, wallet->fd, name) < 0 && errno != EEXIST ? -errno : 0;
}

static int make_names(const struct cs_wallet *wallet)
{
    char target[LINK_TEXT];
    int r = 0;

    for (size_t i = 0; i < N_NAMES && r == 0; i++) {
        snprintf(target, sizeof(target), CURRENT "/%s", plain_names[i]);
        r = make_link(wallet, target, plain_names[i]);
    }
    return r;
}

/* From here to the end of the rename is the moment at which the set changes. */
static int switch_to(const struct cs_wallet *wallet, const char *name)
{
    int r;

    (void)unlinkat(wallet->fd, FRESH_LINK, 0);
    r = make_link(wallet, name, FRESH_LINK);
    r = r < 0 ? r : sync_folder(wallet->fd);
    if (r == 0 && renameat(wallet->fd, FRESH_LINK, wallet->fd, CURRENT) < 0)
        r = -errno;
    return r;
}

int cs_wallet_keep(struct cs_wallet *wallet, const struct cs_papers *papers,
                   const struct cs_enrol_state *state)
{
    char name[NAME_TEXT];
    int r;

    set_name(wallet->current + 1, name);
    remove_set(wallet->fd, name);
    r = make_set(wallet, name, papers, state);
    r = r < 0 ? r : make_names(wallet);
    r = r < 0 ? r : switch_to(wallet, name);
    if (r < 0) {
        remove_set(wallet->fd, FRESH_SET);
        remove_set(wallet->fd, name);
        return r;
    }
    wallet->current++;
    r = sync_folder(wallet->fd);
    if (r == 0) {
        (void)unlinkat(wallet->fd, PENDING, 0);
        tidy(wallet);
    }
    return r;
}

/* ---- loading ---- */

static int open_current(const struct cs_wallet *wallet)
{
    char name[NAME_TEXT];

    set_name(wallet->current, name);
    return open_folder(wallet->fd, name);
}

/* The file @name in @arena. */
static const char *take_file(int at, const char *name, struct cs_arena *arena,
                             struct cs_str *ret_text)
{
    struct cs_buf bytes;
    int r = read_file(at, name, &bytes);

    if (r < 0)
        return cs_arena_printf(arena, "\"%s\" cannot be read: %s", name, strerror(-r)).ptr;
    *ret_text = cs_arena_dup(arena, cs_buf_str(&bytes));
    cs_buf_wipe(&bytes);
    return NULL;
}

static const char *load_set(int at, struct cs_holding *holding)
{
    struct cs_arena *arena = &holding->arena;
    struct cs_str cert = {0}, ca = {0}, json = {0};
    const char *why = take_file(at, "key.pem", arena, &holding->key_pem);

    why = why ? why : take_file(at, "cert.pem", arena, &cert);
    why = why ? why : take_file(at, "ca.pem", arena, &ca);
    why = why ? why : take_file(at, "state.json", arena, &json);
    if (why)
        return why;
    why = cs_enrol_state_read(json, arena, &holding->state);
    if (why)
        return cs_arena_printf(arena, "\"state.json\": %s", why).ptr;
    holding->key = parse_key(holding->key_pem);
    if (!holding->key)
        return "\"key.pem\" holds no private key";
    why = cs_papers_take(cert, ca, holding->key, holding->state.renew_at, arena, &holding->papers);
    if (why)
        return cs_arena_printf(arena, "\"cert.pem\": %s", why).ptr;
    holding->reloaded = faccessat(at, RELOADED, F_OK, 0) == 0;
    return NULL;
}

/* A predecessor that ended between switching and tidying left the key that is current now. */
static void drop_answered(const struct cs_wallet *wallet, const struct cs_holding *holding)
{
    struct evp_pkey_st *pending = read_key(wallet->fd, PENDING);

    if (pending && cs_key_matches(pending, &holding->papers.leaf))
        (void)unlinkat(wallet->fd, PENDING, 0);
    cs_key_free(pending);
}

const char *cs_wallet_load(struct cs_wallet *wallet, struct cs_arena *arena,
                           struct cs_holding **ret_holding)
{
    cs_cleanup(cs_close_p) int fd = -1;
    struct cs_holding *holding;
    const char *why;

    *ret_holding = NULL;
    if (!wallet->current)
        return NULL;
    fd = open_current(wallet);
    if (fd < 0)
        return "its current set is gone";
    holding = CS_NEW(struct cs_holding);
    why = load_set(fd, holding);
    if (why) {
        why = cs_arena_dup(arena, cs_str_from(why)).ptr;
        cs_holding_free(holding);
        return why;
    }
    drop_answered(wallet, holding);
    *ret_holding = holding;
    return NULL;
}

struct cs_holding *cs_holding_free(struct cs_holding *holding)
{
    if (!holding)
        return NULL;
    cs_key_free(holding->key);
    cs_wipe((char *)holding->key_pem.ptr, holding->key_pem.len);
    cs_arena_deinit(&holding->arena);
    free(holding);
    return NULL;
}

int cs_wallet_note_reload(struct cs_wallet *wallet)
{
    cs_cleanup(cs_close_p) int fd = open_current(wallet);
    int r = fd < 0 ? fd : write_file(fd, RELOADED, CS_STR(""));

    return r == -EEXIST ? 0 : r;
}
