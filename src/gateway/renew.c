/* What has been renewed is taken between two events. */
#include <errno.h>

#include "gateway/message.h"
#include "gateway/state.h"

int cs_renew_lists(struct cs_worker *worker, struct cs_channel_message *message,
                   struct cs_buf *reply)
{
    return -ENOSYS;
}

int cs_renew(struct cs_worker *worker, struct cs_channel_message *message, struct cs_buf *reply)
{
    return -ENOSYS;
}
