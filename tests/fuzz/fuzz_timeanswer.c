/* What comes back from a time server: read or refused, and the clock's difference is never more
 * than what the numbers of the answer can say. */
#include "base/panic.h"
#include "io/sntp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t sent_ms = INT64_C(1800000000000), most_ms = INT64_C(1) << 43;
    uint8_t nonce[8] = "\1\2\3\4\5\6\7\10";
    int64_t ahead_ms = INT64_MAX;
    int r = cs_sntp_answer(cs_str_make(data, size), nonce, sent_ms, sent_ms + 20, &ahead_ms);

    if (r == 0)
        cs_assert(size >= CS_SNTP_BYTES && ahead_ms > -most_ms && ahead_ms < most_ms);
    else
        cs_assert(r < 0 && ahead_ms == INT64_MAX);
    return 0;
}
