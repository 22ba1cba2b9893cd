/* Which names a pattern means. The store's own, so that a name in a query is never a statement. */
#ifndef CS_STORE_GLOB_H
#define CS_STORE_GLOB_H

#include <stdbool.h>

#include "base/str.h"

/** cs_glob_match() - whether @pattern means the whole of @text: "*" stands for any bytes, also none
 *  and also "/", "?" for exactly one, everything else for itself. Takes at most time in proportion
 * to the product of the lengths. */
bool cs_glob_match(struct cs_str pattern, struct cs_str text);

#endif
