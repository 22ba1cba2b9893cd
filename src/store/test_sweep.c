/* What has expired goes to the archive of its month and is found there; what is killed on the way
 * loses nothing and doubles nothing; the audit log stands across archives, also when old ones have
 * been deleted. */
#include <signal.h>
#include <sqlite3.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "store/store.h"
#include "store/test_support.h"
#include "tap.h"

#define DAY 86400
#define N 300
#define JANUARY 1798761600 /* 2027-01-01 */
#define MARCH 1803859200   /* 2027-03-01 */
#define APRIL 1806537600   /* 2027-04-01 */
#define FAR 4102444800     /* 2100-01-01 */

static const uint8_t key[32] = "0123456789abcdef0123456789abcdef";
static struct cs_arena arena;

/* Certificate @n of a day each from January on. */
static void dated_cert(struct test_cert *t, uint64_t n)
{
    test_cert(t, n);
    t->cert.not_after = JANUARY + (int64_t)n * DAY / 2;
    if (n % 50 == 0)
        t->cert.not_after = FAR;
}

static void fill(struct cs_store *store)
{
    struct test_cert t;
    uint64_t seq;

    test_begin(store);
    for (uint64_t n = 1; n <= N; n++) {
        struct cs_stored_audit entry = {.action = CS_STR("issue"),
                                        .at = JANUARY + (int64_t)n * DAY / 2};
        struct cs_stored_token token = {.expires_at = entry.at};
        dated_cert(&t, n);
        memcpy(token.digest, &n, 8);
        cs_assert(cs_store_cert_add(store, &t.cert) == 0);
        cs_assert(cs_store_audit_add(store, &entry) == 0);
        cs_assert(cs_store_token_add(store, &token) == 0);
        if (n % 3 == 0)
            cs_assert(cs_store_revoke(store, t.cert.serial, entry.at - 5, 4, &seq) == 0);
    }
    test_commit(store);
}

static struct cs_store *open_with_key(const char *name, unsigned flags)
{
    struct cs_store *store = test_open(name, flags);

    cs_assert(cs_store_audit_key(store, key) == 0);
    return store;
}

/* A store with N of everything, alone in its folder. */
static struct cs_store *fresh(void)
{
    struct cs_store *store;

    test_remove(test_path("archive"));
    unlink(test_path("store"));
    store = open_with_key("store", CS_STORE_CREATE);
    fill(store);
    return store;
}

static uint32_t sweep_all(struct cs_store *store, const struct cs_store_sweep *sweep)
{
    uint32_t n, sum = 0;

    do {
        cs_assert(cs_store_sweep(store, sweep, &n) == 0);
        cs_assert(n <= (sweep->limit ? sweep->limit : 500));
        sum += n;
    } while (n);
    return sum;
}

static int count_cert(void *ctx, const struct cs_stored_cert *cert)
{
    ++*(uint64_t *)ctx;
    return 0;
}

static uint64_t count(struct cs_store *store)
{
    uint64_t n = 0;

    cs_assert(cs_store_cert_each(store, &(struct cs_store_query){0}, count_cert, &n) == 0);
    return n;
}

static int count_revocation(void *ctx, const struct cs_stored_revocation *revocation)
{
    ++*(uint64_t *)ctx;
    return 0;
}

static uint64_t count_revoked(struct cs_store *store)
{
    uint64_t n = 0;

    cs_assert(cs_store_revoked_each(store, 1, -1, 0, count_revocation, &n) == 0);
    return n;
}

static uint64_t count_archive(const char *month)
{
    struct cs_store *archive = test_open(month, CS_STORE_READ);
    uint64_t n = count(archive);

    cs_store_close(archive);
    return n;
}

/* Every certificate, or every @step-th, is found as it was. */
static bool there(struct cs_store *store, uint64_t from, uint64_t step)
{
    struct cs_stored_cert got;
    struct test_cert t;

    for (uint64_t n = from; n <= N; n += step) {
        dated_cert(&t, n);
        if (cs_store_cert_get(store, t.cert.serial, &arena, &got) < 0 ||
            got.not_after != t.cert.not_after || !cs_str_eq(got.der, t.cert.der) ||
            (got.revoked_at != 0) != (n % 3 == 0) || (got.revoked_at && got.reason != 4))
            return tap_ok(false, "certificate %llu: %s", (unsigned long long)n,
                          cs_store_error(store));
        cs_arena_reset(&arena);
    }
    return true;
}

static bool all_there(struct cs_store *store)
{
    return there(store, 1, 1);
}

