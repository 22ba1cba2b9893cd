/* What has expired leaves the file, a bounded number of rows at a time, for a store of its own per
 * month. The archive commits first and the file afterwards, under the file's lock: killed in
 * between, a row is in both, the file's counts, and the next sweep finds it copied already. An
 * archive is deleted when all of it is old enough; then the audit log begins later, which is
 * written under the log's seal before the entries go. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"
#include "store/sqlite.h"

#define ROWS 500      /* at a time, unless told */
#define ROWS_MAX 5000 /* at most */
#define NAME_LEN 14   /* "2027-01.sqlite" */
#define LAST_MONTH (9999 * 12 + 11)

/* Months */

/* Years beyond four digits share one archive, which is never old enough. */
static int month_of(int64_t at)
{
    struct cs_date date = cs_date_from_time(at < 0 ? 0 : at);

    return date.year > 9999 ? LAST_MONTH : date.year * 12 + date.month - 1;
}

static int64_t end_of(int month)
{
    struct cs_date date = {.year = (month + 1) / 12, .month = (month + 1) % 12 + 1, .day = 1};
    int64_t at;

    if (month == LAST_MONTH)
        return INT64_MAX;
    cs_assert(cs_date_to_time(&date, &at) == 0);
    return at;
}

/* Return: the month, or -1: no archive's name. */
static int month_of_name(struct cs_str name)
{
    uint64_t year, month;

    if (name.len != NAME_LEN || name.ptr[4] != '-' || !cs_str_ends(name, CS_STR(".sqlite")) ||
        cs_str_to_u64(cs_str_sub(name, 0, 4), 9999, &year) < 0 ||
        cs_str_to_u64(cs_str_sub(name, 5, 2), 12, &month) < 0 || month == 0)
        return -1;
    return (int)(year * 12 + month - 1);
}

void cs_archive_path(const char *folder, int month, char ret_path[PATH_MAX])
{
    int n = snprintf(ret_path, PATH_MAX, "%s/%04d-%02d.sqlite", folder, month / 12, month % 12 + 1);

    cs_assert(n > 0 && n < PATH_MAX);
}

/* The nearest to @month among those that are above @low and below @high. */
static int nearest(const char *folder, int low, int high, bool lowest)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int found = -1;

    while (dir && (entry = readdir(dir)) != NULL) {
        int month = month_of_name(cs_str_from(entry->d_name));
        if (month > low && month < high && (found < 0 || (month < found) == lowest))
            found = month;
    }
    if (dir)
        closedir(dir);
    return found;
}

int cs_archive_next(const char *folder, int month)
{
    return nearest(folder, month, INT_MAX, true);
}

int cs_archive_previous(const char *folder, int month)
{
    return nearest(folder, -1, month, false);
}

/* Archives as stores */

int cs_archive_open(struct cs_sqlite *s, int month, unsigned flags, struct cs_store **ret_archive)
{
    char path[PATH_MAX];
    int r;

    cs_archive_path(s->folder, month, path);
    r = cs_sqlite_open(path, flags, s->store.error, ret_archive);
    if (r == 0)
        cs_sqlite_of(*ret_archive)->keys.late = 0; /* whoever looks there should not have to read */
    return r == -ENODATA ? -ENOENT : r;
}

void cs_archive_let_go(struct cs_sqlite *s)
{
    cs_store_close(cs_take(s->archive));
}

/* What root makes is to be the account's that has the store. Return: 0, or -errno. */
static int give(struct cs_sqlite *s, const char *path)
{
    struct stat st;

    if (geteuid() != 0)
        return 0;
    return stat(s->path, &st) < 0 || chown(path, st.st_uid, st.st_gid) < 0 ? -errno : 0;
}

static int make_folder(struct cs_sqlite *s)
{
    int r;

    if (mkdir(s->folder, 0700) < 0)
        return errno == EEXIST ? 0 : -errno;
    r = give(s, s->folder);
    return r ? r : cs_sync_folder(s->folder);
}

