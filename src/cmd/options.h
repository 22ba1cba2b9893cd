/* Values of options that several commands take. */
#ifndef CS_CMD_OPTIONS_H
#define CS_CMD_OPTIONS_H

#include <stdint.h>

#include "base/buf.h"

/** cs_options_at() - the value of --at: a time as cs_time_parse() has it, or "+30d": so much later
 *  than *@now_sec, which is replaced. Return: 0, or -EINVAL. */
int cs_options_at(struct cs_str text, int64_t *now_sec);
/** cs_options_span() - a length of time: "90" (seconds), "90s", "12h", "30d"; units are s, m, h, d,
 * w and y. Return: 0, or -EINVAL. */
int cs_options_span(struct cs_str text, int64_t *ret_sec);
/** cs_options_target() - take "host", "host:443" or "[::1]:443" apart; the host without brackets.
 *  *@port stays as it is when none is named. Return: 0, or -EINVAL. */
int cs_options_target(struct cs_str text, struct cs_str *ret_host, uint16_t *port);
/** cs_options_read() - append the file at @path, "-" for standard input, to @buf.
 *  Return: 0, -EFBIG (more than it holds), or -errno. */
int cs_options_read(const char *path, struct cs_buf *buf);

#endif
