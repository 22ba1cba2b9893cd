/* What a server and its connections hold. Private to this folder. */
#ifndef CS_SERVE_STATE_H
#define CS_SERVE_STATE_H

#include "base/shelf.h"
#include "io/socket.h"
#include "serve/crowd.h"
#include "serve/question.h"
#include "serve/server.h"
#include "serve/wire.h"
#include "tls/io.h"

/* How long an idle connection may stay when the server drains: a request may be on its way. */
#define CS_DRAIN_IDLE_MS 1000

/* Bytes of an answer's head and of what one step of a stream gives. */
#define CS_SERVING_OUT_MAX (2 << 20)

struct cs_listening {
    struct cs_watch watch;
    struct cs_server *server;
    struct cs_server_listen what;
};

struct cs_server {
    struct cs_server_spec spec;
    struct cs_h1_limits h1;
    struct cs_listening *listenings;
    struct cs_tls_server *tls; /* NULL: nothing to present yet */
    struct cs_trust *trust;
    struct cs_tls_io tls_io;
    struct cs_shelf shelf; /* blocks to read into */
    struct cs_buf scratch; /* what a stream gives */
    struct cs_list conns;  /* all */
    struct cs_crowd crowd; /* by address */
    size_t n_streams;
    struct cs_reserve reserve;
    struct cs_timer resume;
    bool paused, draining;
    void (*done)(void *ctx);
    struct cs_task tell_done;
};

enum cs_serving_state {
    CS_SERVING_HANDSHAKE,
    CS_SERVING_HEAD, /* waits for a request, or reads its head */
    CS_SERVING_BODY,
    CS_SERVING_HELD, /* the handler has it */
    CS_SERVING_ANSWER,
    CS_SERVING_STREAM,
    CS_SERVING_LINGER, /* nothing more is said; what the client still sends is thrown away */
    CS_SERVING_CLOSED,
};

struct cs_serving {
    struct cs_server *server;
    struct cs_wire wire;
    struct cs_timer timer;
    bool timed_out;
    struct cs_task reap;
    struct cs_list link, idle_link, stranger_link;
    struct cs_site *site;
    enum cs_serving_state state;
    bool running; /* inside cs_serving_run() */
    bool tls;
    struct cs_addr peer;

    struct cs_trust *trust; /* what the verdict borrows from */
    struct cs_arena judged;
    struct cs_verdict verdict;
    bool has_verdict;

    struct cs_buf in; /* received, not yet consumed */
    struct cs_h1_scan scan;
    bool begun; /* a request: its first byte is here */
    struct cs_h1_body decoder;
    struct cs_buf body;
    struct cs_question question;
    uint64_t n_requests;

    bool keep_alive; /* after this answer */
    bool unread;     /* the request has not been read to its end */
    unsigned status;
    const char *code;    /* of a refusal; NULL: none */
    struct cs_str allow; /* the methods that a path has, when it was asked in another way */
    int64_t began_ms;
    struct cs_buf out;  /* goes first */
    struct cs_str rest; /* and then this, which lies in the question's arena or in document */
    struct cs_document *document;
    struct cs_stream *stream;
    bool ending; /* the stream, when all of it has been sent */
};

/** cs_serving_accept() - take over @fd. */
void cs_serving_accept(struct cs_server *server, int fd, bool tls, const struct cs_addr *peer);
/** cs_serving_run() - go on until there is something to wait for. */
void cs_serving_run(struct cs_serving *conn);
/** cs_serving_resume() - go on soon; from outside of its own callbacks. */
void cs_serving_resume(struct cs_serving *conn);
/** cs_serving_deadline() - the time in this state ends @in_ms from now; 0: no deadline. */
void cs_serving_deadline(struct cs_serving *conn, int64_t in_ms);
/** cs_serving_close() - give up everything, and free it once nobody holds its question. */
void cs_serving_close(struct cs_serving *conn);
/** cs_serving_idle() - whether no request has begun on it, nor can its answer be under way. */
bool cs_serving_idle(const struct cs_serving *conn);
/** cs_serving_end_stream() - end it as if there were no more, and then the connection. */
void cs_serving_end_stream(struct cs_serving *conn);
/** cs_serving_answered() - the request is over: release what it took, and write a line about it. */
void cs_serving_answered(struct cs_serving *conn);

/** cs_server_log() - one line. */
void cs_server_log(const struct cs_server *server, enum cs_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** cs_server_left() - a connection has been closed. */
void cs_server_left(struct cs_server *server);

#endif
