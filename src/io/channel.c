/* SOCK_SEQPACKET keeps messages whole, so there is no framing to get wrong: one sendmsg()
 * is one recvmsg(), with its descriptor. The type travels in front of the bytes. */
#include "io/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "io/file.h"

#define BUDGET 64 /* messages received per call */
#define SIZE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define SEALS (F_SEAL_WRITE | SIZE_SEALS)

struct queued_message {
    struct cs_list link;
    uint32_t type;
    int fd;
    size_t len;
    char bytes[];
};

union control {
    char space[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

int cs_channel_pair(int ret_fds[2])
{
    int r = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ret_fds);
    return r < 0 ? -errno : 0;
}

/* Sending */

static int send_now(int socket_fd, uint32_t type, struct cs_str bytes, int fd)
{
    union control control = {0};
    struct iovec pieces[2] = {{&type, sizeof(type)}, {(void *)bytes.ptr, bytes.len}};
    struct msghdr msg = {.msg_iov = pieces, .msg_iovlen = 2};
    ssize_t n;

    if (fd >= 0) {
        msg.msg_control = control.space;
        msg.msg_controllen = sizeof(control.space);
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
    }
    do
        n = sendmsg(socket_fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

static int enqueue(struct cs_channel *channel, uint32_t type, struct cs_str bytes, int fd)
{
    if (channel->queued + bytes.len > CS_CHANNEL_QUEUE_MAX)
        return -ENOBUFS;
    int copy = -1;
    if (fd >= 0 && (copy = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0)
        return -errno;

    struct queued_message *m = cs_alloc(sizeof(*m) + bytes.len);
    m->type = type;
    m->fd = copy;
    m->len = bytes.len;
    if (bytes.len > 0)
        memcpy(m->bytes, bytes.ptr, bytes.len);
    cs_list_push_back(&channel->queue, &m->link);
    channel->queued += bytes.len;
    return 0;
}

static void drop(struct cs_channel *channel, struct queued_message *m)
{
    cs_list_remove(&m->link);
    channel->queued -= m->len;
    if (m->fd >= 0)
        close(m->fd);
    free(m);
}

int cs_channel_send(struct cs_channel *channel, uint32_t type, struct cs_str bytes, int fd)
{
    if (bytes.len > CS_MESSAGE_MAX)
        return -EMSGSIZE;
    if (!channel->watch.loop)
        return -EPIPE;
    int r = -EAGAIN;
    if (cs_list_empty(&channel->queue))
        r = send_now(channel->watch.fd, type, bytes, fd);
    if (r == -EAGAIN)
        r = enqueue(channel, type, bytes, fd);
    return r;
}

static int send_queue(struct cs_channel *channel)
{
    while (!cs_list_empty(&channel->queue)) {
        struct queued_message *m =
            cs_container_of(channel->queue.next, struct queued_message, link);
        int r = send_now(channel->watch.fd, m->type, cs_str_make(m->bytes, m->len), m->fd);
        if (r < 0)
            return r;
        drop(channel, m);
    }
    return 0;
}

/* Receiving */

/* The descriptor that came with a message, or -1; any beyond the first are closed. */
static int take_fd(struct msghdr *msg)
{
    int kept = -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            if (kept < 0)
                kept = fd;
            else
                close(fd);
        }
    }
    return kept;
}

enum received { RECEIVED, NOTHING, ENDED };

static void close_spare(struct cs_channel *channel)
{
    if (channel->spare >= 0)
        close(channel->spare);
    channel->spare = -1;
}

static void open_spare(struct cs_channel *channel)
{
    if (channel->watch.loop && channel->spare < 0)
        channel->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Receive one message and hand it on. With ENDED, *ret_fault says why. A process that has run out
 * of descriptors still gets its messages: one that lacks its descriptor would have to be refused.
 */
static enum received receive(struct cs_channel *channel, int *ret_fault)
{
    static char buf[CS_MESSAGE_MAX];
    uint32_t type;
    union control control;
    struct iovec pieces[2] = {{&type, sizeof(type)}, {buf, sizeof(buf)}};
    struct msghdr msg = {.msg_iov = pieces,
                         .msg_iovlen = 2,
                         .msg_control = control.space,
                         .msg_controllen = sizeof(control.space)};
    ssize_t n;
    close_spare(channel);
    do
        n = recvmsg(channel->watch.fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return NOTHING;
    *ret_fault = n < 0 ? -errno : 0;
    if (n <= 0)
        return ENDED;

    struct cs_channel_message message = {.fd = take_fd(&msg)};
    bool sound = (size_t)n >= sizeof(type) && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
    if (sound) {
        message.type = type;
        message.bytes = cs_str_make(buf, (size_t)n - sizeof(type));
        channel->received(channel, &message);
    }
    if (message.fd >= 0)
        close(message.fd);
    *ret_fault = -EBADMSG;
    return sound ? RECEIVED : ENDED;
}

static void finish(struct cs_channel *channel, int fault)
{
    cs_channel_deinit(channel);
    channel->closed(channel, fault);
}

/* Receive until there is nothing, the budget is used up, or the channel is gone. */
static void receive_some(struct cs_channel *channel)
{
    for (int i = 0; i < BUDGET; i++) {
        int fault = 0;
        enum received got = receive(channel, &fault);
        open_spare(channel);
        if (!channel->watch.loop)
            return;
        if (got == NOTHING) {
            channel->watch.readable = false;
            return;
        }
        if (got == ENDED) {
            finish(channel, fault);
            return;
        }
    }
    cs_watch_kick(channel->loop, &channel->watch);
}

static void on_ready(struct cs_watch *watch)
{
    struct cs_channel *channel = cs_container_of(watch, struct cs_channel, watch);
    if (watch->writable) {
        watch->writable = false;
        int r = send_queue(channel);
        if (r < 0 && r != -EAGAIN && r != -EPIPE && r != -ECONNRESET) {
            finish(channel, r);
            return;
        }
    }
    if (watch->readable)
        receive_some(channel);
}

int cs_channel_init(struct cs_channel *channel, struct cs_loop *loop, int fd,
                    void (*received)(struct cs_channel *channel,
                                     struct cs_channel_message *message),
                    void (*closed)(struct cs_channel *channel, int fault))
{
    *channel =
        (struct cs_channel){.loop = loop, .received = received, .closed = closed, .spare = -1};
    cs_list_init(&channel->queue);
    int r = cs_watch_add(loop, &channel->watch, fd, on_ready);
    open_spare(channel);
    return r;
}

void cs_channel_deinit(struct cs_channel *channel)
{
    if (!channel->watch.loop)
        return;
    CS_LIST_FOREACH_SAFE (link, &channel->queue)
        drop(channel, cs_container_of(link, struct queued_message, link));
    int fd = channel->watch.fd;
    cs_watch_remove(&channel->watch);
    close(fd);
    close_spare(channel);
}

void cs_channel_receive(struct cs_channel *channel)
{
    if (channel->watch.loop)
        receive_some(channel);
}

void cs_channel_isolate(struct cs_channel *channel)
{
    if (channel->watch.loop) {
        close(channel->watch.fd);
        close_spare(channel);
    }
    *channel = (struct cs_channel){0};
}

/* Sealed memory */

int cs_sealed_memory(const char *name, struct cs_str bytes)
{
    cs_cleanup(cs_close_p) int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    int r = cs_write_all(fd, bytes);
    if (r < 0)
        return r;
    if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
        return -errno;
    int sealed = fd;
    fd = -1;
    return sealed;
}

int cs_sealed_map(int fd, struct cs_str *ret_bytes)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SIZE_SEALS) != SIZE_SEALS ||
        !(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
        return -EPERM;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_size == 0) {
        *ret_bytes = (struct cs_str){0};
        return 0;
    }
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return -errno;
    *ret_bytes = cs_str_make(p, (size_t)st.st_size);
    return 0;
}

int cs_secret_make(const char *name, struct cs_str bytes, struct cs_secret *ret_secret)
{
    cs_cleanup(cs_close_p) int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)bytes.len) < 0)
        return -errno;
    void *p = mmap(NULL, bytes.len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return -errno;
    (void)madvise(p, bytes.len, MADV_DONTFORK);
    memcpy(p, bytes.ptr, bytes.len);
    *ret_secret = (struct cs_secret){.fd = fd, .bytes = cs_str_make(p, bytes.len)};
    fd = -1;
    if (fcntl(ret_secret->fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | SIZE_SEALS) == 0)
        return 0;
    int r = -errno;
    cs_secret_wipe(ret_secret);
    return r;
}

void cs_secret_wipe(struct cs_secret *secret)
{
    cs_wipe((char *)secret->bytes.ptr, secret->bytes.len);
    munmap((char *)secret->bytes.ptr, secret->bytes.len);
    close(secret->fd);
    *secret = (struct cs_secret){.fd = -1};
}
