/* The supervisor hands over what is revoked at a word as one block of memory that nobody can change
 * any more. It is mapped and asked where it lies. */
#include <errno.h>
#include <sys/mman.h>

#include "gateway/cut.h"
#include "gateway/message.h"
#include "gateway/state.h"
#include "x509/revoked.h"

static int refuse(struct cs_buf *reply, int error, const char *why)
{
    cs_buf_addf(reply, "%s (%d: %s)", why, -error, strerror(-error));
    return error;
}

static void replace(struct cs_worker *worker, const struct cs_revoked_set *set, struct cs_str bytes)
{
    if (worker->revoked_bytes.len)
        munmap((void *)worker->revoked_bytes.ptr, worker->revoked_bytes.len);
    worker->revoked = set;
    worker->revoked_bytes = bytes;
}

int cs_tell_revoked(struct cs_worker *worker, struct cs_channel_message *message,
                    struct cs_buf *reply)
{
    const struct cs_revoked_set *set;
    struct cs_str bytes;
    int r = message->fd < 0 ? -EBADMSG : cs_sealed_map(message->fd, &bytes);

    if (r < 0)
        return refuse(reply, r, "what is revoked cannot be mapped");
    set = cs_revoked_set_from(bytes);
    if (!set) {
        munmap((void *)bytes.ptr, bytes.len);
        return refuse(reply, -EBADMSG, "what is revoked is not a set");
    }
    replace(worker, set, bytes);
    return cs_buf_addf(reply, "%zu", cs_cut_round(worker));
}
