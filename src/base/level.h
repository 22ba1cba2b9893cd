/* Severities of log lines, in nginx's words and order. */
#ifndef CS_BASE_LEVEL_H
#define CS_BASE_LEVEL_H

#include "base/str.h"

/* The gravest first. */
enum cs_log_level {
    CS_LOG_EMERG = 1,
    CS_LOG_ALERT,
    CS_LOG_CRIT,
    CS_LOG_ERROR,
    CS_LOG_WARN,
    CS_LOG_NOTICE,
    CS_LOG_INFO,
    CS_LOG_DEBUG,
};

/** cs_log_level_name() - "emerg" .. "debug". Static. */
const char *cs_log_level_name(enum cs_log_level level);
/** cs_log_level_parse() - the level called @text. Return: 0, or -EINVAL. */
int cs_log_level_parse(struct cs_str text, enum cs_log_level *ret_level);

#endif
