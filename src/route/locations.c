/* Prefixes of one level lie in a sorted array. The longest that fits is the greatest name that
 * is not above the path, or, where that one does not fit, the same question asked of what both
 * have in common. */
#include "route/locations.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/mem.h"
#include "route/findings.h"

#include <errno.h>

/* A name and the one or two locations called so: prefix, exact. */
struct entry {
    struct cs_str name;
    struct cs_location *prefix;
    struct cs_location *exact;
};

struct cs_location {
    struct cs_arena *arena; /* the server's */
    struct cs_location *parent;
    enum cs_location_kind kind;
    struct cs_str name;
    void *value;
    bool redirect;

    struct entry *entries; /* sorted by name */
    size_t n_entries, cap;
    struct cs_regex *regex;                       /* this location's own */
    struct cs_location *first_regex, *last_regex; /* inside this one, in order */
    struct cs_location *next_regex;
    struct cs_location *next_owned; /* chain of all with something to free; from the server */
    struct cs_map named;            /* of the server */
};

static struct cs_location *server_of(struct cs_location *location)
{
    while (location->parent)
        location = location->parent;
    return location;
}

int cs_location_parse(const struct cs_str *params, size_t n, const struct cs_place *place,
                      struct cs_findings *findings, enum cs_location_kind *ret_kind,
                      struct cs_str *ret_name)
{
    static const struct {
        struct cs_str modifier;
        enum cs_location_kind kind;
    } rows[] = {
        {CS_STR_INIT("="), CS_LOCATION_EXACT},
        {CS_STR_INIT("^~"), CS_LOCATION_PREFIX_FINAL},
        {CS_STR_INIT("~*"), CS_LOCATION_REGEX_NOCASE},
        {CS_STR_INIT("~"), CS_LOCATION_REGEX},
    };

    cs_assert(n == 1 || n == 2);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool glued = n == 1 && cs_str_starts(params[0], rows[i].modifier);
        if (!glued && !(n == 2 && cs_str_eq(params[0], rows[i].modifier)))
            continue;
        *ret_kind = rows[i].kind;
        *ret_name = glued ? cs_str_skip(params[0], rows[i].modifier.len) : params[1];
        return 0;
    }
    if (n == 2) {
        CS_FIND(findings, &cs_route_found_location_modifier, place, params[0]);
        return -EINVAL;
    }
    *ret_kind = cs_str_starts(params[0], CS_STR("@")) ? CS_LOCATION_NAMED : CS_LOCATION_PREFIX;
    *ret_name = params[0];
    return 0;
}

struct cs_location *cs_location_new(void)
{
    struct cs_location *server = CS_NEW(struct cs_location);

    server->arena = CS_NEW(struct cs_arena);
    return server;
}

void cs_location_free(struct cs_location *server)
{
    if (!server)
        return;
    for (struct cs_location *l = server->next_owned; l; l = l->next_owned)
        cs_regex_free(l->regex);
    cs_map_deinit(&server->named);
    cs_arena_deinit(server->arena);
    free(server->arena);
    free(server);
}

static bool is_regex(enum cs_location_kind kind)
{
    return kind == CS_LOCATION_REGEX || kind == CS_LOCATION_REGEX_NOCASE;
}

/* nginx's rules about what may be where. NULL: it may. */
static const struct cs_finding_kind *misplaced(const struct cs_location *parent,
                                               enum cs_location_kind kind, struct cs_str name)
{
    if (!parent->parent)
        return NULL;
    if (parent->kind == CS_LOCATION_EXACT)
        return &cs_route_found_location_in_exact;
    if (parent->kind == CS_LOCATION_NAMED)
        return &cs_route_found_location_in_named;
    if (kind == CS_LOCATION_NAMED)
        return &cs_route_found_location_named_nested;
    if (!is_regex(kind) && !cs_str_starts(name, parent->name))
        return &cs_route_found_location_outside;
    return NULL;
}

