/* The rewrite statements: set, return, if, break, rewrite, in the order of the file. */
#include "route/regex.h"
#include "snapshot/build.h"

const struct cs_regex *cs_build_regex(struct cs_build *build, struct cs_str pattern,
                                      bool ignore_case, const struct cs_word *word)
{
    struct cs_regex *regex = cs_regex_compile(pattern, ignore_case, &word->place, build->findings);

    if (regex)
        cs_build_own(build, CS_OWNED_REGEX, regex);
    return regex;
}

/* "$name" → the index of its variable, or -1 after a finding. */
static int variable_at(struct cs_build *build, const struct cs_word *word, struct cs_str text)
{
    int index = -1;

    if (text.len > 1 && text.ptr[0] == '$')
        index = cs_variables_lookup(build->snapshot->variables, cs_str_skip(text, 1));
    if (index < 0)
        CS_FIND(build->findings, &cs_finding_bad_variable, &word->place, text);
    return index;
}

static void build_set(struct cs_build *build, const struct cs_directive *d, struct cs_op *op)
{
    struct cs_variables *v = build->snapshot->variables;
    struct cs_str name = cs_directive_arg(d, 0);
    int index;

    op->kind = CS_OP_SET;
    if (name.len < 2 || name.ptr[0] != '$') {
        CS_FIND(build->findings, &cs_finding_bad_variable, &d->args[0].place, name);
        return;
    }
    index = cs_variables_define_slot(v, cs_str_skip(name, 1));
    if (index < 0) {
        CS_FIND(build->findings, &cs_finding_fixed_variable, &d->args[0].place,
                cs_str_skip(name, 1));
        return;
    }
    op->variable = v->items[index].id;
    op->text = cs_variables_compile(v, &d->args[1], build->findings);
}

static bool is_url(struct cs_str text)
{
    return cs_str_starts_nocase(text, CS_STR("http://")) ||
           cs_str_starts_nocase(text, CS_STR("https://")) || cs_str_starts(text, CS_STR("$scheme"));
}

static void build_return(struct cs_build *build, const struct cs_directive *d, struct cs_op *op)
{
    uint64_t status = 0;

    op->kind = CS_OP_RETURN;
    if (cs_str_to_u64(d->args[0].text, 999, &status) < 0) {
        if (d->n_args > 1 || !is_url(d->args[0].text)) {
            CS_FIND(build->findings, &cs_finding_bad_return, &d->args[0].place, d->args[0].text);
            return;
        }
        op->status = 302;
        op->text = cs_variables_compile(build->snapshot->variables, &d->args[0], build->findings);
        return;
    }
    op->status = (int)status;
    if (d->n_args > 1)
        op->text = cs_variables_compile(build->snapshot->variables, &d->args[1], build->findings);
}

/* The words of an if without its parentheses, wherever they were glued on. */
static size_t condition_words(struct cs_build *build, const struct cs_directive *d,
                              struct cs_word words[3])
{
    size_t n = 0;

    for (size_t i = 0; i < d->n_args; i++) {
        struct cs_word word = d->args[i];
        if (i == 0) {
            if (word.text.len == 0 || word.text.ptr[0] != '(')
                return 0;
            word.text = cs_str_skip(word.text, 1);
        }
        if (i == d->n_args - 1) {
            if (word.text.len == 0 || word.text.ptr[word.text.len - 1] != ')')
                return 0;
            word.text.len--;
        }
        if (word.text.len == 0 && !word.quoted && (i == 0 || i == d->n_args - 1))
            continue;
        if (n == 3)
            return 0;
        words[n++] = word;
    }
    return n;
}

static void build_comparison(struct cs_build *build, const struct cs_word words[3],
                             struct cs_op *op)
{
    struct cs_str how = words[1].text;
    bool negated = how.len && how.ptr[0] == '!';

    if (cs_str_eq(how, CS_STR("=")) || cs_str_eq(how, CS_STR("!="))) {
        op->condition = negated ? CS_CONDITION_NOT_EQUAL : CS_CONDITION_EQUAL;
        op->text = cs_variables_compile(build->snapshot->variables, &words[2], build->findings);
        return;
    }
    if (negated)
        how = cs_str_skip(how, 1);
    if (!cs_str_eq(how, CS_STR("~")) && !cs_str_eq(how, CS_STR("~*"))) {
        CS_FIND(build->findings, &cs_finding_bad_condition, &words[1].place, words[1].text);
        return;
    }
    op->condition = negated ? CS_CONDITION_NO_MATCH : CS_CONDITION_MATCH;
    op->regex = cs_build_regex(build, words[2].text, how.len == 2, &words[2]);
}

