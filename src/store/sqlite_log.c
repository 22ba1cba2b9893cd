/* What is only ever appended, under numbers that grow: events, and the entries of the audit log,
 * the older ones of which are in archives. */
#include <errno.h>

#include "store/sqlite.h"

static int64_t limit_of(uint64_t limit)
{
    return limit && limit <= INT64_MAX ? (int64_t)limit : -1;
}

/* Events */

int cs_sqlite_event_add(struct cs_store *store, const struct cs_stored_event *event,
                        uint64_t *ret_seq)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_EVENT_ADD);
    int r;

    cs_sql_int(stmt, 1, event->kind);
    cs_sql_int(stmt, 2, event->at);
    cs_sql_int(stmt, 3, event->issuer);
    cs_sql_str(stmt, 4, event->serial);
    cs_sql_int(stmt, 5, event->shard);
    cs_sql_int(stmt, 6, event->reason);
    cs_sql_int(stmt, 7, event->not_after);
    r = cs_sql_run(s, stmt);
    if (r == 0)
        *ret_seq = (uint64_t)sqlite3_last_insert_rowid(s->db);
    return r;
}

int cs_sqlite_event_each(struct cs_store *store, uint64_t since, uint64_t limit,
                         cs_store_event_fn fn, void *ctx)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_EVENT_EACH);
    int r;

    cs_sql_int(stmt, 1, (int64_t)since);
    cs_sql_int(stmt, 2, limit_of(limit));
    while ((r = cs_sql_row(s, stmt)) == 1) {
        struct cs_stored_event event = {
            .seq = (uint64_t)sqlite3_column_int64(stmt, 0),
            .kind = (enum cs_event_kind)sqlite3_column_int(stmt, 1),
            .at = sqlite3_column_int64(stmt, 2),
            .issuer = (uint32_t)sqlite3_column_int64(stmt, 3),
            .serial = cs_sql_col_str(stmt, 4),
            .shard = (uint16_t)sqlite3_column_int(stmt, 5),
            .reason = (unsigned)sqlite3_column_int(stmt, 6),
            .not_after = sqlite3_column_int64(stmt, 7),
        };
        r = fn(ctx, &event);
        if (r != 0)
            break;
    }
    return cs_sql_end(stmt, r);
}

/* The row that takes the number goes again; AUTOINCREMENT remembers it. */
int cs_sqlite_event_skip(struct cs_store *store, uint64_t seq)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    uint64_t gone = 0, last = 0;
    int r = cs_sqlite_event_bounds(store, &gone, &last);

    if (r < 0 || seq <= last)
        return r;
    cs_sql_int(cs_sql(s, CS_SQL_EVENT_SKIP), 1, (int64_t)seq);
    r = cs_sql_run(s, cs_sql(s, CS_SQL_EVENT_SKIP));
    cs_sql_int(cs_sql(s, CS_SQL_EVENT_FORGET), 1, (int64_t)seq);
    return r ? r : cs_sql_run(s, cs_sql(s, CS_SQL_EVENT_FORGET));
}

int cs_sqlite_event_bounds(struct cs_store *store, uint64_t *ret_gone, uint64_t *ret_last)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_EVENT_BOUNDS);
    int r = cs_sql_row(s, stmt);

    if (r == 1) {
        uint64_t first = (uint64_t)sqlite3_column_int64(stmt, 0);
        *ret_last = (uint64_t)sqlite3_column_int64(stmt, 1);
        *ret_gone = first ? first - 1 : *ret_last;
    }
    return cs_sql_end(stmt, r < 0 ? r : 0);
}

/* The audit log */

static int add_entry(struct cs_sqlite *s, sqlite3_stmt *stmt, const struct cs_stored_audit *entry)
{
    cs_sql_int(stmt, 1, (int64_t)entry->seq);
    cs_sql_int(stmt, 2, entry->at);
    cs_sql_str(stmt, 3, entry->action);
    cs_sql_str(stmt, 4, entry->actor);
    cs_sql_str(stmt, 5, entry->proof);
    cs_sql_str(stmt, 6, entry->peer);
    cs_sql_str(stmt, 7, entry->subject);
    cs_sql_str(stmt, 8, entry->detail);
    cs_sql_str(stmt, 9, cs_str_make(entry->digest, sizeof(entry->digest)));
    return cs_sql_run(s, stmt);
}

int cs_sqlite_audit_append(struct cs_store *store, const struct cs_stored_audit *entry)
{
    struct cs_sqlite *s = cs_sqlite_of(store);

    return add_entry(s, cs_sql(s, CS_SQL_AUDIT_APPEND), entry);
}

int cs_sqlite_audit_copy(struct cs_store *store, const struct cs_stored_audit *entry)
{
    struct cs_sqlite *s = cs_sqlite_of(store);

    return add_entry(s, cs_sql(s, CS_SQL_AUDIT_COPY), entry);
}

