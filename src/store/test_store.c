/* Every function of the interface: what it takes, what it refuses, what is there afterwards. */
#include "store/store.h"

#include <sqlite3.h>

#include "store/test_support.h"
#include "tap.h"

static struct cs_arena arena;

/* Texts that a statement, a path or a C string would trip over. */
static const struct cs_str hostile[] = {
    CS_STR_INIT(""),
    CS_STR_INIT("'; DROP TABLE cert; --"),
    CS_STR_INIT("\" OR \"\"=\""),
    CS_STR_INIT("x' OR 1=1 --"),
    CS_STR_INIT("?1 :a @b $c"),
    CS_STR_INIT("%_*?[]\\"),
    CS_STR_INIT("../../etc/passwd"),
    CS_STR_INIT("file:x?mode=memory"),
    CS_STR_INIT("a\0b"),
    CS_STR_INIT("\0"),
    CS_STR_INIT("\xff\xfe\x80"),
    CS_STR_INIT("line\r\nbreak\t"),
};
#define N_HOSTILE (sizeof(hostile) / sizeof(*hostile))

static bool same_cert(const struct cs_stored_cert *a, const struct cs_stored_cert *b)
{
    return cs_str_eq(a->serial, b->serial) && cs_str_eq(a->identity, b->identity) &&
           cs_str_eq(a->profile, b->profile) && cs_str_eq(a->requester, b->requester) &&
           cs_str_eq(a->der, b->der) && a->issuer == b->issuer && a->shard == b->shard &&
           a->issued_at == b->issued_at && a->not_before == b->not_before &&
           a->not_after == b->not_after && a->renew_at == b->renew_at &&
           memcmp(a->spki, b->spki, 32) == 0 && memcmp(a->request, b->request, 32) == 0;
}

static void add(struct cs_store *store, uint64_t from, uint64_t to)
{
    struct test_cert t;

    test_begin(store);
    for (uint64_t n = from; n < to; n++) {
        test_cert(&t, n);
        cs_assert(cs_store_cert_add(store, &t.cert) == 0);
    }
    test_commit(store);
}

/* Certificates */

static void test_certs(struct cs_store *store)
{
    struct cs_stored_cert got;
    struct test_cert t;

    add(store, 1, 9);
    test_cert(&t, 3);
    tap_int(cs_store_cert_get(store, t.cert.serial, &arena, &got), 0, "a certificate is found");
    tap_ok(same_cert(&got, &t.cert), "as it was added");
    tap_int(got.revoked_at, 0, "not revoked");
    tap_int((int64_t)got.position, 3, "its position");
    test_begin(store);
    t.cert.identity = CS_STR("another");
    tap_int(cs_store_cert_add(store, &t.cert), -EEXIST, "a serial number is taken once");
    test_commit(store);
    tap_ok(cs_store_cert_get(store, t.cert.serial, &arena, &got) == 0 &&
               !cs_str_eq(got.identity, CS_STR("another")),
           "the first one stays");
    tap_int(cs_store_cert_get(store, CS_STR("x"), &arena, &got), -ENOENT, "an unknown one");
    tap_int(cs_store_cert_get(store, CS_STR(""), &arena, &got), -ENOENT, "none");
    tap_int(cs_store_cert_get(store, CS_STR("123456789012345678901"), &arena, &got), -ENOENT,
            "one that is too long");
}

