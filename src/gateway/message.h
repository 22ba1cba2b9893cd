/* What supervisor and worker say to each other over their channel (io/channel.h).
 *
 * The supervisor tells, the worker does it between two events of its own and replies: one reply
 * for each message, in the order of the messages, by number. What can be told is the table in
 * messages.def. Beside replies a worker says two things of itself: that it
 * serves, and what it would like an OCSP responder to be asked.
 */
#ifndef CS_GATEWAY_MESSAGE_H
#define CS_GATEWAY_MESSAGE_H

#include "base/buf.h"
#include "io/channel.h"

struct cs_worker;

/* To a worker. Behind the type of every message: its number, 8 bytes in this machine's order. */
enum cs_tell {
#define CS_TELL(name, take, doc) CS_TELL_##name,
#include "gateway/messages.def"
#undef CS_TELL
    CS_TELL_COUNT,
};

/* From a worker. */
enum cs_report {
    CS_REPORT_READY,    /* it serves; no bytes */
    CS_REPORT_REPLY,    /* struct cs_reply_head, and what the message has for a reply */
    CS_REPORT_QUESTION, /* for an OCSP responder, as cs_standing_question_write() has it */
};

struct cs_reply_head {
    uint64_t number; /* of the message */
    int32_t result;  /* 0: done; else a negative errno, and the reply is why, in words */
};

/* The most bytes of a message and of a reply. */
#define CS_TELL_MAX (CS_MESSAGE_MAX - sizeof(uint64_t))
#define CS_REPLY_MAX (CS_MESSAGE_MAX - sizeof(struct cs_reply_head))

/* A function of messages.def: do what @message says. @reply takes what is to be said back. The
 * descriptor that came along may be kept. Return: 0, or -errno with words in @reply. */
typedef int cs_tell_fn(struct cs_worker *worker, struct cs_channel_message *message,
                       struct cs_buf *reply);

#define CS_TELL(name, take, doc) cs_tell_fn take;
#include "gateway/messages.def"
#undef CS_TELL

/** cs_worker_listen() - listen to the supervisor at @fd, which becomes the worker's; -1: there is
 *  none. Return: 0, or -errno. */
int cs_worker_listen(struct cs_worker *worker, int fd);
/** cs_worker_ready() - tell the supervisor that the worker serves. Return: 0, or -errno. */
int cs_worker_ready(struct cs_worker *worker);

#endif
