/* The other cs_fast(): short cuts can be left out, by name. Only debug programs link this. */
#ifndef CS_TESTS_DIFFERENTIAL_WITHOUT_H
#define CS_TESTS_DIFFERENTIAL_WITHOUT_H

#include "base/fast.h"

/** without_path() - leave @path out from now on. */
void without_path(enum cs_fast_path path);
/** without_name() - the name of @path. Static. */
const char *without_name(enum cs_fast_path path);
/** without_parse() - leave out what @names says, "memory,shed" or "all".
 *  Return: 0, or -EINVAL (a name that nobody has; nothing is changed). */
int without_parse(const char *names);

#endif
