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

/* A byte off the front, of two digits or @one, and a ":" behind it unless it is the last. */
static int take_byte(struct cs_str *text, bool one)
{
    size_t n = one ? 1 : 2;
    int high = one ? 0 : cs_hex_digit(text->ptr[0]);
    int low = text->len >= n ? cs_hex_digit(text->ptr[n - 1]) : -1;

    if (high < 0 || low < 0)
        return -1;
    *text = cs_str_skip(*text, n);
    if (text->len > 1 && text->ptr[0] == ':')
        *text = cs_str_skip(*text, 1);
    return high * 16 + low;
}

/* As some programs print it: 0x before it, its first zero left out. */
int cs_ca_serial_parse(struct cs_str text, uint8_t ret_serial[CS_CA_SERIAL_LEN])
{
    uint8_t serial[CS_CA_SERIAL_LEN] = {0};
    bool one, any;

    if (text.len > 2 && text.ptr[0] == '0' && cs_lower(text.ptr[1]) == 'x')
        text = cs_str_skip(text, 2);
    any = text.len > 0;
    one = cs_str_find(text, ':') == 1 || (cs_str_find(text, ':') < 0 && text.len % 2);
    for (; text.len; one = false) {
        int byte = take_byte(&text, one);
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
