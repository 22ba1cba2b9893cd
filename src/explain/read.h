/* Accounts out of what was written down: failure logs, reports of the doctor, lines with JSON in
 * them. */
#ifndef CS_EXPLAIN_READ_H
#define CS_EXPLAIN_READ_H

#include "explain/account.h"

/* How a reading went. */
struct cs_reading {
    size_t n;             /* accounts found */
    size_t n_bad;         /* pieces that begin like JSON and are none */
    unsigned bad_line;    /* of the first of them; from 1 */
    char bad_reason[160]; /* why */
};

/** cs_account_read() - find every account in @text: one JSON value of any shape with accounts
 *  somewhere in it, or lines of which each may hold one, behind whatever a log puts before it.
 *  @each is called with one after the other; what it is given lasts until it returns. Hostile text
 *  is harmless. *@ret_reading is always written. */
void cs_account_read(struct cs_str text, void (*each)(void *ctx, const struct cs_account *account),
                     void *ctx, struct cs_reading *ret_reading);

#endif
