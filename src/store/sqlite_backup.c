/* A copy as of one moment: SQLite's own backup of the file, whole in one read transaction, so that
 * writers go on; then the archives. What has left the file by then is in an archive already, and
 * what comes to be in both counts once. Only an archive that is deleted meanwhile would leave a
 * gap: then the beginning of the audit log has moved, and the copy is not one. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/sqlite.h"

struct copy {
    struct cs_sqlite *s;
    char *path;
    char *folder; /* of its archives */
    bool folder_made;
};

static int cannot(struct cs_sqlite *s, int fault, const char *path)
{
    return cs_store_says(&s->store, fault, "backup \"%s\" cannot be made: %s", path,
                         strerror(-fault));
}

/* All of @from to the empty file at @path. */
static int copy_pages(struct cs_sqlite *s, sqlite3 *from, const char *path)
{
    sqlite3 *to = NULL;
    sqlite3_backup *backup;
    int code = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL), r;

    if (code == SQLITE_OK) {
        backup = sqlite3_backup_init(to, "main", from, "main");
        if (backup) {
            sqlite3_backup_step(backup, -1);
            sqlite3_backup_finish(backup);
        }
        code = sqlite3_errcode(to);
    }
    r = code == SQLITE_OK ? 0 : cs_sql_errno(to);
    if (r < 0)
        cs_store_says(&s->store, r, "backup \"%s\" cannot be made: %s", path, sqlite3_errmsg(to));
    sqlite3_close(to);
    return r;
}

static int copy_file(struct cs_sqlite *s, sqlite3 *from, const char *path)
{
    int r = cs_sqlite_make_file(path);

    return r < 0 ? cannot(s, r, path) : copy_pages(s, from, path);
}

static int copy_archive(const struct copy *copy, int month)
{
    struct cs_store *archive;
    char path[PATH_MAX];
    int r = cs_archive_open(copy->s, month, CS_STORE_READ, &archive);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    cs_archive_path(copy->folder, month, path);
    r = copy_file(copy->s, cs_sqlite_of(archive)->db, path);
    cs_store_close(archive);
    return r;
}

static int copy_archives(struct copy *copy)
{
    int month = cs_archive_next(copy->s->folder, -1), r = 0;

    if (month < 0)
        return 0;
    if (mkdir(copy->folder, 0700) < 0)
        return cannot(copy->s, -errno, copy->folder);
    copy->folder_made = true;
    for (; r == 0 && month >= 0; month = cs_archive_next(copy->s->folder, month))
        r = copy_archive(copy, month);
    return r;
}

static int begin_of_log(struct cs_store *store, uint64_t *ret_seq)
{
    struct cs_audit_head head = {0};
    int r = cs_sqlite_audit_head(store, &head);

    if (r < 0 && r != -ENOENT)
        return r;
    *ret_seq = head.gone.seq;
    return 0;
}

/* Whether archives that @copy should have were deleted while it was made. */
static int check_begin(struct copy *copy, uint64_t before)
{
    uint64_t now = 0;
    int r = begin_of_log(&copy->s->store, &now);

    if (r == 0 && now != before)
        r = cs_store_says(&copy->s->store, -EAGAIN,
                          "backup \"%s\" cannot be made: an archive was deleted meanwhile",
                          copy->path);
    return r;
}

static void remove_copy(const struct copy *copy)
{
    char path[PATH_MAX];
    int month = -1;

    while (copy->folder_made && (month = cs_archive_next(copy->folder, month)) >= 0) {
        cs_archive_path(copy->folder, month, path);
        unlink(path);
    }
    if (copy->folder_made)
        rmdir(copy->folder);
    unlink(copy->path);
}

static int fill(struct copy *copy)
{
    uint64_t begin = 0;
    int r = begin_of_log(&copy->s->store, &begin);

    r = r ? r : copy_pages(copy->s, copy->s->db, copy->path);
    r = r ? r : copy_archives(copy);
    r = r ? r : check_begin(copy, begin);
    return r ? r : cs_sync_folder(copy->path);
}

int cs_sqlite_backup(struct cs_store *store, const char *path)
{
    struct copy copy = {.s = cs_sqlite_of(store)};
    int r;

    copy.path = cs_sqlite_path(path);
    copy.folder = cs_archive_folder(copy.path);
    r = cs_sqlite_make_file(copy.path);
    if (r < 0) {
        cannot(copy.s, r, copy.path);
    } else {
        r = fill(&copy);
        if (r < 0)
            remove_copy(&copy);
    }
    free(copy.path);
    free(copy.folder);
    return r;
}
