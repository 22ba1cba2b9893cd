/* One request and its answer.
 *
 * Texts borrow from the request's own copy of the head or live in its arena; both last until
 * the request is over.
 */
#ifndef CS_GATEWAY_REQUEST_H
#define CS_GATEWAY_REQUEST_H

#include "base/arena.h"
#include "base/buf.h"
#include "config/template.h"
#include "http/h1.h"
#include "policy/policy.h"
#include "route/regex.h"
#include "telemetry/record.h"

#include <stdalign.h>
#include <stddef.h>

struct cs_conn;
struct cs_exchange;
struct cs_incident;
struct cs_telling;
struct cs_scope;
struct cs_vserver;

struct cs_request {
    alignas(max_align_t) struct cs_conn *conn; /* aligned for the arena behind the struct */
    struct cs_arena arena;
    struct cs_h1_limits limits;
    struct cs_h1_scan scan;
    struct cs_h1_request head;
    bool has_head;  /* the head was understood */
    bool pipelined; /* its first bytes came with the request before */
    int64_t start_mono_ms, start_wall_ms;

    const struct cs_vserver *server; /* by Host */
    const struct cs_scope *scope;    /* settings in force; never NULL */
    struct cs_str method;            /* becomes GET in error pages */
    struct cs_str path;              /* normalised: $uri */
    struct cs_str args;              /* without "?" */
    struct cs_str origin;            /* path and args as sent; NULL pointer once rewritten */
    struct cs_str host;              /* canonical; empty without one */
    struct cs_decision decision;     /* of authorize */
    struct cs_decision admission;    /* of the rules about identities, where it has come to */
    const struct cs_permit *permit;
    unsigned n_jumps;    /* internal redirects so far */
    bool internal;       /* reached by error_page or rewrite */
    bool script_stopped; /* `break` was met */
    bool path_changed;   /* a rewrite changed the path since the location was chosen */
    char id[32];         /* $request_id */
    bool has_id;

    struct cs_str *slots;        /* variables of set and named captures */
    struct cs_str *maps;         /* values of maps, ptr NULL: not computed */
    struct cs_captures captures; /* groups of the last regular expression that matched */

    struct cs_h1_body body;
    bool body_ended; /* the whole request body was taken from the client */
    uint64_t body_received;
    bool continued; /* 100 Continue was sent */

    const struct cs_incident *incident; /* why it was refused; NULL: it was not */
    struct cs_telling *telling;         /* of that, until its answer begins; NULL: nothing */

    int next_stage;    /* where a statement that answered leads */
    int status;        /* of the answer; 0: none yet */
    int error_status;  /* the status that led to an error page; 0: none */
    int forced_status; /* answer of error_page `=code`; 0: none */
    struct cs_str answer_body, answer_type, answer_location;
    bool answer_is_ready;         /* answer_body is what to send, even when empty */
    bool without_body;            /* its body is not for an upstream any more */
    bool cut_off;                 /* the answer could not be completed: end without a word */
    bool keep_alive;              /* the connection may serve another request */
    bool head_sent;               /* the response head has been put into out */
    bool chunked;                 /* the response body is sent in chunks */
    struct cs_headers sent;       /* headers of the response, for $sent_http_… */
    struct cs_buf out;            /* to the client */
    struct cs_exchange *exchange; /* with an upstream; NULL: none */
    struct cs_target target;
    struct cs_outcome outcome;
};

/* A request, and behind it the memory that its arena begins with: enough for most. */
enum { CS_REQUEST_ARENA = 4096, CS_REQUEST_BLOCK = sizeof(struct cs_request) + CS_REQUEST_ARENA };

/** cs_request_begin() - a fresh request on @conn, whose head is to be received. */
void cs_request_begin(struct cs_conn *conn);
/** cs_request_end() - give back everything the request holds. Harmless when there is none. */
void cs_request_end(struct cs_conn *conn);
/** cs_request_set_scope() - settings of @location apply from now on. */
void cs_request_set_scope(struct cs_request *request, const struct cs_scope *scope);
/** cs_request_variable() - value of the variable with @index; a cs_variable_value_fn whose
 *  context is the request. */
struct cs_str cs_request_variable(void *request, int index);
/** cs_request_builtin() - value of a built-in variable (enum cs_builtin). */
struct cs_str cs_request_builtin(struct cs_request *request, int builtin);
/* Bytes of a value that is joined from many. */
enum { CS_JOINED_MAX = 1 << 20 };

/** cs_request_joined() - what was collected in @buf, which is freed. Lives as long as the
 *  request. */
struct cs_str cs_request_joined(struct cs_request *request, struct cs_buf *buf);
/** cs_request_eval() - a template's text now; lives as long as the request. */
struct cs_str cs_request_eval(struct cs_request *request, const struct cs_template *text);

/** cs_answer() - answer with @status: an error page or the standard text.
 *  Return: the stage to enter. */
int cs_answer(struct cs_conn *conn, int status);
/** cs_answer_text() - answer with @status and @text as `return` does (a redirect for 301, 302,
 *  303, 307 and 308). Return: the stage to enter. */
int cs_answer_text(struct cs_conn *conn, int status, struct cs_str text);
/** cs_admit() - whether the rules about identities of the scope in force let the client ask. If
 * not, the request is refused, with a record, and next_stage is the stage to enter. */
bool cs_admit(struct cs_conn *conn);
/** cs_close_silently() - end the connection without a word; @status is for the log.
 *  Return: the stage to enter. */
int cs_close_silently(struct cs_conn *conn, int status);
/** cs_route_named() - go on in the location @name ("@x"). Return: the stage to enter. */
int cs_route_named(struct cs_conn *conn, struct cs_str name);

/** cs_server_token() - what the Server header says under @scope's server_tokens. Static. */
struct cs_str cs_server_token(const struct cs_scope *scope);
/** cs_head_begin() - start the response head in out: status line, Server, Date. */
void cs_head_begin(struct cs_request *request, int status, struct cs_str reason);
/** cs_head_add() - one more header; remembered for $sent_http_…. */
void cs_head_add(struct cs_request *request, struct cs_str name, struct cs_str value);
/** cs_head_add_known() - the same with the name's id already looked up. */
void cs_head_add_known(struct cs_request *request, struct cs_str name, struct cs_str value,
                       enum cs_header_id known);
/** cs_head_add_id() - the same for a frequent name, in its usual spelling. */
void cs_head_add_id(struct cs_request *request, enum cs_header_id id, struct cs_str value);
/** cs_head_end() - add_header rules, Connection, and the empty line. */
void cs_head_end(struct cs_request *request);

/** cs_body_begin() - framing of the request body, from its head. */
void cs_body_begin(struct cs_request *request);
/** cs_body_discard() - take what has already arrived of the body. Return: whether it ended. */
bool cs_body_discard(struct cs_request *request);

#endif
