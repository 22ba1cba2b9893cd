/* The statements of the rewrite phase. They see a request and change its variables, its path
 * or its answer; they never wait. */
#include "gateway/script.h"

#include "gateway/conn.h"
#include "gateway/conn_log.h"
#include "gateway/stage.h"
#include "gateway/state.h"
#include "http/escape.h"

enum { TARGET_MAX = 1 << 20 };

void cs_request_capture(struct cs_request *request, const struct cs_captures *captures)
{
    const struct cs_variables *variables = request->conn->worker->snapshot->variables;

    if (!captures->regex)
        return;
    request->captures = *captures;
    for (size_t i = 0; i < cs_regex_n_names(captures->regex); i++) {
        unsigned group = 0;
        int slot = cs_variables_slot(variables, cs_regex_name(captures->regex, i, &group));
        if (slot >= 0 && group < captures->n)
            request->slots[slot] = captures->groups[group];
    }
}

static bool is_true(struct cs_str value)
{
    return value.len && !cs_str_eq(value, CS_STR("0"));
}

/* 1, 0, or negative when the search could not be finished. */
static int matches(struct cs_request *request, const struct cs_op *op, struct cs_str value)
{
    struct cs_captures captures = {0};
    int r = op->regex ? cs_regex_match(op->regex, value, &captures) : 0;

    if (r > 0)
        cs_request_capture(request, &captures);
    return r;
}

static int condition_holds(struct cs_request *request, const struct cs_op *op)
{
    struct cs_str value = cs_request_variable(request, op->variable);

    switch (op->condition) {
    case CS_CONDITION_TRUTH: return is_true(value);
    case CS_CONDITION_EQUAL: return cs_str_eq(value, cs_request_eval(request, &op->text));
    case CS_CONDITION_NOT_EQUAL: return !cs_str_eq(value, cs_request_eval(request, &op->text));
    case CS_CONDITION_MATCH: return matches(request, op, value);
    case CS_CONDITION_NO_MATCH: {
        int r = matches(request, op, value);
        return r < 0 ? r : !r;
    }
    }
    return 0;
}

/* Neither a match nor none: going on would be a guess. */
static enum cs_script_result unsearchable(struct cs_request *request)
{
    cs_conn_log(request->conn, CS_LOG_ERROR, "a regular expression took too much work");
    request->next_stage = cs_answer(request->conn, 500);
    return CS_SCRIPT_ANSWERED;
}

static enum cs_script_result run_if(struct cs_request *request, const struct cs_op *op)
{
    int holds = condition_holds(request, op);

    if (holds < 0)
        return unsearchable(request);
    if (!holds)
        return CS_SCRIPT_GO_ON;
    if (op->scope)
        cs_request_set_scope(request, op->scope);
    return cs_script_run(request, &op->then);
}

static enum cs_script_result run_return(struct cs_request *request, const struct cs_op *op)
{
    if (op->status == 444) {
        request->next_stage = cs_close_silently(request->conn, op->status);
        return CS_SCRIPT_ANSWERED;
    }
    if (!cs_admit(request->conn))
        return CS_SCRIPT_ANSWERED;
    if (op->text.n == 0 && (op->status >= 300 || op->status == 0))
        request->next_stage = cs_answer(request->conn, op->status);
    else
        request->next_stage =
            cs_answer_text(request->conn, op->status, cs_request_eval(request, &op->text));
    return CS_SCRIPT_ANSWERED;
}

/* The value of @part; groups of the match are escaped for @place, as nginx does. */
static struct cs_str part_value(struct cs_request *request, const struct cs_template_part *part,
                                int place)
{
    const struct cs_variables *variables = request->conn->worker->snapshot->variables;
    struct cs_str value = cs_request_variable(request, part->variable);

    if (place < 0 || variables->items[part->variable].kind != CS_VARIABLE_CAPTURE)
        return value;
    return cs_escape_uri(value, (enum cs_escape)place, &request->arena);
}

/* The replacement, cut at the "?" that the configuration wrote: one that a client sent belongs to
 * the value it came in. Return: 0, or -ENOBUFS. */
