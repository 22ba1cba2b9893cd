/* One byte, one table entry. The numbers are the sums of the classes in chars.h; test_chars.c
 * derives them again from the grammar. */
#include "http/chars.h"

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

/* Whether all eight bytes are 0x20 or above and not DEL (a tab is left to the slow way). */
static bool all_plain(uint64_t word)
{
    uint64_t del = word ^ EACH(0x7f);
    uint64_t below = (word - EACH(0x20)) & ~word;
    uint64_t equal = (del - EACH(0x01)) & ~del;

    return ((below | equal) & EACH(0x80)) == 0;
}

size_t cs_chars_values(struct cs_str s)
{
    size_t i = 0;

    for (;;) {
        uint64_t word;
        while (s.len - i >= sizeof(word)) {
            memcpy(&word, s.ptr + i, sizeof(word));
            if (!all_plain(word))
                break;
            i += sizeof(word);
        }
        for (size_t end = s.len - i < 8 ? s.len : i + 8; i < end; i++)
            if (!cs_char_is(s.ptr[i], CS_CHAR_VALUE))
                return i;
        if (i == s.len)
            return i;
    }
}
