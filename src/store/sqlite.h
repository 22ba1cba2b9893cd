/* Inside this folder: the SQLite engine's handle, and how its files speak to SQLite.
 *
 * Statements are prepared once (sqlite.def). A use is: cs_sql() for a clean one, bind by number,
 * then cs_sql_run() or cs_sql_row() … cs_sql_end(). Bound texts are borrowed until the end.
 */
#ifndef CS_STORE_SQLITE_H
#define CS_STORE_SQLITE_H

#include <limits.h>
#include <sqlite3.h>

#include "store/engine.h"

enum cs_sql_name {
#define CS_SQL(name, text) CS_SQL_##name,
#include "store/sqlite.def"
#undef CS_SQL
    CS_SQL_N
};

/* The keys of certificates; see sqlite_key.c. */
struct cs_keys {
    bool known;      /* what follows is as it is on disk */
    bool read;       /* in this transaction */
    bool deleted;    /* in this transaction: some of those kept back */
    int64_t version; /* of the file, when it was read */
    uint32_t late;   /* how many are kept back before they move */
    struct cs_fresh_key *fresh;
    uint32_t n, room, n_before; /* n_before: at the beginning of this transaction */
    uint32_t *buckets;
    struct cs_moving_key *moving; /* the first n_moving, in the order of the index; or NULL */
    uint32_t n_moving, n_moved;
    int64_t moving_to; /* up to which certificate */
};

struct cs_sqlite {
    struct cs_store store;
    struct cs_keys keys;
    sqlite3 *db;
    char *path;
    char *folder;             /* of the archives */
    struct cs_store *archive; /* that is being filled, or NULL */
    int archive_month;
    int64_t data_version;
    int log_pages; /* that could be moved into the file */
    unsigned looks;
    sqlite3_stmt *statements[CS_SQL_N];
};

/** cs_sqlite_of() - the engine's view of @store. */
static inline struct cs_sqlite *cs_sqlite_of(struct cs_store *store)
{
    return (struct cs_sqlite *)store;
}

/** cs_sql() - the statement, nothing bound. */
static inline sqlite3_stmt *cs_sql(struct cs_sqlite *s, enum cs_sql_name name)
{
    return s->statements[name];
}

/** cs_sql_int() - bind a number. */
static inline void cs_sql_int(sqlite3_stmt *stmt, int i, int64_t value)
{
    sqlite3_bind_int64(stmt, i, value);
}

/** cs_sql_str() - bind bytes, borrowed until cs_sql_end(). */
static inline void cs_sql_str(sqlite3_stmt *stmt, int i, struct cs_str value)
{
    sqlite3_bind_blob(stmt, i, value.len ? value.ptr : "", (int)value.len, SQLITE_STATIC);
}

/** cs_sql_col_str() - bytes of a column, borrowed until the next step; none for another type. */
static inline struct cs_str cs_sql_col_str(sqlite3_stmt *stmt, int i)
{
    const void *bytes = sqlite3_column_blob(stmt, i);

    return cs_str_make(bytes, bytes ? (size_t)sqlite3_column_bytes(stmt, i) : 0);
}

/** cs_sql_col_bytes() - a column of @len bytes; zeros when it has another length. */
static inline void cs_sql_col_bytes(sqlite3_stmt *stmt, int i, uint8_t *ret_bytes, size_t len)
{
    struct cs_str bytes = cs_sql_col_str(stmt, i);

    memset(ret_bytes, 0, len);
    if (bytes.len == len)
        memcpy(ret_bytes, bytes.ptr, len);
}

/** cs_sql_errno() - SQLite's last error as ours. Return: negative errno. */
int cs_sql_errno(sqlite3 *db);
/** cs_sql_fault() - SQLite's last error as ours, in words. Return: negative errno. */
int cs_sql_fault(struct cs_sqlite *s);
/** cs_sql_row() - one step. Return: 1 (a row), 0 (no more), or a fault. */
int cs_sql_row(struct cs_sqlite *s, sqlite3_stmt *stmt);
/** cs_sql_end() - let go of what @stmt holds. Return: @r. */
int cs_sql_end(sqlite3_stmt *stmt, int r);
/** cs_sql_run() - a statement without rows, whole. Return: 0, or a fault. */
int cs_sql_run(struct cs_sqlite *s, sqlite3_stmt *stmt);

/** cs_sqlite_path() - @path as SQLite is to take it. Return: free() it. */
char *cs_sqlite_path(const char *path);
/** cs_sqlite_make_file() - a new, empty file with mode 0600, its name durable.
 *  Return: 0, or -errno (-EEXIST). */