static void test_refused(struct cs_store *store)
{
    static char much[CS_STORE_DER_MAX + 1];
    static const struct {
        const char *what;
        size_t serial, identity, profile, requester, der;
        uint32_t issuer;
        int want;
    } rows[] = {
        {"no serial number", 0, 1, 1, 1, 1, 1, -EINVAL},
        {"a serial number of 21 bytes", 21, 1, 1, 1, 1, 1, -EINVAL},
        {"no DER", 16, 1, 1, 1, 0, 1, -EINVAL},
        {"DER of 64 KiB and one", 16, 1, 1, 1, CS_STORE_DER_MAX + 1, 1, -EINVAL},
        {"a long identity", 16, CS_STORE_TEXT_MAX + 1, 1, 1, 1, 1, -EINVAL},
        {"a long profile", 16, 1, CS_STORE_TEXT_MAX + 1, 1, 1, 1, -EINVAL},
        {"a long requester", 16, 1, 1, CS_STORE_TEXT_MAX + 1, 1, 1, -EINVAL},
        {"issuer 0", 16, 1, 1, 1, 1, 0, -EINVAL},
        {"the most of everything", 20, CS_STORE_TEXT_MAX, CS_STORE_TEXT_MAX, CS_STORE_TEXT_MAX,
         CS_STORE_DER_MAX, UINT32_MAX, 0},
        {"the least of everything", 1, 0, 0, 0, 1, 1, 0},
    };

    memset(much, 0x7f, sizeof(much));
    test_begin(store);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct cs_stored_cert cert = {
            .serial = cs_str_make(much, rows[i].serial),
            .identity = cs_str_make(much, rows[i].identity),
            .profile = cs_str_make(much, rows[i].profile),
            .requester = cs_str_make(much, rows[i].requester),
            .der = cs_str_make(much, rows[i].der),
            .issuer = rows[i].issuer,
        };
        tap_int(cs_store_cert_add(store, &cert), rows[i].want, rows[i].what);
    }
    tap_int(cs_store_commit(store), 0, "what was refused does not spoil the rest");
}

static void test_requests(struct cs_store *store)
{
    uint8_t none[32] = {0};
    struct cs_stored_cert got;
    struct test_cert t;

    test_cert(&t, 4);
    tap_int(cs_store_cert_by_request(store, t.cert.request, 0, &arena, &got), 0, "a request");
    tap_ok(same_cert(&got, &t.cert), "leads to its certificate");
    tap_int(cs_store_cert_by_request(store, t.cert.request, 1004, &arena, &got), 0,
            "issued at that very time");
    tap_int(cs_store_cert_by_request(store, t.cert.request, 1005, &arena, &got), -ENOENT,
            "issued too long ago");
    t.serial[15] = 1; /* another certificate for the same request */
    t.cert.issued_at++;
    test_begin(store);
    tap_int(cs_store_cert_add(store, &t.cert), 0, "a second one for the same request");
    test_commit(store);
    tap_ok(cs_store_cert_by_request(store, t.cert.request, 0, &arena, &got) == 0 &&
               cs_str_eq(got.serial, t.cert.serial),
           "the newest is found");
    test_cert(&t, 77);
    memset(t.cert.request, 0, 32);
    test_begin(store);
    tap_int(cs_store_cert_add(store, &t.cert), 0, "one without a request");
    test_commit(store);
    tap_int(cs_store_cert_by_request(store, none, 0, &arena, &got), -ENOENT,
            "is not found by that");
}

struct seen {
    uint64_t n, sum, stop_at;
};

static int see_cert(void *ctx, const struct cs_stored_cert *cert)
{
    struct seen *seen = ctx;

    seen->n++;
    seen->sum += cert->position;
    return seen->n == seen->stop_at ? -ECANCELED : 0;
}

