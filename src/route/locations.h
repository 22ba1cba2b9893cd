/* Which location a path means: nginx's `location`, nested ones included.
 *
 * A server is the root of a tree; each location may hold others. Matching follows nginx: the
 * exact name wins at once; else the longest prefix is remembered and its own locations are
 * tried; else the expressions in order, unless the prefix was marked ^~; else the prefix.
 */
#ifndef CS_ROUTE_LOCATIONS_H
#define CS_ROUTE_LOCATIONS_H

#include "route/regex.h"

struct cs_location;

enum cs_location_kind {
    CS_LOCATION_PREFIX,       /* /x */
    CS_LOCATION_PREFIX_FINAL, /* ^~ /x: no expression may take over */
    CS_LOCATION_EXACT,        /* = /x */
    CS_LOCATION_REGEX,        /* ~ x */
    CS_LOCATION_REGEX_NOCASE, /* ~* x */
    CS_LOCATION_NAMED,        /* @x: never matched, only named */
};

/** cs_location_parse() - the one or two parameters of `location`, the modifier being a word of
 *  its own or glued to the name ("=/x"). *ret_name borrows.
 *  Return: 0, or -EINVAL with an error in @findings. */
int cs_location_parse(const struct cs_str *params, size_t n, const struct cs_place *place,
                      struct cs_findings *findings, enum cs_location_kind *ret_kind,
                      struct cs_str *ret_name);

/** cs_location_new() - a server without locations; cs_location_free() it with all it holds. */
struct cs_location *cs_location_new(void);
/** cs_location_free() - a server's tree; values stay with their owner; NULL is fine. */
void cs_location_free(struct cs_location *server);
/** cs_location_add() - another location inside @parent. @name is copied, @value not NULL.
 *  Return: the location, to add others inside; it lives as long as the server. NULL with an
 *  error in @findings: a duplicate, a misplaced one, a bad expression. */
struct cs_location *cs_location_add(struct cs_location *parent, enum cs_location_kind kind,
                                    struct cs_str name, void *value, const struct cs_place *place,
                                    struct cs_findings *findings);
/** cs_location_set_redirect() - a location "/x/" also means that "/x" is redirected there, unless
 *  some location is called "/x" (nginx does so where proxy_pass is). No effect on others. */
void cs_location_set_redirect(struct cs_location *location);

struct cs_location_match {
    void *value;   /* NULL: no location; the server's own settings hold */
    bool redirect; /* answer with the path and a '/' instead (cs_location_set_redirect()) */
    struct cs_captures captures; /* of the last expression that matched */
};

/** cs_location_match() - the location for @path, a normalised path. Captures borrow from it.
 *  Return: 0 with *ret, or what cs_regex_match() said. */
int cs_location_match(const struct cs_location *server, struct cs_str path,
                      struct cs_location_match *ret);
/** cs_location_named() - the value of the location @name, '@' included. Return: it, or NULL. */
void *cs_location_named(const struct cs_location *server, struct cs_str name);

#endif
