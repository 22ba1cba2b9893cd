/* Secrets shape this file: a buffer that grows is copied, and the copy it leaves behind is
 * not wiped. So the buffer is made as large as the file says it is, plus the one byte that
 * shows the end, and a file that lies about its size is read into new buffers with the old
 * ones wiped by hand. */
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/mem.h"

#define FIRST_GUESS 4096

/* Move what @buf holds to a buffer with twice the room, wiping the old one. */
static void regrow(struct cs_buf *buf)
{
    struct cs_buf bigger;
    size_t room = buf->cap > 0 ? buf->cap * 2 : FIRST_GUESS;
    cs_buf_init(&bigger, buf->max);
    int r = cs_buf_reserve(&bigger, room < buf->max ? room : buf->max);
    cs_assert(r == 0);
    r = cs_buf_add(&bigger, buf->ptr, buf->len);
    cs_assert(r == 0);
    cs_buf_wipe(buf);
    *buf = bigger;
}

static int read_fd(int fd, size_t max, struct cs_buf *buf)
{
    for (;;) {
        if (buf->len == buf->cap)
            regrow(buf);
        ssize_t n = read(fd, buf->ptr + buf->len, buf->cap - buf->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        buf->len += (size_t)n;
        if (buf->len > max)
            return -EFBIG;
    }
}

int cs_file_read(const char *path, size_t max, struct cs_buf *ret_bytes)
{
    struct stat st;
    struct cs_buf buf;
    cs_cleanup(cs_close_p) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > max)
        return -EFBIG;

    cs_buf_init(&buf, max + 1);
    size_t guess = S_ISREG(st.st_mode) ? (size_t)st.st_size + 1 : FIRST_GUESS;
    int r = cs_buf_reserve(&buf, guess < buf.max ? guess : buf.max);
    cs_assert(r == 0);
    r = read_fd(fd, max, &buf);
    if (r < 0) {
        cs_buf_wipe(&buf);
        return r;
    }
    *ret_bytes = buf;
    return 0;
}

int cs_write_all(int fd, struct cs_str bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            bytes = cs_str_skip(bytes, (size_t)n);
    }
    return 0;
}

/* The name of @path's directory, for syncing the rename. */
static int sync_directory(const char *path)
{
    struct cs_str name = cs_str_from(path);
    ptrdiff_t slash = cs_str_rfind(name, '/');
    char dir[PATH_MAX];

    if (slash >= (ptrdiff_t)sizeof(dir))
        return -ENAMETOOLONG;
    snprintf(dir, sizeof(dir), "%.*s", slash > 0 ? (int)slash : 1, slash >= 0 ? path : ".");
    cs_cleanup(cs_close_p) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    /* Some file systems cannot sync directories and say so; the rename happened. */
    return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

static int fill(int fd, struct cs_str bytes, mode_t mode, uid_t uid, gid_t gid)
{
    int r = cs_write_all(fd, bytes);
    if (r < 0)
        return r;
    if (uid != (uid_t)-1 && fchown(fd, uid, gid) < 0)
        return -errno;
    if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
        return -errno;
    return 0;
}

int cs_file_write(const char *path, struct cs_str bytes, mode_t mode)
{
    return cs_file_give(path, bytes, mode, (uid_t)-1, (gid_t)-1);
}

int cs_file_give(const char *path, struct cs_str bytes, mode_t mode, uid_t uid, gid_t gid)
{
    char temporary[PATH_MAX];
    int n = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof(temporary))
        return -ENAMETOOLONG;
    cs_cleanup(cs_close_p) int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return -errno;

    int r = fill(fd, bytes, mode, uid, gid);
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0) {
        unlink(temporary);
        return r;
    }
    return sync_directory(path);
}

static int make_directory(const char *path, mode_t mode)
{
    struct stat st;
    if (mkdir(path, mode) == 0)
        return 0;
    if (errno != EEXIST)
        return -errno;
    if (stat(path, &st) < 0)
        return -errno;
    return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int cs_file_mkdirs(const char *path, mode_t mode)
{
    char part[PATH_MAX];
    size_t len = strnlen(path, sizeof(part));
    if (len == 0)
        return -ENOENT;
    if (len == sizeof(part))
        return -ENAMETOOLONG;

    for (size_t i = 1; i < len; i++) {
        if (path[i] != '/')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        int r = make_directory(part, mode);
        if (r < 0)
            return r;
    }
    return make_directory(path, mode);
}

static int64_t nanoseconds(const struct timespec *t)
{
    return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

struct cs_file_mark cs_file_mark_of(const struct stat *st)
{
    return (struct cs_file_mark){.dev = st->st_dev,
                                 .ino = st->st_ino,
                                 .size = st->st_size,
                                 .changed_ns = nanoseconds(&st->st_ctim),
                                 .modified_ns = nanoseconds(&st->st_mtim)};
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The file @name in @folder becomes part of the folder's mark, whatever the order of the files. */
static void add_entry(struct cs_file_mark *mark, int folder, const char *name)
{
    struct entry {
        struct cs_file_mark mark;
        char name[NAME_MAX + 1];
    } entry;
    struct stat st;

    if (fstatat(folder, name, &st, 0) < 0)
        return;
    memset(&entry, 0, sizeof(entry));
    entry.mark = cs_file_mark_of(&st);
    snprintf(entry.name, sizeof(entry.name), "%s", name);
    mark->size += (off_t)(cs_hash_bytes(&entry, sizeof(entry)) >> 16);
    mark->changed_ns = later(mark->changed_ns, entry.mark.changed_ns);
    mark->modified_ns = later(mark->modified_ns, entry.mark.modified_ns);
}

static struct cs_file_mark mark_folder(const char *path, const struct stat *st)
{
    struct cs_file_mark mark = cs_file_mark_of(st);
    DIR *dir = opendir(path);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] != '.')
            add_entry(&mark, dirfd(dir), entry->d_name);
    }
    if (dir)
        closedir(dir);
    return mark;
}

struct cs_file_mark cs_file_mark(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return (struct cs_file_mark){0};
    return S_ISDIR(st.st_mode) ? mark_folder(path, &st) : cs_file_mark_of(&st);
}

bool cs_file_mark_eq(const struct cs_file_mark *a, const struct cs_file_mark *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->changed_ns == b->changed_ns && a->modified_ns == b->modified_ns;
}
