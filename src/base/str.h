/* Borrowed text: a pointer and a length, passed by value, never freed.
 *
 * A cs_str says nothing about who owns the bytes; the function that returns one
 * says how long it lives. Bytes may contain NUL; nothing here stops at one, so a
 * comparison of names can never be cut short. A zeroed cs_str is the empty text.
 */
#ifndef CS_BASE_STR_H
#define CS_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cs_str {
    const char *ptr;
    size_t len;
};

/** CS_STR() - the text of a string literal. */
#define CS_STR(lit) ((struct cs_str){("" lit), sizeof(lit) - 1})
/** CS_STR_INIT() - the same as a static initialiser. */
#define CS_STR_INIT(lit)                                                                           \
    {                                                                                              \
        ("" lit), sizeof(lit) - 1                                                                  \
    }
/** CS_FMT(s) - the two arguments that "%.*s" wants. */
#define CS_FMT(s) (int)(s).len, (s).ptr ? (s).ptr : ""

/** cs_str_make() - the @len bytes at @ptr. */
static inline struct cs_str cs_str_make(const void *ptr, size_t len)
{
    return (struct cs_str){ptr, len};
}

/** cs_str_from() - a C string, borrowed; NULL is the empty text. */
static inline struct cs_str cs_str_from(const char *cstr)
{
    return (struct cs_str){cstr, cstr ? strlen(cstr) : 0};
}

/** cs_str_sub() - the part of @s from @from on, at most @len bytes; clipped to @s. */
static inline struct cs_str cs_str_sub(struct cs_str s, size_t from, size_t len)
{
    if (from > s.len)
        from = s.len;
    if (len > s.len - from)
        len = s.len - from;
    return (struct cs_str){s.ptr ? s.ptr + from : NULL, len};
}

/** cs_str_skip() - everything of @s after its first @from bytes. */
static inline struct cs_str cs_str_skip(struct cs_str s, size_t from)
{
    return cs_str_sub(s, from, s.len);
}

/** cs_str_eq() - same length, same bytes. Not for secrets (see cs_str_eq_secret()). */
bool cs_str_eq(struct cs_str a, struct cs_str b);
/** cs_str_eq_nocase() - the same, ASCII letters of either case being equal. */
bool cs_str_eq_nocase(struct cs_str a, struct cs_str b);
/** cs_str_eq_secret() - as cs_str_eq(), in time that depends on the lengths only. */
bool cs_str_eq_secret(struct cs_str a, struct cs_str b);
/** cs_str_cmp() - bytewise order, shorter first on a tie: <0, 0, >0. */
int cs_str_cmp(struct cs_str a, struct cs_str b);
/** cs_str_starts() - whether @s begins with @prefix. */
bool cs_str_starts(struct cs_str s, struct cs_str prefix);
/** cs_str_starts_nocase() - the same, ASCII letters of either case being equal. */
bool cs_str_starts_nocase(struct cs_str s, struct cs_str prefix);
/** cs_str_ends() - whether @s ends with @suffix. */
bool cs_str_ends(struct cs_str s, struct cs_str suffix);
/** cs_str_ends_nocase() - the same, ASCII letters of either case being equal. */
bool cs_str_ends_nocase(struct cs_str s, struct cs_str suffix);

/** cs_str_find() - index of the first byte @c in @s. Return: index, or -1. */
ptrdiff_t cs_str_find(struct cs_str s, char c);
/** cs_str_rfind() - index of the last byte @c in @s. Return: index, or -1. */
ptrdiff_t cs_str_rfind(struct cs_str s, char c);
/** cs_str_search() - index of the first occurrence of @needle. Return: index, or -1. */
ptrdiff_t cs_str_search(struct cs_str s, struct cs_str needle);
/** cs_str_trim() - @s without leading and trailing spaces and tabs. */
struct cs_str cs_str_trim(struct cs_str s);
/** cs_str_cut() - the text before the first @sep; *@rest becomes what follows it.
 *  Without a @sep the whole of *@rest is returned and *@rest becomes empty with a
 *  NULL pointer, so `while (rest.ptr)` visits every field, empty ones included. */
struct cs_str cs_str_cut(struct cs_str *rest, char sep);

/** cs_str_to_u64() - a decimal number, digits only, the whole of @s.
 *  Return: 0, or -EINVAL (not a number), or -ERANGE (above @max). */
int cs_str_to_u64(struct cs_str s, uint64_t max, uint64_t *ret_value);

/** cs_str_distance() - edit distance (insert, delete, replace, swap of neighbours) of
 *  two short words, for "did you mean". Words above 63 bytes are far from everything. */
size_t cs_str_distance(struct cs_str a, struct cs_str b);

/** cs_hex_encode() - @len bytes as 2 * @len hex digits, no NUL. Upper case when @upper. */
void cs_hex_encode(const void *bytes, size_t len, bool upper, char *ret_hex);
/** cs_hex_digit() - value of a hex digit of either case. Return: 0..15, or -1. */
int cs_hex_digit(char c);

/** cs_lower() - ASCII lower case, independent of locale. */
static inline char cs_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

#endif
