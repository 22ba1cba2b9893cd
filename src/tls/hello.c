/* Length-prefixed vectors, each check before its use. A malformed list of groups or versions
 * is the TLS library's to refuse; here it only shows as empty. A malformed name is refused,
 * since it would choose the server. */
#include "tls/hello.h"

#include <errno.h>

static size_t u16_at(struct cs_str s, size_t at)
{
    return (size_t)(uint8_t)s.ptr[at] << 8 | (uint8_t)s.ptr[at + 1];
}

static bool name_char(char c)
{
    return c > 0x20 && c < 0x7f;
}

int cs_hello_sni(struct cs_str extension, char buf[CS_HELLO_NAME], struct cs_str *ret_name)
{
    if (!extension.ptr) {
        *ret_name = cs_str_make(buf, 0);
        return 0;
    }
    /* One list with one entry of type host_name: more were never defined. */
    if (extension.len < 5 || u16_at(extension, 0) != extension.len - 2 || extension.ptr[2] != 0 ||
        u16_at(extension, 3) != extension.len - 5)
        return -EBADMSG;
    struct cs_str name = cs_str_skip(extension, 5);
    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    if (name.len == 0 || name.len >= CS_HELLO_NAME)
        return -EBADMSG;
    for (size_t i = 0; i < name.len; i++) {
        if (!name_char(name.ptr[i]))
            return -EBADMSG;
        buf[i] = cs_lower(name.ptr[i]);
    }
    *ret_name = cs_str_make(buf, name.len);
    return 0;
}

size_t cs_hello_codes(struct cs_str bytes, uint16_t ret_codes[CS_HELLO_CODES])
{
    size_t n = 0;
    for (size_t at = 0; at + 2 <= bytes.len && n < CS_HELLO_CODES; at += 2)
        ret_codes[n++] = (uint16_t)u16_at(bytes, at);
    return n;
}

struct cs_str cs_hello_vector(struct cs_str extension)
{
    if (extension.len < 2 || u16_at(extension, 0) != extension.len - 2)
        return (struct cs_str){NULL, 0};
    return cs_str_skip(extension, 2);
}

struct cs_str cs_hello_versions(struct cs_str extension)
{
    if (extension.len < 1 || (uint8_t)extension.ptr[0] != extension.len - 1)
        return (struct cs_str){NULL, 0};
    return cs_str_skip(extension, 1);
}