static int replacement(struct cs_request *request, const struct cs_op *op, bool redirects,
                       struct cs_str *ret_path, struct cs_str *ret_args)
{
    struct cs_buf path, args, *to = &path;
    int place = redirects ? CS_ESCAPE_URI : -1, r = 0;

    cs_buf_init(&path, TARGET_MAX);
    cs_buf_init(&args, TARGET_MAX);
    for (size_t i = 0; i < op->text.n && r == 0; i++) {
        const struct cs_template_part *part = &op->text.parts[i];
        struct cs_str text = part->literal;
        if (part->variable >= 0) {
            r = cs_buf_add_str(to, part_value(request, part, place));
            continue;
        }
        if (to == &path) {
            struct cs_str before = cs_str_cut(&text, '?');
            r = cs_buf_add_str(to, before);
            if (!text.ptr)
                continue;
            to = &args;
            place = CS_ESCAPE_ARGS;
        }
        if (r == 0)
            r = cs_buf_add_str(to, text);
    }
    *ret_path = cs_arena_dup(&request->arena, cs_buf_str(&path));
    *ret_args = to == &args ? cs_arena_dup(&request->arena, cs_buf_str(&args)) : (struct cs_str){0};
    cs_buf_deinit(&path);
    cs_buf_deinit(&args);
    return r;
}

/* Arguments of the replacement come first, those of the request after, unless it ended in "?". */
static struct cs_str joined_args(struct cs_request *request, const struct cs_op *op,
                                 struct cs_str args)
{
    if (!args.ptr)
        return op->drop_args ? (struct cs_str){0} : request->args;
    if (op->drop_args || request->args.len == 0)
        return args;
    return cs_arena_printf(&request->arena, "%.*s&%.*s", CS_FMT(args), CS_FMT(request->args));
}

static enum cs_script_result run_rewrite(struct cs_request *request, const struct cs_op *op)
{
    bool redirects = op->flag == CS_REWRITE_REDIRECT || op->flag == CS_REWRITE_PERMANENT;
    struct cs_str uri, args;
    int r = matches(request, op, request->path);

    if (r < 0)
        return unsearchable(request);
    if (r == 0)
        return CS_SCRIPT_GO_ON;
    if (replacement(request, op, redirects, &uri, &args) < 0 || uri.len == 0) {
        cs_conn_log(request->conn, CS_LOG_ERROR, "the rewritten URI is %s",
                    uri.len ? "too long" : "empty");
        request->next_stage = cs_answer(request->conn, 500);
        return CS_SCRIPT_ANSWERED;
    }
    args = joined_args(request, op, args);
    if (redirects && !cs_admit(request->conn))
        return CS_SCRIPT_ANSWERED;
    if (redirects) {
        if (args.len)
            uri = cs_arena_printf(&request->arena, "%.*s?%.*s", CS_FMT(uri), CS_FMT(args));
        request->next_stage =
            cs_answer_text(request->conn, op->flag == CS_REWRITE_PERMANENT ? 301 : 302, uri);
        return CS_SCRIPT_ANSWERED;
    }
    request->args = args;
    request->path = uri;
    request->path_changed = true;
    request->origin = (struct cs_str){0};
    request->internal = true;
    if (op->flag == CS_REWRITE_BREAK)
        request->script_stopped = true;
    if (op->flag == CS_REWRITE_LAST)
        return CS_SCRIPT_RESTART;
    return CS_SCRIPT_GO_ON;
}

static enum cs_script_result run_op(struct cs_request *request, const struct cs_op *op)
{
    switch (op->kind) {
    case CS_OP_SET: request->slots[op->variable] = cs_request_eval(request, &op->text); break;
    case CS_OP_RETURN: return run_return(request, op);
    case CS_OP_IF: return run_if(request, op);
    case CS_OP_REWRITE: return run_rewrite(request, op);
    case CS_OP_BREAK: request->script_stopped = true; break;
    }
    return CS_SCRIPT_GO_ON;
}

enum cs_script_result cs_script_run(struct cs_request *request, const struct cs_script *script)
{
    for (size_t i = 0; i < script->n && !request->script_stopped; i++) {
        enum cs_script_result r = run_op(request, &script->ops[i]);
        if (r != CS_SCRIPT_GO_ON)
            return r;
    }
    return CS_SCRIPT_GO_ON;
}
