/* One file, its write-ahead log beside it. A commit is one sequential write and one wait for the
 * disk; what is in the log moves into the file later, in bounded portions. The schema has a number:
 * a store of a newer one is refused, an older one is brought up to date when it is opened for
 * writing. */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"

#define APPLICATION_ID 0x63737472 /* "cstr": whose file this is */
#define SCHEMA_VERSION 1
#define WAIT_MS 5000
#define LOG_MAX 4000      /* pages in the log before a commit moves them into the file */
#define LOG_SOME 200      /* worth moving when there is time */
#define ROW_MAX (2 << 20) /* above every value that store.c lets through */

static const char settings[] = "PRAGMA synchronous = FULL;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA cache_size = -32768;"
                               "PRAGMA journal_size_limit = 33554432;"
                               "PRAGMA secure_delete = OFF;"
                               "PRAGMA trusted_schema = OFF;"
                               "PRAGMA cell_size_check = ON;";

static const char schema[] =
    /* Appended to only; what changes about a certificate is in other tables. */
    "CREATE TABLE cert(id INTEGER PRIMARY KEY AUTOINCREMENT, serial BLOB NOT NULL,"
    " identity BLOB NOT NULL, profile BLOB NOT NULL, requester BLOB NOT NULL, der BLOB NOT NULL,"
    " issuer INTEGER NOT NULL, shard INTEGER NOT NULL, issued_at INTEGER NOT NULL,"
    " not_before INTEGER NOT NULL, not_after INTEGER NOT NULL, renew_at INTEGER NOT NULL,"
    " spki BLOB NOT NULL, request BLOB) STRICT;"
    "CREATE TABLE cert_key(key INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY(key, id))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE cert_indexed(id INTEGER NOT NULL) STRICT;"
    "INSERT INTO cert_indexed VALUES(0);"
    "CREATE INDEX cert_expiry ON cert(not_after);"
    /* In the order in which a list of one shard has it. */
    "CREATE TABLE revocation(issuer INTEGER NOT NULL, shard INTEGER NOT NULL, serial BLOB NOT NULL,"
    " at INTEGER NOT NULL, reason INTEGER NOT NULL, not_after INTEGER NOT NULL,"
    " cert INTEGER NOT NULL, PRIMARY KEY(issuer, shard, serial)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE compromised(spki BLOB PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE token(id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE,"
    " identities BLOB NOT NULL, profile BLOB NOT NULL, maker BLOB NOT NULL,"
    " made_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, used_at INTEGER NOT NULL,"
    " used_by BLOB NOT NULL) STRICT;"
    "CREATE TABLE issuer(id INTEGER PRIMARY KEY, state INTEGER NOT NULL, der BLOB NOT NULL,"
    " key_file BLOB NOT NULL, prepared_at INTEGER NOT NULL, activated_at INTEGER NOT NULL,"
    " retired_at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE event(seq INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL,"
    " at INTEGER NOT NULL, issuer INTEGER NOT NULL, serial BLOB NOT NULL, shard INTEGER NOT NULL,"
    " reason INTEGER NOT NULL, not_after INTEGER NOT NULL) STRICT;"
    "CREATE TABLE audit(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, action BLOB NOT NULL,"
    " actor BLOB NOT NULL, proof BLOB NOT NULL, peer BLOB NOT NULL, subject BLOB NOT NULL,"
    " detail BLOB NOT NULL, digest BLOB NOT NULL) STRICT;"
    "CREATE TABLE audit_head(id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, digest BLOB NOT NULL,"
    " gone_seq INTEGER NOT NULL, gone_digest BLOB NOT NULL, seal BLOB NOT NULL,"
    " archive INTEGER NOT NULL) STRICT;"
    "CREATE TABLE meta(name BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;";

static const char *const texts[] = {
#define CS_SQL(name, text) [CS_SQL_##name] = text,
#include "store/sqlite.def"
#undef CS_SQL
};

/* Faults */

/* What has a meaning of its own for callers must not come from the system. */
static bool is_answer(int r)
{
    return r == -ENOENT || r == -EEXIST || r == -EALREADY || r == -ETIME || r == -EINVAL;
}

