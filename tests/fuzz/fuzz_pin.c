/* Any text as a value of mtls_pin: what is a pin is written and read again as the same. */
#include <stddef.h>
#include <stdint.h>

#include "base/panic.h"
#include "x509/demand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_arena arena = {0};
    struct cs_pin pin, again;

    if (cs_pin_read(cs_str_make(data, size), &pin) == 0) {
        cs_assert(cs_pin_read(cs_pin_text(pin.sha256, &arena), &again) == 0);
        cs_assert(memcmp(&pin, &again, sizeof(pin)) == 0);
    }
    cs_arena_deinit(&arena);
    return 0;
}