static bool sound(struct cs_store *store)
{
    struct cs_audit_report report = {0};

    cs_assert(cs_store_audit_verify(store, &report) == 0);
    return report.flaw == CS_AUDIT_SOUND && report.seq == N;
}

static void test_certs(void)
{
    struct cs_store *store = fresh();
    struct cs_store_sweep sweep = {.certs_before = MARCH, .limit = 7};
    struct cs_stored_cert got;
    struct test_cert t;
    uint64_t seq;
    uint32_t n = 9;

    tap_int(cs_store_sweep(store, &(struct cs_store_sweep){.certs_before = JANUARY}, &n), 0,
            "nothing is due");
    tap_int(n, 0, "so nothing moves");
    tap_int(sweep_all(store, &sweep), 115, "January and February, but for two");
    tap_int((int64_t)count(store), N - 115, "are no longer here");
    tap_int((int64_t)count_archive("archive/2027-01.sqlite"), 60, "but in January's archive");
    tap_int((int64_t)count_archive("archive/2027-02.sqlite"), 55, "and in February's");
    tap_ok(all_there(store), "and found");
    tap_int((int64_t)count_revoked(store), 100 - 39, "their revocations left the lists");
    dated_cert(&t, 3);
    tap_int(cs_store_cert_current(store, t.cert.serial, &arena, &got), -ENOENT,
            "strangers do not look there");
    tap_int(cs_store_cert_get(store, CS_STR("unknown"), &arena, &got), -ENOENT, "an unknown one");
    dated_cert(&t, 1);
    test_begin(store);
    tap_int(cs_store_revoke(store, t.cert.serial, FAR, 1, &seq), -ENOENT,
            "what is archived is not revoked any more");
    test_commit(store);
    sweep.limit = 0;
    sweep.certs_before = FAR;
    tap_int(sweep_all(store, &sweep), N - 115 - 6, "all that expires");
    tap_ok(all_there(store), "all are found");
    cs_store_close(store);
}

static int last_event(void *ctx, const struct cs_stored_event *event)
{
    *(uint64_t *)ctx = event->seq;
    return 0;
}

static void test_papers(void)
{
    struct cs_store *store = fresh();
    struct cs_store_sweep sweep = {.papers_before = MARCH, .limit = 10};
    struct cs_stored_event valid = {.kind = CS_EVENT_REVOKED, .serial = CS_STR("1")};
    struct cs_stored_token token;
    uint64_t gone = 0, last = 0, seq = 0;
    uint8_t digest[32] = {1};

    tap_int(sweep_all(store, &sweep), 117 + 39, "tokens and events of two months");
    tap_ok(cs_store_event_bounds(store, &gone, &last) == 0 && gone == 39 && last == 100,
           "events are gone up to a number");
    tap_ok(cs_store_event_each(store, gone, 0, last_event, &seq) == 0 && seq == 100,
           "those behind it are there");
    tap_int(cs_store_token_get(store, digest, &arena, &token), -ENOENT, "an old token is gone");
    digest[0] = 118;
    tap_int(cs_store_token_get(store, digest, &arena, &token), 0, "a newer one is not");
    sweep.papers_before = 1000 * FAR;
    sweep_all(store, &sweep);
    tap_ok(cs_store_event_bounds(store, &gone, &last) == 0 && gone == 100 && last == 100,
           "all events are gone");
    test_begin(store);
    tap_ok(cs_store_event_add(store, &(struct cs_stored_event){0}, &seq) == 0 && seq == 101,
           "numbers go on");
    valid.not_after = 1000 * FAR + 1;
    tap_ok(cs_store_event_add(store, &valid, &seq) == 0 && seq == 102, "one that is valid still");
    test_commit(store);
    sweep_all(store, &sweep);
    tap_ok(cs_store_event_bounds(store, &gone, &last) == 0 && gone == 101 && last == 102,
           "whoever comes anew hears of it");
    cs_store_close(store);
}

static int count_entry(void *ctx, const struct cs_stored_audit *entry)
{
    uint64_t *next = ctx;

    cs_assert(entry->seq == *next);
    ++*next;
    return 0;
}

static uint64_t entries(struct cs_store *store, uint64_t since, uint64_t limit)
{
    uint64_t next = since + 1;

    cs_assert(cs_store_audit_each(store, since, limit, count_entry, &next) == 0);
    return next - since - 1;
}

