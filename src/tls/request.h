/* Reading two messages about certificates: what a server asks of ours, and what a peer presents.
 * Pure. */
#ifndef CS_TLS_REQUEST_H
#define CS_TLS_REQUEST_H

#include <stdbool.h>

#include "base/str.h"

/* Contents of two vectors; empty: absent. Borrowed from the message. */
struct cs_request {
    struct cs_str sigalgs; /* 16-bit numbers */
    struct cs_str names;   /* DER names, each behind two bytes of length */
};

/** cs_request_read() - the body of the message, without its four bytes of type and length:
 *  RFC 8446 section 4.3.2 when @tls13, else RFC 5246 section 7.4.4.
 *  Return: 0, or -EBADMSG. */
int cs_request_read(struct cs_str body, bool tls13, struct cs_request *ret_request);
/** cs_request_next() - take the first name off *@names. Return: whether there was one that is
 *  whole and not empty. */
bool cs_request_next(struct cs_str *names, struct cs_str *ret_name);
/** cs_presented_read() - the certificates in the body of a Certificate message (RFC 8446 section
 *  4.4.2 when @tls13, else RFC 5246 section 7.4.2), leaf first, borrowed from it.
 *  Return: how many, at most @max; or -EBADMSG, also when there are more. */
int cs_presented_read(struct cs_str body, bool tls13, struct cs_str *ret_ders, size_t max);

#endif
