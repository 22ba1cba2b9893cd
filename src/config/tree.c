/* Loading in two passes: tokens become a tree that knows only words and braces, with includes put
 * in place; then check.c holds the tree against the schema. So a missing brace in one file
 * does not hide a misspelt directive in another. */
#include "config/tree.h"

#include "base/hash.h"
#include "base/mem.h"
#include "config/check.h"
#include "config/findings.h"
#include "config/lex.h"

#include <stdio.h>

/* Blocks and includes may be nested this deep, together; more is a mistake (or a trap). */
#define MAX_BLOCK_DEPTH 64
#define MAX_INCLUDE_DEPTH 16
#define MAX_INCLUDES 10000

/* A file being read, and the one that includes it. */
struct open_file {
    struct cs_str path;
    const struct open_file *from;
    unsigned depth;
    bool is_parameter; /* the text of -g */
};

/* The first "}" of a file whose indentation is not that of the block it closes: where a brace
 * was forgotten before, when the file ends too early. */
struct misfit {
    const struct cs_directive *opener; /* NULL: none seen */
    unsigned line;
};

struct loader {
    const struct cs_config_reader *reader;
    struct cs_str prefix;
    struct cs_arena *arena;
    struct cs_findings *findings;
    struct cs_config *config;
    struct cs_map by_path; /* path → cs_config_file */
    unsigned n_includes;
    unsigned block_depth;
    struct misfit misfit; /* of the file being read */
};

/* The words up to a ";", "{", "}" or the end of the file. */
struct statement {
    struct cs_word *words;
    size_t n;
    size_t cap;
    struct cs_token end;
};

static struct cs_str number_text(struct cs_arena *arena, unsigned number)
{
    return cs_arena_printf(arena, "%u", number);
}

static void add_word(struct statement *statement, const struct cs_token *token)
{
    if (statement->n == statement->cap) {
        statement->cap = statement->cap ? 2 * statement->cap : 16;
        statement->words = realloc(statement->words, statement->cap * sizeof(*statement->words));
        cs_assert(statement->words != NULL);
    }
    statement->words[statement->n++] =
        (struct cs_word){.text = token->text, .place = token->place, .quoted = token->quoted};
}

static void read_statement(struct cs_lex *lex, struct statement *statement)
{
    statement->n = 0;
    for (;;) {
        cs_lex_next(lex, &statement->end);
        if (statement->end.kind != CS_TOKEN_WORD)
            return;
        add_word(statement, &statement->end);
    }
}

static struct cs_directive *append_directive(struct loader *loader, struct cs_block *block,
                                             const struct statement *statement)
{
    struct cs_directive *directive = CS_ARENA_NEW(loader->arena, struct cs_directive);

    directive->name = statement->words[0].text;
    directive->place = statement->words[0].place;
    directive->n_args = statement->n - 1;
    directive->args = cs_arena_array(loader->arena, statement->n, sizeof(struct cs_word));
    memcpy(directive->args, statement->words + 1, directive->n_args * sizeof(struct cs_word));
    directive->parent = block;
    if (block->last)
        block->last->next = directive;
    else
        block->first = directive;
    block->last = directive;
    return directive;
}

static struct cs_block *add_block(struct loader *loader, struct cs_directive *owner)
{
    struct cs_block *block = CS_ARENA_NEW(loader->arena, struct cs_block);

    block->owner = owner;
    block->parent = owner->parent;
    owner->block = block;
    return block;
}

/* The statement ended where it may not: say which one, and behind which word. */
static void find_unfinished(struct loader *loader, const struct cs_finding_kind *kind,
                            const struct statement *statement)
{
    const struct cs_word *name = &statement->words[0];

    CS_FIND(loader->findings, kind, &statement->end.place, name->text,
            number_text(loader->arena, name->place.line), statement->words[statement->n - 1].text);
}

static void load_include(struct loader *loader, const struct cs_directive *include,
                         const struct open_file *from, struct cs_block *block);
static void parse_block(struct loader *loader, struct cs_lex *lex, const struct open_file *file,
                        struct cs_block *block, const struct cs_directive *opener);

/* Skip a block that nobody will look at, without recursion. */
static void skip_block(struct cs_lex *lex)
{
    struct cs_token token;
    unsigned depth = 1;

    while (depth > 0) {
        cs_lex_next(lex, &token);
        if (token.kind == CS_TOKEN_END)
            return;
        if (token.kind == CS_TOKEN_OPEN)
            depth++;
        if (token.kind == CS_TOKEN_CLOSE)
            depth--;
    }
}

static void open_block(struct loader *loader, struct cs_lex *lex, const struct open_file *file,
                       struct cs_directive *owner, const struct cs_place *brace)
{
    struct cs_block *block = add_block(loader, owner);

