/* Host names as clients send them, brought to the one spelling that lookups use.
 *
 * SNI, Host and :authority all pass through cs_host_canon(), so that two layers can never
 * disagree about which virtual server a name means.
 */
#ifndef CS_HTTP_HOST_H
#define CS_HTTP_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct cs_authority {
    struct cs_str host;   /* without port; an IPv6 literal keeps its brackets */
    struct cs_str port;   /* digits; NULL pointer when there was none ("h", "h:") */
    uint16_t port_number; /* 0 when there was none */
};

/** cs_authority_split() - take "host[:port]" apart (RFC 3986 section 3.2, without user
 *  information). The host has been checked byte by byte: letters, digits, '-', '.', '_', or
 *  an IPv6 literal in brackets. Texts borrow from @text.
 *  Return: 0, or -EINVAL. */
int cs_authority_split(struct cs_str text, struct cs_authority *ret);

/* Room for a canonical host. */
#define CS_HOST_TEXT 256

/** cs_host_canon() - the spelling used for every lookup: lower case, without one trailing
 *  dot, IPv6 literals in brackets and in their shortest form. @host has no port.
 *  Return: 0 with a text in @buf; -EINVAL when it is no host name: empty, above 253 bytes, an
 *  empty label, other bytes than letters, digits, '-', '_'. */
int cs_host_canon(struct cs_str host, char buf[CS_HOST_TEXT], struct cs_str *ret);

#endif
