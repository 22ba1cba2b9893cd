/* A configured name gets the spelling that cs_host_canon() gives a name that is asked for, so
 * that SNI, Host and configuration meet in one form. */
#include "route/names.h"

#include "base/mem.h"
#include "http/host.h"
#include "route/findings.h"

#include <errno.h>

struct cs_names {
    struct cs_arena arena;
    struct cs_str listener;
    struct cs_patterns patterns;
};

struct cs_names *cs_names_new(struct cs_str listener)
{
    struct cs_names *names = CS_NEW(struct cs_names);

    names->listener = cs_arena_dup(&names->arena, listener);
    names->patterns.arena = &names->arena;
    return names;
}

void cs_names_free(struct cs_names *names)
{
    if (!names)
        return;
    cs_patterns_deinit(&names->patterns);
    cs_arena_deinit(&names->arena);
    free(names);
}

static int add_regex(struct cs_names *names, struct cs_str pattern, void *value,
                     const struct cs_place *place, struct cs_findings *findings)
{
    struct cs_regex *regex = cs_regex_compile(pattern, true, place, findings);

    if (!regex)
        return -EINVAL;
    cs_patterns_add_regex(&names->patterns, regex, value);
    return 0;
}

/* Lower case, without the dot that ends a name; wildcards pass as they are. */
static struct cs_str canonical(struct cs_str text, struct cs_arena *arena)
{
    struct cs_str canon;
    char buf[CS_HOST_TEXT], *lower;

    if (cs_host_canon(text, buf, &canon) == 0)
        return cs_arena_dup(arena, canon);
    if (text.len > 1 && text.ptr[text.len - 1] == '.')
        text.len--;
    lower = cs_arena_raw(arena, text.len);
    for (size_t i = 0; i < text.len; i++)
        lower[i] = cs_lower(text.ptr[i]);
    return cs_str_make(lower, text.len);
}

int cs_names_add(struct cs_names *names, struct cs_str text, void *value,
                 const struct cs_place *place, struct cs_findings *findings)
{
    struct cs_str name;
    int r;

    if (text.len && text.ptr[0] == '~')
        return add_regex(names, cs_str_skip(text, 1), value, place, findings);
    if (cs_str_find(text, '/') >= 0)
        CS_FIND(findings, &cs_route_found_name_suspicious, place, text);
    name = canonical(text, &names->arena);
    r = cs_patterns_add(&names->patterns, name, true, value);
    if (r == -EEXIST) {
        CS_FIND(findings, &cs_route_found_name_conflicting, place, text, names->listener);
        return 0;
    }
    if (r < 0)
        CS_FIND(findings, &cs_route_found_name_invalid, place, text);
    return r;
}

int cs_names_find(const struct cs_names *names, struct cs_str host,
                  struct cs_captures *ret_captures, void **ret_value)
{
    return cs_patterns_find(&names->patterns, host, host, ret_captures, ret_value);
}
