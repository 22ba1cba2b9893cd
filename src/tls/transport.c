/* A BIO whose buffers belong to the worker. The TLS library reads record by record; what it
 * reads from is one recv() of up to 64 KiB. What it writes is collected and leaves with one
 * send(). Whoever's turn it is owns the buffers: taking them over moves what another session
 * left in them to that session's own memory (received bytes) or to its socket (sent ones).
 *
 * Order of bytes: `left` comes before the worker's buffer on the way in; on the way out a
 * session with `unsent` bytes never has any in the worker's buffer. */
#include "tls/io.h"

#include <openssl/rand.h>

#include <errno.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "tls/internal.h"

/* What fits one packet as the kernel makes them, 64 KiB with its headers, leaves in one: a batch
 * that is a little longer is a large packet and a tiny one, and where the kernel paces its packets
 * the tiny one costs a timer too. */
#define OUT_ROOM (64 * 1024)
/* A handshake flight is bounded by our own certificates and CA names. */
#define UNSENT_MAX (512 * 1024)

void cs_tls_io_init(struct cs_tls_io *io, const struct cs_now *now)
{
    *io = (struct cs_tls_io){
        .now = now,
        .in = cs_alloc(CS_TLS_IO_ROOM),
        .out = cs_alloc(OUT_ROOM),
    };
    /* The first random byte of a process costs milliseconds of gathered noise: spend them
     * now, not in the first client's handshake. */
    uint8_t byte;
    cs_assert(RAND_bytes(&byte, sizeof(byte)) == 1);
}

void cs_tls_io_deinit(struct cs_tls_io *io)
{
    cs_assert(!io->in_owner && !io->out_owner);
    cs_wipe(io->in, CS_TLS_IO_ROOM);
    free(io->in);
    free(io->out);
    *io = (struct cs_tls_io){.now = NULL};
}

/* --- in --- */

static size_t shared_in(const struct cs_tls *tls)
{
    return tls->io->in_owner == tls ? tls->io->in_len - tls->io->in_off : 0;
}

size_t cs_transport_buffered(const struct cs_tls *tls)
{
    return tls->left_len - tls->left_off + shared_in(tls);
}

static void free_left(struct cs_tls *tls)
{
    free(tls->left);
    tls->left = NULL;
    tls->left_off = tls->left_len = 0;
}

/* Set @len bytes aside, behind those that @tls has already. */
static void keep_left(struct cs_tls *tls, const uint8_t *bytes, size_t len)
{
    size_t have = tls->left_len - tls->left_off;
    uint8_t *left = cs_alloc(have + len);
    if (have > 0)
        memcpy(left, tls->left + tls->left_off, have);
    memcpy(left + have, bytes, len);
    free_left(tls);
    tls->left = left;
    tls->left_len = have + len;
}

static void claim_in(struct cs_tls *tls)
{
    struct cs_tls_io *io = tls->io;
    if (io->in_owner && io->in_owner != tls && io->in_len > io->in_off)
        keep_left(io->in_owner, io->in + io->in_off, io->in_len - io->in_off);
    io->in_owner = tls;
    io->in_off = io->in_len = 0;
}

/* The first bytes tell what the peer believes to be talking to, should it be anything else. */
static void keep_first(struct cs_tls *tls, const uint8_t *bytes, size_t len)
{
    size_t room = CS_TRANSPORT_FIRST - tls->n_first;
    if (len > room)
        len = room;
    memcpy(tls->first + tls->n_first, bytes, len);
    tls->n_first += (uint8_t)len;
}

static int receive(struct cs_tls *tls)
{
    if (tls->eof)
        return 0;
    if (!tls->readable)
        return -EAGAIN;
    claim_in(tls);
    ssize_t n;
    do
        n = recv(tls->fd, tls->io->in, CS_TLS_IO_ROOM, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        tls->readable = errno != EAGAIN && errno != EWOULDBLOCK && tls->readable;
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    }
    if (n < CS_TLS_IO_ROOM && !tls->hangup)
        tls->readable = false;
    tls->eof = n == 0;
    if (tls->n_first < CS_TRANSPORT_FIRST)
        keep_first(tls, tls->io->in, (size_t)n);
    tls->io->in_len = (size_t)n;
    tls->facts.bytes_in += (uint64_t)n;
    return (int)n;
}

