/* A byte buffer that grows by doubling and stops at its limit. */
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"

void cs_buf_init(struct cs_buf *buf, size_t max)
{
    *buf = (struct cs_buf){.max = max};
}

void cs_buf_deinit(struct cs_buf *buf)
{
    free(buf->ptr);
    *buf = (struct cs_buf){0};
}

void cs_buf_wipe(struct cs_buf *buf)
{
    cs_wipe(buf->ptr, buf->cap);
    cs_buf_deinit(buf);
}

void cs_buf_reset(struct cs_buf *buf)
{
    buf->len = 0;
}

/* Make room for @needed bytes in all, which the maximum allows: seldom, so the common way does
 * without its registers. */
__attribute__((noinline)) static void grow(struct cs_buf *buf, size_t needed)
{
    size_t cap = buf->cap ? buf->cap : 64;

    while (cap < needed)
        cap *= 2;
    if (cap > buf->max)
        cap = buf->max;
    buf->ptr = realloc(buf->ptr, cap);
    cs_assert(buf->ptr != NULL);
    buf->cap = cap;
}

int cs_buf_reserve(struct cs_buf *buf, size_t more)
{
    if (more > buf->max || buf->len > buf->max - more)
        return -ENOBUFS;
    if (buf->len + more > buf->cap)
        grow(buf, buf->len + more);
    return 0;
}

int cs_buf_add(struct cs_buf *buf, const void *bytes, size_t len)
{
    int r = cs_buf_reserve(buf, len);

    if (r < 0 || len == 0)
        return r;
    memcpy(buf->ptr + buf->len, bytes, len);
    buf->len += len;
    return 0;
}

int cs_buf_add_str(struct cs_buf *buf, struct cs_str s)
{
    return cs_buf_add(buf, s.ptr, s.len);
}

int cs_buf_add_char(struct cs_buf *buf, char c)
{
    return cs_buf_add(buf, &c, 1);
}

int cs_buf_vaddf(struct cs_buf *buf, const char *fmt, va_list ap)
{
    va_list again;
    char small[256];
    int n;
    char *text;

    va_copy(again, ap);
    n = vsnprintf(small, sizeof(small), fmt, ap);
    cs_assert(n >= 0);
    if ((size_t)n < sizeof(small)) {
        va_end(again);
        return cs_buf_add(buf, small, (size_t)n);
    }
    text = cs_alloc((size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    n = cs_buf_add(buf, text, (size_t)n);
    free(text);
    return n;
}

int cs_buf_addf(struct cs_buf *buf, const char *fmt, ...)
{
    va_list ap;
    int r;

    va_start(ap, fmt);
    r = cs_buf_vaddf(buf, fmt, ap);
    va_end(ap);
    return r;
}

/* Length of the well-formed UTF-8 sequence at @s, or 0 (Unicode table 3-7). */
static size_t utf8_length(struct cs_str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t n = p[0] < 0x80   ? 1
               : p[0] < 0xc2 ? 0
               : p[0] < 0xe0 ? 2
               : p[0] < 0xf0 ? 3
               : p[0] < 0xf5 ? 4
                             : 0;
    unsigned lowest = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    unsigned highest = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;

    if (n == 0 || n > s.len)
        return 0;
    if (n > 1 && (p[1] < lowest || p[1] > highest))
        return 0;
    for (size_t i = 2; i < n; i++) {
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    }
    return n;
}

/* How many bytes at the start of @s are the same in JSON: nearly all of nearly everything. */
static size_t json_plain(struct cs_str s)
{
    size_t n = 0;

    while (n < s.len && s.ptr[n] >= ' ' && s.ptr[n] < 0x7f && s.ptr[n] != '"' && s.ptr[n] != '\\')
        n++;
    return n;
}

static int add_json_char(struct cs_buf *buf, struct cs_str *rest)
{
    size_t n = utf8_length(*rest);
    unsigned char c = (unsigned char)rest->ptr[0];
    struct cs_str piece = cs_str_sub(*rest, 0, n ? n : 1);

    *rest = cs_str_skip(*rest, piece.len);
    if (n == 0)
        return cs_buf_add_str(buf, CS_STR("\xef\xbf\xbd"));
    if (c == '"' || c == '\\')
        return cs_buf_addf(buf, "\\%c", c);
    if (c == '\n')
        return cs_buf_add_str(buf, CS_STR("\\n"));
    if (c < 0x20 || c == 0x7f)
        return cs_buf_addf(buf, "\\u%04x", c);
    return cs_buf_add_str(buf, piece);
}

int cs_buf_add_json(struct cs_buf *buf, struct cs_str s)
{
    size_t before = buf->len;
    int r = cs_buf_add_char(buf, '"');

    while (r == 0 && s.len) {
        size_t n = json_plain(s);
        r = n ? cs_buf_add(buf, s.ptr, n) : add_json_char(buf, &s);
        s = cs_str_skip(s, n);
    }
    if (r == 0)
        r = cs_buf_add_char(buf, '"');
    if (r < 0)
        buf->len = before;
    return r;
}

void cs_buf_consume(struct cs_buf *buf, size_t len)
{
    cs_assert(len <= buf->len);
    buf->len -= len;
    if (buf->len)
        memmove(buf->ptr, buf->ptr + len, buf->len);
}

const char *cs_buf_cstr(struct cs_buf *buf)
{
    if (buf->len == buf->cap) {
        buf->ptr = realloc(buf->ptr, buf->cap + 1);
        cs_assert(buf->ptr != NULL);
        buf->cap++;
    }
    buf->ptr[buf->len] = '\0';
    return buf->ptr;
}
