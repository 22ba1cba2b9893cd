/* Counting: rows by all three texts, exact from several processes, bounded. */
#include "telemetry/counters.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

enum { CHILDREN = 4, TIMES = 20000 };

static struct cs_counters *table(void)
{
    return mmap(NULL, cs_counters_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                0);
}

static uint64_t sum(const struct cs_counters *counters, struct cs_str code)
{
    struct cs_count count;
    uint64_t n = 0;

    for (size_t at = 0; cs_counters_next(counters, &at, &count);)
        n += cs_str_eq(count.code, code) ? count.n : 0;
    return n;
}

static size_t rows(const struct cs_counters *counters)
{
    struct cs_count count;
    size_t n = 0;

    for (size_t at = 0; cs_counters_next(counters, &at, &count);)
        n++;
    return n;
}

static void test_rows(void)
{
    struct cs_counters *counters = table();
    struct cs_count count = {.n = 0};
    size_t at = 0;

    tap_ok(!cs_counters_next(counters, &at, &count), "nothing at first");
    cs_counters_add(counters, CS_STR("revoked"), CS_STR("127.0.0.1:443"), CS_STR("a.test"));
    cs_counters_add(counters, CS_STR("revoked"), CS_STR("127.0.0.1:443"), CS_STR("a.test"));
    at = 0;
    tap_ok(cs_counters_next(counters, &at, &count), "a row");
    tap_str(count.code, CS_STR("revoked"), "its code");
    tap_str(count.listener, CS_STR("127.0.0.1:443"), "its listener");
    tap_str(count.server, CS_STR("a.test"), "its server");
    tap_int((int64_t)count.n, 2, "its count");
    tap_ok(!cs_counters_next(counters, &at, &count), "no other");
    cs_counters_add(counters, CS_STR("revoked"), CS_STR("127.0.0.1:443"), CS_STR("b.test"));
    cs_counters_add(counters, CS_STR("revoked"), CS_STR("127.0.0.1:444"), CS_STR("a.test"));
    cs_counters_add(counters, CS_STR("expired"), CS_STR("127.0.0.1:443"), CS_STR("a.test"));
    tap_int((int64_t)rows(counters), 4, "code, listener and server each make a row");
    cs_counters_add(NULL, CS_STR("x"), CS_STR("y"), CS_STR("z"));
    tap_ok(true, "no table: nothing is counted");
    munmap(counters, cs_counters_size());
}

/* More places than rows: what does not fit is counted by its code. */
static void test_full(void)
{
    struct cs_counters *counters = table();
    char server[16];

    for (int i = 0; i < 20000; i++) {
        int n = snprintf(server, sizeof(server), "s%d", i);
        cs_counters_add(counters, i % 2 ? CS_STR("odd") : CS_STR("even"), CS_STR("l"),
                        cs_str_make(server, (size_t)n));
    }
    tap_int((int64_t)sum(counters, CS_STR("odd")), 10000, "all of one code are counted");
    tap_int((int64_t)sum(counters, CS_STR("even")), 10000, "and of the other");
    tap_int((int64_t)cs_counters_lost(counters), 0, "none is lost");
    tap_ok(rows(counters) < 5000, "in a bounded table");
    munmap(counters, cs_counters_size());
}

static void test_long_texts(void)
{
    struct cs_counters *counters = table();
    struct cs_count count;
    char name[300];
    size_t at = 0;

    memset(name, 'n', sizeof(name));
    cs_counters_add(counters, CS_STR("c"), CS_STR("l"), cs_str_make(name, 300));
    cs_counters_add(counters, CS_STR("c"), CS_STR("l"), cs_str_make(name, 299));
    tap_int((int64_t)rows(counters), 2, "long names that begin alike stay apart");
    tap_ok(cs_counters_next(counters, &at, &count) && count.server.len == 64, "and are cut");
    munmap(counters, cs_counters_size());
}

/* Several processes count at once, the first of each row included. */
static void test_processes(void)
{
    struct cs_counters *counters = table();
    int bad = 0, status = 0;
    char code[8];

    for (int c = 0; c < CHILDREN; c++) {
        if (fork() == 0) {
            for (int i = 0; i < TIMES; i++) {
                int n = snprintf(code, sizeof(code), "c%d", i % 50);
                cs_counters_add(counters, cs_str_make(code, (size_t)n), CS_STR("l"), CS_STR("s"));
            }
            _exit(0);
        }
    }
    for (int c = 0; c < CHILDREN; c++)
        bad += wait(&status) < 0 || status != 0;
    tap_int(bad, 0, "the processes have counted");
    tap_int((int64_t)rows(counters), 50, "one row for each code");
    tap_int((int64_t)sum(counters, CS_STR("c7")), (int64_t)CHILDREN * TIMES / 50,
            "none is missing");
    munmap(counters, cs_counters_size());
}

int main(void)
{
    test_rows();
    test_full();
    test_long_texts();
    test_processes();
    return tap_done();
}
