/* Escape by character: decode one UTF-8 sequence strictly, let it pass when it prints and
 * reads from left to right, write its bytes in hex otherwise. */
#include "explain/text.h"

#include <errno.h>

/* The length of the well-formed sequence at the start of @s (RFC 3629), or 0. */
static size_t decode(struct cs_str s, uint32_t *ret_point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t *p = (const uint8_t *)s.ptr;
    size_t n = p[0] < 0x80             ? 1
               : (p[0] & 0xe0) == 0xc0 ? 2
               : (p[0] & 0xf0) == 0xe0 ? 3
               : (p[0] & 0xf8) == 0xf0 ? 4
                                       : 0;
    uint32_t point;

    if (n == 0 || n > s.len)
        return 0;
    point = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (p[i] & 0x3f);
    }
    if (point < least[n] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    *ret_point = point;
    return n;
}

/* Controls, line and paragraph separators, direction marks, byte order mark. */
static bool is_harmful(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

size_t cs_explain_char(struct cs_str s, char out[16], size_t *ret_bytes, size_t *ret_columns)
{
    uint32_t point = 0;
    size_t n = decode(s, &point);
    size_t len = 0;

    if (n && !is_harmful(point)) {
        memcpy(out, s.ptr, n);
        *ret_bytes = n;
        *ret_columns = 1;
        return n;
    }
    n = n ? n : 1;
    for (size_t i = 0; i < n; i++, len += 4) {
        out[len] = '\\';
        out[len + 1] = 'x';
        cs_hex_encode(s.ptr + i, 1, false, out + len + 2);
    }
    *ret_bytes = n;
    *ret_columns = len;
    return len;
}

/* How many bytes at the start of @s are printable ASCII: nearly all of nearly everything. */
static size_t plain(struct cs_str s)
{
    size_t n = 0;

    while (n < s.len && s.ptr[n] >= ' ' && s.ptr[n] < 0x7f)
        n++;
    return n;
}

int cs_explain_escape(struct cs_buf *buf, struct cs_str s)
{
    char out[16];
    size_t bytes, columns;

    while (s.len) {
        size_t len = bytes = plain(s);
        const char *text = s.ptr;
        if (!len) {
            len = cs_explain_char(s, out, &bytes, &columns);
            text = out;
        }
        if (cs_buf_add(buf, text, len) < 0)
            return -ENOBUFS;
        s = cs_str_skip(s, bytes);
    }
    return 0;
}

struct cs_str cs_explain_bytes(struct cs_arena *arena, struct cs_str s)
{
    struct cs_str text;
    struct cs_buf buf;

    cs_buf_init(&buf, 4 * s.len + 1);
    (void)!cs_explain_escape(&buf, s);
    text = cs_arena_dup(arena, cs_buf_str(&buf));
    cs_buf_deinit(&buf);
    return text;
}

static int add_operand(struct cs_buf *buf, struct cs_str operand)
{
    bool cut = operand.len > CS_EXPLAIN_OPERAND_MAX;
    int r = cs_explain_escape(buf, cs_str_sub(operand, 0, CS_EXPLAIN_OPERAND_MAX));
    return r == 0 && cut ? cs_buf_add_str(buf, CS_STR("...")) : r;
}

int cs_explain_template(struct cs_buf *buf, const char *template, const struct cs_str *operands,
                        size_t n)
{
    int r = 0;

    for (const char *p = template; *p && r == 0;) {
        if (p[0] == '{' && p[1] >= '0' && p[1] <= '9' && p[2] == '}') {
            size_t i = (size_t)(p[1] - '0');
            if (i < n)
                r = add_operand(buf, operands[i]);
            p += 3;
        } else {
            size_t len = 1 + strcspn(p + 1, "{"); /* a brace that opens nothing is text */
            r = cs_buf_add(buf, p, len);
            p += len;
        }
    }
    return r;
}
