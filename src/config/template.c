/* A template is a list of parts. Compiling cuts the text at its variables; evaluating joins,
 * and joins nothing when there is only one part. */
#include "config/template.h"

#include "config/findings.h"

#include <errno.h>

/* What compiling needs to hand around. */
struct compiler {
    struct cs_str text;
    const struct cs_place *place;
    cs_variable_lookup_fn lookup;
    cs_variable_suggest_fn suggest;
    void *ctx;
    struct cs_findings *findings;
    struct cs_template_part *parts;
    size_t n;
    bool failed;
};

static bool is_name(char c)
{
    return (cs_lower(c) >= 'a' && cs_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* The place of the variable that is written as @written: found again in the line, as escapes
 * and quotes may have moved it. */
static struct cs_place place_of(const struct compiler *compiler, struct cs_str written)
{
    struct cs_place place = {0};
    ptrdiff_t at;

    if (!compiler->place)
        return place;
    place = *compiler->place;
    at = cs_str_search(cs_str_skip(place.text, place.column ? place.column - 1 : 0), written);
    if (at > 0)
        place.column += (unsigned)at;
    return place;
}

static void refuse(struct compiler *compiler, const struct cs_finding_kind *kind,
                   struct cs_str written, struct cs_str name)
{
    struct cs_place place = place_of(compiler, written);

    CS_FIND(compiler->findings, kind, &place, name);
    compiler->failed = true;
}

static void refuse_unknown(struct compiler *compiler, struct cs_str written, struct cs_str name)
{
    struct cs_str near = {0};
    struct cs_place place = place_of(compiler, written);

    if (compiler->suggest)
        near = compiler->suggest(compiler->ctx, name);
    CS_FIND(compiler->findings,
            near.len ? &cs_config_found_unknown_variable_near : &cs_config_found_unknown_variable,
            &place, name, near);
    compiler->failed = true;
}

static void add_literal(struct compiler *compiler, struct cs_str text)
{
    if (text.len > 0)
        compiler->parts[compiler->n++] = (struct cs_template_part){text, -1};
}

/* The length of the name at the start of @text; a capture is one digit. */
static size_t name_length(struct cs_str text, bool braced)
{
    size_t n = 0;

    if (!braced && text.len > 0 && text.ptr[0] >= '1' && text.ptr[0] <= '9')
        return 1;
    while (n < text.len && is_name(text.ptr[n]))
        n++;
    return n;
}

/* The variable at the start of @rest, which is a "$". Return: bytes it takes. */
static size_t add_variable(struct compiler *compiler, struct cs_str rest)
{
    bool braced = rest.len > 1 && rest.ptr[1] == '{';
    size_t start = braced ? 2 : 1;
    struct cs_str name = cs_str_sub(rest, start, name_length(cs_str_skip(rest, start), braced));
    size_t end = start + name.len;
    struct cs_str written = cs_str_sub(rest, 0, end);
    int variable;

    if (name.len == 0) {
        refuse(compiler, &cs_config_found_invalid_variable, written, name);
        return end;
    }
    if (braced && (end == rest.len || rest.ptr[end] != '}')) {
        refuse(compiler, &cs_config_found_variable_not_closed, written, name);
        return end;
    }
    variable = compiler->lookup(compiler->ctx, name);
    if (variable < 0)
        refuse_unknown(compiler, written, name);
    else
        compiler->parts[compiler->n++] = (struct cs_template_part){.variable = variable};
    return end + braced;
}

/* The most parts the text can have. */
static size_t count_parts(struct cs_str text)
{
    size_t n = 1;

    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == '$' ? 2 : 0;
    return n;
}

int cs_template_compile_suggest(struct cs_str text, const struct cs_place *place,
                                cs_variable_lookup_fn lookup, cs_variable_suggest_fn suggest,
                                void *ctx, struct cs_arena *arena, struct cs_findings *findings,
                                struct cs_template *ret_template)
{
    struct compiler compiler = {.text = text,
                                .place = place,
                                .lookup = lookup,
                                .suggest = suggest,
                                .ctx = ctx,
                                .findings = findings};

    compiler.parts = cs_arena_array(arena, count_parts(text), sizeof(*compiler.parts));
    while (text.len > 0) {
        ptrdiff_t dollar = cs_str_find(text, '$');
        size_t literal = dollar < 0 ? text.len : (size_t)dollar;
        add_literal(&compiler, cs_str_sub(text, 0, literal));
        text = cs_str_skip(text, literal);
        if (text.len > 0)
            text = cs_str_skip(text, add_variable(&compiler, text));
    }
    *ret_template = (struct cs_template){compiler.parts, compiler.n};
    return compiler.failed ? -EINVAL : 0;
}

int cs_template_compile(struct cs_str text, const struct cs_place *place,
                        cs_variable_lookup_fn lookup, void *ctx, struct cs_arena *arena,
                        struct cs_findings *findings, struct cs_template *ret_template)
{
    return cs_template_compile_suggest(text, place, lookup, NULL, ctx, arena, findings,
                                       ret_template);
}

bool cs_template_is_literal(const struct cs_template *template)
{
    return template->n == 0 || (template->n == 1 && template->parts[0].variable < 0);
}

struct cs_str cs_template_literal(const struct cs_template *template)
{
    return template->n > 0 ? template->parts[0].literal : CS_STR("");
}

static struct cs_str part_text(const struct cs_template_part *part, cs_variable_value_fn value,
                               void *ctx)
{
    return part->variable < 0 ? part->literal : value(ctx, part->variable);
}

struct cs_str cs_template_eval(const struct cs_template *template, struct cs_arena *arena,
                               cs_variable_value_fn value, void *ctx)
{
    struct cs_str few[8], *texts = few;
    size_t len = 0;
    char *out, *end;

    if (template->n == 0)
        return CS_STR("");
    if (template->n == 1)
        return part_text(&template->parts[0], value, ctx);
    if (template->n > sizeof(few) / sizeof(few[0]))
        texts = cs_arena_array(arena, template->n, sizeof(*texts));
    for (size_t i = 0; i < template->n; i++) {
        texts[i] = part_text(&template->parts[i], value, ctx);
        len += texts[i].len;
    }
    out = end = cs_arena_raw(arena, len + 1);
    for (size_t i = 0; i < template->n; i++) {
        if (texts[i].len > 0)
            end = mempcpy(end, texts[i].ptr, texts[i].len);
    }
    *end = '\0';
    return cs_str_make(out, len);
}
