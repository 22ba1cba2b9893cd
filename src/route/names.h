/* Which virtual server a name means, on one listening address: nginx's `server_name`. */
#ifndef CS_ROUTE_NAMES_H
#define CS_ROUTE_NAMES_H

#include "route/patterns.h"

struct cs_names;

/** cs_names_new() - no names. @listener ("0.0.0.0:443") is copied; findings mention it. */
struct cs_names *cs_names_new(struct cs_str listener);
/** cs_names_free() - values stay with their owner; NULL is fine. */
void cs_names_free(struct cs_names *names);

/** cs_names_add() - one parameter of `server_name`: a name, "", "*.x", ".x", "x.*", or "~regex"
 *  (never case-sensitive: names are not). @value is not NULL. A name that is taken keeps its
 *  first meaning, with a warning.
 *  Return: 0, or -EINVAL with an error in @findings. */
int cs_names_add(struct cs_names *names, struct cs_str text, void *value,
                 const struct cs_place *place, struct cs_findings *findings);

/** cs_names_find() - who answers for @host, in the spelling of cs_host_canon(); "" for a
 *  request without one. The order is nginx's: the name itself, the longest *.suffix, the
 *  longest prefix.*, the first expression. Captures borrow from @host.
 *  Return: 0 with *ret_value, NULL for the default server; or what cs_regex_match() said. */
int cs_names_find(const struct cs_names *names, struct cs_str host,
                  struct cs_captures *ret_captures, void **ret_value);

#endif
