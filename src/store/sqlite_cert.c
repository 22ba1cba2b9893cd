/* Certificates are appended and never rewritten; they are found by keys (sqlite_key.c). That one is
 * revoked is a row of another table, kept in the order of the lists, so that making a list reads
 * what is in it and nothing else. */
#include <errno.h>
#include <limits.h>

#include "store/glob.h"
#include "store/sqlite.h"

#define KEY_COMPROMISE 1 /* RFC 5280 section 5.3.1 */

static const uint8_t no_request[32];

static int64_t serial_key(struct cs_str serial)
{
    return cs_key_of(CS_KEY_SERIAL, serial);
}

static int64_t request_key(const uint8_t request[32])
{
    return cs_key_of(CS_KEY_REQUEST, cs_str_make(request, 32));
}

static bool has_request(const struct cs_stored_cert *cert)
{
    return memcmp(cert->request, no_request, sizeof(no_request)) != 0;
}

/* Where a certificate is, and where the list that says so when it is revoked. */
struct place {
    struct cs_sqlite *s;
    struct cs_str serial;
    uint32_t issuer;
    uint16_t shard;
    int64_t not_after, id;
    uint8_t spki[32];
};

static int read_place(void *ctx, int64_t id)
{
    struct place *place = ctx;
    sqlite3_stmt *stmt = cs_sql(place->s, CS_SQL_CERT_PLACE);
    int r;

    cs_sql_int(stmt, 1, id);
    r = cs_sql_row(place->s, stmt);
    if (r == 1 && !cs_str_eq(cs_sql_col_str(stmt, 0), place->serial))
        r = 0;
    if (r == 1) {
        place->issuer = (uint32_t)sqlite3_column_int64(stmt, 1);
        place->shard = (uint16_t)sqlite3_column_int(stmt, 2);
        place->not_after = sqlite3_column_int64(stmt, 3);
        place->id = id;
        cs_sql_col_bytes(stmt, 4, place->spki, sizeof(place->spki));
    }
    return cs_sql_end(stmt, r == 1 ? 0 : r == 0 ? -ENOENT : r);
}

static int find_place(struct cs_sqlite *s, struct cs_str serial, struct place *ret_place)
{
    *ret_place = (struct place){.s = s, .serial = serial};
    return cs_keys_find_only(s, serial_key(serial), read_place, ret_place);
}

static int add_row(struct cs_sqlite *s, const struct cs_stored_cert *cert)
{
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_CERT_ADD);

    cs_sql_str(stmt, 1, cert->serial);
    cs_sql_str(stmt, 2, cert->identity);
    cs_sql_str(stmt, 3, cert->profile);
    cs_sql_str(stmt, 4, cert->requester);
    cs_sql_str(stmt, 5, cert->der);
    cs_sql_int(stmt, 6, cert->issuer);
    cs_sql_int(stmt, 7, cert->shard);
    cs_sql_int(stmt, 8, cert->issued_at);
    cs_sql_int(stmt, 9, cert->not_before);
    cs_sql_int(stmt, 10, cert->not_after);
    cs_sql_int(stmt, 11, cert->renew_at);
    cs_sql_str(stmt, 12, cs_str_make(cert->spki, sizeof(cert->spki)));
    if (has_request(cert))
        cs_sql_str(stmt, 13, cs_str_make(cert->request, sizeof(cert->request)));
    return cs_sql_run(s, stmt);
}

int cs_sqlite_cert_add(struct cs_store *store, const struct cs_stored_cert *cert)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    struct place place;
    int r = find_place(s, cert->serial, &place);
    int64_t id;

    if (r != -ENOENT)
        return r ? r : -EEXIST;
    r = add_row(s, cert);
    if (r < 0)
        return r;
    id = sqlite3_last_insert_rowid(s->db);
    cs_keys_add(s, serial_key(cert->serial), id);
    if (has_request(cert))
        cs_keys_add(s, request_key(cert->request), id);
    return 0;
}

