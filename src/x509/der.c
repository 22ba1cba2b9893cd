/* Strict DER. Whatever has two encodings is refused in the longer one: two parsers that
 * accept different spellings of one certificate are how names get past a check. */
#include "x509/der.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/time.h"

/* Bytes of an identifier that is shown: no real one has as many. */
enum { OID_SHOWN = 64 };

static uint8_t byte_at(struct cs_str s, size_t i)
{
    return (uint8_t)s.ptr[i];
}

/* The length octets after the tag (X.690 sections 8.1.3, 10.1). */
static bool read_length(struct cs_str in, size_t *ret_header, size_t *ret_len)
{
    size_t n, len = 0;

    if (in.len < 2)
        return false;
    if (byte_at(in, 1) < 0x80) {
        *ret_header = 2;
        *ret_len = byte_at(in, 1);
        return true;
    }
    n = byte_at(in, 1) & 0x7f;
    if (n == 0 || n > 4 || in.len < 2 + n || byte_at(in, 2) == 0)
        return false;
    for (size_t i = 0; i < n; i++)
        len = len << 8 | byte_at(in, 2 + i);
    if (len < 0x80)
        return false;
    *ret_header = 2 + n;
    *ret_len = len;
    return true;
}

bool cs_der_any(struct cs_str *in, struct cs_der_element *ret_element)
{
    size_t header, len;

    if (!read_length(*in, &header, &len) || len > in->len - header)
        return false;
    if ((byte_at(*in, 0) & 0x1f) == 0x1f)
        return false; /* tags of more than one byte do not occur in X.509 */
    ret_element->tag = byte_at(*in, 0);
    ret_element->content = cs_str_sub(*in, header, len);
    ret_element->whole = cs_str_sub(*in, 0, header + len);
    *in = cs_str_skip(*in, header + len);
    return true;
}

static bool take(struct cs_str *in, uint8_t tag, struct cs_der_element *ret_element)
{
    struct cs_str rest = *in;

    if (!cs_der_any(&rest, ret_element) || ret_element->tag != tag)
        return false;
    *in = rest;
    return true;
}

bool cs_der_take(struct cs_str *in, uint8_t tag, struct cs_str *ret_content)
{
    struct cs_der_element element;

    if (!take(in, tag, &element))
        return false;
    *ret_content = element.content;
    return true;
}

bool cs_der_take_whole(struct cs_str *in, uint8_t tag, struct cs_str *ret_whole)
{
    struct cs_der_element element;

    if (!take(in, tag, &element))
        return false;
    *ret_whole = element.whole;
    return true;
}

bool cs_der_next_is(struct cs_str in, uint8_t tag)
{
    return in.len > 0 && byte_at(in, 0) == tag;
}

bool cs_der_optional(struct cs_str *in, uint8_t tag, bool *ret_there, struct cs_str *ret_content)
{
    *ret_there = cs_der_next_is(*in, tag);
    *ret_content = (struct cs_str){0};
    return !*ret_there || cs_der_take(in, tag, ret_content);
}

bool cs_der_is_one(struct cs_str bytes, uint8_t tag)
{
    struct cs_str content;

    return cs_der_take(&bytes, tag, &content) && bytes.len == 0;
}

bool cs_der_bool(struct cs_str *in, bool *ret_value)
{
    struct cs_str rest = *in, content;

    if (!cs_der_take(&rest, CS_DER_BOOLEAN, &content) || content.len != 1)
        return false;
    if (byte_at(content, 0) != 0x00 && byte_at(content, 0) != 0xff)
        return false;
    *ret_value = byte_at(content, 0) != 0;
    *in = rest;
    return true;
}

/* X.690 section 8.3.2: the first nine bits are neither all zero nor all one. */
static bool shortest_integer(struct cs_str c)
{
    if (c.len == 0)
        return false;
    if (c.len == 1)
        return true;
    return !(byte_at(c, 0) == 0x00 && byte_at(c, 1) < 0x80) &&
           !(byte_at(c, 0) == 0xff && byte_at(c, 1) >= 0x80);
}

bool cs_der_integer(struct cs_str *in, struct cs_str *ret_content)
{
    struct cs_str rest = *in, content;

    if (!cs_der_take(&rest, CS_DER_INTEGER, &content) || !shortest_integer(content))
        return false;
    *ret_content = content;
    *in = rest;
    return true;
}

