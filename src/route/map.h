/* A compiled `map`: text → value, as nginx looks it up. What a value is, a result template for
 * instance, only the caller knows. */
#ifndef CS_ROUTE_MAP_H
#define CS_ROUTE_MAP_H

#include "route/patterns.h"

struct cs_keymap;

/** cs_keymap_new() - an empty map. */
struct cs_keymap *cs_keymap_new(void);
/** cs_keymap_free() - values stay with their owner; NULL is fine. */
void cs_keymap_free(struct cs_keymap *map);
/** cs_keymap_set_hostnames() - `hostnames`: keys that follow may be wildcards, and a dot at the
 *  end of a text looked up is not looked at. */
void cs_keymap_set_hostnames(struct cs_keymap *map);

/** cs_keymap_add() - one row. @key as written: "default", "~regex", "~*regex" (any case), a text
 *  (any case), or one of those after a '\' that makes it a text. @value is not NULL.
 *  Return: 0, or -EINVAL with an error in @findings. */
int cs_keymap_add(struct cs_keymap *map, struct cs_str key, void *value,
                  const struct cs_place *place, struct cs_findings *findings);

/** cs_keymap_find() - what @text means: a text or wildcard, else the first expression that
 *  matches, else the default. Captures borrow from @text.
 *  Return: 0 with *ret_value, NULL when there is not even a default (nginx: the empty text);
 *  or what cs_regex_match() said. */
int cs_keymap_find(const struct cs_keymap *map, struct cs_str text,
                   struct cs_captures *ret_captures, void **ret_value);

#endif