/* The index of the greatest name that is not above @text, plus one; 0 when all are above. */
static size_t not_above(const struct cs_location *level, struct cs_str text)
{
    size_t low = 0, high = level->n_entries;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (cs_str_cmp(level->entries[middle].name, text) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct entry *find_entry(const struct cs_location *level, struct cs_str name)
{
    size_t i = not_above(level, name);

    return i && cs_str_eq(level->entries[i - 1].name, name) ? &level->entries[i - 1] : NULL;
}

/* The entry called @name, made in its place when there is none. */
static struct entry *get_entry(struct cs_location *level, struct cs_str name)
{
    size_t i = not_above(level, name);
    struct entry *grown = level->entries;

    if (i && cs_str_eq(level->entries[i - 1].name, name))
        return &level->entries[i - 1];
    if (level->n_entries == level->cap) {
        level->cap = level->cap ? level->cap * 2 : 8;
        grown = cs_arena_array(level->arena, level->cap, sizeof(*grown));
        if (i)
            memcpy(grown, level->entries, i * sizeof(*grown));
    }
    if (level->n_entries > i)
        memmove(grown + i + 1, level->entries + i, (level->n_entries - i) * sizeof(*grown));
    level->entries = grown;
    level->n_entries++;
    level->entries[i] = (struct entry){.name = name};
    return &level->entries[i];
}

/* Put @location where it is found again. Return: false when another has its name. */
static bool insert(struct cs_location *parent, struct cs_location *location)
{
    struct entry *entry;
    struct cs_location **place;

    if (location->kind == CS_LOCATION_NAMED) {
        if (cs_map_get(&parent->named, location->name))
            return false;
        cs_map_set(&parent->named, location->name, location);
        return true;
    }
    entry = get_entry(parent, location->name);
    place = location->kind == CS_LOCATION_EXACT ? &entry->exact : &entry->prefix;
    if (*place)
        return false;
    *place = location;
    return true;
}

static void insert_regex(struct cs_location *parent, struct cs_location *location)
{
    struct cs_location *server = server_of(parent);

    if (parent->last_regex)
        parent->last_regex->next_regex = location;
    else
        parent->first_regex = location;
    parent->last_regex = location;
    location->next_owned = server->next_owned;
    server->next_owned = location;
}

struct cs_location *cs_location_add(struct cs_location *parent, enum cs_location_kind kind,
                                    struct cs_str name, void *value, const struct cs_place *place,
                                    struct cs_findings *findings)
{
    const struct cs_finding_kind *wrong = misplaced(parent, kind, name);
    struct cs_location *location = CS_ARENA_NEW(parent->arena, struct cs_location);

    cs_assert(value != NULL);
    *location = (struct cs_location){.arena = parent->arena, .parent = parent, .kind = kind};
    location->name = cs_arena_dup(parent->arena, name);
    location->value = value;
    if (wrong) {
        CS_FIND(findings, wrong, place, name, parent->name);
        return NULL;
    }
    if (is_regex(kind)) {
        location->regex = cs_regex_compile(name, kind == CS_LOCATION_REGEX_NOCASE, place, findings);
        if (!location->regex)
            return NULL;
        insert_regex(parent, location);
    } else if (!insert(parent, location)) {
        CS_FIND(findings, &cs_route_found_location_duplicate, place, name);
        return NULL;
    }
    return location;
}

void cs_location_set_redirect(struct cs_location *location)
{
    location->redirect = !is_regex(location->kind) && cs_str_ends(location->name, CS_STR("/"));
}

static size_t common(struct cs_str a, struct cs_str b)
{
    size_t i = 0;

    while (i < a.len && i < b.len && a.ptr[i] == b.ptr[i])
        i++;
    return i;
}

/* The longest prefix location of one level that @path begins with. */
static const struct cs_location *longest(const struct cs_location *level, struct cs_str path)
{
    struct cs_str rest = path;
    size_t i;

    while ((i = not_above(level, rest)) > 0) {
        const struct entry *entry = &level->entries[i - 1];
        size_t len = common(entry->name, rest);

        if (len == entry->name.len && entry->prefix)
            return entry->prefix;
        if (len == entry->name.len && !len)
            return NULL;
        rest = cs_str_sub(rest, 0, len == entry->name.len ? len - 1 : len);
    }
    return NULL;
}

/* Order of a name and "@path/": <0, 0, >0. */
static int compare_slashed(struct cs_str name, struct cs_str path)
{
    int order = cs_str_cmp(cs_str_sub(name, 0, path.len), path);

    if (order)
        return order;
    return cs_str_cmp(cs_str_skip(name, path.len), CS_STR("/"));
}

/* The location "/x/" that wants a redirect, for the path "/x". */
static const struct cs_location *redirected(const struct cs_location *level, struct cs_str path)
{
    size_t low = 0, high = level->n_entries;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct entry *entry = &level->entries[middle];
        const struct cs_location *l = entry->exact ? entry->exact : entry->prefix;
        int order = compare_slashed(entry->name, path);

        if (!order)
            return l->redirect ? l : NULL;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int match_level(const struct cs_location *level, struct cs_str path,
                       struct cs_location_match *m, bool *ret_final);

static int match_regexes(const struct cs_location *level, struct cs_str path,
                         struct cs_location_match *m, bool *ret_final)
{
    bool unused;

    for (const struct cs_location *l = level->first_regex; l; l = l->next_regex) {
        int r = cs_regex_match(l->regex, path, &m->captures);
        if (r < 0)
            return r;
        if (r == 0)
            continue;
        m->value = l->value;
        *ret_final = true;
        return match_level(l, path, m, &unused);
    }
    return 0;
}

/* One level: what it finds goes to @m; *@ret_final when an outer level must not go on. */
static int match_level(const struct cs_location *level, struct cs_str path,
                       struct cs_location_match *m, bool *ret_final)
{
    const struct entry *exact = find_entry(level, path);
    const struct cs_location *prefix;
    int r = 0;

    *ret_final = true;
    if (exact && exact->exact) {
        m->value = exact->exact->value;
        return 0;
    }
    prefix = exact ? NULL : redirected(level, path);
    if (prefix) {
        m->value = prefix->value;
        m->redirect = true;
        return 0;
    }
    *ret_final = false;
    prefix = longest(level, path);
    if (prefix) {
        m->value = prefix->value;
        r = match_level(prefix, path, m, ret_final);
    }
    if (r < 0 || *ret_final || (prefix && prefix->kind == CS_LOCATION_PREFIX_FINAL))
        return r;
    return match_regexes(level, path, m, ret_final);
}

int cs_location_match(const struct cs_location *server, struct cs_str path,
                      struct cs_location_match *ret)
{
    bool unused;

    ret->value = NULL;
    ret->redirect = false;
    ret->captures.regex = NULL;
    ret->captures.n = 0;
    return match_level(server, path, ret, &unused);
}

void *cs_location_named(const struct cs_location *server, struct cs_str name)
{
    const struct cs_location *location = cs_map_get(&server->named, name);

    return location ? location->value : NULL;
}
