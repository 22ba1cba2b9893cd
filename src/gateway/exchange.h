/* One request's dealings with an upstream: which server, how far, what may be tried again. */
#ifndef CS_GATEWAY_EXCHANGE_H
#define CS_GATEWAY_EXCHANGE_H

#include "base/buf.h"
#include "gateway/upstream.h"
#include "http/h1.h"

struct cs_request;

enum cs_exchange_phase {
    CS_EXCHANGE_COLLECT,  /* taking in a short request body before anybody is asked */
    CS_EXCHANGE_PICK,     /* choosing a server */
    CS_EXCHANGE_CONNECT,  /* TCP, TLS */
    CS_EXCHANGE_TRANSFER, /* bytes both ways */
    CS_EXCHANGE_TUNNEL,   /* after an upgrade: bytes both ways until somebody ends it */
    CS_EXCHANGE_OVER,
};

/* Which time runs for the upstream. */
enum cs_exchange_clock {
    CS_CLOCK_SEND, /* to take the request, connecting included */
    CS_CLOCK_READ, /* to send the response */
    CS_CLOCK_NONE, /* the client is waited for */
};

/* One server asked: what $upstream_… variables tell. Times are -1 until they are known. */
struct cs_attempt {
    bool first; /* of an exchange */
    struct cs_str address;
    int status; /* received, or ours for a failure; 0: none yet */
    int64_t connect_ms, header_ms, response_ms;
};

struct cs_exchange {
    enum cs_exchange_phase phase;
    const struct cs_proxy *proxy;
    struct cs_upconn *up;
    bool reused;        /* the connection had served others */
    bool in_balance;    /* the balancing counts know about it */
    size_t up_peer;     /* the server chosen, among the upstream's */
    int64_t attempt_ms; /* monotonic: when this attempt began */
    bool stale;         /* the last failure was a pooled connection's that had ended meanwhile */
    bool retry_same;    /* a stale pooled connection failed: the same server, afresh */
    bool push_broken;   /* the upstream takes no more of the request */
    uint64_t *tried;    /* bitmap of servers tried */
    unsigned tries;
    unsigned n_interim; /* answers 1xx */
    enum cs_exchange_clock clock;
    int64_t start_ms;
    struct cs_attempt *attempts; /* one per server asked, oldest first, also by the exchanges */
    unsigned n_attempts;         /* whose error page this one fetches */
    int last_status;             /* how the attempt before ended, when it failed */

    struct cs_buf out;  /* to the upstream */
    struct cs_buf kept; /* decoded request body so far, for another try */
    bool body_lost;     /* more was sent than kept: no other try */
    bool request_begun; /* the upstream may have seen bytes of it */
    bool request_sent;  /* all of it is in out */
    bool chunk_body;    /* the request body goes out in chunks */

    struct cs_h1_limits limits;
    struct cs_h1_scan scan;
    struct cs_h1_response head;
    bool has_head;
    struct cs_h1_body body;
    bool body_ended;
    uint64_t received, sent;
    uint64_t client_took; /* of this connection's bytes, when the client was last waited for */
};

/** cs_exchange_stop() - the upstream is not needed any more; what it said stays readable.
 *  Harmless when there is none. */
void cs_exchange_stop(struct cs_request *request);
/** cs_exchange_end() - let go of the upstream. Harmless when there is none. */
void cs_exchange_end(struct cs_request *request);
/** cs_exchange_headers() - headers of the upstream's response; empty before it came. */
const struct cs_headers *cs_exchange_headers(const struct cs_request *request);
/** cs_exchange_attempt() - the attempt under way. There is one. */
struct cs_attempt *cs_exchange_attempt(const struct cs_request *request);
/** cs_exchange_body_bytes() - bytes of the response body so far. */
uint64_t cs_exchange_body_bytes(const struct cs_request *request);
/** cs_exchange_received() - bytes received from the upstream so far. */
uint64_t cs_exchange_received(const struct cs_request *request);
/** cs_exchange_sent() - bytes sent to the upstream so far. */
uint64_t cs_exchange_sent(const struct cs_request *request);

/* forward.c: the request as the upstream gets it, the response as the client gets it. */
/** cs_forward_request_head() - request line and headers into exchange->out. Return: 0, or
 *  negative when they cannot be written: nothing may be sent then. */
int cs_forward_request_head(struct cs_request *request);
/** cs_sends_body() - whether the request's body goes to the upstream: not when an error page is
 *  fetched from it. */
bool cs_sends_body(const struct cs_request *request);
/** cs_forward_response_head() - status line and headers into request->out. */
void cs_forward_response_head(struct cs_request *request);

#endif
