/* Certificates are found by serial number and by request wherever their keys are: kept back, on
 * their way into the index, in it; also after a transaction that was given up, by another process,
 * and after some have gone. Keys move early here, so that all of it happens with few. */
#include <sqlite3.h>

#include "store/sqlite.h"
#include "store/test_support.h"
#include "tap.h"

#define LATE 64
#define GROUP 3

static struct cs_arena arena;

/* Number 0 has no request, so counted from 1. */
static void key_cert(struct test_cert *t, uint64_t n)
{
    test_cert(t, n + 1);
}

static struct cs_store *open_early(unsigned flags)
{
    struct cs_store *store = test_open("key", flags);

    cs_sqlite_of(store)->keys.late = LATE;
    return store;
}

static void add(struct cs_store *store, uint64_t from, uint64_t n)
{
    struct test_cert t;

    for (uint64_t i = from; i < from + n; i++) {
        key_cert(&t, i);
        cs_assert(cs_store_cert_add(store, &t.cert) == 0);
    }
}

static void add_group(struct cs_store *store, uint64_t from)
{
    test_begin(store);
    add(store, from, GROUP);
    test_commit(store);
}

static bool found(struct cs_store *store, uint64_t n)
{
    struct cs_stored_cert got;
    struct test_cert t;
    bool both;

    key_cert(&t, n);
    both = cs_store_cert_current(store, t.cert.serial, &arena, &got) == 0 &&
           cs_str_eq(got.serial, t.cert.serial) &&
           cs_store_cert_by_request(store, t.cert.request, 0, &arena, &got) == 0 &&
           cs_str_eq(got.serial, t.cert.serial);
    cs_arena_reset(&arena);
    return both;
}

/* Neither by its serial number nor by its request. */
static bool absent(struct cs_store *store, uint64_t n)
{
    struct cs_stored_cert got;
    struct test_cert t;

    key_cert(&t, n);
    return cs_store_cert_current(store, t.cert.serial, &arena, &got) == -ENOENT &&
           cs_store_cert_by_request(store, t.cert.request, 0, &arena, &got) == -ENOENT;
}

static bool all_found(struct cs_store *store, uint64_t from, uint64_t to)
{
    for (uint64_t n = from; n < to; n++)
        if (!found(store, n))
            return tap_ok(false, "%llu is not found", (unsigned long long)n);
    return absent(store, to);
}

static int64_t ask(const char *text)
{
    sqlite3_stmt *stmt;
    sqlite3 *db;
    int64_t n;

    cs_assert(sqlite3_open(test_path("key"), &db) == SQLITE_OK);
    cs_assert(sqlite3_prepare_v2(db, text, -1, &stmt, NULL) == SQLITE_OK);
    cs_assert(sqlite3_step(stmt) == SQLITE_ROW);
    n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return n;
}

/* What the index has to have, and nothing of what has gone. */
static bool index_stands(void)
{
    return ask("SELECT count(*) FROM cert WHERE id <= (SELECT id FROM cert_indexed) AND"
               " (SELECT count(*) FROM cert_key k WHERE k.id = cert.id) <> 2") == 0 &&
           ask("SELECT count(*) FROM cert_key WHERE id NOT IN (SELECT id FROM cert)") == 0;
}

static void test_moving(void)
{
    struct cs_store *store = open_early(CS_STORE_CREATE);
    bool right = true, taken = true, moving = false;
    struct test_cert t;

    for (uint64_t n = 0; n < 300; n += GROUP) {
        add_group(store, n);
        right = right && all_found(store, 0, n + GROUP);
        moving = moving || cs_sqlite_of(store)->keys.moving;
        test_begin(store);
        for (uint64_t i = 0; i < n; i += 7) {
            key_cert(&t, i);
            taken = taken && cs_store_cert_add(store, &t.cert) == -EEXIST;
        }
        cs_store_rollback(store);
    }
    tap_ok(moving, "keys move in portions");
    tap_ok(right, "whichever way they have gone, certificates are found");
    tap_ok(taken, "and are not taken twice");
    tap_ok(cs_sqlite_of(store)->keys.n < 2 * LATE, "few are kept back");
    tap_ok(ask("SELECT id FROM cert_indexed") > 200 && index_stands(),
           "the others are in the index");
    cs_store_close(store);
    for (uint64_t n = 300; n < 360; n += GROUP) {
        store = open_early(0);
        right = right && all_found(store, 0, n);
        add_group(store, n);
        cs_store_close(store);
    }
    tap_ok(right && index_stands(), "opened again and again");
}