static void test_each(void)
{
    struct cs_store *store = test_open("each", CS_STORE_CREATE);
    static const struct {
        const char *what;
        struct cs_store_query query;
        uint64_t n, sum;
    } rows[] = {
        {"all", {0}, 8, 36},
        {"after a position", {.after = 5}, 3, 21},
        {"after the last", {.after = 8}, 0, 0},
        {"a few", {.limit = 3}, 3, 6},
        {"a few after a position", {.after = 2, .limit = 3}, 3, 12},
        {"of a profile", {.profile = CS_STR_INIT("server")}, 4, 16},
        {"of an unknown profile", {.profile = CS_STR_INIT("server\0")}, 0, 0},
        {"of an issuer", {.issuer = 1}, 8, 36},
        {"of another issuer", {.issuer = 2}, 0, 0},
        {"expiring", {.expiring_before = 100004}, 3, 6},
        {"expiring later", {.expiring_from = 100004}, 5, 30},
        {"expiring between", {.expiring_from = 100004, .expiring_before = 100006}, 2, 9},
        {"of a pattern", {.identity_glob = CS_STR_INIT("*/n/[3]")}, 0, 0},
        {"of a name", {.identity_glob = CS_STR_INIT("spiffe://example.org/n/3")}, 1, 3},
        {"of many names", {.identity_glob = CS_STR_INIT("spiffe:*"), .limit = 2}, 2, 3},
        {"revoked", {.revoked = true}, 2, 7},
        {"revoked, of a profile", {.revoked = true, .profile = CS_STR_INIT("client")}, 1, 6},
        {"revoked, after a position", {.revoked = true, .after = 2, .limit = 1}, 1, 6},
    };
    struct test_cert t;
    uint64_t seq;

    add(store, 1, 9);
    test_begin(store);
    for (uint64_t n = 1; n < 9; n += 5) { /* 1 and 6 */
        test_cert(&t, n);
        cs_assert(cs_store_revoke(store, t.cert.serial, 5, 1, &seq) == 0);
    }
    test_commit(store);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct seen seen = {0};
        tap_ok(cs_store_cert_each(store, &rows[i].query, see_cert, &seen) == 0 &&
                   seen.n == rows[i].n && seen.sum == rows[i].sum,
               "%s: %llu certificates", rows[i].what, (unsigned long long)rows[i].n);
    }
    struct seen seen = {.stop_at = 2};
    tap_int(cs_store_cert_each(store, &(struct cs_store_query){0}, see_cert, &seen), -ECANCELED,
            "a walk can be ended");
    tap_int((int64_t)seen.n, 2, "at once");
    cs_store_close(store);
}

/* Revocations */

static int see_revocation(void *ctx, const struct cs_stored_revocation *revocation)
{
    struct seen *seen = ctx;
    uint64_t n;

    memcpy(&n, revocation->serial.ptr + 8, 8);
    cs_assert(revocation->serial.len == 16 && revocation->shard == n % 4 &&
              revocation->not_after == 100000 + (int64_t)n);
    seen->n++;
    seen->sum += n;
    return 0;
}

static void test_revoke(struct cs_store *store)
{
    static const struct {
        uint32_t issuer;
        int shard;
        int64_t now;
        uint64_t n, sum;
    } rows[] = {
        {1, -1, 0, 3, 12},      {1, 1, 0, 2, 6},      {1, 2, 0, 1, 6},
        {1, 3, 0, 0, 0},        {2, -1, 0, 0, 0},     {1, -1, 100001, 3, 12},
        {1, -1, 100002, 2, 11}, {1, 1, 100005, 1, 5}, {1, -1, 100007, 0, 0},
    };
    struct cs_stored_cert got;
    struct test_cert t;
    uint64_t seq = 0, last = 0;

    test_begin(store);
    for (uint64_t n = 1; n <= 6; n += n == 1 ? 4 : 1) { /* 1, 5, 6 */
        test_cert(&t, n);
        tap_int(cs_store_revoke(store, t.cert.serial, 2000, 1, &seq), 0, "revoked");
        tap_ok(seq > last, "with a number that grows");
        last = seq;
    }
    tap_int(cs_store_revoke(store, t.cert.serial, 3000, 4, &seq), -EALREADY, "once only");
    tap_int(cs_store_revoke(store, CS_STR("unknown"), 3000, 4, &seq), -ENOENT, "one of ours only");
    tap_int(cs_store_revoke(store, CS_STR(""), 3000, 4, &seq), -ENOENT, "not nothing");
    test_commit(store);
    tap_ok(cs_store_cert_get(store, t.cert.serial, &arena, &got) == 0 && got.revoked_at == 2000 &&
               got.reason == 1,
           "the first time and reason stay");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct seen seen = {0};
        tap_ok(cs_store_revoked_each(store, rows[i].issuer, rows[i].shard, rows[i].now,
                                     see_revocation, &seen) == 0 &&
                   seen.n == rows[i].n && seen.sum == rows[i].sum,
               "issuer %u, shard %d, at %lld: %llu revoked", rows[i].issuer, rows[i].shard,
               (long long)rows[i].now, (unsigned long long)rows[i].n);
    }
}

/* Events */

static int see_event(void *ctx, const struct cs_stored_event *event)
{
    struct seen *seen = ctx;

    seen->n++;
    seen->sum += event->seq;
    return 0;
}

