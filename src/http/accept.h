/* Which of several representations a client prefers (RFC 9110 section 12.5.1). */
#ifndef CS_HTTP_ACCEPT_H
#define CS_HTTP_ACCEPT_H

#include <stddef.h>

#include "base/str.h"

/** cs_accept_choose() - the index among the @n media types in @types ("text/html") that @accept,
 * the elements of all Accept fields, wants most: by its weight, then by how exactly it is named,
 * then by the order of @types. 0 when it wants none of them, or @accept is empty. What is malformed
 * in it is passed over. Pure. */
size_t cs_accept_choose(struct cs_str accept, const struct cs_str *types, size_t n);

#endif