int cs_sql_errno(sqlite3 *db)
{
    int code = sqlite3_extended_errcode(db), system = sqlite3_system_errno(db);

    switch (code & 0xff) {
    case SQLITE_FULL: return -ENOSPC;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return -EBUSY;
    case SQLITE_READONLY: return -EROFS;
    case SQLITE_PERM:
    case SQLITE_AUTH: return -EACCES;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return -EBADMSG;
    case SQLITE_CONSTRAINT: return -EBADMSG; /* what we write breaks none in a sound store */
    case SQLITE_NOMEM: return -ENOMEM;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN: return system > 0 && !is_answer(-system) ? -system : -EIO;
    default: return -EIO;
    }
}

static const char *words_of(int fault)
{
    switch (fault) {
    case -ENOSPC: return "there is no room left";
    case -EBUSY: return "somebody else has it locked";
    case -EROFS: return "it cannot be written to";
    case -EBADMSG: return "the file is damaged, or is not a store";
    default: return strerror(-fault);
    }
}

int cs_sql_fault(struct cs_sqlite *s)
{
    int r = cs_sql_errno(s->db);

    return cs_store_says(&s->store, r, "store \"%s\": %s (%s)", s->path, words_of(r),
                         sqlite3_errmsg(s->db));
}

/* Statements */

int cs_sql_row(struct cs_sqlite *s, sqlite3_stmt *stmt)
{
    switch (sqlite3_step(stmt)) {
    case SQLITE_ROW: return 1;
    case SQLITE_DONE: return 0;
    default: return cs_sql_fault(s);
    }
}

int cs_sql_end(sqlite3_stmt *stmt, int r)
{
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return r;
}

int cs_sql_run(struct cs_sqlite *s, sqlite3_stmt *stmt)
{
    return cs_sql_end(stmt, cs_sql_row(s, stmt));
}

static int run(struct cs_sqlite *s, const char *text)
{
    return sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : cs_sql_fault(s);
}

/* The number that a pragma or a query without parameters answers. */
static int number(struct cs_sqlite *s, const char *text, int64_t *ret_number)
{
    sqlite3_stmt *stmt;
    int r;

    if (sqlite3_prepare_v2(s->db, text, -1, &stmt, NULL) != SQLITE_OK)
        return cs_sql_fault(s);
    r = cs_sql_row(s, stmt);
    if (r == 1)
        *ret_number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return r < 0 ? r : 0;
}

static int prepare(struct cs_sqlite *s)
{
    for (size_t i = 0; i < CS_SQL_N; i++)
        if (sqlite3_prepare_v3(s->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[i],
                               NULL) != SQLITE_OK)
            return cs_sql_fault(s);
    return 0;
}

/* Transactions */

static void end_transaction(struct cs_sqlite *s)
{
    if (sqlite3_get_autocommit(s->db)) /* SQLite has done it already */
        return;
    sqlite3_step(cs_sql(s, CS_SQL_ROLLBACK));
    cs_sql_end(cs_sql(s, CS_SQL_ROLLBACK), 0);
}

static int sqlite_begin(struct cs_store *store)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    int r = cs_sql_run(s, cs_sql(s, CS_SQL_BEGIN));

    if (r < 0)
        return r;
    cs_keys_begin(s);
    return 0;
}

static void sqlite_rollback(struct cs_store *store)
{
    struct cs_sqlite *s = cs_sqlite_of(store);

    cs_keys_rollback(s);
    end_transaction(s);
}

static int sqlite_commit(struct cs_store *store)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    int r = cs_keys_commit(s);

    r = r ? r : cs_sql_run(s, cs_sql(s, CS_SQL_COMMIT));
    if (r < 0)
        end_transaction(s);
    cs_keys_committed(s, r == 0);
    return r;
}

static int sqlite_look(struct cs_store *store)
{
    struct cs_sqlite *s = cs_sqlite_of(store);

    int r = store->writing || s->looks ? 0 : cs_sql_run(s, cs_sql(s, CS_SQL_LOOK));

    s->looks += r == 0 && !store->writing;
    return r;
}

static void sqlite_look_away(struct cs_store *store)
{
    struct cs_sqlite *s = cs_sqlite_of(store);

    if (!store->writing && --s->looks == 0)
        cs_sql_run(s, cs_sql(s, CS_SQL_COMMIT)); /* others may still be reading, so no rollback */
}

