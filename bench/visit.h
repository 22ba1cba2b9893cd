/* One client of the load: a connection made of the gateway's own parts (its event loop, its
 * TLS session, its HTTP parser) that asks the same question again and again and looks at
 * every answer. */
#ifndef CS_BENCH_VISIT_H
#define CS_BENCH_VISIT_H

#include "base/addr.h"
#include "base/arena.h"
#include "http/h1.h"
#include "io/loop.h"
#include "latency.h"
#include "pace.h"
#include "tls/session.h"
#include "x509/trust.h"

enum cs_visit_mode {
    CS_VISIT_HANDSHAKE, /* a new connection and a full handshake for each request */
    CS_VISIT_REFUSAL,   /* the same; being refused is what is wanted, and an answer an error */
    CS_VISIT_RESUME,    /* the same, resumed: a full handshake is an error */
    CS_VISIT_KEEPALIVE, /* one request after the other */
    CS_VISIT_MIXED,     /* ten requests a connection; of four connections three are resumed */
    CS_VISIT_PACED,     /* kept connections that ask when the timetable says */
    CS_VISIT_IDLE,      /* one request, then hold the connection until told to ask again */
};

/* What can go wrong; each is counted. */
enum cs_visit_error {
    CS_VISIT_CONNECT,
    CS_VISIT_TLS,         /* the handshake failed on this side, or was cut off */
    CS_VISIT_REFUSED,     /* the server sent an alert */
    CS_VISIT_NOT_RESUMED, /* a full handshake where a resumption was due */
    CS_VISIT_CUT,         /* the connection ended before the answer did */
    CS_VISIT_HEAD,        /* not HTTP as it should be */
    CS_VISIT_STATUS,
    CS_VISIT_LENGTH,
    CS_VISIT_CONTENT,
    CS_VISIT_TIMEOUT,
    CS_VISIT_SERVED, /* where a refusal was due */
    CS_VISIT_N_ERRORS,
};

/* What all clients share. */
struct cs_load {
    /* the question and the right answer */
    struct cs_addr addr;
    struct cs_str host;
    struct cs_str request;
    unsigned status;
    struct cs_str content; /* what a body must be; empty pointer: the first one is kept instead */
    bool learn;            /* append bodies to learnt instead of comparing them */
    struct cs_buf learnt;
    enum cs_visit_mode mode;

    struct cs_loop loop;
    struct cs_tls_io io;
    struct cs_tls_client *client;
    struct cs_trust *trust;
    struct cs_arena arena;    /* as long as the load */
    struct cs_arena scratch;  /* one answer */
    struct cs_str known_leaf; /* the server's certificate, once it was found good */

    bool counting; /* operations are recorded */
    bool draining; /* nothing new is begun */
    unsigned errors[CS_VISIT_N_ERRORS], n_errors;
    struct cs_str first_error;
    unsigned last_status;
    uint64_t n_done, n_body_bytes;
    uint64_t n_reconnects; /* announced by the server; no error */
    unsigned n_resting;    /* held connections that have their answer */
    struct cs_latency latency;
    struct cs_str protocol, cipher, group; /* of the first handshake */
    struct cs_pace pace;                   /* of CS_VISIT_PACED */
    struct cs_list waiting;                /* visits without a request that is due */
    void (*on_done)(struct cs_load *load, bool good);
};

struct cs_visit {
    struct cs_load *load;
    struct cs_watch watch;
    struct cs_timer timer;
    struct cs_task again;
    struct cs_tls *tls;
    bool (*stage)(struct cs_visit *visit); /* what to try next; returns whether to go on */
    struct cs_list link;                   /* in load->waiting */
    unsigned n;                            /* which one of the load's */
    unsigned n_connections, n_asked;       /* in all; on this connection */
    char key[40];                          /* what the session is remembered under */
    bool primed;                           /* has a session to resume */
    bool resuming;                         /* this connection does */
    int64_t begun_ns;
    size_t n_sent;
    struct cs_buf head;
    struct cs_h1_scan scan;
    struct cs_h1_body body;
    bool in_body, keep_alive;
};

/** cs_visit_init() - client number @n of @load; nothing happens yet. */
void cs_visit_init(struct cs_visit *visit, struct cs_load *load, unsigned n);
/** cs_visit_start() - connect and go through the mode's cycle until the load drains. */
void cs_visit_start(struct cs_visit *visit);
/** cs_visit_ask_due() - waiting visits ask what @load's timetable has due. */
void cs_visit_ask_due(struct cs_load *load);
/** cs_visit_ask_again() - a held connection asks once more. */
void cs_visit_ask_again(struct cs_visit *visit);
/** cs_visit_end() - close, however far it is. */
void cs_visit_end(struct cs_visit *visit);

/** cs_visit_error_name() - "not resumed"; static. */
const char *cs_visit_error_name(enum cs_visit_error error);
/** cs_bench_now_ns() - the monotonic clock. */
int64_t cs_bench_now_ns(void);

#endif
