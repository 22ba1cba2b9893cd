/* Made with the rights it is to have from the first moment; what is there already is looked at, and
 * not changed. */
#include "daemon/state.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"

int cs_state_check(const char *folder)
{
    struct stat st;

    if (stat(folder, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISDIR(st.st_mode))
        return -ENOTDIR;
    if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return -EPERM;
    return 0;
}

int cs_state_make(const char *folder, const struct cs_user *owner)
{
    struct stat st;
    int r;

    if (stat(folder, &st) == 0)
        return owner ? 0 : cs_state_check(folder);
    r = cs_file_mkdirs(folder, 0711);
    if (r < 0 || !owner)
        return r;
    if (chmod(folder, 0700) < 0 || chown(folder, owner->uid, owner->gid) < 0)
        return -errno;
    return 0;
}