    if (file->is_parameter)
        CS_FIND0(loader->findings, &cs_config_found_block_in_parameter, &owner->place);
    if (loader->block_depth == MAX_BLOCK_DEPTH) {
        CS_FIND(loader->findings, &cs_config_found_too_deep, brace,
                number_text(loader->arena, MAX_BLOCK_DEPTH));
        skip_block(lex);
        return;
    }
    loader->block_depth++;
    parse_block(loader, lex, file, block, owner);
    loader->block_depth--;
}

/* A statement that ended with ";" or "{". */
static void take_statement(struct loader *loader, struct cs_lex *lex, const struct open_file *file,
                           struct cs_block *block, const struct statement *statement)
{
    const struct cs_token end = statement->end;
    struct cs_directive *directive;

    if (statement->n == 0) {
        CS_FIND(loader->findings, &cs_config_found_unexpected_character, &end.place, end.text);
        if (end.kind == CS_TOKEN_OPEN)
            skip_block(lex);
        return;
    }
    if (end.kind == CS_TOKEN_SEMICOLON && statement->n == 2 &&
        cs_str_eq(statement->words[0].text, CS_STR("include"))) {
        struct cs_word word = statement->words[1];
        const struct cs_directive include = {
            .place = statement->words[0].place, .args = &word, .n_args = 1};
        load_include(loader, &include, file, block);
        return;
    }
    directive = append_directive(loader, block, statement);
    if (end.kind == CS_TOKEN_OPEN)
        open_block(loader, lex, file, directive, &end.place);
}

static bool starts_line(const struct cs_place *place)
{
    return cs_str_trim(cs_str_sub(place->text, 0, place->column - 1)).len == 0;
}

static void note_misfit(struct loader *loader, const struct cs_directive *opener,
                        const struct cs_place *close)
{
    if (loader->misfit.opener || opener->place.line == close->line ||
        opener->place.column == close->column || !starts_line(&opener->place) ||
        !starts_line(close))
        return;
    loader->misfit = (struct misfit){opener, close->line};
}

/* A "}". Return: whether it closes the block that is being read. */
static bool take_close(struct loader *loader, struct cs_block *block,
                       const struct cs_directive *opener, const struct statement *statement)
{
    if (statement->n > 0) {
        find_unfinished(loader, &cs_config_found_close_in_directive, statement);
        append_directive(loader, block, statement);
    } else if (!opener) {
        CS_FIND0(loader->findings, &cs_config_found_unexpected_close, &statement->end.place);
    }
    if (opener)
        note_misfit(loader, opener, &statement->end.place);
    return opener != NULL;
}

/* The file ended inside of the block of @opener. */
static void find_unclosed(struct loader *loader, const struct cs_directive *opener,
                          const struct cs_place *end)
{
    const struct misfit *misfit = &loader->misfit;
    struct cs_str line = number_text(loader->arena, opener->place.line);

    if (!misfit->opener)
        CS_FIND(loader->findings, &cs_config_found_end_in_block, end, opener->name, line);
    else
        CS_FIND(loader->findings, &cs_config_found_end_in_block_near, end, opener->name, line,
                number_text(loader->arena, misfit->line), misfit->opener->name,
                number_text(loader->arena, misfit->opener->place.line));
}

static void take_end(struct loader *loader, const struct open_file *file, struct cs_block *block,
                     const struct cs_directive *opener, const struct statement *statement)
{
    if (statement->n > 0) {
        find_unfinished(loader,
                        file->is_parameter ? &cs_config_found_end_in_parameter
                                           : &cs_config_found_end_in_directive,
                        statement);
        append_directive(loader, block, statement);
    } else if (opener) {
        find_unclosed(loader, opener, &statement->end.place);
    }
}

/* Read statements into @block, up to the "}" of @opener or (NULL) to the end of the file. */
static void parse_block(struct loader *loader, struct cs_lex *lex, const struct open_file *file,
                        struct cs_block *block, const struct cs_directive *opener)
{
    struct statement statement = {0};
    bool open = true;

    while (open) {
        read_statement(lex, &statement);
        switch (statement.end.kind) {
        case CS_TOKEN_CLOSE: open = !take_close(loader, block, opener, &statement); break;
        case CS_TOKEN_END:
            take_end(loader, file, block, opener, &statement);
            open = false;
            break;
        default: take_statement(loader, lex, file, block, &statement); break;
        }
    }
    free(statement.words);
}

static void parse_text(struct loader *loader, const struct open_file *file, struct cs_str text,
                       struct cs_block *block)
{
    const struct misfit outer = loader->misfit;
    struct cs_lex lex;

    loader->misfit = (struct misfit){0};
    cs_lex_init(&lex, file->path, text, loader->arena, loader->findings);
    parse_block(loader, &lex, file, block, NULL);
    loader->misfit = outer;
}

