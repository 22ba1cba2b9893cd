/* An owning, growing byte buffer with a hard maximum.
 *
 * Everything that a peer can make longer is collected in one of these, so the limit
 * is part of the buffer and cannot be forgotten. Appending beyond the maximum changes
 * nothing and says -ENOBUFS. Running out of memory below the maximum aborts (see
 * ARCHITECTURE.md, "Memory"). A zeroed cs_buf is empty with no room: init it.
 */
#ifndef CS_BASE_BUF_H
#define CS_BASE_BUF_H

#include <stdarg.h>
#include <stdint.h>

#include "base/str.h"

struct cs_buf {
    char *ptr;
    size_t len; /* bytes held */
    size_t cap; /* bytes allocated */
    size_t max; /* bytes it may ever hold */
};

/** cs_buf_init() - an empty buffer that may hold up to @max bytes. Allocates nothing. */
void cs_buf_init(struct cs_buf *buf, size_t max);
/** cs_buf_deinit() - free the bytes; the buffer is empty with no room afterwards. */
void cs_buf_deinit(struct cs_buf *buf);
/** cs_buf_wipe() - as cs_buf_deinit(), overwriting the bytes first. For secrets. */
void cs_buf_wipe(struct cs_buf *buf);
/** cs_buf_reset() - forget the bytes, keep the memory. */
void cs_buf_reset(struct cs_buf *buf);

/** cs_buf_reserve() - make room for @more bytes behind the held ones.
 *  Return: 0 (ptr + len has room for @more), or -ENOBUFS (beyond max, nothing changed). */
int cs_buf_reserve(struct cs_buf *buf, size_t more);
/** cs_buf_add() - append @len bytes. Return: 0, or -ENOBUFS (nothing appended). */
int cs_buf_add(struct cs_buf *buf, const void *bytes, size_t len);
/** cs_buf_add_str() - append a text. Return: 0, or -ENOBUFS. */
int cs_buf_add_str(struct cs_buf *buf, struct cs_str s);
/** cs_buf_add_char() - append one byte. Return: 0, or -ENOBUFS. */
int cs_buf_add_char(struct cs_buf *buf, char c);
/** cs_buf_addf() - append formatted text (no NUL counted). Return: 0, or -ENOBUFS. */
int cs_buf_addf(struct cs_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** cs_buf_vaddf() - the same with a va_list. */
int cs_buf_vaddf(struct cs_buf *buf, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
/** cs_buf_add_json() - append @s as a quoted JSON string (RFC 8259 section 7); bytes that
 *  are not UTF-8 become U+FFFD. Return: 0, or -ENOBUFS. */
int cs_buf_add_json(struct cs_buf *buf, struct cs_str s);

/** cs_buf_consume() - drop the first @len bytes and move the rest to the front. */
void cs_buf_consume(struct cs_buf *buf, size_t len);

/** cs_buf_str() - the bytes held, borrowed until the buffer is next changed. */
static inline struct cs_str cs_buf_str(const struct cs_buf *buf)
{
    return (struct cs_str){buf->ptr, buf->len};
}

/** cs_buf_cstr() - the bytes held as a C string; grows by a NUL that is not counted.
 *  Borrowed until the buffer is next changed. */
const char *cs_buf_cstr(struct cs_buf *buf);

#endif