static size_t take_left(struct cs_tls *tls, void *buf, size_t len)
{
    size_t have = tls->left_len - tls->left_off;
    if (len > have)
        len = have;
    memcpy(buf, tls->left + tls->left_off, len);
    tls->left_off += len;
    if (len == have)
        free_left(tls);
    return len;
}

static size_t take_shared(struct cs_tls *tls, void *buf, size_t len)
{
    size_t have = shared_in(tls);
    if (len > have)
        len = have;
    memcpy(buf, tls->io->in + tls->io->in_off, len);
    tls->io->in_off += len;
    return len;
}

/* See cs_facts_clear_alert(). */
static void keep_tail(struct cs_tls *tls, const uint8_t *bytes, size_t len)
{
    size_t keep = len < sizeof(tls->tail) ? sizeof(tls->tail) - len : 0;

    memmove(tls->tail, tls->tail + sizeof(tls->tail) - keep, keep);
    memcpy(tls->tail + keep, bytes + len - (sizeof(tls->tail) - keep), sizeof(tls->tail) - keep);
}

/* Return: bytes, 0 at the end, -EAGAIN, -errno. */
static int transport_read(struct cs_tls *tls, void *buf, size_t len)
{
    size_t n;

    if (!tls->left && shared_in(tls) == 0) {
        int r = receive(tls);
        if (r <= 0)
            return r;
    }
    n = tls->left ? take_left(tls, buf, len) : take_shared(tls, buf, len);
    if (!tls->facts.end_ms)
        keep_tail(tls, buf, n);
    return (int)n;
}

int cs_transport_feed(struct cs_tls *tls, struct cs_str bytes)
{
    if (cs_transport_buffered(tls) + bytes.len > CS_TLS_IO_ROOM)
        return -ENOBUFS;
    if (bytes.len == 0)
        return 0;
    keep_left(tls, (const uint8_t *)bytes.ptr, bytes.len);
    keep_first(tls, (const uint8_t *)bytes.ptr, bytes.len);
    tls->facts.bytes_in += bytes.len;
    return 0;
}

/* --- out --- */

static size_t unsent(const struct cs_tls *tls)
{
    return tls->unsent_len - tls->unsent_off;
}

static size_t shared_out(const struct cs_tls *tls)
{
    return tls->io->out_owner == tls ? tls->io->out_len : 0;
}

bool cs_transport_unsent(const struct cs_tls *tls)
{
    return unsent(tls) > 0 || shared_out(tls) > 0;
}

size_t cs_transport_room(const struct cs_tls *tls)
{
    return unsent(tls) > 0 ? 0 : OUT_ROOM - shared_out(tls);
}

static void keep_unsent(struct cs_tls *tls, const uint8_t *bytes, size_t len)
{
    if (tls->unsent_len + len > tls->unsent_cap) {
        size_t have = unsent(tls), cap = have + len;
        uint8_t *grown = cs_alloc(cap);
        if (have > 0)
            memcpy(grown, tls->unsent + tls->unsent_off, have);
        free(tls->unsent);
        tls->unsent = grown;
        tls->unsent_off = 0;
        tls->unsent_len = have;
        tls->unsent_cap = cap;
    }
    memcpy(tls->unsent + tls->unsent_len, bytes, len);
    tls->unsent_len += len;
}

/* Return: bytes that the kernel took, less than @len when it wants no more; -errno. */
static ssize_t send_some(struct cs_tls *tls, const uint8_t *bytes, size_t len)
{
    if (!tls->writable)
        return 0;
    ssize_t n;
    do
        n = send(tls->fd, bytes, len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
        tls->sock_errno = errno;
        tls->readable = tls->hangup = true; /* what the peer said before it went may be there */
        return -tls->sock_errno;
    }
    if (n < 0)
        n = 0;
    tls->facts.bytes_out += (uint64_t)n;
    tls->writable = (size_t)n == len;
    return n;
}

