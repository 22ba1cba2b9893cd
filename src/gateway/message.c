/* The worker's end of the channel: each message goes to its function, and is replied to. */
#include "gateway/message.h"

#include <errno.h>

#include "base/mem.h"
#include "gateway/state.h"

static cs_tell_fn *const takers[CS_TELL_COUNT] = {
#define CS_TELL(name, take, doc) [CS_TELL_##name] = take,
#include "gateway/messages.def"
#undef CS_TELL
};

static void reply(struct cs_worker *worker, uint64_t number, int result, struct cs_str words)
{
    struct cs_reply_head head = {.number = number, .result = result};
    struct cs_buf bytes;

    cs_buf_init(&bytes, CS_MESSAGE_MAX);
    cs_buf_add(&bytes, &head, sizeof(head));
    cs_buf_add_str(&bytes, cs_str_sub(words, 0, CS_REPLY_MAX));
    (void)cs_channel_send(&worker->channel, CS_REPORT_REPLY, cs_buf_str(&bytes), -1);
    cs_buf_deinit(&bytes);
}

static void on_message(struct cs_channel *channel, struct cs_channel_message *message)
{
    struct cs_worker *worker = cs_container_of(channel, struct cs_worker, channel);
    struct cs_buf words;
    uint64_t number;
    int r = -ENOSYS;

    if (message->bytes.len < sizeof(number))
        return;
    memcpy(&number, message->bytes.ptr, sizeof(number));
    message->bytes = cs_str_skip(message->bytes, sizeof(number));
    cs_buf_init(&words, CS_REPLY_MAX);
    if (message->type < CS_TELL_COUNT)
        r = takers[message->type](worker, message, &words);
    reply(worker, number, r, cs_buf_str(&words));
    cs_buf_deinit(&words);
}

/* The supervisor has gone; the signal that says so is on its way. */
static void on_closed(struct cs_channel *channel, int fault)
{
}

int cs_worker_listen(struct cs_worker *worker, int fd)
{
    return fd < 0 ? 0 : cs_channel_init(&worker->channel, &worker->loop, fd, on_message, on_closed);
}

int cs_worker_ready(struct cs_worker *worker)
{
    if (!worker->channel.watch.loop)
        return 0;
    return cs_channel_send(&worker->channel, CS_REPORT_READY, (struct cs_str){0}, -1);
}
