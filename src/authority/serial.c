/* Serial numbers: 16 bytes in the store, an INTEGER in certificates, hex for people. */
#include <errno.h>

#include "authority/ca.h"

struct cs_str cs_ca_serial_text(struct cs_str serial, struct cs_arena *arena)
{
    char *hex;

    while (serial.len > 1 && serial.ptr[0] == 0)
        serial = cs_str_skip(serial, 1);
    hex = cs_arena_raw(arena, 2 * serial.len);
    cs_hex_encode(serial.ptr, serial.len, true, hex);
    return cs_str_make(hex, 2 * serial.len);
}

/* Two digits off the front, and a ":" behind them unless it is the last. */
static int take_byte(struct cs_str *text)
{
    int high = text->len > 1 ? cs_hex_digit(text->ptr[0]) : -1;
    int low = text->len > 1 ? cs_hex_digit(text->ptr[1]) : -1;

    if (high < 0 || low < 0)
        return -1;
    *text = cs_str_skip(*text, 2);
    if (text->len > 1 && text->ptr[0] == ':')
        *text = cs_str_skip(*text, 1);
    return high * 16 + low;
}

int cs_ca_serial_parse(struct cs_str text, uint8_t ret_serial[CS_CA_SERIAL_LEN])
{
    uint8_t serial[CS_CA_SERIAL_LEN] = {0};
    bool any = text.len > 0;

    while (text.len) {
        int byte = take_byte(&text);
        if (byte < 0 || serial[0])
            return -EINVAL;
        memmove(serial, serial + 1, sizeof(serial) - 1);
        serial[sizeof(serial) - 1] = (uint8_t)byte;
    }
    if (!any)
        return -EINVAL;
    memcpy(ret_serial, serial, sizeof(serial));
    return 0;
}

int cs_ca_serial_of(const struct cs_cert *cert, uint8_t ret_serial[CS_CA_SERIAL_LEN])
{
    struct cs_str serial = cert->serial;

    while (serial.len && serial.ptr[0] == 0)
        serial = cs_str_skip(serial, 1);
    if (serial.len > CS_CA_SERIAL_LEN)
        return -EINVAL;
    memset(ret_serial, 0, CS_CA_SERIAL_LEN);
    memcpy(ret_serial + CS_CA_SERIAL_LEN - serial.len, serial.ptr, serial.len);
    return 0;
}
