/* A bug ends the process: going on with broken state is worse than a restart. */
#include "base/panic.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void cs_panic(const char *file, int line, const char *what)
{
    fprintf(stderr, "countersign: bug at %s:%d: %s\n", file, line, what);
    abort();
}
