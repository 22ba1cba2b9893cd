/* Regular expressions: PCRE2 behind compile and match, with limits on what a subject can cost.
 *
 * A cs_regex is compiled once, when the configuration is read, and then only read; its
 * scratch space makes it fit for one thread, which is what a process here has.
 */
#ifndef CS_ROUTE_REGEX_H
#define CS_ROUTE_REGEX_H

#include <stdbool.h>

#include "base/findings.h"
#include "base/str.h"

struct cs_regex;

/* The whole match and its groups. */
#define CS_CAPTURES_MAX 32

struct cs_captures {
    const struct cs_regex *regex;          /* that matched; NULL: none did */
    unsigned n;                            /* groups of it, the whole match included */
    struct cs_str groups[CS_CAPTURES_MAX]; /* slices of the subject; NULL pointer: unset */
};

/** cs_regex_compile() - compile @pattern as nginx does: bytes unless it begins with (*UTF).
 *  Return: the expression, or NULL with an error in @findings. */
struct cs_regex *cs_regex_compile(struct cs_str pattern, bool nocase, const struct cs_place *place,
                                  struct cs_findings *findings);
/** cs_regex_free() - NULL is fine. */
void cs_regex_free(struct cs_regex *regex);

/** cs_regex_match() - search @subject. Groups borrow from it.
 *  Return: 1 with *ret_captures; 0 no match; -EOVERFLOW when the limits on work were reached,
 *  -EINVAL when @subject cannot be searched (no UTF-8 for a (*UTF) pattern): the caller must
 *  not go on as if it had not matched. */
int cs_regex_match(const struct cs_regex *regex, struct cs_str subject,
                   struct cs_captures *ret_captures);

/** cs_regex_n_names() - how many named groups there are. */
size_t cs_regex_n_names(const struct cs_regex *regex);
/** cs_regex_name() - the name of the @i-th and the group it stands for. Lives as long as
 *  @regex. A name may come twice, with (?J). */
struct cs_str cs_regex_name(const struct cs_regex *regex, size_t i, unsigned *ret_group);
/** cs_captures_named() - what the group called @name has matched; NULL pointer when it is
 *  unset or there is no such group. */
struct cs_str cs_captures_named(const struct cs_captures *captures, struct cs_str name);

#endif
