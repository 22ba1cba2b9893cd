/* Three hashes and a list. A wildcard is looked up by cutting the text at each dot, longest
 * rest first, so the work is bounded by the number of labels and not by the number of names. */
#include "route/patterns.h"

#include <errno.h>

struct cs_pattern_regex {
    struct cs_regex *regex;
    void *value;
    struct cs_pattern_regex *next;
};

void cs_patterns_deinit(struct cs_patterns *patterns)
{
    for (struct cs_pattern_regex *r = patterns->first; r; r = r->next)
        cs_regex_free(r->regex);
    cs_map_deinit(&patterns->exact);
    cs_map_deinit(&patterns->head);
    cs_map_deinit(&patterns->tail);
    *patterns = (struct cs_patterns){.arena = patterns->arena};
}

static int add_exact(struct cs_patterns *patterns, struct cs_str text, void *value)
{
    if (!text.len && patterns->empty)
        return -EEXIST;
    if (!text.len) {
        patterns->empty = value;
        return 0;
    }
    if (cs_map_get(&patterns->exact, text))
        return -EEXIST;
    cs_map_set(&patterns->exact, cs_arena_dup(patterns->arena, text), value);
    return 0;
}

static int add_wild(struct cs_patterns *patterns, struct cs_map *map, struct cs_str rest,
                    void *value)
{
    if (cs_map_get(map, rest))
        return -EEXIST;
    cs_map_set(map, cs_arena_dup(patterns->arena, rest), value);
    return 0;
}

/* ".example.com" is example.com and *.example.com, both or none. */
static int add_both(struct cs_patterns *patterns, struct cs_str rest, void *value)
{
    if (cs_map_get(&patterns->exact, rest))
        return -EEXIST;
    return add_wild(patterns, &patterns->head, rest, value) ?: add_exact(patterns, rest, value);
}

static bool is_plain(struct cs_str text)
{
    return text.len && cs_str_find(text, '*') < 0 && cs_str_search(text, CS_STR("..")) < 0;
}

int cs_patterns_add(struct cs_patterns *patterns, struct cs_str text, bool wildcards, void *value)
{
    struct cs_str suffix = cs_str_skip(text, 2), all = cs_str_skip(text, 1), prefix;

    if (!wildcards || !text.len)
        return add_exact(patterns, text, value);
    if (text.ptr[0] == '.' && is_plain(all))
        return add_both(patterns, all, value);
    if (cs_str_starts(text, CS_STR("*.")) && is_plain(suffix))
        return add_wild(patterns, &patterns->head, suffix, value);
    prefix = cs_str_sub(text, 0, text.len >= 2 ? text.len - 2 : 0);
    if (cs_str_ends(text, CS_STR(".*")) && is_plain(prefix))
        return add_wild(patterns, &patterns->tail, prefix, value);
    return is_plain(text) ? add_exact(patterns, text, value) : -EINVAL;
}

void cs_patterns_add_regex(struct cs_patterns *patterns, struct cs_regex *regex, void *value)
{
    struct cs_pattern_regex *r = CS_ARENA_NEW(patterns->arena, struct cs_pattern_regex);

    *r = (struct cs_pattern_regex){regex, value, NULL};
    if (patterns->last)
        patterns->last->next = r;
    else
        patterns->first = r;
    patterns->last = r;
}

static void *find_head(const struct cs_map *head, struct cs_str text)
{
    void *value = NULL;

    for (size_t i = 1; i < text.len && head->n_items && !value; i++)
        if (text.ptr[i] == '.')
            value = cs_map_get(head, cs_str_skip(text, i + 1));
    return value;
}

static void *find_tail(const struct cs_map *tail, struct cs_str text)
{
    void *value = NULL;

    for (size_t i = text.len; i > 1 && tail->n_items && !value; i--)
        if (text.ptr[i - 1] == '.')
            value = cs_map_get(tail, cs_str_sub(text, 0, i - 1));
    return value;
}

static int find_regex(const struct cs_patterns *patterns, struct cs_str text,
                      struct cs_captures *ret_captures, void **ret_value)
{
    *ret_value = NULL;
    for (const struct cs_pattern_regex *r = patterns->first; r; r = r->next) {
        int matched = cs_regex_match(r->regex, text, ret_captures);
        if (matched < 0)
            return matched;
        if (matched) {
            *ret_value = r->value;
            return 0;
        }
    }
    return 0;
}

int cs_patterns_find(const struct cs_patterns *patterns, struct cs_str lower, struct cs_str text,
                     struct cs_captures *ret_captures, void **ret_value)
{
    void *value = lower.len ? cs_map_get(&patterns->exact, lower) : patterns->empty;

    ret_captures->regex = NULL;
    ret_captures->n = 0;
    if (!value)
        value = find_head(&patterns->head, lower);
    if (!value)
        value = find_tail(&patterns->tail, lower);
    if (!value)
        return find_regex(patterns, text, ret_captures, ret_value);
    *ret_value = value;
    return 0;
}
