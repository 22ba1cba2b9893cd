/* Whole files: read with a limit, written so that a reader sees the old one or the new one.
 * Blocking; for the start, for reloads and for processes that serve no traffic.
 */
#ifndef CS_IO_FILE_H
#define CS_IO_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"

/* What tells a file from the one that was at the same path before; of a folder, what is in it too.
 * Zeroed: there was none. */
struct cs_file_mark {
    dev_t dev;
    ino_t ino;
    off_t size;
    int64_t changed_ns;  /* when it was written or renamed */
    int64_t modified_ns; /* when it was written */
};

/** cs_file_mark_of() - the mark of a file of which that is known. */
struct cs_file_mark cs_file_mark_of(const struct stat *st);
/** cs_file_mark() - the mark of what is at @path now, symlinks followed; of a folder together with
 *  those of the files in it. Zeroed: nothing that can be reached. */
struct cs_file_mark cs_file_mark(const char *path);
/** cs_file_mark_eq() - whether nothing has happened in between. */
bool cs_file_mark_eq(const struct cs_file_mark *a, const struct cs_file_mark *b);

/** cs_file_read() - everything in the file at @path, at most @max bytes. The buffer is made
 *  here and given to the caller: cs_buf_deinit() it, or cs_buf_wipe() it if it was a secret;
 *  no copy of the bytes stays anywhere else. Pipes and /dev/fd/N work too.
 *  Return: 0, -EFBIG (longer), or -errno (-EISDIR: a directory). */
int cs_file_read(const char *path, size_t max, struct cs_buf *ret_bytes);
/** cs_file_write() - replace the file at @path by @bytes with @mode, through a temporary file
 *  beside it that is synced and renamed: never half a file, not even after a power cut.
 *  Return: 0, or -errno (the old file is untouched). */
int cs_file_write(const char *path, struct cs_str bytes, mode_t mode);
/** cs_file_give() - the same, of @uid and @gid (-1: who we are) from the first moment that it has
 *  its name: whoever may write in the folder has no time to put something else there. */
int cs_file_give(const char *path, struct cs_str bytes, mode_t mode, uid_t uid, gid_t gid);
/** cs_file_mkdirs() - make the directory @path and those above it that are missing, with
 *  @mode. Return: 0 (also when it is there already), or -errno (-ENOTDIR: a file is there). */
int cs_file_mkdirs(const char *path, mode_t mode);
/** cs_write_all() - write all of @bytes to @fd, waiting as long as it takes.
 *  Return: 0, or -errno (some may have been written). */
int cs_write_all(int fd, struct cs_str bytes);

#endif