static void test_audit(void)
{
    struct cs_store *store = fresh();
    struct cs_store_sweep sweep = {.audit_before = MARCH, .limit = 7};
    uint64_t next = 51;

    tap_int(sweep_all(store, &sweep), 117, "the log of two months moves");
    tap_ok(sound(store), "and stands");
    tap_int((int64_t)entries(store, 0, 0), N, "it is read whole");
    tap_int((int64_t)entries(store, 30, 100), 100, "in part");
    tap_int((int64_t)entries(store, 30, 20), 20, "in an archive");
    tap_int((int64_t)entries(store, 150, 20), 20, "behind the archives");
    sweep = (struct cs_store_sweep){.archives_before = MARCH, .limit = 50};
    tap_int(sweep_all(store, &sweep), 117 + 2, "the archives of these months are deleted");
    tap_ok(access(test_path("archive/2027-01.sqlite"), F_OK) < 0 &&
               access(test_path("archive/2027-02.sqlite"), F_OK) < 0,
           "whole");
    tap_ok(sound(store), "the log stands from there on");
    next = 118;
    tap_ok(cs_store_audit_each(store, 0, 0, count_entry, &next) == 0 && next == N + 1,
           "and begins there");
    sweep = (struct cs_store_sweep){.audit_before = FAR, .archives_before = APRIL, .limit = 50};
    sweep_all(store, &sweep);
    tap_ok(sound(store), "and with all of it in archives");
    tap_ok(access(test_path("archive/2027-03.sqlite"), F_OK) < 0 &&
               access(test_path("archive/2027-04.sqlite"), F_OK) == 0,
           "of which the older ones go");
    cs_store_close(store);
}

/* The clock goes to April and back: the log stays in order. */
static void test_clock(void)
{
    struct cs_store_sweep sweep = {.audit_before = FAR, .limit = 2};
    struct cs_store *store;
    int64_t times[] = {JANUARY, APRIL, JANUARY + 1, JANUARY + 2, APRIL + 1};
    struct cs_audit_report report;

    test_remove(test_path("archive"));
    unlink(test_path("store"));
    store = open_with_key("store", CS_STORE_CREATE);
    test_begin(store);
    for (size_t i = 0; i < 5; i++)
        cs_assert(cs_store_audit_add(store, &(struct cs_stored_audit){.at = times[i]}) == 0);
    test_commit(store);
    tap_int(sweep_all(store, &sweep), 5, "times that go back");
    tap_ok(cs_store_audit_verify(store, &report) == 0 && report.flaw == CS_AUDIT_SOUND,
           "leave the log in order");
    cs_store_close(store);
}

