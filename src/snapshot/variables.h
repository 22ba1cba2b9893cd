/* The names that "$name" may have in one configuration.
 *
 * Built-in ones come from variables.def, families from their prefix; `set`, `map` and named
 * captures add more. A template keeps an index into cs_variables::items; what the value is
 * for one request is the gateway's business.
 */
#ifndef CS_SNAPSHOT_VARIABLES_H
#define CS_SNAPSHOT_VARIABLES_H

#include "base/arena.h"
#include "base/findings.h"
#include "base/hash.h"
#include "config/template.h"
#include "config/tree.h"

struct cs_keymap;

enum cs_builtin {
#define CS_VARIABLE(id, name, doc) CS_VAR_##id,
#include "snapshot/variables.def"
#undef CS_VARIABLE
    CS_VAR_COUNT
};

enum cs_variable_kind {
    CS_VARIABLE_BUILTIN,       /* id: enum cs_builtin */
    CS_VARIABLE_CAPTURE,       /* id: 1..9, the last regular expression's group */
    CS_VARIABLE_SLOT,          /* id: place among the request's slots: set, named captures */
    CS_VARIABLE_MAP,           /* id: place in cs_variables::maps */
    CS_VARIABLE_HTTP,          /* $http_x: a request header; arg: "x" */
    CS_VARIABLE_SENT_HTTP,     /* $sent_http_x: a header of our response */
    CS_VARIABLE_UPSTREAM_HTTP, /* $upstream_http_x: a header of the upstream's response */
    CS_VARIABLE_ARG,           /* $arg_x */
    CS_VARIABLE_COOKIE,        /* $cookie_x */
};

struct cs_variable {
    enum cs_variable_kind kind;
    int id;
    struct cs_str name;
    struct cs_str arg;
};

/* One map block: the source text, and where each match leads. */
struct cs_map_block {
    struct cs_template source;
    struct cs_keymap *table; /* values are struct cs_template * */
    struct cs_place place;
};

struct cs_variables {
    struct cs_arena *arena;
    struct cs_map by_name; /* name → struct cs_variable_ref * */
    struct cs_variable *items;
    size_t n_items, cap_items;
    size_t n_slots;
    struct cs_map_block *maps;
    size_t n_maps, cap_maps;
};

/** cs_variables_new() - the built-in names, in @arena; cs_variables_deinit() when done. */
struct cs_variables *cs_variables_new(struct cs_arena *arena);
/** cs_variables_deinit() - free what is not in the arena. */
void cs_variables_deinit(struct cs_variables *variables);

/** cs_variables_lookup() - a cs_variable_lookup_fn: index of @name, or -1. @ctx: cs_variables. */
int cs_variables_lookup(void *ctx, struct cs_str name);
/** cs_variables_suggest() - a cs_variable_suggest_fn. @ctx: cs_variables. */
struct cs_str cs_variables_suggest(void *ctx, struct cs_str name);
/** cs_variables_define_slot() - the index of a variable that requests may change ("set $x",
 *  a named capture), made when new. -EEXIST when the name is built in. */
int cs_variables_define_slot(struct cs_variables *variables, struct cs_str name);
/** cs_variables_slot() - the slot of the variable @name, as a named capture knows it.
 *  Return: its id, or -1. */
int cs_variables_slot(const struct cs_variables *variables, struct cs_str name);
/** cs_variables_define_map() - a new map variable. Return: its index, or -EEXIST. */
int cs_variables_define_map(struct cs_variables *variables, struct cs_str name);
/** cs_variables_compile() - compile @word as a template; unknown names are findings. */
struct cs_template cs_variables_compile(struct cs_variables *variables, const struct cs_word *word,
                                        struct cs_findings *findings);
/** cs_variables_compile_text() - the same for a part of a word, at @place. */
struct cs_template cs_variables_compile_text(struct cs_variables *variables, struct cs_str text,
                                             const struct cs_place *place,
                                             struct cs_findings *findings);

#endif
