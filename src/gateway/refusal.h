/* The page of an answer that tells of an incident. */
#ifndef CS_GATEWAY_REFUSAL_H
#define CS_GATEWAY_REFUSAL_H

#include "base/str.h"

struct cs_request;

/** cs_refusal_page() - the body of an answer to a request that has an incident, in the type that
 * the client prefers: HTML, text or problem details (RFC 9457). @title: nginx's words for the
 * status, "400 No required SSL certificate was sent". Says the incident's id and, unless that is
 * switched off, what is wrong with the client's own certificate. Nothing more about an upstream's
 * failure. Lives as long as the request; *@ret_type is static. */
struct cs_str cs_refusal_page(struct cs_request *request, int status, struct cs_str title,
                              struct cs_str *ret_type);

#endif
