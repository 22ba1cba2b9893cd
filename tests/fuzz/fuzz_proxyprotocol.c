/* PROXY protocol: any bytes, whole and in any beginning. What is a header does not depend on
 * how the bytes arrive, and what it says lies within them. */
#include <stdlib.h>

#include "base/panic.h"
#include "io/proxy_protocol.h"

static void walk(const struct cs_proxy_header *header)
{
    struct cs_str rest = header->tlvs, value;
    struct cs_proxy_tlv tlv;
    struct cs_proxy_ssl ssl;

    while (cs_proxy_tlv_next(&rest, &tlv))
        cs_assert(tlv.value.len <= header->tlvs.len);
    cs_assert(rest.len == 0);
    if (cs_proxy_tlv_find(header->tlvs, CS_PROXY_TLV_SSL, &value) &&
        cs_proxy_ssl_parse(value, &ssl) == 0)
        cs_proxy_tlv_find(ssl.tlvs, CS_PROXY_TLV_SSL_CN, &value);
}

/* The outcome for the first @n bytes, in memory of exactly that size. */
static int parse_exact(const uint8_t *data, size_t n, size_t *ret_len)
{
    struct cs_proxy_header header;
    char *copy = malloc(n + 1);
    cs_assert(copy != NULL);
    char *end_aligned = copy + 1;
    if (n > 0)
        memcpy(end_aligned, data, n);
    int outcome = cs_proxy_protocol_parse(cs_str_make(end_aligned, n), &header, ret_len);
    if (outcome == CS_PROXY_DONE) {
        char text[CS_ADDR_TEXT];
        walk(&header);
        cs_addr_text(&header.source, text);
        cs_addr_text(&header.destination, text);
    }
    free(copy);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t len = 0, cut_len = 0;
    if (size > 2 * CS_PROXY_HEADER_MAX)
        return 0;
    int whole = parse_exact(data, size, &len);

    cs_assert(whole != CS_PROXY_MORE || size < CS_PROXY_HEADER_MAX);
    cs_assert(whole != CS_PROXY_DONE || (len > 0 && len <= size));
    for (size_t n = 0; n < size && n < 300; n++) {
        int cut = parse_exact(data, n, &cut_len);
        cs_assert(cut == CS_PROXY_MORE || cut == whole);
        cs_assert(cut != CS_PROXY_DONE || cut_len == len);
    }
    return 0;
}
