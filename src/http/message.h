/* Words that requests and responses of every HTTP version share: methods, statuses. */
#ifndef CS_HTTP_MESSAGE_H
#define CS_HTTP_MESSAGE_H

#include "base/str.h"

/* Methods that something depends on; the rest is CS_METHOD_OTHER. Values are bits, so that a
 * set of methods is a sum. */
enum cs_http_method {
    CS_METHOD_OTHER = 1 << 0,
    CS_METHOD_GET = 1 << 1,
    CS_METHOD_HEAD = 1 << 2,
    CS_METHOD_POST = 1 << 3,
    CS_METHOD_PUT = 1 << 4,
    CS_METHOD_DELETE = 1 << 5,
    CS_METHOD_OPTIONS = 1 << 6,
    CS_METHOD_PATCH = 1 << 7,
    CS_METHOD_TRACE = 1 << 8,
    CS_METHOD_CONNECT = 1 << 9,
    CS_METHOD_MKCOL = 1 << 10,
    CS_METHOD_COPY = 1 << 11,
    CS_METHOD_MOVE = 1 << 12,
    CS_METHOD_PROPFIND = 1 << 13,
    CS_METHOD_PROPPATCH = 1 << 14,
    CS_METHOD_LOCK = 1 << 15,
    CS_METHOD_UNLOCK = 1 << 16,
};

/* Safe to send again to another upstream (RFC 9110 section 9.2.2). */
#define CS_METHODS_IDEMPOTENT                                                                      \
    (CS_METHOD_GET | CS_METHOD_HEAD | CS_METHOD_PUT | CS_METHOD_DELETE | CS_METHOD_OPTIONS |       \
     CS_METHOD_TRACE)

/** cs_http_method() - the method of that name; names are case-sensitive (RFC 9110 9.1). */
enum cs_http_method cs_http_method(struct cs_str text);
/** cs_http_method_text() - "GET"; "" for CS_METHOD_OTHER. Static. */
struct cs_str cs_http_method_text(enum cs_http_method method);

/** cs_http_reason() - the words behind a status ("Not Found"), nginx's own 494..499 included;
 *  "" when there are none. Static. */
struct cs_str cs_http_reason(unsigned status);
/** cs_http_wire_status() - the status that leaves the process: nginx's internal 494 to 497
 *  are 400 to the client, every other is itself. */
unsigned cs_http_wire_status(unsigned status);

#endif
