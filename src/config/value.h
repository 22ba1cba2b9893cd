/* Texts of the configuration as numbers. Each function takes the whole of its text, writes
 * *ret only on success, and returns 0, -EINVAL (not of this form) or -ERANGE (too large). */
#ifndef CS_CONFIG_VALUE_H
#define CS_CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "config/schema.h"

/** cs_value_flag() - "on" or "off", any case. */
int cs_value_flag(struct cs_str text, bool *ret_value);
/** cs_value_int() - a decimal number, with an optional "-". */
int cs_value_int(struct cs_str text, int64_t *ret_value);
/** cs_value_size() - bytes: "512", "8k", "10m", "1g", either case; at most INT64_MAX. */
int cs_value_size(struct cs_str text, uint64_t *ret_value);
/** cs_value_msec() - milliseconds of an nginx time: units y M w d h m s ms, the larger first,
 *  each at most once, spaces allowed between; without a unit: seconds. "30", "1h30m", "1d 12h". */
int cs_value_msec(struct cs_str text, int64_t *ret_ms);
/** cs_value_sec() - the same in seconds; "ms" is refused. */
int cs_value_sec(struct cs_str text, int64_t *ret_sec);
/** cs_value_choice() - what @text stands for in @choices, any case. -EINVAL: not in there. */
int cs_value_choice(const struct cs_choice *choices, struct cs_str text, int64_t *ret_value);

#endif
