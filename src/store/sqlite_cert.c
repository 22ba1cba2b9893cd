/* Certificates are appended and never rewritten; that one is revoked is a row of another table,
 * kept in the order of the lists, so that making a list reads what is in it and nothing else. */
#include <errno.h>
#include <limits.h>

#include "store/glob.h"
#include "store/sqlite.h"

static const uint8_t no_request[32];

int cs_sqlite_cert_add(struct cs_store *store, const struct cs_stored_cert *cert)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_CERT_ADD);
    int r;

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
    if (memcmp(cert->request, no_request, sizeof(no_request)) != 0)
        cs_sql_str(stmt, 13, cs_str_make(cert->request, sizeof(cert->request)));
    r = cs_sql_run(s, stmt);
    return r == 0 && sqlite3_changes(s->db) == 0 ? -EEXIST : r;
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

/* The one row of @stmt, in @arena. */
static int take_cert(struct cs_sqlite *s, sqlite3_stmt *stmt, struct cs_arena *arena,
                     struct cs_stored_cert *ret_cert)
{
    int r = cs_sql_row(s, stmt);

    if (r == 1) {
        read_cert(stmt, ret_cert);
        ret_cert->serial = cs_arena_dup(arena, ret_cert->serial);
        ret_cert->identity = cs_arena_dup(arena, ret_cert->identity);
        ret_cert->profile = cs_arena_dup(arena, ret_cert->profile);
        ret_cert->requester = cs_arena_dup(arena, ret_cert->requester);
        ret_cert->der = cs_arena_dup(arena, ret_cert->der);
    }
    return cs_sql_end(stmt, r == 1 ? 0 : r == 0 ? -ENOENT : r);
}

int cs_sqlite_cert_current(struct cs_store *store, struct cs_str serial, struct cs_arena *arena,
                           struct cs_stored_cert *ret_cert)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_CERT_GET);

    cs_sql_str(stmt, 1, serial);
    return take_cert(s, stmt, arena, ret_cert);
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

int cs_sqlite_cert_by_request(struct cs_store *store, const uint8_t request[32], int64_t since,
                              struct cs_arena *arena, struct cs_stored_cert *ret_cert)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_CERT_BY_REQUEST);

    cs_sql_str(stmt, 1, cs_str_make(request, 32));
    cs_sql_int(stmt, 2, since);
    return take_cert(s, stmt, arena, ret_cert);
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

/* Where the list is that says so. */
static int find_place(struct cs_sqlite *s, struct cs_stored_revocation *revocation)
{
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_CERT_PLACE);
    int r;

    cs_sql_str(stmt, 1, revocation->serial);
    r = cs_sql_row(s, stmt);
    if (r == 1) {
        revocation->issuer = (uint32_t)sqlite3_column_int64(stmt, 0);
        revocation->shard = (uint16_t)sqlite3_column_int(stmt, 1);
        revocation->not_after = sqlite3_column_int64(stmt, 2);
    }
    return cs_sql_end(stmt, r == 1 ? 0 : r == 0 ? -ENOENT : r);
}

int cs_sqlite_revocation_add(struct cs_store *store, const struct cs_stored_revocation *revocation)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_REVOKE);
    int r;

    cs_sql_int(stmt, 1, revocation->issuer);
    cs_sql_int(stmt, 2, revocation->shard);
    cs_sql_str(stmt, 3, revocation->serial);
    cs_sql_int(stmt, 4, revocation->at);
    cs_sql_int(stmt, 5, revocation->reason);
    cs_sql_int(stmt, 6, revocation->not_after);
    r = cs_sql_run(s, stmt);
    return r == 0 && sqlite3_changes(s->db) == 0 ? -EALREADY : r;
}

int cs_sqlite_revoke(struct cs_store *store, struct cs_str serial, int64_t at, unsigned reason,
                     uint64_t *ret_seq)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    struct cs_stored_revocation revocation = {.serial = serial, .at = at, .reason = reason};
    struct cs_stored_event event = {
        .kind = CS_EVENT_REVOKED, .at = at, .serial = serial, .reason = reason};
    int r = find_place(s, &revocation);

    r = r ? r : cs_sqlite_revocation_add(store, &revocation);
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
