/* Our own authority, as our own steward sees it: where it listens, which roots it has, and the
 * tokens for the certificates that are asked for the first time.
 *
 * Read and made as root by the supervisor, before the steward gives its rights up.
 */
#ifndef CS_DAEMON_HOME_H
#define CS_DAEMON_HOME_H

#include "base/arena.h"
#include "base/buf.h"
#include "daemon/mainlog.h"
#include "io/process.h"

/* Zeroed: there is none. */
struct cs_home {
    struct cs_str url;   /* "https://127.0.0.1:9443" */
    struct cs_str roots; /* PEM */
    struct cs_arena arena;
};

/** cs_home_passphrase() - the first line of the file @path, which ends with a NUL; an empty path is
 * no fault, and leaves *ret_line alone. *ret_bytes, where the line lies, is the caller's to wipe in
 * any case. For processes that open the CA: nobody who forks others may read it.
 * Return: 0, or -errno after a line in the log. */
int cs_home_passphrase(struct cs_str path, const struct cs_mainlog *log, struct cs_buf *ret_bytes,
                       struct cs_str *ret_line);
/** cs_home_init() - of the authority block of @snapshot, if it has one. Every errand of the
 * snapshot that goes there, and has no certificate yet, gets a token file, which @owner (NULL: we)
 * may read. What cannot be had is logged, and is missing then. */
void cs_home_init(struct cs_home *home, const struct cs_snapshot *snapshot,
                  const struct cs_user *owner, const struct cs_mainlog *log);
/** cs_home_deinit() - forget it. Harmless when zeroed. */
void cs_home_deinit(struct cs_home *home);

#endif
