/* Trees and tables as text. */
#ifndef CS_CONFIG_PRINT_H
#define CS_CONFIG_PRINT_H

#include "base/buf.h"
#include "config/schema.h"
#include "config/tree.h"

/** cs_print_word() - append @text so that reading it gives @text again: quoted when it must be.
 *  Return: 0, or -ENOBUFS. */
int cs_print_word(struct cs_buf *buf, struct cs_str text);
/** cs_print_block() - append the canonical text of a block's content: one directive per line,
 *  four spaces per level, comments and includes resolved. Reading and printing that again
 *  gives the same text. Return: 0, or -ENOBUFS. */
int cs_print_block(struct cs_buf *buf, const struct cs_block *block);
/** cs_print_manual() - append the reference manual of all directives of @schema in Markdown, in
 *  the order of their names. Return: 0, or -ENOBUFS. */
int cs_print_manual(struct cs_buf *buf, const struct cs_schema *schema);

#endif