static int make_archive(struct cs_sqlite *s, int month)
{
    char path[PATH_MAX];
    int r;

    cs_archive_path(s->folder, month, path);
    r = cs_sqlite_make_file(path);
    if (r == -EEXIST)
        return 0;
    return r ? r : give(s, path);
}

/* The archive of @month, in a transaction. */
static int hold(struct cs_sqlite *s, int month)
{
    int r = 0;

    if (s->archive && s->archive_month == month)
        return cs_store_begin(s->archive);
    cs_archive_let_go(s);
    r = make_folder(s);
    r = r ? r : make_archive(s, month);
    if (r < 0)
        return cs_store_says(&s->store, r, "an archive in \"%s\" cannot be made: %s", s->folder,
                             strerror(-r));
    r = cs_archive_open(s, month, CS_STORE_CREATE, &s->archive);
    s->archive_month = month;
    return r ? r : cs_store_begin(s->archive);
}

/* The outcome of having filled the archive, which ends its transaction. */
static int release(struct cs_sqlite *s, int r)
{
    if (!s->archive)
        return r;
    if (r == 0)
        r = cs_store_commit(s->archive);
    else if (s->archive->writing)
        cs_store_rollback(s->archive);
    if (r < 0 && s->archive->error[0])
        cs_store_says(&s->store, r, "%s", s->archive->error);
    return r;
}

/* Certificates */

struct batch {
    struct cs_sqlite *s;
    uint32_t n;
    struct {
        int64_t id, serial, request;
    } rows[ROWS_MAX];
};

static int copy_cert(void *ctx, const struct cs_stored_cert *cert)
{
    struct batch *batch = ctx;
    struct cs_stored_revocation revocation = {
        .serial = cert->serial, .reason = cert->reason, .at = cert->revoked_at};
    int r = cs_sqlite_cert_add(batch->s->archive, cert);

    if (r == 0 || r == -EEXIST)
        r = cert->revoked_at ? cs_sqlite_revocation_add(batch->s->archive, &revocation) : 0;
    if (r < 0 && r != -EALREADY)
        return r;
    batch->rows[batch->n].id = (int64_t)cert->position;
    batch->rows[batch->n].serial = cs_key_of(CS_KEY_SERIAL, cert->serial);
    batch->rows[batch->n++].request = cs_key_of(CS_KEY_REQUEST, cs_str_make(cert->request, 32));
    return 0;
}

static int delete_copied(struct cs_sqlite *s, const struct batch *batch)
{
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < batch->n; i++)
        r = cs_sqlite_cert_delete(&s->store, batch->rows[i].id, batch->rows[i].serial,
                                  batch->rows[i].request);
    return r;
}

/* Return: 1 and when the next to expire did, 0: there is none, or a fault. */
static int oldest_cert(struct cs_sqlite *s, int64_t *ret_at)
{
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_CERT_OLDEST);
    int r = cs_sql_row(s, stmt);

    if (r == 1 && sqlite3_column_type(stmt, 0) == SQLITE_NULL)
        r = 0;
    else if (r == 1)
        *ret_at = sqlite3_column_int64(stmt, 0);
    return cs_sql_end(stmt, r);
}

/* Those of the first month that has any. */
static int move_certs(struct cs_sqlite *s, const struct cs_store_sweep *sweep, uint32_t *ret_n)
{
    cs_cleanup(cs_free_p) struct batch *batch = CS_NEW(struct batch);
    int64_t oldest = 0, before = sweep->certs_before;
    int month, r = oldest_cert(s, &oldest);

    if (r <= 0 || oldest >= before)
        return r < 0 ? r : 0;
    month = month_of(oldest);
    if (end_of(month) < before)
        before = end_of(month);
    batch->s = s;
    r = hold(s, month);
    r = r ? r : cs_sqlite_cert_expired(&s->store, before, sweep->limit, copy_cert, batch);
    r = release(s, r);
    r = r ? r : delete_copied(s, batch);
    if (r == 0)
        *ret_n = batch->n;
    return r;
}