static void test_rollback(void)
{
    struct cs_store *store = open_early(0);
    bool right = true;

    for (uint64_t n = 360; n < 480; n += GROUP) {
        test_begin(store);
        add(store, n, 40);
        right = right && found(store, n + 39);
        cs_store_rollback(store);
        right = right && absent(store, n) && absent(store, n + 39);
        add_group(store, n);
        right = right && found(store, n);
    }
    tap_ok(right && all_found(store, 0, 480), "what is rolled back is not found");
    tap_ok(index_stands(), "nor in the index");
    cs_store_close(store);
}

static void test_two(void)
{
    struct cs_store *one = open_early(0), *two = open_early(0);
    bool right = true;

    for (uint64_t n = 480; n < 780; n += GROUP) {
        struct cs_store *writer = n % 5 ? one : two, *other = n % 5 ? two : one;
        right = right && absent(other, n);
        add_group(writer, n);
        right = right && found(other, n) && found(other, n / 2);
    }
    tap_ok(right && all_found(one, 0, 780) && all_found(two, 0, 780),
           "two processes find each other's");
    tap_ok(index_stands(), "and share the index");
    cs_store_close(one);
    cs_store_close(two);
}

/* Certificate N expires at 100001 + N. */
static void sweep(struct cs_store *store, int64_t to)
{
    struct cs_store_sweep sweep = {.certs_before = 100001 + to, .limit = 20};
    uint32_t n = 1;

    while (n)
        cs_assert(cs_store_sweep(store, &sweep, &n) == 0);
}

static void test_deleted(void)
{
    struct cs_store *store = open_early(0);

    for (uint64_t n = 780; n < 780 + LATE / 2 + 9; n += GROUP) /* some are on their way */
        add_group(store, n);
    sweep(store, 500);
    tap_ok(absent(store, 499) && found(store, 500) && index_stands(), "old ones have gone");
    sweep(store, 800);
    tap_ok(absent(store, 799) && found(store, 800) && index_stands(),
           "some that were kept back too");
    for (uint64_t n = 1000; n < 1200; n += GROUP)
        add_group(store, n);
    tap_ok(all_found(store, 1000, 1201) && index_stands(), "what comes then is found");
    sweep(store, 10000);
    tap_int(ask("SELECT count(*) FROM cert") + ask("SELECT count(*) FROM cert_key"), 0,
            "all have gone");
    add_group(store, 2000);
    tap_ok(found(store, 2000) && absent(store, 1100), "and the next is found");
    tap_ok(ask("SELECT min(id) FROM cert") > ask("SELECT id FROM cert_indexed"),
           "no position is used twice");
    cs_store_close(store);
}

static int note_id(void *ctx, int64_t id)
{
    int64_t *ids = ctx;

    *ids = *ids * 100 + id;
    return -ENOENT;
}

static void test_same_key(void)
{
    struct cs_store *store = test_open("same", CS_STORE_CREATE);
    struct cs_sqlite *s = cs_sqlite_of(store);
    int64_t ids = 0;

    s->keys.late = 4;
    for (int64_t id = 1; id <= 7; id++) {
        test_begin(store);
        if (id == 1)
            cs_assert(cs_keys_find(s, 9, note_id, &ids) == -ENOENT);
        cs_keys_add(s, id == 6 ? 8 : 9, id);
        test_commit(store);
    }
    tap_int(cs_keys_find(s, 9, note_id, &ids), -ENOENT, "all that may have a key are tried");
    tap_int(ids, 70504030201, "the newest first");
    cs_store_close(store);
}

int main(void)
{
    test_make_folder();
    test_moving();
    test_rollback();
    test_two();
    test_deleted();
    test_same_key();
    cs_arena_deinit(&arena);
    return tap_done();
}
