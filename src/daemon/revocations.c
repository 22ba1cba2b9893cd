/* The file is the truth, the set is made of it. Whoever writes holds a lock on the folder, so that
 * a line that somebody else adds is not lost when the file is written anew without what is old. */
#include "daemon/revocations.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "daemon/state.h"
#include "io/file.h"

#define HEADER                                                                                     \
    "# Certificates revoked by \"countersign revoke\". To take one back, remove its line and "     \
    "restart.\n"

enum {
    FILE_BYTES = 64 << 20, /* CS_REVOKED_MAX lines with names of a kilobyte each */
    LINE_BYTES = 4096,
    NAME_BYTES = 1024,
    LEEWAY_SEC = 600, /* the most that mtls_clock_leeway may be */
};

struct item {
    struct cs_revocation revocation;
    uint8_t serial[CS_REVOKED_SERIAL_MAX];
    char named[];
};

struct cs_revocations {
    char *folder, *file;
    struct item **items;
    size_t n, room;
    struct cs_revoked_set *set; /* NULL: to be made when somebody asks */
};

/* ---- in memory ---- */

static void hold(struct cs_revocations *all, const struct cs_revocation *r)
{
    size_t n_named = r->named.len < NAME_BYTES ? r->named.len : NAME_BYTES;
    struct item *item = cs_alloc(sizeof(*item) + n_named);

    if (all->n == all->room) {
        all->room = all->room ? all->room * 2 : 16;
        all->items = realloc(all->items, all->room * sizeof(*all->items));
        cs_assert(all->items != NULL);
    }
    item->revocation = *r;
    if (n_named)
        memcpy(item->named, r->named.ptr, n_named);
    item->revocation.named = cs_str_make(item->named, n_named);
    memcpy(item->serial, r->serial.ptr, r->serial.len);
    item->revocation.serial = cs_str_make(item->serial, r->serial.len);
    all->items[all->n++] = item;
}

static bool holds(const struct cs_revocations *all, const struct cs_revocation *r)
{
    for (size_t i = 0; i < all->n; i++) {
        if (cs_revocation_eq(&all->items[i]->revocation, r))
            return true;
    }
    return false;
}

static struct cs_revoked_set *make_set(const struct cs_revocations *all)
{
    struct cs_revocation *list = cs_alloc(all->n * sizeof(*list));
    struct cs_revoked_set *set;

    for (size_t i = 0; i < all->n; i++)
        list[i] = all->items[i]->revocation;
    set = cs_revoked_set_new(list, all->n);
    free(list);
    return set;
}

static int say(struct cs_buf *why, int error, const char *what, const char *path)
{
    cs_buf_addf(why, "%s \"%s\" failed (%d: %s)", what, path, -error, strerror(-error));
    return error;
}

/* ---- the file ---- */

/* A descriptor of the folder, locked. Return: it, or -errno. */
static int lock(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0 && flock(fd, LOCK_EX) == 0)
        return fd;
    if (fd < 0)
        return -errno;
    close(fd);
    return -EAGAIN;
}

static bool is_over(const struct cs_revocation *r, int64_t now_sec)
{
    return r->not_after < INT64_MAX - LEEWAY_SEC && r->not_after + LEEWAY_SEC <= now_sec;
}

static int bad_line(const struct cs_revocations *all, size_t number, const char *what,
                    struct cs_buf *why)
{
    cs_buf_addf(why, "\"%s\":%zu: %s", all->file, number, what);
    return -EBADMSG;
}

/* Take in what the file says. *ret_kept is what is to stay of it; *ret_differs whether that is
 * less: lines of expired certificates, and a last one that a crash has cut, which nobody was told
 * of. */
static int read_lines(struct cs_revocations *all, struct cs_str text, int64_t now_sec,
                      struct cs_buf *why, struct cs_buf *kept, bool *ret_differs)
{
    *ret_differs = false;
    for (size_t number = 1; text.len; number++) {
        bool whole = cs_str_find(text, '\n') >= 0;
        struct cs_str line = cs_str_cut(&text, '\n');
        uint8_t serial[CS_REVOKED_SERIAL_MAX];
        struct cs_revocation r;
        bool remark = line.len == 0 || line.ptr[0] == '#', over = false;
        if (whole && !remark) {
            if (cs_revocation_read(line, serial, &r) < 0)
                return bad_line(all, number, "this is no revocation", why);
            if (all->n == CS_REVOKED_MAX)
                return bad_line(all, number, "there are too many revocations", why);
            over = is_over(&r, now_sec);
            if (!over)
                hold(all, &r);
        }
        if (whole && !over) {
            cs_buf_add_str(kept, line);
            cs_buf_add_char(kept, '\n');
        } else {
            *ret_differs = true;
        }
    }
    return 0;
}