/* The audit log */

struct entries {
    struct cs_sqlite *s;
    int64_t before;
    int month;     /* of the archive */
    uint32_t n;    /* copied */
    uint64_t last; /* of these */
};

/* No entry goes to an earlier month than the one before it, even if the clock went back. */
static int choose_month(void *ctx, const struct cs_stored_audit *entry)
{
    struct entries *entries = ctx;
    int month = month_of(entry->at);

    if (month > entries->month)
        entries->month = month;
    return entry->at < entries->before;
}

/* As it is in the file, whatever an archive says that it was. */
static int copy_entry(void *ctx, const struct cs_stored_audit *entry)
{
    struct entries *entries = ctx;
    int r;

    if (entry->at >= entries->before || month_of(entry->at) > entries->month)
        return 1; /* enough for this time */
    r = cs_sqlite_audit_copy(entries->s->archive, entry);
    if (r < 0)
        return r;
    entries->n++;
    entries->last = entry->seq;
    return 0;
}

static int set_number(struct cs_sqlite *s, enum cs_sql_name name, int64_t number)
{
    sqlite3_stmt *stmt = cs_sql(s, name);

    cs_sql_int(stmt, 1, number);
    return cs_sql_run(s, stmt);
}

/* The month of the newest archive with entries. */
static int month_of_log(struct cs_sqlite *s, int *ret_month)
{
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_AUDIT_ARCHIVE);
    int r = cs_sql_row(s, stmt);

    if (r == 1)
        *ret_month = sqlite3_column_int(stmt, 0);
    return cs_sql_end(stmt, r < 0 ? r : 0);
}

static int move_entries(struct cs_sqlite *s, const struct cs_store_sweep *sweep, uint32_t *ret_n)
{
    struct entries entries = {.s = s, .before = sweep->audit_before};
    int r = month_of_log(s, &entries.month);

    r = r ? r : cs_sqlite_audit_current(&s->store, 0, 1, choose_month, &entries);
    if (r <= 0) /* a fault, or none is old enough */
        return r;
    r = hold(s, entries.month);
    if (r == 0)
        r = cs_sqlite_audit_current(&s->store, 0, sweep->limit, copy_entry, &entries);
    r = release(s, r > 0 ? 0 : r);
    r = r ? r : set_number(s, CS_SQL_AUDIT_SET_ARCHIVE, entries.month);
    r = r ? r : set_number(s, CS_SQL_AUDIT_DELETE, (int64_t)entries.last);
    if (r == 0)
        *ret_n = entries.n;
    return r;
}

/* Events and tokens */

static int delete_papers(struct cs_sqlite *s, const struct cs_store_sweep *sweep, uint32_t *ret_n)
{
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_TOKEN_SWEEP);
    uint32_t n = 0;
    int r, deleted = 1;

    cs_sql_int(stmt, 1, sweep->papers_before);
    cs_sql_int(stmt, 2, sweep->limit);
    r = cs_sql_run(s, stmt);
    if (r == 0)
        n = (uint32_t)sqlite3_changes(s->db);
    while (r == 0 && deleted && n < sweep->limit) {
        r = set_number(s, CS_SQL_EVENT_SWEEP, sweep->papers_before);
        deleted = sqlite3_changes(s->db);
        n += r == 0 ? (uint32_t)deleted : 0;
    }
    if (r == 0)
        *ret_n = n;
    return r;
}

/* Archives */

static int forget_entry(void *ctx, const struct cs_stored_audit *entry)
{
    struct entries *entries = ctx;
    int r = cs_audit_forget(&entries->s->store, entry, entries->before);

    entries->n += r == 0;
    return r;
}

