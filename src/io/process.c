/* Privileges are given up in the one order that works (groups while still root, then the
 * group, then the user), and then tried to be taken back: the check is the attempt. */
#include "io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "io/file.h"
#include "io/signals.h"

#define PID_MAX_TEXT 32

/* Users */

static int copy_name(struct cs_str s, char buf[64])
{
    if (s.len == 0 || s.len >= 64 || cs_str_find(s, '\0') >= 0)
        return -ENOENT;
    memcpy(buf, s.ptr, s.len);
    buf[s.len] = '\0';
    return 0;
}

static int find_group(struct cs_str group, const struct cs_user *user, gid_t *ret_gid)
{
    char name[64];
    bool named = group.len > 0;
    if (copy_name(named ? group : cs_str_from(user->name), name) < 0)
        return -ESRCH;
    const struct group *gr = getgrnam(name);
    if (gr)
        *ret_gid = gr->gr_gid;
    return gr || !named ? 0 : -ESRCH;
}

int cs_user_find(struct cs_str user, struct cs_str group, struct cs_user *ret_user)
{
    struct cs_user found = {0};
    if (copy_name(user, found.name) < 0)
        return -ENOENT;
    errno = 0;
    const struct passwd *pw = getpwnam(found.name);
    if (!pw)
        return errno && errno != ENOENT && errno != ESRCH ? -errno : -ENOENT;
    found.uid = pw->pw_uid;
    found.gid = pw->pw_gid;
    int r = find_group(group, &found, &found.gid);
    if (r == 0)
        *ret_user = found;
    return r;
}

int cs_user_of(uid_t uid, gid_t gid, struct cs_user *ret_user)
{
    const struct passwd *pw = getpwuid(uid);
    struct cs_user found = {.uid = uid, .gid = pw ? pw->pw_gid : gid};

    if (pw && copy_name(cs_str_from(pw->pw_name), found.name) < 0)
        found.name[0] = '\0';
    *ret_user = found;
    return 0;
}

static int become(const struct cs_user *user)
{
    int r = user->name[0] ? initgroups(user->name, user->gid) : setgroups(1, &user->gid);

    if (r < 0)
        return -errno;
    if (setresgid(user->gid, user->gid, user->gid) < 0)
        return -errno;
    if (setresuid(user->uid, user->uid, user->uid) < 0)
        return -errno;
    return 0;
}

/* Whether this process is @user in every respect and cannot be anybody else. */
static bool is_for_good(const struct cs_user *user)
{
    uid_t uid[3];
    gid_t gid[3];
    if (getresuid(&uid[0], &uid[1], &uid[2]) < 0 || getresgid(&gid[0], &gid[1], &gid[2]) < 0)
        return false;
    for (int i = 0; i < 3; i++)
        if (uid[i] != user->uid || gid[i] != user->gid)
            return false;
    if (user->uid == 0)
        return true;
    return setuid(0) < 0 && seteuid(0) < 0 && setgroups(0, NULL) < 0;
}

int cs_process_drop(const struct cs_user *user)
{
    if (geteuid() == 0) {
        int r = become(user);
        if (r < 0)
            return r;
        if (!is_for_good(user))
            return -EPERM;
    }
    return cs_process_seal();
}

int cs_process_seal(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -errno;
    return 0;
}

/* Processes */

void *cs_process_shared(size_t size)
{
    void *bytes =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return bytes == MAP_FAILED ? NULL : bytes;
}

pid_t cs_process_fork(void)
{
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        cs_signals_default();
    return pid;
}

int cs_process_reap(pid_t *ret_pid, int *ret_status)
{
    int status;
    pid_t pid;
    do
        pid = waitpid(-1, &status, WNOHANG);
    while (pid < 0 && errno == EINTR);
    if (pid <= 0)
        return pid < 0 ? -errno : 0;
    *ret_pid = pid;
    *ret_status = status;
    return 1;
}

int cs_process_limit_files(uint64_t n)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    limit.rlim_cur = (rlim_t)n;
    if (limit.rlim_max < limit.rlim_cur)
        limit.rlim_max = limit.rlim_cur;
    return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

uint64_t cs_process_want_files(uint64_t n)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    if (limit.rlim_cur < n && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = n < limit.rlim_max ? (rlim_t)n : limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur;
}

/* Pid files */

int cs_pidfile_write(const char *path, pid_t pid)
{
    char text[PID_MAX_TEXT];
    int n = snprintf(text, sizeof(text), "%d\n", (int)pid);
    return cs_file_write(path, cs_str_make(text, (size_t)n), 0644);
}

int cs_pidfile_read(const char *path, pid_t *ret_pid)
{
    struct cs_buf buf;
    uint64_t value;
    int r = cs_file_read(path, PID_MAX_TEXT, &buf);
    if (r < 0)
        return r == -EFBIG ? -EBADMSG : r;

    struct cs_str text = cs_buf_str(&buf);
    if (cs_str_ends(text, CS_STR("\n")))
        text.len--;
    r = cs_str_to_u64(cs_str_trim(text), INT32_MAX, &value);
    cs_buf_deinit(&buf);
    if (r < 0 || value == 0)
        return -EBADMSG;
    *ret_pid = (pid_t)value;
    return 0;
}

void cs_pidfile_remove(const char *path, pid_t pid)
{
    pid_t written;
    if (cs_pidfile_read(path, &written) == 0 && written == pid)
        unlink(path);
}

int cs_pidfile_running(const char *path, pid_t *ret_pid)
{
    pid_t pid;
    int r = cs_pidfile_read(path, &pid);
    if (r < 0)
        return r;
    if (kill(pid, 0) < 0 && errno == ESRCH)
        return -ESRCH;
    *ret_pid = pid;
    return 0;
}