/* From the log into the file; whatever a reader still needs stays. */
static int move_log(struct cs_sqlite *s)
{
    s->log_pages = 0; /* or asked again only when as many have come */
    return sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

/* After each commit. What cannot be moved now will be later: no commit fails for it. */
static int note_log(void *ctx, sqlite3 *db, const char *name, int pages)
{
    struct cs_sqlite *s = ctx;

    s->log_pages = pages;
    if (pages >= LOG_MAX)
        move_log(s);
    return SQLITE_OK;
}

static int sqlite_tidy(struct cs_store *store)
{
    struct cs_sqlite *s = cs_sqlite_of(store);

    if (s->log_pages < LOG_SOME)
        return 0;
    return move_log(s) == SQLITE_OK || cs_sql_errno(s->db) == -EBUSY ? 0 : cs_sql_fault(s);
}

static bool sqlite_changed(struct cs_store *store)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_DATA_VERSION);
    int64_t before = s->data_version;

    if (cs_sql_row(s, stmt) == 1)
        s->data_version = sqlite3_column_int64(stmt, 0);
    cs_sql_end(stmt, 0);
    return s->data_version != before;
}

static void sqlite_set_wait(struct cs_store *store, unsigned wait_ms)
{
    sqlite3_busy_timeout(cs_sqlite_of(store)->db, (int)wait_ms);
}

/* Life */

static void sqlite_close(struct cs_store *store)
{
    struct cs_sqlite *s = cs_sqlite_of(store);

    cs_archive_let_go(s);
    cs_keys_deinit(s);
    for (size_t i = 0; i < CS_SQL_N; i++)
        sqlite3_finalize(s->statements[i]);
    sqlite3_close(s->db);
    free(s->path);
    free(s->folder);
    free(s);
}

static const struct cs_store_engine engine = {
    .close = sqlite_close,
    .set_wait = sqlite_set_wait,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .changed = sqlite_changed,
    .look = sqlite_look,
    .look_away = sqlite_look_away,
    .cert_add = cs_sqlite_cert_add,
    .cert_get = cs_sqlite_cert_get,
    .cert_current = cs_sqlite_cert_current,
    .cert_by_request = cs_sqlite_cert_by_request,
    .cert_each = cs_sqlite_cert_each,
    .revoke = cs_sqlite_revoke,
    .revoked_each = cs_sqlite_revoked_each,
    .key_add = cs_sqlite_key_add,
    .key_get = cs_sqlite_key_get,
    .key_each = cs_sqlite_key_each,
    .token_add = cs_sqlite_token_add,
    .token_get = cs_sqlite_token_get,
    .token_take = cs_sqlite_token_take,
    .token_each = cs_sqlite_token_each,
    .issuer_put = cs_sqlite_issuer_put,
    .issuer_each = cs_sqlite_issuer_each,
    .event_add = cs_sqlite_event_add,
    .event_skip = cs_sqlite_event_skip,
    .event_each = cs_sqlite_event_each,
    .event_bounds = cs_sqlite_event_bounds,
    .audit_append = cs_sqlite_audit_append,
    .audit_each = cs_sqlite_audit_each,
    .audit_head = cs_sqlite_audit_head,
    .audit_set_head = cs_sqlite_audit_set_head,
    .meta_get = cs_sqlite_meta_get,
    .meta_put = cs_sqlite_meta_put,
    .sweep = cs_sqlite_sweep,
    .backup = cs_sqlite_backup,
    .tidy = sqlite_tidy,
};

/* SQLite takes "file:" and "" for something else than a path; "./" keeps it from that. */
char *cs_sqlite_path(const char *path)
{
    size_t size = strlen(path) + 3;
    char *plain = cs_alloc(size);

    snprintf(plain, size, "%s%s", path[0] == '/' ? "" : "./", path);
    return plain;
}

/* "archive" beside the file. */
char *cs_archive_folder(const char *path)
{
    int len = (int)(strrchr(path, '/') - path);
    size_t size = (size_t)len + sizeof("/archive");
    char *folder = cs_alloc(size);

    snprintf(folder, size, "%.*s/archive", len, path);
    return folder;
}

int cs_sync_folder(const char *path)
{
    int len = (int)(strrchr(path, '/') - path), fd, r;
    char folder[PATH_MAX];

    if (len >= PATH_MAX)
        return -ENAMETOOLONG;
    snprintf(folder, sizeof(folder), "%.*s", len ? len : 1, path);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    /* some file systems cannot sync folders, and say so */
    r = fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
    close(fd);
    return r;
}

/* SQLite would make the file with what the umask leaves, and sync the log's name only. */
int cs_sqlite_make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    close(fd);
    return cs_sync_folder(path);
}