/* Return: 0 (nothing of @archive is to be kept), 1 (entries are now gone), or a fault. */
static int forget_some(struct cs_store *archive, struct entries *entries, uint32_t limit)
{
    uint64_t first = 0, last = 0, gone = 0;
    int r = cs_sqlite_audit_bounds(archive, &first, &last);

    if (r < 0)
        return cs_store_says(&entries->s->store, r, "%s", archive->error);
    if (last == 0)
        return 0;
    r = cs_audit_gone(&entries->s->store, &gone);
    if (r == 0)
        r = cs_sqlite_audit_current(archive, gone, limit, forget_entry, entries);
    return r ? r : entries->n > 0;
}

static int forget_entries(struct cs_sqlite *s, int month, const struct cs_store_sweep *sweep,
                          uint32_t *ret_n)
{
    struct entries entries = {.s = s, .before = sweep->archives_before};
    struct cs_store *archive;
    int r = cs_archive_open(s, month, CS_STORE_READ, &archive);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = forget_some(archive, &entries, sweep->limit);
    cs_store_close(archive);
    if (r == 1)
        *ret_n = entries.n;
    return r;
}

/* What is beside the file first: a log without its file could end up beside another. */
static int delete_archive(struct cs_sqlite *s, int month)
{
    static const char *const endings[] = {"-wal", "-shm", ""};
    char path[PATH_MAX], name[PATH_MAX + 8];

    cs_archive_path(s->folder, month, path);
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "%s%s", path, endings[i]);
        if (unlink(name) < 0 && errno != ENOENT)
            return cs_store_says(&s->store, -errno, "archive \"%s\" cannot be deleted: %s", name,
                                 strerror(errno));
    }
    return 0;
}

static int delete_oldest(struct cs_sqlite *s, const struct cs_store_sweep *sweep, uint32_t *ret_n)
{
    int month = cs_archive_next(s->folder, -1), r;

    if (month < 0 || end_of(month) > sweep->archives_before)
        return 0;
    if (s->archive_month == month)
        cs_archive_let_go(s);
    r = forget_entries(s, month, sweep, ret_n);
    if (r == 0) {
        r = delete_archive(s, month);
        *ret_n = r == 0;
    }
    return r < 0 ? r : 0;
}

/* One kind of work at a time, in one transaction. */

typedef int (*step_fn)(struct cs_sqlite *, const struct cs_store_sweep *, uint32_t *ret_n);

static int sweep_step(struct cs_sqlite *s, step_fn step, const struct cs_store_sweep *sweep,
                      uint32_t *ret_n)
{
    uint32_t n = 0;
    int r = cs_store_begin(&s->store);

    if (r < 0)
        return r;
    r = step(s, sweep, &n);
    if (r < 0 || n == 0)
        cs_store_rollback(&s->store);
    else
        r = cs_store_commit(&s->store);
    if (r == 0)
        *ret_n = n;
    return r;
}

int cs_sqlite_sweep(struct cs_store *store, const struct cs_store_sweep *sweep, uint32_t *ret_n)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    struct cs_store_sweep bounded = *sweep;
    const struct {
        bool due;
        step_fn step;
    } steps[] = {
        {sweep->certs_before != 0, move_certs},
        {sweep->audit_before != 0, move_entries},
        {sweep->papers_before != 0, delete_papers},
        {sweep->archives_before != 0, delete_oldest},
    };
    uint32_t n = 0;
    int r = 0;

    bounded.limit = sweep->limit == 0 ? ROWS : sweep->limit > ROWS_MAX ? ROWS_MAX : sweep->limit;
    for (size_t i = 0; r == 0 && n == 0 && i < sizeof(steps) / sizeof(*steps); i++)
        if (steps[i].due)
            r = sweep_step(s, steps[i].step, &bounded, &n);
    if (n == 0)
        cs_archive_let_go(s);
    if (r == 0)
        *ret_n = n;
    return r;
}