int cs_sqlite_make_file(const char *path);
/** cs_sync_folder() - make the names in @path's folder durable. Return: 0, or -errno. */
int cs_sync_folder(const char *path);

/* Keys of certificates. */

#define CS_KEYS_LATE 65536 /* of 32,768 certificates */

enum cs_key_kind {
    CS_KEY_SERIAL,
    CS_KEY_REQUEST,
};

/* Return: -ENOENT: not this one, go on; all else ends the search. */
typedef int (*cs_key_fn)(void *ctx, int64_t id);

/** cs_key_of() - the key that stands for @bytes; others may have the same. */
int64_t cs_key_of(enum cs_key_kind kind, struct cs_str bytes);
/** cs_keys_find() - @fn for the certificates that may have @key, the newest first.
 *  Return: what @fn returned, -ENOENT, or a fault. */
int cs_keys_find(struct cs_sqlite *s, int64_t key, cs_key_fn fn, void *ctx);
/** cs_keys_find_only() - the same for a @key that one certificate has: does not read what is kept
 *  back if it need not. */
int cs_keys_find_only(struct cs_sqlite *s, int64_t key, cs_key_fn fn, void *ctx);
/** cs_keys_add() - certificate @id has @key, which was looked for and not found; within a
 *  transaction. */
void cs_keys_add(struct cs_sqlite *s, int64_t key, int64_t id);
/** cs_keys_delete() - certificate @id has gone. Return: 0, or a fault. */
int cs_keys_delete(struct cs_sqlite *s, int64_t key, int64_t id);
/** cs_keys_begin(), cs_keys_commit(), cs_keys_committed(), cs_keys_rollback() - what a transaction
 *  does to them: after its beginning; before its end, which moves some into the index; after that,
 *  @durable or not; instead. Return: 0, or a fault. */
void cs_keys_begin(struct cs_sqlite *s);
int cs_keys_commit(struct cs_sqlite *s);
void cs_keys_committed(struct cs_sqlite *s, bool durable);
void cs_keys_rollback(struct cs_sqlite *s);
/** cs_keys_lose() - forget what is in memory; it is read again when it is needed. */
void cs_keys_lose(struct cs_sqlite *s);
/** cs_keys_deinit() - free the memory. */
void cs_keys_deinit(struct cs_sqlite *s);

/* Archives, by month: twelve times the year and the number of the month from 0. */

/** cs_archive_folder() - where the archives of the store at @path are. Return: free() it. */
char *cs_archive_folder(const char *path);
/** cs_archive_next(), cs_archive_previous() - the first month after @month, or the last before it,
 *  that has an archive in @folder. Return: the month, or -1. */
int cs_archive_next(const char *folder, int month);
int cs_archive_previous(const char *folder, int month);
/** cs_archive_path() - where the archive of @month is, in @folder. */
void cs_archive_path(const char *folder, int month, char ret_path[PATH_MAX]);
/** cs_archive_open() - the archive of @month; cs_store_close() it. Faults become those of @s.
 *  Return: as cs_store_open(); -ENOENT too when making it was interrupted: nothing is in it. */
int cs_archive_open(struct cs_sqlite *s, int month, unsigned flags, struct cs_store **ret_archive);
/** cs_archive_let_go() - close the one that was being filled. */
void cs_archive_let_go(struct cs_sqlite *s);

/* The engine's functions; see engine.h. */

/** cs_sqlite_cert_add(), cs_sqlite_cert_get(), cs_sqlite_cert_current(),
 *  cs_sqlite_cert_by_request(), cs_sqlite_cert_each(), cs_sqlite_cert_expired(),
 *  cs_sqlite_cert_delete(), cs_sqlite_revoke(), cs_sqlite_revocation_add(),
 *  cs_sqlite_key_add(), cs_sqlite_key_get(), cs_sqlite_key_each(), cs_sqlite_revoked_each() -
 *  certificates. */
int cs_sqlite_cert_add(struct cs_store *store, const struct cs_stored_cert *cert);
int cs_sqlite_cert_get(struct cs_store *store, struct cs_str serial, struct cs_arena *arena,
                       struct cs_stored_cert *ret_cert);
int cs_sqlite_cert_current(struct cs_store *store, struct cs_str serial, struct cs_arena *arena,
                           struct cs_stored_cert *ret_cert);
int cs_sqlite_cert_by_request(struct cs_store *store, const uint8_t request[32], int64_t since,
                              struct cs_arena *arena, struct cs_stored_cert *ret_cert);
int cs_sqlite_cert_each(struct cs_store *store, const struct cs_store_query *query,
                        cs_store_cert_fn fn, void *ctx);
