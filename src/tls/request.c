/* Vectors inside vectors, each taken off the front of what is left. The TLS library has accepted
 * the message when its parts matter; a message that is cut or lies about a length is refused
 * here all the same. */
#include "tls/request.h"

#include <errno.h>

#define EXT_SIGNATURE_ALGORITHMS 13
#define EXT_CERTIFICATE_AUTHORITIES 47

/* A number of @bytes bytes. Return: 0, or -EBADMSG. */
static int take_number(struct cs_str *rest, size_t bytes, size_t *ret_number)
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

/* What stands behind a length of @bytes bytes. */
static int take_vector(struct cs_str *rest, size_t bytes, struct cs_str *ret_vector)
{
    size_t len;

    if (take_number(rest, bytes, &len) < 0 || rest->len < len)
        return -EBADMSG;
    *ret_vector = cs_str_sub(*rest, 0, len);
    *rest = cs_str_skip(*rest, len);
    return 0;
}

/* A vector that is all there is. */
static int take_whole(struct cs_str body, struct cs_str *ret_vector)
{
    return take_vector(&body, 2, ret_vector) < 0 || body.len ? -EBADMSG : 0;
}

static int read_extensions(struct cs_str rest, struct cs_request *request)
{
    struct cs_str body;
    size_t type;

    while (rest.len) {
        if (take_number(&rest, 2, &type) < 0 || take_vector(&rest, 2, &body) < 0)
            return -EBADMSG;
        if (type == EXT_SIGNATURE_ALGORITHMS && take_whole(body, &request->sigalgs) < 0)
            return -EBADMSG;
        if (type == EXT_CERTIFICATE_AUTHORITIES && take_whole(body, &request->names) < 0)
            return -EBADMSG;
    }
    return 0;
}

int cs_request_read(struct cs_str body, bool tls13, struct cs_request *ret_request)
{
    struct cs_request request = {0};
    struct cs_str first, extensions;
    int r;

    if (take_vector(&body, 1, &first) < 0) /* a context, or types of certificates */
        return -EBADMSG;
    if (tls13)
        r = take_vector(&body, 2, &extensions) < 0 ? -EBADMSG
                                                   : read_extensions(extensions, &request);
    else
        r = take_vector(&body, 2, &request.sigalgs) < 0 ? -EBADMSG
                                                        : take_vector(&body, 2, &request.names);
    if (r < 0 || body.len)
        return -EBADMSG;
    *ret_request = request;
    return 0;
}

bool cs_request_next(struct cs_str *names, struct cs_str *ret_name)
{
    struct cs_str rest = *names, name;

    if (take_vector(&rest, 2, &name) < 0 || !name.len)
        return false;
    *names = rest;
    *ret_name = name;
    return true;
}

int cs_presented_read(struct cs_str body, bool tls13, struct cs_str *ret_ders, size_t max)
{
    struct cs_str list, ignored;
    size_t n = 0;

    if ((tls13 && take_vector(&body, 1, &ignored) < 0) || take_vector(&body, 3, &list) < 0 ||
        body.len)
        return -EBADMSG;
    while (list.len) {
        if (n == max || take_vector(&list, 3, &ret_ders[n]) < 0 ||
            (tls13 && take_vector(&list, 2, &ignored) < 0))
            return -EBADMSG;
        n++;
    }
    return (int)n;
}
