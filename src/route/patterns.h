/* Texts, wildcards and regular expressions in nginx's order: what `server_name` and `map` share.
 *
 *   1. the text itself   2. the longest *.suffix   3. the longest prefix.*   4. the first regex
 */
#ifndef CS_ROUTE_PATTERNS_H
#define CS_ROUTE_PATTERNS_H

#include "base/arena.h"
#include "base/hash.h"
#include "route/regex.h"

struct cs_pattern_regex;

/* A zeroed one with an arena set is empty. Values are never NULL. */
struct cs_patterns {
    struct cs_arena *arena; /* owns copies of texts; outlives this */
    void *empty;            /* value of the empty text */
    struct cs_map exact;    /* text → value */
    struct cs_map head;     /* "example.com" of "*.example.com" → value */
    struct cs_map tail;     /* "www.example" of "www.example.*" → value */
    struct cs_pattern_regex *first, *last;
};

/** cs_patterns_deinit() - free maps and expressions; values stay with their owner. */
void cs_patterns_deinit(struct cs_patterns *patterns);
/** cs_patterns_add() - @text, lower case, means @value. @wildcards: "*.x", ".x" and "x.*" are
 *  more than their letters. Return: 0; -EEXIST (it meant something before, and still does);
 *  -EINVAL (a misplaced asterisk). */
int cs_patterns_add(struct cs_patterns *patterns, struct cs_str text, bool wildcards, void *value);
/** cs_patterns_add_regex() - takes @regex over. */
void cs_patterns_add_regex(struct cs_patterns *patterns, struct cs_regex *regex, void *value);
/** cs_patterns_find() - what a text means: @lower is it in lower case, @text as it came, for
 *  the expressions. ret_captures->regex is NULL unless one of those matched.
 *  Return: 0 with *ret_value, NULL when nothing matches; or what cs_regex_match() said. */
int cs_patterns_find(const struct cs_patterns *patterns, struct cs_str lower, struct cs_str text,
                     struct cs_captures *ret_captures, void **ret_value);

#endif
