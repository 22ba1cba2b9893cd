/* Any bytes as an OCSP request, and as what a responder that nobody has met answers to ours. */
#include <stddef.h>
#include <stdint.h>

#include "base/panic.h"
#include "x509/standing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_cert issuer = {.subject = CS_STR("\x30\x00")}, cert = {.serial = CS_STR("\x01")};
    struct cs_ocsp_query query = {
        .der = cs_str_make(data, size), .cert = &cert, .issuer = &issuer, .now_sec = 1800000000};
    struct cs_arena arena = {0};
    struct cs_ocsp_request request;
    struct cs_ocsp_answer answer = cs_ocsp_judge(&query);
    struct cs_standing news = {0};

    cs_standing_answer(&query, &news);
    cs_assert(news.answered || news.failure);
    cs_assert(cs_standing_from(cs_str_make(&news, sizeof(news)), &news));
    cs_assert(answer.status > CS_OCSP_UNKNOWN); /* nobody has signed it */
    cs_assert(cs_ocsp_status_text(answer.status).len && answer.responder_status < 256);
    if (cs_ocsp_request_parse(query.der, &arena, &request)) {
        cs_assert(request.n && request.n <= CS_OCSP_IDS_MAX);
        for (size_t i = 0; i < request.n; i++)
            (void)cs_ocsp_id_is_of(&request.ids[i], &issuer);
    }
    cs_arena_deinit(&arena);
    return 0;
}
