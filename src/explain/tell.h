/* The styles of an account, each in its file. */
#ifndef CS_EXPLAIN_TELL_H
#define CS_EXPLAIN_TELL_H

#include "explain/account.h"

/** cs_account_line() - CS_ACCOUNT_LINE. Return: 0, or -ENOBUFS. */
int cs_account_line(const struct cs_account *account, struct cs_buf *buf);
/** cs_account_text() - CS_ACCOUNT_TEXT. Return: 0, or -ENOBUFS. */
int cs_account_text(const struct cs_account *account, bool colour, struct cs_buf *buf);
/** cs_account_json() - CS_ACCOUNT_JSON. Return: 0, or -ENOBUFS. */
int cs_account_json(const struct cs_account *account, struct cs_buf *buf);

#endif
