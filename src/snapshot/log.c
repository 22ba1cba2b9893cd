/* log_format, access_log, error_log and mtls_failure_log: formats compiled once, every file listed
 * once. */
#include <errno.h>
#include <inttypes.h>

#include "config/value.h"
#include "base/level.h"
#include "snapshot/build.h"

static const char combined[] = "$remote_addr - $remote_user [$time_local] \"$request\" "
                               "$status $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";

static struct cs_log_format *add_format(struct cs_build *build, struct cs_str name)
{
    struct cs_log_format *format = CS_ARENA_NEW(build->arena, struct cs_log_format);

    format->name = name;
    cs_map_set(&build->formats, name, format);
    return format;
}

/* The texts of a log_format are one text. Places stay those of the first word. */
static void compile_format(struct cs_build *build, const struct cs_directive *directive)
{
    struct cs_str name = cs_directive_arg(directive, 0), text = {0};
    struct cs_log_format *format;
    size_t first = 1;

    if (cs_map_get(&build->formats, name)) {
        CS_FIND(build->findings, &cs_finding_duplicate_format, &directive->args[0].place, name);
        return;
    }
    format = add_format(build, name);
    if (cs_str_starts(directive->args[1].text, CS_STR("escape="))) {
        struct cs_str how = cs_str_skip(directive->args[1].text, 7);
        if (cs_str_eq(how, CS_STR("json")))
            format->escape = CS_LOG_ESCAPE_JSON;
        else if (cs_str_eq(how, CS_STR("none")))
            format->escape = CS_LOG_ESCAPE_NONE;
        else if (!cs_str_eq(how, CS_STR("default")))
            CS_FIND(build->findings, &cs_finding_bad_parameter, &directive->args[1].place, how,
                    directive->name, CS_STR("escape=default, escape=json, escape=none"));
        first = 2;
    }
    for (size_t i = first; i < directive->n_args; i++)
        text = cs_arena_cat(build->arena, text, directive->args[i].text);
    format->text = cs_variables_compile_text(
        build->snapshot->variables, text,
        &directive->args[first < directive->n_args ? first : 0].place, build->findings);
}

void cs_build_log_formats(struct cs_build *build)
{
    struct cs_log_format *standard = add_format(build, CS_STR("combined"));

    standard->text = cs_variables_compile_text(build->snapshot->variables, cs_str_from(combined),
                                               NULL, build->findings);
    for (const struct cs_directive *d = cs_block_find(build->http, "log_format"); d;
         d = cs_block_next(d))
        compile_format(build, d);
}

/* Place of a log among the snapshot's, for the map. */
struct cs_log_number {
    size_t number;
};

/* The index of a log file, listed once; @level only tells error logs apart. */
static size_t find_log(struct cs_build *build, struct cs_log_spec wanted)
{
    struct cs_snapshot *s = build->snapshot;
    struct cs_str key =
        cs_arena_printf(build->arena, "%d %d %" PRIu64 " %" PRId64 " %.*s", wanted.access,
                        wanted.level, wanted.buffer, wanted.flush_ms, CS_FMT(wanted.path));
    struct cs_log_number *known = cs_map_get(&build->logs, key);

    if (known)
        return known->number;
    known = CS_ARENA_NEW(build->arena, struct cs_log_number);
    known->number = s->n_logs;
    cs_map_set(&build->logs, key, known);
    s->logs = cs_build_grow(build, s->logs, s->n_logs, sizeof(*s->logs));
    s->logs[s->n_logs] = wanted;
    return s->n_logs++;
}

/* What stands for a log in a directive: a path behind the prefix, or "stderr". */
static bool log_path(struct cs_build *build, const struct cs_word *word, struct cs_str *ret_path)
{
    if (cs_str_starts(word->text, CS_STR("syslog:")) ||
        cs_str_starts(word->text, CS_STR("memory:"))) {
        CS_FIND(build->findings, &cs_finding_syslog, &word->place, word->text);
        return false;
    }
    if (cs_str_find(word->text, '$') >= 0) {
        CS_FIND(build->findings, &cs_finding_variable_log, &word->place, word->text);
        return false;
    }
    if (cs_str_eq(word->text, CS_STR("stderr")))
        *ret_path = CS_STR("stderr"); /* ends with a NUL, as every path of a log does */
    else
        *ret_path = cs_build_path(build, word->text);
    return true;
}

/* The nearest block around @block that names an error log. */
static const struct cs_directive *first_error_log(const struct cs_block *block)
{
    const struct cs_directive *d = NULL;

    for (; block && !d; block = block->parent)
        d = cs_block_find(block, "error_log");
    return d;
}