bool cs_der_uint(struct cs_str *in, uint64_t max, uint64_t *ret_value)
{
    struct cs_str rest = *in, content;
    uint64_t value = 0;

    if (!cs_der_integer(&rest, &content) || content.len > 9 || byte_at(content, 0) >= 0x80)
        return false;
    if (content.len == 9 && byte_at(content, 0) != 0)
        return false;
    for (size_t i = 0; i < content.len; i++)
        value = value << 8 | byte_at(content, i);
    if (value > max)
        return false;
    *ret_value = value;
    *in = rest;
    return true;
}

bool cs_der_oid(struct cs_str *in, struct cs_str *ret_content)
{
    struct cs_str rest = *in, content;
    bool first = true;

    if (!cs_der_take(&rest, CS_DER_OID, &content) || content.len == 0)
        return false;
    for (size_t i = 0; i < content.len; i++) {
        if (first && byte_at(content, i) == 0x80)
            return false; /* an arc with leading zeros */
        first = byte_at(content, i) < 0x80;
    }
    if (!first)
        return false; /* the last arc does not end */
    *ret_content = content;
    *in = rest;
    return true;
}

bool cs_der_bits(struct cs_str *in, struct cs_str *ret_bytes, unsigned *ret_unused)
{
    struct cs_str rest = *in, content;
    unsigned unused;

    if (!cs_der_take(&rest, CS_DER_BIT_STRING, &content) || content.len == 0)
        return false;
    unused = byte_at(content, 0);
    if (unused > 7 || (content.len == 1 && unused != 0))
        return false;
    if (unused && (byte_at(content, content.len - 1) & ((1u << unused) - 1)) != 0)
        return false;
    *ret_bytes = cs_str_skip(content, 1);
    *ret_unused = unused;
    *in = rest;
    return true;
}

/* Two decimal digits at @at, or -1. */
static int two_digits(struct cs_str s, size_t at)
{
    char a = s.ptr[at], b = s.ptr[at + 1];

    if (a < '0' || a > '9' || b < '0' || b > '9')
        return -1;
    return (a - '0') * 10 + (b - '0');
}

/* "YYMMDDHHMMSSZ" behind @year_digits of year. */
static bool read_time(struct cs_str s, size_t year_digits, int64_t *ret_sec)
{
    int field[6] = {0};
    struct cs_date date;

    if (s.len != year_digits + 11 || s.ptr[s.len - 1] != 'Z')
        return false;
    for (size_t i = 0; i < 5; i++) {
        field[i + 1] = two_digits(s, year_digits + 2 * i);
        if (field[i + 1] < 0)
            return false;
    }
    for (size_t i = 0; i < year_digits; i += 2) {
        int two = two_digits(s, i);
        if (two < 0)
            return false;
        field[0] = field[0] * 100 + two;
    }
    if (year_digits == 2)
        field[0] += field[0] < 50 ? 2000 : 1900;
    date = (struct cs_date){field[0], field[1], field[2], field[3], field[4], field[5], 0};
    return cs_date_to_time(&date, ret_sec) == 0;
}

bool cs_der_time(struct cs_str *in, int64_t *ret_sec)
{
    struct cs_der_element element;
    struct cs_str rest = *in;
    size_t year_digits;

    if (!cs_der_any(&rest, &element))
        return false;
    if (element.tag != CS_DER_UTC_TIME && element.tag != CS_DER_GENERALIZED_TIME)
        return false;
    year_digits = element.tag == CS_DER_UTC_TIME ? 2 : 4;
    if (!read_time(element.content, year_digits, ret_sec))
        return false;
    *in = rest;
    return true;
}

struct cs_str cs_der_oid_text(struct cs_str oid, struct cs_arena *arena)
{
    char text[4 * OID_SHOWN + 1]; /* "127." is the most that a byte makes */
    size_t len = 0;
    uint64_t arc = 0;

    if (oid.len > OID_SHOWN)
        return CS_STR("too-long");
    for (size_t i = 0; i < oid.len; i++) {
        if (arc > UINT64_MAX >> 8)
            return CS_STR("too-long");
        arc = arc << 7 | (byte_at(oid, i) & 0x7f);
        if (byte_at(oid, i) & 0x80)
            continue;
        if (len == 0) {
            unsigned top = arc < 40 ? 0 : arc < 80 ? 1 : 2;
            len = (size_t)snprintf(text, sizeof(text), "%u.", top);
            arc -= 40 * top;
        } else {
            text[len++] = '.';
        }
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%llu", (unsigned long long)arc);
        arc = 0;
    }
    return cs_arena_dup(arena, cs_str_make(text, len));
}

void cs_der_begin(struct cs_der_out *out, size_t max)
{
    *out = (struct cs_der_out){0};
    cs_buf_init(&out->buf, max);
}

