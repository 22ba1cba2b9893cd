/* Text → tokens, with nginx's rules.
 *
 * A word ends at a space, a ";" or a "{"; a word in quotes at its quote, after which a space,
 * ";", "{" or ")" must follow. A backslash keeps the next byte from ending a word; \" \' \\ \t \r
 * \n are resolved, before anything else the backslash stays in the word (so regular expressions
 * need no doubling). A "{" right after "$" does not open a block. "#" starts a comment only where
 * a word could start. Variables are not looked at.
 */
#ifndef CS_CONFIG_LEX_H
#define CS_CONFIG_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/findings.h"
#include "base/str.h"

enum cs_token_kind {
    CS_TOKEN_WORD,
    CS_TOKEN_SEMICOLON,
    CS_TOKEN_OPEN,  /* { */
    CS_TOKEN_CLOSE, /* } */
    CS_TOKEN_END,   /* of the text, again and again */
};

struct cs_token {
    enum cs_token_kind kind;
    struct cs_str text; /* of a word: borrowed from the input, or in the arena */
    bool quoted;
    struct cs_place place; /* column in bytes from 1 */
};

/* The most bytes a word may have, as written. */
#define CS_LEX_WORD_MAX 4096

struct cs_lex {
    struct cs_str file; /* name for places */
    struct cs_str text;
    size_t pos;
    size_t line_start, line_end; /* offsets of the current line, without its newline */
    unsigned line;
    unsigned quote_line; /* where the last quoted word began; 0: the last token was another */
    struct cs_arena *arena;
    struct cs_findings *findings;
};

/** cs_lex_init() - read @text from its start; a byte order mark is skipped. @file names it in
 *  places. All of these outlive the tokens. */
void cs_lex_init(struct cs_lex *lex, struct cs_str file, struct cs_str text, struct cs_arena *arena,
                 struct cs_findings *findings);
/** cs_lex_next() - the next token. What is wrong becomes a finding, and reading goes on behind
 *  it, so every call makes progress until CS_TOKEN_END. */
void cs_lex_next(struct cs_lex *lex, struct cs_token *ret_token);

#endif