static int expect_event(void *ctx, const struct cs_stored_event *event)
{
    const struct cs_stored_event *want = ctx;

    return event->kind == want->kind && event->at == want->at && event->issuer == want->issuer &&
                   cs_str_eq(event->serial, want->serial) && event->shard == want->shard &&
                   event->reason == want->reason && event->not_after == want->not_after
               ? 1
               : -EILSEQ;
}

static void test_events(void)
{
    struct cs_store *store = test_open("events", CS_STORE_CREATE);
    struct cs_stored_event event = {.kind = CS_EVENT_ISSUER_PREPARED, .at = 7, .issuer = 2};
    struct test_cert t;
    uint64_t gone = 9, last = 9, seq = 0;
    struct seen seen = {0};

    tap_ok(cs_store_event_bounds(store, &gone, &last) == 0 && gone == 0 && last == 0,
           "no event yet");
    add(store, 6, 7);
    test_cert(&t, 6);
    test_begin(store);
    tap_ok(cs_store_event_add(store, &event, &seq) == 0 && seq == 1, "the first event");
    tap_ok(cs_store_revoke(store, t.cert.serial, 9, 4, &seq) == 0 && seq == 2,
           "a revocation is an event");
    test_commit(store);
    tap_int(cs_store_event_each(store, 0, 1, expect_event, &event), 1, "as it was added");
    event = (struct cs_stored_event){.kind = CS_EVENT_REVOKED,
                                     .at = 9,
                                     .issuer = 1,
                                     .serial = t.cert.serial,
                                     .shard = 2,
                                     .reason = 4,
                                     .not_after = 100006};
    tap_int(cs_store_event_each(store, 1, 0, expect_event, &event), 1, "with all that matters");
    tap_ok(cs_store_event_each(store, 0, 0, see_event, &seen) == 0 && seen.n == 2, "all of them");
    seen = (struct seen){0};
    tap_ok(cs_store_event_each(store, 2, 0, see_event, &seen) == 0 && seen.n == 0,
           "nothing after the last");
    test_begin(store);
    cs_assert(cs_store_event_add(store, &event, &seq) == 0);
    cs_store_rollback(store);
    tap_ok(cs_store_event_bounds(store, &gone, &last) == 0 && gone == 0 && last == 2,
           "what was rolled back was not said");
    event.serial = CS_STR("123456789012345678901");
    test_begin(store);
    tap_int(cs_store_event_add(store, &event, &seq), -EINVAL, "a serial number of 21 bytes");
    test_commit(store);
    cs_store_close(store);
}

/* Tokens */

static int see_token(void *ctx, const struct cs_stored_token *token)
{
    struct seen *seen = ctx;

    seen->n++;
    seen->sum = seen->sum * 10 + token->digest[0];
    return 0;
}

static void test_tokens(struct cs_store *store)
{
    struct cs_stored_token token = {
        .identities = CS_STR("dns:a.example"),
        .profile = CS_STR("server"),
        .maker = CS_STR("root"),
        .made_at = 10,
        .expires_at = 20,
    };
    struct cs_stored_token got;
    struct seen seen = {0};

    test_begin(store);
    for (uint8_t i = 1; i <= 3; i++) {
        token.digest[0] = (uint8_t)(4 - i);
        tap_int(cs_store_token_add(store, &token), 0, "a token");
    }
    tap_int(cs_store_token_add(store, &token), -EEXIST, "not twice");
    tap_int(cs_store_token_get(store, token.digest, &arena, &got), 0, "can be looked at");
    tap_ok(cs_str_eq(got.identities, token.identities) && cs_str_eq(got.profile, token.profile) &&
               cs_str_eq(got.maker, token.maker) && got.made_at == 10 && got.expires_at == 20 &&
               got.used_at == 0 && got.used_by.len == 0 &&
               memcmp(got.digest, token.digest, 32) == 0,
           "as it was added");
    tap_int(cs_store_token_take(store, token.digest, 21, CS_STR("x")), -ETIME, "in time only");
    tap_int(cs_store_token_take(store, token.digest, 20, CS_STR("serial 1")), 0, "is used");
    tap_int(cs_store_token_take(store, token.digest, 20, CS_STR("serial 2")), -EALREADY, "once");
    tap_int(cs_store_token_take(store, token.digest, 30, CS_STR("serial 2")), -EALREADY,
            "used, whatever the time");
    test_commit(store);
    tap_ok(cs_store_token_get(store, token.digest, &arena, &got) == 0 && got.used_at == 20 &&
               cs_str_eq(got.used_by, CS_STR("serial 1")),
           "by the first");
    token.digest[0] = 9;
    tap_int(cs_store_token_get(store, token.digest, &arena, &got), -ENOENT, "unknown");
    test_begin(store);
    tap_int(cs_store_token_take(store, token.digest, 15, CS_STR("x")), -ENOENT, "not to be used");
    token.digest[0] = 2;
    tap_int(cs_store_token_take(store, token.digest, 15, CS_STR("x")), 0, "another is used");
    cs_store_rollback(store);
    test_begin(store);
    tap_int(cs_store_token_take(store, token.digest, 15, CS_STR("y")), 0,
            "what was rolled back was not used");
    test_commit(store);
    tap_ok(cs_store_token_each(store, see_token, &seen) == 0 && seen.sum == 321, "oldest first");
}

