/* Feed a head whole and one byte at a time, and insist on one outcome. */
#ifndef CS_TESTS_LIB_H1_FEED_H
#define CS_TESTS_LIB_H1_FEED_H

#include "http/h1.h"

#include "tap.h"

#include <stdlib.h>

/* @s on one line, for the name of a check; in a static buffer. */
static inline const char *feed_shown(struct cs_str s)
{
    static char shown[400];
    size_t len = 0;

    for (size_t i = 0; i < s.len && len < sizeof(shown) - 5; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        len +=
            (size_t)snprintf(shown + len, 5, c < 32 || c > 126 || c == '#' ? "\\x%02x" : "%c", c);
    }
    shown[len] = 0;
    return shown;
}

/* @len bytes of @s in a block of exactly that size, so that a sanitizer sees overreads. */
static inline char *feed_copy(struct cs_str s, size_t len)
{
    char *copy = malloc(len ? len : 1);
    if (len)
        memcpy(copy, s.ptr, len);
    return copy;
}

/* As cs_h1_head_find() on everything, or with @bytewise on every prefix in turn. */
static inline ssize_t feed_head(struct cs_h1_scan *scan, struct cs_str bytes, bool bytewise)
{
    ssize_t r = 0;
    size_t from = bytewise ? 1 : bytes.len;

    for (size_t len = from; len <= bytes.len && !r && bytes.len; len++) {
        char *copy = feed_copy(bytes, len);
        r = cs_h1_head_find(scan, cs_str_make(copy, len));
        free(copy);
    }
    return r;
}

/* The outcome of the search, having checked that cutting the input changes nothing. */
static inline ssize_t feed_both(enum cs_h1_kind kind, const struct cs_h1_limits *limits,
                                struct cs_str bytes, struct cs_h1_scan *scan)
{
    struct cs_h1_scan other;
    ssize_t whole, cut;

    cs_h1_scan_init(scan, kind, limits);
    cs_h1_scan_init(&other, kind, limits);
    whole = feed_head(scan, bytes, false);
    cut = feed_head(&other, bytes, true);
    if (whole != cut || scan->error != other.error || scan->start != other.start)
        tap_ok(false, "cutting changes the outcome: %zd error %d, %zd error %d: %s", whole,
               scan->error, cut, other.error, feed_shown(bytes));
    return whole;
}

static inline const char *feed_code(enum cs_h1_error error)
{
    return cs_h1_error_kind(error)->code;
}

#endif
