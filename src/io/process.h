/* Processes: forking, giving privileges up for good, limits, pid files. */
#ifndef CS_IO_PROCESS_H
#define CS_IO_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

/* Whom a process becomes. */
struct cs_user {
    uid_t uid;
    gid_t gid;
    char name[64]; /* for its further groups */
};

/** cs_user_find() - the account @user with the group @group; without one (empty) the group that
 *  is called like the user, else the user's own. Blocks: for the start only.
 *  Return: 0, -ENOENT (no such user), -ESRCH (no such group), or -errno. */
int cs_user_find(struct cs_str user, struct cs_str group, struct cs_user *ret_user);
/** cs_user_of() - the account that @uid is; a nameless one with @gid if there is none. Blocks: for
 *  the start only. Return: 0. */
int cs_user_of(uid_t uid, gid_t gid, struct cs_user *ret_user);
/** cs_process_drop() - become @user for good: groups, group, user; no new privileges through
 *  exec; no core dumps or tracing by others, since there are keys in memory. Fails unless all
 *  of it is verified. A process that is not root cannot become anybody: only the rest is done.
 *  Return: 0, or -errno (do not go on). */
int cs_process_drop(const struct cs_user *user);

/** cs_process_seal() - stay who we are: no new privileges through exec; no core dumps or tracing by
 *  others. Return: 0, or -errno. */
int cs_process_seal(void);

/** cs_process_fork() - a child with default signal actions and none blocked. It shares the
 *  parent's epoll: the child's first act is cs_loop_deinit() of every loop it inherited, before
 *  it touches a watch. Return: 0 in the child, its pid in the parent, or -errno. */
pid_t cs_process_fork(void);
/** cs_process_reap() - one child that ended, without waiting. Return: 1 (*ret_pid and *ret_status
 *  as of waitpid(2)), 0 (none ended), or -ECHILD (there are none). */
int cs_process_reap(pid_t *ret_pid, int *ret_status);
/** cs_process_shared() - @size zeroed bytes that this process and all it forks from now on have in
 *  common. They last as long as one of them. Return: the bytes, or NULL. */
void *cs_process_shared(size_t size);
/** cs_process_limit_files() - allow @n descriptors; as root beyond the hard limit too.
 *  Return: 0, or -errno (nothing changed). */
int cs_process_limit_files(uint64_t n);

/** cs_process_want_files() - allow @n descriptors if fewer are, as far as the hard limit goes.
 *  Return: how many are allowed now. */
uint64_t cs_process_want_files(uint64_t n);

/** cs_pidfile_write() - put @pid into the file at @path, which others see whole or not at all.
 *  Return: 0, or -errno. */
int cs_pidfile_write(const char *path, pid_t pid);
/** cs_pidfile_read() - the pid in the file. Return: 0, -ENOENT, -EBADMSG (no pid), or -errno. */
int cs_pidfile_read(const char *path, pid_t *ret_pid);
/** cs_pidfile_remove() - remove the file if it still holds @pid. */
void cs_pidfile_remove(const char *path, pid_t pid);
/** cs_pidfile_running() - the pid in the file, if such a process runs; -ESRCH when the file is
 *  left over from one that does not. Return: 0, or as cs_pidfile_read(). */
int cs_pidfile_running(const char *path, pid_t *ret_pid);

#endif
