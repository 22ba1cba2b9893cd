/* Outgoing HTTP: one request, one answer, on an event loop or waited for.
 *
 * Everything is bounded: the time by a deadline, head and body of the answer in bytes. Only http
 * and https are spoken, a redirect never leaves the scheme it began with, and nothing of the
 * environment (proxies, the system's certificates, .netrc) has a say: of a server over https only
 * the CAs that the request names are accepted.
 *
 * The library is libcurl (GnuTLS flavour), loaded at the first use.
 */
#ifndef CS_ENROL_FETCH_H
#define CS_ENROL_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "io/loop.h"

/* As many as are followed of what may move. */
#define CS_FETCH_REDIRECTS 5

/* With whom to speak, and as whom. PEM. */
struct cs_fetch_tls {
    struct cs_str ca;        /* the roots that a server's chain may end in, and no others */
    bool unverified;         /* any server will do: only for what is verified by other means */
    struct cs_str cert, key; /* our certificate, its chain behind it, and its key; or empty */
};

/* All texts are copied. Zeroed fields have the meaning that is named. */
struct cs_fetch_request {
    struct cs_str url;            /* http://… or https://… */
    struct cs_str body;           /* POST it; empty: GET */
    struct cs_str content_type;   /* of the body */
    const struct cs_str *headers; /* "Name: value" */
    size_t n_headers;
    struct cs_fetch_tls tls; /* needed for https */
    size_t max_body;         /* bytes of the answer; more is -EFBIG */
    int64_t timeout_ms;      /* for the whole; 0: no limit */
    int64_t idle_ms;         /* for the next byte, in whole seconds; 0: no limit */
    unsigned max_redirects;  /* followed, a POST stays one; 0: they are answers */
    /* For streams: called with what comes of the body of an answer with a status of 200 to 299,
     * which is not kept then. May not free the fetch. False ends it (-ECANCELED). */
    bool (*received)(void *ctx, struct cs_str bytes);
};

/* What came back. Borrowed from the fetch. */
struct cs_fetch_answer {
    int error;           /* 0: there is an answer, or -errno: see cs_fetch_start() */
    struct cs_str words; /* of an error: what happened, one clause */
    struct cs_str hint;  /* what to do about it, or empty */
    unsigned status;     /* of the last answer's head; 0: none came */
    struct cs_str head;  /* its header lines; for cs_fetch_header() */
    struct cs_str body;
};

struct cs_fetcher; /* requests under way on one loop */
struct cs_fetch;   /* one of them */

/** cs_fetcher_new() - a place for requests on @loop, which outlives it. Loads libcurl.
 *  Return: 0; -ELIBACC: the library is not there, *ret_why says so and what to install (static,
 *  or the loader's until its next call); -ENOMEM. */
int cs_fetcher_new(struct cs_loop *loop, struct cs_fetcher **ret_fetcher, const char **ret_why);
/** cs_fetcher_free() - every fetch of it was freed before. Not from inside a callback of one. NULL
 *  is fine. Return: NULL. */
struct cs_fetcher *cs_fetcher_free(struct cs_fetcher *fetcher);

/** cs_fetch_start() - begin. @done is called once, from the loop, with the answer in
 *  cs_fetch_answer(); it may free the fetch and start others. The fetch is the caller's: to be
 *  freed with cs_fetch_free() before the fetcher is.
 *  Answers' errors: -ETIMEDOUT; -ENOENT (no such host); -ECONNREFUSED and others of connect(2);
 *  -ECONNRESET; -EKEYREJECTED (the server's certificate is not accepted); -EPROTO (TLS, HTTP, a
 * redirect to another scheme); -EFBIG; -ELOOP (redirects); -EINVAL (the URL); -ECANCELED. Return:
 * 0; -EINVAL (not http or https, or https without CAs); -errno. */
int cs_fetch_start(struct cs_fetcher *fetcher, const struct cs_fetch_request *request,
                   void (*done)(struct cs_fetch *fetch, void *ctx), void *ctx,
                   struct cs_fetch **ret_fetch);
/** cs_fetch_free() - end it if it is under way, without calling done, and free it. NULL is fine.
 *  Return: NULL. */
struct cs_fetch *cs_fetch_free(struct cs_fetch *fetch);
/** cs_fetch_answer() - what came back; once done was called. Lives as long as @fetch. */
const struct cs_fetch_answer *cs_fetch_answer(const struct cs_fetch *fetch);
/** cs_fetch_header() - the value of the header @name of an answer, the first one of several;
 *  empty: there is none. Borrowed from the answer. */
struct cs_str cs_fetch_header(const struct cs_fetch_answer *answer, struct cs_str name);

/** cs_fetch_once() - the same, waited for, on a loop of its own. The texts of *ret_answer live in
 *  @arena. Return: 0: *ret_answer is written, which may be an error (-ELIBACC too: libcurl is not
 *  there); or as cs_fetch_start(). */
int cs_fetch_once(const struct cs_fetch_request *request, struct cs_arena *arena,
                  struct cs_fetch_answer *ret_answer);

#endif
