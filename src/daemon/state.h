/* The state folder (mtls_state): what has to outlive a restart.
 *
 * The folder belongs to whoever runs the supervisor and nobody else may write in it, since what it
 * holds is believed. A process that keeps files of its own under another account gets a folder of
 * its own below it. Nothing is made before there is something to keep.
 */
#ifndef CS_DAEMON_STATE_H
#define CS_DAEMON_STATE_H

#include "io/process.h"

/** cs_state_make() - make @folder and what is missing above it, unless it is there. With @owner it
 * is his and for him alone; NULL: ours, and others may only pass through to a folder of theirs.
 *  Return: 0, or -errno (-EPERM: somebody else could write there). */
int cs_state_make(const char *folder, const struct cs_user *owner);
/** cs_state_check() - whether nobody else can write in @folder. Return: 0 (also when it is not
 *  there), -EPERM, or -errno. */
int cs_state_check(const char *folder);

#endif