int cs_sqlite_audit_bounds(struct cs_store *store, uint64_t *ret_first, uint64_t *ret_last)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_AUDIT_BOUNDS);
    int r = cs_sql_row(s, stmt);

    if (r == 1) {
        *ret_first = (uint64_t)sqlite3_column_int64(stmt, 0);
        *ret_last = (uint64_t)sqlite3_column_int64(stmt, 1);
    }
    return cs_sql_end(stmt, r < 0 ? r : 0);
}

int cs_sqlite_audit_current(struct cs_store *store, uint64_t since, uint64_t limit,
                            cs_store_audit_fn fn, void *ctx)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_AUDIT_EACH);
    int r;

    cs_sql_int(stmt, 1, (int64_t)since);
    cs_sql_int(stmt, 2, limit_of(limit));
    while ((r = cs_sql_row(s, stmt)) == 1) {
        struct cs_stored_audit entry = {
            .seq = (uint64_t)sqlite3_column_int64(stmt, 0),
            .at = sqlite3_column_int64(stmt, 1),
            .action = cs_sql_col_str(stmt, 2),
            .actor = cs_sql_col_str(stmt, 3),
            .proof = cs_sql_col_str(stmt, 4),
            .peer = cs_sql_col_str(stmt, 5),
            .subject = cs_sql_col_str(stmt, 6),
            .detail = cs_sql_col_str(stmt, 7),
        };
        cs_sql_col_bytes(stmt, 8, entry.digest, sizeof(entry.digest));
        r = fn(ctx, &entry);
        if (r != 0)
            break;
    }
    return cs_sql_end(stmt, r);
}

/* A walk over several files. */
struct walk {
    uint64_t since, limit, n; /* the newest entry seen; how many at most, and so far */
    cs_store_audit_fn fn;
    void *ctx;
};

static int walk_entry(void *ctx, const struct cs_stored_audit *entry)
{
    struct walk *walk = ctx;

    walk->since = entry->seq;
    walk->n++;
    return walk->fn(walk->ctx, entry);
}

static int walk_file(struct walk *walk, struct cs_store *store)
{
    if (walk->limit && walk->n >= walk->limit)
        return 0;
    return cs_sqlite_audit_current(store, walk->since, walk->limit ? walk->limit - walk->n : 0,
                                   walk_entry, walk);
}

static int walk_archive(struct walk *walk, struct cs_sqlite *s, struct cs_store *archive)
{
    int r = walk_file(walk, archive);

    if (r < 0 && archive->error[0])
        cs_store_says(&s->store, r, "%s", archive->error);
    cs_store_close(archive);
    return r;
}

static int walk_archives(struct walk *walk, struct cs_sqlite *s)
{
    struct cs_store *archive;
    int r = 0;

    for (int m = cs_archive_next(s->folder, -1); r == 0 && m >= 0;
         m = cs_archive_next(s->folder, m)) {
        r = cs_archive_open(s, m, CS_STORE_READ, &archive);
        r = r == -ENOENT ? 0 : r ? r : walk_archive(walk, s, archive);
    }
    return r;
}

/* An entry is in an archive before it leaves the file, so it may be in both: whoever looks at one
 * moment of the file first, and at the archives afterwards, misses none. */
int cs_sqlite_audit_each(struct cs_store *store, uint64_t since, uint64_t limit,
                         cs_store_audit_fn fn, void *ctx)
{
    struct walk walk = {.since = since, .limit = limit, .fn = fn, .ctx = ctx};
    uint64_t first = 0, last = 0;
    int r = cs_sqlite_audit_bounds(store, &first, &last);

    if (r == 0 && (first == 0 || first > since + 1))
        r = walk_archives(&walk, cs_sqlite_of(store));
    return r ? r : walk_file(&walk, store);
}

int cs_sqlite_audit_head(struct cs_store *store, struct cs_audit_head *ret_head)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_AUDIT_HEAD);
    int r = cs_sql_row(s, stmt);

    if (r == 1) {
        ret_head->newest.seq = (uint64_t)sqlite3_column_int64(stmt, 0);
        cs_sql_col_bytes(stmt, 1, ret_head->newest.digest, sizeof(ret_head->newest.digest));
        ret_head->gone.seq = (uint64_t)sqlite3_column_int64(stmt, 2);
        cs_sql_col_bytes(stmt, 3, ret_head->gone.digest, sizeof(ret_head->gone.digest));
        cs_sql_col_bytes(stmt, 4, ret_head->seal, sizeof(ret_head->seal));
    }
    return cs_sql_end(stmt, r == 1 ? 0 : r == 0 ? -ENOENT : r);
}

int cs_sqlite_audit_set_head(struct cs_store *store, const struct cs_audit_head *head)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_AUDIT_SET_HEAD);

    cs_sql_int(stmt, 1, (int64_t)head->newest.seq);
    cs_sql_str(stmt, 2, cs_str_make(head->newest.digest, sizeof(head->newest.digest)));
    cs_sql_int(stmt, 3, (int64_t)head->gone.seq);
    cs_sql_str(stmt, 4, cs_str_make(head->gone.digest, sizeof(head->gone.digest)));
    cs_sql_str(stmt, 5, cs_str_make(head->seal, sizeof(head->seal)));
    return cs_sql_run(s, stmt);
}
