/* What has been revoked at a word, as the supervisor keeps it: in memory as a set for the workers,
 * and in a file of the state folder, one line each, so that a restart does not forget it.
 *
 * A revocation that was acknowledged is on the disk. Lines are only ever added; those of
 * certificates that have expired since are left out when the file is read the next time. Two
 * services may share a folder: each learns of the other's when it reads the file.
 */
#ifndef CS_DAEMON_REVOCATIONS_H
#define CS_DAEMON_REVOCATIONS_H

#include "base/buf.h"
#include "x509/revoked.h"

struct cs_revocations;

/** cs_revocations_new() - what the file of the state folder @folder says at @now_sec; nothing when
 * it is not there. What cannot be read is not believed to be empty. Return: 0, or -errno with one
 * clause that says what is wrong appended to @why. */
int cs_revocations_new(const char *folder, int64_t now_sec, struct cs_buf *why,
                       struct cs_revocations **ret_revocations);
/** cs_revocations_free() - forget them; the file stays. NULL is fine. Return: NULL. */
struct cs_revocations *cs_revocations_free(struct cs_revocations *revocations);
/** cs_revocations_add() - one more, on the disk when this returns. Makes the folder when needed.
 *  Return: 0; -EALREADY (it is known); -ENOSPC (CS_REVOKED_MAX of them); or -errno, with a clause
 *  appended to @why, nothing having changed. */
int cs_revocations_add(struct cs_revocations *revocations, const struct cs_revocation *revocation,
                       struct cs_buf *why);
/** cs_revocations_set0() - all of them; lives until the next one is added. */
const struct cs_revoked_set *cs_revocations_set0(struct cs_revocations *revocations);
/** cs_revocations_file0() - the path of the file; lives as long as the revocations. */
const char *cs_revocations_file0(const struct cs_revocations *revocations);

#endif
