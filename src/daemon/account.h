/* Whom the process of a CA becomes after it has opened folder and keys as root: an account that has
 * nothing else to do, and owns the folder but for the keys.
 *
 * It is the one that is named; else the owner of the folder, unless that is root; else
 * countersign-ca, if there is such an account. There is no other choice: an account that others
 * share could change the CA's books.
 */
#ifndef CS_DAEMON_ACCOUNT_H
#define CS_DAEMON_ACCOUNT_H

#include "io/process.h"

/* Why there is none. */
struct cs_account_trouble {
    char what[256];   /* in words */
    const char *hint; /* static */
};

/** cs_account_find() - as root: the account for the CA in @folder; @user and @group are the names
 *  that somebody gave, or empty. "root" has to be named to be meant.
 *  Return: 0, or -errno and *ret_trouble. */
int cs_account_find(struct cs_str user, struct cs_str group, const char *folder,
                    struct cs_user *ret_user, struct cs_account_trouble *ret_trouble);
/** cs_account_give() - as root: give @folder and what is in it to @user, but for the keys.
 *  Return: 0, or -errno and *ret_trouble. */
int cs_account_give(const char *folder, const struct cs_user *user,
                    struct cs_account_trouble *ret_trouble);
/** cs_account_become() - become @user for good (cs_process_drop()), and see that the CA in @folder
 *  can be used as that. Return: 0, or -errno and *ret_trouble. */
int cs_account_become(const char *folder, const struct cs_user *user,
                      struct cs_account_trouble *ret_trouble);

#endif
