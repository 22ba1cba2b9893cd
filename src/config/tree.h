/* A configuration as a tree: blocks of directives, each word with its place.
 *
 * cs_config_load() reads the file and what it includes, and checks everything against the
 * schema in one run. Included directives stand in the tree in place of the include. Tree,
 * texts and findings live in one arena; the tree is read-only once loaded.
 */
#ifndef CS_CONFIG_TREE_H
#define CS_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/findings.h"
#include "base/str.h"
#include "config/schema.h"

struct cs_word {
    struct cs_str text; /* quotes and escapes resolved, variables not */
    struct cs_place place;
    bool quoted;
};

struct cs_directive {
    struct cs_str name;
    struct cs_word *args;
    size_t n_args;
    struct cs_place place;              /* of the name */
    const struct cs_directive_row *row; /* NULL: a free-form line, or refused */
    struct cs_block *block;             /* NULL: ended with ";" */
    struct cs_block *parent;
    struct cs_directive *next;
    struct cs_directive *next_setting; /* the next in the block that is stored in settings */
    struct cs_directive *next_same;    /* the next of this name in the block */
    struct cs_directive *next_name;    /* of the first of a name: the first of another name */
    struct cs_directive *last_same;    /* of the first of a name: the last one */
};

struct cs_block {
    unsigned context;           /* one CS_CTX_ bit; 0 below what the schema refused */
    struct cs_directive *owner; /* NULL: main */
    struct cs_block *parent;    /* NULL: main */
    struct cs_directive *first, *last;
    struct cs_directive *first_setting, *last_setting; /* those that are stored in settings */
    struct cs_directive *first_name;                   /* one of each name that the schema took */
};

/* A file that was read. */
struct cs_config_file {
    struct cs_str path;
    struct cs_str text;
    struct cs_config_file *next;
};

struct cs_config {
    struct cs_block *main;
    struct cs_config_file *files, *last_file; /* in the order of reading, each once */
    size_t n_files;
    bool bare; /* the file had no http block: one was put around its http content */
};

/* How files are reached. Both return 0 or a negative errno. */
struct cs_config_reader {
    /* The whole of a file, in @arena. */
    int (*read)(void *ctx, struct cs_str path, struct cs_arena *arena, struct cs_str *ret_text);
    /* The paths that match; none is 0 with *ret_n 0. Any order. NULL: no globs. */
    int (*glob)(void *ctx, struct cs_str pattern, struct cs_arena *arena, struct cs_str **ret_paths,
                size_t *ret_n);
    void *ctx;
    /* Whether everybody may read the file at @path. NULL: not asked. */
    bool (*is_public)(void *ctx, struct cs_str path);
};

/** cs_config_load() - read @path and its includes, check all of it against @schema.
 *  @prefix is where relative includes start (the folder of the main file). @extra is what -g
 *  gave, main context, in front of the file; its places say "command line". Every problem
 *  of every file becomes a finding (sorted by file and line), so the configuration is good
 *  exactly when no error was added. Return: 0 (*ret_config is written, with whatever could be
 *  understood), or the reader's negative errno for @path itself (also a finding). */
int cs_config_load(const struct cs_config_reader *reader, struct cs_str path, struct cs_str prefix,
                   struct cs_str extra, const struct cs_schema *schema, struct cs_arena *arena,
                   struct cs_findings *findings, struct cs_config **ret_config);

/** cs_config_path() - @path, put behind @prefix when relative, in @arena. */
struct cs_str cs_config_path(struct cs_str path, struct cs_str prefix, struct cs_arena *arena);

/** cs_block_find() - the first directive called @name in this block only, or NULL. One that the
 *  schema refused is not found, so that its number of arguments can be relied on. */
const struct cs_directive *cs_block_find(const struct cs_block *block, const char *name);
/** cs_block_next() - the next one of the same name in the same block, or NULL. */
const struct cs_directive *cs_block_next(const struct cs_directive *directive);
/** cs_block_nearest() - the same as cs_block_find(), in this block or the nearest around it. */
const struct cs_directive *cs_block_nearest(const struct cs_block *block, const char *name);

/** cs_directive_is() - whether the directive is called @name. */
bool cs_directive_is(const struct cs_directive *directive, const char *name);
/** cs_directive_arg() - text of the @i-th argument from 0, or the empty text. */
struct cs_str cs_directive_arg(const struct cs_directive *directive, size_t i);

/** cs_config_refuse_value() - add the finding `invalid value "…" in "…" directive` at @word, an
 *  argument of @directive. @hint is a whole clause saying what to write, or empty. For the
 *  checks that other folders make after loading. */
void cs_config_refuse_value(struct cs_findings *findings, const struct cs_directive *directive,
                            const struct cs_word *word, struct cs_str hint);

#endif
