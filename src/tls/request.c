/* Vectors inside vectors, each taken off the front of what is left. The TLS library has accepted
 * the message when its parts matter; a message that is cut or lies about a length is refused
 * here all the same. */
#include "tls/request.h"

#include "tls/vector.h"

#define EXT_SIGNATURE_ALGORITHMS 13
#define EXT_CERTIFICATE_AUTHORITIES 47

static int read_extensions(struct cs_str rest, struct cs_request *request)
{
    struct cs_str body;
    size_t type;

    while (rest.len) {
        if (cs_vector_number(&rest, 2, &type) < 0 || cs_vector_take(&rest, 2, &body) < 0)
            return -EBADMSG;
        if (type == EXT_SIGNATURE_ALGORITHMS && cs_vector_whole(body, &request->sigalgs) < 0)
            return -EBADMSG;
        if (type == EXT_CERTIFICATE_AUTHORITIES && cs_vector_whole(body, &request->names) < 0)
            return -EBADMSG;
    }
    return 0;
}

int cs_request_read(struct cs_str body, bool tls13, struct cs_request *ret_request)
{
    struct cs_request request = {0};
    struct cs_str first, extensions;
    int r;

    if (cs_vector_take(&body, 1, &first) < 0) /* a context, or types of certificates */
        return -EBADMSG;
    if (tls13)
        r = cs_vector_take(&body, 2, &extensions) < 0 ? -EBADMSG
                                                      : read_extensions(extensions, &request);
    else
        r = cs_vector_take(&body, 2, &request.sigalgs) < 0
                ? -EBADMSG
                : cs_vector_take(&body, 2, &request.names);
    if (r < 0 || body.len)
        return -EBADMSG;
    *ret_request = request;
    return 0;
}

bool cs_request_next(struct cs_str *names, struct cs_str *ret_name)
{
    struct cs_str rest = *names, name;

    if (cs_vector_take(&rest, 2, &name) < 0 || !name.len)
        return false;
    *names = rest;
    *ret_name = name;
    return true;
}

int cs_presented_read(struct cs_str body, bool tls13, struct cs_str *ret_ders, size_t max)
{
    struct cs_str list, ignored;
    size_t n = 0;

    if ((tls13 && cs_vector_take(&body, 1, &ignored) < 0) || cs_vector_take(&body, 3, &list) < 0 ||
        body.len)
        return -EBADMSG;
    while (list.len) {
        if (n == max || cs_vector_take(&list, 3, &ret_ders[n]) < 0 ||
            (tls13 && cs_vector_take(&list, 2, &ignored) < 0))
            return -EBADMSG;
        n++;
    }
    return (int)n;
}