/* The file belongs to us, or to nobody who could be led by it: it is never followed elsewhere. */
static int load(struct cs_revocations *all, int64_t now_sec, struct cs_buf *why)
{
    struct cs_buf bytes = {0}, kept;
    bool differs = false;
    int r = cs_file_read(all->file, FILE_BYTES, &bytes);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return say(why, r, "open()", all->file);
    cs_buf_init(&kept, FILE_BYTES);
    r = read_lines(all, cs_buf_str(&bytes), now_sec, why, &kept, &differs);
    if (r == 0 && differs) {
        r = cs_file_write(all->file, cs_buf_str(&kept), 0600);
        if (r < 0 && r != -EROFS && r != -EACCES)
            say(why, r, "replacing", all->file);
        else
            r = 0; /* who may not write may still read */
    }
    cs_buf_deinit(&kept);
    cs_buf_deinit(&bytes);
    return r;
}

static int load_locked(struct cs_revocations *all, int64_t now_sec, struct cs_buf *why)
{
    int r = cs_state_check(all->folder), fd;

    if (r == -EPERM) {
        cs_buf_addf(why, "the state folder \"%s\" can be written by others", all->folder);
        return r;
    }
    if (r < 0)
        return say(why, r, "stat()", all->folder);
    fd = lock(all->folder);
    if (fd == -ENOENT)
        return 0;
    if (fd < 0)
        return say(why, fd, "open()", all->folder);
    r = load(all, now_sec, why);
    close(fd);
    return r;
}

static char *join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = cs_alloc(size);

    snprintf(path, size, "%s/%s", folder, name);
    return path;
}

int cs_revocations_new(const char *folder, int64_t now_sec, struct cs_buf *why,
                       struct cs_revocations **ret_revocations)
{
    struct cs_revocations *all = CS_NEW(struct cs_revocations);
    int r;

    all->folder = strdup(folder);
    cs_assert(all->folder != NULL);
    all->file = join(folder, "revoked");
    r = load_locked(all, now_sec, why);
    if (r < 0) {
        cs_revocations_free(all);
        return r;
    }
    *ret_revocations = all;
    return 0;
}

struct cs_revocations *cs_revocations_free(struct cs_revocations *all)
{
    if (!all)
        return NULL;
    for (size_t i = 0; i < all->n; i++)
        free(all->items[i]);
    free(all->items);
    cs_revoked_set_free(all->set);
    free(all->folder);
    free(all->file);
    free(all);
    return NULL;
}

/* ---- more of them ---- */

/* Append @line. One that could only be written in part is taken back. */
static int append(const struct cs_revocations *all, struct cs_str line)
{
    cs_cleanup(cs_close_p) int fd =
        open(all->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st;
    int r = 0;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (st.st_size == 0)
        r = cs_write_all(fd, CS_STR(HEADER));
    if (r == 0)
        r = cs_write_all(fd, line);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (r < 0)
        (void)!ftruncate(fd, st.st_size);
    return r;
}

static int store(const struct cs_revocations *all, const struct cs_revocation *revocation,
                 struct cs_buf *why)
{
    cs_cleanup(cs_close_p) int fd = -1;
    struct cs_revocation shown = *revocation;
    struct cs_buf line;
    int r = cs_state_make(all->folder, NULL);

    if (r == -EPERM)
        cs_buf_addf(why, "the state folder \"%s\" can be written by others", all->folder);
    else if (r < 0)
        say(why, r, "mkdir()", all->folder);
    if (r < 0)
        return r;
    fd = lock(all->folder);
    if (fd < 0)
        return say(why, fd, "open()", all->folder);
    shown.named = cs_str_sub(shown.named, 0, NAME_BYTES);
    cs_buf_init(&line, LINE_BYTES);
    r = cs_revocation_write(&shown, &line);
    r = r < 0 ? r : append(all, cs_buf_str(&line));
    if (r == 0 && fsync(fd) < 0 && errno != EINVAL)
        r = -errno;
    cs_buf_deinit(&line);
    return r < 0 ? say(why, r, "writing", all->file) : 0;
}

int cs_revocations_add(struct cs_revocations *all, const struct cs_revocation *revocation,
                       struct cs_buf *why)
{
    int r;

    if (holds(all, revocation))
        return -EALREADY;
    if (all->n == CS_REVOKED_MAX) {
        cs_buf_addf(why, "%zu certificates are revoked already", all->n);
        return -ENOSPC;
    }
    r = store(all, revocation, why);
    if (r < 0)
        return r;
    hold(all, revocation);
    all->set = cs_revoked_set_free(all->set);
    return 0;
}

const struct cs_revoked_set *cs_revocations_set0(struct cs_revocations *all)
{
    if (!all->set)
        all->set = make_set(all);
    return all->set;
}

const char *cs_revocations_file0(const struct cs_revocations *all)
{
    return all->file;
}
