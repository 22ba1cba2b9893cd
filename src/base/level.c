/* The words of the levels. */
#include "base/level.h"

#include <errno.h>

static const char *const names[] = {NULL,   "emerg",  "alert", "crit", "error",
                                    "warn", "notice", "info",  "debug"};

const char *cs_log_level_name(enum cs_log_level level)
{
    return names[level];
}

int cs_log_level_parse(struct cs_str text, enum cs_log_level *ret_level)
{
    for (int i = CS_LOG_EMERG; i <= CS_LOG_DEBUG; i++) {
        if (cs_str_eq(text, cs_str_from(names[i]))) {
            *ret_level = (enum cs_log_level)i;
            return 0;
        }
    }
    return -EINVAL;
}
