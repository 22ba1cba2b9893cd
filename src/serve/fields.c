/* jansson reads; a table says what may be there. */
#include "serve/fields.h"

#include <jansson.h>

#include "serve/findings.h"

static const struct cs_field *find(const struct cs_field *fields, size_t n, struct cs_str name)
{
    for (size_t i = 0; i < n; i++) {
        if (cs_str_eq(cs_str_from(fields[i].name), name))
            return &fields[i];
    }
    return NULL;
}

/* For "did you mean". */
static struct cs_str nearest(const struct cs_field *fields, size_t n, struct cs_str name)
{
    struct cs_str best = {0};
    size_t least = 3;

    for (size_t i = 0; i < n; i++) {
        size_t distance = cs_str_distance(name, cs_str_from(fields[i].name));
        if (distance < least) {
            least = distance;
            best = cs_str_from(fields[i].name);
        }
    }
    return best;
}

static void refuse_unknown(const struct cs_field *fields, size_t n, struct cs_str name,
                           struct cs_findings *findings)
{
    struct cs_str near = nearest(fields, n, name);

    if (near.len)
        CS_FIND(findings, &cs_serve_found_field_misspelt, NULL, name, near);
    else
        CS_FIND(findings, &cs_serve_found_field_unknown, NULL, name);
}

static void check_number(const struct cs_field *field, const json_t *value, struct cs_arena *arena,
                         struct cs_findings *findings)
{
    json_int_t number = json_integer_value(value);

    if (number < field->min || number > field->max)
        CS_FIND(findings, &cs_serve_found_field_range, NULL, cs_str_from(field->name),
                cs_arena_printf(arena, "%lld", (long long)field->min),
                cs_arena_printf(arena, "%lld", (long long)field->max));
}

static void check_text(const struct cs_field *field, const json_t *value, struct cs_arena *arena,
                       struct cs_findings *findings)
{
    size_t len = json_string_length(value);

    if (len > (size_t)field->max)
        CS_FIND(findings, &cs_serve_found_field_too_long, NULL, cs_str_from(field->name),
                cs_arena_u64(arena, len), cs_arena_u64(arena, (uint64_t)field->max));
}

static void check_member(const struct cs_field *field, const json_t *value, struct cs_arena *arena,
                         struct cs_findings *findings)
{
    bool text = field->type == CS_FIELD_TEXT;

    if (text ? !json_is_string(value) : !json_is_integer(value))
        CS_FIND(findings, &cs_serve_found_field_type, NULL, cs_str_from(field->name),
                text ? CS_STR("a string") : CS_STR("a whole number"));
    else if (text)
        check_text(field, value, arena, findings);
    else
        check_number(field, value, arena, findings);
}

static void check(json_t *object, const struct cs_field *fields, size_t n, struct cs_arena *arena,
                  struct cs_findings *findings)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        const struct cs_field *field = find(fields, n, cs_str_from(key));
        if (field)
            check_member(field, value, arena, findings);
        else
            refuse_unknown(fields, n, cs_str_from(key), findings);
    }
    for (size_t i = 0; i < n; i++) {
        if (fields[i].required && !json_object_get(object, fields[i].name))
            CS_FIND(findings, &cs_serve_found_field_missing, NULL, cs_str_from(fields[i].name));
    }
}

static void take(const json_t *object, const struct cs_field *field, struct cs_arena *arena,
                 char *ret)
{
    const json_t *value = json_object_get(object, field->name);
    struct cs_str text;
    int64_t number;

    if (!value)
        return;
    if (field->type == CS_FIELD_TEXT) {
        text =
            cs_arena_dup(arena, cs_str_make(json_string_value(value), json_string_length(value)));
        memcpy(ret + field->offset, &text, sizeof(text));
    } else {
        number = json_integer_value(value);
        memcpy(ret + field->offset, &number, sizeof(number));
    }
}

int cs_fields_read(struct cs_str json, const struct cs_field *fields, size_t n,
                   struct cs_arena *arena, struct cs_findings *findings, void *ret)
{
    unsigned errors = findings->n_errors;
    json_error_t error;
    json_t *object = json_loadb(json.ptr ? json.ptr : "", json.len, JSON_REJECT_DUPLICATES, &error);

    if (!object)
        CS_FIND(findings, &cs_serve_found_body_not_json, NULL, cs_str_from(error.text));
    else if (!json_is_object(object))
        CS_FIND(findings, &cs_serve_found_body_not_json, NULL, CS_STR("it is not an object"));
    else
        check(object, fields, n, arena, findings);
    if (findings->n_errors == errors) {
        for (size_t i = 0; i < n; i++)
            take(object, &fields[i], arena, ret);
    }
    json_decref(object);
    return findings->n_errors > errors ? CS_FIELDS_REFUSED : 0;
}
