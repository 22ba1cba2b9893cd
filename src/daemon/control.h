/* The control socket: how `countersign status` and its like talk to a running service.
 *
 * A Unix-domain socket, for root and for the supervisor's own account. A request is one line with
 * one JSON object, whose member "do" says what is to be done; the answer is one line with one
 * object: {"ok":true,…}, or {"ok":false,"error":"…"}. An answer may take its time; a connection has
 * one request under way.
 */
#ifndef CS_DAEMON_CONTROL_H
#define CS_DAEMON_CONTROL_H

#include "base/list.h"
#include "daemon/mainlog.h"
#include "io/loop.h"

struct json_t; /* of jansson */

/* Bytes of a request. */
#define CS_CONTROL_REQUEST_MAX 65536
/* Connections at the same time. */
#define CS_CONTROL_SESSIONS 16

struct cs_asked; /* a request that waits for its answer */

/* Zeroed, it may be given to cs_control_close(). Its address must not change while it is open. */
struct cs_control {
    struct cs_loop *loop;
    const struct cs_mainlog *log;
    struct cs_watch watch;
    char *path; /* NULL: it is not open */
    uint64_t device, inode;
    struct cs_list sessions;
    unsigned n_sessions;
    /* @request is borrowed; @asked is to be answered, now or later. */
    void (*asked)(void *ctx, struct json_t *request, struct cs_asked *asked);
    void *ctx;
};

/** cs_control_init() - nobody is listened to yet; what is given outlives the control. */
void cs_control_init(struct cs_control *control, struct cs_loop *loop, const struct cs_mainlog *log,
                     void (*asked)(void *ctx, struct json_t *request, struct cs_asked *asked),
                     void *ctx);
/** cs_control_open() - listen at @path from now on, and nowhere else. A socket that is there
 * already is replaced: the service that was started last has the name. Return: 0, or -errno,
 * nothing having changed. */
int cs_control_open(struct cs_control *control, const char *path);
/** cs_control_close() - listen no more, and remove the path unless somebody else has taken it. */
void cs_control_close(struct cs_control *control);
/** cs_control_isolate() - in a forked child: close its copies. */
void cs_control_isolate(struct cs_control *control);

/** cs_asked_answer() - the answer to @asked, which is over; a reference to @answer is taken over.
 * Who asked may have gone. */
void cs_asked_answer(struct cs_asked *asked, struct json_t *answer);
/** cs_asked_refuse() - the answer is that it cannot be done, and why: one clause. */
void cs_asked_refuse(struct cs_asked *asked, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** cs_control_dial() - for a client: a blocking connection to the service at @path. Return: a
 *  descriptor, or -errno. */
int cs_control_dial(const char *path);

#endif
