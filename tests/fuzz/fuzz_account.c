/* Text that claims to hold accounts, read and told again in all styles: nothing may come out raw,
 * and what is told as JSON reads as the same. */
#include "base/panic.h"
#include "explain/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void tell(const struct cs_account *account, enum cs_account_style style, struct cs_buf *buf)
{
    cs_buf_init(buf, 1 << 24);
    cs_assert(cs_account_tell(account, style, false, buf) == 0);
    for (size_t i = 0; i < buf->len; i++)
        cs_assert((uint8_t)buf->ptr[i] >= 0x20 || buf->ptr[i] == '\n');
}

static void again(void *ctx, const struct cs_account *account)
{
    struct cs_buf buf;

    tell(account, CS_ACCOUNT_JSON, &buf);
    cs_assert(cs_str_eq(cs_buf_str(&buf), *(struct cs_str *)ctx));
    cs_buf_deinit(&buf);
}

static void each(void *ctx, const struct cs_account *account)
{
    struct cs_reading reading;
    struct cs_buf buf;
    struct cs_str json;

    for (enum cs_account_style s = CS_ACCOUNT_LINE; s <= CS_ACCOUNT_TEXT; s++) {
        tell(account, s, &buf);
        cs_buf_deinit(&buf);
    }
    tell(account, CS_ACCOUNT_JSON, &buf);
    json = cs_buf_str(&buf);
    cs_account_read(json, again, &json, &reading);
    cs_buf_deinit(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_reading reading;

    cs_account_read(cs_str_make(data, size), each, NULL, &reading);
    return 0;
}
