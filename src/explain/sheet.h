/* Facts on a sheet: labelled lines for people, or the same facts as JSON for programs.
 *
 * Whoever has facts writes them once; the sheet decides how they look. A fact has a label for
 * people and a key for programs; a NULL label keeps it from people (they see it in other words),
 * a NULL key from programs. Foreign bytes go through explain/text.h, or JSON's escapes. Beyond the
 * buffer's maximum nothing more is written, and cs_sheet_done() says so.
 */
#ifndef CS_EXPLAIN_SHEET_H
#define CS_EXPLAIN_SHEET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/findings.h"

struct cs_sheet {
    struct cs_buf *buf;
    bool json;
    bool colour;
    unsigned indent; /* of text: columns before a label */
    bool more;       /* JSON: a member or element stands before */
    bool full;
};

/** cs_sheet_begin() - write on @buf, behind what it has: JSON (one value, no newline) or text. */
void cs_sheet_begin(struct cs_sheet *sheet, struct cs_buf *buf, bool json, bool colour);
/** cs_sheet_done() - end the value, in JSON with a newline. Return: 0, or -ENOBUFS (something did
 * not fit). */
int cs_sheet_done(struct cs_sheet *sheet);

/** cs_sheet_open() - JSON: an object, as member @key, or as an element when NULL. Text: nothing. */
void cs_sheet_open(struct cs_sheet *sheet, const char *key);
/** cs_sheet_close() - end of the innermost object. */
void cs_sheet_close(struct cs_sheet *sheet);
/** cs_sheet_open_list() - JSON: an array as member @key. Text: nothing. */
void cs_sheet_open_list(struct cs_sheet *sheet, const char *key);
/** cs_sheet_close_list() - end of the innermost array. */
void cs_sheet_close_list(struct cs_sheet *sheet);

/** cs_sheet_text() - one text. An empty one is left out. */
void cs_sheet_text(struct cs_sheet *sheet, const char *label, const char *key, struct cs_str value);
/** cs_sheet_number() - one number. */
void cs_sheet_number(struct cs_sheet *sheet, const char *label, const char *key, int64_t value);
/** cs_sheet_flag() - yes or no. */
void cs_sheet_flag(struct cs_sheet *sheet, const char *label, const char *key, bool value);
/** cs_sheet_raw() - JSON: a value that is JSON already, as member @key, or as an element when NULL.
 *  Text: nothing. */
void cs_sheet_raw(struct cs_sheet *sheet, const char *key, struct cs_str json);
/** cs_sheet_item() - text: another value under the label of the line before, or with one of its
 *  own. JSON: an element of the open list. */
void cs_sheet_item(struct cs_sheet *sheet, const char *label, struct cs_str value);
/** cs_sheet_line() - text only: a line of its own, with the indent and nothing else; @bold where
 *  there are colours. An empty one is a blank line. */
void cs_sheet_line(struct cs_sheet *sheet, struct cs_str line, bool bold);
/** cs_sheet_findings() - all of @findings: paragraphs, or member "findings" with an array. */
void cs_sheet_findings(struct cs_sheet *sheet, const struct cs_findings *findings);

#endif
