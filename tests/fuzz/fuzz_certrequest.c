/* A CertificateRequest, or a Certificate; the first byte chooses which, and the version. */
#include "tls/request.h"

static int presented(struct cs_str body, bool tls13)
{
    struct cs_str ders[16];
    size_t len = 0;
    int n = cs_presented_read(body, tls13, ders, 16);

    for (int i = 0; i < n; i++)
        len += ders[i].len;
    return len > body.len ? -1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_request request;
    struct cs_str name;
    size_t n = 0;

    if (size == 0)
        return 0;
    if (data[0] & 2)
        return presented(cs_str_make(data + 1, size - 1), data[0] & 1);
    if (cs_request_read(cs_str_make(data + 1, size - 1), data[0] & 1, &request) < 0)
        return 0;
    while (cs_request_next(&request.names, &name))
        n += name.len;
    return n > size ? -1 : 0;
}
