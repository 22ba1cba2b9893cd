/* Text by pointer and length. Case is ASCII's: protocol names have no locale. */
#include "base/str.h"

#include <errno.h>

bool cs_str_eq(struct cs_str a, struct cs_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool cs_str_eq_nocase(struct cs_str a, struct cs_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (a.ptr[i] != b.ptr[i] && cs_lower(a.ptr[i]) != cs_lower(b.ptr[i]))
            return false;
    }
    return true;
}

bool cs_str_eq_secret(struct cs_str a, struct cs_str b)
{
    volatile unsigned char difference = 0;

    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        difference |= (unsigned char)(a.ptr[i] ^ b.ptr[i]);
    return difference == 0;
}

int cs_str_cmp(struct cs_str a, struct cs_str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.ptr, b.ptr, common) : 0;

    if (order)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool cs_str_starts(struct cs_str s, struct cs_str prefix)
{
    return s.len >= prefix.len && cs_str_eq(cs_str_sub(s, 0, prefix.len), prefix);
}

bool cs_str_starts_nocase(struct cs_str s, struct cs_str prefix)
{
    return s.len >= prefix.len && cs_str_eq_nocase(cs_str_sub(s, 0, prefix.len), prefix);
}

bool cs_str_ends(struct cs_str s, struct cs_str suffix)
{
    return s.len >= suffix.len && cs_str_eq(cs_str_skip(s, s.len - suffix.len), suffix);
}

bool cs_str_ends_nocase(struct cs_str s, struct cs_str suffix)
{
    return s.len >= suffix.len && cs_str_eq_nocase(cs_str_skip(s, s.len - suffix.len), suffix);
}

ptrdiff_t cs_str_find(struct cs_str s, char c)
{
    const char *hit = s.len ? memchr(s.ptr, c, s.len) : NULL;

    return hit ? hit - s.ptr : -1;
}

ptrdiff_t cs_str_rfind(struct cs_str s, char c)
{
    const char *hit = s.len ? memrchr(s.ptr, c, s.len) : NULL;

    return hit ? hit - s.ptr : -1;
}

ptrdiff_t cs_str_search(struct cs_str s, struct cs_str needle)
{
    const char *hit;

    if (needle.len == 0)
        return 0;
    hit = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
    return hit ? hit - s.ptr : -1;
}

struct cs_str cs_str_trim(struct cs_str s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = cs_str_skip(s, 1);
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

struct cs_str cs_str_cut(struct cs_str *rest, char sep)
{
    struct cs_str whole = *rest;
    ptrdiff_t at = cs_str_find(whole, sep);

    if (at < 0) {
        *rest = (struct cs_str){NULL, 0};
        return whole;
    }
    *rest = cs_str_skip(whole, (size_t)at + 1);
    return cs_str_sub(whole, 0, (size_t)at);
}

int cs_str_to_u64(struct cs_str s, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (s.len == 0)
        return -EINVAL;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return -EINVAL;
    }
    for (size_t i = 0; i < s.len; i++) {
        uint64_t digit = (uint64_t)(s.ptr[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return -ERANGE;
        value = value * 10 + digit;
    }
    if (value > max)
        return -ERANGE;
    *ret_value = value;
    return 0;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Optimal string alignment: three rows of the edit table are enough. */
size_t cs_str_distance(struct cs_str a, struct cs_str b)
{
    enum { MAX = 63 };
    unsigned rows[3][MAX + 1];

    if (a.len > MAX || b.len > MAX)
        return a.len + b.len;
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned cost = a.ptr[i - 1] != b.ptr[j - 1];
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1] &&
                two[j - 2] + 1 < row[j])
                row[j] = two[j - 2] + 1;
        }
    }
    return rows[a.len % 3][b.len];
}

void cs_hex_encode(const void *bytes, size_t len, bool upper, char *ret_hex)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    const unsigned char *b = bytes;

    for (size_t i = 0; i < len; i++) {
        ret_hex[2 * i] = digits[b[i] >> 4];
        ret_hex[2 * i + 1] = digits[b[i] & 15];
    }
}

int cs_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = cs_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
