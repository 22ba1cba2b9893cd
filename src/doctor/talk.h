/* One conversation with deadlines, plain or in TLS, on a loop of its own.
 *
 * A diagnosis does one thing after the other and has nobody else to serve, so its calls wait:
 * each for what it is about, and never beyond the deadline that was set last.
 */
#ifndef CS_DOCTOR_TALK_H
#define CS_DOCTOR_TALK_H

#include "base/addr.h"
#include "io/loop.h"
#include "tls/session.h"

struct cs_talk {
    struct cs_loop loop;
    struct cs_watch watch;
    struct cs_tls_io io;
    struct cs_tls *tls; /* NULL: plain; freed with the talk */
    int fd;             /* -1: none; closed with the talk */
    int64_t deadline_ms;
};

/** cs_talk_init() - nobody to talk to yet. Return: 0, or -errno. */
int cs_talk_init(struct cs_talk *talk);
/** cs_talk_deinit() - hang up, without a word more. */
void cs_talk_deinit(struct cs_talk *talk);
/** cs_talk_limit() - what follows has @ms from now. */
void cs_talk_limit(struct cs_talk *talk, int64_t ms);
/** cs_talk_take() - talk over the connected socket @fd, which becomes the talk's.
 *  Return: 0, or -errno. */
int cs_talk_take(struct cs_talk *talk, int fd);
/** cs_talk_hang_up() - close the socket, so that another may be taken. Without TLS only. */
void cs_talk_hang_up(struct cs_talk *talk);
/** cs_talk_wait() - until something happens on the socket. Return: 0, -ETIMEDOUT, or -errno. */
int cs_talk_wait(struct cs_talk *talk);

/** cs_talk_connect() - make a connection to @addr. Return: 0, or -errno (-ETIMEDOUT: the kernel's,
 *  or the deadline). */
int cs_talk_connect(struct cs_talk *talk, const struct cs_addr *addr);
/** cs_talk_send() - send all of @bytes, without TLS. Return: 0, -ETIMEDOUT, or -errno. */
int cs_talk_send(struct cs_talk *talk, struct cs_str bytes);
/** cs_talk_receive() - what comes, without TLS: up to @len bytes. Return: 0 with *ret_n at least
 *  1; -ENODATA (closed), -ETIMEDOUT, or -errno. */
int cs_talk_receive(struct cs_talk *talk, void *buf, size_t len, size_t *ret_n);

/** cs_talk_handshake() - the TLS handshake of talk->tls. Return: 0; -ETIMEDOUT; or -EPROTO: it
 *  failed, see the session's facts. */
int cs_talk_handshake(struct cs_talk *talk);
/** cs_talk_write() - send all of @bytes in TLS. Return: 0; -ETIMEDOUT; or -EPROTO. */
int cs_talk_write(struct cs_talk *talk, struct cs_str bytes);
/** cs_talk_read() - what comes in TLS: up to @len bytes. Return: 0 with *ret_n at least 1;
 *  -ENODATA (the peer said close_notify), -ECONNRESET (it ended without), -ETIMEDOUT, or -EPROTO
 *  (failed, see the facts). */
int cs_talk_read(struct cs_talk *talk, void *buf, size_t len, size_t *ret_n);

#endif
