/* Texts with variables: "https://$host$request_uri", compiled once, put together per request.
 *
 * A name is letters, digits and "_", in braces or not; "$1" to "$9" are captures and one digit
 * long. There is no way to write a plain "$", as in nginx. Which names exist, and their values,
 * is the caller's knowledge.
 */
#ifndef CS_CONFIG_TEMPLATE_H
#define CS_CONFIG_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/findings.h"
#include "base/str.h"

struct cs_template_part {
    struct cs_str literal;
    int variable; /* -1: the literal */
};

/* Zeroed is the empty text. */
struct cs_template {
    const struct cs_template_part *parts;
    size_t n;
};

/* The id of a variable, at least 0, or -1: unknown. "1" to "9" are captures. */
typedef int (*cs_variable_lookup_fn)(void *ctx, struct cs_str name);
/* The value of a variable; lives at least as long as the evaluated text. */
typedef struct cs_str (*cs_variable_value_fn)(void *ctx, int variable);
/* A name like the unknown @name, or the empty text. */
typedef struct cs_str (*cs_variable_suggest_fn)(void *ctx, struct cs_str name);

/** cs_template_compile() - read @text. @place is the place of the word, or NULL; a finding points
 *  at the variable inside it. The template borrows from @text and lives in @arena.
 *  Return: 0, or -EINVAL (findings were added; an unknown variable reads as nothing). */
int cs_template_compile(struct cs_str text, const struct cs_place *place,
                        cs_variable_lookup_fn lookup, void *ctx, struct cs_arena *arena,
                        struct cs_findings *findings, struct cs_template *ret_template);
/** cs_template_compile_suggest() - the same; @suggest (or NULL) is asked with @ctx for the
 *  "did you mean" of an unknown variable. */
int cs_template_compile_suggest(struct cs_str text, const struct cs_place *place,
                                cs_variable_lookup_fn lookup, cs_variable_suggest_fn suggest,
                                void *ctx, struct cs_arena *arena, struct cs_findings *findings,
                                struct cs_template *ret_template);
/** cs_template_is_literal() - whether it has no variables: its text is always the same. */
bool cs_template_is_literal(const struct cs_template *template);
/** cs_template_literal() - the text of a template without variables, as compiled. */
struct cs_str cs_template_literal(const struct cs_template *template);
/** cs_template_eval() - the text now. Borrowed from the template or from the one value when
 *  nothing needs joining, else in @arena. */
struct cs_str cs_template_eval(const struct cs_template *template, struct cs_arena *arena,
                               cs_variable_value_fn value, void *ctx);

#endif
