/* Keys are kept in lower case and texts are brought to it for the look-up; expressions see the
 * text as it came. Short texts, the usual ones, are lowered on the stack. */
#include "route/map.h"

#include "base/mem.h"
#include "route/findings.h"

#include <errno.h>

struct cs_keymap {
    struct cs_arena arena;
    struct cs_patterns patterns;
    void *fallback;
    bool hostnames;
};

struct cs_keymap *cs_keymap_new(void)
{
    struct cs_keymap *map = CS_NEW(struct cs_keymap);

    map->patterns.arena = &map->arena;
    return map;
}

void cs_keymap_free(struct cs_keymap *map)
{
    if (!map)
        return;
    cs_patterns_deinit(&map->patterns);
    cs_arena_deinit(&map->arena);
    free(map);
}

void cs_keymap_set_hostnames(struct cs_keymap *map)
{
    map->hostnames = true;
}

static int add_default(struct cs_keymap *map, void *value, const struct cs_place *place,
                       struct cs_findings *findings)
{
    if (map->fallback) {
        CS_FIND0(findings, &cs_route_found_map_default_duplicate, place);
        return -EINVAL;
    }
    map->fallback = value;
    return 0;
}

static int add_regex(struct cs_keymap *map, struct cs_str key, void *value,
                     const struct cs_place *place, struct cs_findings *findings)
{
    bool nocase = cs_str_starts(key, CS_STR("~*"));
    struct cs_regex *regex =
        cs_regex_compile(cs_str_skip(key, nocase ? 2 : 1), nocase, place, findings);

    if (!regex)
        return -EINVAL;
    cs_patterns_add_regex(&map->patterns, regex, value);
    return 0;
}

static struct cs_str lower(struct cs_str text, char *buf)
{
    for (size_t i = 0; i < text.len; i++)
        buf[i] = cs_lower(text.ptr[i]);
    return cs_str_make(buf, text.len);
}

int cs_keymap_add(struct cs_keymap *map, struct cs_str key, void *value,
                  const struct cs_place *place, struct cs_findings *findings)
{
    struct cs_str text = key;
    int r;

    if (cs_str_eq(key, CS_STR("default")))
        return add_default(map, value, place, findings);
    if (key.len && key.ptr[0] == '~')
        return add_regex(map, key, value, place, findings);
    if (key.len && key.ptr[0] == '\\')
        text = cs_str_skip(key, 1);
    text = lower(text, cs_arena_raw(&map->arena, text.len));
    r = cs_patterns_add(&map->patterns, text, map->hostnames, value);
    if (r == -EEXIST)
        CS_FIND(findings, &cs_route_found_map_key_conflicting, place, key);
    if (r == -EINVAL)
        CS_FIND(findings, &cs_route_found_map_key_invalid, place, key);
    return r < 0 ? -EINVAL : 0;
}

int cs_keymap_find(const struct cs_keymap *map, struct cs_str text,
                   struct cs_captures *ret_captures, void **ret_value)
{
    char small[256];
    cs_cleanup(cs_free_p) char *large = NULL;
    struct cs_str key = text;
    int r;

    if (map->hostnames && key.len && key.ptr[key.len - 1] == '.')
        key.len--;
    if (key.len > sizeof(small))
        large = cs_alloc(key.len);
    r = cs_patterns_find(&map->patterns, lower(key, large ? large : small), text, ret_captures,
                         ret_value);
    if (r == 0 && !*ret_value)
        *ret_value = map->fallback;
    return r;
}