int cs_sqlite_cert_delete(struct cs_store *store, int64_t id, int64_t serial, int64_t request)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    static const enum cs_sql_name names[] = {CS_SQL_CERT_DELETE_REVOCATION, CS_SQL_CERT_DELETE};
    int r = cs_keys_delete(s, serial, id);

    r = r ? r : cs_keys_delete(s, request, id);
    for (size_t i = 0; r == 0 && i < 2; i++) {
        cs_sql_int(cs_sql(s, names[i]), 1, id);
        r = cs_sql_run(s, cs_sql(s, names[i]));
    }
    return r;
}

/* The columns of CS_SQL_CERT. */
static void read_cert(sqlite3_stmt *stmt, struct cs_stored_cert *ret_cert)
{
    *ret_cert = (struct cs_stored_cert){
        .position = (uint64_t)sqlite3_column_int64(stmt, 0),
        .serial = cs_sql_col_str(stmt, 1),
        .identity = cs_sql_col_str(stmt, 2),
        .profile = cs_sql_col_str(stmt, 3),
        .requester = cs_sql_col_str(stmt, 4),
        .der = cs_sql_col_str(stmt, 5),
        .issuer = (uint32_t)sqlite3_column_int64(stmt, 6),
        .shard = (uint16_t)sqlite3_column_int(stmt, 7),
        .issued_at = sqlite3_column_int64(stmt, 8),
        .not_before = sqlite3_column_int64(stmt, 9),
        .not_after = sqlite3_column_int64(stmt, 10),
        .renew_at = sqlite3_column_int64(stmt, 11),
        .revoked_at = sqlite3_column_int64(stmt, 14),
        .reason = (unsigned)sqlite3_column_int(stmt, 15),
    };
    cs_sql_col_bytes(stmt, 12, ret_cert->spki, sizeof(ret_cert->spki));
    cs_sql_col_bytes(stmt, 13, ret_cert->request, sizeof(ret_cert->request));
}

/* One certificate, looked for by what it has to have. */
struct search {
    struct cs_sqlite *s;
    struct cs_str serial;   /* or, when empty: */
    const uint8_t *request; /* and issued at @since or later */
    int64_t since;
    struct cs_arena *arena;
    struct cs_stored_cert *ret_cert;
};

static bool is_it(const struct search *search, const struct cs_stored_cert *cert)
{
    if (search->serial.len)
        return cs_str_eq(search->serial, cert->serial);
    return memcmp(search->request, cert->request, sizeof(cert->request)) == 0 &&
           cert->issued_at >= search->since;
}

static void keep_cert(const struct search *search, const struct cs_stored_cert *cert)
{
    struct cs_stored_cert *kept = search->ret_cert;

    *kept = *cert;
    kept->serial = cs_arena_dup(search->arena, cert->serial);
    kept->identity = cs_arena_dup(search->arena, cert->identity);
    kept->profile = cs_arena_dup(search->arena, cert->profile);
    kept->requester = cs_arena_dup(search->arena, cert->requester);
    kept->der = cs_arena_dup(search->arena, cert->der);
}

static int try_cert(void *ctx, int64_t id)
{
    const struct search *search = ctx;
    sqlite3_stmt *stmt = cs_sql(search->s, CS_SQL_CERT_GET);
    struct cs_stored_cert cert;
    int r;

    cs_sql_int(stmt, 1, id);
    r = cs_sql_row(search->s, stmt);
    if (r == 1) {
        read_cert(stmt, &cert);
        r = is_it(search, &cert);
        if (r == 1)
            keep_cert(search, &cert);
    }
    return cs_sql_end(stmt, r == 1 ? 0 : r == 0 ? -ENOENT : r);
}

int cs_sqlite_cert_current(struct cs_store *store, struct cs_str serial, struct cs_arena *arena,
                           struct cs_stored_cert *ret_cert)
{
    struct search search = {
        .s = cs_sqlite_of(store), .serial = serial, .arena = arena, .ret_cert = ret_cert};

