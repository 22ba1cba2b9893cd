/* PEM. Decoding is one table look-up per character and runs over files of 50 MB (a
 * revocation list of a million entries), so the common case, four characters without white
 * space between them, is a loop of its own. */
#include "x509/pem.h"

#include <errno.h>

#include "x509/der.h"

static const struct cs_str begin_mark = CS_STR_INIT("-----BEGIN ");
static const struct cs_str end_mark = CS_STR_INIT("-----END ");
static const struct cs_str dashes = CS_STR_INIT("-----");

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { SPACE = 64, PAD = 65, BAD = 66 };

static void fill_table(uint8_t table[256])
{
    memset(table, BAD, 256);
    for (uint8_t i = 0; i < 64; i++)
        table[(uint8_t)letters[i]] = i;
    table[' '] = table['\t'] = table['\r'] = table['\n'] = SPACE;
    table['='] = PAD;
}

struct decoder {
    uint32_t bits;
    unsigned n_chars; /* of the current four */
    unsigned n_pads;
    uint8_t *out;
};

/* One character. Return: false when it must not stand here. */
static bool decode_char(struct decoder *d, uint8_t value)
{
    if (value == SPACE)
        return true;
    if (value == BAD || (d->n_pads && value != PAD) || (value == PAD && d->n_chars < 2))
        return false;
    if (value == PAD && ++d->n_pads > 2)
        return false;
    d->bits = d->bits << 6 | (value == PAD ? 0 : value);
    if (++d->n_chars < 4)
        return true;
    if (d->bits & ((1u << (8 * d->n_pads)) - 1))
        return false; /* bits beyond the last byte: two spellings of one value */
    *d->out++ = (uint8_t)(d->bits >> 16);
    if (d->n_pads < 2)
        *d->out++ = (uint8_t)(d->bits >> 8);
    if (d->n_pads < 1)
        *d->out++ = (uint8_t)d->bits;
    d->bits = 0;
    d->n_chars = d->n_pads ? 5 : 0; /* after padding nothing may follow */
    return true;
}

int cs_base64_decode(struct cs_str text, uint8_t *ret_bytes, size_t *ret_len)
{
    const uint8_t *p = (const uint8_t *)text.ptr, *end = p + text.len;
    struct decoder d = {.out = ret_bytes};
    uint8_t table[256];

    fill_table(table);
    while (p < end) {
        while (d.n_chars == 0 && end - p >= 4) {
            uint32_t a = table[p[0]], b = table[p[1]], c = table[p[2]], e = table[p[3]];
            if ((a | b | c | e) > 63)
                break;
            d.out[0] = (uint8_t)(a << 2 | b >> 4);
            d.out[1] = (uint8_t)(b << 4 | c >> 2);
            d.out[2] = (uint8_t)(c << 6 | e);
            d.out += 3;
            p += 4;
        }
        if (p == end)
            break;
        if (d.n_chars == 5 && table[*p] != SPACE)
            return -EBADMSG;
        if (!decode_char(&d, table[*p++]))
            return -EBADMSG;
    }
    if (d.n_chars != 0 && d.n_chars != 5)
        return -EBADMSG;
    *ret_len = (size_t)(d.out - ret_bytes);
    return 0;
}

/* The rest of the current line; *@s moves to the next one. */
static struct cs_str take_line(struct cs_str *s)
{
    ptrdiff_t nl = cs_str_find(*s, '\n');
    struct cs_str line = nl < 0 ? *s : cs_str_sub(*s, 0, (size_t)nl);

    *s = nl < 0 ? cs_str_skip(*s, s->len) : cs_str_skip(*s, (size_t)nl + 1);
    while (line.len && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == ' ' ||
                        line.ptr[line.len - 1] == '\t'))
        line.len--;
    return line;
}

/* "-----BEGIN LABEL-----" → LABEL. */
static bool read_mark(struct cs_str line, struct cs_str mark, struct cs_str *ret_label)
{
    if (!cs_str_starts(line, mark) || !cs_str_ends(line, dashes) ||
        line.len < mark.len + dashes.len)
        return false;
    *ret_label = cs_str_sub(line, mark.len, line.len - mark.len - dashes.len);
    return true;
}

/* Go to the first line that opens a block. */
static bool find_begin(struct cs_str *rest, struct cs_str *ret_label, const char **ret_start)
{
    while (rest->len) {
        const char *start = rest->ptr;
        if (read_mark(take_line(rest), begin_mark, ret_label)) {
            *ret_start = start;
            return true;
        }
    }
    return false;
}

/* The text up to the END line, which has to name the same label. */
static bool find_end(struct cs_str *rest, struct cs_str label, struct cs_str *ret_body)
{
    ptrdiff_t at = cs_str_search(*rest, end_mark);
    struct cs_str end_label, after;

    if (at < 0)
        return false;
    after = cs_str_skip(*rest, (size_t)at);
    if (!read_mark(take_line(&after), end_mark, &end_label) || !cs_str_eq(label, end_label))
        return false;
    *ret_body = cs_str_sub(*rest, 0, (size_t)at);
    *rest = after;
    return true;
}

int cs_pem_next(struct cs_str *rest, struct cs_arena *arena, struct cs_pem_block *ret_block)
{
    struct cs_pem_block block = {0};
    struct cs_str body, inside;
    const char *start;
    uint8_t *bytes;
    size_t len;

    if (!find_begin(rest, &block.label, &start))
        return 0;
    inside = *rest;
    if (!find_end(rest, block.label, &body))
        return -EBADMSG;
    block.whole = cs_str_make(start, (size_t)(rest->ptr - start));
    block.has_headers = cs_str_find(body, ':') >= 0;
    if (!block.has_headers) {
        bytes = (uint8_t *)cs_arena_raw(arena, body.len / 4 * 3 + 3);
        if (cs_base64_decode(body, bytes, &len) < 0) {
            *rest = inside; /* the END may be that of a later block */
            return -EBADMSG;
        }
        block.der = cs_str_make(bytes, len);
    }
    *ret_block = block;
    return 1;
}

bool cs_pem_is_der(struct cs_str bytes)
{
    return cs_der_is_one(bytes, CS_DER_SEQUENCE);
}

int cs_base64_write(struct cs_buf *buf, struct cs_str bytes)
{
    char four[4];

    for (size_t i = 0; i < bytes.len; i += 3) {
        const uint8_t *p = (const uint8_t *)bytes.ptr + i;
        size_t left = bytes.len - i;
        uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)(left > 1 ? p[1] : 0) << 8 |
                     (uint32_t)(left > 2 ? p[2] : 0);
        four[0] = letters[v >> 18];
        four[1] = letters[v >> 12 & 63];
        four[2] = left > 1 ? letters[v >> 6 & 63] : '=';
        four[3] = left > 2 ? letters[v & 63] : '=';
        if (cs_buf_add(buf, four, sizeof(four)) < 0)
            return -ENOBUFS;
    }
    return 0;
}

int cs_pem_write(struct cs_buf *buf, struct cs_str label, struct cs_str der)
{
    enum { LINE = 48 };

    if (cs_buf_addf(buf, "-----BEGIN %.*s-----\n", CS_FMT(label)) < 0)
        return -ENOBUFS;
    for (size_t i = 0; i < der.len; i += LINE) {
        if (cs_base64_write(buf, cs_str_sub(der, i, LINE)) < 0 || cs_buf_add_char(buf, '\n') < 0)
            return -ENOBUFS;
    }
    return cs_buf_addf(buf, "-----END %.*s-----\n", CS_FMT(label));
}
