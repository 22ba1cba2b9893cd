/* Paths are put together in one place, and every file gets the owner of its folder. */
#include "authority/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "authority/findings.h"
#include "base/mem.h"
#include "io/file.h"

int cs_folder_path(const char *dir, const char *name, char ret_path[PATH_MAX])
{
    int n = snprintf(ret_path, PATH_MAX, "%s/%s", dir, name);

    return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* A path without links: "/proc/self/fd/N/NAME" for the folder that the descriptor N is of. */
struct place {
    int fd;
    uid_t uid; /* of the folder of the CA */
    gid_t gid;
    char path[64 + NAME_MAX];
};

/* Where the file @name, or "SUB/NAME", in @dir is. Who the folder belongs to may have put a link in
 * place of SUB: that is no place for files of ours. */
static int find_place(const char *dir, const char *name, struct place *ret_place)
{
    cs_cleanup(cs_close_p) int top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *slash = strchr(name, '/');
    char sub[NAME_MAX + 1] = ".";
    struct stat st;

    if (top < 0 || fstat(top, &st) < 0)
        return -errno;
    if (slash && (size_t)(slash - name) < sizeof(sub))
        snprintf(sub, sizeof(sub), "%.*s", (int)(slash - name), name);
    ret_place->fd = openat(top, sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (ret_place->fd < 0)
        return -errno;
    ret_place->uid = st.st_uid;
    ret_place->gid = st.st_gid;
    snprintf(ret_place->path, sizeof(ret_place->path), "/proc/self/fd/%d/%s", ret_place->fd,
             slash ? slash + 1 : name);
    return 0;
}

/* Who is root may write for somebody else. */
static bool gives(uid_t owner)
{
    return geteuid() == 0 && owner != 0;
}

int cs_folder_write(const char *dir, const char *name, struct cs_str bytes, mode_t mode)
{
    struct place place;
    int r = find_place(dir, name, &place);

    if (r < 0)
        return r;
    if (gives(place.uid))
        r = cs_file_give(place.path, bytes, mode, place.uid, place.gid);
    else
        r = cs_file_write(place.path, bytes, mode);
    close(place.fd);
    return r;
}

/* A link is followed if it is ours or root's. */
static int open_file(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);

    if (fd >= 0 || errno != ELOOP)
        return fd < 0 ? -errno : fd;
    if (lstat(path, &st) < 0 || (st.st_uid != 0 && st.st_uid != geteuid()))
        return -ELOOP;
    fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int cs_folder_read(const char *dir, const char *name, struct cs_buf *ret_bytes)
{
    struct place place;
    char path[64];
    int r = find_place(dir, name, &place), fd;

    if (r < 0)
        return r;
    fd = open_file(place.path);
    close(place.fd);
    if (fd < 0)
        return fd;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    r = cs_file_read(path, CS_FOLDER_FILE_MAX, ret_bytes);
    close(fd);
    return r;
}

int cs_folder_read_secret(const char *dir, const char *name, struct cs_findings *findings,
                          struct cs_buf *ret_bytes)
{
    char path[PATH_MAX], mode[8];
    struct stat st;
    int r = cs_folder_path(dir, name, path);

    if (r < 0)
        return r;
    if (stat(path, &st) < 0)
        return -errno;
    if (S_ISREG(st.st_mode) && st.st_mode & (S_IRWXG | S_IRWXO)) {
        snprintf(mode, sizeof(mode), "%04o", st.st_mode & 07777);
        CS_FIND(findings, CS_AUTHORITY_KIND(CA_FILE_PUBLIC), NULL, cs_str_from(path),
                cs_str_from(mode));
        return 1;
    }
    return cs_folder_read(dir, name, ret_bytes);
}

int cs_folder_mkdir(const char *dir, const char *name)
{
    struct place place;
    int r = find_place(dir, name, &place);

    if (r < 0)
        return r;
    if (mkdir(place.path, 0700) < 0)
        r = errno == EEXIST ? 0 : -errno;
    else if (gives(place.uid) && lchown(place.path, place.uid, place.gid) < 0)
        r = -errno;
    close(place.fd);
    return r;
}

static bool is_self(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Everything in the directory @fd, which is closed. */
static int empty(int fd, unsigned depth)
{
    DIR *dir = fdopendir(fd);
    struct dirent *entry;
    int r = 0;

    if (!dir) {
        close(fd);
        return -errno;
    }
    while (r == 0 && (entry = readdir(dir)) != NULL) {
        if (is_self(entry->d_name) || unlinkat(dirfd(dir), entry->d_name, 0) == 0)
            continue;
        if ((errno == EISDIR || errno == EPERM) && depth > 0) {
            int child =
                openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            r = child < 0 ? -errno : empty(child, depth - 1);
            if (r == 0 && unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR) < 0)
                r = -errno;
        } else {
            r = -errno;
        }
    }
    closedir(dir);
    return r;
}

int cs_folder_remove(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int r;

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    r = empty(fd, 1);
    if (r == 0 && rmdir(dir) < 0)
        r = -errno;
    return r;
}

int cs_folder_is_empty(const char *dir)
{
    struct dirent *entry;
    DIR *open_dir = opendir(dir);
    int r = 1;

    if (!open_dir)
        return errno == ENOENT ? 1 : -errno;
    while (r == 1 && (entry = readdir(open_dir)) != NULL)
        r = is_self(entry->d_name);
    closedir(open_dir);
    return r;
}

int cs_folder_sync(const char *dir)
{
    cs_cleanup(cs_close_p) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}