static int flush_unsent(struct cs_tls *tls)
{
    ssize_t n = send_some(tls, tls->unsent + tls->unsent_off, unsent(tls));
    if (n < 0)
        return (int)n;
    tls->unsent_off += (size_t)n;
    if (unsent(tls) > 0)
        return -EAGAIN;
    free(tls->unsent);
    tls->unsent = NULL;
    tls->unsent_off = tls->unsent_len = tls->unsent_cap = 0;
    return 0;
}

static int flush_shared(struct cs_tls *tls)
{
    struct cs_tls_io *io = tls->io;
    ssize_t n = send_some(tls, io->out, io->out_len);
    size_t len = io->out_len;
    io->out_owner = NULL;
    io->out_len = 0;
    if (n < 0)
        return (int)n;
    if ((size_t)n == len)
        return 0;
    keep_unsent(tls, io->out + n, len - (size_t)n);
    return -EAGAIN;
}

int cs_transport_flush(struct cs_tls *tls)
{
    if (tls->sock_errno)
        return -tls->sock_errno;
    if (unsent(tls) > 0)
        return flush_unsent(tls);
    return shared_out(tls) > 0 ? flush_shared(tls) : 0;
}

static void claim_out(struct cs_tls *tls)
{
    struct cs_tls_io *io = tls->io;
    if (io->out_owner == tls)
        return;
    if (io->out_owner)
        (void)!flush_shared(io->out_owner); /* a failure shows when its turn comes */
    io->out_owner = tls;
    io->out_len = 0;
}

/* Return: @len, all of it collected; or -EAGAIN, or -errno. */
static int transport_write(struct cs_tls *tls, const uint8_t *bytes, size_t len)
{
    if (tls->sock_errno)
        return -tls->sock_errno;
    if (unsent(tls) == 0 && len > cs_transport_room(tls)) {
        int r = cs_transport_flush(tls);
        if (r < 0 && r != -EAGAIN)
            return r;
    }
    if (unsent(tls) > 0 || len > OUT_ROOM) {
        if (unsent(tls) + len > UNSENT_MAX)
            return -EAGAIN;
        keep_unsent(tls, bytes, len);
        return (int)len;
    }
    claim_out(tls);
    memcpy(tls->io->out + tls->io->out_len, bytes, len);
    tls->io->out_len += len;
    return (int)len;
}

void cs_transport_drop(struct cs_tls *tls)
{
    struct cs_tls_io *io = tls->io;
    if (io->in_owner == tls) {
        io->in_owner = NULL;
        io->in_off = io->in_len = 0;
    }
    if (io->out_owner == tls) {
        io->out_owner = NULL;
        io->out_len = 0;
    }
    free_left(tls);
    free(tls->unsent);
    tls->unsent = NULL;
}

/* --- the BIO --- */

static int bio_result(BIO *bio, int n, int retry)
{
    struct cs_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (n >= 0)
        return n;
    if (n == -EAGAIN)
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    else
        tls->sock_errno = -n;
    return -1;
}

static int bio_read(BIO *bio, char *buf, int len)
{
    return bio_result(bio, transport_read(BIO_get_data(bio), buf, (size_t)len), BIO_FLAGS_READ);
}

static int bio_write(BIO *bio, const char *bytes, int len)
{
    int n = transport_write(BIO_get_data(bio), (const uint8_t *)bytes, (size_t)len);
    return bio_result(bio, n, BIO_FLAGS_WRITE);
}

static long bio_ctrl(BIO *bio, int command, long number, void *ptr)
{
    return command == BIO_CTRL_FLUSH; /* the session flushes when its turn ends */
}

static BIO_METHOD *bio_method(void)
{
    static BIO_METHOD *method;
    if (method)
        return method;
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "countersign");
    cs_assert(method != NULL);
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_ctrl);
    return method;
}

BIO *cs_transport_bio(struct cs_tls *tls)
{
    BIO *bio = BIO_new(bio_method());
    if (!bio)
        return NULL;
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    return bio;
}