/* Issuers and meta */

static int expect_issuer(void *ctx, const struct cs_stored_issuer *issuer)
{
    const struct cs_stored_issuer *want = ctx;

    return issuer->id == want->id && issuer->state == want->state &&
                   cs_str_eq(issuer->der, want->der) &&
                   cs_str_eq(issuer->key_file, want->key_file) &&
                   issuer->prepared_at == want->prepared_at &&
                   issuer->activated_at == want->activated_at &&
                   issuer->retired_at == want->retired_at
               ? 0
               : -EILSEQ;
}

static void test_issuers(struct cs_store *store)
{
    struct cs_stored_issuer issuer = {
        .id = 1, .der = CS_STR("der"), .prepared_at = 1, .key_file = CS_STR("issuer-1.key")};

    test_begin(store);
    tap_int(cs_store_issuer_put(store, &issuer), 0, "an issuer");
    tap_int(cs_store_issuer_each(store, expect_issuer, &issuer), 0, "as it was put");
    issuer.state = CS_ISSUER_ACTIVE;
    issuer.activated_at = 5;
    tap_int(cs_store_issuer_put(store, &issuer), 0, "put again");
    issuer.der = CS_STR("");
    tap_int(cs_store_issuer_put(store, &issuer), -EINVAL, "not without a certificate");
    issuer.der = CS_STR("der");
    issuer.id = 0;
    tap_int(cs_store_issuer_put(store, &issuer), -EINVAL, "not without a number");
    issuer.id = 1;
    test_commit(store);
    tap_int(cs_store_issuer_each(store, expect_issuer, &issuer), 0, "in place of the first");
}

static void test_meta(struct cs_store *store)
{
    struct cs_str got = CS_STR("untouched");

    tap_int(cs_store_meta_get(store, CS_STR("a"), &arena, &got), -ENOENT, "no value");
    tap_str(got, CS_STR("untouched"), "and none given");
    test_begin(store);
    for (size_t i = 0; i < N_HOSTILE; i++)
        cs_assert(cs_store_meta_put(store, hostile[i], hostile[N_HOSTILE - 1 - i]) == 0);
    test_commit(store);
    for (size_t i = 0; i < N_HOSTILE; i++) {
        tap_int(cs_store_meta_get(store, hostile[i], &arena, &got), 0, "a value under any name");
        tap_str(got, hostile[N_HOSTILE - 1 - i], "is what was put");
    }
    test_begin(store);
    tap_int(cs_store_meta_put(store, CS_STR("a"), cs_str_make("", CS_STORE_VALUE_MAX + 1)), -EINVAL,
            "not more than the most");
    cs_store_rollback(store);
}

/* Hostile texts, in every place for one */

