/* Foreign bytes in our sentences.
 *
 * Operands come from configuration files, certificates and clients. Written to a log or a
 * terminal as they are, they could forge lines, move the cursor or turn the reading direction.
 * Here they become harmless: well-formed UTF-8 stays, everything else becomes `\xHH`.
 */
#ifndef CS_EXPLAIN_TEXT_H
#define CS_EXPLAIN_TEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

/* The most bytes of one operand that a sentence repeats; the rest becomes "...". */
#define CS_EXPLAIN_OPERAND_MAX 512

/** cs_explain_char() - how the first character of @s (not empty) is written safely.
 *  Pure. *ret_bytes is how many bytes of @s it has (1..4), *ret_columns the columns of a
 *  terminal that the result takes. Return: the length of the text in @out (at most 16). */
size_t cs_explain_char(struct cs_str s, char out[16], size_t *ret_bytes, size_t *ret_columns);

/** cs_explain_escape() - append @s with every control byte, malformed sequence and character
 *  that changes the reading direction written as `\xHH`, one per byte. Return: 0, or -ENOBUFS. */
int cs_explain_escape(struct cs_buf *buf, struct cs_str s);

/** cs_explain_bytes() - @s as cs_explain_escape() writes it, in @arena: bytes of any protocol as
 *  text that a JSON string can carry. */
struct cs_str cs_explain_bytes(struct cs_arena *arena, struct cs_str s);

/** cs_explain_template() - append @template with {0}, {1}, … replaced by the @n @operands,
 *  each escaped and cut to CS_EXPLAIN_OPERAND_MAX; one that is absent reads as nothing.
 *  Return: 0, or -ENOBUFS. */
int cs_explain_template(struct cs_buf *buf, const char *template, const struct cs_str *operands,
                        size_t n);

#endif