    return cs_keys_find_only(search.s, serial_key(serial), try_cert, &search);
}

int cs_sqlite_cert_by_request(struct cs_store *store, const uint8_t request[32], int64_t since,
                              struct cs_arena *arena, struct cs_stored_cert *ret_cert)
{
    struct search search = {.s = cs_sqlite_of(store),
                            .request = request,
                            .since = since,
                            .arena = arena,
                            .ret_cert = ret_cert};

    if (memcmp(request, no_request, sizeof(no_request)) == 0)
        return -ENOENT;
    return cs_keys_find(search.s, request_key(request), try_cert, &search);
}

static int look_in_archive(struct cs_sqlite *s, int month, struct cs_str serial,
                           struct cs_arena *arena, struct cs_stored_cert *ret_cert)
{
    struct cs_store *archive;
    int r = cs_archive_open(s, month, CS_STORE_READ, &archive);

    if (r < 0)
        return r;
    r = cs_sqlite_cert_current(archive, serial, arena, ret_cert);
    if (r < 0 && r != -ENOENT)
        cs_store_says(&s->store, r, "%s", archive->error);
    cs_store_close(archive);
    return r;
}

/* A certificate is in an archive before it leaves the file, so looking in this order finds it. */
int cs_sqlite_cert_get(struct cs_store *store, struct cs_str serial, struct cs_arena *arena,
                       struct cs_stored_cert *ret_cert)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    int r = cs_sqlite_cert_current(store, serial, arena, ret_cert);

    for (int m = INT_MAX; r == -ENOENT && (m = cs_archive_previous(s->folder, m)) >= 0;)
        r = look_in_archive(s, m, serial, arena, ret_cert);
    return r;
}

static bool chosen(const struct cs_store_query *query, struct cs_str identity)
{
    return !query->identity_glob.len || cs_glob_match(query->identity_glob, identity);
}

int cs_sqlite_cert_each(struct cs_store *store, const struct cs_store_query *query,
                        cs_store_cert_fn fn, void *ctx)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, query->revoked ? CS_SQL_CERT_EACH_REVOKED : CS_SQL_CERT_EACH);
    struct cs_stored_cert cert;
    uint64_t n = 0;
    int r;

    cs_sql_int(stmt, 1, (int64_t)query->after);
    cs_sql_int(stmt, 2, query->expiring_before);
    cs_sql_int(stmt, 3, query->expiring_from);
    cs_sql_int(stmt, 4, query->issuer);
    cs_sql_str(stmt, 5, query->profile);
    while ((r = cs_sql_row(s, stmt)) == 1) {
        read_cert(stmt, &cert);
        if (!chosen(query, cert.identity))
            continue;
        r = fn(ctx, &cert);
        if (r != 0 || ++n == query->limit)
            break;
    }
    return cs_sql_end(stmt, r);
}

int cs_sqlite_cert_expired(struct cs_store *store, int64_t before, uint32_t limit,
                           cs_store_cert_fn fn, void *ctx)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_CERT_EXPIRED);
    struct cs_stored_cert cert;
    int r;

    cs_sql_int(stmt, 1, before);
    cs_sql_int(stmt, 2, limit);
    while ((r = cs_sql_row(s, stmt)) == 1) {
        read_cert(stmt, &cert);
        r = fn(ctx, &cert);
        if (r != 0)
            break;
    }
    return cs_sql_end(stmt, r);
}

/* Compromised keys */

int cs_sqlite_key_add(struct cs_store *store, const uint8_t spki[32], int64_t at)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_COMPROMISED_ADD);

    cs_sql_str(stmt, 1, cs_str_make(spki, 32));
    cs_sql_int(stmt, 2, at);
    return cs_sql_run(s, stmt);
}

