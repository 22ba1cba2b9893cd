/* Numbers and vectors of TLS (RFC 8446 section 3), each taken off the front of what is left. */
#ifndef CS_TLS_VECTOR_H
#define CS_TLS_VECTOR_H

#include <errno.h>

#include "base/str.h"

/** cs_vector_number() - a number of @bytes bytes. Return: 0, or -EBADMSG (too few are left). */
static inline int cs_vector_number(struct cs_str *rest, size_t bytes, size_t *ret_number)
{
    size_t number = 0;

    if (rest->len < bytes)
        return -EBADMSG;
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | (uint8_t)rest->ptr[i];
    *rest = cs_str_skip(*rest, bytes);
    *ret_number = number;
    return 0;
}

/** cs_vector_take() - what stands behind a length of @bytes bytes. Return: 0, or -EBADMSG. */
static inline int cs_vector_take(struct cs_str *rest, size_t bytes, struct cs_str *ret_vector)
{
    size_t len;

    if (cs_vector_number(rest, bytes, &len) < 0 || rest->len < len)
        return -EBADMSG;
    *ret_vector = cs_str_sub(*rest, 0, len);
    *rest = cs_str_skip(*rest, len);
    return 0;
}

/** cs_vector_whole() - a vector behind two bytes of length that is all there is in @body.
 *  Return: 0, or -EBADMSG. */
static inline int cs_vector_whole(struct cs_str body, struct cs_str *ret_vector)
{
    return cs_vector_take(&body, 2, ret_vector) < 0 || body.len ? -EBADMSG : 0;
}

#endif
