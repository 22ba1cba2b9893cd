/* A CertificateRequest; the first byte chooses the version. */
#include "tls/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_request request;
    struct cs_str name;
    size_t n = 0;

    if (size == 0)
        return 0;
    if (cs_request_read(cs_str_make(data + 1, size - 1), data[0] & 1, &request) < 0)
        return 0;
    while (cs_request_next(&request.names, &name))
        n += name.len;
    return n > size ? -1 : 0;
}