bool cs_der_end(struct cs_der_out *out)
{
    return !out->failed && out->depth == 0;
}

void cs_der_deinit(struct cs_der_out *out)
{
    cs_buf_deinit(&out->buf);
}

static void add(struct cs_der_out *out, const void *bytes, size_t len)
{
    if (cs_buf_add(&out->buf, bytes, len) < 0)
        out->failed = true;
}

void cs_der_open(struct cs_der_out *out, uint8_t tag)
{
    if (out->depth == CS_DER_DEPTH) {
        out->failed = true;
        return;
    }
    add(out, &tag, 1);
    out->open[out->depth++] = out->buf.len;
}

/* Length octets in their shortest form. Return: how many. */
static size_t write_length(size_t len, uint8_t ret_bytes[5])
{
    size_t n = 0;

    if (len < 0x80) {
        ret_bytes[0] = (uint8_t)len;
        return 1;
    }
    for (size_t rest = len; rest; rest >>= 8)
        n++;
    ret_bytes[0] = (uint8_t)(0x80 | n);
    for (size_t i = 0; i < n; i++)
        ret_bytes[1 + i] = (uint8_t)(len >> (8 * (n - 1 - i)));
    return 1 + n;
}

/* The content is there already: move it to make room for the length. */
void cs_der_close(struct cs_der_out *out)
{
    uint8_t length[5] = {0};
    size_t start, len, n;

    if (out->failed || out->depth == 0) {
        out->failed = true;
        return;
    }
    start = out->open[--out->depth];
    len = out->buf.len - start;
    if (len > UINT32_MAX) {
        out->failed = true;
        return;
    }
    n = write_length(len, length);
    add(out, length, n);
    if (out->failed)
        return;
    memmove(out->buf.ptr + start + n, out->buf.ptr + start, len);
    memcpy(out->buf.ptr + start, length, n);
}

void cs_der_put(struct cs_der_out *out, uint8_t tag, struct cs_str content)
{
    cs_der_open(out, tag);
    add(out, content.ptr, content.len);
    cs_der_close(out);
}

void cs_der_put_raw(struct cs_der_out *out, struct cs_str der)
{
    add(out, der.ptr, der.len);
}

void cs_der_put_bool(struct cs_der_out *out, bool value)
{
    cs_der_put(out, CS_DER_BOOLEAN, value ? CS_STR("\xff") : cs_str_make("\0", 1));
}

static void put_number(struct cs_der_out *out, uint8_t tag, struct cs_str bytes)
{
    while (bytes.len > 1 && bytes.ptr[0] == 0)
        bytes = cs_str_skip(bytes, 1);
    cs_der_open(out, tag);
    if (bytes.len == 0 || byte_at(bytes, 0) >= 0x80)
        add(out, "\0", 1);
    add(out, bytes.ptr, bytes.len);
    cs_der_close(out);
}

void cs_der_put_uint(struct cs_der_out *out, uint8_t tag, uint64_t value)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(value >> (8 * (7 - i)));
    put_number(out, tag, cs_str_make(bytes, sizeof(bytes)));
}

void cs_der_put_unsigned(struct cs_der_out *out, struct cs_str bytes)
{
    put_number(out, CS_DER_INTEGER, bytes);
}

void cs_der_put_bits(struct cs_der_out *out, struct cs_str bytes)
{
    cs_der_open(out, CS_DER_BIT_STRING);
    add(out, "\0", 1);
    add(out, bytes.ptr, bytes.len);
    cs_der_close(out);
}

static void put_time(struct cs_der_out *out, const struct cs_date *d, bool utc)
{
    if (d->year < 0 || d->year > 9999) {
        out->failed = true;
        return;
    }
    cs_der_open(out, utc ? CS_DER_UTC_TIME : CS_DER_GENERALIZED_TIME);
    if (cs_buf_addf(&out->buf, "%0*d%02d%02d%02d%02d%02dZ", utc ? 2 : 4,
                    utc ? d->year % 100 : d->year, d->month, d->day, d->hour, d->minute,
                    d->second) < 0)
        out->failed = true;
    cs_der_close(out);
}

void cs_der_put_time(struct cs_der_out *out, int64_t sec)
{
    struct cs_date d = cs_date_from_time(sec);

    put_time(out, &d, d.year >= 1950 && d.year < 2050);
}

void cs_der_put_generalized_time(struct cs_der_out *out, int64_t sec)
{
    struct cs_date d = cs_date_from_time(sec);

    put_time(out, &d, false);
}
