/* A folder that goes away, stores in it, and certificates to fill them with. Included once per test
 * program. */
#ifndef CS_STORE_TEST_SUPPORT_H
#define CS_STORE_TEST_SUPPORT_H

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store.h"

static char test_folder[PATH_MAX];

static inline void test_remove(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    char below[PATH_MAX];

    while (dir && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        cs_assert(snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) < PATH_MAX);
        if (unlink(below) < 0)
            test_remove(below);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

static inline void test_remove_folder(void)
{
    test_remove(test_folder);
}

/* An own folder, removed at exit of this process. */
static inline void test_make_folder(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(test_folder, sizeof(test_folder), "%s/cs-store-XXXXXX", tmp ? tmp : "/tmp");
    cs_assert(mkdtemp(test_folder) != NULL);
    atexit(test_remove_folder);
}

/* A path in the folder; good until the next call but one. */
static inline const char *test_path(const char *name)
{
    static char paths[2][PATH_MAX];
    static int turn;
    char *path = paths[turn++ % 2];

    cs_assert(snprintf(path, PATH_MAX, "%s/%s", test_folder, name) < PATH_MAX);
    return path;
}

static inline struct cs_store *test_open(const char *name, unsigned flags)
{
    char error[CS_STORE_ERROR_MAX] = "";
    struct cs_store *store = NULL;

    if (cs_store_open(test_path(name), flags, error, &store) < 0)
        printf("# %s\n", error);
    cs_assert(store != NULL);
    return store;
}

static inline void test_begin(struct cs_store *store)
{
    cs_assert(cs_store_begin(store) == 0);
}

static inline void test_commit(struct cs_store *store)
{
    cs_assert(cs_store_commit(store) == 0);
}

/* The certificate with number @n: everything about it follows from the number. */
struct test_cert {
    struct cs_stored_cert cert;
    char serial[16], identity[64], der[600];
};

static inline void test_cert(struct test_cert *t, uint64_t n)
{
    uint64_t mixed = n * 0x9e3779b97f4a7c15u;

    *t = (struct test_cert){0};
    memcpy(t->serial, &mixed, 8); /* order unlike that of issuance */
    memcpy(t->serial + 8, &n, 8);
    snprintf(t->identity, sizeof(t->identity), "spiffe://example.org/n/%llu",
             (unsigned long long)n);
    memset(t->der, (int)(n & 0xff), sizeof(t->der));
    t->cert = (struct cs_stored_cert){
        .serial = cs_str_make(t->serial, 16),
        .identity = cs_str_from(t->identity),
        .profile = n % 2 ? CS_STR("server") : CS_STR("client"),
        .requester = CS_STR("token 1"),
        .der = cs_str_make(t->der, sizeof(t->der)),
        .issuer = 1,
        .shard = (uint16_t)(n % 4),
        .issued_at = 1000 + (int64_t)n,
        .not_before = 940 + (int64_t)n,
        .not_after = 100000 + (int64_t)n,
        .renew_at = 50000 + (int64_t)n,
    };
    memset(t->cert.spki, 0x5a, sizeof(t->cert.spki));
    memcpy(t->cert.request, t->serial, 16);
    memcpy(t->cert.request + 16, t->serial, 16);
}

#endif
