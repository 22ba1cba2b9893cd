/* Writing is joining texts, with one promise: nothing that is joined can end a line early. */
#include "http/h1.h"

#include "base/panic.h"
#include "http/chars.h"

#include <errno.h>

struct cs_str cs_h1_chunk_head(uint64_t size, char buf[CS_H1_CHUNK_HEAD])
{
    char *end = buf + CS_H1_CHUNK_HEAD, *at = end - 2;

    cs_assert(size > 0);
    memcpy(at, "\r\n", 2);
    for (; size; size >>= 4)
        *--at = "0123456789abcdef"[size & 15];
    return cs_str_make(at, (size_t)(end - at));
}

int cs_h1_write_last_chunk(struct cs_buf *buf, const struct cs_headers *trailers)
{
    int r = cs_buf_add_str(buf, CS_STR("0\r\n"));

    if (r >= 0 && trailers)
        r = cs_h1_write_headers(buf, trailers);
    return r < 0 ? r : cs_h1_write_end(buf);
}

static char *put(char *at, struct cs_str s)
{
    if (s.len)
        memcpy(at, s.ptr, s.len);
    return at + s.len;
}

int cs_h1_write_request_line(struct cs_buf *buf, struct cs_str method, struct cs_str target,
                             unsigned minor)
{
    static const struct cs_str version[] = {CS_STR_INIT(" HTTP/1.0\r\n"),
                                            CS_STR_INIT(" HTTP/1.1\r\n")};
    size_t len = method.len + 1 + target.len + version[0].len;
    char *at;

    cs_assert(minor <= 1);
    if (!cs_header_name_valid(method) || !target.len || !cs_chars_all(target, CS_CHAR_TARGET))
        return -EINVAL;
    if (cs_buf_reserve(buf, len) < 0)
        return -ENOBUFS;
    at = put(buf->ptr + buf->len, method);
    *at++ = ' ';
    put(put(at, target), version[minor]);
    buf->len += len;
    return 0;
}

static char *put_value(char *at, struct cs_str value)
{
    size_t clean = cs_chars_values(value);

    at = put(at, cs_str_sub(value, 0, clean));
    for (size_t i = clean; i < value.len; i++)
        *at++ = cs_char_is(value.ptr[i], CS_CHAR_VALUE) ? value.ptr[i] : ' ';
    return at;
}

int cs_h1_write_status_line(struct cs_buf *buf, unsigned status, struct cs_str reason)
{
    unsigned wire = cs_http_wire_status(status);
    char *at;

    cs_assert(wire >= 100 && wire <= 999);
    if (!reason.len)
        reason = cs_http_reason(wire);
    if (cs_buf_reserve(buf, 15 + reason.len) < 0)
        return -ENOBUFS;
    at = put(buf->ptr + buf->len, CS_STR("HTTP/1.1 "));
    *at++ = (char)('0' + wire / 100);
    *at++ = (char)('0' + wire / 10 % 10);
    *at++ = (char)('0' + wire % 10);
    *at++ = ' ';
    put(put_value(at, reason), CS_STR("\r\n"));
    buf->len += 15 + reason.len;
    return 0;
}

int cs_h1_write_header(struct cs_buf *buf, struct cs_str name, struct cs_str value)
{
    size_t len = name.len + 2 + value.len + 2;
    char *at;

    if (!cs_header_name_valid(name))
        return -EINVAL;
    if (cs_buf_reserve(buf, len) < 0)
        return -ENOBUFS;
    at = put(put(buf->ptr + buf->len, name), CS_STR(": "));
    put(put_value(at, value), CS_STR("\r\n"));
    buf->len += len;
    return 0;
}

int cs_h1_write_headers(struct cs_buf *buf, const struct cs_headers *headers)
{
    int r = 0;

    for (size_t i = 0; i < headers->n && r >= 0; i++)
        r = cs_h1_write_header(buf, headers->items[i].name, headers->items[i].value);
    return r;
}

int cs_h1_write_end(struct cs_buf *buf)
{
    return cs_buf_add_str(buf, CS_STR("\r\n"));
}
