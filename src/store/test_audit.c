/* Whatever is done to the log without the key is found, and where. */
#include <sqlite3.h>

#include "store/store.h"
#include "store/test_support.h"
#include "tap.h"

static const uint8_t key[32] = "0123456789abcdef0123456789abcdef";
static const uint8_t other_key[32] = "0123456789abcdef0123456789abcdeF";

static void add(struct cs_store *store, int n)
{
    test_begin(store);
    for (int i = 0; i < n; i++) {
        struct cs_stored_audit entry = {
            .at = 100 + i,
            .action = CS_STR("issue"),
            .actor = CS_STR("token 1"),
            .proof = CS_STR("token"),
            .peer = CS_STR("192.0.2.1"),
            .subject = CS_STR("a\0b"),
            .detail = CS_STR("'; DROP TABLE audit; --"),
        };
        cs_assert(cs_store_audit_add(store, &entry) == 0);
    }
    test_commit(store);
}

static void meddle(const char *text)
{
    sqlite3 *db;
    char *error = NULL;

    cs_assert(sqlite3_open(test_path("audit"), &db) == SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK)
        printf("# %s: %s\n", text, error);
    cs_assert(error == NULL);
    sqlite3_close(db);
}

/* A store with ten entries. */
static struct cs_store *fresh(void)
{
    struct cs_store *store;

    unlink(test_path("audit"));
    store = test_open("audit", CS_STORE_CREATE);
    cs_assert(cs_store_audit_key(store, key) == 0);
    add(store, 4);
    add(store, 6);
    return store;
}

static const struct {
    const char *text;
    enum cs_audit_flaw flaw;
    uint64_t seq;
    int key; /* what cs_store_audit_key() says */
} rows[] = {
    {"", CS_AUDIT_SOUND, 10, 0},
    {"UPDATE audit SET at = at + 1 WHERE seq = 1", CS_AUDIT_CHANGED, 1, 0},
    {"UPDATE audit SET action = x'72' WHERE seq = 5", CS_AUDIT_CHANGED, 5, 0},
    {"UPDATE audit SET actor = x'72' WHERE seq = 5", CS_AUDIT_CHANGED, 5, 0},
    {"UPDATE audit SET proof = x'72' WHERE seq = 5", CS_AUDIT_CHANGED, 5, 0},
    {"UPDATE audit SET peer = x'' WHERE seq = 5", CS_AUDIT_CHANGED, 5, 0},
    {"UPDATE audit SET subject = x'61' WHERE seq = 5", CS_AUDIT_CHANGED, 5, 0},
    {"UPDATE audit SET detail = x'' WHERE seq = 5", CS_AUDIT_CHANGED, 5, 0},
    /* the same bytes, the border between two fields moved */
    {"UPDATE audit SET action = x'6973737565746f', actor = x'6b656e2031' WHERE seq = 5",
     CS_AUDIT_CHANGED, 5, 0},
    {"UPDATE audit SET digest = zeroblob(32) WHERE seq = 10", CS_AUDIT_CHANGED, 10, 0},
    {"UPDATE audit SET digest = x'00' WHERE seq = 10", CS_AUDIT_CHANGED, 10, 0},
    {"DELETE FROM audit WHERE seq = 1", CS_AUDIT_MISSING, 1, 0},
    {"DELETE FROM audit WHERE seq IN (4, 7)", CS_AUDIT_MISSING, 4, 0},
    {"DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = seq - 1 WHERE seq > 3",
     CS_AUDIT_CHANGED, 3, 0},
    {"UPDATE audit SET seq = 99 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3;"
     "UPDATE audit SET seq = 3 WHERE seq = 99",
     CS_AUDIT_CHANGED, 2, 0},
    {"DELETE FROM audit WHERE seq = 10", CS_AUDIT_CUT, 10, 0},
    {"DELETE FROM audit WHERE seq > 3", CS_AUDIT_CUT, 4, 0},
    {"DELETE FROM audit", CS_AUDIT_CUT, 1, 0},
    /* an end cut off, and the head made to fit as far as one can without the key */
    {"DELETE FROM audit WHERE seq = 10;"
     "UPDATE audit_head SET seq = 9, digest = (SELECT digest FROM audit WHERE seq = 9)",
     CS_AUDIT_HEAD, 0, -EKEYREJECTED},
    {"UPDATE audit_head SET seal = zeroblob(32)", CS_AUDIT_HEAD, 0, -EKEYREJECTED},
    {"UPDATE audit_head SET digest = zeroblob(32)", CS_AUDIT_HEAD, 0, -EKEYREJECTED},
    {"DELETE FROM audit_head", CS_AUDIT_HEAD, 0, -EKEYREJECTED},
    {"DELETE FROM audit_head; DELETE FROM audit", CS_AUDIT_HEAD, 0, -EKEYREJECTED},
    {"INSERT INTO audit SELECT 11, at, action, actor, proof, peer, subject, detail, digest"
     " FROM audit WHERE seq = 10",
     CS_AUDIT_ADDED, 11, 0},
};

