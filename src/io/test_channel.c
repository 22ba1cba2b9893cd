/* Two ends of a channel in one loop, and peers that break the rules. */
#include "io/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tap.h"

static struct cs_loop loop;
static struct cs_channel a, b;
static unsigned n_received, n_wrong, n_closed;
static uint32_t last_type;
static size_t last_len;
static int fault_seen, fd_seen = -1;
static bool deinit_inside;

static void received(struct cs_channel *channel, struct cs_channel_message *message)
{
    if (message->bytes.len >= 4) {
        uint32_t number;
        memcpy(&number, message->bytes.ptr, 4);
        n_wrong += number != n_received;
    }
    n_received++;
    last_type = message->type;
    last_len = message->bytes.len;
    fd_seen = message->fd;
    message->fd = -1;
    if (deinit_inside)
        cs_channel_deinit(channel);
}

static void closed(struct cs_channel *channel, int fault)
{
    n_closed++;
    fault_seen = fault;
}

static int open_pair(bool both)
{
    int fds[2];
    n_received = n_wrong = n_closed = 0;
    fault_seen = 1;
    if (cs_channel_pair(fds) < 0 || cs_channel_init(&a, &loop, fds[0], received, closed) < 0)
        abort();
    if (both && cs_channel_init(&b, &loop, fds[1], received, closed) < 0)
        abort();
    return fds[1];
}

static void settle(void)
{
    for (int i = 0; i < 3; i++)
        while (cs_loop_turn(&loop, 0) > 0)
            continue;
}

static void test_messages(void)
{
    char big[CS_MESSAGE_MAX + 1];
    memset(big, 0, sizeof(big));
    open_pair(true);
    tap_int(cs_channel_send(&a, 7, CS_STR(""), -1), 0, "an empty message");
    settle();
    tap_ok(n_received == 1 && last_type == 7 && last_len == 0, "arrives");
    tap_int(cs_channel_send(&a, 8, cs_str_make(big, CS_MESSAGE_MAX), -1), 0, "the largest");
    settle();
    tap_ok(last_type == 8 && last_len == CS_MESSAGE_MAX, "arrives");
    tap_int(cs_channel_send(&a, 8, cs_str_make(big, sizeof(big)), -1), -EMSGSIZE, "one larger");
    cs_channel_deinit(&b);
    settle();
    tap_ok(n_closed == 1 && fault_seen == 0, "the other side is told once that it is over");
    tap_int(cs_channel_send(&a, 1, CS_STR("x"), -1), -EPIPE, "nothing can be sent any more");
    cs_channel_deinit(&a);
    tap_int((int64_t)loop.n_watches, 0, "nothing is watched");
}

/* Far more than the socket takes: queued, in order, bounded. */
static void test_queue(void)
{
    char bytes[32768] = {0};
    uint32_t sent = 0;
    int r = 0;
    open_pair(true);
    while (sent < 100000) {
        memcpy(bytes, &sent, 4);
        r = cs_channel_send(&a, 1, cs_str_make(bytes, sizeof(bytes)), -1);
        if (r < 0)
            break;
        sent++;
    }
    tap_int(r, -ENOBUFS, "a side that does not read fills the queue");
    tap_ok(a.queued <= CS_CHANNEL_QUEUE_MAX && a.queued > CS_CHANNEL_QUEUE_MAX / 2, "to its limit");
    settle();
    tap_int(n_received, sent, "then everything arrives");
    tap_int(n_wrong, 0, "in order");
    tap_int((int64_t)a.queued, 0, "the queue is empty");
    cs_channel_send(&a, 1, cs_str_make(&sent, 4), -1);
    settle();
    tap_ok(n_received == sent + 1 && n_wrong == 0, "and the channel goes on");
    while (cs_channel_send(&a, 1, cs_str_make(bytes, sizeof(bytes)), -1) == 0)
        continue;
    cs_channel_deinit(&a);
    cs_channel_deinit(&b);
}

static void test_descriptors(void)
{
    char bytes[60000] = {0};
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    open_pair(true);
    tap_int(cs_channel_send(&a, 2, CS_STR("fd"), null_fd), 0, "a descriptor");
    settle();
    tap_ok(fd_seen >= 0 && fd_seen != null_fd, "arrives as a new one");
    tap_ok((fcntl(fd_seen, F_GETFD) & FD_CLOEXEC) != 0, "close-on-exec");
    close(fd_seen);

    while (cs_list_empty(&a.queue))
        cs_channel_send(&a, 3, cs_str_make(bytes, sizeof(bytes)), -1);
    tap_int(cs_channel_send(&a, 2, CS_STR("fd"), null_fd), 0, "a descriptor behind a queue");
    close(null_fd);
    settle();
    tap_ok(last_type == 2 && fd_seen >= 0, "outlives the sender's copy");
    close(fd_seen);
    cs_channel_deinit(&a);
    cs_channel_deinit(&b);
}