int cs_sqlite_key_get(struct cs_store *store, const uint8_t spki[32], int64_t *ret_at)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_COMPROMISED_GET);
    int r;

    cs_sql_str(stmt, 1, cs_str_make(spki, 32));
    r = cs_sql_row(s, stmt);
    if (r == 1)
        *ret_at = sqlite3_column_int64(stmt, 0);
    return cs_sql_end(stmt, r == 1 ? 0 : r == 0 ? -ENOENT : r);
}

int cs_sqlite_key_each(struct cs_store *store, cs_store_key_fn fn, void *ctx)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_COMPROMISED_EACH);
    uint8_t spki[32];
    int r;

    while ((r = cs_sql_row(s, stmt)) == 1) {
        cs_sql_col_bytes(stmt, 0, spki, sizeof(spki));
        r = fn(ctx, spki, sqlite3_column_int64(stmt, 1));
        if (r != 0)
            break;
    }
    return cs_sql_end(stmt, r);
}

/* Revocations */

/* Of the certificate at @place, which *@revocation learns too. */
static int add_revocation(struct cs_sqlite *s, const struct place *place,
                          struct cs_stored_revocation *revocation)
{
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_REVOKE);
    int r;

    cs_sql_int(stmt, 1, place->issuer);
    cs_sql_int(stmt, 2, place->shard);
    cs_sql_str(stmt, 3, revocation->serial);
    cs_sql_int(stmt, 4, revocation->at);
    cs_sql_int(stmt, 5, revocation->reason);
    cs_sql_int(stmt, 6, place->not_after);
    cs_sql_int(stmt, 7, place->id);
    r = cs_sql_run(s, stmt);
    if (r == 0 && sqlite3_changes(s->db) == 0)
        return -EALREADY;
    revocation->issuer = place->issuer;
    revocation->shard = place->shard;
    revocation->not_after = place->not_after;
    return r;
}

int cs_sqlite_revocation_add(struct cs_store *store, struct cs_stored_revocation *revocation)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    struct place place;
    int r = find_place(s, revocation->serial, &place);

    return r ? r : add_revocation(s, &place, revocation);
}

int cs_sqlite_revoke(struct cs_store *store, struct cs_str serial, int64_t at, unsigned reason,
                     uint64_t *ret_seq)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    struct cs_stored_revocation revocation = {.serial = serial, .at = at, .reason = reason};
    struct cs_stored_event event = {
        .kind = CS_EVENT_REVOKED, .at = at, .serial = serial, .reason = reason};
    struct place place;
    int r = find_place(s, serial, &place);

    r = r ? r : add_revocation(s, &place, &revocation);
    if (r == 0 && reason == KEY_COMPROMISE)
        r = cs_sqlite_key_add(store, place.spki, at);
    if (r < 0)
        return r;
    event.issuer = revocation.issuer;
    event.shard = revocation.shard;
    event.not_after = revocation.not_after;
    return cs_sqlite_event_add(store, &event, ret_seq);
}

int cs_sqlite_revoked_each(struct cs_store *store, uint32_t issuer, int shard, int64_t now,
                           cs_store_revocation_fn fn, void *ctx)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, shard < 0 ? CS_SQL_REVOKED_ALL : CS_SQL_REVOKED_SHARD);
    int r;

    cs_sql_int(stmt, 1, issuer);
    cs_sql_int(stmt, 2, now);
    if (shard >= 0)
        cs_sql_int(stmt, 3, shard);
    while ((r = cs_sql_row(s, stmt)) == 1) {
        struct cs_stored_revocation revocation = {
            .serial = cs_sql_col_str(stmt, 0),
            .issuer = (uint32_t)sqlite3_column_int64(stmt, 1),
            .shard = (uint16_t)sqlite3_column_int(stmt, 2),
            .reason = (unsigned)sqlite3_column_int(stmt, 3),
            .at = sqlite3_column_int64(stmt, 4),
            .not_after = sqlite3_column_int64(stmt, 5),
        };
        r = fn(ctx, &revocation);
        if (r != 0)
            break;
    }
    return cs_sql_end(stmt, r);
}