static void test_hostile(void)
{
    struct cs_store *store = test_open("hostile", CS_STORE_CREATE);
    struct cs_stored_cert got;
    struct cs_stored_token token;
    struct seen seen = {0};

    test_begin(store);
    for (size_t i = 0; i < N_HOSTILE; i++) {
        struct cs_str text = hostile[i];
        char serial[2] = {'\'', (char)i};
        struct cs_stored_cert cert = {.serial = cs_str_make(serial, 2),
                                      .identity = text,
                                      .profile = text,
                                      .requester = text,
                                      .issuer = 1,
                                      .der = i ? text : CS_STR("-")};
        token = (struct cs_stored_token){.identities = text, .profile = text, .maker = text};
        token.digest[0] = (uint8_t)i;
        cs_assert(cs_store_cert_add(store, &cert) == 0 && cs_store_token_add(store, &token) == 0);
        cs_assert(cs_store_token_take(store, token.digest, 0, text) == 0);
        cs_assert(cs_store_cert_get(store, cert.serial, &arena, &got) == 0);
        tap_ok(same_cert(&got, &cert), "certificate %zu comes back as it was", i);
        cs_assert(cs_store_token_get(store, token.digest, &arena, &token) == 0);
        tap_ok(cs_str_eq(token.identities, text) && cs_str_eq(token.profile, text) &&
                   cs_str_eq(token.maker, text) && cs_str_eq(token.used_by, text),
               "token %zu comes back as it was", i);
    }
    test_commit(store);
    for (size_t i = 1; i < N_HOSTILE; i++) {
        seen = (struct seen){0};
        cs_assert(cs_store_cert_each(store, &(struct cs_store_query){.profile = hostile[i]},
                                     see_cert, &seen) == 0);
        tap_ok(seen.n == 1 && seen.sum == i + 1, "profile %zu chooses its own", i);
    }
    cs_store_close(store);
}

/* Opening */

static void test_open_modes(void)
{
    char error[CS_STORE_ERROR_MAX] = "", path[PATH_MAX + 32];
    struct cs_store *store, *reader;
    struct stat st;

    tap_int(cs_store_open(test_path("modes"), 0, error, &store), -ENOENT, "no file");
    tap_ok(strstr(error, "modes\" cannot be opened: No such file") != NULL, "in words: %s", error);
    store = test_open("modes", CS_STORE_CREATE);
    tap_ok(stat(test_path("modes"), &st) == 0 && (st.st_mode & 0777) == 0600, "mode 0600");
    tap_ok(stat(test_path("modes-wal"), &st) == 0 && (st.st_mode & 0777) == 0600,
           "the log beside it too");
    add(store, 1, 3);
    reader = test_open("modes", CS_STORE_READ);
    tap_int(cs_store_begin(reader), -EROFS, "a reader changes nothing");
    tap_ok(cs_store_error(reader)[0] != 0, "in words: %s", cs_store_error(reader));
    cs_store_close(reader);
    cs_store_close(store);
    store = test_open("modes", 0);
    struct seen seen = {0};
    tap_ok(cs_store_cert_each(store, &(struct cs_store_query){0}, see_cert, &seen) == 0 &&
               seen.n == 2,
           "what was committed is there again");
    cs_store_close(store);

    cs_assert(chdir(test_folder) == 0);
    tap_int(cs_store_open("file:odd?mode=memory", CS_STORE_CREATE, error, &store), 0,
            "a path is a path, not a URI");
    cs_store_close(store);
    tap_ok(stat(test_path("file:odd?mode=memory"), &st) == 0, "and there is the file");
    snprintf(path, sizeof(path), "%s/none/store", test_folder);
    tap_int(cs_store_open(path, CS_STORE_CREATE, error, &store), -ENOENT, "no folder");
    tap_ok(strstr(error, "cannot be made") != NULL, "in words: %s", error);
    tap_int(cs_store_open("", CS_STORE_CREATE, error, &store) < 0, 1, "no path");
}

static void copy(const char *from, const char *to)
{
    static char bytes[1 << 20];
    FILE *in = fopen(test_path(from), "re"), *out = fopen(test_path(to), "we");
    size_t n;

    cs_assert(in != NULL && out != NULL);
    n = fread(bytes, 1, sizeof(bytes), in);
    cs_assert(n > 0 && n < sizeof(bytes) && fwrite(bytes, 1, n, out) == n);
    cs_assert(fclose(in) == 0 && fclose(out) == 0);
}