static void build_if(struct cs_build *build, const struct cs_directive *d, struct cs_scope *scope,
                     struct cs_op *op)
{
    struct cs_word words[3];
    size_t n = condition_words(build, d, words);

    op->kind = CS_OP_IF;
    if (n == 2 && words[0].text.len &&
        (words[0].text.ptr[0] == '-' || words[0].text.ptr[0] == '!')) {
        CS_FIND0(build->findings, &cs_finding_file_condition, &words[0].place);
        return;
    }
    if (n != 1 && n != 3) {
        CS_FIND(build->findings, &cs_finding_bad_condition, &d->place,
                d->n_args ? d->args[0].text : CS_STR(""));
        return;
    }
    op->variable = variable_at(build, &words[0], words[0].text);
    op->condition = CS_CONDITION_TRUTH;
    if (n == 3)
        build_comparison(build, words, op);
    if (scope) {
        op->scope = cs_build_scope(build, d->block, scope->server, scope->pattern);
        op->scope->internal = scope->internal;
        op->then = op->scope->script;
    } else {
        op->then = cs_build_script(build, d->block, NULL);
    }
}

static void build_rewrite(struct cs_build *build, const struct cs_directive *d, struct cs_op *op)
{
    static const struct {
        struct cs_str word;
        enum cs_rewrite_flag flag;
    } flags[] = {{CS_STR_INIT("last"), CS_REWRITE_LAST},
                 {CS_STR_INIT("break"), CS_REWRITE_BREAK},
                 {CS_STR_INIT("redirect"), CS_REWRITE_REDIRECT},
                 {CS_STR_INIT("permanent"), CS_REWRITE_PERMANENT}};
    struct cs_word text = d->args[1];
    bool known = d->n_args == 2, url = is_url(text.text);

    op->kind = CS_OP_REWRITE;
    op->regex = cs_build_regex(build, d->args[0].text, false, &d->args[0]);
    for (size_t i = 0; d->n_args == 3 && i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (cs_str_eq(d->args[2].text, flags[i].word)) {
            op->flag = flags[i].flag;
            known = true;
        }
    }
    if (url && op->flag != CS_REWRITE_PERMANENT) /* it leaves this server, whatever the flag */
        op->flag = CS_REWRITE_REDIRECT;
    if (!known)
        cs_config_refuse_value(build->findings, d, &d->args[2],
                               CS_STR("last, break, redirect or permanent"));
    if (text.text.len && text.text.ptr[text.text.len - 1] == '?') {
        op->drop_args = true;
        text.text.len--;
    }
    op->text = cs_variables_compile(build->snapshot->variables, &text, build->findings);
}

/* Fills @op. Return: whether @d is a statement at all. */
static bool build_op(struct cs_build *build, const struct cs_directive *d, struct cs_scope *scope,
                     struct cs_op *op)
{
    if (!d->row)
        return false;
    if (cs_directive_is(d, "set"))
        build_set(build, d, op);
    else if (cs_directive_is(d, "return"))
        build_return(build, d, op);
    else if (cs_directive_is(d, "break"))
        op->kind = CS_OP_BREAK;
    else if (cs_directive_is(d, "rewrite"))
        build_rewrite(build, d, op);
    else if (cs_directive_is(d, "if") && d->block)
        build_if(build, d, scope, op);
    else
        return false;
    return true;
}

struct cs_script cs_build_script(struct cs_build *build, const struct cs_block *block,
                                 struct cs_scope *scope)
{
    struct cs_script script = {0};
    size_t n = 0;

    for (const struct cs_directive *d = block->first; d; d = d->next)
        n++;
    script.ops = cs_arena_array(build->arena, n, sizeof(*script.ops));
    for (const struct cs_directive *d = block->first; d; d = d->next) {
        if (build_op(build, d, scope, &script.ops[script.n]))
            script.n++;
    }
    return script;
}
