/* One byte, one table entry. The numbers are the sums of the classes in chars.h; test_chars.c
 * derives them again from the grammar. */
#include "http/chars.h"

#include <endian.h>

/* clang-format off */
const uint8_t cs_chars[256] = {
      0,   0,   0,   0,   0,   0,   0,   0,   0,   2,   0,   0,   0,   0,   0,   0,
      0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
      2,   7,   6,   7,   7,   7,   7,   7,   6,   6,   7,   7,   6,  63,  23,   6,
    119, 119, 119, 119, 119, 119, 119, 119, 119, 119,   6,   6,   6,   6,   6,   6,
      6,  63,  63,  63,  63,  63,  63,  63,  63,  63,  63,  63,  63,  63,  63,  63,
     63,  63,  63,  63,  63,  63,  63,  63,  63,  63,  63,   6,   6,   6,   7,  31,
      7,  55,  55,  55,  55,  55,  55,  55,  55,  55,  55,  55,  55,  55,  55,  55,
     55,  55,  55,  55,  55,  55,  55,  55,  55,  55,  55,   6,   7,   6,   7,   0,
      6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,
      6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,
      6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,
      6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,
      6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,
      6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,
      6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,
      6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,   6,
};
/* clang-format on */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* How many of the eight bytes at @at come before the first that is below 0x20 or DEL. A borrow may
 * mark bytes behind that one falsely; nobody looks at them. */
static size_t n_plain(const char *at)
{
    uint64_t word, del, below, equal, marks;

    memcpy(&word, at, sizeof(word));
    word = le64toh(word);
    del = word ^ EACH(0x7f);
    below = (word - EACH(0x20)) & ~word;
    equal = (del - EACH(0x01)) & ~del;
    marks = (below | equal) & EACH(0x80);
    return marks ? (size_t)__builtin_ctzll(marks) / 8 : 8;
}

size_t cs_chars_values(struct cs_str s)
{
    size_t i = 0;

    while (s.len - i >= 8) {
        size_t n = n_plain(s.ptr + i);
        i += n;
        if (n == 8)
            continue;
        if (!cs_char_is(s.ptr[i], CS_CHAR_VALUE))
            return i;
        i++; /* a tab */
    }
    if (s.len >= 8 && n_plain(s.ptr + s.len - 8) == 8)
        return s.len;
    while (i < s.len && cs_char_is(s.ptr[i], CS_CHAR_VALUE))
        i++;
    return i;
}