/* As a process leaves it that was killed. */
static void test_left(void)
{
    struct cs_store *store = test_open("running", CS_STORE_CREATE), *reader;
    struct seen seen = {0};

    add(store, 1, 4);
    copy("running", "left");
    copy("running-wal", "left-wal");
    cs_store_close(store);
    reader = test_open("left", CS_STORE_READ);
    tap_ok(cs_store_cert_each(reader, &(struct cs_store_query){0}, see_cert, &seen) == 0 &&
               seen.n == 3,
           "a reader after a crash sees all that was committed: %s", cs_store_error(reader));
    cs_store_close(reader);
}

static void set(const char *name, const char *text)
{
    sqlite3 *db;

    cs_assert(sqlite3_open(test_path(name), &db) == SQLITE_OK);
    cs_assert(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
}

static void test_versions(void)
{
    char error[CS_STORE_ERROR_MAX] = "";
    struct cs_store *store;

    cs_store_close(test_open("newer", CS_STORE_CREATE));
    set("newer", "PRAGMA user_version = 2");
    tap_int(cs_store_open(test_path("newer"), 0, error, &store), -ENOTSUP, "a newer format");
    tap_ok(strstr(error, "written by a newer one") != NULL, "in words: %s", error);
    set("foreign", "CREATE TABLE t(a)");
    tap_int(cs_store_open(test_path("foreign"), CS_STORE_CREATE, error, &store), -EBADMSG,
            "somebody else's database");
    tap_ok(strstr(error, "is not a store of countersign") != NULL, "in words: %s", error);
    set("empty", "VACUUM");
    tap_int(cs_store_open(test_path("empty"), 0, error, &store), -ENODATA, "an empty file");
    cs_store_close(test_open("lacking", CS_STORE_CREATE));
    set("lacking", "DROP TABLE meta");
    tap_ok(cs_store_open(test_path("lacking"), 0, error, &store) < 0, "a table is missing: %s",
           error);
}

/* Transactions */

static void test_transactions(void)
{
    struct cs_store *one = test_open("pair", CS_STORE_CREATE), *two = test_open("pair", 0);
    struct cs_stored_cert got;
    struct test_cert t;

    tap_ok(!cs_store_changed(one) && !cs_store_changed(two), "nothing has changed");
    test_cert(&t, 1);
    test_begin(one);
    cs_assert(cs_store_cert_add(one, &t.cert) == 0);
    tap_int(cs_store_cert_get(one, t.cert.serial, &arena, &got), 0, "seen by who adds");
    tap_int(cs_store_cert_get(two, t.cert.serial, &arena, &got), -ENOENT, "and not by others");
    cs_store_set_wait(two, 20);
    tap_int(cs_store_begin(two), -EBUSY, "one writer at a time");
    tap_ok(strstr(cs_store_error(two), "somebody else has it locked") != NULL, "in words: %s",
           cs_store_error(two));
    test_commit(one);
    tap_int(cs_store_cert_get(two, t.cert.serial, &arena, &got), 0, "after the commit by all");
    tap_ok(cs_store_changed(two), "who hears that something has changed");
    tap_ok(!cs_store_changed(two), "once");
    tap_ok(!cs_store_changed(one), "but not who did it");
    test_begin(two);
    test_cert(&t, 2);
    cs_assert(cs_store_cert_add(two, &t.cert) == 0);
    cs_store_rollback(two);
    tap_int(cs_store_cert_get(two, t.cert.serial, &arena, &got), -ENOENT, "rolled back");
    tap_ok(!cs_store_changed(one), "which is no change");
    test_begin(two);
    cs_assert(cs_store_cert_add(two, &t.cert) == 0);
    cs_store_close(two);
    tap_int(cs_store_cert_get(one, t.cert.serial, &arena, &got), -ENOENT, "closed without commit");
    cs_store_close(one);
    cs_store_close(NULL);
}

int main(void)
{
    struct cs_store *store;

    test_make_folder();
    store = test_open("store", CS_STORE_CREATE);
    test_certs(store);
    test_revoke(store);
    test_requests(store);
    test_refused(store);
    test_tokens(store);
    test_issuers(store);
    test_meta(store);
    cs_store_close(store);
    test_each();
    test_events();
    test_hostile();
    test_open_modes();
    test_left();
    test_versions();
    test_transactions();
    cs_arena_deinit(&arena);
    return tap_done();
}