const size_t *cs_build_error_logs(struct cs_build *build, const struct cs_block *block,
                                  size_t *ret_n)
{
    const struct cs_directive *first = first_error_log(block);
    struct cs_log_spec standard = {
        .path = build->options->error_log,
        .level = build->options->error_log_level ? build->options->error_log_level : CS_LOG_ERROR};
    size_t n = 0, *indexes;

    for (const struct cs_directive *d = first; d; d = cs_block_next(d))
        n++;
    indexes = cs_arena_array(build->arena, n + 1, sizeof(*indexes));
    n = 0;
    for (const struct cs_directive *d = first; d; d = cs_block_next(d)) {
        struct cs_log_spec spec = {.level = CS_LOG_ERROR};
        enum cs_log_level level;
        if (d->n_args == 0 || !log_path(build, &d->args[0], &spec.path))
            continue;
        if (d->n_args > 1 && cs_log_level_parse(d->args[1].text, &level) == 0)
            spec.level = level;
        indexes[n++] = find_log(build, spec);
    }
    if (!first)
        indexes[n++] = find_log(build, standard);
    *ret_n = n;
    return indexes;
}

static bool buffer_parameter(struct cs_build *build, const struct cs_word *word,
                             struct cs_log_spec *spec, struct cs_access_log *log)
{
    struct cs_str value = word->text, key = cs_str_cut(&value, '=');

    if (!value.ptr)
        return false;
    if (cs_str_eq(key, CS_STR("buffer")))
        return cs_value_size(value, &spec->buffer) == 0;
    if (cs_str_eq(key, CS_STR("flush")))
        return cs_value_msec(value, &spec->flush_ms) == 0;
    if (cs_str_eq(key, CS_STR("if"))) {
        log->conditional = true;
        log->condition = cs_variables_compile_text(build->snapshot->variables, value, &word->place,
                                                   build->findings);
        return true;
    }
    return false;
}

static void add_access_log(struct cs_build *build, const struct cs_directive *d,
                           struct cs_scope *scope)
{
    struct cs_access_log log = {.format = cs_map_get(&build->formats, CS_STR("combined"))};
    struct cs_log_spec spec = {.access = true};

    if (!log_path(build, &d->args[0], &spec.path))
        return;
    for (size_t i = 1; i < d->n_args; i++) {
        if (cs_str_starts(d->args[i].text, CS_STR("gzip"))) {
            CS_FIND(build->findings, &cs_finding_unsupported_parameter, &d->args[i].place,
                    d->args[i].text, d->name, CS_STR("logs are written as text"));
        } else if (i == 1 && cs_str_find(d->args[i].text, '=') < 0) {
            log.format = cs_map_get(&build->formats, d->args[i].text);
            if (!log.format)
                CS_FIND(build->findings, &cs_finding_unknown_format, &d->args[i].place,
                        d->args[i].text);
        } else if (!buffer_parameter(build, &d->args[i], &spec, &log)) {
            CS_FIND(build->findings, &cs_finding_bad_parameter, &d->args[i].place, d->args[i].text,
                    d->name, CS_STR("buffer=size, flush=time, if=condition"));
        }
    }
    if (spec.flush_ms && !spec.buffer)
        CS_FIND(build->findings, &cs_finding_flush, &d->place, spec.path);
    log.log = find_log(build, spec);
    scope->logs[scope->n_logs++] = log;
}

/* Where requests are logged when the configuration says nothing. */
static void default_access_log(struct cs_build *build, struct cs_scope *scope)
{
    struct cs_log_spec spec = {.access = true};

    if (!build->options->default_access_log.len)
        return;
    spec.path = cs_build_path(build, build->options->default_access_log);
    scope->logs[scope->n_logs++] = (struct cs_access_log){
        .log = find_log(build, spec), .format = cs_map_get(&build->formats, CS_STR("combined"))};
}

void cs_build_access_logs(struct cs_build *build, struct cs_scope *scope)
{
    const struct cs_directive_list *list = &scope->set.access_log;

    scope->logs = cs_arena_array(build->arena, list->n + 1, sizeof(*scope->logs));
    if (list->n == 0) {
        default_access_log(build, scope);
        return;
    }
    for (size_t i = 0; i < list->n; i++) {
        if (cs_str_eq(cs_directive_arg(list->items[i], 0), CS_STR("off"))) {
            scope->n_logs = 0;
            return;
        }
        add_access_log(build, list->items[i], scope);
    }
}

static void add_failure_log(struct cs_build *build, const struct cs_directive *d,
                            struct cs_vserver *server)
{
    struct cs_failure_log log = {.json = true};
    struct cs_log_spec spec = {.access = true};

    if (!log_path(build, &d->args[0], &spec.path))
        return;
    if (d->n_args > 1 && cs_str_eq(d->args[1].text, CS_STR("format=text")))
        log.json = false;
    else if (d->n_args > 1 && !cs_str_eq(d->args[1].text, CS_STR("format=json")))
        CS_FIND(build->findings, &cs_finding_bad_parameter, &d->args[1].place, d->args[1].text,
                d->name, CS_STR("format=json, format=text"));
    log.log = find_log(build, spec);
    server->failure_logs[server->n_failure_logs++] = log;
}

void cs_build_failure_logs(struct cs_build *build, struct cs_vserver *server)
{
    const struct cs_directive_list *list = &server->set.failure_log;

    server->failure_logs = cs_arena_array(build->arena, list->n + 1, sizeof(*server->failure_logs));
    for (size_t i = 0; i < list->n; i++) {
        if (cs_str_eq(cs_directive_arg(list->items[i], 0), CS_STR("off"))) {
            server->n_failure_logs = 0;
            return;
        }
        add_failure_log(build, list->items[i], server);
    }
}
