/* Directives as rows of a table: what may stand where, with which values, and where the
 * value goes. Modules bring their tables; a schema is the list of them; this folder reads
 * rows and knows no directive by name (but `include`, and the few in directives.h).
 */
#ifndef CS_CONFIG_SCHEMA_H
#define CS_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/findings.h"
#include "base/str.h"

struct cs_block;
struct cs_directive;

/* Where a directive may stand: one bit per kind of block. */
enum cs_context {
    CS_CTX_MAIN = 1,
    CS_CTX_EVENTS = 2,
    CS_CTX_HTTP = 4,
    CS_CTX_SERVER = 8,
    CS_CTX_LOCATION = 16,
    CS_CTX_SERVER_IF = 32,
    CS_CTX_LOCATION_IF = 64,
    CS_CTX_UPSTREAM = 128,
    CS_CTX_MAP = 256, /* map and every other block of free-form lines */
    CS_CTX_LIMIT_EXCEPT = 512,
    CS_CTX_STREAM = 1024,
    CS_CTX_STREAM_SERVER = 2048,
    CS_CTX_AUTHORITY = 4096,
    CS_CTX_POLICY = 8192,
    CS_CTX_PROFILE = 16384,
};

/* What a value is, and the C type at the row's offset. */
enum cs_value_type {
    CS_V_NONE,  /* nothing is stored: the owner reads the tree itself */
    CS_V_FLAG,  /* on | off → bool */
    CS_V_INT,   /* decimal number, or one of choices → int64_t */
    CS_V_SIZE,  /* bytes with k, m, g, or one of choices → uint64_t */
    CS_V_MSEC,  /* nginx time, or one of choices → int64_t, milliseconds */
    CS_V_SEC,   /* nginx time without ms, or one of choices → int64_t, seconds */
    CS_V_STR,   /* first argument as it stands → struct cs_str */
    CS_V_PATH,  /* the same, not empty; the owner resolves it against the prefix */
    CS_V_ENUM,  /* one of choices → int */
    CS_V_BITS,  /* every argument one of choices, or-ed → uint32_t */
    CS_V_LIST,  /* all occurrences at the nearest level → struct cs_directive_list */
    CS_V_BLOCK, /* a block; nothing is stored */
};

enum cs_directive_flag {
    CS_D_REPEAT = 1,       /* may stand several times in one block */
    CS_D_BLOCK = 2,        /* ends with a block */
    CS_D_ALSO_BLOCK = 4,   /* ends with a block or a ";" */
    CS_D_SECURITY = 8,     /* weakening it weakens trust: never without effect */
    CS_D_NO_EFFECT = 16,   /* accepted; one notice per name, unless set to its default */
    CS_D_UNSUPPORTED = 32, /* refused for the reason in why, unless set to its default */
    CS_D_ANY_CHILD = 64,   /* the lines of its block are free-form (map, types) */
    CS_D_DEPRECATED = 128, /* works; a warning with why */
};

/* As contexts: a fallback. It counts wherever its name stands, unless another row has the same
 * name, which then counts alone. So a table of what is known and not there needs no care. */
#define CS_CTX_EVERYWHERE (~0U)

/* As min_args/max_args: 255 is any number. */
#define CS_ARGS_ANY 255

struct cs_choice {
    const char *word; /* NULL ends the array; compared without regard to case */
    int64_t value;
};

struct cs_directive_row {
    const char *name;
    uint32_t contexts; /* CS_CTX_ bits */
    uint8_t min_args;  /* without the name */
    uint8_t max_args;
    enum cs_value_type type;
    uint32_t flags;   /* CS_D_ bits */
    size_t offset;    /* into the table's settings struct */
    const char *def;  /* the default as text, words separated by a space; NULL: zero */
    int64_t min, max; /* bounds of numbers, in the stored unit; max 0: none */
    const struct cs_choice *choices;
    const char *doc;       /* one sentence for the reference manual */
    const char *why;       /* reason of NO_EFFECT, UNSUPPORTED, DEPRECATED */
    uint32_t opens;        /* the context of its block's lines: one CS_CTX_ bit */
    const char *syntax;    /* arguments for the manual; NULL: made from the type */
    const char *misplaced; /* hint when it stands where it may not; NULL: none */
    /* Further check of one occurrence that passed the checks above, once at load; or NULL. */
    void (*check)(const struct cs_directive *directive, struct cs_findings *findings);
};

/* Rows of one module; their offsets go into one struct. Rows of one table that share a type
 * and an offset share the setting: the nearest of them counts (allow and deny in one list). */
struct cs_schema_table {
    const struct cs_directive_row *rows;
    size_t n;
};

/* CS_SCHEMA_TABLE() - the table of a static array of rows. */
#define CS_SCHEMA_TABLE(array)                                                                     \
    {                                                                                              \
        (array), sizeof(array) / sizeof((array)[0])                                                \
    }

struct cs_schema {
    const struct cs_schema_table *const *tables;
    size_t n_tables;
};

/* Several directives of one row, in the order of the file. */
struct cs_directive_list {
    const struct cs_directive *const *items;
    size_t n;
};

/** cs_row_is_fallback() - whether a row of the same name in any table goes before this one. */
static inline bool cs_row_is_fallback(const struct cs_directive_row *row)
{
    return row->contexts == CS_CTX_EVERYWHERE;
}

/** cs_row_is_stored() - whether the row's value goes into a settings struct. */
bool cs_row_is_stored(const struct cs_directive_row *row);

/** cs_schema_find() - the first row called @name, in any context. Return: row, or NULL. */
const struct cs_directive_row *cs_schema_find(const struct cs_schema *schema, struct cs_str name);
/** cs_schema_find_in() - the row called @name that may stand in @context (one bit).
 *  Return: row, or NULL. */
const struct cs_directive_row *cs_schema_find_in(const struct cs_schema *schema, struct cs_str name,
                                                 unsigned context);
/** cs_schema_nearest() - the name most like @name, for "did you mean": one that may stand in
 *  @contexts is preferred. Return: row, or NULL when nothing is near. */
const struct cs_directive_row *cs_schema_nearest(const struct cs_schema *schema, struct cs_str name,
                                                 unsigned contexts);
/** cs_schema_check() - whether the tables are in order: documented, unambiguous, defaults that
 *  parse, flags that agree. For tests. Return: NULL, or what is wrong, in @arena. */
const char *cs_schema_check(const struct cs_schema *schema, struct cs_arena *arena);

/** cs_context_name() - "server", "if in location", … of one CS_CTX_ bit. Static text. */
struct cs_str cs_context_name(unsigned context);
/** cs_context_names() - "http, server" of several bits, in @arena. */
struct cs_str cs_context_names(unsigned contexts, struct cs_arena *arena);

/** cs_row_number() - @text as the row's type says, in the stored unit: FLAG, INT, SIZE, MSEC,
 *  SEC, ENUM, or one word of BITS. Return: 0; -EINVAL; -ERANGE (outside min and max). */
int cs_row_number(const struct cs_directive_row *row, struct cs_str text, int64_t *ret_value);

/** cs_settings_resolve() - fill @settings for what stands in @block: for each row of @table that
 *  stores something, the nearest directive up the blocks, else the default. A value that the
 *  load refused counts as absent. Texts and lists borrow from the tree and @arena. */
void cs_settings_resolve(const struct cs_schema_table *table, const struct cs_block *block,
                         struct cs_arena *arena, void *settings);

#endif