/* --- files ---------------------------------------------------------------------------- */

struct cs_str cs_config_path(struct cs_str path, struct cs_str prefix, struct cs_arena *arena)
{
    if (cs_str_starts(path, CS_STR("/")) || prefix.len == 0)
        return path;
    if (cs_str_ends(prefix, CS_STR("/")))
        return cs_arena_cat(arena, prefix, path);
    return cs_arena_printf(arena, "%.*s/%.*s", CS_FMT(prefix), CS_FMT(path));
}

static void find_fault(struct loader *loader, const struct cs_finding_kind *kind,
                       const struct cs_place *place, struct cs_str path, int fault)
{
    CS_FIND(loader->findings, kind, place, path, cs_arena_printf(loader->arena, "%d", -fault),
            cs_str_from(strerror(-fault)));
}

/* Put the content of a file into @block. @place is the include, or NULL for the main file. */
static int load_file(struct loader *loader, const struct open_file *file,
                     const struct cs_place *place, struct cs_block *block)
{
    struct cs_config_file *entry = cs_map_get(&loader->by_path, file->path);
    int r;

    if (!entry) {
        struct cs_str text;
        r = loader->reader->read(loader->reader->ctx, file->path, loader->arena, &text);
        if (r < 0) {
            find_fault(loader, &cs_config_found_not_readable, place, file->path, r);
            return r;
        }
        entry = CS_ARENA_NEW(loader->arena, struct cs_config_file);
        entry->path = file->path;
        entry->text = text;
        if (loader->config->last_file)
            loader->config->last_file->next = entry;
        else
            loader->config->files = entry;
        loader->config->last_file = entry;
        loader->config->n_files++;
        cs_map_set(&loader->by_path, entry->path, entry);
    }
    parse_text(loader, file, entry->text, block);
    return 0;
}

/* "a.conf, b.conf, a.conf": from the first time @path was opened. */
static struct cs_str cycle_text(struct loader *loader, const struct open_file *from,
                                struct cs_str path)
{
    struct cs_str text = path;

    for (const struct open_file *file = from; file; file = file->from) {
        text = cs_arena_printf(loader->arena, "%.*s, %.*s", CS_FMT(file->path), CS_FMT(text));
        if (cs_str_eq(file->path, path))
            break;
    }
    return text;
}

static bool may_include(struct loader *loader, const struct open_file *from,
                        const struct cs_place *place, struct cs_str path)
{
    for (const struct open_file *file = from; file; file = file->from) {
        if (cs_str_eq(file->path, path)) {
            CS_FIND(loader->findings, &cs_config_found_include_cycle, place, path,
                    cycle_text(loader, from, path));
            return false;
        }
    }
    if (from->depth == MAX_INCLUDE_DEPTH) {
        CS_FIND(loader->findings, &cs_config_found_include_too_deep, place,
                number_text(loader->arena, MAX_INCLUDE_DEPTH));
        return false;
    }
    if (loader->n_includes == MAX_INCLUDES) {
        CS_FIND(loader->findings, &cs_config_found_too_many_includes, place,
                number_text(loader->arena, MAX_INCLUDES));
        loader->n_includes++;
    }
    return loader->n_includes++ < MAX_INCLUDES;
}

static void include_file(struct loader *loader, struct cs_str path, const struct cs_place *place,
                         const struct open_file *from, struct cs_block *block)
{
    const struct open_file file = {.path = path, .from = from, .depth = from->depth + 1};

    if (may_include(loader, from, place, path))
        load_file(loader, &file, place, block);
}

static bool is_glob(struct cs_str path)
{
    return cs_str_find(path, '*') >= 0 || cs_str_find(path, '?') >= 0 ||
           cs_str_find(path, '[') >= 0;
}

static int compare_paths(const void *a, const void *b)
{
    return cs_str_cmp(*(const struct cs_str *)a, *(const struct cs_str *)b);
}

static void load_include(struct loader *loader, const struct cs_directive *include,
                         const struct open_file *from, struct cs_block *block)
{
    const struct cs_place *place = &include->args[0].place;
    struct cs_str path = cs_config_path(include->args[0].text, loader->prefix, loader->arena);
    struct cs_str *paths;
    size_t n;
    int r;

    if (!is_glob(path) || !loader->reader->glob) {
        include_file(loader, path, place, from, block);
        return;
    }
    r = loader->reader->glob(loader->reader->ctx, path, loader->arena, &paths, &n);
    if (r < 0) {
        find_fault(loader, &cs_config_found_glob_failed, place, path, r);
        return;
    }
    if (n > 0)
        qsort(paths, n, sizeof(*paths), compare_paths);
    for (size_t i = 0; i < n; i++)
        include_file(loader, paths[i], place, from, block);
}

/* --- findings in the order of the files ------------------------------------------------- */