static void test_rows(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct cs_audit_report report = {0};
        struct cs_store *store = fresh();
        cs_store_close(store);
        meddle(rows[i].text);
        store = test_open("audit", 0);
        tap_int(cs_store_audit_key(store, key), rows[i].key, "the head");
        cs_assert(cs_store_audit_verify(store, &report) == 0);
        if (!tap_ok(report.flaw == rows[i].flaw && report.seq == rows[i].seq, "%s",
                    rows[i].text[0] ? rows[i].text : "untouched"))
            printf("# flaw %d at %llu\n", report.flaw, (unsigned long long)report.seq);
        cs_store_close(store);
    }
}

static void test_key(void)
{
    struct cs_stored_audit entry = {.action = CS_STR("x")};
    struct cs_audit_report report = {0};
    struct cs_store *store = fresh();
    uint8_t digest[32], digest_after[32];
    uint64_t seq = 0;

    tap_int(cs_store_audit_key(store, other_key), -EKEYREJECTED, "another key");
    tap_ok(cs_store_audit_verify(store, &report) == 0 && report.flaw == CS_AUDIT_HEAD,
           "does not verify");
    test_begin(store);
    tap_int(cs_store_audit_add(store, &entry), -EKEYREJECTED, "nor adds");
    tap_int(cs_store_commit(store), -EKEYREJECTED, "nor commits what it was about");
    tap_int(cs_store_audit_key(store, key), 0, "the right one");
    tap_ok(cs_store_audit_head(store, &seq, digest) == 0 && seq == 10, "the head");
    test_begin(store);
    tap_int(cs_store_audit_add(store, &entry), 0, "goes on");
    cs_store_rollback(store);
    tap_ok(cs_store_audit_head(store, &seq, digest_after) == 0 && seq == 10 &&
               memcmp(digest, digest_after, 32) == 0,
           "rolled back, it stands");
    add(store, 1);
    tap_ok(cs_store_audit_verify(store, &report) == 0 && report.flaw == CS_AUDIT_SOUND &&
               report.seq == 11,
           "a commit moves it");
    entry.detail = cs_str_make("", CS_STORE_TEXT_MAX + 1);
    test_begin(store);
    tap_int(cs_store_audit_add(store, &entry), -EINVAL, "a long text");
    test_commit(store);
    cs_store_close(store);
}

static void test_none(void)
{
    struct cs_store *store = test_open("none", CS_STORE_CREATE);
    uint8_t digest[32];
    uint64_t seq;

    tap_int(cs_store_audit_head(store, &seq, digest), -ENOENT, "no log");
    cs_store_close(store);
    store = test_open("none", CS_STORE_CREATE);
    tap_int(cs_store_audit_key(store, key), -EKEYREJECTED, "none is begun in an old store");
    cs_store_close(store);
}

/* Two processes write in turns: each goes on where the other ended. */
static void test_two(void)
{
    struct cs_store *one = fresh(), *two = test_open("audit", 0);
    struct cs_audit_report report = {0};

    cs_assert(cs_store_audit_key(two, key) == 0);
    for (int i = 0; i < 5; i++)
        add(i % 2 ? one : two, 3);
    tap_ok(cs_store_audit_verify(one, &report) == 0 && report.flaw == CS_AUDIT_SOUND &&
               report.seq == 25,
           "two write in turns");
    cs_store_close(one);
    cs_store_close(two);
}

static int expect_entry(void *ctx, const struct cs_stored_audit *entry)
{
    int *n = ctx;

    cs_assert(
        cs_str_eq(entry->action, CS_STR("issue")) && cs_str_eq(entry->actor, CS_STR("token 1")) &&
        cs_str_eq(entry->proof, CS_STR("token")) && cs_str_eq(entry->peer, CS_STR("192.0.2.1")) &&
        cs_str_eq(entry->subject, CS_STR("a\0b")) &&
        cs_str_eq(entry->detail, CS_STR("'; DROP TABLE audit; --")) && entry->at >= 100);
    *n = *n * 100 + (int)entry->seq;
    return 0;
}

static void test_each(void)
{
    struct cs_store *store = fresh();
    int n = 0;

    tap_int(cs_store_audit_each(store, 0, 3, expect_entry, &n), 0, "entries from the first");
    tap_int(n, 10203, "as they were added, in order");
    n = 0;
    tap_int(cs_store_audit_each(store, 8, 0, expect_entry, &n), 0, "entries from a number on");
    tap_int(n, 910, "to the last");
    cs_store_close(store);
}

int main(void)
{
    test_make_folder();
    test_rows();
    test_key();
    test_none();
    test_two();
    test_each();
    return tap_done();
}
