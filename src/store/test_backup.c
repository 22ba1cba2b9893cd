/* A backup is a whole store as of one moment, while another process goes on writing. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "store/store.h"
#include "store/test_support.h"
#include "tap.h"

#define GROUP 4
#define BEFORE 200 /* groups */

static const uint8_t key[32] = "0123456789abcdef0123456789abcdef";

static void add_group(struct cs_store *store, uint64_t group)
{
    struct test_cert t;

    test_begin(store);
    for (uint64_t n = group * GROUP; n < (group + 1) * GROUP; n++) {
        struct cs_stored_audit entry = {.action = CS_STR("issue"), .at = (int64_t)n};
        test_cert(&t, n);
        t.cert.not_after = (int64_t)n + 1;
        cs_assert(cs_store_cert_add(store, &t.cert) == 0);
        cs_assert(cs_store_audit_add(store, &entry) == 0);
    }
    test_commit(store);
}

static void write_until_killed(int ready)
{
    struct cs_store *store;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    store = test_open("store", 0);
    cs_assert(cs_store_audit_key(store, key) == 0);
    for (uint64_t group = BEFORE;; group++) {
        add_group(store, group);
        cs_assert(write(ready, "", 1) == 1);
    }
}

static int count_cert(void *ctx, const struct cs_stored_cert *cert)
{
    ++*(uint64_t *)ctx;
    return 0;
}

/* Return: how many certificates are in a store that is sound; 0 when it is not. */
static uint64_t judge(const char *name)
{
    struct cs_store *store = test_open(name, 0);
    struct cs_audit_report report = {0};
    uint64_t n = 0;

    cs_assert(cs_store_audit_key(store, key) == 0);
    cs_assert(cs_store_cert_each(store, &(struct cs_store_query){0}, count_cert, &n) == 0);
    cs_assert(cs_store_audit_verify(store, &report) == 0);
    cs_store_close(store);
    return report.flaw == CS_AUDIT_SOUND && report.seq == n && n % GROUP == 0 ? n : 0;
}

static void test_beside_writer(struct cs_store *store)
{
    uint64_t said = BEFORE, there;
    char name[16], byte;
    struct stat st;
    int fds[2];
    pid_t pid;

    cs_assert(pipe(fds) == 0);
    pid = fork();
    cs_assert(pid >= 0);
    if (pid == 0)
        write_until_killed(fds[1]);
    close(fds[1]);
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 3; j++, said++) /* it is at work */
            cs_assert(read(fds[0], &byte, 1) == 1);
        snprintf(name, sizeof(name), "copy-%d", i);
        tap_int(cs_store_backup(store, test_path(name)), 0, "a backup");
        tap_ok(stat(test_path(name), &st) == 0 && (st.st_mode & 0777) == 0600, "mode 0600");
        there = judge(name);
        tap_ok(there >= said * GROUP, "is sound, and has what was committed before: %llu of %llu",
               (unsigned long long)there, (unsigned long long)(said * GROUP));
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(fds[0]);
}

static void test_refused(struct cs_store *store)
{
    tap_int(cs_store_backup(store, test_path("store")), -EEXIST, "not over the store");
    tap_int(cs_store_backup(store, test_path("copy-1")), -EEXIST, "nor over another");
    tap_ok(judge("copy-1") > 0, "which is still good");
    tap_int(cs_store_backup(store, test_path("none/copy")), -ENOENT, "nor without a folder");
    tap_ok(strstr(cs_store_error(store), "cannot be made") != NULL, "in words: %s",
           cs_store_error(store));
}

static void test_archives(struct cs_store *store)
{
    struct cs_store_sweep sweep = {.certs_before = 501, .audit_before = 500};
    struct cs_stored_cert got;
    struct cs_arena arena;
    struct test_cert t;
    uint32_t n = 1;

    cs_arena_init(&arena);
    while (n)
        cs_assert(cs_store_sweep(store, &sweep, &n) == 0);
    cs_assert(mkdir(test_path("backup"), 0700) == 0);
    tap_int(cs_store_backup(store, test_path("backup/store")), 0, "with archives");
    tap_ok(access(test_path("backup/archive/1970-01.sqlite"), F_OK) == 0, "these are copied");
    cs_store_close(store);
    store = test_open("backup/store", 0);
    test_cert(&t, 5);
    tap_int(cs_store_cert_get(store, t.cert.serial, &arena, &got), 0, "and found from there");
    struct cs_audit_report report = {0};
    tap_ok(cs_store_audit_key(store, key) == 0 && cs_store_audit_verify(store, &report) == 0 &&
               report.flaw == CS_AUDIT_SOUND,
           "the log stands");
    /* The next one finds an archive folder in its way. */
    cs_assert(mkdir(test_path("taken"), 0700) == 0 && mkdir(test_path("taken/archive"), 0700) == 0);
    tap_int(cs_store_backup(store, test_path("taken/store")), -EEXIST, "no mixture with others");
    tap_ok(access(test_path("taken/store"), F_OK) < 0, "and nothing half made");
    cs_store_close(store);
    cs_arena_deinit(&arena);
}

int main(void)
{
    struct cs_store *store;

    test_make_folder();
    store = test_open("store", CS_STORE_CREATE);
    cs_assert(cs_store_audit_key(store, key) == 0);
    for (uint64_t group = 0; group < BEFORE; group++)
        add_group(store, group);
    test_beside_writer(store);
    test_refused(store);
    test_archives(store);
    return tap_done();
}
