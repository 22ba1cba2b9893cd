/* Any bytes as a line of revocations, and as a serial number: what is read is written and read
 * again as the same. */
#include <stddef.h>
#include <stdint.h>

#include "base/panic.h"
#include "x509/revoked.h"

static void write_and_read(const struct cs_revocation *r)
{
    uint8_t serial[CS_REVOKED_SERIAL_MAX];
    struct cs_revocation again;
    struct cs_buf buf;

    cs_buf_init(&buf, 1 << 20);
    cs_assert(cs_revocation_write(r, &buf) == 0);
    cs_assert(cs_revocation_read(cs_str_sub(cs_buf_str(&buf), 0, buf.len - 1), serial, &again) ==
              0);
    cs_assert(cs_revocation_eq(r, &again) && r->reason == again.reason &&
              r->revoked_at == again.revoked_at && r->not_after == again.not_after &&
              cs_str_eq(r->named, again.named));
    cs_buf_deinit(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t serial[CS_REVOKED_SERIAL_MAX];
    struct cs_revocation r;
    size_t len;

    if (cs_revocation_read(cs_str_make(data, size), serial, &r) == 0)
        write_and_read(&r);
    if (cs_serial_read(cs_str_make(data, size), serial, &len) == 0)
        cs_assert(len > 0 && len <= CS_REVOKED_SERIAL_MAX);
    return 0;
}
