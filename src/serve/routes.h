/* Which handler answers: rows of method and path. Pure.
 *
 * A pattern is a path in which "{}" stands for one or more bytes without a '/': of two texts
 * around it, "/crl/{}.crl" takes "/crl/7.crl" and gives "7". "{*}" at the end stands for all that
 * is left, one byte or more. Patterns are tried in order.
 */
#ifndef CS_SERVE_ROUTES_H
#define CS_SERVE_ROUTES_H

#include "base/str.h"
#include "http/message.h"

/* The most holes of one pattern. */
#define CS_ROUTE_HOLES 2

enum cs_route_flag {
    CS_ROUTE_PLAIN = 1,  /* also without TLS: what everybody may read */
    CS_ROUTE_CLIENT = 2, /* only for who has shown a good certificate */
};

struct cs_question;

struct cs_route {
    enum cs_http_method method; /* CS_METHOD_GET stands for HEAD too */
    const char *pattern;
    unsigned flags;    /* CS_ROUTE_ */
    const char *takes; /* the media type of the body; NULL: none is expected */
    /* Answers @question, now or later: see serve/question.h. */
    void (*handle)(void *ctx, struct cs_question *question);
};

struct cs_routes {
    const struct cs_route *rows;
    size_t n;
};

/** cs_routes_find() - the row for @method and @path. What stood at its holes goes to @ret_holes,
 *  borrowed from @path. Return: the row; or NULL, and *ret_methods is the sum of the methods that
 *  the path has, 0 when there is no such path. */
const struct cs_route *cs_routes_find(const struct cs_routes *routes, enum cs_http_method method,
                                      struct cs_str path, struct cs_str ret_holes[CS_ROUTE_HOLES],
                                      unsigned *ret_methods);

#endif
