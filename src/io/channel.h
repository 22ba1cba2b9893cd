/* Messages between two processes of ours over a pair of sockets: a type, some bytes, and
 * perhaps a descriptor. Whole, in order, and without waiting: what the other side does not
 * take yet is queued, up to a limit.
 *
 * A message is small. Something larger (a set of revoked serials) travels as a descriptor of
 * sealed memory, see cs_sealed_memory(). Both ends are our own processes, but a message that
 * is cut or has no header ends the channel all the same.
 */
#ifndef CS_IO_CHANNEL_H
#define CS_IO_CHANNEL_H

#include <stdint.h>

#include "base/list.h"
#include "base/str.h"
#include "io/loop.h"

/* Bytes of one message; bytes that may wait in one channel. */
#define CS_MESSAGE_MAX 65536
#define CS_CHANNEL_QUEUE_MAX (4u << 20)

struct cs_channel_message {
    uint32_t type;
    struct cs_str bytes; /* borrowed for the call */
    int fd;              /* a descriptor that came along, or -1; set to -1 to keep it */
};

struct cs_channel {
    struct cs_watch watch;
    struct cs_loop *loop;
    void (*received)(struct cs_channel *channel, struct cs_channel_message *message);
    void (*closed)(struct cs_channel *channel, int fault);
    struct cs_list queue;
    size_t queued; /* bytes in @queue */
    int spare;     /* a descriptor that makes room for one that comes, when there is no other */
};

/** cs_channel_pair() - two ends: one for each process; close the other's after forking.
 *  Return: 0, or -errno. */
int cs_channel_pair(int ret_fds[2]);
/** cs_channel_init() - speak through @fd, which becomes the channel's. @received is called for
 *  each message; @closed once, when the other side is gone (@fault 0) or broke the rules
 *  (-EBADMSG, -errno), after which nothing is received or sent. Both may deinit the channel, but
 *  its memory must outlive the call. Return: 0, or -errno (@fd stays the caller's). */
int cs_channel_init(struct cs_channel *channel, struct cs_loop *loop, int fd,
                    void (*received)(struct cs_channel *channel,
                                     struct cs_channel_message *message),
                    void (*closed)(struct cs_channel *channel, int fault));
/** cs_channel_deinit() - close this end; queued messages are dropped. Harmless when zeroed. */
void cs_channel_deinit(struct cs_channel *channel);
/** cs_channel_send() - send @bytes as @type, with a copy of the descriptor @fd unless -1.
 *  Return: 0 (sent or queued), -EMSGSIZE, -ENOBUFS (the queue is full: the other side does not
 *  read), -EPIPE (closed), or -errno. */
int cs_channel_send(struct cs_channel *channel, uint32_t type, struct cs_str bytes, int fd);

/** cs_channel_receive() - take at once what has come, before the loop would say so: when the other
 *  process is known to have ended, and its last words count. */
void cs_channel_receive(struct cs_channel *channel);
/** cs_channel_isolate() - in a forked child that is not meant by this channel: close the copy of
 *  its end and forget the rest. Harmless when zeroed. */
void cs_channel_isolate(struct cs_channel *channel);

/** cs_sealed_memory() - a descriptor of memory that holds @bytes and that nobody can change or
 *  shrink any more: to map read-only and to send around. Return: a descriptor that the caller
 *  owns, or -errno. */
int cs_sealed_memory(const char *name, struct cs_str bytes);
/** cs_sealed_map() - map such a descriptor, which may be closed then; -EPERM when it is not
 *  sealed. munmap() the bytes. Return: 0, or -errno. */
int cs_sealed_map(int fd, struct cs_str *ret_bytes);

/* Sealed memory that whoever made it can still wipe, when the others have read it. */
struct cs_secret {
    int fd;
    struct cs_str bytes;
};

/** cs_secret_make() - memory that holds @bytes, which only this process can change, and nobody can
 *  shrink. Others map it with cs_sealed_map(). Return: 0, or -errno. */
int cs_secret_make(const char *name, struct cs_str bytes, struct cs_secret *ret_secret);
/** cs_secret_wipe() - overwrite it, for all who have it mapped, and let it go. */
void cs_secret_wipe(struct cs_secret *secret);

#endif
