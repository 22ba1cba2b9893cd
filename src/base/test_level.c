/* Levels: every word is read back as itself, and nothing else is a level. */
#include "base/level.h"

#include <errno.h>

#include "tap.h"

int main(void)
{
    static const char *const wrong[] = {"", "warning", "Error", "debug ", "debug_http"};
    enum cs_log_level level;

    for (int i = CS_LOG_EMERG; i <= CS_LOG_DEBUG; i++) {
        const char *name = cs_log_level_name((enum cs_log_level)i);
        tap_ok(cs_log_level_parse(cs_str_from(name), &level) == 0 && (int)level == i, "%s", name);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        tap_int(cs_log_level_parse(cs_str_from(wrong[i]), &level), -EINVAL, wrong[i]);
    return tap_done();
}