struct ranked {
    struct cs_finding *finding;
    size_t file;
    size_t order;
};

static int compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    const struct cs_place *p = &a->finding->place, *q = &b->finding->place;

    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    if (p->line != q->line)
        return p->line < q->line ? -1 : 1;
    if (p->column != q->column)
        return p->column < q->column ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

/* Which file a place is in, from 1 in the order of reading; 0: none of them. */
static size_t file_rank(const struct cs_config *config, const struct cs_place *place)
{
    size_t rank = 1;

    for (const struct cs_config_file *f = config->files; f; f = f->next, rank++) {
        if (cs_str_eq(f->path, place->file))
            return rank;
    }
    return 0;
}

/* Whether the same was already said at the same place: a file that is included twice is also
 * read twice. @all[0..n) are kept and sorted. */
static bool is_repeat(const struct ranked *all, size_t n, const struct ranked *next)
{
    while (n-- > 0) {
        const struct cs_finding *a = all[n].finding, *b = next->finding;
        if (all[n].file != next->file || a->place.line != b->place.line ||
            a->place.column != b->place.column)
            return false;
        if (a->kind == b->kind && cs_str_eq(a->operands[0], b->operands[0]))
            return true;
    }
    return false;
}

static void forget_finding(struct cs_findings *findings, const struct cs_finding *finding)
{
    findings->n--;
    if (finding->kind->severity == CS_SEVERITY_ERROR)
        findings->n_errors--;
}

/* Sort the findings behind @before (NULL: all), each said once. */
static void sort_findings(struct cs_findings *findings, struct cs_finding *before,
                          const struct cs_config *config)
{
    struct cs_finding **link = before ? &before->next : &findings->first;
    struct ranked *all = cs_alloc((findings->n + 1) * sizeof(*all));
    size_t n = 0, n_kept = 0;

    for (struct cs_finding *f = *link; f; f = f->next) {
        all[n] = (struct ranked){f, file_rank(config, &f->place), n};
        n++;
    }
    qsort(all, n, sizeof(*all), compare_ranked);
    for (size_t i = 0; i < n; i++) {
        if (is_repeat(all, n_kept, &all[i])) {
            forget_finding(findings, all[i].finding);
            continue;
        }
        all[n_kept++] = all[i];
        *link = all[i].finding;
        link = &all[i].finding->next;
        findings->last = all[i].finding;
    }
    *link = NULL;
    free(all);
}

int cs_config_load(const struct cs_config_reader *reader, struct cs_str path, struct cs_str prefix,
                   struct cs_str extra, const struct cs_schema *schema, struct cs_arena *arena,
                   struct cs_findings *findings, struct cs_config **ret_config)
{
    const struct open_file parameter = {.path = CS_STR("command line"), .is_parameter = true};
    const struct open_file main_file = {.path = path};
    struct cs_finding *before = findings->last;
    struct loader loader = {
        .reader = reader, .prefix = prefix, .arena = arena, .findings = findings};
    int r;

    loader.config = CS_ARENA_NEW(arena, struct cs_config);
    loader.config->main = CS_ARENA_NEW(arena, struct cs_block);
    loader.config->main->context = CS_CTX_MAIN;
    if (extra.len > 0)
        parse_text(&loader, &parameter, extra, loader.config->main);
    r = load_file(&loader, &main_file, NULL, loader.config->main);
    cs_map_deinit(&loader.by_path);
    if (r < 0)
        return r;
    cs_config_check(loader.config, schema, arena, findings);
    sort_findings(findings, before, loader.config);
    *ret_config = loader.config;
    return 0;
}

/* --- looking things up ------------------------------------------------------------------ */

bool cs_directive_is(const struct cs_directive *directive, const char *name)
{
    return cs_str_eq(directive->name, cs_str_from(name));
}

struct cs_str cs_directive_arg(const struct cs_directive *directive, size_t i)
{
    return i < directive->n_args ? directive->args[i].text : (struct cs_str){"", 0};
}

const struct cs_directive *cs_block_find(const struct cs_block *block, const char *name)
{
    const struct cs_directive *d = block->first_name;

    while (d && !cs_directive_is(d, name))
        d = d->next_name;
    return d;
}

const struct cs_directive *cs_block_next(const struct cs_directive *directive)
{
    return directive->next_same;
}

const struct cs_directive *cs_block_nearest(const struct cs_block *block, const char *name)
{
    for (; block; block = block->parent) {
        const struct cs_directive *d = cs_block_find(block, name);
        if (d)
            return d;
    }
    return NULL;
}

void cs_config_refuse_value(struct cs_findings *findings, const struct cs_directive *directive,
                            const struct cs_word *word, struct cs_str hint)
{
    CS_FIND(findings, &cs_config_found_invalid_value, &word->place, word->text, directive->name,
            hint);
}