static void meddle(const char *name, const char *text)
{
    sqlite3 *db;

    cs_assert(sqlite3_open(test_path(name), &db) == SQLITE_OK);
    cs_assert(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
}

static const struct {
    const char *file, *text;
    enum cs_audit_flaw flaw;
    uint64_t seq;
    int key; /* what cs_store_audit_key() says */
} meddled[] = {
    {"archive/2027-01.sqlite", "UPDATE audit SET actor = x'31' WHERE seq = 9", CS_AUDIT_CHANGED, 9,
     0},
    {"archive/2027-01.sqlite", "DELETE FROM audit WHERE seq = 9", CS_AUDIT_MISSING, 9, 0},
    {"archive/2027-02.sqlite", "DELETE FROM audit", CS_AUDIT_MISSING, 62, 0},
    /* What is newer, copied to where it is deleted soon: the rest would be taken for gone. */
    {"archive/2027-01.sqlite",
     "ATTACH 'store' AS s; DELETE FROM audit; INSERT INTO audit SELECT * FROM s.audit;",
     CS_AUDIT_MISSING, 1, 0},
    {"store",
     "UPDATE audit_head SET gone_seq = 200, gone_digest ="
     " (SELECT digest FROM audit WHERE seq = 200)",
     CS_AUDIT_HEAD, 0, -EKEYREJECTED},
};

static void test_meddled(void)
{
    for (size_t i = 0; i < sizeof(meddled) / sizeof(*meddled); i++) {
        struct cs_store *store = fresh();
        struct cs_audit_report report = {0};
        uint32_t n = 1;
        int r = 0;
        sweep_all(store, &(struct cs_store_sweep){.audit_before = MARCH});
        cs_store_close(store);
        meddle(meddled[i].file, meddled[i].text);
        store = test_open("store", 0);
        tap_int(cs_store_audit_key(store, key), meddled[i].key, "the head");
        tap_ok(cs_store_audit_verify(store, &report) == 0 && report.flaw == meddled[i].flaw &&
                   report.seq == meddled[i].seq,
               "%s: flaw %d at %llu", meddled[i].text, report.flaw, (unsigned long long)report.seq);
        while (r == 0 && n)
            r = cs_store_sweep(store, &(struct cs_store_sweep){.archives_before = APRIL}, &n);
        tap_ok(cs_store_audit_verify(store, &report) == 0 && report.flaw != CS_AUDIT_SOUND,
               "is not covered up by deleting: %s", cs_store_error(store));
        cs_store_close(store);
    }
}

static void test_no_key(void)
{
    struct cs_store *store = fresh();
    uint32_t n;

    sweep_all(store, &(struct cs_store_sweep){.audit_before = MARCH});
    cs_store_close(store);
    store = test_open("store", 0);
    tap_int(cs_store_sweep(store, &(struct cs_store_sweep){.archives_before = MARCH}, &n),
            -EKEYREJECTED, "the log is not shortened without its key");
    tap_ok(access(test_path("archive/2027-01.sqlite"), F_OK) == 0, "its archive stays: %s",
           cs_store_error(store));
    cs_store_close(store);
    store = test_open("store", CS_STORE_READ);
    tap_int(cs_store_sweep(store, &(struct cs_store_sweep){.certs_before = MARCH}, &n), -EROFS,
            "who only reads does not sweep");
    cs_store_close(store);
}

static void test_owner(void)
{
    struct cs_store *store = fresh();
    struct stat folder = {0}, file = {0};

    if (geteuid() != 0) {
        cs_store_close(store);
        return;
    }
    cs_assert(chown(test_path("store"), 12345, 23456) == 0);
    sweep_all(store, &(struct cs_store_sweep){.certs_before = MARCH});
    cs_store_close(store);
    cs_assert(stat(test_path("archive"), &folder) == 0);
    cs_assert(stat(test_path("archive/2027-01.sqlite"), &file) == 0);
    tap_ok(folder.st_uid == 12345 && folder.st_gid == 23456 && file.st_uid == 12345 &&
               file.st_gid == 23456,
           "what root archives is its owner's");
    tap_ok((folder.st_mode & 0777) == 0700 && (file.st_mode & 0777) == 0600, "and nobody else's");
}

/* Killed at random moments. */

static void sweep_until_killed(int ready)
{
    struct cs_store_sweep sweep = {.certs_before = FAR, .audit_before = FAR, .limit = 11};
    struct cs_store *store;
    uint32_t n;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    store = open_with_key("store", 0);
    cs_assert(write(ready, "", 1) == 1);
    for (;;)
        cs_assert(cs_store_sweep(store, &sweep, &n) == 0);
}

static void run_child(unsigned wait_us)
{
    struct timespec pause = {.tv_nsec = (long)wait_us * 1000};
    int fds[2];
    char ready;
    pid_t pid;

    cs_assert(pipe(fds) == 0);
    pid = fork();
    cs_assert(pid >= 0);
    if (pid == 0)
        sweep_until_killed(fds[1]);
    close(fds[1]);
    cs_assert(read(fds[0], &ready, 1) == 1);
    nanosleep(&pause, NULL);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(fds[0]);
}

static void test_kill(void)
{
    struct cs_store *store = fresh();
    unsigned random = 4711, rounds = 0;
    bool found = true, stands = true;
    uint64_t left = N, sum = 0;
    char name[40];

    cs_store_close(store);
    while (left > 6 && rounds < 1000) {
        random = random * 1103515245u + 12345u;
        /* longer each time: a fast disk is not to be done in two rounds, a slow one not in 1000 */
        run_child((random >> 8) % (500 * (rounds + 1)));
        rounds++;
        store = open_with_key("store", 0);
        found = found && there(store, rounds % 17 + 1, 17);
        stands = stands && sound(store);
        left = count(store);
        cs_store_close(store);
    }
    store = open_with_key("store", 0);
    sweep_all(store, &(struct cs_store_sweep){.certs_before = FAR, .audit_before = FAR});
    tap_ok(rounds > 3, "killed %u times until all was moved", rounds);
    tap_ok(found && all_there(store), "nothing is lost");
    tap_ok(stands && sound(store), "the log stands");
    for (int month = 1; month <= 6; month++) {
        snprintf(name, sizeof(name), "archive/2027-%02d.sqlite", month);
        if (access(test_path(name), F_OK) == 0)
            sum += count_archive(name);
    }
    tap_int((int64_t)sum, N - 6, "nothing is there twice");
    cs_store_close(store);
}

int main(void)
{
    test_make_folder();
    cs_assert(chdir(test_folder) == 0);
    test_certs();
    test_papers();
    test_audit();
    test_clock();
    test_meddled();
    test_no_key();
    test_owner();
    test_kill();
    cs_arena_deinit(&arena);
    return tap_done();
}
