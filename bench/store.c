/* bench-store FOLDER [CERTIFICATES]: what the CA's store costs in a new file in FOLDER, first
 * empty, then with that many certificates in it (1,000,000 unless told), each with its entry in the
 * audit log. One line per figure: what, how much, unit.
 *
 * The time of the disk counts apart: "cpu" is what the process computes, "wall" what a caller
 * waits. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "sample.h"

#define GROUP 16
#define ROUNDS 2500   /* groups that are measured: more than the store keeps back of anything */
#define FILL 10000    /* certificates at a time while nobody looks */
#define REVOKED 20000 /* at most a tenth of all */
#define SINGLE 200
#define START 1800000000

static struct cs_store *store;
static uint64_t n_certs;
static uint64_t state = 1;
static struct cs_arena arena;

__attribute__((noreturn)) static void die(const char *what)
{
    fprintf(stderr, "bench-store: %s: %s\n", what, store ? cs_store_error(store) : "");
    exit(1);
}

static void must(int r, const char *what)
{
    if (r < 0)
        die(what);
}

static double clock_us(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static double cpu_us(void)
{
    return clock_us(CLOCK_PROCESS_CPUTIME_ID);
}

static double wall_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

static void add_one(void)
{
    struct sample sample;
    struct cs_stored_cert known;

    sample_make(++n_certs, START, &sample);
    if (cs_store_cert_by_request(store, sample.cert.request, sample.cert.issued_at - SAMPLE_DAY,
                                 &arena, &known) != -ENOENT)
        die("a request is known");
    must(cs_store_cert_add(store, &sample.cert), "certificate");
    must(cs_store_audit_add(store, &sample.entry), "entry");
}

static void add_group(size_t n)
{
    must(cs_store_begin(store), "begin");
    for (size_t i = 0; i < n; i++)
        add_one();
    must(cs_store_commit(store), "commit");
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void say(const char *what, double value, const char *unit)
{
    printf("%-44s %12.*f %s\n", what, value < 100 ? 2 : 0, value, unit);
    fflush(stdout);
}

static void measure_issue(const char *where)
{
    static double commits[ROUNDS];
    double cpu = cpu_us(), wall = wall_us(), begun;
    char what[64];

    for (int i = 0; i < ROUNDS; i++) {
        begun = wall_us();
        add_group(GROUP);
        commits[i] = wall_us() - begun;
    }
    cpu = cpu_us() - cpu;
    wall = wall_us() - wall;
    qsort(commits, ROUNDS, sizeof(*commits), compare);
    snprintf(what, sizeof(what), "%s: issued, cpu", where);
    say(what, ROUNDS * GROUP * 1e6 / cpu, "certificates/s");
    snprintf(what, sizeof(what), "%s: issued, wall", where);
    say(what, ROUNDS * GROUP * 1e6 / wall, "certificates/s");
    snprintf(what, sizeof(what), "%s: group of 16, median", where);
    say(what, commits[ROUNDS / 2] / 1e3, "ms");
    snprintf(what, sizeof(what), "%s: group of 16, 99 %%", where);
    say(what, commits[ROUNDS * 99 / 100] / 1e3, "ms");
    snprintf(what, sizeof(what), "%s: group of 16, worst", where);
    say(what, commits[ROUNDS - 1] / 1e3, "ms");
}

static void fill_up(uint64_t to)
{
    double cpu = cpu_us();
    uint64_t from = n_certs;

    while (n_certs < to)
        add_group(FILL);
    if (n_certs > from)
        say("filled, cpu", (double)(n_certs - from) * 1e6 / (cpu_us() - cpu), "certificates/s");
    sync(); /* or the next to wait for the disk waits for all of that */
}

static uint64_t pick(void)
{
    return 1 + sample_mix(state++) % n_certs;
}

static void revoke_one(void)
{
    uint64_t serial[2], seq;
    int r;

    do {
        sample_serial(pick(), serial);
        r = cs_store_revoke(store, cs_str_make(serial, 16), START, 1, &seq);
    } while (r == -EALREADY);
    must(r, "revoke");
}

static void measure_revoke(void)
{
    double cpu, wall;

    must(cs_store_begin(store), "begin");
    for (int i = 0; i < REVOKED && i < (int)(n_certs / 10); i++)
        revoke_one();
    must(cs_store_commit(store), "commit");
    cpu = cpu_us();
    wall = wall_us();
    for (int i = 0; i < SINGLE; i++) {
        must(cs_store_begin(store), "begin");
        revoke_one();
        must(cs_store_commit(store), "commit");
    }
    say("one revoked, cpu", (cpu_us() - cpu) / SINGLE, "us");
    say("one revoked, wall", (wall_us() - wall) / SINGLE, "us");
}

static int count_revoked(void *ctx, const struct cs_stored_revocation *revocation)
{
    ++*(uint64_t *)ctx;
    return 0;
}

static int count_cert(void *ctx, const struct cs_stored_cert *cert)
{
    ++*(uint64_t *)ctx;
    return 0;
}

static void measure_reading(void)
{
    struct cs_store_query query = {.identity_glob = CS_STR("*/workload-77")};
    struct cs_stored_cert cert;
    uint64_t n = 0, serial[2];
    double wall = wall_us();

    for (int shard = 0; shard < SAMPLE_SHARDS; shard++)
        must(cs_store_revoked_each(store, 1, shard, START, count_revoked, &n), "shard");
    say("one shard read", (wall_us() - wall) / SAMPLE_SHARDS, "us");
    say("revoked in a shard", (double)n / SAMPLE_SHARDS, "certificates");
    wall = wall_us();
    for (int i = 0; i < 10000; i++) {
        sample_serial(pick(), serial);
        must(cs_store_cert_current(store, cs_str_make(serial, 16), &arena, &cert), "look-up");
        cs_arena_reset(&arena);
    }
    say("one certificate looked up", (wall_us() - wall) / 10000, "us");
    wall = wall_us();
    n = 0;
    must(cs_store_cert_each(store, &query, count_cert, &n), "walk");
    say("all gone through by name", (wall_us() - wall) / 1e3, "ms");
}

static void measure_verify(void)
{
    struct cs_audit_report report = {0};
    double wall = wall_us();

    must(cs_store_audit_verify(store, &report), "verify");
    if (report.flaw != CS_AUDIT_SOUND)
        die("the audit log has a flaw");
    say("audit log verified", (wall_us() - wall) / 1e3, "ms");
}

static void measure_sweep(void)
{
    struct cs_store_sweep sweep = {.certs_before = START + SAMPLE_DAY + SAMPLE_DAY / 50};
    double cpu = cpu_us(), wall = wall_us(), begun, worst = 0;
    uint64_t moved = 0;
    uint32_t n = 1;

    while (n) {
        begun = wall_us();
        must(cs_store_sweep(store, &sweep, &n), "sweep");
        moved += n;
        if (wall_us() - begun > worst)
            worst = wall_us() - begun;
    }
    say("archived, cpu", (double)moved * 1e6 / (cpu_us() - cpu), "certificates/s");
    say("archived, wall", (double)moved * 1e6 / (wall_us() - wall), "certificates/s");
    say("500 archived, worst", worst / 1e3, "ms");
}

static void measure_size(const char *path)
{
    struct stat st;
    char log[PATH_MAX + 32];

    snprintf(log, sizeof(log), "%s-wal", path);
    if (stat(path, &st) == 0)
        say("file, per certificate and its entry", (double)st.st_size / (double)n_certs, "bytes");
    if (stat(log, &st) == 0)
        say("log beside it", (double)st.st_size / 1024, "KiB");
}

int main(int argc, char **argv)
{
    static const uint8_t key[32] = "bench";
    char path[PATH_MAX + 16], error[CS_STORE_ERROR_MAX] = "";
    uint64_t certs = SAMPLE_MANY;

    if (argc < 2 || argc > 3 ||
        (argc == 3 && cs_str_to_u64(cs_str_from(argv[2]), 1u << 30, &certs))) {
        fprintf(stderr, "usage: bench-store FOLDER [CERTIFICATES]\n");
        return 2;
    }
    snprintf(path, sizeof(path), "%s/store.sqlite", argv[1]);
    if (cs_store_open(path, CS_STORE_CREATE, error, &store) < 0) {
        fprintf(stderr, "bench-store: %s\n", error);
        return 1;
    }
    must(cs_store_audit_key(store, key), "key");
    measure_issue("empty");
    fill_up(certs);
    measure_issue("full");
    measure_size(path);
    measure_revoke();
    measure_reading();
    measure_verify();
    measure_sweep();
    cs_store_close(store);
    cs_arena_deinit(&arena);
    return 0;
}
