/* A TLS byte stream as it passes by; the first byte says whether TLS 1.3 is known. Every message
 * goes through the readers of its contents. */
#include <stdint.h>

#include "base/panic.h"
#include "telemetry/handshake.h"
#include "tls/clear.h"
#include "tls/hello.h"
#include "tls/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_message(uint8_t type, struct cs_str body)
{
    struct cs_server_hello answer;
    struct cs_hello hello;
    struct cs_request request;
    struct cs_str ders[16], der;
    char name[CS_HELLO_NAME];

    if (cs_hello_read(body, &hello) == 0)
        (void)!cs_hello_sni(hello.sni, name, &der);
    (void)!cs_server_hello_read(body, &answer);
    (void)!cs_request_read(body, type & 1, &request);
    (void)cs_clear_group(body);
    (void)cs_clear_sigalg(type, body);
    if (cs_presented_read(body, type & 1, ders, 16) > 0)
        cs_assert(ders[0].len <= body.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_clear_item item;
    struct cs_clear clear;
    size_t end = 0;

    if (size == 0)
        return 0;
    cs_clear_init(&clear, cs_str_make(data + 1, size - 1));
    clear.tls13 = data[0] & 1;
    while (cs_clear_next(&clear, &item) == 1) {
        cs_assert(item.end >= end && item.end < size);
        end = item.end;
        if (item.kind == CS_CLEAR_MESSAGE)
            read_message(item.type, item.body);
    }
    cs_clear_deinit(&clear);
    return 0;
}
