/* HTTP/1.0 and 1.1 (RFC 9112) without sockets: bytes in, values out, values in, bytes out.
 *
 * Reading goes head, parse, body:
 *
 *   cs_h1_head_find()       where does the head end? Resumes at any byte, fails early.
 *   cs_h1_request_parse()   the head as values that borrow from the caller's buffer.
 *   cs_h1_body_feed()       the body as slices of the caller's buffer, framing removed.
 *
 * The parser is strict: whatever two HTTP implementations could read differently (lengths,
 * line ends, folding, spaces, chunk sizes) is refused, in requests and in responses alike. A
 * bare LF from an upstream is refused too.
 */
#ifndef CS_HTTP_H1_H
#define CS_HTTP_H1_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/h1_error.h"
#include "http/headers.h"
#include "http/message.h"
#include "http/target.h"

/* What a peer may send. The values are nginx's large_client_header_buffers and friends. */
struct cs_h1_limits {
    size_t max_line;               /* bytes of the first line or of one header line */
    size_t max_head;               /* bytes of the whole head */
    unsigned max_headers;          /* header lines */
    bool underscores_in_headers;   /* keep request headers whose name has '_' */
    bool unusual_names_in_headers; /* keep request headers with other token bytes in the name
                                      (nginx's ignore_invalid_headers off) */
};

/* nginx's defaults: 4 buffers of 8k. */
#define CS_H1_LIMITS_DEFAULT                                                                       \
    (struct cs_h1_limits)                                                                          \
    {                                                                                              \
        .max_line = 8192, .max_head = 32768, .max_headers = 200                                    \
    }

enum cs_h1_kind { CS_H1_REQUEST, CS_H1_RESPONSE, CS_H1_TRAILERS };

/* The search for the end of a head. Fields but start and error are private. */
struct cs_h1_scan {
    const struct cs_h1_limits *limits;
    size_t start;     /* where the head begins: behind skipped empty lines */
    size_t pos;       /* bytes looked at */
    size_t line;      /* where the current line begins */
    unsigned n_lines; /* header lines begun */
    uint8_t kind;     /* enum cs_h1_kind */
    uint8_t state;
    enum cs_h1_error error; /* why, after a refusal */
};

/** cs_h1_scan_init() - ready for the first byte of a head. @limits is borrowed until the head
 *  is found. */
void cs_h1_scan_init(struct cs_h1_scan *scan, enum cs_h1_kind kind,
                     const struct cs_h1_limits *limits);
/** cs_h1_head_find() - look for the end of the head in @bytes: all bytes received so far,
 *  from the first on (they may have moved; those already seen are not looked at again).
 *  Up to four empty lines before a request are skipped (RFC 9112 section 2.2). What cannot
 *  become a head is refused at the byte that says so, limits included.
 *  Return: 0 more bytes are needed; > 0 the head is [scan->start, return), its final empty
 *  line included; -EBADMSG refused, scan->error says why. */
ssize_t cs_h1_head_find(struct cs_h1_scan *scan, struct cs_str bytes);

/* How a body ends (RFC 9112 section 6.3). */
enum cs_h1_framing {
    CS_H1_BODY_NONE,
    CS_H1_BODY_LENGTH, /* content_length bytes, maybe 0 */
    CS_H1_BODY_CHUNKED,
    CS_H1_BODY_UNTIL_CLOSE, /* responses only */
};

/* A request head. Texts borrow from the head. */
struct cs_h1_request {
    enum cs_http_method method;
    struct cs_str method_text;
    struct cs_str line;        /* the whole request line, without CR LF: $request */
    struct cs_str target;      /* as sent */
    struct cs_http_target uri; /* the parts of target */
    unsigned minor;            /* HTTP/1.minor: 0 or 1 */
    struct cs_headers headers;

    struct cs_str host;      /* host without port, as sent: of an absolute target, else of
                                Host; NULL pointer when there is none (HTTP/1.0) */
    struct cs_str authority; /* the same with its port, if one was given: $http_host's meaning */
    enum cs_h1_framing framing;
    uint64_t content_length; /* with CS_H1_BODY_LENGTH */
    bool has_length;         /* whether Content-Length was sent */
    bool keep_alive;         /* the client wants the connection to stay */
    bool expect_continue;    /* waits for 100 before sending the body (1.1 only) */
    bool upgrade;            /* Connection: upgrade with Upgrade, 1.1 only */

    unsigned n_dropped;    /* headers left out because of their names */
    struct cs_str dropped; /* name of the first of those */
};

/** cs_h1_request_parse() - read a request head: from the first byte of the request line to
 *  the end of the empty line. The list of headers lives in @arena, texts borrow from @head.
 *  Return: 0; or -EBADMSG with the reason in *ret_error (CS_H1_OK otherwise). */
int cs_h1_request_parse(struct cs_str head, const struct cs_h1_limits *limits,
                        struct cs_arena *arena, struct cs_h1_request *ret,
                        enum cs_h1_error *ret_error);

/* A response head from an upstream. Texts borrow from the head. */
struct cs_h1_response {
    unsigned status;      /* 100..999 */
    struct cs_str reason; /* maybe empty */
    struct cs_str line;   /* the whole status line, without CR LF */
    unsigned minor;
    struct cs_headers headers;

    enum cs_h1_framing framing; /* of what follows; NONE for HEAD, 1xx, 204, 304 */
    uint64_t content_length;    /* with CS_H1_BODY_LENGTH; also what a HEAD response says */
    bool has_length;            /* whether Content-Length was sent */
    bool keep_alive;            /* the upstream keeps the connection, and its end is known */
    bool interim;               /* 1xx but 101: another response follows */
    bool upgraded;              /* 101: what follows is another protocol; refuse it where the
                                   request asked for none */
};

