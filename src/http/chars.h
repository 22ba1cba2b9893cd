/* The byte classes of HTTP's grammar in one table, for the parsers of this folder. */
#ifndef CS_HTTP_CHARS_H
#define CS_HTTP_CHARS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum {
    CS_CHAR_TOKEN = 1,  /* tchar, RFC 9110 section 5.6.2 */
    CS_CHAR_VALUE = 2,  /* VCHAR, obs-text, space, tab: RFC 9110 section 5.5 */
    CS_CHAR_TARGET = 4, /* VCHAR and obs-text: what nginx takes in a request target */
    CS_CHAR_METHOD = 8, /* upper case letters, '-' and '_', as nginx */
    CS_CHAR_HOST = 16,  /* letters, digits, '-', '.', '_' */
    CS_CHAR_FIELD = 32, /* letters, digits, '-': names that nginx forwards */
    CS_CHAR_DIGIT = 64,
};

extern const uint8_t cs_chars[256];

/** cs_char_is() - whether the byte belongs to (any of) @classes. */
static inline bool cs_char_is(char c, unsigned classes)
{
    return (cs_chars[(unsigned char)c] & classes) != 0;
}

/** cs_chars_all() - whether every byte of @s belongs to @classes; true for the empty text. */
static inline bool cs_chars_all(struct cs_str s, unsigned classes)
{
    for (size_t i = 0; i < s.len; i++)
        if (!cs_char_is(s.ptr[i], classes))
            return false;
    return true;
}

/** cs_chars_values() - how many bytes at the front of @s are of class VALUE. Eight at a time:
 *  heads are mostly that. */
size_t cs_chars_values(struct cs_str s);

#endif
