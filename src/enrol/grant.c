/* Members are copied out of the JSON at once, so that nothing of it outlives the call. */
#include "enrol/grant.h"

#include <jansson.h>

#include "base/time.h"

enum { CODE_MAX = 64 };

static json_t *load(struct cs_str body, struct cs_arena *arena, const char **ret_why)
{
    json_error_t error;
    json_t *object = json_loadb(body.ptr ? body.ptr : "", body.len, JSON_REJECT_DUPLICATES, &error);

    if (json_is_object(object))
        return object;
    *ret_why =
        object ? "it is JSON, but no object"
               : cs_arena_printf(arena, "it is not JSON: %s (line %d)", error.text, error.line).ptr;
    json_decref(object);
    return NULL;
}

static struct cs_str text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_string(value) ? cs_str_make(json_string_value(value), json_string_length(value))
                                 : (struct cs_str){0};
}

static const char *take_text(const json_t *object, const char *name, struct cs_arena *arena,
                             struct cs_str *ret_text)
{
    struct cs_str text = text_of(object, name);

    if (!text.ptr)
        return cs_arena_printf(arena, "it has no text \"%s\"", name).ptr;
    *ret_text = cs_arena_dup(arena, text);
    return NULL;
}

static const char *take_time(const json_t *object, const char *name, struct cs_arena *arena,
                             int64_t *ret_sec)
{
    if (cs_time_parse(text_of(object, name), ret_sec) < 0)
        return cs_arena_printf(arena, "it has no time \"%s\"", name).ptr;
    return NULL;
}

static const char *read_reply(const json_t *object, struct cs_arena *arena, struct cs_grant *grant)
{
    const char *why = take_text(object, "certificate", arena, &grant->certificate);

    why = why ? why : take_text(object, "chain", arena, &grant->chain);
    why = why ? why : take_text(object, "ca", arena, &grant->ca);
    return why ? why : take_time(object, "renew_at", arena, &grant->renew_at);
}

const char *cs_grant_read(struct cs_str body, struct cs_arena *arena, struct cs_grant *ret_grant)
{
    struct cs_grant grant;
    const char *why = NULL;
    json_t *object = load(body, arena, &why);

    if (!object)
        return why;
    why = read_reply(object, arena, &grant);
    json_decref(object);
    if (!why)
        *ret_grant = grant;
    return why;
}

/* ---- refusals ---- */

static bool is_code(struct cs_str code)
{
    for (size_t i = 0; i < code.len; i++) {
        char c = code.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return code.len > 0 && code.len <= CODE_MAX;
}

static const struct cs_finding *read_problem(const json_t *object, struct cs_arena *arena)
{
    struct cs_finding_kind *kind = CS_ARENA_NEW(arena, struct cs_finding_kind);
    struct cs_finding *finding = CS_ARENA_NEW(arena, struct cs_finding);
    struct cs_str code = text_of(object, "code"), title = text_of(object, "title");
    struct cs_str detail = text_of(object, "detail"), hint = text_of(object, "hint");

    if (!is_code(code) || !title.len)
        return NULL;
    *kind = (struct cs_finding_kind){
        .code = cs_arena_dup(arena, code).ptr,
        .severity = CS_SEVERITY_ERROR,
        .primary = "{0}",
        .detail = detail.len ? "{1}" : NULL,
        .hint = hint.len ? "{2}" : NULL,
    };
    *finding =
        (struct cs_finding){.kind = kind,
                            .operands = {cs_arena_dup(arena, title), cs_arena_dup(arena, detail),
                                         cs_arena_dup(arena, hint)}};
    return finding;
}

const struct cs_finding *cs_grant_problem(struct cs_str body, struct cs_arena *arena)
{
    const char *why = NULL;
    json_t *object = load(body, arena, &why);
    const struct cs_finding *finding = object ? read_problem(object, arena) : NULL;

    json_decref(object);
    return finding;
}
