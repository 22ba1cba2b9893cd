/* kill -9 at any moment: what was acknowledged is there and is found, what was begun is there whole
 * or not at all, and the audit log stands. A child commits groups and says the number of each on a
 * pipe; it is killed at random moments, 200 times over the same store. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "store/sqlite.h"
#include "store/test_support.h"
#include "tap.h"

#define ROUNDS 200
#define GROUP 4
#define LATE 40 /* so that keys are on their way into their index at all times */
#define READY UINT64_MAX

static const uint8_t key[32] = "0123456789abcdef0123456789abcdef";

static void add_one(struct cs_store *store, uint64_t n)
{
    struct cs_stored_audit entry = {.action = CS_STR("issue"), .at = (int64_t)n};
    struct test_cert t;
    uint64_t seq;

    test_cert(&t, n);
    cs_assert(cs_store_cert_add(store, &t.cert) == 0 && cs_store_audit_add(store, &entry) == 0);
    if (n % GROUP == 0)
        cs_assert(cs_store_revoke(store, t.cert.serial, 9, 1, &seq) == 0);
}

static void say(int pipe_fd, uint64_t what)
{
    cs_assert(write(pipe_fd, &what, sizeof(what)) == sizeof(what));
}

/* Groups from @group on, until killed. */
static void child(uint64_t group, int pipe_fd)
{
    struct cs_store *store;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    store = test_open("crash", 0);
    cs_sqlite_of(store)->keys.late = LATE;
    cs_assert(cs_store_audit_key(store, key) == 0);
    say(pipe_fd, READY);
    for (;; group++) {
        test_begin(store);
        for (uint64_t i = 0; i < GROUP; i++)
            add_one(store, group * GROUP + i);
        test_commit(store);
        say(pipe_fd, group);
    }
}

/* Return: the number of groups that a child says are committed, after it was killed. */
static uint64_t run_child(uint64_t group, unsigned wait_us)
{
    struct timespec pause = {.tv_nsec = (long)wait_us * 1000};
    uint64_t said, next = group;
    int fds[2];
    pid_t pid;

    cs_assert(pipe(fds) == 0);
    pid = fork();
    cs_assert(pid >= 0);
    if (pid == 0)
        child(group, fds[1]);
    close(fds[1]);
    cs_assert(read(fds[0], &said, sizeof(said)) == sizeof(said) && said == READY);
    nanosleep(&pause, NULL);
    kill(pid, SIGKILL);
    while (read(fds[0], &said, sizeof(said)) == sizeof(said))
        next = said + 1;
    waitpid(pid, NULL, 0);
    close(fds[0]);
    return next;
}

static int count_cert(void *ctx, const struct cs_stored_cert *cert)
{
    uint64_t *n = ctx;
    struct test_cert want;

    test_cert(&want, *n); /* positions are in the order of numbers: none twice, none left out */
    cs_assert(cs_str_eq(cert->serial, want.cert.serial) && cs_str_eq(cert->der, want.cert.der));
    cs_assert((cert->revoked_at != 0) == (*n % GROUP == 0));
    ++*n;
    return 0;
}

static int count_event(void *ctx, const struct cs_stored_event *event)
{
    ++*(uint64_t *)ctx;
    return 0;
}

/* Return: the number of groups that are there, whole; or -1. */
static int64_t look(void)
{
    struct cs_store *store = test_open("crash", 0);
    struct cs_audit_report report = {0};
    uint64_t certs = 0, events = 0;
    bool sound;

    cs_assert(cs_store_audit_key(store, key) == 0);
    cs_assert(cs_store_cert_each(store, &(struct cs_store_query){0}, count_cert, &certs) == 0);
    cs_assert(cs_store_event_each(store, 0, 0, count_event, &events) == 0);
    sound = cs_store_audit_verify(store, &report) == 0 && report.flaw == CS_AUDIT_SOUND &&
            report.seq == certs && certs % GROUP == 0 && events == certs / GROUP;
    cs_store_close(store);
    return sound ? (int64_t)(certs / GROUP) : -1;
}

/* Return: how many of @groups have a certificate that is not found. */
static int count_hidden(uint64_t groups)
{
    struct cs_store *store = test_open("crash", 0);
    struct cs_arena arena = {0};
    struct cs_stored_cert got;
    struct test_cert t;
    int hidden = 0;

    for (uint64_t n = 0; n < groups * GROUP; n++) {
        test_cert(&t, n);
        hidden += cs_store_cert_current(store, t.cert.serial, &arena, &got) != 0;
        hidden += n > 0 && cs_store_cert_by_request(store, t.cert.request, 0, &arena, &got) != 0;
        cs_arena_reset(&arena);
    }
    cs_arena_deinit(&arena);
    cs_store_close(store);
    return hidden;
}

int main(void)
{
    unsigned random = 12345;
    uint64_t groups = 0;
    int lost = 0, broken = 0, busy = 0;
    struct cs_store *store;

    test_make_folder();
    store = test_open("crash", CS_STORE_CREATE);
    cs_assert(cs_store_audit_key(store, key) == 0);
    cs_store_close(store);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t said, before = groups;
        int64_t there;
        random = random * 1103515245u + 12345u;
        said = run_child(groups, (random >> 8) % 30000);
        there = look();
        broken += there < 0;
        lost += there >= 0 && (uint64_t)there < said;
        groups = there < 0 ? said : (uint64_t)there;
        busy += groups > before;
    }
    tap_int(broken, 0, "no group is there in part, and the audit log verifies");
    tap_int(lost, 0, "nothing that was acknowledged is lost");
    tap_int(count_hidden(groups), 0, "all of it is found");
    tap_ok(busy > ROUNDS / 8, "%d of %d children were killed at work, %llu groups", busy, ROUNDS,
           (unsigned long long)groups);
    return tap_done();
}