static int make_file(struct cs_sqlite *s)
{
    int r = cs_sqlite_make_file(s->path);

    if (r == 0 || r == -EEXIST)
        return 0;
    return cs_store_says(&s->store, r, "store \"%s\" cannot be made: %s", s->path, strerror(-r));
}

static int cannot_open(struct cs_sqlite *s, int system)
{
    int fault = system > 0 ? -system : -EIO;

    return cs_store_says(&s->store, fault, "store \"%s\" cannot be opened: %s", s->path,
                         strerror(-fault));
}

/* Who only reads opens it for writing too if it can: after a crash the log is put in order by
 * whoever comes first. */
static int connect_file(struct cs_sqlite *s)
{
    int off,
        r = sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

    cs_assert(s->db != NULL);
    if (r != SQLITE_OK)
        return cannot_open(s, sqlite3_system_errno(s->db));
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_timeout(s->db, WAIT_MS);
    sqlite3_wal_hook(s->db, note_log, s);
    sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, ROW_MAX);
    sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, &off);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, &off);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DDL, 0, &off);
    if (!s->store.read_only && sqlite3_db_readonly(s->db, "main"))
        return cannot_open(s, EACCES);
    r = run(s, settings);
    return r || !s->store.read_only ? r : run(s, "PRAGMA query_only = ON;");
}

static int make_schema(struct cs_sqlite *s)
{
    char numbers[96];
    int r = run(s, schema);

    snprintf(numbers, sizeof(numbers), "PRAGMA application_id = %d; PRAGMA user_version = %d;",
             APPLICATION_ID, SCHEMA_VERSION);
    r = r ? r : run(s, numbers);
    return r ? r : run(s, "COMMIT");
}

/* An empty file becomes a store, unless another process was faster. */
static int make_store(struct cs_sqlite *s)
{
    int64_t tables = 0;
    int r = run(s, "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE;");

    r = r ? r : number(s, "SELECT count(*) FROM sqlite_schema", &tables);
    if (r == 0 && tables == 0) {
        s->store.made = true;
        r = make_schema(s);
    }
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

static int check_version(struct cs_sqlite *s)
{
    int64_t id = 0, version = 0, tables = 0;
    int r = number(s, "PRAGMA application_id", &id);

    r = r ? r : number(s, "PRAGMA user_version", &version);
    r = r ? r : number(s, "SELECT count(*) FROM sqlite_schema", &tables);
    if (r < 0)
        return r;
    if (tables == 0)
        return cs_store_says(&s->store, -ENODATA,
                             "store \"%s\" is empty: making it was interrupted", s->path);
    if (id != APPLICATION_ID)
        return cs_store_says(&s->store, -EBADMSG, "\"%s\" is not a store of countersign", s->path);
    if (version > SCHEMA_VERSION)
        return cs_store_says(&s->store, -ENOTSUP,
                             "store \"%s\" has format %lld, and this countersign knows those up to "
                             "%d: it was written by a newer one",
                             s->path, (long long)version, SCHEMA_VERSION);
    return 0;
}

static int open_store(struct cs_sqlite *s, unsigned flags)
{
    int64_t tables = 0;
    int r = flags & CS_STORE_CREATE ? make_file(s) : 0;

    r = r ? r : connect_file(s);
    r = r ? r : number(s, "SELECT count(*) FROM sqlite_schema", &tables);
    if (r == 0 && tables == 0 && (flags & CS_STORE_CREATE))
        r = make_store(s);
    r = r ? r : check_version(s);
    r = r ? r : prepare(s);
    if (r == 0)
        sqlite_changed(&s->store);
    return r;
}

int cs_sqlite_open(const char *path, unsigned flags, char error[CS_STORE_ERROR_MAX],
                   struct cs_store **ret_store)
{
    struct cs_sqlite *s = CS_NEW(struct cs_sqlite);
    int r;

    s->store.engine = &engine;
    s->store.read_only = flags & CS_STORE_READ;
    s->keys.late = CS_KEYS_LATE;
    s->path = cs_sqlite_path(path);
    s->folder = cs_archive_folder(s->path);
    r = open_store(s, flags);
    if (r < 0) {
        memcpy(error, s->store.error, CS_STORE_ERROR_MAX);
        sqlite_close(&s->store);
        return r;
    }
    *ret_store = &s->store;
    return 0;
}
