/* Inside authority/: the files of a CA's folder. What is written belongs to the folder's owner, so
 * that a CA that runs under an account of its own stays readable for it. */
#ifndef CS_AUTHORITY_FOLDER_H
#define CS_AUTHORITY_FOLDER_H

#include <limits.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/findings.h"

#define CS_FOLDER_FILE_MAX ((size_t)1 << 30)

/** cs_folder_path() - "@dir/@name" in @ret_path. Return: 0, or -ENAMETOOLONG. */
int cs_folder_path(const char *dir, const char *name, char ret_path[PATH_MAX]);
/** cs_folder_write() - replace the file @name or "SUB/NAME" in @dir, as cs_file_write().
 *  Return: 0, or -errno (-ENOTDIR: SUB is a link, which is not followed). */
int cs_folder_write(const char *dir, const char *name, struct cs_str bytes, mode_t mode);
/** cs_folder_read() - the file @name or "SUB/NAME" in @dir, as cs_file_read().
 *  Return: 0, or -errno (-ELOOP: a link that neither we nor root have put there). */
int cs_folder_read(const char *dir, const char *name, struct cs_buf *ret_bytes);
/** cs_folder_read_secret() - the same for a file that only its owner may read: others that may are
 *  a finding. Return: 0, 1 (refused, see @findings), or -errno. */
int cs_folder_read_secret(const char *dir, const char *name, struct cs_findings *findings,
                          struct cs_buf *ret_bytes);
/** cs_folder_mkdir() - make the folder @name in @dir unless it is there, mode 0700.
 *  Return: 0, or -errno. */
int cs_folder_mkdir(const char *dir, const char *name);
/** cs_folder_remove() - remove @dir with all that is in it, two levels deep. Return: 0 (also when
 *  it is not there), or -errno. */
int cs_folder_remove(const char *dir);
/** cs_folder_is_empty() - 1: nothing is in @dir, or it is not there; 0: something is; -errno
 *  (-ENOTDIR: it is a file). */
int cs_folder_is_empty(const char *dir);
/** cs_folder_sync() - make the names in @dir durable. Return: 0, or -errno. */
int cs_folder_sync(const char *dir);

#endif