/** cs_h1_response_parse() - read a response head; @method is that of the request it answers
 *  (RFC 9112 section 6.3). Lifetimes and outcomes as cs_h1_request_parse(). */
int cs_h1_response_parse(struct cs_str head, enum cs_http_method method,
                         const struct cs_h1_limits *limits, struct cs_arena *arena,
                         struct cs_h1_response *ret, enum cs_h1_error *ret_error);

/** cs_h1_fields_parse() - header lines and the final empty line, without a first line: a
 *  trailer section. Outcomes as cs_h1_request_parse(). */
int cs_h1_fields_parse(struct cs_str bytes, const struct cs_h1_limits *limits,
                       struct cs_arena *arena, struct cs_headers *ret, enum cs_h1_error *ret_error);

/* What feeding a body came to; refusal is -EBADMSG. */
enum {
    CS_H1_MORE = 0, /* feed what follows the consumed bytes */
    CS_H1_DONE = 1, /* the body is over; the bytes not consumed belong to what follows */
};

/* A body being decoded. Fields are private but total, error and trailers. */
struct cs_h1_body {
    enum cs_h1_framing framing;
    uint8_t state;
    uint8_t digits;         /* of a chunk size */
    uint64_t left;          /* bytes of the body or chunk to come */
    uint64_t total;         /* body bytes given out so far */
    size_t n_extension;     /* bytes of the current chunk's extensions */
    size_t n_extensions;    /* bytes of all extensions */
    struct cs_h1_scan scan; /* over trailers.ptr */
    struct cs_buf trailers; /* the trailer section as sent, when there is one */
    enum cs_h1_error error; /* why, after a refusal */
};

/* Chunk extensions are skipped; a sender of many is up to no good. */
#define CS_H1_MAX_EXTENSION 256
#define CS_H1_MAX_EXTENSIONS 16384

/** cs_h1_body_init() - ready for the first byte of a body. @length matters with
 *  CS_H1_BODY_LENGTH; @limits bounds trailers and is borrowed. */
void cs_h1_body_init(struct cs_h1_body *body, enum cs_h1_framing framing, uint64_t length,
                     const struct cs_h1_limits *limits);
/** cs_h1_body_deinit() - free what trailers took. */
void cs_h1_body_deinit(struct cs_h1_body *body);
/** cs_h1_body_feed() - take body bytes off the front of @in. *ret_data is the slice of @in
 *  that is content (maybe empty), *ret_consumed how much of @in is dealt with, framing
 *  included. One call gives one slice: go on while bytes remain and the outcome is
 *  CS_H1_MORE. Each call that is given bytes consumes some or ends.
 *  Return: CS_H1_MORE, CS_H1_DONE (also on an empty @in when nothing is to come), or
 *  -EBADMSG, body->error says why. All out parameters are written in any case. */
int cs_h1_body_feed(struct cs_h1_body *body, struct cs_str in, size_t *ret_consumed,
                    struct cs_str *ret_data);
/** cs_h1_body_eof() - the sender closed. Return: 0 when the body is complete by that
 *  (until-close, or done already); -EBADMSG when it is cut off (CS_H1_TRUNCATED). */
int cs_h1_body_eof(struct cs_h1_body *body);
/** cs_h1_body_trailers() - the trailer fields of a body that is done, without those that
 *  must not be there (framing, routing, credentials, identity: RFC 9110 section 6.5.1). The
 *  list lives in @arena, texts borrow from @body. */
void cs_h1_body_trailers(const struct cs_h1_body *body, struct cs_arena *arena,
                         struct cs_headers *ret);

/* Room for a chunk's first line. */
#define CS_H1_CHUNK_HEAD 18

/** cs_h1_chunk_head() - "1a\r\n" for a chunk of @size bytes, size > 0. After its data comes
 *  CR LF. Return: text in @buf. */
struct cs_str cs_h1_chunk_head(uint64_t size, char buf[CS_H1_CHUNK_HEAD]);
/** cs_h1_write_last_chunk() - "0\r\n", trailer fields (NULL: none), "\r\n".
 *  Return: 0, or -ENOBUFS. */
int cs_h1_write_last_chunk(struct cs_buf *buf, const struct cs_headers *trailers);

/** cs_h1_write_request_line() - "GET /x HTTP/1.1\r\n". @method and @target must have no
 *  space or control byte. Return: 0, or -ENOBUFS, or -EINVAL (nothing written). */
int cs_h1_write_request_line(struct cs_buf *buf, struct cs_str method, struct cs_str target,
                             unsigned minor);
/** cs_h1_write_status_line() - "HTTP/1.1 200 OK\r\n"; an empty @reason is looked up.
 *  Internal statuses (494..497) leave as 400. Return: 0, or -ENOBUFS. */
int cs_h1_write_status_line(struct cs_buf *buf, unsigned status, struct cs_str reason);
/** cs_h1_write_header() - "name: value\r\n". Control bytes in @value but the tab become spaces
 *  (RFC 9110 section 5.5), so that no value can end a line.
 *  Return: 0; -ENOBUFS; -EINVAL (@name is no token): nothing written. */
int cs_h1_write_header(struct cs_buf *buf, struct cs_str name, struct cs_str value);
/** cs_h1_write_headers() - every field of the list. Return: as cs_h1_write_header(). */
int cs_h1_write_headers(struct cs_buf *buf, const struct cs_headers *headers);
/** cs_h1_write_end() - the empty line. Return: 0, or -ENOBUFS. */
int cs_h1_write_end(struct cs_buf *buf);

#endif
