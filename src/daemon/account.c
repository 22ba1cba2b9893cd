/* Keys stay root's: who takes the process over has the books, and no key. */
#include "daemon/account.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int trouble(struct cs_account_trouble *t, int r, const char *hint, const char *what,
                   const char *subject)
{
    snprintf(t->what, sizeof(t->what), "%s \"%s\" (%d: %s)", what, subject, -r, strerror(-r));
    t->hint = hint;
    return r;
}

/* ---- which ---- */

static int find_named(struct cs_str user, struct cs_str group, struct cs_user *ret_user,
                      struct cs_account_trouble *t)
{
    int r = cs_user_find(user, group, ret_user);

    if (r == 0)
        return 0;
    snprintf(t->what, sizeof(t->what), "there is no %s \"%.*s\" for the authority",
             r == -ESRCH ? "group" : "account", CS_FMT(r == -ESRCH ? group : user));
    t->hint = "make one for nothing else: adduser --system --group --no-create-home countersign-ca";
    return r;
}

int cs_account_find(struct cs_str user, struct cs_str group, const char *folder,
                    struct cs_user *ret_user, struct cs_account_trouble *ret_trouble)
{
    struct stat st;
    int r;

    if (user.len)
        return find_named(user, group, ret_user, ret_trouble);
    if (stat(folder, &st) < 0)
        return trouble(ret_trouble, -errno, "countersign ca init makes one", "cannot look at",
                       folder);
    if (st.st_uid != 0)
        return cs_user_of(st.st_uid, st.st_gid, ret_user);
    r = cs_user_find(CS_STR("countersign-ca"), (struct cs_str){0}, ret_user);
    if (r == 0)
        return 0;
    snprintf(ret_trouble->what, sizeof(ret_trouble->what),
             "the authority does not run as root, and there is no account for it");
    ret_trouble->hint = "adduser --system --group --no-create-home countersign-ca; or name an "
                        "account that has nothing else to do, as \"user\" in the authority block "
                        "or with --user";
    return r;
}

/* ---- what is its own ---- */

static bool is_secret(const char *name)
{
    size_t len = strlen(name);

    return strcmp(name, "passphrase") == 0 || (len > 4 && strcmp(name + len - 4, ".key") == 0);
}

/* Give what is in the folder @fd to @user, folders in it too. Return: 0, or -errno. */
static int give(int fd, const struct cs_user *user, int depth)
{
    DIR *dir = fdopendir(fd);
    struct dirent *entry;
    int r = dir ? 0 : -errno;

    if (!dir)
        close(fd);
    while (r == 0 && (entry = readdir(dir))) {
        struct stat st;
        int sub;
        if (entry->d_name[0] == '.' || is_secret(entry->d_name) ||
            fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (st.st_uid != user->uid && (S_ISDIR(st.st_mode) || st.st_nlink == 1) &&
            fchownat(fd, entry->d_name, user->uid, user->gid, AT_SYMLINK_NOFOLLOW) < 0)
            r = -errno;
        if (r < 0 || !S_ISDIR(st.st_mode) || depth == 0)
            continue;
        sub = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        r = sub < 0 ? -errno : give(sub, user, depth - 1);
    }
    if (dir)
        closedir(dir);
    return r;
}

int cs_account_give(const char *folder, const struct cs_user *user,
                    struct cs_account_trouble *ret_trouble)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 ? -errno : 0;

    if (r == 0 && fchown(fd, user->uid, user->gid) < 0) {
        r = -errno;
        close(fd);
    }
    r = r ? r : give(fd, user, 1);
    return r == 0 ? 0
                  : trouble(ret_trouble, r,
                            "the account of the authority owns its folder, but for the keys",
                            "cannot give away", folder);
}

int cs_account_become(const char *folder, const struct cs_user *user,
                      struct cs_account_trouble *ret_trouble)
{
    int r = cs_process_drop(user);

    if (r < 0)
        return trouble(ret_trouble, r, NULL, "cannot become", user->name);
    if (access(folder, R_OK | W_OK | X_OK) == 0)
        return 0;
    r = -errno;
    snprintf(ret_trouble->what, sizeof(ret_trouble->what),
             "\"%.150s\" cannot be used by \"%s\" (%d: %s)", folder, user->name, -r, strerror(-r));
    ret_trouble->hint = "let that account pass through the folders above it (chmod o+x), or keep "
                        "the CA in another place";
    return r;
}