/* A process that has no descriptor left is handed one all the same. */
static void test_full(void)
{
    struct rlimit before, now;
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC), fds[64], n = 0;

    open_pair(true);
    getrlimit(RLIMIT_NOFILE, &before);
    now = (struct rlimit){.rlim_cur = 64, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &now);
    tap_int(cs_channel_send(&a, 2, CS_STR("fd"), null_fd), 0, "a descriptor");
    while (n < 64 && (fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        n++;
    settle();
    tap_ok(n_closed == 0 && last_type == 2 && fd_seen >= 0, "comes in where there is no room");
    setrlimit(RLIMIT_NOFILE, &before);
    close(fd_seen);
    while (n)
        close(fds[--n]);
    close(null_fd);
    cs_channel_deinit(&a);
    cs_channel_deinit(&b);
}

static void send_raw(int fd, size_t len, int n_fds)
{
    static char bytes[CS_MESSAGE_MAX + 64];
    char control[CMSG_SPACE(3 * sizeof(int))] = {0};
    struct iovec piece = {bytes, len};
    struct msghdr msg = {.msg_iov = &piece, .msg_iovlen = 1};
    int fds[3] = {0, 0, 0};
    if (n_fds > 0) {
        msg.msg_control = control;
        msg.msg_controllen = CMSG_SPACE((size_t)n_fds * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN((size_t)n_fds * sizeof(int));
        memcpy(CMSG_DATA(c), fds, (size_t)n_fds * sizeof(int));
    }
    if (sendmsg(fd, &msg, 0) < 0)
        abort();
}

static int count_fds(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void test_breakers(void)
{
    static const struct {
        const char *name;
        size_t len;
        int n_fds;
    } cases[] = {
        {"no header", 3, 0},
        {"too long", CS_MESSAGE_MAX + 5, 0},
        {"too many descriptors", 8, 3},
        {"no header, with a descriptor", 2, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int before = count_fds();
        int peer = open_pair(false);
        send_raw(peer, cases[i].len, cases[i].n_fds);
        settle();
        tap_ok(n_closed == 1 && fault_seen == -EBADMSG && n_received == 0, "%s ends the channel",
               cases[i].name);
        close(peer);
        tap_int(count_fds(), before, "and leaks no descriptor");
    }
}

static void test_deinit_inside(void)
{
    open_pair(true);
    deinit_inside = true;
    cs_channel_send(&a, 1, CS_STR("x"), -1);
    cs_channel_send(&a, 1, CS_STR("x"), -1);
    settle();
    tap_int(n_received, 1, "a channel that is closed while receiving receives no more");
    deinit_inside = false;
    tap_ok(n_closed == 1 && a.watch.loop == NULL, "only the other end was told");
}

static void test_sealed(void)
{
    struct cs_str bytes;
    int fd = cs_sealed_memory("test", CS_STR("payload"));
    tap_ok(fd >= 0, "sealed memory");
    tap_int(write(fd, "x", 1), -1, "cannot be written");
    tap_int(ftruncate(fd, 0), -1, "nor cut");
    tap_int(cs_sealed_map(fd, &bytes), 0, "mapped");
    close(fd);
    tap_str(bytes, CS_STR("payload"), "holds the bytes");
    munmap((void *)bytes.ptr, bytes.len);
    fd = memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    tap_int(cs_sealed_map(fd, &bytes), -EPERM, "memory that could change is refused");
    close(fd);
    fd = cs_sealed_memory("empty", CS_STR(""));
    tap_ok(cs_sealed_map(fd, &bytes) == 0 && bytes.len == 0, "empty memory");
    close(fd);
}

static void test_secret(void)
{
    struct cs_secret secret;
    struct cs_str bytes;

    tap_int(cs_secret_make("secret", CS_STR("key"), &secret), 0, "secret memory");
    tap_int(cs_sealed_map(secret.fd, &bytes), 0, "mapped by somebody else");
    tap_str(bytes, CS_STR("key"), "holds the bytes");
    tap_ok(mmap(NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED, secret.fd, 0) == MAP_FAILED,
           "who cannot change it");
    tap_int(ftruncate(secret.fd, 0), -1, "nor cut it");
    cs_secret_wipe(&secret);
    tap_ok(memcmp(bytes.ptr, "\0\0\0", 3) == 0, "when it is wiped, it is for all");
    munmap((void *)bytes.ptr, bytes.len);
}

int main(void)
{
    if (cs_loop_init(&loop) < 0)
        abort();
    test_messages();
    test_queue();
    test_descriptors();
    test_full();
    test_breakers();
    test_deinit_inside();
    test_sealed();
    test_secret();
    cs_loop_deinit(&loop);
    return tap_done();
}
