/* What is only ever appended, under numbers that grow: events, and the entries of the audit log. */
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

int cs_sqlite_audit_append(struct cs_store *store, const struct cs_stored_audit *entry)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_AUDIT_APPEND);

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

int cs_sqlite_audit_each(struct cs_store *store, uint64_t since, uint64_t limit,
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

int cs_sqlite_audit_head(struct cs_store *store, struct cs_audit_head *ret_head)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_AUDIT_HEAD);
    int r = cs_sql_row(s, stmt);

    if (r == 1) {
        ret_head->seq = (uint64_t)sqlite3_column_int64(stmt, 0);
        cs_sql_col_bytes(stmt, 1, ret_head->digest, sizeof(ret_head->digest));
        cs_sql_col_bytes(stmt, 2, ret_head->seal, sizeof(ret_head->seal));
    }
    return cs_sql_end(stmt, r == 1 ? 0 : r == 0 ? -ENOENT : r);
}

int cs_sqlite_audit_set_head(struct cs_store *store, const struct cs_audit_head *head)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_AUDIT_SET_HEAD);

    cs_sql_int(stmt, 1, (int64_t)head->seq);
    cs_sql_str(stmt, 2, cs_str_make(head->digest, sizeof(head->digest)));
    cs_sql_str(stmt, 3, cs_str_make(head->seal, sizeof(head->seal)));
    return cs_sql_run(s, stmt);
}