int cs_sqlite_cert_expired(struct cs_store *store, int64_t before, uint32_t limit,
                           cs_store_cert_fn fn, void *ctx);
/* with the keys of its serial number and its request */
int cs_sqlite_cert_delete(struct cs_store *store, int64_t id, int64_t serial, int64_t request);
int cs_sqlite_revocation_add(struct cs_store *store, struct cs_stored_revocation *revocation);
int cs_sqlite_revoke(struct cs_store *store, struct cs_str serial, int64_t at, unsigned reason,
                     uint64_t *ret_seq);
int cs_sqlite_key_add(struct cs_store *store, const uint8_t spki[32], int64_t at);
int cs_sqlite_key_get(struct cs_store *store, const uint8_t spki[32], int64_t *ret_at);
int cs_sqlite_key_each(struct cs_store *store, cs_store_key_fn fn, void *ctx);
int cs_sqlite_revoked_each(struct cs_store *store, uint32_t issuer, int shard, int64_t now,
                           cs_store_revocation_fn fn, void *ctx);

/** cs_sqlite_token_add(), cs_sqlite_token_get(), cs_sqlite_token_take(), cs_sqlite_token_each(),
 *  cs_sqlite_issuer_put(), cs_sqlite_issuer_each(), cs_sqlite_meta_get(), cs_sqlite_meta_put() -
 *  the CA's own papers. */
int cs_sqlite_token_add(struct cs_store *store, const struct cs_stored_token *token);
int cs_sqlite_token_get(struct cs_store *store, const uint8_t digest[32], struct cs_arena *arena,
                        struct cs_stored_token *ret_token);
int cs_sqlite_token_take(struct cs_store *store, const uint8_t digest[32], int64_t now,
                         struct cs_str used_by);
int cs_sqlite_token_each(struct cs_store *store, cs_store_token_fn fn, void *ctx);
int cs_sqlite_issuer_put(struct cs_store *store, const struct cs_stored_issuer *issuer);
int cs_sqlite_issuer_each(struct cs_store *store, cs_store_issuer_fn fn, void *ctx);
int cs_sqlite_meta_get(struct cs_store *store, struct cs_str name, struct cs_arena *arena,
                       struct cs_str *ret_value);
int cs_sqlite_meta_put(struct cs_store *store, struct cs_str name, struct cs_str value);

/** cs_sqlite_event_add(), cs_sqlite_event_skip(), cs_sqlite_event_each(), cs_sqlite_event_bounds(),
 *  cs_sqlite_audit_append(), cs_sqlite_audit_each(), cs_sqlite_audit_head(),
 *  cs_sqlite_audit_set_head() - what is only ever appended. */
int cs_sqlite_event_add(struct cs_store *store, const struct cs_stored_event *event,
                        uint64_t *ret_seq);
int cs_sqlite_event_skip(struct cs_store *store, uint64_t seq);
int cs_sqlite_event_each(struct cs_store *store, uint64_t since, uint64_t limit,
                         cs_store_event_fn fn, void *ctx);
int cs_sqlite_event_bounds(struct cs_store *store, uint64_t *ret_gone, uint64_t *ret_last);
int cs_sqlite_audit_append(struct cs_store *store, const struct cs_stored_audit *entry);
int cs_sqlite_audit_each(struct cs_store *store, uint64_t since, uint64_t limit,
                         cs_store_audit_fn fn, void *ctx);
int cs_sqlite_audit_head(struct cs_store *store, struct cs_audit_head *ret_head);
int cs_sqlite_audit_set_head(struct cs_store *store, const struct cs_audit_head *head);

/** cs_sqlite_audit_copy() - @entry, in place of one with its number. Return: 0, or a fault. */
int cs_sqlite_audit_copy(struct cs_store *store, const struct cs_stored_audit *entry);
/** cs_sqlite_audit_current() - as audit_each(), without the archives. */
int cs_sqlite_audit_current(struct cs_store *store, uint64_t since, uint64_t limit,
                            cs_store_audit_fn fn, void *ctx);
/** cs_sqlite_audit_bounds() - the first and the last entry of this file; 0 and 0: none.
 *  Return: 0, or a fault. */
int cs_sqlite_audit_bounds(struct cs_store *store, uint64_t *ret_first, uint64_t *ret_last);

/** cs_sqlite_sweep(), cs_sqlite_backup() - keeping it small, and safe. */
int cs_sqlite_sweep(struct cs_store *store, const struct cs_store_sweep *sweep, uint32_t *ret_n);
int cs_sqlite_backup(struct cs_store *store, const char *path);

#endif
