/* One request as its handler sees it, and how it is answered.
 *
 * A handler is given a question whose body has arrived whole. It answers at once, or keeps the
 * pointer and answers later, from the same thread: exactly once, and it is not touched afterwards.
 * While it waits nothing more is read from its client.
 */
#ifndef CS_SERVE_QUESTION_H
#define CS_SERVE_QUESTION_H

#include "base/addr.h"
#include "base/arena.h"
#include "base/findings.h"
#include "base/list.h"
#include "http/h1.h"
#include "serve/routes.h"
#include "x509/chain.h"

struct cs_serving;

struct cs_question {
    struct cs_h1_request head;
    const struct cs_route *route;
    struct cs_str path;                  /* normalised, without arguments */
    struct cs_str holes[CS_ROUTE_HOLES]; /* what stood in those of the route's pattern */
    struct cs_str body;                  /* borrowed until the answer */
    const struct cs_addr *peer;
    const struct cs_verdict *client; /* the good certificate of the client; NULL: none. With
                                        CS_ROUTE_CLIENT there always is one */
    struct cs_arena arena;           /* lives until the answer has been sent */
    struct cs_findings findings;     /* in it, empty: for what the handler finds */
    struct cs_list link;             /* the handler's, in no list */
    unsigned retry_sec;              /* the handler's: when to come again; 0: nothing is said */
    struct cs_str subject;           /* the handler's: whom or what it was about, for the log */
    struct cs_serving *conn;         /* private */
};

/* Bytes that many are answered with: counted, so that a slow reader keeps the version it began
 * with. */
struct cs_document {
    unsigned refs;
    const char *type;
    struct cs_str bytes; /* owned */
    char etag[36];       /* quoted; made of the bytes */
    int64_t fresh_until; /* seconds since 1970: caches may keep it so long; 0: ask each time */
    int64_t made_at;     /* the same: since when it is so; 0: not said */
};

/** cs_document_new() - a copy of @bytes with one reference; @type is static text. */
struct cs_document *cs_document_new(const char *type, struct cs_str bytes, int64_t fresh_until);
/** cs_document_ref() - one more reference. Return: @document. */
struct cs_document *cs_document_ref(struct cs_document *document);
/** cs_document_unref() - one fewer; the last one frees. NULL is fine. Return: NULL. */
struct cs_document *cs_document_unref(struct cs_document *document);

/* An answer that goes on: the client takes what it can, and more is asked for when it has taken
 * all. It is the owner's memory, from cs_question_stream() until closed is called. */
struct cs_stream {
    /* Append to @into what there is to send now, whole parts only and some KiB at most; nothing:
     * cs_stream_wake() says when there is more. */
    void (*more)(struct cs_stream *stream, struct cs_buf *into);
    /* The client has gone, was too slow, or the server stops: free it. */
    void (*closed)(struct cs_stream *stream);
    struct cs_serving *conn; /* private */
};

/** cs_question_answer() - with @status and @body, which lives in the question's arena or is static.
 * @type is static text. */
void cs_question_answer(struct cs_question *question, unsigned status, const char *type,
                        struct cs_str body);
/** cs_question_document() - with 200 and @document, of which a reference is taken; or 304 when the
 *  client has it already. */
void cs_question_document(struct cs_question *question, struct cs_document *document);
/** cs_question_refuse() - with the findings of the question, as a problem; @status 0: what the
 * first error among them says. */
void cs_question_refuse(struct cs_question *question, unsigned status);
/** cs_question_stream() - with 200 and what @stream gives, for as long as both sides stay. */
void cs_question_stream(struct cs_question *question, const char *type, struct cs_stream *stream);

/** cs_stream_wake() - there is more. */
void cs_stream_wake(struct cs_stream *stream);
/** cs_stream_end() - there will be no more: what was given is sent, and closed is called soon. */
void cs_stream_end(struct cs_stream *stream);

#endif
